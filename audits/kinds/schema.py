"""Schema: are the same columns there, of the same types?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

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
from audits.metrics.drift.type_changes import Change, type_change
from audits.tables import ColumnFault, Table, columns_to_examine

CHANGE = "schema-change"
SIMILAR = "similar-names"
#: What each change of type means for a model that was built on the reference, from harmless to breaking.
VERDICTS = {
    Change.NONE: Verdict.PASS,
    Change.WIDENED: Verdict.REVIEW,
    Change.NARROWED: Verdict.REVIEW,
    Change.UNIT: Verdict.REVIEW,
    Change.ZONE: Verdict.REVIEW,
    Change.ZONE_ADDED: Verdict.FAIL,
    Change.ZONE_LOST: Verdict.FAIL,
    Change.LENGTH: Verdict.FAIL,
    Change.SORT: Verdict.FAIL,
}
_SEVERITY = list(VERDICTS)
#: How much of the tolerance a verdict uses up: a change that asks for a look is within it, one that breaks is not.
_USED = {Verdict.PASS: 0.0, Verdict.REVIEW: 0.5, Verdict.FAIL: 1.0}


@audit_kinds.register
class Schema(AuditKind):
    slug = "schema"
    label = "Schema"
    dimension = "quality"
    method = "Columns that vanished, are new or changed their type; widening asks for a look, everything else fails"
    needs_reference = True
    settings = Settings()
    words = {
        "schema-change": Words(
            label="Change of the column", sentence="Change of the column {slice}: {change}."
        ),
        "similar-names": Words(
            label="Names that look alike", sentence="{value} pairs of column names look alike.", unit="count"
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        if parameters.thresholds:
            name = sorted(parameters.thresholds)[0]
            raise AuditInputError(f"unknown threshold {name!r}; a schema has none")

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        self.check(audit_input.parameters)
        reference, current = audit_input.need_reference(), audit_input.current
        names = columns_to_examine(audit_input.parameters.columns, current, reference)
        before, after = _Types.read(reference, names), _Types.read(current, names)
        rows = current.rows
        return [*(_compared(name, before, after, rows) for name in names), _similar(current)]


@runtime_checkable
class Partitioned(Protocol):
    """A table that is read from several: each of them has a schema of its own."""

    @property
    def parts(self) -> Sequence[Table]: ...


@dataclass(frozen=True, slots=True)
class _Types:
    """Arrow types of a table's columns: one each, or several where its parts differ; where columns are absent; faults."""

    table: Table
    types: dict[str, list[pa.DataType]]
    absent: dict[str, str]
    faults: dict[str, str]

    @classmethod
    def read(cls, table: Table, names: list[str]) -> _Types:
        found = cls(table, {}, {}, {})
        untyped: dict[str, pa.DataType] = {}
        for part in table.parts if isinstance(table, Partitioned) else [table]:
            found._add(part, names, untyped)
        for name, kind in untyped.items():
            found.types.setdefault(name, [kind])
        return found

    def _add(self, part: Table, names: list[str], untyped: dict[str, pa.DataType]) -> None:
        """Only the first piece of each column is read: it has the whole column's type."""
        own = [name for name in names if name in part.names]
        self.absent.update({name: part.label for name in names if name not in part.names})
        # A CSV file infers the types of all columns it is asked for in one parse, and remembers them.
        next(iter(part.scan(own)), None)
        for name in own:
            piece = next(iter(part.scan([name])), None)
            if piece is None or isinstance(piece, ColumnFault):
                self.faults[name] = (
                    piece.reason if piece else f"column {name!r} of {part.label} cannot be read"
                )
            elif piece.untyped:  # says nothing beside a part that has values
                untyped.setdefault(name, piece.data.type)
            elif piece.data.type not in self.types.setdefault(name, []):
                self.types[name].append(piece.data.type)

    def called(self, name: str) -> str:
        return ", ".join(map(str, self.types[name]))

    def has_values(self, name: str) -> bool:
        """Whether any row has one; stops at the first."""
        return any(
            not isinstance(piece, ColumnFault) and piece.nulls < len(piece)
            for piece in self.table.scan([name])
        )


def _compared(name: str, before: _Types, after: _Types, rows: int) -> Measurement:
    verdict, detail = _change(name, before, after)
    used = _USED.get(verdict)
    return Measurement(
        name=CHANGE,
        slice=name,
        n=rows,
        value=None if used is None else float(used > 0),
        verdict=verdict,
        tolerance_used=used,
        detail=detail,
    )


def _change(name: str, before: _Types, after: _Types) -> tuple[Verdict, dict[str, Any]]:
    fault = before.faults.get(name) or after.faults.get(name)
    if fault:
        return Verdict.ERRORED, {"change": "unreadable", "reason": fault}
    if name not in before.types:
        return Verdict.REVIEW, {"change": "new", "type": after.called(name)}
    if name in after.absent:
        gone = {
            "change": "vanished",
            "reference_type": before.called(name),
            "absent_from": after.absent[name],
        }
        return Verdict.FAIL, gone
    types = {"reference_type": before.called(name), "type": after.called(name)}
    change = max(
        (type_change(b, a) for b in before.types[name] for a in after.types[name]), key=_SEVERITY.index
    )
    empty = (
        [side.table.label for side in (before, after) if not side.has_values(name)] if change.differs else []
    )
    if empty:
        reason = f"column {name!r} of {empty[0]} has no values, so its type says nothing"
        return Verdict.INSUFFICIENT, {"change": "unknown", **types, "reason": reason}
    return VERDICTS[change], {"change": change.value, **types}


def _similar(current: Table) -> Measurement:
    """Names that differ only by capitals, spaces, hyphens or underscores are easily taken for one another."""
    alike: dict[str, list[str]] = {}
    for name in current.names:
        alike.setdefault(re.sub(r"[\s_-]+", " ", name).strip().casefold(), []).append(name)
    found = [names for names in alike.values() if len(names) > 1]
    verdict = Verdict.REVIEW if found else Verdict.PASS
    return Measurement(
        name=SIMILAR,
        n=len(current.names),
        value=float(sum(len(names) for names in found)),
        verdict=verdict,
        tolerance_used=_USED[verdict],
        detail={"names": found},
    )
