"""Rows older than promised: by hand, by a second implementation, and what bad dates do."""

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
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
from audits.kinds.retention import Retention
from audits.tables import MemoryTable

KIND = Retention()
TODAY = date(2026, 11, 22)
NAMES = {
    "rows-beyond-retention",
    "rows-without-date",
    "oldest-row-age",
    "rows-from-the-future",
    "days-until-first-expiry",
}


def audit(days, /, promise=365, moment=TODAY, entity=None, roles=None, **limits):
    table = days if isinstance(days, dict) else {"bought": days}
    parameters = AuditParameters(
        roles={"date": "bought"} if roles is None else roles,
        thresholds={"days": promise, **limits},
        entity=entity,
    )
    timing = Timing(moment=moment) if moment else None
    found = KIND.run(AuditInput(current=MemoryTable(table), parameters=parameters, timing=timing))
    assert len({m.name for m in found}) == len(found)
    return {m.name: m for m in found}


def ago(*days):
    return [TODAY - timedelta(days=d) for d in days]


def test_it_is_registered_as_a_privacy_audit_that_depends_on_the_day():
    kind = audit_kinds.get("retention")
    assert (kind.dimension, kind.reads, kind.by_the_clock) == ("privacy", ("training", ""), True)
    assert set(kind.words) == {*NAMES, "subjects-beyond-retention"}


def test_rows_beyond_the_promise_by_hand():
    found = audit(ago(10, 365, 366, 400), promise=365)
    beyond, oldest = found["rows-beyond-retention"], found["oldest-row-age"]
    assert (beyond.value, beyond.n, beyond.verdict) == (0.5, 4, Verdict.FAIL)
    assert (beyond.threshold, beyond.tolerance_used) == (0.0, 100.0)
    assert beyond.detail == {
        "rows_beyond": 2,
        "promised_days": 365,
        "moment": "2026-11-22",
        "oldest_day_kept": "2025-11-22",
        "reason": "2 rows are dated before 2025-11-22: delete them, or renew what they are kept for",
    }
    assert (oldest.value, oldest.threshold, oldest.verdict) == (400.0, 365.0, Verdict.FAIL)
    assert oldest.tolerance_used == 400 / 365
    assert set(found) == NAMES


@pytest.mark.parametrize(
    ("_case", "days", "verdict", "share"),
    [
        ("of today", (0,), "pass", 0.0),
        ("exactly as old as promised", (365,), "pass", 0.0),
        ("a day older", (366,), "fail", 1.0),
        ("one of a thousand", (366, *[1] * 999), "fail", 0.001),
    ],
)
def test_the_last_day_that_is_kept(_case, days, verdict, share):
    m = audit(ago(*days))["rows-beyond-retention"]
    assert (m.verdict, m.value) == (verdict, share)
    assert ("reason" in m.detail) == (verdict == "fail")


@pytest.mark.parametrize(("tolerated", "verdict", "used"), [(0.1, "pass", 1.0), (0.05, "fail", 2.0)])
def test_a_tolerated_share_is_exact_and_the_oldest_row_is_then_reviewed(tolerated, verdict, used):
    found = audit(ago(500, *[1] * 9), share=tolerated)
    beyond = found["rows-beyond-retention"]
    assert (beyond.verdict, beyond.tolerance_used) == (verdict, pytest.approx(used))
    assert found["oldest-row-age"].verdict == ("review" if verdict == "pass" else "fail")


def test_rows_that_expire_next_are_counted_a_month_ahead():
    found = audit(ago(400, 360, 360, 336, 335, 0), promise=365)["days-until-first-expiry"]
    assert (found.value, found.verdict, found.threshold, found.tolerance_used) == (6.0, "pass", None, None)
    assert found.detail == {"role": "descriptive", "on": "2026-11-28", "rows": 2, "rows_in_30_days": 3}
    on = date(2026, 11, 28)
    assert audit(ago(360), moment=on)["rows-beyond-retention"].verdict == "fail"
    assert audit(ago(360), moment=on - timedelta(days=1))["rows-beyond-retention"].verdict == "pass"
    a_month_on = audit(ago(400, 360, 360, 336, 335, 0), moment=TODAY + timedelta(days=30))
    assert a_month_on["rows-beyond-retention"].detail["rows_beyond"] == 1 + 3


def test_when_every_row_is_beyond_nothing_expires_next():
    found = audit(ago(800, 900))["days-until-first-expiry"]
    assert (found.value, found.verdict) == (None, "pass")
    assert found.detail["note"] == "every row with a date is beyond the promise, or from the future"


def test_rows_without_a_date_are_reviewed_and_in_no_other_share():
    found = audit([*ago(1, 2, 3), None])
    undated = found["rows-without-date"]
    assert (undated.value, undated.n, undated.verdict, undated.tolerance_used) == (0.25, 4, "review", 100.0)
    assert undated.detail["reason"].startswith("1 rows have no date in column 'bought'")
    assert (found["rows-beyond-retention"].verdict, found["rows-beyond-retention"].n) == ("pass", 3)
    assert audit([*ago(1, 2, 3), None], undated=0.25)["rows-without-date"].verdict == "pass"


