"""Candidates that are trained again on the inputs: with weights, or under constraints. Small models, told as such."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
)
from audits.metrics.mitigation.inputs import Inputs
from audits.metrics.mitigation.reweighing import row_weights
from audits.metrics.mitigation.rows import Sides
from audits.metrics.mitigation.thresholds import FEW_GROUPS

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: Rows on which a reduction is trained: it fits dozens of models.
MOST_TRAINED = 5_000
#: How far apart rates may be under a reduction, from tight to loose.
BOUNDS = (0.01, 0.05, 0.1)
_ROUNDS = 20
MODEL = "logistic regression"


@dataclass(frozen=True, slots=True)
class Training:
    """Rows to train on and rows to decide about, of the groups that have enough rows; others stay as they are today.

    ``group`` numbers the groups of the training rows from 0, ``names`` names them. ``today`` are today's decisions on all
    held-out rows, ``applied`` tells which of these are decided anew. ``share`` of the training rows are selected today.
    """

    inputs: Floats
    label: Ints
    group: Ints
    names: tuple[str, ...]
    applied_inputs: Floats
    applied: Bools
    today: Floats
    share: float

    @classmethod
    def of(
        cls, sides: Sides, inputs: Inputs, groups: tuple[int, ...], today: Floats, tuned_today: Floats
    ) -> Training:
        """``today`` and ``tuned_today`` are today's decisions on the held-out and the tuning rows."""
        fitted, applied = np.isin(sides.tuning.group, groups), np.isin(sides.held_out.group, groups)
        known, place = np.unique(sides.tuning.group[fitted], return_inverse=True)
        return cls(
            inputs=inputs.tuning[fitted],
            label=sides.tuning.truth[fitted].astype(np.int64),
            group=place.reshape(-1).astype(np.int64),
            names=tuple(sides.tuning.groups[i] for i in known.tolist()),
            applied_inputs=inputs.held_out[applied],
            applied=applied,
            today=today,
            share=float(tuned_today[fitted].mean()),
        )

    def decided(self, decisions: Floats) -> Floats:
        """Decisions for all held-out rows."""
        out = self.today.copy()
        out[self.applied] = decisions
        return out

    def sampled(self, seed: int, most: int = MOST_TRAINED) -> Training:
        """A bounded random sample of the rows to train on."""
        from dataclasses import replace

        if len(self.label) <= most:
            return self
        chosen = np.sort(np.random.default_rng([seed, 2]).choice(len(self.label), most, replace=False))
        return replace(self, inputs=self.inputs[chosen], label=self.label[chosen], group=self.group[chosen])


def reweighing_offers(training: Training) -> Iterator[Offer]:
    """The same small model twice, trained as it is and with the weights of Kamiran and Calders; as many selected as today."""
    weight, cells = row_weights(training.group, training.label)
    table = {
        f"{name}, truth {label}": float(cells[i, label])
        for i, name in enumerate(training.names)
        for label in range(cells.shape[1])
        if not np.isnan(cells[i, label])
    }
    yield _trained(training, "retrained as it is", "retrained", None, {})
    yield _trained(training, "reweighing", "reweighing", weight, {"weights": table})


def _trained(
    training: Training, label: str, family: str, weight: Floats | None, detail: Mapping[str, Any]
) -> Candidate:
    model = _model().fit(training.inputs, training.label, sample_weight=weight)
    start = float(np.quantile(model.predict_proba(training.inputs)[:, 1], 1 - training.share))
    score = model.predict_proba(training.applied_inputs)[:, 1]
    ranked = np.full(len(training.today), np.nan)
    ranked[training.applied] = score
    return Candidate(
        label=label,
        family=family,
        predictions=training.decided((score >= start).astype(np.float64)),
        targets=() if weight is None else (SELECTION,),
        detail={"settings": {"model": MODEL, "decision": start}, **detail},
        score=None if np.isnan(ranked).any() else ranked,
    )


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    return LogisticRegression(solver="newton-cholesky", max_iter=200)


def reduction_offers(training: Training, seed: int) -> Iterator[Offer]:
    """fairlearn's reductions: the small model, trained under a bound on how far rates of groups are apart.

    Exponentiated gradient (Agarwal et al. 2018, "A reductions approach to fair classification", ICML, arXiv:1803.02453) with three
    bounds, which draws lots between models, and grid search, which keeps one model and takes two groups.
    The errors of either kind are weighed so that the objective is balanced accuracy.
    """
    from fairlearn.reductions import DemographicParity, EqualizedOdds

    small = training.sampled(seed)
    kinds = {
        RATE_NAMES[SELECTION]: (DemographicParity, (SELECTION,)),
        "equalized odds": (EqualizedOdds, (TRUE_POSITIVE, FALSE_POSITIVE)),
    }
    for name, (constraint, targets) in kinds.items():
        for bound in BOUNDS:
            predictions, models = _exponentiated(small, constraint(difference_bound=bound), bound, seed)
            settings = {
                "model": MODEL,
                "constraint": name,
                "bound": bound,
                "models": models,
                "draws_lots": True,
            }
            yield Candidate(
                label=f"reductions: {name}, within {bound:g}",
                family="reductions",
                predictions=training.decided(predictions),
                targets=targets,
                detail={"settings": settings},
            )
    label = "grid search: selection rate"
    if len(training.names) != 2:
        yield NotTried(label, f"grid search takes two groups; there are {len(training.names)}")
        return
    yield Candidate(
        label=label,
        family="reductions",
        predictions=training.decided(_grid_searched(small, DemographicParity())),
        targets=(SELECTION,),
        detail={"settings": {"model": MODEL, "constraint": RATE_NAMES[SELECTION]}},
    )


def _exponentiated(training: Training, constraint: Any, bound: float, seed: int) -> tuple[Floats, int]:
    from fairlearn.reductions import ErrorRate, ExponentiatedGradient

    positives = float(training.label.mean())
    found = ExponentiatedGradient(
        _model(),
        constraint,
        objective=ErrorRate(costs={"fp": positives, "fn": 1 - positives}),
        eps=bound,
        max_iter=_ROUNDS,
    )
    found.fit(training.inputs, training.label, sensitive_features=np.array(training.names)[training.group])
    drawn = found.predict(training.applied_inputs, random_state=seed)
    return np.asarray(drawn, dtype=np.float64).reshape(-1), int((np.asarray(found.weights_) > 0).sum())


def _grid_searched(training: Training, constraint: Any) -> Floats:
    from fairlearn.reductions import GridSearch

    found = GridSearch(_model(), constraint, grid_size=15)
    found.fit(training.inputs, training.label, sensitive_features=np.array(training.names)[training.group])
    return np.asarray(found.predict(training.applied_inputs), dtype=np.float64).reshape(-1)


def too_few_groups(eligible: Eligible) -> str:
    """Why nothing can be trained; empty where something can."""
    return "" if len(eligible.labelled) >= 2 else FEW_GROUPS + " of either truth"
