"""The rows of a study: truths, decisions, groups and inputs of a bounded sample, on the two sides of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.groups import Unit
from audits.metrics.groups.adding import mixed
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.levels import Levels, TooManyLevels
from audits.metrics.groups.naming import CROSS
from audits.metrics.groups.outcome_values import numbers
from audits.metrics.groups.sampled_rows import sample_rows
from audits.metrics.mitigation.halves import tuning_half
from audits.tables import Column, Table, TableError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: Rows of each table that a study looks at, whatever the table's size.
MOST_ROWS = 40_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which columns a study reads. ``score`` is the prediction itself unless it has a column of its own."""

    truth: str
    prediction: str
    score: str | None
    attributes: tuple[str, ...]
    entity: str | None
    inputs: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        own = [self.truth, self.prediction, self.score, self.entity]
        return list(dict.fromkeys([*(n for n in own if n), *self.attributes, *self.inputs]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with a truth and a prediction.

    ``group`` numbers the combinations of all attributes, ``groups`` names them; ``values`` holds each attribute by itself.
    ``unit`` numbers the independent units from 0. ``dropped`` counts rows without a truth, prediction or score.
    """

    truth: Floats
    prediction: Floats
    score: Floats
    group: Ints
    groups: tuple[str, ...]
    values: Mapping[str, npt.NDArray[np.object_]]
    unit: Ints
    inputs: Mapping[str, Column]
    dropped: int
    faults: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def attribute(self) -> str:
        """What the groups are of: ``age``, or ``age*income``."""
        return CROSS.join(self.values)

    def taken(self, chosen: Bools) -> Rows:
        """Some of the rows; groups keep their numbers."""
        places = pa.array(np.flatnonzero(chosen))
        return Rows(
            truth=self.truth[chosen],
            prediction=self.prediction[chosen],
            score=self.score[chosen],
            group=self.group[chosen],
            groups=self.groups,
            values={name: values[chosen] for name, values in self.values.items()},
            unit=np.unique(self.unit[chosen], return_inverse=True)[1].reshape(-1),
            inputs={n: Column(c.name, c.type, c.data.take(places)) for n, c in self.inputs.items()},
            dropped=self.dropped,
            faults=self.faults,
        )


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows to tune on and those that tell what came of it; both number groups alike."""

    tuning: Rows
    held_out: Rows


def read_sides(current: Table, reference: Table | None, asked: Asked, seed: int) -> Sides:
    """Read at most ``MOST_ROWS`` rows of each table: the reference to tune on, or one half of the only table.

    Raises
    ------
    TableError
        When a column that is needed cannot be read. Inputs that cannot be read are named in ``faults``.
    """
    if reference is None:
        rows = _read(current, asked, seed, {})[0]
        half = tuning_half(rows.unit, _cells(rows), seed)
        return Sides(rows.taken(half), rows.taken(~half))
    tuning, known = _read(reference, asked, seed, {})
    held_out, known = _read(current, asked, seed + 1, known)
    return Sides(replace(tuning, groups=tuple(known)), held_out)


def _cells(rows: Rows) -> Ints:
    binary = np.clip(rows.truth, 0, 1).astype(np.int64)
    return np.asarray(rows.group * 2 + binary)


def _read(table: Table, asked: Asked, seed: int, known: dict[str, int]) -> tuple[Rows, dict[str, int]]:
    sample = sample_rows(table, asked.names, [seed, 1], MOST_ROWS)
    needed = [name for name in asked.names if name not in asked.inputs]
    for name in needed:
        if name in sample.faults:
            raise TableError(sample.faults[name])
    columns = sample.columns
    truth, prediction = numbers(columns[asked.truth]), numbers(columns[asked.prediction])
    score = numbers(columns[asked.score]) if asked.score else prediction
    for column, found in ((asked.truth, truth), (asked.prediction, prediction), (asked.score, score)):
        if np.isinf(found).any():
            raise TableError(f"column {column!r} holds infinite values; replace or remove them")
    kept = ~(np.isnan(truth) | np.isnan(prediction) | np.isnan(score))
    values = {name: _texts(columns[name]) for name in asked.attributes}
    group = _numbered(list(values.values()), known)
    keys = Unit(asked.entity).keys(columns[asked.entity] if asked.entity else None, 0, len(truth))
    rows = Rows(
        truth=truth,
        prediction=prediction,
        score=score,
        group=group,
        groups=tuple(known),
        values=values,
        unit=np.unique(keys, return_inverse=True)[1].reshape(-1),
        inputs={name: columns[name] for name in asked.inputs if name in columns},
        dropped=int((~kept).sum()),
        faults={name: sample.faults[name] for name in asked.inputs if name in sample.faults},
    )
    return rows.taken(kept), known


def _texts(piece: Column) -> npt.NDArray[np.object_]:
    levels = Levels(piece.name, MOST_LEVELS)
    codes = levels.of(piece)
    return np.asarray(np.array(levels.names, dtype=object)[codes])


def _numbered(values: Sequence[npt.NDArray[np.object_]], known: dict[str, int]) -> Ints:
    """A number for each combination that occurs; ``known`` is extended."""
    parts = [np.unique(column.astype(str), return_inverse=True) for column in values]
    combined, _ = mixed([code.reshape(-1).astype(np.int64) for _, code in parts], [len(n) for n, _ in parts])
    found, first, place = np.unique(combined, return_index=True, return_inverse=True)
    if len(found) > MOST_LEVELS:
        raise TooManyLevels(
            f"the columns have {len(found)} groups together; group them first (at most {MOST_LEVELS} groups)"
        )
    names = [CROSS.join(str(column[i]) for column in values) for i in first.tolist()]
    numbers_of = np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
    return np.asarray(numbers_of[place.reshape(-1)])
