"""What measurements say in plain words: in the words of their kind, and without any."""

from __future__ import annotations

import string

import pytest

from audits.kinds import Measurement, Verdict, Words, audit_kinds
from audits.verdicts.words import GROUP_WORDS, SHOWN_WORDS
from config.charts.sentences import found_sentence, reading, verdict_sentence
from config.charts.wording import amount, label_of, times, words_of

#: Of 72 people of 65+ 12 were reached, of 729 others 234: the grocer's data that come with the product.
REACHED = {
    "reference": 234 / 729,
    "reference_n": 729,
    "ratio": (12 / 72) / (234 / 729),
    "ratio_low": 0.29,
    "ratio_high": 0.83,
    "p": 0.006,
    "p_adjusted": 0.03,
    "tolerance": [0.8, 1.25],
}


def measured(name: str = "selection-rate", **fields: object) -> Measurement:
    given = {"slice": "age=65+", "n": 72, "value": 12 / 72, "verdict": Verdict.FAIL, "tolerance_used": 2.9}
    return Measurement(name=name, **{**given, "detail": REACHED, **fields})  # type: ignore[arg-type]


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


def test_a_disparity_reads_as_a_sentence_with_its_numbers_and_its_verdict():
    assert plain(reading(measured(), GROUP_WORDS)) == (
        "The group 65+ (age) was selected half as often as all others (16.7 % against 32.1 %; ratio 0.52, "
        "95 % interval 0.29–0.83). That is outside the tolerance of 0.80 to 1.25 and more than chance explains (p 0.030)."
    )


@pytest.mark.parametrize(
    ("verdict", "used", "sentence"),
    [
        (
            "review",
            2.9,
            "That is outside the tolerance of 0.80 to 1.25, but chance may explain it (p 0.030).",
        ),
        ("pass", 0.5, "That is within the tolerance of 0.80 to 1.25."),
        ("pass", None, ""),
    ],
)
def test_the_verdict_of_a_disparity(verdict, used, sentence):
    found = measured(verdict=Verdict(verdict), tolerance_used=used)
    assert plain(verdict_sentence(found, GROUP_WORDS)) == sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"verdict": "fail", "tolerance_used": 2.0}, "That is beyond the limit of 5.0 %."),
        (
            {"verdict": "review", "tolerance_used": 1.2},
            "That is beyond the limit of 5.0 %, and needs a look.",
        ),
        (
            {"verdict": "review", "tolerance_used": 0.9, "detail": {"reason": "ask the owner."}},
            "That is within the limit of 5.0 %, and needs a look: ask the owner.",
        ),
        ({"verdict": "pass", "tolerance_used": 0.4}, "That is within the limit of 5.0 %."),
        ({"verdict": "fail", "tolerance_used": 1.0, "threshold": None}, "That is not tolerated."),
        (
            {
                "verdict": "insufficient",
                "tolerance_used": None,
                "detail": {"reason": "23 rows; 30 are needed"},
            },
            "That is too little to judge: 23 rows; 30 are needed.",
        ),
        (
            {"verdict": "errored", "tolerance_used": None, "detail": {"reason": "the column is gone"}},
            "It could not be computed: the column is gone.",
        ),
    ],
)
def test_the_verdict_of_a_number_with_a_limit(fields, sentence):
    given = {"name": "missing-share", "threshold": 0.05, "value": 0.1, "detail": {}, **fields}
    given["verdict"] = Verdict(given["verdict"])
    assert plain(verdict_sentence(Measurement(**given), {})) == sentence


def test_a_search_that_chance_explains_is_not_said_to_be_within_a_limit():
    detail = {"reference": 0.33, "ratio": 1.41, "p": 0.44}
    found = measured(
        "highest-selection-rate", verdict=Verdict.PASS, tolerance_used=1.0, threshold=0.8, detail=detail
    )
    assert plain(verdict_sentence(found, {})) == "That is no more than chance explains (p 0.440)."


def test_without_words_a_sentence_is_made_from_the_name():
    found = measured("mean-delay:north_shops", detail={}, low=0.1, high=0.25)
    assert (
        plain(found_sentence(found, {}))
        == "Mean delay of north shops of age: 65+ is 0.167 (95 % interval 0.100 to 0.250)."
    )
    assert plain(found_sentence(measured("reach-rate"), {})) == (
        "Reach rate of age: 65+ is 16.7 %, against 32.1 % of the others (ratio 0.52, 95 % interval 0.29–0.83)."
    )


def test_a_number_that_could_not_be_formed_says_why_and_of_what():
    found = measured(
        value=None, verdict=Verdict.INSUFFICIENT, tolerance_used=None, detail={"reason": "3 rows"}
    )
    assert reading(found, GROUP_WORDS) == "Selection rate for age: 65+: that is too little to judge: 3 rows."


def test_a_sentence_that_asks_for_what_is_not_there_gives_way_to_the_name():
    words = {"share": Words(label="Consent", sentence="{value} of {purpose} have one.", unit="share")}
    found = measured("share", slice="", detail={})
    assert plain(found_sentence(found, words)) == "Consent is 16.7 %."
    given = measured("share", slice="", detail={"purpose": "mailing"})
    assert plain(found_sentence(given, words)) == "16.7 % of mailing have one."


