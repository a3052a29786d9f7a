"""Labels that come later than their predictions, found by the prediction's id.

Ids and labels are spread over files by a hash of the id, so that each part fits in memory whatever the number of rows;
the label of each prediction is then written to its row's place in a file that is mapped, not loaded.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.kinds import AuditInput
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.services.partitioned import SnapshotTable
from audits.tables import PIECE_ROWS, Column, ColumnFault, ColumnType, Table, TableError
from governance.models import DatasetSnapshot
from models_registry.models import ModelVersion, VersionSnapshot

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: So many rows of predictions and labels are held in memory at once, as long as that takes few enough files.
ROWS_AT_ONCE = 1 << 18
MOST_PARTS = 200
#: Labels of a classification are few; more different texts than this are not labels.
MAX_TEXT_LABELS = 1000
_ID_TYPES = "text or whole numbers"
#: The value of a prediction is its row, that of a label is the label.
_SPREAD = pa.schema([("id", pa.large_string()), ("value", pa.float64())])


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What became of every row of the join; nothing is dropped without being counted.

    Attributes
    ----------
    label_tables : int
        Tables of labels that were joined.
    label_rows : int
        Their rows with an id and a label.
    labels_without_prediction : int
        Of these, labels whose id no prediction has.
    labels_replaced : int
        Of these, labels that a later row or a newer table replaced.
    labels_empty : int
        Rows without an id or without a label: nothing has come in.
    predictions_without_id : int
        Predictions that no label can find.
    predictions_sharing_id : int
        Predictions whose id another prediction has too. They share its label.
    """

    label_tables: int = 0
    label_rows: int = 0
    labels_without_prediction: int = 0
    labels_replaced: int = 0
    labels_empty: int = 0
    predictions_without_id: int = 0
    predictions_sharing_id: int = 0


class LabelledTable:
    """Predictions with one more column: the labels that are in, null where there is none yet."""

    def __init__(self, predictions: Table, labels: _Labels, name: str, counts: LabelCounts) -> None:
        self.label = predictions.label
        self.counts = counts
        self._predictions, self._labels, self._name = predictions, labels, name

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._predictions.names, self._name)

    @property
    def rows(self) -> int:
        return self._predictions.rows

    def column(self, name: str) -> Column:
        if name != self._name:
            return self._predictions.column(name)
        return self._labels.column(name, 0, self.rows)

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        asked = list(dict.fromkeys(self.names if names is None else names))
        others = [name for name in asked if name != self._name]
        if others:
            yield from self._predictions.scan(others)
        if self._name in asked:
            for start in range(0, max(self.rows, 1), PIECE_ROWS):
                yield self._labels.column(self._name, start, min(start + PIECE_ROWS, self.rows))


@dataclass(frozen=True, slots=True)
class _Labels:
    """One number per prediction, NaN where there is none: the label itself, or its place among ``texts``."""

    values: Floats
    type: ColumnType
    texts: tuple[str, ...]

    def column(self, name: str, start: int, end: int) -> Column:
        values = np.asarray(self.values[start:end])
        missing = np.isnan(values)
        if self.type is ColumnType.CATEGORICAL:
            codes = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
            return Column(name, self.type, pa.array(self.texts, pa.large_string()).take(codes))
        numbers = pa.array(values, mask=missing)
        return Column(
            name, self.type, numbers.cast(pa.bool_()) if self.type is ColumnType.BOOLEAN else numbers
        )


def labels_join(
    predictions: Table, labels: Sequence[Table], id_column: str, label_column: str
) -> LabelledTable:
    """Give each prediction the label that came in for it.

    Parameters
    ----------
    predictions : Table
        Has the column ``id_column`` and not yet the column ``label_column``.
    labels : sequence of Table
        From the oldest to the newest, each with both columns. Where an id comes more than once, the newest table's last
        row counts. A row without a label takes none away.
    id_column, label_column : str
        Ids are text or whole numbers, and the same in all tables; labels are numbers, booleans, or text of at most
        ``MAX_TEXT_LABELS`` different values, and the same type in all tables.

    Returns
    -------
    LabelledTable
        The predictions in their order with the label column, and in ``counts`` what became of every row.

    Raises
    ------
    TableError
        When a column is missing, unreadable or of a type that cannot be used; names it and the remedy.
    """
    if label_column in predictions.names:
        raise TableError(
            f"{predictions.label} has a column {label_column!r} already; leave it out, or join no labels"
        )
    if not labels:
        raise TableError("no table of labels was given")
    with tempfile.TemporaryDirectory(prefix="selvedge-labels-") as folder:
        spread = _Spread(Path(folder), predictions.rows + sum(table.rows for table in labels))
        with closing(spread):
            counts = _spread_predictions(spread, predictions, id_column)
            reader = _LabelReader(spread, id_column, label_column)
            for table in labels:
                reader.read(table)
        counts = replace(counts, label_tables=len(labels), label_rows=reader.rows, labels_empty=reader.empty)
        values = _mapped(predictions.rows)
        for part in spread.parts():
            counts = _joined(part, values, counts)
    return LabelledTable(predictions, reader.labels(values), label_column, counts)


