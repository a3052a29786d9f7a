"""The tables that the audits of "client-segments" read, and what those audits are told about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from config.demo.campaign_contacts import CONTACTS, contact_rows, reached_later
from config.demo.contract import DatasetCard, PlanDraft, SnapshotDraft
from config.demo.household_attributes import attributes_snapshot
from config.demo.household_behaviour import FEATURES, REACHED, campaign_reach
from config.demo.household_consents import CONSENTS, PURPOSE, consent_rows
from config.demo.household_data import FIRST_DAY, LAST_DAY, PANEL, SOURCE, week_window
from config.demo.input_audits import input_parameters
from config.demo.segment_stability import REFITS
from config.demo.till_lines import CURRENT_WEEKS, REFERENCE_WEEKS

BEHAVIOUR = DatasetCard(
    name="household-behaviour",
    description=f"Recency, frequency, money and department mix of each household in half a year: {PANEL}.",
    source=SOURCE,
    owner="Client data platform",
    lawful_basis="legitimate interests",
    contains_personal_data=True,
    subject_key="household_id",
)
SEGMENTS = DatasetCard(
    name="household-segments",
    description=(
        "Segment of each household, 20 bootstrap refits of the segmentation, which campaigns reached it during the year "
        f"and what it spent in each half: {PANEL}."
    ),
    source=SOURCE,
    owner="Client data platform",
    lawful_basis="legitimate interests",
    contains_personal_data=True,
    subject_key="household_id",
    retention_days=20 * 365,
)
DRIFT_COLUMNS = (*FEATURES, "segment")
#: Without the answer, and without baskets per week: a whole number over 25 weeks and one over 27 are other fractions, by
#: which a classifier tells the half-years apart although nobody shops otherwise.
TOGETHER_COLUMNS = tuple(name for name in FEATURES if name != "baskets_per_week")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedHouseholds:
    """Households with their segments.

    ``early`` holds behaviour in weeks 1-26 with ``segment`` and ``distance`` to its centre, ``late`` behaviour in weeks
    27-53 with ``segment``. ``member`` marks the rows of ``early`` that the model learned from; ``refits`` holds the
    labels that each bootstrap refit gives to the rows of ``early``.
    """

    early: pd.DataFrame
    late: pd.DataFrame
    member: NDArray[np.bool_]
    top_segment: str
    refits: dict[str, NDArray[np.int32]]


def snapshots(households: SegmentedHouseholds) -> tuple[SnapshotDraft, ...]:
    """One snapshot for each role; what households declared about themselves is one of its own."""
    first_half, second_half = week_window(*REFERENCE_WEEKS), week_window(*CURRENT_WEEKS)
    early = households.early.reset_index(drop=True)
    scored = early[["household_id", "segment", "distance"]]
    return (
        _snapshot("training", SEGMENTS, _learned_from(early, first_half[1])[households.member], first_half),
        _snapshot("reference", BEHAVIOUR, early[["household_id", *DRIFT_COLUMNS]], first_half),
        _snapshot("current", BEHAVIOUR, households.late[["household_id", *DRIFT_COLUMNS]], second_half),
        _snapshot("predictions", SEGMENTS, _predictions(households), (FIRST_DAY, LAST_DAY)),
        _snapshot("members", SEGMENTS, scored[households.member], first_half),
        _snapshot("non-members", SEGMENTS, scored[~households.member], first_half),
        _snapshot("contacts", CONTACTS, contact_rows(), (FIRST_DAY, LAST_DAY)),
        _snapshot("consent", CONSENTS, consent_rows(early["household_id"]), (FIRST_DAY, LAST_DAY)),
        attributes_snapshot(),
    )


def audit_parameters() -> dict[str, dict[str, Any]]:
    """Settings by audit kind, in the form that ``AuditParameters.from_json`` reads."""
    return {
        **input_parameters(DRIFT_COLUMNS),
        "multivariate-drift": {"columns": list(TOGETHER_COLUMNS)},
        "segment-stability": {
            "y_pred": "segment",
            "columns": [f"refit_{number:02}" for number in range(1, REFITS + 1)],
        },
        "segment-disparity": {
            "y_pred": "segment",
            "sensitive": ["age", "income_band"],
            "roles": {
                "benefit": "top_segment",
                "distance": "distance",
                "again": "refit_01",
                "treatment": "reached_any_campaign",
            },
        },
        "group-disparity": {
            "y_pred": "top_segment",
            "columns": ["reached_type_c", "reached_any_campaign"],
            "sensitive": ["age", "income_band"],
        },
        "anonymity": {
            "quasi_identifiers": ["age", "income", "marital_status", "household_size"],
            "sensitive_value": "segment",
        },
        "membership-inference": {"columns": ["distance"]},
    }


def plans() -> tuple[PlanDraft, ...]:
    """What is planned beside the required audits."""
    groups = {"sensitive": ["age", "income_band"]}
    one_household = {"entity": "household_id"}
    return (
        PlanDraft(
            kind="prediction-drift",
            name="Segments of the second half-year",
            parameters={"y_pred": "segment"},
        ),
        PlanDraft(
            kind="proxy-detection",
            name="Do the inputs tell age or income?",
            parameters={**groups, **one_household, "columns": list(FEATURES)},
        ),
        PlanDraft(
            kind="attribute-inference",
            name="Does the segment tell age or income?",
            parameters={**groups, **one_household, "y_pred": "segment", "columns": ["distance"]},
        ),
        PlanDraft(
            kind="intersectional-disparity",
            name="Who of all is left out of the top segment",
            parameters={**groups, "y_pred": "top_segment"},
        ),
        PlanDraft(
            kind="data-minimisation",
            name="Inputs that the segments could do without",
            parameters={
                "y_true": "segment",
                "columns": list(FEATURES),
                "quasi_identifiers": list(FEATURES),
                "task": "classification",
            },
        ),
        PlanDraft(
            kind="personal-data",
            name="Columns that hold personal data",
            parameters={"columns": ["household_id"]},
        ),
        PlanDraft(
            kind="retention",
            name="Rows kept no longer than promised",
            parameters={**one_household, "roles": {"date": "last_purchase"}},
        ),
        PlanDraft(
            kind="consent-coverage",
            name="Consent to personalised offers",
            parameters={
                **groups,
                **one_household,
                "purpose": PURPOSE,
                "roles": {"collected_at": "last_purchase"},
            },
        ),
        PlanDraft(
            kind="contact-pressure",
            name="Campaigns sent to older households",
            parameters={**groups, **one_household, "roles": {"at": "sent_on", "vulnerable": "older"}},
        ),
        PlanDraft(
            kind="uplift",
            name="What the later campaigns changed",
            parameters={
                **groups,
                **one_household,
                "y_true": "money_after",
                "columns": ["money_before"],
                "roles": {"treatment": "reached_later", "before": "money_before"},
            },
        ),
    )


def _learned_from(early: pd.DataFrame, last_day: date) -> pd.DataFrame:
    """Behaviour and segment, with the day of the last purchase, from which a row's age counts."""
    days = pd.to_timedelta(early["days_since_last_purchase"], unit="D")
    return early.drop(columns="distance").assign(last_purchase=(pd.Timestamp(last_day) - days).dt.date)


