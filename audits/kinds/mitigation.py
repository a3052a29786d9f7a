"""What could be done about a disparity: measured candidates beside the model as it is. Nothing is changed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

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
from audits.metrics.groups.outcome_values import ValueRange, value_range
from audits.metrics.mitigation.candidates import Candidate, Eligible
from audits.metrics.mitigation.rows import Asked, Rows, Sides, read_sides
from audits.metrics.mitigation.trade_off import TODAY
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import DEFAULTS
from audits.verdicts.mitigation.item_list_studies import items_studied
from audits.verdicts.mitigation.list_studies import ListStudy
from audits.verdicts.mitigation.rules import (
    METHODS,
    OWN_THRESHOLDS,
    ROLES,
    Limits,
    asked_of,
    check_mitigation,
    families_of,
    of_lists,
)
from audits.verdicts.mitigation.studies import (
    Study,
    decision_offers,
    decisions_studied,
    forecasts_studied,
    input_faults,
    small_groups,
)
from audits.verdicts.mitigation.user_list_studies import users_studied


@audit_kinds.register
class Mitigation(AuditKind):
    slug = "mitigation"
    label = "Mitigation candidates"
    dimension = "bias"
    method = (
        "group thresholds, threshold optimizer (Hardt et al. 2016), reweighing (Kamiran and Calders 2012), reductions (Agarwal et "
        "al. 2018) and corrections, re-ranking (Geyik et al. 2019), tuned on one half, told on the other: utility against disparity, Pareto"
    )
    reads = ("predictions", "")
    settings: ClassVar[Settings] = Settings(
        limits={**DEFAULTS, **OWN_THRESHOLDS},
        columns=("sensitive", "y_true", "y_pred", "entity", "columns"),
        columns_help="Inputs of the model. With none chosen, no candidate is trained again.",
        methods=METHODS,
        lines=("references", "roles", "population"),
        roles=ROLES,
        labels={"max-loss": "Utility that may be given up"},
    )
    words: ClassVar[dict[str, Words]] = {
        "balanced-accuracy": Words(
            label="Balanced accuracy",
            sentence="{slice}: right for {value} of both kinds of cases.",
            unit="share",
        ),
        "forecast-accuracy": Words(
            label="Forecast accuracy",
            sentence="{slice}: {value} of the volume is forecast right.",
            unit="share",
        ),
        "list-quality": Words(
            label="Quality of lists", sentence="{slice}: {value} of the best order.", unit="share"
        ),
        "exposure-disparity": Words(
            label="Disparity of exposure",
            sentence="{slice}: {group} gets {value} times the exposure that it should have.",
            unit="ratio",
        ),
        "user-exposure-disparity": Words(
            label="Disparity of what people are shown",
            sentence="{slice}: {group} is shown premium items {value} times as much as the others.",
            unit="ratio",
        ),
        "selection-rate-disparity": Words(
            label="Disparity of selection",
            sentence="{slice}: {group} is selected {value} times as often as the others.",
            unit="ratio",
        ),
        "true-positive-rate-disparity": Words(
            label="Disparity of hits",
            sentence="{slice}: {group} is rightly selected {value} times as often as the others.",
            unit="ratio",
        ),
        "false-positive-rate-disparity": Words(
            label="Disparity of false alarms",
            sentence="{slice}: {group} is wrongly selected {value} times as often as the others.",
            unit="ratio",
        ),
        "mean-error-disparity": Words(
            label="Disparity of forecast bias",
            sentence="{slice}: forecasts for {group} are {value} times as high, for what came, as for the others.",
            unit="ratio",
        ),
        "wape-disparity": Words(
            label="Disparity of forecast errors",
            sentence="{slice}: forecast errors for {group} are {value} times as large as for the others.",
            unit="ratio",
        ),
        "group-size": Words(
            label="Rows of a group", sentence="{n} rows are too few to tune on.", unit="count"
        ),
        "candidate": Words(label="Candidate", sentence="{slice} could not be tried."),
        "input": Words(label="Input", sentence="{slice} could not be used."),
    }

    def check(self, parameters: AuditParameters) -> None:
        Limits.read(parameters)
        check_mitigation(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = Limits.read(parameters)
        check_mitigation(parameters)
        if of_lists(parameters):
            return _of_lists(audit_input, limits)
        return _of_rows(audit_input, limits)


def _of_lists(audit_input: AuditInput, limits: Limits) -> list[Measurement]:
    """Ranked lists: who is shown the premium tier where that is named, else which items are shown."""
    roles = dict(audit_input.parameters.roles)
    study = ListStudy(audit_input, roles, limits.rules, limits.max_loss, limits.cutoff)
    try:
        return users_studied(study) if "premium" in roles else items_studied(study)
    except TableError as error:
        raise AuditInputError(str(error)) from error


def _of_rows(audit_input: AuditInput, limits: Limits) -> list[Measurement]:
    """Decisions or forecasts: a row for each."""
    parameters = audit_input.parameters
    asked = asked_of(parameters)
    task = _task(audit_input.current, asked, parameters)
    families = families_of(parameters, task)
    try:
        sides = read_sides(audit_input.current, audit_input.reference, asked, audit_input.seed)
    except TableError as error:
        raise AuditInputError(str(error)) from error
    _refuse_empty(sides)
    tuning, least = sides.tuning, limits.rules.sizes.rows
    truth = tuning.truth if task == "classification" else None
    eligible = Eligible.of(truth, tuning.group, tuning.groups, least)
    study = Study(sides, parameters, limits.rules, limits.max_loss, families, audit_input.seed)
    found = forecasts_studied(study, eligible) if task == "regression" else _decisions(study, eligible)
    return [*found, *small_groups(eligible, tuning), *input_faults(sides)]


def _task(table: Table, asked: Asked, parameters: AuditParameters) -> str:
    """Decisions where truths are 0 and 1, else forecasts; ``task`` overrides."""
    try:
        truth, prediction = value_range(table, asked.truth), value_range(table, asked.prediction)
    except TableError as error:
        raise AuditInputError(str(error)) from error
    task = parameters.task or ("classification" if truth.binary else "regression")
    if task == "classification":
        _refuse_others(asked, truth, prediction)
    elif asked.score:
        raise AuditInputError("role 'score' is the score behind a decision; leave it out for forecasts")
    return task


def _refuse_others(asked: Asked, truth: ValueRange, prediction: ValueRange) -> None:
    if not truth.binary:
        raise AuditInputError(
            f"column {asked.truth!r} holds values other than 0 and 1; code the truth as 0 and 1"
        )
    if not prediction.within_unit:
        raise AuditInputError(
            f"column {asked.prediction!r} holds values that are neither 0/1 labels nor scores between 0 and 1"
        )
    if asked.score and not prediction.binary:
        raise AuditInputError(
            f"column {asked.prediction!r} holds scores already; leave role 'score' out, or name decisions of 0 and 1 as 'y_pred'"
        )


def _refuse_empty(sides: Sides) -> None:
    for rows, what in ((sides.tuning, "to tune on"), (sides.held_out, "to tell what came of it")):
        if not len(rows):
            raise AuditInputError(f"no rows with a truth and a prediction are left {what}")


def _decisions(study: Study, eligible: Eligible) -> list[Measurement]:
    sides, scored = study.sides, bool(study.parameters.roles.get("score"))
    decision = study.rules.own["decision"]
    today, tuned = (np.asarray(rows.prediction >= decision, dtype=np.float64) for rows in _both(sides))
    binary = all(set(np.unique(rows.prediction)) <= {0.0, 1.0} for rows in _both(sides))
    start: float | None = decision
    if scored:
        start = _matching(sides.tuning, tuned)
    elif binary:
        start = None
    candidate = Candidate(
        TODAY, "today", today, (), score=sides.held_out.score if start is not None else None
    )
    offers = decision_offers(study, today, tuned, start, eligible)
    return decisions_studied(study, offers, candidate)


def _both(sides: Sides) -> tuple[Rows, Rows]:
    return sides.held_out, sides.tuning


def _matching(rows: Rows, decisions: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The threshold of the score that selects as many as today's decisions do."""
    return float(np.quantile(rows.score, 1 - float(decisions.mean()), method="higher"))
