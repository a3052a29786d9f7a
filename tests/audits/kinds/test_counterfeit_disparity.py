"""Bias of counterfeit detection: published and hand-worked cells, selective labels with known truth, appeals, photographs."""

import json
import math

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.counterfeit_disparity import CounterfeitDisparity
from audits.metrics.disparity import photo_pairs
from audits.tables import MemoryTable, TableError

KIND = CounterfeitDisparity()
CELLS = ((0, 0), (0, 1), (1, 0), (1, 1))


def audit(table, /, seed=0, **parameters):
    values = AuditParameters(**{"sensitive": ("group",), "y_pred": "flag", "y_true": "fake", **parameters})
    return KIND.run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def by_slice(measurements, name):
    return {m.slice: m for m in measurements if m.name == name}


def in_group(measurements, group):
    return {m.name: m for m in measurements if m.slice == f"group={group}"}


def cells(**groups):
    """Listings from cells ``(TN, FP, FN, TP)`` per group."""
    rows = [
        (name, fake, flag)
        for name, four in groups.items()
        for (fake, flag), k in zip(CELLS, four, strict=True)
        for _ in range(k)
    ]
    group, fake, flag = (list(column) for column in zip(*rows, strict=True))
    return {"group": group, "fake": fake, "flag": flag}


#: Larson, Mattu, Kirchner and Angwin 2016, "How We Analyzed the COMPAS Recidivism Algorithm" (ProPublica).
COMPAS = {"black": (990, 805, 532, 1369), "white": (1139, 349, 461, 505)}
#: False positives among 1,000 genuine ones each, in groups whose sizes differ: 1.9 times as often.
TWICE = {"new": (905, 95, 100, 900), "known": (950, 50, 5000, 4000)}


def test_it_is_registered_as_a_bias_audit():
    kind = audit_kinds.get("counterfeit-disparity")
    assert (kind.dimension, kind.reads, kind.needs_reference) == ("bias", ("predictions", ""), False)


def test_published_compas_rates_and_the_disparity_of_1_9():
    """Published: false positives 44.85 against 23.45 %, 1.91 times; false negatives 27.99 against 47.72 %."""
    found = audit(cells(**COMPAS))
    black, white = in_group(found, "black"), in_group(found, "white")
    assert round(100 * black["false-flag-rate"].value, 2) == 44.85
    assert round(100 * white["false-flag-rate"].value, 2) == 23.45
    assert round(black["false-flag-rate"].detail["ratio"], 2) == 1.91
    assert round(100 * black["missed-counterfeit-rate"].value, 2) == 27.99
    assert round(100 * white["missed-counterfeit-rate"].value, 2) == 47.72
    assert (black["false-flag-rate"].n, black["false-flag-rate"].detail["reference_n"]) == (1795, 1488)
    assert black["false-flag-rate"].verdict is Verdict.FAIL
    assert black["missed-counterfeit-rate"].verdict is Verdict.FAIL
    assert black["false-takedown-share"].value == pytest.approx(805 / (805 + 1369))
    assert black["false-takedown-share"].verdict is Verdict.PASS
    assert black["review-burden"].value == pytest.approx((805 + 1369) / 3696)


def test_a_false_flag_rate_is_tested_among_genuine_listings_not_among_all():
    """With all listings in the denominator the same 95 against 50 false flags are 4.75 against 0.5 %."""
    new = in_group(audit(cells(**TWICE)), "new")["false-flag-rate"]
    assert (new.n, new.detail["reference_n"]) == (1000, 1000)
    assert new.detail["ratio"] == pytest.approx(1.9)
    right = stats.chi2_contingency([[95, 905], [50, 950]], correction=False)
    assert new.detail["p"] == pytest.approx(right.pvalue, rel=1e-9)
    wrong = stats.chi2_contingency([[95, 1905], [50, 9950]], correction=False)
    assert wrong.pvalue < 1e-40 < new.detail["p"] < 2e-4
    assert new.verdict is Verdict.FAIL


def test_the_wrong_denominator_would_hide_a_disparity():
    """Twice as many false flags among genuine listings, alike among all of them: a group of many counterfeiters."""
    table = cells(rare=(180, 20, 0, 200), common=(1710, 90, 0, 0))
    rare = in_group(audit(table), "rare")["false-flag-rate"]
    assert rare.value == 0.1
    assert rare.detail["reference"] == 0.05
    assert 20 / 400 == 90 / 1800
    assert rare.verdict is Verdict.FAIL


