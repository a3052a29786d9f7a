"""Does what the model says of a person give away a sensitive attribute of that person?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    Words,
    audit_kinds,
)
from audits.metrics.groups.sampled_rows import SAMPLE_ROWS, Sample, sample_rows
from audits.metrics.privacy.attribute_attack import FOLDS, Gain, attribute_attack
from audits.metrics.scores.encoding import Feature, column_features
from audits.metrics.scores.scored_rows import column_codes
from audits.metrics.statistics.resampling import Ints
from audits.tables import Column, ColumnType, TableError
from audits.verdicts.privacy.beyond_limit import Gained, judged_together, too_few

AUC, ACCURACY, BY_GROUP = "auc-gain", "balanced-accuracy-gain", "group-auc-gain"
LIMITS: Mapping[str, float] = MappingProxyType({AUC: 0.05, ACCURACY: 0.05})
MIN_CLASS_ROWS = 30
MOST_CLASSES = 20
_REMEDY = (
    "publish coarser outputs (labels or bands instead of scores), limit who sees them, or train without inputs "
    "that stand for the attribute"
)


@audit_kinds.register
class AttributeInference(AuditKind):
    slug = "attribute-inference"
    label = "Attribute inference"
    dimension = "privacy"
    method = (
        "Gain of a cross-validated attacker who sees the model's output over one who does not (Yeom et al. 2018; "
        "Fredrikson et al. 2014), in AUC and balanced accuracy"
    )
    reads = ("predictions", "")
    settings = Settings(
        limits=LIMITS,
        columns=("sensitive", "y_pred", "columns", "quasi_identifiers", "entity"),
        columns_help="Further outputs of the model, such as the score of each class.",
        labels={AUC: "Gain in AUC", ACCURACY: "Gain in balanced accuracy"},
    )
    words = {
        AUC: Words(
            label="What the output adds to guessing (AUC)",
            sentence="Seeing the model's output, an attacker ranks people by {slice} better by {value}: {with_model} "
            "instead of {without_model}.",
        ),
        ACCURACY: Words(
            label="What the output adds to guessing",
            sentence="Seeing the model's output, an attacker guesses {slice} right more often by {value}.",
            unit="share",
        ),
        BY_GROUP: Words(
            label="What the output adds, by group",
            sentence="For {group}, the attacker's ranking gains {value}.",
        ),
        "attribute-inference": Words(label="Attribute that could not be attacked"),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        rows = _Rows.read(audit_input)
        gains: list[Gained] = []
        others: list[Measurement] = []
        for name in parameters.sensitive:
            try:
                found, beside = _attacked(name, rows, parameters, limits, audit_input.seed)
            except TableError as error:
                found, beside = [], [_errored(name, str(error))]
            gains += found
            others += beside
        return [*judged_together(gains), *others]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    if not parameters.sensitive:
        raise AuditInputError(
            "attribute inference needs sensitive: the attributes that nobody should be able to guess"
        )
    outputs = _outputs(parameters)
    if not outputs:
        raise AuditInputError(
            "attribute inference needs y_pred, or columns: what the model says of each person"
        )
    for name in parameters.sensitive:
        if name in outputs:
            raise AuditInputError(
                f"column {name!r} is both an output of the model and sensitive; name it once"
            )
    for name in parameters.quasi_identifiers:
        if name in outputs:
            raise AuditInputError(
                f"column {name!r} is both an output of the model and known to the attacker; name it once"
            )
    if parameters.method:
        raise AuditInputError(
            f"unknown method {parameters.method!r}; attribute inference has one only, leave it out"
        )
    if parameters.roles:
        raise AuditInputError(f"unknown role {min(parameters.roles)!r}; attribute inference knows none")
    parameters.refuse_other_thresholds(LIMITS)
    limits = {name: parameters.threshold(name, limit) for name, limit in LIMITS.items()}
    for name, limit in limits.items():
        if not 0 < limit < 1:
            raise AuditInputError(f"threshold {name!r} must lie between 0 and 1")
    return limits


def _outputs(parameters: AuditParameters) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*([parameters.y_pred] if parameters.y_pred else []), *parameters.columns]))


@dataclass(frozen=True, slots=True)
class _Rows:
    """A sample of the table's rows: what the model says, what the attacker knows, and the independent unit."""

    sample: Sample
    outputs: tuple[Feature, ...]
    known: tuple[Feature, ...]
    units: Ints | None

    @classmethod
    def read(cls, audit_input: AuditInput) -> _Rows:
        parameters, seed = audit_input.parameters, audit_input.seed
        outputs, known = _outputs(parameters), parameters.quasi_identifiers
        entity = (parameters.entity,) if parameters.entity else ()
        names = list(dict.fromkeys([*outputs, *known, *entity, *parameters.sensitive]))
        sample = sample_rows(audit_input.current, names, (seed, 0), SAMPLE_ROWS)
        if not sample.rows:
            raise AuditInputError(f"{audit_input.current.label} has no rows")
        for name in (*outputs, *known, *entity):
            if name in sample.faults:
                raise AuditInputError(sample.faults[name])
        units = column_codes(sample.columns[entity[0]])[0] if entity else None
        return cls(sample, _features(sample, outputs, seed), _features(sample, known, seed), units)

    @property
    def detail(self) -> dict[str, Any]:
        return {"rows": self.sample.rows, "table_rows": self.sample.table_rows}


