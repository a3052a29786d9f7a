"""Does a score put those first whom the campaign moves? Qini curve, area under the uplift curve, and uplift by decile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.statistics.intervals import ClusterBootstrap

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Scores are put into so many bins of about equal size; equal scores are never parted.
BINS = 100
REPLICATES = 1000


@dataclass(frozen=True, slots=True)
class CurveAreas:
    """Qini coefficient and area under the uplift curve, each as value, lower and upper limit; NaN where undefined."""

    n: int
    qini: tuple[float, float, float]
    auuc: tuple[float, float, float]


def score_bins(score: Floats, bins: int) -> Ints:
    """The bin of each score, from 0 for the highest; equal scores share one, so there may be fewer bins."""
    last = -(-np.arange(1, bins) * len(score) // bins)  # in whole numbers: rounding would move an edge
    edges = np.unique(np.sort(score)[np.maximum(last - 1, 0)])
    below = np.searchsorted(edges, score, side="left")
    return np.unique(-below, return_inverse=True)[1].reshape(-1).astype(np.int64)


def curve_areas(score: Floats, values: Floats, arm: Ints, seed: int) -> CurveAreas:
    """Areas with percentile intervals of 1,000 bootstrap samples of the units.

    With ``T``, ``C`` units and ``Y_T``, ``Y_C`` outcomes of both arms among the share ``x`` with the highest scores, ``T_1``
    all treated units: the Qini curve is ``(Y_T - Y_C T / C) / T_1`` (Radcliffe 2007, "Using control groups to target on
    predicted lift", Direct Marketing Analytics J. 1, 14-21, per treated unit); its coefficient is the area between the curve
    and the straight line to its end. The uplift curve is ``(Y_T / T - Y_C / C) x`` (Gutierrez and Gerardy 2017, PMLR 67,
    1-13, per unit). A score by lot has a coefficient of 0 and an area of half the uplift. Between bins the curves are straight.

    Parameters
    ----------
    score, values, arm : arrays, shape (units,)
        NaN and -1 take no part.
    """
    used = ~(np.isnan(score) | np.isnan(values)) & (arm >= 0)
    n = int(used.sum())
    nothing = (np.nan, np.nan, np.nan)
    if n < 2:
        return CurveAreas(n, nothing, nothing)
    bins = score_bins(score[used], BINS)
    size = int(bins.max()) + 1
    cells = bins * 2 + arm[used]
    y = values[used]
    sums = {"n": np.ones(n), "y": y}
    observed = {
        name: np.bincount(cells, weights=v, minlength=2 * size).astype(np.float64)[np.newaxis]
        for name, v in sums.items()
    }
    drawn = ClusterBootstrap.draw(np.arange(n), seed, REPLICATES)
    replicates = drawn.sums(np.ones(n, dtype=bool), cells, 2 * size, sums)
    return CurveAreas(n, *_with_limits(areas(**observed), areas(**replicates)))


def areas(n: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Qini coefficient and area under the uplift curve, from units and outcomes per bin and arm.

    Parameters
    ----------
    n, y : arrays, shape (tables, 2 * bins)
        Control and treated of the highest bin, of the next one, and so on.
    """
    units, outcomes = (np.cumsum(a.reshape(len(a), -1, 2), axis=1) for a in (n, y))
    control, treated = units[..., 0], units[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(units > 0, outcomes / units, np.nan)
        uplift = np.nan_to_num(mean[..., 1] - mean[..., 0])
        share = (control + treated) / (control + treated)[:, -1:]
        qini = uplift * treated / treated[:, -1:]
        gain = uplift * share
    area = _area(share, qini) - qini[:, -1] / 2
    defined = (control[:, -1] > 0) & (treated[:, -1] > 0)
    return np.where(defined, area, np.nan), np.where(defined, _area(share, gain), np.nan)


def _area(x: Floats, y: Floats) -> Floats:
    """Trapezoids from the origin."""
    x, y = (np.concatenate([np.zeros((len(a), 1)), a], axis=1) for a in (x, y))
    return np.asarray((np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1]) / 2).sum(axis=1))


def _with_limits(
    observed: tuple[Floats, Floats], replicates: tuple[Floats, Floats]
) -> list[tuple[float, float, float]]:
    out = []
    for value, draws in zip(observed, replicates, strict=True):
        defined = draws[np.isfinite(draws)]
        low, high = np.quantile(defined, (0.025, 0.975)) if len(defined) else (np.nan, np.nan)
        out.append((float(value[0]), float(low), float(high)))
    return out
