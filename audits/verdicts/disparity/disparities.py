"""The verdict on a disparity: outside the tolerance **and** significant, on enough data, adjusted for all that was tested."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.disparity.disparities import Adjusted, Comparison, Sizes, adjust
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.disparity.rates import COMPLEMENTS

#: What each override in ``thresholds`` changes, and its default.
DEFAULTS = {"tolerance": 0.8, "alpha": 0.05, "min_n": 30.0, "min_expected": 5.0}
#: Risk scores need a finite number; a group that gets nothing has an infinite log ratio.
MAX_TOLERANCE_USED = 100.0
#: A ratio equal to its limit up to rounding is inside.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of one run. ``exact``: Fisher's test for every rate. ``own`` holds the kind's further thresholds."""

    tolerance: float
    alpha: float
    sizes: Sizes
    exact: bool
    own: Mapping[str, float]

    @classmethod
    def read(cls, parameters: AuditParameters, own: Mapping[str, float]) -> Rules:
        """The limits that the parameters ask for.

        Parameters
        ----------
        own : mapping of str to float
            Further thresholds of the kind, all between 0 and 1, with their defaults.

        Raises
        ------
        AuditInputError
            Names a threshold or method that does not exist or cannot be used.
        """
        known = {**DEFAULTS, **own}
        parameters.refuse_other_thresholds(sorted(known))
        value = {name: parameters.threshold(name, default) for name, default in known.items()}
        for name in ("tolerance", "alpha", *own):
            if not 0 < value[name] < 1:
                raise AuditInputError(f"threshold {name!r} must lie between 0 and 1, got {value[name]:g}")
        if value["min_n"] < 2 or value["min_expected"] < 0:
            raise AuditInputError("threshold 'min_n' must be at least 2 and 'min_expected' at least 0")
        if parameters.method not in (None, "", "fisher"):
            raise AuditInputError(
                f"unknown method {parameters.method!r}; leave it out, or use 'fisher' for exact tests only"
            )
        return cls(
            value["tolerance"],
            value["alpha"],
            Sizes(math.ceil(value["min_n"]), value["min_expected"]),
            parameters.method == "fisher",
            {name: value[name] for name in own},
        )


def judged(family: Sequence[Compared], rules: Rules, suffix: str = "") -> Iterator[Measurement]:
    """A measurement for every metric and group of one family: the hypotheses within which Holm's adjustment is made.

    Parameters
    ----------
    family : sequence of Compared
        All metrics of one outcome in the groups of one attribute.
    suffix : str
        Put behind the metric's name, say ``:spend`` for a further outcome.
    """
    reasons = [_reasons(compared) for compared in family]
    metrics = [COMPLEMENTS.get(compared.metric, compared.metric) for compared in family]
    sizes = [len(compared.groups) for compared in family]
    hypotheses = [
        metrics.index(metric) * max(sizes) + compared.groups.hypotheses()
        for metric, compared in zip(metrics, family, strict=True)
    ]
    tested = np.array([reason is None for group in reasons for reason in group])
    p = np.concatenate([compared.comparison.p for compared in family])
    adjusted = adjust(p, tested, np.concatenate(hypotheses))
    start = 0
    for compared, why in zip(family, reasons, strict=True):
        part = adjusted.part(start, len(compared.groups))
        yield from _measurements(compared, rules, part, why, suffix)
        start += len(compared.groups)


def errored(metric: str, where: str, reason: str) -> Measurement:
    """A slice that could not be computed."""
    return Measurement(name=metric, slice=where, verdict=Verdict.ERRORED, detail={"reason": reason})


def _reasons(compared: Compared) -> list[str | None]:
    found, groups = compared.comparison, compared.groups
    own = [
        None if is_compared else "the declared reference of the other groups"
        for is_compared in groups.compared
    ]
    return [a or b or _undefined(found, i) for i, (a, b) in enumerate(zip(own, found.reasons, strict=True))]


def _undefined(found: Comparison, i: int) -> str | None:
    if math.isnan(found.ratio[i]):
        return "the ratio is undefined: a value is missing or negative, or both are 0"
    return "the test is undefined: too little varies between the rows" if math.isnan(found.p[i]) else None


def _measurements(
    compared: Compared, rules: Rules, adjusted: Adjusted, reasons: list[str | None], suffix: str
) -> Iterator[Measurement]:
    found = compared.comparison
    for i, group in enumerate(compared.groups.names):
        if not compared.groups.compared[i]:
            continue
        verdict, used, note = _judge(float(found.ratio[i]), float(adjusted.p_holm[i]), reasons[i], rules)
        counts = {"rows": int(compared.rows[i]), "dropped": int(compared.dropped[i])}
        if compared.units is not None:
            counts["units"] = int(compared.units[i])
        texts = {"reason": reasons[i], "note": note}
        yield Measurement(
            name=compared.metric + suffix,
            slice=f"{compared.groups.attribute}={group}",
            n=int(found.n[i]),
            value=number(found.value[i]),
            low=number(found.low[i]),
            high=number(found.high[i]),
            threshold=rules.tolerance,
            tolerance_used=used,
            verdict=verdict,
            detail=_beside(compared, adjusted, i, rules)
            | counts
            | dict(compared.detail)
            | {name: text for name, text in texts.items() if text},
        )


def _judge(
    ratio: float, p: float, reason: str | None, rules: Rules
) -> tuple[Verdict, float | None, str | None]:
    """Verdict, tolerance used and note: fail needs a ratio outside the tolerance **and** a significant difference."""
    if reason:
        return Verdict.INSUFFICIENT, None, None
    outside, used = check_ratio(ratio, rules)
    note = "its reference has none at all: no finite ratio" if ratio == math.inf else None
    if outside:
        return (Verdict.FAIL if p < rules.alpha else Verdict.REVIEW), used, note
    return Verdict.PASS, used, "a significant difference within the tolerance" if p < rules.alpha else None


def check_ratio(ratio: float, rules: Rules) -> tuple[bool, float]:
    """Whether a ratio lies outside the tolerance, and how much of it is used up: 1 at the limit, at most 100."""
    distance = abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf
    used = min(distance / -math.log(rules.tolerance), MAX_TOLERANCE_USED)
    return used > 1 + _SLACK, used


def _beside(compared: Compared, adjusted: Adjusted, i: int, rules: Rules) -> dict[str, Any]:
    found = compared.comparison
    tested = not math.isnan(found.p[i])
    baseline = compared.groups.baseline
    declared = {} if baseline is None else {"reference_group": compared.groups.names[baseline]}
    return declared | {
        "reference": number(found.reference[i]),
        "reference_n": int(found.reference_n[i]),
        "ratio": number(found.ratio[i]),
        "ratio_low": number(found.ratio_low[i]),
        "ratio_high": number(found.ratio_high[i]),
        "difference": number(found.difference[i]),
        "difference_low": number(found.difference_low[i]),
        "difference_high": number(found.difference_high[i]),
        "test": found.tests[i] if tested else None,
        "p": number(found.p[i]),
        "p_adjusted": number(adjusted.p_holm[i]),
        "q": number(adjusted.q[i]),
        "family": adjusted.family,
        "tolerance": [rules.tolerance, 1 / rules.tolerance],
    }


def number(value: float) -> float | None:
    """The value as JSON can hold it."""
    return float(value) if math.isfinite(value) else None