def _features(sample: Sample, names: tuple[str, ...], seed: int) -> tuple[Feature, ...]:
    out: list[Feature] = []
    for place, name in enumerate(names):
        column = sample.columns[name]
        none = Column(column.name, column.type, column.data.slice(0, 0))
        out += [f for f in column_features(column, none, (seed, 1, place)) if not f.constant]
    return tuple(out)


def _attacked(
    name: str, rows: _Rows, parameters: AuditParameters, limits: Mapping[str, float], seed: int
) -> tuple[list[Gained], list[Measurement]]:
    """The two gains of one attribute, and what stands beside them."""
    codes, names = _classes(name, rows)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    units = _units_of_class(codes, rows.units, len(names))
    usable = np.flatnonzero((counts >= MIN_CLASS_ROWS) & (units >= FOLDS))
    few = [
        too_few(BY_GROUP, f"{name}={names[k]}", int(counts[k]), None, _why_few(int(counts[k]), int(units[k])))
        for k in range(len(names))
        if k not in usable
    ]
    if len(usable) < 2:
        reason = f"fewer than two groups of {name!r} have {MIN_CLASS_ROWS} rows; give more rows"
        short = [too_few(metric, name, int(counts.sum()), limits[metric], reason) for metric in LIMITS]
        return [], [*short, *few]
    place = np.full(len(names) + 1, -1)
    place[usable] = np.arange(len(usable))
    target = place[codes]
    kept = target >= 0
    known = [f for f in rows.known if f.name != name]
    found = attribute_attack(
        [_only(f, kept) for f in known],
        [_only(f, kept) for f in rows.outputs],
        target[kept],
        None if rows.units is None else rows.units[kept],
        seed,
    )
    detail = {
        **rows.detail,
        "groups": len(usable),
        "dropped_rows": int((~kept).sum()),
        "majority": float(counts[usable].max() / counts[usable].sum()),
        "known_columns": len({f.name for f in known}),
        "output_columns": len({f.name for f in rows.outputs}),
    }
    n = int(kept.sum())
    gains = [
        _gained(metric, name, n, gain, limits[metric], detail)
        for metric, gain in ((AUC, found.auc), (ACCURACY, found.balanced_accuracy))
    ]
    told = [
        _described(f"{name}={names[k]}", int(counts[k]), gain)
        for k, gain in zip(usable, found.by_class, strict=True)
    ]
    return gains, [*told, *few]


def _classes(name: str, rows: _Rows) -> tuple[Ints, list[str]]:
    if name in rows.sample.faults:
        raise TableError(rows.sample.faults[name])
    column = rows.sample.columns[name]
    if column.nulls == len(column):
        raise TableError(f"column {name!r} has no values; every row is empty")
    if column.type is ColumnType.EMBEDDING:
        raise TableError(f"column {name!r} holds vectors; name a column of groups")
    codes, names = column_codes(column)
    if len(names) > MOST_CLASSES:
        raise TableError(
            f"column {name!r} has more than {MOST_CLASSES} values; put them into bands or fewer groups"
        )
    return codes, names


def _units_of_class(codes: Ints, units: Ints | None, classes: int) -> Ints:
    """How many independent units each class has."""
    if units is None:
        return np.bincount(codes[codes >= 0], minlength=classes)
    own = np.where(units < 0, units.max(initial=-1) + 1 + np.arange(len(units)), units)
    pairs = np.unique(np.stack([codes, own])[:, codes >= 0], axis=1)
    return np.bincount(pairs[0], minlength=classes)


def _why_few(rows: int, units: int) -> str:
    if rows < MIN_CLASS_ROWS:
        return f"{rows} rows; at least {MIN_CLASS_ROWS} are needed, so these rows were left out of the attack"
    return (
        f"{units} independent units; at least {FOLDS} are needed, so these rows were left out of the attack"
    )


def _only(feature: Feature, kept: npt.NDArray[np.bool_]) -> Feature:
    return Feature(feature.name, feature.values[kept], feature.categorical)


def _gained(metric: str, name: str, n: int, gain: Gain, limit: float, detail: Mapping[str, Any]) -> Gained:
    low, high = gain.interval
    return Gained(
        name=metric,
        slice=name,
        n=n,
        value=gain.value,
        low=low,
        high=high,
        p=gain.p_above(limit),
        limit=limit,
        guessing=0.0,
        remedy=_REMEDY,
        detail={**detail, "with_model": gain.with_model, "without_model": gain.without_model},
    )


def _described(group: str, n: int, gain: Gain) -> Measurement:
    low, high = gain.interval
    reached = {"with_model": gain.with_model, "without_model": gain.without_model}
    return Measurement(
        name=BY_GROUP,
        slice=group,
        n=n,
        value=gain.value,
        low=low,
        high=high,
        verdict=Verdict.PASS,
        detail={"role": "descriptive", **reached},
    )


def _errored(name: str, reason: str) -> Measurement:
    return Measurement(
        name="attribute-inference", slice=name, verdict=Verdict.ERRORED, detail={"reason": reason}
    )