def _mapped(rows: int) -> Floats:
    """A column of NaN in a file without a name: it is gone with the last who looks at it."""
    with tempfile.TemporaryFile(prefix="selvedge-labels-") as file:
        values = np.memmap(file, dtype=np.float64, mode="w+", shape=(max(rows, 1),))
    values[:] = np.nan
    return values


class _Spread:
    """Ids and values on disk, in parts by the hash of the id; the two sides are ``predictions`` and ``labels``."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder, self._parts = folder, min(max(1, -(-rows // ROWS_AT_ONCE)), MOST_PARTS)
        self._open = ExitStack()
        self._writers: dict[Path, Any] = {}

    def write(self, side: str, ids: pa.LargeStringArray, values: Floats) -> None:
        """Spread rows that all have an id, after those that were written before."""
        batch = pa.record_batch([ids, pa.array(values)], schema=_SPREAD)
        part_of = _hashed(ids) % self._parts
        for part in np.unique(part_of):
            self._writer(side, part).write_batch(batch.filter(pa.array(part_of == part)))

    def parts(self) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Predictions and labels of each part, each side in the order in which it was written."""
        for part in range(self._parts):
            yield self._read("predictions", part), self._read("labels", part)

    def close(self) -> None:
        self._open.close()

    def _path(self, side: str, part: int) -> Path:
        return self._folder / f"{side}-{part}.arrow"

    def _writer(self, side: str, part: int) -> Any:
        path = self._path(side, part)
        if path not in self._writers:
            self._writers[path] = self._open.enter_context(pa.ipc.new_file(str(path), _SPREAD))
        return self._writers[path]

    def _read(self, side: str, part: int) -> pa.Table:
        path = self._path(side, part)
        if path not in self._writers:
            return _SPREAD.empty_table()
        with pa.OSFile(str(path)) as source:
            return pa.ipc.open_file(source).read_all()


def _hashed(ids: pa.LargeStringArray) -> Ints:
    return np.fromiter((zlib.crc32(text.encode()) for text in ids.to_pylist()), np.int64, len(ids))


def _spread_predictions(spread: _Spread, predictions: Table, id_column: str) -> LabelCounts:
    without, place = 0, 0
    for (piece,) in aligned_pieces(predictions, [id_column]):
        ids = _ids(piece, predictions.label)
        given = ids.is_valid()
        places = np.arange(place, place + len(ids), dtype=np.float64)
        spread.write("predictions", ids.filter(given), places[given.to_numpy(zero_copy_only=False)])
        without, place = without + ids.null_count, place + len(ids)
    return LabelCounts(predictions_without_id=without)


class _LabelReader:
    """Reads tables of labels, and keeps to the type of the first that has a label."""

    def __init__(self, spread: _Spread, id_column: str, label_column: str) -> None:
        self._spread, self._columns = spread, (id_column, label_column)
        self._type: ColumnType | None = None
        self._first = ""
        self._codes: dict[str, int] = {}
        self.rows = self.empty = 0

    def read(self, table: Table) -> None:
        for ids, labels in aligned_pieces(table, self._columns):
            keys = _ids(ids, table.label)
            values = self._values(labels, table.label)
            given = keys.is_valid().to_numpy(zero_copy_only=False) & ~np.isnan(values)
            self.rows, self.empty = self.rows + int(given.sum()), self.empty + int((~given).sum())
            self._spread.write("labels", keys.filter(pa.array(given)), values[given])

    def labels(self, values: Floats) -> _Labels:
        return _Labels(values, self._type or ColumnType.NUMERIC, tuple(self._codes))

    def _values(self, piece: Column, label: str) -> Floats:
        if piece.nulls == len(piece):
            return np.full(len(piece), np.nan)
        self._check(piece, label)
        if piece.type is not ColumnType.CATEGORICAL:
            return piece.floats()
        encoded = piece.texts().dictionary_encode()
        for text in encoded.dictionary.to_pylist():
            self._codes.setdefault(text, len(self._codes))
        if len(self._codes) > MAX_TEXT_LABELS:
            raise TableError(
                f"column {piece.name!r} of {label} holds more than {MAX_TEXT_LABELS:,} different texts; give labels"
            )
        codes = np.array([self._codes[text] for text in encoded.dictionary.to_pylist()], dtype=np.float64)
        places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return np.where(piece.data.is_valid().to_numpy(zero_copy_only=False), codes[places], np.nan)

    def _check(self, piece: Column, label: str) -> None:
        if piece.type not in {ColumnType.NUMERIC, ColumnType.BOOLEAN, ColumnType.CATEGORICAL}:
            raise TableError(
                f"column {piece.name!r} of {label} is {piece.type}; labels are numbers, booleans or text"
            )
        if self._type is None:
            self._type, self._first = piece.type, label
        if piece.type is not self._type:
            raise TableError(
                f"column {piece.name!r} is {self._type} in {self._first} and {piece.type} in {label}; give one type"
            )


