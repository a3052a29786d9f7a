"""Which inputs does the model use although it would do as well without them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

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
from audits.metrics.privacy.minimisation import (
    Cost,
    Elimination,
    Refits,
    removable_together,
    removal_cost,
    skill,
)
from audits.metrics.privacy.model_rows import TASKS, ModelRows, Wanted, model_rows
from audits.metrics.statistics.multiplicity import holm
from audits.tables import TableError

COST, TOGETHER, COUNT = "skill-lost", "skill-lost-together", "removable-personal-inputs"
TOLERANCE, MOST_REMOVABLE = "tolerance", "personal-removable"
#: Share of what the model gains over guessing.
DEFAULT_TOLERANCE = 0.01
MIN_ROWS = 500
#: Inputs of which each is left out once: keeps the audit under a minute at 20,000 rows.
MOST_REFITTED = 20
#: One-sided level of Holm's p of "nothing is lost without it".
LEVEL = 0.025
State: TypeAlias = Literal["needed", "removable", "interchangeable", "unclear"]


@audit_kinds.register
class DataMinimisation(AuditKind):
    slug = "data-minimisation"
    label = "Data minimisation"
    dimension = "privacy"
    method = (
        "Skill lost when a model is refitted without an input, by the corrected resampled t-test (Nadeau and Bengio 2003), and "
        "backward elimination of the inputs that can go together; GDPR Art. 5(1)(c)"
    )
    reads = ("training", "")
    settings = Settings(
        limits={TOLERANCE: DEFAULT_TOLERANCE},
        columns=("y_true", "columns", "quasi_identifiers", "sensitive", "entity"),
        columns_help="Inputs of the model; personal ones are added. None chosen means every other column.",
        free_limits=True,
        labels={TOLERANCE: "Loss of skill that counts as nothing"},
    )
    words = {
        COST: Words(
            label="Skill lost without an input",
            sentence="Without {slice}, the model would lose {value} of what it adds to guessing.",
            unit="share",
        ),
        TOGETHER: Words(
            label="Skill lost without all that can go",
            sentence="Without all inputs that can go together, the model would lose {value} of what it adds to guessing.",
            unit="share",
        ),
        COUNT: Words(
            label="Personal inputs that can go",
            sentence="{value} personal inputs could be left out without a loss worth naming.",
            unit="count",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _tolerance(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        tolerance = _tolerance(parameters)
        personal = _personal(parameters)
        try:
            rows = model_rows(audit_input.current, _wanted(parameters), audit_input.seed)
        except TableError as error:
            raise AuditInputError(str(error)) from error
        missing = [_unread(name, reason, name in personal) for name, reason in rows.faults.items()]
        lacking = sorted(personal - set(audit_input.current.names) - set(rows.faults))
        missing += [_unread(n, f"column {n!r} is not in {audit_input.current.label}", True) for n in lacking]
        missing += [_constant(name, rows, name in personal) for name in rows.constant]
        absent = {*lacking, *rows.faults, *rows.constant}
        if reason := _shortage(rows, str(parameters.y_true)):
            return [*missing, *_insufficient(rows, personal - absent, tolerance, reason)]
        refits = Refits(rows.features, rows.target, rows.classes, rows.units, audit_input.seed)
        if skill(refits).low <= 0:
            reason = "a model refitted on these rows is not surely better than guessing; check y_true and the inputs, or give more rows"
            return [*missing, *_insufficient(rows, personal - absent, tolerance, reason)]
        tested = _tested(rows, refits, personal)
        costs = {name: removal_cost(refits, [name]) for name in tested}
        ordered = sorted(costs, key=lambda name: (name not in personal, costs[name].value, name))
        gone = removable_together(
            refits, [name for name in ordered if costs[name].high <= tolerance], tolerance
        )
        found = _Found(rows, personal, tolerance, _states(costs, gone, tolerance), costs, gone)
        out = [found.judged(name) for name in tested]
        out += [found.untested(name) for name in rows.inputs if name in personal and name not in costs]
        out.append(_joint(gone, rows, len(rows.inputs) - len(tested)))
        return [*missing, *out, found.counted(parameters.thresholds.get(MOST_REMOVABLE))]


def _tolerance(parameters: AuditParameters) -> float:
    if not parameters.y_true:
        raise AuditInputError("data minimisation needs y_true: what the model is to tell from its inputs")
    if not _personal(parameters):
        raise AuditInputError(
            "say which inputs are about persons: name them as quasi_identifiers or sensitive"
        )
    for name in filter(None, (parameters.y_true, parameters.y_pred, parameters.entity)):
        if name in {*parameters.columns, *_personal(parameters)}:
            raise AuditInputError(
                f"column {name!r} is named as an input and as y_true, y_pred or entity; leave it out"
            )
    if parameters.task not in (None, "", "auto", *TASKS):
        raise AuditInputError(f"unknown task {parameters.task!r}; known: auto, {', '.join(TASKS)}")
    if parameters.method:
        raise AuditInputError(
            f"unknown method {parameters.method!r}; data minimisation has one only, leave it out"
        )
    if parameters.roles:
        raise AuditInputError(f"unknown role {min(parameters.roles)!r}; data minimisation knows none")
    known = (TOLERANCE, MOST_REMOVABLE)
    parameters.refuse_other_thresholds(known)
    if parameters.threshold(MOST_REMOVABLE, 0) < 0:
        raise AuditInputError(f"threshold {MOST_REMOVABLE!r} must not be negative")
    tolerance = parameters.threshold(TOLERANCE, DEFAULT_TOLERANCE)
    if not 0 < tolerance < 1:
        raise AuditInputError(f"threshold {TOLERANCE!r} must lie between 0 and 1")
    return tolerance


def _personal(parameters: AuditParameters) -> frozenset[str]:
    return frozenset({*parameters.quasi_identifiers, *parameters.sensitive})


def _wanted(parameters: AuditParameters) -> Wanted:
    """Predictions and identifiers are no inputs; personal inputs are inputs, whether columns names them or not."""
    inputs = [*parameters.columns, *sorted(_personal(parameters))] if parameters.columns else []
    return Wanted(
        y_true=str(parameters.y_true),
        inputs=tuple(dict.fromkeys(inputs)),
        ignored=tuple(
            name for name in (parameters.y_pred, parameters.labels_id, parameters.baseline) if name
        ),
        entity=parameters.entity or "",
        task="" if parameters.task in (None, "auto") else str(parameters.task),
    )


def _shortage(rows: ModelRows, y_true: str) -> str:
    if len(rows.target) < MIN_ROWS:
        return f"{len(rows.target)} rows with {y_true!r}; at least {MIN_ROWS} are needed"
    if rows.classes == 1 or (not rows.classes and not np.ptp(rows.target)):
        return f"{y_true!r} has one frequent value only, so there is nothing to tell"
    return "" if rows.inputs else "no input varies"


def _tested(rows: ModelRows, refits: Refits, personal: frozenset[str]) -> list[str]:
    """The inputs of which each is left out once: personal ones first, then those that matter least when shuffled."""
    if len(rows.inputs) <= MOST_REFITTED:
        return list(rows.inputs)
    order = refits.least_important(rows.inputs)
    return sorted(order, key=lambda name: name not in personal)[:MOST_REFITTED]


def _states(costs: Mapping[str, Cost], gone: Elimination, tolerance: float) -> dict[str, State]:
    adjusted = holm(np.array([cost.p for cost in costs.values()]))
    out: dict[str, State] = {}
    for (name, cost), p in zip(costs.items(), adjusted, strict=True):
        beside = gone.tried.get(name)
        if name in gone.removed:
            out[name] = "removable"
        elif beside and beside.value > tolerance and beside.low > 0:
            out[name] = "interchangeable"
        else:
            out[name] = "needed" if cost.value > tolerance and p < LEVEL else "unclear"
    return out


_SAYS: Mapping[str, str] = {
    "removable": "the model does as well without it: leave it out, or write down why it is needed (GDPR Art. 5(1)(c))",
    "unclear": "these rows do not show whether the model needs it; give more rows",
    "interchangeable": "it could go alone, but not together with the inputs that can go: it says what one of them says",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of each input that was left out once."""

    rows: ModelRows
    personal: frozenset[str]
    tolerance: float
    states: Mapping[str, State]
    costs: Mapping[str, Cost]
    gone: Elimination

    def judged(self, name: str) -> Measurement:
        """A personal input that can go is reviewed, one of which nothing can be said is insufficient; others are told only."""
        cost, state, personal = self.costs[name], self.states[name], name in self.personal
        verdict = {"removable": Verdict.REVIEW, "unclear": Verdict.INSUFFICIENT}.get(state, Verdict.PASS)
        detail: dict[str, Any] = {
            "state": state,
            "removable": state == "removable",
            "personal": personal,
            "p": cost.p,
            **_sample(self.rows),
            **({"reason": _SAYS[state]} if state in _SAYS else {}),
        }
        return Measurement(
            name=COST,
            slice=name,
            n=len(self.rows.target),
            value=cost.value,
            low=cost.low,
            high=cost.high,
            threshold=self.tolerance if personal else None,
            tolerance_used=_used(cost, self.tolerance) if personal else None,
            verdict=verdict if personal else Verdict.PASS,
            detail=detail if personal else {"role": "descriptive", **detail},
        )

    def untested(self, name: str) -> Measurement:
        reason = (
            f"only {MOST_REFITTED} inputs are left out in turn; name fewer as columns, this one among them"
        )
        return _no_answer(name, len(self.rows.target), self.tolerance, reason)

    def counted(self, limit: float | None) -> Measurement:
        """How many personal inputs can go together; a failure only where the plan sets how many are tolerated."""
        gone = (*self.rows.constant, *self.gone.removed)
        mine = [name for name in gone if name in self.personal]
        names = [name for name in self.rows.inputs if name in self.personal]
        open_ = [name for name in names if self.states.get(name, "unclear") == "unclear"]
        verdict, reason = Verdict.PASS, ""
        if limit is not None and len(mine) > limit:
            verdict, reason = Verdict.FAIL, _SAYS["removable"]
        elif limit is None and mine:
            verdict, reason = Verdict.REVIEW, _SAYS["removable"]
        elif len(mine) + len(open_) > (limit or 0):
            verdict, reason = Verdict.INSUFFICIENT, f"of {len(open_)} personal inputs nothing can be said"
        used = None if limit is None else len(mine) / limit if limit else 1.0 + len(mine) if mine else 0.0
        detail = {
            "inputs": mine,
            "unclear": len(open_),
            **({"reason": reason} if verdict is not Verdict.PASS else {}),
        }
        return Measurement(
            name=COUNT,
            n=len(self.rows.target),
            value=float(len(mine)),
            threshold=limit,
            tolerance_used=used,
            verdict=verdict,
            detail=detail,
        )


