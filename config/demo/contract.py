"""What a reference model of the demo hands over: the fitted estimator, and every table that its audits will read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """A data asset as the register knows it.

    ``subject_key`` names the column that identifies a person (blank: none does). ``simulated`` says in one plain
    sentence what was simulated in these rows (blank: nothing); pages show it beside the data.
    """

    name: str
    description: str
    source: str
    owner: str
    lawful_basis: str = ""
    contains_personal_data: bool = False
    subject_key: str = ""
    simulated: str = ""
    sensitive_attributes: bool = False
    purpose: str = ""
    retention_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDraft:
    """One table to be registered as a snapshot of ``dataset`` in the given role.

    Roles: ``training`` (rows learned from), ``reference`` and ``current`` (model inputs then and now),
    ``predictions`` (held-out rows with truth, prediction, baseline and groups), ``members`` and ``non-members``
    (rows seen and not seen in training, scored alike), ``labels`` (what came of the current rows, by id),
    ``attributes`` (what people declared about themselves, kept apart), ``consent``, ``contacts`` (what was sent to them),
    ``lists`` (ranked lists, a row for each place), ``images`` and ``catalogue`` (pictures, and those they may copy).
    """

    role: str
    dataset: DatasetCard
    table: pa.Table
    window: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """A model's inputs as they would arrive in service: one table per window, oldest first."""

    dataset: DatasetCard
    tables: tuple[tuple[tuple[date, date], pa.Table], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """An audit to be planned beside those that the model's kind requires, in the words of ``plan_create``."""

    kind: str
    name: str
    data_window: str = "snapshot"
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceModel:
    """A trained model with its evidence data.

    ``estimator`` is a scikit-learn object that skops can save without untrusted types. ``metrics`` are computed on
    held-out data. ``audit_parameters`` maps a required audit's slug to ``AuditParameters.from_json`` input; ``plans`` are
    further audits. ``arrivals`` is None for a model whose inputs do not come with time.
    """

    name: str
    kind: str
    description: str
    estimator: Any
    metrics: Mapping[str, float]
    snapshots: tuple[SnapshotDraft, ...]
    audit_parameters: Mapping[str, Mapping[str, Any]]
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    arrivals: Arrivals | None = None
    plans: tuple[PlanDraft, ...] = ()
