"""The tables that the audits of ``clienteling-recommendation`` read, and the parameters they are read with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from config.demo.contract import Arrivals, DatasetCard, PlanDraft, SnapshotDraft
from config.demo.household_attributes import attributes_snapshot
from config.demo.household_data import COMPLETE_JOURNEY, PANEL, SOURCE, week_window
from config.demo.input_audits import input_parameters, weekly_plans
from config.demo.price_tiers import PREMIUM
from config.demo.ranked_lists import household_scores, premium_exposure
from config.demo.shop_lines import LATER_WEEKS, LEARNING_WEEKS, goods_lines

PROFILES = DatasetCard(
    name="household-purchase-profiles",
    description=(f"What each household bought in weeks 1-40, in sums: {PANEL}."),
    source=SOURCE,
    owner="Client data platform",
    lawful_basis="legitimate interests",
    contains_personal_data=True,
    subject_key="household_id",
)
RANKINGS = DatasetCard(
    name="household-recommendations",
    description=(
        "Products recommended to each household, by the model and by mere popularity, beside those it bought for the "
        f"first time in weeks 41-53: {PANEL}."
    ),
    source=SOURCE,
    owner="Clienteling",
    lawful_basis="legitimate interests",
    contains_personal_data=True,
    subject_key="household_id",
)
WEEKLY_INPUTS = replace(
    COMPLETE_JOURNEY,
    name="weekly-recommendation-inputs",
    description=f"Till lines as the recommendation takes them in, one snapshot a week: {PANEL}.",
)
#: Inputs that are compared over time. ``price_tier`` and ``shelf_price`` are those of weeks 1-40, null for newcomers.
INPUT_COLUMNS = (
    "household_id",
    "product_id",
    "department",
    "price_tier",
    "shelf_price",
    "quantity",
    "sales_value",
)
_IDENTIFIERS = ("household_id", "product_id")


def snapshots(
    rows: pd.DataFrame, lines: pd.DataFrame, later: pd.DataFrame, facts: pd.DataFrame
) -> tuple[SnapshotDraft, ...]:
    """All snapshots of the model: household profiles, its inputs then and now, and the ranked lists."""
    learning, judged = week_window(*LEARNING_WEEKS), week_window(*LATER_WEEKS)
    return (
        SnapshotDraft(role="training", dataset=PROFILES, table=profile_table(lines, facts), window=learning),
        SnapshotDraft(
            role="reference", dataset=COMPLETE_JOURNEY, table=input_table(lines, facts), window=learning
        ),
        SnapshotDraft(
            role="current", dataset=COMPLETE_JOURNEY, table=input_table(later, facts), window=judged
        ),
        SnapshotDraft(role="predictions", dataset=RANKINGS, table=prediction_table(rows), window=judged),
        SnapshotDraft(role="lists", dataset=RANKINGS, table=list_table(rows, lines, facts), window=judged),
        attributes_snapshot(),
    )


def arrivals(facts: pd.DataFrame) -> Arrivals:
    """The model's inputs of the later weeks as they came in, a week at a time."""
    weeks = range(LATER_WEEKS[0], LATER_WEEKS[1] + 1)
    return Arrivals(
        dataset=WEEKLY_INPUTS,
        tables=tuple(
            (week_window(week, week), input_table(goods_lines(week, week), facts)) for week in weeks
        ),
    )


def audit_parameters() -> dict[str, dict[str, Any]]:
    """Settings by audit kind, in the form that ``AuditParameters.from_json`` reads."""
    return {
        **input_parameters(INPUT_COLUMNS),
        "performance": {
            "y_true": "relevant",
            "y_pred": "rank",
            "baseline": "baseline_rank",
            "entity": "household_id",
            "task": "ranking",
        },
        "exposure-disparity": {
            "sensitive": ["age", "income_band"],
            "roles": {
                "user": "household_id",
                "item": "product_id",
                "rank": "rank",
                "premium": "premium",
                "relevant": "relevant",
                "history-premium": "premium_share",
            },
        },
        "item-exposure": {
            "sensitive": ["department"],
            "roles": {"user": "household_id", "item": "product_id", "rank": "rank", "relevance": "relevant"},
        },
        "group-disparity": {
            "columns": ["premium_exposure", "ndcg_at_20"],
            "sensitive": ["age", "income_band"],
            "entity": "household_id",
        },
        "anonymity": {
            "quasi_identifiers": ["age", "income", "marital_status", "household_size"],
            "sensitive_value": "favourite_price_tier",
        },
    }


def plans() -> tuple[PlanDraft, ...]:
    """What is planned beside the required audits."""
    return (
        *weekly_plans([name for name in INPUT_COLUMNS if name not in _IDENTIFIERS]),
        PlanDraft(
            kind="personal-data",
            name="Columns that hold personal data",
            parameters={"columns": ["household_id"]},
        ),
    )


