"""Holm and Benjamini-Hochberg adjustment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from audits.metrics.statistics.multiplicity import benjamini_hochberg, holm

P_VALUES = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1))
#: Benjamini and Hochberg 1995, section 4.1: fifteen cardiac outcomes of a thrombolysis trial.
THROMBOLYSIS = np.array(
    [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
)


def test_thrombolysis_trial_has_four_discoveries_but_three_family_wise():
    assert int((benjamini_hochberg(THROMBOLYSIS) < 0.05).sum()) == 4
    assert int((holm(THROMBOLYSIS) < 0.05).sum()) == 3


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06], abs=1e-15)


def test_nothing_to_adjust_gives_nothing():
    assert holm(np.array([])).size == 0
    assert benjamini_hochberg(np.array([])).size == 0


@given(P_VALUES)
def test_benjamini_hochberg_equals_scipy(p):
    assert benjamini_hochberg(p).tolist() == pytest.approx(
        stats.false_discovery_control(p).tolist(), abs=1e-15
    )


@given(P_VALUES)
def test_holm_rejects_exactly_what_its_step_down_procedure_rejects(p):
    rejected, ordered = set(), sorted(range(p.size), key=lambda i: p[i])
    for step, i in enumerate(ordered):
        if p[i] * (p.size - step) > 0.05:
            break
        rejected.add(i)
    assert set(np.flatnonzero(holm(p) <= 0.05).tolist()) == rejected


@given(P_VALUES, st.randoms(use_true_random=False))
def test_order_of_the_hypotheses_does_not_matter(p, random):
    order = list(range(p.size))
    random.shuffle(order)
    assert holm(p[order]).tolist() == holm(p)[order].tolist()
    assert benjamini_hochberg(p[order]).tolist() == benjamini_hochberg(p)[order].tolist()


@given(P_VALUES)
def test_adjusting_never_lowers_p_and_holm_is_the_stricter(p):
    assert np.all(benjamini_hochberg(p) >= p - 1e-15)
    assert np.all(holm(p) >= benjamini_hochberg(p) - 1e-15)
