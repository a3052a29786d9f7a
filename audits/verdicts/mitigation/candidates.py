"""The verdict on a candidate: inside the tolerance, at a price that may be paid, on rows that it was not tuned on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.contract import SEVERITY, Measurement, Verdict
from audits.metrics.mitigation.candidates import Candidate, NotTried
from audits.metrics.mitigation.trade_off import DISPARITY, TODAY, pareto
from audits.metrics.mitigation.utility import Worth
from audits.metrics.statistics.resampling import Estimate
from audits.verdicts.disparity.disparities import Rules, number

#: How many groups of a candidate are told, those that stand farthest out first.
MOST_GROUPS = 20
#: Equal up to rounding.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Examined:
    """A candidate, its worth, and its groups compared by the shared engine, by measure."""

    candidate: Candidate
    worth: Worth
    compared: Mapping[str, Sequence[Measurement]]

    @property
    def label(self) -> str:
        return self.candidate.label

    @property
    def today(self) -> bool:
        return self.label == TODAY

    def worst(self, measure: str) -> Measurement | None:
        """The group that stands farthest from the others; None where no group has evidence for a verdict."""
        judged = [m for m in self.compared[measure] if m.tolerance_used is not None]
        return max(judged, key=lambda m: m.tolerance_used or 0.0, default=None)

    def distance(self, measure: str) -> float:
        """How much of the tolerance the worst group uses up; infinite without evidence."""
        worst = self.worst(measure)
        return math.inf if worst is None or worst.tolerance_used is None else worst.tolerance_used


def candidates_measured(
    found: Sequence[Examined], rules: Rules, utility: str, max_loss: float
) -> Iterator[Measurement]:
    """Utility and every disparity of each candidate; the first is today's model.

    Today's disparity carries the verdict that it would have by itself. A candidate never fails: it is an offer. It is judged
    on what it was made for, and only where today is not inside the tolerance; else its numbers are there to know.
    """
    measures = list(found[0].compared)
    best = {measure: _best(found, measure) for measure in measures}
    for examined in found:
        front = {measure: best[measure][examined.label] for measure in measures}
        yield _utility(examined, utility, front)
        for measure in measures:
            if _worth_telling(examined, measure, found[0]):
                yield _disparity(examined, measure, found[0], front[measure], rules, max_loss)


def not_tried(offers: Iterable[NotTried]) -> Iterator[Measurement]:
    """Mitigations for which there are too few rows."""
    for offer in offers:
        yield Measurement(
            name="candidate", slice=offer.label, verdict=Verdict.INSUFFICIENT, detail={"reason": offer.reason}
        )


def _worth_telling(examined: Examined, measure: str, today: Examined) -> bool:
    """Whether there is a number, or one that is missed: of today, or of a candidate that was made for the measure."""
    if examined.today or examined.worst(measure) is not None:
        return True
    return measure in examined.candidate.targets and today.distance(measure) > 1 + _SLACK


def _best(found: Sequence[Examined], measure: str) -> dict[str, bool]:
    """Which candidates nothing else beats by this measure."""
    able = [e for e in found if e.worth.main.value is not None and math.isfinite(e.distance(measure))]
    front = pareto([e.worth.main.value or 0.0 for e in able], [e.distance(measure) for e in able])
    kept = {e.label: best for e, best in zip(able, front, strict=True)}
    return {e.label: kept.get(e.label, False) for e in found}


def _utility(examined: Examined, name: str, front: Mapping[str, bool]) -> Measurement:
    worth, candidate = examined.worth, examined.candidate
    ratios = {measure: _ratio(examined.worst(measure)) for measure in examined.compared}
    detail = {
        "role": "descriptive",
        "family": candidate.family,
        **candidate.detail,
        "utility": {name: _told(worth.main)} | {n: _told(e) for n, e in worth.beside.items()},
        "disparity": ratios,
        "loss": _told(worth.loss),
        "pareto": dict(front),
    }
    value = worth.main.value
    return Measurement(
        name=name,
        slice=examined.label,
        n=worth.main.n,
        value=value,
        low=worth.main.low,
        high=worth.main.high,
        verdict=Verdict.INSUFFICIENT if value is None else Verdict.PASS,
        detail=detail | ({"reason": worth.main.reason} if value is None else {}),
    )


def _ratio(worst: Measurement | None) -> float | None:
    return None if worst is None else worst.detail["ratio"]


def _told(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _disparity(
    examined: Examined, measure: str, today: Examined, best: bool, rules: Rules, max_loss: float
) -> Measurement:
    worst = examined.worst(measure)
    common = {"family": examined.candidate.family, "targeted": measure in examined.candidate.targets}
    if worst is None:
        return _without_evidence(examined, measure, common)
    verdict, reason = _judged(examined, measure, today, max_loss)
    judged = examined.today or (common["targeted"] and verdict is not None)
    detail = common | _beside(worst, examined, measure, best)
    if not judged:
        detail["role"] = "descriptive"
    return Measurement(
        name=measure + DISPARITY,
        slice=examined.label,
        n=worst.n,
        value=worst.detail["ratio"],
        low=worst.detail["ratio_low"],
        high=worst.detail["ratio_high"],
        threshold=rules.tolerance if judged else None,
        tolerance_used=worst.tolerance_used if examined.today else None,
        verdict=(verdict or Verdict.PASS) if judged else Verdict.PASS,
        detail=detail | ({"reason": reason} if reason and judged else {}),
    )


def _without_evidence(examined: Examined, measure: str, common: dict[str, Any]) -> Measurement:
    reasons = [str(m.detail["reason"]) for m in examined.compared[measure] if m.detail.get("reason")]
    reason = reasons[0] if reasons else "no group to compare"
    return Measurement(
        name=measure + DISPARITY,
        slice=examined.label,
        verdict=Verdict.INSUFFICIENT,
        detail=common | {"reason": f"no group has enough evidence: {reason}"},
    )


def _judged(examined: Examined, measure: str, today: Examined, max_loss: float) -> tuple[Verdict | None, str]:
    if examined.today:
        return _of_today(examined.compared[measure])
    return _of_candidate(examined, measure, today, max_loss)


def _of_today(compared: Sequence[Measurement]) -> tuple[Verdict, str]:
    """The worst verdict of any group, as the audit of disparity itself would give."""
    found = {m.verdict for m in compared}
    verdict = next(v for v in SEVERITY if v in found)
    groups = [m.slice for m in compared if m.verdict is verdict][:5]
    if verdict is Verdict.PASS:
        return verdict, ""
    if verdict is Verdict.INSUFFICIENT:
        return verdict, f"too little evidence for {', '.join(groups)}; give more rows"
    how = "outside the tolerance and more than chance" if verdict is Verdict.FAIL else "outside the tolerance"
    return verdict, f"{how}: {', '.join(groups)}; choose among the candidates"


def _of_candidate(
    examined: Examined, measure: str, today: Examined, max_loss: float
) -> tuple[Verdict | None, str]:
    """A verdict with its reason; None where today is inside the tolerance, so that nothing is asked of a candidate."""
    before, after = today.distance(measure), examined.distance(measure)
    if before <= 1 + _SLACK:
        return None, ""
    loss = examined.worth.loss.value
    if after > 1 + _SLACK:
        return Verdict.REVIEW, _outside(examined.compared[measure], nearer=after < before)
    if loss is None:
        return Verdict.INSUFFICIENT, "inside the tolerance, but what it costs cannot be told"
    if loss > max_loss + _SLACK:
        return Verdict.REVIEW, (
            f"inside the tolerance, but it gives up {100 * loss:.1f} points; at most {100 * max_loss:g} may be given up"
        )
    return Verdict.PASS, ""


def _outside(compared: Sequence[Measurement], *, nearer: bool) -> str:
    """Why a candidate that stays outside the tolerance is not yet a good one."""
    chance = "" if any(m.verdict is Verdict.FAIL for m in compared) else ", by no more than chance explains"
    if nearer:
        return f"nearer to parity than today, but outside the tolerance{chance}"
    return f"outside the tolerance{chance}, and no nearer to parity than today"


def _beside(worst: Measurement, examined: Examined, measure: str, best: bool) -> dict[str, Any]:
    kept = (
        "reference",
        "difference",
        "difference_low",
        "difference_high",
        "test",
        "p",
        "p_adjusted",
        "tolerance",
    )
    compared = examined.compared[measure]
    # Groups without evidence are small: they are named, but none of their numbers is told.
    groups = sorted(
        (m for m in compared if m.tolerance_used is not None), key=lambda m: -(m.tolerance_used or 0.0)
    )
    used = worst.tolerance_used or 0.0
    note = {}
    low, high = worst.detail["ratio_low"], worst.detail["ratio_high"]
    least, most = worst.detail["tolerance"]
    if used <= 1 + _SLACK and (low is None or high is None or low < least or high > most):
        note = {"note": "inside the tolerance, but its interval reaches outside: confirm it on more rows"}
    return {
        "group": worst.slice,
        "of_group": number(worst.value) if worst.value is not None else None,
        **{name: worst.detail.get(name) for name in kept},
        "used_of_tolerance": used,
        "pareto": best,
        "utility": examined.worth.main.value,
        "loss": examined.worth.loss.value,
        "groups": [
            {
                "group": m.slice,
                "n": m.n,
                "value": m.value,
                "ratio": m.detail.get("ratio"),
                "verdict": str(m.verdict),
            }
            for m in groups[:MOST_GROUPS]
        ],
        "without_evidence": [m.slice for m in compared if m.tolerance_used is None][:MOST_GROUPS],
        **note,
    }
