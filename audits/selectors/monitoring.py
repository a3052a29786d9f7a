"""What was computed about a version's data windows: how far it has come, the course of a column, the movers.

All of it is read from ``DriftPoint`` rows, which ``audits.services.monitoring`` writes; no data are read here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, QuerySet

from audits.kinds import AuditInputError, Verdict
from audits.metrics.statistics.change_points import change_points
from audits.models import AuditPlan, DriftPoint
from audits.selectors.windows import LENGTHS, Partition, days_between, partitions, window_ending
from models_registry.models import ModelVersion

#: Windows that monitoring computes, and what each is compared with.
MONITORED_WINDOWS = tuple(LENGTHS)
COMPARISONS = tuple(AuditPlan.Comparison)
#: Points that a small chart beside a column shows.
HISTORY = 30
_SEED = 20_240_607


@dataclass(frozen=True, slots=True)
class Monitoring:
    """How far the monitoring of a version has come; the reason why there is nothing to show yet is in ``obstacle``.

    ``obstacle`` is ``no-dataset``, ``no-partitions``, ``overlap``, ``computing`` or empty. ``waiting`` counts the
    partitions that ended after the newest window that was computed.
    """

    obstacle: str
    message: str
    partitions: tuple[Partition, ...] = ()
    newest: date | None = None
    computed_at: datetime | None = None
    waiting: int = 0
    available: frozenset[tuple[str, str]] = frozenset()  # (data window, comparison) of which there are points


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One window of a series. ``missing_days`` had no rows; ``rewritten``: some days were registered twice."""

    point: DriftPoint
    missing_days: tuple[date, ...]
    rewritten: bool


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """The level of the effect changed with the window that ended on ``end``."""

    end: date
    p: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Series:
    """The effect on one column over time, oldest window first. ``gaps`` are days between on which no window ends."""

    column: str
    data_window: str
    comparison: str
    points: tuple[SeriesPoint, ...]
    gaps: tuple[date, ...]
    limit: float | None
    change_points: tuple[SeriesChange, ...]


@dataclass(frozen=True, slots=True)
class Mover:
    """One column in the newest window. ``ratio`` is effect over limit; ``history`` has (last day, effect) pairs."""

    column: str
    point: DriftPoint
    ratio: float | None
    history: tuple[tuple[date, float | None], ...]


@dataclass(frozen=True, slots=True)
class Movers:
    """Every column of one window, the furthest moved first, then those that could not be compared."""

    data_window: str
    comparison: str
    start: date
    end: date
    missing_days: tuple[date, ...]
    rewritten: bool
    computed_at: datetime
    columns: tuple[Mover, ...]

    @property
    def moved(self) -> tuple[Mover, ...]:
        return tuple(m for m in self.columns if m.point.verdict == Verdict.FAIL)

    @property
    def compared(self) -> tuple[Mover, ...]:
        return tuple(m for m in self.columns if m.point.verdict in (Verdict.PASS, Verdict.FAIL))


def points(version: ModelVersion, data_window: str, comparison: str) -> QuerySet[DriftPoint]:
    """The points of one kind of window against one comparison, oldest first."""
    return DriftPoint.objects.filter(
        version=version, data_window=data_window, comparison=comparison
    ).order_by("end", "column")


def monitoring(version: ModelVersion) -> Monitoring:
    """Where the monitoring of a version stands, and what to do when there is nothing to show; three queries."""
    if version.monitored_dataset is None:
        return Monitoring("no-dataset", "Say in which dataset the new inputs of this version arrive.")
    try:
        found = tuple(partitions(version))
    except AuditInputError as error:
        return Monitoring("overlap", f"{error}.")
    if not found:
        name = version.monitored_dataset.name
        return Monitoring("no-partitions", f"Register a snapshot of {name} with its first and last day.")
    rows = list(
        DriftPoint.objects.filter(version=version)
        .order_by()
        .values_list("data_window", "comparison")
        .annotate(newest=Max("end"), computed_at=Max("computed_at"))
    )
    if not rows:
        return Monitoring("computing", "The first windows are being computed.", found, waiting=len(found))
    newest = max(row[2] for row in rows)
    return Monitoring(
        obstacle="",
        message="",
        partitions=found,
        newest=newest,
        computed_at=max(row[3] for row in rows),
        waiting=sum(p.end > newest for p in found),
        available=frozenset((row[0], row[1]) for row in rows),
    )


