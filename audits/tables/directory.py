"""A directory of Parquet files as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.fs as pafs

from audits.tables.arrow import family, stored_type
from audits.tables.column import Column, ColumnFault
from audits.tables.contract import need
from audits.tables.errors import TableError, first_line
from audits.tables.parquet import PARQUET_SUFFIXES, ParquetTable
from audits.tables.pieces import Pieces, column_from


@dataclass(frozen=True, slots=True)
class _Part:
    """One file: where it is below the directory, its rows, and its columns' stored types."""

    name: str
    rows: int
    types: dict[str, pa.DataType]


class NoParquetFilesError(TableError):
    """A directory that holds none of the files of a table."""


class ParquetDirectory:
    """All Parquet files of a directory and those below it as one table, rows in the order of the files' names.

    Names that begin with a dot or an underscore are left out, and so are values in folder names (``day=2026-01-02``).
    A column that is not in every file, or whose type is another in one of them, is a fault; the others can be read.
    """

    def __init__(
        self, path: Path | str, label: str | None = None, filesystem: pafs.FileSystem | None = None
    ) -> None:
        self.label = label or Path(path).name
        self._path = str(path)
        self._filesystem = filesystem or pafs.LocalFileSystem()
        self._parts = [self._part(name) for name in self._file_names()]
        self.names: tuple[str, ...] = tuple(dict.fromkeys(n for part in self._parts for n in part.types))
        self._faults = {name: fault for name in self.names if (fault := self._fault(name))}

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self._parts)

    def column(self, name: str) -> Column:
        need(name, self.names, self.label)
        return column_from(self.scan([name]))

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        pieces = Pieces(self.names, names, self.label)
        yield from pieces.absent()
        for name, reason in self._faults.items():
            yield from pieces.fault(name, reason)
        try:
            for part in self._parts:
                yield from self._scan_part(part, pieces)
        except TableError as error:
            yield from pieces.fault_all(str(error))
        yield from pieces.end_all()

    def stored(self, name: str) -> Iterator[pa.Array]:
        """A column as it is stored, file by file."""
        need(name, self.names, self.label)
        if name in self._faults:
            raise TableError(self._faults[name])
        for part in self._parts:
            yield from self._open(part.name).stored(name)

    def _scan_part(self, part: _Part, pieces: Pieces) -> Iterator[Column | ColumnFault]:
        if not pieces.waiting:
            return
        table = self._open(part.name)
        if _part(part.name, table) != part:
            raise TableError(f"{table.label} was changed while it was read; read {self.label} again")
        for name in pieces.waiting:
            yield from table.scan_into(pieces, name)

    def _file_names(self) -> list[str]:
        try:
            found = self._filesystem.get_file_info(pafs.FileSelector(self._path, recursive=True))
        except OSError as error:
            raise TableError(f"{self.label} cannot be listed: {first_line(error)}") from error
        names = sorted(self._relative(info.path) for info in found if info.type is pafs.FileType.File)
        parts = [name for name in names if _is_part(PurePosixPath(name))]
        if not parts:
            raise NoParquetFilesError(
                f"{self.label} is a directory without .parquet files; give one file, or put some there"
            )
        return parts

    def _relative(self, path: str) -> str:
        return PurePosixPath(path).relative_to(PurePosixPath(self._path)).as_posix()

    def _part(self, name: str) -> _Part:
        return _part(name, self._open(name))

    def _open(self, name: str) -> ParquetTable:
        path = str(PurePosixPath(self._path) / name)
        return ParquetTable(path, f"{name} in {self.label}", self._filesystem)

    def _fault(self, name: str) -> str:
        """Why a column cannot be read as one; empty when it can."""
        lacking = [part.name for part in self._parts if name not in part.types]
        if lacking:
            return f"column {name!r} of {self.label} is missing in {_some(lacking)}; add it there, or leave it out"
        typed = [part for part in self._parts if not pa.types.is_null(part.types[name])]
        other = [part for part in typed if family(part.types[name]) != family(typed[0].types[name])]
        if not other:
            return ""
        return (
            f"column {name!r} of {self.label} holds {_called(typed[0], name)} in {typed[0].name} "
            f"but {_called(other[0], name)} in {_some([part.name for part in other])}; write all files with one type"
        )


def _part(name: str, table: ParquetTable) -> _Part:
    return _Part(name, table.rows, {column: table.arrow_type(column) for column in table.names})


def _is_part(name: PurePosixPath) -> bool:
    hidden = any(step.startswith((".", "_")) for step in name.parts)
    return not hidden and name.suffix.lower() in PARQUET_SUFFIXES


def _called(part: _Part, name: str) -> str:
    kind = stored_type(part.types[name])
    called = family(kind)
    return called if called == str(kind) else f"{called} ({kind})"


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
