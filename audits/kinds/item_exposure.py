"""Bias audit of recommendations, supply side: which brands, suppliers or regions get the places that people look at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.kinds import AuditInput, AuditInputError, AuditKind, AuditParameters, Measurement, audit_kinds
from audits.metrics.disparity.group_comparisons import Compared, SumRatio, compare_ratios
from audits.metrics.groups import GroupSums, Unit, UnitSums, attributes_of, sum_cells
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.keyed_sums import KeyedSums
from audits.metrics.lists.expected_users import enough_with_any
from audits.metrics.lists.exposure import gini
from audits.metrics.lists.exposure_shares import ShareComparison
from audits.metrics.lists.item_exposures import (
    EXPOSURE,
    LISTED,
    RELATED,
    RELEVANCE,
    TOP,
    USEFUL,
    ItemGroups,
    ItemRows,
    item_exposures,
    item_groups,
)
from audits.metrics.lists.popularity import popularity_lift
from audits.metrics.lists.ranked_representation import (
    at_least,
    failing_lists,
    failing_share,
    least_counts,
    ndkl,
)
from audits.metrics.lists.tops import ListTops, list_tops
from audits.metrics.statistics.intervals import mean_interval
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import errored, judged, number
from audits.verdicts.disparity.examination import Examination
from audits.verdicts.disparity.ranked_list_rules import ListRules, check_list_roles, told
from audits.verdicts.disparity.settings import list_settings
from audits.verdicts.words import SUPPLY_WORDS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEEDED = ("user", "item", "rank")
OPTIONAL = ("relevance", "popularity")
#: Level of the test of every prefix; the default of the FA*IR paper.
OWN_THRESHOLDS = {"fair_alpha": 0.1}
#: Declared shares add up to 1 but for rounding.
_ROUNDING = 0.005
_TREATMENT = SumRatio("disparate-treatment", (EXPOSURE,), (RELEVANCE,), (RELATED,), (RELATED,))


@dataclass(frozen=True, slots=True)
class Supply:
    """What is known of the lists: sums by group and list, of each item, and the tops place by place."""

    cells: list[GroupSums]
    items: KeyedSums
    tops: ListTops
    roles: Mapping[str, str]
    rules: ListRules
    population: Mapping[str, Mapping[str, float]]


@audit_kinds.register
class ItemExposure(AuditKind):
    slug = "item-exposure"
    label = "Item exposure"
    dimension = "bias"
    method = (
        "each item group's share of exposure 1/log2(1+rank) and of top places (skew, Geyik et al. 2019) against its catalogue "
        "or declared share, exposure over utility against the rest (Singh and Joachims 2018); bootstrap of lists, Holm"
    )
    reads = ("lists", "")
    settings = list_settings(OWN_THRESHOLDS, (*NEEDED, *OPTIONAL), "population")
    words = SUPPLY_WORDS

    def check(self, parameters: AuditParameters) -> None:
        ListRules.read(parameters, OWN_THRESHOLDS)
        check_list_roles(parameters, NEEDED, OPTIONAL)
        if "popularity" in parameters.roles and "relevance" not in parameters.roles:
            raise AuditInputError(
                "role 'popularity' needs role 'relevance': what users chose is what the lift is over"
            )
        _declared_shares(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        self.check(parameters)
        rules = ListRules.read(parameters, OWN_THRESHOLDS)
        examination = Examination.of(audit_input, rules.rules)
        work = partial(_measured, parameters, rules)
        found = examination.measured(work, self.slug)
        return found + _lift(audit_input.current, parameters.roles, audit_input.seed)


def _declared_shares(parameters: AuditParameters) -> dict[str, dict[str, float]]:
    """The declared share of each group, by grouping. Raises ``AuditInputError`` for shares that are none."""
    groupings = {*parameters.sensitive, *parameters.intersections}
    shares: dict[str, dict[str, float]] = {}
    for name, share in parameters.population.items():
        grouping, _, group = name.partition("=")
        if grouping not in groupings or not group:
            raise AuditInputError(
                f"'population' names {name!r}; write 'column=group' with one of: {', '.join(sorted(groupings))}"
            )
        if not 0 < share <= 1:
            raise AuditInputError(f"the share of {name!r} in 'population' must lie between 0 and 1")
        shares.setdefault(grouping, {})[group] = share
    for grouping, of_groups in shares.items():
        if abs(sum(of_groups.values()) - 1) > _ROUNDING:
            raise AuditInputError(
                f"the shares of {grouping!r} in 'population' add up to {sum(of_groups.values()):g}; they must to 1"
            )
    return shares


def _measured(parameters: AuditParameters, rules: ListRules, examination: Examination) -> list[Measurement]:
    supply = _supply(parameters, rules, examination)
    found: list[Measurement] = []
    for name, cells in zip(examination.groupings, supply.cells, strict=True):
        try:
            by_group = cells.by(name, examination.references.get(name))
        except ValueError as error:
            raise AuditInputError(str(error)) from error
        if len(by_group.groups) > MOST_LEVELS:
            raise TableError(f"{name!r} has more than {MOST_LEVELS} groups; group its columns first")
        groups = item_groups(supply.items, name)
        declared = supply.population.get(name)
        expected = dict(declared) if declared else groups.shares
        found += _judged(name, by_group, expected, groups.conflicting, supply, examination)
        found += _conditional(name, cells, supply, examination)
        found += _coverage(name, groups)
        found += _along_the_list(name, expected, supply)
    return [*found, *_overall(supply.items)]


def _supply(parameters: AuditParameters, rules: ListRules, examination: Examination) -> Supply:
    roles, table = dict(parameters.roles), examination.table
    sets = [(*attributes_of(name), *examination.strata) for name in examination.groupings]
    attributes = list(dict.fromkeys(a for name in examination.groupings for a in attributes_of(name)))
    columns = [roles[role] for role in ("rank", "relevance") if role in roles]
    items = item_exposures(table, roles["item"], roles["rank"], attributes)
    if not len(items.key):
        raise AuditInputError(f"column {roles['item']!r} names no item")
    return Supply(
        cells=sum_cells(table, sets, columns, ItemRows(rules.cutoff).of, 6, Unit(roles["user"])),
        items=items,
        tops=list_tops(table, roles["user"], roles["rank"], attributes, rules.cutoff),
        roles=roles,
        rules=rules,
        population=_declared_shares(parameters),
    )


def _judged(
    name: str,
    sums: UnitSums,
    expected: dict[str, float],
    conflicting: int,
    supply: Supply,
    examination: Examination,
) -> Iterator[Measurement]:
    """Shares of exposure and of top places, and exposure for utility: one family."""
    rules, cutoff = examination.rules, supply.rules.cutoff
    names = [*sums.groups.names, *sorted(set(expected) - set(sums.groups.names))]
    exposure, listed, top = (sums.sums[:, column] for column in (EXPOSURE, LISTED, TOP))
    lists = len(np.unique(sums.unit[listed > 0]))
    shares = ShareComparison(sums, names, expected, rules.sizes, examination.seed)
    source: dict[str, Any] = {"expected": "declared" if name in supply.population else "catalogue"}
    if conflicting:
        source["conflicting_items"] = conflicting
    family: list[Compared] = [
        replace(shares.of("exposure-share", exposure, listed, lists), detail=source),
        replace(
            shares.of(f"skew-at-{cutoff}", top, top, lists, logarithm=True),
            detail={**source, "cutoff": cutoff},
        ),
    ]
    if "relevance" in supply.roles:
        family += _treatment(sums, supply, examination)
    yield from judged(family, rules)


def _conditional(
    name: str, cells: GroupSums, supply: Supply, examination: Examination
) -> Iterator[Measurement]:
    """Exposure for utility within the declared strata: a family of its own."""
    if not examination.strata or "relevance" not in supply.roles:
        return
    within = cells.by(name, examination.references.get(name), examination.strata)
    strata = {"strata": list(examination.strata)}
    compared = [replace(c, detail=strata) for c in _treatment(within, supply, examination)]
    yield from judged(compared, examination.rules)


def _treatment(sums: UnitSums, supply: Supply, examination: Examination) -> list[Compared]:
    """Exposure for utility, where enough rows have any."""
    sizes, unit = examination.rules.sizes, supply.roles["user"]
    return [
        enough_with_any(compared, sums, (USEFUL,), sizes, "rows")
        for compared in compare_ratios(sums, [_TREATMENT], sizes, examination.seed, unit)
    ]


def _coverage(name: str, groups: ItemGroups) -> Iterator[Measurement]:
    """The share of each group's items that any list holds."""
    detail = {"conflicting_items": groups.conflicting} if groups.conflicting else {}
    counts = zip(groups.names, groups.items.tolist(), groups.listed.tolist(), strict=True)
    for group, items, listed in sorted(counts):
        yield told("catalogue-coverage", f"{name}={group}", items, listed / items, listed=listed, **detail)


