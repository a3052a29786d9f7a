"""Size curves: each size's share of what was forecast against its share of what was sold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Comparison, Sizes, units_by_group
from audits.metrics.disparity.forecast_errors import finite, refuse_negative
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.groups import Groups, UnitSums
from audits.metrics.statistics.intervals import drawn_weights, percentile_interval
from audits.metrics.statistics.proportion_tests import student_p
from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]

#: What is added up: rows with y and f, f, y.
WIDTH = 3


def curve_statistics(pieces: tuple[Column, ...]) -> Floats:
    """Shape (rows, ``WIDTH``), from pieces of what came and of the forecast. Raises ``TableError`` as forecasts do."""
    y, f = (finite(piece) for piece in pieces)
    refuse_negative(pieces[0].name, y)
    known = ~(np.isnan(y) | np.isnan(f))
    return np.column_stack([known, np.where(known, f, 0.0), np.where(known, y, 0.0)])


@dataclass(frozen=True, slots=True)
class SizeCurve:
    """Shares of forecast and of sales per size, shape (sizes,), and their resamples, shape (replicates, sizes).

    Units (stores, or rows) are resampled whole. ``n`` counts rows per size, ``units`` and ``other_units`` the independent
    units with rows of that size, and of the other sizes. Rows without a size are not on the curve.
    """

    sizes: Groups
    n: Floats
    units: Floats
    other_units: Floats
    predicted: Floats
    realised: Floats
    predicted_draws: Floats
    realised_draws: Floats
    unit_name: str | None

    @classmethod
    def of(cls, sums: UnitSums, seed: int, unit_name: str | None) -> SizeCurve:
        """From sums of ``curve_statistics`` by size; ``unit_name`` is None where each row stands for itself."""
        kept = _with_a_size(sums)
        weights = drawn_weights(max(kept.units, 1), np.random.default_rng(seed))
        n, predicted, realised = (_per_unit(kept, values) for values in kept.sums.T)
        rows = n.sum(axis=0)
        pairs = np.nonzero(n.T)
        own, others = units_by_group(pairs[0], pairs[1], kept.groups)
        if unit_name is None:
            own, others = rows, kept.groups.reference(rows)
        return cls(
            sizes=kept.groups,
            n=rows,
            units=own,
            other_units=others,
            predicted=_shares(predicted.sum(axis=0)),
            realised=_shares(realised.sum(axis=0)),
            predicted_draws=_shares(weights @ predicted),
            realised_draws=_shares(weights @ realised),
            unit_name=unit_name,
        )

    def compared(self, sizes: Sizes) -> Compared:
        """``size-share-ratio``: share of the forecast over share of the sales, per size; 1 where the curve is right.

        p is that of the difference of the shares over its bootstrap standard error, under Student's t with one degree of
        freedom less than there are units (Cameron and Miller 2015, J. Human Resources 50, 317-372, section VI).
        """
        ratio = _ratio(self.predicted, self.realised)
        low, high = percentile_interval(_ratio(self.predicted_draws, self.realised_draws))
        apart = self.predicted - self.realised
        error = (self.predicted_draws - self.realised_draws).std(axis=0, ddof=1)
        freedom = np.maximum(np.minimum(self.units, self.other_units) - 1, 0)
        found = Comparison(
            n=self.n,
            reference_n=self.sizes.reference(self.n),
            value=ratio,
            low=low,
            high=high,
            reference=np.ones(len(self.sizes)),
            ratio=ratio,
            ratio_low=low,
            ratio_high=high,
            difference=ratio - 1,
            difference_low=low - 1,
            difference_high=high - 1,
            p=np.asarray(student_p(apart, error, freedom)),
            tests=("bootstrap",) * len(self.sizes),
            reasons=self.reasons(sizes),
        )
        return Compared(
            metric="size-share-ratio",
            groups=self.sizes,
            comparison=found,
            rows=self.n,
            dropped=np.zeros(len(self.sizes)),
            units=self.units if self.unit_name else None,
        )

    def reasons(self, sizes: Sizes) -> tuple[str | None, ...]:
        """Why a size carries no verdict."""
        what = f"values of {self.unit_name!r}" if self.unit_name else "rows"
        rows = sizes.reasons(self.n, self.sizes.reference(self.n), "rows")
        units = sizes.reasons(self.units, self.other_units, what)
        return tuple(a or b for a, b in zip(rows, units, strict=True))


def total_variation(predicted: Floats, realised: Floats) -> Floats:
    """``sum |p - q| / 2`` over the last axis: the share that would have to move to another size."""
    return np.asarray(np.abs(predicted - realised).sum(axis=-1) / 2)


def kullback_leibler(realised: Floats, predicted: Floats) -> Floats:
    """``sum q ln(q / p)`` in nats over the last axis, q the realised and p the predicted shares.

    Infinite where something sold without a forecast; NaN where a share is negative or not known. Source: Kullback and Leibler 1951,
    Ann. Math. Statist. 22, 79-86.
    """
    defined = (realised >= 0) & (predicted >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(realised > 0, realised * np.log(realised / predicted), 0.0)
    terms = np.where(defined, terms, np.nan)
    return np.asarray(terms.sum(axis=-1))


def _with_a_size(sums: UnitSums) -> UnitSums:
    names = [name for name, declared in zip(sums.groups.names, sums.groups.declared, strict=True) if declared]
    kept = sums.groups.declared[sums.group]
    place = np.cumsum(sums.groups.declared) - 1
    return replace(
        sums,
        groups=Groups.of(sums.groups.attribute, names),
        stratum=sums.stratum[kept],
        group=place[sums.group[kept]],
        unit=sums.unit[kept],
        rows=sums.rows[kept],
        sums=sums.sums[kept],
    )


def _per_unit(sums: UnitSums, values: Floats) -> Floats:
    """Shape (units, sizes)."""
    width, units = len(sums.groups), max(sums.units, 1)
    places = sums.unit * width + sums.group
    return (
        np.bincount(places, weights=values, minlength=units * width).astype(np.float64).reshape(units, width)
    )


def _shares(sums: Floats) -> Floats:
    whole = sums.sum(axis=-1, keepdims=True)
    return np.divide(sums, whole, out=np.full(sums.shape, np.nan), where=whole > 0)


def _ratio(predicted: Floats, realised: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(predicted >= 0, predicted / realised, np.nan)
