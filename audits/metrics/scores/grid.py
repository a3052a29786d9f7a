"""A fixed scale for scores in [0, 1] whose cells, of any level, lie within those of every coarser level.

From ``2**-6`` to ``1 - 2**-6`` a score's place is the score itself. Towards 0 and 1, where overconfident models crowd
and a logarithmic loss looks closest, each further octave (of the distance to that end, down to ``2**-52``) takes up as
much of the scale as the one before it, ``2**-7``. Exactly 0 and exactly 1 stand apart. A place is a whole number of
``2**-29``; a cell of level ``k`` is the place shifted right by ``29 - k`` bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Cells are ``2**-level`` wide in the middle of the scale.
COARSEST, FINEST = 13, 29
#: From here to its mirror image the scale is the score itself.
_TAIL = 2.0**-6
#: Of a score in a tail so many bits are kept after the leading one.
_TAIL_BITS = FINEST - 7
_UNIT = float(1 << FINEST)
#: Smaller scores than this are placed like it; a log-loss does not tell them apart either.
_LEAST = 2.0**-52
_ZERO, _ONE = -3 << (FINEST - 3), 11 << (FINEST - 3)


def places(scores: Floats) -> Ints:
    """Where scores in [0, 1] stand, in units of ``2**-29``; never falls as the score grows."""
    placed = (scores * _UNIT).astype(np.int64)
    low = np.flatnonzero(scores < _TAIL)
    if len(low):
        placed[low] = _tail(scores[low], np.floor)
        placed[low[scores[low] == 0]] = _ZERO
    high = np.flatnonzero(scores > 1 - _TAIL)
    if len(high):
        placed[high] = (1 << FINEST) - _tail(1 - scores[high], np.ceil)
        placed[high[scores[high] == 1]] = _ONE
    return placed


def _tail(distances: Floats, rounded: np.ufunc) -> Ints:
    """Place of distances below ``2**-6`` to an end: linear within an octave, all octaves equally long.

    The fraction is rounded before the octave is added, so that no sum of doubles rounds it past an edge.
    """
    fractions, exponents = np.frexp(np.maximum(distances, _LEAST))
    within = rounded(fractions * 2.0 ** (_TAIL_BITS + 1)).astype(np.int64)
    placed: Ints = within + ((exponents.astype(np.int64) + 6) << _TAIL_BITS)
    return placed


def scores_at(placed: Floats) -> Floats:
    """The scores that stand at places (in units of ``2**-29``, not only whole ones); undoes ``places``."""
    at = placed / _UNIT
    found = np.where(at < _TAIL, _untailed(at), np.where(at > 1 - _TAIL, 1 - _untailed(1 - at), at))
    return np.where(placed == _ZERO, 0.0, np.where(placed == _ONE, 1.0, found))


def _untailed(at: Floats) -> Floats:
    octaves = at * 2.0**7
    steps = np.minimum(np.floor(octaves) - 1, 0)
    untailed: Floats = np.ldexp((octaves - steps) / 2, steps.astype(np.int64) - 6)
    return untailed


def cells_of(level: int) -> tuple[int, int]:
    """The lowest and the highest cell of a level: those of the scores 0 and 1."""
    return _ZERO >> (FINEST - level), _ONE >> (FINEST - level)


def cells_at(scores: Floats, level: int) -> tuple[Ints, Ints]:
    """Cell of each score, and how far above the cell's lower end it stands."""
    placed = places(scores)
    cells = placed >> (FINEST - level)
    placed &= (1 << (FINEST - level)) - 1
    return cells, placed


def finest_level(scores: Floats, most: int) -> int:
    """The finest level at which ascending scores lie in at most so many cells; the coarsest, if there is none."""
    placed, level = places(scores), FINEST
    while level > COARSEST and 1 + np.count_nonzero(np.diff(placed >> (FINEST - level))) > most:
        level -= 1
    return level
