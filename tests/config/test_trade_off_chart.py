"""The curve of utility against disparity."""

from __future__ import annotations

import re

import pytest

from audits.metrics.mitigation.trade_off import Point
from config.charts.scales import Axis
from config.charts.trade_off import fold, trade_off_chart


def point(label: str, utility: float, ratio: float | None, **fields: object) -> Point:
    given = {
        "family": "threshold",
        "utility_low": utility - 0.01,
        "utility_high": utility + 0.01,
        "ratio_low": None,
        "ratio_high": None,
        "group": "age=65+",
        "today": label == "today",
        "pareto": True,
        "targeted": True,
        "verdict": "pass",
        "reason": "",
    }
    return Point(label=label, utility=utility, ratio=ratio, **{**given, **fields})  # type: ignore[arg-type]


def drawn(*points: Point) -> str:
    return trade_off_chart(points, "Disparity of selection", tolerance=0.8, utility="accuracy")


@pytest.mark.parametrize(
    ("ratio", "folded"), [(0.5, 0.5), (2.0, 0.5), (1.0, 1.0), (0.0, None), (None, None), (float("inf"), None)]
)
def test_a_ratio_and_its_reciprocal_are_equally_far(ratio, folded):
    assert fold(ratio) == folded


def test_the_sentence_tells_today_and_the_best():
    text = drawn(
        point("today", 0.9, 0.5), point("half way", 0.88, 1.25), point("worse", 0.5, 0.4, pareto=False)
    )
    (sentence,) = re.findall(r'aria-label="([^"]+)"', text)
    assert sentence == (
        "Disparity of selection against accuracy of 3 candidates; tolerated from 0.80; "
        "today: ratio 0.50, accuracy 0.900; 2, half way: ratio 1.25, accuracy 0.880"
    )


def test_the_best_are_joined_from_most_to_least_disparity_and_today_is_a_diamond():
    text = drawn(point("today", 0.9, 0.5), point("b", 0.8, 1.0), point("a", 0.85, 1.25))
    (line,) = re.findall(r'class="c-line" d="M([^"]+)"', text)
    places = [tuple(map(float, pair.split())) for pair in line.split("L")]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert [y for _, y in places] == sorted(y for _, y in places), "less utility is further down"
    axis = Axis(0.5 / 1.08, 1.03, log=True)
    assert places[0][0] == pytest.approx(axis.position(0.5), abs=0.01)
    assert places[1][0] == pytest.approx(axis.position(0.8), abs=0.01)
    assert text.count('class="c-today"') == 1
    assert text.count('class="c-end"') == 2


def test_a_candidate_that_another_beats_is_a_ring_without_number_and_interval():
    text = drawn(
        point("today", 0.9, 0.5), point("worse", 0.8, 0.45, pareto=False, ratio_low=0.4, ratio_high=0.5)
    )
    assert text.count('class="c-other"') == 1
    assert text.count('class="c-thin"') == 1, "of today's utility only"
    assert re.findall(r'class="c-name"[^>]*>([^<]+)<', text) == ["today"]


def test_an_interval_that_holds_1_reaches_1():
    text = drawn(point("today", 0.9, 0.95, ratio_low=0.7, ratio_high=1.1))
    axis = Axis(0.7 / 1.08, 1.03, log=True)
    x1, x2 = map(
        float,
        re.findall(r'class="c-thin" x1="([\d.]+)%" x2="([\d.]+)%" y1="([\d.]+)%" y2="\3%"', text)[0][:2],
    )
    assert x1 == pytest.approx(axis.position(0.7), abs=0.01)
    assert x2 == pytest.approx(axis.position(1.0), abs=0.01)


def test_what_has_no_finite_ratio_is_not_drawn():
    assert (
        drawn(point("today", 0.9, 0.0))
        == '<p class="fine">Disparity of selection: no candidate has a number to draw.</p>'
    )
    assert "of 1 candidates" in drawn(point("today", 0.9, 0.5), point("none", 0.9, None))


def test_a_name_is_text():
    assert "<script>" not in drawn(point("<script>", 0.9, 0.5))
