"""Which snapshots need a profile, and what of a profile may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet

from audits.models import SnapshotProfile
from audits.profiles import FORMAT_VERSION, CategoricalProfile, ColumnProfile, TableProfile, TextProfile
from governance.models import Dataset, DatasetSnapshot
from models_registry.models import ModelVersion, VersionSnapshot

#: A value that fewer rows share is not shown by itself.
FEWEST_ROWS = 10
#: So many categories are listed.
MOST_CATEGORIES = 50
Role = VersionSnapshot.Role
#: Nothing is compared with these over time, and of sensitive attributes nobody may see a distribution.
NOT_PROFILED = (Role.ATTRIBUTES, Role.CONSENT, Role.IMAGES, Role.CATALOGUE)


def snapshots_unprofiled(version: ModelVersion | None = None) -> QuerySet[DatasetSnapshot]:
    """Snapshots that a version has in a role, or that are partitions of its monitored dataset, without a profile.

    Of one version or of all; newest first.
    """
    versions = ModelVersion.objects.all() if version is None else ModelVersion.objects.filter(pk=version.pk)
    in_roles = VersionSnapshot.objects.filter(version__in=versions).exclude(role__in=NOT_PROFILED)
    monitored = versions.filter(monitored_dataset__isnull=False).values("monitored_dataset")
    profiled = SnapshotProfile.objects.filter(format_version=FORMAT_VERSION).values("snapshot")
    wanted = Q(pk__in=in_roles.values("snapshot")) | Q(dataset__in=monitored, window_start__isnull=False)
    return DatasetSnapshot.objects.filter(wanted).exclude(pk__in=profiled).order_by("-registered_at", "-pk")


def snapshot_wanted(snapshot: DatasetSnapshot) -> bool:
    """Whether a snapshot is a partition of a dataset that some version is monitored on."""
    if snapshot.window_start is None:
        return False
    return ModelVersion.objects.filter(monitored_dataset=snapshot.dataset_id).exists()


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """What may be told of one column."""

    name: str
    type: str
    statistics: dict[str, Any]


def columns_described(profile: TableProfile, dataset: Dataset | None = None) -> list[ColumnDescription]:
    """Descriptive statistics of every profiled column, without what would point at a person.

    Nothing but counts is told of a column with fewer than ``FEWEST_ROWS`` values, or of the one that identifies the
    dataset's people. Categories of fewer rows are counted together. Where the dataset has personal data, extremes are
    withheld: they are single rows. (Threshold rule and top coding: Hundepool et al. 2012, "Statistical Disclosure
    Control".)

    Parameters
    ----------
    profile : TableProfile
    dataset : Dataset, optional
        What the rows belong to; None for a file that is not registered.
    """
    return [
        ColumnDescription(name, str(column.type), _statistics(column, _told(name, column, dataset)))
        for name, column in profile.columns.items()
    ]


class _Told(StrEnum):
    """How much of a column is told."""

    COUNTS = "counts"
    SHAPE = "shape"
    EXTREMES = "extremes"


def _told(name: str, column: ColumnProfile, dataset: Dataset | None) -> _Told:
    if column.n < FEWEST_ROWS or (dataset is not None and name == dataset.subject_key):
        return _Told.COUNTS
    return _Told.SHAPE if dataset is not None and dataset.contains_personal_data else _Told.EXTREMES


def _statistics(column: ColumnProfile, told: _Told) -> dict[str, Any]:
    described = column.describe()
    if told is _Told.COUNTS:
        return {name: described[name] for name in ("rows", "nulls", "n")}
    if told is _Told.SHAPE:
        described = _without_extremes(described)
    for name in ("hours", "weekdays"):
        if name in described:
            described[name] = [
                count if count == 0 or count >= FEWEST_ROWS else None for count in described[name]
            ]
    categories = _categories_of(column)
    return described if categories is None else {**described, **_categories(categories)}


def _without_extremes(described: dict[str, Any]) -> dict[str, Any]:
    """Without the lowest and highest values, and quantiles that as few rows lie beyond."""
    kept = {name: value for name, value in described.items() if name not in ("low", "high")}
    for name, value in kept.items():
        if name == "quantiles":
            kept[name] = {q: v for q, v in value.items() if _shared(float(q), described["n"])}
        elif isinstance(value, dict):
            kept[name] = _without_extremes(value)
    return kept


def _shared(quantile: float, n: int) -> bool:
    return round(min(quantile, 1 - quantile) * n, 6) >= FEWEST_ROWS


def _categories_of(column: ColumnProfile) -> CategoricalProfile | None:
    if isinstance(column, TextProfile):
        return column.categories
    return column if isinstance(column, CategoricalProfile) else None


def _categories(profile: CategoricalProfile) -> dict[str, Any]:
    """The most frequent categories, and how many rows the rare ones have together."""
    if profile.folded:
        return {"categories": [], "rare_rows": None}
    counts = profile.counts
    frequent = [
        place
        for place in np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
        if counts[place] >= FEWEST_ROWS
    ]
    return {
        "categories": [{"value": profile.names[place], "rows": int(counts[place])} for place in frequent],
        "rare_rows": int(counts[counts < FEWEST_ROWS].sum()),
    }
