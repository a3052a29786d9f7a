"""Are data used for purposes beyond those that were declared when they were collected?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

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
from audits.metrics.drift.day_shuffles import mix_shift
from audits.metrics.privacy.declared_uses import (
    Declared,
    UseOfPair,
    read_declared,
    shown,
    shown_names,
    use_of,
)
from audits.metrics.privacy.uses import NO_DAY, Pair, Uses, read_uses
from audits.tables import Table, TableError
from audits.verdicts.exact_counts import told, unknown, used

UNDECLARED, SHARE = "undeclared-uses", "undeclared-share"
UNUSED, SHIFT = "declared-unused", "purpose-mix-shift"
#: Purpose limitation tolerates no undeclared use: GDPR (EU) 2016/679, Art. 5(1)(b). The others: see the reference page.
DEFAULTS: Mapping[str, float] = {"undeclared": 0.0, "mix": 0.1, "days": 30.0}
NEEDED, OF_USES, OF_DECLARED = ("asset", "purpose"), ("count", "at", "system"), ("compatible", "until")
ROLES = (*NEEDED, *OF_USES, *OF_DECLARED)
LEVEL = 0.05
#: Days with uses that either span needs before their mixes are compared.
MIN_DAYS = 7
#: So many pairs have a measurement of their own, the worst first.
MOST_PAIRS = 500
_MOST_NAMED = 20
_EPOCH = date(1970, 1, 1)


@audit_kinds.register
class PurposeDrift(AuditKind):
    slug = "purpose-drift"
    label = "Purpose drift"
    dimension = "privacy"
    method = (
        "uses of each asset for each purpose against the purposes declared for it; Jensen-Shannon distance of the mix of "
        "purposes with a permutation test that shuffles days"
    )
    needs_reference = True
    reads = ("current", "reference")
    settings = Settings(
        limits=DEFAULTS,
        columns=(),
        lines=("roles",),
        roles=ROLES,
        labels={
            "undeclared": "Undeclared uses tolerated per purpose",
            "mix": "Change in the mix of purposes tolerated",
            "days": "Days whose mix is compared with as many before",
        },
    )
    words = {
        UNDECLARED: Words(
            label="Undeclared uses",
            sentence="{asset} was used {uses} times for {purpose}; {value} of these uses were not declared.",
            unit="count",
        ),
        SHARE: Words(
            label="Share of undeclared uses",
            sentence="{value} of all uses were for a purpose that was not declared.",
            unit="share",
        ),
        UNUSED: Words(
            label="Declared but not used",
            sentence="{value} of the {declared} declared purposes were not used.",
            unit="count",
        ),
        SHIFT: Words(
            label="Change in the mix of purposes",
            sentence="The mix of purposes in the last {days} days is {value} away from that in the {days} days before.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, declarations = audit_input.parameters, audit_input.need_reference()
        limits = _limits(parameters)
        log = audit_input.current
        columns = _columns(parameters, log, OF_USES)
        try:
            uses = read_uses(log, columns)
            declared = read_declared(declarations, _columns(parameters, declarations, OF_DECLARED))
        except TableError as error:
            raise AuditInputError(str(error)) from error
        if not uses.total:
            raise AuditInputError(
                f"{log.label} holds no use: nothing can be said of what the data are used for"
            )
        examined = _Examined(uses, declared, limits, audit_input.seed)
        out = [*examined.pairs(), examined.unused()]
        return [*out, examined.shift()] if "at" in columns else out


def _limits(parameters: AuditParameters) -> dict[str, float]:
    if parameters.method:
        raise AuditInputError(f"unknown method {parameters.method!r}; purpose drift has none")
    parameters.refuse_other_thresholds(DEFAULTS)
    parameters.refuse_other_roles(ROLES)
    limits = {**DEFAULTS, **parameters.thresholds}
    if limits["undeclared"] < 0 or not 0 < limits["mix"] < 1:
        raise AuditInputError("threshold 'undeclared' must be at least 0, and 'mix' lie between 0 and 1")
    if not MIN_DAYS <= limits["days"] <= 3660 or limits["days"] != int(limits["days"]):
        raise AuditInputError(f"threshold 'days' must be a whole number from {MIN_DAYS} to 3660")
    return limits


def _columns(parameters: AuditParameters, table: Table, optional: tuple[str, ...]) -> dict[str, str]:
    """The columns of a table by role. A role that is not named is the column of its own name, if there is one."""
    found = {}
    for role in (*NEEDED, *optional):
        name = parameters.roles.get(role, role)
        if name in table.names:
            found[role] = name
        elif role in NEEDED or role in parameters.roles:
            raise AuditInputError(
                f"column {name!r} is not in {table.label}: name the column of role {role!r}; it has: "
                f"{', '.join(table.names[:20])}"
            )
    return found


@dataclass(frozen=True, slots=True)
class _Examined:
    """The uses of every pair, and what is declared."""

    uses: Uses
    declared: Declared
    limits: Mapping[str, float]
    seed: int

    def pairs(self) -> Iterator[Measurement]:
        """A measurement of every pair that was used, the worst first, and the share of all together."""
        found = {pair: use_of(self.uses, pair, self.declared) for pair in self.uses.by_day}
        severity = (Verdict.FAIL, Verdict.REVIEW, Verdict.PASS)
        judged = {pair: self._judged(use) for pair, use in found.items()}
        order = sorted(
            judged, key=lambda p: (severity.index(judged[p][0]), -found[p].undeclared, -found[p].uses, p)
        )
        slices: set[str] = set()
        for pair in order[:MOST_PAIRS]:
            yield self._pair(pair, found[pair], *judged[pair], slices)
        total, undeclared = self.uses.total, sum(use.undeclared for use in found.values())
        counts = {
            "undeclared": undeclared,
            "compatible": sum(use.compatible for use in found.values()),
            "undated": sum(use.undated for use in found.values()),
            "pairs": len(found),
            "pairs_undeclared": sum(use.undeclared > 0 for use in found.values()),
            "pairs_not_shown": max(0, len(found) - MOST_PAIRS),
        }
        yield told(SHARE, "", total, undeclared / total, **counts)

    def _judged(self, use: UseOfPair) -> tuple[Verdict, str]:
        if use.undeclared > self.limits["undeclared"]:
            if use.ended == use.undeclared:
                return Verdict.FAIL, "used after the declaration had ended: stop, or declare it anew"
            return Verdict.FAIL, "not declared for this asset: stop, or inform people and declare it first"
        if use.undated:
            return Verdict.REVIEW, "uses without a moment may have come after the declaration had ended"
        if use.compatible:
            return Verdict.REVIEW, "declared as compatible only: read the assessment (GDPR Art. 6(4)) again"
        return Verdict.PASS, ""

    def _pair(
        self, pair: Pair, use: UseOfPair, verdict: Verdict, reason: str, slices: set[str]
    ) -> Measurement:
        asset, purpose = shown(pair[0], "asset"), shown(pair[1], "purpose")
        days, hint = self.uses.days(pair), self.declared.hint(pair) if use.undeclared else ""
        detail: dict[str, Any] = {
            "asset": asset,
            "purpose": purpose,
            "uses": use.uses,
            "share": use.undeclared / self.uses.total,
            "declared": use.declared,
            "compatible": use.compatible,
            "ended": use.ended,
            "undated": use.undated,
            "first": _day(days[0]) if days else None,
            "last": _day(days[-1]) if days else None,
            "systems": shown_names(self.uses.systems.get(pair, ()), "system", 5),
            "did_you_mean": shown(hint, "purpose") if hint else None,
        }
        if hint and verdict is Verdict.FAIL and not use.ended:
            reason += f"; did you mean {shown(hint, 'purpose')!r}?"
        where = f"{asset} / {purpose}"
        while where in slices:  # names that are not shown are alike
            where += "'"
        slices.add(where)
        return Measurement(
            name=UNDECLARED,
            slice=where,
            n=use.uses,
            value=float(use.undeclared),
            threshold=self.limits["undeclared"],
            tolerance_used=used(float(use.undeclared), self.limits["undeclared"]),
            verdict=verdict,
            detail=detail | ({"reason": reason} if reason else {}),
        )

    def unused(self) -> Measurement:
        """Descriptive: what was declared and not used, and might be given up."""
        declared = self.declared.pairs
        never = [pair for pair in declared if pair not in self.uses.by_day]
        days = [day for pair in self.uses.by_day for day in self.uses.days(pair)]
        names = [f"{shown(asset, 'asset')} / {shown(purpose, 'purpose')}" for asset, purpose in never]
        detail = {
            "declared": len(declared),
            "names": names[:_MOST_NAMED],
            "first": _day(min(days)) if days else None,
            "last": _day(max(days)) if days else None,
        }
        return told(UNUSED, "", len(declared), float(len(never)), **detail)

    def shift(self) -> Measurement:
        """The mix of purposes in the last days against that in as many days before."""
        span, limit = int(self.limits["days"]), self.limits["mix"]
        purposes = sorted({purpose for _, purpose in self.uses.by_day})
        per_day: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        for (_, purpose), days in self.uses.by_day.items():
            for day, n in days.items():
                row = per_day.setdefault(day, np.zeros(len(purposes), dtype=np.int64))
                row[purposes.index(purpose)] += n
        newest = max(per_day)
        known = sorted(day for day in per_day if day != NO_DAY and day > newest - 2 * span)
        late = np.array([day > newest - span for day in known], dtype=bool)
        n = int(sum(per_day[day].sum() for day in known))
        least = min(int(late.sum()), int((~late).sum()))
        if least < MIN_DAYS:
            reason = f"{least} days with uses in one of the two spans of {span} days; at least {MIN_DAYS} are needed"
            return unknown(SHIFT, n, limit, reason)
        return self._shift(np.stack([per_day[day] for day in known]), late, purposes, known)

    def _shift(
        self,
        by_day: np.ndarray[Any, np.dtype[np.int64]],
        late: np.ndarray[Any, np.dtype[np.bool_]],
        purposes: list[str],
        known: list[int],
    ) -> Measurement:
        found, limit, span = mix_shift(by_day, late, self.seed), self.limits["mix"], int(self.limits["days"])
        before, after = by_day[~late].sum(axis=0), by_day[late].sum(axis=0)
        new = [purposes[i] for i in np.flatnonzero((before == 0) & (after > 0))]
        gone = [purposes[i] for i in np.flatnonzero((before > 0) & (after == 0))]
        shifted = found.distance >= limit and found.p <= LEVEL
        detail: dict[str, Any] = {
            "p": found.p,
            "test": "permutation-of-days",
            "days": span,
            "days_with_uses": list(found.days),
            "from": _day(known[0]),
            "to": _day(known[-1]),
            "new_purposes": shown_names(new, "purpose", _MOST_NAMED),
            "gone_purposes": shown_names(gone, "purpose", _MOST_NAMED),
        }
        if shifted:
            detail["reason"] = (
                "data are used for other things than before: see that what was declared still holds"
            )
        return Measurement(
            name=SHIFT,
            n=int(by_day.sum()),
            value=found.distance,
            threshold=limit,
            tolerance_used=found.distance / limit,
            verdict=Verdict.REVIEW if shifted else Verdict.PASS,
            detail=detail,
        )


def _day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
