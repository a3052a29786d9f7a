"""Whether the mix of categories changed between two spans of days, when what happens on one day belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.drift.distances import jensen_shannon_rows

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

DRAWS = 999
#: Distances that differ by less than this share are ties.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class MixShift:
    """Jensen-Shannon distance of two mixes, and how often days shuffled between the spans are as far apart.

    ``days`` are those of the earlier and of the later span.
    """

    distance: float
    p: float
    days: tuple[int, int]


def mix_shift(by_day: Ints, late: npt.NDArray[np.bool_], seed: int, draws: int = DRAWS) -> MixShift:
    """Compare the mix on some days with that on the others, by the Jensen-Shannon distance (Lin 1991, natural logarithm).

    A job that runs a thousand times makes a thousand uses at once: uses are not independent, days nearly are. So whole days are
    shuffled between the spans, and ``p = (1 + #{as far}) / (1 + draws)`` (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol.
    9, 39), which is exact where days are exchangeable.

    Parameters
    ----------
    by_day : array of int, shape (days, categories)
        Only days on which something happened.
    late : array of bool, shape (days,)
        The days of the later span; some, not all.
    seed : int
        Of the shuffles.
    """
    rng = np.random.default_rng(seed)
    total = by_day.sum(axis=0)
    after = by_day[late].sum(axis=0)
    observed = float(jensen_shannon_rows((total - after)[None, :], after[None, :])[0])
    chosen = np.argsort(rng.random((draws, len(by_day))), axis=1)[:, : int(late.sum())]
    picked = np.zeros((draws, len(by_day)))
    np.put_along_axis(picked, chosen, 1.0, axis=1)
    drawn = picked @ by_day.astype(np.float64)
    far = int((jensen_shannon_rows(total - drawn, drawn) >= observed * (1 - _TIE)).sum())
    return MixShift(observed, (1 + far) / (1 + draws), (int((~late).sum()), int(late.sum())))
