"""Consent records of the households: simulated, for the panel has none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from config.demo.contract import DatasetCard
from config.demo.household_data import FIRST_DAY, LAST_DAY, PANEL, SOURCE

PURPOSE = "personalised offers"
#: Of all households: how many were never asked, and how many took their consent back during the year.
NEVER_ASKED, WITHDRAWN = 0.02, 0.03
_SEED = 11
CONSENTS = DatasetCard(
    name="household-consents",
    description=f"Who consented to personalised offers, and who took it back: {PANEL}.",
    source=SOURCE,
    owner="Client relations",
    lawful_basis="legal obligation",
    contains_personal_data=True,
    subject_key="household_id",
    simulated=(
        "The households are real, their consents are not: the panel has none. 2 % have no record and 3 % took their consent "
        "back on a day of the year drawn by chance."
    ),
)


def consent_rows(households: pd.Series[int]) -> pd.DataFrame:
    """``household_id``, ``purpose``, ``given_at`` and ``withdrawn_at``; the households in rising order, drawn by a fixed seed."""
    known = np.sort(households.unique())
    rng = np.random.default_rng(_SEED)
    fate = rng.random(len(known))
    days = rng.integers(1, (LAST_DAY - FIRST_DAY).days, len(known))
    given = pd.Timestamp(FIRST_DAY)
    withdrawn = pd.Series(given + pd.to_timedelta(days, unit="D")).where(fate > 1 - WITHDRAWN)
    rows = pd.DataFrame(
        {
            "household_id": known.astype(str),
            "purpose": PURPOSE,
            "given_at": given,
            "withdrawn_at": withdrawn.to_numpy(),
        }
    )
    return rows[fate >= NEVER_ASKED].reset_index(drop=True)
