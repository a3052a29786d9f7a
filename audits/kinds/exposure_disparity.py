"""Bias audit of recommendations, user side: who is shown the top price tier, how well lists serve, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from audits.kinds import AuditInput, AuditInputError, AuditKind, AuditParameters, Measurement, audit_kinds
from audits.metrics.disparity.disparities import Sizes
from audits.metrics.disparity.group_comparisons import Compared, SumRatio, compare_ratios
from audits.metrics.disparity.pooled_tests import Powers, with_permutation_p
from audits.metrics.groups import GroupSums, UnitSums, attributes_of, count_cells
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.keyed_sums import MOST_PERIODS, KeyedSums, sum_by_key
from audits.metrics.lists.eligible_coverage import reach
from audits.metrics.lists.expected_users import enough_with_any
from audits.metrics.lists.exposure import amounts, flags, places
from audits.metrics.lists.exposure_changes import compare_changes, period_sums
from audits.metrics.lists.scores import ListRows, UserScores, user_scores
from audits.tables import Column, ColumnFault, Table, TableError
from audits.verdicts.disparity.disparities import errored, judged
from audits.verdicts.disparity.examination import Examination
from audits.verdicts.disparity.ranked_list_rules import ListRules, check_list_roles, informational, told
from audits.verdicts.disparity.settings import list_settings
from audits.verdicts.words import EXPOSURE_WORDS

Bools = npt.NDArray[np.bool_]

NEEDED = ("user", "item", "rank", "premium")
OPTIONAL = ("relevant", "history-premium", "period")
#: What cannot be measured without an optional role.
_TOLD_BY = {"relevant": ("ndcg", "hit-rate", "calibration-ratio"), "history-premium": ("tier-divergence",)}
#: Of each user: whether there is a score, and the score (0 without one).
_EXPOSURE = SumRatio("premium-exposure", (1,), (0,), (0,), (0,))
_NDCG = SumRatio("ndcg", (3,), (2,), (2,), (2,))
_HIT = SumRatio("hit-rate", (4,), (2,), (2,), (2,), rate=True)
_CALIBRATION = SumRatio("calibration-ratio", (6,), (7,), (5,), (5,))
#: Which of a score's sums need enough users that have any: premium items shown, and chosen.
_ANY = {"premium-exposure": (10,), "calibration-ratio": (11, 12)}
#: Where the powers and products of a score's sums stand, for the test that deals users out to the groups.
_POWERS = {
    "premium-exposure": Powers(0, (1, 0), (13, 1, 0), (14, 13, 1, 0)),
    "ndcg": Powers(2, (3, 2), (15, 3, 2), (16, 15, 3, 2)),
    "hit-rate": Powers(2, (4, 2), (17, 4, 2), (18, 17, 4, 2)),
    "calibration-ratio": Powers(5, (6, 7), (19, 20, 21), (22, 23, 24, 25)),
}
_DIVERGENCE = SumRatio("tier-divergence", (9,), (8,), (8,), (8,))


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of all users, what they are worth, and which roles were readable."""

    sums: KeyedSums
    scores: UserScores
    roles: Mapping[str, str]
    rules: ListRules
    item: str


@audit_kinds.register
class ExposureDisparity(AuditKind):
    slug = "exposure-disparity"
    label = "Exposure disparity"
    dimension = "bias"
    method = (
        "premium exposure 1/log2(1+rank) (Singh and Joachims 2018), its change over time, calibration (Steck 2018) and list "
        "quality (Ekstrand et al. 2018) of each group against the rest; bootstrap of users, Holm's adjustment"
    )
    reads = ("lists", "")
    settings = list_settings({}, (*NEEDED, *OPTIONAL))
    words = EXPOSURE_WORDS

    def check(self, parameters: AuditParameters) -> None:
        ListRules.read(parameters, {})
        check_list_roles(parameters, NEEDED, OPTIONAL)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        self.check(audit_input.parameters)
        rules = ListRules.read(audit_input.parameters, {})
        examination = Examination.of(audit_input, rules.rules)
        roles, errors = _readable(audit_input.current, dict(audit_input.parameters.roles))
        return examination.measured(partial(_measured, roles, rules), self.slug) + errors


