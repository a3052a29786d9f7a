"""Drift: has a column's distribution moved away from the reference?

Computed from the profiles of both sides, so a table is read once at most, and not at all when its profile is stored.
Only a method that bins of numbers do not serve reads single rows of its column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    Words,
    audit_kinds,
)
from audits.metrics.drift.comparison import THRESHOLD_NAMES, Comparison, NotComparable, TooFewRows, compare
from audits.metrics.drift.effects import EFFECTS
from audits.metrics.drift.methods import (
    METHOD_CHOICES,
    METHODS,
    MethodChoice,
    MethodError,
    SignificanceTest,
    parse_method,
)
from audits.metrics.drift.rows import RowReader
from audits.profiles import ColumnProfile, DatetimeProfile, NumericProfile, TableProfile, profile_of
from audits.tables import ColumnType, Table, TableError, columns_to_examine

SHARE = "drift-share"
#: A table has drifted when at least this share of its columns has (Evidently's default).
DEFAULT_SHARE = 0.5
ROWS = "rows"
#: On fewer rows on either side the absence of drift says nothing; a common minimum for rates and group comparisons.
DEFAULT_ROWS = 30


@audit_kinds.register
class DataDrift(AuditKind):
    slug = "data-drift"
    label = "Data drift"
    dimension = "drift"
    method = (
        "Effect size per column beyond its limit and beyond what chance explains (permutation test); Evidently 0.7.23's "
        "method, value and verdict beside it; share of drifted columns"
    )
    needs_reference = True
    settings = Settings(
        limits={**EFFECTS, SHARE: DEFAULT_SHARE, ROWS: DEFAULT_ROWS},
        methods=METHOD_CHOICES,
        labels={SHARE: "Share of moved columns", ROWS: "Rows needed"},
    )
    words = {
        "drift-share": Words(
            label="Share of moved columns", sentence="{value} of the columns have moved.", unit="share"
        ),
        "*": Words(label="", sentence="The column {slice} has moved from the reference by {value}."),
    }

    def check(self, parameters: AuditParameters) -> None:
        _checked(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        reference, current = audit_input.need_reference(), audit_input.current
        parameters = audit_input.parameters
        choice = _checked(parameters)
        names = columns_to_examine(parameters.columns, current, reference)
        before, after = (_Side(table, profile_of(table, names)) for table in (reference, current))
        binned = [name for name in names if _in_bins(before.column(name)) or _in_bins(after.column(name))]
        rows = RowReader(reference, current, binned, audit_input.seed)
        found = [
            _ColumnDrift(name, parameters, choice, audit_input.seed, rows).measurement(before, after)
            for name in names
        ]
        measurements = [m for m in found if m is not None]
        if not measurements:
            raise AuditInputError(
                "no column can be compared: moments in time are compared only when named in columns"
            )
        return [*measurements, _drift_share(measurements, parameters.threshold(SHARE, DEFAULT_SHARE))]


def _in_bins(column: ColumnProfile | str) -> bool:
    """Whether a column's numbers, or moments, are kept in bins only."""
    numbers = column.numbers if isinstance(column, DatetimeProfile) else column
    return isinstance(numbers, NumericProfile) and not numbers.lossless


def _checked(parameters: AuditParameters) -> MethodChoice:
    for name, limit in parameters.thresholds.items():
        if name not in (*THRESHOLD_NAMES, SHARE, ROWS):
            known = ", ".join((*THRESHOLD_NAMES, SHARE, ROWS))
            raise AuditInputError(f"unknown threshold {name!r}; known: {known}")
        _check_limit(name, limit)
    try:
        return parse_method(parameters.method)
    except MethodError as error:
        raise AuditInputError(str(error)) from error


