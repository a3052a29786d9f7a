"""Where a series of numbers changed its level: the offline search for change points on monitoring series."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: On either side of a change there are at least so many values: fewer are an outlier, not a level.
MIN_SEGMENT = 5
DRAWS = 999
SIGNIFICANCE = 0.05
#: Neighbouring values are moved together, a week of days at most, so that their dependence survives the shuffling.
MAX_BLOCK = 7
BLOCKS = 10


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """``index`` is the first value of the new level; ``before`` and ``after`` are the medians on either side of it."""

    index: int
    p: float
    before: float
    after: float


def change_points(values: npt.ArrayLike, seed: int) -> list[ChangePoint]:
    """Find lasting changes of level in a series, in its order.

    Binary segmentation (Vostrikova 1981) with the rank CUSUM ``max_k |sum_{i<=k} (r_i - mean r)|`` (Pettitt 1979):
    ranks, so that single wild values neither hide nor make a change. Its p-value is from block permutations (Antoch
    and Huskova 2001; Kirch 2007): blocks of up to seven values are shuffled, which keeps weekly ups and downs and
    short memory out of the significance. A stationary series raises an alarm with a probability of .05. On either side
    of a change the search goes on, at half the level, so that both sides together add at most as much.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Finite, in time order, of windows that do not overlap. Fewer than ten values have no change points.
    seed : int
        The same seed gives the same p-values.

    Raises
    ------
    ValueError
        When a value is not finite.

    Examples
    --------
    >>> [(c.index, c.before, c.after) for c in change_points([0.1] * 15 + [0.4] * 15, seed=1)]
    [(15, 0.1, 0.4)]
    """
    series = np.asarray(values, dtype=np.float64)
    if not np.isfinite(series).all():
        raise ValueError("a series with change points must be finite; leave out windows without a value")
    found = sorted(_search(series, 0, len(series), np.random.default_rng(seed), SIGNIFICANCE))
    if not found:
        return []
    limits = [0, *(index for index, _ in found), len(series)]
    medians = [float(np.median(series[a:b])) for a, b in pairwise(limits)]
    return [ChangePoint(index, p, medians[i], medians[i + 1]) for i, (index, p) in enumerate(found)]


def _search(
    series: Floats, start: int, end: int, rng: np.random.Generator, level: float
) -> list[tuple[int, float]]:
    if end - start < 2 * MIN_SEGMENT:
        return []
    split, p = _strongest(series[start:end], rng)
    if p > level:
        return []
    at = start + split
    halves = ((start, at), (at, end))
    return [(at, p), *(more for half in halves for more in _search(series, *half, rng, level / 2))]


def _strongest(segment: Floats, rng: np.random.Generator) -> tuple[int, float]:
    """Where the level most likely changes, and the p-value of there being a change at all."""
    from scipy.stats import rankdata  # the package takes half a second to load

    ranks = rankdata(segment)
    centred = ranks - ranks.mean()
    observed = _cusum(centred[None, :])[0]
    split = int(observed.argmax())
    drawn = _cusum(centred[_shuffled(len(segment), rng)]).max(axis=1)
    # Ranks are multiples of a half, but sums of their centred values are not exact: equal must count as reached.
    reached = int((drawn >= observed[split] * (1 - 1e-9)).sum())
    return split + MIN_SEGMENT, (1 + reached) / (DRAWS + 1)


def _cusum(centred: Floats) -> Floats:
    """Absolute partial sums up to each admissible split, per row."""
    return np.abs(np.cumsum(centred, axis=1)[:, MIN_SEGMENT - 1 : centred.shape[1] - MIN_SEGMENT])


def _shuffled(n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Orders of 0..n-1 in which blocks of neighbours change places; shape (DRAWS, n)."""
    size = max(1, min(MAX_BLOCK, n // BLOCKS))
    count = -(-n // size)
    block_of = np.arange(n) * count // n
    places = rng.permuted(np.tile(np.arange(count), (DRAWS, 1)), axis=1)
    return np.argsort(places[:, block_of], axis=1, kind="stable")
