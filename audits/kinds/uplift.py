"""Uplift against control: does the campaign help people, or does it only push them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Words,
    audit_kinds,
)
from audits.metrics.groups import UNDECLARED
from audits.metrics.lists.exposure import flags
from audits.metrics.pressure.row_values import yes_no
from audits.metrics.pressure.trials import (
    Balance,
    Trial,
    balance_of_categories,
    balance_of_numbers,
    before_removed,
    difference,
    read_trial,
)
from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.tables import ColumnType, Table, TableError
from audits.verdicts.disparity.disparities import errored, number
from audits.verdicts.pressure.measured_uplift import (
    BALANCE,
    DEFAULTS,
    PLANNED,
    RATIO,
    REGRET,
    UPLIFT,
    Outcome,
    UpliftRules,
    distrust,
    judged_balance,
    judged_outcomes,
    judged_sizes,
)
from audits.verdicts.pressure.uplift_by_score import AREA, DECILE, QINI, told_by_score

ROLES = ("treatment", "regret", "before")
#: More categories than anyone balances by; beyond, an identifier was probably named by mistake.
MOST_CATEGORIES = 100

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Customers:
    """Per customer: outcome, regret and the outcome without what the time before explains."""

    trial: Trial
    outcome: Floats
    regret: Floats | None
    adjusted: Floats
    explained: float | None


@audit_kinds.register
class Uplift(AuditKind):
    slug = "uplift"
    label = "Uplift against control"
    dimension = "conduct"
    method = (
        "treated less control (Welch, Newcombe), Holm's adjustment; sample-ratio mismatch, balance (Austin 2009), CUPED (Deng et "
        "al. 2013), Qini and uplift curves (Radcliffe 2007; Gutierrez and Gerardy 2017)"
    )
    reads = ("predictions", "")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=("y_true", "y_pred", "entity", "sensitive", "columns"),
        columns_help="What was known of customers before the campaign: both arms should be alike in it. None chosen means none is examined.",
        lines=("roles",),
        roles=ROLES,
        free_limits=True,
        labels={
            "balance": "Standardised difference tolerated",
            "srm-alpha": "Level of the test of the arms' sizes",
            "regret": "Rise of regret tolerated",
            PLANNED: "Planned share of treated customers",
        },
    )
    words: ClassVar[dict[str, Words]] = {
        RATIO: Words(
            label="Sizes of the arms",
            sentence="{value} of the customers were treated; planned were {threshold}.",
            unit="share",
        ),
        BALANCE: Words(
            label="Alike before the campaign",
            sentence="Before the campaign the two groups lay {value} standard deviations apart in {slice}.",
        ),
        UPLIFT: Words(
            label="Uplift",
            sentence="The campaign changed the outcome by {value} for each customer ({low} to {high}).",
        ),
        REGRET: Words(
            label="Regret caused",
            sentence="The campaign made {value} more customers return, complain or leave ({low} to {high}).",
            unit="share",
        ),
        QINI: Words(
            label="Qini coefficient",
            sentence="Choosing customers by the score gains {value} over choosing by lot ({low} to {high}).",
        ),
        AREA: Words(
            label="Area under the uplift curve",
            sentence="The uplift curve of the score has the area {value}.",
        ),
        DECILE: Words(
            label="Uplift by decile of the score",
            sentence="In {group} of the score the campaign changed the outcome by {value} ({low} to {high}).",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        UpliftRules.read(parameters)
        parameters.refuse_other_roles(ROLES)
        if "treatment" not in parameters.roles:
            raise AuditInputError(
                "name the column that says who was treated and who is control (role 'treatment')"
            )
        if not parameters.y_true:
            raise AuditInputError("name the outcome, a purchase as 0 and 1 or an amount (parameter 'y_true')")
        if parameters.method:
            raise AuditInputError("uplift has no other method; leave 'method' out")
        named = [parameters.y_true, parameters.roles["treatment"], parameters.roles.get("regret")]
        named += [parameters.entity, parameters.y_pred, *parameters.sensitive]
        both = [name for name in named if name and named.count(name) > 1]
        if both:
            raise AuditInputError(f"column {both[0]!r} is named twice; each has one task")
        before = [*parameters.columns, parameters.roles.get("before")]
        after = [name for name in before if name and name in named[:3]]
        if after:
            raise AuditInputError(
                f"column {after[0]!r} came after the campaign; name what was known before it"
            )

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        self.check(parameters)
        rules = UpliftRules.read(parameters)
        if table.rows == 0:
            raise AuditInputError(f"{table.label} has no rows")
        try:
            customers, faults = _read(table, parameters)
        except TableError as error:
            raise AuditInputError(str(error)) from error
        sizes = judged_sizes(customers.trial, rules)
        found, more = _balances(table, parameters.columns, customers.trial)
        balance = judged_balance(found, rules)
        doubt = distrust(sizes, balance)
        outcomes, others = _outcomes(table, parameters, customers)
        out = [sizes, *balance, *judged_outcomes(outcomes, rules, doubt), *faults, *more, *others]
        if parameters.y_pred:
            out += _by_score(table, parameters.y_pred, customers, audit_input.seed, doubt[0])
        return out


def _read(table: Table, parameters: AuditParameters) -> tuple[_Customers, list[Measurement]]:
    """Arms and outcome; an optional column that cannot be read is an error of its own."""
    trial = read_trial(table, parameters.roles["treatment"], parameters.entity)
    outcome = trial.means(finite_numbers(table, str(parameters.y_true)))
    faults, regret, adjusted, explained = [], None, outcome, None
    if "regret" in parameters.roles:
        try:
            column = table.column(parameters.roles["regret"])
            text = column.type is ColumnType.CATEGORICAL
            regret = trial.means(yes_no(column) if text else flags(column))
        except TableError as error:
            faults.append(errored(REGRET, "all groups", str(error)))
    if "before" in parameters.roles:
        try:
            before = trial.means(finite_numbers(table, parameters.roles["before"]))
            known = np.where(trial.arm >= 0, outcome, np.nan)
            adjusted, explained = before_removed(known, before)
        except TableError as error:
            faults.append(errored(UPLIFT, "with the time before", str(error)))
    return _Customers(trial, outcome, regret, adjusted, explained), faults


def _balances(
    table: Table, names: tuple[str, ...], trial: Trial
) -> tuple[dict[str, Balance], list[Measurement]]:
    """One column after the other, so that no two are held in memory."""
    found, faults = {}, []
    for name in names:
        try:
            column = table.column(name)
            if column.type in {ColumnType.NUMERIC, ColumnType.BOOLEAN}:
                found[name] = balance_of_numbers(trial.means(finite_numbers(table, name)), trial.arm)
                continue
            codes, categories = category_codes(table, name)
            _refuse_many(name, categories)
            found[name] = balance_of_categories(trial.codes(codes), trial.arm, categories)
        except TableError as error:
            faults.append(errored(BALANCE, name, str(error)))
    return found, faults


def _refuse_many(name: str, categories: list[str]) -> None:
    if len(categories) > MOST_CATEGORIES:
        raise TableError(f"column {name!r} has more than {MOST_CATEGORIES} values; group it first")


def _outcomes(
    table: Table, parameters: AuditParameters, customers: _Customers
) -> tuple[list[Outcome], list[Measurement]]:
    """Everybody together, then every group of every sensitive column."""
    out, faults = [_outcome("", customers, customers.trial.arm)], []
    for name in parameters.sensitive:
        try:
            codes, names = category_codes(table, name)
            _refuse_many(name, names)
        except TableError as error:
            faults.append(errored(UPLIFT, name, str(error)))
            continue
        of_customers = customers.trial.codes(codes)
        for code, group in enumerate([*names, UNDECLARED]):
            mine = of_customers == (code if code < len(names) else -1)
            arm = np.where(mine, customers.trial.arm, -1)
            if (arm >= 0).any():
                out.append(_outcome(f"{name}={group}", customers, arm))
    return out, faults


def _outcome(where: str, customers: _Customers, arm: npt.NDArray[np.int64]) -> Outcome:
    uplift = difference(customers.adjusted, arm)
    beside: dict[str, object] = {}
    if customers.explained is not None:
        plain = difference(customers.outcome, arm)
        beside = {"variance_removed": customers.explained, "unadjusted": number(plain.value)}
    regret = None if customers.regret is None else difference(customers.regret, arm)
    return Outcome(where, uplift, regret, beside)


def _by_score(table: Table, name: str, customers: _Customers, seed: int, doubt: str) -> list[Measurement]:
    try:
        score = customers.trial.means(finite_numbers(table, name))
    except TableError as error:
        return [errored(metric, "", str(error)) for metric in (QINI, AREA)]
    return list(told_by_score(name, score, customers.outcome, customers.trial.arm, seed, doubt))
