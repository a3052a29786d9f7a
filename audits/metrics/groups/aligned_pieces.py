"""Several columns of one table, read side by side in memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audits.tables import Column, ColumnFault, Table, TableError


def aligned_pieces(table: Table, names: Sequence[str]) -> Iterator[tuple[Column, ...]]:
    """Read columns in pieces that cover the same rows, in the order of ``names``.

    A scan hands out one column after the other; here each column has a scan of its own, and the longer piece waits
    for the shorter ones. A table without rows gives one round of empty pieces.

    Raises
    ------
    TableError
        When a column is missing or cannot be read, as soon as that shows.
    """
    scans = [_scan(table, name) for name in names]
    heads = [next(scan) for scan in scans]
    while True:
        rows = min(len(head) for head in heads)
        yield tuple(_rows(head, 0, rows) for head in heads)
        rests = [_rest(head, rows, scan) for head, scan in zip(heads, scans, strict=True)]
        heads = [head for head in rests if head is not None]
        if len(heads) < len(rests):
            return


def _scan(table: Table, name: str) -> Iterator[Column]:
    for piece in table.scan([name]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        yield piece


def _rest(head: Column, used: int, scan: Iterator[Column]) -> Column | None:
    """What is left of a piece, or the next one; None at the end of the column."""
    return _rows(head, used, len(head) - used) if used < len(head) else next(scan, None)


def _rows(piece: Column, start: int, length: int) -> Column:
    if start == 0 and length == len(piece):
        return piece
    return Column(piece.name, piece.type, piece.data.slice(start, length))
