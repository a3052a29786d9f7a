"""The pictures of a table, one after the other, and what their rows are called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from audits.metrics.images.decoding import MAX_PIXELS, Picture, UnreadableImageError, decode, is_flat
from audits.metrics.images.prints import WITHIN, Prints, views_of
from audits.tables import Table
from audits.tables.stored_bytes import scan_bytes

_FILE_NAME = "file_name"


@dataclass(frozen=True, slots=True)
class Read:
    """One row: the picture, or why there is none. ``fingerprint`` is the SHA-256 of the file's bytes."""

    row: int
    picture: Picture | None
    reason: str = ""
    fingerprint: bytes = b""


def read_pictures(
    table: Table,
    column: str,
    max_pixels: int = MAX_PIXELS,
    within: int | None = None,
    digest: bool = False,
) -> Iterator[Read]:
    """Decode a column of images row by row; parameters as of ``decode``.

    Raises
    ------
    TableError
        When the column is missing, unreadable or holds something else.
    """
    for row, content in enumerate(scan_bytes(table, column)):
        if content is None:
            yield Read(row, None, "there is no image in this row")
            continue
        try:
            picture = decode(content, max_pixels, within, digest)
        except UnreadableImageError as error:
            yield Read(row, None, str(error))
            continue
        yield Read(row, picture, fingerprint=hashlib.sha256(content).digest())


def row_names(table: Table, column: str | None) -> list[str]:
    """What rows are called: by ``column``, else by their file's name, else ``row 1`` and so on; never blank, none twice.

    Raises
    ------
    TableError
        When ``column`` is missing or cannot be read.
    """
    if column is None and _FILE_NAME in table.names:
        column = _FILE_NAME
    numbers = (f"row {row}" for row in range(1, table.rows + 1))
    if column is None:
        return list(numbers)
    named = table.column(column).texts().to_pylist()
    counts = Counter(named)
    return [
        f"{name} ({number})" if name and counts[name] > 1 else name or number
        for name, number in zip(named, numbers, strict=True)
    ]


@dataclass(slots=True)
class Gallery:
    """The prints of a table's pictures that show something, and the rows that have none.

    ``names`` and ``fingerprints`` stand beside ``prints``. ``unreadable`` maps names to reasons, ``flat`` lists nearly
    uniform pictures.
    """

    prints: Prints
    names: list[str] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    flat: list[str] = field(default_factory=list)
    rows: int = 0

    @classmethod
    def read(cls, table: Table, column: str, id_column: str | None, max_pixels: int = MAX_PIXELS) -> Gallery:
        """Read a table's pictures; about 7 kB each stay in memory."""
        names = row_names(table, id_column)
        gallery, views = cls(Prints.of([])), []
        for read in read_pictures(table, column, max_pixels, WITHIN):
            name = names[read.row]
            gallery.rows += 1
            if read.picture is None:
                gallery.unreadable[name] = read.reason
                continue
            seen = views_of(read.picture.grey)
            if is_flat(seen[1]):
                gallery.flat.append(name)
                continue
            views.append(seen)
            gallery.names.append(name)
            gallery.fingerprints.append(read.fingerprint)
        gallery.prints = Prints.of(views)
        return gallery
