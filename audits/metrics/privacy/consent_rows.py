"""Rows of a table against the consents of those they are about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.privacy.consent_history import Bools, ConsentHistory, Ints
from audits.metrics.privacy.moments import DAY, UNKNOWN, is_day, moments
from audits.metrics.privacy.subjects import Subjects
from audits.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Collected:
    """When rows were taken: at the moment in a ``column`` of theirs, or all at one ``moment``; neither: unknown."""

    column: str | None = None
    moment: int | None = None

    @property
    def known(self) -> bool:
        return self.column is not None or self.moment is not None

    def of(self, piece: Column | None, rows: int) -> Ints:
        """The moment of each row, ``UNKNOWN`` where it has none. A day without a time is asked about at its end."""
        if piece is None:
            return np.full(rows, self.moment, dtype=np.int64)
        found = moments(piece)
        if is_day(piece):
            found[found != UNKNOWN] += DAY - 1
        return found


@dataclass(frozen=True, slots=True)
class RowConsent:
    """``then`` tells which subjects had consent at the moment of each of their rows; None when no moment is known.

    The counts are of rows; a row that names no subject has no consent, nor has one without a moment when it was taken.
    """

    then: Bools | None
    rows_without_then: int
    rows_without_moment: int
    rows_after: int
    rows_without_now: int


def rows_with_consent(
    table: Table, entity: str, subjects: Subjects, history: ConsentHistory, collected: Collected, now: int
) -> RowConsent:
    """Look every row's consent up, at the moment when it was taken and at ``now``: one pass in bounded memory.

    Raises
    ------
    TableError
        When a column is missing or does not hold what it should.
    """
    valid_now = now < history.everybody(now)
    then = np.ones(len(subjects), dtype=bool)
    columns = [entity, *([collected.column] if collected.column else [])]
    without_then = without_moment = after = without_now = 0
    for pieces in aligned_pieces(table, columns):
        place = subjects.places(pieces[0])
        who = place[place >= 0]
        without_now += len(place) - int(valid_now[who].sum())
        if not collected.known:
            continue
        time = collected.of(pieces[1] if collected.column else None, len(place))
        without_moment += int((time == UNKNOWN).sum())
        after += int((time > now).sum())
        when = time[place >= 0]
        valid = history.valid(who, when) & (when != UNKNOWN)
        then[who[~valid]] = False
        without_then += len(place) - int(valid.sum())
    return RowConsent(then if collected.known else None, without_then, without_moment, after, without_now)
