"""What the ages of a table's rows mean, held against the promise of how long they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from audits.contract import Measurement, Verdict
from audits.metrics.privacy.row_ages import RowAges

BEYOND, OLDEST, UNDATED = "rows-beyond-retention", "oldest-row-age", "rows-without-date"
FUTURE, NEXT, SUBJECTS = "rows-from-the-future", "days-until-first-expiry", "subjects-beyond-retention"
DAYS, SHARE, WITHOUT = "days", "share", "undated"
#: Rows without a date beyond this share say too little about the rest.
MOST_WITHOUT = 0.5
#: The day has begun elsewhere.
AHEAD = timedelta(days=1)
#: How far ahead expiring rows are counted, in days.
SOON = 30
_MOST_TOLERANCE_USED = 100.0


@dataclass(frozen=True, slots=True)
class JudgedAges:
    """The ages of one table against its promise. ``oldest_kept`` is the oldest day that may still be there."""

    label: str
    column: str
    ages: RowAges
    moment: date
    oldest_kept: date
    limits: Mapping[str, float]

    def measurements(self, entity: str | None) -> list[Measurement]:
        if not self.ages.total:
            return [insufficient(BEYOND, 0, f"{self.label} has no rows")]
        out = [self._beyond(), self._undated()]
        if self.ages.dated:
            out += [self._oldest(), self._future(), self._next()]
            out += [self._subjects(entity)] if entity else []
        return out

    def _beyond(self) -> Measurement:
        rows, limit = self.ages.before(self.oldest_kept), self.limits[SHARE]
        if self._too_few_dates and not (rows and rows / self.ages.total > limit):
            reason = (
                f"{self.ages.total - self.ages.dated} of {self.ages.total} rows have no date in column {self.column!r}: "
                "name the right column or give them dates"
            )
            return insufficient(BEYOND, self.ages.dated, reason, threshold=limit)
        share = rows / self.ages.dated
        detail: dict[str, Any] = {
            "rows_beyond": rows,
            "promised_days": int(self.limits[DAYS]),
            "moment": self.moment.isoformat(),
            "oldest_day_kept": self.oldest_kept.isoformat(),
        }
        if rows:
            detail["reason"] = (
                f"{rows} rows are dated before {self.oldest_kept}: delete them, or renew what they are kept for"
            )
        verdict = Verdict.FAIL if share > limit else Verdict.PASS
        return _share(BEYOND, self.ages.dated, share, limit, verdict, detail)

    @property
    def _too_few_dates(self) -> bool:
        return self.ages.total - self.ages.dated > MOST_WITHOUT * self.ages.total

    def _undated(self) -> Measurement:
        rows, limit = self.ages.total - self.ages.dated, self.limits[WITHOUT]
        share = rows / self.ages.total
        detail: dict[str, Any] = {"rows": rows, "empty": self.ages.empty, "unreadable": self.ages.unreadable}
        if rows:
            detail["reason"] = (
                f"{rows} rows have no date in column {self.column!r} ({self.ages.unreadable} are no date such as "
                "2026-03-01): nobody can tell when to delete them"
            )
        verdict = Verdict.PASS if share <= limit else Verdict.REVIEW
        if self._too_few_dates:
            verdict = Verdict.INSUFFICIENT
        return _share(UNDATED, self.ages.total, share, limit, verdict, detail)

    def _oldest(self) -> Measurement:
        oldest = min(self.ages.rows)
        age, promise = max(0, (self.moment - oldest).days), self.limits[DAYS]
        tolerated = self.ages.before(self.oldest_kept) / self.ages.dated <= self.limits[SHARE]
        verdict = Verdict.PASS
        detail: dict[str, Any] = {"oldest": oldest.isoformat()}
        if age > promise:
            verdict = Verdict.REVIEW if tolerated else Verdict.FAIL
            detail["reason"] = f"the oldest row is of {oldest}: delete what is older than {self.oldest_kept}"
        return Measurement(
            name=OLDEST,
            n=self.ages.dated,
            value=float(age),
            threshold=promise,
            verdict=verdict,
            tolerance_used=min(_MOST_TOLERANCE_USED, age / promise),
            detail=detail,
        )

    def _future(self) -> Measurement:
        rows = self.ages.after(self.moment + AHEAD)
        detail: dict[str, Any] = {"rows": rows}
        if rows:
            detail["reason"] = (
                f"{rows} rows lie after the day of the audit: a wrong clock, unit, time zone or column? They seem younger "
                "than they are"
            )
        verdict = Verdict.REVIEW if rows else Verdict.PASS
        return _share(FUTURE, self.ages.dated, rows / self.ages.dated, 0.0, verdict, detail)

    def _next(self) -> Measurement:
        """When the next rows become too old, and how many do so soon."""
        promise = timedelta(days=int(self.limits[DAYS]))
        kept = sorted(day for day in self.ages.rows if self.oldest_kept <= day <= self.moment + AHEAD)
        detail: dict[str, Any] = {"role": "descriptive"}
        if not kept:
            detail["note"] = "every row with a date is beyond the promise, or from the future"
            return Measurement(name=NEXT, n=self.ages.dated, verdict=Verdict.PASS, detail=detail)
        expiry = kept[0] + promise + timedelta(days=1)
        until = self.oldest_kept + timedelta(days=SOON)
        soon = sum(self.ages.rows[day] for day in kept if day < until)
        detail |= {"on": expiry.isoformat(), "rows": self.ages.rows[kept[0]], "rows_in_30_days": soon}
        return Measurement(
            name=NEXT,
            n=self.ages.dated,
            value=float((expiry - self.moment).days),
            verdict=Verdict.PASS,
            detail=detail,
        )

    def _subjects(self, entity: str) -> Measurement:
        people = self.ages.subjects
        detail: dict[str, Any] = {"role": "descriptive"}
        if not people:
            return insufficient(SUBJECTS, 0, f"column {entity!r} has no values: name the column of people")
        detail |= {"subjects": people, "subjects_beyond": self.ages.subjects_before}
        share = self.ages.subjects_before / people
        return Measurement(name=SUBJECTS, n=people, value=share, verdict=Verdict.PASS, detail=detail)


def _share(
    name: str, n: int, share: float, limit: float, verdict: Verdict, detail: Mapping[str, Any]
) -> Measurement:
    used = share / limit if limit else _MOST_TOLERANCE_USED * (share > 0)
    return Measurement(
        name=name,
        n=n,
        value=share,
        threshold=limit,
        verdict=verdict,
        tolerance_used=min(_MOST_TOLERANCE_USED, used),
        detail=detail,
    )


def insufficient(name: str, n: int, reason: str, threshold: float | None = None) -> Measurement:
    return Measurement(
        name=name, n=n, threshold=threshold, verdict=Verdict.INSUFFICIENT, detail={"reason": reason}
    )
