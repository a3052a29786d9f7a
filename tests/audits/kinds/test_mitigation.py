"""Mitigation candidates: told on rows they were not tuned on, beside today, and never a pass for want of data."""

import json

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.group_disparity import GroupDisparity
from audits.kinds.mitigation import Mitigation
from audits.metrics.mitigation.rows import Asked, read_sides
from audits.metrics.mitigation.trade_off import DISPARITY, UTILITIES, settings_of, trade_off
from audits.tables import MemoryTable

KIND = Mitigation()
RATES = ("selection-rate", "true-positive-rate", "false-positive-rate")


def decisions(n=3000, gap=0.8, seed=0, small=0, names=("a", "b")):
    """Scores of two groups, of which the second scores lower by ``gap``; ``small`` rows of a third."""
    rng = np.random.default_rng(seed)
    group = rng.choice(names, n).astype(object)
    group[:small] = "tiny"
    x = rng.normal(size=n) - gap * (group == names[1])
    truth = (rng.random(n) < 1 / (1 + np.exp(-1.5 * x))).astype(int)
    return {"g": group, "x": x, "noise": rng.normal(size=n), "y": truth, "s": 1 / (1 + np.exp(-1.3 * x))}


def audit(table, /, reference=None, seed=0, **parameters):
    values = AuditParameters(**{"sensitive": ("g",), "y_true": "y", "y_pred": "s", **parameters})
    other = None if reference is None else MemoryTable(reference, "reference")
    return KIND.run(AuditInput(current=MemoryTable(table), reference=other, parameters=values, seed=seed))


def by_slice(measurements, name):
    return {m.slice: m for m in measurements if m.name == name}


def candidates(measurements):
    return [m for m in measurements if m.name.endswith(DISPARITY) and m.slice != "today"]


@pytest.fixture(scope="module")
def everything():
    return audit(decisions(small=20), columns=("x", "noise"))


@pytest.fixture(scope="module")
def fair():
    return audit(decisions(4000, gap=0.0))


def test_it_is_registered_as_a_bias_audit_and_every_name_has_its_words(everything):
    kind = audit_kinds.get("mitigation")
    assert (kind.dimension, kind.reads, kind.label) == ("bias", ("predictions", ""), "Mitigation candidates")
    assert {m.name for m in everything} <= set(kind.words)


def test_measurements_are_unique_and_json(everything):
    keys = [(m.name, m.slice) for m in everything]
    assert len(keys) == len(set(keys))
    assert json.loads(json.dumps([m.to_json() for m in everything], allow_nan=False))


def test_every_family_is_there_beside_today(everything):
    families = {m.detail["family"] for m in everything if m.name in UTILITIES}
    assert families == {"today", "threshold", "threshold-optimizer", "retrained", "reweighing", "reductions"}
    labels = list(by_slice(everything, "balanced-accuracy"))
    assert labels[0] == "today"
    assert len(labels) == 1 + 12 + 4 + 2 + 7


def test_today_has_the_verdict_of_the_audit_of_disparity_itself():
    tuning, table = decisions(seed=1), decisions(seed=2)
    found = audit(table, reference=tuning, method="thresholds")
    values = AuditParameters(sensitive=("g",), y_true="y", y_pred="s")
    peer = GroupDisparity().run(AuditInput(current=MemoryTable(table), parameters=values))
    for rate in RATES:
        today = by_slice(found, rate + DISPARITY)["today"]
        own = max((m for m in peer if m.name == rate), key=lambda m: m.tolerance_used)
        assert (today.value, today.low, today.high) == (
            own.detail["ratio"],
            own.detail["ratio_low"],
            own.detail["ratio_high"],
        )
        assert (today.verdict, today.tolerance_used) == (own.verdict, own.tolerance_used)
        assert today.detail["group"] == own.slice
    assert worst_verdict(found) is Verdict.FAIL


