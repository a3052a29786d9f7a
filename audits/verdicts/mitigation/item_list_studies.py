"""Other orders of ranked lists, so that groups of items get their share of the exposure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import AuditInputError, Measurement
from audits.metrics.groups import Groups, UnitSums
from audits.metrics.groups.naming import CROSS
from audits.metrics.lists.exposure_shares import ShareComparison
from audits.metrics.lists.item_exposures import item_exposures, item_groups
from audits.metrics.mitigation.candidates import Candidate
from audits.metrics.mitigation.list_rows import Lists, exposures, lists_of, place_shares, unchanged
from audits.metrics.mitigation.reranking import reordered
from audits.metrics.mitigation.trade_off import TODAY
from audits.verdicts.disparity.disparities import judged
from audits.verdicts.mitigation.list_studies import STEPS, ListStudy, Tried, lists_measured, settings_of_step

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

MEASURE = "exposure"


def items_studied(study: ListStudy) -> list[Measurement]:
    """Item groups against their wanted shares: of the catalogue, or as declared in ``population``."""
    grouping = CROSS.join(study.attributes)
    relevant = study.roles.get("relevant")
    tops = study.tops([*study.attributes, *([relevant] if relevant else [])])
    lists = lists_of(tops, grouping, relevant)
    wanted = _wanted(study, grouping, lists.names)
    half = study.halves(len(lists))
    tuning, held_out = lists.taken(half), lists.taken(~half)
    if not len(held_out):
        raise AuditInputError("one list is not enough: half of the lists tell what came of it")
    now = place_shares(tuning, study.cutoff)
    goal = np.array([wanted[name] for name in lists.names])
    goal = goal / goal.sum()

    def tried() -> Iterator[Tried]:
        order = unchanged(held_out, study.cutoff)
        yield Candidate(TODAY, "today", goal, ()), order, _shares(study, held_out, order, grouping, wanted)
        for label, step, even in STEPS:
            shares = (1 - step) * now + step * goal
            order = reordered(held_out.groups, shares, study.cutoff, even)
            detail = {
                "settings": settings_of_step(study, step, even),
                "shares": dict(zip(lists.names, shares.tolist(), strict=True)),
            }
            candidate = Candidate(f"re-ranking, {label}", "re-ranking", goal, (MEASURE,), detail)
            yield candidate, order, _shares(study, held_out, order, grouping, wanted)

    return lists_measured(study, held_out, tried(), MEASURE)


def _wanted(study: ListStudy, grouping: str, listed: tuple[str, ...]) -> dict[str, float]:
    """The share that each group of items should have, by its name."""
    start = f"{grouping}="
    population = study.audit_input.parameters.population
    declared = {n.removeprefix(start): share for n, share in population.items() if n.startswith(start)}
    if len(declared) < len(population):
        raise AuditInputError(
            f"'population' names other groups than those of {grouping!r}; write '{start}group'"
        )
    if not declared:
        table, roles = study.audit_input.current, study.roles
        declared = item_groups(
            item_exposures(table, roles["item"], roles["rank"], study.attributes), grouping
        ).shares
    missing = [name for name in listed if not declared.get(name)]
    if missing:
        raise AuditInputError(
            f"declare the share of '{start}{missing[0]}' in 'population'; it must lie above 0"
        )
    return declared


def _shares(
    study: ListStudy, lists: Lists, order: Ints, grouping: str, wanted: Mapping[str, float]
) -> list[Measurement]:
    """Each group's share of the exposure in the top, against the wanted one."""
    given = exposures(lists, order)
    count, size = given.shape
    sums = UnitSums(
        groups=Groups.of(grouping, lists.names),
        strata=1,
        stratum=np.zeros(count * size, dtype=np.int64),
        group=np.tile(np.arange(size), count),
        unit=np.repeat(np.arange(count), size),
        rows=np.ones(count * size, dtype=np.int64),
        sums=given.reshape(-1, 1),
        units=count,
        exact=True,
    )
    expected = {name: share / sum(wanted.values()) for name, share in wanted.items()}
    names = [*lists.names, *sorted(set(wanted) - set(lists.names))]
    shares = ShareComparison(sums, names, expected, study.rules.sizes, study.audit_input.seed)
    placed = _placed(lists, order).reshape(-1)
    return list(judged([shares.of(MEASURE, given.reshape(-1), placed, count)], study.rules))


def _placed(lists: Lists, order: Ints) -> Floats:
    """Items of each group in the top of each list."""
    taken = np.take_along_axis(lists.groups, np.maximum(order, 0), axis=1)
    return np.column_stack(
        [((taken == g) & (order >= 0)).sum(axis=1) for g in range(len(lists.names))]
    ).astype(np.float64)
