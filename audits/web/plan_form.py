"""The form of a plan: of which kind it is, is settled before; everything else is a field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms

from audits.kinds import AuditKind
from audits.models import AuditPlan
from audits.presentation import Settings
from audits.web.plan_fields import SEVERAL, known_parameters, label_of, settings_of

_LIMIT = "limit:"
_COLUMN = "column:"
_LINES = "lines:"
_TEXT = "text:"
#: The method by which Evidently's own verdict counts; alone, or before the name of a method.
_EVIDENTLY = "evidently"
_LINE_HELP = {
    "intersections": "One a line, such as age*income.",
    "references": "One a line: column = group. All other groups of the column are compared with it.",
    "roles": "One a line: what it is = the column.",
    "population": "One a line: column=group = share, such as size=XL = 0.12.",
}
_NO_METHOD = ("", "Calibrated, by type and size (default)")


class PlanForm(forms.Form):
    """Columns, method, limits, data window, comparison, cadence and action of one plan.

    ``parameters`` turns the answers into what the plan stores; parameters that the form does not show are kept.
    """

    name = forms.CharField(label="Name", max_length=100, help_text="What people will call this plan.")
    window = forms.ChoiceField(label="How often it runs", choices=AuditPlan.Window.choices)
    data_window = forms.ChoiceField(label="Data it reads", choices=AuditPlan.DataWindow.choices)
    comparison = forms.ChoiceField(label="Compared with", choices=AuditPlan.Comparison.choices)
    action = forms.ChoiceField(label="When it fails", choices=AuditPlan.Action.choices)

    def __init__(
        self,
        data: Any = None,
        *,
        kind: AuditKind,
        columns: Sequence[str],
        plan: AuditPlan | None = None,
        watched: bool = True,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=_initial(plan, watched))
        self.kind = kind
        self.shown: Settings = settings_of(kind)
        self.stored: Mapping[str, Any] = (
            plan.parameters if plan else known_parameters(self.shown, start or {})
        )
        if plan is not None and plan.required:
            del self.fields["name"]  # a required plan has none
        self._add_columns(columns)
        self._add_texts()
        self._add_lines()
        self._add_method()
        self._add_limits()

    def _add_columns(self, columns: Sequence[str]) -> None:
        for name in self.shown.columns:
            known = list(dict.fromkeys([*columns, *_as_list(self.stored.get(name))]))
            choices = [(column, column) for column in known]
            if name in SEVERAL:
                self.fields[_COLUMN + name] = forms.MultipleChoiceField(
                    label=label_of(name),
                    required=False,
                    choices=choices,
                    initial=_as_list(self.stored.get(name)),
                    help_text=self.shown.columns_help if name == "columns" else "",
                    widget=forms.CheckboxSelectMultiple,
                )
            else:
                self.fields[_COLUMN + name] = forms.ChoiceField(
                    label=label_of(name),
                    required=False,
                    choices=[("", "None"), *choices],
                    initial=self.stored.get(name, ""),
                )

    def _add_texts(self) -> None:
        for name in self.shown.texts:
            self.fields[_TEXT + name] = forms.CharField(
                label=label_of(name), required=False, max_length=200, initial=self.stored.get(name, "")
            )

    def _add_lines(self) -> None:
        for name in self.shown.lines:
            stored = self.stored.get(name) or ()
            entries = [f"{k} = {v}" for k, v in stored.items()] if isinstance(stored, Mapping) else stored
            self.fields[_LINES + name] = forms.CharField(
                label=label_of(name),
                required=False,
                initial="\n".join(entries),
                help_text=_LINE_HELP[name]
                + (f" Known: {', '.join(self.shown.roles)}." if name == "roles" else ""),
                widget=forms.Textarea(attrs={"rows": 3}),
            )

    def _add_method(self) -> None:
        if not self.shown.methods:
            return
        self.fields["method"] = forms.ChoiceField(
            label="Method",
            required=False,
            choices=[
                _NO_METHOD if _EVIDENTLY in self.shown.methods else ("", "The kind’s own choice"),
                *_methods(self.shown.methods),
            ],
            initial=self.stored.get("method", ""),
        )

    def _add_limits(self) -> None:
        stored = dict(self.stored.get("thresholds", {}))
        for name, default in self.shown.limits.items():
            self.fields[_LIMIT + name] = forms.FloatField(
                label=self.shown.labels.get(name) or label_of(name),
                required=False,
                initial=stored.pop(name, None),
                help_text=f"{default:g} when left empty",
                widget=forms.NumberInput(attrs={"step": "any", "placeholder": f"{default:g}"}),
            )
        if _EVIDENTLY in self.shown.methods:
            self._add_method_limit(stored.pop(_plain(self.stored.get("method") or ""), None))
        if self.shown.free_limits or stored:
            self._add_free_limits(stored)

    def _add_method_limit(self, limit: float | None) -> None:
        """The limit of whichever method is chosen."""
        self.fields["method_limit"] = forms.FloatField(
            label="Limit of the method",
            required=False,
            initial=limit,
            help_text="Of the method chosen above; its own default when left empty",
            widget=forms.NumberInput(attrs={"step": "any"}),
        )

    def _add_free_limits(self, limits: Mapping[str, float]) -> None:
        self.fields["limits"] = forms.CharField(
            label="Further limits",
            required=False,
            initial="\n".join(f"{name} = {value:g}" for name, value in limits.items()),
            help_text="One a line: name = number. The names are on the reference page of this kind.",
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    def clean_limits(self) -> dict[str, float]:
        return dict(_limit(line) for line in self.cleaned_data["limits"].splitlines() if line.strip())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in self.shown.lines:
            try:
                cleaned[_LINES + name] = _entries(name, cleaned.get(_LINES + name, ""))
            except forms.ValidationError as error:
                self.add_error(_LINES + name, error)
        if cleaned.get("method_limit") is not None and not cleaned.get("method"):
            self.add_error("method_limit", "Choose the method that this limit belongs to, or leave it empty.")
        comparison, data_window = cleaned.get("comparison"), cleaned.get("data_window")
        if data_window == AuditPlan.DataWindow.SNAPSHOT and comparison not in (
            None,
            AuditPlan.Comparison.REFERENCE,
        ):
            self.add_error(
                "comparison", "A snapshot as registered has no window before it; choose a window of days."
            )
        return cleaned

    def parameters(self) -> dict[str, Any]:
        """What the plan stores; needs a valid form."""
        chosen = {**self.stored}
        for name in self.shown.columns:
            chosen[name] = self.cleaned_data[_COLUMN + name]
        for name in self.shown.texts:
            chosen[name] = self.cleaned_data[_TEXT + name].strip()
        for name in self.shown.lines:
            chosen[name] = self.cleaned_data[_LINES + name]
        if "method" in self.fields:
            chosen["method"] = self.cleaned_data["method"]
        chosen["thresholds"] = self._thresholds()
        return {name: value for name, value in chosen.items() if value}

    def _thresholds(self) -> dict[str, float]:
        limits = {name: self.cleaned_data[_LIMIT + name] for name in self.shown.limits}
        limits |= self.cleaned_data.get("limits") or {}
        if self.cleaned_data.get("method_limit") is not None:
            limits[_plain(self.cleaned_data["method"])] = self.cleaned_data["method_limit"]
        return {name: value for name, value in limits.items() if value is not None}

    def settings(self) -> dict[str, Any]:
        """The plan's own fields; needs a valid form."""
        names = ("name", "window", "data_window", "comparison", "action")
        return {name: self.cleaned_data[name] for name in names if name in self.fields}

    @property
    def pickers(self) -> list[forms.BoundField]:
        """Parameters that hold several columns, as check boxes."""
        return [field for field in self if isinstance(field.field, forms.MultipleChoiceField)]

    @property
    def folded(self) -> bool:
        """Whether the same columns are listed more than once, so that each list is folded under what is chosen."""
        return len(self.pickers) > 1

    @property
    def single_fields(self) -> list[forms.BoundField]:
        """Parameters that are one column or one line of text."""
        several = {field.name for field in self.pickers}
        return [f for f in self if f.name.startswith((_COLUMN, _TEXT)) and f.name not in several]

    @property
    def entry_fields(self) -> list[forms.BoundField]:
        """Parameters of several lines that few plans need; the roles, which some need, stand first and open."""
        return [f for f in self if f.name.startswith(_LINES) and f.name != f"{_LINES}roles"]

    @property
    def roles_field(self) -> forms.BoundField | None:
        return self[f"{_LINES}roles"] if f"{_LINES}roles" in self.fields else None

    @property
    def entries_used(self) -> bool:
        """Whether one of these is filled in or wrong, so that they are shown."""
        return any(field.value() or field.errors for field in self.entry_fields)

    @property
    def limit_fields(self) -> Iterable[forms.BoundField]:
        return [field for field in self if field.name.startswith(_LIMIT)]

    def add_service_error(self, field: str, message: str) -> None:
        """Put what a service refused beside the field that it names, or on top when there is none of that name."""
        for name in (field, _COLUMN + field, _TEXT + field, _LIMIT + field, _LINES + field):
            if name in self.fields:
                self.add_error(name, message)
                return
        self.add_error(None, message)