def input_table(lines: pd.DataFrame, facts: pd.DataFrame) -> pa.Table:
    """Till lines as the model takes them in, one row per product in a basket; identifiers are text."""
    known = facts.reindex(lines["product_id"]).reset_index(drop=True)
    return _to_arrow(
        pd.DataFrame(
            {
                "household_id": _as_text(lines["household_id"]),
                "product_id": _as_text(lines["product_id"]),
                "department": known["department"].cat.remove_unused_categories(),
                "price_tier": known["price_tier"].astype("category"),
                "shelf_price": known["shelf_price"],
                "quantity": lines["quantity"].reset_index(drop=True),
                "sales_value": lines["sales_value"].reset_index(drop=True),
            }
        )
    )


def profile_table(lines: pd.DataFrame, facts: pd.DataFrame) -> pa.Table:
    """One row per household: how it bought. Money in US dollars."""
    tier = facts["price_tier"].reindex(lines["product_id"]).reset_index(drop=True)
    by_household = lines.groupby("household_id")
    pieces = lines["quantity"].groupby([lines["household_id"], tier]).sum().unstack(fill_value=0)
    profiles = pd.DataFrame(
        {
            "baskets": by_household["basket_id"].nunique(),
            "products": by_household["product_id"].nunique(),
            "money_spent": by_household["sales_value"].sum(),
            "premium_share": pieces[PREMIUM] / pieces.sum(axis=1),
            "favourite_price_tier": pieces.idxmax(axis=1),
        }
    ).reset_index()
    return _to_arrow(profiles.assign(household_id=_as_text(profiles["household_id"])))


def prediction_table(rows: pd.DataFrame) -> pa.Table:
    """The ranked rows, and per-household outcomes on each household's first row only.

    So ``premium_exposure`` and ``ndcg_at_20`` are null on all other rows, and a comparison of groups counts every
    household once.
    """
    households, starts = np.unique(rows["household_id"].to_numpy(), return_index=True)
    outcomes = pd.DataFrame(
        {
            "premium_exposure": premium_exposure(rows).reindex(households).to_numpy(),
            "ndcg_at_20": household_scores(rows).ndcg,
        },
        index=starts,
    ).reindex(rows.index)
    named = rows.assign(household_id=_as_text(rows["household_id"]), product_id=_as_text(rows["product_id"]))
    return _to_arrow(pd.concat([named, outcomes], axis=1))


def list_table(rows: pd.DataFrame, lines: pd.DataFrame, facts: pd.DataFrame) -> pa.Table:
    """The model's lists alone, a row for each place, with what the audits of lists weigh.

    ``premium`` and ``relevant`` are 0 or 1; ``premium_share`` is that of the household's own earlier pieces;
    ``buyers`` is how many households had bought the product before.
    """
    listed = rows.dropna(subset="rank").drop(columns="baseline_rank").reset_index(drop=True)
    known = facts.reindex(listed["product_id"]).reset_index(drop=True)
    history = _premium_share(lines, facts)
    buyers = lines.groupby("product_id")["household_id"].nunique()
    return _to_arrow(
        pd.DataFrame(
            {
                "household_id": _as_text(listed["household_id"]),
                "product_id": _as_text(listed["product_id"]),
                "rank": listed["rank"].astype("int16"),
                "relevant": listed["relevant"],
                "premium": (listed["price_tier"] == PREMIUM).astype("int8"),
                "premium_share": history.reindex(listed["household_id"]).to_numpy(),
                "price_tier": listed["price_tier"].astype("category"),
                "department": known["department"].cat.remove_unused_categories(),
                "buyers": buyers.reindex(listed["product_id"]).to_numpy(),
            }
        )
    )


def _premium_share(lines: pd.DataFrame, facts: pd.DataFrame) -> pd.Series[float]:
    """Share of each household's pieces that were of the dear third of their type."""
    premium = lines["quantity"].where(
        (facts["price_tier"].reindex(lines["product_id"]) == PREMIUM).to_numpy(), 0
    )
    by_household = lines["household_id"]
    return premium.groupby(by_household).sum() / lines["quantity"].groupby(by_household).sum()


def _as_text(numbers: pd.Series[int]) -> pd.Series[str]:
    """Identifiers as text, each spelled once, numbered from row 0."""
    return numbers.reset_index(drop=True).astype("category").cat.rename_categories(str)


def _to_arrow(frame: pd.DataFrame) -> pa.Table:
    text = frame.select_dtypes(object).columns
    frame = frame.astype(dict.fromkeys(text, "category"))
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