def test_thresholds_of_a_candidate_give_its_numbers_by_hand():
    tuning, table = decisions(seed=1), decisions(seed=2)
    found = audit(table, reference=tuning, method="thresholds")
    label = "group thresholds: selection rate, parity"
    told = settings_of(found, label)
    limits = np.array([told["thresholds"][g] for g in table["g"]])
    chosen = table["s"] >= limits
    rate = {g: chosen[table["g"] == g].mean() for g in ("a", "b")}
    m = by_slice(found, "selection-rate-disparity")[label]
    group = m.detail["group"].removeprefix("g=")
    other = "b" if group == "a" else "a"
    assert m.value == pytest.approx(rate[group] / rate[other])
    positive, negative = table["y"] == 1, table["y"] == 0
    balanced = (chosen[positive].mean() + (~chosen[negative]).mean()) / 2
    today = table["s"] >= 0.5
    before = (today[positive].mean() + (~today[negative]).mean()) / 2
    utility = by_slice(found, "balanced-accuracy")[label]
    assert utility.value == pytest.approx(balanced)
    assert m.detail["loss"] == pytest.approx(before - balanced)
    assert utility.detail["utility"]["accuracy"]["value"] == pytest.approx((chosen == table["y"]).mean())
    # tuned on the reference, not on what it is told on
    on_tuning = {g: (tuning["s"][tuning["g"] == g] >= told["thresholds"][g]).mean() for g in ("a", "b")}
    assert on_tuning["a"] == pytest.approx(on_tuning["b"], abs=0.001)
    assert abs(rate["a"] - rate["b"]) > 0.001


def test_the_candidates_do_not_change_with_what_they_are_told_on():
    tuning = decisions(seed=1)
    first, second = (
        settings_of(audit(decisions(seed=s), reference=tuning, method="thresholds"), label)["thresholds"]
        for s in (2, 3)
        for label in ("group thresholds: true positive rate, parity",)
    )
    assert first == second


def test_a_curve_leads_from_today_to_parity(everything):
    labels = ["today"] + [
        f"group thresholds: selection rate, {step}"
        for step in ("a quarter of the way", "half way", "three quarters", "parity")
    ]
    found = by_slice(everything, "selection-rate-disparity")
    used = [found[label].detail["used_of_tolerance"] for label in labels]
    assert used == sorted(used, reverse=True)
    assert used[0] > 2
    assert used[-1] < 1
    assert [found[label].verdict for label in labels[:2]] == [Verdict.FAIL, Verdict.REVIEW]
    curves = {curve.measure: curve for curve in trade_off(everything)}
    assert list(curves) == [rate + DISPARITY for rate in RATES]
    assert curves["selection-rate-disparity"].points[0].today
    for curve in curves.values():
        assert curve.front
        gains = [p.utility for p in curve.front]
        assert gains == sorted(gains)


def test_candidates_never_fail_and_those_made_for_something_else_are_not_judged(everything):
    for m in candidates(everything):
        assert m.verdict in {Verdict.PASS, Verdict.REVIEW}
        assert m.tolerance_used is None
        judged = m.detail["targeted"]
        assert (m.threshold == 0.8) == judged
        assert (m.detail.get("role") == "descriptive") is not judged
        assert ("reason" in m.detail) == (m.verdict is Verdict.REVIEW)
    assert {m.verdict for m in candidates(everything)} == {Verdict.PASS, Verdict.REVIEW}


def test_a_candidate_that_is_inside_but_too_dear_is_for_review():
    """Without any loss allowed, only candidates that cost nothing pass."""
    found = audit(decisions(), method="thresholds", thresholds={"max-loss": 0.0})
    inside = [m for m in candidates(found) if m.detail["targeted"] and m.detail["used_of_tolerance"] <= 1]
    assert inside
    for m in inside:
        assert (m.verdict is Verdict.PASS) == (m.detail["loss"] <= 0)
    dear = next(m for m in inside if m.verdict is Verdict.REVIEW)
    assert "points; at most 0 may be given up" in dear.detail["reason"]


