"""How much could the finished model reveal of any one row of its training, by the noise that training added?"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
from audits.metrics.privacy.renyi import Spent, spent
from audits.metrics.scores.scored_rows import finite_numbers
from audits.metrics.statistics.resampling import Floats
from audits.tables import Table, TableError

EPSILON, PHASE, DELTA = "epsilon", "phase-epsilon", "delta-times-rows"
DEFAULTS = {"epsilon": 8.0, "delta": 1e-5}
NEEDED = ("noise", "rate", "steps")
ROLES = (*NEEDED, "rows")
#: From this share of the limit on, a pass becomes a review.
NEAR = 0.9
MOST_PHASES = 500
SHOWN_PHASES = 20
#: What stands for "infinitely far beyond the limit".
_MOST_TOLERANCE_USED = 100.0
_NO_NOISE = "without noise there is no limit to what the model reveals of a row"


@audit_kinds.register
class PrivacyBudget(AuditKind):
    slug = "privacy-budget"
    label = "Differential privacy accounting"
    dimension = "privacy"
    method = (
        "Renyi accounting of the sampled Gaussian mechanism (Mironov 2017; Mironov, Talwar and Zhang 2019), converted to "
        "epsilon at a given delta (Canonne, Kamath and Steinke 2020)"
    )
    reads = ("training", "")
    settings = Settings(
        limits=DEFAULTS,
        columns=(),
        lines=("roles",),
        roles=ROLES,
        free_limits=True,
        labels={"epsilon": "Largest epsilon", "delta": "Delta"},
    )
    words = {
        EPSILON: Words(
            label="Privacy budget spent (epsilon)",
            sentence="Training spent a privacy budget of {value} of at most {threshold}; the smaller, the less it reveals of a person.",
        ),
        PHASE: Words(
            label="Budget of a phase alone", sentence="Alone, {slice} of the training spent {value}."
        ),
        DELTA: Words(
            label="Delta for all persons",
            sentence="The guarantee may fail for {value} persons of all in the data; it must be less than 1.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        phases = _phases(audit_input.current, parameters)
        total = spent({(p.noise, p.rate): p.steps for p in phases}, limits["delta"])
        out = [_judged(total, phases, limits)]
        if len(phases) > 1:
            out += [
                _described(place, phase, limits["delta"])
                for place, phase in enumerate(phases[:SHOWN_PHASES], 1)
            ]
        return [*out, _delta(audit_input.current, parameters, limits["delta"])]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_roles(ROLES)
    missing = [role for role in NEEDED if role not in parameters.roles]
    if missing:
        raise AuditInputError(
            f"name the column of role {missing[0]!r}; the log of a training needs {', '.join(NEEDED)}"
        )
    if parameters.method:
        raise AuditInputError(
            f"unknown method {parameters.method!r}; the accounting has one only, leave it out"
        )
    known = (*DEFAULTS, "rows")
    parameters.refuse_other_thresholds(known)
    limits = {name: parameters.threshold(name, default) for name, default in DEFAULTS.items()}
    if limits["epsilon"] <= 0:
        raise AuditInputError("threshold 'epsilon' must be above 0")
    if not 0 < limits["delta"] < 1:
        raise AuditInputError("threshold 'delta' must lie between 0 and 1, and below 1 / rows")
    if parameters.threshold("rows", 1) < 1:
        raise AuditInputError("threshold 'rows' is the number of persons in the training data; at least 1")
    return limits


@dataclass(frozen=True, slots=True)
class _Phase:
    """Steps of the same noise multiplier and sampling rate, put together."""

    noise: float
    rate: float
    steps: float


def _phases(table: Table, parameters: AuditParameters) -> list[_Phase]:
    """The phases of a training log in the order in which they first occur.

    Raises
    ------
    AuditInputError
        When a value cannot be: no total is right without that row.
    """
    try:
        noise, rate, steps = (_read(table, parameters.roles[role], role) for role in NEEDED)
    except TableError as error:
        raise AuditInputError(str(error)) from error
    pairs, first, place = np.unique(
        np.column_stack([noise, rate]), axis=0, return_index=True, return_inverse=True
    )
    if len(pairs) > MOST_PHASES:
        raise AuditInputError(
            f"{table.label} has {len(pairs)} different pairs of noise and rate; put steps together into at most {MOST_PHASES}"
        )
    taken = np.bincount(place.ravel(), steps)
    return [_Phase(float(pairs[i, 0]), float(pairs[i, 1]), float(taken[i])) for i in np.argsort(first)]


def _read(table: Table, column: str, role: str) -> Floats:
    values = finite_numbers(table, column)
    wrong, allowed = {
        "noise": (~(values >= 0), "0 or more: the standard deviation of the noise over the clipping norm"),
        "rate": (~((values >= 0) & (values <= 1)), "from 0 to 1: the batch over all rows"),
        "steps": (~((values >= 0) & (values % 1 == 0)), "a whole number of 0 or more"),
    }[role]
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0]) + 1
        said = "no value" if math.isnan(values[row - 1]) else f"{values[row - 1]:g}"
        raise AuditInputError(f"column {column!r} has {said} in row {row}; {role} must be {allowed}")
    return values


def _judged(total: Spent, phases: list[_Phase], limits: dict[str, float]) -> Measurement:
    """An upper bound without sampling error: fail above the limit, review within a tenth below it."""
    limit, finite = limits["epsilon"], math.isfinite(total.epsilon)
    verdict, reason = Verdict.PASS, ""
    if not finite:
        bare = next(place for place, p in enumerate(phases, 1) if p.noise == 0 and p.steps and p.rate)
        verdict, reason = Verdict.FAIL, f"phase {bare} added no noise; {_NO_NOISE}"
    elif total.epsilon > limit:
        verdict = Verdict.FAIL
        reason = "more than the limit; train with more noise, smaller batches or fewer steps"
    elif total.epsilon > NEAR * limit:
        verdict, reason = Verdict.REVIEW, "within a tenth of the limit; the next training may pass it"
    detail: dict[str, Any] = {
        "delta": limits["delta"],
        "steps": sum(p.steps for p in phases),
        "phases": len(phases),
        "infinite": not finite,
    }
    if math.isfinite(total.order):
        detail["order"] = total.order
    return Measurement(
        name=EPSILON,
        n=len(phases),
        value=total.epsilon if finite else None,
        threshold=limit,
        tolerance_used=min(_MOST_TOLERANCE_USED, total.epsilon / limit),
        verdict=verdict,
        detail={**detail, **({"reason": reason} if reason else {})},
    )


def _described(place: int, phase: _Phase, delta: float) -> Measurement:
    alone = spent({(phase.noise, phase.rate): phase.steps}, delta).epsilon
    finite = math.isfinite(alone)
    return Measurement(
        name=PHASE,
        slice=f"phase {place}",
        n=1,
        value=alone if finite else None,
        verdict=Verdict.PASS,
        detail={
            "role": "descriptive",
            "noise": phase.noise,
            "rate": phase.rate,
            "steps": phase.steps,
            **({} if finite else {"reason": _NO_NOISE}),
        },
    )


def _delta(table: Table, parameters: AuditParameters, delta: float) -> Measurement:
    """Delta is the chance that the guarantee fails for a row, so over all rows less than one may be expected to lose it."""
    people = parameters.thresholds.get("rows")
    if people is None and "rows" in parameters.roles:
        try:
            people = float(np.nanmax(finite_numbers(table, parameters.roles["rows"])))
        except TableError as error:
            return Measurement(name=DELTA, verdict=Verdict.ERRORED, detail={"reason": str(error)})
    if people is None or people < 1:
        reason = "unknown how many persons are in the training data; give threshold 'rows', or a column as role 'rows'"
        return Measurement(
            name=DELTA, threshold=1.0, verdict=Verdict.INSUFFICIENT, detail={"delta": delta, "reason": reason}
        )
    value = delta * people
    detail: dict[str, Any] = {"delta": delta}
    if value >= 1:
        detail["reason"] = f"delta must be below 1 / rows, which is {1 / people:.2g}; set a smaller delta"
    return Measurement(
        name=DELTA,
        n=int(people),
        value=value,
        threshold=1.0,
        tolerance_used=min(_MOST_TOLERANCE_USED, value),
        verdict=Verdict.PASS if value < 1 else Verdict.FAIL,
        detail=detail,
    )
