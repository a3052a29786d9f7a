"""Against the real Evidently from profiles of more than 2,048 distinct numbers, near the thresholds and on real data."""

import warnings

import numpy as np
import pandas as pd
import pytest

from audits.kinds import AuditInput, AuditParameters
from audits.kinds.data_drift import DataDrift
from audits.metrics.drift.methods import MethodError, drift_score
from audits.tables import MemoryTable
from tests.audits.evidently_peer import (
    OURS_BY_DISPLAY_NAME,
    evidently_score,
    exact_pair,
    household_lines,
    is_numeric,
    profiled_pair,
)

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]

DISTANCES = {"wasserstein", "jensenshannon", "psi", "kl", "ed"}
#: How far p-values move when numbers within a bin trade places; that of ks is compared by its distance D.
WITHIN = {"anderson": 5e-3, "mannw": 5e-3, "t_test": 2e-2, "es": 2e-2, "ed": 2e-3}
#: D of a reference of a few hundred rows: one row is more than .001.
KS_WITHIN = 1.5e-3


def assert_close(reference, current, method=None):
    """Same method, threshold and verdict; a value within .001, or D of Kolmogorov and Smirnov. Returns Evidently's."""
    theirs = evidently_score(reference, current, method)
    pair = profiled_pair(reference, current)
    ours = drift_score(pair, method)
    assert (ours.method, ours.threshold, ours.drifted) == (theirs.method, theirs.threshold, theirs.drifted)
    if ours.method == "ks":
        exact = drift_score(exact_pair(reference, current), "ks")
        assert exact.value == pytest.approx(theirs.value, abs=1e-9)
        assert ours.statistic == pytest.approx(
            exact.statistic, abs=KS_WITHIN if len(reference) < 2000 else 1e-3
        )
    else:
        within = 1e-9 if pair.lossless else WITHIN.get(ours.method, 1e-3)
        relative = 1e-9 if pair.lossless else 5e-3  # of values far beyond the thresholds
        assert ours.value == pytest.approx(theirs.value, abs=within, rel=relative)
    return theirs


def shape(rng, number, n):
    match number % 5:
        case 0:
            return rng.normal(size=n)
        case 1:
            return rng.lognormal(0, 0.7, n)
        case 2:
            return rng.gamma(2, 3, n)
        case 3:
            return rng.standard_t(3, n)
        case _:
            return np.minimum(rng.normal(size=n), 1.0)  # a fifth of the rows at the cap


def near_threshold(rng, number, n_reference, n_current, reach):
    """Two sides of one shape, the current one moved by up to ``reach`` standard deviations."""
    before, after = shape(rng, number, n_reference), shape(rng, number, n_current)
    return pd.Series(before), pd.Series(after + rng.uniform(0, reach) * np.std(before))


@pytest.mark.parametrize("part", range(5))
def test_default_on_large_samples_near_the_threshold_never_flips(part):
    """250 pairs, Wasserstein; moved by 0 to .2 standard deviations, where .1 is the limit."""
    rng = np.random.default_rng(part)
    drifted = 0
    for number in range(50):
        a, b = near_threshold(rng, number, *(int(n) for n in rng.integers(2500, 9000, 2)), 0.2)
        drifted += assert_close(a, b).drifted
    assert 10 < drifted < 40


@pytest.mark.parametrize("part", range(2))
def test_default_on_small_references_near_the_threshold_never_flips(part):
    """100 pairs, Kolmogorov-Smirnov, exact and asymptotic."""
    rng = np.random.default_rng(part)
    drifted = 0
    for number in range(50):
        a, b = near_threshold(
            rng, number, int(rng.integers(500, 1000)), int(rng.integers(3000, 14_000)), 0.08
        )
        drifted += assert_close(a, b).drifted
    assert 5 < drifted < 45


@pytest.mark.parametrize(
    "method", ["psi", "jensenshannon", "kl", "ks", "anderson", "mannw", "t_test", "es", "ed"]
)
def test_forced_method_from_profiles_near_the_threshold_never_flips(method):
    rng = np.random.default_rng([len(method), 1])
    for number in range(10):
        reach = 0.4 if method in DISTANCES else 0.06
        a, b = near_threshold(rng, number, *(int(n) for n in rng.integers(3000, 9000, 2)), reach)
        assert_close(a, b, method)


@pytest.mark.parametrize("method", ["hellinger", "cramer_von_mises"])
def test_methods_that_need_every_number_are_refused_from_bins_and_equal_from_the_column(method):
    a, b = near_threshold(np.random.default_rng(1), 0, 4000, 6000, 0.06)
    with pytest.raises(MethodError, match="compute it from the data"):
        drift_score(profiled_pair(a, b), method)
    theirs, ours = evidently_score(a, b, method), drift_score(exact_pair(a, b), method)
    assert ours.value == pytest.approx(theirs.value, abs=1e-9)
    assert ours.drifted is theirs.drifted