def test_a_small_group_is_insufficient_and_keeps_its_decisions(everything):
    (small,) = by_slice(everything, "group-size").values()
    assert (small.slice, small.verdict, small.n) == ("g=tiny", Verdict.INSUFFICIENT, 10)
    assert "10 rows to tune on; at least 30 are needed" in small.detail["reason"]
    for m in everything:
        assert "tiny" not in m.detail.get("thresholds", {})
        assert "g=tiny" not in {m.detail.get("group"), *(g["group"] for g in m.detail.get("groups", []))}
    judged = [m for m in everything if m.name == "selection-rate-disparity"]
    assert all(m.detail["without_evidence"] == ["g=tiny"] for m in judged)
    assert all(not any("tiny" in key for key in m.detail.get("weights", {})) for m in everything)


def test_a_group_with_few_positives_is_left_out_of_error_rates_only():
    table = decisions()
    positives = np.flatnonzero((table["g"] == "b") & (table["y"] == 1))
    table["y"][positives[40:]] = 0
    found = audit(table, columns=("x",))
    failed = {m.slice: m.detail["reason"] for m in found if m.name == "candidate"}
    assert "group thresholds: true positive rate" in failed
    assert "threshold optimizer: equalized odds" in failed
    assert {"reweighing", "reductions"} <= set(failed)
    assert all(reason.startswith("fewer than two groups have enough rows") for reason in failed.values())
    assert "group thresholds: selection rate, parity" in by_slice(found, "balanced-accuracy")
    assert {m.verdict for m in found if m.name == "candidate"} == {Verdict.INSUFFICIENT}


def test_where_today_is_inside_nothing_is_asked_of_candidates(fair):
    assert worst_verdict(fair) is Verdict.PASS
    assert {m.verdict for m in fair} == {Verdict.PASS}
    assert all(m.detail["role"] == "descriptive" for m in candidates(fair))
    assert all(m.threshold is None for m in candidates(fair))


def test_too_few_rows_are_insufficient_and_never_a_pass():
    found = audit(decisions(100), columns=("x",))
    assert {m.verdict for m in found if m.name.endswith(DISPARITY)} == {Verdict.INSUFFICIENT}
    assert {m.slice for m in found if m.name.endswith(DISPARITY)} == {"today"}
    assert worst_verdict(found) is Verdict.INSUFFICIENT


def test_the_same_seed_gives_the_same_answer_and_another_one_other_halves():
    table = decisions(1500)
    first, again, other = (audit(table, seed=s, columns=("x",), method="reweighing") for s in (3, 3, 4))
    assert [m.to_json() for m in first] == [m.to_json() for m in again]
    assert [m.to_json() for m in first] != [m.to_json() for m in other]


def test_weights_of_a_reweighing_are_those_of_the_tuning_rows():
    tuning, table = decisions(seed=1), decisions(seed=2)
    found = audit(table, reference=tuning, columns=("x",), method="reweighing")
    weights = settings_of(found, "reweighing")["weights"]
    for g in ("a", "b"):
        for y in (0, 1):
            own = (tuning["g"] == g) & (tuning["y"] == y)
            expected = (tuning["g"] == g).mean() * (tuning["y"] == y).mean() / own.mean()
            assert weights[f"{g}, truth {y}"] == pytest.approx(expected)


def test_a_retrained_model_that_only_sees_noise_is_worth_a_guess():
    found = by_slice(audit(decisions(), columns=("noise",), method="reweighing"), "balanced-accuracy")
    assert found["retrained as it is"].value == pytest.approx(0.5, abs=0.04)
    assert found["today"].value > 0.65


def test_several_attributes_are_mitigated_together_and_told_one_by_one():
    table = decisions(6000)
    table["h"] = np.where(np.random.default_rng(5).random(6000) < 0.5, "p", "q")
    found = audit(table, sensitive=("g", "h"), method="thresholds")
    label = "group thresholds: selection rate, parity"
    assert set(settings_of(found, label)["thresholds"]) == {"a*p", "a*q", "b*p", "b*q"}
    groups = {g["group"] for g in by_slice(found, "selection-rate-disparity")[label].detail["groups"]}
    assert groups == {"g=a", "g=b", "h=p", "h=q", "g*h=a*p", "g*h=a*q", "g*h=b*p", "g*h=b*q"}


