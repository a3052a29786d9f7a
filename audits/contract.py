"""What an audit kind is given, what it answers, and what it must be able to do.

A kind is pure: it gets its data in an ``AuditInput`` and never queries, writes or schedules. It answers with
``Measurement``s. The verdict of a run is the worst verdict among them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar

from audits.presentation import Settings, Words
from audits.tables import Table


class Verdict(StrEnum):
    """What a measurement means. Never ``PASS`` for want of data: that is ``INSUFFICIENT`` or ``ERRORED``."""

    PASS = "pass"  # noqa: S105 (a verdict)
    REVIEW = "review"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    ERRORED = "errored"


#: Worst first. A run whose every measurement is insufficient is insufficient; a run without any is errored.
SEVERITY = (Verdict.FAIL, Verdict.ERRORED, Verdict.REVIEW, Verdict.INSUFFICIENT, Verdict.PASS)


class AuditInputError(ValueError):
    """The data or the parameters do not allow this audit; the message names the column and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditParameters:
    """What an audit is told about its data. Stored as JSON with the plan and copied into each run.

    ``columns`` narrows an audit to some columns (empty: all it can use). ``entity`` names the column of the
    independent unit (customer, store, seller) that intervals resample. ``labels_id`` names the column by which labels
    that come later find their prediction. ``thresholds`` overrides a kind's defaults
    by name; unknown names are refused by the kind.

    ``intersections`` are combinations of sensitive columns to be compared as groups (``age*income``); ``references``
    names, per sensitive column, the group that all others are compared with (else: with everybody else). ``strata`` are
    columns that may explain a disparity: groups are then also compared within them. ``roles`` maps what else a kind reads
    to a column. ``population`` is a declared reference population: the share of each ``column=group``.
    ``purpose`` is what the data are used for, in the words of the consent or the declaration.
    ``attributes_key`` names the column by which a separate file of sensitive attributes is joined.
    """

    columns: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    y_true: str | None = None
    y_pred: str | None = None
    baseline: str | None = None
    entity: str | None = None
    quasi_identifiers: tuple[str, ...] = ()
    sensitive_value: str | None = None
    method: str | None = None
    task: str | None = None
    labels_id: str | None = None
    purpose: str | None = None
    attributes_key: str | None = None
    intersections: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    population: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> AuditParameters:
        """Build from stored JSON. Raises ``AuditInputError`` that names a field it does not know or cannot use."""
        known = cls.__dataclass_fields__
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise AuditInputError(f"unknown parameter {unknown[0]!r}; known: {', '.join(sorted(known))}")
        checked: dict[str, Any] = {}
        for name, value in values.items():
            checked[name] = _checked_parameter(name, value)
        return cls(**checked)

    def to_json(self) -> dict[str, Any]:
        """Only what was set, in JSON types."""
        out: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value:
                out[name] = _as_json(value)
        return out

    @property
    def named_columns(self) -> frozenset[str]:
        """Every column that is named, in whichever parameter."""
        lists = (
            self.columns,
            self.sensitive,
            self.strata,
            self.quasi_identifiers,
            tuple(self.roles.values()),
        )
        single = (self.y_true, self.y_pred, self.baseline, self.entity, self.labels_id, self.sensitive_value)
        return frozenset(name for names in (*lists, single) for name in names if name)

    def refuse_other_thresholds(self, known: Iterable[str]) -> None:
        """Raise ``AuditInputError`` for a threshold that the kind does not know, and list those that it does."""
        _refuse_others("threshold", self.thresholds, known)

    def refuse_other_roles(self, known: Iterable[str]) -> None:
        """Raise ``AuditInputError`` for a role that the kind does not read, and list those that it does."""
        _refuse_others("role", self.roles, known)

    def threshold(self, name: str, default: float) -> float:
        return float(self.thresholds.get(name, default))


