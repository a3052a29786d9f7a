"""Whether probabilities mean what they say: reliability, calibration errors, Brier decomposition, recalibration line.

Statistics are computed from rows by cell or group of neighbouring cells, on the last axis, so that resampled rows go
through the same code as counted ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audits.metrics.scores.classification import ECE_BINS, LOG_LOSS_FLOOR, score_bins
from audits.metrics.scores.groups import ScoreGroups, score_groups
from audits.metrics.scores.metrics import Bools, Rows, brier_score
from audits.metrics.scores.profiles import FALSE, TRUE, ScoreProfile
from audits.metrics.statistics.resampling import (
    REPLICATES,
    Estimate,
    Floats,
    Ints,
    Resampler,
    percentile_interval,
    ratio,
    wilson_limits,
)

BINS = ECE_BINS
#: Groups of cells that are resampled; bins are never mixed within one.
_GROUPS = 100
_NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Labelled rows of one bin of scores, with the share that came true and its 95 % interval (Wilson)."""

    n: int
    mean_score: float
    share_true: float
    low: float
    high: float


def bin_edges(profile: ScoreProfile, bins: int = BINS, *, equal_mass: bool = False) -> Floats:
    """Edges of bins over [0, 1]: equally wide, or holding equally many labelled rows (quantiles, interpolated)."""
    even = np.linspace(0.0, 1.0, bins + 1)
    if not equal_mass:
        return even
    labelled = profile.counts[:, FALSE] + profile.counts[:, TRUE]
    ends = np.cumsum(labelled)
    wanted = even * (ends[-1] - 1)
    means = profile.means(FALSE, TRUE)
    below, above = (
        means[np.searchsorted(ends, at, side="right")] for at in (np.floor(wanted), np.ceil(wanted))
    )
    edges: Floats = below + (above - below) * (wanted - np.floor(wanted))
    return edges


def cell_bins(profile: ScoreProfile, edges: Floats) -> Ints:
    """The bin of each cell, as ``score_bins`` has it.

    Exact when lossless; otherwise a cell that an edge cuts goes where its mean lies.
    """
    return score_bins(profile.means(FALSE, TRUE), edges)


def calibration_curve(
    profile: ScoreProfile, bins: int = BINS, *, equal_mass: bool = False
) -> list[ReliabilityBin]:
    """Mean score and share that came true in each bin that has labelled rows (reliability diagram).

    Murphy and Winkler 1977; the same as scikit-learn's ``calibration_curve`` with the strategies ``uniform`` and
    ``quantile``.
    """
    cells = cell_bins(profile, bin_edges(profile, bins, equal_mass=equal_mass))
    false, true = profile.counts[:, FALSE], profile.counts[:, TRUE]
    rows = np.bincount(cells, false + true, bins)
    total = np.bincount(cells, (false + true) * profile.means(FALSE, TRUE), bins)
    hits = np.bincount(cells, true, bins)
    return [
        ReliabilityBin(
            int(rows[b]),
            total[b] / rows[b],
            hits[b] / rows[b],
            *wilson_limits(hits[b] / rows[b], int(rows[b])),
        )
        for b in np.flatnonzero(rows)
    ]


def calibration_error(false: Rows, true: Rows, scores: Floats, bins: Ints) -> Floats:
    """Expected calibration error ``sum_b n_b / n |share true_b - mean score_b|`` (Naeini et al. 2015).

    Parameters
    ----------
    false, true : ndarray, shape (..., cells)
        Rows of either label.
    scores : ndarray, shape (cells,)
        Mean score of each cell.
    bins : ndarray of int, shape (cells,)
        Bin of each cell, from 0 and never falling.
    """
    gap = true - (false + true) * scores
    by_bin = np.add.reduceat(gap, _first_of(bins), axis=-1)
    return ratio(np.abs(by_bin).sum(axis=-1), (false + true).sum(axis=-1).astype(np.float64))


def calibration_in_the_large(false: Rows, true: Rows, scores: Floats) -> Floats:
    """Mean score minus the share that came true: above 0, the scores promise too much."""
    rows = false + true
    return ratio((rows * scores - true).sum(axis=-1), rows.sum(axis=-1).astype(np.float64))