@pytest.mark.peer
def test_rates_equal_fairlearns():
    rng = np.random.default_rng(2)
    table = {
        "group": rng.choice(["a", "b", "c"], 3000),
        "fake": rng.integers(2, size=3000),
        "flag": rng.integers(2, size=3000),
    }
    peers = {
        "false-flag-rate": false_positive_rate,
        "missed-counterfeit-rate": false_negative_rate,
        "review-burden": selection_rate,
    }
    frame = MetricFrame(
        metrics=peers, y_true=table["fake"], y_pred=table["flag"], sensitive_features=table["group"]
    )
    found = audit(table)
    for name in peers:
        for group, value in frame.by_group[name].items():
            assert in_group(found, group)[name].value == pytest.approx(value, abs=1e-12)


def test_scores_become_flags_at_the_decision():
    table = cells(**COMPAS)
    scores = {**table, "flag": [0.9 if flag else 0.4 for flag in table["flag"]]}
    for decision in (0.5, 0.8):
        found = audit(scores, thresholds={"decision": decision})
        burden = by_slice(found, "review-burden")["group=black"]
        assert burden.value == by_slice(audit(table), "review-burden")["group=black"].value
        assert burden.detail["decision"] == decision
    everybody = audit(scores, thresholds={"decision": 0.3})
    assert {m.value for m in by_slice(everybody, "review-burden").values()} == {1.0}


def market(seed, *, worse=1.0, n=40_000, sellers=None):
    """Listings whose truth is known; new sellers' genuine ones are flagged ``worse`` times as often as others' (10 %).

    All flagged listings of new sellers are reviewed, half of the known sellers'; of the unflagged 4 and 20 %.
    """
    rng = np.random.default_rng(seed)
    seller = rng.integers(sellers or n, size=n)
    new = seller % 2 == 0
    fake = rng.random(n) < 0.2
    flag = rng.random(n) < np.where(fake, 0.8, np.where(new, 0.1 * worse, 0.1))
    chance = np.where(flag, np.where(new, 1.0, 0.5), np.where(new, 0.04, 0.2))
    reviewed = rng.random(n) < chance
    return {
        "group": np.where(new, "new", "known"),
        "seller": seller,
        "flag": flag.astype(int),
        "truth": fake.astype(int),
        "fake": np.where(reviewed, fake.astype(float), np.nan),
        "chance": chance,
        "sample": (sample := (rng.random(n) < 0.25).astype(int)),
        "known": np.where((sample == 1) | reviewed, fake.astype(float), np.nan),
    }


def test_reviewed_listings_alone_accuse_a_fair_model_so_they_carry_no_verdict():
    table = market(1)
    true = {
        name: table["flag"][(table["truth"] == 0) & (table["group"] == name)].mean()
        for name in ("new", "known")
    }
    assert true["new"] / true["known"] == pytest.approx(1, abs=0.06)
    found = audit(table)
    flags = in_group(found, "new")["false-flag-rate"]
    assert flags.detail["ratio"] > 3
    assert flags.detail["p_adjusted"] < 1e-100
    assert flags.verdict is Verdict.REVIEW
    assert flags.detail["labels"] == "reviewed-only"
    assert "name a random 'audit-sample' or the 'review-probability'" in flags.detail["note"]
    share = next(m for m in found if m.name == "labelled-share")
    assert share.value == pytest.approx(np.mean(~np.isnan(table["fake"])))
    assert share.tolerance_used is None
    assert in_group(found, "new")["review-burden"].verdict is Verdict.PASS
    assert worst_verdict(found) is Verdict.REVIEW


