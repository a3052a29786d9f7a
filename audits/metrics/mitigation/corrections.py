"""Forecasts corrected by group: one factor each, that takes out how much the group was forecast too high or too low."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.group_comparisons import SumRatio
from audits.metrics.groups.outcome_values import numbers
from audits.metrics.mitigation.candidates import Candidate, NotTried, Offer
from audits.metrics.mitigation.rows import Sides
from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: What is added up: rows with both, |y - f|, y, f - y.
WIDTH = 4
WAPE, MEAN_ERROR = "wape", "mean-error"
#: As in the audit of group disparity: errors as they are, the mean error as forecast / actual.
RATIOS = (
    SumRatio(MEAN_ERROR, (3,), (2,), (0,), (0,), offset=1.0),
    SumRatio(WAPE, (1,), (2,), (0,), (0,)),
)
_FEW = "fewer than two groups have enough rows and sums above 0 to tune on"
STEPS = {"half way": 0.5, "in full": 1.0}


def forecast_statistics(pieces: tuple[Column, ...]) -> Floats:
    """From forecasts and truths to what ``RATIOS`` are made of."""
    f, y = (numbers(piece) for piece in pieces)
    return np.column_stack([np.ones(len(y)), np.abs(y - f), y, f - y])


def correction_factors(truth: Floats, forecast: Floats, group: Ints, groups: Ints) -> dict[int, float]:
    """``sum y / sum f`` of each group: with it the group's forecasts add up to what came, on the rows that gave it.

    A group whose forecasts or truths do not add up to more than 0 has no factor.
    """
    factors = {}
    for g in groups.tolist():
        rows = group == g
        actual, foreseen = float(truth[rows].sum()), float(forecast[rows].sum())
        if actual > 0 and foreseen > 0:
            factors[g] = actual / foreseen
    return factors


def correction_offers(sides: Sides, groups: tuple[int, ...]) -> Iterator[Offer]:
    """Factors by group in full and half way (``factor ** 1/2``), and for comparison one factor for all."""
    tuning, held_out = sides.tuning, sides.held_out
    places = np.array(groups, dtype=np.int64)
    factors = correction_factors(tuning.truth, tuning.prediction, tuning.group, places)
    if len(factors) < 2:
        yield NotTried("correction by group", _FEW, lacking=True)
        return
    of_all = np.zeros(len(tuning), dtype=np.int64)
    everybody = correction_factors(tuning.truth, tuning.prediction, of_all, np.zeros(1, np.int64))
    if everybody:
        yield Candidate(
            label="one correction for all",
            family="correction",
            predictions=held_out.prediction * everybody[0],
            targets=(),
            detail={"factors": {"all": everybody[0]}},
        )
    for label, step in STEPS.items():
        powers = {g: factor**step for g, factor in factors.items()}
        multiplier = np.ones(len(held_out.groups))
        multiplier[list(powers)] = list(powers.values())
        yield Candidate(
            label=f"correction by group, {label}",
            family="correction",
            predictions=held_out.prediction * multiplier[held_out.group],
            targets=(MEAN_ERROR,),
            detail={
                "settings": {"step": step},
                "factors": {held_out.groups[g]: factor for g, factor in powers.items()},
            },
        )
