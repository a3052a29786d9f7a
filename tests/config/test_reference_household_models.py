"""The two reference models that learn from the household panel: demand forecast and client segments."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error

from audits.kinds import AuditInput, AuditParameters
from audits.kinds.multivariate_drift import MultivariateDrift
from audits.tables import MemoryTable
from config.demo import demand_features, forecasting, household_behaviour, segmentation
from config.demo.contract import ReferenceModel
from config.demo.household_data import (
    INCOME_BANDS,
    load_campaigns,
    load_demographics,
    load_products,
    load_transactions,
    promotion_batches,
    week_window,
)
from config.demo.segment_stability import agreement
from config.demo.till_lines import CURRENT_WEEKS, REFERENCE_WEEKS, TILL_COLUMNS, till_lines
from models_registry.kinds import model_kinds

SEED = 20240101
ROLES = {"training", "reference", "current", "predictions", "members", "non-members"}
OWN_ROLES = {"demand-forecast": set(), "client-segments": {"attributes", "contacts", "consent"}}


#: What households declared about themselves; the forecast's income band is one of its own keys.
APART = {"age", "income", "income_band", "marital_status", "household_size", "kids_count", "older"}


def with_attributes(model: ReferenceModel, role: str) -> pd.DataFrame:
    """The rows of a role beside what their households declared, as an audit joins them."""
    return rows(model, role).merge(rows(model, "attributes"), on="household_id", how="left")


@pytest.fixture(scope="module")
def forecast() -> ReferenceModel:
    return forecasting.build(SEED)


@pytest.fixture(scope="module")
def segments() -> ReferenceModel:
    return segmentation.build(SEED)


@pytest.fixture(scope="module")
def models(forecast, segments) -> dict[str, ReferenceModel]:
    return {"demand-forecast": forecast, "client-segments": segments}


def rows(model: ReferenceModel, role: str) -> pd.DataFrame:
    return next(draft for draft in model.snapshots if draft.role == role).table.to_pandas()


# The data


def test_panel_has_the_published_size():
    lines = load_transactions()
    assert (len(lines), lines["household_id"].nunique(), lines["basket_id"].nunique()) == (
        1_469_307,
        2_469,
        155_848,
    )
    assert (len(load_products()), len(load_demographics()), len(load_campaigns())) == (92_331, 801, 6_589)


def test_every_till_line_lies_in_the_calendar_window_of_its_week():
    lines = load_transactions()
    local = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.date
    spans = local.groupby(lines["week"]).agg(["min", "max"])
    for week, first, last in spans.itertuples():
        start, end = week_window(week, week)
        assert start <= first
        assert last <= end


def test_year_is_split_at_the_end_of_june():
    assert week_window(1, 26) == (date(2017, 1, 1), date(2017, 6, 25))
    assert week_window(27, 53) == (date(2017, 6, 26), date(2017, 12, 31))


def test_promotions_come_in_batches_that_add_up():
    assert sum(batch.num_rows for batch in promotion_batches(["week"])) == 20_940_529


def test_income_bands_cover_every_declared_income_once():
    listed = [income for incomes in INCOME_BANDS.values() for income in incomes]
    assert sorted(listed) == sorted(load_demographics()["income"].cat.categories)


def test_till_lines_keep_every_line_and_value():
    table = till_lines(1, 26)
    lines = load_transactions()
    lines = lines[lines["week"] <= 26]
    assert tuple(table.column_names) == TILL_COLUMNS
    assert table["product_id"].to_pylist() == lines["product_id"].astype(str).tolist()
    assert table["sales_value"].to_numpy().sum() == pytest.approx(lines["sales_value"].sum())
    assert (table["hour"][0].as_py(), table["weekday"][0].as_py()) == (6, "Sunday")  # 2017-01-01 11:53:26 UTC


# Both models


@pytest.mark.parametrize("name", ["demand-forecast", "client-segments"])
def test_model_hands_over_every_role_once_with_its_window(models, name):
    drafts = models[name].snapshots
    assert sorted(draft.role for draft in drafts) == sorted(ROLES | OWN_ROLES[name])
    assert all(draft.window is not None and draft.table.num_rows > 0 for draft in drafts)


@pytest.mark.parametrize("name", ["demand-forecast", "client-segments"])
def test_every_source_says_what_stands_in_for_the_houses_sales(models, name):
    assert all(
        "a US grocer's 2017 panel (completejourney)" in draft.dataset.source
        for draft in models[name].snapshots
    )


@pytest.mark.parametrize("name", ["demand-forecast", "client-segments"])
def test_tables_with_household_numbers_are_declared_personal(models, name):
    for draft in models[name].snapshots:
        assert draft.dataset.contains_personal_data == ("household_id" in draft.table.column_names)


@pytest.mark.parametrize("name", ["demand-forecast", "client-segments"])
def test_every_required_audit_has_parameters(models, name):
    required = {audit.slug for audit in model_kinds.get(models[name].kind).required_audits}
    assert models[name].audit_parameters.keys() == required


@pytest.mark.parametrize(
    ("_case", "name", "kind", "role"),
    [
        ("schema", "demand-forecast", "schema", "current"),
        ("drift", "demand-forecast", "data-drift", "current"),
        ("together", "demand-forecast", "multivariate-drift", "current"),
        ("quality", "demand-forecast", "data-quality", "current"),
        ("performance", "demand-forecast", "performance", "predictions"),
        ("disparity", "demand-forecast", "forecast-disparity", "predictions"),
        ("membership", "demand-forecast", "membership-inference", "non-members"),
        ("schema", "client-segments", "schema", "current"),
        ("drift", "client-segments", "data-drift", "current"),
        ("together", "client-segments", "multivariate-drift", "current"),
        ("quality", "client-segments", "data-quality", "current"),
        ("stability", "client-segments", "segment-stability", "predictions"),
        ("disparity", "client-segments", "group-disparity", "predictions"),
        ("segments", "client-segments", "segment-disparity", "predictions"),
        ("anonymity", "client-segments", "anonymity", "training"),
        ("membership", "client-segments", "membership-inference", "non-members"),
    ],
)
def test_audit_parameters_name_columns_that_the_audited_table_has(models, _case, name, kind, role):
    told = AuditParameters.from_json(models[name].audit_parameters[kind])
    single = (told.y_true, told.y_pred, told.baseline, told.entity, told.sensitive_value)
    named = {
        *told.columns,
        *told.sensitive,
        *told.quasi_identifiers,
        *told.roles.values(),
        *filter(None, single),
    }
    assert named
    assert named - APART <= set(rows(models[name], role).columns)


@pytest.mark.parametrize(
    ("_case", "name", "trusted"),
    [
        ("boosted trees", "demand-forecast", forecasting.TRUSTED_TYPES),
        ("k-means", "client-segments", segmentation.TRUSTED_TYPES),
    ],
)
def test_saved_model_reads_back_with_only_the_listed_types(models, _case, name, trusted):
    saved = skops.io.dumps(models[name].estimator)
    assert tuple(skops.io.get_untrusted_types(data=saved)) == trusted
    restored = skops.io.loads(saved, trusted=list(trusted))
    features = rows(models[name], "training")[list(restored.feature_names_in_)]
    assert np.array_equal(restored.predict(features), models[name].estimator.predict(features))


@pytest.mark.parametrize(
    ("name", "module"), [("demand-forecast", forecasting), ("client-segments", segmentation)]
)
def test_same_seed_gives_the_same_metrics_and_tables(models, name, module):
    again = module.build(SEED)
    assert again.metrics == models[name].metrics
    assert all(a.table.equals(b.table) for a, b in zip(again.snapshots, models[name].snapshots, strict=True))


# Demand forecast


def test_forecast_error_is_at_most_21_percent_and_below_the_eight_week_mean(forecast):
    assert forecast.metrics["wape"] <= 0.21
    assert forecast.metrics["wape"] < forecast.metrics["wape_baseline"]
    assert forecast.metrics["wape_baseline"] == pytest.approx(0.20905006, abs=1e-8)


def test_forecast_error_of_lower_incomes_is_the_largest(forecast):
    test = rows(forecast, "predictions")
    error = (test["forecast"] - test["units"]).abs()
    by_band = (
        error.groupby(test["income_band"], observed=True).sum()
        / test.groupby("income_band", observed=True)["units"].sum()
    )
    assert by_band.idxmax() == "<35K"
    assert by_band["<35K"] == pytest.approx(0.26, abs=0.01)


def test_forecast_metrics_agree_with_scikit_learn(forecast):
    test = rows(forecast, "predictions")
    assert forecast.metrics["mae"] == pytest.approx(mean_absolute_error(test["units"], test["forecast"]))
    assert forecast.metrics["wape"] == pytest.approx(
        mean_absolute_error(test["units"], test["forecast"]) / test["units"].mean()
    )


def test_the_newest_week_has_no_monday_because_the_shops_were_closed_at_christmas(forecast):
    """Why the weekly plan finds the weekdays moved: the alarm is right, and will be gone a week later."""
    window, newest = forecast.arrivals.tables[-1]
    assert window == (date(2017, 12, 25), date(2017, 12, 31))
    assert set(newest["weekday"].to_pylist()) == {
        *("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    }
    (columns,) = [plan.parameters["columns"] for plan in forecast.plans if plan.kind == "data-drift"]
    assert {*TILL_COLUMNS} - {*columns} == {"store_id", "household_id", "product_id"}


def test_training_and_test_weeks_do_not_overlap(forecast):
    assert sorted(set(rows(forecast, "training")["week"])) == list(range(10, 41))
    assert sorted(set(rows(forecast, "predictions")["week"])) == list(range(41, 53))
    assert len(rows(forecast, "members")) == 120 * 4 * 31
    assert len(rows(forecast, "non-members")) == 120 * 4 * 12


def test_features_do_not_change_when_the_future_does():
    demand = demand_features.weekly_demand()
    units, displays, mailers = (array.copy() for array in (demand.units, demand.displays, demand.mailers))
    units[:, :, 41:] += 1000
    displays[:, 42:] += 1000
    mailers[:, 42:] += 1000
    changed = demand_features.WeeklyDemand(demand.categories, units, displays, mailers)
    known = [*demand_features.FEATURES, "baseline_8_week_mean"]
    before, after = (demand_features.feature_frame(d, [41]) for d in (demand, changed))
    assert before[known].equals(after[known])
    assert ((after["units"] - before["units"]) == 1000).all()


def test_features_of_one_series_agree_with_a_computation_from_the_till_lines(forecast):
    lines = load_transactions().merge(load_products()[["product_id", "product_category"]], on="product_id")
    declared = load_demographics()
    rich = declared.loc[declared["income"].isin(INCOME_BANDS["75K+"]), "household_id"]
    bread = lines[(lines["product_category"] == "BAKED BREAD/BUNS/ROLLS") & lines["household_id"].isin(rich)]
    weekly = bread.groupby("week")["quantity"].sum()
    eight = weekly.loc[22:29]
    training = rows(forecast, "training")
    row = training[
        (training["category"] == "BAKED BREAD/BUNS/ROLLS")
        & (training["income_band"] == "75K+")
        & (training["week"] == 30)
    ].iloc[0]
    assert row["units"] == weekly[30]
    assert row["baseline_8_week_mean"] == eight.mean()
    assert row["log_8_week_mean"] == pytest.approx(np.log(eight.mean()))
    assert row["last_week_ratio"] == pytest.approx(weekly[29] / eight.mean())
    assert row["last_4_weeks_ratio"] == pytest.approx(weekly.loc[26:29].mean() / eight.mean())
    assert row["variation_8_weeks"] == pytest.approx(eight.std(ddof=0) / eight.mean())


def test_displays_of_one_category_agree_with_a_count_of_the_promotion_rows():
    soup = load_products().loc[lambda products: products["product_category"] == "SOUP", "product_id"]
    count = 0
    for batch in promotion_batches(["product_id", "display_location", "week"]):
        week = batch.filter(pc.equal(batch["week"], 12)).to_pandas()
        count += int((week["product_id"].isin(soup) & (week["display_location"] != "0")).sum())
    demand = demand_features.weekly_demand()
    assert demand.displays[demand.categories.index("SOUP"), 12] == count
    assert count > 0


@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(0, 500), st.floats(0, 500)), min_size=1),
    st.integers(1, 50),
)
def test_relative_errors_do_not_depend_on_the_unit(triples, factor):
    units, predicted, baseline = (pd.Series(column, dtype=float) for column in zip(*triples, strict=True))
    if (baseline == units).all():
        baseline = baseline + 1
    once = forecasting.forecast_metrics(units, predicted, baseline)
    scaled = forecasting.forecast_metrics(units * factor, predicted * factor, baseline * factor)
    for name in ("wape", "wape_baseline", "skill", "bias"):
        assert scaled[name] == pytest.approx(once[name], rel=1e-6, abs=1e-9)
    assert abs(once["bias"]) <= once["wape"] + 1e-9


def test_forecast_metrics_of_a_worked_example():
    metrics = forecasting.forecast_metrics(
        pd.Series([10.0, 30.0]), pd.Series([12.0, 24.0]), pd.Series([20.0, 20.0])
    )
    assert metrics == {"wape": 0.2, "wape_baseline": 0.5, "skill": 0.6, "bias": -0.1, "mae": 4.0}


# Client segments


def test_segments_are_reported_as_weak_and_unstable(segments):
    assert segments.metrics["silhouette"] < 0.25
    assert segments.metrics["mean_bootstrap_ari"] < 0.75
    assert segments.metrics["min_bootstrap_ari"] < segments.metrics["mean_bootstrap_ari"]
    assert "unstable" in segments.description


def test_stability_metrics_follow_from_the_refits_in_the_predictions(segments):
    table = rows(segments, "predictions")
    values = [_pair_counting_ari(table["segment"], table[f"refit_{number:02}"]) for number in range(1, 21)]
    assert segments.metrics["mean_bootstrap_ari"] == pytest.approx(np.mean(values))
    assert segments.metrics["min_bootstrap_ari"] == pytest.approx(min(values))


def _pair_counting_ari(first: pd.Series, second: pd.Series) -> float:
    """Adjusted Rand index from its definition over pairs of rows."""
    same_first, same_second = (
        np.equal.outer(codes, codes) for codes, _ in map(pd.factorize, (first, second))
    )
    above = np.triu_indices(len(first), k=1)
    a, b = same_first[above], same_second[above]
    expected = a.sum() * b.sum() / a.size
    return float(((a & b).sum() - expected) / ((a.sum() + b.sum()) / 2 - expected))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.permutations(range(4)))
def test_agreement_ignores_how_clusters_are_numbered(labels, numbering):
    renamed = np.array([numbering[label] for label in labels])
    assert agreement(np.array(labels), {"refit_01": renamed}).tolist() == [1.0]


def test_members_and_held_out_households_share_no_one(segments):
    members, others = (set(rows(segments, role)["household_id"]) for role in ("members", "non-members"))
    assert not members & others
    assert (len(members), len(others)) == (1_674, 717)
    assert set(rows(segments, "training")["household_id"]) == members
    assert set(rows(segments, "predictions")["household_id"]) == members | others


def test_distance_is_that_to_the_nearest_centre(segments):
    table = rows(segments, "reference")
    scale, kmeans = segments.estimator["scale"], segments.estimator["kmeans"]
    scaled = (table[list(household_behaviour.FEATURES)].to_numpy() - scale.mean_) / scale.scale_
    gaps = np.linalg.norm(scaled[:, None, :] - kmeans.cluster_centers_[None], axis=2)
    scored = rows(segments, "predictions")
    assert scored["distance"].to_numpy() == pytest.approx(gaps.min(axis=1))
    names = np.array(segments.hyperparameters["segments"])
    assert scored["segment"].astype(str).tolist() == names[gaps.argmin(axis=1)].tolist()


def test_top_segment_is_the_one_that_spends_most(segments):
    reference, scored = rows(segments, "reference"), rows(segments, "predictions")
    spending = reference.groupby("segment", observed=True)["money_per_week"].mean()
    assert (
        set(scored.loc[scored["top_segment"] == 1, "segment"]) == {spending.idxmax()} == {"1 highest spend"}
    )


def test_behaviour_of_one_household_agrees_with_its_receipts():
    table = household_behaviour.behaviour(1, 26).set_index("household_id")
    lines = (
        load_transactions()
        .query("household_id == 900 and week <= 26")
        .merge(load_products(), on="product_id")
    )
    last = lines["transaction_timestamp"].max().tz_localize("UTC").tz_convert("America/New_York").date()
    one = table.loc[900]
    assert one["days_since_last_purchase"] == (date(2017, 6, 25) - last).days
    assert one["baskets_per_week"] == pytest.approx(lines["basket_id"].nunique() * 7 / 176)
    assert one["money_per_week"] == pytest.approx(lines["sales_value"].sum() * 7 / 176)
    for department, share in household_behaviour.DEPARTMENT_SHARES.items():
        spent = lines.loc[lines["department"] == department, "sales_value"].sum()
        assert one[share] == pytest.approx(spent / lines["sales_value"].sum())


def test_only_the_lengths_of_the_half_years_tell_baskets_per_week_apart(segments):
    """Why the column is left out: whole baskets over 25 and over 27 weeks are other fractions.

    Spread evenly over the step between two whole numbers, the same rates no longer give the half-year away.
    """
    told = AuditParameters.from_json(segments.audit_parameters["multivariate-drift"])
    assert "baskets_per_week" not in told.columns

    def classifier(smoothed: bool, names: tuple[str, ...]) -> float:
        rng = np.random.default_rng(0)
        sides = []
        for role, weeks in (("current", CURRENT_WEEKS), ("reference", REFERENCE_WEEKS)):
            start, end = week_window(*weeks)
            table = rows(segments, role)
            step = 7 / ((end - start).days + 1)
            assert (table["baskets_per_week"] / step).round(6).mod(1).eq(0).all()
            if smoothed:
                table["baskets_per_week"] += step * rng.uniform(-0.5, 0.5, len(table))
            sides.append(MemoryTable({name: table[name].to_numpy() for name in names}))
        given = AuditInput(current=sides[0], reference=sides[1], seed=SEED)
        found = {m.name: m.value for m in MultivariateDrift().run(given)}["domain-classifier-auc"]
        assert found is not None
        return found

    with_baskets = (*told.columns, "baskets_per_week")
    assert classifier(False, with_baskets) > 0.75
    assert classifier(True, with_baskets) < 0.55
    assert classifier(False, told.columns) < 0.55


def test_departments_are_the_seven_that_sell_most_in_the_first_half():
    lines = (
        load_transactions()
        .query("week <= 26")
        .merge(load_products()[["product_id", "department"]], on="product_id")
    )
    sales = lines.groupby("department", observed=True)["sales_value"].sum()
    assert set(household_behaviour.DEPARTMENT_SHARES) == set(sales.nlargest(7).index)


def test_type_c_campaigns_reach_older_clients_half_as_often_as_the_other_ages(segments):
    declared = with_attributes(segments, "predictions").dropna(subset="age")
    older = declared["age"] == "65+"
    reach, others = (
        declared.loc[older, "reached_type_c"].mean(),
        declared.loc[~older, "reached_type_c"].mean(),
    )
    assert (round(reach, 3), round(others, 3)) == (0.169, 0.321)


def test_undeclared_households_are_left_out_of_campaigns_twice_as_often_as_any_age_group(segments):
    table = with_attributes(segments, "predictions")
    reach = table.groupby("age", observed=True)["reached_any_campaign"].mean()
    assert table.loc[table["age"].isna(), "reached_any_campaign"].mean() == pytest.approx(0.501, abs=5e-4)
    assert (round(reach.min(), 2), reach.max()) == (0.92, 1.0)


def test_what_households_declared_is_kept_apart_from_what_the_model_learns_from(segments):
    for role in sorted(ROLES | {"contacts"}):
        assert not APART & set(rows(segments, role).columns), role
    draft = next(draft for draft in segments.snapshots if draft.role == "attributes")
    assert (draft.dataset.sensitive_attributes, draft.dataset.lawful_basis) == (True, "consent")
    assert draft.dataset.purpose
    assert (draft.table.num_rows, draft.table["household_id"].combine_chunks().unique().__len__()) == (
        801,
        801,
    )
    assert set(draft.table.column_names) == APART | {"household_id"}


def test_spending_before_and_after_is_that_of_the_half_years(segments):
    table = rows(segments, "predictions").set_index("household_id")
    late = household_behaviour.behaviour(27, 53).set_index("household_id")["money_per_week"]
    assert table.loc["900", "money_after"] == late.loc[900]
    assert (table["money_after"] == 0).sum() == len(set(table.index.astype(int)) - set(late.index))
    assert set(table["reached_later"]) == {0, 1}


def test_contacts_are_all_that_was_sent(segments):
    contacts = rows(segments, "contacts")
    assert len(contacts) == 6_589
    assert contacts["campaign_type"].value_counts().to_dict() == {
        "Type A": 3647,
        "Type B": 2368,
        "Type C": 574,
    }


def test_undeclared_attributes_are_null_not_a_group_name(segments):
    table = with_attributes(segments, "training")
    for column in ("age", "income", "marital_status", "household_size", "kids_count"):
        assert table[column].isna().any()
        assert "undeclared" not in set(table[column].dropna())


def test_segment_names_are_distinct_and_ranked_by_money(segments):
    spending = rows(segments, "training").groupby("segment", observed=True)["money_per_week"].mean()
    assert spending.sort_index().is_monotonic_decreasing
    assert all(a != b for a, b in combinations(segments.hyperparameters["segments"], 2))
