"""Arrival: are the data fresh, and are they as many as expected?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
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
from audits.metrics.drift.arrivals import DailyRows, Volume, daily_rows, dispersion, volume_ratio
from audits.tables import Table

AGE = "age-days"
RATIO = "volume-ratio"
LOW, HIGH = "volume-low", "volume-high"
#: Where they come from: see the reference page.
DEFAULTS: Mapping[str, float] = MappingProxyType({AGE: 7.0, LOW: 0.5, HIGH: 2.0})
#: How far ahead of the audit's day a value may lie: the day has begun elsewhere.
AHEAD = timedelta(days=1)
_MOST_TOLERANCE_USED = 100.0


@audit_kinds.register
class Arrival(AuditKind):
    slug = "arrival"
    by_the_clock = True
    label = "Arrival"
    dimension = "quality"
    method = "Age of the newest day; rows per day over the reference's, with an interval from its day-to-day variance"
    settings = Settings(limits=DEFAULTS)
    words = {
        "age-days": Words(
            label="Age of the newest data", sentence="The newest data are {value} old.", unit="days"
        ),
        "volume-ratio": Words(
            label="Volume for a day",
            sentence="Each day brings {value} times the rows that the reference had.",
            unit="ratio",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)
        _column(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        column = _column(parameters)
        timing = audit_input.timing
        current = _Arrived.read(audit_input.current, column, timing.current if timing else None)
        reference = None
        if audit_input.reference is not None:
            reference = _Arrived.read(audit_input.reference, column, timing.reference if timing else None)
        return [
            _age(current, timing.moment if timing else None, limits[AGE]),
            _volume(current, reference, limits),
        ]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_thresholds(DEFAULTS)
    limits = {**DEFAULTS, **parameters.thresholds}
    if limits[AGE] < 0:
        raise AuditInputError(f"threshold {AGE!r} is {limits[AGE]:g}; it must not be negative")
    if not 0 < limits[LOW] < 1 < limits[HIGH]:
        raise AuditInputError(f"thresholds must satisfy 0 < {LOW} < 1 < {HIGH}")
    return limits


def _column(parameters: AuditParameters) -> str | None:
    if len(parameters.columns) > 1:
        raise AuditInputError("arrival reads one column of moments: name a single one as columns, or none")
    return parameters.columns[0] if parameters.columns else None


@dataclass(frozen=True, slots=True)
class _Arrived:
    """What is known of when a table's rows came: per day, from a column; or only the days it is meant to cover."""

    label: str
    rows: int
    daily: DailyRows | None
    window: tuple[date, date] | None

    @classmethod
    def read(cls, table: Table, column: str | None, window: tuple[date, date] | None) -> _Arrived:
        return cls(table.label, table.rows, daily_rows(table, column) if column else None, window)

    @property
    def span(self) -> tuple[date, date] | None:
        """The days it is meant to cover, or else those from its first to its last."""
        if self.window or self.daily is None or self.daily.first is None or self.daily.last is None:
            return self.window
        return self.daily.first, self.daily.last

    def volume(self) -> Volume | None:
        """Rows and days; a table without any row is one day on which none came. None when its days are not known."""
        if self.span is None:
            return None if self.rows else Volume(0, 1)
        first, last = self.span
        days = (last - first).days + 1
        if self.daily is None:
            return Volume(self.rows, days)
        per_day = self.daily.between(first, last)
        return Volume(int(per_day.sum()), days, dispersion(per_day))

    def detail(self, prefix: str) -> dict[str, Any]:
        volume = self.volume()
        if volume is None:
            return {}
        found: dict[str, Any] = {f"{prefix}rows": volume.rows, f"{prefix}days": volume.days}
        if self.daily is not None and self.span is not None:
            found[f"{prefix}days_without_rows"] = int((self.daily.between(*self.span) == 0).sum())
            found[f"{prefix}rows_without_day"] = self.daily.without_day
            found[f"{prefix}rows_outside"] = sum(self.daily.rows.values()) - volume.rows
        return found


