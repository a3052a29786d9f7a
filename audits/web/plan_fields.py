"""What the settings of a plan are called, and which of them the editor offers for a kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from audits.kinds import AuditKind, Settings
from audits.metrics.drift.effects import CLIPPED_WASSERSTEIN, JENSEN_SHANNON

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
    }
)

_OTHER = Settings(columns=("columns", "y_true", "y_pred", "entity"), free_limits=True)


def settings_of(kind: AuditKind) -> Settings:
    """What the editor offers for a kind; for one that says nothing, everything that any kind may be told."""
    return kind.settings or _OTHER


def label_of(name: str) -> str:
    """A setting's name as a person reads it."""
    return LABELS.get(name) or name.replace("-", " ").replace("_", " ").capitalize()


def known_parameters(shown: Settings, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan of one kind can take over from a run of another: all that its own settings offer."""
    named = {*shown.columns, *shown.texts, *shown.lines}
    kept = {name: value for name, value in parameters.items() if name in named}
    if isinstance(kept.get("roles"), Mapping):
        kept["roles"] = {role: column for role, column in kept["roles"].items() if role in shown.roles}
    if parameters.get("method") in shown.methods:
        kept["method"] = parameters["method"]
    limits = parameters.get("thresholds")
    if isinstance(limits, Mapping):
        kept["thresholds"] = {name: value for name, value in limits.items() if name in shown.limits}
    return kept