def _check_limit(name: str, limit: float) -> None:
    if limit <= 0:
        raise AuditInputError(f"threshold {name!r} is {limit:g}; it must be above 0")
    if limit >= 1 and isinstance(METHODS.get(name), SignificanceTest):
        raise AuditInputError(f"threshold {name!r} is {limit:g}; the limit of a p-value must be below 1")


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two tables, and its profile."""

    table: Table
    profile: TableProfile

    @property
    def label(self) -> str:
        return self.table.label

    def column(self, name: str) -> ColumnProfile | str:
        """The profile of a column, or why there is none."""
        return self.profile.columns.get(name) or self.profile.fault(name, self.table)


@dataclass(frozen=True, slots=True)
class _ColumnDrift:
    """The comparison of one column."""

    name: str
    parameters: AuditParameters
    choice: MethodChoice
    seed: int
    rows: RowReader

    def measurement(self, reference: _Side, current: _Side) -> Measurement | None:
        """None for a moment in time that was not asked for: it moves on by nature."""
        before, after = reference.column(self.name), current.column(self.name)
        for column in (before, after):
            if isinstance(column, str):
                return self._without_value(Verdict.ERRORED, column)
        assert isinstance(before, ColumnProfile) and isinstance(after, ColumnProfile)  # noqa: S101, PT018
        if ColumnType.DATETIME in (before.type, after.type) and self.name not in self.parameters.columns:
            return None
        for side, column in ((reference, before), (current, after)):
            if column.nulls == column.rows:
                reason = f"column {self.name!r} of {side.label} has no values"
                return self._without_value(Verdict.INSUFFICIENT, reason)
        if before.kind != after.kind:
            reason = (
                f"column {self.name!r} is {before.kind} in {reference.label} but {after.kind} in "
                f"{current.label}; give both the same type"
            )
            return self._without_value(Verdict.ERRORED, reason)
        return self._compared(before, after)

    def _compared(self, before: ColumnProfile, after: ColumnProfile) -> Measurement:
        rows = partial(self.rows.pair, self.name) if self.name in self.rows.names else None
        try:
            found = compare(before, after, self.choice, self.parameters.thresholds, self.seed, rows)
        except TooFewRows as error:
            return self._without_value(Verdict.INSUFFICIENT, f"column {self.name!r} has {error}", after.n)
        except NotComparable as error:
            return self._without_value(Verdict.ERRORED, f"column {self.name!r}: {error}", after.n)
        except TableError as error:
            return self._without_value(Verdict.ERRORED, str(error), after.n)
        detail = _detail(found)
        verdict = Verdict.FAIL if found.drifted else Verdict.PASS
        least = self.parameters.threshold(ROWS, DEFAULT_ROWS)
        if verdict is Verdict.PASS and min(found.n, found.reference_n) < least:
            verdict = Verdict.INSUFFICIENT
            detail["reason"] = (
                f"column {self.name!r} has {found.reference_n} reference and {found.n} current values; "
                f"{least:g} of each are needed"
            )
        return Measurement(
            name=found.score.method,
            slice=self.name,
            n=found.n,
            value=found.score.value,
            threshold=found.score.threshold,
            verdict=verdict,
            tolerance_used=found.tolerance_used,
            detail=detail,
        )

    def _without_value(self, verdict: Verdict, reason: str, n: int = 0) -> Measurement:
        name = self.choice.method or "drift"
        return Measurement(name=name, slice=self.name, n=n, verdict=verdict, detail={"reason": reason})


def _detail(found: Comparison) -> dict[str, Any]:
    """What stands beside the method's number; from bins, or from a sample of rows, it is marked as not exact."""
    detail: dict[str, Any] = {
        "reference_n": found.reference_n,
        "psi": found.psi,
        "psi_deciles": found.psi_deciles,
        "effect_name": found.effect.name,
        "effect": found.effect.value,
        "effect_threshold": found.effect.threshold,
        "verdict_rule": str(found.rule),
        "evidently_verdict": str(Verdict.FAIL if found.evidently_drifted else Verdict.PASS),
        "exact": found.lossless,
    }
    if found.sampled is not None:
        detail["sampled"] = dict(zip(("reference", "current"), found.sampled, strict=True))
    if found.null is not None:
        detail |= {"critical": found.null.critical, "p_effect": found.null.p, "draws": found.null.draws}
    if found.score.statistic is not None and math.isfinite(found.score.statistic):
        detail["statistic"] = found.score.statistic
    return detail


def _drift_share(measurements: list[Measurement], limit: float) -> Measurement:
    compared = [m for m in measurements if m.verdict in (Verdict.PASS, Verdict.FAIL)]
    drifted = [m.slice for m in compared if m.verdict is Verdict.FAIL]
    if not compared:
        reason = "no column could be compared"
        return Measurement(
            name=SHARE, verdict=Verdict.INSUFFICIENT, threshold=limit, detail={"reason": reason}
        )
    share = len(drifted) / len(compared)
    return Measurement(
        name=SHARE,
        n=len(compared),
        value=share,
        threshold=limit,
        verdict=Verdict.FAIL if share >= limit else Verdict.PASS,
        tolerance_used=share / limit,
        detail={"drifted": drifted},
    )
