"""What a study of mitigations can be told, and what it refuses before any data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from audits.contract import AuditInputError, AuditParameters
from audits.metrics.mitigation.rows import Asked
from audits.metrics.scores.ranking import CUTOFF
from audits.verdicts.disparity.disparities import DEFAULTS, Rules
from audits.verdicts.disparity.examination import check_groupings
from audits.verdicts.disparity.ranked_list_rules import check_list_roles

#: The score from which a prediction counts as selected, how much utility may be given up (0.02: two points), places of a list.
OWN_THRESHOLDS = {"decision": 0.5, "max-loss": 0.02, "cutoff": float(CUTOFF)}
TASKS = ("classification", "regression")
LISTS = "lists"
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "classification": ("thresholds", "threshold-optimizer", "reweighing", "reductions"),
    "regression": ("correction", "reductions"),
    LISTS: ("re-ranking",),
}
METHODS = tuple(dict.fromkeys(family for families in FAMILIES.values() for family in families))
LIST_ROLES, LIST_OPTIONAL = ("user", "item", "rank"), ("relevant", "premium")
ROLES = ("score", *LIST_ROLES, *LIST_OPTIONAL)
_MOST_PLACES = 100
#: Groups with fewer rows have no number of their own in any candidate.
LEAST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """The shared rules of a disparity, how much utility may be given up, and the last place of the top of a list."""

    rules: Rules
    max_loss: float
    cutoff: int

    @classmethod
    def read(cls, parameters: AuditParameters) -> Limits:
        """The limits that the parameters ask for. Raises ``AuditInputError`` for unknown or unusable ones."""
        known = {**DEFAULTS, **OWN_THRESHOLDS}
        parameters.refuse_other_thresholds(sorted(known))
        max_loss, cutoff = (parameters.threshold(n, OWN_THRESHOLDS[n]) for n in ("max-loss", "cutoff"))
        if not 0 <= max_loss < 1:
            raise AuditInputError(
                f"threshold 'max-loss' must be at least 0 and below 1, got {max_loss:g}; 0.02 is two points"
            )
        if not 1 <= cutoff <= _MOST_PLACES or cutoff != int(cutoff):
            raise AuditInputError(
                f"threshold 'cutoff' must be a whole number from 1 to {_MOST_PLACES}, got {cutoff:g}"
            )
        if parameters.threshold("min_n", DEFAULTS["min_n"]) < LEAST_ROWS:
            raise AuditInputError(
                f"threshold 'min_n' must be at least {LEAST_ROWS} here: candidates tell thresholds of groups by name"
            )
        shared = {n: v for n, v in parameters.thresholds.items() if n not in ("max-loss", "cutoff")}
        own = {"decision": OWN_THRESHOLDS["decision"]}
        rules = Rules.read(replace(parameters, thresholds=shared, method=None), own)
        return cls(rules, max_loss, int(cutoff))


def of_lists(parameters: AuditParameters) -> bool:
    """Whether ranked lists are studied: a role of lists is named."""
    return bool({*LIST_ROLES, *LIST_OPTIONAL} & set(parameters.roles))


def check_mitigation(parameters: AuditParameters) -> None:
    """Refuse what no data could make usable.

    Raises
    ------
    AuditInputError
        Names the parameter and the remedy.
    """
    check_groupings(parameters)
    if parameters.intersections or parameters.strata:
        raise AuditInputError(
            "'intersections' and 'strata' are not used here; columns in 'sensitive' are mitigated together"
        )
    if parameters.task not in (None, "", *TASKS):
        raise AuditInputError(f"unknown task {parameters.task!r}; known: {', '.join(TASKS)}")
    if parameters.method not in (None, "", *METHODS):
        raise AuditInputError(f"unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
    parameters.refuse_other_roles(ROLES)
    if of_lists(parameters):
        _check_lists(parameters)
    else:
        asked_of(parameters)


def _check_lists(parameters: AuditParameters) -> None:
    check_list_roles(parameters, LIST_ROLES, LIST_OPTIONAL)
    named = [parameters.y_true, parameters.y_pred, *parameters.columns]
    if any(named):
        raise AuditInputError("lists need roles only; leave 'y_true', 'y_pred' and 'columns' out")
    if parameters.population and "premium" in parameters.roles:
        raise AuditInputError(
            "'population' declares shares of item groups; leave it out where role 'premium' is named"
        )
    if parameters.method:
        families_of(parameters, LISTS)


def asked_of(parameters: AuditParameters) -> Asked:
    """The columns of decisions or forecasts. Refuses those that are missing or named twice."""
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "name what came ('y_true') and what the model said ('y_pred'), or the roles of lists: user, item, rank"
        )
    if parameters.population:
        raise AuditInputError("'population' is used for ranked lists only; leave it out")
    asked = Asked(
        truth=parameters.y_true,
        prediction=parameters.y_pred,
        score=parameters.roles.get("score"),
        attributes=tuple(dict.fromkeys(parameters.sensitive)),
        entity=parameters.entity or None,
        inputs=tuple(dict.fromkeys(parameters.columns)),
    )
    _refuse_repetition(asked)
    return asked


def _refuse_repetition(asked: Asked) -> None:
    outcomes = [name for name in (asked.truth, asked.prediction, asked.score) if name]
    twice = [name for name in outcomes if outcomes.count(name) > 1]
    if twice:
        raise AuditInputError(f"column {twice[0]!r} is named twice; truth, prediction and score differ")
    for others, what in ((asked.attributes, "a group"), (asked.inputs, "an input")):
        both = [name for name in outcomes if name in others]
        if both:
            raise AuditInputError(f"column {both[0]!r} is both an outcome and {what}; name it once")
    both = [name for name in asked.attributes if name in asked.inputs]
    if both:
        raise AuditInputError(
            f"column {both[0]!r} is both a group and an input; candidates do not learn from groups: "
            "leave it out of 'columns'"
        )


def families_of(parameters: AuditParameters, task: str) -> tuple[str, ...]:
    """The families of candidates that are tried: all that go with the task, or the one that ``method`` names."""
    families = FAMILIES[task]
    if not parameters.method:
        return families
    if parameters.method not in families:
        raise AuditInputError(
            f"method {parameters.method!r} does not go with {task}; use {', '.join(families)}"
        )
    return (parameters.method,)