def _age(current: _Arrived, moment: date | None, limit: float) -> Measurement:
    """Days from the newest value, that does not lie in the future, to the day of the audit."""
    if moment is None:
        return _unknown(AGE, current, limit, "the day of the audit is not known")
    newest, ahead = _newest(current, moment + AHEAD)
    if newest is None:
        reason = f"{current.label} has no moment up to {moment}"
        if current.daily is None:
            reason = f"the days of {current.label} are not known: name its column of moments as columns"
        return _unknown(AGE, current, limit, reason)
    age = max(0, (moment - newest).days)
    verdict = Verdict.FAIL if age > limit else Verdict.REVIEW if ahead else Verdict.PASS
    detail: dict[str, Any] = {"newest": newest.isoformat(), "moment": moment.isoformat(), "rows_ahead": ahead}
    if ahead:
        detail["reason"] = f"{ahead} rows lie after the day of the audit: a wrong clock, unit or time zone?"
    return Measurement(
        name=AGE,
        n=current.rows,
        value=float(age),
        threshold=limit,
        verdict=verdict,
        tolerance_used=min(_MOST_TOLERANCE_USED, age / limit) if limit else _MOST_TOLERANCE_USED * (age > 0),
        detail=detail,
    )


def _newest(current: _Arrived, latest: date) -> tuple[date | None, int]:
    """The newest day up to ``latest``, and how many rows lie after it. Without a column, the window's last day."""
    if current.daily is None:
        return (min(current.window[1], latest) if current.window else None), 0
    past = [day for day in current.daily.rows if day <= latest]
    ahead = sum(rows for day, rows in current.daily.rows.items() if day > latest)
    return max(past, default=None), ahead


def _volume(current: _Arrived, reference: _Arrived | None, limits: Mapping[str, float]) -> Measurement:
    if reference is None:
        return _unknown(RATIO, current, limits[LOW], "there is no reference to expect a volume from")
    now, before = current.volume(), reference.volume()
    for side, volume in ((current, now), (reference, before)):
        if volume is None:
            reason = f"the days of {side.label} are not known: name its column of moments as columns"
            return _unknown(RATIO, current, limits[LOW], reason)
    if now is None or before is None or not before.rows:
        return _unknown(RATIO, current, limits[LOW], f"{reference.label} has no rows to expect a volume from")
    ratio, low, high = volume_ratio(now, before)
    limit = limits[LOW] if ratio < 1 else limits[HIGH]
    return Measurement(
        name=RATIO,
        n=current.rows,
        value=ratio,
        low=low,
        high=high if math.isfinite(high) else None,
        threshold=limit,
        verdict=_verdict(ratio, low, high, limits),
        tolerance_used=_used(ratio, limit),
        detail={
            **current.detail(""),
            **reference.detail("reference_"),
            "reference_dispersion": before.dispersion,
            "volume_low": limits[LOW],
            "volume_high": limits[HIGH],
        },
    )


def _verdict(ratio: float, low: float, high: float, limits: Mapping[str, float]) -> Verdict:
    """Fail when the whole interval is beyond a limit, review when only the ratio is."""
    if limits[LOW] <= ratio <= limits[HIGH]:
        return Verdict.PASS
    return Verdict.FAIL if high < limits[LOW] or low > limits[HIGH] else Verdict.REVIEW


def _used(ratio: float, limit: float) -> float:
    """On the scale of logarithms: half as many rows are as far from the expectation as twice as many."""
    return min(_MOST_TOLERANCE_USED, math.log(ratio) / math.log(limit)) if ratio > 0 else _MOST_TOLERANCE_USED


def _unknown(name: str, current: _Arrived, limit: float, reason: str) -> Measurement:
    return Measurement(
        name=name, n=current.rows, threshold=limit, verdict=Verdict.INSUFFICIENT, detail={"reason": reason}
    )
