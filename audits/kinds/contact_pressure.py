"""Pressure on customers: are vulnerable people, or some groups, contacted more often or harder than the others?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

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
from audits.metrics.groups import usable_groupings
from audits.metrics.lists.exposure import amounts
from audits.metrics.pressure.contact_days import contact_days
from audits.metrics.pressure.contacts import DEPTH, DISCOUNTED, PER_WEEK, URGENCY, customers_of
from audits.metrics.pressure.row_values import moments, yes_no
from audits.tables import Column, ColumnFault, Table, TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.pressure.examined_contacts import (
    ABOVE,
    LATE,
    NIGHT,
    READ,
    STREAK,
    ExaminedContacts,
    span_of,
)
from audits.verdicts.pressure.groups import DEFAULTS, PressureRules

NEEDED = ("at", "vulnerable")
OPTIONAL = ("urgency", "discount", "opted_out_at")
#: How the column of an optional role is read, and what cannot be told without it.
_READ: Mapping[str, tuple[Callable[[Column], object], tuple[str, ...]]] = {
    "urgency": (yes_no, (URGENCY.metric,)),
    "discount": (lambda piece: amounts(piece, 1.0), (DISCOUNTED.metric, DEPTH.metric)),
    "opted_out_at": (moments, (LATE,)),
}


@audit_kinds.register
class ContactPressure(AuditKind):
    slug = "contact-pressure"
    label = "Pressure on customers"
    dimension = "conduct"
    method = (
        "contacts, urgency and discounts of vulnerable customers and of each group against the others: ratio up to 1.25 and "
        "bootstrap of customers with Holm's adjustment; weekly cap, night hours and opt-outs counted exactly"
    )
    reads = ("contacts", "")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=("entity", "sensitive"),
        lines=("roles",),
        roles=(*NEEDED, *OPTIONAL),
        labels={
            "ratio": "Largest ratio tolerated",
            "cap": "Contacts in a week",
            "above-cap-vulnerable": "Weeks above the cap, vulnerable",
            "above-cap": "Weeks above the cap, others",
            "night": "Share of contacts at night",
            "unusable": "Share of rows that may be unusable",
        },
    )
    words: ClassVar[Mapping[str, Words]] = {
        READ: Words(
            label="Contacts read", sentence="{value} of the {n} contacts could be used.", unit="share"
        ),
        PER_WEEK.metric: Words(
            label="Contacts a week",
            sentence="Customers in the group {group} got {value} contacts a week, those they are compared with {reference}.",
        ),
        URGENCY.metric: Words(
            label="Urgent wording",
            sentence="{value} of the contacts to the group {group} used urgency or scarcity, against {reference} for the others.",
            unit="share",
        ),
        DISCOUNTED.metric: Words(
            label="Contacts with a discount",
            sentence="{value} of the contacts to the group {group} carried a discount, against {reference} for the others.",
            unit="share",
        ),
        DEPTH.metric: Words(
            label="Depth of discounts",
            sentence="The group {group} was offered {value} off on average, the others {reference}.",
            unit="share",
        ),
        ABOVE: Words(
            label="Weeks above the cap",
            sentence="In {value} of their weeks, customers who are {group} got more than {cap} contacts.",
            unit="share",
        ),
        STREAK: Words(
            label="Longest streak",
            sentence="One customer who is {group} was contacted on {value} days in a row.",
            unit="days",
        ),
        NIGHT: Words(
            label="Contacts at night",
            sentence="{value} of the contacts to customers who are {group} came between 21:00 and 08:00.",
            unit="share",
        ),
        LATE: Words(
            label="Contacts after opting out",
            sentence="{value} contacts went to customers after they had opted out.",
            unit="count",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        PressureRules.read(parameters)
        roles = parameters.roles
        known = (*NEEDED, *OPTIONAL)
        unknown = sorted(set(roles) - set(known))
        if unknown:
            raise AuditInputError(f"unknown role {unknown[0]!r}; known: {', '.join(known)}")
        missing = [role for role in NEEDED if role not in roles]
        if missing:
            raise AuditInputError(f"name the column of role {missing[0]!r}; needed: {', '.join(NEEDED)}")
        if not parameters.entity:
            raise AuditInputError("name the column of the customer (parameter 'entity')")
        if parameters.method:
            raise AuditInputError("pressure has no other method; leave 'method' out")
        names = [parameters.entity, *roles.values(), *parameters.sensitive]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise AuditInputError(f"column {twice[0]!r} is named twice; each has one task")

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        self.check(parameters)
        if table.rows == 0:
            raise AuditInputError(f"{table.label} has no rows")
        roles, faults = _readable(table, dict(parameters.roles))
        usable, more = _groupings(audit_input)
        contacts = _examined(audit_input, roles, usable)
        if not len(contacts.days.keys):
            return [contacts.read(table.rows), *faults, *more]
        found = [contacts.read(table.rows), *contacts.compared(), *contacts.above_cap()]
        found += [*contacts.nobody_vulnerable(), *contacts.streaks(), *contacts.at_night()]
        if "opted_out_at" in roles:
            found.append(contacts.after_opt_out())
        return [*found, *faults, *more]


def _examined(audit_input: AuditInput, roles: Mapping[str, str], groups: list[str]) -> ExaminedContacts:
    parameters, table = audit_input.parameters, audit_input.current
    entity = str(parameters.entity)
    try:
        customers = customers_of(table, audit_input.reference, entity, roles, groups)
        days = contact_days(table, entity, roles["at"])
    except TableError as error:
        raise AuditInputError(str(error)) from error
    window = audit_input.timing.current if audit_input.timing else None
    rules = PressureRules.read(parameters)
    return ExaminedContacts(customers, days, span_of(days, window), roles, entity, rules, audit_input.seed)


def _readable(table: Table, roles: dict[str, str]) -> tuple[dict[str, str], list[Measurement]]:
    """The roles without those optional ones that cannot be read, and an errored measurement of what they tell."""
    faults = []
    for role in [role for role in OPTIONAL if role in roles]:
        read, metrics = _READ[role]
        try:
            for piece in table.scan([roles[role]]):
                if isinstance(piece, ColumnFault):
                    raise TableError(piece.reason)
                read(piece)
        except TableError as error:
            faults += [errored(metric, "", str(error)) for metric in metrics]
            del roles[role]
    return roles, faults


def _groupings(audit_input: AuditInput) -> tuple[list[str], list[Measurement]]:
    """The columns of groups that can be used, and an errored measurement of each other one."""
    everybody, usable, faults = audit_input.reference, [], []
    for name in audit_input.parameters.sensitive:
        listed = everybody is not None and name in everybody.names
        _, reasons = usable_groupings(everybody if everybody and listed else audit_input.current, [name])
        if name in reasons:
            faults.append(errored(PER_WEEK.metric, name, reasons[name]))
        else:
            usable.append(name)
    return usable, faults
