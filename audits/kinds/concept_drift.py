"""Concept drift: does the same prediction still mean the same?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
from audits.metrics.drift.concept_change import DRAWS, ConceptChange, concept_change
from audits.metrics.drift.predictions_and_outcomes import LABELS, NUMBERS, SCORE, Outcomes, outcomes
from audits.metrics.groups.sampled_rows import sample_rows
from audits.tables import Column, Table, TableError

ROWS = "rows"
COVERAGE = "coverage"
#: What is measured of each sort of prediction; a name is also the threshold's.
MEASURED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SCORE: ("outcome-change",),
        LABELS: ("error-rate-change",),
        NUMBERS: ("residual-change", "error-size-change"),
    }
)
#: Where they come from: see the reference page.
DEFAULTS: Mapping[str, float] = MappingProxyType(
    {
        "outcome-change": 0.05,
        "error-rate-change": 0.05,
        "residual-change": 0.1,
        "error-size-change": 0.1,
        COVERAGE: 0.5,
        ROWS: 30.0,
    }
)
LEVEL = 0.05
TASKS = ("auto", "classification", "regression")


@audit_kinds.register
class ConceptDrift(AuditKind):
    slug = "concept-drift"
    label = "Concept drift"
    dimension = "drift"
    method = "Outcomes at equal prediction against the reference, weighted by its predictions; permutation within bins"
    needs_reference = True
    reads = ("current", "predictions")
    settings = Settings(limits=DEFAULTS, columns=("y_true", "y_pred"))
    words = {
        "outcome-change": Words(
            label="Change of outcomes",
            sentence="For the same prediction, outcomes come {value} more or less often than before.",
            unit="share",
        ),
        "error-rate-change": Words(
            label="Change of error rates",
            sentence="For the same prediction, errors changed by {value}.",
            unit="share",
        ),
        "residual-change": Words(
            label="Change of residuals",
            sentence="For the same prediction, what comes moved by {value} standard deviations.",
        ),
        "error-size-change": Words(
            label="Change of error sizes",
            sentence="For the same prediction, errors changed by {value} of their former size.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)
        _names(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits, names = _limits(parameters), _names(parameters)
        before = _columns(audit_input.need_reference(), names, (audit_input.seed, 0))
        after = _columns(audit_input.current, names, (audit_input.seed, 1))
        found = outcomes(before, after, parameters.task)
        measured = MEASURED[found.sort]
        shortage = _shortage(found, limits[ROWS])
        if shortage:
            return [_insufficient(name, limits[name], found, shortage) for name in measured]
        return [
            _measured(found, place, name, limits, audit_input.seed) for place, name in enumerate(measured)
        ]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_thresholds(DEFAULTS)
    limits = {**DEFAULTS, **parameters.thresholds}
    for name, limit in limits.items():
        if limit <= 0 or (limit > 1 and name == COVERAGE):
            raise AuditInputError(
                f"threshold {name!r} is {limit:g}; it must be above 0, and a share at most 1"
            )
    return limits


def _names(parameters: AuditParameters) -> tuple[str, str]:
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "concept drift compares what followed from predictions: name both columns, y_true and y_pred"
        )
    if parameters.task not in {None, "", *TASKS}:
        raise AuditInputError(f"unknown task {parameters.task!r}; known: {', '.join(TASKS)}")
    return parameters.y_true, parameters.y_pred


def _columns(table: Table, names: tuple[str, str], seed: tuple[int, int]) -> tuple[Column, Column]:
    sample = sample_rows(table, names, seed)
    for name in names:
        if name in sample.faults:
            raise TableError(sample.faults[name])
    return sample.columns[names[0]], sample.columns[names[1]]


def _shortage(found: Outcomes, least: float) -> str:
    if min(found.reference_n, found.current_n) < least:
        return (
            f"{found.reference_n} reference and {found.current_n} current rows have truth and prediction; "
            f"{least:g} of each are needed"
        )
    return ""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A change with its verdict at a limit, ``p`` adjusted for the measurements beside it (Bonferroni)."""

    change: ConceptChange
    limit: float
    tests: int

    @property
    def p_adjusted(self) -> float:
        return min(1.0, self.change.p * self.tests)

    def verdict(self, coverage: float) -> tuple[Verdict, str]:
        """Fail when the change is large and not chance. A large one that may be chance is no evidence either way."""
        if self.change.coverage < coverage:
            return Verdict.INSUFFICIENT, (
                f"only {self.change.coverage:.0%} of the reference's predictions are still made often enough to compare"
            )
        if self.change.effect < self.limit:
            return Verdict.PASS, ""
        if self.p_adjusted <= LEVEL:
            return Verdict.FAIL, ""
        return Verdict.INSUFFICIENT, "a change of this size cannot be told from chance on so few rows"


def _measured(found: Outcomes, place: int, name: str, limits: Mapping[str, float], seed: int) -> Measurement:
    change = concept_change(found.values[place], found.bins, found.prediction, found.current, seed)
    if change is None:
        reason = "no range of predictions has enough rows on both sides: the predictions have moved too far"
        return _insufficient(name, limits[name], found, reason)
    judged = _Judged(change, limits[name], len(found.values))
    verdict, reason = judged.verdict(limits[COVERAGE])
    return Measurement(
        name=name,
        n=found.current_n,
        value=change.effect,
        threshold=limits[name],
        verdict=verdict,
        tolerance_used=None if verdict is Verdict.INSUFFICIENT else change.effect / limits[name],
        detail={
            **_detail(found),
            "change": change.change,
            "critical": change.critical,
            "p": change.p,
            "p_adjusted": judged.p_adjusted,
            "draws": DRAWS,
            "coverage": change.coverage,
            "bins": [{**asdict(b), "bin": found.bin_names[b.place]} for b in change.bins],
            **({"reason": reason} if reason else {}),
        },
    )


def _detail(found: Outcomes) -> dict[str, Any]:
    return {"predictions": found.sort, "reference_n": found.reference_n, "dropped_rows": found.dropped}


def _insufficient(name: str, limit: float, found: Outcomes, reason: str) -> Measurement:
    return Measurement(
        name=name,
        n=found.current_n,
        threshold=limit,
        verdict=Verdict.INSUFFICIENT,
        detail={**_detail(found), "reason": reason},
    )
