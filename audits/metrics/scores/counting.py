"""Counts scores and labels of a table piece by piece into a score profile."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.scores.grid import COARSEST, FINEST, cells_at, cells_of, finest_level, places
from audits.metrics.scores.profiles import FALSE, LABELS, MAX_CELLS, TRUE, UNKNOWN, Floats, Ints, ScoreProfile
from audits.tables import Column, ColumnType, Table, TableError

#: Up to this level scores are counted in an array with a place for every cell.
_DENSEST = COARSEST + 1
#: Rows whose cells are worked out at once, so that they stay in the processor's cache, and rows counted at once.
_STEP, _BLOCK = 1 << 14, 1 << 18
#: Rows that are taken in at once.
_PIECE = 1 << 16
#: A row adds this to a sum of doubles, and below it its offset. A block's offsets stay below one row, and its rows
#: below ``2**53``, so that both can be told apart again and nothing is rounded.
_ROW = 1 << 34


class ScoreProfileBuilder:
    """Collects scores and labels piece by piece, in memory that does not grow with the rows."""

    def __init__(self, decision: float = 0.5) -> None:
        if not 0 <= decision <= 1:
            raise ValueError(f"the decision must lie in [0, 1], not at {decision:g}")
        self._held = ScoreProfile.empty(decision)
        self._dropped = 0
        self._dense: _DenseCounts | None = None

    def add(self, scores: Floats, labels: Ints | None = None) -> None:
        """Take in scores in [0, 1] (NaN: none) with label codes; without codes all labels are unknown.

        Raises
        ------
        ValueError
            When a score lies outside [0, 1].
        """
        for start in range(0, len(scores), _PIECE):
            rows = slice(start, start + _PIECE)
            self._piece(scores[rows], None if labels is None else labels[rows])

    def profile(self) -> ScoreProfile:
        """The profile of all rows so far."""
        held = self._held if self._dense is None else self._dense.profile()
        return ScoreProfile(held.decision, held.level, held.keys, held.counts, held.offsets, self._dropped)

    def _piece(self, scores: Floats, labels: Ints | None) -> None:
        if not (scores.min() >= 0 and scores.max() <= 1):  # NaN is neither
            given = ~np.isnan(scores)
            self._dropped += len(scores) - int(given.sum())
            scores, labels = scores[given], None if labels is None else labels[given]
            if not len(scores):
                return
            if scores.min() < 0 or scores.max() > 1:
                raise ValueError("scores must lie in [0, 1]")
        if self._held.level is None:
            self._held = self._held.coarsened(self._level_for(scores))
        self._count(scores, labels)

    def _level_for(self, scores: Floats) -> int | None:
        """The level that these further scores ask for at least; found from some of them, and None from too few."""
        looked_at = np.concatenate([self._held.keys.view(np.float64), scores[: 2 * MAX_CELLS]])
        distinct = np.unique(looked_at)
        return finest_level(distinct, MAX_CELLS) if len(distinct) > MAX_CELLS else None

    def _count(self, scores: Floats, labels: Ints | None) -> None:
        level = self._held.level
        if level is None or level > _DENSEST:
            self._held = self._held.merge(self._profile_of(scores, labels))
            return
        if self._dense is None:
            self._dense = _DenseCounts(self._held, level)
        self._dense.add(scores, labels)

    def _profile_of(self, scores: Floats, labels: Ints | None) -> ScoreProfile:
        """The profile of one piece at the held level."""
        level, decision = self._held.level, self._held.decision
        if level is None:
            keys, beyond = (scores + 0.0).view(np.int64), np.zeros(len(scores), dtype=np.int64)
        else:
            cells, beyond = cells_at(scores, level)
            keys = 2 * cells + (scores >= decision)
        encoded = _arrow(keys).dictionary_encode()
        found = encoded.dictionary.to_numpy()
        at = encoded.indices.to_numpy() * np.int64(LABELS) + (UNKNOWN if labels is None else labels)
        size = len(found) * LABELS
        counts = np.bincount(at, minlength=size).reshape(-1, LABELS)
        offsets = np.bincount(at, weights=beyond, minlength=size).reshape(-1, LABELS).astype(np.int64)
        order = np.argsort(found)
        return ScoreProfile(decision, level, found[order], counts[order], offsets[order]).fitted()


class _DenseCounts:
    """Counts and offsets with a place for every cell of one level; the cell that the decision cuts has two."""

    def __init__(self, held: ScoreProfile, level: int) -> None:
        self._decision, self._level = held.decision, level
        self._lowest, highest = cells_of(level)
        # Label by label: what has one label only, or none yet, stays within a small part of the memory.
        shape = LABELS, highest - self._lowest + 2
        self._counts, self._offsets = (np.zeros(shape, dtype=np.int64) for _ in range(2))
        at = (held.keys >> 1) + (held.keys & 1) - self._lowest
        self._counts[:, at], self._offsets[:, at] = held.counts.T, held.offsets.T
        self._waiting = 0
        self._at, self._weights = np.empty(_BLOCK, dtype=np.int64), np.empty(_BLOCK)

    def add(self, scores: Floats, labels: Ints | None) -> None:
        """Take in a piece."""
        if self._waiting + len(scores) > _BLOCK:
            self._count()
        for start in range(0, len(scores), _STEP):
            rows = slice(start, start + _STEP)
            self._place(scores[rows], UNKNOWN if labels is None else labels[rows])

    def _place(self, scores: Floats, labels: Ints | int) -> None:
        placed = places(scores)
        rows = slice(self._waiting, self._waiting + len(scores))
        at = self._at[rows]
        np.right_shift(placed, FINEST - self._level, out=at)
        at += scores >= self._decision
        at += labels * self._counts.shape[1] - self._lowest
        placed &= (1 << (FINEST - self._level)) - 1
        placed += _ROW
        self._weights[rows] = placed
        self._waiting += len(scores)

    def _count(self) -> None:
        """Count what waits."""
        rows, self._waiting = self._waiting, 0
        both = np.bincount(self._at[:rows], weights=self._weights[:rows], minlength=self._counts.size)
        added = np.floor(both * (1 / _ROW))
        both -= added * _ROW
        self._counts += added.reshape(self._counts.shape).astype(np.int64)
        self._offsets += both.reshape(self._counts.shape).astype(np.int64)

    def profile(self) -> ScoreProfile:
        """The profile of all rows so far; they go on being counted here."""
        self._count()
        at = np.flatnonzero(self._counts.sum(axis=0))
        cut = int(cells_at(np.array([self._decision]), self._level)[0][0])
        above = at + self._lowest > cut
        keys = 2 * (at + self._lowest - above) + above
        counts, offsets = (np.ascontiguousarray(a[:, at].T) for a in (self._counts, self._offsets))
        return ScoreProfile(self._decision, self._level, keys, counts, offsets).fitted()


def _arrow(numbers: Ints) -> pa.Int64Array:
    """The same memory as Arrow data; ``pa.array`` would load pandas for it."""
    return pa.Int64Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def score_profile(table: Table, score: str, label: str | None = None, decision: float = 0.5) -> ScoreProfile:
    """Profile a score, and its label where there is one, in one pass over the table's pieces.

    Parameters
    ----------
    score : str
        Column of probabilities in [0, 1]; rows without one are counted as dropped.
    label : str, optional
        Column of 0 and 1, or booleans; empty where not yet known. Without it all labels are unknown.
    decision : float
        The score from which a row is called positive.

    Raises
    ------
    TableError
        When a column is missing, cannot be read, or holds something else; names it and the remedy.
    """
    builder = ScoreProfileBuilder(decision)
    names = [score] if label is None else [score, label]
    for pieces in aligned_pieces(table, names):
        if len(pieces[0]) == 0:
            break
        labels = None if label is None else _label_codes(pieces[1], table.label)
        scores = _numbers(pieces[0], table.label)
        try:
            builder.add(scores, labels)
        except ValueError as error:
            raise TableError(
                f"column {score!r} of {table.label} holds values outside [0, 1]; give probabilities"
            ) from error
    return builder.profile()


def _label_codes(piece: Column, label: str) -> Ints:
    if pa.types.is_integer(piece.data.type) and not piece.data.null_count:  # the usual case, without copies
        whole = piece.data.to_numpy()
        codes: Ints = whole.astype(np.int64, copy=False)
        allowed = whole.min() >= 0 and whole.max() <= 1
    else:
        values = _numbers(piece, label)
        codes = np.select([values == 0, values == 1], [FALSE, TRUE], UNKNOWN).astype(np.int64)
        allowed = not ((codes == UNKNOWN) & ~np.isnan(values)).any()
    if not allowed:
        raise TableError(
            f"column {piece.name!r} of {label} must hold 0 and 1, and nothing where not yet known"
        )
    return codes


def _numbers(piece: Column, label: str) -> Floats:
    if piece.nulls == len(piece):
        return np.full(len(piece), np.nan)
    if piece.type not in {ColumnType.NUMERIC, ColumnType.BOOLEAN}:
        raise TableError(f"column {piece.name!r} of {label} holds no numbers; numbers are needed here")
    return piece.floats()
