"""How far forecasts are from what came, with bootstrap intervals over the independent unit."""

from __future__ import annotations

import numpy as np

from audits.metrics.statistics.resampling import (
    Estimate,
    Floats,
    Ints,
    Resampler,
    Statistic,
    ratio,
    unit_codes,
)

# Columns of the totals.
_N, _ABS, _SQ, _DIFF, _SIZE, _Y, _YY, _BASE = range(8)


def _r2(t: Floats) -> Floats:
    return 1 - ratio(t[:, _SQ], t[:, _YY] - t[:, _Y] ** 2 / t[:, _N])


_STATISTICS: dict[str, Statistic] = {
    "mae": lambda t: t[:, _ABS] / t[:, _N],
    "rmse": lambda t: np.sqrt(t[:, _SQ] / t[:, _N]),
    "r2": _r2,
    "wape": lambda t: ratio(t[:, _ABS], t[:, _SIZE]),
    "bias": lambda t: ratio(t[:, _DIFF], t[:, _SIZE]),
}

_BASELINE_STATISTICS: dict[str, Statistic] = {
    "wape-baseline": lambda t: ratio(t[:, _BASE], t[:, _SIZE]),
    "skill": lambda t: 1 - ratio(t[:, _ABS], t[:, _BASE]),
}


def regression_estimates(
    truth: Floats, predicted: Floats, baseline: Floats | None, clusters: Ints | None, seed: int
) -> dict[str, Estimate]:
    """MAE, RMSE, R2, WAPE and bias; with a baseline also its WAPE and the skill over it.

    With ``e = f - y``: MAE ``mean |e|``, RMSE ``sqrt(mean e^2)``, R2 ``1 - sum e^2 / sum (y - mean y)^2``,
    WAPE ``sum |e| / sum |y|`` (Kolassa and Schuetz 2007), bias ``sum e / sum |y|`` (for demand, which is never
    negative, the same as over ``sum y``), skill ``1 - WAPE / WAPE_baseline`` (Murphy 1988). All intervals come from
    the same resamples of units, so the skill's is that of a paired comparison.

    Parameters
    ----------
    truth, predicted, baseline : ndarray, shape (n,)
        Finite values of the same rows; the baseline is the naive method's prediction.
    clusters : ndarray of int, shape (n,), optional
        Codes of the independent unit (category, store); ``-1`` for a row of its own.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Estimate
        Without a value where the denominator is 0: R2 of a constant truth, WAPE of an all-zero one.
    """
    statistics = _STATISTICS if baseline is None else {**_STATISTICS, **_BASELINE_STATISTICS}
    # R2 does not change when the truth is shifted, and this avoids a difference of large squares.
    centred = truth - (truth[0] if np.ptp(truth) == 0 else truth.mean())
    naive = np.zeros(len(truth)) if baseline is None else np.abs(baseline - truth)
    error = predicted - truth
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # squares beyond 1e308 end as an estimate without a value
        columns = [
            np.ones(len(truth)),
            np.abs(error),
            error**2,
            error,
            np.abs(truth),
            centred,
            centred**2,
            naive,
        ]
        return Resampler(unit_codes(len(truth), clusters), seed).totals(columns).estimates(statistics)
