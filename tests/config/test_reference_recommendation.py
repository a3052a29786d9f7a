"""The reference model that recommends new products to each household."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from audits.kinds import AuditInput, AuditParameters, Verdict, worst_verdict
from audits.kinds.multivariate_drift import MultivariateDrift
from audits.kinds.performance import Performance
from audits.tables import MemoryTable, ParquetTable
from config.demo import recommendation
from config.demo.contract import ReferenceModel
from config.demo.neighbours import catalogue, fit_neighbours, recommend, recommend_popular
from config.demo.price_tiers import CORE, ENTRY, PREMIUM, price_tiers, shelf_prices
from config.demo.ranked_lists import household_scores, premium_exposure, rank_rows
from config.demo.shop_lines import LEARNING_WEEKS, goods_lines
from models_registry.kinds import model_kinds

SEED = 20240101


@pytest.fixture(scope="module")
def model() -> ReferenceModel:
    return recommendation.build(SEED)


def rows(model: ReferenceModel, role: str) -> pd.DataFrame:
    return next(draft for draft in model.snapshots if draft.role == role).table.to_pandas()


# The trained model


def test_ranks_better_than_popularity(model):
    assert model.metrics["ndcg_at_20"] == pytest.approx(0.1036, abs=0.001)
    assert model.metrics["ndcg_at_20_baseline"] == pytest.approx(0.0867, abs=0.001)
    assert model.metrics["hit_rate_at_20"] == pytest.approx(0.733, abs=0.005)
    assert model.metrics["catalogue_coverage"] == pytest.approx(0.056, abs=0.003)
    assert model.metrics["premium_exposure"] == pytest.approx(0.236, abs=0.005)


def test_performance_audit_passes_with_the_same_numbers(model, tmp_path):
    draft = next(draft for draft in model.snapshots if draft.role == "predictions")
    pq.write_table(draft.table, tmp_path / "predictions.parquet")
    table = ParquetTable(tmp_path / "predictions.parquet")
    parameters = AuditParameters.from_json(model.audit_parameters["performance"])
    measured = Performance().run(AuditInput(current=table, parameters=parameters, seed=1))
    assert worst_verdict(measured) is Verdict.PASS
    by_name = {m.name: m.value for m in measured}
    assert by_name["ndcg-at-20"] == pytest.approx(model.metrics["ndcg_at_20"], abs=1e-12)
    assert by_name["ndcg-at-20-baseline"] == pytest.approx(model.metrics["ndcg_at_20_baseline"], abs=1e-12)


def test_ndcg_equals_scikit_learns(model):
    ranked = rows(model, "predictions")
    some = ranked[ranked["household_id"].isin(ranked["household_id"].unique()[::40])]
    relevance = 21 - some["rank"].fillna(21)
    by_hand = {
        household: ndcg_score([part["relevant"]], [relevance[part.index]], k=20, ignore_ties=True)
        for household, part in some.groupby("household_id", observed=True)
    }
    stored = some.dropna(subset="ndcg_at_20").set_index("household_id")["ndcg_at_20"]
    assert len(by_hand) == 57
    for household, expected in by_hand.items():
        assert stored[household] == pytest.approx(expected, abs=1e-12)


def test_every_household_is_shown_places_1_to_20_once_by_each_method(model):
    ranked = rows(model, "predictions")
    for column in ("rank", "baseline_rank"):
        listed = ranked.dropna(subset=column)
        places = listed.groupby("household_id", observed=True)[column].agg(["size", "nunique", "min", "max"])
        assert (places == [20, 20, 1, 20]).all(axis=None)


def test_nothing_bought_before_is_recommended_or_counted_as_new(model):
    lines = goods_lines(*LEARNING_WEEKS)
    before = pd.MultiIndex.from_arrays([lines["household_id"].astype(str), lines["product_id"].astype(str)])
    ranked = rows(model, "predictions")
    pairs = pd.MultiIndex.from_arrays([ranked["household_id"].astype(str), ranked["product_id"].astype(str)])
    assert not pairs.isin(before).any()


def test_outcomes_stand_once_per_household(model):
    ranked = rows(model, "predictions")
    counted = ranked.groupby("household_id", observed=True)[["premium_exposure", "ndcg_at_20"]].count()
    assert (counted == 1).all(axis=None)
    assert len(counted) == 2250
    assert ranked["premium_exposure"].mean() == pytest.approx(model.metrics["premium_exposure"], abs=1e-12)


def test_training_holds_one_row_per_household_without_what_it_declared(model):
    profiles = rows(model, "training")
    assert profiles["household_id"].is_unique
    assert len(profiles) == 2444
    assert not {"age", "income", "marital_status"} & set(profiles.columns)
    assert len(rows(model, "attributes")) == 801
    assert set(profiles["favourite_price_tier"]) == {ENTRY, CORE, PREMIUM}


def test_a_product_is_unpriced_now_exactly_when_it_was_not_sold_then(model):
    then, now = rows(model, "reference"), rows(model, "current")
    unseen = ~now["product_id"].isin(then["product_id"].unique())
    assert (now["price_tier"].isna() == unseen).all()
    assert (now["shelf_price"].isna() == unseen).all()
    assert unseen.mean() == pytest.approx(0.048, abs=0.001)
    assert then["price_tier"].notna().all()
    assert now["department"].notna().all()


def test_reference_and_current_hold_different_weeks(model):
    windows = {draft.role: draft.window for draft in model.snapshots}
    assert windows["reference"][1] < windows["current"][0]
    assert windows["training"] == windows["reference"]


def test_building_again_gives_the_same_whatever_the_seed(monkeypatch):
    def some_households(first_week: int, last_week: int) -> pd.DataFrame:
        lines = goods_lines(first_week, last_week)
        return lines[lines["household_id"] % 10 == 0].reset_index(drop=True)

    monkeypatch.setattr(recommendation, "goods_lines", some_households)
    first, again = recommendation.build(SEED), recommendation.build(SEED + 1)
    assert first.metrics == again.metrics
    assert all(a.table.equals(b.table) for a, b in zip(first.snapshots, again.snapshots, strict=True))


def test_estimator_survives_saving_with_the_listed_types_alone(model):
    saved = skops.io.dumps(model.estimator)
    assert tuple(skops.io.get_untrusted_types(data=saved)) == recommendation.TRUSTED_TYPES
    loaded = skops.io.loads(saved, trusted=list(recommendation.TRUSTED_TYPES))
    client = [{"1082185": 3, "981760": 1}]
    assert recommend(loaded, client, 20).tolist() == recommend(model.estimator, client, 20).tolist()


def test_audit_parameters_name_columns_of_their_tables(model):
    required = {audit.slug: audit.current for audit in model_kinds.get(model.kind).required_audits}
    assert model.audit_parameters.keys() == required.keys()
    for kind, values in model.audit_parameters.items():
        given = AuditParameters.from_json(values)
        named = {*given.columns, *given.sensitive, *given.quasi_identifiers}
        named |= {given.y_true, given.y_pred, given.baseline, given.entity, given.sensitive_value} - {None}
        named |= set(given.roles.values())
        apart = set(rows(model, "attributes")) - {"household_id"}
        assert named - apart <= set(rows(model, required[kind]))


def test_lists_hold_the_model_s_places_alone(model):
    lists, ranked = rows(model, "lists"), rows(model, "predictions")
    assert len(lists) == ranked["rank"].notna().sum() == 2250 * 20
    assert (
        lists.groupby("household_id", observed=True)["rank"]
        .agg(["min", "max", "nunique"])
        .eq([1, 20, 20])
        .all(axis=None)
    )
    assert lists["premium"].sum() == (lists["price_tier"] == PREMIUM).sum()
    assert lists["relevant"].sum() == ranked.loc[ranked["rank"].notna(), "relevant"].sum()
    assert lists["premium_share"].between(0, 1).all()
    assert (lists["buyers"] >= recommendation.MINIMUM_BUYERS).all()


def test_what_moved_together_are_the_lines_of_products_without_a_price(model):
    """The alarm of the multivariate audit is the newcomers': without their 4.8 % of lines it falls silent."""
    tables = {draft.role: draft.table for draft in model.snapshots}
    given = AuditParameters.from_json(model.audit_parameters["multivariate-drift"])

    def verdicts(current: pa.Table) -> dict[str, Verdict]:
        sides = (MemoryTable(dict(zip(t.column_names, t.columns, strict=True))) for t in (current, before))
        found = MultivariateDrift().run(
            AuditInput(current=next(sides), reference=next(sides), parameters=given, seed=SEED)
        )
        return {m.name: m.verdict for m in found}

    before, now = tables["reference"], tables["current"]
    assert verdicts(now) == {"domain-classifier-auc": Verdict.PASS, "reconstruction-error": Verdict.FAIL}
    priced = now.filter(pc.is_valid(now["shelf_price"]))
    assert 1 - priced.num_rows / now.num_rows == pytest.approx(0.048, abs=0.001)
    assert set(verdicts(priced).values()) == {Verdict.PASS}


