"""Bias audit of counterfeit detection: whose genuine listings are flagged, taken down, and given back late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Verdict,
    audit_kinds,
)
from audits.metrics.disparity.photo_pairs import PhotoPairs, photo_pairs
from audits.metrics.disparity.rates import SELECTION, outcome_codes
from audits.metrics.disparity.selective_labels import WIDTH, Reviewed, Selection, compare_reweighted
from audits.metrics.groups import Unit, attributes_of, sum_cells
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.outcome_values import numbers, value_range
from audits.tables import Column, Table, TableError
from audits.verdicts.disparity.disparities import Rules, errored, judged
from audits.verdicts.disparity.examination import Examination, check_groupings
from audits.verdicts.disparity.settings import disparity_settings
from audits.verdicts.words import FLAG_WORDS

#: The score from which a listing counts as flagged, and the share of due labels that may be missing for a verdict.
OWN_THRESHOLDS = {"decision": 0.5, "unreviewed": 0.05}
ROLES = ("appealed", "overturned", "restore-hours", "audit-sample", "review-probability", "pair", "degraded")
#: Roles that are read together.
TOGETHER = (("appealed", "overturned"), ("pair", "degraded"))
#: What the rates of flags are called here. The first two are primary: a flag is a punitive intervention.
NAMES = {
    "false-positive-rate": "false-flag-rate",
    "false-discovery-rate": "false-takedown-share",
    "false-negative-rate": "missed-counterfeit-rate",
    SELECTION: "review-burden",
}
OVERTURNED, RESTORED, FLIPPED = "appeal-overturn-rate", "time-to-restore", "flip-rate"

Part: TypeAlias = Callable[[Examination], list[Measurement]]


@audit_kinds.register
class CounterfeitDisparity(AuditKind):
    slug = "counterfeit-disparity"
    label = "Counterfeit disparity"
    dimension = "bias"
    method = (
        "false flags among genuine listings and among takedowns first (punitive intervention: Aequitas fairness tree, "
        "Saleiro et al. 2018), each group against the rest; labels of reviewed listings weighted by Horvitz and Thompson 1952"
    )
    reads = ("predictions", "")
    settings = disparity_settings(OWN_THRESHOLDS, roles=ROLES, methods=("fisher",))
    words = FLAG_WORDS

    def check(self, parameters: AuditParameters) -> None:
        Rules.read(parameters, OWN_THRESHOLDS)
        _check_columns(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        table, parameters = audit_input.current, audit_input.parameters
        rules = Rules.read(parameters, OWN_THRESHOLDS)
        _check_columns(parameters)
        examination = Examination.of(audit_input, rules)
        reviewed, detail = _reviewed(table, parameters, rules)
        flags = _Flags(Selection(reviewed, reviewed.coverage(table), rules.own["unreviewed"]), detail)
        parts, errors = _further(table, parameters, rules.own["decision"])
        work = partial(_measured, [flags.measured, *parts])
        return [flags.labelled_share(), *examination.measured(work, self.slug), *errors]


def _measured(parts: Sequence[Part], examination: Examination) -> list[Measurement]:
    return [measurement for part in parts for measurement in part(examination)]


def _check_columns(parameters: AuditParameters) -> None:
    check_groupings(parameters)
    if not parameters.y_pred or not parameters.y_true:
        raise AuditInputError(
            "name the flag ('y_pred') and what the review confirmed ('y_true': 1 counterfeit, 0 genuine, empty never reviewed)"
        )
    roles = parameters.roles
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise AuditInputError(f"unknown role {unknown[0]!r}; known: {', '.join(ROLES)}")
    for pair in TOGETHER:
        given = [role for role in pair if role in roles]
        if len(given) == 1:
            other = next(role for role in pair if role not in roles)
            raise AuditInputError(f"role {given[0]!r} needs role {other!r}")
    if {"audit-sample", "review-probability"} <= set(roles):
        raise AuditInputError("name either role 'audit-sample' or role 'review-probability', not both")
    both = [
        name for name in (parameters.y_pred, parameters.y_true, *roles.values()) if name in _used(parameters)
    ]
    if both:
        raise AuditInputError(f"column {both[0]!r} is both a group and an outcome; name it once")


def _used(parameters: AuditParameters) -> set[str]:
    return {
        part for name in (*parameters.sensitive, *parameters.intersections) for part in attributes_of(name)
    }


def _reviewed(table: Table, parameters: AuditParameters, rules: Rules) -> tuple[Reviewed, dict[str, Any]]:
    flag, label, decision = str(parameters.y_pred), str(parameters.y_true), rules.own["decision"]
    scores = value_range(table, flag)
    if not scores.within_unit:
        raise AuditInputError(
            f"column {flag!r} holds values that are neither 0/1 flags nor scores between 0 and 1"
        )
    _need_binary(table, label)
    roles = parameters.roles
    reviewed = Reviewed(flag, label, decision, roles.get("audit-sample"), roles.get("review-probability"))
    return reviewed, {} if scores.binary else {"decision": decision}


def _need_binary(table: Table, name: str) -> None:
    if not value_range(table, name).binary:
        raise TableError(f"column {name!r} holds values other than 0 and 1; code it as 0 and 1")


@dataclass(frozen=True, slots=True)
class _Flags:
    """Rates of flags, and what can be said of them for want of labels."""

    selection: Selection
    detail: dict[str, Any] = field(default_factory=dict)

    def labelled_share(self) -> Measurement:
        """Informational: how many listings have a label that counts."""
        found, chosen = self.selection.coverage, self.selection.labels
        detail: dict[str, Any] = {"role": "descriptive", "labels": chosen, "labelled": found.labelled}
        if chosen == "review-probability":
            detail["implied_listings"] = found.implied
        if note := self.selection.caution("false-positive-rate").note:
            detail["note"] = note
        if not found.labelled:
            detail["reason"] = "no listing has both a flag and a label that counts"
        return Measurement(
            name="labelled-share",
            verdict=Verdict.PASS if found.labelled else Verdict.INSUFFICIENT,
            n=found.rows,
            value=found.labelled / found.rows if found.rows else None,
            detail=detail,
        )

    def measured(self, examination: Examination) -> list[Measurement]:
        reviewed = self.selection.reviewed
        if reviewed.probability:
            found = self._weighted(examination)
        else:
            found = examination.rates(reviewed.columns, reviewed.codes, list(NAMES))
        return [self._named(measurement) for measurement in found]

    def _weighted(self, examination: Examination) -> Iterator[Measurement]:
        rules, strata = examination.rules, examination.strata
        sets = [(*attributes_of(name), *strata) for name in examination.groupings]
        unit, reviewed = Unit(examination.entity), self.selection.reviewed
        found = sum_cells(examination.table, sets, reviewed.columns, reviewed.weighted, WIDTH, unit)
        for name, sums in zip(examination.groupings, found, strict=True):
            entity = None if sums.unit_is_row else examination.entity
            for within in [(), strata] if strata else [()]:
                by_group = sums.by(name, examination.references.get(name), within)
                family = compare_reweighted(by_group, list(NAMES), rules.sizes, examination.seed, entity)
                detail = {"strata": list(within)} if within else {}
                yield from judged([replace(c, detail={**c.detail, **detail}) for c in family], rules)

    def _named(self, measurement: Measurement) -> Measurement:
        """Under the name that it has here; where too many labels are missing it neither passes nor fails."""
        metric = measurement.name.removeprefix("conditional-")
        detail, verdict = {**measurement.detail, **self.detail}, measurement.verdict
        if metric != SELECTION:
            detail["labels"] = self.selection.labels
        if note := self.selection.caution(metric).note:
            detail["note"] = f"{detail['note']}; {note}" if "note" in detail else note
        if not self._conclusive(metric, detail) and verdict in (Verdict.PASS, Verdict.FAIL):
            verdict = Verdict.REVIEW
        name = measurement.name.replace(metric, NAMES[metric])
        return replace(measurement, name=name, verdict=verdict, detail=detail)

    def _conclusive(self, metric: str, detail: dict[str, Any]) -> bool:
        """Whether enough labels are there: of all listings, and of the group's own."""
        selection = self.selection
        if not selection.caution(metric).conclusive:
            return False
        if selection.labels != "reviewed-only" or metric in (SELECTION, "false-discovery-rate"):
            return True
        return bool(detail["dropped"] <= selection.tolerated * detail["rows"])


