"""A decision threshold for each group, in steps from the one that all share to the ones that give all groups one rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Steps:
    """Scores by group, from which thresholds for any step follow.

    ``scores`` are ascending, of the rows that the rate speaks of. ``start`` is the threshold that all share, ``level`` the rate
    of all groups together under it: the rate that every group has at parity, so that as many are selected as before.
    """

    scores: Mapping[int, Floats]
    start: float
    level: float

    @classmethod
    def of(cls, score: Floats, group: Ints, among: Bools, groups: Ints, start: float) -> Steps:
        """From the rows of the tuning half.

        Parameters
        ----------
        score : ndarray, shape (n,)
            A row is selected when its score is at least the threshold.
        group : ndarray of int, shape (n,)
        among : ndarray of bool, shape (n,)
            The denominator of the rate: all rows, those whose truth is 1, or those whose truth is 0.
        groups : ndarray of int
            The groups that get a threshold of their own; each needs a row in ``among``.
        start : float
            The threshold of today.
        """
        scores = {int(g): np.sort(score[among & (group == g)]) for g in groups}
        every = np.concatenate(list(scores.values()))
        return cls(scores, start, float((every >= start).mean()))

    def thresholds(self, step: float) -> dict[int, float]:
        """Thresholds that bring each group's rate by ``step`` (0 to 1) of the way to the common rate.

        ``rate_g(step) = (1 - step) rate_g(0) + step level``, reached as nearly as the scores of the group allow. At step 0
        every threshold is that of today.
        """
        found = {}
        for g, scores in self.scores.items():
            now = float((scores >= self.start).mean())
            found[g] = threshold_for(scores, (1 - step) * now + step * self.level, self.start)
        return found


def threshold_for(scores: Floats, rate: float, start: float) -> float:
    """The threshold that selects nearest to a share ``rate`` of the scores; ``start`` where that one does it already.

    It lies half-way between two scores that occur, or just beyond the last one. Equal scores are selected together or not at
    all, so the rate is met up to half of the rows that share a score.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Ascending, at least one.
    rate : float
        0 to 1.

    Examples
    --------
    >>> threshold_for(np.array([0.1, 0.2, 0.6, 0.8]), 0.5, 0.5)
    0.5
    >>> threshold_for(np.array([0.1, 0.2, 0.6, 0.8]), 0.75, 0.5)
    0.15000000000000002
    """
    values, first = np.unique(scores, return_index=True)
    selected = np.append(len(scores) - first, 0)
    wanted = rate * len(scores)
    place = int(np.argmin(np.abs(selected - wanted)))
    best = float(abs(selected[place] - wanted))
    if abs(float((scores >= start).sum()) - wanted) <= best:
        return start
    if place == 0:
        return float(values[0])
    if place == len(values):
        return float(np.nextafter(values[-1], np.inf))
    return float((values[place - 1] + values[place]) / 2)


def decided(score: Floats, group: Ints, thresholds: Mapping[int, float], today: Floats) -> Floats:
    """Decisions, 0 or 1, by the threshold of each row's group; those of today in groups without one."""
    out = today.copy()
    for g, threshold in thresholds.items():
        rows = group == g
        out[rows] = score[rows] >= threshold
    return out
