"""Is every row younger than the data set's promise?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Words,
    audit_kinds,
)
from audits.metrics.privacy.row_ages import row_ages
from audits.tables import TableError
from audits.verdicts.privacy.row_ages import (
    BEYOND,
    DAYS,
    FUTURE,
    NEXT,
    OLDEST,
    SHARE,
    SUBJECTS,
    UNDATED,
    WITHOUT,
    JudgedAges,
    insufficient,
)

DATE = "date"
#: Share of rows that may be older, and of those that may lack a date. The promise itself has no default.
DEFAULTS: Mapping[str, float] = MappingProxyType({SHARE: 0.0, WITHOUT: 0.0})
_LONGEST = 36_500


@audit_kinds.register
class Retention(AuditKind):
    slug = "retention"
    label = "Retention"
    dimension = "privacy"
    method = "Exact count of rows whose age in whole days (UTC) is above the promised maximum; no sampling"
    by_the_clock = True
    reads = ("training", "")
    settings: ClassVar[Settings | None] = Settings(
        limits=DEFAULTS,
        free_limits=True,
        columns=("entity",),
        lines=("roles",),
        roles=(DATE,),
        labels={
            SHARE: "Share of older rows tolerated",
            WITHOUT: "Share of rows without a date tolerated",
        },
    )
    words: ClassVar[Mapping[str, Words]] = MappingProxyType(
        {
            BEYOND: Words(
                label="Rows kept too long",
                sentence="Of the rows with a date, {value} are older than promised.",
                unit="share",
            ),
            OLDEST: Words(
                label="Age of the oldest row",
                sentence="The oldest row is {value} old; {threshold} were promised.",
                unit="days",
            ),
            UNDATED: Words(
                label="Rows without a date",
                sentence="Of all rows, {value} have no date, so nobody can tell when to delete them.",
                unit="share",
            ),
            FUTURE: Words(
                label="Rows from the future",
                sentence="Of the rows with a date, {value} lie after the day of the audit.",
                unit="share",
            ),
            NEXT: Words(
                label="Days until rows expire",
                sentence="In {value} the next rows become older than promised.",
                unit="days",
            ),
            SUBJECTS: Words(
                label="People whose data are kept too long",
                sentence="Of all people in the data, {value} have a row older than promised.",
                unit="share",
            ),
        }
    )

    def check(self, parameters: AuditParameters) -> None:
        _column(parameters)
        _limits(parameters, promised={DAYS: 1.0})  # the dataset may be registered with a promise of its own

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        column, limits = _column(parameters), _limits(parameters, audit_input.promises)
        moment = audit_input.timing.moment if audit_input.timing else None
        promise = int(limits[DAYS])
        oldest_kept = moment - timedelta(days=promise) if moment else None
        try:
            ages = row_ages(table, column, parameters.entity, oldest_kept)
        except TableError as error:
            raise AuditInputError(str(error)) from error
        if moment is None or oldest_kept is None:
            reason = "the day of the audit is not known: give it, so that ages can be counted"
            return [insufficient(BEYOND, ages.dated, reason)]
        return JudgedAges(table.label, column, ages, moment, oldest_kept, limits).measurements(
            parameters.entity
        )


def _column(parameters: AuditParameters) -> str:
    unknown = sorted(set(parameters.roles) - {DATE})
    if unknown:
        raise AuditInputError(f"unknown role {unknown[0]!r}; known: {DATE}")
    if DATE not in parameters.roles:
        raise AuditInputError(
            f"retention needs role {DATE!r}: the column of the day from which a row's age counts"
        )
    if parameters.entity == parameters.roles[DATE]:
        raise AuditInputError(
            f"column {parameters.entity!r} is both the date and the entity; name the person's column"
        )
    return parameters.roles[DATE]


def _limits(parameters: AuditParameters, promised: Mapping[str, float]) -> dict[str, float]:
    """Every limit; the dataset's own promise counts where the audit was told none."""
    known = (DAYS, *DEFAULTS)
    parameters.refuse_other_thresholds(known)
    limits = {**DEFAULTS, **promised, **parameters.thresholds}
    if DAYS not in limits:
        raise AuditInputError(
            f"retention needs threshold {DAYS!r}, the promised maximum age in days; or register the dataset with it"
        )
    if not 1 <= limits[DAYS] <= _LONGEST or limits[DAYS] != int(limits[DAYS]):
        raise AuditInputError(f"threshold {DAYS!r} must be a whole number of days from 1 to {_LONGEST}")
    for name in DEFAULTS:
        if not 0 <= limits[name] < 1:
            raise AuditInputError(f"threshold {name!r} is {limits[name]:g}; it must lie between 0 and 1")
    return limits
