"""A second opinion on a bootstrap's p: as if users were dealt out to the groups at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincc, ndtr

from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.groups import UnitSums

Floats: TypeAlias = npt.NDArray[np.float64]

#: A skewness below this is none: the gamma distribution's parameter would overflow.
_STRAIGHT = 1e-4


@dataclass(frozen=True, slots=True)
class Powers:
    """Places of the statistics from which the moments of a ratio ``sum(a) / sum(b)`` follow, one entry per user.

    ``users`` counts those that take part; ``first`` is ``a, b``, ``second`` ``a^2, a b, b^2``, ``third`` ``a^3, a^2 b, a b^2, b^3``.
    """

    users: int
    first: tuple[int, int]
    second: tuple[int, int, int]
    third: tuple[int, int, int, int]


def with_permutation_p(compared: Compared, sums: UnitSums, powers: Powers) -> Compared:
    """The comparison with the larger of two p: the bootstrap's, and that of dealing the users out at random.

    Where few users have much, a small group that happens to have little also has little spread, and its bootstrap
    takes chance for certainty. A permutation's spread comes from all users. With ``R`` the ratio of both sides together, the
    residuals ``r = a - R b`` (linearisation: Cochran 1977, "Sampling Techniques", section 6.8) and ``n`` of ``N`` users in the
    group, its sum of ``r`` has the variance ``n (N - n) / (N (N - 1)) sum r^2`` and the third moment
    ``n (N - n) (N - 2 n) / (N (N - 1) (N - 2)) sum r^3`` over all permutations; p is twice the smaller tail of the Pearson type III
    distribution with these moments (Mielke and Berry 2007, "Permutation Methods", section 2.3). With tails much
    heavier than exponential it is too large: cautious.
    """
    groups = compared.groups

    def both(place: int) -> Floats:
        own = _by_group(sums, place)
        return own + groups.reference(own)

    a, b = (both(place) for place in powers.first)
    ratio = np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)
    squares, cubes = (
        _residuals([both(p) for p in places], ratio) for places in (powers.second, powers.third)
    )
    n, whole = _by_group(sums, powers.users), both(powers.users)
    own = [_by_group(sums, place) for place in powers.first]
    p = permutation_p(own[0] - ratio * own[1], n, whole, squares, cubes)
    found = compared.comparison
    larger = np.nan_to_num(p, nan=-1.0) > np.nan_to_num(found.p, nan=2.0)
    return replace(
        compared,
        comparison=replace(
            found,
            p=np.where(larger, p, found.p),
            tests=tuple("permutation" if x else test for x, test in zip(larger, found.tests, strict=True)),
        ),
    )


def permutation_p(total: Floats, n: Floats, whole: Floats, squares: Floats, cubes: Floats) -> Floats:
    """Two-sided p of a sum over ``n`` of ``whole`` values that add up to 0, by its first three permutation moments.

    Parameters
    ----------
    total : array
        The sum that was observed.
    squares, cubes : arrays
        Sums of the squares and cubes of all values.

    Returns
    -------
    array
        NaN where nothing varies or there are fewer than 3 values.
    """
    rest = whole - n
    usable = (whole > 2) & (n > 0) & (rest > 0) & (squares > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = n * rest / (whole * (whole - 1)) * squares
        third = n * rest * (rest - n) / (whole * (whole - 1) * (whole - 2)) * cubes
        z, skew = total / np.sqrt(variance), third / variance**1.5
        straight = ~(np.abs(skew) > _STRAIGHT)
        shape = 4 / np.where(straight, 1.0, skew) ** 2
        at = np.maximum(shape + np.sign(skew) * z * np.sqrt(shape), 0.0)
        tails = np.minimum(gammainc(shape, at), gammaincc(shape, at))
    tails = np.where(straight, ndtr(-np.abs(z)), tails)
    return np.where(usable, np.minimum(2 * tails, 1.0), np.nan)


def _residuals(products: list[Floats], ratio: Floats) -> Floats:
    """Sums of the second or third power of ``a - R b``, from those of the products in falling powers of ``a``."""
    factors = {3: (1, -2, 1), 4: (1, -3, 3, -1)}[len(products)]
    terms = [
        factor * ratio**i * product for i, (factor, product) in enumerate(zip(factors, products, strict=True))
    ]
    total = np.sum(terms, axis=0)
    return np.asarray(np.maximum(total, 0.0) if len(products) == 3 else total)


def _by_group(sums: UnitSums, place: int) -> Floats:
    values = np.bincount(sums.group, weights=sums.sums[:, place], minlength=len(sums.groups))
    return values.astype(np.float64)