def _used(cost: Cost, tolerance: float) -> float:
    """1 where the upper end of the loss is just the tolerance, more the surer it is that nothing is lost; at most 2."""
    return min(2.0, tolerance / cost.high) if cost.high > 0 else 2.0


def _sample(rows: ModelRows) -> dict[str, Any]:
    return {"rows": rows.rows, "table_rows": rows.table_rows, "task": rows.task, "dropped_rows": rows.dropped}


def _joint(gone: Elimination, rows: ModelRows, untested: int) -> Measurement:
    cost = gone.cost
    return Measurement(
        name=TOGETHER,
        n=len(rows.target),
        value=cost.value if cost else 0.0,
        low=cost.low if cost else None,
        high=cost.high if cost else None,
        verdict=Verdict.PASS,
        detail={"role": "descriptive", "inputs": list(gone.removed), "untested": untested, **_sample(rows)},
    )


def _no_answer(name: str, n: int, tolerance: float, reason: str) -> Measurement:
    return Measurement(
        name=COST,
        slice=name,
        n=n,
        threshold=tolerance,
        verdict=Verdict.INSUFFICIENT,
        detail={"reason": reason, "personal": True},
    )


def _insufficient(
    rows: ModelRows, personal: frozenset[str], tolerance: float, reason: str
) -> list[Measurement]:
    return [_no_answer(name, len(rows.target), tolerance, reason) for name in sorted(personal)]


def _unread(name: str, reason: str, personal: bool) -> Measurement:
    return Measurement(
        name=COST, slice=name, verdict=Verdict.ERRORED, detail={"reason": reason, "personal": personal}
    )


def _constant(name: str, rows: ModelRows, personal: bool) -> Measurement:
    """An input that never varies cannot matter: a personal one can go."""
    detail = {
        "state": "removable",
        "removable": True,
        "personal": personal,
        "reason": "it has the same value in every row",
    }
    return Measurement(
        name=COST,
        slice=name,
        n=len(rows.target),
        value=0.0,
        verdict=Verdict.REVIEW if personal else Verdict.PASS,
        detail=detail if personal else {"role": "descriptive", **detail},
    )