@dataclass(frozen=True, slots=True)
class BrierParts:
    """``brier = reliability - resolution + uncertainty + within_bins`` (Murphy 1973).

    Murphy's three parts are those of scores that are equal within a bin; ``within_bins`` is what their spread there
    adds (Stephenson, Coelho and Jolliffe 2008).
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


def brier_parts(profile: ScoreProfile, bins: int = BINS) -> BrierParts:
    """Decompose the Brier score of the labelled rows over bins of equal width."""
    curve = calibration_curve(profile, bins)
    rows, scores, shares = np.array([(b.n, b.mean_score, b.share_true) for b in curve]).T
    overall = float((rows * shares).sum() / rows.sum())
    reliability = float((rows * (scores - shares) ** 2).sum() / rows.sum())
    resolution = float((rows * (shares - overall) ** 2).sum() / rows.sum())
    uncertainty = overall * (1 - overall)
    brier = brier_score(profile)
    within = brier - (reliability - resolution + uncertainty)
    return BrierParts(brier, reliability, resolution, uncertainty, within)


def recalibration(false: Rows, true: Rows, scores: Floats) -> tuple[Floats, Floats]:
    """Intercept and slope of the logistic regression of the label on the score's log-odds (Cox 1958).

    ``logit P(true) = intercept + slope * logit(score)``; calibrated scores give 0 and 1, overconfident ones a slope
    below 1. Scores of 0 and 1 are moved one float epsilon inwards. Maximum likelihood by Newton's method; NaN where
    the score separates the labels, or does not vary.

    Parameters
    ----------
    false, true : ndarray, shape (..., cells)
    scores : ndarray, shape (cells,)

    Returns
    -------
    intercept, slope : ndarray, shape (...)
    """
    inside = np.clip(scores, LOG_LOSS_FLOOR, 1 - LOG_LOSS_FLOOR)
    odds = np.log(inside) - np.log1p(-inside)
    rows = np.asarray(false + true, dtype=np.float64)
    hits = np.broadcast_to(np.asarray(true, dtype=np.float64), rows.shape)
    shape = rows.shape[:-1]
    rows, hits = rows.reshape(-1, len(odds)), hits.reshape(-1, len(odds))
    usable = ~_separated(rows, hits)  # the others would go on without end
    lines = np.full((len(usable), 2), np.nan)
    lines[usable] = _fitted(rows[usable], hits[usable], odds)
    return lines[:, 0].reshape(shape), lines[:, 1].reshape(shape)


def _fitted(rows: Floats, hits: Floats, odds: Floats) -> Floats:
    """Intercept and slope of each table, shape (tables, 2); NaN where Newton's method does not arrive."""
    lines = np.tile([0.0, 1.0], (len(rows), 1))
    measure = partial(_deviance, rows=rows, hits=hits, odds=odds)
    deviance = measure(lines)
    step = np.zeros_like(lines)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(_NEWTON_STEPS):
            step = _newton_step(lines, rows, hits, odds)
            lines, deviance, moved = _improved(lines, step, deviance, measure)
            if not moved:
                break
    arrived = (np.abs(step) <= 1e-6 * (1 + np.abs(lines))).all(axis=-1)  # NaN has not
    return np.where(arrived[:, None], lines, np.nan)


def _newton_step(line: Floats, rows: Floats, hits: Floats, odds: Floats) -> Floats:
    expected = _expit(line[..., :1] + line[..., 1:] * odds)
    left, weight = hits - rows * expected, rows * expected * (1 - expected)
    gradient = left.sum(axis=-1), (left * odds).sum(axis=-1)
    a, b, c = (weight.sum(axis=-1), (weight * odds).sum(axis=-1), (weight * odds**2).sum(axis=-1))
    size = a * c - b * b
    flat = size <= 1e-12 * a * c  # one score only, or nothing left to learn
    size = np.where(flat, np.nan, size)
    steps = (c * gradient[0] - b * gradient[1]) / size, (a * gradient[1] - b * gradient[0]) / size
    return np.stack(steps, axis=-1)


def _improved(
    line: Floats, step: Floats, deviance: Floats, measure: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, bool]:
    """Go a step, or the half, quarter, ... of it that makes the fit better; and whether any line still moves."""
    usable = np.where(np.isfinite(step), step, 0.0)
    for _ in range(30):
        tried = measure(line + usable)
        worse = tried > deviance * (1 + 1e-12) + 1e-12
        if not worse.any():
            break
        usable = np.where(worse[..., None], usable / 2, usable)
    moved = bool((np.abs(usable) > 1e-10 * (1 + np.abs(line))).any())
    return line + usable, np.minimum(tried, deviance), moved


def _deviance(line: Floats, rows: Floats, hits: Floats, odds: Floats) -> Floats:
    at = line[..., :1] + line[..., 1:] * odds
    found: Floats = (rows * np.logaddexp(0.0, at) - hits * at).sum(axis=-1)
    return found


def _separated(rows: Floats, hits: Floats) -> Bools:
    """Whether all of one label lie above all of the other (they may share the cell between them)."""
    true, false = hits > 0, rows - hits > 0
    size = rows.shape[-1]
    first_true, first_false = np.argmax(true, axis=-1), np.argmax(false, axis=-1)
    last_true, last_false = (size - 1 - np.argmax(side[..., ::-1], axis=-1) for side in (true, false))
    one_only = ~true.any(axis=-1) | ~false.any(axis=-1)
    return np.asarray(one_only | (last_false <= first_true) | (last_true <= first_false))


def _expit(at: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(at / 2))
    return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """Estimates with intervals by name, the Brier score's parts, and the reliability bins.

    ``chance`` is what the expected calibration error reaches in 5 of 100 tables of as many rows whose scores are
    exactly right (consistency resampling: Bröcker and Smith 2007).
    """

    estimates: Mapping[str, Estimate]
    chance: float
    parts: BrierParts
    curve: list[ReliabilityBin]


