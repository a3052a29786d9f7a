"""Labels that only some rows have: who was reviewed, and rates that make up for who was not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Comparison, Sizes
from audits.metrics.disparity.group_comparisons import Compared, SumRatio, compare_ratios, rate_ratios
from audits.metrics.disparity.rates import OUTCOMES, SELECTION, indicators_of, outcome_codes
from audits.metrics.groups import UnitSums
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.outcome_values import numbers
from audits.tables import Column, Table, TableError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Pieces: TypeAlias = tuple[Column, ...]

#: Counts of each outcome, and the same divided by the review probability.
WIDTH = 2 * OUTCOMES
#: Review probabilities fit when they imply the number of rows within this share, or within so many standard errors.
_FIT, _ERRORS = 0.05, 4.0


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Columns of decisions and of labels that a review gave, and how rows came to be reviewed.

    ``sample`` names the 0/1 column of the random sample in which every row was to be reviewed, ``probability`` the column
    of each row's probability of being reviewed; without either every row was to be.
    """

    flag: str
    label: str
    decision: float
    sample: str | None = None
    probability: str | None = None

    @property
    def columns(self) -> list[str]:
        return [self.flag, self.label, *(name for name in (self.sample, self.probability) if name)]

    def codes(self, pieces: Pieces) -> Ints:
        """Each row's outcome as ``rates.outcome_codes`` numbers them; labels from outside the sample are not known."""
        flags, labels, chosen, _ = self._values(pieces)
        return outcome_codes(np.where(chosen, labels, np.nan), flags)

    def weighted(self, pieces: Pieces) -> Floats:
        """What the rates of ``compare_reweighted`` are made of, shape (rows, ``WIDTH``)."""
        counts = indicators_of(self.codes)(pieces)
        *_, probability = self._values(pieces)
        return np.column_stack([counts, counts / probability[:, np.newaxis]])

    def coverage(self, table: Table) -> Coverage:
        """Count who was reviewed, in one pass.

        Raises
        ------
        TableError
            When a column cannot be read, the sample is not told by 0 and 1, or a probability is missing or not in (0, 1].
        """
        total = Coverage()
        for pieces in aligned_pieces(table, self.columns):
            flags, labels, chosen, probability = self._values(pieces)
            decided = ~np.isnan(flags)
            known = decided & chosen & ~np.isnan(labels)
            due = decided & chosen
            weights = 1 / probability[known]
            total = total.plus(
                rows=int(decided.sum()),
                labelled=int(known.sum()),
                due=int(due.sum()),
                due_flagged=int((due & (flags == 1)).sum()),
                labelled_flagged=int((known & (flags == 1)).sum()),
                implied=float(weights.sum()),
                variance=float((weights * (weights - 1)).sum()),
            )
        return total

    def _values(self, pieces: Pieces) -> tuple[Floats, Floats, npt.NDArray[np.bool_], Floats]:
        """Flag (NaN: none), label (NaN: none), whether the row was to be reviewed, and its probability of that."""
        score, labels, *selection = (numbers(piece) for piece in pieces)
        flags = np.where(np.isnan(score), np.nan, score >= self.decision)
        chosen, probability = np.ones(len(flags), dtype=bool), np.ones(len(flags))
        if self.sample:
            chosen = _chosen(selection[0], self.sample)
        elif self.probability:
            probability = _probabilities(selection[0], self.probability)
        return flags, labels, chosen, probability


