"""Forecasts from a model that is trained again so that no group's loss is above a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.mitigation.candidates import Candidate, Offer
from audits.metrics.mitigation.corrections import WAPE
from audits.metrics.mitigation.inputs import Inputs
from audits.metrics.mitigation.rows import Sides

Floats: TypeAlias = npt.NDArray[np.float64]

#: Rows to train on; the library looks at each of them by itself.
MOST_TRAINED = 2_000
#: How far the bound lies from the worst group's loss to that of all rows together.
STEPS = {"half way": 0.5, "at the mean": 1.0}
_ROUNDS = 20
MODEL = "linear regression"


def bounded_loss_offers(sides: Sides, inputs: Inputs, groups: tuple[int, ...], seed: int) -> Iterator[Offer]:
    """A linear model as it is, and under two bounds on the square loss of every group.

    Bounded group loss: Agarwal, Dudik and Wu 2019, "Fair regression: quantitative definitions and reduction-based algorithms", ICML,
    arXiv:1905.12843; fairlearn's ``ExponentiatedGradient``, of whose models the mean forecast is taken.
    """
    from sklearn.linear_model import LinearRegression

    tuning, held_out = sides.tuning, sides.held_out
    fitted = np.flatnonzero(np.isin(tuning.group, groups))
    if len(fitted) > MOST_TRAINED:
        fitted = np.sort(np.random.default_rng([seed, 3]).choice(fitted, MOST_TRAINED, replace=False))
    x, y, group = inputs.tuning[fitted], tuning.truth[fitted], tuning.group[fitted]
    applied = np.isin(held_out.group, groups)

    def candidate(
        label: str, family: str, forecast: Floats, targets: tuple[str, ...], detail: dict[str, Any]
    ) -> Candidate:
        predictions = held_out.prediction.copy()
        predictions[applied] = forecast
        return Candidate(label, family, predictions, targets, {"settings": {"model": MODEL, **detail}})

    plain = LinearRegression().fit(x, y)
    yield candidate("retrained as it is", "retrained", plain.predict(inputs.held_out[applied]), (), {})
    losses = (y - plain.predict(x)) ** 2
    worst = max(float(losses[group == g].mean()) for g in np.unique(group))
    for name, step in STEPS.items():
        bound = worst - step * (worst - float(losses.mean()))
        forecast, models = _trained(x, y, group, bound, inputs.held_out[applied])
        detail = {"bound": bound, "loss": "square", "models": models}
        yield candidate(f"bounded group loss, {name}", "reductions", forecast, (WAPE,), detail)


def _trained(
    x: Floats, y: Floats, group: npt.NDArray[np.int64], bound: float, applied: Floats
) -> tuple[Floats, int]:
    from fairlearn.reductions import BoundedGroupLoss, ExponentiatedGradient, SquareLoss
    from sklearn.linear_model import LinearRegression

    found = ExponentiatedGradient(
        LinearRegression(),
        BoundedGroupLoss(SquareLoss(float(y.min()), float(y.max())), upper_bound=bound),
        max_iter=_ROUNDS,
    )
    found.fit(x, y, sensitive_features=group)
    weights = np.asarray(found.weights_, dtype=np.float64)
    used = np.flatnonzero(weights > 0)
    forecasts = [weights[i] * found.predictors_[i].predict(applied) for i in used]
    return np.asarray(np.sum(forecasts, axis=0)), len(used)
