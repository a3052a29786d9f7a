"""Personal data in columns: found by values and names, not in codes of things, and never repeated in an answer."""

import datetime as dt
import json
import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.personal_data import PersonalData
from audits.metrics.privacy.personal.patterns import CALLED
from audits.metrics.statistics.intervals import wilson
from audits.tables import ColumnFault, MemoryTable
from tests.audits.personal_corpus import card, corpus

KIND = PersonalData()


def audit(columns, /, *declared, seed=0, method=None, **limits):
    parameters = AuditParameters(columns=declared, method=method, thresholds=limits)
    found = KIND.run(AuditInput(current=MemoryTable(columns), parameters=parameters, seed=seed))
    assert len({(m.name, m.slice) for m in found}) == len(found)
    return found


def by_slice(found):
    return {m.slice: m for m in found if m.slice}


def one(values, /, name="f01", **options):
    """The measurement of a table with a single column."""
    (measurement,) = [m for m in audit({name: values}, **options) if m.slice]
    return measurement


def emails(rows):
    return [f"ann.smith{i}@mail.example" for i in range(rows)]


def test_it_is_registered_as_a_privacy_audit_of_training_data():
    kind = audit_kinds.get("personal-data")
    assert (kind.dimension, kind.reads, kind.by_the_clock) == ("privacy", ("training", ""), False)
    assert set(kind.words) == {"personal-data", "undeclared-columns", *(f"personal-data:{c}" for c in CALLED)}


def test_a_column_of_e_mail_addresses_fails_until_it_is_declared():
    m = one([*emails(90), *["none"] * 10], name="f01")
    assert (m.name, m.verdict, m.n, m.value) == ("personal-data:e-mail", Verdict.FAIL, 91, 90 / 91)
    assert (m.low, m.high) == tuple(float(end) for end in wilson(90, 91))
    assert m.tolerance_used == 0.99 / 0.9
    assert m.detail == {
        "category": "e-mail",
        "confidence": 0.99,
        "evidence": "values",
        "declared": False,
        "matches": 90,
        "confidence_limit": 0.9,
        "scheme": "email",
        "reason": "90 of 91 different values in column 'f01' look like e-mail addresses: declare the column as personal data, "
        "or take it out of the data",
    }
    (declared,) = [m for m in audit({"f01": emails(90)}, "f01") if m.slice]
    assert (declared.verdict, declared.tolerance_used) == (Verdict.PASS, 0.0)
    assert (declared.detail["declared"], "reason" in declared.detail) == (True, False)


def test_what_was_looked_at_and_found_is_described():
    table = {"a": emails(40), "b": emails(40), "c": list(range(40)), "d": [1.5] * 40}
    found = audit(table, "b", "c")
    first = found[0]
    assert (first.name, first.value, first.n, first.verdict) == ("undeclared-columns", 1.0, 40, Verdict.PASS)
    assert first.detail == {
        "role": "descriptive",
        "columns": ["a"],
        "declared": ["b"],
        "rows": 40,
        "sampled_rows": 40,
    }
    clean = by_slice(found)["c"]
    assert (clean.name, clean.verdict, clean.n, clean.value) == ("personal-data", Verdict.PASS, 40, 0.0)
    assert clean.detail == {"declared": True, "rows_with_value": 40, "found": False, "weaker": {}}
    assert worst_verdict(found) is Verdict.FAIL


def test_one_e_mail_address_among_thousands_of_codes_is_worth_a_look():
    m = one([*(f"SKU-{i:06d}" for i in range(5000)), "ann@mail.example"])
    assert (m.name, m.verdict, m.detail["confidence"], m.value) == (
        "personal-data:e-mail",
        Verdict.REVIEW,
        0.5,
        1 / 5001,
    )


def test_texts_with_contact_details_in_them_are_found():
    text = "the zip broke after two weeks"
    m = one(
        [*(f"{text} {i}" for i in range(95)), *(f"{text}, write to ann{i}@mail.example" for i in range(5))]
    )
    assert (m.name, m.verdict, m.value) == ("personal-data:free-text", Verdict.FAIL, 0.05)
    phones = one([f"{text} {i}, call +33 6 12 34 56 {i:02d} please" for i in range(30, 90)])
    assert (phones.name, phones.verdict) == ("personal-data:free-text", Verdict.FAIL)


def test_cards_in_text_and_in_numbers():
    rng = random.Random(3)  # noqa: S311 (made-up data)
    numbers = [card(rng) for _ in range(60)]
    for values in (numbers, [int(n) for n in numbers], [float(n) for n in numbers]):
        m = one(values)
        assert (m.name, m.verdict, m.value) == ("personal-data:payment-card", Verdict.FAIL, 1.0)