@dataclass(frozen=True, slots=True)
class Coverage:
    """Rows with a decision, those of them that were to be reviewed (``due``), and those whose label counts (``labelled``).

    ``implied`` is how many rows the probabilities of the labelled ones imply, ``variance`` that number's.
    """

    rows: int = 0
    due: int = 0
    due_flagged: int = 0
    labelled: int = 0
    labelled_flagged: int = 0
    implied: float = 0.0
    variance: float = 0.0

    def plus(self, **more: float) -> Coverage:
        return replace(self, **{name: getattr(self, name) + value for name, value in more.items()})

    def unreviewed(self, flagged: bool) -> tuple[int, float]:
        """Rows that were to be reviewed and have no label, and their share: of the flagged ones, or the larger of both."""
        of_flagged = self.due_flagged - self.labelled_flagged, self.due_flagged
        pairs = [of_flagged] if flagged else [of_flagged, (self.due - self.labelled, self.due)]
        return pairs[-1][0], max(missing / max(rows, 1) for missing, rows in pairs)

    @property
    def fits(self) -> bool:
        """Whether the labelled rows, weighted, add up to all rows, as Horvitz and Thompson's estimator should.

        Its variance with independent reviews is estimated by ``sum (1 - w) / w^2`` over the labelled rows, ``w`` their
        probabilities.
        """
        off = abs(self.implied - self.rows)
        return off <= _FIT * self.rows or off <= _ERRORS * math.sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class Caution:
    """What is to be said of a rate for want of labels, and whether it can carry a verdict all the same."""

    note: str = ""
    conclusive: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """How rows came to have labels, and what that means for rates. ``tolerated``: share of labels that may be missing."""

    reviewed: Reviewed
    coverage: Coverage
    tolerated: float

    @property
    def labels(self) -> str:
        """``all``, ``reviewed-only``, ``audit-sample`` or ``review-probability``."""
        if self.reviewed.sample:
            return "audit-sample"
        if self.reviewed.probability:
            return "review-probability"
        return "reviewed-only" if self.coverage.labelled < self.coverage.due else "all"

    def caution(self, metric: str) -> Caution:
        """The caution for a rate of ``RATES``. The false-discovery rate needs labels of flagged rows only."""
        if metric == SELECTION:
            return Caution()
        found = self.coverage
        if self.reviewed.probability:
            text = f"the review probabilities imply {found.implied:,.0f} rows where there are {found.rows:,}: check them"
            return Caution() if found.fits else Caution(text, conclusive=False)
        flagged = metric == "false-discovery-rate"
        missing, share = found.unreviewed(flagged)
        if not missing:
            return Caution()
        what = f"{missing:,}{' flagged' if flagged else ''} rows"
        text = f"of reviewed rows only: {what} have no label; name a random 'audit-sample' or the 'review-probability'"
        if self.reviewed.sample:
            text = f"{what} of the audit sample have no label: review them"
        return Caution(text, conclusive=share <= self.tolerated)


def compare_reweighted(
    sums: UnitSums, metrics: Sequence[str], sizes: Sizes, seed: int, unit_name: str | None
) -> Iterator[Compared]:
    """Rates of all rows from those that were reviewed with known probabilities, by a bootstrap of the independent units.

    Each labelled row counts ``1 / probability`` (Horvitz and Thompson 1952, J. Am. Stat. Assoc. 47, 663-685) in numerator
    and denominator: the ratio estimator of Hajek 1971. Whether there is enough evidence is decided by the rows
    themselves, not by their weights. The selection rate needs no label, so its rows count 1.

    Parameters
    ----------
    sums : UnitSums
        Sums of ``Reviewed.weighted``.
    metrics : sequence of str
        Keys of ``RATES``.
    """
    plain = rate_ratios(metrics)
    found = list(compare_ratios(sums, [*plain, *map(_reweighted, plain)], sizes, seed, unit_name))
    for metric, bare, weighted in zip(metrics, found[: len(plain)], found[len(plain) :], strict=True):
        if metric == SELECTION:
            yield bare
            continue
        reasons = zip(bare.comparison.reasons, weighted.comparison.reasons, strict=True)
        joined = [a or b or c for (a, b), c in zip(reasons, _few(bare.comparison, sizes), strict=True)]
        yield replace(weighted, comparison=replace(weighted.comparison, reasons=tuple(joined)))


def _few(found: Comparison, sizes: Sizes) -> list[str | None]:
    """Which groups have too few rows with or without the event, on either side, for the weights that these may carry.

    One row of weight 25 varies as much as 625 of weight 1, so rows must have been seen, not only expected.
    """
    sides = ((found.value, found.n), (found.reference, found.reference_n))
    shares = [(np.nan_to_num(rate), n) for rate, n in sides]
    cells = [n * share for rate, n in shares for share in (rate, 1 - rate)]
    smallest, least = np.rint(np.min(cells, axis=0)), sizes.expected
    text = "{:.0f} reviewed rows in the smallest cell; at least {:g} are needed where rows are weighted"
    return [text.format(k, least) if k < least else None for k in smallest]


def _reweighted(ratio: SumRatio) -> SumRatio:
    numerator, denominator = (
        tuple(place + OUTCOMES for place in side) for side in (ratio.numerator, ratio.denominator)
    )
    return replace(ratio, numerator=numerator, denominator=denominator, rate=False)


def _chosen(values: Floats, name: str) -> npt.NDArray[np.bool_]:
    known = values[~np.isnan(values)]
    if not np.all((known == 0) | (known == 1)):
        raise TableError(f"column {name!r} holds values other than 0 and 1; code the audit sample as 1")
    return np.asarray(values == 1)


def _probabilities(values: Floats, name: str) -> Floats:
    missing = int(np.isnan(values).sum())
    if missing:
        raise TableError(
            f"column {name!r} has no value in {missing} rows; give every row its probability of being reviewed"
        )
    outside = values[~((values > 0) & (values <= 1))]
    if len(outside):
        raise TableError(
            f"column {name!r} holds {outside[0]:g}; a probability of being reviewed lies above 0 and is at most 1"
        )
    return values