def test_rows_of_one_entity_stay_on_one_side_and_widen_the_interval():
    table = decisions(300)
    many = {name: np.repeat(values, 10) for name, values in table.items()}
    many["customer"] = np.repeat([f"c{i}" for i in range(300)], 10)
    found = by_slice(audit(many, entity="customer", method="thresholds"), "selection-rate-disparity")
    alone = by_slice(audit(many, method="thresholds"), "selection-rate-disparity")["today"]
    today = found["today"]
    assert today.detail["test"] == "bootstrap"
    assert (today.high - today.low) > 2 * (alone.high - alone.low)
    assert not any("c1" in json.dumps(m.to_json()) for m in found.values())


def test_scores_beside_decisions_start_from_as_many_selected():
    table = decisions()
    table["d"] = (table["s"] >= 0.6).astype(int)
    table["points"] = 300 + 500 * table["s"]
    found = audit(table, y_pred="d", roles={"score": "points"}, method="thresholds")
    told = settings_of(found, "group thresholds: selection rate, parity")
    assert told["settings"]["today"] == pytest.approx(600, abs=15)
    assert 300 < told["thresholds"]["b"] < told["thresholds"]["a"] < 800


def test_decisions_without_scores_are_left_to_the_optimizer_and_it_is_said():
    table = decisions()
    table["d"] = (table["s"] >= 0.5).astype(int)
    found = audit(table, y_pred="d")
    today = by_slice(found, "balanced-accuracy")["today"]
    assert set(today.detail["not_tried"]) == {"group thresholds", "reweighing", "reductions"}
    assert "auc" not in today.detail["utility"]
    assert {m.detail["family"] for m in found if m.name in UTILITIES} == {"today", "threshold-optimizer"}
    assert not [m for m in found if m.verdict is Verdict.INSUFFICIENT]
    with pytest.raises(AuditInputError, match="name the column of the scores as role 'score'"):
        audit(table, y_pred="d", method="thresholds")
    with pytest.raises(AuditInputError, match="name the inputs of the model in 'columns'"):
        audit(table, method="reweighing")


def test_an_input_that_cannot_be_read_leaves_the_others_intact():
    found = audit(decisions(1500), columns=("x", "nowhere"), method="reweighing")
    (wrong,) = by_slice(found, "input").values()
    assert (wrong.slice, wrong.verdict) == ("nowhere", Verdict.ERRORED)
    assert "reweighing" in by_slice(found, "balanced-accuracy")


def test_rows_without_a_value_are_left_out():
    table = decisions(2000)
    table["s"] = [None if i % 4 == 0 else float(s) for i, s in enumerate(table["s"])]
    today = by_slice(audit(table, method="thresholds"), "balanced-accuracy")["today"]
    assert today.n == 750