def test_a_name_and_values_together_are_surer_than_either():
    shaped = [f"{100 + i}-{10 + i % 80}-{2000 + i}" for i in range(200)]
    alone, named = one(shaped), one(shaped, name="ssn")
    assert (alone.detail["confidence"], alone.detail["evidence"], alone.verdict) == (0.8, "values", "review")
    assert (named.detail["confidence"], named.detail["evidence"], named.verdict) == (0.95, "both", "fail")
    hashed = one([f"{i:064x}" for i in range(200)], name="ssn")
    assert (hashed.detail["confidence"], hashed.detail["evidence"]) == (0.525, "name")
    assert (hashed.value, hashed.low, hashed.verdict) == (None, None, "review")
    assert hashed.detail["reason"].startswith(
        "the name of column 'ssn' says that it holds national identity numbers; its values do not prove it"
    )


def test_dates_are_of_birth_only_by_their_name():
    days = [dt.date(1950, 1, 1) + dt.timedelta(days=97 * i) for i in range(200)]
    texts = [day.strftime("%d/%m/%Y") for day in days]
    assert one(days, name="ordered_on").verdict == "pass"
    assert one(texts, name="ordered_on").verdict == "pass"
    for values in (days, texts, [day.year for day in days]):
        m = one(values, name="data_di_nascita")
        assert (m.name, m.verdict, m.detail["evidence"]) == ("personal-data:birth-date", "fail", "both")


def test_phones_without_a_country_code_need_their_country():
    values = [f"06 12 34 {i:02d} {j:02d}" for i in range(10, 20) for j in range(10, 20)]
    assert one(values).verdict == "pass"
    assert one(values, method="FR").verdict == "fail"
    digits = [int(v.replace(" ", "")) for v in values]
    assert one(digits, method="FR").verdict == "pass"
    assert one(digits, name="telefono", method="FR").verdict == "fail"


def test_codes_of_things_are_not_taken_for_people():
    """Same shapes and the same check digits: ISBN-10 as the health service's number, versions, file names."""
    rng = np.random.default_rng(1)
    things = {
        "isbn": [f"0-30{i:02d}-{i:04d}-{_isbn_digit(f'030{i:02d}{i:04d}')}" for i in range(10, 99)],
        "version": [f"{i % 9}.{i % 17}.{i % 23}.{i % 99}" for i in range(300)],
        "file": [f"icon{i}@2x.png" for i in range(300)],
        "moment": [1_700_000_000 + 61 * i for i in range(300)],
        "price": rng.uniform(10, 900, 300).round(2),
        "order": [f"2024-{i:06d}" for i in range(300)],
        "store_name": [f"{city} Via Roma" for city in ("Anna", "Maria", "Luca")] * 100,
        "women_or_men": ["women", "men"] * 150,
        "email_opt_in": [True, False] * 150,
        "nombre_articles": [i % 9 for i in range(300)],
    }
    for name, values in things.items():
        assert one(values, name=name, method="DE").verdict == "pass", name


def _isbn_digit(nine):
    return "0123456789X"[-sum(int(d) * (10 - i) for i, d in enumerate(nine)) % 11]


def test_no_value_is_ever_in_an_answer():
    secrets = [f"zq{i}x@wv-secret.example" for i in range(50)]
    table = {
        "f01": secrets,
        "f02": [f"call me under +33 6 55 44 33 {i:02d} {s}" for i, s in enumerate(secrets)],
        "f03": [4_000_000_000_000_002] * 50,
        "f04": [f"Zebulon{i} Quarx" for i in range(50)],
    }
    answer = json.dumps([m.to_json() for m in audit(table)])
    for secret in ("zq1x", "wv-secret", "55 44 33", "4000000000000002", "Quarx"):
        assert secret not in answer


@pytest.mark.parametrize(
    ("_case", "values", "verdict", "reason"),
    [
        (
            "29 codes",
            [f"K{i}" for i in range(29)],
            "insufficient",
            "column 'f01' has 29 values in the rows looked at",
        ),
        ("30 codes", [f"K{i}" for i in range(30)], "pass", None),
        ("no values", pa.array([None] * 50, pa.string()), "insufficient", "column 'f01' has 0 values"),
        ("blanks only", ["  "] * 50, "insufficient", "column 'f01' has 0 values"),
        ("no rows", pa.array([], pa.string()), "insufficient", "column 'f01' has 0 values"),
        ("vectors", pa.array([[0.5, 1.5]] * 50), "insufficient", "column 'f01' holds vectors"),
        ("truth values", [True] * 50, "pass", None),
        ("one repeated code", ["gold"] * 50, "pass", None),
    ],
)
def test_too_little_to_call_a_column_clean(_case, values, verdict, reason):
    m = one(values)
    assert (m.name, m.verdict) == ("personal-data", verdict)
    assert m.detail.get("reason", "").startswith(reason or "")
    assert ("reason" in m.detail) == (reason is not None)


def test_three_e_mail_addresses_are_enough_to_fail():
    assert one(emails(3)).verdict is Verdict.FAIL


def test_limits_move_the_verdict():
    shaped = [f"{100 + i}-{10 + i % 80}-{2000 + i}" for i in range(200)]
    assert one(shaped, **{"confidence-fail": 0.8}).verdict == "fail"
    assert one(shaped, **{"confidence-review": 0.85}).verdict == "pass"
    assert one(shaped, **{"confidence-review": 0.85}).detail["weaker"] == {"national-id": 0.8}
    assert one(["a"] * 5, rows=5).verdict == "pass"


