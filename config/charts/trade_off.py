"""Points by what they are worth and what disparity they leave: up and to the right is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from django.utils.safestring import SafeString

from audits.metrics.mitigation.trade_off import Point
from config.charts.numbers import decimal
from config.charts.rows import axis_labels
from config.charts.scales import Axis, nice_ticks
from config.charts.svg import XY, dot, element, horizontal, joined, path, pct, picture, stretched, vertical


def trade_off_chart(
    points: Iterable[Point],
    label: str,
    *,
    tolerance: float,
    utility: str,
) -> SafeString:
    """Draw candidates with the best ones joined, today's model marked and the tolerated disparity shaded.

    Parameters
    ----------
    points : iterable of Point
        Each one dot; numbered from 1 in this order, as the table beside the chart numbers them.
    label : str
        What disparity is drawn; the sentence starts with it.
    tolerance : float
        Smallest ratio that is tolerated; above 1 its reciprocal.
    utility : str
        What the vertical axis shows.
    """
    drawn = [(number, point) for number, point in enumerate(points, 1) if fold(point.ratio)]
    if not drawn:
        return element("p", f"{label}: no candidate has a number to draw.", class_="fine")
    across = _across([point for _, point in drawn], tolerance)
    ticks = nice_ticks(*_span([point for _, point in drawn]))
    up = Axis(ticks[0], ticks[-1])
    parts: list[str] = [horizontal("c-grid", 100 - up.position(tick)) for tick in ticks]
    parts += _tolerated(across, tolerance)
    parts.append(stretched(_front([point for _, point in drawn], across, up)))
    for number, point in sorted(drawn, key=lambda pair: (pair[1].pareto, pair[1].today)):
        parts += _marked(number, point, across, up)
    drawing = picture("plot-area", _sentence(drawn, label, tolerance, utility), *parts)
    return element(
        "div",
        element(
            "div",
            joined([element("span", decimal(t, 3)) for t in reversed(ticks)]),
            class_="plot-y",
            aria_hidden="true",
        ),
        drawing,
        element("div", axis_labels(across), class_="plot-x plot-x-axis", aria_hidden="true"),
        class_="plot plot-l",
    )


def fold(ratio: float | None) -> float | None:
    """The ratio or its reciprocal, whichever is at most 1: how alike, whoever comes off worse."""
    if ratio is None or ratio <= 0 or not math.isfinite(ratio):
        return None
    return min(ratio, 1 / ratio)


def _across(points: Sequence[Point], tolerance: float) -> Axis:
    lowest = min(f for p in points for r in (p.ratio, *_ends(p)) if (f := fold(r)))
    return Axis(min(lowest, tolerance) / 1.08, 1.03, log=True)


def _ends(point: Point) -> tuple[float | None, float | None]:
    """The interval is drawn of today's model and of the best: of all of them it would be a thicket."""
    return (point.ratio_low, point.ratio_high) if point.today or point.pareto else (None, None)


def _span(points: Sequence[Point]) -> tuple[float, float]:
    values = [p.utility for p in points]
    values += [
        v for p in points if p.today or p.pareto for v in (p.utility_low, p.utility_high) if v is not None
    ]
    return min(values), max(values)


def _tolerated(across: Axis, tolerance: float) -> list[str]:
    """The shaded part, its edge and the edge's name, on the side that has room for it."""
    start = across.inside(tolerance)
    right = start < 60
    name = element(
        "text",
        f"Tolerated from {decimal(tolerance, 2)}",
        class_="c-note",
        x=pct(start),
        y="0",
        dx=6 if right else -6,
        dy="14",
        text_anchor="start" if right else "end",
    )
    band = element("rect", class_="c-tolerance", x=pct(start), width=pct(100 - start), y="0", height="100%")
    return [band, vertical("c-limit", start), name]


def _front(points: Sequence[Point], across: Axis, up: Axis) -> SafeString:
    best = sorted((p for p in points if p.pareto), key=lambda p: (fold(p.ratio) or 0.0, -p.utility))
    return element("path", class_="c-line", d=path(_place(p, across, up) for p in best) if best else None)


def _place(point: Point, across: Axis, up: Axis) -> XY:
    return across.inside(fold(point.ratio) or 0.0), 100 - up.position(point.utility)


def _marked(number: int, point: Point, across: Axis, up: Axis) -> list[str]:
    x, y = _place(point, across, up)
    parts: list[str] = _whiskers(point, across, up, x, y)
    if point.today:
        parts.append(
            element(
                "svg",
                element("path", class_="c-today", d="M0-7 7 0 0 7-7 0Z"),
                class_="c-fill",
                x=pct(x),
                y=pct(y),
            )
        )
    else:
        parts.append(dot("c-end" if point.pareto else "c-other", x, y, 5 if point.pareto else 4))
    if point.today or point.pareto:
        text = "today" if point.today else str(number)
        anchor = "end" if x > 85 else "start"
        parts.append(
            element(
                "text",
                text,
                class_="c-name",
                x=pct(x),
                y=pct(y),
                dx=-9 if x > 85 else 9,
                dy=-8 if number % 2 or point.today else 18,
                text_anchor=anchor,
            )
        )
    return parts


def _whiskers(point: Point, across: Axis, up: Axis, x: float, y: float) -> list[str]:
    if not (point.today or point.pareto):
        return []
    parts: list[str] = []
    if point.utility_low is not None and point.utility_high is not None:
        ends = (100 - up.position(v) for v in (point.utility_high, point.utility_low))
        top, bottom = ends
        parts.append(element("line", class_="c-thin", x1=pct(x), x2=pct(x), y1=pct(top), y2=pct(bottom)))
    low, high = point.ratio_low, point.ratio_high
    if (one := fold(low)) and (other := fold(high)) and low is not None and high is not None:
        most = 1.0 if low <= 1 <= high else max(one, other)
        left, right = across.inside(min(one, other)), across.inside(most)
        parts.append(element("line", class_="c-thin", x1=pct(left), x2=pct(right), y1=pct(y), y2=pct(y)))
    return parts


def _sentence(drawn: Sequence[tuple[int, Point]], label: str, tolerance: float, utility: str) -> str:
    text = f"{label} against {utility} of {len(drawn)} candidates; tolerated from {decimal(tolerance, 2)}"
    for number, point in drawn:
        if point.today or point.pareto:
            name = "today" if point.today else f"{number}, {point.label}"
            text += f"; {name}: ratio {decimal(point.ratio, 2)}, {utility} {decimal(point.utility, 3)}"
    return text
