"""Whether another method or limit would have called a past comparison drift: from its numbers, without its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audits.metrics.drift.effects import EFFECTS
from audits.metrics.drift.methods import METHODS, Distance, MethodChoice, Rule
from audits.metrics.drift.null import LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class PastComparison:
    """What was kept of a comparison: the default method, every method's value, the effect and its p-value."""

    method: str
    values: Mapping[str, float]
    effect_name: str
    effect: float | None
    p: float | None


def would_drift(past: PastComparison, choice: MethodChoice, thresholds: Mapping[str, float]) -> bool | None:
    """The verdict of ``drift_comparison.compare`` with this method and these thresholds on the same data.

    Returns
    -------
    bool or None
        None when it cannot be told: the value was not kept, or chance was not asked about so small an effect.
    """
    if choice.rule is Rule.EVIDENTLY:
        return _by_method(past, choice.method or past.method, thresholds)
    return _calibrated(past, thresholds)


def _calibrated(past: PastComparison, thresholds: Mapping[str, float]) -> bool | None:
    if past.effect is None or past.effect_name not in EFFECTS:
        return None
    if past.effect < thresholds.get(past.effect_name, EFFECTS[past.effect_name]):
        return False
    return None if past.p is None else past.p <= LEVEL


def _by_method(past: PastComparison, method: str, thresholds: Mapping[str, float]) -> bool | None:
    value = past.values.get(method)
    if value is None:
        return None
    rule = METHODS[method]
    limit = thresholds.get(method, rule.threshold)
    if value == limit:
        return rule.drifted_at_threshold
    return value > limit if isinstance(rule, Distance) else value < limit
