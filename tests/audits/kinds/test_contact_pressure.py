"""Pressure on customers: by hand, by a naive second count, and what must never pass or fail."""

# ruff: noqa: DTZ001 (moments by the customers' own clock carry no zone)
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditParameters,
    Timing,
    Verdict,
    audit_kinds,
    worst_verdict,
)
from audits.kinds.contact_pressure import ContactPressure
from audits.metrics.pressure.contact_days import ContactDays, contact_days, weeks_touched
from audits.tables import MemoryTable

ROLES = {"at": "at", "vulnerable": "frail"}
MONDAY = datetime(2026, 1, 5, 12)


def audit(table, /, everybody=None, *, roles=ROLES, seed=0, window=None, **parameters):
    values = AuditParameters(**{"entity": "customer", "roles": roles, **parameters})
    return ContactPressure().run(
        AuditInput(
            current=MemoryTable(table),
            reference=None if everybody is None else MemoryTable(everybody, "customers"),
            parameters=values,
            seed=seed,
            timing=None if window is None else Timing(moment=window[1], current=window),
        )
    )


def found_in(measurements):
    found = {(m.name, m.slice): m for m in measurements}
    assert len(found) == len(measurements)
    return found


def sent(*rows, **columns):
    """Contacts as (customer, days after a Monday noon, flag)."""
    return {
        "customer": [row[0] for row in rows],
        "at": [MONDAY + timedelta(days=row[1]) for row in rows],
        "frail": [row[2] for row in rows],
        **columns,
    }


