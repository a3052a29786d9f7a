"""Score profiles: merged in any order they are the profile of the whole, and nearly nothing is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from audits.metrics.scores import counting as score_counting
from audits.metrics.scores.counting import ScoreProfileBuilder, score_profile
from audits.metrics.scores.grid import FINEST, cells_at, places, scores_at
from audits.metrics.scores.metrics import brier_score, confusion, log_loss, profile_metrics, roc_auc
from audits.metrics.scores.profiles import FALSE, MAX_CELLS, TRUE, UNKNOWN, ScoreProfile
from audits.tables import MemoryTable, TableError
from tests.audits.score_data import SHAPES, profiled

each_shape = pytest.mark.parametrize("shape", SHAPES)


def labelled(shape, n=120_000, seed=0):
    rng = np.random.default_rng(seed)
    score = SHAPES[shape](rng, n)
    label = rng.integers(0, 3, n)
    known = label != UNKNOWN
    label[known] = rng.random(known.sum()) < 0.1 + 0.8 * score[known]
    return score, label


def built(pieces, decision=0.5):
    builder = ScoreProfileBuilder(decision)
    for score, label in pieces:
        builder.add(score, label)
    return builder.profile()


@each_shape
def test_profiles_of_parts_merge_to_the_profile_of_the_whole_in_any_order(shape):
    score, label = labelled(shape)
    whole = profiled(score, label, decision=0.37)
    rng = np.random.default_rng(1)
    cuts = np.sort(rng.integers(0, len(score), 9))
    parts = [
        profiled(s, y, 0.37)
        for s, y in zip(np.split(score, cuts), np.split(label, cuts), strict=True)
        if len(s)
    ]
    for _ in range(3):
        rng.shuffle(parts)
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merge(part)
        assert merged == whole
    middle = len(parts) // 2
    left, right = parts[0], parts[middle]
    for part in parts[1:middle]:
        left = left.merge(part)
    for part in parts[middle + 1 :]:
        right = part.merge(right)
    assert right.merge(left) == whole


@each_shape
def test_pieces_in_another_order_give_the_same_profile(shape):
    score, label = labelled(shape)
    order = np.random.default_rng(2).permutation(len(score))
    assert profiled(score[order], label[order]) == profiled(score, label)


finest = st.floats(0, 1, width=64)


@settings(max_examples=60)
@given(st.lists(st.tuples(finest, st.integers(0, 2)), max_size=60), st.integers(0, 60), finest)
def test_small_parts_merge_exactly_too(rows, cut, decision):
    score, label = np.array([s for s, _ in rows]), np.array([y for _, y in rows], dtype=np.int64)
    parts = [
        built([(score[a:b], label[a:b])] if b > a else [], decision) for a, b in ((0, cut), (cut, len(rows)))
    ]
    whole = built([(score, label)] if rows else [], decision)
    assert parts[0].merge(parts[1]) == whole == parts[1].merge(parts[0])
    assert whole.n == len(rows)
    assert whole.level is None


@settings(max_examples=40)
@given(st.lists(finest, min_size=1, max_size=200), finest, st.integers(13, FINEST - 1))
def test_coarsening_in_steps_is_coarsening_at_once(scores, decision, level):
    profile = profiled(scores, decision=decision)
    assert profile.coarsened(FINEST).coarsened(level).coarsened(13) == profile.coarsened(13)
    assert profile.coarsened(level).n == profile.n
    with pytest.raises(ValueError, match="coarser, not finer"):
        profile.coarsened(level).coarsened(None)


@settings(max_examples=200)
@given(st.lists(finest, min_size=2, max_size=50))
def test_places_keep_the_order_of_scores_and_lead_back_to_them(scores):
    ascending = np.sort(np.array(scores))
    placed = places(ascending)
    assert (np.diff(placed) >= 0).all()
    back = scores_at(placed.astype(np.float64))
    assert np.abs(back - ascending).max() <= 2.0**-FINEST + 1e-15
    near = (ascending > 2.0**-52) & (ascending < 2.0**-6)
    assert (np.abs(back[near] / ascending[near] - 1) <= 2.0**-20).all()
    assert ((back == 0) == (ascending == 0)).all()
    assert ((back == 1) == (ascending == 1)).all()


def test_an_edge_of_the_grid_belongs_to_the_cell_above_it():
    for edge in (2.0**-20, 2.0**-7, 2.0**-6, 0.25, 0.5, 1 - 2.0**-6, 1 - 2.0**-7, 1 - 2.0**-20):
        below, at = cells_at(np.array([np.nextafter(edge, 0), edge]), 13)[0]
        assert below + 1 == at


@each_shape
@pytest.mark.parametrize("decision", [0.5, 0.37, 0.0041])
def test_decisions_are_counted_exactly_where_the_profile_was_made_for_them(shape, decision):
    score, label = labelled(shape)
    known = label != UNKNOWN
    truth, called = label[known] == TRUE, score[known] >= decision
    profile = profiled(score, label, decision)
    found = confusion(profile.counts[:, FALSE], profile.counts[:, TRUE], profile.called())
    assert (int(found.tn), int(found.fp), int(found.fn), int(found.tp)) == tuple(
        int(n) for n in sk.confusion_matrix(truth, called).ravel()
    )


@each_shape
def test_decisions_at_other_edges_of_the_grid_are_exact_as_well(shape):
    score, label = labelled(shape)
    known = label != UNKNOWN
    truth, profile = label[known] == TRUE, profiled(score, label)
    for threshold in (0.125, 0.3125, 0.5, 2.0**-7, 1 - 2.0**-9):
        found = profile_metrics(profile, threshold)
        called = score[known] >= threshold
        assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, called), abs=1e-15)
        assert found["recall"] == pytest.approx(sk.recall_score(truth, called), abs=1e-15)
        assert found["precision"] == pytest.approx(
            sk.precision_score(truth, called, zero_division=np.nan), abs=1e-15, nan_ok=True
        )
        assert found["f1"] == pytest.approx(sk.f1_score(truth, called), abs=1e-15)
        assert found["specificity"] == pytest.approx(sk.recall_score(~truth, ~called), abs=1e-15)


@each_shape
def test_ranking_and_losses_agree_with_scikit_learn(shape):
    score, label = labelled(shape, n=400_000)
    known = label != UNKNOWN
    truth, score_known, profile = label[known] == TRUE, score[known], profiled(score, label)
    exact = 1e-12 if profile.level is None else 1.0
    assert profile_metrics(profile)["roc-auc"] == pytest.approx(
        sk.roc_auc_score(truth, score_known), abs=min(2e-6, exact)
    )
    assert brier_score(profile) == pytest.approx(
        sk.brier_score_loss(truth, score_known), abs=min(1e-8, exact)
    )
    assert log_loss(profile) == pytest.approx(sk.log_loss(truth, score_known), abs=min(1e-5, exact))


def test_few_distinct_scores_are_kept_as_they_are_and_more_are_not():
    few, many = np.arange(MAX_CELLS) / MAX_CELLS, np.arange(MAX_CELLS + 1) / (MAX_CELLS + 1)
    assert profiled(few).level is None
    assert profiled(few).means().tolist() == few.tolist()
    assert profiled(many).level is not None
    assert len(profiled(many).keys) <= MAX_CELLS


@each_shape
def test_which_cells_there_are_does_not_depend_on_the_labels(shape):
    score, label = labelled(shape)
    early, late = profiled(score), profiled(score, label)
    assert (early.level, early.keys.tolist()) == (late.level, late.keys.tolist())
    assert early.counts.sum(axis=1).tolist() == late.counts.sum(axis=1).tolist()
    assert early.labelled == 0
    assert early.means().tolist() == late.means().tolist()


def test_labelled_only_leaves_the_others_out():
    profile = profiled([0.1, 0.1, 0.2, 0.9], [FALSE, UNKNOWN, UNKNOWN, TRUE]).labelled_only()
    assert (profile.n, profile.labelled, profile.means().tolist()) == (2, 2, [0.1, 0.9])


@each_shape
def test_a_score_that_was_counted_finds_its_cell(shape):
    score, label = labelled(shape)
    profile = profiled(score, label, 0.37)
    counted = np.bincount(profile.cell_of(score), minlength=len(profile.keys))
    assert counted.tolist() == profile.counts.sum(axis=1).tolist()


def test_ties_count_half_and_one_class_has_no_auc():
    assert float(roc_auc(np.array([1, 1]), np.array([1, 1]))) == 0.5
    assert float(roc_auc(np.array([2, 0]), np.array([1, 1]))) == 0.75
    assert np.isnan(roc_auc(np.array([0, 0]), np.array([1, 1])))


def test_profiles_for_different_decisions_are_not_merged():
    with pytest.raises(ValueError, match=r"decisions 0\.5 and 0\.4 cannot be merged"):
        ScoreProfile.empty(0.5).merge(ScoreProfile.empty(0.4))
    with pytest.raises(ValueError, match=r"decision must lie in \[0, 1\]"):
        ScoreProfileBuilder(1.5)


def test_what_differs_has_another_digest():
    base = profiled([0.1, 0.2], [0, 1])
    others = [profiled([0.1, 0.2], [1, 0]), profiled([0.1, 0.3], [0, 1]), profiled([0.1, 0.2], [0, 1], 0.4)]
    others.append(profiled([0.1, 0.2, np.nan], [0, 1, 1]))
    assert len({p.digest() for p in (base, *others)}) == 5
    assert base == profiled([0.2, 0.1], [1, 0])


@pytest.mark.parametrize(
    ("_case", "label"),
    [
        ("whole numbers", [0, 1, 1, 0]),
        ("booleans", [False, True, True, False]),
        ("decimals", [0.0, 1.0, 1.0, 0.0]),
    ],
)
def test_a_table_is_profiled_whatever_type_its_labels_have(_case, label):
    table = MemoryTable({"s": [0.1, 0.9, 0.4, 0.2], "y": label})
    assert score_profile(table, "s", "y") == profiled([0.1, 0.9, 0.4, 0.2], [0, 1, 1, 0])


def test_rows_without_a_score_are_dropped_and_labels_not_yet_known_are_not():
    table = MemoryTable({"s": [0.1, None, 0.4, float("nan")], "y": [0, 1, None, 0]})
    profile = score_profile(table, "s", "y")
    assert (profile.n, profile.labelled, profile.dropped) == (2, 1, 2)
    assert profile.counts.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert score_profile(table, "s").counts.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_table_longer_than_a_piece_is_profiled_in_pieces():
    rng = np.random.default_rng(0)
    score, label = rng.random(150_000), rng.integers(0, 2, 150_000)
    assert score_profile(MemoryTable({"s": score, "y": label}), "s", "y") == profiled(score, label)


@pytest.mark.parametrize(
    ("_case", "columns", "message"),
    [
        ("no such column", {"y": [1]}, "column 's' is not in"),
        ("text", {"s": ["a"], "y": [1]}, "column 's' of table holds no numbers"),
        ("above 1", {"s": [0.5, 1.5], "y": [1, 0]}, r"column 's' of table holds values outside \[0, 1\]"),
        ("below 0", {"s": [0.5, -0.1], "y": [1, 0]}, r"holds values outside \[0, 1\]"),
        ("infinite", {"s": [0.5, float("inf")], "y": [1, 0]}, r"holds values outside \[0, 1\]"),
        ("labels 0 to 2", {"s": [0.5, 0.1], "y": [1, 2]}, "column 'y' of table must hold 0 and 1"),
        ("labels with halves", {"s": [0.5, 0.1], "y": [1, 0.5]}, "column 'y' of table must hold 0 and 1"),
        ("labels as text", {"s": [0.5, 0.1], "y": ["yes", "no"]}, "column 'y' of table holds no numbers"),
    ],
)
def test_bad_columns_are_refused_by_name(_case, columns, message):
    with pytest.raises(TableError, match=message):
        score_profile(MemoryTable(columns), "s", "y")


def test_a_table_without_rows_or_scores_gives_an_empty_profile():
    assert score_profile(MemoryTable({"s": [], "y": []}), "s").n == 0
    assert score_profile(MemoryTable({"s": [None, None]}), "s").dropped == 2


def test_a_block_can_be_told_apart_into_rows_and_offsets():
    """What the sum of doubles in ``_DenseCounts`` relies on."""
    offsets = score_counting._BLOCK << (FINEST - score_counting.COARSEST)
    assert offsets <= score_counting._ROW
    assert score_counting._BLOCK * score_counting._ROW <= 1 << 53


def test_counts_stay_exact_when_every_row_falls_into_one_cell():
    score = np.concatenate([np.arange(MAX_CELLS + 1) / (MAX_CELLS + 1), np.full(600_000, 0.3000001)])
    profile = profiled(score, np.ones(len(score)))
    assert profile.level is not None
    cell = int(profile.cell_of(np.array([0.3000001]))[0])
    assert profile.counts[cell, TRUE] >= 600_000
    assert profile.means()[cell] == pytest.approx(0.3000001, abs=1e-8)
    assert profile.counts.sum() == len(score)