def _further(
    table: Table, parameters: AuditParameters, decision: float
) -> tuple[list[Part], list[Measurement]]:
    """Appeals, restoring and photographs, where their roles are named; what cannot be read is errored, the rest measured."""
    roles = parameters.roles
    offered: dict[str, tuple[Callable[[], object], Part]] = {}
    if "appealed" in roles:
        columns = [roles["appealed"], roles["overturned"]]
        offered[OVERTURNED] = partial(_check_appeals, table, columns), partial(_appeals, columns)
    if "restore-hours" in roles:
        hours = roles["restore-hours"]
        offered[RESTORED] = partial(_check_hours, table, hours), partial(_restoring, hours)
    if "pair" in roles:
        photographs = _Photographs(str(parameters.y_pred), decision, roles["pair"], roles["degraded"])
        offered[FLIPPED] = partial(photographs.pairs, table), photographs.measured
    parts, errors = [], []
    for name, (check, part) in offered.items():
        try:
            check()
        except TableError as error:
            errors.append(errored(name, "", str(error)))
        else:
            parts.append(part)
    return parts, errors


def _check_appeals(table: Table, columns: Sequence[str]) -> None:
    for name in columns:
        _need_binary(table, name)
    stray = 0
    for pieces in aligned_pieces(table, columns):
        appealed, overturned = (numbers(piece) for piece in pieces)
        stray += int(((overturned == 1) & (appealed != 1)).sum())
    if stray:
        raise TableError(
            f"column {columns[1]!r} is 1 in {stray} rows where {columns[0]!r} is not; correct one of them"
        )


