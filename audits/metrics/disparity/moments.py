"""Count, sum and sum of squares about a centre, from which means and variances follow without cancellation."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.outcome_values import numbers
from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]


class Moments:
    """What is added up of numbers: ``1, value - centre, (value - centre)**2``; zeros where there is no value.

    ``centre`` is the mean of the first piece that has values: near enough to all others (Chan, Golub and LeVeque 1983,
    "Algorithms for computing the sample variance", Am. Statist. 37, 242-247).
    """

    def __init__(self) -> None:
        self._centre: float | None = None

    @property
    def centre(self) -> float:
        return self._centre or 0.0

    def of(self, pieces: tuple[Column, ...]) -> Floats:
        """Shape (rows, 3)."""
        values = numbers(pieces[0])
        known = ~np.isnan(values)
        if self._centre is None and known.any():
            self._centre = float(values[known].mean())
        away = np.where(known, values - self.centre, 0.0)
        return np.column_stack([known, away, away**2])

    def values(self, pieces: tuple[Column, ...]) -> Floats:
        """Rows with a value, and the value: shape (rows, 2)."""
        values = numbers(pieces[0])
        known = ~np.isnan(values)
        return np.column_stack([known, np.where(known, values, 0.0)])