def _refuse_others(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise AuditInputError(f"unknown {what} {unknown[0]!r}; known: {', '.join(known)}")


_LISTS = frozenset({"columns", "sensitive", "quasi_identifiers", "intersections", "strata"})
_NUMBERS = frozenset({"thresholds", "population"})
_NAMES = frozenset({"references", "roles"})


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _checked_parameter(name: str, value: Any) -> Any:
    if name in _LISTS:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise AuditInputError(f"parameter {name!r} must be a list of column names")
        return tuple(value)
    if name in _NUMBERS:
        if not isinstance(value, Mapping) or not all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
            for v in value.values()
        ):
            raise AuditInputError(f"parameter {name!r} must map names to finite numbers")
        return {str(k): float(v) for k, v in value.items()}
    if name in _NAMES:
        if not isinstance(value, Mapping) or not all(isinstance(v, str) and v for v in value.values()):
            raise AuditInputError(f"parameter {name!r} must map names to names")
        return {str(k): v for k, v in value.items()}
    if value is not None and not isinstance(value, str):
        raise AuditInputError(f"parameter {name!r} must be text")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When an audit was asked for, and which days its tables are meant to cover: first and last, both included.

    A kind never looks at the clock, so that a run computed again gives the same answer.
    """

    moment: date
    current: tuple[date, date] | None = None
    reference: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditInput:
    """What every audit kind receives. Tables are read column by column; ``seed`` is the only randomness.

    ``labels`` tells what became of labels that came later, when such were joined to the current table.
    ``promises`` are limits that the current dataset was registered with, by the name of the threshold: ``days`` is how long
    its rows may be kept.
    """

    current: Table
    reference: Table | None = None
    parameters: AuditParameters = field(default_factory=AuditParameters)
    seed: int = 0
    timing: Timing | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    promises: Mapping[str, float] = field(default_factory=dict)

    def need_reference(self) -> Table:
        if self.reference is None:
            raise AuditInputError("this audit compares two tables: give a reference")
        return self.reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number against its threshold, on a slice of ``n`` rows.

    ``tolerance_used`` says how much of the tolerance the value uses up: 0 none, 1 exactly at the limit, above 1
    beyond it; ``None`` when the measurement has no limit. Risk scores are computed from it. ``detail`` holds what
    stands beside (``reference``, ``ratio``, ``p``, ``p_adjusted``, ``reason``); JSON types only.
    """

    name: str
    verdict: Verdict
    slice: str = ""
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    tolerance_used: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``manage.py audit --json``; ``detail`` is laid beside the fixed fields."""
        fixed = {
            "name": self.name,
            "slice": self.slice,
            "n": self.n,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "threshold": self.threshold,
            "verdict": str(self.verdict),
            "tolerance_used": self.tolerance_used,
        }
        return {**self.detail, **fixed}


def worst_verdict(measurements: Iterable[Measurement]) -> Verdict:
    """The verdict of a run: the worst of its measurements; ``ERRORED`` when there are none."""
    found = {m.verdict for m in measurements}
    return next((v for v in SEVERITY if v in found), Verdict.ERRORED)


class AuditKind(ABC):
    """A check that can be scheduled against a model version, or run by hand on files.

    ``dimension`` is the scorecard column that its measurements feed: performance, drift, quality, bias, privacy or conduct.
    ``method`` says in one line what is computed and where the formula comes from. ``needs_reference`` tells the
    planner and the command that one table is not enough. ``by_the_clock``: the answer depends on when it is asked, so
    the same data are examined again. ``reads`` names the snapshot roles of the current and the reference data where
    the model's kind does not say otherwise; a blank reference means that there is none.
    ``settings`` is what the plan editor offers, ``words`` how pages speak of each measurement, by its name up to a colon.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    dimension: ClassVar[str]
    method: ClassVar[str]
    needs_reference: ClassVar[bool] = False
    by_the_clock: ClassVar[bool] = False
    reads: ClassVar[tuple[str, str]] = ("current", "reference")
    settings: ClassVar[Settings | None] = None
    words: ClassVar[Mapping[str, Words]] = {}

    def check(self, parameters: AuditParameters) -> None:  # noqa: B027 (nothing to refuse is a fine answer)
        """Refuse parameters that no data could make usable: when an audit is planned, long before it runs.

        Raises
        ------
        AuditInputError
            Names the method, threshold or role, and those that can be used.
        """

    @abstractmethod
    def run(self, audit_input: AuditInput) -> list[Measurement]:
        """Compute the measurements.

        Raises
        ------
        AuditInputError
            When nothing can be computed. A problem of one column or group is an ``INSUFFICIENT`` or ``ERRORED``
            measurement of that slice instead, and leaves the others intact.
        """