def _readable(table: Table, roles: dict[str, str]) -> tuple[dict[str, str], list[Measurement]]:
    """The roles without those optional ones that cannot be read, and an errored measurement of what they tell."""
    errors = []
    checks: dict[str, Callable[[Column], object]] = {
        "relevant": flags,
        "history-premium": partial(amounts, most=1.0),
    }
    for role, metrics in _TOLD_BY.items():
        try:
            for piece in table.scan([roles[role]]) if role in roles else ():
                if isinstance(piece, ColumnFault):
                    raise TableError(piece.reason)
                checks[role](piece)
        except TableError as error:
            errors += [errored(metric, "", str(error)) for metric in metrics]
            del roles[role]
    if "period" in roles:
        try:
            _check_periods(table, roles["period"])
        except TableError as error:
            errors.append(errored("tier-suppression", "", str(error)))
            del roles["period"]
    return roles, errors


def _check_periods(table: Table, name: str) -> None:
    (cells,) = count_cells(
        table, [(name,)], [name], lambda pieces: np.zeros(len(pieces[0]), np.int64), 1, MOST_PERIODS
    )
    if max(map(len, cells.levels[0]), default=0) > 60:
        raise TableError(f"column {name!r} holds names of periods beyond 60 letters; shorten them")


def _measured(roles: Mapping[str, str], rules: ListRules, examination: Examination) -> list[Measurement]:
    lists = _lists(examination, roles, rules)
    users = _of_users(lists)
    reached = reach(
        examination.table,
        lists.item,
        [roles["premium"], roles["rank"]],
        _premium_shown,
        examination.groupings,
    )
    found: list[Measurement] = []
    for name, premium_items in zip(examination.groupings, reached, strict=True):
        try:
            of_groups = users.by(name, examination.references.get(name))
        except ValueError as error:
            raise AuditInputError(str(error)) from error
        if len(of_groups.groups) > MOST_LEVELS:
            raise TableError(f"{name!r} has more than {MOST_LEVELS} groups; group its columns first")
        conflicting = sum(lists.sums.conflicting[lists.sums.attributes.index(a)] for a in attributes_of(name))
        measured = [*_scored(name, users, lists, examination), *_changed(name, lists, examination)]
        found += [_of_people(measurement, conflicting) for measurement in measured]
        for group in of_groups.groups.names:
            got = premium_items.reached.get(group, 0)
            share = got / premium_items.items if premium_items.items else None
            found.append(
                told("eligible-coverage", f"{name}={group}", premium_items.items, share, reached=got)
            )
    return found + _repeated(lists)


def _lists(examination: Examination, roles: Mapping[str, str], rules: ListRules) -> Lists:
    attributes = dict.fromkeys(a for name in examination.groupings for a in attributes_of(name))
    of_rows = {role: roles[role] for role in ("rank", "premium", *_TOLD_BY) if role in roles}
    rows = ListRows(of_rows, rules.cutoff)
    sums = sum_by_key(
        examination.table,
        roles["user"],
        rows.columns,
        rows.of,
        [*attributes, *examination.strata],
        roles.get("period"),
    )
    if not len(sums.key):
        raise AuditInputError(f"column {roles['user']!r} names no user")
    return Lists(sums, user_scores(sums, rows), roles, rules, roles["item"])