def _predictions(households: SegmentedHouseholds) -> pd.DataFrame:
    early = households.early.reset_index(drop=True)
    scored = early[["household_id", "segment", "distance"]].assign(
        top_segment=(early["segment"] == households.top_segment).astype("int8")
    )
    refits = pd.DataFrame({name: labels.astype(str) for name, labels in households.refits.items()})
    reached = campaign_reach(early["household_id"])[list(REACHED)]
    return pd.concat([scored, reached, _spending(households), refits], axis=1)


def _spending(households: SegmentedHouseholds) -> pd.DataFrame:
    """Money per week in each half-year, and whether a campaign of the second half reached the household."""
    early = households.early.reset_index(drop=True)
    late = households.late.set_index("household_id")["money_per_week"]
    return pd.DataFrame(
        {
            "money_before": early["money_per_week"],
            "money_after": late.reindex(early["household_id"]).fillna(0.0).to_numpy(),
            "reached_later": reached_later(early["household_id"]),
        }
    )


def _snapshot(
    role: str, dataset: DatasetCard, rows: pd.DataFrame, window: tuple[date, date]
) -> SnapshotDraft:
    rows = rows.assign(household_id=rows["household_id"].astype(str))
    text = rows.select_dtypes(object).columns.difference(["household_id"])
    rows = rows.astype(dict.fromkeys(text, "category"))
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    return SnapshotDraft(role=role, dataset=dataset, table=table, window=window)
