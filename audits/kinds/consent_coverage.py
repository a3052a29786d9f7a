"""Had the people in the training data consented to this use when the data were taken, and have they today?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Timing,
    Words,
    audit_kinds,
)
from audits.metrics.privacy.consent_history import NEVER_GIVEN, WITHDRAWN, Bools, Ints
from audits.metrics.privacy.consent_records import ConsentRecords, consent_records
from audits.metrics.privacy.consent_rows import Collected, RowConsent, rows_with_consent
from audits.metrics.privacy.moments import DAY, last_moment
from audits.metrics.privacy.subjects import SubjectGroups, Subjects, shown_groups
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.exact_counts import covered, told, tolerated, unknown

THEN, NOW, ROWS = "consent-then", "consent-now", "rows-without-consent-now"
SINCE, EXPIRING, UNKNOWN_SUBJECTS = "withdrawn-since", "expiring-30-days", "subjects-unknown"
GROUP, GAP = "consent-now-group", "consent-now-gap"
#: Everybody whose data are used needs a valid consent: GDPR (EU) 2016/679, Art. 6(1)(a) and 7(3).
DEFAULTS: Mapping[str, float] = {"coverage": 1.0, "rows": 0.0, "withdrawn": 0.0}
SOON_DAYS = 30
#: Smaller groups are not shown: 10, see the reference page.
MIN_GROUP = 10
NEEDED, OPTIONAL = ("subject", "purpose", "given_at"), ("withdrawn_at", "expires_at", "status")
ROLES = (*NEEDED, *OPTIONAL, "collected_at")
_NO_MOMENT = "it is not known when the rows were taken: name their column of moments as role 'collected_at'"


@audit_kinds.register
class ConsentCoverage(AuditKind):
    slug = "consent-coverage"
    label = "Consent coverage"
    dimension = "privacy"
    method = (
        "share of the subjects of the training data whose last consent event, at or before a moment, is a grant for the "
        "purpose that has not expired; when the data were taken and today"
    )
    needs_reference = True
    by_the_clock = True
    reads = ("training", "consent")
    settings = Settings(
        limits=DEFAULTS,
        columns=("entity", "sensitive"),
        lines=("roles",),
        roles=ROLES,
        texts=("purpose",),
        labels={
            "coverage": "Share of people with consent needed",
            "rows": "Share of rows without consent tolerated",
            "withdrawn": "Share of people who lost consent tolerated",
        },
    )
    words = {
        THEN: Words(
            label="Consent when the data were taken",
            sentence="Of the people the model learned from, {value} had a valid consent when their data were taken.",
            unit="share",
        ),
        NOW: Words(
            label="Consent today",
            sentence="Of the people the model learned from, {value} have a valid consent today.",
            unit="share",
        ),
        ROWS: Words(
            label="Rows without consent today",
            sentence="{value} of the rows the model learned from are not covered by a valid consent today.",
            unit="share",
        ),
        SINCE: Words(
            label="Consent lost since",
            sentence="{value} of the people had consented when their data were taken and have no consent any more.",
            unit="share",
        ),
        EXPIRING: Words(
            label="Consents that end within 30 days",
            sentence="The consent of {value} of the people who have one today ends within 30 days.",
            unit="share",
        ),
        UNKNOWN_SUBJECTS: Words(
            label="People without any record",
            sentence="Of {value} of the people there is no consent record at all.",
            unit="share",
        ),
        GROUP: Words(
            label="Consent today by group",
            sentence="In the group {group}, {value} have a valid consent today; among the others {reference}.",
            unit="share",
        ),
        GAP: Words(
            label="Gap between groups",
            sentence="Between the groups of {slice}, the share with a valid consent differs by up to {value}.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _Limits.of(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        limits = _Limits.of(audit_input.parameters)
        examined = _Examined.of(audit_input, limits)
        return [
            *examined.overall(),
            *(m for name in audit_input.parameters.sensitive for m in examined.groups(name)),
        ]


@dataclass(frozen=True, slots=True)
class _Limits:
    entity: str
    purpose: str
    thresholds: Mapping[str, float]

    @classmethod
    def of(cls, parameters: AuditParameters) -> _Limits:
        if parameters.method:
            raise AuditInputError(f"unknown method {parameters.method!r}; consent coverage has none")
        parameters.refuse_other_thresholds(DEFAULTS)
        parameters.refuse_other_roles(ROLES)
        if not parameters.entity:
            raise AuditInputError("name the column of the training rows that tells whose they are: 'entity'")
        if not (parameters.purpose or "").strip():
            raise AuditInputError(
                "say for which purpose the data are used: 'purpose', as the consent words it"
            )
        limits = {**DEFAULTS, **parameters.thresholds}
        for name, value in limits.items():
            if not 0 <= value <= 1:
                raise AuditInputError(f"threshold {name!r} must lie between 0 and 1, got {value:g}")
        return cls(parameters.entity, str(parameters.purpose), limits)


def _columns(parameters: AuditParameters, records: Table) -> dict[str, str]:
    """The columns of the records by role. A role that is not named is the column of its own name, if there is one."""
    defaults = {role: role for role in (*NEEDED, *OPTIONAL)} | {"subject": str(parameters.entity)}
    found = {}
    for role, default in defaults.items():
        name = parameters.roles.get(role, default)
        if name not in records.names and role not in parameters.roles and role in OPTIONAL:
            continue
        if name not in records.names:
            raise AuditInputError(
                f"column {name!r} is not in {records.label}: name the column of role {role!r} there; it has: "
                f"{', '.join(records.names[:20])}"
            )
        found[role] = name
    return found


@dataclass(frozen=True, slots=True)
class _Examined:
    """The subjects of the training rows, their consents, and their state at both moments."""

    table: Table
    limits: _Limits
    subjects: Subjects
    records: ConsentRecords
    now: int
    until: Ints
    rows: RowConsent

    @classmethod
    def of(cls, audit_input: AuditInput, limits: _Limits) -> _Examined:
        table, records, timing = audit_input.current, audit_input.need_reference(), audit_input.timing
        if timing is None:
            raise AuditInputError("the day of the audit is not known: give it, since consents end")
        columns = _columns(audit_input.parameters, records)
        try:
            subjects = Subjects.of(table, limits.entity)
            if not len(subjects):
                raise AuditInputError(f"no row of {table.label} tells in {limits.entity!r} whose it is")
            found = consent_records(records, columns, limits.purpose, subjects)
            now = last_moment(timing.moment)
            when = _when(audit_input.parameters, timing)
            rows = rows_with_consent(table, limits.entity, subjects, found.history, when, now)
        except TableError as error:
            raise AuditInputError(str(error)) from error
        return cls(table, limits, subjects, found, now, found.history.everybody(now), rows)

    @property
    def valid(self) -> Bools:
        return np.asarray(self.now < self.until)

    def overall(self) -> Iterator[Measurement]:
        recorded, n = self.records.recorded, len(self.subjects)
        yield self._then()
        yield self._now()
        yield self._rows()
        yield self._since()
        yield self._expiring()
        missing, others = int((~recorded).sum()), int((recorded & ~self.records.for_purpose).sum())
        counts = {"subjects": missing, "subjects_of_other_purposes_only": others}
        yield told(UNKNOWN_SUBJECTS, "", n, missing / n, **counts)

    def _then(self) -> Measurement:
        limit, then = self.limits.thresholds["coverage"], self.rows.then
        if then is None:
            return unknown(THEN, len(self.subjects), limit, _NO_MOMENT)
        missing = int((~then).sum())
        detail = {
            "subjects_without": missing,
            "rows_without": self.rows.rows_without_then,
            "rows_without_moment": self.rows.rows_without_moment,
            "rows_after_the_audit": self.rows.rows_after,
        }
        reason = f"{missing} of {len(then)} subjects had no valid consent when their data were taken: remove those rows"
        return covered(THEN, len(then), missing, limit, detail, reason)

    def _now(self) -> Measurement:
        lost = self.until[~self.valid]
        detail = {
            "subjects_without": len(lost),
            "never_given": int((lost == NEVER_GIVEN).sum()),
            "withdrawn_or_refused": int((lost == WITHDRAWN).sum()),
            "expired": int((lost > NEVER_GIVEN).sum()),
            "similar_purposes": list(self.records.similar_purposes[:5]),
            **self.records.oddities,
        }
        limit = self.limits.thresholds["coverage"]
        return covered(NOW, len(self.subjects), len(lost), limit, detail, self._why(len(lost)))

    def _why(self, missing: int) -> str:
        if not self.records.recorded.any():
            return (
                "none of these subjects is in the consent records: check that both hold the same identifier"
            )
        similar = self.records.similar_purposes
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        if not self.records.for_purpose.any():
            return f"no consent record of these subjects is for this purpose: check its wording{hint}"
        total = len(self.subjects)
        return (
            f"{missing} of {total} subjects have no valid consent today: ask them, or remove their rows{hint}"
        )

    def _rows(self) -> Measurement:
        rows, missing = self.subjects.rows, self.rows.rows_without_now
        detail = {"rows_without": missing, "rows_without_subject": self.subjects.rows_without}
        reason = f"{missing} of {rows} rows are not covered by a valid consent today: remove them"
        return tolerated(ROWS, rows, missing, self.limits.thresholds["rows"], detail, reason)

    def _since(self) -> Measurement:
        limit, then = self.limits.thresholds["withdrawn"], self.rows.then
        if then is None:
            return unknown(SINCE, len(self.subjects), limit, _NO_MOMENT)
        lost = then & ~self.valid
        found, expired = int(lost.sum()), int((self.until[lost] > NEVER_GIVEN).sum())
        detail = {"subjects": found, "withdrawn": found - expired, "expired": expired}
        reason = f"{found} subjects had consented and have no consent any more: train again without them"
        return tolerated(SINCE, len(then), found, limit, detail, reason)

    def _expiring(self) -> Measurement:
        having = np.flatnonzero(self.valid)
        soon = np.full(len(having), self.now + SOON_DAYS * DAY, dtype=np.int64)
        ending = int((~self.records.history.valid(having, soon)).sum())
        if not len(having):
            return unknown(EXPIRING, 0, None, "nobody has a valid consent today")
        return told(EXPIRING, "", len(having), ending / len(having), subjects=ending, days=SOON_DAYS)

    def groups(self, attribute: str) -> Iterator[Measurement]:
        """Descriptive: coverage of each group that is large enough to be shown."""
        try:
            groups = SubjectGroups.of(self.table, self.limits.entity, attribute, self.subjects)
        except TableError as error:
            yield errored(GAP, attribute, str(error))
            return
        sizes, having = groups.counts(self.valid)
        shown = shown_groups(sizes, MIN_GROUP)
        places = sorted(np.flatnonzero(shown).tolist(), key=lambda i: groups.names[i])
        for i in places:
            others = int(sizes.sum() - sizes[i])
            reference = float((having.sum() - having[i]) / others) if others else None
            where, value = f"{attribute}={groups.names[i]}", float(having[i] / sizes[i])
            yield told(GROUP, where, int(sizes[i]), value, reference=reference)
        shares = having[places] / sizes[places]
        detail: dict[str, object] = {"groups_hidden": int(((sizes > 0) & ~shown).sum())}
        gap = float(shares.max() - shares.min()) if len(places) > 1 else None
        if gap is None:
            detail["reason"] = f"fewer than two groups with {MIN_GROUP} subjects can be shown"
        yield told(GAP, attribute, int(sizes[places].sum()), gap, **detail)


def _when(parameters: AuditParameters, timing: Timing) -> Collected:
    """Each row's own moment where a column has it; else the end of the last day that the rows cover."""
    if column := parameters.roles.get("collected_at"):
        return Collected(column=column)
    return Collected(moment=last_moment(timing.current[1]) if timing.current else None)