def _ids(piece: Column, label: str) -> pa.LargeStringArray:
    """Ids as text. Whole numbers that a file holds as floating point, for its empty rows, are whole numbers."""
    data = piece.data
    if pa.types.is_dictionary(data.type):
        data = data.cast(data.type.value_type)
    if pa.types.is_floating(data.type):
        whole = data.cast(pa.int64(), safe=False)
        if pc.all(pc.equal(whole.cast(data.type, safe=False), data)).as_py() is False:
            raise TableError(f"column {piece.name!r} of {label} holds fractions; ids are {_ID_TYPES}")
        data = whole
    allowed = piece.type is ColumnType.CATEGORICAL or pa.types.is_integer(data.type)
    if not allowed and data.null_count < len(data):
        raise TableError(f"column {piece.name!r} of {label} is {piece.type}; ids are {_ID_TYPES}")
    return data.cast(pa.large_string())


def _joined(part: tuple[pa.Table, pa.Table], values: Floats, counts: LabelCounts) -> LabelCounts:
    """Write the labels of one part to their places; returns the counts so far."""
    predictions, labels = part
    ids = pa.concat_arrays([*predictions["id"].chunks, *labels["id"].chunks, pa.array([], pa.large_string())])
    codes = ids.dictionary_encode().indices.to_numpy()
    mine, theirs = codes[: len(predictions)], codes[len(predictions) :]
    size = int(codes.max()) + 1 if len(codes) else 0
    last = np.full(size, -1, dtype=np.int64)
    last[theirs] = np.arange(len(theirs))  # of an id that comes twice, the row assigned last stays
    current = last[theirs] == np.arange(len(theirs))
    uses = np.bincount(mine, minlength=size)
    found = last[mine]
    numbers = labels["value"].to_numpy()
    places = predictions["value"].to_numpy().astype(np.int64)
    values[places[found >= 0]] = numbers[found[found >= 0]]
    return replace(
        counts,
        labels_replaced=counts.labels_replaced + int((~current).sum()),
        labels_without_prediction=counts.labels_without_prediction
        + int((current & (uses[theirs] == 0)).sum()),
        predictions_sharing_id=counts.predictions_sharing_id + int(uses[uses > 1].sum()),
    )


def labels_attached(audit_input: AuditInput, labels: Sequence[Table], **about: Any) -> AuditInput:
    """The same input with labels joined to each of its tables that lacks them.

    Nothing changes when the parameters name no ``labels_id``, or there are no labels.

    Parameters
    ----------
    labels : sequence of Table
        From the oldest to the newest.
    **about
        What the kind should report beside the counts, such as where the labels came from.
    """
    names = audit_input.parameters
    if not names.labels_id or not names.y_true or not labels:
        return audit_input
    current, counts = _attached(audit_input.current, labels, names.labels_id, names.y_true)
    reference = audit_input.reference
    if reference is not None:
        reference = _attached(reference, labels, names.labels_id, names.y_true)[0]
    known = {**about, **asdict(counts)} if counts else {}
    return replace(audit_input, current=current, reference=reference, labels=known)


def _attached(
    table: Table, labels: Sequence[Table], id_column: str, label_column: str
) -> tuple[Table, LabelCounts | None]:
    if label_column in table.names:
        return table, None
    joined = labels_join(table, labels, id_column, label_column)
    return joined, joined.counts


def version_labels_attached(version: ModelVersion, audit_input: AuditInput) -> AuditInput:
    """Join what has come in of a version's labels: all snapshots of the dataset of its role ``labels``.

    They are taken in the order in which they were registered, so that the newest label of a prediction counts. The
    digest over theirs is reported, so that it can be told later which labels were known.
    """
    if not audit_input.parameters.labels_id:
        return audit_input
    role = version.data.filter(role=VersionSnapshot.Role.LABELS).select_related("snapshot").first()
    if role is None:
        return audit_input
    found = DatasetSnapshot.objects.filter(dataset=role.snapshot.dataset_id).order_by("registered_at", "pk")
    snapshots = list(found.select_related("dataset"))
    digest = _digest_of(snapshot.digest for snapshot in snapshots)
    tables = [SnapshotTable(snapshot) for snapshot in snapshots]
    return labels_attached(audit_input, tables, labels_digest=digest)


def _digest_of(digests: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
