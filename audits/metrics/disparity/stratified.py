"""A group against its reference within strata that may explain a disparity: departments, volume tiers, activity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from audits.metrics.disparity.disparities import Comparison, Sizes
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.disparity.rates import members, rate_counts
from audits.metrics.groups import GroupCounts, Groups
from audits.metrics.statistics.intervals import normal_quantile

Floats: TypeAlias = npt.NDArray[np.float64]


def compare_within(counted: GroupCounts, metrics: Sequence[str], sizes: Sizes) -> Iterator[Compared]:
    """Rates of independent rows compared within strata: see ``mantel_haenszel``.

    Strata in which either side has no rows tell nothing and are left out.

    Parameters
    ----------
    counted : GroupCounts
        Counts of shape (strata, groups, outcomes), outcomes as ``rates.outcome_codes`` numbers them.
    """
    rows = counted.counts.sum(axis=(0, 2)).astype(np.float64)
    for metric in metrics:
        events, n = (side.T for side in rate_counts(counted.counts, metric))
        yield Compared(
            metric=f"conditional-{metric}",
            groups=counted.groups,
            comparison=mantel_haenszel(events, n, counted.groups, sizes),
            rows=rows,
            dropped=rows - members(counted.counts, metric).sum(axis=0),
        )


def mantel_haenszel(events: Floats, n: Floats, groups: Groups, sizes: Sizes) -> Comparison:
    """Rates of a group and of its reference in a common mix of strata, and the Cochran-Mantel-Haenszel test.

    With ``a`` of ``n1`` events in the group, ``b`` of ``n0`` in the reference and ``N = n1 + n0`` in a stratum, both rates
    are averaged with weights ``n1 n0 / N``. Their ratio is Mantel and Haenszel's, ``sum(a n0 / N) / sum(b n1 / N)``, with
    the variance of its logarithm by Greenland and Robins 1985 (Biometrics 41, 55-68); their difference is the
    Mantel-Haenszel risk difference. Test: Mantel and Haenszel 1959 (J. Natl. Cancer Inst. 22, 719-748), without continuity
    correction. At least 5 events are to be expected on either side over all strata (Mantel and Fleiss 1980, Am. J.
    Epidemiol. 112, 129-134).

    Parameters
    ----------
    events, n : arrays, shape (groups, strata)
        Events, and rows of the rate's own denominator.
    """
    b, n0 = (groups.reference(side.T).T for side in (events, n))
    both = (n > 0) & (n0 > 0)
    a, n1, b, n0 = (np.where(both, side, 0.0) for side in (events, n, b, n0))
    total = np.maximum(n1 + n0, 1)
    up, down, weight = (part.sum(axis=1) for part in (a * n0 / total, b * n1 / total, n1 * n0 / total))
    value, reference, ratio = _divide(up, weight), _divide(down, weight), _divide(up, down)
    error = np.sqrt(_divide((((a + b) * n1 * n0 / total - a * b) / total).sum(axis=1), up * down))
    spread, spread0 = (_variance(k, m, n1 * n0 / total) for k, m in ((a, n1), (b, n0)))
    z = normal_quantile(0.95)
    p, expected = _test(a, n1, b, n0)
    return Comparison(
        n=n1.sum(axis=1),
        reference_n=n0.sum(axis=1),
        value=value,
        low=np.clip(value - z * np.sqrt(spread), 0, 1),
        high=np.clip(value + z * np.sqrt(spread), 0, 1),
        reference=reference,
        ratio=ratio,
        ratio_low=ratio * np.exp(-z * error),
        ratio_high=ratio * np.exp(z * error),
        difference=value - reference,
        difference_low=value - reference - z * np.sqrt(spread + spread0),
        difference_high=value - reference + z * np.sqrt(spread + spread0),
        p=p,
        tests=("cochran-mantel-haenszel",) * len(groups),
        reasons=_reasons(n1.sum(axis=1), n0.sum(axis=1), expected, sizes),
    )


def _variance(events: Floats, n: Floats, weight: Floats) -> Floats:
    """Variance of a weighted mean of rates."""
    rate = _divide(events, n, 0.0)
    return _divide((weight**2 * _divide(rate * (1 - rate), n, 0.0)).sum(axis=1), weight.sum(axis=1) ** 2)


def _reasons(n: Floats, n0: Floats, expected: Floats, sizes: Sizes) -> tuple[str | None, ...]:
    few = sizes.reasons(n, n0, "rows in strata with both sides")
    text = "{:.1f} events expected over all strata; at least {:g} are needed"
    return tuple(
        reason or (text.format(count, sizes.expected) if count < sizes.expected else None)
        for reason, count in zip(few, expected, strict=True)
    )


def _test(a: Floats, n1: Floats, b: Floats, n0: Floats) -> tuple[Floats, Floats]:
    """p of the test, and the smallest count expected over all strata."""
    events, total = a + b, np.maximum(n1 + n0, 1)
    mean = n1 * events / total
    variance = np.where(
        total > 1, n1 * n0 * events * (total - events) / (total**2 * np.maximum(total - 1, 1)), 0.0
    )
    statistic = _divide((a - mean).sum(axis=1) ** 2, variance.sum(axis=1))
    corners = [mean, n1 - mean, events - mean, n0 - events + mean]
    expected = np.min([corner.sum(axis=1) for corner in corners], axis=0)
    return np.asarray(chdtrc(1, statistic)), expected


def _divide(a: Floats, b: Floats, otherwise: float = np.nan) -> Floats:
    out = np.full(np.broadcast(a, b).shape, otherwise)
    return np.divide(a, b, out=out, where=np.asarray(b) > 0)
