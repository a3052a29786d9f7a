"""One number for all groups of an attribute: the largest gaps, and differential fairness, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.rates import FN, FP, PREDICTED, TN, TP, rate_counts
from audits.metrics.groups import GroupCounts

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.generic]

DRAWS = 1000
EQUAL_DRAWS = 199
_TIE = 1e-12
#: Pseudo-observations of each group in ``differential_fairness``, shared out over the outcomes.
CONCENTRATION = 1.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric over all groups together. ``worst`` names the two groups that are furthest apart.

    ``low`` and ``high`` are the interval of these two groups' distance. ``chance`` is what groups of these sizes show in
    one of twenty cases when they do not differ at all, ``p`` the probability of as much as was found.
    """

    metric: str
    n: int
    value: float
    low: float
    high: float
    worst: tuple[str, str]
    chance: float
    p: float


def group_summaries(counted: GroupCounts, labelled: bool, least: int, seed: int) -> Iterator[Summary]:
    """Summaries over the groups with at least ``least`` predictions that declare themselves; none without two of them.

    Intervals are percentiles of 1,000 draws of the whole table: the counts of a bootstrap sample of rows are multinomial,
    so that nothing has to be read again (Efron and Tibshirani 1993, chapter 13). A largest gap is biased upwards, the more
    groups the more; so it is also held against 199 tables with the same margins in which the groups are equal (Patefield
    1981, Appl. Statist. 30, 91-97).

    Parameters
    ----------
    labelled : bool
        Whether the truth is known, too.
    """
    predicted = rate_counts(counted.counts, "selection-rate")[1]
    large = np.flatnonzero(counted.groups.declared & (predicted >= least))
    if len(large) < 2:
        return
    names = [counted.groups.names[i] for i in large]
    counts = counted.counts[large]
    drawn = bootstrap_counts(counts, DRAWS, seed)
    for metric, summary in (SUMMARIES if labelled else SUMMARIES_OF_DECISIONS).items():
        (value,), (first,), (second,) = summary.of(counts[np.newaxis])
        if not np.isfinite(value):
            continue
        pair = summary.of(drawn[:, [first, second]])[0]
        low, high = np.nanquantile(pair, (0.025, 0.975))
        equal = summary.of(_equal_groups(counts, summary.among, seed))[0]
        away = (equal <= value + _TIE) if summary.smaller_is_worse else (equal >= value - _TIE)
        yield Summary(
            metric=metric,
            n=int(counts.sum()),
            value=float(value),
            low=float(low),
            high=float(high),
            worst=(names[int(first)], names[int(second)]),
            chance=float(np.nanquantile(equal, 0.05 if summary.smaller_is_worse else 0.95)),
            p=(1 + int(away.sum())) / (EQUAL_DRAWS + 1),
        )


def _equal_groups(counts: npt.NDArray[np.int64], among: Sequence[Sequence[int]], seed: int) -> Counts:
    """Tables with the margins of ``counts`` whose outcomes are dealt out to the groups at random, set by set."""
    from scipy.stats import random_table

    rng = np.random.default_rng(seed)
    dealt = np.zeros((EQUAL_DRAWS, *counts.shape))
    for outcomes in among:
        part = counts[:, outcomes]
        if part.sum():
            table = random_table(part.sum(axis=1), part.sum(axis=0), seed=rng)
            dealt[:, :, outcomes] = table.rvs(size=EQUAL_DRAWS)
    return dealt


def bootstrap_counts(counts: npt.NDArray[np.int64], draws: int, seed: int) -> npt.NDArray[np.int64]:
    """Counts of bootstrap samples of the rows, shape (draws, *counts.shape)."""
    rows = int(counts.sum())
    rng = np.random.default_rng(seed)
    return rng.multinomial(rows, counts.ravel() / rows, size=draws).reshape(draws, *counts.shape)


#: Value per table, and the places of the two groups that are furthest apart; tables have shape (draws, groups, outcomes).
SummaryOf: TypeAlias = Callable[[Counts], tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]]


