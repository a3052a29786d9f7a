"""The reference model that tells altered copies of a brand's mark from the genuine one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from audits.kinds import (
    AuditInput,
    AuditKind,
    AuditParameters,
    Measurement,
    Verdict,
    audit_kinds,
    worst_verdict,
)
from audits.kinds.calibration import Calibration
from audits.kinds.data_drift import DataDrift
from audits.kinds.group_disparity import GroupDisparity
from audits.kinds.membership_inference import MembershipInference
from audits.kinds.multivariate_drift import MultivariateDrift
from audits.kinds.performance import Performance
from audits.kinds.schema import Schema
from audits.tables import MemoryTable
from config.demo import counterfeit, mark_features
from config.demo.contract import ReferenceModel
from config.demo.listing_photos import GOOD, POOR, QUALITIES, photograph
from config.demo.mark_alterations import ALTERATIONS, LEAST_CHANGE, MOST_CHANGE
from config.demo.mark_alterations import counterfeit as copy_mark
from config.demo.mark_features import FEATURES
from config.demo.marks import FASHION_SLUGS, SIDE, Brand, catalogue_brands, draw_marks
from models_registry.kinds import model_kinds

SEED = 20240101


@pytest.fixture(scope="module")
def brands() -> list[Brand]:
    return catalogue_brands()


@pytest.fixture(scope="module")
def few(brands) -> list[Brand]:
    """Three fashion brands and 48 others."""
    return sorted([b for b in brands if b.in_fashion][:3] + [b for b in brands if not b.in_fashion][::72])


@pytest.fixture(scope="module")
def marks(few):
    return draw_marks(few)


@pytest.fixture(scope="module")
def model() -> ReferenceModel:
    return counterfeit.build(SEED)


def rows(model: ReferenceModel, role: str) -> pd.DataFrame:
    return next(draft for draft in model.snapshots if draft.role == role).table.to_pandas()


def audit(
    kind: AuditKind,
    model: ReferenceModel,
    current: str,
    reference: str | None = None,
    labelled: bool = False,
) -> list[Measurement]:
    """By the parameters of the kind, required or planned; ``labelled`` puts the later labels beside the current rows."""
    tables = {draft.role: draft.table for draft in model.snapshots}
    if labelled:
        assert tables["labels"]["listing_id"].equals(tables[current]["listing_id"])
        truth = tables["labels"]["is_counterfeit"]
        tables[current] = tables[current].append_column("is_counterfeit", truth)
    told = {**{plan.kind: plan.parameters for plan in model.plans}, **model.audit_parameters}

    def read(role: str) -> MemoryTable:
        return MemoryTable({name: tables[role].column(name) for name in tables[role].column_names})

    given = AuditInput(
        current=read(current),
        reference=read(reference) if reference else None,
        parameters=AuditParameters.from_json(told[kind.slug]),
        seed=1,
    )
    return kind.run(given)


# The trained model


def test_detects_copies_of_brands_it_never_saw(model):
    assert model.metrics["roc_auc"] >= 0.95
    assert model.metrics["roc_auc_held_out"] >= 0.94
    assert model.metrics["phash_auc"] == pytest.approx(0.67, abs=0.02)
    assert model.metrics["recall_at_5pct_false_flags"] >= 0.80
    assert model.metrics["false_flag_rate"] == pytest.approx(0.05, abs=0.01)


def test_metrics_equal_those_of_the_prediction_table(model):
    scored = rows(model, "predictions")
    fake, genuine = scored[scored["is_counterfeit"] == 1], scored[scored["is_counterfeit"] == 0]
    wins = mannwhitneyu(fake["score"], genuine["score"]).statistic
    assert model.metrics["roc_auc"] == pytest.approx(wins / (len(fake) * len(genuine)), abs=1e-12)
    assert model.metrics["recall_at_5pct_false_flags"] == fake["flagged"].mean()
    assert model.metrics["false_flag_rate"] == genuine["flagged"].mean()
    assert (scored["flagged"] == (scored["score"] >= model.metrics["decision_threshold"])).all()
    learned = genuine[genuine["scored_by"] == "cross-validation"]
    assert learned["flagged"].mean() == pytest.approx(0.05, abs=1 / len(learned))


def test_registered_model_is_judged_on_brands_outside_its_training(model):
    scored, training = rows(model, "predictions"), rows(model, "training")
    held_out = scored[scored["scored_by"] == "registered model"]
    assert set(training["listing_id"]).isdisjoint(held_out["listing_id"])
    assert len(training) + len(held_out) == len(scored) == 7098
    again = model.estimator.predict_proba(
        rows(model, "reference")
        .set_index("listing_id")
        .loc[held_out["listing_id"], list(FEATURES)]
        .to_numpy()
    )[:, 1]
    assert again.tolist() == held_out["score"].tolist()
    assert len(rows(model, "members")) == len(training)
    assert rows(model, "non-members")["score"].tolist() == held_out["score"].tolist()


def test_all_fashion_brands_are_among_the_listings(model, brands):
    listed = rows(model, "predictions").query("industry == 'fashion and luxury'")
    assert set(listed["brand"]) == {b.title for b in brands if b.in_fashion}
    assert len(listed) == 29 * 8


def test_the_later_intake_has_not_drifted(model):
    assert {m.verdict for m in audit(DataDrift(), model, "current", "reference")} == {Verdict.PASS}


def test_nor_have_its_columns_together_or_their_types(model):
    together = audit(MultivariateDrift(), model, "current", "reference")
    assert [(m.name, m.verdict) for m in together] == [
        ("domain-classifier-auc", Verdict.PASS),
        ("reconstruction-error", Verdict.PASS),
    ]
    assert {m.verdict for m in audit(Schema(), model, "current", "reference")} == {Verdict.PASS}


def test_the_scores_are_probabilities(model):
    """Performance and calibration agree on by how little they are not."""
    calibrated = {m.name: m for m in audit(Calibration(), model, "predictions")}
    performance = {m.name: m for m in audit(Performance(), model, "predictions")}
    error = calibrated["expected-calibration-error"]
    assert error.verdict is Verdict.PASS
    assert error.value == pytest.approx(0.0115, abs=5e-4)
    assert error.value == pytest.approx(performance["expected-calibration-error"].value, abs=1e-12)
    assert calibrated["brier"].value == pytest.approx(performance["brier"].value, abs=1e-12)


def test_skill_is_the_gain_over_the_perceptual_hash(model):
    found = {m.name: m for m in audit(Performance(), model, "predictions")}
    assert found["roc-auc-baseline"].value == pytest.approx(model.metrics["phash_auc"], abs=1e-12)
    assert found["skill"].value == pytest.approx(model.metrics["roc_auc"] - model.metrics["phash_auc"])
    assert found["skill"].verdict is Verdict.PASS
    assert found["skill"].detail["baseline"] == "phash_score"


def test_the_later_intake_carries_the_registered_models_scores_and_no_label(model):
    later, outcomes = rows(model, "current"), rows(model, "labels")
    again = model.estimator.predict_proba(later[list(FEATURES)].to_numpy())[:, 1]
    assert again.tolist() == later["score"].tolist()
    assert not {"is_counterfeit", "alteration"} & set(later)
    assert sorted(outcomes) == ["is_counterfeit", "listing_id"]
    assert outcomes["listing_id"].tolist() == later["listing_id"].tolist()
    assert set(outcomes["listing_id"]).isdisjoint(rows(model, "predictions")["listing_id"])


def test_what_was_estimated_without_labels_came_true(model):
    of_later = ("concept-drift", "estimated-performance", "prediction-drift")
    planned = {plan.kind: audit_kinds.get(plan.kind) for plan in model.plans if plan.kind in of_later}
    assert sorted(planned) == list(of_later)
    for kind in planned.values():
        found = audit(kind, model, *kind.reads, labelled=kind.slug == "concept-drift")
        assert {m.verdict for m in found} == {Verdict.PASS}, kind.slug
    estimated = {m.name: m for m in audit(planned["estimated-performance"], model, "current", "predictions")}
    later = rows(model, "current").merge(rows(model, "labels"))
    flagged = later["score"] >= model.metrics["decision_threshold"]
    realised = {
        "roc-auc": roc_auc_score(later["is_counterfeit"], later["score"]),
        "accuracy": (flagged == later["is_counterfeit"]).mean(),
        "precision": later.loc[flagged, "is_counterfeit"].mean(),
        "recall": flagged[later["is_counterfeit"] == 1].mean(),
        "specificity": 1 - flagged[later["is_counterfeit"] == 0].mean(),
    }
    for name, value in realised.items():
        assert estimated[name].low < value < estimated[name].high, name
        assert estimated[name].value == pytest.approx(value, abs=0.01), name


def test_honest_sellers_with_poor_photos_are_flagged_more_often(model):
    found = audit(GroupDisparity(), model, "predictions")
    rates = {m.slice: m for m in found if m.name == "false-positive-rate"}
    assert rates["photo_quality=poor"].verdict is Verdict.FAIL
    assert rates["photo_quality=poor"].detail["ratio"] > 3


def test_scores_do_not_betray_who_was_in_training(model):
    assert worst_verdict(audit(MembershipInference(), model, "non-members", "members")) is Verdict.PASS


def test_every_table_says_what_is_simulated_and_whose_the_marks_are(model):
    for draft in model.snapshots:
        if draft.role == "catalogue":  # the marks alone, of which nothing is
            assert draft.dataset.simulated == ""
        elif draft.role == "images":
            assert "alterations and the photos of them are computed" in draft.dataset.simulated
        else:
            assert "every listing is simulated" in draft.dataset.simulated
        assert "trademarks remain their owners'" in draft.dataset.source
        assert not draft.dataset.contains_personal_data


def test_audit_parameters_name_columns_of_their_tables(model):
    required = {audit.slug for audit in model_kinds.get(model.kind).required_audits}
    assert model.audit_parameters.keys() == required
    for kind, values in model.audit_parameters.items():
        given = AuditParameters.from_json(values)
        single = {given.y_true, given.y_pred, given.baseline, given.entity} - {None}
        assert {*given.columns, *given.sensitive} | single <= set(rows(model, audit_kinds.get(kind).reads[0]))


def test_estimator_survives_saving_with_the_listed_types_alone(model):
    saved = skops.io.dumps(model.estimator)
    assert tuple(skops.io.get_untrusted_types(data=saved)) == counterfeit.TRUSTED_TYPES
    loaded = skops.io.loads(saved, trusted=list(counterfeit.TRUSTED_TYPES))
    features = rows(model, "current")[list(FEATURES)].to_numpy()[:50]
    assert loaded.predict_proba(features).tolist() == model.estimator.predict_proba(features).tolist()


def test_same_seed_same_model_and_other_seed_another(few):
    first, again, other = (counterfeit.build_for(few, seed) for seed in (1, 1, 2))
    assert first.metrics == again.metrics
    assert all(a.table.equals(b.table) for a, b in zip(first.snapshots, again.snapshots, strict=True))
    assert first.metrics != other.metrics


# The marks


def test_catalogue_holds_the_fashion_brands_and_no_mark_that_may_not_be_altered(brands):
    assert {brand.slug for brand in brands} >= FASHION_SLUGS
    assert len(FASHION_SLUGS) == 29
    assert len(brands) == 3462
    assert [brand.slug for brand in brands] == sorted(brand.slug for brand in brands)


def test_marks_are_drawn_as_ink_on_ground_with_a_margin(marks):
    assert marks.shape == (len(marks), SIDE, SIDE)
    assert (marks.min(), marks.max()) == (0.0, 1.0)
    assert (marks.sum((1, 2)) > 0).all()
    assert marks[:, :5].max() == marks[:, -5:].max() == 0.0


@pytest.mark.parametrize("name", sorted(ALTERATIONS))
def test_each_alteration_changes_the_mark_and_stays_an_image(name, marks):
    rng = np.random.default_rng(3)
    copies = np.stack([ALTERATIONS[name](mark, rng) for mark in marks])
    assert copies.dtype == np.float32
    assert copies.min() >= 0.0
    assert copies.max() <= 1.0
    assert (np.abs(copies - marks).sum((1, 2)) > 0).mean() > 0.9


def test_copies_differ_from_the_mark_by_a_visible_but_limited_share(marks):
    rng = np.random.default_rng(4)
    copies = [copy_mark(mark, rng) for mark in marks]
    change = np.array([np.abs(c - m).sum() / m.sum() for (c, _), m in zip(copies, marks, strict=True)])
    assert ((change >= LEAST_CHANGE) & (change <= MOST_CHANGE)).all()
    assert {name for _, name in copies} == set(ALTERATIONS)


def test_poorer_photos_lie_farther_from_the_mark(marks):
    rng = np.random.default_rng(5)
    error = [
        np.mean([np.abs(photograph(mark, quality, rng) - mark).mean() for mark in marks])
        for quality in QUALITIES
    ]
    assert error[0] < error[1] < error[2]
    assert photograph(marks[0], POOR, rng).dtype == np.float32


# The features


def test_a_mark_lies_at_no_distance_from_itself(marks):
    at = dict(zip(FEATURES, mark_features.compare_marks(marks, marks).T, strict=True))
    for name in (
        "phash_distance",
        "ink_log_ratio",
        "largest_extra_ink",
        "hog_distance",
        "largest_block_difference",
    ):
        assert np.abs(at[name]).max() == 0.0
    assert at["ink_overlap"].min() == 1.0
    assert at["correlation"] == pytest.approx(np.ones(len(marks)), abs=1e-6)


def test_perceptual_hash_ignores_brightness_and_contrast_and_turns_with_the_negative():
    images = np.random.default_rng(6).random((5, SIDE, SIDE)).astype(np.float32)
    hashed = mark_features.perceptual_hash(images)
    assert (mark_features.perceptual_hash(0.5 * images + 0.25) == hashed).all()
    assert mark_features.phash_distance(images, 1 - images).min() > 0.95


def test_hog_equals_a_pixel_by_pixel_computation():
    image = np.random.default_rng(7).random((1, 16, 16)).astype(np.float32)
    down, across = np.gradient(image[0])
    expected = np.zeros((4, 9))
    for y in range(16):
        for x in range(16):
            place = (np.arctan2(down[y, x], across[y, x]) % np.pi) / (np.pi / 9)
            lower = int(place)
            cell = (y // 8) * 2 + x // 8
            length = np.hypot(down[y, x], across[y, x])
            expected[cell, lower % 9] += length * (1 - (place - lower)) / 64
            expected[cell, (lower + 1) % 9] += length * (place - lower) / 64
    expected /= np.sqrt((expected**2).sum(1, keepdims=True) + 1e-3)
    assert mark_features.hog(image)[0] == pytest.approx(expected, abs=1e-5)


def test_overlap_of_shifted_squares_is_a_third():
    first, second = np.zeros((2, 1, 8, 8), dtype=np.float32)
    first[0, 2:6, 0:4] = second[0, 2:6, 2:6] = 1
    assert mark_features.overlap(first, second).tolist() == [1 / 3]
    assert mark_features.overlap(first * 0, second * 0).tolist() == [1.0]


def test_ink_beyond_forgives_one_pixel():
    mark = np.zeros((1, 8, 8), dtype=np.float32)
    mark[0, 4, 4] = 1
    assert mark_features.ink_beyond(np.roll(mark, 1, 2), mark).sum() == 0
    assert mark_features.ink_beyond(np.roll(mark, 2, 2), mark).sum() == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 40))
def test_alignment_undoes_any_shift_of_up_to_three_pixels(marks, down, across, which):
    mark = marks[which : which + 1]
    moved = np.roll(mark, (down, across), axis=(1, 2))
    assert mark_features.overlap(mark_features.align(moved, mark), mark)[0] == 1.0


def test_slope_of_light_is_taken_away(marks):
    ramp = np.linspace(0, 0.3, SIDE, dtype=np.float32)
    lit = 0.7 * marks + ramp[None, :, None]
    assert np.abs(mark_features.even_out_light(lit, marks) - marks).max() < 1e-5
    assert np.abs(mark_features.even_out_light(marks, marks) - marks).max() == 0.0


def test_noise_level_finds_the_noise_of_a_flat_picture():
    noisy = np.random.default_rng(8).normal(0.5, 0.05, (20, SIDE, SIDE)).astype(np.float32)
    assert mark_features.noise_level(noisy).mean() == pytest.approx(0.05, rel=0.02)


def test_camera_of_good_photos_disturbs_less_than_that_of_poor_ones():
    for name in ("tilt", "shift", "perspective", "blur", "noise", "shade"):
        assert getattr(GOOD, name) < getattr(POOR, name)
    assert GOOD.jpeg > POOR.jpeg
