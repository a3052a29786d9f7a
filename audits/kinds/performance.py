"""Does the model still predict well enough: against limits, the naive method, an earlier table, or chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    worst_verdict,
)
from audits.metrics.scores.labelled_share import LEAST_SHARE, SHARE, labelled_share
from audits.metrics.scores.model_evaluation import TASKS, Evaluation, Request, evaluate
from audits.metrics.statistics.resampling import Estimate, percentile_interval, ratio

#: Metrics whose best value is 1, and those whose best value is 0. ``bias`` is judged by its size.
HIGHER_IS_BETTER = frozenset(
    {"accuracy", "balanced-accuracy", "precision", "recall", "f1", "macro-f1", "roc-auc", "r2", "skill"}
    | {"ndcg-at-20", "hit-rate-at-20", "mrr"}
)
LOWER_IS_BETTER = frozenset(
    {"false-positive-rate", "brier", "log-loss", "expected-calibration-error", "mae", "rmse", "wape", "bias"}
)
#: Near 0 or below it a relative change says nothing; these are not compared with a reference table.
NOT_COMPARED = frozenset({"bias", "expected-calibration-error", "r2", "skill"})
REFERENCE_TOLERANCE = 0.10
#: Skill from which none of the tolerance is used: a fifth of the baseline's error removed.
FULL_SKILL = 0.2
#: What ``skill`` is the gain over when no baseline column is named, by the metric that the gain is of.
CONSTANT_PREDICTION = {"roc-auc": "base rate", "balanced-accuracy": "majority class"}
SETTINGS = frozenset({"decision", "reference-tolerance", SHARE})


@audit_kinds.register
class Performance(AuditKind):
    slug = "performance"
    label = "Performance"
    dimension = "performance"
    method = "Task metrics with 95 % intervals, judged against limits, baseline, reference or the trivial predictor"
    reads = ("predictions", "")
    settings = Settings(
        limits={"decision": 0.5, "reference-tolerance": REFERENCE_TOLERANCE},
        columns=("y_true", "y_pred", "labels_id", "baseline", "entity"),
        free_limits=True,  # any of its metrics may have a limit
    )
    words = {
        "skill": Words(
            label="Skill",
            sentence="The model removes {value} of the error that the naive method makes.",
            unit="share",
        ),
        "wape": Words(label="WAPE", sentence="Forecasts are off by {value} of the volume.", unit="share"),
        "accuracy": Words(
            label="Accuracy", sentence="The model is right in {value} of the cases.", unit="share"
        ),
        "roc-auc": Words(
            label="ROC AUC",
            sentence="The model ranks a true case above another one with a success of {value}; guessing gives 0.5.",
        ),
        "*": Words(label="", sentence="{label} is {value}."),
    }

    def check(self, parameters: AuditParameters) -> None:
        _request(parameters, 0)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        request = _request(parameters, audit_input.seed)
        share = _labelled(audit_input, request.y_true)
        if share is not None and share.verdict is Verdict.INSUFFICIENT:
            return [share]
        now = evaluate(audit_input.current, request, parameters.task)
        before = None
        if audit_input.reference is not None:
            # Another seed, or equal tables would be resampled alike and their comparison have no spread.
            earlier = replace(request, baseline=None, seed=audit_input.seed + 1)
            before = evaluate(audit_input.reference, earlier, now.task)
            if all(estimate.value is None for estimate in before.estimates.values()):
                reason = next(iter(before.estimates.values())).reason
                raise AuditInputError(
                    f"{audit_input.reference.label} cannot serve as the reference: {reason}"
                )
        measured = _measurements(now, before, parameters)
        return measured if share is None else [share, *measured]


def _labelled(audit_input: AuditInput, label: str) -> Measurement | None:
    """How many labels are in, where they come later; insufficient when that is too few to go on."""
    parameters = audit_input.parameters
    if not parameters.labels_id:
        return None
    least = parameters.threshold(SHARE, LEAST_SHARE)
    share = labelled_share(audit_input.current, label, least, audit_input.labels)
    verdict = Verdict.INSUFFICIENT if share.too_few else Verdict.REVIEW if share.doubt else Verdict.PASS
    return Measurement(**share.fields(), verdict=verdict)


def _request(parameters: AuditParameters, seed: int) -> Request:
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "performance compares truth and prediction: name both columns, y_true and y_pred"
        )
    if parameters.task not in {None, "", "auto", *TASKS}:
        raise AuditInputError(f"unknown task {parameters.task!r}; known: auto, {', '.join(TASKS)}")
    known = HIGHER_IS_BETTER | LOWER_IS_BETTER | SETTINGS
    parameters.refuse_other_thresholds(sorted(known))
    if parameters.threshold("reference-tolerance", REFERENCE_TOLERANCE) <= 0:
        raise AuditInputError("threshold 'reference-tolerance' must be above 0")
    return Request(
        y_true=parameters.y_true,
        y_pred=parameters.y_pred,
        baseline=parameters.baseline or None,
        entity=parameters.entity or None,
        decision=parameters.threshold("decision", 0.5),
        seed=seed,
    )


def _measurements(
    now: Evaluation, before: Evaluation | None, parameters: AuditParameters
) -> list[Measurement]:
    limits = {name: value for name, value in parameters.thresholds.items() if name not in SETTINGS}
    computable = any(estimate.value is not None for estimate in now.estimates.values())
    absent = sorted(set(limits) - set(now.estimates))
    if absent and computable:
        raise AuditInputError(
            f"the limit on {absent[0]!r} cannot be applied: these columns give {', '.join(now.estimates)}"
        )
    judged = {
        name: _against_limit(now, name, limit, "limit")
        for name, limit in limits.items()
        if name in now.estimates
    }
    if before is not None:
        tolerance = parameters.threshold("reference-tolerance", REFERENCE_TOLERANCE)
        for name in now.estimates.keys() & before.estimates.keys() - judged.keys() - NOT_COMPARED:
            compared = _against_reference(name, now.estimates[name], before.estimates[name], tolerance)
            judged.update({name: compared} if compared else {})
    if parameters.baseline and "skill" in now.estimates and "skill" not in judged:
        judged["skill"] = _against_limit(now, "skill", 0.0, "baseline")
    if not judged and now.chance is not None:
        name, value = now.chance
        judged[name] = _against_limit(now, name, value, "trivial predictor")
        if "skill" in now.estimates:
            judged["skill"] = _against_limit(now, "skill", 0.0, "trivial predictor")
    counts = dict(now.counts)
    over = parameters.baseline or CONSTANT_PREDICTION.get(now.chance[0] if now.chance else "", "")
    return [
        replace(
            m,
            detail={
                **m.detail,
                "task": now.task,
                **counts,
                **({"baseline": over} if m.name == "skill" else {}),
            },
        )
        for m in (
            judged.get(name) or _descriptive(name, now.estimates[name], judged) for name in now.estimates
        )
    ]


def _descriptive(name: str, estimate: Estimate, judged: Mapping[str, Measurement]) -> Measurement:
    """A metric without a limit of its own takes the verdict of those that have one."""
    if estimate.value is None:
        return _measurement(name, estimate, Verdict.INSUFFICIENT, {"reason": estimate.reason})
    if not judged:
        reason = "nothing to judge by: give a limit, a baseline or a reference"
        return _measurement(name, estimate, Verdict.INSUFFICIENT, {"role": "descriptive", "reason": reason})
    return _measurement(name, estimate, worst_verdict(judged.values()), {"role": "descriptive"})


def _measurement(name: str, estimate: Estimate, verdict: Verdict, detail: Mapping[str, Any]) -> Measurement:
    return Measurement(
        name=name,
        verdict=verdict,
        n=estimate.n,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        detail=detail,
    )


def _against_limit(found: Evaluation, name: str, limit: float, role: str) -> Measurement:
    """Judge by a fixed limit. A limit that was asked for must not be missed; a baseline or chance must be beaten."""
    estimate = found.estimates.get(name, Estimate(n=0, reason="not computed"))
    if estimate.value is None:
        blank = _measurement(name, estimate, Verdict.INSUFFICIENT, {"role": role, "reason": estimate.reason})
        return replace(blank, threshold=limit)
    verdict = limit_verdict(name, estimate, limit, must_beat=role != "limit")
    used = _tolerance_used(name, estimate.value, limit, found.skill_scale)
    return replace(
        _measurement(name, estimate, verdict, {"role": role}), threshold=limit, tolerance_used=max(0.0, used)
    )


def limit_verdict(name: str, estimate: Estimate, limit: float, *, must_beat: bool) -> Verdict:
    """Where an estimate and its interval lie against a limit.

    Parameters
    ----------
    name : str
        The metric; tells which direction is better. ``bias`` is judged by its size.
    estimate : Estimate
        Without an interval nothing is proven either way: ``review``.
    limit : float
        In the metric's unit.
    must_beat : bool
        True: ``pass`` only when the whole interval is better than the limit, ``fail`` when none of it is. False:
        ``fail`` only when the whole interval is worse, ``pass`` when the estimate is not.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Verdict.REVIEW
    value, low, high = estimate.value, estimate.low, estimate.high
    if name == "bias":
        straddles = low <= 0 <= high
        value, low, high = (
            abs(value),
            0.0 if straddles else min(abs(low), abs(high)),
            max(abs(low), abs(high)),
        )
        limit = abs(limit)
    if name in LOWER_IS_BETTER:
        value, low, high, limit = -value, -high, -low, -limit
    if must_beat:
        return Verdict.PASS if low > limit else Verdict.FAIL if high <= limit else Verdict.REVIEW
    return Verdict.FAIL if high < limit else Verdict.PASS if value >= limit else Verdict.REVIEW