def demographic_parity_difference(
    counts: Counts,
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Largest less smallest selection rate; as ``fairlearn.metrics.demographic_parity_difference``."""
    return _gap(_rates(counts, "selection-rate"))


def demographic_parity_ratio(counts: Counts) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Smallest over largest selection rate; as ``fairlearn.metrics.demographic_parity_ratio``."""
    rates = _rates(counts, "selection-rate")
    _, most, least = _gap(rates)
    top, bottom = _at(rates, most), _at(rates, least)
    return np.divide(bottom, top, out=np.full(len(top), np.nan), where=top > 0), least, most


def equalized_odds_difference(counts: Counts) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The larger of the gaps in true- and in false-positive rates (Hardt, Price and Srebro 2016, NeurIPS).

    As ``fairlearn.metrics.equalized_odds_difference`` with ``agg="worst_case"``.
    """
    both = [_gap(_rates(counts, metric)) for metric in ("true-positive-rate", "false-positive-rate")]
    (one, *ones), (other, *others) = both
    first = np.where(one >= other, ones[0], others[0])
    return np.maximum(one, other), first, np.where(one >= other, ones[1], others[1])


def differential_fairness(counts: Counts) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Smoothed empirical differential fairness, epsilon: the largest log ratio of an outcome's probability in two groups.

    ``P(y | g) = (n_gy + c / 2) / (n_g + c)`` with ``c`` = ``CONCENTRATION``; epsilon is 0 for equal groups, ln 1.25 = .223
    where the four-fifths rule just holds for both outcomes. Source: Foulds, Islam, Keya and Pan 2020, "An intersectional
    definition of fairness", ICDE, definition 3.2 and section 4; smoothing as ``aif360``'s ``smoothed_edf``.
    """
    return smoothed_epsilon(counts, CONCENTRATION)


def smoothed_epsilon(
    counts: Counts, concentration: float
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """``differential_fairness`` with any concentration; 0 leaves the shares as they are."""
    selected, n = rate_counts(counts, "selection-rate")
    shares = np.stack([selected, n - selected], axis=-1) + concentration / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(shares / (n + concentration)[..., np.newaxis])
        widest = [_gap(logs[..., outcome]) for outcome in range(2)]
    (one, *ones), (other, *others) = widest
    return (
        np.fmax(one, other),
        np.where(one >= other, ones[0], others[0]),
        np.where(one >= other, ones[1], others[1]),
    )


@dataclass(frozen=True, slots=True)
class SummaryMetric:
    """How a summary is computed, and between which outcomes chance may deal when groups are equal."""

    of: SummaryOf
    among: Sequence[Sequence[int]]
    smaller_is_worse: bool = False


_DECISIONS = (PREDICTED,)
_GIVEN_TRUTH = ((TN, FP), (FN, TP))
SUMMARIES_OF_DECISIONS: Mapping[str, SummaryMetric] = MappingProxyType(
    {
        "demographic-parity-difference": SummaryMetric(demographic_parity_difference, _DECISIONS),
        "demographic-parity-ratio": SummaryMetric(
            demographic_parity_ratio, _DECISIONS, smaller_is_worse=True
        ),
        "differential-fairness": SummaryMetric(differential_fairness, _DECISIONS),
    }
)
SUMMARIES: Mapping[str, SummaryMetric] = MappingProxyType(
    {
        **SUMMARIES_OF_DECISIONS,
        "equalized-odds-difference": SummaryMetric(equalized_odds_difference, _GIVEN_TRUTH),
    }
)


def _rates(counts: Counts, metric: str) -> Floats:
    events, n = rate_counts(counts, metric)
    return np.divide(events, n, out=np.full(n.shape, np.nan), where=n > 0)


def _gap(rates: Floats) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Largest less smallest along the last axis, and where they are; NaN where fewer than one is defined."""
    undefined = np.isnan(rates)
    most = np.argmax(np.where(undefined, -np.inf, rates), axis=-1)
    least = np.argmin(np.where(undefined, np.inf, rates), axis=-1)
    return _at(rates, most) - _at(rates, least), most, least


def _at(rates: Floats, places: npt.NDArray[np.int64]) -> Floats:
    return np.take_along_axis(rates, places[..., np.newaxis], axis=-1)[..., 0]
