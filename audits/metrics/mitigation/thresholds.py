"""Candidates that keep the model's scores and decide by them anew: our own group thresholds, and fairlearn's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.rates import SELECTION
from audits.metrics.mitigation.candidates import (
    FALSE_POSITIVE,
    RATE_NAMES,
    TRUE_POSITIVE,
    Candidate,
    Eligible,
    NotTried,
    Offer,
    among,
)
from audits.metrics.mitigation.group_thresholds import Steps, decided
from audits.metrics.mitigation.rows import Sides

Floats: TypeAlias = npt.NDArray[np.float64]

FEW_GROUPS = "fewer than two groups have enough rows to tune on"
#: The steps from one threshold for all to equal rates, as labels say them.
STEPS = {"a quarter of the way": 0.25, "half way": 0.5, "three quarters": 0.75, "parity": 1.0}
#: fairlearn's constraints, and the measures that each of them is about.
CONSTRAINTS = {
    "selection rate": ("demographic_parity", (SELECTION,)),
    "true positive rate": ("true_positive_rate_parity", (TRUE_POSITIVE,)),
    "false positive rate": ("false_positive_rate_parity", (FALSE_POSITIVE,)),
    "equalized odds": ("equalized_odds", (TRUE_POSITIVE, FALSE_POSITIVE)),
}


def group_threshold_offers(sides: Sides, today: Floats, start: float, eligible: Eligible) -> Iterator[Offer]:
    """A threshold for each group, in four steps to equal rates, for each of the three rates.

    Parameters
    ----------
    today : ndarray
        Decisions of the model as it is, on the held-out rows.
    start : float
        The threshold of the score that all groups share today.
    """
    tuning, held_out = sides.tuning, sides.held_out
    for measure, name in RATE_NAMES.items():
        groups = eligible.for_measure(measure)
        if len(groups) < 2:
            yield NotTried(f"group thresholds: {name}", FEW_GROUPS, lacking=True)
            continue
        places = np.array(groups, dtype=np.int64)
        steps = Steps.of(tuning.score, tuning.group, among(measure, tuning.truth), places, start)
        for label, step in STEPS.items():
            thresholds = steps.thresholds(step)
            yield Candidate(
                label=f"group thresholds: {name}, {label}",
                family="threshold",
                predictions=decided(held_out.score, held_out.group, thresholds, today),
                targets=(measure,),
                detail={
                    "settings": {"rate": measure, "step": step, "level": steps.level, "today": start},
                    "thresholds": {held_out.groups[g]: t for g, t in thresholds.items()},
                },
            )


def threshold_optimizer_offers(sides: Sides, today: Floats, eligible: Eligible, seed: int) -> Iterator[Offer]:
    """fairlearn's ``ThresholdOptimizer`` on the scores as they are, for the best balanced accuracy under each constraint.

    It may draw lots between two thresholds (Hardt, Price and Srebro 2016, "Equality of opportunity in supervised learning",
    arXiv:1610.02413); the decisions here are one draw, by the seed.
    """
    for name, (constraint, targets) in CONSTRAINTS.items():
        label = f"threshold optimizer: {name}"
        groups = eligible.labelled
        if len(groups) < 2:
            yield NotTried(label, FEW_GROUPS + " of either truth", lacking=True)
            continue
        decisions, operations = _optimised(sides, today, groups, constraint, seed)
        yield Candidate(
            label=label,
            family="threshold-optimizer",
            predictions=decisions,
            targets=targets,
            detail={
                "settings": {"constraint": constraint, "objective": "balanced accuracy", "draws_lots": True},
                "thresholds": operations,
            },
        )


def _optimised(
    sides: Sides, today: Floats, groups: tuple[int, ...], constraint: str, seed: int
) -> tuple[Floats, dict[str, Any]]:
    from fairlearn.postprocessing import ThresholdOptimizer  # takes seconds to load

    tuning, held_out = sides.tuning, sides.held_out
    fitted, applied = np.isin(tuning.group, groups), np.isin(held_out.group, groups)
    names = np.array(held_out.groups, dtype=object)
    optimizer = ThresholdOptimizer(
        estimator=_as_it_is(),
        constraints=constraint,
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict",
    )
    optimizer.fit(
        tuning.score[fitted, np.newaxis],
        tuning.truth[fitted].astype(np.int64),
        sensitive_features=names[tuning.group[fitted]],
    )
    drawn = optimizer.predict(
        held_out.score[applied, np.newaxis],
        sensitive_features=names[held_out.group[applied]],
        random_state=seed,
    )
    out = today.copy()
    out[applied] = np.asarray(drawn, dtype=np.float64)
    found = optimizer.interpolated_thresholder_.interpolation_dict
    return out, {str(group): _operation(found[group]) for group in sorted(found)}


def _as_it_is() -> Any:
    """An estimator that hands its input on: the scores are the model's own."""
    from sklearn.base import BaseEstimator

    class AsItIs(BaseEstimator):
        def fit(self, scores: Floats, truth: Floats) -> AsItIs:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, scores: Floats) -> Floats:
            return np.asarray(scores)[:, 0]

    return AsItIs()


def _operation(rule: Any) -> dict[str, Any]:
    """How fairlearn decides for a group: with chance ``p`` by each threshold, or with chance ``p_ignore`` by lot alone."""
    out: dict[str, Any] = {
        "choices": [{"chance": float(rule[f"p{i}"]), **_threshold(rule[f"operation{i}"])} for i in (0, 1)]
    }
    if "p_ignore" in rule:
        out |= {
            "by_lot": float(rule["p_ignore"]),
            "chance_of_yes_by_lot": float(rule["prediction_constant"]),
        }
    return out


def _threshold(operation: Any) -> dict[str, Any]:
    """Scores above (or below) the threshold; an infinite one, for everybody or nobody, has no number."""
    value = float(operation.threshold)
    if np.isinf(value):
        return {"selects": "nobody" if (value > 0) == (operation.operator == ">") else "everybody"}
    return {"selects": "above" if operation.operator == ">" else "below", "threshold": value}
