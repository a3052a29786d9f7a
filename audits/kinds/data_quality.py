"""Data quality: are values missing, infinite, frozen, unknown or out of range?

Computed from profiles, so a table is read once at most, and not at all when its profile is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
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
from audits.metrics.drift.distributions import (
    CategoricalDistribution,
    NumericDistribution,
    aligned,
    profile_distributions,
    rows_outside,
)
from audits.metrics.statistics.intervals import newcombe, wilson
from audits.profiles import ColumnProfile, NumericProfile, profile_of
from audits.tables import ColumnType, Table, TableError, columns_to_examine

ROW_COUNT = "row-count"
MISSING = "missing-share"
INFINITE = "infinity-share"
NEW = "new-category-share"
OUT_OF_RANGE = "out-of-range-share"
CONSTANT = "constant-column"
TYPE = "column-type"

#: Shares of rows that are tolerated, and the rows below which shares say little.
DEFAULT_THRESHOLDS: Mapping[str, float] = MappingProxyType(
    {ROW_COUNT: 30.0, MISSING: 0.05, INFINITE: 0.0, NEW: 0.05, OUT_OF_RANGE: 0.05}
)
_MOST_TOLERANCE_USED = 100.0


@audit_kinds.register
class DataQuality(AuditKind):
    slug = "data-quality"
    label = "Data quality"
    dimension = "quality"
    method = "Shares of missing, infinite, unseen and out-of-range values with Wilson intervals; constant columns; rows"
    settings = Settings(
        limits=DEFAULT_THRESHOLDS,
        labels={
            ROW_COUNT: "Rows needed",
            MISSING: "Missing values",
            INFINITE: "Infinite values",
            NEW: "New categories",
            OUT_OF_RANGE: "Values out of range",
        },
    )
    words = {
        "row-count": Words(label="Rows", sentence="The table has {value} rows.", unit="count"),
        "missing-share": Words(
            label="Missing values", sentence="{value} of {slice} is missing.", unit="share"
        ),
        "infinity-share": Words(
            label="Infinite values", sentence="{value} of {slice} is infinite.", unit="share"
        ),
        "constant-column": Words(
            label="Constant column", sentence="{slice} has {distinct} different values.", unit="count"
        ),
        "new-category-share": Words(
            label="New categories",
            sentence="{value} of {slice} are categories that the reference never had.",
            unit="share",
        ),
        "out-of-range-share": Words(
            label="Values out of range",
            sentence="{value} of {slice} lies outside the range of the reference.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        current, reference, parameters = audit_input.current, audit_input.reference, audit_input.parameters
        limits = _limits(parameters)
        tables = (current,) if reference is None else (current, reference)
        measurements = [_row_count(current, limits[ROW_COUNT])]
        names = columns_to_examine(parameters.columns, *tables)
        profiles = [profile_of(table, names) for table in tables]
        for name in names:
            faults = [p.fault(name, table) for p, table in zip(profiles, tables, strict=True)]
            if any(faults):
                reason = next(fault for fault in faults if fault)
                measurements.append(_no_value(MISSING, name, Verdict.ERRORED, reason))
            else:
                columns = [profile.columns[name] for profile in profiles]
                measurements.extend(_ColumnQuality(name, limits, *columns).measurements())
        return measurements


def _limits(parameters: AuditParameters) -> dict[str, float]:
    for name, limit in parameters.thresholds.items():
        if name not in DEFAULT_THRESHOLDS:
            raise AuditInputError(f"unknown threshold {name!r}; known: {', '.join(DEFAULT_THRESHOLDS)}")
        if limit < 0 or (limit > 1 and name != ROW_COUNT):
            raise AuditInputError(f"threshold {name!r} is {limit:g}; it must lie between 0 and 1")
    return {**DEFAULT_THRESHOLDS, **parameters.thresholds}


def _row_count(current: Table, least: float) -> Measurement:
    try:
        rows = current.rows
    except TableError as error:
        return _no_value(ROW_COUNT, "", Verdict.ERRORED, str(error))
    enough = rows >= max(least, 1)
    return Measurement(
        name=ROW_COUNT,
        n=rows,
        value=float(rows),
        threshold=least,
        verdict=Verdict.PASS if enough else Verdict.INSUFFICIENT,
        tolerance_used=min(_MOST_TOLERANCE_USED, least / rows) if rows else _MOST_TOLERANCE_USED,
        detail={}
        if enough
        else {"reason": f"{current.label} has {rows} rows; at least {max(least, 1):g} are needed"},
    )


@dataclass(frozen=True, slots=True)
class _ColumnQuality:
    """The checks of one column, each a measurement."""

    name: str
    limits: Mapping[str, float]
    current: ColumnProfile
    reference: ColumnProfile | None = None

    def measurements(self) -> Iterator[Measurement]:
        if not self.current.rows:
            yield self._insufficient(MISSING, "there are no rows")
            return
        yield self._missing()
        if self.current.nulls == self.current.rows:
            yield self._insufficient(CONSTANT, f"column {self.name!r} has no values")
            return
        if isinstance(self.current, NumericProfile):
            share = _Share(self.current.infinities, self.current.rows - self.current.nulls)
            yield share.judged(INFINITE, self.name, self.limits[INFINITE])
        yield from self._values()

    def _missing(self) -> Measurement:
        share, limit = _Share(self.current.nulls, self.current.rows), self.limits[MISSING]
        if self.reference is None:
            return share.judged(MISSING, self.name, limit)
        if not self.reference.rows:
            return self._insufficient(MISSING, "the reference has no rows")
        return share.judged_against(
            _Share(self.reference.nulls, self.reference.rows), MISSING, self.name, limit
        )

    def _values(self) -> Iterator[Measurement]:
        yield self._constant()
        if self.reference is None:
            return
        if not self.reference.n or not self.current.n:
            comparison = NEW if self.current.type is ColumnType.CATEGORICAL else OUT_OF_RANGE
            yield self._insufficient(comparison, f"column {self.name!r} has no finite values on one side")
        elif self.reference.kind != self.current.kind:
            reason = (
                f"column {self.name!r} is {self.current.kind}, but {self.reference.kind} in the reference; "
                "give both the same type"
            )
            yield _no_value(TYPE, self.name, Verdict.ERRORED, reason)
        else:
            yield from self._compared(self.reference)

    def _compared(self, reference: ColumnProfile) -> Iterator[Measurement]:
        before, after = profile_distributions(reference, self.current)
        if isinstance(before, CategoricalDistribution) and isinstance(after, CategoricalDistribution):
            yield self._new_categories(before, after)
        if self.current.type is not ColumnType.NUMERIC:  # moments move on by nature
            return
        if isinstance(before, NumericDistribution) and isinstance(after, NumericDistribution):
            yield self._out_of_range(before, after)

    def _constant(self) -> Measurement:
        n, reference = self.current.n, self.reference
        if n < 2:
            return self._insufficient(CONSTANT, f"column {self.name!r} has {n} finite values; 2 are needed")
        constant = self.current.distinct == 1
        verdict = Verdict.PASS
        if constant and (reference is None or reference.distinct != 1):
            verdict = Verdict.REVIEW if reference is None or not reference.n else Verdict.FAIL
        return Measurement(
            name=CONSTANT,
            slice=self.name,
            n=n,
            value=float(constant),
            verdict=verdict,
            detail={
                "distinct": self.current.distinct,
                **({"reference_distinct": reference.distinct} if reference else {}),
            },
        )

    def _new_categories(self, before: CategoricalDistribution, after: CategoricalDistribution) -> Measurement:
        if before.identifying and after.identifying:
            reason = f"column {self.name!r}: most values are distinct, so it names rows; leave it out or group its values"
            return self._insufficient(NEW, reason)
        of_reference, of_current = aligned(before, after)
        new = of_reference == 0
        detail = {"new_categories": int(new.sum()), "reference_categories": before.distinct}
        return _Share(int(of_current[new].sum()), after.n).judged(NEW, self.name, self.limits[NEW], detail)

    def _out_of_range(self, before: NumericDistribution, after: NumericDistribution) -> Measurement:
        share = _Share(rows_outside(after, before.low, before.high), after.n)
        detail = {"reference_low": before.low, "reference_high": before.high}
        return share.judged(OUT_OF_RANGE, self.name, self.limits[OUT_OF_RANGE], detail)

    def _insufficient(self, measurement: str, reason: str) -> Measurement:
        return _no_value(measurement, self.name, Verdict.INSUFFICIENT, reason)


@dataclass(frozen=True, slots=True)
class _Share:
    """``k`` of ``n`` rows, ``n`` at least 1."""

    k: int
    n: int

    @property
    def value(self) -> float:
        return self.k / self.n

    def judged(
        self, name: str, column: str, limit: float, detail: Mapping[str, Any] = MappingProxyType({})
    ) -> Measurement:
        """Fail when the whole interval is beyond the limit, review when only the share is."""
        low, high = (float(end) for end in wilson(self.k, self.n))
        return Measurement(
            name=name,
            slice=column,
            n=self.n,
            value=self.value,
            low=low,
            high=high,
            threshold=limit,
            verdict=_verdict(self.value, low, limit),
            tolerance_used=_tolerance_used(self.value, limit),
            detail=dict(detail),
        )

    def judged_against(self, reference: _Share, name: str, column: str, limit: float) -> Measurement:
        """The same for how far the share lies above the reference's; the threshold shown is that share plus the limit."""
        low, high = (float(end) for end in wilson(self.k, self.n))
        change = self.value - reference.value
        change_low, change_high = (float(end) for end in newcombe(self.k, self.n, reference.k, reference.n))
        return Measurement(
            name=name,
            slice=column,
            n=self.n,
            value=self.value,
            low=low,
            high=high,
            threshold=reference.value + limit,
            verdict=_verdict(change, change_low, limit),
            tolerance_used=_tolerance_used(max(0.0, change), limit),
            detail={
                "reference": reference.value,
                "reference_n": reference.n,
                "change": change,
                "change_low": change_low,
                "change_high": change_high,
            },
        )


def _verdict(value: float, low: float, limit: float) -> Verdict:
    if value <= limit:
        return Verdict.PASS
    return Verdict.FAIL if low > limit else Verdict.REVIEW


def _tolerance_used(value: float, limit: float) -> float:
    if value <= 0:
        return 0.0
    return min(_MOST_TOLERANCE_USED, value / limit) if limit else _MOST_TOLERANCE_USED


def _no_value(name: str, column: str, verdict: Verdict, reason: str) -> Measurement:
    return Measurement(name=name, slice=column, verdict=verdict, detail={"reason": reason})
