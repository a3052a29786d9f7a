"""The verdict on shares against a declared population: outside the tolerance **and** significant by an exact test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audits.contract import Measurement, Verdict
from audits.metrics.disparity.represented import Represented
from audits.metrics.statistics.goodness_of_fit import (
    goodness_of_fit,
    kullback_leibler,
    rogan_gladen,
    total_variation,
)
from audits.verdicts.disparity.disparities import MAX_TOLERANCE_USED, Rules, errored, number

#: A ratio equal to its limit up to rounding is inside.
_SLACK = 1e-9
RATIO = "representation-ratio"


@dataclass(frozen=True, slots=True)
class ShareRules:
    """The limits of one run: ``rows`` that an attribute needs, and known labelling errors by ``column=group``.

    ``errors`` holds sensitivity and specificity of the classifier that labelled.
    """

    rules: Rules
    rows: int
    errors: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def too_few(self, n: int) -> str:
        """Why ``n`` labelled rows carry no verdict; empty where they do."""
        return f"{n} rows with a label; at least {self.rows} are needed" if n < self.rows else ""

    def judge(self, found: Represented, i: int) -> tuple[Verdict, float | None, str]:
        """Verdict, tolerance used and reason. An exact test may accuse however few are expected; to pass, enough must be."""
        if reason := self.too_few(found.n):
            return Verdict.INSUFFICIENT, None, reason
        ratio, expected = float(found.ratio[i]), found.n * float(found.share[i])
        distance = abs(math.log(ratio)) if ratio > 0 else math.inf
        used = min(distance / -math.log(self.rules.tolerance), MAX_TOLERANCE_USED)
        outside = used > 1 + _SLACK
        if outside and found.adjusted.p_holm[i] < self.rules.alpha:
            return Verdict.FAIL, used, ""
        if expected < self.rules.sizes.expected:
            least = self.rules.sizes.expected
            return Verdict.INSUFFICIENT, None, f"{expected:.1f} rows expected; at least {least:g} are needed"
        return (Verdict.REVIEW if outside else Verdict.PASS), used, ""


def judged_shares(attribute: str, found: Represented, limits: ShareRules) -> Iterator[Measurement]:
    """A measurement for each group of the population, and one for each that should not occur."""
    for i, group in enumerate(found.names):
        verdict, used, reason = limits.judge(found, i)
        yield Measurement(
            name=RATIO,
            slice=f"{attribute}={group}",
            n=found.n,
            value=number(found.ratio[i]),
            low=number(found.low[i]),
            high=number(found.high[i]),
            threshold=limits.rules.tolerance,
            tolerance_used=used,
            verdict=verdict,
            detail=_beside(found, i, limits.rules) | ({"reason": reason} if reason else {}),
        )
        if found.n and (errors := limits.errors.get(f"{attribute}={group}")):
            yield _corrected(f"{attribute}={group}", found, i, errors)
    for group, rows in found.strangers.items():
        reason = (
            f"{rows} rows are {group!r}, which the population does not have: "
            f"declare '{attribute}={group}' in 'population' or correct the label"
        )
        yield errored(RATIO, f"{attribute}={group}", reason)


def _beside(found: Represented, i: int, rules: Rules) -> dict[str, Any]:
    return {
        "rows": int(found.counts[i]),
        "share": int(found.counts[i]) / found.n if found.n else None,
        "reference": float(found.share[i]),
        "ratio": number(found.ratio[i]),
        "test": "exact-binomial" if found.n else None,
        "p": number(found.p[i]),
        "p_adjusted": number(found.adjusted.p_holm[i]),
        "q": number(found.adjusted.q[i]),
        "family": found.adjusted.family,
        "tolerance": [rules.tolerance, 1 / rules.tolerance],
    }


def _corrected(where: str, found: Represented, i: int, errors: tuple[float, float]) -> Measurement:
    """Informational: the ratio without the labelling errors that are known."""
    seen = np.array([found.ratio[i], found.low[i], found.high[i]]) * found.share[i]
    value, low, high = (rogan_gladen(seen, *errors) / found.share[i]).tolist()
    detail = dict(zip(("sensitivity", "specificity"), errors, strict=True))
    return informational(f"adjusted-{RATIO}", where, found.n, value, detail=detail, low=low, high=high)


def judged_together(
    attribute: str, found: Represented, limits: ShareRules, seed: int
) -> Iterator[Measurement]:
    """Informational: all groups of an attribute at once. Errored while some are not in the population."""
    metrics = ("goodness-of-fit", "total-variation", "kl")
    if found.strangers:
        reason = f"not in the declared population of {attribute!r}: {', '.join(list(found.strangers)[:5])}"
        yield from (errored(metric, attribute, reason) for metric in metrics)
        return
    values, detail = [math.nan] * 3, {}
    if found.n:
        fit = goodness_of_fit(found.counts, found.share, seed)
        of_shares = total_variation(found.counts, found.share), kullback_leibler(found.counts, found.share)
        values, detail = [fit.statistic, *of_shares], {"test": fit.test, "p": fit.p}
    reason = limits.too_few(found.n)
    for metric, value in zip(metrics, values, strict=True):
        yield informational(metric, attribute, found.n, value, reason, detail if metric == metrics[0] else {})


def informational(
    metric: str,
    where: str,
    n: int,
    value: float,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Measurement:
    """A number without a limit; insufficient where there is a reason."""
    return Measurement(
        name=metric,
        slice=where,
        verdict=Verdict.INSUFFICIENT if reason else Verdict.PASS,
        n=n,
        value=number(value),
        low=low,
        high=high,
        detail={"role": "descriptive", **(detail or {}), **({"reason": reason} if reason else {})},
    )
