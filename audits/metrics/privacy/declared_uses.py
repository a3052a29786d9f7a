"""What data may be used for: the purposes declared when they were collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.privacy.moments import DAY, UNKNOWN, moments
from audits.metrics.privacy.purposes import plain_texts, similar
from audits.metrics.privacy.uses import MOST_PAIRS, NO_DAY, Pair, Uses
from audits.tables import Column, ColumnType, Table, TableError

#: The last day of a declaration without an end.
ALWAYS = 1 << 40
#: Longer names are cut when they are shown, in characters.
LONGEST = 150
#: Among so many declared purposes of other assets a misspelled one is looked for.
_MOST_LOOKED_AT = 1000
_YES = frozenset({"yes", "true", "1", "1.0"})
_NO = frozenset({"no", "false", "0", "0.0"})


@dataclass(frozen=True, slots=True)
class Declared:
    """Until which day (days since 1970, included) each pair is declared: outright, and as compatible only."""

    outright: Mapping[Pair, int]
    compatible: Mapping[Pair, int]

    @property
    def pairs(self) -> list[Pair]:
        return sorted({*self.outright, *self.compatible})

    def hint(self, pair: Pair) -> str:
        """The declared purpose of the asset, or else of any, that is worded nearly like this one; or empty."""
        asset, purpose = pair
        own = similar(purpose, {p for a, p in self.pairs if a == asset})
        if own or not purpose:
            return own[0] if own else ""
        everywhere = sorted({p for _, p in self.pairs})[:_MOST_LOOKED_AT]
        return next(iter(similar(purpose, everywhere)), "")


@dataclass(frozen=True, slots=True)
class UseOfPair:
    """Uses of a pair: declared outright, as compatible, not at all; ``undated`` may have come after a declaration's end.

    ``ended`` are undeclared uses after the end of a declaration.
    """

    declared: int
    compatible: int
    undeclared: int
    ended: int
    undated: int

    @property
    def uses(self) -> int:
        return self.declared + self.compatible + self.undeclared + self.undated


def read_declared(table: Table, columns: Mapping[str, str]) -> Declared:
    """Read the declarations. One that names no asset or no purpose declares nothing.

    Parameters
    ----------
    columns : mapping of str to str
        The column of ``asset`` and ``purpose``, and where there are such of ``compatible`` (true where the use is declared as
        compatible only, after an assessment by Art. 6(4) GDPR) and ``until`` (the last day).

    Raises
    ------
    TableError
        When a column is missing or does not hold what it should.
    """
    outright: dict[Pair, int] = {}
    compatible: dict[Pair, int] = {}
    roles = list(columns)
    for pieces in aligned_pieces(table, [columns[role] for role in roles]):
        found = dict(zip(roles, pieces, strict=True))
        asset, assets = plain_texts(found["asset"])
        purpose, purposes = plain_texts(found["purpose"])
        only = _truths(found.get("compatible"), len(asset))
        last = _last_days(found.get("until"), len(asset))
        for i in np.flatnonzero((asset >= 0) & (purpose >= 0)).tolist():
            pair = (assets[asset[i]], purposes[purpose[i]])
            kept = compatible if only[i] else outright
            kept[pair] = max(kept.get(pair, last[i]), last[i])
        if len(outright) + len(compatible) > MOST_PAIRS:
            raise TableError(f"{table.label} declares more than {MOST_PAIRS} pairs of asset and purpose")
    return Declared(outright, compatible)


def use_of(uses: Uses, pair: Pair, declared: Declared) -> UseOfPair:
    """Divide the uses of a pair by how they are declared on their day. A use without a day may be after any end."""
    counts = dict.fromkeys(("declared", "compatible", "undeclared", "ended", "undated"), 0)
    for day, n in uses.by_day[pair].items():
        status = _status(pair, day, declared)
        counts["undeclared" if status == "ended" else status] += n
        counts["ended"] += n if status == "ended" else 0
    return UseOfPair(**counts)


def _status(pair: Pair, day: int, declared: Declared) -> str:
    ends = (declared.outright.get(pair), declared.compatible.get(pair))
    if ends == (None, None):
        return "undeclared"
    if day == NO_DAY:
        return next(
            (s for end, s in zip(ends, ("declared", "compatible"), strict=True) if end == ALWAYS), "undated"
        )
    for end, status in zip(ends, ("declared", "compatible"), strict=True):
        if end is not None and day <= end:
            return status
    return "ended"


def _truths(piece: Column | None, rows: int) -> list[bool]:
    """Whether each declaration is compatible only; without a word it is."""
    if piece is None:
        return [False] * rows
    codes, names = plain_texts(piece)
    odd = [name for name in names if name not in _YES | _NO]
    if odd or piece.type is ColumnType.EMBEDDING:
        raise TableError(f"column {piece.name!r} must say true or false: whether a use is compatible only")
    return [code < 0 or names[code] in _YES for code in codes.tolist()]


def _last_days(piece: Column | None, rows: int) -> list[int]:
    if piece is None:
        return [ALWAYS] * rows
    return [ALWAYS if at == UNKNOWN else at // DAY for at in moments(piece).tolist()]


def shown(text: str, what: str) -> str:
    """A name as it may be shown: never one that looks like somebody's address."""
    if not text:
        return f"(no {what} stated)"
    if "@" in text:
        return f"({what} not shown: it looks like an address)"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def shown_names(names: Iterable[str], what: str, most: int) -> list[Any]:
    """The first names in their order, as they may be shown."""
    return [shown(name, what) for name in sorted(names)[:most]]
