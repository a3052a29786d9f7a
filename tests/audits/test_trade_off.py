"""Curves of utility against disparity, and the halves that make them honest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.contract import Measurement, Verdict
from audits.metrics.mitigation.halves import tuning_half
from audits.metrics.mitigation.trade_off import pareto, settings_of, trade_off

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(pairs)
def test_the_front_is_what_no_other_beats(points):
    found = pareto([u for u, _ in points], [d for _, d in points])
    kept = {point for point, best in zip(points, found, strict=True) if best}
    assert kept
    for point, best in zip(points, found, strict=True):
        beaten = any(u >= point[0] and d <= point[1] and (u, d) != point for u, d in kept)
        assert best is not beaten


def measured(name, where, value, **detail):
    return Measurement(name=name, slice=where, value=value, verdict=Verdict.PASS, detail=detail)


RUN = [
    measured("balanced-accuracy", "today", 0.9, family="today"),
    measured(
        "rate-disparity", "today", 0.5, group="g=b", tolerance=[0.7, 1 / 0.7], pareto=True, family="today"
    ),
    measured(
        "balanced-accuracy", "one", 0.8, family="x", thresholds={"b": 0.3}, settings={"step": 1}, noise=1
    ),
    measured("rate-disparity", "one", 1.1, group="g=c", pareto=True, targeted=True, family="x"),
    measured("balanced-accuracy", "two", None),
    measured("rate-disparity", "two", 1.0, group="g=c"),
    measured("balanced-accuracy", "three", 0.7),
    measured("rate-disparity", "three", None, group="g=b"),
    measured("group-size", "g=d", 3.0),
]


def test_a_curve_has_a_point_for_each_candidate_with_a_utility():
    (curve,) = trade_off(RUN)
    assert (curve.measure, curve.utility, curve.tolerance) == ("rate-disparity", "balanced-accuracy", 0.7)
    assert [p.label for p in curve.points] == ["today", "one", "three"]
    assert [p.label for p in curve.front] == ["one", "today"]
    today, one, three = curve.points
    assert (today.today, one.today, one.targeted, one.group) == (True, False, True, "g=c")
    assert one.distance == pytest.approx(np.log(1.1))
    assert (three.distance, three.ratio) == (None, None)


def test_a_run_without_measurements_has_no_curve():
    assert trade_off([]) == []


def test_the_settings_of_a_candidate_are_what_is_needed_to_do_it():
    assert settings_of(RUN, "one") == {
        "candidate": "one",
        "family": "x",
        "settings": {"step": 1},
        "thresholds": {"b": 0.3},
    }
    assert settings_of(RUN, "nobody") == {}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(0, 5))
def test_halves_share_no_unit_and_differ_by_one_unit_at_most(units, seed):
    codes = np.unique(np.array(units), return_inverse=True)[1]
    half = tuning_half(codes, np.zeros(len(codes), dtype=np.int64), seed)
    assert not set(codes[half]) & set(codes[~half])
    assert abs(len(set(codes[half])) - len(set(codes[~half]))) <= 1


def test_rows_of_their_own_are_split_alike_in_every_cell():
    cells = np.repeat([0, 1, 2], [50, 31, 8])
    half = tuning_half(np.arange(89), cells, 3)
    assert [int(half[cells == c].sum()) for c in (0, 1, 2)] in ([25, 15, 4], [25, 16, 4])
    assert (half != tuning_half(np.arange(89), cells, 4)).any()
    assert tuning_half(np.zeros(0, np.int64), np.zeros(0, np.int64), 0).shape == (0,)
