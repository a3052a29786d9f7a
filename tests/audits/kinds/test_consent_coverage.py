"""Consent coverage: by hand, against a replay of every subject's events, and what must never come out of it."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta, timezone

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
from audits.kinds.consent_coverage import ConsentCoverage
from audits.metrics.privacy.subjects import Subjects, shown_groups
from audits.tables import MemoryTable

KIND = ConsentCoverage()
TODAY = date(2024, 6, 30)
THEN, NOW, ROWS, SINCE = "consent-then", "consent-now", "rows-without-consent-now", "withdrawn-since"
RECORDS = ("customer", "purpose", "given_at", "withdrawn_at", "expires_at")


def day(text):
    return None if text is None else date.fromisoformat(text)


def records(*rows, names=RECORDS, moment=day):
    """A table of records: customer, purpose, given, withdrawn, expires; missing ends are None."""
    filled = [(*row, *[None] * (len(names) - len(row))) for row in rows]
    columns = {name: [row[i] for row in filled] for i, name in enumerate(names)}
    return {
        name: [moment(v) for v in values] if name.endswith("_at") else values
        for name, values in columns.items()
    }


def audit(training, consent, *, moment=TODAY, window=None, label="consent.csv", **parameters):
    values = AuditParameters(
        **{"entity": "customer", "purpose": "size advice", "roles": {"collected_at": "at"}, **parameters}
    )
    return KIND.run(
        AuditInput(
            current=MemoryTable(training, "training.csv"),
            reference=MemoryTable(consent, label),
            parameters=values,
            timing=Timing(moment=moment, current=window) if moment else None,
        )
    )


def rows(*pairs):
    return {"customer": [who for who, _ in pairs], "at": [day(when) for _, when in pairs]}


def named(measurements):
    return {m.name: m for m in measurements if not m.slice}


def one(training, consent, **more):
    return named(audit(training, consent, **more))


def test_it_is_registered_as_a_privacy_audit_of_training_and_consent():
    kind = audit_kinds.get("consent-coverage")
    assert (kind.dimension, kind.reads, kind.needs_reference, kind.by_the_clock) == (
        "privacy",
        ("training", "consent"),
        True,
        True,
    )


def test_everybody_has_consent_then_and_now():
    found = one(
        rows(("a", "2024-02-01"), ("b", "2024-03-01"), ("a", "2024-04-01")),
        records(("a", "size advice", "2024-01-01"), ("b", "size advice", "2024-03-01")),
    )
    assert {name: (m.value, m.n, m.verdict) for name, m in found.items()} == {
        THEN: (1.0, 2, Verdict.PASS),
        NOW: (1.0, 2, Verdict.PASS),
        ROWS: (0.0, 3, Verdict.PASS),
        SINCE: (0.0, 2, Verdict.PASS),
        "expiring-30-days": (0.0, 2, Verdict.PASS),
        "subjects-unknown": (0.0, 2, Verdict.PASS),
    }
    assert {m.tolerance_used for m in found.values()} == {0.0, None}


def test_one_who_withdrew_fails_now_but_not_then():
    found = one(
        rows(("a", "2024-02-01"), ("b", "2024-02-01"), ("b", "2024-02-02"), ("c", "2024-02-02")),
        records(
            ("a", "size advice", "2024-01-01"),
            ("b", "size advice", "2024-01-01", "2024-05-01"),
            ("c", "size advice", "2024-01-01", None, "2024-06-30"),
        ),
    )
    assert (found[THEN].value, found[THEN].verdict) == (1.0, Verdict.PASS)
    assert (found[NOW].value, found[NOW].verdict, found[NOW].tolerance_used) == (1 / 3, Verdict.FAIL, 100.0)
    assert [found[NOW].detail[k] for k in ("never_given", "withdrawn_or_refused", "expired")] == [0, 1, 1]
    assert (found[ROWS].value, found[ROWS].detail["rows_without"], found[ROWS].verdict) == (
        0.75,
        3,
        Verdict.FAIL,
    )
    assert found[SINCE].verdict is Verdict.FAIL
    assert {k: found[SINCE].detail[k] for k in ("subjects", "withdrawn", "expired")} == {
        "subjects": 2,
        "withdrawn": 1,
        "expired": 1,
    }
    assert found[SINCE].detail["reason"] == (
        "2 subjects had consented and have no consent any more: train again without them"
    )


@pytest.mark.parametrize(
    ("_case", "record", "now"),
    [
        ("given today", [("a", "size advice", "2024-06-30")], True),
        ("given tomorrow", [("a", "size advice", "2024-07-01")], False),
        ("withdrawn today", [("a", "size advice", "2024-01-01", "2024-06-30")], False),
        ("withdrawn tomorrow", [("a", "size advice", "2024-01-01", "2024-07-01")], True),
        ("expires today", [("a", "size advice", "2024-01-01", None, "2024-06-30")], False),
        ("expires tomorrow", [("a", "size advice", "2024-01-01", None, "2024-07-01")], True),
        ("another purpose", [("a", "advertising", "2024-01-01")], False),
        ("other case and spaces", [("a", "  Size   ADVICE ", "2024-01-01")], True),
        ("nearly the purpose", [("a", "size advise", "2024-01-01")], False),
        ("somebody else", [("b", "size advice", "2024-01-01")], False),
        ("no moment", [("a", "size advice", None)], False),
        ("a withdrawal alone", [("a", "size advice", None, "2024-01-01")], False),
        ("withdrawn before given", [("a", "size advice", "2024-02-01", "2024-01-01")], False),
        (
            "renewed after a withdrawal",
            [("a", "size advice", "2024-01-01", "2024-02-01"), ("a", "size advice", "2024-03-01")],
            True,
        ),
        (
            "renewed on the day of the withdrawal: ties fail closed",
            [("a", "size advice", "2024-01-01", "2024-03-01"), ("a", "size advice", "2024-03-01")],
            False,
        ),
        (
            "two consents on one day: the shorter counts",
            [("a", "size advice", "2024-01-01"), ("a", "size advice", "2024-01-01", None, "2024-02-01")],
            False,
        ),
        (
            "a later consent replaces a longer one",
            [
                ("a", "size advice", "2024-01-01", None, "2025-01-01"),
                ("a", "size advice", "2024-02-01", None, "2024-03-01"),
            ],
            False,
        ),
        (
            "withdrawal of another purpose",
            [("a", "size advice", "2024-01-01"), ("a", "advertising", "2024-01-01", "2024-02-01")],
            True,
        ),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_state_today(_case, record, now, backwards):
    consent = records(*(record[::-1] if backwards else record))
    found = one(rows(("a", "2024-06-30")), consent)
    assert found[NOW].value == float(now)
    assert found[NOW].verdict is (Verdict.PASS if now else Verdict.FAIL)


@pytest.mark.parametrize(
    ("status", "ends", "now"),
    [
        ("given", {}, True),
        (" Active ", {}, True),
        ("active", {"withdrawn_at": "2024-02-01"}, False),
        ("withdrawn", {}, False),
        ("withdrawn", {"withdrawn_at": "2024-07-02"}, True),
        ("withdrawn", {"expires_at": "2025-01-01"}, False),
        ("expired", {"expires_at": "2024-05-01"}, False),
        ("expired", {}, False),
        ("refused", {}, False),
        ("refused", {"withdrawn_at": "2024-07-02"}, False),
        ("ja", {}, False),
        (None, {}, False),
    ],
)
def test_a_status_that_is_no_grant_is_a_refusal(status, ends, now):
    consent = records(("a", "size advice", "2024-01-01", ends.get("withdrawn_at"), ends.get("expires_at")))
    found = one(rows(("a", "2024-06-30")), {**consent, "status": [status]})
    assert found[NOW].value == float(now)
    assert found[NOW].detail["status_not_known"] == int(status in ("ja", None))


def test_a_refusal_without_a_moment_cannot_be_overcome_by_a_later_grant():
    consent = records(("a", "size advice", None), ("a", "size advice", "2024-01-01"))
    found = one(rows(("a", "2024-06-30")), {**consent, "status": ["withdrawn", "given"]})
    assert (found[NOW].value, found[NOW].detail["refusals_without_moment"]) == (0.0, 1)
    assert found[THEN].value == 0.0


def test_each_row_is_asked_about_at_its_own_moment():
    consent = records(("a", "size advice", "2024-02-01", "2024-03-01"), ("a", "size advice", "2024-04-01"))
    for when, had in (
        ("2024-01-31", False),
        ("2024-02-01", True),
        ("2024-02-29", True),
        ("2024-03-01", False),
        ("2024-03-31", False),
        ("2024-04-01", True),
    ):
        found = one(rows(("a", when)), consent)
        assert (found[THEN].value, found[NOW].value) == (float(had), 1.0), when
        assert found[SINCE].value == 0.0
    both = one(rows(("a", "2024-02-01"), ("a", "2024-03-01")), consent)
    assert (both[THEN].value, both[THEN].detail["rows_without"]) == (0.0, 1)


def test_a_withdrawal_by_day_undoes_what_was_given_later_on_that_day():
    consent = {
        "customer": ["a", "b"],
        "purpose": ["size advice"] * 2,
        "given_at": [datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 2, 0, tzinfo=UTC)],
        "withdrawn_at": [date(2024, 3, 1)] * 2,
    }
    found = one(rows(("a", "2024-06-30"), ("b", "2024-06-30")), consent)
    assert found[NOW].value == 0.0
    assert found[NOW].detail["withdrawn_before_given"] == 1
    again = {**consent, "customer": ["a", "a"], "withdrawn_at": [date(2024, 3, 1), None]}
    assert one(rows(("a", "2024-06-30")), again)[NOW].value == 1.0


def test_a_withdrawal_by_day_undoes_another_record_of_that_day():
    consent = {
        "customer": ["a", "a", "b", "b"],
        "purpose": ["size advice"] * 4,
        "given_at": [
            datetime(2024, 2, 1, tzinfo=UTC),
            datetime(2024, 3, 1, 10, tzinfo=UTC),
            datetime(2024, 2, 1, tzinfo=UTC),
            datetime(2024, 3, 2, tzinfo=UTC),
        ],
        "withdrawn_at": [date(2024, 3, 1), None, date(2024, 3, 1), None],
    }
    for who, has in (("a", 0.0), ("b", 1.0)):
        assert one(rows((who, "2024-06-30")), consent)[NOW].value == has, who
    early = {"customer": ["a"], "at": [datetime(2024, 3, 1, 9, tzinfo=UTC)]}
    assert one(early, consent)[THEN].value == 0.0


def test_a_withdrawal_with_a_time_before_its_own_grant_counts_when_that_was_given():
    given_at, withdrawn_at = datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, 9, tzinfo=UTC)
    consent = {
        "customer": ["a"],
        "purpose": ["size advice"],
        "given_at": [given_at],
        "withdrawn_at": [withdrawn_at],
    }
    found = one(rows(("a", "2024-06-30")), consent)
    assert (found[NOW].value, found[NOW].detail["withdrawn_before_given"]) == (0.0, 1)


def test_moments_without_a_time_zone_are_utc():
    zone = timezone(timedelta(hours=5))
    consent = {
        "customer": ["a"],
        "purpose": ["size advice"],
        "given_at": [datetime(2024, 3, 1, 4, tzinfo=zone)],  # 23:00 UTC of the day before
    }
    for naive, had in ((datetime(2024, 2, 29, 22, 59), 0.0), (datetime(2024, 2, 29, 23, 0), 1.0)):  # noqa: DTZ001
        assert one({"customer": ["a"], "at": [naive]}, consent)[THEN].value == had


def test_a_consent_holds_from_its_moment_up_to_but_not_at_its_end():
    start, end = datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 2, 10, tzinfo=UTC)
    second = timedelta(seconds=1)
    consent = {"customer": ["a"], "purpose": ["size advice"], "given_at": [start], "expires_at": [end]}
    for when, had in ((start - second, 0.0), (start, 1.0), (end - second, 1.0), (end, 0.0)):
        assert one({"customer": ["a"], "at": [when]}, consent)[THEN].value == had, when


def test_a_row_that_was_taken_on_a_day_is_asked_about_at_its_end():
    morning, evening = datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, 23, tzinfo=UTC)
    grant = {"customer": ["a"], "purpose": ["size advice"], "given_at": [morning]}
    assert one(rows(("a", "2024-03-01")), grant)[THEN].value == 1.0
    withdrawn = {**grant, "withdrawn_at": [evening]}
    assert one(rows(("a", "2024-03-01")), withdrawn)[THEN].value == 0.0
    assert one({"customer": ["a"], "at": [morning]}, withdrawn)[THEN].value == 1.0


def test_the_last_day_of_the_snapshot_stands_in_for_a_moment():
    consent = records(("a", "size advice", "2024-03-31"), ("b", "size advice", "2024-04-01"))
    training = {"customer": ["a", "b"]}
    window = (date(2024, 3, 1), date(2024, 3, 31))
    found = named(audit(training, consent, roles={}, window=window))
    assert (found[THEN].value, found[NOW].value) == (0.5, 1.0)
    without = named(audit(training, consent, roles={}))
    assert [without[name].verdict for name in (THEN, SINCE, NOW)] == ["insufficient", "insufficient", "pass"]
    assert "role 'collected_at'" in without[THEN].detail["reason"]
    assert worst_verdict(without.values()) is Verdict.INSUFFICIENT


def test_rows_without_subject_or_moment_are_not_covered():
    training = {
        "customer": ["a", None, "a", "b"],
        "at": [day("2024-02-01"), day("2024-02-01"), None, day("2024-02-01")],
    }
    consent = records(("a", "size advice", "2024-01-01"), ("b", "size advice", "2024-01-01"))
    found = one(training, consent)
    assert (found[NOW].value, found[NOW].n) == (1.0, 2)
    assert (found[ROWS].value, found[ROWS].verdict, found[ROWS].detail["rows_without_subject"]) == (
        0.25,
        "fail",
        1,
    )
    assert (
        found[THEN].value,
        found[THEN].detail["rows_without_moment"],
        found[THEN].detail["rows_without"],
    ) == (
        0.5,
        1,
        2,
    )


def test_numbers_and_text_are_the_same_subject():
    consent = records(("7", "size advice", "2024-01-01"), ("8", "size advice", "2024-01-01"))
    for customers in ([7, 8], [7.0, 8.0], ["7", "8"]):
        found = one({"customer": customers, "at": [day("2024-02-01")] * 2}, consent)
        assert found[NOW].value == 1.0


def test_thresholds_and_their_use():
    who = [f"c{i}" for i in range(20)]
    training = {"customer": who, "at": [day("2024-02-01")] * 20}
    consent = records(*((c, "size advice", "2024-01-01", "2024-05-01" if c == "c0" else None) for c in who))
    limits = {"coverage": 0.95, "rows": 0.05, "withdrawn": 0.05}
    at_limit = one(training, consent, thresholds=limits)
    assert {at_limit[name].verdict for name in (THEN, NOW, ROWS, SINCE)} == {Verdict.PASS}
    assert [at_limit[name].tolerance_used for name in (THEN, NOW, ROWS, SINCE)] == [
        0.0,
        pytest.approx(1.0),
        pytest.approx(1.0),
        pytest.approx(1.0),
    ]
    stricter = one(
        training, consent, thresholds={name: 0.96 if v > 0.5 else 0.04 for name, v in limits.items()}
    )
    assert [stricter[name].verdict for name in (THEN, NOW, ROWS, SINCE)] == ["pass", "fail", "fail", "fail"]
    assert stricter[NOW].tolerance_used == pytest.approx(0.05 / 0.04)


def test_consents_that_end_soon():
    consent = records(
        ("a", "size advice", "2024-01-01", None, "2024-07-30"),
        ("b", "size advice", "2024-01-01", None, "2024-07-31"),
        ("c", "size advice", "2024-01-01", "2024-07-10"),
        ("d", "size advice", "2024-01-01", None, "2024-02-01"),
    )
    found = one(rows(*((c, "2024-01-15") for c in "abcd")), consent)["expiring-30-days"]
    assert (found.value, found.n, found.detail["subjects"]) == (2 / 3, 3, 2)
    nobody = one(rows(("d", "2024-01-15")), consent)["expiring-30-days"]
    assert (nobody.value, nobody.verdict) == (None, Verdict.INSUFFICIENT)


def test_subjects_without_any_record():
    consent = records(("a", "size advice", "2024-01-01"), ("b", "advertising", "2024-01-01"))
    found = one(rows(*((c, "2024-02-01") for c in "abcd")), consent)["subjects-unknown"]
    assert (found.value, found.detail["subjects"], found.detail["subjects_of_other_purposes_only"]) == (
        0.5,
        2,
        1,
    )
    assert (found.tolerance_used, found.detail["role"]) == (None, "descriptive")


def test_a_purpose_that_is_misspelled_fails_with_a_hint():
    consent = records(("a", "Size advise", "2024-01-01"))
    found = one(rows(("a", "2024-02-01")), consent)[NOW]
    assert (found.verdict, found.value) == (Verdict.FAIL, 0.0)
    assert found.detail["similar_purposes"] == ["size advise"]
    assert found.detail["reason"] == (
        "no consent record of these subjects is for this purpose: check its wording; did you mean 'size advise'?"
    )
    strangers = one(rows(("z", "2024-02-01")), records(("a", "size advice", "2024-01-01")))[NOW]
    assert strangers.detail["reason"] == (
        "none of these subjects is in the consent records: check that both hold the same identifier"
    )


def test_no_records_at_all_fail_and_do_not_pass():
    empty = {"customer": ["a"][:0], "purpose": ["a"][:0], "given_at": [TODAY][:0]}
    found = one(rows(("a", "2024-02-01")), empty)
    assert [found[name].verdict for name in (THEN, NOW, ROWS)] == ["fail"] * 3


def grouped(sizes, having):
    """Customers in groups of given sizes, of whom so many have consent."""
    who, group = [], []
    for name, size in sizes.items():
        who += [f"{name}{i}" for i in range(size)]
        group += [None if name == "none" else name] * size
    consent = records(
        *((f"{name}{i}", "size advice", "2024-01-01") for name in sizes for i in range(having[name]))
    )
    return {"customer": who, "at": [day("2024-02-01")] * len(who), "age": group}, consent


def test_coverage_by_group_hides_small_ones():
    training, consent = grouped(
        {"old": 40, "young": 20, "teen": 5, "child": 6}, {"old": 40, "young": 10, "teen": 0, "child": 6}
    )
    found = audit(training, consent, sensitive=("age",))
    groups = {m.slice: m for m in found if m.name == "consent-now-group"}
    assert list(groups) == ["age=old", "age=young"]
    assert {name: (m.value, m.n) for name, m in groups.items()} == {
        "age=old": (1.0, 40),
        "age=young": (0.5, 20),
    }
    assert groups["age=old"].detail["reference"] == pytest.approx(16 / 31)
    (gap,) = [m for m in found if m.name == "consent-now-gap"]
    assert (gap.value, gap.slice, gap.detail["groups_hidden"], gap.verdict) == (0.5, "age", 2, Verdict.PASS)
    assert {m.detail["role"] for m in (*groups.values(), gap)} == {"descriptive"}
    text = json.dumps([m.to_json() for m in found])
    assert "teen" not in text
    assert "child" not in text


def test_a_single_small_group_takes_the_next_smallest_with_it():
    training, consent = grouped({"old": 40, "young": 20, "teen": 5}, {"old": 40, "young": 10, "teen": 0})
    found = audit(training, consent, sensitive=("age",))
    assert [m.slice for m in found if m.name == "consent-now-group"] == ["age=old"]
    (gap,) = [m for m in found if m.name == "consent-now-gap"]
    assert (gap.value, gap.verdict) == (None, Verdict.INSUFFICIENT)
    assert gap.detail["reason"] == "fewer than two groups with 10 subjects can be shown"


def test_those_who_declare_nothing_and_those_of_several_groups_are_groups():
    training, consent = grouped({"old": 30, "none": 12, "young": 15}, {"old": 30, "none": 6, "young": 15})
    training = {name: [*values, *values[:11]] for name, values in training.items()}
    training["age"][-11:] = ["young"] * 11
    found = {
        m.slice: m for m in audit(training, consent, sensitive=("age",)) if m.name == "consent-now-group"
    }
    assert {name: (m.value, m.n) for name, m in found.items()} == {
        "age=old": (1.0, 19),
        "age=undeclared": (0.5, 12),
        "age=young": (1.0, 15),
        "age=several": (1.0, 11),
    }


@given(st.lists(st.integers(0, 40), max_size=8))
def test_hidden_groups_cannot_be_told_from_the_whole(sizes):
    shown = shown_groups(np.array(sizes, dtype=np.int64), 10)
    hidden = [n for n, is_shown in zip(sizes, shown, strict=True) if n and not is_shown]
    assert all(n >= 10 for n, is_shown in zip(sizes, shown, strict=True) if is_shown)
    assert not hidden or not shown.any() or (len(hidden) > 1 and sum(hidden) >= 10)


def test_a_group_column_that_cannot_be_read_leaves_the_rest_intact():
    training, consent = rows(("a", "2024-02-01")), records(("a", "size advice", "2024-01-01"))
    found = audit(training, consent, sensitive=("nowhere",))
    (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
    assert (wrong.name, wrong.slice) == ("consent-now-gap", "nowhere")
    assert "'nowhere' is not in training.csv" in wrong.detail["reason"]
    assert named(found)[NOW].verdict is Verdict.PASS


def test_nobodys_identifier_leaves_the_audit():
    who = [f"person{i}@example.org" for i in range(40)]
    training = {
        "customer": [*who, "stranger@example.org"],
        "at": [day("2024-02-01")] * 41,
        "age": ["x", "y"] * 20 + ["x"],
    }
    consent = records(*((c, "size advice", "2024-01-01", "2024-05-01" if c == who[0] else None) for c in who))
    found = audit(training, {**consent, "status": ["given"] * 39 + ["who@example.org"]}, sensitive=("age",))
    text = json.dumps([m.to_json() for m in found], allow_nan=False)
    assert "@" not in text
    assert "person" not in text
    assert "stranger" not in text


REFUSALS = [
    ("no entity", {"entity": None}, "'entity'"),
    ("no purpose", {"purpose": " "}, "'purpose'"),
    ("method", {"method": "x"}, "unknown method 'x'"),
    (
        "threshold",
        {"thresholds": {"share": 1.0}},
        "unknown threshold 'share'; known: coverage, rows, withdrawn",
    ),
    ("too much", {"thresholds": {"coverage": 1.5}}, "'coverage' must lie between 0 and 1, got 1.5"),
    ("role", {"roles": {"given": "x"}}, "unknown role 'given'; known: subject, purpose, given_at"),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_parameters_are_refused_before_any_data(_case, parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**{"entity": "customer", "purpose": "size advice", **parameters}))
    with pytest.raises(AuditInputError, match=message):
        audit(rows(("a", "2024-02-01")), records(("a", "size advice", "2024-01-01")), **parameters)


GOOD = records(("a", "size advice", "2024-01-01"))


@pytest.mark.parametrize(
    ("_case", "training", "consent", "roles", "message"),
    [
        (
            "no subjects",
            {"customer": [None], "at": [TODAY]},
            GOOD,
            {},
            "no row of training.csv tells in 'customer'",
        ),
        ("no rows", {"customer": [], "at": []}, GOOD, {}, "no row of training.csv"),
        ("no entity column", {"at": [TODAY]}, GOOD, {}, "'customer' is not in training.csv"),
        ("no moment column", {"customer": ["a"]}, GOOD, {}, "'at' is not in training.csv"),
        (
            "no given_at",
            rows(("a", "2024-02-01")),
            {name: v for name, v in GOOD.items() if name != "given_at"},
            {},
            "'given_at' is not in consent.csv: name the column of role 'given_at'",
        ),
        (
            "role names nothing",
            rows(("a", "2024-02-01")),
            GOOD,
            {"status": "state"},
            "'state' is not in consent.csv",
        ),
        (
            "words as moments",
            rows(("a", "2024-02-01")),
            {**GOOD, "given_at": ["yesterday"]},
            {},
            "'given_at' does not hold dates or timestamps",
        ),
        (
            "numbers as moments",
            {"customer": ["a"], "at": [5]},
            GOOD,
            {},
            "'at' does not hold dates or timestamps",
        ),
        (
            "vectors as subjects",
            {"customer": [[0.1, 0.2]], "at": [TODAY]},
            GOOD,
            {},
            "'customer' holds vectors",
        ),
    ],
)
def test_bad_data_are_refused_with_the_column(_case, training, consent, roles, message):
    with pytest.raises(AuditInputError, match=message) as caught:
        audit(training, consent, roles={"collected_at": "at", **roles})
    assert "yesterday" not in str(caught.value)


def test_without_the_day_of_the_audit_nothing_is_said():
    with pytest.raises(AuditInputError, match="the day of the audit is not known"):
        audit(rows(("a", "2024-02-01")), GOOD, moment=None)


def test_another_column_may_hold_each_role():
    consent = {"id": ["a"], "why": ["size advice"], "from": [day("2024-01-01")], "until": [day("2024-03-01")]}
    roles = {
        "subject": "id",
        "purpose": "why",
        "given_at": "from",
        "expires_at": "until",
        "collected_at": "at",
    }
    found = named(audit(rows(("a", "2024-02-01")), consent, roles=roles))
    assert (found[THEN].value, found[NOW].value) == (1.0, 0.0)


def test_subjects_are_counted_over_many_pieces():
    n = 200_000
    training = {"customer": np.arange(n) % 70_000, "at": np.full(n, np.datetime64("2024-02-01", "us"))}
    table = MemoryTable(training)
    assert len(Subjects.of(table, "customer")) == 70_000
    consent = {
        "customer": np.arange(69_000),
        "purpose": ["size advice"] * 69_000,
        "given_at": np.full(69_000, np.datetime64("2024-01-01", "us")),
    }
    found = one(training, consent)
    assert (found[NOW].n, found[NOW].detail["subjects_without"]) == (70_000, 1000)
    assert found[ROWS].detail["rows_without"] == int((np.arange(n) % 70_000 >= 69_000).sum())


#: Days of a small calendar, so that events often meet.
DAYS = st.integers(0, 12)
RECORD = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["size advice", "SIZE advice ", "advertising"]),
    st.none() | DAYS,
    st.none() | DAYS,
    st.none() | DAYS,
    st.sampled_from(["given", "withdrawn", "expired", "refused", "perhaps"]),
)


def replayed(events, who, moment):
    """The state of one subject at a moment, hours since the first day, event by event."""
    told = []  # (hour, until): a withdrawal holds until -1
    for name, purpose, granted, withdrawn, expires, status in events:
        if name != who or " ".join(purpose.split()).lower() != "size advice":
            continue
        grants = status == "given"
        grants |= status == "withdrawn" and withdrawn is not None
        grants |= status == "expired" and expires is not None
        if not grants and granted is None and withdrawn is None:
            return False
        if granted is not None:
            told.append((granted * 24, (10_000 if expires is None else expires * 24) if grants else -1))
        if withdrawn is not None:
            for hour in (withdrawn * 24, withdrawn * 24 + 23.9):
                told.append((max(hour, -1 if granted is None else granted * 24), -1))
    past = [event for event in told if event[0] <= moment]
    if not past:
        return False
    latest = max(hour for hour, _ in past)
    return moment < min(until for hour, until in past if hour == latest)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(RECORD, max_size=8),
    st.lists(st.tuples(st.sampled_from("abcd"), DAYS), min_size=1, max_size=8),
    DAYS,
    st.randoms(),
)
def test_shares_equal_a_replay_of_every_event_in_any_order(events, taken, today, random):
    first = date(2024, 1, 1)
    at = lambda days: None if days is None else first + timedelta(days=days)  # noqa: E731
    consent = {
        "customer": [e[0] for e in events],
        "purpose": [e[1] for e in events],
        **{
            name: [at(e[i]) for e in events]
            for i, name in ((2, "given_at"), (3, "withdrawn_at"), (4, "expires_at"))
        },
        "status": [e[5] for e in events],
    }
    training = {"customer": [who for who, _ in taken], "at": [at(days) for _, days in taken]}
    found = one(training, consent, moment=at(today))
    by_subject = defaultdict(list)
    for who, days in taken:
        by_subject[who].append(replayed(events, who, days * 24 + 23.95))
    then = {who: all(states) for who, states in by_subject.items()}
    now = {who: replayed(events, who, today * 24 + 23.95) for who in by_subject}
    n = len(by_subject)
    assert found[THEN].value == pytest.approx(sum(then.values()) / n)
    assert found[NOW].value == pytest.approx(sum(now.values()) / n)
    assert found[SINCE].detail["subjects"] == sum(then[who] and not now[who] for who in by_subject)
    assert found[ROWS].detail["rows_without"] == sum(not now[who] for who, _ in taken)
    order = list(range(len(events)))
    random.shuffle(order)
    shuffled = {name: [values[i] for i in order] for name, values in consent.items()}
    assert [m.to_json() for m in audit(training, shuffled, moment=at(today))] == [
        m.to_json() for m in found.values()
    ]