@pytest.mark.parametrize(
    ("_case", "parameters"),
    [
        ("weighted", {"roles": {"review-probability": "chance"}}),
        ("random sample, all of it reviewed", {"y_true": "known", "roles": {"audit-sample": "sample"}}),
    ],
)
def test_known_review_probabilities_or_a_random_sample_give_the_truth(_case, parameters):
    fair, unfair = market(1), market(2, worse=2.0)
    for table, verdict in ((fair, Verdict.PASS), (unfair, Verdict.FAIL)):
        found = audit(table, **parameters)
        for group in ("new", "known"):
            genuine = (table["truth"] == 0) & (table["group"] == group)
            missed = (table["truth"] == 1) & (table["group"] == group)
            named = in_group(found, group)
            assert named["false-flag-rate"].value == pytest.approx(table["flag"][genuine].mean(), rel=0.12)
            assert (
                named["false-flag-rate"].low < table["flag"][genuine].mean() < named["false-flag-rate"].high
            )
            assert named["missed-counterfeit-rate"].value == pytest.approx(
                1 - table["flag"][missed].mean(), rel=0.25
            )
            assert named["false-flag-rate"].verdict is verdict
            assert named["false-flag-rate"].detail["labels"] == next(iter(parameters["roles"]))
            assert "note" not in named["false-flag-rate"].detail


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_weighted_rates_equal_their_sums_by_hand(data):
    size = data.draw(st.integers(60, 120))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    table = {
        "group": rng.choice(["a", "b", None], size, p=[0.5, 0.4, 0.1]),
        "flag": rng.choice([0.0, 1.0, math.nan], size, p=[0.5, 0.4, 0.1]),
        "fake": rng.choice([0.0, 1.0, math.nan], size, p=[0.4, 0.3, 0.3]),
        "chance": rng.uniform(0.05, 1, size),
    }
    rows = list(zip(*table.values(), strict=True))
    found = audit(table, roles={"review-probability": "chance"})
    pairs = {
        "false-flag-rate": (lambda flag, fake: flag == 1, lambda flag, fake: fake == 0),
        "false-takedown-share": (lambda flag, fake: fake == 0, lambda flag, fake: flag == 1),
        "missed-counterfeit-rate": (lambda flag, fake: flag == 0, lambda flag, fake: fake == 1),
    }
    for group in ("a", "b"):
        for name, (event, among) in pairs.items():
            total = events = n = 0
            for own, flag, fake, chance in rows:
                if own == group and flag in (0, 1) and fake in (0, 1) and among(flag, fake):
                    n += 1
                    total += 1 / chance
                    events += event(flag, fake) / chance
            m = in_group(found, group)[name]
            assert m.n == n
            assert m.value == (None if total == 0 else pytest.approx(events / total, rel=1e-9))
        flags = [flag for own, flag, _, _ in rows if own == group and flag in (0, 1)]
        assert in_group(found, group)["review-burden"].value == pytest.approx(np.mean(flags))


def test_labels_from_outside_the_audit_sample_do_not_count():
    table = market(1)
    flags = in_group(audit(table, y_true="known", roles={"audit-sample": "sample"}), "new")["false-flag-rate"]
    inside = (table["group"] == "new") & (table["truth"] == 0) & (table["sample"] == 1)
    assert flags.n == inside.sum()
    assert flags.value == pytest.approx(table["flag"][inside].mean())


def test_equal_probabilities_change_no_rate():
    table = cells(**COMPAS)
    weighted = audit({**table, "chance": [0.25] * len(table["flag"])}, roles={"review-probability": "chance"})
    for name, m in in_group(audit(table), "black").items():
        other = in_group(weighted, "black")[name]
        assert other.value == pytest.approx(m.value)
        assert other.n == m.n
        assert other.detail["test"] == "bootstrap"
        assert other.detail["p"] == pytest.approx(m.detail["p"], abs=0.02)


def test_large_weights_are_no_evidence():
    """Four false flags count 200 each: four rows all the same."""
    table = cells(a=(156, 4, 0, 40), b=(400, 40, 0, 40))
    found = audit({**table, "chance": [0.005] * len(table["flag"])}, roles={"review-probability": "chance"})
    flags = in_group(found, "a")["false-flag-rate"]
    assert flags.value == pytest.approx(0.025)
    assert flags.verdict is Verdict.INSUFFICIENT
    assert flags.detail["reason"].endswith(
        "in the smallest cell; at least 5 are needed where rows are weighted"
    )


def test_probabilities_that_do_not_fit_the_reviews_carry_no_verdict():
    table = market(1)
    found = audit({**table, "chance": table["chance"] / 2}, roles={"review-probability": "chance"})
    labelled = [m for m in found if m.detail.get("labels") and m.slice]
    assert {m.verdict for m in labelled} == {Verdict.REVIEW}
    assert "review probabilities imply" in labelled[0].detail["note"]
    assert in_group(found, "new")["review-burden"].verdict is Verdict.PASS


def test_a_sample_that_was_not_reviewed_carries_no_verdict():
    found = audit(market(1), roles={"audit-sample": "sample"})
    flags = in_group(found, "new")["false-flag-rate"]
    assert flags.verdict is Verdict.REVIEW
    assert "of the audit sample have no label: review them" in flags.detail["note"]