def _initial(plan: AuditPlan | None, watched: bool) -> dict[str, Any]:
    """A new plan reads the newest 7 days where new data arrive, and never suspends unless somebody says so."""
    if plan is None:
        data_window = "week" if watched else "snapshot"
        return {"window": "week", "data_window": data_window, "comparison": "reference", "action": "record"}
    names = ("name", "window", "data_window", "comparison", "action")
    return {name: getattr(plan, name) for name in names}


def _methods(names: Iterable[str]) -> list[Any]:
    """Methods by whose verdict decides; kinds other than drift have one list."""
    names = list(names)
    if _EVIDENTLY not in names:
        return [(name, label_of(name)) for name in names]
    ours = [(name, name) for name in names if not name.startswith(_EVIDENTLY)]
    theirs = [(name, _theirs(name)) for name in names if name.startswith(_EVIDENTLY)]
    return [("One method, verdict calibrated", ours), ("Evidently’s verdict", theirs)]


def _theirs(name: str) -> str:
    return "Evidently’s choice" if name == _EVIDENTLY else _plain(name)


def _plain(method: str) -> str:
    return method.removeprefix(f"{_EVIDENTLY}:")


def _as_list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return list(value or ())


def _limit(line: str) -> tuple[str, float]:
    name, separator, number = line.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not separator or not name.strip() or not math.isfinite(value):
        raise forms.ValidationError(
            f"“{line.strip()}” is not a limit; write a name, an equals sign and a number."
        )
    return name.strip(), value


def _entries(parameter: str, text: str) -> Any:
    """What was written one a line: a list, names by name, or numbers by name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if parameter == "intersections":
        return lines
    if parameter == "population":
        return dict(_limit_of_last(line) for line in lines)
    return dict(_named(line) for line in lines)


def _named(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    if not name.strip() or not value.strip():
        raise forms.ValidationError(f"“{line}” is no entry; write a name, an equals sign and a name.")
    return name.strip(), value.strip()


def _limit_of_last(line: str) -> tuple[str, float]:
    """``size=XL = 0.12``: the number stands behind the last equals sign."""
    name, _, number = line.rpartition("=")
    _, value = _limit(f"share = {number}")
    if "=" not in name:
        raise forms.ValidationError(f"“{line}” is no share; write column=group, an equals sign and a number.")
    return name.strip(), value
