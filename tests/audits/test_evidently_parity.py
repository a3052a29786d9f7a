"""Against the real Evidently: same method, same threshold, same score, no flipped verdict on randomised data.

From the distinct values, and from profiles, in which more than 2,048 distinct numbers are kept in bins.
"""

import numpy as np
import pandas as pd
import pytest

from audits.metrics.drift.methods import METHODS, drift_score
from tests.audits.evidently_peer import PeerScore, evidently_score, exact_pair, profiled_pair

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]


def assert_same(reference, current, method=None, within=1e-9):
    theirs = evidently_score(reference, current, method)
    for pair in (exact_pair(reference, current), profiled_pair(reference, current)):
        ours = drift_score(pair, method)
        assert PeerScore(ours.method, ours.value, ours.threshold, ours.drifted) == PeerScore(
            theirs.method, pytest.approx(theirs.value, abs=within), theirs.threshold, theirs.drifted
        )


def random_numbers(rng, n, few):
    if few:
        return pd.Series(rng.integers(0, int(rng.integers(2, 9)), n).astype(float))
    drawn = [
        rng.normal(size=n),
        rng.lognormal(size=n),
        rng.standard_cauchy(n),
        rng.integers(0, 500, n).astype(float),
    ]
    x = pd.Series(drawn[int(rng.integers(len(drawn)))])
    x[rng.random(n) < 0.02] = np.nan
    x[rng.random(n) < 0.01] = np.inf
    return x


def random_categories(rng, n, levels):
    weights = rng.dirichlet(np.full(levels, 2.0))
    return pd.Series(rng.choice([f"level {i}" for i in range(levels)], n, p=weights))


#: Few enough distinct numbers on either side to be kept one by one in profiles as well.
SIZES = [(45, 60), (200, 900), (1000, 1000), (1030, 500), (2000, 2000), (900, 2000)]


@pytest.mark.parametrize(("n_reference", "n_current"), SIZES)
@pytest.mark.parametrize("few", [False, True])
def test_default_on_numbers_equals_evidently(n_reference, n_current, few):
    rng = np.random.default_rng([n_reference, n_current, few])
    for _ in range(12):
        x = random_numbers(rng, n_reference + n_current, few)
        shift = float(rng.choice([0.0, 0.05, 0.1, 0.5])) if not few else 0.0
        assert_same(x[:n_reference], x[n_reference:] + shift)


@pytest.mark.parametrize(("n_reference", "n_current"), [*SIZES, (900, 12_000)])
@pytest.mark.parametrize("levels", [1, 2, 3, 8, 14])
def test_default_on_categories_equals_evidently(n_reference, n_current, levels):
    rng = np.random.default_rng([n_reference, n_current, levels])
    for _ in range(3):
        assert_same(random_categories(rng, n_reference, levels), random_categories(rng, n_current, levels))
        same = random_categories(rng, n_reference + n_current, levels)
        assert_same(same[:n_reference], same[n_reference:])


@pytest.mark.parametrize(("n_reference", "n_current"), [(40, 30), (5000, 2000)])
def test_default_on_booleans_equals_evidently(n_reference, n_current):
    rng = np.random.default_rng(3)
    for share in (0.1, 0.5, 0.52, 0.9):
        assert_same(pd.Series(rng.random(n_reference) < 0.5), pd.Series(rng.random(n_current) < share))


NUMBER_METHODS = [
    "psi",
    "jensenshannon",
    "kl",
    "hellinger",
    "wasserstein",
    "ks",
    "anderson",
    "cramer_von_mises",
    "mannw",
    "t_test",
    "es",
    "ed",
]
CATEGORY_METHODS = ["psi", "jensenshannon", "kl", "hellinger", "chisquare"]


@pytest.mark.parametrize("method", NUMBER_METHODS)
def test_forced_method_on_numbers_equals_evidently(method):
    rng = np.random.default_rng(len(method))
    # Evidently's own code for the exact Cramer-von Mises p-value overflows or fails; see test_drift_methods for SciPy's.
    smallest = (12, 9) if method != "cramer_von_mises" else (40, 9)
    for n_reference, n_current in [smallest, (25, 30), (150, 700), (1500, 1900)]:
        for shift in (0.0, 0.1, 0.4):
            x = random_numbers(rng, n_reference + n_current, few=False)
            assert_same(x[:n_reference], x[n_reference:] + shift, method)


@pytest.mark.parametrize("method", sorted({*NUMBER_METHODS} - {"es"}))
def test_forced_method_on_few_numbers_equals_evidently(method):
    rng = np.random.default_rng(len(method))
    for _ in range(4):
        x = random_numbers(rng, 4000, few=True)
        assert_same(x[:2500], x[2500:], method)


@pytest.mark.parametrize("method", CATEGORY_METHODS)
def test_forced_method_on_categories_equals_evidently(method):
    rng = np.random.default_rng(len(method))
    for levels in (2, 6, 40, 900):
        a, b = random_categories(rng, 6500, levels), random_categories(rng, 6500, levels)
        assert_same(a, b, method)


@pytest.mark.parametrize(("method", "levels"), [("g_test", 2), ("g_test", 9), ("fisher_exact", 2)])
def test_tests_that_evidently_has_for_equally_many_rows_only_are_equal_there(method, levels):
    rng = np.random.default_rng(levels)
    for n in (30, 400, 3000):
        same = random_categories(rng, 2 * n, levels)
        assert_same(same[:n], same[n:], method)
        assert_same(random_categories(rng, n, levels), random_categories(rng, n, levels), method)


@pytest.mark.parametrize(("levels", "moved"), [(2, False), (5, False), (5, True)])
def test_shuffled_total_variation_agrees_within_the_error_of_evidentlys_thousand_draws(levels, moved):
    rng = np.random.default_rng(levels)
    x = random_categories(rng, 150, levels)
    a, b = x[:90], random_categories(rng, 60, levels) if moved else x[90:]
    theirs, ours = evidently_score(a, b, "tvd_p"), drift_score(profiled_pair(a, b), "tvd_p")
    error = np.sqrt(max(ours.value * (1 - ours.value), 1e-3) / 1000)
    assert ours.value == pytest.approx(theirs.value, abs=4 * np.sqrt(2) * error)
    assert (ours.threshold, ours.drifted) == (theirs.threshold, theirs.drifted)


def test_every_method_is_compared():
    alone = {"tvd"}  # the distance, of which Evidently reports the p-value only
    compared = {*NUMBER_METHODS, *CATEGORY_METHODS, "z", "g_test", "fisher_exact", "tvd_p"}
    assert compared | alone == set(METHODS)