@pytest.mark.parametrize(("missing", "verdict"), [(0, "fail"), (150, "fail"), (800, "review")])
def test_a_few_missing_labels_are_noted_and_many_leave_no_verdict(missing, verdict):
    table = cells(**COMPAS)
    order = np.random.default_rng(0).permutation(len(table["flag"]))
    fake = np.array(table["fake"], dtype=float)
    fake[order[:missing]] = math.nan
    flags = in_group(audit({**table, "fake": fake}), "black")["false-flag-rate"]
    assert flags.verdict == verdict
    assert ("note" in flags.detail) == (missing > 0)


def test_a_group_whose_labels_are_missing_carries_no_verdict_though_others_have_theirs():
    table = cells(small=(100, 60, 20, 20), large=(8000, 800, 100, 1100))
    fake = np.array(table["fake"], dtype=float)
    fake[:60] = math.nan
    found = audit({**table, "fake": fake})
    assert in_group(found, "small")["false-flag-rate"].verdict is Verdict.REVIEW
    assert in_group(found, "large")["false-flag-rate"].verdict is Verdict.FAIL


def test_fair_models_are_seldom_accused_with_weights():
    accused = 0
    for seed in range(15):
        table = market(100 + seed, n=8000, sellers=400)
        found = audit(table, seed=seed, roles={"review-probability": "chance"}, entity="seller")
        accused += any(m.verdict is Verdict.FAIL for m in found)
    assert accused <= 2


def appeals():
    table = cells(a=(200, 100, 0, 100), b=(200, 100, 0, 100))
    taken = np.array(table["flag"]) == 1
    place = np.cumsum(taken) - 1
    appealed = taken & (place % 2 == 0)
    granted = appealed & (place % np.where(np.array(table["group"]) == "a", 4, 8) == 0)
    return {**table, "appealed": appealed.astype(int), "overturned": np.where(appealed, granted, np.nan)}


def test_overturned_appeals_are_counted_among_appeals():
    found = by_slice(
        audit(appeals(), roles={"appealed": "appealed", "overturned": "overturned"}), "appeal-overturn-rate"
    )
    assert {s: (m.value, m.n) for s, m in found.items()} == {"group=a": (0.5, 100), "group=b": (0.25, 100)}
    assert {m.verdict for m in found.values()} == {Verdict.FAIL}
    assert found["group=a"].detail["family"] == 1


def test_undecided_appeals_do_not_count():
    table = appeals()
    table["overturned"][np.flatnonzero(table["appealed"])[:30]] = math.nan
    found = by_slice(
        audit(table, roles={"appealed": "appealed", "overturned": "overturned"}), "appeal-overturn-rate"
    )
    assert found["group=a"].n == 70


def test_listings_that_were_not_appealed_do_not_count_whatever_stands_there():
    table = appeals()
    filled = {**table, "overturned": np.nan_to_num(table["overturned"])}
    roles = {"appealed": "appealed", "overturned": "overturned"}
    before, after = (by_slice(audit(t, roles=roles), "appeal-overturn-rate") for t in (table, filled))
    assert {s: m.to_json() | {"dropped": 0} for s, m in after.items()} == {
        s: m.to_json() | {"dropped": 0} for s, m in before.items()
    }


def test_time_to_restore_is_compared_by_its_mean():
    rng = np.random.default_rng(4)
    table = cells(a=(100, 100, 0, 0), b=(100, 100, 0, 0))
    late = np.where(np.array(table["group"]) == "a", 48.0, 24.0) * rng.gamma(4, 0.25, 400)
    hours = np.where(np.array(table["flag"]) == 1, late, np.nan)
    found = by_slice(audit({**table, "hours": hours}, roles={"restore-hours": "hours"}), "time-to-restore")
    assert found["group=a"].value == pytest.approx(np.nanmean(hours[:200]))
    assert (found["group=a"].n, found["group=a"].detail["test"]) == (100, "welch")
    assert found["group=a"].verdict is Verdict.FAIL


def photographs(flips, items=200):
    """Items with a good and a degraded photograph; of group g ``flips[g]`` change their flag, every other one to flagged."""
    rows = [
        (group, f"{group}{i}", bad, int(i < flip and bad == i % 2))
        for group, flip in flips.items()
        for i in range(items)
        for bad in (0, 1)
    ]
    group, item, degraded, flag = zip(*rows, strict=True)
    return {"group": group, "item": item, "degraded": degraded, "flag": flag, "fake": [0] * len(rows)}


PHOTOGRAPHS = {"pair": "item", "degraded": "degraded"}


