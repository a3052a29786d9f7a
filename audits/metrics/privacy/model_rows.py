"""A sample of the rows that a model learned from: its inputs, what it is to tell, and the independent unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audits.metrics.groups.sampled_rows import SAMPLE_ROWS, Sample, sample_rows
from audits.metrics.scores.encoding import Feature, column_features
from audits.metrics.scores.scored_rows import column_codes
from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import Column, ColumnType, Table, TableError

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = (CLASSIFICATION, REGRESSION)
MOST_CLASSES = 20
#: Rows of rarer classes are left out.
MIN_CLASS_ROWS = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of a table mean what. No ``inputs``: all others but ``ignored``. ``task`` blank: the values tell."""

    y_true: str
    inputs: Sequence[str] = ()
    ignored: Sequence[str] = ()
    entity: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class ModelRows:
    """``target`` holds numbers, or codes of ``classes`` classes (0: a regression). ``inputs`` names those that vary.

    ``constant`` names those that do not, ``faults`` says why others could not be read. ``rows`` of ``table_rows`` were
    looked at; ``dropped`` of them have no target or one of too rare a class.
    """

    features: tuple[Feature, ...]
    target: Floats
    classes: int
    units: Ints | None
    inputs: tuple[str, ...]
    constant: tuple[str, ...]
    faults: Mapping[str, str]
    rows: int
    table_rows: int
    dropped: int

    @property
    def task(self) -> str:
        return CLASSIFICATION if self.classes else REGRESSION


def model_rows(table: Table, wanted: Wanted, seed: int) -> ModelRows:
    """Read at most 20,000 rows, chosen by the seed.

    Without a task, text and truth values are classes, and so are numbers that are all 0 or 1.

    Raises
    ------
    TableError
        When the table has no rows, or target or entity cannot be used; names the column and the remedy.
    """
    beside = {wanted.y_true, wanted.entity, *wanted.ignored}
    inputs = list(wanted.inputs) or [name for name in table.names if name not in beside]
    entity = [wanted.entity] if wanted.entity else []
    names = list(dict.fromkeys([wanted.y_true, *entity, *inputs]))
    sample = sample_rows(table, names, (seed, 0), SAMPLE_ROWS)
    if not sample.rows:
        raise TableError(f"{table.label} has no rows")
    for name in (wanted.y_true, *entity):
        if name in sample.faults:
            raise TableError(sample.faults[name])
    target, classes = _target(sample.columns[wanted.y_true], wanted.task)
    kept = np.isfinite(target)
    units = column_codes(sample.columns[entity[0]])[0][kept] if entity else None
    features = _features(sample, [n for n in inputs if n not in sample.faults], seed)
    cut = [Feature(f.name, f.values[kept], f.categorical) for f in features]
    varying = tuple(f for f in cut if not f.constant)
    present = {f.name for f in varying}
    return ModelRows(
        features=varying,
        target=target[kept],
        classes=classes,
        units=units,
        inputs=tuple(name for name in inputs if name in present),
        constant=tuple(name for name in inputs if name not in present and name not in sample.faults),
        faults={name: sample.faults[name] for name in inputs if name in sample.faults},
        rows=sample.rows,
        table_rows=sample.table_rows,
        dropped=int((~kept).sum()),
    )


def _features(sample: Sample, names: Sequence[str], seed: int) -> list[Feature]:
    out: list[Feature] = []
    for place, name in enumerate(names):
        column = sample.columns[name]
        nothing = Column(column.name, column.type, column.data.slice(0, 0))
        out += column_features(column, nothing, (seed, 1, place))
    return out


def _target(column: Column, task: str) -> tuple[Floats, int]:
    """Numbers and 0, or codes and how many classes; NaN where there is no target or its class is too rare."""
    name = column.name
    if column.nulls == len(column):
        raise TableError(f"column {name!r} has no values; every row is empty")
    if column.type in (ColumnType.EMBEDDING, ColumnType.DATETIME):
        raise TableError(
            f"column {name!r} holds {column.type} values; name a column of numbers or of classes"
        )
    if task == REGRESSION or (not task and not _of_classes(column)):
        if column.type is ColumnType.CATEGORICAL:
            raise TableError(f"column {name!r} holds text; use the task classification")
        values = column.floats()
        return np.where(np.isfinite(values), values, np.nan), 0
    codes, names = column_codes(column)
    if len(names) > MOST_CLASSES:
        raise TableError(
            f"column {name!r} has more than {MOST_CLASSES} classes; group them, or use the task regression"
        )
    frequent = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(names)) >= MIN_CLASS_ROWS)
    place = np.full(len(names) + 1, np.nan)
    place[frequent] = np.arange(len(frequent))
    return place[codes], max(1, len(frequent))


def _of_classes(column: Column) -> bool:
    if column.type is not ColumnType.NUMERIC:
        return True
    values = column.floats()
    return bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())
