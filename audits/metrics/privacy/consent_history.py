"""Who had consented at which moment: grants and withdrawals, replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Until when a consent holds that never ends; and one that is withdrawn, refused or was never given.
FOREVER = np.iinfo(np.int64).max
WITHDRAWN = np.iinfo(np.int64).min
NEVER_GIVEN = WITHDRAWN + 1


@dataclass(frozen=True, slots=True)
class Events:
    """What happened to consents: at ``time`` the subject at ``place`` gave one that holds before ``until``.

    ``until`` is ``FOREVER`` without an end and ``WITHDRAWN`` for a withdrawal. Times are whole numbers of one unit.
    """

    place: Ints
    time: Ints
    until: Ints

    @classmethod
    def together(cls, parts: Sequence[Events]) -> Events:
        """All events of several."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(
            np.concatenate([nothing, *(part.place for part in parts)]),
            np.concatenate([nothing, *(part.time for part in parts)]),
            np.concatenate([nothing, *(part.until for part in parts)]),
        )


class ConsentHistory:
    """The state of every subject at any moment: what the last event at or before it says.

    Of several events at one moment the one that holds shortest counts, a withdrawal before all: ties fail closed. A later
    consent replaces an earlier one, its end included. ``blocked`` subjects never have consent: they withdrew, and nobody
    knows when.
    """

    def __init__(self, events: Events, blocked: Bools) -> None:
        order = np.lexsort((~events.until, events.time, events.place))
        self._times, ranks = np.unique(events.time[order], return_inverse=True)
        self._step = len(self._times) + 1
        self._place = events.place[order]
        self._at = self._place * self._step + ranks.reshape(-1) + 1
        self._until = events.until[order]
        self._blocked = blocked

    def __len__(self) -> int:
        return len(self._blocked)

    def until(self, place: Ints, time: Ints) -> Ints:
        """Until when the consent holds that counts at each moment; ``NEVER_GIVEN`` where there is none.

        Parameters
        ----------
        place, time : ndarray of int, shape (n,)
            Subjects by their place from 0, and moments.
        """
        wanted = place * self._step + np.searchsorted(self._times, time, side="right")
        found = np.searchsorted(self._at, wanted, side="right") - 1
        out = np.full(len(place), NEVER_GIVEN, dtype=np.int64)
        some = found >= 0
        same = np.zeros(len(place), dtype=bool)
        same[some] = self._place[found[some]] == place[some]
        out[same] = self._until[found[same]]
        out[self._blocked[place]] = WITHDRAWN
        return out

    def valid(self, place: Ints, time: Ints) -> Bools:
        """Whether each subject has a valid consent at each moment."""
        return np.asarray(time < self.until(place, time))

    def everybody(self, moment: int) -> Ints:
        """``until`` of every subject, in order, at one moment."""
        places = np.arange(len(self), dtype=np.int64)
        return self.until(places, np.full(len(self), moment, dtype=np.int64))
