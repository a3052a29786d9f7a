"""Which measurements of a version are drawn, and how. Drawing itself is done by template tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from audits.kinds import SEVERITY, Verdict
from audits.models import AuditRun, Measurement
from audits.selectors.display import displayed
from audits.selectors.evidence import Evidence

SHOWN = 12
#: Forests that a page draws at once; the others are folded away.
DRAWN = 6
_LOG, _LINEAR = "log", "linear"
#: Whose groups a version's page draws: the first of these that it has.
_BIAS = ("group-disparity", "forecast-disparity", "representation")


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a chart draws: ``value`` None when it could not be formed, and then ``why``."""

    measurement: Measurement
    label: str
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def why(self) -> str:
        """Why nothing was concluded; empty where something was."""
        too_little = self.measurement.verdict in (Verdict.INSUFFICIENT, Verdict.ERRORED)
        return str(self.measurement.detail.get("reason", "")) if too_little else ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows on one common axis. ``left_out`` counts those that are not drawn for want of room.

    ``scale`` is ``log`` for ratios, whose tolerance is equally wide on both sides of 1, ``linear`` for differences from 0.
    """

    name: str
    run: AuditRun
    rows: tuple[Row, ...]
    left_out: int = 0
    scale: str = _LOG

    @property
    def calm(self) -> bool:
        return all(row.measurement.verdict == Verdict.PASS for row in self.rows)

    @property
    def quiet(self) -> bool:
        """Whether nothing is wrong with any group, as far as one can tell."""
        return all(row.measurement.verdict in (Verdict.PASS, Verdict.INSUFFICIENT) for row in self.rows)

    @property
    def tolerance(self) -> tuple[float, float] | None:
        """What this run tolerated; one run applies one tolerance. None for numbers that carry no verdict."""
        found = next((t for row in self.rows if (t := row.measurement.detail.get("tolerance"))), None)
        return (found[0], found[1]) if isinstance(found, list | tuple) and len(found) == 2 else None

    @property
    def tolerated_low(self) -> float | None:
        return self.tolerance[0] if self.tolerance else None

    @property
    def tolerated_high(self) -> float | None:
        return self.tolerance[1] if self.tolerance else None

    @property
    def reference(self) -> int:
        """Where a group lies that is treated as the others are."""
        return 1 if self.scale == _LOG else 0

    @property
    def compared(self) -> str:
        """What the axis shows."""
        return "ratio" if self.scale == _LOG else "difference"

    @property
    def reference_group(self) -> str:
        """The declared group that all others are compared with; empty: everybody else."""
        found = (row.measurement.detail.get("reference_group") for row in self.rows)
        return str(next((name for name in found if name), ""))

    @property
    def total(self) -> int:
        return len(self.rows) + self.left_out


@dataclass(frozen=True, slots=True)
class VersionCharts:
    """``forests`` need a look; ``calm`` ones have every group within tolerance and are folded away."""

    drift: Chart | None
    forests: tuple[Chart, ...]
    calm: tuple[Chart, ...]


def version_charts(collected: Sequence[Evidence]) -> VersionCharts:
    """Charts for the latest runs: drift by column, and one forest per metric of the bias audit.

    Of several plans of a kind the required one is drawn: it decides the risk.
    """
    runs: dict[str, AuditRun] = {}
    for item in sorted(collected, key=lambda item: not item.plan.required):
        if item.run:
            runs.setdefault(item.kind.slug, item.run)
    drift, bias = runs.get("data-drift"), next((runs[kind] for kind in _BIAS if kind in runs), None)
    drawn = tuple(forests(bias)) if bias else ()
    return VersionCharts(
        drift=drift_chart(drift) if drift else None,
        forests=tuple(chart for chart in drawn if not chart.calm),
        calm=tuple(chart for chart in drawn if chart.calm),
    )


def drift_chart(run: AuditRun, rows: Iterable[Measurement] | None = None) -> Chart | None:
    """Columns by how much of their tolerance they use up (1 is the limit), the most moved first."""
    measured = run.measurements.all() if rows is None else rows
    moved = [m for m in measured if m.slice and m.tolerance_used is not None]
    if not moved:
        return None
    moved.sort(key=lambda m: -(m.tolerance_used or 0.0))
    drawn = tuple(Row(m, m.slice, m.tolerance_used) for m in moved[:SHOWN])
    return Chart(run.plugin.label, run, drawn, max(0, len(moved) - SHOWN), _LINEAR)


def forests(run: AuditRun, rows: Iterable[Measurement] | None = None, most: int = SHOWN) -> Iterable[Chart]:
    """One forest per metric, in the order measured: each group against the others, the worst first.

    Parameters
    ----------
    rows : iterable of Measurement, optional
        What is drawn, where the page has read it already; else all that the run measured.
    most : int
        Groups that are drawn of each metric.
    """
    measured = run.measurements.all() if rows is None else rows
    by_name: dict[tuple[str, str], list[Row]] = {}
    for measurement in map(displayed, measured):
        if "targeted" in measurement.detail:
            continue  # a candidate, not a group: the trade-off shows it
        if scale := scale_of(measurement):
            by_name.setdefault((measurement.name, scale), []).append(_group_row(measurement, scale))
    for (name, scale), found in by_name.items():
        if any(row.value is not None for row in found):
            found.sort(key=lambda row: worst_first(row.measurement))
            yield Chart(name, run, tuple(found[:most]), max(0, len(found) - most), scale)


def scale_of(measurement: Measurement) -> str:
    """The axis of a group that is compared with others: of ratios, else of differences; empty for other numbers."""
    if measurement.detail.get("suppressed"):
        return _LOG
    if "ratio" in measurement.detail:
        return _LOG
    return _LINEAR if "difference" in measurement.detail else ""


def worst_first(measurement: Measurement) -> tuple[int, float, int]:
    """What groups are ordered by: fail, errored, review, pass, and last those with too little data."""
    known = (*(v for v in SEVERITY if v != Verdict.INSUFFICIENT), Verdict.INSUFFICIENT)
    return (
        known.index(Verdict(measurement.verdict)),
        -(measurement.tolerance_used or 0.0),
        measurement.pk or 0,
    )


def _group_row(measurement: Measurement, scale: str) -> Row:
    detail, name = measurement.detail, "ratio" if scale == _LOG else "difference"
    value = _number(detail.get(name))
    low, high = _number(detail.get(f"{name}_low")), _number(detail.get(f"{name}_high"))
    if value is not None and value == measurement.value and low is None and high is None:
        low, high = measurement.low, measurement.high  # what was measured is the ratio itself
    return Row(measurement, measurement.slice, value, low, high)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
