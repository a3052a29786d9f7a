"""The pages that watch a version: its newest data windows, what moved in them, and one column in full."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.vary import vary_on_headers

from audits.kinds import SEVERITY, AuditInputError, Verdict
from audits.models import AuditPlan
from audits.selectors.monitoring import (
    COMPARISONS,
    MONITORED_WINDOWS,
    Monitoring,
    Mover,
    Movers,
    Series,
    monitoring,
    movers,
    series,
)
from audits.selectors.windows import compared_with, window_ending
from audits.services.window_profiles import window_profile_stored
from audits.web.distributions import Distribution, distribution
from audits.web.measurements import FORMULA_STARTS
from audits.web.monitoring_words import (
    change_words,
    comparison_words,
    missing_words,
    movers_headline,
    not_compared_words,
    rewritten_days,
    spans_of,
    window_words,
)
from governance.permissions import Permission, granted
from governance.web.access import page
from models_registry.models import ModelVersion
from models_registry.selectors.versions import versions

Kind = AuditPlan.DataWindow
#: How far back a series is drawn: a quarter, so that single windows can be told apart.
SHOWN = timedelta(weeks=13)
_WINDOW_NAMES = {Kind.DAY: "Day", Kind.WEEK: "7 days", Kind.MONTH: "30 days"}
_COMPARISON_NAMES = {"reference": "Reference", "previous": "Window before", "last-year": "A year before"}
#: Columns of the CSV: of the point, but for the first.
CSV_COLUMNS = (
    "column",
    "start",
    "end",
    "n",
    "reference_n",
    "effect_name",
    "effect",
    "low",
    "high",
    "effect_threshold",
    "critical",
    "p",
    "verdict",
    "method",
    "value",
    "threshold",
    "evidently_verdict",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a selector; without an address it is not on offer."""

    name: str
    query: str
    current: bool
    available: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for. What it does not know is replaced by the first that is there."""

    data_window: str
    comparison: str
    column: str
    sort: str

    @classmethod
    def of(cls, query: Mapping[str, str], state: Monitoring) -> Choice:
        asked = (query.get("window", Kind.WEEK), query.get("against", "reference"))
        known = [
            (window, comparison)
            for comparison in _first(asked[1], COMPARISONS)
            for window in _first(asked[0], [Kind.WEEK, *MONITORED_WINDOWS])
        ]
        window, comparison = next((pair for pair in known if pair in state.available), known[0])
        return cls(str(window), str(comparison), query.get("column", ""), query.get("sort", ""))

    def query(self, **changes: str) -> str:
        """The address of another choice; the order of the table stays."""
        values = {"window": self.data_window, "against": self.comparison, "column": self.column}
        return _query({**values, "sort": self.sort, **changes})


def _first(wanted: str, known: Sequence[str]) -> list[str]:
    return [wanted, *(k for k in known if k != wanted)] if wanted in known else list(dict.fromkeys(known))


def _query(values: Mapping[str, str]) -> str:
    return urlencode({name: value for name, value in values.items() if value})


def watched_version(name: str, number: int) -> ModelVersion:
    """A version with what its monitoring reads, or 404."""
    rows = versions().select_related("monitored_dataset")
    return get_object_or_404(rows, model__name=name, number=number)


# One address answers the column's part or a whole page: the back button must not show the part as the page.
@vary_on_headers("HX-Request")
@page(Permission.AUDIT_READ)
def version_monitoring(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """What moved in the newest window, and one column in full; ``?window=&against=&column=`` choose."""
    version = watched_version(name, number)
    state = monitoring(version)
    choice = Choice.of(request.GET, state)
    found = None if state.obstacle else movers(version, choice.data_window, choice.comparison)
    context: dict[str, Any] = {
        "version": version,
        "state": state,
        "choice": choice,
        "can_register": granted(request.user, Permission.MODEL_REGISTER),
    }
    if found is None:
        return render(request, "monitoring/waiting.html", context)
    context |= {"movers": found, **_column_context(version, state, choice, found)}
    if getattr(request, "htmx", None) and request.headers.get("HX-Target") == "column":
        return render(request, "monitoring/column.html", context)
    return render(
        request, "monitoring/index.html", context | _table_context(choice, state, found, context["mover"])
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of movers; ``query`` is the address that shows its column in full."""

    mover: Mover
    query: str
    current: bool

    @property
    def calm(self) -> bool:
        """Whether both verdicts are a pass: on a phone its details are folded away."""
        return {self.mover.point.verdict, self.mover.point.evidently_verdict} == {Verdict.PASS.value}

    @property
    def history(self) -> list[float | None]:
        return [effect for _, effect in self.mover.history]

    @property
    def label(self) -> str:
        return f"Effect of {self.mover.column} lately"


def _table_context(choice: Choice, state: Monitoring, found: Movers, shown: Mover) -> dict[str, Any]:
    rows = _sorted(found.columns, choice.sort)
    return {
        "headline": movers_headline(found),
        "rows": [Row(mover, choice.query(column=mover.column), mover is shown) for mover in rows],
        "unwatched": [
            Option(name, choice.query(column=name), name == choice.column, available=True)
            for name in _unwatched(state, found)
        ],
        "csv_query": urlencode({"window": found.data_window, "against": found.comparison}),
        "windows": [_window_option(w, choice, state) for w in MONITORED_WINDOWS],
        "comparisons": [_comparison_option(c, choice, state) for c in COMPARISONS],
        "missing": missing_words(found.missing_days),
        "not_compared": not_compared_words(found),
    }