def _appeals(columns: Sequence[str], examination: Examination) -> list[Measurement]:
    return _renamed(examination.rates(columns, _overturned, [SELECTION]), SELECTION, OVERTURNED)


def _overturned(pieces: tuple[Column, ...]) -> npt.NDArray[np.int64]:
    """Whether a decided appeal was granted; other listings take no part."""
    appealed, overturned = (numbers(piece) for piece in pieces)
    return outcome_codes(None, np.where(appealed == 1, overturned, np.nan))


def _check_hours(table: Table, name: str) -> None:
    value_range(table, name)
    for piece in table.scan([name]):
        negative = int((numbers(piece) < 0).sum()) if isinstance(piece, Column) else 0
        if negative:
            raise TableError(f"column {name!r} holds {negative} negative values; hours to restore start at 0")


def _restoring(name: str, examination: Examination) -> list[Measurement]:
    return _renamed(examination.means(name), "mean-outcome", RESTORED)


@dataclass(frozen=True, slots=True)
class _Photographs:
    flag: str
    decision: float
    pair: str
    degraded: str

    def measured(self, examination: Examination) -> list[Measurement]:
        attributes = [part for name in examination.groupings for part in attributes_of(name)]
        entity = [examination.entity] if examination.entity else []
        found = self.pairs(examination.table, [*attributes, *examination.strata, *entity])
        detail = {"items_left_out": found.left_out}
        if not found.items:
            reason = f"no item of {self.pair!r} has exactly one good and one degraded photograph with a flag"
            return [
                Measurement(name=FLIPPED, verdict=Verdict.INSUFFICIENT, detail={**detail, "reason": reason})
            ]
        pairs = replace(examination, table=found.table)
        measurements = _renamed(pairs.rates([self.flag], _events, [SELECTION]), SELECTION, FLIPPED)
        return [replace(m, detail={**m.detail, **detail}) for m in measurements]

    def pairs(self, table: Table, beside: Sequence[str] = ()) -> PhotoPairs:
        return photo_pairs(table, self.flag, self.decision, self.pair, self.degraded, beside)


def _events(pieces: tuple[Column, ...]) -> npt.NDArray[np.int64]:
    return outcome_codes(None, numbers(pieces[0]))


def _renamed(found: Iterator[Measurement], metric: str, name: str) -> list[Measurement]:
    return [replace(m, name=m.name.replace(metric, name)) for m in found]
