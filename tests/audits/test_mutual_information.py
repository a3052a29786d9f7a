"""What one variable tells of another: closed forms, a second implementation, and Berkeley's admissions of 1973."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score

from audits.metrics.statistics.mutual_information import (
    entropy,
    mutual_information,
    occurring,
    standard_error,
    uncertainty,
)

#: Applications by men and women to the six largest departments of Berkeley in 1973: R's ``UCBAdmissions``, after Bickel,
#: Hammel and O'Connell 1975, Science 187, 398-404.
BERKELEY = np.array([[825, 108], [560, 25], [325, 593], [417, 375], [191, 393], [373, 341]])


def rows_of(table):
    """The rows that a table counts: a code of X and one of A for each."""
    table = np.asarray(table)
    x, a = np.indices(table.shape)
    return np.repeat(x.ravel(), table.ravel()), np.repeat(a.ravel(), table.ravel())


def test_the_department_tells_of_the_gender_of_applicants():
    """No article gives this number: it is derived by scikit-learn's ``mutual_info_score`` from the published counts."""
    departments, genders = rows_of(BERKELEY)
    information = mutual_info_score(departments, genders)
    found = uncertainty(BERKELEY, seed=0)
    assert mutual_information(BERKELEY) == pytest.approx(information, rel=1e-12)
    assert found.plain == pytest.approx(information / entropy([2691, 1835]), rel=1e-12)
    assert round(found.plain, 4) == 0.1997
    by_chance = 5 / (2 * 4526)
    assert found.value == pytest.approx(
        (information - by_chance) / (entropy([2691, 1835]) - by_chance), rel=1e-12
    )
    assert (found.test, found.p) == ("g", pytest.approx(chi2.sf(2 * 4526 * information, 5)))
    assert found.low < found.value < found.high


def test_entropies_by_hand():
    assert entropy([1, 1]) == pytest.approx(math.log(2))
    assert entropy([3, 1]) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert entropy([5, 0, 0]) == 0.0
    assert entropy([]) == 0.0


def test_telling_is_not_mutual():
    """Six sizes tell which of two cuts; the cut halves what is unknown about six sizes at best."""
    table = np.kron(np.eye(2, dtype=int), np.full((3, 1), 40))
    assert uncertainty(table, 0).plain == pytest.approx(1.0)
    assert uncertainty(table.T, 0).plain == pytest.approx(math.log(2) / math.log(6))


@pytest.mark.parametrize("groups", [2, 3, 7])
def test_a_renamed_attribute_tells_everything(groups):
    found = uncertainty(np.eye(groups, dtype=int)[::-1] * 50, seed=0)
    assert (found.value, found.plain) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (found.low, found.high) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found.p < 1e-10


def test_independent_counts_tell_nothing():
    found = uncertainty(np.outer([10, 20, 30], [4, 6]), seed=0)
    assert (found.value, found.plain) == (0.0, pytest.approx(0.0, abs=1e-12))
    assert (found.low, found.high) == (0.0, pytest.approx(0.0, abs=1e-6))
    assert found.p == pytest.approx(1.0)


@pytest.mark.parametrize(
    "table", [[[5, 5]], [[5], [5]], [[0, 0], [5, 5]], np.eye(60, dtype=int)[:, np.arange(60) % 2 == 0][:1]]
)
def test_what_does_not_vary_has_no_coefficient(table):
    assert uncertainty(table, seed=0) is None


def test_a_value_for_each_row_tells_no_more_than_chance():
    rows = np.zeros((400, 2), dtype=int)
    rows[np.arange(400), np.arange(400) % 2] = 1
    assert uncertainty(rows, seed=0) is None


def test_many_values_by_chance_are_corrected():
    """300 values in 600 rows tell .39 of two groups before the correction, and nothing after it."""
    rng = np.random.default_rng(3)
    table = np.bincount(rng.integers(0, 300, 600) * 2 + rng.integers(0, 2, 600), minlength=600).reshape(
        300, 2
    )
    found = uncertainty(table, seed=1)
    assert round(found.plain, 2) == 0.39
    assert found.value < 0.05
    assert (found.test, found.p > 0.05) == ("permutation-gamma", True)


