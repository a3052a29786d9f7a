"""The reference model "demand-forecast": weekly units per product category and income band, one week ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from config.demo.contract import DatasetCard, PlanDraft, ReferenceModel, SnapshotDraft
from config.demo.demand_features import (
    FEATURES,
    SMALLEST_MEAN,
    TEST_WEEKS,
    TRAINING_WEEKS,
    Floats,
    feature_frame,
    weekly_demand,
)
from config.demo.household_data import PANEL, SOURCE, week_window
from config.demo.input_audits import input_parameters, weekly_plans
from config.demo.till_lines import IDENTIFIERS, TILL_COLUMNS, till_arrivals, till_snapshots

#: What skops lists beside its own trusted types when it reads the saved model back: scikit-learn's tree of a booster.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

WEEKLY_DEMAND = DatasetCard(
    name="weekly-category-demand",
    description=f"Units per week, product category and income band, with what was known the week before: {PANEL}.",
    source=SOURCE,
    owner="Merchandise planning",
)
FORECASTS = DatasetCard(
    name="demand-forecasts",
    description=f"One-week-ahead forecasts beside the units really sold: {PANEL}.",
    source=SOURCE,
    owner="Merchandise planning",
)
DESCRIPTION = (
    "One-week-ahead unit forecast for 120 product categories in four income bands. The estimator answers the ratio of next "
    "week's units to the mean of the eight weeks before; the forecast is that ratio times the mean. "
    f"Trained on {PANEL}."
)
#: Chosen on weeks 33-40 after fitting on weeks 10-32; the test weeks took no part in the choice.
HYPERPARAMETERS: Mapping[str, Any] = {
    "loss": "poisson",
    "learning_rate": 0.05,
    "max_iter": 80,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
    "early_stopping": False,
}
BASELINE = "baseline_8_week_mean"
SCORED_COLUMNS = ("category", "income_band", "week", "units", "forecast", BASELINE)


# One thread: on so few rows more threads gain nothing, and on a busy machine they wait for one another.
@threadpool_limits.wrap(limits=1)
def build(seed: int) -> ReferenceModel:
    """Train on weeks 10 to 40, forecast weeks 41 to 52, and gather the tables that the audits read."""
    demand = weekly_demand()
    training, test = feature_frame(demand, TRAINING_WEEKS), feature_frame(demand, TEST_WEEKS)
    estimator = _fit(training, seed)
    scored_training, scored_test = _scored(estimator, training), _scored(estimator, test)
    return ReferenceModel(
        name="demand-forecast",
        kind="forecasting",
        description=DESCRIPTION,
        estimator=estimator,
        metrics=forecast_metrics(scored_test["units"], scored_test["forecast"], scored_test[BASELINE]),
        snapshots=(
            _snapshot("training", WEEKLY_DEMAND, training, TRAINING_WEEKS),
            *till_snapshots(),
            _snapshot("predictions", FORECASTS, scored_test, TEST_WEEKS),
            _snapshot("members", FORECASTS, scored_training, TRAINING_WEEKS),
            _snapshot("non-members", FORECASTS, scored_test, TEST_WEEKS),
        ),
        audit_parameters=_audit_parameters(),
        hyperparameters={**HYPERPARAMETERS, "random_state": seed, "features": list(FEATURES)},
        arrivals=till_arrivals(),
        plans=_plans(),
    )


def forecast_metrics(units: pd.Series, forecast: pd.Series, baseline: pd.Series) -> dict[str, float]:
    """Error of a forecast, and of the planners' own method beside it.

    Parameters
    ----------
    units, forecast, baseline : Series of float, shape (n,)
        Units sold, units forecast, and units by the mean of the eight weeks before.

    Returns
    -------
    dict of str to float
        ``wape = sum|y - f| / sum y`` (Kolassa and Schuetz 2007, "MAD/mean"), ``wape_baseline`` likewise,
        ``skill = 1 - wape / wape_baseline``, ``bias = sum(f - y) / sum y`` (positive: too much is bought) and ``mae``
        in units per row.
    """
    sold = float(units.sum())
    error, baseline_error = forecast - units, baseline - units
    wape, wape_baseline = float(error.abs().sum()) / sold, float(baseline_error.abs().sum()) / sold
    return {
        "wape": wape,
        "wape_baseline": wape_baseline,
        "skill": 1 - wape / wape_baseline,
        "bias": float(error.sum()) / sold,
        "mae": float(error.abs().mean()),
    }


def _fit(training: pd.DataFrame, seed: int) -> HistGradientBoostingRegressor:
    """Poisson regression of the ratio, weighted by the mean: the same likelihood as units with the mean as exposure."""
    exposure = _exposure(training)
    estimator = HistGradientBoostingRegressor(**HYPERPARAMETERS, random_state=seed)
    return estimator.fit(training[list(FEATURES)], training["units"] / exposure, sample_weight=exposure)


def _exposure(rows: pd.DataFrame) -> Floats:
    return np.maximum(rows[BASELINE].to_numpy(), SMALLEST_MEAN)


def _scored(estimator: HistGradientBoostingRegressor, rows: pd.DataFrame) -> pd.DataFrame:
    forecast = estimator.predict(rows[list(FEATURES)]) * _exposure(rows)
    return rows.assign(forecast=forecast)[list(SCORED_COLUMNS)]


def _snapshot(role: str, dataset: DatasetCard, rows: pd.DataFrame, weeks: range) -> SnapshotDraft:
    rows = rows.astype({"category": "category", "income_band": "category"})
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    return SnapshotDraft(role=role, dataset=dataset, table=table, window=week_window(weeks[0], weeks[-1]))


def _plans() -> tuple[PlanDraft, ...]:
    """What is planned beside the required audits."""
    return (
        *weekly_plans([name for name in TILL_COLUMNS if name not in IDENTIFIERS]),
        PlanDraft(
            kind="mitigation",
            name="What could be done for low incomes",
            parameters={
                "y_true": "units",
                "y_pred": "forecast",
                "sensitive": ["income_band"],
                "entity": "category",
                "task": "regression",
            },
        ),
    )


def _audit_parameters() -> dict[str, dict[str, Any]]:
    scored = {"y_true": "units", "y_pred": "forecast", "task": "regression"}
    return {
        **input_parameters(TILL_COLUMNS),
        "performance": {**scored, "baseline": BASELINE, "entity": "category"},
        "forecast-disparity": {
            "y_true": "units",
            "y_pred": "forecast",
            "baseline": BASELINE,
            "sensitive": ["income_band"],
            "entity": "category",
        },
        "membership-inference": scored,
    }
