"""A folder of image files as a table, with what ``metadata.csv`` says of them beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.fs as pafs

from audits.tables.arrow import column_of
from audits.tables.arrow_arrays import text_array
from audits.tables.column import Column, ColumnFault
from audits.tables.contract import Table, need
from audits.tables.csv import CsvTable
from audits.tables.errors import TableError, first_line
from audits.tables.joined import JoinedTable
from audits.tables.pieces import PIECE_ROWS, Pieces
from audits.tables.stored_bytes import MOST_BYTES, binary_array

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
METADATA = "metadata.csv"
FILE_NAME, IMAGE = "file_name", "image"
_PIECE_BYTES = 1 << 24


def image_folder(path: str, label: str, filesystem: pafs.FileSystem) -> Table | None:
    """The images in a directory and those below it as a table; None when there is none.

    Its columns are ``file_name`` (the path within the folder), ``image`` and those of ``metadata.csv``, which names the
    files in a column ``file_name``. Rows stand in the order of the names. A file that only ``metadata.csv`` names is a
    row without an image. Names that begin with a dot or an underscore are left out.

    Raises
    ------
    TableError
        When the folder cannot be listed, or ``metadata.csv`` lacks ``file_name``, names a file twice or has a column
        ``image``.
    """
    try:
        found = filesystem.get_file_info(pafs.FileSelector(path, recursive=True))
    except OSError as error:
        raise TableError(f"{label} cannot be listed: {first_line(error)}") from error
    files = [PurePosixPath(info.path) for info in found if info.type is pafs.FileType.File]
    names = [file.relative_to(PurePosixPath(path)).as_posix() for file in files]
    present = {name for name in names if _is_image(PurePosixPath(name))}
    if not present:
        return None
    if METADATA not in names:
        return ImageFolder(path, label, filesystem, present)
    metadata = CsvTable(f"{path}/{METADATA}", f"{METADATA} in {label}", filesystem)
    listed = metadata.column(FILE_NAME).texts().drop_null().to_pylist()
    folder = ImageFolder(path, label, filesystem, present, listed)
    return JoinedTable(folder, metadata, FILE_NAME)


class ImageFolder:
    """The images of a folder, read a few at a time. ``present`` are the files that are there, ``listed`` further names."""

    names: tuple[str, ...] = (FILE_NAME, IMAGE)

    def __init__(
        self,
        path: str,
        label: str,
        filesystem: pafs.FileSystem,
        present: set[str],
        listed: Sequence[str] = (),
    ) -> None:
        self.label = label
        self._path, self._filesystem, self._present = path, filesystem, present
        self._files = sorted({*present, *listed})

    @property
    def rows(self) -> int:
        return len(self._files)

    def column(self, name: str) -> Column:
        need(name, self.names, self.label)
        if name == IMAGE:
            raise TableError(self._images_only())
        return column_of(name, pa.chunked_array([text_array(self._files)]), self.label)

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        pieces = Pieces(self.names, names, self.label)
        yield from pieces.absent()
        yield from pieces.fault(IMAGE, self._images_only())
        for start in range(0, max(self.rows, 1), PIECE_ROWS):
            yield from pieces.of(FILE_NAME, text_array(self._files[start : start + PIECE_ROWS]))
        yield from pieces.end(FILE_NAME)

    def stored(self, name: str) -> Iterator[pa.Array]:
        """The bytes of the files, or their names. What cannot be read is no bytes at all, as an empty file."""
        if name != IMAGE:
            yield self.column(name).data
            return
        held: list[bytes | None] = []
        for file in self._files:
            held.append(self._content(file) if file in self._present else None)
            if sum(len(content or b"") for content in held) >= _PIECE_BYTES or len(held) >= 1024:
                yield binary_array(held)
                held = []
        yield binary_array(held)

    def _content(self, file: str) -> bytes:
        try:
            with self._filesystem.open_input_file(f"{self._path}/{file}") as opened:
                return bytes(opened.read(MOST_BYTES))
        except OSError:  # one file that cannot be read leaves the others intact
            return b""

    def _images_only(self) -> str:
        return f"column {IMAGE!r} of {self.label} holds images; only audits of images read these"


def _is_image(name: PurePosixPath) -> bool:
    hidden = any(step.startswith((".", "_")) for step in name.parts)
    return not hidden and name.suffix.lower() in IMAGE_SUFFIXES
