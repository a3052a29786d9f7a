"""Reference model ``counterfeit-detection``: does the photo of a listing show the brand's own mark, or an altered copy?

The marks are real, the listings are simulated (see ``mark_alterations`` and ``listing_photos``). The model is only ever
judged on brands that it never saw; the later intake is scored as in service, whatever the brand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from config.demo.contract import ReferenceModel
from config.demo.counterfeit_evidence import audit_parameters, plans, snapshots
from config.demo.listing_intake import Intake, simulate_intake
from config.demo.mark_features import FEATURES, Floats
from config.demo.mark_gallery import gallery_plans, gallery_snapshots
from config.demo.marks import Brand, catalogue_brands, draw_marks

NAME = "counterfeit-detection"
KIND = "counterfeit-detection"
DESCRIPTION = (
    "Scores marketplace listings for counterfeits by comparing the photographed brand mark with the genuine mark of "
    "the catalogue."
)

#: What skops must be told to trust beside its own list when it loads this model.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

HELD_OUT_SHARE = 0.25
FALSE_FLAG_TARGET = 0.05
FOLDS = 5
_LATER_INTAKE_EVERY = 3
_SETTINGS: Mapping[str, Any] = {
    "max_iter": 120,
    "learning_rate": 0.08,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "early_stopping": False,
}


@dataclass(frozen=True, slots=True)
class Scoring:
    """The registered classifier and what it, and its cross-validated siblings, say about the earlier intake.

    ``scores`` holds one probability per listing by a model that never saw the brand: in the training brands by
    cross-validation, in the held-out brands by the registered model. ``registered_scores`` are the registered
    model's for all listings.
    """

    estimator: HistGradientBoostingClassifier
    in_training: npt.NDArray[np.bool_]
    scores: Floats
    registered_scores: Floats
    threshold: float

    @property
    def flagged(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.scores >= self.threshold)


def build(seed: int) -> ReferenceModel:
    """Simulate the intakes, train on three quarters of the brands, and hand over the model with its evidence data."""
    return build_for(catalogue_brands(), seed)


def build_for(brands: Sequence[Brand], seed: int) -> ReferenceModel:
    """``build`` for a catalogue of the caller's choice; at least 20 brands, so that every fold has some."""
    marks = draw_marks(brands)
    earlier = simulate_intake("earlier", brands, marks, every=1, seed=(seed, 1))
    later = simulate_intake("later", brands, marks, every=_LATER_INTAKE_EVERY, seed=(seed, 2))
    scoring = train(earlier, len(brands), seed)
    later_scores = scoring.estimator.predict_proba(later.features)[:, 1]
    return ReferenceModel(
        name=NAME,
        kind=KIND,
        description=DESCRIPTION,
        estimator=scoring.estimator,
        metrics=measure(earlier, scoring),
        snapshots=(
            *snapshots(brands, earlier, scoring, later, later_scores),
            *gallery_snapshots(brands, seed),
        ),
        audit_parameters=audit_parameters(scoring.threshold),
        plans=(*plans(scoring.threshold), *gallery_plans()),
        hyperparameters={
            **_SETTINGS,
            "features": list(FEATURES),
            "held_out_share_of_brands": HELD_OUT_SHARE,
            "cross_validation_folds": FOLDS,
            "false_flag_target": FALSE_FLAG_TARGET,
            "seed": seed,
        },
    )


def train(intake: Intake, brand_count: int, seed: int) -> Scoring:
    """Fit the registered model on the training brands, and set its threshold from cross-validation among them.

    The threshold is the 95th percentile of the cross-validated scores of the genuine listings: 5 % of honest sellers
    would be flagged.
    """
    held_out = np.random.default_rng((seed, 3)).permutation(brand_count)[
        : round(HELD_OUT_SHARE * brand_count)
    ]
    in_training = ~np.isin(intake.brand, held_out)
    features, labels = intake.features[in_training], intake.is_counterfeit[in_training]
    estimator = HistGradientBoostingClassifier(**_SETTINGS, random_state=seed)
    folds, brands = GroupKFold(FOLDS), intake.brand[in_training]
    # Trees this small are slower on two threads than on one, and much slower beside other processes.
    with threadpool_limits(limits=1):
        crossed = cross_val_predict(
            estimator, features, labels, groups=brands, cv=folds, method="predict_proba"
        )[:, 1]
        estimator.fit(features, labels)
    registered = estimator.predict_proba(intake.features)[:, 1]
    scores = registered.copy()
    scores[in_training] = crossed
    threshold = float(np.quantile(crossed[labels == 0], 1.0 - FALSE_FLAG_TARGET))
    return Scoring(estimator, in_training, scores, registered, threshold)


def measure(intake: Intake, scoring: Scoring) -> dict[str, float]:
    """Metrics over all listings, each judged by a model that never saw its brand; ``held_out`` ones by the registered
    model alone, whose threshold was set without them."""
    counterfeit = intake.is_counterfeit == 1
    held_out, flagged = ~scoring.in_training, scoring.flagged
    hash_distance = intake.features[:, FEATURES.index("phash_distance")]
    return {
        "roc_auc": float(roc_auc_score(counterfeit, scoring.scores)),
        "phash_auc": float(roc_auc_score(counterfeit, hash_distance)),
        "recall_at_5pct_false_flags": float(flagged[counterfeit].mean()),
        "false_flag_rate": float(flagged[~counterfeit].mean()),
        "decision_threshold": scoring.threshold,
        "roc_auc_held_out": float(roc_auc_score(counterfeit[held_out], scoring.scores[held_out])),
        "recall_held_out": float(flagged[counterfeit & held_out].mean()),
        "false_flag_rate_held_out": float(flagged[~counterfeit & held_out].mean()),
    }
