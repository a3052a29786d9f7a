"""The methods of drift by name: which fits a pair of distributions by default, its threshold, its score and verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

import numpy as np

from audits.metrics.drift import distances as drift_distances
from audits.metrics.drift import rank_tests as drift_rank_tests
from audits.metrics.drift import tests as drift_tests
from audits.metrics.drift.distributions import (
    Counts,
    Distribution,
    Floats,
    NumericDistribution,
    Weights,
    aligned,
    binned,
    rows_at,
)

#: Up to this many reference rows the default is a test, beyond it a distance (Evidently's rule).
MAX_ROWS_FOR_TESTS = 1000
#: Numbers with at most this many distinct values on both sides together are compared as categories.
MAX_VALUES_AS_CATEGORIES = 5
#: Scores further beyond a limit are told apart no more; keeps the logarithm of a p-value of 0 finite.
MOST_TOLERANCE_USED = 100.0


class MethodError(ValueError):
    """The method cannot compare such values; the message says why and names one that can."""


@dataclass(frozen=True, slots=True)
class Score:
    """One comparison: a distance, or a p-value with its test statistic. ``drifted`` is the verdict at ``threshold``."""

    method: str
    value: float
    threshold: float
    drifted: bool
    statistic: float | None
    tolerance_used: float


@dataclass(frozen=True)
class Pair:
    """A reference and a current distribution of the same type, each with at least one row; aligned only once."""

    reference: Distribution
    current: Distribution

    @property
    def numeric(self) -> bool:
        return isinstance(self.reference, NumericDistribution)

    @property
    def lossless(self) -> bool:
        """Whether the values themselves are known, not only bins of numbers."""
        return all(
            side.lossless for side in (self.reference, self.current) if isinstance(side, NumericDistribution)
        )

    @cached_property
    def as_numbers(self) -> bool:
        """Whether both sides are compared on the scale of their numbers, not value by value."""
        return self.numeric and self.has_more_values_than(MAX_VALUES_AS_CATEGORIES)

    @cached_property
    def on_scale(self) -> tuple[Floats, Counts, Counts]:
        """The distinct numbers of both sides, ascending, and each side's rows of them. Raises TypeError of categories."""
        reference, current = self.reference, self.current
        if not (isinstance(reference, NumericDistribution) and isinstance(current, NumericDistribution)):
            raise TypeError("categories are on no scale")
        values = np.union1d(reference.values, current.values)
        return values, rows_at(reference, values), rows_at(current, values)

    @cached_property
    def by_value(self) -> tuple[Counts, Counts]:
        return aligned(self.reference, self.current)

    @cached_property
    def by_bin(self) -> tuple[Weights, Weights]:
        return binned(self.reference, self.current) if self.numeric else self.by_value

    def has_more_values_than(self, limit: int) -> bool:
        """Whether both sides together have more than ``limit`` distinct values."""
        return max(self.reference.distinct, self.current.distinct) > limit or len(self.by_value[0]) > limit


@dataclass(frozen=True, slots=True)
class Distance:
    """``every_number``: bins of numbers, as profiles keep them, are not enough; compute it from the column itself."""

    compute: Callable[[Pair], float]
    needs: str = ""
    threshold: float = 0.1
    drifted_at_threshold: bool = True
    every_number: bool = False

    def score(self, method: str, pair: Pair, threshold: float) -> Score:
        value = self.compute(pair)
        used = min(MOST_TOLERANCE_USED, value / threshold)
        drifted = value > threshold or (self.drifted_at_threshold and value == threshold)
        return Score(method, value, threshold, drifted, None, used)


@dataclass(frozen=True, slots=True)
class SignificanceTest:
    """``unmoved`` is the p-value of equal sides: below 1 for a one-sided test, and where tables end.

    ``every_number`` as for a ``Distance``.
    """

    compute: Callable[[Pair], tuple[float, float]]
    needs: str = ""
    threshold: float = 0.05
    drifted_at_threshold: bool = False
    every_number: bool = False
    unmoved: float = 1.0

    def score(self, method: str, pair: Pair, threshold: float) -> Score:
        statistic, p = self.compute(pair)
        drifted = p < threshold or (self.drifted_at_threshold and p == threshold)
        return Score(method, p, threshold, drifted, statistic, self._tolerance_used(p, threshold))

    def _tolerance_used(self, p: float, threshold: float) -> float:
        """ln p / ln threshold, both relative to the p-value of equal sides: 0 for these, 1 at the threshold."""
        if p == 0:
            return MOST_TOLERANCE_USED
        unmoved = self.unmoved if threshold < self.unmoved else 1.0
        used = math.log(p / unmoved) / math.log(threshold / unmoved)
        return min(MOST_TOLERANCE_USED, max(0.0, used))


