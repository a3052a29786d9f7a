"""Bias audit of all combinations of the attributes at once: differential fairness, largest gaps, worst subgroup."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    audit_kinds,
)
from audits.metrics.disparity.bias_scan import Subgroup, bias_scan, described
from audits.metrics.disparity.group_summaries import Summary, group_summaries
from audits.metrics.disparity.rates import OUTCOMES, SELECTION, outcome_codes, rate_counts
from audits.metrics.groups import UNDECLARED, GroupCells, count_cells
from audits.metrics.groups.outcome_values import numbers, value_range
from audits.tables import Column, Table, TableError
from audits.verdicts.disparity import disparities
from audits.verdicts.disparity.disparities import Rules, check_ratio, number
from audits.verdicts.words import CROSSED_WORDS

Ints: TypeAlias = npt.NDArray[np.int64]
OWN_THRESHOLDS = {"decision": 0.5}
#: Combinations beyond this many are not searched: an identifier was probably named.
MOST_CELLS = 5000
#: Rates that are searched when the truth is known; without it, the selection rate alone.
SEARCHED = (SELECTION, "false-positive-rate", "false-negative-rate")


@audit_kinds.register
class IntersectionalDisparity(AuditKind):
    slug = "intersectional-disparity"
    label = "Intersectional disparity"
    dimension = "bias"
    method = (
        "Worst subgroup over all attributes by a subset scan (Zhang and Neill 2016) with a permutation test of the whole "
        "search; smoothed differential fairness (Foulds et al. 2020) and largest gaps with bootstrap intervals"
    )
    reads = ("predictions", "")
    settings = Settings(
        limits={**disparities.DEFAULTS, **OWN_THRESHOLDS}, columns=("sensitive", "y_true", "y_pred")
    )
    words = CROSSED_WORDS

    def check(self, parameters: AuditParameters) -> None:
        Rules.read(parameters, OWN_THRESHOLDS)
        if not parameters.sensitive:
            raise AuditInputError("name the columns whose combinations are groups (parameter 'sensitive')")
        if not parameters.y_pred:
            raise AuditInputError("name the prediction or decision (parameter 'y_pred')")

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        table, parameters = audit_input.current, audit_input.parameters
        self.check(parameters)
        rules = Rules.read(parameters, OWN_THRESHOLDS)
        if table.rows == 0:
            raise AuditInputError(f"{table.label} has no rows")
        cells = _cells(table, parameters, rules.own["decision"])
        labelled = parameters.y_true is not None
        found = list(_summaries(cells, labelled, rules, audit_input.seed))
        for metric in SEARCHED if labelled else SEARCHED[:1]:
            for high in (True, False):
                found.append(_scanned(cells, metric, high, rules, audit_input.seed))
        return found


def _cells(table: Table, parameters: AuditParameters, decision: float) -> GroupCells:
    columns = [name for name in (parameters.y_pred, parameters.y_true) if name]
    try:
        for name in columns:
            _check_values(table, name, truth=name == parameters.y_true)
        (cells,) = count_cells(
            table,
            [parameters.sensitive],
            columns,
            lambda pieces: _codes(pieces, decision),
            OUTCOMES,
            MOST_CELLS,
        )
    except TableError as error:
        raise AuditInputError(str(error)) from error
    return cells


def _check_values(table: Table, name: str, *, truth: bool) -> None:
    values = value_range(table, name)
    if truth and not values.binary:
        raise AuditInputError(f"column {name!r} holds values other than 0 and 1; code the labels as 0 and 1")
    if not values.within_unit:
        raise AuditInputError(
            f"column {name!r} holds values that are neither 0/1 labels nor scores between 0 and 1"
        )


def _codes(pieces: tuple[Column, ...], decision: float) -> Ints:
    values, *truths = (numbers(piece) for piece in pieces)
    decided = np.where(np.isnan(values), np.nan, values >= decision)
    return outcome_codes(truths[0] if truths else None, decided)


def _summaries(cells: GroupCells, labelled: bool, rules: Rules, seed: int) -> Iterator[Measurement]:
    """For each attribute, and for all of them crossed."""
    crossed = "*".join(cells.attributes)
    for name in dict.fromkeys([*cells.attributes, crossed]):
        for summary in group_summaries(cells.by(name), labelled, rules.sizes.rows, seed):
            yield _summarised(summary, name)


def _summarised(summary: Summary, grouping: str) -> Measurement:
    """A largest gap tells where to look; it has no limit of its own, because it grows with the number of groups."""
    return Measurement(
        name=summary.metric,
        slice=grouping,
        n=summary.n,
        value=summary.value,
        low=number(summary.low),
        high=number(summary.high),
        verdict=Verdict.PASS,
        detail={"between": list(summary.worst), "chance": number(summary.chance), "p": summary.p},
    )


def _scanned(cells: GroupCells, metric: str, high: bool, rules: Rules, seed: int) -> Measurement:
    events, n = (side.astype(np.int64) for side in rate_counts(cells.counts, metric))
    name = f"{'highest' if high else 'lowest'}-{metric}"
    declared = _declared(cells) & (n > 0)
    found = (
        bias_scan(cells.codes[declared], events[declared], n[declared], high=high, seed=seed)
        if declared.any()
        else None
    )
    if found is None:
        reason = "the rate is the same for everybody, or there are no rows to compare"
        return Measurement(name=name, n=int(n.sum()), verdict=Verdict.INSUFFICIENT, detail={"reason": reason})
    return _judged(name, cells, found, int(events[declared].sum()), int(n[declared].sum()), rules)


def _judged(
    name: str, cells: GroupCells, found: Subgroup, events: int, rows: int, rules: Rules
) -> Measurement:
    """Review, at most: a rate that was sought for being extreme is larger here than it will be on other data."""
    rest = rows - found.n
    value = found.events / found.n
    reference = (events - found.events) / rest if rest else None
    detail = {
        "reference": reference,
        "reference_n": rest,
        "ratio": number(value / reference) if reference else None,
        "p": found.p,
        "score": found.score,
        "test": "permutation of the whole search",
        "note": "declare this group in 'intersections' and examine it on other data before concluding",
    }
    names = [[cells.levels[j][code] for code in codes] for j, codes in enumerate(found.values)]
    levels = [sum(level != UNDECLARED for level in names) for names in cells.levels]
    verdict, used = Verdict.INSUFFICIENT, None
    if min(found.n, rest) < rules.sizes.rows:
        detail["reason"] = f"{min(found.n, rest)} rows on one side; at least {rules.sizes.rows} are needed"
    else:
        outside, used = check_ratio(value / reference if reference else math.inf, rules)
        verdict = Verdict.REVIEW if outside and found.p < rules.alpha else Verdict.PASS
    return Measurement(
        name=name,
        slice=described(names, cells.attributes, levels),
        n=found.n,
        value=value,
        threshold=rules.tolerance,
        tolerance_used=used if verdict is Verdict.REVIEW else None if used is None else min(used, 1.0),
        verdict=verdict,
        detail=detail,
    )


def _declared(cells: GroupCells) -> npt.NDArray[np.bool_]:
    declared = np.ones(len(cells.codes), dtype=bool)
    for level, column in zip(cells.levels, cells.codes.T, strict=True):
        declared &= np.array([name != UNDECLARED for name in level], dtype=bool)[column]
    return declared
