"""Dark-pattern checklist: complete, by somebody else, lately and with evidence; hints that never fail."""

import json
from datetime import date, timedelta
from pathlib import Path

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
from audits.kinds.dark_patterns import DarkPatterns
from audits.metrics.pressure.checklist import CHECKLIST, CHECKS, VERSION, as_markdown
from audits.metrics.pressure.text_hints import PHRASES, hints_in
from audits.tables import MemoryTable

DAY = date(2026, 6, 30)
ROLES = {name: name for name in ("campaign", "check", "answer", "evidence", "reviewer", "at", "author")}
PAGE = Path(__file__).parents[3] / "docs/reference/audit-kinds/dark-patterns.md"


def audit(table, /, *, roles=ROLES, moment=DAY, **parameters):
    values = AuditParameters(roles=roles, **parameters)
    timing = Timing(moment=moment) if moment else None
    return DarkPatterns().run(AuditInput(current=MemoryTable(table), parameters=values, timing=timing))


def found_in(measurements):
    found = {(m.name, m.slice): m for m in measurements}
    assert len(found) == len(measurements)
    return found


def review(campaign="spring", /, **changes):
    """Every check answered no by reviewer r1 on the first of June; ``changes`` give other cells by check slug."""
    rows = {
        check.slug: {
            "campaign": campaign,
            "check": check.slug,
            "answer": "no",
            "evidence": "https://evidence.example/1",
            "reviewer": "r1",
            "at": date(2026, 6, 1),
            "author": "a1",
        }
        for check in CHECKLIST
    }
    for slug, cells in changes.items():
        key = slug.replace("_", "-")
        if cells is None:
            del rows[key]
        else:
            rows[key] |= cells
    return list(rows.values())


