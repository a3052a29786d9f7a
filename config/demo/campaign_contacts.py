"""Which campaign was sent to which household and when, and what the households spent before and after."""

from __future__ import annotations

import pandas as pd

from config.demo.contract import DatasetCard
from config.demo.household_data import (
    PANEL,
    SOURCE,
    load_campaign_descriptions,
    load_campaigns,
    week_window,
)
from config.demo.till_lines import CURRENT_WEEKS

CONTACTS = DatasetCard(
    name="campaign-contacts",
    description=(
        "One row for each campaign that a household was sent: its type, the day it began and for how many days its "
        f"coupons held: {PANEL}."
    ),
    source=SOURCE,
    owner="Clienteling",
    lawful_basis="legitimate interests",
    contains_personal_data=True,
    subject_key="household_id",
)


def contact_rows() -> pd.DataFrame:
    """``household_id`` (text), ``campaign_id``, ``campaign_type``, ``sent_on`` (the campaign's first day) and ``days_open``."""
    campaigns = load_campaign_descriptions()[["campaign_id", "campaign_type", "start_date", "end_date"]]
    rows = load_campaigns().merge(campaigns, on="campaign_id")
    start, end = rows["start_date"], rows["end_date"]
    contacts = pd.DataFrame(
        {
            "household_id": rows["household_id"].astype(str),
            "campaign_id": rows["campaign_id"].astype(str),
            "campaign_type": rows["campaign_type"].astype(str),
            "sent_on": start,
            "days_open": (end - start).dt.days + 1,
        }
    )
    return contacts.sort_values(["sent_on", "household_id", "campaign_id"], ignore_index=True)


def reached_later(households: pd.Series[int]) -> pd.Series[int]:
    """Whether a campaign that began in the second half-year was sent to the household (1 yes, 0 no)."""
    first, _ = week_window(*CURRENT_WEEKS)
    campaigns = load_campaign_descriptions()
    later = campaigns.loc[campaigns["start_date"] >= pd.Timestamp(first), "campaign_id"]
    sent = load_campaigns()
    return households.isin(sent.loc[sent["campaign_id"].isin(later), "household_id"]).astype("int8")