def crowd(each, *, people=40, weeks=2, days=None):
    """Half of the people are vulnerable; ``each`` says how many contacts a customer of each half gets in all."""
    rows = []
    for person in range(2 * people):
        frail = person < people
        for i in range(each[0] if frail else each[1]):
            rows.append((person, (i * 7) % (7 * weeks) + i // weeks, frail))
    return sent(*rows)


def test_it_is_registered_as_a_conduct_audit():
    kind = audit_kinds.get("contact-pressure")
    assert (kind.dimension, kind.reads, kind.label) == ("conduct", ("contacts", ""), "Pressure on customers")
    assert not kind.needs_reference


def test_rates_ratio_and_limits_by_hand():
    """Four contacts in two weeks for the vulnerable, two for the others: twice the pressure."""
    found = found_in(audit(crowd((4, 2)), window=(date(2026, 1, 5), date(2026, 1, 18))))
    m = found["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.value, m.detail["reference"], m.detail["ratio"], m.n) == (2.0, 1.0, 2.0, 40)
    assert (m.threshold, m.tolerance_used) == (1.25, pytest.approx(np.log(2) / np.log(1.25)))
    assert (m.detail["family"], m.detail["units"], m.detail["reference_n"]) == (1, 40, 40)
    assert m.verdict is Verdict.FAIL
    assert m.detail["reason"] == (
        "2.00 times the value of those it is compared with, tolerated up to 1.25; "
        "find out which rule or model sends more to them and change it"
    )
    assert ("contacts-per-customer-week", "frail=not vulnerable") not in found


def test_less_pressure_on_the_vulnerable_is_no_fault():
    m = found_in(audit(crowd((1, 4))))["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.verdict, m.tolerance_used, m.detail["ratio"]) == (Verdict.PASS, 0.0, 0.25)
    assert m.detail["note"] == "less than its reference"


def test_the_list_of_all_customers_makes_rates_those_of_everybody():
    """Twenty of forty vulnerable customers are never contacted: their rate halves."""
    contacts = sent(
        *[(p, d, None) for p in range(20) for d in (0, 7)], *[(p, 0, None) for p in range(40, 80)]
    )
    del contacts["frail"]
    everybody = {"customer": list(range(80)), "frail": [p < 40 for p in range(80)]}
    window = (date(2026, 1, 5), date(2026, 1, 18))
    found = found_in(audit(contacts, everybody, window=window))
    m = found["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.value, m.detail["reference"], m.n) == (0.5, 0.5, 40)
    assert (m.detail["basis"], m.verdict) == ("all customers", Verdict.PASS)
    told = found["contacts-read", ""]
    assert (told.detail["customers"], told.detail["contacted"], told.detail["not_in_list"]) == (80, 60, 0)
    alone = found_in(audit({**contacts, "frail": [p < 40 for p in contacts["customer"]]}, window=window))
    m = alone["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.value, m.detail["reference"], m.n) == (1.0, 0.5, 20)
    assert m.detail["basis"] == "contacted customers only"
    assert "rates are those of contacted customers" in alone["contacts-read", ""].detail["note"]


def test_customers_who_are_not_in_the_list_are_undeclared_and_counted():
    contacts = sent(*[(p, 0, None) for p in range(40)])
    del contacts["frail"]
    everybody = {"customer": list(range(30)), "frail": [p < 15 for p in range(30)]}
    found = found_in(audit(contacts, everybody))
    assert found["contacts-read", ""].detail["not_in_list"] == 10
    assert found["share-above-cap", "frail=undeclared"].n == 10


def test_identifiers_that_do_not_meet_are_refused():
    contacts = sent((1, 0, None))
    del contacts["frail"]
    with pytest.raises(
        AuditInputError, match="no customer of table is in customers; column 'customer' must hold"
    ):
        audit(contacts, {"customer": ["1"], "frail": [True]})


def test_the_cap_is_exact_for_the_vulnerable_and_a_review_for_others():
    rows = (
        [(1, day, True) for day in (0, 1, 2, 3)] + [(2, day, False) for day in (0, 1, 2, 3)] + [(3, 9, None)]
    )
    found = found_in(audit(sent(*rows)))
    frail, other, unknown = (
        found["share-above-cap", f"frail={group}"] for group in ("vulnerable", "not vulnerable", "undeclared")
    )
    assert (frail.value, frail.n, frail.verdict, frail.tolerance_used) == (0.5, 2, Verdict.FAIL, 100.0)
    assert (other.value, other.verdict) == (0.5, Verdict.REVIEW)
    assert (unknown.value, unknown.verdict, unknown.tolerance_used) == (0.0, Verdict.PASS, 0.0)
    assert (frail.detail["customers_above"], frail.detail["cap"]) == (1, 3.0)
    wider = found_in(audit(sent(*rows), thresholds={"cap": 4}))["share-above-cap", "frail=vulnerable"]
    assert wider.verdict is Verdict.PASS
    shared = found_in(audit(sent(*rows), thresholds={"above-cap-vulnerable": 0.5}))
    at_limit = shared["share-above-cap", "frail=vulnerable"]
    assert (at_limit.verdict, at_limit.tolerance_used) == (Verdict.PASS, 1.0)


def test_exactly_the_cap_is_within_it():
    found = found_in(audit(sent(*[(1, day, True) for day in (0, 2, 4)])))
    assert found["share-above-cap", "frail=vulnerable"].verdict is Verdict.PASS


def test_a_burst_over_the_weekend_is_seen_although_no_calendar_week_is_full():
    found = found_in(audit(sent(*[(1, day, True) for day in (5, 6, 7, 8)])))
    m = found["share-above-cap", "frail=vulnerable"]
    assert (m.value, m.verdict, m.detail["customers_above_in_any_seven_days"]) == (0.0, Verdict.REVIEW, 1)
    assert m.detail["reason"] == "more than 3 contacts within seven days that lie in two weeks: look at these"
    apart = found_in(audit(sent(*[(1, day, True) for day in (0, 6, 7, 13)])))[
        "share-above-cap", "frail=vulnerable"
    ]
    assert apart.verdict is Verdict.PASS


def test_longest_streaks_are_told_but_not_judged():
    rows = [(1, day, True) for day in (0, 1, 1, 2, 4)] + [(2, day, False) for day in range(9)]
    found = found_in(audit(sent(*rows)))
    frail, other = (found["longest-streak", f"frail={g}"] for g in ("vulnerable", "not vulnerable"))
    assert (frail.value, frail.detail, frail.threshold) == (
        3.0,
        {"role": "descriptive", "customers_of_a_week": 0},
        None,
    )
    assert (other.value, other.detail["customers_of_a_week"]) == (9.0, 1)


@pytest.mark.parametrize(
    ("clock", "night"),
    [("21:00", 1), ("20:59", 0), ("07:59", 1), ("08:00", 0), ("00:00:01", 1), ("23:30", 1)],
)
def test_the_night_is_from_nine_to_eight(clock, night):
    at = datetime.fromisoformat(f"2026-01-05T{clock}")
    m = found_in(audit({"customer": [1], "at": [at], "frail": [True]}))["night-contacts", "frail=vulnerable"]
    assert (m.value, m.n) == (night, 1)
    assert m.verdict == ("review" if night else "pass")


def test_a_zone_is_read_by_its_own_clock():
    """19:30 UTC in July is half past nine in Milan."""
    moment = datetime(2026, 7, 1, 19, 30, tzinfo=UTC)
    here = {"customer": [1], "frail": [True]}
    rome = moment.astimezone(ZoneInfo("Europe/Rome"))
    assert found_in(audit({**here, "at": [rome]}))["night-contacts", "frail=vulnerable"].value == 1.0
    assert found_in(audit({**here, "at": [moment]}))["night-contacts", "frail=vulnerable"].value == 0.0


@pytest.mark.parametrize("at", [date(2026, 1, 5), datetime(2026, 1, 5)])
def test_dates_have_no_night(at):
    m = found_in(audit({"customer": [1], "at": [at], "frail": [True]}))["night-contacts", "frail=vulnerable"]
    assert (m.verdict, m.value) == (Verdict.INSUFFICIENT, None)
    assert m.detail["reason"].startswith("no contact has a time of the day: give moments")


def opted(at, out):
    table = sent((1, 0, True), (2, 0, False))
    return {**table, "at": at, "out": out}


@pytest.mark.parametrize(
    ("_case", "at", "out", "late"),
    [
        ("a minute later", datetime(2026, 1, 5, 12, 1), datetime(2026, 1, 5, 12), 1),
        ("the same moment", datetime(2026, 1, 5, 12), datetime(2026, 1, 5, 12), 0),
        ("before", datetime(2026, 1, 5, 11), datetime(2026, 1, 5, 12), 0),
        ("the same day as a date", datetime(2026, 1, 5, 23), date(2026, 1, 5), 0),
        ("the day after a date", datetime(2026, 1, 6, 1), date(2026, 1, 5), 1),
    ],
)
def test_contacts_after_opting_out_fail_one_by_one(_case, at, out, late):
    roles = {**ROLES, "opted_out_at": "out"}
    found = found_in(audit(opted([at, at], [out, None]), roles=roles))
    m = found["contacts-after-opt-out", ""]
    assert (m.value, m.n, m.threshold) == (late, 1, 0.0)
    assert m.verdict == ("fail" if late else "pass")
    assert m.detail["customers_opted_out"] == 1


def test_a_column_without_any_opt_out_is_no_proof():
    noon = datetime(2026, 1, 5, 12)
    found = found_in(audit(opted([noon, noon], [None, None]), roles={**ROLES, "opted_out_at": "out"}))
    m = found["contacts-after-opt-out", ""]
    assert (m.verdict, m.value) == (Verdict.INSUFFICIENT, None)
    assert m.detail["reason"].endswith("join the moments of opting out")


def harder(share, *, people=60, column="urgent"):
    """Ten contacts each; ``share`` of them urgent, or discounted by 20 %, for the vulnerable and for others."""
    rows = [(p, 7 * i, p < people) for p in range(2 * people) for i in range(10)]
    marks = [i < 10 * share[p >= people] for p in range(2 * people) for i in range(10)]
    values = ["Yes" if m else "no" for m in marks] if column == "urgent" else [0.2 * m for m in marks]
    return sent(*rows, **{column: values})


def test_urgency_on_the_vulnerable_fails_and_on_others_does_not():
    roles = {**ROLES, "urgency": "urgent"}
    m = found_in(audit(harder((0.4, 0.2)), roles=roles))["urgency-share", "frail=vulnerable"]
    assert (m.value, m.detail["reference"], m.verdict) == (0.4, 0.2, Verdict.FAIL)
    m = found_in(audit(harder((0.2, 0.4)), roles=roles))["urgency-share", "frail=vulnerable"]
    assert (m.detail["ratio"], m.verdict) == (0.5, Verdict.PASS)
    m = found_in(audit(harder((0.0, 0.0)), roles=roles))["urgency-share", "frail=vulnerable"]
    assert (m.value, m.verdict) == (0.0, Verdict.PASS)


@pytest.mark.parametrize("share", [(0.4, 0.2), (0.2, 0.4)])
def test_discounts_count_both_ways(share):
    found = found_in(audit(harder(share, column="off"), roles={**ROLES, "discount": "off"}))
    for metric, scale in (("discounted-share", 1), ("discount-depth", 0.2)):
        m = found[metric, "frail=vulnerable"]
        assert m.value == pytest.approx(share[0] * scale)
        assert m.verdict is Verdict.FAIL
        assert m.detail["family"] == 3


def test_groups_are_compared_with_the_others_and_undeclared_is_one():
    rows = [(p, 7 * i, p % 2 == 0) for p in range(120) for i in range(4 if p % 3 == 0 else 2)]
    table = sent(*rows, age=[("old", "young", None)[row[0] % 3] for row in rows])
    found = found_in(audit(table, sensitive=("age",)))
    old, unknown = (found["contacts-per-customer-week", f"age={g}"] for g in ("old", "undeclared"))
    assert (old.detail["ratio"], old.n, old.verdict) == (2.0, 40, Verdict.FAIL)
    assert unknown.detail["ratio"] == pytest.approx(2 / 3)
    assert found["contacts-per-customer-week", "age=young"].verdict is Verdict.PASS


def test_a_customer_who_is_flagged_once_is_vulnerable():
    found = found_in(audit(sent((1, 0, True), (1, 1, False), (1, 2, None), (2, 0, False))))
    assert found["share-above-cap", "frail=vulnerable"].n == 1
    groups = [s for name, s in found if name == "share-above-cap"]
    assert groups == ["frail=vulnerable", "frail=not vulnerable"]


def test_customers_whose_rows_disagree_are_counted():
    table = crowd((2, 2))
    table["frail"][0] = False
    m = found_in(audit(table))["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.detail["conflicting"], m.n) == (1, 40)
    table["age"] = ["old"] * 80 + ["young"] * 79 + ["old"]
    found = found_in(audit(table, sensitive=("age",)))
    assert found["contacts-per-customer-week", "age=undeclared"].detail["conflicting"] == 1


def test_no_urgency_at_all_passes_only_on_enough_customers():
    roles = {**ROLES, "urgency": "urgent"}
    few = found_in(audit(harder((0.0, 0.4), people=20), roles=roles))["urgency-share", "frail=vulnerable"]
    assert (few.value, few.verdict) == (0.0, Verdict.INSUFFICIENT)
    many = found_in(audit(harder((0.0, 0.4)), roles=roles))["urgency-share", "frail=vulnerable"]
    assert (many.value, many.verdict) == (0.0, Verdict.PASS)


def test_a_streak_ends_with_its_customer():
    found = ContactDays(np.array([5, 9], np.uint64), np.array([0, 1]), np.array([3, 4]), np.array([1, 1]))
    assert found.longest_streaks().tolist() == [1, 1]


def test_nobody_flagged_is_never_a_pass():
    found = audit(crowd((2, 2)) | {"frail": ["no"] * 160})
    m = found_in(found)["share-above-cap", "frail=vulnerable"]
    assert (m.verdict, m.n) == (Verdict.INSUFFICIENT, 0)
    assert worst_verdict(found) is not Verdict.PASS
    everybody = found_in(audit(crowd((2, 2)) | {"frail": [1] * 160}))
    m = everybody["contacts-per-customer-week", "frail"]
    assert (m.verdict, m.n) == (Verdict.INSUFFICIENT, 80)


def test_few_customers_carry_no_verdict_on_their_rate():
    m = found_in(audit(crowd((4, 1), people=29)))["contacts-per-customer-week", "frail=vulnerable"]
    assert (m.verdict, m.tolerance_used) == (Verdict.INSUFFICIENT, None)
    assert m.detail["reason"] == "29 customers; at least 30 are needed"


def test_rows_without_customer_or_moment_are_told():
    table = sent(*[(p, 0, True) for p in range(8)])
    table["customer"][0] = None
    table["at"][1] = None
    m = found_in(audit(table))["contacts-read", ""]
    assert (m.value, m.n, m.verdict, m.threshold) == (0.75, 8, Verdict.REVIEW, 0.95)
    assert (m.detail["without_customer"], m.detail["without_moment"]) == (1, 1)
    assert (m.detail["first_day"], m.detail["last_day"]) == ("2026-01-05", "2026-01-05")
    nothing = audit({"customer": [None], "at": [MONDAY], "frail": [True]})
    assert [(m.name, m.verdict) for m in nothing] == [("contacts-read", Verdict.INSUFFICIENT)]


def test_a_bad_optional_column_leaves_the_others_intact():
    table = sent((1, 0, True), (2, 0, False), urgent=["very", "no"], off=[0.1, 7.0])
    found = found_in(
        audit(table, roles={**ROLES, "urgency": "urgent", "discount": "off", "opted_out_at": "gone"})
    )
    for metric in ("urgency-share", "discounted-share", "discount-depth", "contacts-after-opt-out"):
        assert found[metric, ""].verdict is Verdict.ERRORED
    assert "urgent" in found["urgency-share", ""].detail["reason"]
    assert "very" not in json.dumps([m.to_json() for m in found.values()])
    assert found["share-above-cap", "frail=vulnerable"].verdict is Verdict.PASS


def test_a_bad_group_leaves_the_others_intact():
    rows = [(p, 0, p % 2 == 0) for p in range(1200)]
    table = sent(*rows, age=["a", "b"] * 600, name=[f"n{p}" for p in range(1200)])
    found = found_in(audit(table, sensitive=("age", "name", "gone")))
    for name in ("name", "gone"):
        assert found["contacts-per-customer-week", name].verdict is Verdict.ERRORED
    assert found["contacts-per-customer-week", "age=a"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"roles": {"at": "at"}}, "name the column of role 'vulnerable'"),
        ({"roles": {"vulnerable": "frail"}}, "name the column of role 'at'"),
        ({"roles": {**ROLES, "colour": "x"}}, "unknown role 'colour'; known: at, vulnerable, urgency"),
        ({"entity": None}, "name the column of the customer"),
        ({"sensitive": ("frail",)}, "column 'frail' is named twice"),
        ({"method": "fisher"}, "leave 'method' out"),
        ({"thresholds": {"rate": 2}}, "unknown threshold 'rate'"),
        ({"thresholds": {"ratio": 1}}, "'ratio' must be above 1"),
        ({"thresholds": {"alpha": 0}}, "'alpha' must lie between 0 and 1"),
        ({"thresholds": {"min_n": 1}}, "'min_n' at least 2"),
        ({"thresholds": {"night": 1.5}}, "'night' is a share"),
    ],
)
def test_parameters_that_nothing_could_make_usable_are_refused(parameters, message):
    values = AuditParameters(**{"entity": "customer", "roles": ROLES, **parameters})
    with pytest.raises(AuditInputError, match=message):
        ContactPressure().check(values)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"at": ["soon"]}, "column 'at' is not one of dates or timestamps"),
        ({"frail": ["perhaps"]}, "column 'frail' holds values other than 0, 1, false"),
        ({"frail": [2]}, "column 'frail' holds values other than 0 and 1"),
        ({"customer": None}, "column 'customer' is not in table"),
        ({"at": []}, "table has no rows"),
    ],
)
def test_data_that_nothing_can_be_computed_of_are_refused(columns, message):
    table = {k: v for k, v in {**sent((1, 0, True)), **columns}.items() if v is not None}
    if columns.get("at") == []:
        table = {name: [] for name in table}
    with pytest.raises(AuditInputError, match=message):
        audit(table)


