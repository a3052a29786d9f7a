"""Which settings the plan editor offers for each kind of audit, with the defaults of the kind itself.

A kind says in ``settings`` what it offers, or is listed here. One that does neither can be planned all the same: its limits are then written as ``name = number``, one a line,
with the names that its reference page gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from audits.kinds import (
    Settings,
    anonymity,
    arrival,
    audit_kinds,
    calibration,
    concept_drift,
    counterfeit_disparity,
    data_drift,
    data_quality,
    estimated_performance,
    exposure_disparity,
    forecast_disparity,
    group_disparity,
    intersectional_disparity,
    item_exposure,
    membership_inference,
    multivariate_drift,
    performance,
    prediction_drift,
    representation,
    segment_disparity,
    segment_stability,
)
from audits.metrics.drift.effects import CLIPPED_WASSERSTEIN, EFFECTS, JENSEN_SHANNON
from audits.metrics.drift.methods import METHODS
from audits.metrics.scores.ranking import CUTOFF
from audits.verdicts import disparities

#: Parameters that hold several columns.
SEVERAL = frozenset({"columns", "sensitive", "quasi_identifiers", "strata"})

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "columns": "Columns",
        "sensitive": "Groups by",
        "strata": "Compare within, too",
        "intersections": "Combinations of groups",
        "references": "Reference groups",
        "roles": "Other columns",
        "population": "Reference population",
        "y_true": "What happened",
        "y_pred": "What was predicted",
        "labels_id": "Identifier of a prediction",
        "baseline": "Naive prediction",
        "entity": "Independent unit",
        "purpose": "Purpose",
        "quasi_identifiers": "Quasi-identifiers",
        "sensitive_value": "Sensitive value",
        CLIPPED_WASSERSTEIN: "Effect on numbers",
        JENSEN_SHANNON: "Effect on categories",
        data_drift.SHARE: "Share of moved columns",
        data_drift.ROWS: "Rows needed",
        data_quality.ROW_COUNT: "Rows needed",
        data_quality.MISSING: "Missing values",
        data_quality.INFINITE: "Infinite values",
        data_quality.NEW: "New categories",
        data_quality.OUT_OF_RANGE: "Values out of range",
        "tolerance": "Smallest ratio tolerated",
        "alpha": "Significance level",
        "min_n": "Rows of a group needed",
        "min_expected": "Expected count needed",
        "decision": "Score that counts as a yes",
        "cutoff": "Places of a list that count",
        "fair_alpha": "Level of the test of fair lists",
        "min_images": "Images needed",
        "quantile": "Quantile of the forecast",
        "unreviewed": "Share of labels that may be missing",
        "reference-tolerance": "Tolerated loss against the reference",
        "share-below-k": "Share of rows in small classes",
        "stable": "Stable from",
        "doubtful": "Doubtful from",
    }
)

#: Our ``tvd`` is the distance; Evidently's own, a p-value, is ``tvd_p``.
_DRIFT_METHODS = ("evidently", *METHODS, *(f"evidently:{name}" for name in METHODS if name != "tvd"))


def _bias(
    own: Mapping[str, float], *columns: str, roles: tuple[str, ...] = (), methods: tuple[str, ...] = ()
) -> Settings:
    """A kind that compares groups of rows."""
    return Settings(
        limits={**disparities.DEFAULTS, **own},
        columns=("sensitive", "y_true", "y_pred", "entity", "strata", *columns),
        methods=methods,
        lines=("intersections", "references", *(["roles"] if roles else [])),
        roles=roles,
    )


def _of_lists(own: Mapping[str, float], roles: tuple[str, ...], *lines: str) -> Settings:
    """A kind that reads ranked lists, a row for each place."""
    return Settings(
        limits={**disparities.DEFAULTS, "cutoff": CUTOFF, **own},
        columns=("sensitive", "strata"),
        lines=("roles", *lines),
        roles=roles,
    )


FIELDS: Mapping[str, Settings] = MappingProxyType(
    {
        "data-drift": Settings(
            limits={
                **EFFECTS,
                data_drift.SHARE: data_drift.DEFAULT_SHARE,
                data_drift.ROWS: data_drift.DEFAULT_ROWS,
            },
            methods=_DRIFT_METHODS,
        ),
        "prediction-drift": Settings(
            limits={**EFFECTS, prediction_drift.ROWS: prediction_drift.DEFAULT_ROWS},
            columns=("y_pred",),
            methods=_DRIFT_METHODS,
        ),
        "multivariate-drift": Settings(
            limits={name: limit for name, (limit, _) in multivariate_drift.LIMITS.items()}
        ),
        "concept-drift": Settings(limits=concept_drift.DEFAULTS, columns=("y_true", "y_pred")),
        "schema": Settings(),
        "arrival": Settings(limits=arrival.DEFAULTS),
        "calibration": Settings(
            limits=dict.fromkeys(calibration.LIMITS, calibration.ECE_LIMIT),
            columns=("y_true", "y_pred", "labels_id", "entity"),
        ),
        "estimated-performance": Settings(
            limits=estimated_performance.DEFAULTS, columns=("y_true", "y_pred"), free_limits=True
        ),
        "data-quality": Settings(limits=data_quality.DEFAULT_THRESHOLDS),
        "group-disparity": _bias(group_disparity.OWN_THRESHOLDS, methods=("fisher",)),
        "intersectional-disparity": Settings(
            limits={**disparities.DEFAULTS, **intersectional_disparity.OWN_THRESHOLDS},
            columns=("sensitive", "y_true", "y_pred"),
        ),
        "forecast-disparity": _bias(
            forecast_disparity.OWN_THRESHOLDS, "baseline", roles=forecast_disparity.ROLES
        ),
        "segment-disparity": Settings(
            limits=disparities.DEFAULTS,
            columns=("sensitive", "y_pred", "entity", "strata", "columns"),
            columns_help="A row that lacks one of them counts as having missing features.",
            methods=("fisher",),
            lines=("intersections", "references", "roles"),
            roles=segment_disparity.ROLES,
        ),
        "counterfeit-disparity": _bias(
            counterfeit_disparity.OWN_THRESHOLDS, roles=counterfeit_disparity.ROLES, methods=("fisher",)
        ),
        "exposure-disparity": _of_lists({}, (*exposure_disparity.NEEDED, *exposure_disparity.OPTIONAL)),
        "item-exposure": _of_lists(
            item_exposure.OWN_THRESHOLDS, (*item_exposure.NEEDED, *item_exposure.OPTIONAL), "population"
        ),
        "representation": Settings(
            limits={**disparities.DEFAULTS, "min_images": representation.MIN_IMAGES},
            columns=("sensitive",),
            free_limits=True,
            lines=("population", "roles"),
            roles=representation.ROLES,
        ),
        "performance": Settings(
            limits={"decision": 0.5, "reference-tolerance": performance.REFERENCE_TOLERANCE},
            columns=("y_true", "y_pred", "labels_id", "baseline", "entity"),
            free_limits=True,  # any of its metrics may have a limit
        ),
        "membership-inference": Settings(
            limits={name: limit for name, (limit, _) in membership_inference.LIMITS.items()},
            columns=("y_true", "y_pred"),
            methods=membership_inference.METHODS,
        ),
        "anonymity": Settings(
            limits=anonymity.DEFAULTS,
            columns=("quasi_identifiers", "sensitive_value"),
            methods=anonymity.METHODS,
        ),
        "segment-stability": Settings(
            limits={"stable": segment_stability.STABLE, "doubtful": segment_stability.DOUBTFUL},
            columns=("y_pred", "columns"),
        ),
    }
)
_OTHER = Settings(columns=("columns", "y_true", "y_pred", "entity"), free_limits=True)


def fields_of(kind: str) -> Settings:
    """What the editor offers for a kind; for one that nobody described, everything that any kind may be told."""
    return audit_kinds.get(kind).settings or FIELDS.get(kind, _OTHER)


def label_of(name: str) -> str:
    """A setting's name as a person reads it."""
    return LABELS.get(name) or name.replace("-", " ").replace("_", " ").capitalize()
