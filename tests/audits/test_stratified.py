"""Disparities within declared strata: published tables, and a second way to compute them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters
from audits.kinds.group_disparity import GroupDisparity
from audits.metrics.disparity.disparities import Sizes
from audits.metrics.disparity.stratified import mantel_haenszel
from audits.metrics.groups import Groups
from audits.tables import MemoryTable

#: Admitted and rejected by department, University of California at Berkeley, autumn 1973 (Bickel, Hammel and O'Connell 1975,
#: "Sex bias in graduate admissions", Science 187, 398-404); the six largest departments as in R's ``UCBAdmissions``.
MEN = ((512, 313), (353, 207), (120, 205), (138, 279), (53, 138), (22, 351))
WOMEN = ((89, 19), (17, 8), (202, 391), (131, 244), (94, 299), (24, 317))


def berkeley():
    rows = [
        (sex, f"department {letter}", admitted)
        for sex, table in (("men", MEN), ("women", WOMEN))
        for letter, (yes, no) in zip("ABCDEF", table, strict=True)
        for admitted, count in ((1, yes), (0, no))
        for _ in range(count)
    ]
    sex, department, admitted = zip(*rows, strict=True)
    return MemoryTable({"sex": sex, "department": department, "admitted": admitted})


def audit(table, **parameters):
    found = GroupDisparity().run(AuditInput(current=table, parameters=AuditParameters(**parameters)))
    return {(m.name, m.slice): m for m in found}


def test_berkeleys_disparity_is_gone_within_the_departments():
    """R 4.3: ``mantelhaen.test(UCBAdmissions, correct = FALSE)`` gives X-squared 1.5246, p .2169."""
    found = audit(berkeley(), sensitive=("sex",), y_pred="admitted", strata=("department",))
    overall, within = (found[name, "sex=women"] for name in ("selection-rate", "conditional-selection-rate"))
    assert overall.verdict == "fail"
    assert overall.detail["ratio"] == pytest.approx(0.682, abs=5e-4)
    assert within.verdict == "pass"
    assert within.detail["p"] == pytest.approx(0.2169, abs=5e-5)
    assert within.detail["test"] == "cochran-mantel-haenszel"
    assert within.detail["strata"] == ["department"]
    assert within.detail["ratio"] == pytest.approx(within.value / within.detail["reference"])
    assert within.detail["ratio_low"] < 1 < within.detail["ratio_high"]


def test_the_test_is_that_of_a_second_implementation():
    events = np.array([[yes for yes, _ in MEN], [yes for yes, _ in WOMEN]], dtype=float)
    n = np.array([[sum(pair) for pair in MEN], [sum(pair) for pair in WOMEN]], dtype=float)
    found = mantel_haenszel(events, n, Groups.of("sex", ["men", "women"]), Sizes())
    deviation = variance = up = down = 0.0
    for (a, c), (b, d) in zip(MEN, WOMEN, strict=True):
        total = a + b + c + d
        table = stats.hypergeom(total, a + b, a + c)
        deviation += a - table.mean()
        variance += table.var()
        up += a * (b + d) / total
        down += b * (a + c) / total
    assert found.p[0] == pytest.approx(stats.chi2.sf(deviation**2 / variance, 1), rel=1e-9)
    assert found.ratio[0] == pytest.approx(up / down, rel=1e-12)
    assert found.ratio[0] == pytest.approx(1 / found.ratio[1])


COUNTS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=5,
)


@given(COUNTS)
def test_one_stratum_alone_is_the_plain_comparison_and_empty_strata_change_nothing(tables):
    def compared(rows):
        a, c, b, d = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
        events, n = np.stack([a, b]), np.stack([a + c, b + d])
        return mantel_haenszel(events, n, Groups.of("g", ["x", "y"]), Sizes())

    alone, (a, c, b, d) = compared(tables[:1]), tables[0]
    if a + c and b + d:
        assert alone.value[0] == pytest.approx(a / (a + c))
        assert alone.reference[0] == pytest.approx(b / (b + d))
    before = compared(tables)
    after = compared([*tables, (4, 9, 0, 0), (0, 0, 0, 0)])  # nobody to compare with
    for field in ("n", "value", "reference", "ratio", "p", "difference_low", "ratio_high"):
        assert getattr(before, field).tolist() == pytest.approx(getattr(after, field).tolist(), nan_ok=True)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_an_audit_with_strata_does_not_depend_on_the_order_of_rows(seed):
    rng = np.random.default_rng(seed)
    rows = 200
    table = {
        "sex": rng.choice(["f", "m"], rows),
        "tier": rng.choice(["low", "high"], rows),
        "chosen": rng.integers(0, 2, rows),
    }
    order = rng.permutation(rows)
    parameters = {"sensitive": ("sex",), "y_pred": "chosen", "strata": ("tier",)}
    one = audit(MemoryTable(table), **parameters)
    other = audit(MemoryTable({name: column[order] for name, column in table.items()}), **parameters)
    assert {key: m.to_json() for key, m in one.items()} == {key: m.to_json() for key, m in other.items()}


def test_sums_are_compared_within_strata_as_well():
    """Small shops are forecast worse whoever runs them: the disparity is that of the mix of volumes, and goes with it."""
    rng = np.random.default_rng(8)
    rows = 6000
    franchise = rng.random(rows) < 0.5
    small = rng.random(rows) < np.where(franchise, 0.8, 0.2)
    truth = rng.poisson(np.where(small, 4, 100)).astype(float)
    table = MemoryTable(
        {
            "shop": np.where(franchise, "franchise", "own"),
            "volume": np.where(small, "small", "large"),
            "truth": truth,
            "forecast": np.where(small, 4.0, 100.0),
            "store": rng.integers(0, 300, rows),
        }
    )
    found = audit(
        table, sensitive=("shop",), y_true="truth", y_pred="forecast", entity="store", strata=("volume",)
    )
    plain, within = (found[name, "shop=franchise"] for name in ("wape", "conditional-wape"))
    assert plain.verdict == "fail"
    assert plain.detail["ratio"] > 1.4
    assert within.verdict == "pass"
    assert within.detail["ratio"] == pytest.approx(1, abs=0.08)
    by_hand = _standardised(table)
    assert within.value == pytest.approx(by_hand[0], rel=1e-9)
    assert within.detail["reference"] == pytest.approx(by_hand[1], rel=1e-9)


def _standardised(table):
    column = {
        name: np.array(table.column(name).data.to_pylist())
        for name in ("shop", "volume", "truth", "forecast")
    }
    error, weights, sides = np.abs(column["truth"] - column["forecast"]), [], []
    for volume in ("small", "large"):
        masks = [(column["shop"] == shop) & (column["volume"] == volume) for shop in ("franchise", "own")]
        sums = [column["truth"][mask].sum() for mask in masks]
        weights.append(sums[0] * sums[1] / sum(sums))
        sides.append([error[mask].sum() / total for mask, total in zip(masks, sums, strict=True)])
    return np.average(np.array(sides), axis=0, weights=weights)


def test_intersections_are_groups_of_their_own():
    rng = np.random.default_rng(2)
    rows = 4000
    sex, age = rng.choice(["f", "m"], rows), rng.choice(["old", "young"], rows)
    worse = (sex == "f") & (age == "old")
    table = MemoryTable(
        {"sex": sex, "age": age, "chosen": (rng.random(rows) < np.where(worse, 0.2, 0.5)).astype(int)}
    )
    found = audit(table, sensitive=("sex", "age"), intersections=("sex*age",), y_pred="chosen")
    assert {key[1] for key in found if "*" in key[1]} == {
        f"sex*age={s}*{a}" for s in "fm" for a in ("old", "young")
    }
    crossed = found["selection-rate", "sex*age=f*old"]
    assert crossed.verdict == "fail"
    chosen = np.array(table.column("chosen").data.to_pylist())
    assert crossed.value == pytest.approx(chosen[worse].mean())
    assert crossed.detail["reference"] == pytest.approx(chosen[~worse].mean())
    assert crossed.detail["family"] == 4


def test_a_declared_reference_is_what_all_others_are_compared_with():
    table = MemoryTable(
        {"age": ["a"] * 50 + ["b"] * 50 + ["c"] * 50, "chosen": [1] * 40 + [0] * 60 + [1, 0] * 25}
    )
    found = audit(table, sensitive=("age",), references={"age": "c"}, y_pred="chosen")
    assert {key[1] for key in found} == {"age=a", "age=b"}
    for m in found.values():
        assert (m.detail["reference"], m.detail["reference_n"], m.detail["reference_group"]) == (0.5, 50, "c")
        assert m.detail["family"] == 2
    assert math.isclose(found["selection-rate", "age=a"].detail["ratio"], 1.6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"intersections": ("age",)}, "intersection 'age' must join two or more different columns"),
        ({"intersections": ("age*age",)}, "intersection 'age\\*age' must join"),
        (
            {"references": {"region": "north"}},
            "'references' names 'region', which is not among the groups: age",
        ),
        ({"references": {"age": "z"}}, "the reference group 'z' of 'age' is not in the data; it has: a, b"),
        ({"strata": ("age",)}, "column 'age' is both a group and a stratum"),
        ({"strata": ("gone",)}, "column 'gone' is not in table"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters, message):
    table = MemoryTable({"age": ["a", "b"] * 50, "chosen": [1, 0] * 50})
    with pytest.raises(AuditInputError, match=message):
        audit(table, **{"sensitive": ("age",), "y_pred": "chosen", **parameters})
