"""Every group of an attribute against its reference: estimates, intervals, ratio and p, and whether they carry a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import Groups
from audits.metrics.statistics.intervals import (
    koopman,
    mean_interval,
    mean_ratio_interval,
    newcombe,
    percentile_interval,
    welch_interval,
    wilson,
)
from audits.metrics.statistics.multiplicity import benjamini_hochberg, holm
from audits.metrics.statistics.proportion_tests import (
    expected_minimum,
    fisher_exact,
    student_p,
    two_proportion_z,
    welch,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Below this many rows on a side not even an exact test is published.
_TESTABLE = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """Least evidence for a verdict: rows (or independent units) on each side, and expected count in each cell.

    The defaults are those of adverse-impact practice: a large-sample test from 30 rows and 5 expected, else an exact one
    (Office of Federal Contract Compliance Programs, "Federal Contract Compliance Manual").
    """

    rows: int = 30
    expected: float = 5.0

    def reasons(self, n: Floats, reference_n: Floats, what: str) -> list[str | None]:
        """Why a comparison of these sizes carries no verdict, per group; ``None`` where it does."""
        return [self._reason(int(a), int(b), what) for a, b in zip(n, reference_n, strict=True)]

    def _reason(self, n: int, reference_n: int, what: str) -> str | None:
        if n == 0:
            return f"no {what} with a value"
        if reference_n == 0:
            return "no other group to compare with"
        if n < self.rows:
            return f"{n} {what}; at least {self.rows} are needed"
        if reference_n < self.rows:
            return f"only {reference_n} {what} to compare with; at least {self.rows} are needed"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric in every group of an attribute; arrays have one entry per group, NaN where undefined.

    ``value`` with ``low`` and ``high`` is the group's own estimate and 95 % interval, ``reference`` its reference's.
    ``reasons`` says per group why the evidence carries no verdict, ``None`` where it does.
    """

    n: Floats
    reference_n: Floats
    value: Floats
    low: Floats
    high: Floats
    reference: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    difference: Floats
    difference_low: Floats
    difference_high: Floats
    p: Floats
    tests: tuple[str, ...]
    reasons: tuple[str | None, ...]


def compare_rates(
    events: Floats, n: Floats, groups: Groups, sizes: Sizes, exact: bool = False
) -> list[Comparison]:
    """Compare rates of independent rows, many metrics at once.

    Wilson interval of each rate, Newcombe's of the difference, Koopman's of the ratio; p from the two-proportion z-test
    where both sides have ``sizes.rows`` rows and every cell ``sizes.expected`` expected counts, else from Fisher's exact
    test (``exact``: always).

    Parameters
    ----------
    events, n : array, shape (metrics, groups)
        Events, and rows in the rate's own denominator.

    Returns
    -------
    list of Comparison
        One for each metric.
    """
    k1, n1 = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    k0, n0 = groups.reference(k1), groups.reference(n1)
    expected = expected_minimum(k1, n1, k0, n0)
    large = (np.minimum(n1, n0) >= sizes.rows) & (expected >= sizes.expected) & (not exact)
    p = two_proportion_z(k1, n1, k0, n0)
    for i in zip(*np.nonzero(~large), strict=True):
        testable = min(n1[i], n0[i]) >= _TESTABLE
        p[i] = fisher_exact(int(k1[i]), int(n1[i]), int(k0[i]), int(n0[i])) if testable else np.nan
    value, reference = _divide(k1, n1), _divide(k0, n0)
    limits = (*wilson(k1, n1), *newcombe(k1, n1, k0, n0), *koopman(k1, n1, k0, n0))
    ratio = _divide(value, reference)
    return [
        Comparison(
            n=n1[m],
            reference_n=n0[m],
            value=value[m],
            low=limits[0][m],
            high=limits[1][m],
            reference=reference[m],
            ratio=ratio[m],
            ratio_low=limits[4][m],
            ratio_high=limits[5][m],
            difference=value[m] - reference[m],
            difference_low=limits[2][m],
            difference_high=limits[3][m],
            p=p[m],
            tests=tuple("z" if z else "fisher" for z in large[m]),
            reasons=_with_expected(sizes.reasons(n1[m], n0[m], "rows"), expected[m], sizes.expected),
        )
        for m in range(len(k1))
    ]


