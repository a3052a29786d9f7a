"""Verdicts of numbers that must not lie above a limit: what an attacker gains over guessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audits.contract import Measurement, Verdict
from audits.metrics.statistics.multiplicity import holm

#: One-sided level: that of the lower end of a two-sided 95 % interval.
LEVEL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Gained:
    """A number with its 95 % interval, and the one-sided p of "it is at most ``limit``".

    ``guessing`` is what an attacker who knows nothing reaches. ``remedy`` is added to the reason when it did not pass.
    """

    name: str
    slice: str
    n: int
    value: float
    low: float
    high: float
    p: float
    limit: float
    guessing: float
    remedy: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def judged_together(found: Sequence[Gained]) -> list[Measurement]:
    """Judge numbers of one question: fail when one lies above its limit and Holm's p is below .025, review when it only lies above.

    With a single number this is "fail when the whole interval lies above the limit".
    """
    if not found:
        return []
    adjusted = holm(np.array([one.p for one in found]))
    return [_judged(one, float(p)) for one, p in zip(found, adjusted, strict=True)]


def _judged(found: Gained, adjusted: float) -> Measurement:
    detail = {**found.detail, "p": found.p, "p_adjusted": adjusted}
    verdict = Verdict.PASS
    if found.value > found.limit:
        sure = adjusted < LEVEL
        verdict = Verdict.FAIL if sure else Verdict.REVIEW
        why = "above the limit" if sure else "above the limit, but chance cannot be ruled out"
        detail["reason"] = f"{why}; {found.remedy}" if found.remedy else why
    return Measurement(
        name=found.name,
        slice=found.slice,
        n=found.n,
        value=found.value,
        low=found.low,
        high=found.high,
        threshold=found.limit,
        tolerance_used=max(0.0, (found.value - found.guessing) / (found.limit - found.guessing)),
        verdict=verdict,
        detail=detail,
    )


def too_few(name: str, slice_: str, n: int, limit: float | None, reason: str, **detail: Any) -> Measurement:
    """A number that too little data leave open."""
    return Measurement(
        name=name,
        slice=slice_,
        n=n,
        threshold=limit,
        verdict=Verdict.INSUFFICIENT,
        detail={**detail, "reason": reason},
    )
