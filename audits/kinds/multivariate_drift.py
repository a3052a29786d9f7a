"""Multivariate drift: did the columns move together, even where no single one did?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

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
from audits.metrics.drift.distributions import CategoricalDistribution, column_distribution
from audits.metrics.drift.domain_classifier import Discrimination, discriminate
from audits.metrics.drift.reconstruction import Reconstruction, reconstruction
from audits.metrics.groups.sampled_rows import SAMPLE_ROWS, Sample, sample_rows
from audits.metrics.scores.encoding import Feature, column_features
from audits.tables import Column, ColumnType, Table, columns_to_examine

AUC = "domain-classifier-auc"
ERROR = "reconstruction-error"
DEVIATIONS = "reconstruction-deviations"
CHANGE = "reconstruction-change"
ROWS = "rows"
#: Name -> limit, and the value it must be above. Where they come from: see the reference page.
LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {AUC: (0.65, 0.5), DEVIATIONS: (3.0, 0.0), CHANGE: (0.05, 0.0), ROWS: (100.0, 99.0)}
)
#: Keeps the memory of wide tables bounded: rows times columns of each side.
SAMPLE_VALUES = 2_000_000
SHOWN_COLUMNS = 10
_MOST_TOLERANCE_USED = 100.0


@audit_kinds.register
class MultivariateDrift(AuditKind):
    slug = "multivariate-drift"
    label = "Multivariate drift"
    dimension = "drift"
    method = (
        "Cross-validated AUC of a domain classifier, and PCA reconstruction error against reference chunks"
    )
    needs_reference = True
    settings = Settings(limits={name: limit for name, (limit, _) in LIMITS.items()})
    words = {
        "domain-classifier-auc": Words(
            label="Domain classifier AUC",
            sentence="A classifier tells new rows from old ones with a success of {value}; guessing gives 0.5.",
        ),
        "reconstruction-error": Words(
            label="Reconstruction error",
            sentence="What is left when rows are rebuilt from the reference's patterns is {value}; it was {reference}.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        reference, current = audit_input.need_reference(), audit_input.current
        compared = _Comparison.read(reference, current, parameters, audit_input.seed)
        errored = [_errored(name, reason) for name, reason in compared.errors.items()]
        shortage = compared.shortage(limits[ROWS])
        if shortage:
            return [*errored, *(_insufficient(name, shortage, compared) for name in (AUC, ERROR))]
        is_current = np.arange(compared.reference_rows + compared.current_rows) >= compared.reference_rows
        told_apart = discriminate(compared.features, is_current, audit_input.seed)
        restored = reconstruction(compared.features, compared.reference_rows, audit_input.seed)
        return [
            *errored,
            _judged_auc(told_apart, limits[AUC], compared),
            _judged_error(restored, limits, compared),
        ]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_thresholds(LIMITS)
    limits = {name: parameters.threshold(name, limit) for name, (limit, _) in LIMITS.items()}
    for name, (_, above) in LIMITS.items():
        if limits[name] <= above:
            raise AuditInputError(f"threshold {name!r} is {limits[name]:g}; it must be above {above:g}")
    if limits[AUC] >= 1:
        raise AuditInputError(f"threshold {AUC!r} is {limits[AUC]:g}; it must be below 1")
    return limits


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What the two samples have in common, and what was left out of it and why."""

    features: list[Feature]
    reference_rows: int
    current_rows: int
    left_out: Mapping[str, str]
    errors: Mapping[str, str]

    @classmethod
    def read(cls, reference: Table, current: Table, parameters: AuditParameters, seed: int) -> _Comparison:
        names = columns_to_examine(parameters.columns, reference, current)
        common = [name for name in names if name in reference.names and name in current.names]
        if not common:
            raise AuditInputError(f"{reference.label} and {current.label} have no column in common")
        one_sided = _one_sided(names, reference, current)
        asked = bool(parameters.columns)
        most = max(1, min(SAMPLE_ROWS, SAMPLE_VALUES // len(common)))
        before = sample_rows(reference, common, (seed, 0), most)
        after = sample_rows(current, common, (seed, 1), most)
        columns = _Columns(before, after, reference.label, current.label, frozenset(parameters.columns))
        features, left_out, errors = columns.sorted_out(common, seed)
        return cls(
            features=features,
            reference_rows=before.rows,
            current_rows=after.rows,
            left_out=left_out if asked else {**one_sided, **left_out},
            errors={**one_sided, **errors} if asked else errors,
        )

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(feature.name for feature in self.features))

    def shortage(self, least: float) -> str:
        if min(self.reference_rows, self.current_rows) < least:
            return (
                f"{self.reference_rows} reference and {self.current_rows} current rows; "
                f"{least:g} of each are needed"
            )
        return "" if self.features else "no column varies and can be compared; left_out says why"

    @property
    def detail(self) -> dict[str, Any]:
        return {
            "reference_n": self.reference_rows,
            "columns": len(self.names),
            "left_out": dict(self.left_out),
        }


def _one_sided(names: list[str], reference: Table, current: Table) -> dict[str, str]:
    return {
        name: f"column {name!r} is not in {table.label}"
        for name in names
        for table in (reference, current)
        if name not in table.names
    }


@dataclass(frozen=True, slots=True)
class _Columns:
    """The common columns of two samples."""

    reference: Sample
    current: Sample
    reference_label: str
    current_label: str
    asked: frozenset[str]

    def sorted_out(self, names: list[str], seed: int) -> tuple[list[Feature], dict[str, str], dict[str, str]]:
        """Features to compare; columns left out because they say nothing; columns that should have been comparable."""
        features: list[Feature] = []
        left_out: dict[str, str] = {}
        errors: dict[str, str] = {}
        for place, name in enumerate(names):
            fault = self.reference.faults.get(name) or self.current.faults.get(name)
            if fault:
                errors[name] = fault
                continue
            before, after = self.reference.columns[name], self.current.columns[name]
            if reason := self._says_nothing(before, after):
                left_out[name] = reason
            elif reason := self._mismatch(before, after):
                errors[name] = reason
            else:
                found = [f for f in column_features(before, after, (seed, 2, place)) if not f.constant]
                features.extend(found)
                left_out.update({} if found else {name: "one value only in both tables"})
        return features, left_out, errors

    def _says_nothing(self, before: Column, after: Column) -> str:
        for label, column in ((self.reference_label, before), (self.current_label, after)):
            if len(column) and column.nulls == len(column):
                return f"no values in {label}"
        if ColumnType.DATETIME in (before.type, after.type) and before.name not in self.asked:
            return "a moment in time, which moves on by nature; name it in columns to compare it"
        if before.type is after.type and _names_rows(before) and _names_rows(after):
            return "names rows: too few rows share a value"
        return ""

    def _mismatch(self, before: Column, after: Column) -> str:
        name = before.name
        if before.type is not after.type:
            return (
                f"column {name!r} is {before.type} in {self.reference_label} but {after.type} in "
                f"{self.current_label}; give both the same type"
            )
        if before.type is ColumnType.EMBEDDING and before.vectors().shape[1] != after.vectors().shape[1]:
            return f"column {name!r} holds vectors of different lengths; give both those of one model"
        return ""


def _names_rows(column: Column) -> bool:
    """Categories with too few rows each, and whole numbers of which no two are the same."""
    if column.type is ColumnType.EMBEDDING:
        return False
    found = column_distribution(column)
    if isinstance(found, CategoricalDistribution):
        return found.sparse
    if column.type is not ColumnType.NUMERIC:
        return False
    return found.n > 1 and found.distinct == found.n and bool((found.values % 1 == 0).all())


def _errored(name: str, reason: str) -> Measurement:
    return Measurement(name="column", slice=name, verdict=Verdict.ERRORED, detail={"reason": reason})


def _insufficient(name: str, reason: str, compared: _Comparison) -> Measurement:
    return Measurement(
        name=name,
        n=compared.current_rows,
        verdict=Verdict.INSUFFICIENT,
        detail={**compared.detail, "reason": reason},
    )


def _judged_auc(found: Discrimination, limit: float, compared: _Comparison) -> Measurement:
    """Fail when the whole interval is beyond the limit, review when only the estimate is."""
    verdict = Verdict.FAIL if found.low >= limit else Verdict.REVIEW if found.auc >= limit else Verdict.PASS
    return Measurement(
        name=AUC,
        n=compared.current_rows,
        value=found.auc,
        low=found.low,
        high=found.high,
        threshold=limit,
        verdict=verdict,
        tolerance_used=max(0.0, (found.auc - 0.5) / (limit - 0.5)),
        detail={
            **compared.detail,
            "p": found.p,
            "importance": dict(list(found.importance.items())[:SHOWN_COLUMNS]),
        },
    )


def _judged_error(
    found: Reconstruction | None, limits: Mapping[str, float], compared: _Comparison
) -> Measurement:
    """Fail when the error is outside the reference's band and its change is large enough to matter."""
    if found is None:
        return _insufficient(ERROR, "fewer than two columns vary in the reference", compared)
    used = min(found.deviations / limits[DEVIATIONS], abs(found.change) / limits[CHANGE])
    reach = max(limits[DEVIATIONS] * found.deviation, limits[CHANGE] * found.reference_error)
    rises = found.error >= found.reference_error
    return Measurement(
        name=ERROR,
        n=compared.current_rows,
        value=found.error,
        low=found.low,
        high=found.high,
        threshold=found.reference_error + (reach if rises else -reach),
        verdict=Verdict.FAIL if used >= 1 else Verdict.PASS,
        tolerance_used=min(_MOST_TOLERANCE_USED, used),
        detail={
            **compared.detail,
            "reference": found.reference_error,
            "reference_deviation": found.deviation,
            "band_low": found.reference_error - limits[DEVIATIONS] * found.deviation,
            "band_high": found.reference_error + limits[DEVIATIONS] * found.deviation,
            "change": found.change,
            "chunks": found.chunks,
            "chunk_rows": found.chunk_rows,
            "components": found.components,
            "encoded_columns": found.columns,
        },
    )
