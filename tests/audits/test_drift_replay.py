"""Replaying a past comparison gives the verdict that comparing again would have given."""

from __future__ import annotations

import numpy as np
import pytest

from audits.metrics.drift.comparison import comparable_pair, compare, method_values
from audits.metrics.drift.methods import METHODS, parse_method
from audits.metrics.drift.replay import PastComparison, would_drift
from audits.profiles import ColumnProfile, table_profile
from audits.tables import MemoryTable

SHIFTS = (0.0, 0.05, 0.1, 0.15, 0.4)


def profile(values: object) -> ColumnProfile:
    return table_profile(MemoryTable({"x": values})).columns["x"]


def pairs() -> list[tuple[ColumnProfile, ColumnProfile]]:
    rng = np.random.default_rng(4)
    found = [
        (rng.normal(size=n), rng.normal(size=m) + s) for s in SHIFTS for n, m in ((600, 200), (3000, 3000))
    ]
    texts = [rng.choice(["a", "b", "c"], size=900, p=[0.5 - s / 2, 0.3, 0.2 + s / 2]) for s in SHIFTS]
    return [(profile(a), profile(b)) for a, b in [*found, *((texts[0], text) for text in texts)]]


@pytest.mark.parametrize(
    "thresholds", [{}, {"jensenshannon": 0.03, "wasserstein": 0.2, "ks": 0.2, "wasserstein-clipped": 0.03}]
)
@pytest.mark.parametrize(
    "method", [None, "evidently", "psi", "evidently:psi", "evidently:ks", "evidently:jensenshannon"]
)
def test_it_agrees_with_comparing_again(method: str | None, thresholds: dict[str, float]) -> None:
    choice, agreed = parse_method(method), 0
    for before, after in pairs():
        first, numeric = compare(before, after), before.type == "numeric"
        if method == "evidently:ks" and not numeric:
            continue
        again = compare(before, after, choice, thresholds)
        lower = again.null or first.null
        past = PastComparison(
            method=first.score.method,
            values=method_values(comparable_pair(before, after)),
            effect_name=first.effect.name,
            effect=first.effect.value,
            p=lower.p if lower else None,
        )
        assert would_drift(past, choice, thresholds) is again.drifted
        agreed += again.drifted
    assert agreed > 0


def test_what_was_not_kept_is_not_judged() -> None:
    past = PastComparison(
        method="ks", values={"ks": 0.01}, effect_name="wasserstein-clipped", effect=0.05, p=None
    )
    assert would_drift(past, parse_method("evidently:psi"), {}) is None
    assert would_drift(past, parse_method(None), {"wasserstein-clipped": 0.04}) is None
    assert would_drift(past, parse_method(None), {}) is False
    errored = PastComparison(method="", values={}, effect_name="", effect=None, p=None)
    assert would_drift(errored, parse_method(None), {}) is None
    assert would_drift(errored, parse_method("evidently"), {}) is None


@pytest.mark.parametrize("method", list(METHODS))
def test_a_value_at_its_limit_is_judged_as_the_method_judges_it(method: str) -> None:
    rule = METHODS[method]
    past = PastComparison(method=method, values={method: rule.threshold}, effect_name="", effect=None, p=None)
    assert would_drift(past, parse_method("evidently"), {}) is rule.drifted_at_threshold


@pytest.mark.parametrize(("p", "verdict"), [(0.05, True), (0.055, False)])
def test_chance_overrules_an_effect_beyond_its_limit(p: float, verdict: bool) -> None:
    past = PastComparison(method="ks", values={}, effect_name="wasserstein-clipped", effect=0.4, p=p)
    assert would_drift(past, parse_method("psi"), {}) is verdict
