"""A campaign with a control group: the arm of each customer, differences between the arms, and whether they were drawn by lot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from audits.metrics.groups import Unit
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.pressure.row_values import NO, YES, yes_no
from audits.metrics.statistics.intervals import newcombe, welch_interval, wilson
from audits.metrics.statistics.proportion_tests import expected_minimum, fisher_exact, two_proportion_z, welch
from audits.tables import Table

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

TREATED = YES | {"treated", "treatment"}
CONTROL = NO | {"control", "holdout"}
#: Standard errors between no effect and one that a two-sided test at 5 % finds in 80 of 100 trials: 1.960 + 0.842.
POWER = 2.8016
_TWO_SIDED = 1.9600
#: From 5 expected in each cell the z-test is trusted, see ``expected_minimum``.
_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """The arm of each unit: 1 treated, 0 control, -1 neither or both. ``unit`` is the place of each row's unit.

    ``mixed`` counts units with rows in both arms, ``unknown`` those without any.
    """

    unit: Ints
    arm: Ints
    mixed: int
    unknown: int

    @property
    def treated(self) -> int:
        return int((self.arm == 1).sum())

    @property
    def control(self) -> int:
        return int((self.arm == 0).sum())

    def means(self, rows: Floats) -> Floats:
        """The mean of each unit's rows that have a value; NaN where none has."""
        known = ~np.isnan(rows)
        n = np.bincount(self.unit[known], minlength=len(self.arm))
        sums = np.bincount(self.unit[known], weights=rows[known], minlength=len(self.arm))
        return np.divide(sums, n, out=np.full(len(self.arm), np.nan), where=n > 0)

    def codes(self, rows: Ints) -> Ints:
        """The category of each unit's rows; -1 where they disagree or have none."""
        high = np.full(len(self.arm), -1, dtype=np.int64)
        low = np.full(len(self.arm), np.iinfo(np.int64).max)
        known = rows >= 0
        np.maximum.at(high, self.unit[known], rows[known])
        np.minimum.at(low, self.unit[known], rows[known])
        return np.where(high == low, high, -1)


def read_trial(table: Table, treatment: str, entity: str | None) -> Trial:
    """The arm of each unit. The memory grows with the rows, 9 bytes for each, not with the columns.

    Raises
    ------
    TableError
        When a column is missing or holds other words than those for treated and control.
    """
    names = [treatment, *([entity] if entity else [])]
    unit, start, keys, arms = Unit(entity), 0, [], []
    for pieces in aligned_pieces(table, names):
        found = yes_no(pieces[0], TREATED, CONTROL)
        keys.append(unit.keys(pieces[1] if entity else None, start, len(found)))
        arms.append(np.where(np.isnan(found), -1, found).astype(np.int8))
        start += len(found)
    place = np.unique(np.concatenate(keys), return_inverse=True)[1].reshape(-1).astype(np.int64)
    return _trial(place, np.concatenate(arms))


