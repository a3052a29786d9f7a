"""What a score of a campaign's customers is worth: descriptive numbers, without a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import Measurement, Verdict
from audits.metrics.pressure.trials import difference
from audits.metrics.pressure.uplift_curves import curve_areas, score_bins
from audits.verdicts.disparity.disparities import number

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

QINI, AREA, DECILE = "qini-coefficient", "uplift-curve-area", "uplift-by-decile"
DECILES = 10


def told_by_score(
    name: str, score: Floats, outcome: Floats, arm: Ints, seed: int, doubt: str
) -> Iterator[Measurement]:
    """Whether the score puts those first whom the campaign moves.

    Parameters
    ----------
    name : str
        The score's column.
    doubt : str
        Why the comparison of the arms cannot be trusted; then nothing here carries a verdict.
    """
    areas = curve_areas(score, outcome, arm, seed)
    for metric, limits in ((QINI, areas.qini), (AREA, areas.auuc)):
        yield _descriptive(metric, "", areas.n, limits, doubt)
    known = ~np.isnan(score) & ~np.isnan(outcome) & (arm >= 0)
    decile = np.full(len(score), -1, dtype=np.int64)
    if known.any():
        decile[known] = score_bins(score[known], DECILES)
    for i in range(DECILES):
        found = difference(outcome, np.where(decile == i, arm, -1))
        n = found.treated + found.control
        if n:
            told = _descriptive(
                DECILE, f"{name}=decile {i + 1}", n, (found.value, found.low, found.high), doubt
            )
            yield replace(told, detail={**told.detail, "treated": found.treated, "control": found.control})


def _descriptive(
    name: str, where: str, n: int, limits: tuple[float, float, float], doubt: str
) -> Measurement:
    value, low, high = (number(limit) for limit in limits)
    reason = doubt or ("" if value is not None else "undefined: one of the arms is empty here")
    return Measurement(
        name=name,
        slice=where,
        n=n,
        value=value,
        low=low,
        high=high,
        verdict=Verdict.INSUFFICIENT if reason else Verdict.PASS,
        detail={"role": "descriptive", **({"reason": reason} if reason else {})},
    )