def calibration_groups(profile: ScoreProfile) -> tuple[ScoreGroups, Ints, Ints]:
    """Groups of cells to resample, with the bin of each group: of equal width, and of equal mass."""
    wide, heavy = (cell_bins(profile, bin_edges(profile, equal_mass=mass)) for mass in (False, True))
    groups = score_groups(profile, _GROUPS, wide, heavy)
    first = _first_of(groups.group)
    return groups, wide[first], heavy[first]


def assess(profile: ScoreProfile, draws: tuple[Rows, Rows], seed: int) -> Calibration:
    """All calibration statistics of the labelled rows, with 95 % intervals from resampled rows by group.

    Parameters
    ----------
    profile : ScoreProfile
        Its labelled rows only; see ``labelled_only``.
    draws : pair of ndarray, shape (replicates, groups)
        False and true rows of ``calibration_groups``, resampled.
    seed : int
        Of the labels that are drawn to tell ``chance``.

    Notes
    -----
    Chance gaps in the bins inflate a calibration error, and a resample's once more. Its interval is therefore the basic
    bootstrap's (Davison and Hinkley 1997, 5.2), ``2 value - draw``, which takes that off again, cut at 0. The others are
    percentiles.
    """
    groups, wide, heavy = calibration_groups(profile)
    values: dict[str, Floats | float] = {**_of_cells(profile), "brier": brier_score(profile)}
    observed = _statistics(groups.false, groups.true, groups.score, wide, heavy)
    drawn = _statistics(*draws, groups.score, wide, heavy)
    estimates = {
        name: _estimate(name, float(values[name]), drawn[name] - observed[name], profile.labelled)
        for name in drawn
    }
    chance = _chance(groups, wide, seed)
    return Calibration(estimates, chance, brier_parts(profile), calibration_curve(profile))


def _chance(groups: ScoreGroups, bins: Ints, seed: int) -> float:
    rows = groups.false + groups.true
    drawn = np.random.default_rng(seed).binomial(rows, np.clip(groups.score, 0, 1), (REPLICATES, len(rows)))
    return float(np.quantile(calibration_error(rows - drawn, drawn, groups.score, bins), 0.95))


def _statistics(false: Rows, true: Rows, scores: Floats, wide: Ints, heavy: Ints) -> dict[str, Floats]:
    """Every statistic by name, for cells or groups with these bins of equal width and of equal mass."""
    intercept, slope = recalibration(false, true, scores)
    return {
        "expected-calibration-error": calibration_error(false, true, scores, wide),
        "expected-calibration-error-equal-mass": calibration_error(false, true, scores, heavy),
        "calibration-in-the-large": calibration_in_the_large(false, true, scores),
        "calibration-slope": slope,
        "calibration-intercept": intercept,
        "brier": _brier(false, true, scores),
    }


def _of_cells(profile: ScoreProfile) -> dict[str, Floats]:
    wide, heavy = (cell_bins(profile, bin_edges(profile, equal_mass=mass)) for mass in (False, True))
    means = profile.means(FALSE, TRUE)
    return _statistics(profile.counts[:, FALSE], profile.counts[:, TRUE], means, wide, heavy)


def _brier(false: Rows, true: Rows, scores: Floats) -> Floats:
    losses = (false * scores**2 + true * (1 - scores) ** 2).sum(axis=-1)
    return ratio(losses, (false + true).sum(axis=-1).astype(np.float64))


def _estimate(name: str, value: float, moves: Floats, n: int) -> Estimate:
    if not np.isfinite(value):
        return Estimate(n=n, reason="the score separates the labels, or does not vary: no line can be fitted")
    biased = name.startswith("expected-calibration-error")
    draws = value - moves if biased else value + moves
    found, interval = Estimate(n=n, value=value, draws=draws), percentile_interval(draws)
    if interval is None:
        return found
    low, high = interval
    return (
        replace(found, low=max(0.0, low), high=min(1.0, high)) if biased else found.with_interval(low, high)
    )


def draws_of_rows(groups: ScoreGroups, seed: int) -> tuple[Ints, Ints]:
    """Resample independent rows: false and true rows by group, shape (replicates, groups) each."""
    pooled = np.concatenate([groups.false, groups.true])
    drawn = np.random.default_rng(seed).multinomial(int(pooled.sum()), pooled / pooled.sum(), REPLICATES)
    return drawn[:, : len(groups)], drawn[:, len(groups) :]


def draws_of_units(
    profile: ScoreProfile, groups: ScoreGroups, scores: Floats, true: Floats, units: Ints, seed: int
) -> tuple[Floats, Floats]:
    """Resample independent units (customer, store, seller) of labelled rows, whose scores are in the profile."""
    group = groups.group[profile.cell_of(scores)]
    drawn = Resampler(units, seed).class_totals([(group, 1 - true), (group, true)], len(groups)).resampled
    return drawn[:, : len(groups)], drawn[:, len(groups) :]


def _first_of(labels: Ints) -> Ints:
    return np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