def series(
    version: ModelVersion, data_window: str, comparison: str, column: str, since: date | None = None
) -> Series:
    """The course of one column, with the limit of its effect and the windows in which its level changed.

    Change points are sought in windows that do not overlap: every seventh or thirtieth day back from the newest.

    Parameters
    ----------
    since : date, optional
        Only windows that end on this day or later.
    """
    rows = points(version, data_window, comparison).filter(column=column)
    if since is not None:
        rows = rows.filter(end__gte=since)
    found = list(rows)
    known = _known_partitions(version)
    return Series(
        column=column,
        data_window=data_window,
        comparison=comparison,
        points=tuple(_in_context(point, known) for point in found),
        gaps=_gaps(found, known),
        limit=next((p.effect_threshold for p in reversed(found) if p.effect_threshold is not None), None),
        change_points=_changes(found, LENGTHS[AuditPlan.DataWindow(data_window)]),
    )


def _known_partitions(version: ModelVersion) -> list[Partition]:
    """Partitions as far as they can be told apart: an overlap is shown elsewhere and must not hide the points."""
    try:
        return partitions(version)
    except AuditInputError:
        return []


def _in_context(point: DriftPoint, known: Sequence[Partition]) -> SeriesPoint:
    window = window_ending(known, point.data_window, point.end)
    if window is None:
        return SeriesPoint(point, (), rewritten=False)
    return SeriesPoint(point, window.missing_days, window.rewritten)


def _gaps(found: Sequence[DriftPoint], known: Iterable[Partition]) -> tuple[date, ...]:
    if not found:
        return ()
    covered = {day for p in known for day in days_between(p.start, p.end)}
    return tuple(day for day in days_between(found[0].end, found[-1].end) if day not in covered)


def _changes(found: Sequence[DriftPoint], length: int) -> tuple[SeriesChange, ...]:
    apart = _apart([point for point in found if point.effect is not None], length)
    changes = change_points([point.effect or 0.0 for point in apart], _SEED)
    return tuple(SeriesChange(apart[c.index].end, c.p, c.before, c.after) for c in changes)


def _apart(found: Sequence[DriftPoint], days: int) -> list[DriftPoint]:
    """Points at least so many days apart, chosen back from the newest, in their order."""
    chosen: list[DriftPoint] = []
    for point in reversed(found):
        if not chosen or (chosen[-1].end - point.end).days >= days:
            chosen.append(point)
    return chosen[::-1]


def movers(
    version: ModelVersion, data_window: str, comparison: str, end: date | None = None
) -> Movers | None:
    """The columns of the newest window (or of the one that ended on a day), furthest moved first; None without any.

    Four queries, whatever the number of columns and windows.
    """
    rows = points(version, data_window, comparison)
    if end is not None:
        rows = rows.filter(end__lte=end)
    ends = list(rows.order_by("-end").values_list("end", flat=True).distinct()[:HISTORY])
    if not ends or (end is not None and ends[0] != end):
        return None
    by_column: dict[str, list[DriftPoint]] = defaultdict(list)
    for point in rows.filter(end__gte=ends[-1]):
        by_column[point.column].append(point)
    newest = [_mover(past) for past in by_column.values() if past[-1].end == ends[0]]
    context = _in_context(newest[0].point, _known_partitions(version))
    return Movers(
        data_window=data_window,
        comparison=comparison,
        start=context.point.start,
        end=context.point.end,
        missing_days=context.missing_days,
        rewritten=context.rewritten,
        computed_at=max(m.point.computed_at for m in newest),
        columns=tuple(sorted(newest, key=_furthest)),
    )


def _mover(past: Sequence[DriftPoint]) -> Mover:
    point = past[-1]
    ratio = None
    if point.effect is not None and point.effect_threshold:
        ratio = point.effect / point.effect_threshold
    return Mover(point.column, point, ratio, tuple((p.end, p.effect) for p in past))


def _furthest(mover: Mover) -> tuple[bool, bool, float, str]:
    return mover.ratio is None, mover.point.verdict != Verdict.FAIL, -(mover.ratio or 0.0), mover.column
