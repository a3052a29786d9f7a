"""The verdict on inputs that tell a sensitive attribute: how much they tell **and** that it is no chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.contract import Measurement, Verdict
from audits.metrics.disparity.predictability import Predictability
from audits.metrics.disparity.proxy_tables import AttributeCodes, Ints, exact_function
from audits.metrics.statistics.multiplicity import holm
from audits.metrics.statistics.mutual_information import Uncertainty, uncertainty

UNCERTAINTY, AUC, ACCURACY = "uncertainty", "joint-auc", "joint-balanced-accuracy"
#: So many of the inputs that carry most are named.
MOST_NAMED = 10
_ITSELF = "the attribute itself is an input: leave it out of the model"
_FUNCTIONS = {
    "input tells attribute": "this input tells the attribute without error: leave it out of the model, or say why it must stay",
    "attribute tells input": "this input is an exact function of the attribute: leave it out of the model",
}
_OWN_VALUES = "nearly every row has a value of its own: leave it out of 'columns', or group it"


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """From where on an input, or all together, need a look (``uncertainty``, ``auc``) or fail (``copy``, ``auc_copy``)."""

    uncertainty: float
    copy: float
    auc: float
    auc_copy: float
    alpha: float
    min_rows: int
    min_group: int

    def too_few(self, codes: AttributeCodes) -> str:
        """Why there is no verdict on an attribute; empty where there is one."""
        if len(codes.names) < 2:
            return f"fewer than two groups with {self.min_group} rows"
        if codes.declared < self.min_rows:
            return f"{codes.declared} rows with a declared group; at least {self.min_rows} are needed"
        return ""


def judged_inputs(
    attribute: str, tables: Mapping[str, Ints], codes: AttributeCodes, limits: ProxyLimits, seed: int
) -> Iterator[Measurement]:
    """A measurement for every input; Holm's adjustment is made over those that were tested."""
    if attribute in tables:
        yield _itself(attribute, codes.declared, limits)
    tables = {name: table for name, table in tables.items() if name != attribute}
    if reason := limits.too_few(codes):
        for name in tables:
            yield _not_judged(attribute, name, codes.declared, limits, reason)
        return
    found = {name: uncertainty(table, seed) for name, table in tables.items()}
    tested = {name: told for name, told in found.items() if told is not None}
    adjusted = dict(zip(tested, holm(np.array([told.p for told in tested.values()])), strict=True))
    for name, table in tables.items():
        told = found[name]
        if told is not None:
            yield _judged(attribute, name, table, told, float(adjusted[name]), len(tested), limits)
        elif int((table.sum(axis=1) > 0).sum()) < 2:
            yield _constant(attribute, name, codes.declared, limits)
        else:
            yield _not_judged(attribute, name, codes.declared, limits, _OWN_VALUES)


def joint_measurements(
    attribute: str, found: Predictability | None, codes: AttributeCodes, limits: ProxyLimits, reason: str
) -> Iterator[Measurement]:
    """What all inputs together tell of an attribute; not judged where there is a ``reason``."""
    groups = len(codes.names)
    if found is None:
        yield Measurement(
            name=AUC,
            slice=attribute,
            n=codes.declared,
            threshold=limits.auc,
            verdict=Verdict.INSUFFICIENT,
            detail={"reason": reason},
        )
        return
    verdict, reason = _joint_verdict(found, limits)
    carrying = [(name, drop) for name, drop in found.importance.items() if drop > 0]
    top = [{"input": name, "drop": drop} for name, drop in carrying[:MOST_NAMED]]
    detail: dict[str, Any] = {"groups": list(codes.names), "fails_from": limits.auc_copy, "importance": top}
    yield Measurement(
        name=AUC,
        slice=attribute,
        n=codes.declared,
        value=found.auc,
        low=found.auc_low,
        high=found.auc_high,
        threshold=limits.auc,
        tolerance_used=max(0.0, (found.auc - 0.5) / (limits.auc - 0.5)),
        verdict=verdict,
        detail=detail | ({"reason": reason} if reason else {}),
    )
    yield Measurement(
        name=ACCURACY,
        slice=attribute,
        n=codes.declared,
        value=found.balanced_accuracy,
        low=found.accuracy_low,
        high=found.accuracy_high,
        verdict=Verdict.PASS,
        detail={"role": "descriptive", "reference": 1 / groups},
    )