@pytest.mark.parametrize(
    ("_case", "parameters", "message"),
    [
        ("threshold", {"thresholds": {"share": 0.1}}, "unknown threshold 'share'; known: confidence-fail"),
        ("role", {"roles": {"date": "x"}}, "unknown role 'date'"),
        ("country", {"method": "XX"}, "unknown method 'XX': give the two letters of the country"),
        ("order", {"thresholds": {"confidence-review": 0.95}}, "confidence-review <= confidence-fail <= 1"),
        ("above 1", {"thresholds": {"confidence-fail": 1.1}}, "confidence-fail <= 1"),
        ("zero", {"thresholds": {"confidence-review": 0.0}}, "0 < confidence-review"),
        ("rows", {"thresholds": {"rows": 0.0}}, "'rows' must be at least 1"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(_case, parameters, message):
    values = AuditParameters(**parameters)
    with pytest.raises(AuditInputError, match=message):
        KIND.check(values)
    with pytest.raises(AuditInputError, match=message):
        KIND.run(AuditInput(current=MemoryTable({"f01": ["a"] * 50}), parameters=values))


def test_a_declared_column_that_is_not_there_is_an_error_of_its_own():
    found = by_slice(audit({"f01": emails(40)}, "f01", "e_mail"))
    assert found["f01"].verdict is Verdict.PASS
    assert found["e_mail"].verdict is Verdict.ERRORED
    assert (
        found["e_mail"]
        .detail["reason"]
        .startswith("column 'e_mail' is declared to hold personal data, but is not in")
    )


class Faulty(MemoryTable):
    def scan(self, names=None):
        for piece in super().scan(names):
            yield ColumnFault("bad", "column 'bad' is not UTF-8") if piece.name == "bad" else piece


def test_a_column_that_cannot_be_read_leaves_the_others_intact():
    table = Faulty({"bad": ["x"] * 40, "f01": emails(40)})
    found = by_slice(KIND.run(AuditInput(current=table)))
    assert (found["bad"].verdict, found["bad"].detail["reason"]) == ("errored", "column 'bad' is not UTF-8")
    assert found["f01"].verdict is Verdict.FAIL


def test_a_large_table_is_sampled_by_its_seed_over_all_of_its_rows():
    column = pa.array([f"SKU-{i:06d}" for i in range(40_000)] + emails(1000))
    first, again, other = (audit({"f01": column}, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    m = by_slice(first)["f01"]
    assert (m.n, first[0].detail["sampled_rows"], first[0].detail["rows"]) == (20_000, 20_000, 41_000)
    assert m.name == "personal-data:e-mail"
    assert m.value == pytest.approx(1000 / 41_000, rel=0.2)


def test_forty_columns_are_read_at_the_same_rows_in_turns():
    table = {f"c{i:02d}": emails(40) if i % 7 == 3 else [f"K{j}" for j in range(40)] for i in range(40)}
    found = audit(table)
    assert found[0].detail["columns"] == [f"c{i:02d}" for i in range(40) if i % 7 == 3]
    assert [m.slice for m in found[1:]] == list(table)


def scored(rows, dirty, seed, with_region=True):
    """True and false positives and misses, by category; and of columns."""
    hits, false, missed, columns = Counter(), Counter(), Counter(), Counter()
    for region, labelled in corpus(rows, dirty, seed):
        found = {column.name: set() for column in labelled}
        for m in audit({c.name: c.values for c in labelled}, method=region if with_region else None):
            if "category" in m.detail:
                found[m.slice].add(m.detail["category"])
        for column in labelled:
            said = found[column.name]
            hits.update(said & column.categories)
            false.update(said - column.categories)
            missed.update(column.categories - said)
            columns[(bool(said), bool(column.categories))] += 1
    return hits, false, missed, columns


@pytest.mark.parametrize(
    ("_case", "rows", "dirty", "with_region"),
    [("clean", 150, 0.0, True), ("a third is junk", 150, 0.33, True), ("no country", 100, 0.0, False)],
)
def test_precision_and_recall_on_the_labelled_corpus(_case, rows, dirty, with_region):
    hits, false, missed, columns = scored(rows, dirty, 11, with_region)
    assert set(hits) == set(CALLED)
    for category in CALLED:
        assert hits[category] / (hits[category] + false[category]) >= 0.88, category
        assert hits[category] / (hits[category] + missed[category]) >= 0.90, category
    assert columns[(True, True)] / (columns[(True, True)] + columns[(True, False)]) >= 0.98
    assert columns[(True, True)] / (columns[(True, True)] + columns[(False, True)]) >= 0.98


def test_few_rows_are_no_reason_to_accuse():
    _, false, missed, columns = scored(40, 0.2, 5)
    assert columns[(True, False)] <= 3
    assert sum(missed.values()) <= 15
    assert sum(false.values()) <= 3
