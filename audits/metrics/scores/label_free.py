"""How good a classifier's decisions are before its labels are in: confidence-based estimation from score profiles.

If a probability is right, a row scored ``p`` is truly positive with probability ``p``; the expected confusion matrix of
unlabelled rows follows from their scores alone. Scores are first calibrated on labelled reference rows by isotonic
regression where that makes them better probabilities. This is CBPE as NannyML documents it (Kivimäki, Białek,
Nurminen and Kuberski 2025, "Confidence-based estimators for predictive performance in model monitoring", JAIR 82).

It holds as long as rows of equal score are as often positive as they were in the reference. When that changes (concept
drift) nothing in the scores tells, and the estimate is wrong without a sign of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from audits.metrics.scores.groups import ScoreGroups, score_groups
from audits.metrics.scores.metrics import all_metrics, roc_auc
from audits.metrics.scores.profiles import FALSE, TRUE, ScoreProfile
from audits.metrics.statistics.resampling import Estimate, Floats, Ints, percentile_interval

METRICS = ("roc-auc", "accuracy", "precision", "recall", "f1", "specificity")
REPLICATES = 500
#: Groups of cells that are resampled; intervals do not become sharper with more.
_GROUPS = 200
#: Whether calibration helps is tried on random tenths of the reference, as NannyML does: on ten, and on more while
#: those together hold fewer rows than this, for then ten leave it to chance.
_TEST_SHARE, _TEST_BINS, _TRIAL_GROUPS = 0.1, 10, 1000
_FEWEST_TRIALS, _MOST_TRIALS, _ROWS_TESTED = 10, 50, 100_000
#: A score that ranks so well has no use for calibration (NannyML's rule).
_PERFECT_AUC = 0.999


@dataclass(frozen=True, slots=True)
class Calibrator:
    """From scores to probabilities: straight lines between knots, level beyond the first and the last."""

    scores: Floats
    shares: Floats

    def __call__(self, scores: Floats) -> Floats:
        calibrated: Floats = np.interp(scores, self.scores, self.shares)
        return calibrated


IDENTITY = Calibrator(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


@dataclass(frozen=True, slots=True)
class LabelFreeEstimates:
    """Estimated metrics of unlabelled rows beside those of the labelled reference.

    The draws of both come from the same resamples of the reference, so that their comparison is paired.
    """

    estimated: Mapping[str, Estimate]
    reference: Mapping[str, Estimate]
    calibrated: bool


def isotonic_calibrator(scores: Floats, false: Ints, true: Ints) -> Calibrator:
    """The nondecreasing share of positives that lies closest to the observed ones (weighted least squares).

    Pool-adjacent-violators (Ayer et al. 1955; for calibration Zadrozny and Elkan 2002). Between the scores that
    occurred the share is interpolated, as scikit-learn does.

    Parameters
    ----------
    scores : ndarray, shape (cells,)
        Ascending.
    false, true : ndarray of int, shape (cells,)
        Rows of either label; cells without any are left out.
    """
    rows = false + true
    seen = rows > 0
    weights = rows[seen].astype(np.float64)
    from scipy.optimize import isotonic_regression  # the package takes half a second to load

    fitted = isotonic_regression(true[seen] / weights, weights=weights).x
    return Calibrator(scores[seen], fitted)


def calibration_helps(reference: ScoreProfile, seed: int = 0) -> bool:
    """Whether isotonic calibration, fitted on nine tenths of the rows, makes the others' scores better probabilities.

    The expected calibration error over ten bins of equally many rows, before and after, over random tenths. A
    reference with one class only, or ranked all but perfectly, is left as it is. NannyML draws its tenths from the rows'
    order, which a profile does not know: where the answer is close, its and ours are two draws.
    """
    groups = score_groups(reference, _TRIAL_GROUPS)
    scores, counts = groups.score, np.stack([groups.false, groups.true], axis=1)
    auc = float(roc_auc(groups.false, groups.true))
    if not auc <= _PERFECT_AUC:  # NaN: one class only
        return False
    wanted = int(_ROWS_TESTED / (_TEST_SHARE * reference.labelled))
    trials = min(max(wanted, _FEWEST_TRIALS), _MOST_TRIALS)
    tests = np.random.default_rng(seed).binomial(counts, _TEST_SHARE, (trials, *counts.shape))
    before = np.broadcast_to(scores, tests.shape[:2])
    after = np.stack([isotonic_calibrator(scores, *(counts - test).T)(scores) for test in tests])
    return _error(before, tests) > _error(after, tests)


def _error(probabilities: Floats, tests: Ints) -> float:
    """Expected calibration error over bins of equally many rows; a cell on an edge is split in proportion."""
    order = np.argsort(probabilities.ravel(), kind="stable")
    false, true = tests.reshape(-1, 2)[order].T
    rows = false + true
    ends = np.concatenate([[0], np.cumsum(rows)])
    gap = np.concatenate([[0.0], np.cumsum(probabilities.ravel()[order] * rows - true)])
    edges = np.linspace(0, ends[-1], _TEST_BINS + 1)
    return float(np.abs(np.diff(np.interp(edges, ends, gap))).sum())


def estimate_values(reference: ScoreProfile, current: ScoreProfile, seed: int = 0) -> dict[str, float]:
    """The six metrics expected of the current scores; NaN where a denominator is 0."""
    calibrator = _calibrator(reference, calibration_helps(reference, seed))
    return _expected(calibrator, current)


def estimate_without_labels(
    reference: ScoreProfile, current: ScoreProfile, seed: int = 0
) -> LabelFreeEstimates:
    """The six metrics expected of the current scores, with 95 % intervals.

    Intervals are percentiles of resamples in which the reference rows are drawn anew (and the calibration fitted anew),
    the current rows are drawn anew, and each gets a label by its probability: as wide as those of as many labelled rows,
    and wider by what the reference leaves open.

    Parameters
    ----------
    reference : ScoreProfile
        With labels; rows without one take no part.
    current : ScoreProfile
        Its labels, if it has any, are not looked at.
    seed : int
        Of the trials and the resamples.
    """
    calibrated = calibration_helps(reference, seed)
    expected = _expected(_calibrator(reference, calibrated), current)
    before, after = _resampled(
        score_groups(reference, _GROUPS), score_groups(current, _GROUPS), calibrated, seed
    )
    realised = all_metrics(reference.counts[:, FALSE], reference.counts[:, TRUE], reference.called())
    return LabelFreeEstimates(
        {name: _estimate(expected[name], after[name], current.n) for name in METRICS},
        {name: _estimate(float(realised[name]), before[name], reference.labelled) for name in METRICS},
        calibrated,
    )


def _calibrator(reference: ScoreProfile, calibrated: bool) -> Calibrator:
    if not calibrated:
        return IDENTITY
    return isotonic_calibrator(
        reference.means(FALSE, TRUE), reference.counts[:, FALSE], reference.counts[:, TRUE]
    )


def _expected(calibrator: Calibrator, current: ScoreProfile) -> dict[str, float]:
    rows, share = current.counts.sum(axis=1), calibrator(current.means())
    found = all_metrics(rows * (1 - share), rows * share, current.called())
    return {name: float(value) for name, value in found.items()}


def _resampled(
    reference: ScoreGroups, current: ScoreGroups, calibrated: bool, seed: int
) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Draws of the reference's metrics and of the current ones, moved onto what the groups themselves give."""
    rng = np.random.default_rng(seed)
    pooled = np.stack([reference.false, reference.true])
    drawn = _multinomial(rng, pooled.ravel()).reshape(REPLICATES, *pooled.shape)
    rows = _multinomial(rng, current.rows)
    share = np.broadcast_to(current.score, rows.shape)
    if calibrated:
        share = np.stack([isotonic_calibrator(reference.score, *draw)(current.score) for draw in drawn])
    true = rng.binomial(rows, np.clip(share, 0, 1))
    return (
        all_metrics(drawn[:, 0], drawn[:, 1], reference.called),
        all_metrics(rows - true, true, current.called),
    )


def _multinomial(rng: np.random.Generator, counts: Ints) -> Ints:
    drawn: Ints = rng.multinomial(int(counts.sum()), counts / counts.sum(), REPLICATES)
    return drawn


def _estimate(value: float, draws: Floats, n: int) -> Estimate:
    """An estimate with its percentile interval; the draws' median is laid on the value.

    Resampled groups are coarser than cells, and a refitted isotonic curve follows its sample; neither may move the
    interval off the estimate.
    """
    if not np.isfinite(value):
        return Estimate(
            n=n, reason=f"undefined on {n}: nothing was called, or nothing is, positive or negative"
        )
    defined = draws[np.isfinite(draws)]
    moved = draws + (value - float(np.median(defined)) if len(defined) else 0.0)
    interval = percentile_interval(moved)
    found = Estimate(n=n, value=value, draws=moved)
    if interval is None:
        return found
    return replace(found, low=max(0.0, interval[0]), high=min(1.0, interval[1]))
