"""Scores with labels for several tests, and their profiles; NannyML's expected values were computed on these."""

from __future__ import annotations

import numpy as np

from audits.metrics.scores.counting import ScoreProfileBuilder
from audits.metrics.scores.profiles import ScoreProfile


def scored(seed, n, slope=1.6, lift=0.3, moved=0.0):
    """Scores whose log-odds are ``slope * true log-odds + lift`` (1 and 0: calibrated), and labels."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(moved - 0.5, 1.5, n)
    label = rng.random(n) < 1 / (1 + np.exp(-odds))
    return 1 / (1 + np.exp(-(slope * odds + lift))), label


def profiled(score, label=None, decision=0.5) -> ScoreProfile:
    builder = ScoreProfileBuilder(decision)
    codes = None if label is None else np.asarray(label, dtype=np.int64)
    builder.add(np.asarray(score, dtype=np.float64), codes)
    return builder.profile()


#: Shapes of scores, each with what makes it hard.
SHAPES = {
    "spread": lambda rng, n: 1 / (1 + np.exp(-rng.normal(0, 1.5, n))),
    "rare, near 0": lambda rng, n: rng.beta(1, 300, n),
    "crowded at both ends": lambda rng, n: 1 / (1 + np.exp(-rng.normal(0, 12, n))),
    "many exactly 0 and 1": lambda rng, n: np.clip(rng.normal(0.5, 0.5, n), 0, 1),
    "rounded": lambda rng, n: np.round(rng.random(n), 3),
}