def audited(reference, current, method):
    """The measurement of the data-drift audit, whose tables are profiled."""
    audit_input = AuditInput(
        reference=MemoryTable({"x": reference}),
        current=MemoryTable({"x": current}),
        parameters=AuditParameters(method=method),
    )
    return DataDrift().run(audit_input)[0]


@pytest.mark.parametrize("method", ["hellinger", "cramer_von_mises"])
def test_methods_that_need_every_number_equal_evidently_in_an_audit(method):
    rng = np.random.default_rng([len(method), 3])
    drifted = 0
    for number in range(10):
        reach = 0.5 if method == "hellinger" else 0.08
        a, b = near_threshold(rng, number, *(int(n) for n in rng.integers(2500, 9000, 2)), reach)
        theirs, ours = evidently_score(a, b, method), audited(a, b, f"evidently:{method}")
        assert ours.detail["sampled"] == {"reference": len(a), "current": len(b)}
        assert ours.detail["exact"] is True
        assert (ours.name, ours.value) == (method, pytest.approx(theirs.value, abs=1e-9))
        assert (ours.threshold, ours.verdict == "fail") == (theirs.threshold, theirs.drifted)
        drifted += theirs.drifted
    assert 0 < drifted < 10


def test_default_on_small_references_equals_evidently_in_an_audit():
    rng = np.random.default_rng(4)
    for number in range(20):
        sizes = int(rng.integers(300, 1000)), int(rng.integers(2500, 14_000))
        a, b = near_threshold(rng, number, *sizes, 0.08)
        theirs, ours = evidently_score(a, b), audited(a, b, "evidently")
        assert (ours.name, ours.value) == ("ks", pytest.approx(theirs.value, abs=1e-9))
        assert (ours.verdict == "fail", ours.detail["exact"]) == (theirs.drifted, True)


def test_numbers_at_a_cap_that_one_side_exceeds_are_not_taken_for_drift():
    """The cap lies within a bin, which ends at the cap on one side and reaches beyond it on the other."""
    rng = np.random.default_rng(2)
    a, b = np.minimum(rng.normal(size=(2, 9000)), 1.0)
    assert_close(pd.Series(a), pd.Series(np.append(b, 1.0005)), "ks")


@pytest.fixture(scope="module")
def households():
    """5,000 till lines of the first quarter and of the last."""
    return household_lines(range(1, 14), 5000, seed=1), household_lines(range(40, 54), 5000, seed=2)


COLUMNS = (
    "store_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "price",
    "discounted",
    "units",
)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("rows", [300, 1000, 5000])
def test_default_on_the_demos_household_data_equals_evidently(households, column, rows):
    before, after = (side[column][:rows] for side in households)
    assert_close(before, after)
    theirs, ours = evidently_score(before, after), drift_score(exact_pair(before, after))
    assert (ours.method, ours.drifted) == (theirs.method, theirs.drifted)
    assert ours.value == pytest.approx(theirs.value, abs=1e-9)


@pytest.mark.parametrize("method", ["psi", "jensenshannon", "kl", "anderson", "mannw", "t_test", "ed"])
def test_forced_method_on_the_demos_household_data_equals_evidently(households, method):
    for column in ("sales_value", "price"):
        assert_close(households[0][column], households[1][column], method)


def preset_report(reference, current):
    """Evidently's preset: the share of drifted columns, and each column's method, threshold and value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import evidently
        from evidently.presets import DataDriftPreset

        numeric = [name for name in reference if is_numeric(reference[name])]
        definition = evidently.DataDefinition(
            numerical_columns=numeric, categorical_columns=[n for n in reference if n not in numeric]
        )
        sides = [evidently.Dataset.from_pandas(s, data_definition=definition) for s in (current, reference)]
        share, *columns = evidently.Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
    found = {}
    for metric in columns:
        config = metric["config"]
        method = OURS_BY_DISPLAY_NAME[config["method"]]
        found[config["column"]] = (method, config["threshold"], float(metric["value"]))
    return share["value"]["share"], found


@pytest.mark.parametrize("rows", [900, 5000])
def test_share_of_drifted_columns_equals_that_of_evidentlys_preset(households, rows):
    rng = np.random.default_rng(rows)
    sides = [side[:rows].copy() for side in households]
    for number, side in enumerate(sides):
        side["score"] = rng.normal(0.3 * number, 1, rows)
        side["shelf"] = rng.choice(list("abcdef"), rows, p=[0.5 - 0.2 * number, *[0.1 + 0.04 * number] * 5])
    share, columns = preset_report(*sides)
    ours = {name: drift_score(profiled_pair(sides[0][name], sides[1][name])) for name in columns}
    assert len(ours) == len(COLUMNS) + 2
    assert sum(score.drifted for score in ours.values()) / len(ours) == share
    assert 0 < share < 1
    for name, (method, threshold, value) in columns.items():
        assert (ours[name].method, ours[name].threshold) == (method, threshold)
        if method != "ks":
            assert ours[name].value == pytest.approx(value, abs=1e-3)
