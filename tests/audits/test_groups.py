"""Sufficient statistics of groups: equal to counting row by row, mergeable in any order, and whom a group is compared with."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.disparity.disparities import Sizes, Sums, adjust, compare_sums, units_by_group
from audits.metrics.disparity.rates import OUTCOMES, RATES, outcome_codes, rate_counts
from audits.metrics.groups import (
    Groups,
    GroupSums,
    TooManyLevels,
    Unit,
    count_cells,
    sum_cells,
    usable_groupings,
)
from audits.metrics.groups.adding import DENSE, added_up
from audits.metrics.groups.sums import MOST_UNITS, merge_sums
from audits.tables import PIECE_ROWS, MemoryTable, TableError

AGES, SHOPS = ("18-29", "30+", None), ("Paris", "Milan", "undeclared", None)
VALUES = st.sampled_from([0.0, 1.0, None])
ROWS = st.lists(
    st.tuples(st.sampled_from(AGES), st.sampled_from(SHOPS), VALUES, VALUES), min_size=1, max_size=60
)
SETS = [("age",), ("shop",), ("age", "shop")]

#: What each rate counts, in words: (is it an event?, is the row in its population?) of truth and prediction.
BY_HAND = {
    "selection-rate": (lambda y, p: p, lambda y, p: True),
    "true-positive-rate": (lambda y, p: y and p, lambda y, p: y),
    "false-positive-rate": (lambda y, p: not y and p, lambda y, p: not y),
    "false-negative-rate": (lambda y, p: y and not p, lambda y, p: y),
    "precision": (lambda y, p: y and p, lambda y, p: p),
    "false-discovery-rate": (lambda y, p: not y and p, lambda y, p: p),
    "false-omission-rate": (lambda y, p: y and not p, lambda y, p: not p),
    "accuracy": (lambda y, p: y == p, lambda y, p: True),
}


def table(rows):
    age, shop, y, p = (list(column) for column in zip(*rows, strict=True))
    return MemoryTable(
        {
            "age": pa.array(age, pa.string()),
            "shop": pa.array(shop, pa.string()),
            "y": pa.array(y, pa.float64()),
            "p": pa.array(p, pa.float64()),
        }
    )


def codes(pieces):
    y, p = (piece.floats() for piece in pieces)
    return outcome_codes(y, p)


def cells_of(rows):
    return count_cells(table(rows), SETS, ["y", "p"], codes, OUTCOMES)


def one_piece(cells):
    return cells.attributes, cells.levels, cells.codes.tolist(), cells.counts.tolist()


@given(ROWS)
def test_every_rate_counts_what_its_name_says(rows):
    assert set(BY_HAND) == set(RATES)
    counted = cells_of(rows)[2].by("age*shop")
    for metric, (event, member) in BY_HAND.items():
        events, population = rate_counts(counted.counts, metric)
        for group, name in enumerate(counted.groups.names):
            mine = [
                (y, p)
                for age, shop, y, p in rows
                if f"{age or 'undeclared'}*{shop or 'undeclared'}" == name
                and p is not None
                and (y is not None or metric == "selection-rate")
            ]
            assert population[group] == sum(bool(member(y, p)) for y, p in mine)
            assert events[group] == sum(bool(event(y, p)) for y, p in mine)


@given(ROWS, ROWS, ROWS)
def test_cells_of_parts_add_up_to_the_whole_in_any_order(first, second, third):
    a, b, c = (cells_of(rows) for rows in (first, second, third))
    whole = cells_of(first + second + third)
    for i in range(len(SETS)):
        assert one_piece(a[i].merge(b[i]).merge(c[i])) == one_piece(whole[i])
        assert one_piece(c[i].merge(a[i].merge(b[i]))) == one_piece(whole[i])


@given(ROWS)
def test_an_attribute_is_the_margin_of_its_intersections(rows):
    by_age, _, crossed = cells_of(rows)
    for counted in (by_age.by("age"), crossed.by("age")):
        assert counted.groups.names == tuple(by_age.levels[0])
        assert counted.counts.tolist() == by_age.counts.tolist()


def test_pieces_of_a_long_table_are_counted_like_one(monkeypatch):
    rng = np.random.default_rng(5)
    n = 2 * PIECE_ROWS + 77
    shop, p = rng.integers(0, 7, n), rng.integers(0, 2, n)
    tables = MemoryTable({"shop": shop, "p": p})
    (cells,) = count_cells(tables, [("shop",)], ["p"], lambda pieces: pieces[0].floats().astype(int), 2)
    expected = Counter(zip(shop.tolist(), p.tolist(), strict=True))
    assert cells.levels == (tuple("0123456"),)
    assert cells.counts.tolist() == [[expected[s, 0], expected[s, 1]] for s in range(7)]


def test_cells_that_were_counted_otherwise_do_not_merge():
    by_age, by_shop, _ = cells_of([("30+", "Paris", 1.0, 1.0)])
    with pytest.raises(ValueError, match="do not add up"):
        by_age.merge(by_shop)
    with pytest.raises(KeyError, match="not counted by 'shop'; counted by: age"):
        by_age.by("shop")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30), st.booleans())
def test_rows_of_equal_keys_are_added_up_sorted_or_densely(rows, dense):
    first, second = (np.array(c, dtype=np.int64) for c in (zip(*rows, strict=True) if rows else ((), ())))
    shift = 0 if dense else DENSE  # too many places to count into all of them
    keys, sums = added_up([first + shift, second], np.ones((len(rows), 2)))
    expected = sorted(Counter(rows).items())
    assert list(zip((keys[0] - shift).tolist(), keys[1].tolist(), strict=True)) == [k for k, _ in expected]
    assert sums.tolist() == [[count, count] for _, count in expected]


# --- sums by unit


def sums_of(shop, unit, values, salt=0):
    made = MemoryTable({"shop": shop, "customer": unit, "spend": values})
    return sum_cells(
        made,
        [("shop",)],
        ["spend"],
        lambda pieces: np.column_stack([pieces[0].floats()] * 2),
        2,
        Unit("customer", salt),
    )[0]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z", None]), st.integers(0, 9)),
        min_size=1,
    ),
    st.integers(0, 100),
)
def test_sums_by_unit_are_those_row_by_row_and_parts_add_up(rows, cut):
    cut = min(cut, len(rows))
    shop, unit, values = (list(c) for c in zip(*rows, strict=True))
    whole = sums_of(shop, unit, values)
    by_hand = Counter()
    for i, (s, u, v) in enumerate(rows):
        by_hand[s, u if u is not None else i] += v
    found = whole.by("shop")
    names = found.groups.names
    assert sorted(zip(found.group.tolist(), found.sums[:, 0].tolist(), strict=True)) == sorted(
        (names.index(s), total) for (s, _), total in by_hand.items()
    )
    assert found.units == len({u for _, u in by_hand})
    if 0 < cut < len(rows) and None not in unit:
        parts = [sums_of(shop[a:b], unit[a:b], values[a:b]) for a, b in ((0, cut), (cut, len(rows)))]
        merged = merge_sums(parts[::-1])
        assert (merged.levels, merged.codes.tolist()) == (whole.levels, whole.codes.tolist())
        assert merged.unit.tolist() == whole.unit.tolist()
        assert merged.sums.tolist() == whole.sums.tolist()


def test_rows_without_a_unit_stand_for_themselves_in_every_partition():
    parts = [sums_of(["a"] * 3, [None] * 3, [1, 2, 3], salt) for salt in (0, 1)]
    assert merge_sums(parts).by("shop").units == 6


def test_many_units_become_blocks_whichever_way_they_are_put_together():
    rng = np.random.default_rng(3)
    n = 3 * MOST_UNITS
    shop, unit = rng.choice(["a", "b"], n), rng.permutation(n)
    values = rng.integers(0, 100, n)
    whole = sums_of(shop, unit, values)
    cut = MOST_UNITS // 2  # the first part has few units, and is folded only when it meets the second
    parts = [sums_of(shop[a:b], unit[a:b], values[a:b]) for a, b in ((0, cut), (cut, n))]
    assert [part.folded for part in (whole, *parts)] == [True, False, True]
    merged = parts[0].merge(parts[1])
    found = merged.by("shop")
    assert (merged.unit.tolist(), merged.sums.tolist()) == (whole.unit.tolist(), whole.sums.tolist())
    assert not found.exact
    assert found.units <= MOST_UNITS // 2
    assert merged.as_cells().by("shop").counts[:, 0].tolist() == [values[shop == s].sum() for s in ("a", "b")]


def test_names_of_units_are_not_kept():
    found = sums_of(["a", "a"], ["alice@example.com", "bob@example.com"], [1, 2])
    assert "alice" not in repr(found)
    assert found.unit.dtype == np.uint64


def test_sums_of_other_attributes_do_not_merge():
    with pytest.raises(ValueError, match="do not add up"):
        GroupSums.empty(("age",), 2).merge(GroupSums.empty(("shop",), 2))


# --- what cannot be grouped


def test_an_attribute_with_too_many_values_is_refused_by_name():
    ids = MemoryTable({"id": [f"c{i}" for i in range(2000)], "shop": ["a", "b"] * 1000})
    with pytest.raises(TooManyLevels, match="column 'id' has more than 1000 values; group it first"):
        count_cells(ids, [("id",)], ["id"], lambda pieces: np.zeros(len(pieces[0]), np.int64), 1)
    usable, faults = usable_groupings(ids, ["shop", "id", "gone", "shop*id"])
    assert usable == ["shop"]
    assert list(faults) == ["id", "gone", "shop*id"]
    assert "'gone' is not in" in faults["gone"]


def test_an_intersection_with_too_many_groups_is_refused():
    rng = np.random.default_rng(0)
    wide = MemoryTable({"a": rng.integers(0, 60, 20_000), "b": rng.integers(0, 60, 20_000)})
    usable, faults = usable_groupings(wide, ["a", "b", "a*b"])
    assert usable == ["a", "b"]
    assert "'a*b' has 3" in faults["a*b"]


def test_vectors_form_no_groups():
    vectors = MemoryTable({"v": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float64(), 2))})
    with pytest.raises(TableError, match="column 'v' holds vectors; groups need categories"):
        count_cells(vectors, [("v",)], ["v"], lambda pieces: np.zeros(len(pieces[0]), np.int64), 1)


# --- whom a group is compared with


@pytest.mark.parametrize(
    ("_case", "names", "baseline", "reference", "hypotheses"),
    [
        ("three groups: each against the other two", ["a", "b", "c"], None, [110, 101, 11], [0, 1, 2]),
        ("two groups are one hypothesis", ["a", "b"], None, [10, 1], [0, 0]),
        (
            "undeclared against all declared, and in nobody's reference",
            ["a", "b", "undeclared"],
            None,
            [10, 1, 11],
            [0, 0, 2],
        ),
        ("a lone declared group against undeclared", ["a", "undeclared"], None, [10, 1], [0, 0]),
        ("one group has no reference", ["a"], None, [0], [0]),
        (
            "half declared is not declared",
            ["a*x", "a*undeclared", "undeclared*x"],
            None,
            [110, 1, 1],
            [0, 1, 2],
        ),
        ("a declared reference", ["a", "b", "c"], "b", [10, 10, 10], [0, 1, 2]),
        ("a declared reference of two", ["a", "b"], "b", [10, 10], [0, 1]),
    ],
)
def test_reference_and_hypotheses(_case, names, baseline, reference, hypotheses):
    groups = Groups.of("g", names, baseline)
    sums = np.array([1.0, 10.0, 100.0])[: len(groups)]
    assert groups.reference(sums).tolist() == reference
    assert groups.reference(np.stack([sums, 2 * sums])).tolist() == [reference, [2 * r for r in reference]]
    assert groups.hypotheses().tolist() == hypotheses
    assert groups.compared.tolist() == [name != baseline for name in names]


def test_a_reference_that_is_not_there_is_refused():
    with pytest.raises(
        ValueError, match="the reference group 'x' of 'age' is not in the data; it has: 18-29, 30"
    ):
        Groups.of("age", ["18-29", "30+"], "x")


def test_rows_without_a_value_form_the_last_group():
    _, by_shop, _ = cells_of(
        [("30+", None, 1.0, 1.0), ("30+", "undeclared", 1.0, 0.0), ("30+", "zoo", 1.0, 0.0)]
    )
    assert by_shop.levels == (("zoo", "undeclared"),)
    assert by_shop.counts.sum(axis=1).tolist() == [1, 2]
    assert by_shop.by("shop").groups.declared.tolist() == [True, False]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", "c", "undeclared"])), min_size=1))
def test_units_are_counted_once_per_group_and_once_per_reference(rows):
    names = sorted({g for _, g in rows}, key=lambda g: (g == "undeclared", g))
    groups = Groups.of("g", names)
    pairs = sorted({(names.index(g), u) for u, g in rows})
    group, unit = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    own, reference = units_by_group(group, unit, groups)
    for i, name in enumerate(names):
        mine = {u for u, g in rows if g == name}
        others = {u for u, g in rows if g not in (name, "undeclared")}
        if groups.declared.sum() == 1 and name != "undeclared":
            others = {u for u, g in rows if g == "undeclared"}
        assert (own[i], reference[i]) == (len(mine), len(others))


def test_a_hypothesis_that_two_groups_share_counts_once():
    p = np.array([0.02, 0.02, 0.03, 0.001])
    adjusted = adjust(p, np.array([True, True, True, False]), np.array([0, 0, 1, 2]))
    assert adjusted.family == 2
    assert adjusted.p_holm[:3].tolist() == [0.04, 0.04, 0.04]
    assert adjusted.q[:3].tolist() == [0.03, 0.03, 0.03]
    assert np.isnan([adjusted.p_holm[3], adjusted.q[3]]).all()


def test_bootstrap_p_reads_the_difference_over_its_own_error_with_the_smaller_sides_units():
    groups = Groups.of("size", ["extended", "regular"])
    draws = np.random.default_rng(1).normal([60, 40], 5, size=(500, 2))
    sums = Sums(
        n=np.array([400, 900]),
        numerator=np.array([[60.0, 40.0]]),
        denominator=np.array([[200.0, 200.0]]),
        numerator_draws=draws[:, np.newaxis],
        denominator_draws=np.full((500, 1, 2), 200.0),
        units=np.array([35.0, 90.0]),
        reference_units=np.array([90.0, 35.0]),
    )
    found = compare_sums(sums, groups, Sizes())
    error = np.std((draws[:, 0] - draws[:, 1]) / 200, ddof=1)
    assert found.p.tolist() == pytest.approx([2 * stats.t.sf(0.1 / error, 34)] * 2, rel=1e-9)
    assert (found.value.tolist(), found.ratio[0]) == ([0.3, 0.2], pytest.approx(1.5))
    assert found.low[0] == pytest.approx(np.quantile(draws[:, 0] / 200, 0.025))
    assert found.ratio_high[0] == pytest.approx(np.quantile(draws[:, 0] / draws[:, 1], 0.975))
    assert found.reasons == (None, None)
