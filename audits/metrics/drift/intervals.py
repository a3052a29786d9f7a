"""How sure an effect of drift is on few rows: a bootstrap interval from counts, without the rows."""

from __future__ import annotations

import numpy as np

from audits.metrics.drift.distributions import Counts, Floats
from audits.metrics.drift.effects import effect_cells, effect_values
from audits.metrics.drift.methods import Pair
from audits.metrics.drift.permutations import batches

#: On so many rows and more on both sides, sampling matters less than any limit that one would set.
MANY_ROWS = 10_000
DRAWS = 200
CONFIDENCE = 0.95
#: More distinct values are first put together, neighbours with neighbours, into so many cells.
CELLS = 256


def effect_interval(pair: Pair, seed: int) -> tuple[float, float] | None:
    """95 % interval of ``drift_effect``; None when both sides have so many rows that there is nothing to be unsure of.

    Both sides' counts are drawn anew, ``DRAWS`` times, from multinomials of their sizes and shares, which is what
    drawing rows with replacement does to counts. A distance between two samples is too large on average, and one
    between two resamples still more. The lower end takes that off, ``2 T - q_.975`` as in the basic interval (Davison
    and Hinkley 1997, Bootstrap Methods and their Application, 5.2), and is at least 0; the upper end only adds the
    spread, ``T + q_.975 - q_.5``, since the basic one falls short of small effects.

    In simulations it held the true effect in 94 to 98 of 100 cases. Where there is none at all, it left out 0 in 7 to
    17 of 100: whether there is an effect is for ``drift_null`` to say.

    Parameters
    ----------
    seed : int
        The same seed gives the same interval.

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.
    """
    if min(pair.reference.n, pair.current.n) >= MANY_ROWS:
        return None
    values, reference, current = _few_cells(*effect_cells(pair))
    rng = np.random.default_rng(seed)
    observed = float(effect_values(values, reference[np.newaxis], current[np.newaxis])[0])
    resampled = np.concatenate(
        [
            effect_values(
                values,
                *(rng.multinomial(side.sum(), side / side.sum(), size) for side in (reference, current)),
            )
            for size in batches(DRAWS, len(reference))
        ]
    )
    middle, most = np.quantile(resampled, [0.5, (1 + CONFIDENCE) / 2])
    return max(0.0, float(2 * observed - most)), float(observed + most - middle)


def _few_cells(
    values: Floats | None, reference: Counts, current: Counts
) -> tuple[Floats | None, Counts, Counts]:
    """Neighbouring numbers in groups of about equally many rows, at their middles; categories stay as they are."""
    if values is None or len(values) <= CELLS:
        return values, reference, current
    pooled = reference + current
    below = np.cumsum(pooled)
    group = ((below - pooled / 2) * CELLS / below[-1]).astype(np.int64)
    starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(group))])
    rows = np.add.reduceat(pooled, starts)
    middles = np.add.reduceat(values * pooled, starts) / rows
    return middles, np.add.reduceat(reference, starts), np.add.reduceat(current, starts)