def _window_option(window: str, choice: Choice, state: Monitoring) -> Option:
    available = (window, choice.comparison) in state.available
    return Option(
        _WINDOW_NAMES[Kind(window)], choice.query(window=window), window == choice.data_window, available
    )


def _comparison_option(comparison: str, choice: Choice, state: Monitoring) -> Option:
    available = (choice.data_window, comparison) in state.available
    current = comparison == choice.comparison
    return Option(_COMPARISON_NAMES[comparison], choice.query(against=comparison), current, available)


#: What the table of movers can be sorted by; the furthest first when nothing is asked.
_SORTS: Mapping[str, Callable[[Mover], Any]] = {
    "column": lambda mover: mover.column.casefold(),
    "effect": lambda mover: mover.ratio,
    "value": lambda mover: mover.point.value,
    "rows": lambda mover: mover.point.n,
    "verdict": lambda mover: SEVERITY.index(Verdict(mover.point.verdict)),
}


def _sorted(rows: Sequence[Mover], wanted: str) -> list[Mover]:
    """In the order asked for; rows without a value come last either way."""
    key = _SORTS.get(wanted.removeprefix("-"))
    if key is None:
        return list(rows)
    valued = [row for row in rows if key(row) is not None]
    valued.sort(key=key, reverse=wanted.startswith("-"))
    return valued + [row for row in rows if key(row) is None]


def _column_context(
    version: ModelVersion, state: Monitoring, choice: Choice, found: Movers
) -> dict[str, Any]:
    """The column asked for; the furthest moved when there is none of that name."""
    mover = next((m for m in found.columns if m.column == choice.column), None)
    if mover is None and choice.column not in _unwatched(state, found):
        mover = found.columns[0]
    column = mover.column if mover else choice.column
    return {
        "mover": mover,
        "column": column,
        "distribution": _distribution(version, state, found, column),
        "window_words": window_words(found.data_window, found.end),
        "comparison_words": comparison_words(found.data_window, found.comparison),
        **(_series_context(version, found, column) if mover else {}),
    }


def _unwatched(state: Monitoring, found: Movers) -> list[str]:
    """Columns of the newest delivery that are not compared unless a plan names them: moments in time."""
    watched = {mover.column for mover in found.columns}
    newest = state.partitions[-1].snapshot if state.partitions else None
    names = [column["name"] for column in newest.columns] if newest else []
    return [name for name in names if name not in watched]


def _series_context(version: ModelVersion, found: Movers, column: str) -> dict[str, Any]:
    course = series(version, found.data_window, found.comparison, column, since=found.end - SHOWN)
    return {
        "series": course,
        "moments": _moments(course),
        "gaps": spans_of(course.gaps),
        "gap_words": missing_words(course.gaps),
        "changes": [(change.end, change_words(change)) for change in course.change_points],
        "marks": rewritten_days(course),
    }


def _distribution(
    version: ModelVersion, state: Monitoring, found: Movers, column: str
) -> Distribution | None:
    """The column in the window and in what it is compared with; None while a profile is not there."""
    window = window_ending(state.partitions, found.data_window, found.end)
    if window is None:
        return None
    try:
        compared = compared_with(version, window, found.comparison)
    except AuditInputError as error:
        return distribution(None, None, str(error))
    before, after = window_profile_stored(compared), window_profile_stored(window.snapshots)
    if before is None or after is None:
        return None
    fault = before.faults.get(column) or after.faults.get(column) or ""
    return distribution(before.columns.get(column), after.columns.get(column), fault)


@dataclass(frozen=True, slots=True)
class Moment:
    """One window of the series as its chart takes it; see ``config.charts.series.Moment``."""

    day: date
    value: float | None
    critical: float | None
    low: float | None
    high: float | None
    tone: str
    note: str


def _moments(course: Series) -> list[Moment]:
    return [
        Moment(
            day=item.point.end,
            value=item.point.effect,
            critical=item.point.critical,
            low=item.point.low,
            high=item.point.high,
            tone="breach" if item.point.verdict == Verdict.FAIL else "ok",
            note="data registered again" if item.rewritten else "",
        )
        for item in course.points
    ]


@page(Permission.AUDIT_READ)
def movers_csv(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Every column of the newest window as CSV."""
    version = watched_version(name, number)
    state = monitoring(version)
    choice = Choice.of(request.GET, state)
    found = None if state.obstacle else movers(version, choice.data_window, choice.comparison)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    filename = f"{name}-v{number}-{choice.data_window}-against-{choice.comparison}.csv"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    writer = csv.writer(response)
    writer.writerow(CSV_COLUMNS)
    for mover in found.columns if found else ():
        writer.writerow([_cell(getattr(mover.point, column)) for column in CSV_COLUMNS])
    return response


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS else value
