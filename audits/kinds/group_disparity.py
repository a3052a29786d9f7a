"""Bias audit: every group of a sensitive attribute against the others, with the right denominator, interval and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.kinds import AuditInput, AuditInputError, AuditKind, AuditParameters, Measurement, audit_kinds
from audits.metrics.disparity.group_comparisons import SumRatio
from audits.metrics.disparity.rates import RATES, SELECTION, outcome_codes
from audits.metrics.groups.outcome_values import ValueRange, numbers, value_range
from audits.tables import Column, Table, TableError
from audits.verdicts.disparity.disparities import Rules, errored
from audits.verdicts.disparity.examination import Examination, check_groupings
from audits.verdicts.disparity.settings import disparity_settings
from audits.verdicts.words import GROUP_WORDS

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

TASKS = ("classification", "regression")
#: The score from which a prediction counts as selected.
OWN_THRESHOLDS = {"decision": 0.5}
#: What is added up of forecasts: rows with both, abs(y - f), y, f - y, max(y - f, 0).
_FORECAST = (
    SumRatio("wape", (1,), (2,), (0,), (0,)),
    SumRatio("mean-error", (3,), (2,), (0,), (0,), offset=1.0),
    SumRatio("under-forecast-rate", (4,), (2,), (0,), (0,)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is compared between groups: an outcome column, or a prediction with or without its truth.

    ``shape`` is ``events`` (0/1), ``labels`` (0/1 with a 0/1 truth), ``numbers``, or ``forecast`` (numbers with truth).
    ``decision`` is the score from which a row counts as selected.
    """

    column: str
    suffix: str
    shape: str
    truth: str | None = None
    decision: float = 0.5
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return [self.column, *([self.truth] if self.truth else [])]

    @property
    def metrics(self) -> list[str]:
        """The rates that follow from these labels or decisions."""
        return list(RATES) if self.shape == "labels" else [SELECTION]

    def codes(self, pieces: tuple[Column, ...]) -> Ints:
        """Each row's outcome as ``rates.outcome_codes`` numbers them."""
        values, *truths = (numbers(piece) for piece in pieces)
        decided = np.where(np.isnan(values), np.nan, values >= self.decision)
        return outcome_codes(truths[0] if truths else None, decided)

    def measured(self, examination: Examination) -> Iterator[Measurement]:
        """Every metric of this outcome, by every grouping."""
        if self.shape == "forecast":
            return examination.ratios(self.columns, _forecast, 5, _FORECAST)
        if self.shape == "numbers":
            return examination.means(self.column, self.suffix)
        return examination.rates(self.columns, self.codes, self.metrics, self.suffix)


@audit_kinds.register
class GroupDisparity(AuditKind):
    slug = "group-disparity"
    label = "Group disparity"
    dimension = "bias"
    method = (
        "each group against the rest: ratio within [0.8, 1.25] (four-fifths rule, 29 CFR 1607.4(D)), and two-proportion z, "
        "Fisher, Welch or cluster-bootstrap test with Holm's adjustment"
    )
    reads = ("predictions", "")
    settings = disparity_settings(OWN_THRESHOLDS, methods=("fisher",))
    words = GROUP_WORDS

    def check(self, parameters: AuditParameters) -> None:
        Rules.read(parameters, OWN_THRESHOLDS)
        _check_roles(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        table, parameters = audit_input.current, audit_input.parameters
        rules = Rules.read(parameters, OWN_THRESHOLDS)
        _check_roles(parameters)
        examination = Examination.of(audit_input, rules)
        outcomes, errors = _outcomes(table, parameters, rules)
        if not outcomes:
            raise AuditInputError(errors[0].detail["reason"])
        return examination.measured(partial(_measured, outcomes), self.slug) + errors


def _measured(outcomes: Sequence[Outcome], examination: Examination) -> list[Measurement]:
    return [
        replace(measurement, detail={**measurement.detail, **outcome.detail})
        for outcome in outcomes
        for measurement in outcome.measured(examination)
    ]


def _check_roles(parameters: AuditParameters) -> None:
    check_groupings(parameters)
    if not parameters.y_pred and not parameters.columns:
        raise AuditInputError("name the outcome: 'y_pred', or other columns to compare in 'columns'")
    if parameters.y_true and not parameters.y_pred:
        raise AuditInputError("'y_true' needs 'y_pred'; give outcomes without predictions in 'columns'")
    if parameters.task not in (None, "", *TASKS):
        raise AuditInputError(f"unknown task {parameters.task!r}; known: {', '.join(TASKS)}")
    outcomes = (parameters.y_pred, parameters.y_true, *parameters.columns)
    both = [name for name in outcomes if name in parameters.sensitive]
    if both:
        raise AuditInputError(f"column {both[0]!r} is both a group and an outcome; name it once")


def _outcomes(
    table: Table, parameters: AuditParameters, rules: Rules
) -> tuple[list[Outcome], list[Measurement]]:
    outcomes, errors = [], []
    if parameters.y_pred:
        outcomes.append(_prediction(table, parameters.y_pred, parameters, rules))
    for name in dict.fromkeys(parameters.columns):
        try:
            shape = "events" if value_range(table, name).binary else "numbers"
        except TableError as error:
            errors.append(errored(f"mean-outcome:{name}", "", str(error)))
            continue
        outcomes.append(Outcome(name, f":{name}", shape))
    return outcomes, errors


def _prediction(table: Table, name: str, parameters: AuditParameters, rules: Rules) -> Outcome:
    """Tell from the values whether predictions are labels, scores or numbers; ``task`` overrides."""
    values = value_range(table, name)
    truth = value_range(table, parameters.y_true) if parameters.y_true else None
    task = parameters.task or _task(name, values, parameters.y_true, truth)
    if task == "regression":
        return Outcome(name, "", "numbers" if truth is None else "forecast", parameters.y_true)
    if truth is not None and not truth.binary:
        raise AuditInputError(
            f"column {parameters.y_true!r} holds values other than 0 and 1; code the labels as 0 and 1"
        )
    if not values.within_unit:
        raise AuditInputError(
            f"column {name!r} holds values that are neither 0/1 labels nor scores between 0 and 1"
        )
    decision = rules.own["decision"]
    detail = {} if values.binary else {"decision": decision}
    return Outcome(name, "", "events" if truth is None else "labels", parameters.y_true, decision, detail)


def _task(name: str, values: ValueRange, truth_name: str | None, truth: ValueRange | None) -> str:
    if truth is None:
        return "classification" if values.binary else "regression"
    if truth.binary:
        return "classification" if values.within_unit else "regression"
    if values.binary:
        raise AuditInputError(
            f"column {truth_name!r} holds values other than 0 and 1 beside 0/1 predictions in {name!r}; "
            "code it as 0 and 1, or set task 'regression'"
        )
    return "regression"


def _forecast(pieces: tuple[Column, ...]) -> Floats:
    """What ``_FORECAST`` is made of."""
    f, y = (numbers(piece) for piece in pieces)
    known = ~(np.isnan(f) | np.isnan(y))
    f, y = np.where(known, f, 0.0), np.where(known, y, 0.0)
    return np.column_stack([known, np.abs(y - f), y, f - y, np.maximum(y - f, 0)])
