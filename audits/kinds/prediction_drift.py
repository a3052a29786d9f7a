"""Prediction drift: are the model's answers distributed as they were?"""

from __future__ import annotations

import math
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
from audits.profiles import ColumnProfile, profile_of
from audits.tables import ColumnType, Table, TableError

ROWS = "rows"
#: On fewer rows on either side the absence of drift says nothing, as in data drift.
DEFAULT_ROWS = 30


@audit_kinds.register
class PredictionDrift(AuditKind):
    slug = "prediction-drift"
    label = "Prediction drift"
    dimension = "drift"
    method = "Drift of the predictions alone: effect size and its permutation null; Evidently's method and verdict beside"
    needs_reference = True
    reads = ("current", "predictions")
    settings = Settings(
        limits={**EFFECTS, ROWS: DEFAULT_ROWS},
        columns=("y_pred",),
        methods=METHOD_CHOICES,
        labels={ROWS: "Rows needed"},
    )
    words = {
        "*": Words(label="", sentence="The predictions in {slice} have moved from the reference by {value}."),
    }

    def check(self, parameters: AuditParameters) -> None:
        _checked(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        name, choice = _checked(parameters)
        before = _profile(audit_input.need_reference(), name)
        after = _profile(audit_input.current, name)
        try:
            found = compare(before, after, choice, parameters.thresholds, audit_input.seed)
        except TooFewRows as error:
            return [_insufficient(choice, name, after.n, f"column {name!r} has {error}")]
        except NotComparable as error:
            raise AuditInputError(f"column {name!r}: {error}") from error
        described = {**_mean(before, "reference_mean"), **_mean(after, "mean")}
        return [_measured(found, name, parameters.threshold(ROWS, DEFAULT_ROWS), described)]


def _checked(parameters: AuditParameters) -> tuple[str, MethodChoice]:
    if not parameters.y_pred:
        raise AuditInputError("prediction drift examines one column: name it as y_pred")
    for name, limit in parameters.thresholds.items():
        if name not in (*THRESHOLD_NAMES, ROWS):
            raise AuditInputError(f"unknown threshold {name!r}; known: {', '.join((*THRESHOLD_NAMES, ROWS))}")
        if limit <= 0:
            raise AuditInputError(f"threshold {name!r} is {limit:g}; it must be above 0")
        if limit >= 1 and isinstance(METHODS.get(name), SignificanceTest):
            raise AuditInputError(f"threshold {name!r} is {limit:g}; the limit of a p-value must be below 1")
    try:
        return parameters.y_pred, parse_method(parameters.method)
    except MethodError as error:
        raise AuditInputError(str(error)) from error


def _profile(table: Table, name: str) -> ColumnProfile:
    profiled = profile_of(table, [name])
    column = profiled.columns.get(name)
    if column is None:
        raise TableError(profiled.fault(name, table))
    if column.type is ColumnType.EMBEDDING:
        raise TableError(f"column {name!r} of {table.label} holds vectors; predictions are numbers or labels")
    return column


def _mean(profile: ColumnProfile, called: str) -> dict[str, Any]:
    """Which way the predictions went; nothing for labels."""
    mean = profile.describe().get("mean")
    return {} if mean is None else {called: mean}


def _measured(found: Comparison, name: str, least: float, described: dict[str, Any]) -> Measurement:
    detail = {**_evidence(found), **described}
    verdict = Verdict.FAIL if found.drifted else Verdict.PASS
    if verdict is Verdict.PASS and min(found.n, found.reference_n) < least:
        verdict = Verdict.INSUFFICIENT
        detail["reason"] = (
            f"{found.reference_n} reference and {found.n} current predictions; {least:g} of each are needed"
        )
    return Measurement(
        name=found.score.method,
        slice=name,
        n=found.n,
        value=found.score.value,
        threshold=found.score.threshold,
        verdict=verdict,
        tolerance_used=found.tolerance_used,
        detail=detail,
    )


def _evidence(found: Comparison) -> dict[str, Any]:
    """Both verdicts, and what they rest on."""
    statistic = found.score.statistic
    return {
        "reference_n": found.reference_n,
        "psi": found.psi,
        "psi_deciles": found.psi_deciles,
        "effect": found.effect.value,
        "effect_name": found.effect.name,
        "effect_threshold": found.effect.threshold,
        "critical": found.null.critical if found.null else None,
        "p_effect": found.null.p if found.null else None,
        "evidently_verdict": str(Verdict.FAIL if found.evidently_drifted else Verdict.PASS),
        "verdict_rule": str(found.rule),
        "exact": found.lossless,
        **({} if statistic is None or not math.isfinite(statistic) else {"statistic": statistic}),
    }


def _insufficient(choice: MethodChoice, name: str, n: int, reason: str) -> Measurement:
    return Measurement(
        name=choice.method or "drift",
        slice=name,
        n=n,
        verdict=Verdict.INSUFFICIENT,
        detail={"reason": reason},
    )
