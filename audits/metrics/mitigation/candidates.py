"""A candidate: what it would decide on rows that it was not tuned on, and all that is needed to do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.rates import SELECTION

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

TRUE_POSITIVE = "true-positive-rate"
FALSE_POSITIVE = "false-positive-rate"
#: The rates whose disparity is studied, and what their labels call them.
RATE_NAMES: Mapping[str, str] = {
    SELECTION: "selection rate",
    TRUE_POSITIVE: "true positive rate",
    FALSE_POSITIVE: "false positive rate",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Predictions for the held-out rows under one mitigation.

    ``targets`` are the measures that the mitigation was made for. ``score`` is there where the candidate ranks rows anew.
    ``detail`` is what is needed to put it into practice, JSON types only.
    """

    label: str
    family: str
    predictions: Floats
    targets: tuple[str, ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    score: Floats | None = None


@dataclass(frozen=True, slots=True)
class NotTried:
    """A mitigation that is not tried, and why; ``lacking``: for want of rows, so that nothing can be said about it."""

    label: str
    reason: str
    lacking: bool = False


Offer: TypeAlias = Candidate | NotTried


def among(measure: str, truth: Floats) -> Bools:
    """The rows that a rate speaks of: all, those whose truth is 1, or those whose truth is 0."""
    if measure == TRUE_POSITIVE:
        return np.asarray(truth == 1)
    return np.asarray(truth == 0) if measure == FALSE_POSITIVE else np.ones(len(truth), dtype=bool)


@dataclass(frozen=True, slots=True)
class Eligible:
    """The groups that have enough rows to tune on, by measure, and why the others are left as they are.

    ``labelled`` have enough rows of either truth, ``sized`` enough rows at all.
    """

    sized: tuple[int, ...]
    labelled: tuple[int, ...]
    reasons: Mapping[str, str]

    @classmethod
    def of(
        cls, truth: Floats | None, group: npt.NDArray[np.int64], names: Sequence[str], least: int
    ) -> Eligible:
        """From the rows of the tuning half; ``least`` rows are needed, of either truth where truths are 0 and 1."""
        label = np.zeros(len(group), dtype=np.int64) if truth is None else (truth == 1).astype(np.int64)
        counts = np.bincount(group * 2 + label, minlength=len(names) * 2).reshape(-1, 2)
        sized, labelled, reasons = [], [], {}
        for i, name in enumerate(names):
            negative, positive = counts[i].tolist()
            if negative + positive < least:
                reasons[name] = (
                    f"{negative + positive} rows to tune on; at least {least} are needed: "
                    "every candidate leaves the decisions for this group as they are"
                )
                continue
            sized.append(i)
            if truth is None:
                continue
            if min(negative, positive) >= least:
                labelled.append(i)
                continue
            reasons[name] = (
                f"{positive} rows with truth 1 and {negative} with truth 0 to tune on; at least {least} of each are needed: "
                "candidates for true or false positive rates leave the decisions for this group as they are"
            )
        return cls(tuple(sized), tuple(labelled), reasons)

    def for_measure(self, measure: str) -> tuple[int, ...]:
        """The groups whose rate can be moved."""
        return self.sized if measure == SELECTION else self.labelled
