"""Whether chance alone explains an effect of drift, and the verdict that needs both: large, and not chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.metrics.drift.bounds import clipped_wasserstein_bound, jensen_shannon_bound
from audits.metrics.drift.distributions import Counts, Floats
from audits.metrics.drift.effects import Effect, drift_effect, effect_cells, effect_values
from audits.metrics.drift.methods import Pair
from audits.metrics.drift.permutations import permuted_batches

#: How often chance alone may be mistaken for drift.
LEVEL = 0.05
DRAWS = 199
#: Columns with more categories or numbers than this are shuffled at most ``FEW_DRAWS`` times.
MANY_CELLS, FEW_DRAWS = 100_000, 99
#: Effects that differ by less than this share are ties: equal tables, added up in another order.
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Null:
    """What chance alone does to an effect, when both sides' rows come from one distribution.

    ``critical`` is exceeded by chance in at most 5 % of cases; ``p`` is the probability of an effect as large as the
    one observed, at most .05 exactly when the effect exceeds ``critical``. ``draws`` is 0 when a bound decided: ``p``
    and ``critical`` are then no less than what draws would give.
    """

    critical: float
    p: float
    draws: int


def effect_null(pair: Pair, seed: int, draws: int = DRAWS, effect: Effect | None = None) -> Null | None:
    """Test the effect against shuffled rows; None when it is below its threshold, so that nothing has to be tested.

    A Monte Carlo permutation test: the rows of both sides are shuffled between them ``draws`` times, from the pooled
    counts, and the effect is computed anew from the same cells, clipping limits and scale included.
    ``p = (1 + #{T* >= T}) / (draws + 1)`` is exact: without drift, ``p <= a`` has at most probability a, whatever the
    distribution and the sizes (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39). From 10^9 rows on see
    ``permutations.permuted_counts``.

    Where a bound (``drift_bounds``) shows that chance reaches the threshold in at most 5 % of cases, whatever the
    effect, nothing is drawn: on many rows only the size of the effect matters.

    Parameters
    ----------
    seed : int
        Of all randomness: the same seed gives the same null.
    draws : int
        At least 19, since fewer never reach a p-value of .05. Of more than 100,000 distinct values at most 99 are
        made.
    effect : Effect, optional
        The pair's, when it is known, or with a threshold of its own.

    Raises
    ------
    ValueError
        When ``draws`` is below 19.
    ArithmeticError
        When the numbers exceed double precision.
    """
    if draws < 19:
        raise ValueError(f"{draws} draws never reach a p-value of .05: draw at least 19 times")
    found = effect or drift_effect(pair)
    if not found.large:
        return None
    values, reference, current = effect_cells(pair)
    by_bound = _by_bound(found, values, reference, current)
    return by_bound or _by_draws(found.value, values, reference, current, np.random.default_rng(seed), draws)


def calibrated_verdict(effect: Effect, null: Null | None) -> bool:
    """Whether the column has drifted: its effect reaches the threshold, and chance explains it in at most 5 % of cases.

    Raises
    ------
    ValueError
        When the effect is large and was not tested.
    """
    if not effect.large:
        return False
    if null is None:
        raise ValueError("an effect beyond its threshold needs a null: call effect_null with the same effect")
    return null.p <= LEVEL


def _by_bound(effect: Effect, values: Floats | None, reference: Counts, current: Counts) -> Null | None:
    if values is None:
        bound = jensen_shannon_bound(reference, current)
    elif (found := clipped_wasserstein_bound(values, reference, current)) is not None:
        bound = found
    else:
        return None
    critical = bound.critical(LEVEL)
    return Null(critical, bound.p(effect.value), 0) if critical <= effect.threshold else None


def _by_draws(
    value: float,
    values: Floats | None,
    reference: Counts,
    current: Counts,
    rng: np.random.Generator,
    draws: int,
) -> Null:
    if len(reference) > MANY_CELLS:
        draws = min(draws, FEW_DRAWS)
    by_chance = np.concatenate(
        [effect_values(values, *sides) for sides in permuted_batches(reference, current, draws, rng)]
    )
    as_large = int((by_chance >= value * (1 - TIE)).sum())
    return Null(_critical(by_chance), (1 + as_large) / (draws + 1), draws)


def _critical(by_chance: Floats) -> float:
    """The effect that has to be exceeded: the largest but so few that p would still be at most ``LEVEL``."""
    allowed = int(LEVEL * (len(by_chance) + 1) + TIE)
    return float(np.sort(by_chance)[-allowed])
