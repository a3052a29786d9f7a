"""What candidates are worth, and what they cost against today: on the same rows, in the same resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.roc import auc_covariance, auc_estimate
from audits.metrics.statistics.resampling import Estimate, Resampler, ratio

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Worth:
    """``main`` is the utility of the curve, ``loss`` today's minus the candidate's, ``beside`` other measures by name."""

    main: Estimate
    loss: Estimate
    beside: dict[str, Estimate]


class LabelWorth:
    """Utility of decisions about 0/1 truths.

    ``balanced accuracy = (TPR + TNR) / 2``: where one truth is rare, plain accuracy is best for a model that decides the same for
    everybody. Intervals are percentiles of resampled units; the loss is resampled with today's decisions on the same draws.

    Parameters
    ----------
    truth, today : ndarray, shape (n,)
        0 or 1; decisions of the model as it is.
    units : ndarray of int, shape (n,)
        Independent units, from 0 without gaps.
    """

    def __init__(self, truth: Floats, today: Floats, units: Ints, seed: int) -> None:
        self._truth, self._units, self._seed = truth, units, seed
        self._today = self._right(today)
        self._resampler = Resampler(units, seed)

    def of(self, decisions: Floats, score: Floats | None = None) -> Worth:
        """Balanced accuracy, accuracy, and the area under the curve where rows are ranked."""
        columns = [self._truth == 1, self._truth == 0, *self._right(decisions), *self._today]
        totals = self._resampler.totals(columns)
        beside = {"accuracy": totals.estimate(lambda t: ratio(t[:, 2] + t[:, 3], t[:, 0] + t[:, 1]))}
        if score is not None and 0 < self._truth.sum() < len(self._truth):
            beside["auc"] = self._auc(score)
        return Worth(
            totals.estimate(lambda t: _balanced(t, 2)),
            totals.estimate(lambda t: _balanced(t, 4) - _balanced(t, 2)),
            beside,
        )

    def _right(self, decisions: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        return (self._truth == 1) & (decisions == 1), (self._truth == 0) & (decisions == 0)

    def _auc(self, score: Floats) -> Estimate:
        positive = self._truth == 1
        auc, covariance = auc_covariance(positive, score[np.newaxis], self._units)
        return auc_estimate(float(auc[0]), float(covariance[0, 0]), positive, self._seed)


def _balanced(t: Floats, place: int) -> Floats:
    return np.asarray((ratio(t[:, place], t[:, 0]) + ratio(t[:, place + 1], t[:, 1])) / 2)


class ForecastWorth:
    """Utility of forecasts: ``1 - WAPE``, ``WAPE = sum |y - f| / sum y``. Intervals as in ``LabelWorth``."""

    def __init__(self, truth: Floats, today: Floats, units: Ints, seed: int) -> None:
        self._truth, self._today = truth, today
        self._resampler = Resampler(units, seed)

    def of(self, forecasts: Floats) -> Worth:
        """Forecast accuracy, with the bias of all rows together beside it."""
        y = self._truth
        columns = [y, np.abs(y - forecasts), np.abs(y - self._today), forecasts - y]
        totals = self._resampler.totals(columns)
        return Worth(
            totals.estimate(lambda t: 1 - ratio(t[:, 1], t[:, 0])),
            totals.estimate(lambda t: ratio(t[:, 1] - t[:, 2], t[:, 0])),
            {"mean-error": totals.estimate(lambda t: ratio(t[:, 3], t[:, 0]))},
        )
