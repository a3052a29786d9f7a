"""Do probabilities mean what they say: of the rows scored .8, do about 80 % come true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
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
    worst_verdict,
)
from audits.metrics.scores.calibration import Calibration as Assessed
from audits.metrics.scores.calibration import assess, calibration_groups, draws_of_rows, draws_of_units
from audits.metrics.scores.classification import MIN_CLASS_ROWS
from audits.metrics.scores.counting import score_profile
from audits.metrics.scores.groups import ScoreGroups
from audits.metrics.scores.labelled_share import LEAST_SHARE, SHARE, labelled_share
from audits.metrics.scores.metrics import Rows
from audits.metrics.scores.model_evaluation import MIN_ROWS, MIN_UNITS
from audits.metrics.scores.profiles import ScoreProfile
from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.metrics.statistics.resampling import Estimate, unit_codes

ECE = "expected-calibration-error"
ECE_LIMIT = 0.05
#: What may carry a limit; the first one always does.
LIMITS = (ECE, f"{ECE}-equal-mass")


@audit_kinds.register
class Calibration(AuditKind):
    slug = "calibration"
    label = "Calibration"
    dimension = "performance"
    method = "Expected calibration error with bootstrap interval, recalibration line (Cox), Brier decomposition (Murphy)"
    reads = ("predictions", "")
    settings = Settings(
        limits=dict.fromkeys(LIMITS, ECE_LIMIT), columns=("y_true", "y_pred", "labels_id", "entity")
    )
    words = {
        "expected-calibration-error": Words(
            label="Expected calibration error",
            sentence="Scores miss how often the event really comes by {value} on average.",
            unit="share",
        ),
        "calibration-in-the-large": Words(
            label="Calibration in the large",
            sentence="Scores promise {value} more events than come.",
            unit="share",
        ),
        "brier": Words(
            label="Brier score",
            sentence="The squared distance of scores and events is {value}; 0 is perfect.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _columns(parameters)
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        label, score = _columns(parameters)
        share = _labelled(audit_input, label)
        found = [share] if share is not None else []
        if any(m.verdict is Verdict.INSUFFICIENT for m in found):
            return found
        profile = score_profile(audit_input.current, score, label).labelled_only()
        reason = _too_few(profile)
        if reason:
            return [*found, _insufficient(profile.labelled, reason)]
        groups = calibration_groups(profile)[0]
        draws = _draws(audit_input, profile, groups)
        if draws is None:
            return [*found, _insufficient(profile.labelled, f"fewer than {MIN_UNITS} independent units")]
        return [*found, *_measurements(assess(profile, draws, audit_input.seed), profile, parameters)]


def _columns(parameters: AuditParameters) -> tuple[str, str]:
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError("calibration compares label and score: name both columns, y_true and y_pred")
    known = {*LIMITS, SHARE}
    parameters.refuse_other_thresholds(sorted(known))
    return parameters.y_true, parameters.y_pred


def _limits(parameters: AuditParameters) -> dict[str, float]:
    given = {name: parameters.thresholds[name] for name in LIMITS if name in parameters.thresholds}
    limits = {ECE: ECE_LIMIT, **given}
    for name, limit in limits.items():
        if limit <= 0:
            raise AuditInputError(f"threshold {name!r} must be above 0")
    return limits


def _labelled(audit_input: AuditInput, label: str) -> Measurement | None:
    """How many labels are in, where they come later; insufficient when that is too few to go on."""
    parameters = audit_input.parameters
    if not parameters.labels_id:
        return None
    least = parameters.threshold(SHARE, LEAST_SHARE)
    share = labelled_share(audit_input.current, label, least, audit_input.labels)
    verdict = Verdict.INSUFFICIENT if share.too_few else Verdict.REVIEW if share.doubt else Verdict.PASS
    return Measurement(**share.fields(), verdict=verdict)


def _too_few(profile: ScoreProfile) -> str:
    if profile.labelled < MIN_ROWS:
        return f"{profile.labelled} rows with score and label; at least {MIN_ROWS} are needed"
    fewest = min(profile.positives, profile.negatives)
    if fewest < MIN_CLASS_ROWS:
        return f"only {fewest} rows of one class; at least {MIN_CLASS_ROWS} of either are needed"
    return ""


def _insufficient(n: int, reason: str) -> Measurement:
    return Measurement(
        name=ECE, verdict=Verdict.INSUFFICIENT, n=n, threshold=ECE_LIMIT, detail={"reason": reason}
    )


def _draws(audit_input: AuditInput, profile: ScoreProfile, groups: ScoreGroups) -> tuple[Rows, Rows] | None:
    """Resampled rows by group; None with too few independent units."""
    parameters, table = audit_input.parameters, audit_input.current
    label, score = _columns(parameters)
    if not parameters.entity:
        return draws_of_rows(groups, audit_input.seed)
    truth, scores = finite_numbers(table, label), finite_numbers(table, score)
    kept = ~np.isnan(truth) & ~np.isnan(scores)
    units = unit_codes(int(kept.sum()), category_codes(table, parameters.entity)[0][kept])
    if units.max() + 1 < MIN_UNITS:
        return None
    return draws_of_units(profile, groups, scores[kept], truth[kept], units, audit_input.seed)


def _measurements(found: Assessed, profile: ScoreProfile, parameters: AuditParameters) -> list[Measurement]:
    details = {ECE: {"bins": [asdict(b) for b in found.curve]}, "brier": asdict(found.parts)}
    counts = {"dropped_rows": profile.dropped, "positives": profile.positives}
    judged = {
        name: _judged(name, found.estimates[name], limit, found.chance, {**details.get(name, {}), **counts})
        for name, limit in _limits(parameters).items()
    }
    worst = worst_verdict(judged.values())
    return [
        judged.get(name) or _descriptive(name, estimate, worst, {**details.get(name, {}), **counts})
        for name, estimate in found.estimates.items()
    ]


def _judged(
    name: str, estimate: Estimate, limit: float, chance: float, detail: Mapping[str, Any]
) -> Measurement:
    verdict, reason = calibration_verdict(estimate, limit, chance)
    return Measurement(
        name=name,
        verdict=verdict,
        n=estimate.n,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        threshold=limit,
        tolerance_used=None if estimate.value is None or reason else estimate.value / limit,
        detail={"role": "limit", "chance": chance, **detail, **({"reason": reason} if reason else {})},
    )


def calibration_verdict(estimate: Estimate, limit: float, chance: float) -> tuple[Verdict, str]:
    """Verdict on a calibration error, and why it is insufficient, if it is.

    ``pass`` up to the limit. Above it ``insufficient`` when exact scores reach as much by chance with so few rows,
    ``fail`` when the interval's low end lies above the limit too, else ``review``.
    """
    if estimate.value is None or estimate.low is None:
        return Verdict.REVIEW, ""
    if estimate.value <= limit:
        return Verdict.PASS, ""
    if estimate.value <= chance:
        reason = f"exact scores reach {chance:.3f} by chance with {estimate.n:,} rows; more are needed"
        return Verdict.INSUFFICIENT, reason
    return Verdict.FAIL if estimate.low > limit else Verdict.REVIEW, ""


def _descriptive(name: str, estimate: Estimate, worst: Verdict, detail: Mapping[str, Any]) -> Measurement:
    """A number without a limit takes the verdict of those that have one."""
    missing = estimate.value is None
    return Measurement(
        name=name,
        verdict=Verdict.INSUFFICIENT if missing else worst,
        n=estimate.n,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        detail={"role": "descriptive", **detail, **({"reason": estimate.reason} if missing else {})},
    )
