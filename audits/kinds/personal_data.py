"""Which columns of a table hold personal data, and were they declared?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

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
from audits.metrics.privacy.personal.column_evidence import Evidence, evidence_of
from audits.metrics.privacy.personal.patterns import CALLED, PATTERNS
from audits.metrics.privacy.personal.sampled_texts import SAMPLE_ROWS, SampledColumn, sampled_columns
from audits.tables import ColumnFault, ColumnType, Table, TableError, columns_to_examine

NAME = "personal-data"
UNDECLARED = "undeclared-columns"
FAIL, REVIEW, ROWS = "confidence-fail", "confidence-review", "rows"
#: Confidence from which an undeclared column fails or is reviewed; rows with a value without which none is called clean.
DEFAULTS: Mapping[str, float] = MappingProxyType({FAIL: 0.9, REVIEW: 0.5, ROWS: 30.0})
#: What the plan editor offers as countries whose phone numbers may lack the country code.
REGIONS = (
    "AT",
    "AU",
    "BE",
    "BR",
    "CA",
    "CH",
    "CN",
    "DE",
    "ES",
    "FR",
    "GB",
    "IE",
    "IT",
    "JP",
    "NL",
    "PT",
    "US",
)


def _words() -> dict[str, Words]:
    sentence = "Of the different values in column {slice}, {value} look like "
    found = {
        f"{NAME}:{category}": Words(
            label=called[0].upper() + called[1:], sentence=f"{sentence}{called}.", unit="share"
        )
        for category, called in CALLED.items()
    }
    clean = Words(
        label="Personal data",
        sentence="Column {slice} shows no sign of personal data in {n} rows.",
        unit="share",
    )
    undeclared = Words(
        label="Columns not declared",
        sentence="{value} columns seem to hold personal data that nobody declared.",
        unit="count",
    )
    return {NAME: clean, UNDECLARED: undeclared, **found}


@audit_kinds.register
class PersonalData(AuditKind):
    slug = "personal-data"
    label = "Personal data in columns"
    dimension = "privacy"
    method = (
        "Patterns with check digits (ISO/IEC 7812 and 13616, national numbers), phone plans and words of names, per "
        "column on a sample; the lower Wilson limit of the matching share, less chance, gives the confidence"
    )
    reads = ("training", "")
    settings: ClassVar[Settings | None] = Settings(
        limits=DEFAULTS,
        columns_help="The columns that are declared to hold personal data. All columns are examined.",
        methods=REGIONS,
        labels={
            FAIL: "Confidence that fails",
            REVIEW: "Confidence that needs a look",
            ROWS: "Rows with a value needed",
        },
    )
    words: ClassVar[Mapping[str, Words]] = MappingProxyType(_words())

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)
        _region(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        limits, region = _limits(parameters), _region(parameters)
        rows, names = _shape(table)
        out: list[Measurement] = []
        for column in sampled_columns(table, names, audit_input.seed):
            if isinstance(column, ColumnFault):
                out.append(_without_value(column.name, Verdict.ERRORED, column.reason))
            else:
                declared = column.name in parameters.columns
                out += _measured(column, evidence_of(column, region), declared, limits)
        out += [_not_there(name, table.label) for name in parameters.columns if name not in names]
        return [_undeclared(out, min(rows, SAMPLE_ROWS), rows), *out]


def _shape(table: Table) -> tuple[int, list[str]]:
    try:
        return table.rows, columns_to_examine((), table)
    except TableError as error:
        raise AuditInputError(str(error)) from error


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_thresholds(DEFAULTS)
    if parameters.roles:
        raise AuditInputError(f"unknown role {min(parameters.roles)!r}; personal-data reads every column")
    limits = {**DEFAULTS, **parameters.thresholds}
    if not 0 < limits[REVIEW] <= limits[FAIL] <= 1:
        raise AuditInputError(f"thresholds must satisfy 0 < {REVIEW} <= {FAIL} <= 1")
    if limits[ROWS] < 1:
        raise AuditInputError(f"threshold {ROWS!r} must be at least 1")
    return limits


def _region(parameters: AuditParameters) -> str | None:
    """The country by which phone numbers without a country code are read."""
    if not parameters.method:
        return None
    import phonenumbers  # a page that is served needs none of it

    if parameters.method not in phonenumbers.SUPPORTED_REGIONS:
        raise AuditInputError(
            f"unknown method {parameters.method!r}: give the two letters of the country whose phone numbers are "
            "written without a country code, such as FR, or leave it out"
        )
    return parameters.method


def _measured(
    column: SampledColumn, found: list[Evidence], declared: bool, limits: Mapping[str, float]
) -> list[Measurement]:
    """A measurement for each category that is likely enough, or one that says there is none."""
    likely = [evidence for evidence in found if evidence.confidence >= limits[REVIEW]]
    if likely:
        return [_of_category(column, evidence, declared, limits) for evidence in likely]
    detail: dict[str, Any] = {"declared": declared, "rows_with_value": column.values, "found": False}
    if column.type is ColumnType.EMBEDDING:
        reason = f"column {column.name!r} holds vectors, in which nobody can read: say by hand what they were made of"
        return [_without_value(column.name, Verdict.INSUFFICIENT, reason, detail)]
    if column.type is not ColumnType.BOOLEAN and column.values < limits[ROWS]:
        reason = (
            f"column {column.name!r} has {column.values} values in the rows looked at; at least {limits[ROWS]:g} are needed "
            "to call it free of personal data"
        )
        return [_without_value(column.name, Verdict.INSUFFICIENT, reason, detail)]
    weaker = {evidence.category: round(evidence.confidence, 4) for evidence in found[:3]}
    most = max((evidence.confidence for evidence in found), default=0.0)
    return [
        Measurement(
            name=NAME,
            slice=column.name,
            n=column.rows,
            value=0.0,
            verdict=Verdict.PASS,
            tolerance_used=most / limits[FAIL],
            detail={**detail, "weaker": weaker},
        )
    ]


def _of_category(
    column: SampledColumn, evidence: Evidence, declared: bool, limits: Mapping[str, float]
) -> Measurement:
    verdict = Verdict.FAIL if evidence.confidence >= limits[FAIL] else Verdict.REVIEW
    detail: dict[str, Any] = {
        "category": evidence.category,
        "confidence": round(evidence.confidence, 4),
        "evidence": evidence.evidence,
        "declared": declared,
        "matches": evidence.matches,
        "confidence_limit": limits[FAIL],
    }
    if evidence.scheme:
        detail["scheme"] = evidence.scheme
    if not declared:
        detail["reason"] = _reason(column.name, evidence)
    return Measurement(
        name=f"{NAME}:{evidence.category}",
        slice=column.name,
        n=evidence.n,
        value=evidence.share,
        low=evidence.low,
        high=evidence.high,
        verdict=Verdict.PASS if declared else verdict,
        tolerance_used=0.0 if declared else evidence.confidence / limits[FAIL],
        detail=detail,
    )


def _reason(name: str, evidence: Evidence) -> str:
    called = CALLED[evidence.category]
    if evidence.evidence == "name":
        seems = f"the name of column {name!r} says that it holds {called}; its values do not prove it"
    else:
        agrees = ", and its name says so" if evidence.evidence == "both" else ""
        values = "values" if PATTERNS[evidence.scheme].by_row else "different values"
        seems = f"{evidence.matches} of {evidence.n} {values} in column {name!r} look like {called}{agrees}"
    return f"{seems}: declare the column as personal data, or take it out of the data"


def _undeclared(found: list[Measurement], looked_at: int, rows: int) -> Measurement:
    """How many columns seem to hold personal data that nobody declared."""
    likely = {m.slice: m.detail["declared"] for m in found if "category" in m.detail}
    columns = sorted(name for name, declared in likely.items() if not declared)
    return Measurement(
        name=UNDECLARED,
        n=looked_at,
        value=float(len(columns)),
        verdict=Verdict.PASS,
        detail={
            "role": "descriptive",
            "columns": columns,
            "declared": sorted(name for name, declared in likely.items() if declared),
            "rows": rows,
            "sampled_rows": looked_at,
        },
    )


def _not_there(name: str, label: str) -> Measurement:
    reason = f"column {name!r} is declared to hold personal data, but is not in {label}: take it off the list or rename it"
    return _without_value(name, Verdict.ERRORED, reason, {"declared": True})


def _without_value(
    column: str, verdict: Verdict, reason: str, detail: Mapping[str, Any] = MappingProxyType({})
) -> Measurement:
    return Measurement(name=NAME, slice=column, verdict=verdict, detail={**detail, "reason": reason})
