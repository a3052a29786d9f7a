"""Uplift against control: personal, pushy or not known; by hand, by second implementations and by simulation."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.uplift import Uplift
from audits.metrics.statistics.multiplicity import holm
from audits.tables import MemoryTable

ROLES = {"treatment": "arm", "regret": "returned"}
EVEN = {"treated-share": 0.5}


def audit(table, /, *, roles=ROLES, seed=0, **parameters):
    values = AuditParameters(**{"y_true": "bought", "roles": roles, "thresholds": EVEN, **parameters})
    return Uplift().run(AuditInput(current=MemoryTable(table), parameters=values, seed=seed))


def found_in(measurements):
    found = {(m.name, m.slice): m for m in measurements}
    assert len(found) == len(measurements)
    return found


def ones(k, n):
    return [1] * k + [0] * (n - k)


def trial(bought=(200, 100), returned=(20, 20), n=(1000, 1000)):
    """Treated first; how many of each arm bought, and returned what they bought."""
    return {
        "arm": ["treated"] * n[0] + ["control"] * n[1],
        "bought": ones(bought[0], n[0]) + ones(bought[1], n[1]),
        "returned": ones(returned[0], n[0]) + ones(returned[1], n[1]),
    }


def test_it_is_registered_as_a_conduct_audit():
    kind = audit_kinds.get("uplift")
    assert (kind.dimension, kind.reads, kind.label) == (
        "conduct",
        ("predictions", ""),
        "Uplift against control",
    )


def test_uplift_by_hand():
    """200 of 1,000 against 100 of 1,000: z by the pooled share of .15, interval by Newcombe."""
    found = found_in(audit(trial()))
    m = found["uplift", ""]
    assert (m.value, m.n, m.verdict) == (pytest.approx(0.1), 2000, Verdict.PASS)
    z = 0.1 / math.sqrt(0.15 * 0.85 * 2 / 1000)
    assert m.detail["p"] == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)
    limits = [stats.binomtest(k, 1000).proportion_ci(method="wilson") for k in (200, 100)]
    low = 0.1 - math.hypot(0.2 - limits[0].low, limits[1].high - 0.1)
    high = 0.1 + math.hypot(limits[0].high - 0.2, 0.1 - limits[1].low)
    assert (m.low, m.high) == pytest.approx((low, high), rel=1e-9)
    assert m.detail["detectable"] == pytest.approx((high - low) / 2 * 2.8016 / 1.96)
    assert (m.detail["treated_mean"], m.detail["reference"], m.detail["test"]) == (0.2, 0.1, "z")
    ratio = found["sample-ratio", ""]
    assert (ratio.value, ratio.detail["p"], ratio.verdict) == (0.5, 1.0, Verdict.PASS)


def test_amounts_are_compared_by_welch():
    rng = np.random.default_rng(3)
    one, none = rng.gamma(2, 20, 300), rng.gamma(2, 15, 400)
    table = {"arm": [1] * 300 + [0] * 400, "bought": [*one, *none], "returned": [0] * 700}
    m = found_in(audit(table))["uplift", ""]
    peer = stats.ttest_ind(one, none, equal_var=False)
    interval = peer.confidence_interval()
    assert (m.detail["p"], m.value) == pytest.approx((peer.pvalue, one.mean() - none.mean()), rel=1e-9)
    assert (m.low, m.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize(
    ("_case", "bought", "returned", "uplift", "regret"),
    [
        ("personal", (200, 100), (20, 20), "pass", "insufficient"),
        ("pushy: regret rises, nobody buys more", (100, 100), (80, 30), "review", "fail"),
        ("pushy: regret rises, fewer buy", (100, 200), (80, 30), "review", "fail"),
        ("sells and is regretted", (200, 100), (80, 30), "pass", "review"),
        ("regret beyond its limit by chance", (100, 100), (32, 20), "review", "review"),
        ("nobody regrets", (200, 100), (0, 0), "pass", "pass"),
        ("fewer regret", (200, 100), (10, 60), "pass", "pass"),
    ],
)
def test_personal_from_pushy(_case, bought, returned, uplift, regret):
    found = found_in(audit(trial(bought, returned)))
    assert (found["uplift", ""].verdict, found["regret-uplift", ""].verdict) == (uplift, regret)
    for m in found.values():
        assert ("reason" in m.detail) == (m.verdict is not Verdict.PASS)
        assert (m.tolerance_used is None) == (m.verdict is Verdict.INSUFFICIENT or m.name == "uplift")


def test_regret_uses_its_tolerance_up():
    found = found_in(audit(trial((100, 100), (80, 30))))["regret-uplift", ""]
    assert (found.value, found.threshold, found.tolerance_used) == (
        pytest.approx(0.05),
        0.01,
        pytest.approx(5.0),
    )
    assert found.detail["reason"].startswith("pushy: more people regret it and no more buy")
    exactly = found_in(
        audit(
            trial((900, 900), (300, 200), (9000, 10_000)), thresholds={"treated-share": 0.47, "regret": 0.02}
        )
    )
    assert exactly["regret-uplift", ""].tolerance_used == pytest.approx((300 / 9000 - 0.02) / 0.02)


def test_too_small_a_trial_says_how_many_customers_would_tell():
    m = found_in(audit(trial(returned=(20, 20))))["regret-uplift", ""]
    times = (m.detail["detectable"] / 0.01) ** 2
    assert m.detail["reason"] == (
        f"regret may have risen by up to {m.high:.3g}: about {times:.1f} times as many customers would tell"
    )
    larger = trial((2000, 1000), (200, 200), (10_000, 10_000))
    assert found_in(audit(larger))["regret-uplift", ""].verdict is Verdict.PASS


def test_without_a_control_group_nothing_is_known():
    found = audit({"arm": ["treated"] * 99, "bought": ones(50, 99), "returned": ones(1, 99)})
    assert {m.verdict for m in found} == {Verdict.INSUFFICIENT}
    for m in found:
        assert m.detail["reason"].startswith(
            "no control group: leave a random share of the customers without"
        )


def test_without_a_column_of_regret_nobody_can_tell_personal_from_pushy():
    found = found_in(audit(trial(), roles={"treatment": "arm"}))
    assert found["uplift", ""].verdict is Verdict.PASS
    assert found["regret-uplift", ""].verdict is Verdict.INSUFFICIENT
    assert worst_verdict(found.values()) is Verdict.INSUFFICIENT


def test_a_sample_ratio_mismatch_makes_everything_after_it_untrusted():
    found = found_in(audit(trial((200, 90), (80, 30), (1000, 850))))
    ratio = found["sample-ratio", ""]
    assert ratio.detail["p"] == pytest.approx(stats.chisquare([1000, 850]).pvalue)
    assert (ratio.verdict, ratio.threshold) == (Verdict.FAIL, 0.5)
    assert ratio.tolerance_used == pytest.approx(math.log(ratio.detail["p"]) / math.log(0.001))
    for name in ("uplift", "regret-uplift"):
        assert found[name, ""].verdict is Verdict.INSUFFICIENT
        assert found[name, ""].detail["reason"].startswith("the sizes of the arms are not as planned")
        assert found[name, ""].tolerance_used is None


def test_an_undeclared_plan_is_not_a_pass():
    found = found_in(audit(trial(), thresholds={}))
    assert found["sample-ratio", ""].verdict is Verdict.INSUFFICIENT
    assert "threshold 'treated-share'" in found["sample-ratio", ""].detail["reason"]
    assert found["uplift", ""].verdict is Verdict.PASS


def unbalanced(shift, seed=1, n=400):
    rng = np.random.default_rng(seed)
    age = np.concatenate([rng.normal(40 + shift, 10, n), rng.normal(40, 10, n)])
    tier = [*rng.choice(["a", "b"], n, p=[0.5 + shift / 40, 0.5 - shift / 40]), *rng.choice(["a", "b"], n)]
    table = trial((160, 80), (40, 4), (n, n))
    return {**table, "age": age, "tier": tier}


def test_arms_that_differed_before_are_not_a_randomised_control():
    table = unbalanced(6.0)
    found = found_in(audit(table, columns=("age", "tier")))
    one, none = table["age"][:400], table["age"][400:]
    smd = abs(one.mean() - none.mean()) / math.sqrt((one.var(ddof=1) + none.var(ddof=1)) / 2)
    p = [stats.ttest_ind(one, none, equal_var=False).pvalue]
    counts = [[table["tier"][s : s + 400].count(t) for t in "ab"] for s in (0, 400)]
    p.append(stats.chi2_contingency(counts, correction=False).pvalue)
    m, tier = found["balance", "age"], found["balance", "tier"]
    assert (m.value, m.verdict) == (pytest.approx(smd), Verdict.REVIEW)
    assert [m.detail["p_adjusted"], tier.detail["p_adjusted"]] == pytest.approx(holm(np.array(p)).tolist())
    a, b = (c[0] / 400 for c in counts)
    assert tier.value == pytest.approx(abs(a - b) / math.sqrt((a * (1 - a) + b * (1 - b)) / 2))
    assert tier.detail["level"] in "ab"
    for name in ("uplift", "regret-uplift"):
        assert found[name, ""].verdict is Verdict.REVIEW
        assert found[name, ""].detail["reason"].startswith("not a randomised control")


def test_arms_that_were_alike_before_leave_the_verdicts_alone():
    found = found_in(audit(unbalanced(0.0), columns=("age", "tier")))
    assert {m.verdict for (name, _), m in found.items() if name == "balance"} <= {Verdict.PASS}
    assert found["uplift", ""].verdict is Verdict.PASS


def test_a_difference_that_chance_explains_is_for_review_and_does_not_taint_the_uplift():
    table = trial((20, 10), (0, 0), (40, 40))
    table["age"] = [30, 50] * 20 + [30, 52.5] * 20
    found = found_in(audit(table, columns=("age",)))
    m = found["balance", "age"]
    assert (m.verdict, m.detail["significant"]) == (Verdict.REVIEW, False)
    assert "not a randomised control" not in json.dumps([x.to_json() for x in found.values()])


def test_groups_have_their_own_uplift_and_share_one_adjustment():
    table = trial((200, 100), (80, 30))
    table["sex"] = (["f", "m"] * 1000)[:2000]
    table["sex"][0] = None
    found = found_in(audit(table, sensitive=("sex",)))
    slices = ("", "sex=f", "sex=m", "sex=undeclared")
    raw = [found["uplift", s].detail["p"] for s in slices[:3]]
    assert [found["uplift", s].detail["p_adjusted"] for s in slices[:3]] == pytest.approx(
        holm(np.array(raw)).tolist()
    )
    assert found["uplift", "sex=undeclared"].verdict is Verdict.INSUFFICIENT
    assert found["uplift", "sex=f"].n + found["uplift", "sex=m"].n == 1999


def test_a_pushy_group_is_found_behind_a_helpful_average():
    helped, pushed = trial((400, 100), (10, 10)), trial((100, 100), (90, 20))
    table = {k: [*helped[k], *pushed[k]] for k in helped}
    table["age"] = ["young"] * 2000 + ["old"] * 2000
    found = found_in(audit(table, sensitive=("age",)))
    assert found["uplift", ""].verdict is Verdict.PASS
    assert found["regret-uplift", "age=old"].verdict is Verdict.FAIL
    assert found["regret-uplift", "age=young"].verdict is not Verdict.FAIL


def test_customers_count_once_however_many_rows_they_have():
    table = trial((200, 100), (20, 20))
    table["who"] = list(range(2000))
    repeated = {k: [*v, *v[:500], *v[:500]] for k, v in table.items()}
    once, often = (found_in(audit(t, entity="who")) for t in (table, repeated))
    assert {k: m.value for k, m in once.items()} == pytest.approx({k: m.value for k, m in often.items()})
    assert often["uplift", ""].n == 2000


def test_customers_whose_rows_name_two_groups_are_undeclared():
    table = trial((20, 10), (2, 2), (100, 100))
    table = {k: [*v, *v[:3]] for k, v in table.items()}
    table |= {"who": [*range(200), 0, 1, 2], "sex": ["f"] * 100 + ["m"] * 100 + ["m"] * 3}
    found = found_in(audit(table, entity="who", sensitive=("sex",)))
    assert [found["uplift", f"sex={g}"].n for g in ("f", "m", "undeclared")] == [97, 100, 3]


def test_a_regret_that_is_significant_only_before_the_adjustment_is_for_review():
    table = trial((300, 300), (84, 60), (1500, 1500))
    table["age"] = [f"g{i % 5}" for i in range(3000)]
    m = found_in(audit(table, sensitive=("age",)))["regret-uplift", ""]
    assert m.detail["p"] < 0.05 < m.detail["p_adjusted"]
    assert (m.verdict, m.value) == (Verdict.REVIEW, pytest.approx(0.016))


def test_rare_regrets_are_tested_exactly():
    m = found_in(audit(trial((200, 100), (6, 0))))["regret-uplift", ""]
    assert (m.detail["test"], m.detail["p"]) == (
        "fisher",
        pytest.approx(stats.fisher_exact([[6, 994], [0, 1000]]).pvalue),
    )


def test_equal_scores_are_never_parted():
    table = trial((10, 10), (0, 0), (50, 50))
    table["score"] = [i % 10 for i in range(100)]
    found = found_in(audit(table, y_pred="score"))
    assert [m.n for (name, _), m in found.items() if name == "uplift-by-decile"] == [10] * 10
    table["score"] = [int(i % 20 < 3) for i in range(100)]
    found = found_in(audit(table, y_pred="score"))
    tied = {s: m.n for (name, s), m in found.items() if name == "uplift-by-decile"}
    assert tied == {"score=decile 1": 15, "score=decile 2": 85}


def test_customers_in_both_arms_take_no_part_and_are_counted():
    table = trial((100, 50), (5, 5), (500, 500))
    table["who"] = [*range(500), *range(490, 990)]
    table["arm"][600] = None
    ratio = found_in(audit(table, entity="who"))["sample-ratio", ""]
    assert (ratio.detail["mixed"], ratio.detail["unknown"], ratio.n) == (10, 1, 979)


def test_the_time_before_takes_noise_away_and_no_effect():
    rng = np.random.default_rng(5)
    before = rng.normal(100, 20, 2000)
    arm = np.arange(2000) % 2
    spend = before + 3 * arm + rng.normal(0, 5, 2000)
    table = {"arm": arm, "bought": spend, "returned": [0] * 2000, "before": before}
    plain = found_in(audit(table))["uplift", ""]
    better = found_in(audit(table, roles={**ROLES, "before": "before"}))["uplift", ""]
    theta = np.cov(before, spend)[0, 1] / np.var(before, ddof=1)
    adjusted = spend - theta * (before - before.mean())
    assert better.value == pytest.approx(adjusted[arm == 1].mean() - adjusted[arm == 0].mean())
    assert better.detail["variance_removed"] == pytest.approx(np.corrcoef(before, spend)[0, 1] ** 2)
    assert better.detail["unadjusted"] == pytest.approx(plain.value)
    assert better.high - better.low < (plain.high - plain.low) / 3
    assert (plain.verdict, better.verdict) == (Verdict.PASS, Verdict.PASS)
    assert better.low < 3 < better.high


def naive_areas(score, y, arm):
    """Point by point over the distinct scores, from the highest."""
    xs, qini, gain, n, treated = [0.0], [0.0], [0.0], len(y), (arm == 1).sum()
    for level in sorted(set(score), reverse=True):
        top = score >= level
        t, c = y[top & (arm == 1)], y[top & (arm == 0)]
        up = t.mean() - c.mean() if len(t) and len(c) else 0.0
        xs.append(top.sum() / n)
        qini.append(up * len(t) / treated)
        gain.append(up * top.sum() / n)
    return np.trapezoid(qini, xs) - qini[-1] / 2, np.trapezoid(gain, xs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.booleans()), min_size=4, max_size=60))
def test_areas_agree_with_a_naive_curve(rows):
    score, y, arm = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if len(set(arm)) < 2:
        return
    table = {"arm": arm, "bought": y, "returned": [0] * len(y), "score": score}
    found = found_in(audit(table, y_pred="score"))
    values = [found[name, ""].value for name in ("qini-coefficient", "uplift-curve-area")]
    assert values == pytest.approx(naive_areas(score, y, arm), abs=1e-9)


def test_a_score_that_knows_has_a_positive_coefficient_and_one_by_lot_has_none():
    rng = np.random.default_rng(2)
    arm, knows = np.arange(8000) % 2, rng.random(8000)
    bought = (rng.random(8000) < 0.1 + 0.3 * arm * (knows > 0.5)).astype(int)
    table = {"arm": arm, "bought": bought, "returned": [0] * 8000, "knows": knows, "lot": rng.random(8000)}
    good, lot = (found_in(audit(table, y_pred=name)) for name in ("knows", "lot"))
    # Perfect order: the curve rises to .15 at half of the customers and stays: area .1125 less .075.
    m = good["qini-coefficient", ""]
    assert m.low < 0.0375 < m.high
    assert m.low > 0.02
    assert lot["qini-coefficient", ""].low < 0 < lot["qini-coefficient", ""].high
    assert lot["uplift-curve-area", ""].value == pytest.approx(0.15 / 2, abs=0.02)
    tenths = [good["uplift-by-decile", f"knows=decile {i}"].value for i in range(1, 11)]
    assert min(tenths[:5]) > 0.2 > 0.1 > max(tenths[5:])
    assert (m.detail["role"], m.threshold) == ("descriptive", None)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(40)))
def test_the_order_of_rows_does_not_matter(order):
    table = trial((12, 8), (3, 2), (20, 20))
    table["age"] = [i % 7 for i in range(40)]
    moved = {k: [v[i] for i in order] for k, v in table.items()}
    for a, b in zip(audit(table, columns=("age",)), audit(moved, columns=("age",)), strict=True):
        assert (a.name, a.verdict, a.n) == (b.name, b.verdict, b.n)
        assert a.value == pytest.approx(b.value, nan_ok=True)


def test_a_bad_optional_column_leaves_the_others_intact():
    table = {**trial(), "age": ["x" + str(i) for i in range(2000)], "score": ["high"] * 2000}
    table["returned"] = ["sometimes"] * 2000
    roles = {**ROLES, "before": "gone"}
    found = found_in(
        audit(table, roles=roles, columns=("age", "gone"), sensitive=("nowhere",), y_pred="score")
    )
    errors = {key for key, m in found.items() if m.verdict is Verdict.ERRORED}
    assert errors == {
        ("regret-uplift", "all groups"),
        ("uplift", "with the time before"),
        ("balance", "age"),
        ("balance", "gone"),
        ("uplift", "nowhere"),
        ("qini-coefficient", ""),
        ("uplift-curve-area", ""),
    }
    assert found["uplift", ""].verdict is Verdict.PASS
    assert "sometimes" not in json.dumps([m.to_json() for m in found.values()])


def test_few_customers_carry_no_verdict():
    found = found_in(audit(trial((20, 5), (9, 0), (29, 40))))
    assert found["uplift", ""].verdict is found["regret-uplift", ""].verdict is Verdict.INSUFFICIENT
    assert found["uplift", ""].detail["reason"] == "29 customers in the smaller arm; at least 30 are needed"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"roles": {}}, "who was treated and who is control"),
        ({"roles": {**ROLES, "weight": "w"}}, "unknown role 'weight'; known: treatment, regret, before"),
        ({"y_true": None}, "name the outcome"),
        ({"method": "ipw"}, "leave 'method' out"),
        ({"y_true": "arm"}, "column 'arm' is named twice"),
        ({"columns": ("returned",)}, "column 'returned' came after the campaign"),
        ({"thresholds": {"treated-share": 1}}, "'treated-share' must lie between 0 and 1"),
        ({"thresholds": {"share": 1}}, "unknown threshold 'share'"),
        ({"thresholds": {"regret": 0}}, "must be above 0"),
    ],
)
def test_parameters_that_nothing_could_make_usable_are_refused(parameters, message):
    values = AuditParameters(**{"y_true": "bought", "roles": ROLES, **parameters})
    with pytest.raises(AuditInputError, match=message):
        Uplift().check(values)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"arm": ["blue"] * 2000}, "column 'arm' holds values other than 0, 1, control"),
        ({"bought": ["much"] * 2000}, "column 'bought' of table holds text"),
        ({"bought": None}, "column 'bought' is not in table"),
    ],
)
def test_data_that_nothing_can_be_computed_of_are_refused(columns, message):
    table = {k: v for k, v in {**trial(), **columns}.items() if v is not None}
    with pytest.raises(AuditInputError, match=message):
        audit(table)


def simulated(seed, bought, returned, n=1500):
    rng = np.random.default_rng(seed)
    table = trial(n=(n, n))
    table["bought"] = (rng.random(2 * n) < np.repeat(bought, n)).astype(int)
    table["returned"] = (rng.random(2 * n) < np.repeat(returned, n)).astype(int)
    return table


def failed(bought, returned, runs):
    found = [found_in(audit(simulated(seed, bought, returned))) for seed in range(runs)]
    return sum(f["regret-uplift", ""].verdict is Verdict.FAIL for f in found)


def test_harmless_campaigns_are_rarely_accused_and_pushy_ones_found():
    assert failed((0.1, 0.1), (0.04, 0.04), 200) <= 10
    assert failed((0.1, 0.1), (0.08, 0.04), 50) >= 45
