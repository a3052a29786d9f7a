"""The tables that the audits of ``counterfeit-detection`` read, and the parameters they are read with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from config.demo.contract import DatasetCard, PlanDraft, SnapshotDraft
from config.demo.input_audits import input_parameters
from config.demo.listing_intake import Intake
from config.demo.mark_features import FEATURES, Floats
from config.demo.marks import Brand

LEAST_AUC = 0.9

SIMULATED = (
    "The brand marks are real, but every listing is simulated: copies are marks altered by a program, photos are "
    "marks with computed pose, blur, light, noise and compression, and both intakes come from the same process."
)
LISTINGS = DatasetCard(
    name="marketplace-listings",
    description=(
        "Simulated listings of real brands: how far the photographed mark lies from the catalogue's, with the label "
        "and the photo's quality. No pictures are kept."
    ),
    source="brand marks of simple-icons-pack; trademarks remain their owners'",
    owner="Brand protection",
    simulated=SIMULATED,
)
OUTCOMES = replace(
    LISTINGS,
    name="listing-outcomes",
    description="What listings of the later intake turned out to be, by listing: known only after they were scored.",
)
_SCORED = {"y_true": "is_counterfeit", "y_pred": "score"}


class Scores(Protocol):
    """What the tables need to know of a scored intake."""

    @property
    def in_training(self) -> npt.NDArray[np.bool_]: ...

    @property
    def scores(self) -> Floats: ...

    @property
    def registered_scores(self) -> Floats: ...

    @property
    def flagged(self) -> npt.NDArray[np.bool_]: ...


def snapshots(
    brands: Sequence[Brand], earlier: Intake, scored: Scores, later: Intake, later_scores: Floats
) -> tuple[SnapshotDraft, ...]:
    """All snapshots of the model: what it learned from, its inputs then and now, how it scored, and what came of it."""
    inputs, learned = _input_table(brands, earlier), _label_columns(earlier)
    training = inputs
    for name, values in learned.items():
        training = training.append_column(name, values)
    for name, values in _origin_columns(brands, earlier).items():
        training = training.append_column(name, values)
    tables = {
        "training": training.filter(pa.array(scored.in_training)),
        "reference": inputs,
        "current": _input_table(brands, later).append_column("score", pa.array(later_scores)),
        "predictions": _prediction_table(brands, earlier, scored),
        "members": _score_table(earlier, scored.registered_scores, scored.in_training),
        "non-members": _score_table(earlier, scored.registered_scores, ~scored.in_training),
    }
    drafts = [SnapshotDraft(role=role, dataset=LISTINGS, table=table) for role, table in tables.items()]
    return (*drafts, SnapshotDraft(role="labels", dataset=OUTCOMES, table=_outcome_table(later)))


def audit_parameters(decision_threshold: float) -> dict[str, dict[str, Any]]:
    """Settings by audit kind, in the form that ``AuditParameters.from_json`` reads.

    Ids and brands are left out of drift: the later intake holds fewer brands on purpose.
    """
    inputs = [*FEATURES, "photo_quality", "industry"]
    return {
        **input_parameters(inputs),
        "performance": {
            **_SCORED,
            "task": "classification",
            "baseline": "phash_score",
            "entity": "brand",
            "thresholds": {"roc-auc": LEAST_AUC, "decision": decision_threshold},
        },
        "calibration": {**_SCORED, "entity": "brand"},
        "counterfeit-disparity": {
            "y_true": "is_counterfeit",
            "y_pred": "flagged",
            "sensitive": ["photo_quality", "industry"],
            "entity": "brand",
        },
        "group-disparity": {
            "y_true": "is_counterfeit",
            "y_pred": "flagged",
            "sensitive": ["photo_quality", "industry"],
        },
        "membership-inference": dict(_SCORED),
    }


def plans(decision_threshold: float) -> tuple[PlanDraft, ...]:
    """Audits of the scores of the later intake: before its labels are in, and after."""
    return (
        PlanDraft(kind="prediction-drift", name="Scores of the later intake", parameters={"y_pred": "score"}),
        PlanDraft(
            kind="estimated-performance",
            name="The later intake, before labels are in",
            parameters={**_SCORED, "thresholds": {"decision": decision_threshold}},
        ),
        PlanDraft(
            kind="concept-drift",
            name="The later intake, when labels are in",
            parameters={**_SCORED, "labels_id": "listing_id"},
        ),
        PlanDraft(
            kind="intersectional-disparity",
            name="Sellers who are flagged most",
            parameters={
                "y_true": "is_counterfeit",
                "y_pred": "flagged",
                "sensitive": ["photo_quality", "industry"],
            },
        ),
        PlanDraft(
            kind="mitigation",
            name="What could be done for poor photos",
            parameters={
                **_SCORED,
                "sensitive": ["photo_quality"],
                "entity": "brand",
                "thresholds": {"decision": decision_threshold},
            },
        ),
        PlanDraft(
            kind="image-provenance",
            name="Licences of the marks",
            parameters={"roles": {"licence": "licence", "source": "source"}},
        ),
    )


def _input_table(brands: Sequence[Brand], intake: Intake) -> pa.Table:
    measured = {name: intake.features[:, number] for number, name in enumerate(FEATURES)}
    return pa.table({**_describing_columns(brands, intake), **measured})


def _describing_columns(brands: Sequence[Brand], intake: Intake) -> dict[str, pa.Array]:
    return {
        "listing_id": pa.array(intake.listing_ids()),
        "brand": pa.array([brands[i].title for i in intake.brand]),
        "industry": pa.array([brands[i].industry for i in intake.brand]),
        "photo_quality": pa.array(intake.quality.tolist()),
    }


def _origin_columns(brands: Sequence[Brand], intake: Intake) -> dict[str, pa.Array]:
    """Under which licence, and from where, the mark came that a listing shows or copies."""
    return {
        "licence": pa.array([brands[i].licence for i in intake.brand]),
        "source": pa.array([brands[i].source for i in intake.brand]),
    }


def _label_columns(intake: Intake) -> dict[str, pa.Array]:
    return {
        "is_counterfeit": pa.array(intake.is_counterfeit),
        "alteration": pa.array([name or None for name in intake.alteration.tolist()], type=pa.string()),
    }


def _outcome_table(intake: Intake) -> pa.Table:
    return pa.table({"listing_id": pa.array(intake.listing_ids()), "is_counterfeit": intake.is_counterfeit})


def _prediction_table(brands: Sequence[Brand], intake: Intake, scored: Scores) -> pa.Table:
    scored_by = np.where(scored.in_training, "cross-validation", "registered model")
    return pa.table(
        {
            **_describing_columns(brands, intake),
            **_label_columns(intake),
            "score": scored.scores,
            "flagged": scored.flagged.astype(np.int64),
            "phash_score": intake.features[:, FEATURES.index("phash_distance")],
            "scored_by": pa.array(scored_by.tolist()),
        }
    )


def _score_table(intake: Intake, scores: Floats, rows: npt.NDArray[np.bool_]) -> pa.Table:
    table = pa.table({"is_counterfeit": intake.is_counterfeit, "score": scores})
    return table.filter(pa.array(rows))