def test_the_weekly_plans_leave_out_whose_baskets_a_week_holds(model):
    planned = {plan.kind: plan for plan in model.plans if plan.kind != "personal-data"}
    assert sorted(planned) == ["arrival", "data-drift"]
    assert {plan.data_window for plan in planned.values()} == {"week"}
    columns = planned["data-drift"].parameters["columns"]
    assert columns == ["department", "price_tier", "shelf_price", "quantity", "sales_value"]
    assert {*columns} <= {*model.arrivals.tables[-1][1].column_names}


def test_data_cards_say_whose_sales_they_are(model):
    for draft in model.snapshots:
        assert (
            "a US grocer's 2017 panel (completejourney), standing in for the house's sales"
            in draft.dataset.source
        )
        assert draft.dataset.subject_key == "household_id"
        assert draft.dataset.contains_personal_data


# Neighbours

HOUSEHOLDS = [{"a": 2, "b": 1}, {"a": 1, "b": 1, "c": 4}, {"c": 1, "d": 1}, {"b": 1, "d": 2, "e": 1}]


def test_neighbours_recommend_as_a_plain_computation_does():
    model = fit_neighbours(HOUSEHOLDS, neighbours=3)
    names = catalogue(model)
    counts = np.array([[h.get(name, 0) for name in names] for h in HOUSEHOLDS], dtype=float)
    idf = np.log((1 + len(counts)) / (1 + (counts > 0).sum(0))) + 1
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    scores = np.where(counts > 0, -1, (weights @ weights.T) @ weights)
    assert recommend(model, HOUSEHOLDS, 2).tolist() == np.argsort(-scores, axis=1)[:, :2].tolist()