def test_flip_rate_is_the_share_of_items_decided_otherwise_on_a_bad_photograph():
    found = by_slice(audit(photographs({"a": 60, "b": 20}), roles=PHOTOGRAPHS), "flip-rate")
    assert {s: (m.value, m.n) for s, m in found.items()} == {"group=a": (0.3, 200), "group=b": (0.1, 200)}
    assert {m.verdict for m in found.values()} == {Verdict.FAIL}
    assert found["group=a"].detail["items_left_out"] == 0
    assert found["group=a"].detail["p"] == pytest.approx(
        stats.chi2_contingency([[60, 140], [20, 180]], correction=False).pvalue, rel=1e-9
    )


def test_items_without_exactly_one_photograph_of_each_are_left_out_and_counted():
    table = photographs({"a": 60, "b": 20})
    extra = {"group": ["a", "a", "a", "b"], "item": ["x", "a0", None, "b0"], "degraded": [1, 0, 1, None]}
    table = {name: [*values, *extra.get(name, [0] * 4)] for name, values in table.items()}
    table["flag"][2 * 250] = None  # the good photograph of item b50
    found = by_slice(audit(table, roles=PHOTOGRAPHS), "flip-rate")
    assert found["group=a"].n == 199
    assert found["group=b"].n == 199
    assert found["group=a"].detail["items_left_out"] == 3


def test_flips_are_resampled_by_seller_and_compared_within_strata():
    table = photographs({"a": 60, "b": 20})
    table |= {
        "seller": [f"{g}{i % 50}" for i, g in enumerate(table["group"])],
        "brand": ["x", "x", "y", "y"] * 200,
    }
    found = audit(table, roles=PHOTOGRAPHS, entity="seller", strata=("brand",))
    assert by_slice(found, "flip-rate")["group=a"].detail["test"] == "bootstrap"
    assert by_slice(found, "conditional-flip-rate")["group=a"].value == pytest.approx(0.3, abs=0.02)
    assert by_slice(found, "conditional-false-flag-rate")["group=a"].detail["strata"] == ["brand"]


def test_no_pair_is_insufficient():
    table = {**photographs({"a": 60, "b": 20}), "degraded": [0] * 800}
    (flips,) = by_slice(audit(table, roles=PHOTOGRAPHS), "flip-rate").values()
    assert flips.verdict is Verdict.INSUFFICIENT
    assert flips.detail["reason"].startswith("no item of 'item' has exactly one good")


def test_more_photographs_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(photo_pairs, "MOST_PHOTOGRAPHS", 700)
    (flips,) = by_slice(audit(photographs({"a": 60, "b": 20}), roles=PHOTOGRAPHS), "flip-rate").values()
    assert flips.verdict is Verdict.ERRORED
    assert "more than 700 photographs; audit a random sample" in flips.detail["reason"]


