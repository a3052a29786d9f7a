"""Does the model still decide well, before any label is in: estimated from its scores, and marked as an estimate."""

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
)
from audits.metrics.scores.classification import MIN_CLASS_ROWS
from audits.metrics.scores.comparison import ScoreComparison, compare_scores
from audits.metrics.scores.counting import score_profile
from audits.metrics.scores.label_free import METRICS, LabelFreeEstimates, estimate_without_labels
from audits.metrics.scores.model_evaluation import MIN_ROWS
from audits.metrics.scores.profiles import ScoreProfile
from audits.metrics.statistics.resampling import percentile_interval, ratio

REFERENCE_TOLERANCE = 0.10
#: The scores count as unlike the reference's from this distance, and from this share outside its range.
SCORE_DISTANCE, OUTSIDE_SHARE = 0.1, 0.01
DEFAULTS = {
    "decision": 0.5,
    "reference-tolerance": REFERENCE_TOLERANCE,
    "score-distance": SCORE_DISTANCE,
    "outside-share": OUTSIDE_SHARE,
}
UNLIKE = "the scores are unlike the reference's, on which the estimate rests: look at labels"


@audit_kinds.register
class EstimatedPerformance(AuditKind):
    slug = "estimated-performance"
    label = "Estimated performance"
    dimension = "performance"
    method = (
        "Confidence-based estimation (CBPE) from scores calibrated on the labelled reference; needs no labels"
    )
    needs_reference = True
    reads = ("current", "predictions")
    settings = Settings(limits=DEFAULTS, columns=("y_true", "y_pred"), free_limits=True)
    words = {
        "score-distance": Words(
            label="Distance of scores", sentence="The scores have moved from the reference by {value}."
        ),
        "outside-share": Words(
            label="Scores never seen before",
            sentence="{value} of the scores lie outside those of the reference.",
            unit="share",
        ),
        "*": Words(
            label="",
            sentence="Before any label has come, {label} is estimated at {value}; it was {reference}.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        label, score = str(parameters.y_true), str(parameters.y_pred)
        before = score_profile(audit_input.need_reference(), score, label, limits["decision"]).labelled_only()
        now = score_profile(audit_input.current, score, decision=limits["decision"])
        shortage = _shortage(before, now)
        if shortage:
            return [_insufficient(name, now.n, shortage) for name in METRICS]
        found = estimate_without_labels(before, now, audit_input.seed)
        compared = compare_scores(before, now, audit_input.seed)
        unlike = _unlike(compared, limits)
        return [
            *(_measured(name, found, limits, unlike, _counts(before, now)) for name in METRICS),
            *_comparison(compared, now.n, limits),
        ]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "estimated performance learns from the reference's labels what a score is worth: "
            "name both columns, y_true and y_pred"
        )
    if parameters.entity:
        raise AuditInputError("estimated performance takes rows as independent; leave 'entity' out")
    parameters.refuse_other_thresholds(sorted(DEFAULTS))
    limits = {**DEFAULTS, **parameters.thresholds}
    for name in DEFAULTS:
        if limits[name] <= 0:
            raise AuditInputError(f"threshold {name!r} must be above 0")
    if limits["decision"] > 1:
        raise AuditInputError("threshold 'decision' must be at most 1")
    return limits


def _shortage(before: ScoreProfile, now: ScoreProfile) -> str:
    """Why nothing can be estimated, or blank."""
    if before.labelled < MIN_ROWS:
        return f"{before.labelled} reference rows with score and label; at least {MIN_ROWS} are needed"
    fewest = min(before.positives, before.negatives)
    if fewest < MIN_CLASS_ROWS:
        return f"only {fewest} reference rows of one class; at least {MIN_CLASS_ROWS} of either are needed"
    return f"{now.n} rows with a score; at least {MIN_ROWS} are needed" if now.n < MIN_ROWS else ""


def _counts(before: ScoreProfile, now: ScoreProfile) -> dict[str, int | float]:
    return {
        "decision": now.decision,
        "reference_n": before.labelled,
        "dropped_rows": now.dropped,
        "reference_dropped_rows": before.dropped,
    }


def _insufficient(name: str, n: int, reason: str) -> Measurement:
    return Measurement(
        name=name, verdict=Verdict.INSUFFICIENT, n=n, detail={"estimated": True, "reason": reason}
    )


def _measured(
    name: str,
    found: LabelFreeEstimates,
    limits: Mapping[str, float],
    unlike: bool,
    counts: Mapping[str, Any],
) -> Measurement:
    now, before = found.estimated[name], found.reference[name]
    detail = {"estimated": True, "calibrated": found.calibrated, "reference": before.value, **counts}
    measured = Measurement(
        name=name,
        verdict=Verdict.INSUFFICIENT,
        n=now.n,
        value=now.value,
        low=now.low,
        high=now.high,
        detail=detail,
    )
    if now.value is None or not before.value:
        reason = now.reason or before.reason or "the reference's value is 0: nothing can be lost"
        return replace(measured, detail={**detail, "reason": reason})
    worse = 1 - now.value / before.value
    interval = percentile_interval(1 - ratio(now.draws, before.draws))
    tolerance = limits["reference-tolerance"]
    verdict = _verdict(worse, interval, tolerance)
    return replace(
        measured,
        verdict=Verdict.REVIEW if unlike and verdict is Verdict.PASS else verdict,
        threshold=before.value * (1 - tolerance),
        tolerance_used=max(0.0, worse / tolerance),
        detail={**detail, **_worsening(worse, interval), **({"reason": UNLIKE} if unlike else {})},
    )


def _worsening(worse: float, interval: tuple[float, float] | None) -> dict[str, Any]:
    low, high = interval or (None, None)
    return {
        "role": "reference",
        "relative_worsening": worse,
        "worsening_low": low,
        "worsening_high": high,
    }


def _verdict(worse: float, interval: tuple[float, float] | None, tolerance: float) -> Verdict:
    """By how much worse the estimate is than what the reference reached, relative to it."""
    if interval is None:
        return Verdict.REVIEW
    if interval[0] > tolerance:
        return Verdict.FAIL
    return Verdict.REVIEW if worse > tolerance else Verdict.PASS


def _unlike(compared: ScoreComparison, limits: Mapping[str, float]) -> bool:
    return compared.far(limits["score-distance"]) or compared.outside_range(limits["outside-share"])


def _comparison(compared: ScoreComparison, n: int, limits: Mapping[str, float]) -> list[Measurement]:
    """What stands behind "unlike": how far the scores have moved, and how many lie where there was no reference."""
    distance, outside = limits["score-distance"], limits["outside-share"]
    return [
        Measurement(
            name="score-distance",
            verdict=Verdict.REVIEW if compared.far(distance) else Verdict.PASS,
            n=n,
            value=compared.distance,
            threshold=distance,
            tolerance_used=compared.distance / distance,
            detail={"p": compared.distance_p},
        ),
        Measurement(
            name="outside-share",
            verdict=Verdict.REVIEW if compared.outside_range(outside) else Verdict.PASS,
            n=n,
            value=compared.outside,
            threshold=outside,
            tolerance_used=compared.outside / outside,
            detail={"p": compared.outside_p, "lowest": compared.lowest, "highest": compared.highest},
        ),
    ]