def test_popularity_lists_by_buyers_then_in_catalogue_order():
    model = fit_neighbours(HOUSEHOLDS, neighbours=3)
    lists = np.array(catalogue(model))[recommend_popular(model, HOUSEHOLDS, 2)]
    assert lists.tolist() == [["c", "d"], ["d", "e"], ["b", "a"], ["a", "c"]]


def test_a_household_without_known_products_is_refused():
    model = fit_neighbours(HOUSEHOLDS, neighbours=3)
    with pytest.raises(ValueError, match="household number 1 bought nothing of the catalogue"):
        recommend(model, [{"a": 1}, {"unknown": 1}], 2)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 5), min_size=1, max_size=5),
        min_size=4,
        max_size=9,
    )
)
def test_lists_never_hold_what_was_bought(households):
    model = fit_neighbours(households, neighbours=2)
    names = catalogue(model)
    free = len(names) - max(len(h) for h in households)
    if free < 1:
        return
    for household, listed in zip(households, recommend(model, households, free), strict=True):
        assert not set(household) & {names[i] for i in listed}
        assert len(set(listed.tolist())) == free


# Lists


def test_rank_rows_are_the_union_of_recommended_and_chosen():
    chosen = pd.DataFrame({"household_id": [1, 1], "product_id": [10, 12]})
    tiers = pd.Series({10: PREMIUM, 11: CORE, 12: CORE, 13: ENTRY})
    households = np.array([1, 2])
    laid = rank_rows(
        chosen, households, np.array([[10, 11], [11, 13]]), np.array([[11, 13], [10, 13]]), tiers
    )
    assert laid["household_id"].tolist() == [1, 1, 1, 1]
    assert laid["product_id"].tolist() == [10, 11, 12, 13]
    assert laid["relevant"].tolist() == [1, 0, 1, 0]
    assert laid["rank"].fillna(0).tolist() == [1, 2, 0, 0]
    assert laid["baseline_rank"].fillna(0).tolist() == [0, 1, 0, 2]
    assert laid["price_tier"].tolist() == [PREMIUM, CORE, CORE, ENTRY]
    assert household_scores(laid).ndcg.tolist() == [pytest.approx(1 / (1 + 1 / math.log2(3)))]
    assert premium_exposure(laid).to_dict() == {1: pytest.approx(1 / (1 + 1 / math.log2(3)))}


