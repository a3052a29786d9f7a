"""Other orders of ranked lists, so that groups of users are shown the premium tier alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import AuditInputError, Measurement
from audits.metrics.disparity.group_comparisons import SumRatio
from audits.metrics.groups.naming import CROSS
from audits.metrics.groups.outcome_values import numbers
from audits.metrics.lists.tops import ListTops
from audits.metrics.mitigation.candidates import Candidate
from audits.metrics.mitigation.list_rows import Lists, exposures, flagged, lists_of, place_shares, unchanged
from audits.metrics.mitigation.reranking import reordered
from audits.metrics.mitigation.trade_off import TODAY
from audits.tables import Column, MemoryTable
from audits.verdicts.disparity.examination import Examination
from audits.verdicts.mitigation.list_studies import STEPS, ListStudy, Tried, lists_measured, settings_of_step

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

MEASURE = "user-exposure"
_PREMIUM = SumRatio(MEASURE, (1,), (0,), (0,), (0,))


def users_studied(study: ListStudy) -> list[Measurement]:
    """Groups of users by the share of premium items that they are shown: each is brought towards that of all."""
    grouping, premium = CROSS.join(study.attributes), study.roles["premium"]
    relevant = study.roles.get("relevant")
    tops = study.tops([*study.attributes, premium, *([relevant] if relevant else [])])
    listed = lists_of(tops, study.attributes[0], relevant)
    tier = np.where(listed.groups >= 0, flagged(tops, premium), -1.0).astype(np.int64)
    lists = Lists(tier, listed.gain, ("other", "premium"))
    names, groups = tops.groups(grouping)
    user_group = groups[:, 0]
    half = study.halves(len(lists))
    tuning, held_out = lists.taken(half), lists.taken(~half)
    if not len(held_out):
        raise AuditInputError("one list is not enough: half of the lists tell what came of it")
    of_all = float(place_shares(tuning, study.cutoff)[1])
    now = {g: _premium_share(tuning, user_group[half] == g, study) for g in range(len(names))}
    attributes = _user_values(tops, study.attributes, ~half)

    def tried() -> Iterator[Tried]:
        today = unchanged(held_out, study.cutoff)
        nothing = np.zeros(0)
        yield Candidate(TODAY, "today", nothing, ()), today, _premium(study, held_out, today, attributes)
        for label, step, even in STEPS:
            goal = {g: (1 - step) * share + step * of_all for g, share in now.items() if share is not None}
            order = today.copy()
            for g, share in goal.items():
                own = user_group[~half] == g
                shares = np.array([1 - share, share])
                order[own] = reordered(held_out.groups[own], shares, study.cutoff, even)
            detail = {
                "settings": settings_of_step(study, step, even),
                "shares": {names[g]: share for g, share in goal.items()},
            }
            candidate = Candidate(f"re-ranking, {label}", "re-ranking", nothing, (MEASURE,), detail)
            yield candidate, order, _premium(study, held_out, order, attributes)

    return lists_measured(study, held_out, tried(), MEASURE)


def _premium_share(lists: Lists, own: npt.NDArray[np.bool_], study: ListStudy) -> float | None:
    """The share of premium places of a group's lists; None where there are too few lists, or only one tier."""
    if int(own.sum()) < study.rules.sizes.rows:
        return None
    share = float(place_shares(lists.taken(own), study.cutoff)[1])
    return share if 0 < share < 1 else None


def _user_values(
    tops: ListTops, attributes: list[str], chosen: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.object_]]:
    """Each list's user's attributes, as its first row tells them."""
    found = {}
    for name in attributes:
        place = tops.attributes.index(name)
        levels = np.array(tops.names[place], dtype=object)
        found[name] = levels[tops.codes[chosen, 0, place]]
    return found


def _premium(
    study: ListStudy, lists: Lists, order: Ints, attributes: Mapping[str, npt.NDArray[np.object_]]
) -> list[Measurement]:
    """Mean premium share of the attention, by the groups of each attribute and of all together."""
    given = exposures(lists, order)
    share = given[:, 1] / given.sum(axis=1)
    name = "exposure"
    while name in attributes:
        name += "_"
    groupings = list(attributes) if len(attributes) < 2 else [*attributes, CROSS.join(attributes)]
    examination = Examination(
        table=MemoryTable({**attributes, name: share}),
        groupings=tuple(groupings),
        strata=(),
        entity=None,
        references=dict(study.audit_input.parameters.references),
        rules=study.rules,
        seed=study.audit_input.seed,
    )
    return list(examination.ratios([name], _ones_and_shares, 2, [_PREMIUM]))


def _ones_and_shares(pieces: tuple[Column, ...]) -> Floats:
    share = numbers(pieces[0])
    return np.column_stack([np.ones(len(share)), share])
