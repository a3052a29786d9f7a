"""Contacts examined: what was read of them goes in, measurements with verdicts come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import Measurement, Verdict
from audits.metrics.disparity.group_comparisons import SumRatio, compare_ratios
from audits.metrics.groups import UNDECLARED, UnknownGroup
from audits.metrics.pressure.contact_days import ContactDays, weeks_touched
from audits.metrics.pressure.contacts import (
    DEPTH,
    DISCOUNTED,
    OTHERS,
    PER_WEEK,
    URGENCY,
    VULNERABLE,
    Customers,
)
from audits.metrics.statistics.resampling import Resampler, ratio
from audits.verdicts.pressure.groups import PressureRules, against_a_rule, insufficient, judged_pressure

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: More discounts for some is pressure, fewer is a worse price: both count.
BOTH_WAYS = frozenset({DISCOUNTED.metric, DEPTH.metric})
#: What a role adds to the comparisons of groups.
COMPARED: Mapping[str, tuple[SumRatio, ...]] = {"urgency": (URGENCY,), "discount": (DISCOUNTED, DEPTH)}
READ, ABOVE, STREAK, NIGHT = "contacts-read", "share-above-cap", "longest-streak", "night-contacts"
LATE = "contacts-after-opt-out"
_EPOCH = date(1970, 1, 1)
#: The groups of the flag by its codes, and the order in which they are told.
_FLAGGED = ((2, VULNERABLE), (1, OTHERS), (0, UNDECLARED))


@dataclass(frozen=True, slots=True)
class ExaminedContacts:
    """Customers, the days on which they were contacted, and the first and last day of the data (since 1970-01-01)."""

    customers: Customers
    days: ContactDays
    span: tuple[int, int]
    roles: Mapping[str, str]
    entity: str
    rules: PressureRules
    seed: int

    @property
    def basis(self) -> str:
        """Whose rates they are."""
        return "contacted customers only" if self.customers.listed is None else "all customers"

    def read(self, rows: int) -> Measurement:
        """How many of the rows could be used, and what they cover."""
        used = int(self.customers.total("contacts").sum())
        first, last = (_EPOCH + timedelta(days=day) for day in self.span)
        detail = {
            "rows": rows,
            "without_customer": self.customers.dropped,
            "without_moment": int(self.customers.total("without_moment").sum()),
            "customers": len(self.customers.keys),
            "contacted": len(self.days.keys),
            "basis": self.basis,
        }
        if not used:
            reason = "no row has a customer and a moment: check the columns of 'entity' and of role 'at'"
            return insufficient(READ, "", rows, reason, **detail)
        detail |= {"first_day": first.isoformat(), "last_day": last.isoformat()}
        if self.customers.listed is not None:
            detail["not_in_list"] = int((~self.customers.listed).sum())
        else:
            detail["note"] = (
                "without a list of all customers as the reference, rates are those of contacted customers"
            )
        reason = (
            "rows without a customer or a moment are not counted: repair them, or pressure is understated"
        )
        limit, unusable = self.rules.unusable, 1 - used / rows
        told = against_a_rule(READ, "", rows, unusable, limit, Verdict.REVIEW, reason, **detail)
        return replace(told, value=used / rows, threshold=1 - limit)

    def compared(self) -> Iterator[Measurement]:
        """Contacts, urgency and discounts of every group against its reference; one family per attribute."""
        ratios = [PER_WEEK, *(r for role, added in COMPARED.items() if role in self.roles for r in added)]
        flag = self.roles["vulnerable"]
        for attribute in self.customers.groups:
            sums = self.customers.by(attribute, (self.span[1] - self.span[0] + 1) / 7)
            try:
                groups = sums.by(attribute, OTHERS if attribute == flag else None)
            except UnknownGroup:
                reason = (
                    f"column {attribute!r} marks nobody as not vulnerable: there is nobody to compare with"
                )
                yield insufficient(PER_WEEK.metric, attribute, len(self.customers.keys), reason)
                continue
            sizes = self.rules.rules.sizes
            family = list(compare_ratios(groups, ratios, sizes, self.seed, self.entity))
            detail = {"basis": self.basis, "conflicting": self.customers.conflicting[attribute]}
            for found in judged_pressure(family, self.rules, BOTH_WAYS):
                yield replace(found, detail={**found.detail, **detail})

    def above_cap(self) -> Iterator[Measurement]:
        """Weeks with too many contacts: counted, not estimated. Of vulnerable customers a breach is a failure."""
        rules, weeks = self.rules, weeks_touched(*self.span)
        above = self._of_all(self.days.weeks_above(rules.cap))
        rolling = self._of_all(self.days.above_in_any_week(rules.cap).astype(np.int64)) > 0
        for group, mine in self._flagged():
            n, share = int(mine.sum()) * weeks, float(above[mine].sum() / (mine.sum() * weeks))
            vulnerable = group == VULNERABLE
            detail = {
                "cap": rules.cap,
                "weeks_above": int(above[mine].sum()),
                "customers_above": int((above[mine] > 0).sum()),
                "customers_above_in_any_seven_days": int(rolling[mine].sum()),
                "basis": self.basis,
            }
            limit = rules.above_cap_vulnerable if vulnerable else rules.above_cap
            beyond = Verdict.FAIL if vulnerable else Verdict.REVIEW
            reason = (
                f"more than {rules.cap:g} contacts in some weeks: enforce the cap before contacts are sent"
            )
            told = against_a_rule(ABOVE, self._slice(group), n, share, limit, beyond, reason, **detail)
            if told.verdict is Verdict.PASS and limit == 0 and rolling[mine].any():
                reason = (
                    f"more than {rules.cap:g} contacts within seven days that lie in two weeks: look at these"
                )
                told = replace(told, verdict=Verdict.REVIEW, detail={**told.detail, "reason": reason})
            yield self._with_interval(told, above, mine, weeks)

    def streaks(self) -> Iterator[Measurement]:
        """Descriptive: the most days in a row on which one customer was contacted."""
        longest = self._of_all(self.days.longest_streaks())
        for group, mine in self._flagged():
            detail = {"role": "descriptive", "customers_of_a_week": int((longest[mine] >= 7).sum())}
            most = float(longest[mine].max())
            where = self._slice(group)
            yield Measurement(
                name=STREAK, slice=where, n=int(mine.sum()), value=most, verdict=Verdict.PASS, detail=detail
            )

    def at_night(self) -> Iterator[Measurement]:
        """The share of contacts that came at night, by the clock of the rows."""
        timed, night = self.customers.total("timed"), self.customers.total("night")
        for group, mine in self._flagged():
            n = int(timed[mine].sum())
            if not n:
                reason = (
                    "no contact has a time of the day: give moments in the customers' own time, not dates"
                )
                yield insufficient(NIGHT, self._slice(group), 0, reason)
                continue
            without = int(self.customers.total("contacts")[mine].sum()) - n
            reason = (
                "contacts between 21:00 and 08:00: schedule them for the day, or raise the limit for e-mail"
            )
            share, limit = float(night[mine].sum() / n), self.rules.night
            where, detail = self._slice(group), {"without_time": without}
            yield against_a_rule(NIGHT, where, n, share, limit, Verdict.REVIEW, reason, **detail)

    def after_opt_out(self) -> Measurement:
        """Contacts after the customer had opted out: every one is a failure."""
        late, opted = self.customers.total("late"), self.customers.total("opted_out")
        n = int(opted.sum())
        if not n:
            reason = "no contact is of a customer who opted out at some time: join the moments of opting out"
            return insufficient(LATE, "", 0, reason)
        detail = {"customers": int((late > 0).sum()), "customers_opted_out": int((opted > 0).sum())}
        reason = "customers were contacted after they had opted out: stop these contacts and tell those responsible"
        return against_a_rule(LATE, "", n, float(late.sum()), 0.0, Verdict.FAIL, reason, **detail)

    def nobody_vulnerable(self) -> list[Measurement]:
        """Said where nobody is flagged: a safeguard without anybody to protect was not tested."""
        if (self.customers.vulnerable == 2).any():
            return []
        reason = f"column {self.roles['vulnerable']!r} flags no customer as vulnerable: join the flags of your customers"
        return [insufficient(ABOVE, self._slice(VULNERABLE), 0, reason)]

    def _slice(self, group: str) -> str:
        return f"{self.roles['vulnerable']}={group}"

    def _flagged(self) -> Iterator[tuple[str, Bools]]:
        for code, group in _FLAGGED:
            mine = self.customers.vulnerable == code
            if mine.any():
                yield group, mine

    def _of_all(self, of_contacted: Ints) -> Ints:
        """Numbers of contacted customers as numbers of all customers."""
        out = np.zeros(len(self.customers.keys), dtype=np.int64)
        out[np.searchsorted(self.customers.keys, self.days.keys)] = of_contacted
        return out

    def _with_interval(self, told: Measurement, above: Ints, mine: Bools, weeks: int) -> Measurement:
        if mine.sum() < self.rules.rules.sizes.rows:
            return told
        columns = [above[mine], np.full(int(mine.sum()), weeks)]
        drawn = Resampler(np.arange(int(mine.sum())), self.seed).totals(columns)
        found = drawn.estimate(lambda sums: ratio(sums[:, 0], sums[:, 1]))
        return replace(told, low=found.low, high=found.high)


def span_of(days: ContactDays, window: tuple[date, date] | None) -> tuple[int, int]:
    """First and last day that the contacts are meant to cover: the window's, widened to all days on which there were some."""
    ends: Sequence[int] = [] if window is None else [(day - _EPOCH).days for day in window]
    found = [*ends, *((int(days.day.min()), int(days.day.max())) if len(days.day) else ())]
    return (min(found), max(found)) if found else (0, 0)
