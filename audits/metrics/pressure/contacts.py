"""What was sent to each customer, added up in one pass, and the group that the customer belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.group_comparisons import SumRatio
from audits.metrics.groups import UNDECLARED, GroupSums
from audits.metrics.groups.keyed_sums import KeyedSums, sum_by_key
from audits.metrics.lists.exposure import amounts
from audits.metrics.pressure.row_values import moments, yes_no
from audits.tables import Column, Table, TableError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = npt.NDArray[np.uint64]

#: The night, by the clock of the row: from 21:00 to before 08:00, outside the hours in which 47 CFR 64.1200(c)(1) lets
#: strangers be called at home.
EVENING, MORNING = 21, 8
#: What is added up of each row.
STATISTICS = (
    "contacts",
    "without_moment",
    "timed",
    "night",
    "flagged",
    "flag_known",
    "urgent",
    "urgency_known",
    "discount",
    "discount_known",
    "discounted",
    "late",
    "opted_out",
)
VULNERABLE, OTHERS = "vulnerable", "not vulnerable"
#: Pressure metrics as ratios of a customer's sums; ``_VALUES`` tells their places.
_VALUES = (
    "customers",
    "weeks",
    "contacts",
    "urgency_known",
    "urgent",
    "discount_known",
    "discount",
    "discounted",
)


def _ratio(metric: str, above: str, below: str, rate: bool = False) -> SumRatio:
    a, b = (_VALUES.index(name) for name in (above, below))
    n = _VALUES.index("customers") if below == "weeks" else b
    return SumRatio(metric, (a,), (b,), (n,), (b,), rate=rate)


PER_WEEK = _ratio("contacts-per-customer-week", "contacts", "weeks")
URGENCY = _ratio("urgency-share", "urgent", "urgency_known", rate=True)
DISCOUNTED = _ratio("discounted-share", "discounted", "discount_known", rate=True)
DEPTH = _ratio("discount-depth", "discount", "discount_known")


@dataclass(frozen=True, slots=True)
class ContactRows:
    """How rows are read: ``columns`` maps what a column is (``at``, ``vulnerable``, ...) to its name."""

    columns: Mapping[str, str]

    def of(self, pieces: tuple[Column, ...]) -> Floats:
        """What is added up, shape (rows, statistics): a row without a moment takes no part but in its own count.

        Raises
        ------
        TableError
            When a column holds other values than it should.
        """
        found = dict(zip(self.columns, pieces, strict=True))
        out: dict[str, Floats] = {name: np.zeros(len(pieces[0])) for name in STATISTICS}
        if "vulnerable" in found:
            flag = yes_no(found["vulnerable"])
            out["flagged"], out["flag_known"] = _or_zero(flag), _ones(~np.isnan(flag))
        if "at" in found:
            self._of_contacts(found, out)
        return np.column_stack([out[name] for name in STATISTICS])

    def _of_contacts(self, found: Mapping[str, Column], out: dict[str, Floats]) -> None:
        at = moments(found["at"])
        known = _ones(at.known)
        out["contacts"], out["without_moment"] = known, 1 - known
        timed = at.known & ~at.at_midnight & (not at.whole_days)
        out["timed"], out["night"] = _ones(timed), _ones(timed & at.at_night(EVENING, MORNING))
        if "urgency" in found:
            urgent = yes_no(found["urgency"])
            out["urgency_known"] = _ones(~np.isnan(urgent)) * known
            out["urgent"] = _or_zero(urgent) * known
        if "discount" in found:
            depth = amounts(found["discount"], 1.0)
            out["discount_known"] = _ones(~np.isnan(depth)) * known
            out["discount"] = _or_zero(depth) * known
            out["discounted"] = _ones(out["discount"] > 0)
        if "opted_out_at" in found:
            opted = moments(found["opted_out_at"])
            out["opted_out"] = _ones(opted.known) * known
            out["late"] = _ones(at.after(opted))


def _ones(marked: npt.NDArray[np.bool_]) -> Floats:
    return marked.astype(np.float64)


def _or_zero(values: Floats) -> Floats:
    return np.asarray(np.where(np.isnan(values), 0.0, values), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Customers:
    """Every customer once, by the hash of the identifier: sums of the rows, and groups.

    ``vulnerable`` and ``groups`` hold codes into names; 0 is ``undeclared``. ``conflicting`` counts the customers whose rows
    disagree: flagged once is vulnerable, two groups are none. ``listed`` tells who is in the list of all customers, None without one.
    """

    keys: Keys
    sums: Floats
    vulnerable: Ints
    groups: Mapping[str, tuple[tuple[str, ...], Ints]]
    conflicting: Mapping[str, int]
    listed: npt.NDArray[np.bool_] | None
    dropped: int

    def total(self, name: str) -> Floats:
        """One statistic, per customer."""
        return np.asarray(self.sums[:, STATISTICS.index(name)])

    def by(self, attribute: str, weeks: float) -> GroupSums:
        """What ``PER_WEEK`` and the other ratios read, by the groups of one attribute."""
        ones = np.ones(len(self.keys))
        values = {"customers": ones, "weeks": ones * weeks}
        columns = [values[name] if name in values else self.total(name) for name in _VALUES]
        names, codes = self.groups[attribute]
        return GroupSums.of([attribute], [names], codes[:, np.newaxis], self.keys, np.column_stack(columns))


def customers_of(
    contacts: Table,
    everybody: Table | None,
    customer: str,
    columns: Mapping[str, str],
    sensitive: Sequence[str],
) -> Customers:
    """Add the contacts up by customer. Flags and groups are read from the list of all customers where it has them.

    Parameters
    ----------
    everybody : Table, optional
        A row for each customer, contacted or not. Without it rates are those of the customers who were contacted.
    columns : mapping of str to str
        As ``ContactRows`` reads them; must hold ``at`` and ``vulnerable``.

    Raises
    ------
    TableError
        When a column cannot be read, or no contacted customer is in the list.
    """
    elsewhere = set(everybody.names) if everybody else set()
    flag = columns["vulnerable"]
    here = {role: name for role, name in columns.items() if role != "vulnerable" or flag not in elsewhere}
    there = {"vulnerable": flag} if flag in elsewhere else {}
    sent = _added(contacts, customer, here, [name for name in sensitive if name not in elsewhere])
    if everybody is None:
        return _customers(sent, None, sensitive, flag)
    listed = _added(everybody, customer, there, [name for name in sensitive if name in elsewhere])
    if not np.isin(sent.keys, listed.keys).any() and len(sent.keys):
        raise TableError(
            f"no customer of {contacts.label} is in {everybody.label}; column {customer!r} must hold the same "
            "identifiers, of the same type, in both"
        )
    return _customers(sent, listed, sensitive, flag)


def _added(table: Table, customer: str, columns: Mapping[str, str], attributes: Sequence[str]) -> KeyedSums:
    rows = ContactRows(columns or {"nothing": customer})
    return sum_by_key(table, customer, list(rows.columns.values()), rows.of, attributes)


def _customers(sent: KeyedSums, listed: KeyedSums | None, sensitive: Sequence[str], flag: str) -> Customers:
    tables = [sent] if listed is None else [sent, listed]
    keys = np.unique(np.concatenate([table.keys for table in tables]))
    sums = np.zeros((len(keys), len(STATISTICS)))
    groups: dict[str, tuple[tuple[str, ...], Ints]] = {}
    conflicting: dict[str, int] = {}
    for table in tables:
        at = np.searchsorted(keys, table.keys)
        sums[at] += table.by_key(table.sums)
        for i, name in enumerate(table.attributes):
            codes = np.zeros(len(keys), dtype=np.int64)
            codes[at] = table.codes[:, i]
            groups[name], conflicting[name] = (table.names[i], codes), table.conflicting[i]
    flagged, known = (sums[:, STATISTICS.index(name)] for name in ("flagged", "flag_known"))
    vulnerable = np.where(flagged > 0, 2, np.where(known > 0, 1, 0)).astype(np.int64)
    conflicting[flag] = int(((flagged > 0) & (flagged < known)).sum())
    ordered = {
        flag: ((UNDECLARED, OTHERS, VULNERABLE), vulnerable),
        **{name: groups[name] for name in sensitive},
    }
    in_list = None if listed is None else np.isin(keys, listed.keys)
    return Customers(keys, sums, vulnerable, ordered, conflicting, in_list, sent.dropped)