def test_first_purchases_are_new_known_and_counted_once():
    baskets = pd.DataFrame({"household_id": [1, 2], "product_id": [10, 11], "baskets": [1, 1]})
    later = pd.DataFrame({"household_id": [1, 1, 1, 1, 3], "product_id": [10, 11, 11, 99, 10]})
    assert recommendation.first_purchases(later, baskets).to_numpy().tolist() == [[1, 11]]


def test_products_with_too_few_buyers_leave_the_catalogue():
    lines = pd.DataFrame(
        {"household_id": [1, 1, 2, 1], "product_id": [10, 10, 10, 11], "basket_id": [1, 2, 3, 1]}
    )
    assert recommendation.count_baskets(lines, 2).to_numpy().tolist() == [[1, 10, 2], [2, 10, 1]]


# Price tiers


def test_shelf_price_is_the_median_before_the_shops_discounts():
    lines = pd.DataFrame(
        {
            "product_id": [7, 7, 7],
            "quantity": [1, 2, 1],
            "sales_value": [1.5, 4.0, 9.0],
            "retail_disc": [0.5, 2.0, 0.0],
            "coupon_match_disc": [0.0, 0.0, 1.0],
        }
    )
    assert shelf_prices(lines).to_dict() == {7: 3.0}


def test_tiers_are_thirds_within_the_product_type():
    prices = pd.Series(
        {1: 1.0, 2: 2.0, 3: 3.0, 4: 40.0, 5: 50.0, 6: 60.0, 7: 5.0, 8: 6.0, 9: 1.0, 10: 1.0, 11: 1.0}
    )
    types = pd.Series(list("aaabbbccddd"), index=prices.index)
    assert price_tiers(prices, types).tolist() == [ENTRY, CORE, PREMIUM] * 2 + [CORE] * 5


def test_the_two_in_the_middle_of_four_are_core():
    prices = pd.Series([1.0, 2.0, 3.0, 4.0])
    assert price_tiers(prices, pd.Series(list("aaaa"))).tolist() == [ENTRY, CORE, CORE, PREMIUM]


@given(
    st.lists(st.integers(1, 1000), min_size=3, max_size=30),
    st.sampled_from([0.25, 2.0, 8.0]),
)
def test_tiers_ignore_the_currency_and_rise_with_the_price(prices, rate):
    series = pd.Series(prices, dtype=float)
    types = pd.Series("one", index=series.index)
    tiers = price_tiers(series, types)
    assert tiers.equals(price_tiers(series * rate, types))
    rising = tiers.map({ENTRY: 0, CORE: 1, PREMIUM: 2})[series.sort_values().index]
    assert rising.is_monotonic_increasing
