"""Exactly mergeable counts of a score in [0, 1] by its label: false, true, or not yet known.

While there are at most ``MAX_CELLS`` distinct scores, each is counted as it is. With more of them they are counted in
the cells of ``score_grid``: at the finest level whose occupied cells are few enough, which is never coarser than
8,192 cells between 0 and 1. The ``decision`` (from which a row is called positive) cuts the cell it lies in, so that
decisions are counted exactly wherever it lies. Cells are nested, so that coarsening counts equals counting coarser; all
state is integers. Hence the profile of parts, merged in any order, is the profile of the whole, bit for bit. Which
cells there are does not depend on the labels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.grid import FINEST, cells_at, finest_level, scores_at

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Columns of the counts.
FALSE, TRUE, UNKNOWN = range(3)
LABELS = 3

#: More than there can be at the coarsest level.
MAX_CELLS = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class ScoreProfile:
    """How often each score came with each label.

    Parameters
    ----------
    decision : float
        The score from which a row is called positive.
    level : int, optional
        Of the cells, as in ``score_grid``; None when every distinct score is kept.
    keys : ndarray of int, shape (cells,)
        Ascending. Lossless: the bits of the score. Otherwise ``2 * cell + (score >= decision)``.
    counts : ndarray of int, shape (cells, 3)
        Rows whose label is false, true, unknown.
    offsets : ndarray of int, shape (cells, 3)
        Sum, in units of ``2**-29``, of how far above the lower end of its cell each score stands; 0 when lossless.
    dropped : int
        Rows without a score.
    """

    decision: float
    level: int | None
    keys: Ints
    counts: Ints
    offsets: Ints
    dropped: int = 0

    @classmethod
    def empty(cls, decision: float = 0.5) -> ScoreProfile:
        none = np.empty((0, LABELS), dtype=np.int64)
        return cls(decision, None, np.empty(0, dtype=np.int64), none, none)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScoreProfile) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    @property
    def n(self) -> int:
        """Rows with a score."""
        return int(self.counts.sum())

    @property
    def labelled(self) -> int:
        return self.positives + self.negatives

    @property
    def positives(self) -> int:
        return int(self.counts[:, TRUE].sum())

    @property
    def negatives(self) -> int:
        return int(self.counts[:, FALSE].sum())

    def digest(self) -> str:
        """SHA-256 over everything that the profile holds."""
        head = repr((float(self.decision), self.level, self.dropped)).encode()
        arrays = (np.ascontiguousarray(a).tobytes() for a in (self.keys, self.counts, self.offsets))
        return hashlib.sha256(b"|".join([head, *arrays])).hexdigest()

    def merge(self, other: ScoreProfile) -> ScoreProfile:
        """The profile of both sides' rows together.

        Raises
        ------
        ValueError
            When they were made for different decisions.
        """
        if self.decision != other.decision:
            raise ValueError(
                f"profiles made for the decisions {self.decision:g} and {other.decision:g} cannot be merged; "
                "make both for one decision"
            )
        levels = [side.level for side in (self, other) if side.level is not None]
        at = min(levels) if levels else None
        a, b = self.coarsened(at), other.coarsened(at)
        keys = np.concatenate([a.keys, b.keys])
        order = np.argsort(keys, kind="stable")
        counts, offsets = (
            np.concatenate(pair)[order] for pair in ((a.counts, b.counts), (a.offsets, b.offsets))
        )
        united = _united(self.decision, at, keys[order], counts, offsets, self.dropped + other.dropped)
        return united.fitted()

    def coarsened(self, level: int | None) -> ScoreProfile:
        """The same rows in wider cells. Raises ``ValueError`` for narrower ones."""
        if level == self.level:
            return self
        if level is None or (self.level is not None and level > self.level):
            raise ValueError("counts can be made coarser, not finer")
        if self.level is None:
            scores = self.keys.view(np.float64)
            cells, beyond = cells_at(scores, level)
            keys = 2 * cells + (scores >= self.decision)
        else:
            steps, cells = self.level - level, self.keys >> 1
            keys = 2 * (cells >> steps) + (self.keys & 1)
            beyond = (cells & ((1 << steps) - 1)) << (FINEST - self.level)
        offsets = self.offsets + self.counts * beyond[:, None]
        return _united(self.decision, level, keys, self.counts, offsets, self.dropped)

    def fitted(self) -> ScoreProfile:
        """The same rows at the finest level that has at most ``MAX_CELLS`` occupied cells."""
        found = self
        if self.level is None and len(self.keys) > MAX_CELLS:
            found = self.coarsened(finest_level(self.keys.view(np.float64), MAX_CELLS))
        while len(found.keys) > MAX_CELLS and found.level is not None:
            found = found.coarsened(found.level - 1)
        return found

    def labelled_only(self) -> ScoreProfile:
        """The same without the rows whose label is unknown; cells that are empty then are left out."""
        kept = self.counts[:, [FALSE, TRUE]].any(axis=1)
        counts, offsets = self.counts[kept].copy(), self.offsets[kept].copy()
        counts[:, UNKNOWN] = offsets[:, UNKNOWN] = 0
        return ScoreProfile(self.decision, self.level, self.keys[kept], counts, offsets, self.dropped)

    def cell_of(self, scores: Floats) -> Ints:
        """Place in ``keys`` of scores that the profile has counted."""
        if self.level is None:
            keys = (scores + 0.0).view(np.int64)
        else:
            keys = 2 * cells_at(scores, self.level)[0] + (scores >= self.decision)
        return np.searchsorted(self.keys, keys).astype(np.int64)

    def means(self, *labels: int) -> Floats:
        """Mean score of each cell over the rows with one of these labels (all, if none is named).

        Exact when lossless, else to some ``1e-10`` of the score. A cell without such a row gives its mean over all.
        """
        if self.level is None:
            return self.keys.view(np.float64)
        chosen = list(labels) or [FALSE, TRUE, UNKNOWN]
        rows, beyond = self.counts[:, chosen].sum(axis=1), self.offsets[:, chosen].sum(axis=1)
        of_all = self.offsets.sum(axis=1) / self.counts.sum(axis=1)
        within = np.where(rows > 0, beyond / np.maximum(rows, 1), of_all)
        return scores_at(((self.keys >> 1) << (FINEST - self.level)) + within)

    def called(self, threshold: float | None = None) -> npt.NDArray[np.bool_]:
        """Which cells are called positive at a threshold; by default at the decision.

        Exact at the decision, at every cell edge, and everywhere when lossless; elsewhere the cell that the threshold
        cuts counts with its mean.
        """
        at = self.decision if threshold is None else threshold
        if self.level is not None and at == self.decision:
            return (self.keys & 1).astype(bool)
        return self.means() >= at


def _united(
    decision: float, level: int | None, keys: Ints, counts: Ints, offsets: Ints, dropped: int
) -> ScoreProfile:
    """A profile from ascending keys that may repeat."""
    if len(keys):
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        keys = keys[first]
        counts, offsets = np.add.reduceat(counts, first), np.add.reduceat(offsets, first)
    return ScoreProfile(decision, level, keys, counts, offsets, dropped)
