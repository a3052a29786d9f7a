"""Template tags of the charts. They take plain values, so that every app can draw without importing ``config``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from django import template
from django.utils.safestring import SafeString

from config.charts import distribution, heat, line, rows, series, timeline, trade_off
from config.charts import sparkline as sparks
from config.charts.scales import Axis
from config.charts.scales import axis_over as span

register = template.Library()

register.simple_tag(sparks.sparkline, name="sparkline")
register.simple_tag(sparks.bullet, name="bullet")
register.simple_tag(rows.interval_row, name="interval_row")
register.simple_tag(rows.axis_labels, name="axis_labels")
register.simple_tag(distribution.bar_pair, name="bar_pair")
register.simple_tag(timeline.timeline, name="timeline")
register.simple_tag(trade_off.trade_off_chart, name="trade_off_chart")
register.filter("heat_level", heat.score_level)


@register.simple_tag
def line_chart(points: Iterable[Any], label: str, **options: Any) -> SafeString:
    """``points``: tuples ``(label, value)`` or ``(label, value, low, high)``; options as in ``config.charts.line``."""
    return line.line_chart([line.Point(*point) for point in points], label, **options)


@register.simple_tag
def series_chart(moments: Iterable[Any], label: str, **options: Any) -> SafeString:
    """``moments``: objects with the fields of ``config.charts.series.Moment``; options as there."""
    return series.series_chart([_as(series.Moment, moment) for moment in moments], label, **options)


@register.simple_tag
def histogram_pair(bars: Iterable[Any], label: str, **options: Any) -> SafeString:
    """``bars``: objects with the fields of ``config.charts.distribution.Bar``; options as there."""
    return distribution.histogram_pair([_as(distribution.Bar, bar) for bar in bars], label, **options)


def _as(kind: type[Any], source: Any) -> Any:
    return kind(
        **{field.name: getattr(source, field.name) for field in fields(kind) if hasattr(source, field.name)}
    )


@register.simple_tag
def whisker(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    axis: Axis,
    label: str,
    tolerance_low: float | None = None,
    tolerance_high: float | None = None,
    reference: float | None = None,
    tone: str = "ok",
) -> SafeString:
    """A row of a forest plot; both ends of the tolerance, or none."""
    tolerance = None if tolerance_low is None or tolerance_high is None else (tolerance_low, tolerance_high)
    return rows.whisker(
        value, low, high, axis=axis, label=label, tolerance=tolerance, reference=reference, tone=tone
    )


def _scale(tag: str, scale: str) -> bool:
    if scale not in ("linear", "log"):
        raise template.TemplateSyntaxError(f"{tag}: scale is 'linear' or 'log', not {scale!r}")
    return scale == "log"


@register.simple_tag
def axis(low: float, high: float, scale: str = "linear") -> Axis:
    """An axis between two ends: ``{% axis 0 1.5 as axis %}``."""
    return Axis(low, high, log=_scale("axis", scale))


@register.simple_tag
def axis_over(measurements: Iterable[Any], *include: float | None, scale: str = "linear") -> Axis:
    """One axis for all rows: over ``value``, ``low`` and ``high`` of each (objects or mappings), and ``include``.

    ``{% axis_over measurements 0.8 1.25 scale="log" as axis %}``
    """
    values = [value for m in measurements for value in _ends(m)]
    return span([*values, *include], log=_scale("axis_over", scale))


def _ends(measurement: Any) -> Sequence[float | None]:
    if isinstance(measurement, Mapping):
        return [measurement.get(name) for name in ("value", "low", "high")]
    return [getattr(measurement, name, None) for name in ("value", "low", "high")]