#: Every method by the name that its measurement bears.
METHODS: Mapping[str, Distance | SignificanceTest] = {
    "wasserstein": Distance(lambda pair: drift_distances.wasserstein(*pair.on_scale), needs="numbers"),
    "jensenshannon": Distance(lambda pair: drift_distances.jensen_shannon(*pair.by_bin)),
    "psi": Distance(lambda pair: drift_distances.population_stability_index(*pair.by_bin)),
    "kl": Distance(lambda pair: drift_distances.kullback_leibler(*pair.by_bin)),
    "hellinger": Distance(
        lambda pair: drift_distances.hellinger(pair.reference, pair.current), every_number=True
    ),
    "tvd": Distance(lambda pair: drift_distances.total_variation(*pair.by_value), needs="categories"),
    "ks": SignificanceTest(
        lambda pair: drift_tests.kolmogorov_smirnov(pair.reference, pair.current),
        needs="numbers",
        drifted_at_threshold=True,
    ),
    "chisquare": SignificanceTest(lambda pair: drift_tests.chi_square(*pair.by_value), needs="categories"),
    "z": SignificanceTest(lambda pair: drift_tests.two_proportions(*pair.by_value), needs="two categories"),
    "anderson": SignificanceTest(
        lambda pair: drift_rank_tests.anderson_darling(*pair.by_value),
        needs="numbers",
        threshold=0.1,
        unmoved=drift_rank_tests.LARGEST_ANDERSON_P,
    ),
    "cramer_von_mises": SignificanceTest(
        lambda pair: drift_rank_tests.cramer_von_mises(*pair.by_value),
        needs="numbers",
        threshold=0.1,
        drifted_at_threshold=True,
        every_number=True,
    ),
    "mannw": SignificanceTest(
        lambda pair: drift_rank_tests.mann_whitney(*pair.by_value), needs="numbers", unmoved=0.5
    ),
    "t_test": SignificanceTest(
        lambda pair: drift_tests.student_t(pair.reference, pair.current), needs="numbers"
    ),
    "es": SignificanceTest(
        lambda pair: drift_tests.epps_singleton(pair.reference, pair.current), needs="numbers"
    ),
    "ed": Distance(
        lambda pair: drift_distances.energy(*pair.on_scale),
        needs="numbers",
        drifted_at_threshold=False,
    ),
    "g_test": SignificanceTest(
        lambda pair: drift_tests.likelihood_ratio(*pair.by_value), needs="categories", threshold=0.1
    ),
    "fisher_exact": SignificanceTest(
        lambda pair: drift_tests.fisher_exact(*pair.by_value), needs="two categories", threshold=0.1
    ),
    "tvd_p": SignificanceTest(
        lambda pair: drift_tests.total_variation_permuted(*pair.by_value), needs="categories", threshold=0.1
    ),
}
#: What may be asked for: Evidently's choice, one method judged by our rule, or Evidently's own verdict of one. Our
#: ``tvd`` is the distance; Evidently's own, a p-value, is ``tvd_p``.
METHOD_CHOICES = ("evidently", *METHODS, *(f"evidently:{name}" for name in METHODS if name != "tvd"))
#: Evidently's names of what is called otherwise here. Its TVD is the p-value of the distance, not the distance.
EVIDENTLY_NAMES: Mapping[str, str] = MappingProxyType({"kl_div": "kl", "TVD": "tvd_p"})
#: Methods of Evidently that cannot be had from counts, and why.
NOT_FROM_COUNTS: Mapping[str, str] = MappingProxyType(
    {
        "empirical_mmd": "it compares every row with every other",
        "text_content_drift": "it trains a classifier on the texts",
        "perc_text_content_drift": "it trains a classifier on the texts",
        "abs_text_content_drift": "it trains a classifier on the texts",
    }
)