def _of_users(lists: Lists) -> GroupSums:
    """Each user's scores as ``_EXPOSURE`` and the others read them, by the user's groups."""
    scores, sums = lists.scores, lists.sums
    both = ~(np.isnan(scores.exposure) | np.isnan(scores.bought))
    bought = np.where(both, scores.bought, np.nan)
    shown = np.where(both, scores.exposure, np.nan)
    columns = [scores.exposure, scores.ndcg, scores.hit, shown, bought, scores.divergence]
    exposure, ndcg, hit, shown, bought, divergence = (np.nan_to_num(column) for column in columns)
    known = [~np.isnan(column) for column in (scores.exposure, scores.ndcg, scores.divergence)]
    values = [known[0], exposure, known[1], ndcg, hit, both, shown, bought, known[2], divergence]
    values += [exposure > 0, shown > 0, bought > 0]
    values += [score**power for score in (exposure, ndcg, hit) for power in (2, 3)]
    values += [shown ** (power - i) * bought**i for power in (2, 3) for i in range(power + 1)]
    return GroupSums.of(sums.attributes, sums.names, sums.codes, sums.keys, np.column_stack(values) * 1.0)


def _scored(name: str, users: GroupSums, lists: Lists, examination: Examination) -> Iterator[Measurement]:
    """The scores of each group; within the strata, too, where there are some."""
    ratios = [_EXPOSURE]
    if "relevant" in lists.roles:
        ratios += [*([] if lists.scores.repeated else [_NDCG, _HIT]), _CALIBRATION]
    rules, baseline = examination.rules, examination.references.get(name)
    for strata in [(), examination.strata] if examination.strata else [()]:
        by_group = users.by(name, baseline, strata)
        compared = [
            replace(_careful(c, by_group, rules.sizes), detail=_strata(strata))
            for c in compare_ratios(by_group, ratios, rules.sizes, examination.seed)
        ]
        for measurement in judged(compared, rules):
            quality = measurement.name.endswith(("ndcg", "hit-rate"))
            detail = {"cutoff": lists.rules.cutoff} if quality else {}
            yield replace(measurement, detail={**measurement.detail, **detail})
        if "history-premium" in lists.roles:
            divergence = list(compare_ratios(by_group, [_DIVERGENCE], rules.sizes, examination.seed))
            yield from map(informational, judged(divergence, rules))


def _careful(compared: Compared, sums: UnitSums, sizes: Sizes) -> Compared:
    """The comparison where few users have anything: no verdict, or the larger of two p."""
    any_of = _ANY.get(compared.metric.removeprefix("conditional-"), ())
    powers = _POWERS.get(compared.metric)
    pooled = with_permutation_p(compared, sums, powers) if powers else compared
    return enough_with_any(pooled, sums, any_of, sizes)


def _strata(strata: tuple[str, ...]) -> dict[str, list[str]]:
    return {"strata": list(strata)} if strata else {}


def _changed(name: str, lists: Lists, examination: Examination) -> Iterator[Measurement]:
    """Every group's exposure from each period to the next; all pairs are one family."""
    if "period" not in lists.roles:
        return
    sums = period_sums(lists.sums, lists.scores.of_lists)
    rules, baseline = examination.rules, examination.references.get(name)
    pairs = list(
        compare_changes(sums, lists.sums.periods, name, baseline, rules.sizes, examination.seed)
        if len(sums.codes)
        else ()
    )
    if not pairs:
        yield told("tier-suppression", name, 0, None, reason="fewer than two periods with lists")
        return
    yield from judged(pairs, rules)


def _of_people(measurement: Measurement, conflicting: int) -> Measurement:
    """Users are counted here, not rows; some of them may have rows of several groups."""
    detail = {"unit": "users", **measurement.detail}
    if "reason" in detail:
        detail["reason"] = str(detail["reason"]).replace(" rows", " users")
    if conflicting:
        detail["conflicting_users"] = conflicting
    return replace(measurement, detail=detail)


def _repeated(lists: Lists) -> list[Measurement]:
    if not lists.scores.repeated or "relevant" not in lists.roles:
        return []
    reason = (
        f"{lists.scores.repeated} lists hold more items than places of their own; remove repeated rows, or name "
        "the column that tells a user's lists apart as role 'period'"
    )
    return [errored(metric, "", reason) for metric in ("ndcg", "hit-rate")]


def _premium_shown(pieces: tuple[Column, ...]) -> tuple[Bools, Bools]:
    premium, rank = flags(pieces[0]), places(pieces[1])
    return premium == 1, ~np.isnan(rank)
