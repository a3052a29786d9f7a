"""How much one categorical variable tells of another, from the counts of their combinations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaincc, xlogy

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

DRAWS = 199
#: From here on in every cell, by the margins, chance follows its large-sample limit; below, tables are drawn.
LARGE_EXPECTED = 5.0
#: Above this, drawing tables costs more than it tells.
MOST_CELLS = 200_000
_CELLS_AT_ONCE = 1 << 22
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How much a variable X tells of another, A.

    ``value`` is ``(I - E) / (H - E)``: mutual information less what chance brings, over the entropy of A less the same; 0
    where X tells nothing that chance would not, 1 where it tells A without error. ``plain`` is ``I / H``. ``p`` is the
    probability of an ``I`` as large without any association; ``test`` is ``g`` or ``permutation-gamma``. ``low`` and ``high``
    are a 95 % interval of the value.
    """

    value: float
    plain: float
    low: float
    high: float
    p: float
    test: str
    by_chance: float


def entropy(counts: npt.ArrayLike) -> float:
    """``- sum p ln p`` of counts, in nats; 0 without any."""
    shares = np.asarray(counts, dtype=np.float64).ravel()
    total = shares.sum()
    return float(-xlogy(shares / total, shares / total).sum()) if total > 0 else 0.0


def mutual_information(table: npt.ArrayLike) -> float:
    """``I(X; A) = H(X) + H(A) - H(X, A)`` in nats, at least 0.

    Parameters
    ----------
    table : array of counts, shape (x, a)

    Examples
    --------
    >>> round(mutual_information([[10, 0], [0, 10]]), 6)
    0.693147
    """
    counts = np.asarray(table, dtype=np.float64)
    return max(0.0, entropy(counts.sum(axis=1)) + entropy(counts.sum(axis=0)) - entropy(counts))


def uncertainty(table: npt.ArrayLike, seed: int, draws: int = DRAWS) -> Uncertainty | None:
    """Theil's uncertainty coefficient ``U(A | X)``, corrected for chance, with its test and interval.

    ``U = I / H(A)``: the share of the uncertainty about A that knowing X removes (Theil 1970, "On the estimation of
    relationships involving qualitative variables", Am. J. Sociol. 76, 103-154). It grows with the number of categories
    even where nothing goes together, so that what chance alone brings, ``E``, is taken off above and below, as in the
    adjusted mutual information of Vinh, Epps and Bailey 2010 (J. Mach. Learn. Res. 11, 2837-2854).

    Where the margins expect at least 5 rows in every cell, ``E = (x - 1)(a - 1) / 2n`` (Miller 1955; Miller and Madow 1954)
    and ``G = 2 n I`` is chi-square (Wilks 1938). Elsewhere ``E`` is the mean over tables drawn with the same margins, and p
    the tail of the gamma distribution with the mean and variance of those.

    The interval is ``U -+ 1.96 ASE`` of the plain coefficient, moved by the correction and kept within 0 and 1, with ::

        ASE^2 = sum n_ij (H(A) ln(n_ij / n_i.) + (H(X) - H(X, A)) ln(n_.j / n))^2 / (n^2 H(A)^4)

    which is the delta method (as in SAS, PROC FREQ, "Uncertainty Coefficients").

    Parameters
    ----------
    table : array of counts, shape (x, a)
        Rows of data per category of X and of A.
    seed : int
        Of the tables drawn.

    Returns
    -------
    Uncertainty or None
        None where X or A has fewer than two categories, or X is different in (nearly) every row: then whatever it tells,
        chance would as well.

    Raises
    ------
    ValueError
        When the table has not two dimensions, or a count is negative.
    """
    counts = occurring(table)
    n, (x, a) = counts.sum(), counts.shape
    if min(x, a) < 2:
        return None
    information, whole = mutual_information(counts), entropy(counts.sum(axis=0))
    expected = float(counts.sum(axis=1).min() * counts.sum(axis=0).min() / n)
    if expected >= LARGE_EXPECTED or counts.size > MOST_CELLS:
        freedom = (x - 1) * (a - 1)
        by_chance, test = freedom / (2 * n), "g"
        p = float(chdtrc(freedom, 2 * n * information))
    else:
        by_chance, p = _drawn(counts, information, seed, draws)
        test = "permutation-gamma"
    if whole - by_chance <= 0.01 * whole:
        return None
    stretch = whole / (whole - by_chance)
    plain = information / whole
    value = (information - by_chance) / (whole - by_chance)
    half = _Z * standard_error(counts) * stretch
    low, middle, high = (float(min(max(v, 0.0), 1.0)) for v in (value - half, value, value + half))
    return Uncertainty(middle, plain, low, high, p, test, float(by_chance / whole))


def standard_error(table: npt.ArrayLike) -> float:
    """Asymptotic standard error of ``U(A | X)``; see ``uncertainty``. 0 where X tells nothing, or everything."""
    counts = occurring(table)
    n = counts.sum()
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    of_a, of_x, both = entropy(columns), entropy(rows), entropy(counts)
    seen = np.where(counts > 0, counts, 1.0)
    term = of_a * np.log(seen / rows) + (of_x - both) * np.log(columns / n)
    return math.sqrt(float((counts * term**2).sum())) / (n * of_a**2)


def occurring(table: npt.ArrayLike) -> Floats:
    """The counts of the categories that occur. Raises ``ValueError`` as ``uncertainty``."""
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or (counts < 0).any():
        raise ValueError("a table of counts has two dimensions and no negative numbers")
    return counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]


def _drawn(counts: Floats, information: float, seed: int, draws: int) -> tuple[float, float]:
    """Mean of the information by chance, and how likely chance brings as much as was seen."""
    from scipy.stats import random_table  # the package takes half a second to load

    margins = [counts.sum(axis=axis).astype(np.int64) for axis in (1, 0)]
    shuffled, rng = random_table(*margins), np.random.default_rng(seed)
    fixed = entropy(margins[0]) + entropy(margins[1])
    at_once, found = max(1, _CELLS_AT_ONCE // counts.size), []
    for start in range(0, draws, at_once):
        shares = shuffled.rvs(min(at_once, draws - start), random_state=rng) / counts.sum()
        found.append(fixed + xlogy(shares, shares).sum(axis=(1, 2)))
    by_chance = np.concatenate(found)
    mean, variance = float(by_chance.mean()), float(by_chance.var(ddof=1))
    if variance <= 1e-20 * max(mean, 1e-300) ** 2 or mean <= 0:
        return mean, float(information <= mean * (1 + 1e-9))
    return mean, float(gammaincc(mean**2 / variance, information * mean / variance))
