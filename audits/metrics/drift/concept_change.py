"""Has what follows from a prediction changed, apart from how often it is made?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.statistics.resampling import Floats, Ints

Bools = npt.NDArray[np.bool_]

DRAWS = 499
BINS = 10
#: Rows of the smaller side that a bin should have: fewer rows give fewer bins.
ROWS_PER_BIN = 50
#: A bin with fewer rows than this on a side is not compared.
MIN_ROWS_IN_BIN = 10
#: Nor one whose side can nearly be told from the prediction: the share of its variance that is left within the bin.
MIN_OVERLAP = 0.1
ROUNDING = 1e-9
#: Permutations held in memory at a time, in values.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class BinChange:
    """One bin of predictions: rows and mean outcome of either side, and the difference at equal prediction."""

    place: int
    reference_n: int
    current_n: int
    reference_mean: float
    current_mean: float
    change: float


@dataclass(frozen=True, slots=True)
class ConceptChange:
    """The change of the outcome at equal prediction.

    ``effect`` is the mean absolute change over bins, ``change`` the mean signed one, both weighted by the reference's
    shares of the compared bins; ``coverage`` is the sum of these shares. ``critical`` is the 95 % point of the effect
    when nothing changed, ``p`` the probability of such an effect then.
    """

    effect: float
    change: float
    critical: float
    p: float
    coverage: float
    bins: list[BinChange]


def prediction_bins(reference: Floats, current: Floats) -> tuple[Ints, Ints, Floats]:
    """Bin predictions at the deciles of the reference's; fewer bins when a side has under 500 rows.

    Returns
    -------
    of_reference, of_current : ndarray of int
        Bin per row.
    edges : ndarray
        Inner edges, ascending; a bin contains its upper edge. Predictions with at most ``BINS`` distinct values
        get a bin each.
    """
    distinct = np.unique(np.concatenate([reference, current]))
    if len(distinct) <= BINS:
        edges = distinct[:-1]
    else:
        bins = max(1, min(BINS, min(len(reference), len(current)) // ROWS_PER_BIN))
        edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins, method="inverted_cdf"))
    return np.searchsorted(edges, reference), np.searchsorted(edges, current), edges


def concept_change(
    outcome: Floats, bins: Ints, prediction: Floats, current: Bools, seed: int, draws: int = DRAWS
) -> ConceptChange | None:
    """Compare mean outcomes of two tables at equal prediction.

    Concept drift is a change of ``P(y | x)`` (Gama et al. 2014, "A survey on concept drift adaptation", ACM Comput.
    Surv. 46(4), section 2.1); what is compared is ``E(y | prediction)``. Within each bin of predictions the
    difference of sides is the coefficient of the side in a linear model with the prediction beside it, so that
    predictions that moved within a bin do not count. The mean of absolute differences is weighted by the
    reference's mix of predictions, so that predictions that moved between bins do not count either.

    The null comes from permuting, within bins, what the prediction does not explain (Freedman and Lane 1983, J. Bus.
    Econ. Stat. 1, 292-298); ``p = (1 + #{T* >= T}) / (draws + 1)`` (Phipson and Smyth 2010).

    Parameters
    ----------
    outcome : ndarray, shape (rows,)
        0/1 for an event or an error, a residual, or the size of an error.
    bins : ndarray of int, shape (rows,)
    prediction : ndarray, shape (rows,)
        The number that was predicted; constant within a bin where labels are predicted.
    current : ndarray of bool, shape (rows,)
    seed : int
        Of the permutations.
    draws : int, default 499

    Returns
    -------
    ConceptChange or None
        None when no bin has enough rows of both sides.
    """
    total = int((~current).sum())
    found = [_bin(place, bins == place, outcome, prediction, current) for place in np.unique(bins)]
    compared = [b for b in found if b is not None]
    coverage = sum(b.reference_n for b in compared) / total
    if not compared:
        return None
    weights = np.array([b.reference_n for b in compared]) / (coverage * total)
    changes = np.array([b.change for b in compared])
    effect = float(weights @ np.abs(changes))
    rng = np.random.default_rng(seed)
    null = sum(weight * np.abs(_permuted(b, rng, draws)) for weight, b in zip(weights, compared, strict=True))
    # Sums in another order may differ in their last bits; what is equal in truth counts as reached.
    reached = int((null >= effect - ROUNDING * max(effect, float(np.abs(outcome).max()))).sum())
    return ConceptChange(
        effect=effect,
        change=float(weights @ changes),
        critical=float(np.quantile(null, 0.95)),
        p=(1 + reached) / (draws + 1),
        coverage=coverage,
        bins=[b.shown for b in compared],
    )


@dataclass(frozen=True, slots=True)
class _Bin:
    """A bin that can be compared: what the prediction leaves unexplained of the outcome and of the side."""

    shown: BinChange
    outcome: Floats
    side: Floats

    @property
    def reference_n(self) -> int:
        return self.shown.reference_n

    @property
    def change(self) -> float:
        return self.shown.change


def _bin(place: int, rows: Bools, outcome: Floats, prediction: Floats, current: Bools) -> _Bin | None:
    now, y = current[rows], outcome[rows]
    current_n, reference_n = int(now.sum()), int((~now).sum())
    if min(current_n, reference_n) < MIN_ROWS_IN_BIN:
        return None
    side = _unexplained(now.astype(np.float64), prediction[rows])
    if side @ side < MIN_OVERLAP * current_n * reference_n / len(now):
        return None
    left = _unexplained(y, prediction[rows])
    shown = BinChange(
        place=int(place),
        reference_n=reference_n,
        current_n=current_n,
        reference_mean=float(y[~now].mean()),
        current_mean=float(y[now].mean()),
        change=float(side @ left / (side @ side)),
    )
    return _Bin(shown, left, side)


def _unexplained(values: Floats, prediction: Floats) -> Floats:
    """Residuals of a straight line in the prediction; of the mean where the prediction does not vary."""
    centred = values - values.mean()
    place = prediction - prediction.mean()
    size = float(np.abs(place).max())
    if size <= 1e-12 * float(np.abs(prediction).max()):
        return centred
    place = place / size
    out: Floats = centred - place * (place @ centred) / (place @ place)
    return out


def _permuted(found: _Bin, rng: np.random.Generator, draws: int) -> Floats:
    """The bin's change in each permutation."""
    parts = [
        rng.permuted(np.tile(found.outcome, (some, 1)), axis=1) @ found.side
        for some in _blocks(draws, max(1, _BLOCK // len(found.outcome)))
    ]
    out: Floats = np.concatenate(parts) / (found.side @ found.side)
    return out


def _blocks(draws: int, size: int) -> Iterator[int]:
    for start in range(0, draws, size):
        yield min(size, draws - start)