def test_with_too_few_dates_nothing_passes_but_what_is_proved_fails():
    found = audit([*ago(1), None, None])
    assert found["rows-beyond-retention"].verdict is Verdict.INSUFFICIENT
    assert found["rows-beyond-retention"].detail["reason"].startswith("2 of 3 rows have no date")
    assert found["rows-without-date"].verdict is Verdict.INSUFFICIENT
    assert audit([*ago(900), None, None])["rows-beyond-retention"].verdict is Verdict.FAIL
    nothing = audit(pa.array([None] * 3, pa.timestamp("us")))
    assert worst_verdict(nothing.values()) is Verdict.INSUFFICIENT
    assert set(nothing) == {"rows-beyond-retention", "rows-without-date"}


def test_no_rows_is_insufficient():
    (found,) = audit(pa.array([], pa.timestamp("us"))).values()
    assert (found.verdict, found.detail["reason"]) == (Verdict.INSUFFICIENT, "table has no rows")


def test_without_a_day_of_the_audit_nothing_is_judged():
    (found,) = audit(ago(900), moment=None).values()
    assert found.verdict is Verdict.INSUFFICIENT
    assert "the day of the audit is not known" in found.detail["reason"]


def test_dates_of_the_future_are_reviewed_from_the_day_after_tomorrow():
    m = audit(ago(-1, -2, -400, 1))["rows-from-the-future"]
    assert (m.value, m.detail["rows"], m.verdict, m.threshold) == (0.5, 2, "review", 0.0)
    assert "a wrong clock" in m.detail["reason"]
    alone = audit(ago(-1))
    assert alone["rows-from-the-future"].verdict == "pass"
    assert alone["oldest-row-age"].value == 0.0


def test_moments_count_by_their_day_in_utc():
    paris = timezone(timedelta(hours=2))
    moment = datetime(2025, 11, 22, 1, 30, tzinfo=paris)  # 21 November 23:30 in UTC
    assert audit(pa.array([moment], pa.timestamp("us", "Europe/Paris")))["oldest-row-age"].value == 366.0
    assert audit([moment.isoformat()])["oldest-row-age"].value == 366.0
    assert audit([moment.astimezone(UTC).isoformat()])["oldest-row-age"].value == 366.0
    assert audit(["2025-11-22T01:30:00"])["oldest-row-age"].value == 365.0


def test_text_dates_are_read_and_other_text_is_no_date():
    found = audit(
        [
            "2026-11-20",
            "2026-11-20T10:00:00Z",
            " 20261119 ",
            "yesterday",
            "11/20/2026",
            None,
            "",
            "2026-11-01",
        ]
    )
    assert found["rows-without-date"].detail["unreadable"] == 3
    assert found["rows-without-date"].detail["empty"] == 1
    assert found["oldest-row-age"].detail["oldest"] == "2026-11-01"
    assert "yesterday" not in str([m.to_json() for m in found.values()])


def test_a_moment_that_no_calendar_has_is_no_date():
    far = pa.array([9_000_000_000_000_000, 0], pa.int64()).cast(pa.timestamp("ms"))
    found = audit(far, promise=36500)
    assert found["rows-without-date"].detail["unreadable"] == 1
    assert found["oldest-row-age"].detail["oldest"] == "1970-01-01"


def test_people_with_a_row_too_old_are_counted_once():
    table = {
        "bought": ago(400, 500, 1, 400, 2, 900),
        "who": ["ann", "ann", "ben", "cat", "cat", None],
    }
    m = audit(table, entity="who")["subjects-beyond-retention"]
    assert (m.value, m.n, m.verdict, m.threshold) == (2 / 3, 3, "pass", None)
    assert m.detail == {"role": "descriptive", "subjects": 3, "subjects_beyond": 2}
    assert "ann" not in str(m.to_json())
    numbers = audit({**table, "who": [1, 1, 2, 3, 3, None]}, entity="who")["subjects-beyond-retention"]
    assert numbers.detail == m.detail
    nobody = audit({**table, "who": pa.array([None] * 6, pa.string())}, entity="who")
    assert nobody["subjects-beyond-retention"].verdict is Verdict.INSUFFICIENT


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.one_of(st.none(), st.integers(-50, 800)), min_size=1, max_size=40),
    people=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=40, max_size=40),
    promise=st.integers(1, 700),
    tolerated=st.sampled_from([0.0, 0.1, 0.5]),
    as_text=st.booleans(),
)
def test_a_second_implementation_row_by_row_agrees(days, people, promise, tolerated, as_text):
    rows = [None if d is None else TODAY - timedelta(days=d) for d in days]
    people = people[: len(rows)]
    column = (
        pa.array([r and r.isoformat() for r in rows], pa.string()) if as_text else pa.array(rows, pa.date32())
    )
    found = audit(
        {"bought": column, "who": pa.array(people, pa.string())}, promise, entity="who", share=tolerated
    )
    dated = [d for d in days if d is not None]
    old = [d for d in dated if d > promise]
    assert found["rows-without-date"].value == (len(days) - len(dated)) / len(days)
    beyond = found["rows-beyond-retention"]
    if len(days) - len(dated) <= len(days) / 2:
        assert beyond.value == len(old) / len(dated)
        assert beyond.verdict == ("fail" if len(old) / len(dated) > tolerated else "pass")
    elif len(old) / len(days) <= tolerated:
        assert beyond.verdict == "insufficient"
    if dated:
        assert found["oldest-row-age"].value == max(0, *dated)
        assert found["rows-from-the-future"].detail["rows"] == sum(d < -1 for d in dated)
        kept = [d for d in dated if -1 <= d <= promise]
        expiry = found["days-until-first-expiry"]
        assert expiry.value == (promise + 1 - max(kept) if kept else None)
        if kept:
            assert expiry.detail["rows_in_30_days"] == sum(promise + 1 - d <= 30 for d in kept)
        if any(people):
            late = {p for p, d in zip(people, days, strict=True) if p and d is not None and d > promise}
            assert found["subjects-beyond-retention"].detail["subjects_beyond"] == len(late)


