"""What a run measured as a table: filtered, sorted and paged, all of it in the address."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from audits.kinds import SEVERITY, Verdict
from audits.models import Measurement
from audits.web.charts import scale_of, worst_first
from audits.web.forms import ANY, VERDICT_CHOICES
from governance.web.lists import page_of, valid_values

PER_PAGE = 60
#: Rows of a page whose rows have ten columns: on a phone each is a card of its own.
PER_PAGE_COMPARED = 25
#: Measurements from which a table offers a filter.
MANY = 12


class MeasurementFilter(forms.Form):
    """By metric, attribute and verdict; what a run does not have is not offered."""

    metric = forms.ChoiceField(label="Measurement", required=False)
    attribute = forms.ChoiceField(label="Groups by", required=False)
    verdict = forms.ChoiceField(label="Verdict", required=False)

    def __init__(self, data: Any, rows: Sequence[Measurement], label: Callable[[str], str]) -> None:
        super().__init__(data)
        self._choices("metric", [(name, label(name)) for name in dict.fromkeys(row.name for row in rows)])
        attributes = dict.fromkeys(attribute_of(row) for row in rows if attribute_of(row))
        self._choices(
            "attribute", [(name, name.replace("_", " ").replace("*", " and ")) for name in attributes]
        )
        found = {row.verdict for row in rows}
        self._choices("verdict", [(value, word) for value, word in VERDICT_CHOICES if value in found])

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        """A filter of one choice filters nothing, so it is not shown."""
        if len(choices) < 2:
            del self.fields[name]
        else:
            self.fields[name].choices = [ANY, *choices]  # type: ignore[attr-defined]


def attribute_of(measurement: Measurement) -> str:
    """The column that a group belongs to; empty where a measurement is of no group."""
    attribute, equals, _ = measurement.slice.partition("=")
    return attribute if equals else ""


def filtered(form: MeasurementFilter, rows: Sequence[Measurement]) -> list[Measurement]:
    """The rows that the filter leaves."""
    wanted = valid_values(form)
    checks: Mapping[str, Callable[[Measurement], str]] = {
        "metric": lambda row: row.name,
        "attribute": attribute_of,
        "verdict": lambda row: row.verdict,
    }
    active = [(checks[name], value) for name, value in wanted.items() if value]
    return [row for row in rows if all(check(row) == value for check, value in active)]


def _detail(name: str) -> Callable[[Measurement], Any]:
    return lambda row: row.detail.get(name)


_SORTS: Mapping[str, Callable[[Measurement], Any]] = {
    "measurement": lambda row: row.name,
    "group": lambda row: row.slice,
    "rows": lambda row: row.n,
    "value": lambda row: row.value,
    "difference": _detail("difference"),
    "ratio": _detail("ratio"),
    "p": _detail("p"),
    "adjusted": _detail("p_adjusted"),
    "verdict": lambda row: SEVERITY.index(Verdict(row.verdict)),
}


def ordered(request: HttpRequest, rows: list[Measurement], compared: bool) -> list[Measurement]:
    """By ``?sort=``, rows without that number last; else worst first, and of equal verdicts as measured."""
    wanted = request.GET.get("sort", "")
    key = _SORTS.get(wanted.removeprefix("-"))
    if key is None:
        return sorted(rows, key=worst_first if compared else _by_verdict)
    known = [row for row in rows if _is_known(key(row))]
    rest = [row for row in rows if not _is_known(key(row))]
    return sorted(known, key=key, reverse=wanted.startswith("-")) + rest


def _by_verdict(measurement: Measurement) -> tuple[int, bool]:
    """Numbers that have no limit stand below those that keep theirs."""
    return worst_first(measurement)[0], measurement.tolerance_used is None


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def compares_groups(rows: Sequence[Measurement]) -> bool:
    """Whether a run compares groups with one another, so that its table has columns for that."""
    return any(scale_of(row) and "tolerance" in row.detail for row in rows)


def table_page(request: HttpRequest, rows: list[Measurement], per_page: int = PER_PAGE) -> Page[Any]:
    """The page named by ``?page=``, else the one that holds ``?measurement=``: links to a number end at its row."""
    pointed = request.GET.get("measurement", "")
    place = next((i for i, row in enumerate(rows) if str(row.pk) == pointed), None)
    if place is None or "page" in request.GET:
        return page_of(request, rows, per_page=per_page)
    return Paginator(rows, per_page).page(place // per_page + 1)