class Rule(StrEnum):
    """Who says whether a column has drifted."""

    CALIBRATED = "calibrated"
    EVIDENTLY = "evidently"


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """Which method's number is shown (None: the default for the column), and whose verdict counts."""

    method: str | None
    rule: Rule


def parse_method(text: str | None) -> MethodChoice:
    """Read the ``method`` of a plan or a command.

    Nothing: Evidently's default method is shown, and the calibrated verdict counts. ``psi``: that method, calibrated
    verdict. ``evidently``: its default method and its verdict. ``evidently:psi``: that method, Evidently's verdict; here
    Evidently's own names are understood as well.

    Raises
    ------
    MethodError
        When there is no such method; says which there are, or why it cannot be had.

    Examples
    --------
    >>> parse_method("evidently:kl_div")
    MethodChoice(method='kl', rule=<Rule.EVIDENTLY: 'evidently'>)
    """
    if not text:
        return MethodChoice(None, Rule.CALIBRATED)
    if text == Rule.EVIDENTLY:
        return MethodChoice(None, Rule.EVIDENTLY)
    rule, colon, name = text.partition(":")
    if not colon:
        return MethodChoice(_known_method(text), Rule.CALIBRATED)
    if rule != Rule.EVIDENTLY:
        raise MethodError(f"unknown method {text!r}: before the colon only 'evidently' is known")
    name = EVIDENTLY_NAMES.get(name, name)
    if name == "tvd":
        raise MethodError("Evidently's TVD is a p-value: use evidently:TVD, or tvd for the distance")
    return MethodChoice(_known_method(name), Rule.EVIDENTLY)


def _known_method(name: str) -> str:
    if name in METHODS:
        return name
    if name in EVIDENTLY_NAMES:
        raise MethodError(
            f"method {name!r} is called {EVIDENTLY_NAMES[name]!r} here; 'evidently:{name}' for Evidently's verdict"
        )
    if name in NOT_FROM_COUNTS:
        raise MethodError(
            f"method {name!r} cannot be had from counts of values ({NOT_FROM_COUNTS[name]}); known: {', '.join(METHODS)}"
        )
    raise MethodError(f"unknown method {name!r}; known: evidently, {', '.join(METHODS)}")


def default_method(pair: Pair) -> str:
    """The method that Evidently 0.7.23 chooses for a column.

    By the reference's rows (nulls and infinities dropped) and the distinct values of both sides together.
    """
    if pair.reference.n > MAX_ROWS_FOR_TESTS:
        return "wasserstein" if pair.as_numbers else "jensenshannon"
    if pair.as_numbers:
        return "ks"
    return "chisquare" if pair.has_more_values_than(2) else "z"


def drift_score(
    pair: Pair, method: str | None = None, thresholds: Mapping[str, float] = MappingProxyType({})
) -> Score:
    """Compare two distributions.

    Parameters
    ----------
    method : str, optional
        A key of ``METHODS``; by default ``default_method`` chooses.
    thresholds : mapping of method to float, optional
        Instead of the methods' own: .1 for distances, .05 for the p-value of tests.

    Raises
    ------
    MethodError
        When the method cannot compare such values.
    ArithmeticError
        When the values exceed double precision.
    """
    chosen = method or default_method(pair)
    rule = METHODS[chosen]
    _need_values(chosen, rule.needs, pair)
    if rule.every_number and not pair.lossless:
        raise MethodError(
            f"{chosen} needs every distinct number, and a profile keeps more than 2,048 of them in bins: "
            "compute it from the data, or use jensenshannon or ks"
        )
    try:
        return rule.score(chosen, pair, thresholds.get(chosen, rule.threshold))
    except ValueError as error:  # the method's own condition, say a spread above 0
        raise MethodError(str(error)) from error


def _need_values(method: str, needs: str, pair: Pair) -> None:
    if needs == "numbers" and not pair.numeric:
        raise MethodError(f"{method} compares numbers, and here are categories: use jensenshannon or psi")
    if "categories" in needs and pair.numeric and pair.has_more_values_than(MAX_VALUES_AS_CATEGORIES):
        raise MethodError(
            f"{method} compares categories, and here are more than {MAX_VALUES_AS_CATEGORIES} distinct numbers: "
            "use wasserstein or psi"
        )
    if needs == "two categories" and pair.has_more_values_than(2):
        raise MethodError(f"{method} compares two categories, and here are more: use chisquare or psi")