@pytest.mark.parametrize("sentence", ["{value", "{0}", "{value.real}", "{value!x}", "{value:d}"])
def test_a_broken_sentence_is_no_broken_page(sentence):
    words = {"share": Words(label="Consent", sentence=sentence, unit="share")}
    assert plain(found_sentence(measured("share", slice="", detail={}), words)) == "Consent is 16.7 %."


def test_the_interval_is_not_told_twice():
    words = {"auc": Words(label="AUC", sentence="It is {value}, between {low} and {high}.")}
    found = measured("auc", low=0.1, high=0.2, detail={})
    assert found_sentence(found, words) == "It is 0.167, between 0.100 and 0.200."


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("selection-rate", "Selection rate"),
        ("selection-rate:reached_type_c", "Selection rate of reached type c"),
        ("conditional-selection-rate", "Selection rate, like with like"),
        ("conditional-selection-rate:reached", "Selection rate of reached, like with like"),
        ("some-new-metric", "Some new metric"),
        ("some-new-metric:spend", "Some new metric of spend"),
    ],
)
def test_labels_follow_the_name(name, label):
    assert label_of(name, GROUP_WORDS) == label


def test_words_for_any_name_keep_the_name_as_label():
    words = {"*": Words(label="", sentence="{slice} moved by {value}.")}
    assert label_of("jensenshannon", words) == "Jensen–Shannon distance"
    assert (
        found_sentence(measured("jensenshannon", slice="price", detail={}), words) == "Price moved by 0.167."
    )


def test_a_declared_share_is_a_share_though_its_ratio_is_measured():
    detail = {"share": 0.36, "reference": 0.2, "ratio": 1.8, "tolerance": [0.8, 1.25], "p_adjusted": 0.0001}
    found = measured("representation-ratio", value=1.8, low=1.63, high=1.97, detail=detail)
    assert plain(found_sentence(found, SHOWN_WORDS)) == (
        "The group 65+ (age) is shown 80 % more often than in the declared population "
        "(1.80, 95 % interval 1.63 to 1.97)."
    )
    assert plain(found_sentence(found, {})) == (
        "Representation ratio of age: 65+ is 1.80, against 20.0 % of the others (95 % interval 1.63 to 1.97)."
    )


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.5, "half as often as"),
        (0.52, "half as often as"),
        (0.53, "47 % less often than"),
        (0.8, "20 % less often than"),
        (0.96, "about as often as"),
        (1.04, "about as often as"),
        (1.25, "25 % more often than"),
        (2.05, "twice as often as"),
        (2.4, "2.4 times as often as"),
        (0.0, "100 % less often than"),
    ],
)
def test_ratios_have_words(ratio, words):
    assert plain(times(ratio, "often", "less often", "more often")) == words


def test_a_group_without_a_finite_ratio_is_not_said_to_be_as_often():
    found = measured(detail={**REACHED, "ratio": None, "ratio_low": None, "ratio_high": None})
    assert plain(found_sentence(found, GROUP_WORDS)) == (
        "Selection rate of age: 65+ is 16.7 %, against 32.1 % of the others."
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.167, "share", "16.7 %"),
        (0.5237, "ratio", "0.52"),
        (1234.0, "count", "1,234"),
        (1.0, "days", "1 day"),
        (3248.0, "days", "3,248 days"),
        (0.00004, "p", "<0.001"),
        (0.167, "number", "0.167"),
        (None, "share", "–"),
    ],
)
def test_a_value_is_written_in_its_unit(value, unit, text):
    assert plain(amount(value, unit)) == text


ALL_WORDS = [(kind.slug, name, words) for kind in audit_kinds for name, words in kind.words.items()]
#: What every sentence may ask for; anything else must be in the measurement's detail.
KNOWN = {
    "slice", "attribute", "group", "who", "others", "outcome", "for_outcome", "label", "value", "low", "high",
    "reference", "ratio", "threshold", "n", "often", "large",
}  # fmt: skip


@pytest.mark.parametrize("kind", list(audit_kinds), ids=lambda kind: kind.slug)
def test_every_kind_has_words_of_its_own(kind):
    assert kind.words, f"{kind.slug} says nothing in plain words"


@pytest.mark.parametrize(("kind", "name", "words"), ALL_WORDS, ids=[f"{k}-{n}" for k, n, _ in ALL_WORDS])
def test_every_sentence_is_one(kind, name, words):
    fields = [field for _, field, _, _ in string.Formatter().parse(words.sentence) if field is not None]
    assert all(field.isidentifier() or "-" in field for field in fields)
    assert words.label or name == "*"
    detail = {field: "x" for field in fields if field not in KNOWN} | {"reference": 0.2, "ratio": 0.5}
    found = found_sentence(measured(name.replace("*", "anything"), detail=detail), {name: words, "*": words})
    assert "{" not in found
    assert found.endswith(".")


def test_the_words_of_a_name_with_an_outcome_win_over_those_of_its_metric():
    words = {"a": Words(label="A"), "a:b": Words(label="A and B")}
    assert words_of("a:b", words).label == "A and B"
    assert words_of("a:c", words).label == "A of c"
