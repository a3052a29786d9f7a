"""How a group's exposure changed from one period to the next, beside how everybody else's did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Comparison, Sizes
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.groups import Groups, GroupSums, UnitSums
from audits.metrics.groups.keyed_sums import KeyedSums
from audits.metrics.statistics.intervals import drawn_weights, percentile_interval
from audits.metrics.statistics.proportion_tests import student_p

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: The name under which a list's period stands among the attributes; no column can be called so.
_PERIOD = "\0period"


def period_sums(lists: KeyedSums, exposure: Floats) -> GroupSums:
    """Lists, their exposure and whether there is any, by user, groups and period; lists without either are left out."""
    kept = ~np.isnan(exposure) & (lists.period >= 0)
    users = lists.key_of_sums()[kept]
    # The levels of a grouping are put in alphabetical order; figures of one width keep the order of the periods.
    periods = [f"{i:02d}" for i in range(len(lists.periods))]
    return GroupSums.of(
        (*lists.attributes, _PERIOD),
        [*lists.names, periods],
        np.column_stack([lists.codes[users], lists.period[kept]]),
        lists.key[kept],
        np.column_stack([np.ones(len(users)), exposure[kept], exposure[kept] > 0]),
    )


def compare_changes(
    sums: GroupSums, periods: tuple[str, ...], grouping: str, baseline: str | None, sizes: Sizes, seed: int
) -> Iterator[Compared]:
    """The change of each group's mean exposure against the change of its reference's, for each two consecutive periods.

    ``change_g = E_g,t+1 / E_g,t`` with ``E`` the mean over the users who have lists in that period; the ratio of a group's
    change to its reference's is a difference in differences on the scale of ratios (Card and Krueger 1994, Am. Econ. Rev.
    84, 772-793, for the design). Users are drawn whole, with their lists of both periods, as in ``compare_sums``: 2,000
    times, percentile intervals, and p from the bootstrap's standard error under Student's t.

    Parameters
    ----------
    sums : GroupSums
        From ``period_sums``.
    periods : tuple of str
        In their order.
    grouping : str
        An attribute or an intersection.
    """
    found = sums.by(grouping, baseline, (_PERIOD,))
    present = sorted(int(name) for name in sums.levels[-1])
    weights = drawn_weights(max(found.units, 1), np.random.default_rng(seed))
    for place, (before, after) in enumerate(pairwise(present)):
        pair = _only(found, place)
        users = _totals(pair, pair.rows.astype(np.float64), None)
        count, total, reached = (_totals(pair, column, None) for column in pair.sums.T)
        draws = [_totals(pair, column, weights) for column in pair.sums.T[:2]]
        compared = _compared(total, count, draws[1], draws[0], found.groups, sizes)
        rare = _rare(reached, count, found.groups, sizes.expected)
        reasons = tuple(a or b for a, b in zip(compared.reasons, rare, strict=True))
        yield Compared(
            metric=f"tier-suppression:{periods[after]}",
            groups=found.groups,
            comparison=replace(compared, reasons=reasons),
            rows=users[1],
            dropped=np.zeros(len(found.groups)),
            detail={"periods": [periods[before], periods[after]]},
        )


def _only(sums: UnitSums, place: int) -> UnitSums:
    """Two consecutive periods, numbered 0 and 1."""
    kept = (sums.stratum == place) | (sums.stratum == place + 1)
    parts = {name: getattr(sums, name)[kept] for name in ("group", "unit", "rows", "sums")}
    return replace(sums, stratum=sums.stratum[kept] - place, strata=2, **parts)


def _totals(sums: UnitSums, values: Floats, weights: Floats | None) -> Floats:
    """Sums by period and group, shape (2, groups); with weights those of each replicate, shape (replicates, 2, groups)."""
    size = len(sums.groups)
    cell = sums.stratum * size + sums.group
    if weights is None:
        return np.bincount(cell, weights=values, minlength=2 * size).astype(np.float64).reshape(2, size)
    units = weights.shape[1]
    dense = np.bincount(sums.unit * 2 * size + cell, weights=values, minlength=units * 2 * size)
    return np.asarray(weights @ dense.reshape(units, 2 * size)).reshape(-1, 2, size)


def _compared(
    total: Floats, count: Floats, total_draws: Floats, count_draws: Floats, groups: Groups, sizes: Sizes
) -> Comparison:
    others, others_count = groups.reference(total), groups.reference(count)
    value, reference = _change(total, count), _change(others, others_count)
    draws = _change(total_draws, count_draws)
    reference_draws = _change(groups.reference(total_draws), groups.reference(count_draws))
    low, high = percentile_interval(draws)
    ratio_low, ratio_high = percentile_interval(_divide(draws, reference_draws))
    difference_low, difference_high = percentile_interval(draws - reference_draws)
    n, reference_n = count.min(axis=0), others_count.min(axis=0)
    error = _spread(draws - reference_draws)
    freedom = np.maximum(np.minimum(n, reference_n) - 1, 0)
    return Comparison(
        n=n,
        reference_n=reference_n,
        value=value,
        low=low,
        high=high,
        reference=reference,
        ratio=_divide(value, reference),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        difference=value - reference,
        difference_low=difference_low,
        difference_high=difference_high,
        p=student_p(value - reference, error, freedom),
        tests=("bootstrap",) * len(groups),
        reasons=tuple(sizes.reasons(n, reference_n, "users in the smaller period")),
    )


def _rare(reached: Floats, count: Floats, groups: Groups, least: float) -> list[str | None]:
    """Too few users who are shown any: with none the bootstrap has no spread, and chance looks like certainty.

    Counted are those of the group in the earlier period and of the reference in both; in the later period as many are
    expected as if the group had changed like its reference.
    """
    others, others_count = groups.reference(reached), groups.reference(count)
    later = _divide(reached[0], count[0]) * count[1] * _change(others, others_count)
    fewest = np.nanmin(np.stack([reached[0], others[0], others[1], np.nan_to_num(later)]), axis=0)
    text = "{:.1f} users with any exposure expected in the smallest count; at least {:g} are needed"
    return [text.format(count, least) if count < least else None for count in fewest]


def _spread(draws: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(draws.std(axis=0, ddof=1))


def _change(total: Floats, count: Floats) -> Floats:
    """The later mean over the earlier one; periods stand in the second axis from the end."""
    mean = _divide(total, count)
    return _divide(mean[..., 1, :], mean[..., 0, :])


def _divide(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0))
