"""Dry runs: what a plan would have found in the past, told from stored comparisons; no data are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max

from audits.kinds import data_drift
from audits.metrics.drift.comparison import THRESHOLD_NAMES
from audits.metrics.drift.methods import MethodChoice, MethodError, parse_method
from audits.metrics.drift.replay import PastComparison, would_drift
from audits.models import AuditPlan, DriftPoint
from audits.selectors.monitoring import MONITORED_WINDOWS, monitoring, points
from audits.selectors.windows import DAY, cadence_start
from governance.errors import InvalidInput
from models_registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class DryRunWindow:
    """What a run on one past window would have found. ``skipped`` columns cannot be judged from what was kept."""

    start: date
    end: date
    columns: tuple[str, ...]
    evaluated: int
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a plan would have found from ``since`` to ``until``; ``message`` says why when nothing can be said."""

    since: date | None
    until: date | None
    windows: tuple[DryRunWindow, ...] = ()
    message: str = ""

    @property
    def fired(self) -> tuple[DryRunWindow, ...]:
        """The windows in which some column would have failed."""
        return tuple(window for window in self.windows if window.columns)

    @property
    def evaluated(self) -> int:
        """Windows in which at least one column could be judged."""
        return sum(window.evaluated > 0 for window in self.windows)

    @property
    def skipped(self) -> tuple[DryRunWindow, ...]:
        """The windows in which no column could be judged."""
        return tuple(window for window in self.windows if not window.evaluated)


def dry_run(
    version: ModelVersion,
    *,
    data_window: str,
    comparison: str,
    columns: Sequence[str] = (),
    method: str | None = None,
    thresholds: Mapping[str, float] | None = None,
    cadence: str = AuditPlan.Window.DAY,
    days: int = 90,
) -> DryRun:
    """What a data-drift plan would have found in the past days, from the points alone: no data are read.

    Parameters
    ----------
    columns : sequence of str
        Empty: all that were compared.
    method, thresholds
        As in the plan's parameters.
    cadence : str
        How often the plan runs: of each day, week or month the run on its first data counts.
    days : int
        Back from the newest window.

    Raises
    ------
    InvalidInput
        For a window that monitoring does not compute, and for a column, method or threshold that does not exist.
    """
    choice = _checked(data_window, method, thresholds or {})
    rows = points(version, data_window, comparison)
    until = rows.aggregate(newest=Max("end"))["newest"]
    if until is None:
        return DryRun(None, None, message=_not_yet(version, data_window, comparison))
    since = until - timedelta(days=days - 1)
    found: dict[date, list[DriftPoint]] = defaultdict(list)
    for point in rows.filter(end__gte=since):
        found[point.end].append(point)
    _need_columns(columns, {point.column for past in found.values() for point in past})
    ends = _run_ends(found, cadence)
    windows = (_replayed(found[end], set(columns), choice, thresholds or {}) for end in ends)
    return DryRun(since, until, tuple(windows))


def _checked(data_window: str, method: str | None, thresholds: Mapping[str, float]) -> MethodChoice:
    if data_window not in MONITORED_WINDOWS:
        known = ", ".join(MONITORED_WINDOWS)
        raise InvalidInput(
            "data_window", f"Past windows are kept for {known}; choose one of these to try a plan."
        )
    unknown = sorted(set(thresholds) - {*THRESHOLD_NAMES, data_drift.SHARE, data_drift.ROWS})
    if unknown:
        raise InvalidInput(
            "thresholds", f"There is no threshold {unknown[0]!r}; known: {', '.join(THRESHOLD_NAMES)}."
        )
    try:
        return parse_method(method)
    except MethodError as error:
        raise InvalidInput("method", f"{error}.") from error


def _not_yet(version: ModelVersion, data_window: str, comparison: str) -> str:
    state = monitoring(version)
    if state.obstacle:
        return state.message
    return (
        f"There is no {data_window} window yet whose data reach back far enough to compare with {comparison}."
    )


def _need_columns(columns: Sequence[str], known: set[str]) -> None:
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise InvalidInput(
            "columns", f"Column {unknown[0]!r} was not compared; known: {', '.join(sorted(known)[:20])}."
        )


def _run_ends(ends: Iterable[date], cadence: str) -> list[date]:
    """The last day of the data of each run: a run reads what has ended the day before, or what comes next."""
    first: dict[date, date] = {}
    for end in sorted(ends):
        first.setdefault(cadence_start(cadence, end + DAY), end)
    return list(first.values())


def _replayed(
    past: Sequence[DriftPoint], columns: set[str], choice: MethodChoice, thresholds: Mapping[str, float]
) -> DryRunWindow:
    asked = [point for point in past if not columns or point.column in columns]
    verdicts = {point.column: would_drift(_kept(point), choice, thresholds) for point in asked}
    return DryRunWindow(
        start=past[0].start,
        end=past[0].end,
        columns=tuple(name for name, drifted in verdicts.items() if drifted),
        evaluated=sum(drifted is not None for drifted in verdicts.values()),
        skipped=tuple(name for name, drifted in verdicts.items() if drifted is None),
    )


def _kept(point: DriftPoint) -> PastComparison:
    return PastComparison(
        method=point.method,
        values=point.values,
        effect_name=point.effect_name,
        effect=point.effect,
        p=point.p,
    )