def test_the_mean_by_chance_is_that_of_the_adjusted_mutual_information():
    """Vinh et al.'s exact expectation, from scikit-learn's score: ``AMI = (I - E) / (max(H, H) - E)``."""
    rng = np.random.default_rng(0)
    table = np.bincount(rng.integers(0, 12, 150) * 3 + rng.integers(0, 3, 150), minlength=36).reshape(12, 3)
    x, a = rows_of(table)
    score = adjusted_mutual_info_score(x, a, average_method="max")
    information, largest = mutual_info_score(x, a), max(entropy(table.sum(0)), entropy(table.sum(1)))
    expected = (information - score * largest) / (1 - score)
    found = uncertainty(table, seed=0, draws=4000)
    assert found.by_chance * entropy(table.sum(0)) == pytest.approx(expected, rel=0.01)


def test_p_of_drawn_tables_agrees_with_their_tail():
    from scipy.stats import random_table

    table = np.array([[9, 2, 1], [3, 4, 2], [1, 2, 6], [0, 1, 4]])
    found = uncertainty(table, seed=0, draws=2000)
    drawn = random_table(table.sum(1), table.sum(0)).rvs(5000, random_state=np.random.default_rng(9))
    tail = np.mean([mutual_information(t) >= mutual_information(table) - 1e-12 for t in drawn])
    assert found.test == "permutation-gamma"
    assert found.p == pytest.approx(tail, abs=0.005)


def test_the_same_seed_draws_the_same_tables():
    table = np.array([[9, 2, 1], [3, 4, 2], [1, 2, 6]])
    assert uncertainty(table, seed=4) == uncertainty(table, seed=4)
    assert uncertainty(table, seed=4) != uncertainty(table, seed=5)


@pytest.mark.parametrize("table", [[1, 2], [[1, -1], [2, 2]]])
def test_what_is_no_table_of_counts_is_refused(table):
    with pytest.raises(ValueError, match="two dimensions and no negative numbers"):
        uncertainty(table, seed=0)


TABLES = st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=2, max_size=6)


def naive_uncertainty(table):
    """By the definition, with loops."""
    n = sum(map(sum, table))
    groups = [sum(row[j] for row in table) for j in range(len(table[0]))]
    whole = -sum(k / n * math.log(k / n) for k in groups if k)
    left = 0.0
    for row in table:
        left -= sum(k / n * math.log(k / sum(row)) for k in row if k)
    return (whole - left) / whole


@settings(max_examples=100, deadline=None)
@given(TABLES, st.integers(0, 5))
def test_plain_equals_its_definition_and_all_lies_within_the_unit(table, seed):
    assume(min(occurring(table).shape) >= 2)
    found = uncertainty(table, seed)
    if found is None:
        return
    assert found.plain == pytest.approx(naive_uncertainty(table), abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert 0 <= found.p <= 1
    assert found.value <= found.plain + 1e-12


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_the_standard_error_equals_the_delta_method_by_differences(table):
    counts = occurring(table)
    assume(min(counts.shape) >= 2)
    n = counts.sum()

    def plain(values):
        return mutual_information(values) / entropy(values.sum(axis=0))

    gradient = np.zeros(counts.shape)
    for place in zip(*np.nonzero(counts), strict=True):
        step = np.zeros(counts.shape)
        step[place] = 1e-4 * counts[place]
        gradient[place] = (plain(counts + step) - plain(counts - step)) / (2 * step[place]) * n
    shares = counts / n
    variance = (shares * gradient**2).sum() - (shares * gradient).sum() ** 2
    assert standard_error(table) == pytest.approx(math.sqrt(max(variance, 0.0) / n), rel=1e-4, abs=1e-6)


def test_the_interval_holds_the_truth():
    """300 tables of 1,000 rows from a known distribution; at .95, 270 or fewer would come once in a thousand times."""
    truth = np.array([[0.2, 0.05, 0.05], [0.05, 0.2, 0.05], [0.05, 0.1, 0.25]])
    told = mutual_information(truth * 1e9) / entropy(truth.sum(axis=0))
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        found = uncertainty(rng.multinomial(1000, truth.ravel()).reshape(3, 3), seed)
        held += found.low <= told <= found.high
    assert 272 <= held <= 298


def test_chance_is_called_significant_in_a_twentieth_of_tables():
    rng = np.random.default_rng(2)
    called = 0
    for seed in range(300):
        x, a = rng.choice(12, 150, p=np.arange(1, 13) / 78), rng.choice(3, 150, p=[0.6, 0.3, 0.1])
        called += uncertainty(np.bincount(x * 3 + a, minlength=36).reshape(12, 3), seed).p < 0.05
    assert 4 <= called <= 28
