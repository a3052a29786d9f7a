"""A group's share of what lists give away, against the share that it should have: of the catalogue, or as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Comparison, Sizes
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.groups import Groups, UnitSums
from audits.metrics.statistics.intervals import drawn_weights, percentile_interval
from audits.metrics.statistics.proportion_tests import student_p

Floats: TypeAlias = npt.NDArray[np.float64]


class ShareComparison:
    """Shares of groups against expected shares, by a bootstrap of the lists that is drawn once for all of them.

    Parameters
    ----------
    sums : UnitSums
        Sums by group and list, without strata.
    names : sequence of str
        All groups, also those of which no list has an item: these have a share of 0.
    expected : mapping of str to float
        The share that each group should have; a group without one is not judged.
    """

    def __init__(
        self, sums: UnitSums, names: Sequence[str], expected: dict[str, float], sizes: Sizes, seed: int
    ) -> None:
        self._sums = sums
        self._groups = Groups.of(sums.groups.attribute, names)
        self._place = np.array([list(names).index(name) for name in sums.groups.names], dtype=np.int64)
        self._expected = np.array([expected.get(name, np.nan) for name in names])
        self._sizes = sizes
        self._weights = drawn_weights(max(sums.units, 1), np.random.default_rng(seed))

    def of(
        self, metric: str, values: Floats, rows: Floats, lists: int, *, logarithm: bool = False
    ) -> Compared:
        """Compare ``share_g = sum of the group's values / sum of all`` with its expected share.

        ``ratio`` is share / expected share. Percentile intervals; p from the bootstrap's standard error of the share under
        Student's t with one degree of freedom less than there are lists, as in ``compare_sums``.

        Parameters
        ----------
        values, rows : arrays, shape (combinations of group and list,)
            What is shared, and the rows that have it.
        lists : int
            How many independent lists there are.
        logarithm : bool
            The value is ``ln(share / expected)``: the skew of Geyik, Ambler and Kenthapadi 2019 (KDD, 2221-2231, definition
            3.1), over the tops of all lists together, so that a list without the group does not make it infinite.
        """
        share, draws = self._shares(values)
        expected, size = self._expected, len(share)
        shares = [share, *percentile_interval(draws)]
        ratio, ratio_low, ratio_high = ratios = [_divide(x, expected) for x in shares]
        difference = [x - expected for x in shares]
        shown = [_logarithm(x) for x in ratios] if logarithm else shares
        error = np.where(np.isnan(share), np.nan, draws.std(axis=0, ddof=1))
        n = np.bincount(self._group_of, weights=rows, minlength=size).astype(np.float64)
        found = Comparison(
            n=n,
            reference_n=np.full(size, float(n.sum())),
            value=shown[0],
            low=shown[1],
            high=shown[2],
            reference=np.zeros(size) if logarithm else expected,
            ratio=ratio,
            ratio_low=ratio_low,
            ratio_high=ratio_high,
            difference=difference[0],
            difference_low=difference[1],
            difference_high=difference[2],
            p=student_p(difference[0], error, np.full(size, max(lists - 1, 0))),
            tests=("bootstrap",) * size,
            reasons=self._reasons(lists, float(n.sum())),
        )
        return Compared(metric=metric, groups=self._groups, comparison=found, rows=n, dropped=np.zeros(size))

    @property
    def _group_of(self) -> npt.NDArray[np.int64]:
        return self._place[self._sums.group]

    def _shares(self, values: Floats) -> tuple[Floats, Floats]:
        size, units = len(self._groups), self._weights.shape[1]
        places = self._sums.unit * size + self._group_of
        dense = np.bincount(places, weights=values, minlength=units * size).reshape(units, size)
        sums, draws = dense.sum(axis=0), self._weights @ dense
        return _divide(sums, sums.sum()), _divide(draws, draws.sum(axis=1, keepdims=True))

    def _reasons(self, lists: int, places: float) -> tuple[str | None, ...]:
        size, least = len(self._groups), self._sizes.expected
        few = self._sizes.reasons(np.full(size, lists), np.full(size, lists), "lists")
        rare = "{:.1f} places expected for its share; at least {:g} are needed"
        undeclared = "no expected share; declare one in 'population' or leave the column's population out"
        alone = "the only group: its share is always 1"
        return tuple(
            reason
            or (undeclared if np.isnan(share) else alone if share >= 1 else None)
            or (rare.format(share * places, least) if share * places < least else None)
            for reason, share in zip(few, self._expected, strict=True)
        )


def _divide(a: Floats, b: Floats) -> Floats:
    out = np.full(np.broadcast(a, b).shape, np.nan)
    return np.asarray(np.divide(a, b, out=out, where=np.asarray(b) > 0))


def _logarithm(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
