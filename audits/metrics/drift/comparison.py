"""One column held against its reference: the method's number, the effect, what chance explains, and both verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from audits.metrics.drift.distances import population_stability_index
from audits.metrics.drift.distributions import NumericDistribution, profile_distributions
from audits.metrics.drift.effects import EFFECTS, Effect, drift_effect, psi_deciles
from audits.metrics.drift.methods import (
    MAX_ROWS_FOR_TESTS,
    METHODS,
    MOST_TOLERANCE_USED,
    MethodChoice,
    MethodError,
    Pair,
    Rule,
    Score,
    default_method,
    drift_score,
    parse_method,
)
from audits.metrics.drift.null import Null, calibrated_verdict, effect_null
from audits.metrics.drift.rows import MOST_ROWS, RowPair
from audits.profiles import ColumnProfile, ProfileMismatch

#: Every name that may stand among the thresholds of a comparison.
THRESHOLD_NAMES = (*METHODS, *(name for name in EFFECTS if name not in METHODS))


class TooFewRows(ValueError):
    """There is too little to compare; the message says of what."""


class NotComparable(ValueError):
    """The columns or the method do not allow a comparison; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one column. ``drifted`` is the verdict by ``rule``, ``evidently_drifted`` always Evidently's.

    ``null`` is None when the effect is below its threshold, so that chance need not be asked. ``sampled`` are the
    numbers of either side, the reference's first, from which the score was computed when single rows were read for it.
    ``lossless``: every value behind the score was seen as it is, neither numbers in bins, nor categories in buckets, nor
    a sample.
    """

    score: Score
    rule: Rule
    effect: Effect
    null: Null | None
    drifted: bool
    n: int
    reference_n: int
    psi: float
    psi_deciles: float
    lossless: bool
    sampled: tuple[int, int] | None = None

    @property
    def evidently_drifted(self) -> bool:
        return self.score.drifted

    @property
    def tolerance_used(self) -> float:
        """Share of the tolerance that is used up: above 1 exactly when the column has drifted."""
        if self.rule is Rule.EVIDENTLY:
            return self.score.tolerance_used
        used = self.effect.value / self.effect.threshold
        if self.null is not None and not self.drifted:
            used = min(used, self.effect.value / self.null.critical if self.null.critical > 0 else 1.0, 1.0)
        return min(MOST_TOLERANCE_USED, used)


def compare(
    reference: ColumnProfile,
    current: ColumnProfile,
    method: MethodChoice | None = None,
    thresholds: Mapping[str, float] = MappingProxyType({}),
    seed: int = 0,
    rows: Callable[[], RowPair] | None = None,
) -> Comparison:
    """Compare a column's profile with its reference's.

    Where the profiles' bins of numbers do not serve the method, its value is computed from single rows if these can be
    had: a method that needs every number, and Kolmogorov and Smirnov's test of a small reference, whose gap bins would
    blur by as much as .0012, when all rows can be read. The effect and what chance explains always come from the
    profiles.

    Parameters
    ----------
    method : MethodChoice, optional
        From ``parse_method``; by default Evidently's choice is shown and the calibrated verdict counts.
    thresholds : mapping of method or effect to float, optional
        Instead of their own, by ``THRESHOLD_NAMES``.
    seed : int
        Of the null's draws: the same seed gives the same comparison.
    rows : function, optional
        Reads single rows of the column (``drift_rows.RowReader``).

    Raises
    ------
    TooFewRows
        When a side has no finite values, or its categories are too many for its rows.
    NotComparable
        When the types differ, or the method cannot compare such values.
    TableError
        When rows are needed and cannot be read; names the column.
    """
    most_rows = max(reference.rows, current.rows)
    return compare_pair(comparable_pair(reference, current), method, thresholds, seed, rows, most_rows)


def compare_pair(
    pair: Pair,
    method: MethodChoice | None = None,
    thresholds: Mapping[str, float] = MappingProxyType({}),
    seed: int = 0,
    rows: Callable[[], RowPair] | None = None,
    most_rows: int = 0,
) -> Comparison:
    """``compare`` of distributions that are aligned already; ``most_rows`` are those of the longer table."""
    choice = method or parse_method(None)
    name = choice.method or default_method(pair)
    single = _single_rows(rows, pair, name, most_rows)
    try:
        score = drift_score(single.pair if single else pair, name, thresholds)
        effect = drift_effect(pair, thresholds)
        null = None if choice.rule is Rule.EVIDENTLY else effect_null(pair, seed, effect=effect)
        drifted = score.drifted if choice.rule is Rule.EVIDENTLY else calibrated_verdict(effect, null)
        indices = population_stability_index(*pair.by_bin), psi_deciles(pair)
    except (MethodError, ArithmeticError) as error:
        raise NotComparable(str(error)) from error
    return Comparison(
        score,
        choice.rule,
        effect,
        null,
        drifted,
        pair.current.n,
        pair.reference.n,
        *indices,
        lossless=single.complete if single else _lossless(pair),
        sampled=(single.pair.reference.n, single.pair.current.n) if single else None,
    )


def method_values(pair: Pair, leave_out: Collection[str] = ()) -> dict[str, float]:
    """The value of every method that can compare these distributions, but for those to leave out."""
    values: dict[str, float] = {}
    for name in METHODS:
        if name in leave_out:
            continue
        try:
            value = drift_score(pair, name).value
        except (MethodError, ArithmeticError):
            continue
        if math.isfinite(value):
            values[name] = value
    return values


def _single_rows(
    rows: Callable[[], RowPair] | None, pair: Pair, method: str, table_rows: int
) -> RowPair | None:
    """Single rows for the method's value; None when the pair itself serves, or rows are not to be had."""
    small_reference = method == "ks" and pair.reference.n <= MAX_ROWS_FOR_TESTS and table_rows <= MOST_ROWS
    if rows is None or pair.lossless or not (METHODS[method].every_number or small_reference):
        return None
    found = rows()
    if not found.pair.reference.n or not found.pair.current.n:
        raise TooFewRows(f"no finite values among {MOST_ROWS} rows of one side")
    return found


def comparable_pair(reference: ColumnProfile, current: ColumnProfile) -> Pair:
    """Both sides' distributions, aligned only once whatever is computed of them.

    Raises
    ------
    TooFewRows, NotComparable
        As ``compare``.
    """
    if not reference.n or not current.n:
        raise TooFewRows("no finite values on one side")
    try:
        pair = Pair(*profile_distributions(reference, current))
    except ProfileMismatch as error:
        raise NotComparable(f"{error}; give both the same type") from error
    if not pair.reference.n or not pair.current.n:
        raise TooFewRows("no finite values on one side")
    if pair.reference.sparse and pair.current.sparse:
        raise TooFewRows(
            f"{pair.current.distinct} categories in {pair.current.n} rows, too few of each to compare; "
            "leave it out or group its values"
        )
    return pair


def _lossless(pair: Pair) -> bool:
    """Whether every value was compared as it is: neither numbers in bins nor categories in buckets."""
    return all(
        side.lossless if isinstance(side, NumericDistribution) else side.estimated is None
        for side in (pair.reference, pair.current)
    )