def test_no_identifier_is_ever_published():
    rows = [(f"anna{p}@example.com", d, p % 2 == 0) for p in range(80) for d in range(5)]
    assert "example.com" not in json.dumps([m.to_json() for m in audit(sent(*rows))])


def naive(rows, cap):
    weeks, days = defaultdict(Counter), defaultdict(Counter)
    for customer, day, _ in rows:
        weeks[customer][day // 7] += 1
        days[customer][day] += 1
    above = {c: sum(n > cap for n in w.values()) for c, w in weeks.items()}
    rolling = {
        c: any(sum(d[day - back] for back in range(7)) > cap for day in list(d)) for c, d in days.items()
    }
    longest = {}
    for c, d in days.items():
        best = run = 0
        for day in range(min(d), max(d) + 1):
            run = run + 1 if d[day] else 0
            best = max(best, run)
        longest[c] = best
    return above, rolling, longest


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 4),
)
def test_days_and_weeks_agree_with_a_naive_count(rows, cap):
    found = contact_days(MemoryTable(sent(*rows)), "customer", "at")
    above, rolling, longest = naive(rows, cap)
    assert sorted(found.weeks_above(cap).tolist()) == sorted(above.values())
    assert sorted(found.above_in_any_week(cap).tolist()) == sorted(rolling.values())
    assert sorted(found.longest_streaks().tolist()) == sorted(longest.values())
    assert found.contacts.sum() == len(rows)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30), st.booleans()), min_size=2, max_size=60))
