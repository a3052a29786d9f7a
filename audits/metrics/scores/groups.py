"""Neighbouring cells of a score profile put together, so that resampling them is cheap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.metrics.scores.metrics import Bools
from audits.metrics.scores.profiles import FALSE, TRUE, UNKNOWN, ScoreProfile
from audits.metrics.statistics.resampling import Floats, Ints


@dataclass(frozen=True, slots=True)
class ScoreGroups:
    """Rows by group of neighbouring cells, groups ascending by score.

    ``score`` is the mean score of a group's rows; ``called`` whether they are called positive; ``group`` tells the
    group of each of the profile's cells.
    """

    group: Ints
    score: Floats
    false: Ints
    true: Ints
    unknown: Ints
    called: Bools

    @property
    def rows(self) -> Ints:
        return self.false + self.true + self.unknown

    def __len__(self) -> int:
        return len(self.score)


def score_groups(profile: ScoreProfile, most: int, *apart: Ints) -> ScoreGroups:
    """Put cells together into groups of about equally many rows.

    Parameters
    ----------
    most : int
        Groups by rows; the cuts that ``apart`` and the decision ask for come on top. A profile with fewer cells keeps
        one group per cell.
    *apart : ndarray of int, shape (cells,)
        Labels of cells, such as bins; cells with different labels are never put together.
    """
    counts, called = profile.counts, profile.called()
    rows = counts.sum(axis=1)
    share = (np.cumsum(rows) - rows / 2) * (most / max(int(rows.sum()), 1))
    by_mass = share.astype(np.int64) if len(rows) > most else np.arange(len(rows))
    cut = np.zeros(len(rows), dtype=bool)
    for labels in (by_mass, called, *apart):
        cut[1:] |= labels[1:] != labels[:-1]
    group = np.cumsum(cut)
    size = int(group[-1]) + 1 if len(group) else 0
    false, true, unknown = (np.bincount(group, counts[:, k], size) for k in (FALSE, TRUE, UNKNOWN))
    total = np.bincount(group, rows * profile.means(), size)
    first = np.flatnonzero(np.concatenate([[True], cut[1:]])) if size else np.empty(0, dtype=np.int64)
    return ScoreGroups(
        group=group,
        score=total / np.bincount(group, rows, size),
        false=false.astype(np.int64),
        true=true.astype(np.int64),
        unknown=unknown.astype(np.int64),
        called=called[first],
    )
