"""A table of consent records, read into events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.privacy.consent_history import FOREVER, WITHDRAWN, Bools, ConsentHistory, Events, Ints
from audits.metrics.privacy.moments import DAY, UNKNOWN, is_day, moments
from audits.metrics.privacy.purposes import plain, plain_texts, similar
from audits.metrics.privacy.subjects import Subjects
from audits.tables import Column, Table

#: What a status may say. Any other word, and none, is taken as a refusal: nobody's consent is guessed.
GIVEN = frozenset({"given", "granted", "active", "valid", "accepted", "opt-in", "yes", "true", "1"})
ENDED_BY = {"withdrawn": "withdrawn_at", "revoked": "withdrawn_at", "expired": "expires_at"}
REFUSED = frozenset(
    {"refused", "denied", "declined", "rejected", "objected", "inactive", "opt-out", "no", "false", "0"}
)
#: Of so many different purposes those are looked at that are nearly the one asked for.
MOST_PURPOSES = 1000


@dataclass(frozen=True, slots=True)
class ConsentRecords:
    """The history of some subjects' consents for one purpose, and what was odd about the records.

    ``recorded`` are the subjects with a record of any purpose, ``for_purpose`` those with one of this purpose. ``oddities``
    counts records of this purpose and these subjects, by name.
    """

    history: ConsentHistory
    recorded: Bools
    for_purpose: Bools
    similar_purposes: tuple[str, ...]
    oddities: Mapping[str, int]


def consent_records(
    table: Table, columns: Mapping[str, str], purpose: str, subjects: Subjects
) -> ConsentRecords:
    """Read the records in one pass; 24 bytes are kept for each event of these subjects and this purpose.

    A record gives consent at ``given_at``, until ``expires_at``, and withdraws it at ``withdrawn_at``. A withdrawal before
    its own record's grant counts when that was given. Where a withdrawal is a day without a time, it counts from the day's
    beginning and also undoes what was given later on that day. A grant without ``given_at`` proves nothing.

    Parameters
    ----------
    columns : mapping of str to str
        The column of ``subject``, ``purpose`` and ``given_at``, and where there are such of ``withdrawn_at``, ``expires_at``
        and ``status``.
    purpose : str
        Compared without regard to case and spaces.

    Raises
    ------
    TableError
        When a column is missing, or does not hold what it should.
    """
    reader = _Reader(plain(purpose), subjects)
    roles = list(columns)
    for pieces in aligned_pieces(table, [columns[role] for role in roles]):
        reader.add(dict(zip(roles, pieces, strict=True)))
    return reader.records()


@dataclass(slots=True)
class _Reader:
    purpose: str
    subjects: Subjects
    events: list[Events] = field(default_factory=list)
    purposes: set[str] = field(default_factory=set)
    oddities: dict[str, int] = field(default_factory=dict)
    recorded: Bools = field(init=False)
    for_purpose: Bools = field(init=False)
    blocked: Bools = field(init=False)

    def __post_init__(self) -> None:
        self.recorded, self.for_purpose, self.blocked = np.zeros((3, len(self.subjects)), dtype=bool)

    def records(self) -> ConsentRecords:
        return ConsentRecords(
            ConsentHistory(Events.together(self.events), self.blocked),
            self.recorded,
            self.for_purpose,
            tuple(similar(self.purpose, self.purposes)),
            self.oddities,
        )

    def add(self, pieces: Mapping[str, Column]) -> None:
        """Read a piece of the records; a moment that cannot be read is refused whomever it is about."""
        place = self.subjects.places(pieces["subject"])
        codes, names = plain_texts(pieces["purpose"])
        if len(self.purposes) <= MOST_PURPOSES:
            self.purposes.update(names)
        wanted = names.index(self.purpose) if self.purpose in names else -2
        given, withdrawn, expires = (self._moments(pieces, role, len(place)) for role in _MOMENTS)
        status = _statuses(pieces.get("status"), len(place))
        self.recorded[place[place >= 0]] = True
        mine = (place >= 0) & (codes == wanted)
        self.for_purpose[place[mine]] = True
        days = "withdrawn_at" in pieces and is_day(pieces["withdrawn_at"])
        self._events(place[mine], given[mine], withdrawn[mine], expires[mine], status[mine], days)

    @staticmethod
    def _moments(pieces: Mapping[str, Column], role: str, rows: int) -> Ints:
        return moments(pieces[role]) if role in pieces else np.full(rows, UNKNOWN, dtype=np.int64)

    def _events(
        self, place: Ints, given: Ints, withdrawn: Ints, expires: Ints, status: Ints, days: bool
    ) -> None:
        dated, ends = given != UNKNOWN, withdrawn != UNKNOWN
        ended = ((status == _WITHDRAWN) & ends) | ((status == _EXPIRED) & (expires != UNKNOWN))
        granting = (status == _GIVEN) | ended
        until = np.where(expires == UNKNOWN, FOREVER, expires)
        gives = granting & dated
        self.events.append(Events(place[gives], given[gives], until[gives]))
        refuses = ~granting & dated
        self._withdraw(place[refuses], given[refuses])
        self._withdraw(place[ends], np.maximum(withdrawn, given)[ends])
        if days:
            self._withdraw(place[ends], np.maximum(withdrawn + DAY - 1, given)[ends])
        undated = ~granting & ~dated & ~ends
        self.blocked[place[undated]] = True
        self._count("records_without_given_at", ~dated & granting & ~ends)
        self._count("refusals_without_moment", undated)
        last = withdrawn + (DAY - 1 if days else 0)
        self._count("withdrawn_before_given", ends & dated & (last < given))
        self._count("status_not_known", status == _UNKNOWN_WORD)

    def _withdraw(self, place: Ints, time: Ints) -> None:
        self.events.append(Events(place, time, np.full(len(place), WITHDRAWN, dtype=np.int64)))

    def _count(self, name: str, rows: npt.NDArray[np.bool_]) -> None:
        self.oddities[name] = self.oddities.get(name, 0) + int(rows.sum())


_MOMENTS = ("given_at", "withdrawn_at", "expires_at")
_GIVEN, _WITHDRAWN, _EXPIRED, _REFUSED, _UNKNOWN_WORD = range(5)
_CODES: Mapping[str, int] = {
    **dict.fromkeys(GIVEN, _GIVEN),
    **{word: _WITHDRAWN if end == "withdrawn_at" else _EXPIRED for word, end in ENDED_BY.items()},
    **dict.fromkeys(REFUSED, _REFUSED),
}


def _statuses(piece: Column | None, rows: int) -> Ints:
    if piece is None:
        return np.full(rows, _GIVEN, dtype=np.int64)
    codes, names = plain_texts(piece)
    return _status_codes(names)[codes]


def _status_codes(names: Sequence[str]) -> Ints:
    """The meaning of each word; the last one is that of a row without a status."""
    return np.array([*(_CODES.get(name, _UNKNOWN_WORD) for name in names), _UNKNOWN_WORD], dtype=np.int64)
