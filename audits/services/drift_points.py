"""From two table profiles to the points of a monitoring series: every column by itself, faults included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from audits.kinds import Verdict
from audits.kinds.data_drift import DEFAULT_ROWS
from audits.metrics.drift.comparison import (
    Comparison,
    NotComparable,
    TooFewRows,
    comparable_pair,
    compare_pair,
    method_values,
)
from audits.metrics.drift.intervals import effect_interval
from audits.metrics.drift.methods import Pair
from audits.metrics.drift.null import Null, effect_null
from audits.models import DriftPoint
from audits.profiles import TableProfile
from audits.tables import ColumnType
from models_registry.models import ModelVersion

#: Change this when a point computed from the same profiles would come out differently: all are then computed anew.
RULES = 2
#: Below this share of its limit an effect is small whatever chance can do, and the null is not drawn.
NULL_FROM = 0.3
#: Thousands of shuffles for one number: left to runs that ask for it.
COSTLY = frozenset({"tvd_p"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is compared: one data window of a version, and against what."""

    version: ModelVersion
    data_window: str
    comparison: str
    start: date
    end: date
    sources: str

    def point(self, column: str, **values: Any) -> DriftPoint:
        """A row that is not yet saved."""
        return DriftPoint(
            version=self.version,
            data_window=self.data_window,
            comparison=self.comparison,
            start=self.start,
            end=self.end,
            sources=self.sources,
            column=column,
            **values,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The merged profiles of both sides, with their digests; ``left_out`` are columns that name persons."""

    reference: TableProfile
    reference_digest: str
    current: TableProfile
    current_digest: str
    left_out: frozenset[str]
    seed: int
    computed_at: datetime


def drift_points(span: Span, sides: Sides) -> list[DriftPoint]:
    """Compare every column of the reference, in order of names.

    A column that vanished, changed its type or cannot be read is an errored point with its reason, one with too few
    values an insufficient one; the others are not touched by it. Moments in time move on by nature, and columns that
    the reference does not have cannot have moved: both are left out.
    """
    digests = {
        "reference_digest": sides.reference_digest,
        "current_digest": sides.current_digest,
        "computed_at": sides.computed_at,
    }
    return [
        span.point(name, **values, **digests)
        for name in sorted(sides.reference.names)
        if name not in sides.left_out
        for values in _column(name, sides)
    ]


def _column(name: str, sides: Sides) -> Iterator[dict[str, Any]]:
    before, after = sides.reference.columns.get(name), sides.current.columns.get(name)
    if ColumnType.DATETIME in (side.type for side in (before, after) if side is not None):
        return
    if before is None or after is None:
        fault = sides.reference.faults.get(name) or sides.current.faults.get(name)
        yield _without_value(Verdict.ERRORED, fault or f"column {name!r} is no longer in the data")
        return
    try:
        pair = comparable_pair(before, after)
        found = compare_pair(pair, seed=sides.seed)
    except TooFewRows as error:
        yield _without_value(Verdict.INSUFFICIENT, f"column {name!r}: {error}", after.n, before.n)
    except NotComparable as error:
        yield _without_value(Verdict.ERRORED, f"column {name!r}: {error}", after.n, before.n)
    else:
        values = method_values(pair, leave_out=COSTLY)
        yield {**_compared(name, found, pair, sides.seed), "values": values}


def _without_value(verdict: Verdict, reason: str, n: int = 0, reference_n: int = 0) -> dict[str, Any]:
    return {"verdict": verdict, "reason": reason, "n": n, "reference_n": reference_n}


def _compared(name: str, found: Comparison, pair: Pair, seed: int) -> dict[str, Any]:
    null = found.null or _null_below_limit(found, pair, seed)
    low, high = effect_interval(pair, seed) or (None, None)
    verdict, reason = _verdict(name, found)
    return {
        "method": found.score.method,
        "value": _finite(found.score.value),
        "threshold": found.score.threshold,
        "n": found.n,
        "reference_n": found.reference_n,
        "effect": _finite(found.effect.value),
        "effect_name": found.effect.name,
        "effect_threshold": found.effect.threshold,
        "low": _finite(low),
        "high": _finite(high),
        "critical": _finite(null.critical) if null else None,
        "p": null.p if null else None,
        "verdict": verdict,
        "evidently_verdict": Verdict.FAIL if found.evidently_drifted else Verdict.PASS,
        "reason": reason,
    }


def _verdict(name: str, found: Comparison) -> tuple[Verdict, str]:
    """As the data-drift audit decides with its defaults."""
    if found.drifted:
        return Verdict.FAIL, ""
    if min(found.n, found.reference_n) >= DEFAULT_ROWS:
        return Verdict.PASS, ""
    reason = (
        f"column {name!r} has {found.reference_n} reference and {found.n} current values; "
        f"{DEFAULT_ROWS} of each are needed"
    )
    return Verdict.INSUFFICIENT, reason


def _null_below_limit(found: Comparison, pair: Pair, seed: int) -> Null | None:
    """The null of an effect that its limit passes already: for the chart, and for trying lower limits on the past."""
    effect = found.effect
    if effect.value < NULL_FROM * effect.threshold:
        return None
    return effect_null(pair, seed, effect=replace(effect, threshold=effect.value))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