def forecasts(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.choice(["north", "south"], n)
    sold = rng.gamma(4, 5, n)
    f = sold * rng.uniform(0.8, 1.2, n) * np.where(group == "south", 0.6, 1.0)
    return {"g": group, "y": sold, "s": f, "x": sold + rng.normal(size=n)}


def test_forecasts_are_corrected_by_the_factor_of_their_group():
    tuning, table = forecasts(seed=1), forecasts(seed=2)
    found = audit(table, reference=tuning)
    factors = settings_of(found, "correction by group, in full")["factors"]
    own = tuning["g"] == "south"
    assert factors["south"] == pytest.approx(tuning["y"][own].sum() / tuning["s"][own].sum())
    disparity = by_slice(found, "mean-error-disparity")
    assert disparity["today"].verdict is Verdict.FAIL
    in_full = disparity["correction by group, in full"]
    assert in_full.verdict is Verdict.PASS
    assert in_full.value == pytest.approx(1.0, abs=0.02)
    by_hand = (
        1
        - np.abs(table["y"] - table["s"] * np.array([factors[g] for g in table["g"]])).sum()
        / table["y"].sum()
    )
    utility = by_slice(found, "forecast-accuracy")
    assert utility["correction by group, in full"].value == pytest.approx(by_hand)
    assert utility["correction by group, in full"].value > utility["today"].value
    same = disparity["one correction for all"].value
    assert same == pytest.approx(disparity["today"].value, rel=1e-9)


def test_a_bounded_group_loss_is_tried_where_inputs_are_named():
    found = audit(forecasts(800), columns=("x",), method="reductions")
    labels = set(by_slice(found, "forecast-accuracy"))
    assert labels == {
        "today",
        "retrained as it is",
        "bounded group loss, half way",
        "bounded group loss, at the mean",
    }
    assert by_slice(found, "wape-disparity")["bounded group loss, at the mean"].detail["targeted"]


def shown(users=240, seed=0, bias=1.0, tier=0.0):
    """Lists of 60 items of 90; items of brand x are favoured, and premium ones for users of group n."""
    rng = np.random.default_rng(seed)
    brand = np.array(["x", "y"])[(np.arange(90) >= 45).astype(int)]
    premium = np.arange(90) % 2
    rows = {name: [] for name in ("user", "item", "rank", "g", "tier", "hit", "who")}
    for u in range(users):
        who = "mn"[u % 2]
        liked = rng.normal(size=90)
        score = liked + rng.normal(size=90) + bias * (brand == "x") + tier * premium * (who == "n")
        top = np.argsort(-score)[:60]
        rows["user"] += [f"u{u}"] * 60
        rows["item"] += top.tolist()
        rows["rank"] += list(range(1, 61))
        rows["g"] += brand[top].tolist()
        rows["tier"] += premium[top].tolist()
        rows["hit"] += (liked[top] > 1).astype(int).tolist()
        rows["who"] += [who] * 60
    return rows


LISTS = {"y_true": None, "y_pred": None, "thresholds": {"cutoff": 10}}


def test_lists_are_put_in_another_order_for_their_items():
    roles = {"user": "user", "item": "item", "rank": "rank"}
    found = audit(shown(), **LISTS, roles=roles)
    disparity, quality = by_slice(found, "exposure-disparity"), by_slice(found, "list-quality")
    assert quality["today"].value == pytest.approx(1.0)
    assert disparity["today"].verdict is Verdict.FAIL
    assert disparity["re-ranking, in full"].detail["used_of_tolerance"] < 1
    lost = [quality[label].value for label in ("today", "re-ranking, half way", "re-ranking, in full")]
    assert lost == sorted(lost, reverse=True)
    assert quality["re-ranking, in full"].value >= quality["re-ranking, in full, evenly spread"].value
    assert settings_of(found, "re-ranking, in full")["shares"] == {"x": 0.5, "y": 0.5}
    declared = audit(shown(), **LISTS, roles=roles, population={"g=x": 0.75, "g=y": 0.25})
    assert settings_of(declared, "re-ranking, in full")["shares"] == {"x": 0.75, "y": 0.25}


def test_quality_of_lists_is_ndcg_where_choices_are_known():
    rows = shown(60)
    roles = {"user": "user", "item": "item", "rank": "rank", "relevant": "hit"}
    found = by_slice(audit(rows, **LISTS, roles=roles), "list-quality")
    from sklearn.metrics import ndcg_score

    hits, every = np.array(rows["hit"]).reshape(60, 60), -np.array(rows["rank"]).reshape(60, 60)
    of_lists = np.array([ndcg_score([h], [r], k=10) for h, r in zip(hits, every, strict=True)])
    held_out = found["today"]
    assert held_out.n == 30
    assert of_lists.min() < held_out.value < of_lists.max()
    assert held_out.value == pytest.approx(of_lists.mean(), abs=3 * of_lists.std() / np.sqrt(30))


def test_groups_of_users_are_shown_the_premium_tier_alike():
    roles = {"user": "user", "item": "item", "rank": "rank", "premium": "tier"}
    found = audit(shown(tier=1.5), **LISTS, sensitive=("who",), roles=roles)
    disparity = by_slice(found, "user-exposure-disparity")
    assert disparity["today"].verdict is Verdict.FAIL
    assert disparity["today"].value > 1.3 or disparity["today"].value < 1 / 1.3
    assert disparity["re-ranking, in full, evenly spread"].value == pytest.approx(1.0, abs=0.02)
    assert trade_off(found)[0].measure == "user-exposure-disparity"


REFUSALS = [
    ("no group", {"sensitive": ()}, "name at least one column of groups"),
    ("no truth", {"y_true": None}, "name what came \\('y_true'\\) and what the model said"),
    ("intersections", {"intersections": ("g*h",)}, "'intersections' and 'strata' are not used here"),
    ("strata", {"strata": ("h",)}, "'intersections' and 'strata' are not used here"),
    ("task", {"task": "ranking"}, "unknown task 'ranking'; known: classification, regression"),
    ("method", {"method": "magic"}, "unknown method 'magic'; known: thresholds"),
    ("method of forecasts", {"method": "correction"}, "does not go with classification; use thresholds"),
    ("role", {"roles": {"scroe": "s"}}, "unknown role 'scroe'; known: score, user"),
    ("threshold", {"thresholds": {"loss": 0.1}}, "unknown threshold 'loss'; known: alpha, cutoff"),
    ("loss", {"thresholds": {"max-loss": 1.5}}, "'max-loss' must be at least 0 and below 1"),
    ("cutoff", {"thresholds": {"cutoff": 2.5}}, "'cutoff' must be a whole number from 1 to 100"),
    ("rows", {"thresholds": {"min_n": 9.0}}, "'min_n' must be at least 10 here"),
    ("tolerance", {"thresholds": {"tolerance": 1.0}}, "'tolerance' must lie between 0 and 1"),
    ("group as input", {"columns": ("g",)}, "column 'g' is both a group and an input"),
    ("truth as input", {"columns": ("y",)}, "column 'y' is both an outcome and an input"),
    ("truth as group", {"sensitive": ("y",)}, "column 'y' is both an outcome and a group"),
    ("twice", {"y_pred": "y"}, "column 'y' is named twice"),
    ("population", {"population": {"g=a": 1.0}}, "'population' is used for ranked lists only"),
    ("list without item", {"roles": {"user": "g", "rank": "s"}}, "name the column of role 'item'"),
    (
        "list with truth",
        {"roles": {"user": "u", "item": "i", "rank": "r"}},
        "lists need roles only; leave 'y_true', 'y_pred' and 'columns' out",
    ),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_parameters_are_refused(_case, parameters, message):
    values = AuditParameters(**{"sensitive": ("g",), "y_true": "y", "y_pred": "s", **parameters})
    if _case != "method of forecasts":
        with pytest.raises(AuditInputError, match=message):
            KIND.check(values)
    with pytest.raises(AuditInputError, match=message):
        KIND.run(AuditInput(current=MemoryTable(decisions(200)), parameters=values))


BAD_DATA = [
    ("no such group", {"sensitive": ("nowhere",)}, {}, "column 'nowhere' is not in"),
    ("text", {}, {"s": ["x"] * 200}, "column 's' holds text"),
    ("infinite", {}, {"s": [float("inf")] * 200}, "column 's' holds 200 infinite values"),
    ("no value", {}, {"y": [None] * 200}, "no rows with a truth and a prediction are left"),
    ("three labels", {"task": "classification"}, {"y": [0, 1, 2, 1] * 50}, "values other than 0 and 1"),
    ("not a score", {}, {"s": [2.0] * 200}, "neither 0/1 labels nor scores between 0 and 1"),
    ("a group each", {}, {"g": [f"g{i}" for i in range(200)] * 10}, "more than 1000"),
]


@pytest.mark.parametrize(
    ("_case", "parameters", "columns", "message"), BAD_DATA, ids=[c[0] for c in BAD_DATA]
)
def test_bad_data_are_named_with_the_remedy(_case, parameters, columns, message):
    table = decisions(200)
    if _case == "a group each":
        table = decisions(2000)
        columns = {"g": [f"g{i}" for i in range(2000)]}
    with pytest.raises(AuditInputError, match=message):
        audit({**table, **columns}, **parameters)


def test_lists_are_refused_with_the_remedy():
    roles = {"user": "user", "item": "item", "rank": "rank"}
    with pytest.raises(AuditInputError, match="declare the share of 'g=y' in 'population'"):
        audit(shown(20), **LISTS, roles=roles, population={"g=x": 1.0})
    with pytest.raises(AuditInputError, match="'population' names other groups than those of 'g'"):
        audit(shown(20), **LISTS, roles=roles, population={"brand=x": 1.0})
    with pytest.raises(AuditInputError, match="column 'who' holds text"):
        audit(shown(20), **LISTS, roles={**roles, "relevant": "who"})


def test_fair_models_seldom_fail_and_candidates_of_unfair_ones_hold_what_they_promise():
    """Small studies: the same rates fail no more than chance allows, and a gap is mostly closed."""
    fair = [audit(decisions(500, 0.0, seed=s), method="thresholds") for s in range(12)]
    failed = sum(worst_verdict(found) is Verdict.FAIL for found in fair)
    assert failed <= 2
    unfair = [audit(decisions(3000, 0.8, seed=s), method="thresholds") for s in range(6)]
    today = [by_slice(found, "selection-rate-disparity")["today"].verdict for found in unfair]
    assert today.count(Verdict.FAIL) == 6
    label = "group thresholds: selection rate, parity"
    inside = [by_slice(f, "selection-rate-disparity")[label].detail["used_of_tolerance"] <= 1 for f in unfair]
    assert sum(inside) >= 5


def test_one_table_is_cut_into_rows_to_tune_on_and_rows_that_tell():
    table = decisions()
    found = audit(table, method="thresholds")
    asked = Asked(truth="y", prediction="s", score=None, attributes=("g",), entity=None, inputs=())
    sides = read_sides(MemoryTable(table), None, asked, 0)
    assert not set(sides.tuning.score) & set(sides.held_out.score)
    assert len(sides.tuning) == len(sides.held_out) == 1500
    label = "group thresholds: selection rate, parity"
    limits = settings_of(found, label)["thresholds"]
    rates = {}
    for name, rows in (("tuned", sides.tuning), ("told", sides.held_out)):
        names = np.array(rows.groups)[rows.group]
        rates[name] = [(rows.score[names == g] >= limits[g]).mean() for g in ("a", "b")]
    assert rates["tuned"][0] == pytest.approx(rates["tuned"][1], abs=0.002)
    m = by_slice(found, "selection-rate-disparity")[label]
    assert max(m.value, 1 / m.value) == pytest.approx(max(rates["told"]) / min(rates["told"]))


def test_parity_of_a_rate_is_parity_among_the_rows_that_it_speaks_of():
    tuning = decisions(seed=1, gap=1.2)
    found = audit(decisions(seed=2, gap=1.2), reference=tuning, method="thresholds")
    every = np.ones(len(tuning["y"]), dtype=bool)
    rows_of = {"selection": every, "true positive": tuning["y"] == 1, "false positive": tuning["y"] == 0}
    for rate in rows_of:
        limits = settings_of(found, f"group thresholds: {rate} rate, parity")["thresholds"]
        for other, rows in rows_of.items():
            chosen = [(tuning["s"][rows & (tuning["g"] == g)] >= limits[g]).mean() for g in ("a", "b")]
            assert (abs(chosen[0] - chosen[1]) < 0.003) == (rate == other)


def test_a_group_without_evidence_keeps_today_from_passing():
    today = by_slice(
        audit(decisions(4000, gap=0.0, small=20), method="thresholds"), "selection-rate-disparity"
    )["today"]
    assert (today.verdict, today.detail["without_evidence"]) == (Verdict.INSUFFICIENT, ["g=tiny"])
    assert today.detail["reason"] == "too little evidence for g=tiny; give more rows"
