"""What households declared about themselves: kept apart from what the models learn from, for audits alone."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from config.demo.contract import DatasetCard, SnapshotDraft
from config.demo.household_behaviour import declared
from config.demo.household_data import FIRST_DAY, LAST_DAY, PANEL, SOURCE, load_demographics

ATTRIBUTES = DatasetCard(
    name="household-attributes",
    description=(
        "Age, income, marital status and size of the 801 households that declared them. A household of 65 and over is "
        f"marked older, which stands in for a flag of vulnerability that the panel has not: {PANEL}."
    ),
    source=SOURCE,
    owner="Client relations",
    lawful_basis="consent",
    contains_personal_data=True,
    subject_key="household_id",
    sensitive_attributes=True,
    purpose="assessing models for disparities and for what they give away",
)


def attributes_snapshot() -> SnapshotDraft:
    """One row for each household that declared something; whoever is missing here is undeclared."""
    households = load_demographics()["household_id"].sort_values(ignore_index=True)
    people = declared(households)
    older = people["age"].map(lambda age: "yes" if age == "65+" else "no", na_action="ignore")
    table = pd.concat([households.astype(str), people.assign(older=older)], axis=1)
    text = table.select_dtypes(object).columns.difference(["household_id"])
    arrow = pa.Table.from_pandas(table.astype(dict.fromkeys(text, "category")), preserve_index=False)
    return SnapshotDraft(
        role="attributes",
        dataset=ATTRIBUTES,
        table=arrow.replace_schema_metadata(None),
        window=(FIRST_DAY, LAST_DAY),
    )