def table(*rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_it_is_registered_as_a_conduct_audit_that_depends_on_the_day():
    kind = audit_kinds.get("dark-patterns")
    assert (kind.dimension, kind.reads, kind.by_the_clock) == ("conduct", ("current", ""), True)
    assert kind.label == "Dark-pattern checklist"


def test_a_complete_review_without_patterns_passes():
    found = audit(table(*review()))
    assert {(m.name, m.slice, m.value, m.verdict) for m in found} == {
        ("rows-used", "", 1.0, Verdict.PASS),
        ("checklist-complete", "spring", 1.0, Verdict.PASS),
        ("patterns-found", "spring", 0.0, Verdict.PASS),
        ("stale-answers", "spring", 0.0, Verdict.PASS),
        ("own-work", "spring", 0.0, Verdict.PASS),
    }
    assert worst_verdict(found) is Verdict.PASS


@pytest.mark.parametrize(("slug", "verdict"), [("false-countdown", "fail"), ("emotional-timing", "review")])
def test_a_pattern_that_is_prohibited_fails_and_others_are_for_review(slug, verdict):
    found = found_in(audit(table(*review(**{slug: {"answer": "YES"}}))))
    whole, one = found["patterns-found", "spring"], found["check", f"spring: {slug}"]
    assert (whole.value, whole.verdict, whole.threshold, whole.tolerance_used) == (1.0, verdict, 0.0, 100.0)
    assert (one.verdict, one.detail["category"]) == (verdict, CHECKS[slug].category)
    assert whole.detail["patterns"] == [slug]
    assert found["checklist-complete", "spring"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("_case", "cells", "reason"),
    [
        ("not asked", None, "not answered"),
        ("left open", {"answer": None}, "no answer of yes, no or n.a."),
        ("nobody", {"reviewer": " "}, "no reviewer"),
        (
            "an address",
            {"reviewer": "anna@example.com"},
            "the reviewer is an e-mail address: use a pseudonymous identifier",
        ),
        ("no proof", {"evidence": ""}, "no evidence: give a link or a note"),
        ("no day", {"at": None}, "no date"),
    ],
)
def test_an_answer_that_lacks_something_is_no_answer(_case, cells, reason):
    found = audit(table(*review(**{"nagging": cells})))
    by = found_in(found)
    m = by["check", "spring: nagging"]
    assert (m.verdict, m.detail["reason"], m.value) == (Verdict.INSUFFICIENT, reason, None)
    complete = by["checklist-complete", "spring"]
    assert (complete.value, complete.verdict, complete.n) == (24 / 25, Verdict.INSUFFICIENT, 25)
    assert complete.detail["reason"].startswith("1 of 25 checks lack")
    assert by["patterns-found", "spring"].verdict is Verdict.INSUFFICIENT
    assert worst_verdict(found) is Verdict.INSUFFICIENT
    assert "example.com" not in json.dumps([m.to_json() for m in found])


def test_a_pattern_counts_even_where_its_evidence_is_missing():
    found = found_in(audit(table(*review(**{"nagging": {"answer": "yes", "evidence": None}}))))
    assert found["patterns-found", "spring"].verdict is Verdict.FAIL
    assert found["check", "spring: nagging"].verdict is Verdict.FAIL


def test_not_applicable_is_an_answer():
    rows = [
        row | {"answer": word}
        for row, word in zip(review(), ["n.a.", "N/A", "na", "no", "0"] * 5, strict=True)
    ]
    assert worst_verdict(audit(table(*rows))) is Verdict.PASS


@pytest.mark.parametrize(("age", "verdict"), [(180, "pass"), (181, "review"), (-1, "pass"), (-2, "review")])
def test_answers_grow_old_and_may_not_lie_in_the_future(age, verdict):
    found = found_in(audit(table(*review(**{"nagging": {"at": DAY - timedelta(days=age)}}))))
    m = found["stale-answers", "spring"]
    assert (m.verdict, m.value) == (verdict, float(verdict == "review"))
    later = found_in(audit(table(*review()), moment=date(2027, 1, 1)))["stale-answers", "spring"]
    assert (later.verdict, later.value, later.detail["oldest_days"]) == (Verdict.REVIEW, 25.0, 214)


def test_without_a_day_of_asking_nobody_can_tell_what_is_old():
    assert (
        found_in(audit(table(*review()), moment=None))["stale-answers", "spring"].verdict
        is Verdict.INSUFFICIENT
    )


def test_authors_do_not_review_their_own_campaign():
    found = found_in(audit(table(*review(**{"nagging": {"author": "R1"}}))))
    m = found["own-work", "spring"]
    assert (m.value, m.n, m.verdict) == (1.0, 25, Verdict.REVIEW)
    nobody = found_in(audit(table(*review()), roles={k: v for k, v in ROLES.items() if k != "author"}))
    assert nobody["own-work", "spring"].verdict is Verdict.INSUFFICIENT


def test_the_newest_answer_counts_and_yes_where_two_are_equally_new():
    first = review(**{"nagging": {"answer": "yes"}})
    repaired = [row | {"at": date(2026, 6, 2)} for row in review() if row["check"] == "nagging"]
    for rows in ([*first, *repaired], [*repaired, *first]):
        found = found_in(audit(table(*rows)))
        assert found["patterns-found", "spring"].value == 0
        assert found["rows-used", ""].detail["superseded"] == 1
    same_day = [row for row in review() if row["check"] == "nagging"]
    for rows in ([*first, *same_day], [*same_day, *first]):
        assert found_in(audit(table(*rows)))["patterns-found", "spring"].value == 1


def test_each_campaign_is_judged_by_itself():
    rows = [*review("spring", **{"nagging": {"answer": "yes"}}), *review("autumn")]
    found = found_in(audit(table(*rows)))
    assert found["patterns-found", "spring"].verdict is Verdict.FAIL
    assert found["patterns-found", "autumn"].verdict is Verdict.PASS


def test_checks_that_the_list_does_not_have_are_told():
    rows = [*review(), review()[0] | {"check": "colour"}, review()[0] | {"campaign": None}]
    m = found_in(audit(table(*rows)))["rows-used", ""]
    assert (m.value, m.verdict, m.n) == (25 / 27, Verdict.REVIEW, 27)
    assert (m.detail["unknown_checks"], m.detail["without_campaign"], m.detail["checklist"]) == (
        1,
        1,
        VERSION,
    )
    nothing = found_in(audit(table(review()[0] | {"check": "colour"})))
    assert nothing["rows-used", ""].verdict is Verdict.INSUFFICIENT


def with_text(texts):
    rows = review()
    return table(*[row | {"text": text} for row, text in zip(rows, texts + [None] * 25, strict=False)])


def test_hints_from_the_wording_are_for_review_and_never_fail():
    texts = ["Last chance: hurry!", "Bientôt épuisé", "A new collection", "Ultimi pezzi, affrettati"]
    found = found_in(audit(with_text(texts), roles={**ROLES, "text": "text"}))
    values = {s: (m.value, m.n, m.verdict) for (name, s), m in found.items() if name == "text-hint"}
    assert values == {
        "urgency": (2.0, 4, Verdict.REVIEW),
        "scarcity": (2.0, 4, Verdict.REVIEW),
        "confirm-shaming": (0.0, 4, Verdict.PASS),
    }
    assert "chance" not in json.dumps([m.to_json() for m in found.values()])
    none = found_in(audit(with_text([]), roles={**ROLES, "text": "text"}))
    assert none["text-hint", "urgency"].verdict is Verdict.INSUFFICIENT
    gone = found_in(audit(with_text([]), roles={**ROLES, "text": "gone"}))
    assert gone["text-hint", ""].verdict is Verdict.ERRORED
    assert gone["patterns-found", "spring"].verdict is Verdict.PASS


@pytest.mark.parametrize("hint", PHRASES)
def test_every_phrase_is_found_in_capitals_and_not_within_a_word(hint):
    for phrase in PHRASES[hint]:
        assert hint in hints_in(f"Dear customer: {phrase.upper()}!")
        assert hint not in hints_in(f"x{phrase}")


def test_typographic_apostrophes_are_apostrophes():
    assert hints_in("No, I don’t want") == {"confirm-shaming"}
    assert hints_in("No thanks") == set()


def test_plain_words_of_a_house_are_no_hints():
    for text in (
        "Hand-made in Florence",
        "Our last collection of the decade",
        "Chance meeting",
        "Heute eröffnet",
    ):
        assert hints_in(text) == set()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"roles": {k: v for k, v in ROLES.items() if k != "evidence"}},
            "name the column of role 'evidence'",
        ),
        ({"roles": {**ROLES, "colour": "x"}}, "unknown role 'colour'"),
        ({"roles": {**ROLES, "author": "reviewer"}}, "column 'reviewer' has two roles"),
        ({"thresholds": {"weeks": 1}}, "unknown threshold 'weeks'; known: complete, days"),
        ({"thresholds": {"days": -1}}, "threshold 'days' must be at least 0"),
        ({"thresholds": {"complete": 0}}, "'complete' lie above 0"),
        ({"method": "x"}, "leave 'method' out"),
    ],
)
def test_parameters_that_nothing_could_make_usable_are_refused(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        DarkPatterns().check(AuditParameters(**{"roles": ROLES, **parameters}))


def test_an_answer_that_is_none_is_refused_without_repeating_it():
    rows = table(*review(**{"nagging": {"answer": "perhaps"}}))
    with pytest.raises(
        AuditInputError, match=r"column 'answer' holds answers other than yes, no and n\.a\."
    ) as caught:
        audit(rows)
    assert "perhaps" not in str(caught.value)


def test_data_that_nothing_can_be_computed_of_are_refused():
    with pytest.raises(AuditInputError, match="column 'at' is not one of dates"):
        audit(table(*review()) | {"at": ["soon"] * 25})
    with pytest.raises(AuditInputError, match="table has no rows"):
        audit({name: [] for name in ROLES})
    with pytest.raises(AuditInputError, match="column 'evidence' is not in table"):
        audit({k: v for k, v in table(*review()).items() if k != "evidence"})
    many = [row | {"campaign": f"c{i}"} for i, row in enumerate(review() * 21)]
    with pytest.raises(AuditInputError, match="more than 500 campaigns"):
        audit(table(*many))


def test_lower_demands_on_completeness_are_a_choice():
    rows = review(**{"nagging": None})
    m = found_in(audit(table(*rows), thresholds={"complete": 0.9}))["checklist-complete", "spring"]
    assert (m.verdict, m.threshold, m.tolerance_used) == (Verdict.PASS, 0.9, pytest.approx(0.4))


CELLS = st.fixed_dictionaries(
    {
        "answer": st.sampled_from(["yes", "no", "n.a.", None]),
        "evidence": st.sampled_from(["note", None]),
        "reviewer": st.sampled_from(["r1", "r@x", None]),
        "at": st.sampled_from([date(2026, 6, 1), None]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(CHECKS)), CELLS, max_size=8))
def test_counts_agree_with_a_naive_reading(cells):
    rows = [row | cells.get(row["check"], {}) for row in review()]
    full = sum(bool(r["answer"] and r["evidence"] and r["reviewer"] == "r1" and r["at"]) for r in rows)
    yes = [r["check"] for r in rows if r["answer"] == "yes"]
    found = found_in(audit(table(*rows)))
    assert found["checklist-complete", "spring"].value == full / 25
    whole = found["patterns-found", "spring"]
    assert sorted(whole.detail["patterns"]) == sorted(yes)
    expected = (
        "fail"
        if any(CHECKS[s].prohibited for s in yes)
        else "review"
        if yes
        else "pass"
        if full == 25
        else "insufficient"
    )
    assert whole.verdict == expected


def test_the_checklist_has_stable_names_sources_and_every_category():
    assert len(CHECKS) == len(CHECKLIST) == 25
    assert all(c.slug == c.slug.lower() and c.question.endswith("?") and c.source for c in CHECKLIST)
    mathur = {
        "sneaking",
        "urgency",
        "misdirection",
        "social proof",
        "scarcity",
        "obstruction",
        "forced action",
    }
    assert {c.category for c in CHECKLIST} == mathur | {"consent", "personalisation"}


def test_the_reference_page_shows_the_checklist_as_it_is():
    page = PAGE.read_text()
    assert as_markdown() in page
    assert f"version `{VERSION}`" in page