def _tolerance_used(name: str, value: float, limit: float, skill_scale: float) -> float:
    """Distance from the best value over the limit's distance from it; for skill, see ``FULL_SKILL``."""
    if name == "skill":
        return 1 - (value - limit) * skill_scale / FULL_SKILL
    best = 1.0 if name in HIGHER_IS_BETTER else 0.0
    room, gap = abs(best - limit), abs(best - value)
    return gap / room if room else 1 + gap


def _against_reference(name: str, now: Estimate, before: Estimate, tolerance: float) -> Measurement | None:
    """Judge by how much worse the metric is than in the reference table, relative to it."""
    if name not in HIGHER_IS_BETTER | LOWER_IS_BETTER:
        return None
    if now.value is None or before.value is None or before.value <= 0:
        return None
    sign = -1.0 if name in HIGHER_IS_BETTER else 1.0
    worse = sign * (now.value / before.value - 1)
    interval = percentile_interval(sign * (ratio(now.draws, before.draws) - 1))
    if interval is None:
        verdict = Verdict.REVIEW
    elif interval[0] > tolerance:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.REVIEW if worse > tolerance else Verdict.PASS
    detail = {
        "role": "reference",
        "reference": before.value,
        "relative_worsening": worse,
        "worsening_low": interval[0] if interval else None,
        "worsening_high": interval[1] if interval else None,
    }
    limit = before.value * (1 + sign * tolerance)
    measured = _measurement(name, now, verdict, detail)
    return replace(measured, threshold=limit, tolerance_used=max(0.0, worse / tolerance))
