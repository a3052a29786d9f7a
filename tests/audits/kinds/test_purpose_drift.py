"""Purpose drift: uses against declarations by hand and by a replay, and the mix of purposes over days."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.purpose_drift import PurposeDrift
from audits.metrics.drift.day_shuffles import mix_shift
from audits.metrics.privacy.purposes import plain, similar
from audits.tables import MemoryTable

KIND = PurposeDrift()
USES, SHARE, UNUSED, SHIFT = "undeclared-uses", "undeclared-share", "declared-unused", "purpose-mix-shift"
START = date(2024, 3, 1)


def table(names, rows):
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def log(*rows):
    return table(("asset", "purpose"), rows)


DECLARED = log(("orders", "size advice"), ("orders", "accounting"), ("photos", "catalogue"))


def audit(uses, declared=DECLARED, seed=0, **parameters):
    return KIND.run(
        AuditInput(
            current=MemoryTable(uses, "uses.csv"),
            reference=MemoryTable(declared, "declared.csv"),
            parameters=AuditParameters(**parameters),
            seed=seed,
        )
    )


def pairs(measurements):
    return {m.slice: m for m in measurements if m.name == USES}


def one(measurements, name):
    (found,) = [m for m in measurements if m.name == name]
    return found


def test_it_is_registered_as_a_privacy_audit():
    kind = audit_kinds.get("purpose-drift")
    assert (kind.dimension, kind.reads, kind.needs_reference) == ("privacy", ("current", "reference"), True)
    assert set(kind.words) == {USES, SHARE, UNUSED, SHIFT}


def test_declared_uses_pass_and_others_fail():
    found = audit(
        log(*[("orders", "size advice")] * 6, *[("orders", "advertising")] * 3, ("photos", "size advice"))
    )
    by_pair = pairs(found)
    assert {name: (m.value, m.n, m.verdict.value) for name, m in by_pair.items()} == {
        "orders / advertising": (3.0, 3, "fail"),
        "photos / size advice": (1.0, 1, "fail"),
        "orders / size advice": (0.0, 6, "pass"),
    }
    assert list(by_pair) == ["orders / advertising", "photos / size advice", "orders / size advice"]
    assert [m.tolerance_used for m in by_pair.values()] == [100.0, 100.0, 0.0]
    advertising = by_pair["orders / advertising"]
    assert (advertising.detail["share"], advertising.detail["uses"], advertising.detail["did_you_mean"]) == (
        0.3,
        3,
        None,
    )
    assert advertising.detail["reason"] == (
        "not declared for this asset: stop, or inform people and declare it first"
    )
    share = one(found, SHARE)
    assert (share.value, share.n, share.tolerance_used) == (0.4, 10, None)
    assert {k: share.detail[k] for k in ("undeclared", "pairs", "pairs_undeclared", "pairs_not_shown")} == {
        "undeclared": 4,
        "pairs": 3,
        "pairs_undeclared": 2,
        "pairs_not_shown": 0,
    }
    assert worst_verdict(found) is Verdict.FAIL


def test_case_and_spaces_do_not_matter_but_words_do():
    found = pairs(audit(log((" Orders ", "SIZE   advice"), ("orders", "size advise"))))
    assert found["orders / size advice"].verdict is Verdict.PASS
    nearly = found["orders / size advise"]
    assert (nearly.verdict, nearly.detail["did_you_mean"]) == (Verdict.FAIL, "size advice")
    assert nearly.detail["reason"].endswith("declare it first; did you mean 'size advice'?")


@pytest.mark.parametrize(
    ("wanted", "known", "found"),
    [
        ("size advice", ["size advise", "advertising"], ["size advise"]),
        ("size advice", ["size advice"], []),
        ("catalogue", ["catalog"], ["catalog"]),  # 2 * 7 / 16 = .875
        ("abcdefghij", ["abcdefgh"], ["abcdefgh"]),  # 2 * 8 / 18 = .889
        ("abcdefgh", ["abcdef"], ["abcdef"]),  # 2 * 6 / 14 = .857
        ("abcdefg", ["abcde"], []),  # 2 * 5 / 12 = .833
        ("", ["a"], []),
    ],
)
def test_names_that_are_nearly_alike(wanted, known, found):
    assert similar(wanted, known) == found
    assert plain("  A\tB ") == "a b"


def test_a_purpose_that_is_not_stated_is_not_declared():
    found = pairs(audit(log(("orders", None), ("orders", " "), (None, "size advice"))))
    assert {name: (m.value, m.verdict.value) for name, m in found.items()} == {
        "orders / (no purpose stated)": (2.0, "fail"),
        "(no asset stated) / size advice": (1.0, "fail"),
    }
    nothing = log((None, "size advice"), ("orders", None))
    assert {m.verdict for m in pairs(audit(log(("orders", "size advice")), nothing)).values()} == {
        Verdict.FAIL
    }


def test_uses_are_counted_by_their_count():
    uses = table(
        ("asset", "purpose", "count"),
        [("orders", "size advice", 90), ("orders", "x", 10), ("photos", "catalogue", 0)],
    )
    found = audit(uses)
    assert one(found, SHARE).value == 0.1
    assert pairs(found).keys() == {"orders / size advice", "orders / x"}
    unknown = audit({**uses, "count": [90, None, 0]})
    assert one(unknown, SHARE).value == 1 / 91


def test_tolerated_uses():
    uses = log(*[("orders", "x")] * 5, ("orders", "size advice"))
    at_limit = pairs(audit(uses, thresholds={"undeclared": 5}))["orders / x"]
    assert (at_limit.verdict, at_limit.tolerance_used, at_limit.value) == (Verdict.PASS, 1.0, 5.0)
    beyond = pairs(audit(uses, thresholds={"undeclared": 4}))["orders / x"]
    assert (beyond.verdict, beyond.tolerance_used) == (Verdict.FAIL, 1.25)


def test_uses_declared_as_compatible_only_are_for_review():
    declared = table(
        ("asset", "purpose", "compatible"),
        [
            ("orders", "size advice", True),
            ("orders", "accounting", False),
            ("orders", "both", True),
            ("orders", "both", False),
            ("orders", "unsaid", None),
        ],
    )
    used = ["size advice", "accounting", "both", "unsaid", "advertising"]
    expected = ["review", "pass", "pass", "review", "fail"]
    for flags in (declared["compatible"], ["yes", "No", "TRUE", "false", None], [1, 0, 1, 0, None]):
        found = pairs(audit(log(*[("orders", p) for p in used]), {**declared, "compatible": flags}))
        assert [found[f"orders / {p}"].verdict.value for p in used] == expected
    review = found["orders / size advice"]
    assert (review.value, review.detail["compatible"]) == (0.0, 1)
    assert "GDPR Art. 6(4)" in review.detail["reason"]


def at(*days):
    return [None if d is None else START + timedelta(days=d) for d in days]


def test_a_declaration_holds_until_its_last_day():
    declared = {**log(("orders", "size advice")), "until": at(10)}
    uses = {"asset": ["orders"] * 4, "purpose": ["size advice"] * 4, "at": at(9, 10, 11, 12)}
    found = pairs(audit(uses, declared))["orders / size advice"]
    assert (found.value, found.n, found.verdict) == (2.0, 4, Verdict.FAIL)
    assert (found.detail["ended"], found.detail["declared"]) == (2, 2)
    assert found.detail["reason"] == "used after the declaration had ended: stop, or declare it anew"
    assert (found.detail["first"], found.detail["last"]) == ("2024-03-10", "2024-03-13")
    hours = [datetime(2024, 3, 11, 23, 59, tzinfo=UTC), datetime(2024, 3, 12, tzinfo=UTC)]
    late = pairs(audit({"asset": ["orders"] * 2, "purpose": ["size advice"] * 2, "at": hours}, declared))
    assert late["orders / size advice"].value == 1.0


@pytest.mark.parametrize("ends", [(10, 5), (5, 10), (None, 5), (5, None)])
def test_of_several_declarations_the_longest_holds(ends):
    declared = {**log(("orders", "size advice"), ("orders", "size advice")), "until": at(*ends)}
    uses = {**log(("orders", "size advice")), "at": at(10)}
    assert pairs(audit(uses, declared))["orders / size advice"].verdict is Verdict.PASS


def test_uses_of_one_day_add_up_over_many_pieces():
    n = 150_000
    uses = {"asset": ["orders"] * n, "purpose": ["size advice"] * n, "at": at(*[0] * n)}
    assert pairs(audit(uses))["orders / size advice"].n == n


def test_uses_without_a_moment_are_for_review_where_a_declaration_ends():
    uses = {"asset": ["orders", "photos"], "purpose": ["size advice", "catalogue"], "at": at(None, None)}
    declared = {**log(("orders", "size advice"), ("photos", "catalogue")), "until": at(10, None)}
    found = pairs(audit(uses, declared))
    assert (found["orders / size advice"].verdict, found["orders / size advice"].detail["undated"]) == (
        "review",
        1,
    )
    assert found["photos / catalogue"].verdict is Verdict.PASS
    renewed = {**log(("orders", "size advice"), ("orders", "size advice")), "until": at(10, None)}
    assert pairs(audit(uses, renewed))["orders / size advice"].verdict is Verdict.PASS


def test_what_was_declared_and_never_used():
    found = one(audit({**log(("orders", "size advice")), "at": at(3)}), UNUSED)
    assert (found.value, found.n, found.verdict) == (2.0, 3, Verdict.PASS)
    assert found.detail["names"] == ["orders / accounting", "photos / catalogue"]
    assert (found.detail["role"], found.detail["first"]) == ("descriptive", "2024-03-04")
    assert found.detail["declared"] == 3


def test_systems_are_named_and_people_are_not():
    uses = table(
        ("asset", "purpose", "system"),
        [
            ("orders", "x", "warehouse"),
            ("orders", "x", "crm"),
            ("orders", "x", "anna@example.org"),
            ("o@p.com", "b@c.de", None),
        ],
    )
    declared = log(("orders", "b@c.df"), ("o@p.com", "zz"))
    found = audit(uses, declared)
    assert pairs(found)["orders / x"].detail["systems"] == [
        "(system not shown: it looks like an address)",
        "crm",
        "warehouse",
    ]
    assert "@" not in json.dumps([m.to_json() for m in found], allow_nan=False)


def test_pairs_whose_names_are_not_shown_keep_slices_of_their_own():
    found = [m for m in audit(log(("a", "x@y.de"), ("a", "z@y.de"), ("a", "w@y.de"))) if m.name == USES]
    assert len({m.slice for m in found}) == 3


def test_long_names_are_cut_and_stay_apart():
    found = [
        m for m in audit(log(("a" * 500, "x" * 500 + "1"), ("a" * 500, "x" * 500 + "2"))) if m.name == USES
    ]
    assert len({m.slice for m in found}) == 2
    assert max(len(m.slice) for m in found) <= 305


def test_at_most_five_hundred_pairs_are_shown_and_the_worst_are_among_them():
    declared = log(*[("a", f"p{i}") for i in range(600)])
    found = audit(log(*[("a", f"p{i}") for i in range(600)], ("a", "new")), declared)
    assert len(pairs(found)) == 500
    assert next(iter(pairs(found))) == "a / new"
    assert one(found, SHARE).detail["pairs_not_shown"] == 101


def mixed(before, after, days=30, gap=0, step=1):
    """Uses on each of some days, ``{purpose: uses a day}``, and then others."""
    rows = []
    for i in range(0, 2 * days, step):
        for purpose, n in (before if i < days else after).items():
            rows.append(("orders", purpose, n, START + timedelta(days=i + (gap if i >= days else 0))))
    return table(("asset", "purpose", "count", "at"), rows)


BEFORE = {"size advice": 90, "accounting": 10}


def test_a_new_mix_is_for_review_and_new_purposes_are_named():
    found = one(audit(mixed(BEFORE, {"size advice": 40, "accounting": 10, "catalogue": 50})), SHIFT)
    assert found.value == pytest.approx(jensenshannon([90, 10, 0], [40, 10, 50]))
    assert (found.verdict, found.detail["p"] <= 0.05, found.n) == (Verdict.REVIEW, True, 6000)
    assert (found.detail["new_purposes"], found.detail["gone_purposes"]) == (["catalogue"], [])
    assert (found.detail["from"], found.detail["to"]) == ("2024-03-01", "2024-04-29")
    assert found.detail["days_with_uses"] == [30, 30]
    back = one(audit(mixed({"catalogue": 5, **BEFORE}, BEFORE)), SHIFT)
    assert back.detail["gone_purposes"] == ["catalogue"]


def test_the_same_mix_passes_however_much_more_is_used():
    found = one(audit(mixed(BEFORE, {name: 20 * n for name, n in BEFORE.items()})), SHIFT)
    assert (found.value, found.verdict, found.tolerance_used) == (
        pytest.approx(0.0, abs=1e-7),
        Verdict.PASS,
        pytest.approx(0.0, abs=1e-6),
    )


def test_one_odd_day_is_no_drift():
    """Half of all uses of a month come on one day from one job: by uses that is beyond chance, by days it is not."""
    uses = mixed(BEFORE, BEFORE)
    uses = {
        name: [*values, extra]
        for (name, values), extra in zip(
            uses.items(), ("orders", "accounting", 3000, START + timedelta(days=45)), strict=True
        )
    }
    found = one(audit(uses), SHIFT)
    assert found.value > 0.1
    assert (found.verdict, found.detail["p"] > 0.05) == (Verdict.PASS, True)


def test_only_the_days_asked_for_are_compared():
    uses = mixed(BEFORE, BEFORE, days=30)
    long_ago = mixed({"advertising": 500}, {"advertising": 500}, days=20)
    together = {
        name: [*uses[name], *[d - timedelta(days=60) if name == "at" else d for d in long_ago[name]]]
        for name in uses
    }
    found = one(audit(together), SHIFT)
    assert (found.value, found.detail["from"]) == (pytest.approx(0.0, abs=1e-7), "2024-03-01")
    shorter = one(audit(together, thresholds={"days": 10}), SHIFT)
    assert (shorter.detail["from"], shorter.detail["days_with_uses"]) == ("2024-04-10", [10, 10])


def test_few_days_are_insufficient_and_no_days_are_not_compared():
    few = one(audit(mixed(BEFORE, BEFORE, days=6)), SHIFT)
    assert (few.verdict, few.value) == (Verdict.INSUFFICIENT, None)
    assert "at least 7 are needed" in few.detail["reason"]
    undated = one(audit({**log(("orders", "size advice")), "at": at(None)}), SHIFT)
    assert undated.verdict is Verdict.INSUFFICIENT
    assert [m.name for m in audit(log(("orders", "size advice")))] == [USES, SHARE, UNUSED]


@pytest.mark.parametrize("later", [5, 2])
def test_shuffled_days_agree_with_every_way_to_divide_them(later):
    from itertools import combinations

    rng = np.random.default_rng(1)
    by_day = rng.integers(0, 30, (10, 3))
    late = np.arange(10) >= 10 - later
    observed = jensenshannon(by_day[~late].sum(0), by_day[late].sum(0))
    every = [
        jensenshannon(by_day.sum(0) - by_day[list(c)].sum(0), by_day[list(c)].sum(0))
        for c in combinations(range(10), later)
    ]
    found = mix_shift(by_day, late, seed=0, draws=20_000)
    assert found.distance == pytest.approx(observed)
    assert found.p == pytest.approx(np.mean(np.array(every) >= observed * (1 - 1e-9)), abs=0.01)
    assert mix_shift(by_day, late, seed=0) == mix_shift(by_day, late, seed=0)


def test_a_stationary_log_is_seldom_called_shifted_and_a_real_shift_mostly_is():
    """Days with mixes of their own (Dirichlet), as jobs make them; by single uses nearly all would be significant."""
    rng = np.random.default_rng(4)
    late = np.arange(60) >= 30
    called = {0.0: 0, 0.2: 0}
    for shift in called:
        for seed in range(100):
            shares = rng.dirichlet([6, 3, 1], 60)
            shares[late] = (1 - shift) * shares[late] + shift * np.array([0.0, 0.0, 1.0])
            by_day = np.stack([rng.multinomial(200, s) for s in shares])
            called[shift] += mix_shift(by_day, late, seed, draws=199).p <= 0.05
    assert called[0.0] <= 12
    assert called[0.2] >= 95


REFUSALS = [
    ("method", {"method": "x"}, "unknown method 'x'"),
    ("threshold", {"thresholds": {"share": 1.0}}, "unknown threshold 'share'; known: undeclared, mix, days"),
    ("role", {"roles": {"why": "x"}}, "unknown role 'why'; known: asset, purpose"),
    ("negative", {"thresholds": {"undeclared": -1.0}}, "'undeclared' must be at least 0"),
    ("mix", {"thresholds": {"mix": 1.0}}, "'mix' lie between 0 and 1"),
    ("days", {"thresholds": {"days": 3.0}}, "'days' must be a whole number from 7"),
    ("half days", {"thresholds": {"days": 7.5}}, "'days' must be a whole number from 7"),
]


@pytest.mark.parametrize(("_case", "parameters", "message"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_wrong_parameters_are_refused_before_any_data(_case, parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**parameters))
    with pytest.raises(AuditInputError, match=message):
        audit(DECLARED, **parameters)


@pytest.mark.parametrize(
    ("_case", "uses", "declared", "parameters", "message"),
    [
        ("no uses", {"asset": [], "purpose": []}, DECLARED, {}, "uses.csv holds no use"),
        ("uses of 0", {**log(("a", "b")), "count": [0]}, DECLARED, {}, "uses.csv holds no use"),
        (
            "no purpose column",
            {"asset": ["a"]},
            DECLARED,
            {},
            "'purpose' is not in uses.csv: name the column",
        ),
        ("no declared purpose", DECLARED, {"asset": ["a"]}, {}, "'purpose' is not in declared.csv"),
        (
            "role",
            DECLARED,
            DECLARED,
            {"roles": {"at": "when"}},
            "'when' is not in uses.csv: name the column of role 'at'",
        ),
        ("half a use", {**log(("a", "b")), "count": [0.5]}, DECLARED, {}, "'count' must count uses"),
        ("minus", {**log(("a", "b")), "count": [-1]}, DECLARED, {}, "'count' must count uses"),
        ("words as counts", {**log(("a", "b")), "count": ["x"]}, DECLARED, {}, "'count' holds text"),
        ("words as moments", {**log(("a", "b")), "at": ["soon"]}, DECLARED, {}, "'at' does not hold dates"),
        (
            "perhaps",
            DECLARED,
            {**log(("a", "b")), "compatible": ["perhaps"]},
            {},
            "'compatible' must say true or false",
        ),
        (
            "words as ends",
            DECLARED,
            {**log(("a", "b")), "until": ["soon"]},
            {},
            "'until' does not hold dates",
        ),
    ],
)
def test_bad_data_are_refused_with_the_column(_case, uses, declared, parameters, message):
    with pytest.raises(AuditInputError, match=message):
        audit(uses, declared, **parameters)


def test_no_declarations_at_all_fail_every_use():
    empty = {"asset": ["a"][:0], "purpose": ["a"][:0]}
    found = audit(log(("orders", "size advice")), empty)
    assert {m.verdict for m in pairs(found).values()} == {Verdict.FAIL}


def test_too_many_pairs_are_refused():
    with pytest.raises(AuditInputError, match="more than 10000 pairs of asset and purpose"):
        audit(log(*[("a", f"p{i}") for i in range(10_001)]))


NAMES = st.sampled_from(["a", "A ", "b", None])
WHY = st.sampled_from(["x", " X", "y", None])
DAYS = st.none() | st.integers(0, 6)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(NAMES, WHY, st.integers(0, 3), DAYS), min_size=1, max_size=12),
    st.lists(st.tuples(NAMES, WHY, st.booleans(), DAYS), max_size=8),
)
def test_counts_equal_a_replay_of_every_use(rows, declarations):
    def key(asset, purpose):
        return ((asset or "").strip().lower(), (purpose or "").strip().lower())

    expected = {}
    for asset, purpose, count, day in rows:
        mine = [d for d in declarations if d[0] and d[1] and key(d[0], d[1]) == key(asset, purpose)]
        holding = [d for d in mine if d[3] is None or (day is not None and day <= d[3])]
        if any(not d[2] for d in holding):
            status = "declared"
        elif holding:
            status = "compatible"
        else:
            status = "undated" if mine and day is None else "undeclared"
        if count:
            counts = expected.setdefault(
                key(asset, purpose), dict.fromkeys(("declared", "compatible", "undated", "undeclared"), 0)
            )
            counts[status] += count
    uses = table(("asset", "purpose", "count"), [r[:3] for r in rows]) | {"at": at(*[r[3] for r in rows])}
    declared = table(("asset", "purpose", "compatible"), [d[:3] for d in declarations]) | {
        "until": at(*[d[3] for d in declarations])
    }
    if not expected:
        with pytest.raises(AuditInputError, match="holds no use"):
            audit(uses, declared)
        return
    found = audit(uses, declared)
    for (asset, purpose), counts in expected.items():
        m = pairs(found)[f"{asset or '(no asset stated)'} / {purpose or '(no purpose stated)'}"]
        assert (m.value, m.n) == (counts["undeclared"], sum(counts.values()))
        assert {name: m.detail[name] for name in ("declared", "compatible", "undated")} == {
            name: counts[name] for name in ("declared", "compatible", "undated")
        }
        worst = (
            "fail"
            if counts["undeclared"]
            else "review"
            if counts["undated"] or counts["compatible"]
            else "pass"
        )
        assert m.verdict == worst
    total = sum(sum(counts.values()) for counts in expected.values())
    assert one(found, SHARE).value == pytest.approx(sum(c["undeclared"] for c in expected.values()) / total)