def test_the_order_of_rows_does_not_matter(rows):
    assert audit(sent(*rows)) == audit(sent(*reversed(rows)))


def test_a_week_is_from_monday_to_sunday():
    monday = (date(2026, 1, 5) - date(1970, 1, 1)).days
    assert [weeks_touched(monday, monday + d) for d in (0, 6, 7, 13, 14)] == [1, 1, 2, 2, 3]
    assert weeks_touched(monday - 1, monday) == 2


def random_contacts(seed, up):
    rng = np.random.default_rng(seed)
    people = np.arange(240)
    frail = people % 4 == 0
    k = rng.poisson(6 * np.where(frail, up, 1) * rng.gamma(2, 0.5, len(people)))
    customer = np.repeat(people, k)
    at = np.datetime64("2026-01-05T12") + rng.integers(0, 56, len(customer)).astype("timedelta64[D]")
    return {"customer": customer, "at": at.astype("datetime64[s]")}, {"customer": people, "frail": frail}


def failed(up, runs):
    names = [found_in(audit(*random_contacts(seed, up), seed=seed)) for seed in range(runs)]
    return sum(f["contacts-per-customer-week", "frail=vulnerable"].verdict == "fail" for f in names)


def test_even_pressure_is_rarely_accused_and_uneven_pressure_mostly_found():
    assert failed(1.0, 60) <= 3
    assert failed(1.8, 30) >= 27