def compare_means(
    n: Ints, sums: Floats, squares: Floats, centre: float, grouping: Groups, sizes: Sizes
) -> Comparison:
    """Compare means of independent rows by Welch's test.

    Parameters
    ----------
    n, sums, squares : array, shape (groups,)
        Rows, sum and sum of squares of ``value - centre`` per group; a ``centre`` near the values keeps the variances
        free of cancellation.
    """
    n1 = n.astype(np.float64)
    n0, sums0, squares0 = grouping.reference(n1), grouping.reference(sums), grouping.reference(squares)
    mean1, mean0 = centre + _divide(sums, n1), centre + _divide(sums0, n0)
    var1, var0 = _variance(n1, sums, squares), _variance(n0, sums0, squares0)
    low, high = mean_interval(mean1, var1, n1)
    ratio_low, ratio_high = mean_ratio_interval(mean1, var1, n1, mean0, var0, n0)
    difference_low, difference_high = welch_interval(mean1, var1, n1, mean0, var0, n0)
    positive = (mean1 >= 0) & (mean0 >= 0)
    reasons = sizes.reasons(n1, n0, "rows")
    return Comparison(
        n=n1,
        reference_n=n0,
        value=mean1,
        low=low,
        high=high,
        reference=mean0,
        ratio=np.where(positive, _divide(mean1, mean0), np.nan),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        difference=mean1 - mean0,
        difference_low=difference_low,
        difference_high=difference_high,
        p=np.where(np.minimum(n1, n0) >= _TESTABLE, welch(mean1, var1, n1, mean0, var0, n0), np.nan),
        tests=("welch",) * len(grouping),
        reasons=tuple(reasons),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A statistic ``numerator / denominator`` of group sums, with bootstrap replicates of both.

    Sums have shape (strata, groups), their replicates (replicates, strata, groups). With one stratum the statistic is the
    ratio; with several it is the mean of the strata's ratios with the weights ``d1 d0 / (d1 + d0)`` of Mantel and Haenszel,
    ``d1`` and ``d0`` the denominators of the group and of its reference: both sides in a common mix of strata.

    ``units`` counts the independent units of each group, ``reference_units`` those of its reference. ``offset`` is added
    to the statistic before the ratio is formed (1 turns a relative error into forecast / actual).
    """

    n: Ints
    numerator: Floats
    denominator: Floats
    numerator_draws: Floats
    denominator_draws: Floats
    units: Floats
    reference_units: Floats
    unit_name: str = "rows"
    offset: float = 0.0


def compare_sums(sums: Sums, grouping: Groups, sizes: Sizes, *, rate: bool = False) -> Comparison:
    """Compare ratios of sums by a cluster bootstrap: percentile intervals, and p from the bootstrap's standard error.

    The difference over its bootstrap standard error is read under Student's t with one degree of freedom less than the
    smaller side has independent units (Cameron and Miller 2015, J. Human Resources 50, 317-372, section VI).

    Parameters
    ----------
    rate : bool
        The statistic is a share of events, so every cell must also have enough expected counts.
    """
    n1 = sums.n.astype(np.float64)
    n0 = grouping.reference(n1)
    value, reference = _pair(sums.numerator, sums.denominator, grouping)
    draws, reference_draws = _pair(sums.numerator_draws, sums.denominator_draws, grouping)
    ratio = _ratio(value, reference, sums.offset)
    low, high = percentile_interval(draws)
    ratio_low, ratio_high = percentile_interval(_ratio(draws, reference_draws, sums.offset))
    difference_low, difference_high = percentile_interval(draws - reference_draws)
    error = (draws - reference_draws).std(axis=0, ddof=1)
    freedom = np.minimum(sums.units, sums.reference_units) - 1
    p = np.where(
        np.minimum(n1, n0) >= _TESTABLE, student_p(value - reference, error, np.maximum(freedom, 0)), np.nan
    )
    reasons = sizes.reasons(sums.units, sums.reference_units, sums.unit_name)
    reasons = [a or b for a, b in zip(sizes.reasons(n1, n0, "rows"), reasons, strict=True)]
    if rate:
        events = sums.numerator.sum(axis=0)
        expected = expected_minimum(events, n1, grouping.reference(events), n0)
        reasons = list(_with_expected(reasons, expected, sizes.expected))
    return Comparison(
        n=n1,
        reference_n=n0,
        value=value,
        low=low,
        high=high,
        reference=reference,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        difference=value - reference,
        difference_low=difference_low,
        difference_high=difference_high,
        p=p,
        tests=("bootstrap",) * len(grouping),
        reasons=tuple(reasons),
    )


@dataclass(frozen=True, slots=True)
class Adjusted:
    """p-values adjusted within one family; NaN for what carries no verdict and so is not tested."""

    p_holm: Floats
    q: Floats
    family: int

    def part(self, start: int, size: int) -> Adjusted:
        """The stretch of one metric's groups."""
        return Adjusted(self.p_holm[start : start + size], self.q[start : start + size], self.family)


def adjust(p: Floats, tested: npt.NDArray[np.bool_], hypotheses: Ints) -> Adjusted:
    """Adjust the p-values of one family, each hypothesis counted once however many groups carry it."""
    chosen = np.flatnonzero(tested)
    _, first, inverse = np.unique(hypotheses[chosen], return_index=True, return_inverse=True)
    family = p[chosen][first]
    p_holm, q = np.full(p.size, np.nan), np.full(p.size, np.nan)
    if family.size:
        p_holm[chosen] = holm(family)[inverse]
        q[chosen] = benjamini_hochberg(family)[inverse]
    return Adjusted(p_holm, q, int(family.size))


def units_by_group(group: Ints, unit: Ints, groups: Groups) -> tuple[Floats, Floats]:
    """Distinct independent units in each group and in its reference; a unit may have rows in several groups.

    Parameters
    ----------
    group, unit : arrays of int, shape (pairs,)
        Each pair of a group and a unit that occurs, once.
    """
    size, last = len(groups), int(unit.max(initial=-1)) + 1
    own = np.bincount(group, minlength=size).astype(np.float64)
    if groups.baseline is not None:
        return own, np.full(size, own[groups.baseline])
    declared = groups.declared[group]
    memberships = np.bincount(unit[declared], minlength=last)
    alone = np.bincount(group[declared & (memberships[unit] == 1)], minlength=size)
    reference = (np.count_nonzero(memberships) - np.where(groups.declared, alone, 0)).astype(np.float64)
    if groups.declared.sum() == 1:
        reference[groups.declared] = len(np.unique(unit[~declared]))
    return own, reference


def _divide(a: Floats, b: Floats) -> Floats:
    """``a / b``: infinite where only ``b`` is 0, NaN where both are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b)


def _pair(numerator: Floats, denominator: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """The statistic in each group and in its reference; NaN where a denominator is not positive."""
    pairs = ((numerator, denominator), (groups.reference(numerator), groups.reference(denominator)))
    group, reference = (np.where(b > 0, _divide(a, b), np.nan) for a, b in pairs)
    if numerator.shape[-2] == 1:
        return group[..., 0, :], reference[..., 0, :]
    own, others = pairs[0][1], pairs[1][1]
    both = (own > 0) & (others > 0)
    weight = np.where(both, _divide(own * others, own + others), 0.0)
    whole = weight.sum(axis=-2)
    first, second = (
        _divide(np.where(both, weight * rate, 0.0).sum(axis=-2), whole) for rate in (group, reference)
    )
    return first, second


def _ratio(value: Floats, reference: Floats, offset: float) -> Floats:
    a, b = value + offset, reference + offset
    return np.where((a >= 0) & (b >= 0), _divide(a, b), np.nan)


def _variance(n: Floats, sums: Floats, squares: Floats) -> Floats:
    return np.maximum(_divide(squares - _divide(sums**2, n), n - 1), 0.0)


def _with_expected(reasons: list[str | None], expected: Floats, least: float) -> tuple[str | None, ...]:
    short = [f"{e:.1f} events expected in the smallest cell; at least {least:g} are needed" for e in expected]
    return tuple(
        r or (text if e < least else None) for r, e, text in zip(reasons, expected, short, strict=True)
    )