def test_the_order_and_the_pieces_of_the_rows_do_not_matter():
    days = [(37 * i) % 900 for i in range(150_000)]
    whole = audit(pa.array(ago(*days), pa.date32()))
    chunked = pa.chunked_array([pa.array(ago(*days[i::3]), pa.date32()) for i in range(3)])
    table = MemoryTable({"bought": pa.array(ago(1))})
    table._table = pa.table({"bought": chunked})
    parameters = AuditParameters(roles={"date": "bought"}, thresholds={"days": 365})
    parts = KIND.run(AuditInput(current=table, parameters=parameters, timing=Timing(moment=TODAY)))
    assert {m.name: m for m in parts} == whole


@pytest.mark.parametrize(
    ("_case", "changed", "message"),
    [
        ("no column of dates", {"roles": {}}, "retention needs role 'date'"),
        ("unknown role", {"roles": {"date": "bought", "end": "x"}}, "unknown role 'end'; known: date"),
        (
            "unknown threshold",
            {"thresholds": {"days": 3, "age": 1}},
            "unknown threshold 'age'; known: days, share",
        ),
        (
            "half a day",
            {"thresholds": {"days": 0.5}},
            "'days' must be a whole number of days from 1 to 36500",
        ),
        ("a promise of 1,000 years", {"thresholds": {"days": 365000}}, "from 1 to 36500"),
        (
            "a share above 1",
            {"thresholds": {"days": 3, "share": 1.5}},
            "'share' is 1.5; it must lie between 0 and 1",
        ),
        ("a negative share", {"thresholds": {"days": 3, "undated": -0.1}}, "'undated' is -0.1"),
        ("date and entity", {"entity": "bought"}, "column 'bought' is both the date and the entity"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_before_and_at_the_run(_case, changed, message):
    parameters = AuditParameters(**{"roles": {"date": "bought"}, "thresholds": {"days": 365}, **changed})
    with pytest.raises(AuditInputError, match=message):
        KIND.check(parameters)
    with pytest.raises(AuditInputError, match=message):
        KIND.run(AuditInput(current=MemoryTable({"bought": ago(1)}), parameters=parameters))


@pytest.mark.parametrize(
    ("_case", "table", "message"),
    [
        ("no such column", {"sold": ago(1)}, "column 'bought' is not in table"),
        (
            "numbers",
            {"bought": [1.0, 2.0]},
            "holds no dates: name one of dates, timestamps or text such as 2026-03-01",
        ),
        ("times of day", {"bought": pa.array([1], pa.time64("us"))}, "holds no dates"),
        ("truth values", {"bought": [True]}, "holds no dates"),
    ],
)
def test_a_column_that_holds_no_dates_is_refused(_case, table, message):
    with pytest.raises(AuditInputError, match=message):
        audit(table)


def test_a_missing_entity_is_refused_by_name():
    with pytest.raises(AuditInputError, match="column 'who' is not in table"):
        audit(ago(1), entity="who")


def test_the_dataset_s_own_promise_counts_where_none_is_given():
    def oldest(promises, **thresholds):
        given = AuditInput(
            current=MemoryTable({"bought": ago(400)}),
            parameters=AuditParameters(roles={"date": "bought"}, thresholds=thresholds),
            timing=Timing(moment=TODAY),
            promises=promises,
        )
        return {m.name: m for m in Retention().run(given)}["rows-beyond-retention"]

    assert (oldest({"days": 365}).verdict, oldest({"days": 365}).detail["promised_days"]) == ("fail", 365)
    assert oldest({"days": 400}).verdict == "pass"
    assert oldest({"days": 365}, days=500).detail["promised_days"] == 500
    Retention().check(AuditParameters(roles={"date": "bought"}))
    with pytest.raises(AuditInputError, match="register the dataset with it"):
        oldest({})
