"""Numbers of ranked lists: published values, a second implementation, and the same answer whatever the order of the rows."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.disparity.pooled_tests import permutation_p
from audits.metrics.groups import keyed_sums
from audits.metrics.groups.keyed_sums import in_order, sum_by_key
from audits.metrics.lists import tops as list_tops
from audits.metrics.lists.eligible_coverage import reach
from audits.metrics.lists.exposure import amounts, attention, flags, gini, places
from audits.metrics.lists.popularity import popularity_lift
from audits.metrics.lists.ranked_representation import (
    at_least,
    failing_lists,
    failing_share,
    least_counts,
    ndkl,
)
from audits.metrics.lists.scores import ListRows, tier_divergence, user_scores
from audits.metrics.lists.tops import list_tops as read_tops
from audits.metrics.scores.ranking import score_users
from audits.tables import Column, MemoryTable, TableError


class Sliced(MemoryTable):
    """A table that hands out its columns a few rows at a time."""

    def __init__(self, columns, step):
        super().__init__(columns)
        self.step = step

    def scan(self, names=None):
        for column in super().scan(names):
            for start in range(0, max(len(column), 1), self.step):
                yield Column(column.name, column.type, column.data.slice(start, self.step))


def column(values):
    return MemoryTable({"x": values}).column("x")


# --- exposure -----------------------------------------------------------------------------------------------------------


def test_attention_of_the_job_seekers_of_singh_and_joachims():
    """Singh and Joachims 2018, figure 1: three men above three women, mean exposures .71 and .39."""
    weight = attention(np.arange(1.0, 7.0))
    assert round(weight[:3].mean(), 2) == 0.71
    assert round(weight[3:].mean(), 2) == 0.39


def test_what_was_not_listed_gets_no_attention():
    assert attention(np.array([1.0, np.nan])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("values", [[0, 1], [0.5], [-1], [math.inf]], ids=str)
def test_places_below_one_are_refused(values):
    with pytest.raises(TableError, match="'x' holds places below 1 or infinite ones; count places from 1"):
        places(column([float(v) for v in values]))


@pytest.mark.parametrize("read", [places, flags, amounts])
def test_text_is_refused_where_numbers_are_needed(read):
    with pytest.raises(TableError, match="'x' holds text"):
        read(column(["first", "second"]))


def test_flags_and_amounts_are_refused_out_of_range():
    with pytest.raises(TableError, match="'x' holds values other than 0 and 1"):
        flags(column([0, 2]))
    with pytest.raises(TableError, match="at least 0 and at most 1"):
        amounts(column([0.5, 1.5]), most=1.0)
    with pytest.raises(TableError, match=r"at least 0$"):
        amounts(column([-0.5]))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [([5, 5, 5], 0.0), ([0, 0, 0, 8], 0.75), ([1, 2, 3, 4], 0.25), ([0, 0], math.nan), ([], math.nan)],
    ids=str,
)
def test_gini_closed_forms(amount, expected):
    assert gini(np.array(amount, dtype=float)) == pytest.approx(expected, nan_ok=True, abs=1e-15)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(amount):
    x = np.array(amount)
    if x.sum() > 1e-6:
        naive = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
        assert gini(x) == pytest.approx(naive, abs=1e-9)


# --- calibration --------------------------------------------------------------------------------------------------------


def test_tier_divergence_by_hand():
    """Steck 2018, equations 3 to 5 with alpha .01: history all premium and list none gives ln 100."""
    found = tier_divergence(np.array([1.0, 0.5, 0.3, np.nan]), np.array([0.0, 0.5, 0.3, 0.1]))
    assert found[:3].tolist() == pytest.approx([math.log(100), 0.0, 0.0], abs=1e-12)
    assert math.isnan(found[3])


@given(st.floats(0, 1), st.floats(0, 1))
def test_tier_divergence_is_the_smoothed_entropy_of_scipy(p, q):
    mixed = 0.99 * q + 0.01 * p
    expected = stats.entropy([p, 1 - p], [mixed, 1 - mixed])
    assert tier_divergence(np.array([p]), np.array([q]))[0] == pytest.approx(expected, abs=1e-9)


# --- permutation ----------------------------------------------------------------------------------------------------


def permuted(values, chosen):
    """p by its moments, and the smaller tail of 40,000 random permutations, twice."""
    centred = values - values.mean()
    arrays = (np.array([x], dtype=float) for x in (centred[chosen].sum(), chosen.sum(), len(values)))
    p = permutation_p(*arrays, np.array([(centred**2).sum()]), np.array([(centred**3).sum()]))[0]
    rng = np.random.default_rng(2)
    order = rng.random((40_000, len(values))).argpartition(int(chosen.sum()), axis=1)[:, : int(chosen.sum())]
    drawn, observed = centred[order].sum(axis=1), centred[chosen].sum()
    return p, 2 * min((drawn <= observed + 1e-9).mean(), (drawn >= observed - 1e-9).mean())


@pytest.mark.parametrize("side", [1, -1], ids=["low", "high"])
@pytest.mark.parametrize("share", [0.6, 0.7, 0.8, 0.9])
def test_permutation_p_is_that_of_drawn_permutations_of_skewed_values(share, side):
    rng = np.random.default_rng(6)
    values = rng.exponential(size=300)
    chosen = np.zeros(300, dtype=bool)
    chosen[rng.permutation(np.argsort(side * values)[: int(300 * share)])[:40]] = True
    p, drawn = permuted(values, chosen)
    assert p == pytest.approx(drawn, rel=0.2, abs=4e-4)


def test_permutation_p_is_undefined_where_nothing_varies():
    one = np.array([1.0])
    assert math.isnan(permutation_p(0 * one, 3 * one, 9 * one, 0 * one, 0 * one)[0])
    assert math.isnan(permutation_p(one, 9 * one, 9 * one, one, one)[0])


# --- FA*IR and NDKL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (0.2, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
        (0.3, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]),
        (0.4, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3]),
        (0.5, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4]),
        (0.6, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        (0.7, [0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6]),
    ],
    ids=str,
)
def test_least_counts_of_the_fair_paper(share, expected):
    """Zehlike et al. 2017 (FA*IR), table 2: alpha .1, k from 1 to 12."""
    assert least_counts(12, share, 0.1).tolist() == expected


def test_least_counts_of_the_fairsearch_documentation():
    """fairsearchcore (pypi.org/project/fairsearchcore), create_unadjusted_mtable with k 20, p .25, alpha .1."""
    assert least_counts(20, 0.25, 0.1).tolist() == [0] * 8 + [1] * 6 + [2] * 5 + [3]


def test_the_failing_share_of_the_fairsearch_documentation():
    """The same page, compute_fail_probability of its adjusted table."""
    assert failing_share(np.array([0] * 8 + [1] * 7 + [2] * 5), 0.25)[-1] == pytest.approx(
        0.10515247355215251, abs=1e-15
    )


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_expected_failures_agree_with_the_enumeration_of_all_lists(share):
    members = np.array(list(product([False, True], repeat=10)))
    chance = np.where(members, share, 1 - share).prod(axis=1)
    least = least_counts(10, share, 0.1)
    for length in (1, 4, 7, 10):
        failing = failing_lists(members, np.full(len(members), length), least)
        assert failing_share(least, share)[length - 1] == pytest.approx(chance[failing].sum(), abs=1e-12)


def test_expected_failures_agree_with_lists_drawn_at_random():
    rng = np.random.default_rng(4)
    members = rng.random((40_000, 15)) < 0.4
    lengths = rng.integers(1, 16, 40_000)
    members &= np.arange(15) < lengths[:, None]
    least = least_counts(15, 0.4, 0.1)
    expected = failing_share(least, 0.4)[lengths - 1].mean()
    assert failing_lists(members, lengths, least).mean() == pytest.approx(expected, abs=0.006)


def test_only_prefixes_within_the_list_are_tested():
    least = least_counts(12, 0.5, 0.1)
    members = np.zeros((2, 12), dtype=bool)
    assert failing_lists(members, np.array([3, 4]), least).tolist() == [False, True]


def test_chance_of_so_many_or_more():
    assert at_least(0, 10, 0.3) == 1.0
    assert at_least(4, 10, 0.3) == pytest.approx(stats.binom.sf(3, 10, 0.3), rel=1e-12)


def test_ndkl_by_hand():
    """Geyik et al. 2019, definition 3.4, for the list a b of two equal groups: only the first prefix is off, by ln 2."""
    first = math.log(2)
    weights = [1.0, 1 / math.log2(3)]
    found = ndkl(np.array([[0, 1], [0, 0], [0, -1], [-1, -1]]), np.array([0.5, 0.5]))
    assert found[0] == pytest.approx(first / sum(weights))
    assert found[1] == pytest.approx(math.log(2))
    assert found[2] == pytest.approx(math.log(2))
    assert math.isnan(found[3])


def test_ndkl_of_a_group_without_a_share_is_infinite():
    assert ndkl(np.array([[0, 1]]), np.array([1.0, 0.0])).tolist() == [math.inf]


@given(st.data())
def test_ndkl_agrees_with_a_naive_one(data):
    groups = data.draw(st.integers(2, 4))
    wanted = np.array(data.draw(st.lists(st.floats(0.1, 1), min_size=groups, max_size=groups)))
    wanted /= wanted.sum()
    lists = data.draw(
        st.lists(st.lists(st.integers(0, groups - 1), min_size=1, max_size=8), min_size=1, max_size=5)
    )
    padded = np.array([each + [-1] * (8 - len(each)) for each in lists])
    naive = []
    for each in lists:
        weights = [1 / math.log2(i + 1) for i in range(1, len(each) + 1)]
        terms = [
            stats.entropy(np.bincount(each[:i], minlength=groups), wanted) for i in range(1, len(each) + 1)
        ]
        naive.append(np.dot(weights, terms) / sum(weights))
    assert ndkl(padded, wanted) == pytest.approx(naive, abs=1e-12)


# --- streams ------------------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3", "u4", None]),
        st.integers(1, 6),  # rank; 6 stands for: not listed
        st.sampled_from([0, 1, None]),  # premium
        st.integers(0, 1),  # relevant
        st.sampled_from(["1", "2", "10", None]),  # period
        st.sampled_from(["young", "old", None]),
    ),
    min_size=1,
    max_size=40,
)


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=["user", "rank", "premium", "relevant", "period", "age"])
    frame["rank"] = frame["rank"].astype(float).where(frame["rank"] < 6)
    return frame


def table_of(frame, step=1000):
    columns = {
        name: [None if pd.isna(v) else v for v in frame[name]]
        for name in frame
        if not frame[name].isna().all()
    }
    columns |= {name: np.full(len(frame), np.nan) for name in frame if frame[name].isna().all()}
    return Sliced(columns, step)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 7), st.randoms(use_true_random=False))
def test_scores_agree_with_a_naive_implementation_whatever_the_order(rows, step, random):
    frame = frame_of(rows).dropna(subset="user")
    if frame.empty or frame["period"].isna().all() or frame["age"].isna().all():
        return
    order = list(range(len(frame)))
    random.shuffle(order)
    shuffled = frame.iloc[order].reset_index(drop=True)
    how = ListRows({"rank": "rank", "premium": "premium", "relevant": "relevant"}, 3)
    sums = sum_by_key(table_of(shuffled, step), "user", how.columns, how.of, ["age"], "period")
    found = user_scores(sums, how)
    ages = [sums.names[0][code] for code in sums.codes[:, 0]]
    assert as_text(zip(found.exposure, found.bought, ages, strict=True)) == as_text(naive_users(frame))
    assert sums.periods == tuple(p for p in ("1", "2", "10") if (frame["period"] == p).any())


def naive_users(frame):
    for _, rows in frame.groupby("user"):
        shares = []
        for _, each in rows.groupby(rows["period"].fillna("none")):
            listed = each.dropna(subset=["rank", "premium"])
            weight = 1 / np.log2(1 + listed["rank"])
            if len(listed):
                shares.append((weight * (listed["premium"] == 1)).sum() / weight.sum())
        chosen = rows[(rows["relevant"] == 1) & rows["premium"].notna()]["premium"]
        ages = rows["age"].dropna().unique()
        yield (
            np.mean(shares) if shares else np.nan,
            (chosen == 1).mean() if len(chosen) else np.nan,
            ages[0] if len(ages) == 1 else "undeclared",
        )


def as_text(users):
    return sorted((f"{a:.9f}", f"{b:.9f}", str(group)) for a, b, group in users)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_list_quality_agrees_with_the_one_of_the_performance_audit(seed, step):
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(6), 8)
    rank = np.concatenate([rng.permutation(8) + 1.0 for _ in range(6)])
    rank[rng.random(48) < 0.3] = np.nan
    relevant = rng.random(48) < 0.3
    how = ListRows({"rank": "rank", "premium": "premium", "relevant": "relevant"}, 5)
    order = rng.permutation(48)
    table = Sliced(
        {
            "user": users[order],
            "rank": rank[order],
            "premium": np.zeros(48, dtype=int),
            "relevant": relevant[order].astype(int),
        },
        step,
    )
    found = user_scores(sum_by_key(table, "user", how.columns, how.of), how)
    if relevant.any():
        expected = score_users(users, relevant, rank, 5)
        assert np.sort(found.ndcg[~np.isnan(found.ndcg)]) == pytest.approx(np.sort(expected.ndcg), abs=1e-12)
        assert np.nansum(found.hit) == expected.hit.sum()
    assert found.repeated == 0


def test_merging_in_small_steps_changes_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    columns = {"user": rng.integers(0, 50, 1000), "rank": rng.integers(1, 9, 1000).astype(float)}

    def sums():
        return sum_by_key(
            Sliced(columns, 7), "user", ["rank"], lambda pieces: np.column_stack([places(pieces[0])])
        )

    at_once = sums()
    monkeypatch.setattr(keyed_sums, "_MERGED_AT_ONCE", 10)
    stepwise = sums()
    assert at_once.key.tolist() == stepwise.key.tolist()
    assert at_once.sums.tolist() == stepwise.sums.tolist()
    assert at_once.sums[:, 0].sum() == columns["rank"].sum()


def test_a_key_whose_rows_disagree_is_undeclared_and_counted():
    table = MemoryTable({"user": [1, 1, 2, 2, 3], "age": ["old", "young", "old", None, None], "x": [1.0] * 5})
    sums = sum_by_key(table, "user", ["x"], lambda pieces: np.ones((len(pieces[0]), 1)), ["age"])
    assert sorted(sums.names[0][code] for code in sums.codes[:, 0]) == ["old", "undeclared", "undeclared"]
    assert sums.conflicting == (1,)


def test_rows_without_a_key_are_left_out_and_counted():
    sums = sum_by_key(
        MemoryTable({"user": ["a", None, "a"], "x": [1.0, 2.0, 4.0]}),
        "user",
        ["x"],
        lambda pieces: pieces[0].floats()[:, None],
    )
    assert (sums.sums.tolist(), sums.dropped) == ([[5.0]], 1)


def test_periods_are_ordered_by_size_when_they_are_numbers():
    assert in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert in_order(["2025-10", "2025-09"]) == ["2025-09", "2025-10"]


def test_repeated_places_are_noticed():
    how = ListRows({"rank": "rank", "premium": "premium"}, 20)
    table = MemoryTable({"user": [1, 1, 2, 2], "rank": [1.0, 1.0, 1.0, 2.0], "premium": [0, 1, 0, 1]})
    assert user_scores(sum_by_key(table, "user", how.columns, how.of), how).repeated == 1


def test_reach_counts_distinct_items_by_group_whatever_the_pieces():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "item": rng.integers(0, 30, 400),
            "ok": rng.integers(0, 2, 400),
            "got": rng.integers(0, 2, 400),
            "age": rng.choice(["a", "b"], 400),
            "town": rng.choice(["x", "y"], 400),
        }
    )

    def eligible(pieces):
        return pieces[0].floats() == 1, pieces[1].floats() == 1

    columns = {name: frame[name].to_numpy() for name in ("item", "ok", "got")}
    columns |= {name: frame[name].tolist() for name in ("age", "town")}
    found = reach(Sliced(columns, 11), "item", ["ok", "got"], eligible, ["age", "age*town"])
    chosen = frame[(frame["ok"] == 1) & (frame["got"] == 1)]
    assert found[0].items == found[1].items == frame[frame["ok"] == 1]["item"].nunique()
    assert found[0].reached == chosen.groupby("age")["item"].nunique().to_dict()
    crossed = chosen.groupby(["age", "town"])["item"].nunique()
    assert found[1].reached == {f"{a}*{t}": n for (a, t), n in crossed.items()}


def test_tops_are_laid_out_by_rank_wherever_the_rows_stand():
    table = {"user": [2, 1, 2, 1, 1, 2], "rank": [2.0, 3, 1, 1, 2, np.nan], "brand": list("bcaabd")}
    names, groups = read_tops(Sliced(table, 2), "user", "rank", ["brand"], 2).groups("brand")
    assert names == sorted(names, key=names.index)
    assert [[names[g] for g in each] for each in groups] == [["a", "b"], ["a", "b"]]


def test_beyond_the_most_lists_a_sample_by_hash_is_kept_whatever_the_order(monkeypatch):
    monkeypatch.setattr(list_tops, "_MERGED_AT_ONCE", 50)
    user = np.repeat(np.arange(300), 3)
    rank = np.tile([1.0, 2.0, 3.0], 300)
    brand = np.array(list("abcdefghij"))[np.arange(900) % 10]

    def sample(order, step):
        table = Sliced({"user": user[order], "rank": rank[order], "brand": brand[order].tolist()}, step)
        tops = read_tops(table, "user", "rank", ["brand"], 3, most=40)
        names, groups = tops.groups("brand")
        return tops.sampled, sorted("".join(names[g] for g in each) for each in groups)

    first = sample(np.arange(900), 900)
    second = sample(np.random.default_rng(0).permutation(900), 17)
    assert first == second
    assert first[0]
    assert len(first[1]) == 40
    assert all(len(each) == 3 for each in first[1])


def test_popularity_lift_by_hand():
    """Abdollahpouri et al. 2019: GAP_q = mean of (.8, .6) = .7 and GAP_p = mean of (.4, .3) = .35, so the lift is 1."""
    table = MemoryTable(
        {
            "user": [1, 1, 2, 2, 3],
            "rank": [1.0, None, 1.0, None, 1.0],
            "popularity": [0.8, 0.4, 0.6, 0.3, 0.9],
            "chosen": [0, 1, 0, 1, 0],
        }
    )
    roles = {"user": "user", "rank": "rank", "popularity": "popularity", "relevance": "chosen"}
    found = popularity_lift(table, roles, seed=1)
    assert found.estimate.value == pytest.approx(1.0)
    assert (found.users, found.shown, found.chosen) == (2, pytest.approx(0.7), pytest.approx(0.35))


def test_popularity_lift_without_choices_has_a_reason():
    table = MemoryTable({"user": [1], "rank": [1.0], "popularity": [0.5], "chosen": [0]})
    roles = {"user": "user", "rank": "rank", "popularity": "popularity", "relevance": "chosen"}
    found = popularity_lift(table, roles, seed=1).estimate
    assert found.value is None
    assert "no user has both" in found.reason