REFUSALS = [
    ("no attribute", {"sensitive": ()}, "name at least one column of groups"),
    ("no truth", {"y_true": None}, "name the flag .* and what the review confirmed"),
    ("unknown role", {"roles": {"seler": "seller"}}, "unknown role 'seler'; known: appealed, overturned"),
    ("half a role", {"roles": {"appealed": "flag"}}, "role 'appealed' needs role 'overturned'"),
    ("half a pair", {"roles": {"degraded": "flag"}}, "role 'degraded' needs role 'pair'"),
    (
        "two selections",
        {"roles": {"audit-sample": "sample", "review-probability": "chance"}},
        "either role 'audit-sample' or role 'review-probability'",
    ),
    ("group as outcome", {"y_true": "group"}, "column 'group' is both a group and an outcome"),
    (
        "unknown threshold",
        {"thresholds": {"taler": 0.5}},
        "unknown threshold 'taler'; known: alpha, decision",
    ),
    ("text as flag", {"y_pred": "word"}, "column 'word' holds text"),
    (
        "flags from 1 to 2",
        {"y_pred": "two"},
        "column 'two' holds values that are neither 0/1 flags nor scores",
    ),
    ("truth in three", {"y_true": "two"}, "column 'two' holds values other than 0 and 1"),
    ("sample of 2", {"roles": {"audit-sample": "two"}}, "column 'two' holds values other than 0 and 1"),
    ("no such column", {"roles": {"review-probability": "nowhere"}}, "column 'nowhere' is not in"),
    ("text as probability", {"roles": {"review-probability": "word"}}, "column 'word' holds text"),
    (
        "negative weight",
        {"roles": {"review-probability": "minus"}},
        "column 'minus' holds -0.5; a probability",
    ),
    ("probability 0", {"roles": {"review-probability": "zero"}}, "column 'zero' holds 0; a probability"),
    ("probability 2", {"roles": {"review-probability": "two"}}, "column 'two' holds 2; a probability"),
    ("infinite", {"roles": {"review-probability": "endless"}}, "column 'endless' holds inf; a probability"),
    ("NaN", {"roles": {"review-probability": "gap"}}, "column 'gap' has no value in 200 rows"),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_input_is_refused_by_name_and_remedy(_case, parameters, message):
    n = 400
    table = {
        "group": ["a", "b"] * (n // 2),
        "flag": [0, 1, 1, 0] * (n // 4),
        "fake": [0, 1, 0, 1] * (n // 4),
        "sample": [0, 1] * (n // 2),
        "chance": [0.5] * n,
        "word": ["yes", "no"] * (n // 2),
        "two": [1, 2] * (n // 2),
        "minus": [0.5, -0.5] * (n // 2),
        "zero": [0.5, 0.0] * (n // 2),
        "endless": [0.5, math.inf] * (n // 2),
        "gap": [0.5, math.nan] * (n // 2),
    }
    with pytest.raises((AuditInputError, TableError), match=message):
        audit(table, **parameters)


def test_an_editor_hears_of_wrong_roles_before_any_data():
    with pytest.raises(AuditInputError, match="unknown role 'seller'"):
        KIND.check(AuditParameters(sensitive=("g",), y_pred="p", y_true="y", roles={"seller": "s"}))


@pytest.mark.parametrize(
    ("roles", "name", "reason"),
    [
        ({"appealed": "word", "overturned": "fake"}, "appeal-overturn-rate", "column 'word' holds text"),
        (
            {"appealed": "none", "overturned": "fake"},
            "appeal-overturn-rate",
            "column 'fake' is 1 in 200 rows where 'none' is not",
        ),
        ({"restore-hours": "minus"}, "time-to-restore", "column 'minus' holds 200 negative values"),
        ({"restore-hours": "word"}, "time-to-restore", "column 'word' holds text"),
        (
            {"pair": "word", "degraded": "minus"},
            "flip-rate",
            "column 'minus' holds values other than 0 and 1",
        ),
        ({"pair": "nowhere", "degraded": "fake"}, "flip-rate", "column 'nowhere' is not in"),
    ],
)
def test_a_role_that_cannot_be_read_leaves_the_rest_intact(roles, name, reason):
    table = {
        "group": ["a", "b"] * 200,
        "flag": [0, 1, 1, 0] * 100,
        "fake": [0, 1, 0, 1] * 100,
        "none": [0] * 400,
        "word": ["yes", "no"] * 200,
        "minus": [-1.0, 2.0] * 200,
    }
    found = audit(table, roles=roles)
    (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
    assert wrong.name == name
    assert reason in wrong.detail["reason"]
    assert len(by_slice(found, "false-flag-rate")) == 2


@pytest.mark.parametrize(
    ("_case", "change"),
    [
        ("one group", {"group": ["a"] * 400}),
        ("never reviewed", {"fake": [None] * 400}),
        ("never flagged", {"flag": [0] * 400}),
    ],
)
def test_too_little_to_compare_never_passes(_case, change):
    table = {"group": ["a", "b"] * 200, "flag": [0, 1, 1, 0] * 100, "fake": [0, 1, 0, 1] * 100, **change}
    found = audit(table)
    flags = by_slice(found, "false-flag-rate")
    assert {m.verdict for m in flags.values()} == {Verdict.INSUFFICIENT}
    assert worst_verdict(found) is not Verdict.PASS
    json.dumps([m.to_json() for m in found], allow_nan=False)


def test_an_attribute_of_identifiers_is_errored_and_the_others_measured():
    n = 100_000
    rng = np.random.default_rng(7)
    table = {
        "group": rng.choice(["<b>bold</b>", "plain"], n),
        "id": np.arange(n),
        "flag": rng.integers(2, size=n),
        "fake": rng.integers(2, size=n),
        "chance": np.full(n, 0.5),
    }
    for roles in ({}, {"review-probability": "chance"}):
        found = audit(table, sensitive=("id", "group"), roles=roles)
        (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
        assert (wrong.name, wrong.slice) == ("counterfeit-disparity", "id")
        assert "more than 1000 values" in wrong.detail["reason"]
        assert set(by_slice(found, "false-flag-rate")) == {"group=<b>bold</b>", "group=plain"}