def _along_the_list(name: str, expected: Mapping[str, float], supply: Supply) -> Iterator[Measurement]:
    """Divergence of the prefixes from the expected shares, and how many lists fail the test of every prefix."""
    names, groups = supply.tops.groups(name)
    cutoff, alpha = supply.rules.cutoff, supply.rules.rules.own["fair_alpha"]
    seen = {"cutoff": cutoff, "sampled": supply.tops.sampled}
    wanted = np.array([expected.get(group, 0.0) for group in names])
    if not len(groups):
        yield told("ndkl", name, 0, None, reason="no lists", **seen)
        return
    yield _divergence(name, groups, wanted / sum(expected.values()), seen)
    lengths = (groups >= 0).sum(axis=1)
    for group, place in sorted(zip(names, range(len(names)), strict=True)):
        share = float(wanted[place])
        where = f"{name}={group}"
        if not 0 < share < 1:
            yield told("unfair-lists", where, len(groups), None, reason="no expected share below 1", **seen)
            continue
        least = least_counts(cutoff, share, alpha)
        failed = int(failing_lists(groups == place, lengths, least).sum())
        by_chance = float(failing_share(least, share)[lengths - 1].mean())
        beside = {"reference": by_chance, "p": at_least(failed, len(groups), by_chance), "alpha": alpha}
        yield told(
            "unfair-lists",
            where,
            len(groups),
            failed / len(groups),
            least_in_top=int(least[-1]),
            **beside,
            **seen,
        )


