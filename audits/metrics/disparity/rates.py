"""Rates of labels and decisions: which outcomes each one counts, and among which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

Pieces: TypeAlias = tuple[Column, ...]

#: An outcome is ``3 * truth + prediction``, each 0, 1 or 2 for "not known".
UNKNOWN = 2
OUTCOMES = 9
TN, FP, FN, TP = 0, 1, 3, 4
NEGATIVE_ONLY, POSITIVE_ONLY = 6, 7  # predictions whose truth is not known
#: Outcomes with a prediction, and with both.
PREDICTED = (TN, FP, FN, TP, NEGATIVE_ONLY, POSITIVE_ONLY)
LABELLED = (TN, FP, FN, TP)

SELECTION = "selection-rate"
#: Metric -> (outcomes of the numerator, outcomes of the denominator). Definitions of fairlearn 0.15
#: (``fairlearn.metrics``) and, for the two that it lacks, of Chouldechova 2017, "Fair prediction with disparate impact".
RATES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    SELECTION: ((FP, TP, POSITIVE_ONLY), PREDICTED),
    "true-positive-rate": ((TP,), (FN, TP)),
    "false-positive-rate": ((FP,), (TN, FP)),
    "false-negative-rate": ((FN,), (FN, TP)),
    "precision": ((TP,), (FP, TP)),
    "false-discovery-rate": ((FP,), (FP, TP)),
    "false-omission-rate": ((FN,), (TN, FN)),
    "accuracy": ((TN, TP), LABELLED),
}
#: Two rates that add up to 1 differ between groups by the same amount: one hypothesis, tested once.
COMPLEMENTS: Mapping[str, str] = {
    "false-negative-rate": "true-positive-rate",
    "false-discovery-rate": "precision",
}


def outcome_codes(truth: Floats | None, prediction: Floats) -> Ints:
    """Each row's outcome from 0/1 values, NaN where one is not known.

    Examples
    --------
    >>> outcome_codes(np.array([0.0, 1.0, np.nan]), np.array([1.0, np.nan, 0.0])).tolist()
    [1, 5, 6]
    """
    known = UNKNOWN if truth is None else np.where(np.isnan(truth), UNKNOWN, truth).astype(np.int64)
    return np.asarray(3 * known + np.where(np.isnan(prediction), UNKNOWN, prediction).astype(np.int64))


def indicators_of(codes: Callable[[Pieces], Ints]) -> Callable[[Pieces], Floats]:
    """Instead of each row's outcome a column of 0 and 1 for each outcome: what is added up to counts."""

    def indicators(pieces: Pieces) -> Floats:
        found = codes(pieces)
        out = np.zeros((len(found), OUTCOMES))
        out[np.arange(len(found)), found] = 1
        return out

    return indicators


def rate_counts(counts: npt.NDArray[np.generic], metric: str) -> tuple[Floats, Floats]:
    """Numerator and denominator of a rate from counts per outcome, shape (..., ``OUTCOMES``).

    The denominator is the population that the rate speaks of: a false-positive rate counts true negatives and false
    positives only, never all rows.
    """
    numerator, denominator = RATES[metric]
    return _total(counts, numerator), _total(counts, denominator)


def members(counts: npt.NDArray[np.generic], metric: str) -> Floats:
    """Rows that could take part in a rate: with a prediction, and with a truth unless it is the selection rate."""
    return _total(counts, PREDICTED if metric == SELECTION else LABELLED)


def _total(counts: npt.NDArray[np.generic], outcomes: tuple[int, ...]) -> Floats:
    return np.asarray(counts[..., outcomes].sum(axis=-1), dtype=np.float64)