def _trial(place: Ints, arms: npt.NDArray[np.int8]) -> Trial:
    units = int(place.max(initial=-1)) + 1
    in_arm = [np.bincount(place[arms == arm], minlength=units) > 0 for arm in (0, 1)]
    mixed, unknown = in_arm[0] & in_arm[1], ~(in_arm[0] | in_arm[1])
    arm = np.where(mixed | unknown, -1, np.where(in_arm[1], 1, 0)).astype(np.int64)
    return Trial(place, arm, int(mixed.sum()), int(unknown.sum()))


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of the treated less mean of the control units, with its 95 % interval and two-sided p; NaN where undefined.

    ``detectable`` is the smallest true difference that a trial of this size and spread finds in 80 of 100 cases.
    """

    treated: int
    control: int
    treated_mean: float
    control_mean: float
    low: float
    high: float
    p: float
    test: str

    @property
    def value(self) -> float:
        return self.treated_mean - self.control_mean

    @property
    def detectable(self) -> float:
        return (self.high - self.low) / 2 * POWER / _TWO_SIDED

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.p)


def difference(values: Floats, arm: Ints) -> Difference:
    """Compare the arms: Newcombe's interval and a z or Fisher test where all values are 0 or 1, else Welch's.

    Parameters
    ----------
    values, arm : arrays, shape (units,)
        NaN and -1 take no part.

    Examples
    --------
    >>> found = difference(np.array([3.0, 5.0, 1.0, 1.0, 4.0]), np.array([1, 1, 0, 0, -1]))
    >>> (found.value, found.treated, found.test)
    (3.0, 2, 'welch')
    """
    known = ~np.isnan(values)
    one, none = values[known & (arm == 1)], values[known & (arm == 0)]
    n1, n0 = len(one), len(none)
    if not n1 or not n0:
        nan = math.nan
        return Difference(n1, n0, nan, nan, nan, nan, nan, "none")
    means = float(one.mean()), float(none.mean())
    if all(bool(np.all((side == 0) | (side == 1))) for side in (one, none)):
        k1, k0 = int(one.sum()), int(none.sum())
        limits = newcombe(k1, n1, k0, n0)
        large = float(expected_minimum(k1, n1, k0, n0)) >= _EXPECTED
        p = float(two_proportion_z(k1, n1, k0, n0)) if large else fisher_exact(k1, n1, k0, n0)
        return Difference(n1, n0, *means, float(limits[0]), float(limits[1]), p, "z" if large else "fisher")
    v1, v0 = (float(side.var(ddof=1)) if len(side) > 1 else math.nan for side in (one, none))
    both = (means[0], v1, n1, means[1], v0, n0)
    limits = welch_interval(*both)
    return Difference(n1, n0, *means, float(limits[0]), float(limits[1]), float(welch(*both)), "welch")


def before_removed(values: Floats, before: Floats) -> tuple[Floats, float]:
    """Values without what the time before the campaign explains (CUPED), and the share of variance that this removes.

    ``y - theta (x - mean x)`` with ``theta = cov(x, y) / var(x)`` of all units together; units without ``x`` stay as they
    are. Source: Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data", WSDM, 123-132.
    """
    both = ~(np.isnan(values) | np.isnan(before))
    x, y = before[both], values[both]
    if len(x) < 3 or x.var() == 0 or y.var() == 0:
        return values, 0.0
    covariance = float(((x - x.mean()) * (y - y.mean())).mean())
    theta = covariance / float(x.var())
    out = values.copy()
    out[both] = y - theta * (x - x.mean())
    return out, covariance**2 / (float(x.var()) * float(y.var()))


def sample_ratio_p(treated: int, control: int, planned: float) -> float:
    """p of Pearson's chi-square test that units were drawn into the arms at the planned share.

    Source: Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments", KDD, 2156-2164.

    Examples
    --------
    >>> round(sample_ratio_p(60, 40, 0.5), 4)
    0.0455
    """
    n = treated + control
    expected = planned * n, (1 - planned) * n
    chi2 = (treated - expected[0]) ** 2 / expected[0] + (control - expected[1]) ** 2 / expected[1]
    return float(chdtrc(1, chi2))


@dataclass(frozen=True, slots=True)
class Balance:
    """How far the arms lie apart in a column known before the campaign: standardised difference (not negative) and p."""

    n: int
    smd: float
    p: float
    level: str = ""


def balance_of_numbers(values: Floats, arm: Ints) -> Balance:
    """``abs(m1 - m0) / sqrt((v1 + v0) / 2)`` and Welch's p. Source: Austin 2009, Statist. Med. 28, 3083-3107."""
    known = ~np.isnan(values)
    one, none = values[known & (arm == 1)], values[known & (arm == 0)]
    if min(len(one), len(none)) < 2:
        return Balance(len(one) + len(none), math.nan, math.nan)
    v1, v0 = float(one.var(ddof=1)), float(none.var(ddof=1))
    spread, apart = math.sqrt((v1 + v0) / 2), abs(float(one.mean()) - float(none.mean()))
    smd = apart / spread if spread else (0.0 if apart == 0 else math.inf)
    p = float(welch(one.mean(), v1, len(one), none.mean(), v0, len(none)))
    return Balance(len(one) + len(none), smd, p)


def balance_of_categories(codes: Ints, arm: Ints, names: list[str]) -> Balance:
    """The category that is furthest apart, ``abs(p1 - p0) / sqrt((p1 q1 + p0 q0) / 2)``, and p of Pearson's chi-square test."""
    known = codes >= 0
    counts = np.array(
        [np.bincount(codes[known & (arm == side)], minlength=len(names)) for side in (1, 0)], dtype=np.float64
    )
    n = counts.sum(axis=1, keepdims=True)
    if n.min() < 2:
        return Balance(int(n.sum()), math.nan, math.nan)
    shares = counts / n
    spread = np.sqrt((shares * (1 - shares)).mean(axis=0))
    apart = np.abs(shares[0] - shares[1])
    smd = np.divide(apart, spread, out=np.where(apart > 0, np.inf, 0.0), where=spread > 0)
    worst = int(np.argmax(smd))
    occurring = counts.sum(axis=0) > 0
    expected = n * counts[:, occurring].sum(axis=0) / n.sum()
    chi2 = float(((counts[:, occurring] - expected) ** 2 / expected).sum())
    freedom = int(occurring.sum()) - 1
    p = float(chdtrc(freedom, chi2)) if freedom else 1.0
    return Balance(int(n.sum()), float(smd[worst]), p, names[worst])


def share_interval(treated: int, n: int) -> tuple[float, float]:
    """Wilson's interval of the share of treated units."""
    low, high = wilson(treated, n)
    return float(low), float(high)