def _divergence(name: str, groups: Ints, wanted: Floats, seen: Mapping[str, Any]) -> Measurement:
    values = ndkl(groups, wanted)
    n, mean = len(values), float(values.mean())
    if not math.isfinite(mean):
        return told(
            "ndkl", name, n, None, reason="lists hold groups without an expected share; declare all", **seen
        )
    variance = float(values.var(ddof=1)) if n > 1 else 0.0
    low, high = (number(float(limit)) for limit in mean_interval(mean, variance, n))
    return replace(told("ndkl", name, n, mean, **seen), low=low, high=high)


def _overall(items: KeyedSums) -> Iterator[Measurement]:
    """How unequally exposure is shared by the items of the catalogue, and how many of them are listed at all."""
    exposure, listed = items.by_key(items.sums).T
    n, unequal = len(exposure), gini(exposure)
    yield told("gini", "", n, None if math.isnan(unequal) else unequal)
    count = int((listed > 0).sum())
    yield told("catalogue-coverage", "", n, count / n, listed=count)


def _lift(table: Table, roles: Mapping[str, str], seed: int) -> list[Measurement]:
    if "popularity" not in roles:
        return []
    try:
        found = popularity_lift(table, roles, seed)
    except TableError as error:
        return [errored("popularity-lift", "", str(error))]
    estimate = found.estimate
    if estimate.value is None:
        return [told("popularity-lift", "", found.users, None, reason=estimate.reason)]
    beside = {"shown": found.shown, "chosen": found.chosen}
    measurement = told("popularity-lift", "", found.users, estimate.value, **beside)
    return [replace(measurement, low=estimate.low, high=estimate.high)]