def _joint_verdict(found: Predictability, limits: ProxyLimits) -> tuple[Verdict, str]:
    first, drop = next(iter(found.importance.items()), ("", 0.0))
    carried = f"; {first!r} carries most of it" if drop > 0 else "; no single input carries it"
    if found.auc_low >= limits.auc_copy:
        return Verdict.FAIL, f"the inputs together all but hold the attribute{carried}"
    if found.auc_low >= limits.auc:
        return Verdict.REVIEW, f"the inputs together tell of the attribute{carried}"
    if found.auc >= limits.auc:
        return Verdict.INSUFFICIENT, "beyond the limit, but so few rows may bring as much: give more"
    return Verdict.PASS, ""


def _judged(
    attribute: str, name: str, table: Ints, told: Uncertainty, p: float, family: int, limits: ProxyLimits
) -> Measurement:
    function = exact_function(table) if p < limits.alpha else ""
    verdict, reason = _verdict(told, p, function, limits)
    detail: dict[str, Any] = {
        "sensitive": attribute,
        "input": name,
        "plain": told.plain,
        "by_chance": told.by_chance,
        "test": told.test,
        "p": told.p,
        "p_adjusted": p,
        "family": family,
        "values": int((table.sum(axis=1) > 0).sum()),
        "fails_from": limits.copy,
    }
    return Measurement(
        name=UNCERTAINTY,
        slice=f"{attribute}~{name}",
        n=int(table.sum()),
        value=told.value,
        low=told.low,
        high=told.high,
        threshold=limits.uncertainty,
        tolerance_used=told.value / limits.uncertainty,
        verdict=verdict,
        detail=detail | ({"reason": reason} if reason else {}),
    )


def _verdict(told: Uncertainty, p: float, function: str, limits: ProxyLimits) -> tuple[Verdict, str]:
    if function:
        return Verdict.FAIL, _FUNCTIONS[function]
    if told.value < limits.uncertainty:
        return Verdict.PASS, ""
    if p >= limits.alpha:
        return (
            Verdict.INSUFFICIENT,
            "beyond the limit, but so few rows may bring as much by chance: give more",
        )
    if told.value >= limits.copy:
        return Verdict.FAIL, "this input is almost a copy of the attribute: leave it out, or group it coarser"
    return (
        Verdict.REVIEW,
        "this input stands in for the attribute: say why the model needs it, or group it coarser",
    )


def _itself(attribute: str, n: int, limits: ProxyLimits) -> Measurement:
    return Measurement(
        name=UNCERTAINTY,
        slice=f"{attribute}~{attribute}",
        n=n,
        value=1.0,
        threshold=limits.uncertainty,
        tolerance_used=1 / limits.uncertainty,
        verdict=Verdict.FAIL,
        detail={"sensitive": attribute, "input": attribute, "reason": _ITSELF},
    )


def _constant(attribute: str, name: str, n: int, limits: ProxyLimits) -> Measurement:
    return Measurement(
        name=UNCERTAINTY,
        slice=f"{attribute}~{name}",
        n=n,
        value=0.0,
        threshold=limits.uncertainty,
        tolerance_used=0.0,
        verdict=Verdict.PASS,
        detail={"sensitive": attribute, "input": name, "note": "it has the same value in every row"},
    )


def _not_judged(attribute: str, name: str, n: int, limits: ProxyLimits, reason: str) -> Measurement:
    return Measurement(
        name=UNCERTAINTY,
        slice=f"{attribute}~{name}",
        n=n,
        threshold=limits.uncertainty,
        verdict=Verdict.INSUFFICIENT,
        detail={"sensitive": attribute, "input": name, "reason": reason},
    )
