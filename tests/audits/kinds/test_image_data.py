"""A set of images: damage, size, shape, copies, tags, labels in conflict and pictures in two splits."""

import json

import numpy as np
import pytest
from PIL import ImageFilter, ImageOps
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.image_data import ImageData
from audits.management.commands.audit import Command
from audits.metrics.images import survey as surveys
from audits.tables import MemoryTable
from tests.audits.pictures import file_of, motif, noise, plain

KIND = ImageData()
SMALL = {"min-side": 32.0}
GOOD = [file_of(motif(seed, 64)) for seed in range(20)]


def audit(images, *, seed=0, thresholds=SMALL, columns=None, **parameters):
    values = AuditParameters(**{**parameters, "thresholds": thresholds})
    content = [i if i is None or isinstance(i, bytes) else file_of(i) for i in images]
    table = MemoryTable({"image": content, **(columns or {})})
    return KIND.run(AuditInput(current=table, parameters=values, seed=seed))


def of(measurements, name, where=""):
    found = [m for m in measurements if m.name == name and m.slice == where]
    return found[0] if found else None


def test_it_is_registered_as_an_audit_of_quality():
    kind = audit_kinds.get("image-data")
    assert (kind.dimension, kind.reads) == ("quality", ("images", ""))


def test_sound_images_pass():
    found = audit(GOOD)
    assert worst_verdict(found) is Verdict.PASS
    assert {m.value for m in found if m.threshold is not None} == {0.0}
    assert of(found, "format-share", "PNG").value == 1.0
    assert of(found, "mode-share", "L").value == 1.0
    assert of(found, "alike-share").value == 0.0


def test_damaged_files_are_counted_and_the_others_examined():
    found = audit(
        [*GOOD, GOOD[0][:99], b"", None, file_of(plain(3, 300))], thresholds={**SMALL, "max-pixels": 50_000}
    )
    m = of(found, "images-unreadable")
    assert (m.value, m.n, m.verdict) == (4 / 24, 24, Verdict.FAIL)
    assert sum(m.detail["reasons"].values()) == 4
    assert len(m.detail["reasons"]) == 4
    assert m.detail["reason"] == "not readable: row 21, row 22, row 23, row 24; repair or remove them"
    assert of(found, "small-share").n == 20
    tolerated = audit([*GOOD, b""], thresholds={**SMALL, "images-unreadable": 0.05})
    assert of(tolerated, "images-unreadable").verdict is Verdict.PASS


def test_blank_images_are_for_review():
    found = audit([*GOOD, plain(255), plain(3)])
    m = of(found, "images-uniform")
    assert (m.value, m.verdict) == (2 / 22, Verdict.REVIEW)
    assert "row 21, row 22" in m.detail["reason"]
    assert of(found, "alike-share").n == 20


def test_small_images_fail_beyond_the_tolerated_share():
    images = [*GOOD, motif(90, 31), motif(91, 31)]
    m = of(audit(images), "small-share")
    assert (m.value, m.verdict, m.detail["min_side"]) == (2 / 22, Verdict.FAIL, 32)
    assert m.tolerance_used == pytest.approx(2 / 22 / 0.05)
    assert of(audit(images, thresholds={"min-side": 31}), "small-share").value == 0.0
    for size in ((200, 31), (31, 200)):
        assert of(audit([*GOOD, motif(92, 64).resize(size)]), "small-share").value == 1 / 21
    assert of(audit(images, thresholds={}), "small-share").value == 1.0


def test_shapes_far_from_the_median_are_for_review():
    odd = [motif(80, 64).resize(size) for size in ((128, 64), (129, 64), (64, 129))]
    m = of(audit([*GOOD, *odd]), "odd-shape-share")
    assert (m.value, m.verdict) == (2 / 23, Verdict.REVIEW)
    assert "row 22, row 23" in m.detail["reason"]


def test_kinds_of_file_and_colour_modes_are_described():
    found = audit(
        [GOOD[0], file_of(motif(1, 64).convert("RGB"), "JPEG"), file_of(motif(2, 64).convert("RGBA"))]
    )
    assert {m.slice: m.value for m in found if m.name == "format-share"} == pytest.approx(
        {"PNG": 2 / 3, "JPEG": 1 / 3}
    )
    assert {m.slice for m in found if m.name == "mode-share"} == {"L", "RGB", "RGBA"}
    assert all(m.detail["role"] == "descriptive" for m in found if m.name == "mode-share")


def test_the_same_pixels_in_another_file_are_a_repetition():
    again = file_of(motif(0, 64), "WEBP", lossless=True)
    m = of(audit([*GOOD, again, GOOD[0]]), "repeated-share")
    assert (m.value, m.verdict, m.detail["found"]) == (2 / 22, Verdict.REVIEW, 2)


def test_near_duplicates_are_described():
    m = of(audit([*GOOD, ImageOps.mirror(motif(3, 64)), file_of(motif(3, 64), "JPEG")]), "alike-share")
    assert (m.value, m.verdict, m.n, m.tolerance_used) == (3 / 22, Verdict.PASS, 22, None)


def test_many_images_are_sampled_by_the_seed(monkeypatch):
    monkeypatch.setattr(surveys, "COMPARED", 12)
    first, again, other = (audit(GOOD, seed=seed) for seed in (1, 1, 2))
    assert of(first, "alike-share").detail["compared"] == 12
    assert [m.to_json() for m in first] == [m.to_json() for m in again]
    assert of(other, "repeated-share") == of(first, "repeated-share")


def test_sharpness_is_the_median_and_falls_with_blur():
    sharp = of(audit([motif(seed, 64) for seed in range(5)]), "sharpness")
    soft = of(audit([motif(seed, 64).filter(ImageFilter.GaussianBlur(2)) for seed in range(5)]), "sharpness")
    assert soft.value < sharp.value / 5
    assert sharp.detail["lowest_5_percent"] <= sharp.value


def test_a_picture_in_two_splits_is_a_leak():
    images = [*GOOD, GOOD[4], GOOD[5]]
    split = ["train"] * 15 + ["test"] * 5 + ["test", "train"]
    found = audit(images, columns={"part": split}, roles={"split": "part"})
    m = of(found, "split-leak-share")
    assert (m.value, m.verdict, m.detail["found"]) == (2 / 22, Verdict.FAIL, 2)
    assert "row 5, row 21" in m.detail["reason"]
    assert of(audit(images), "split-leak-share") is None
    clean = audit(GOOD, columns={"part": split[:20]}, roles={"split": "part"})
    assert of(clean, "split-leak-share").verdict is Verdict.PASS


def test_a_similar_picture_in_two_splits_is_for_review():
    images = [*GOOD, ImageOps.mirror(motif(4, 64)), file_of(motif(17, 64), "JPEG")]
    columns = {"part": ["train"] * 15 + ["test"] * 7}
    found = audit(images, columns=columns, roles={"split": "part"})
    assert of(found, "split-leak-share").value == 0.0
    m = of(found, "split-alike-share")
    assert (m.value, m.n, m.verdict) == (2 / 22, 22, Verdict.REVIEW)
    assert "row 5, row 21" in m.detail["reason"]
    unsplit = audit(images, columns={"part": ["train"] * 20 + [None, "test"]}, roles={"split": "part"})
    assert of(unsplit, "split-alike-share").detail["found"] == 2


def test_a_picture_with_two_labels_fails():
    images = [*GOOD, GOOD[0], GOOD[1], GOOD[2]]
    labels = ["bag"] * 20 + ["shoe", "bag", None]
    m = of(audit(images, columns={"what": labels}, roles={"label": "what"}), "label-conflict-share")
    assert (m.value, m.verdict) == (2 / 23, Verdict.FAIL)
    assert "row 1, row 21" in m.detail["reason"]
    damaged_first = audit([b"", *images], columns={"what": ["hat", *labels]}, roles={"label": "what"})
    m = of(damaged_first, "label-conflict-share")
    assert (m.value, "row 2, row 22" in m.detail["reason"]) == (2 / 23, True)


def test_tags_missing_and_their_balance():
    tags = ["red"] * 12 + ["blue"] * 4 + ["", None, " ", "green"]
    found = audit(GOOD, columns={"colour": tags}, roles={"tag": "colour"})
    missing = of(found, "missing-tag-share", "colour")
    assert (missing.value, missing.verdict) == (3 / 20, Verdict.FAIL)
    shares = {m.slice: m.value for m in found if m.name == "label-share"}
    assert shares == {"colour=red": 12 / 17, "colour=blue": 4 / 17, "colour=green": 1 / 17}
    even = of(found, "label-evenness", "colour")
    assert even.value == pytest.approx(stats.entropy([12, 4, 1], base=3))
    rare = of(found, "smallest-label", "colour")
    assert (rare.value, rare.threshold, rare.verdict, rare.detail["label"]) == (
        1.0,
        30,
        Verdict.REVIEW,
        "green",
    )
    assert rare.tolerance_used == 30.0


def test_a_label_with_enough_images_passes_and_many_labels_are_summed_up():
    columns = {"colour": ["a", "b"] * 10, "name": [f"n{i}" for i in range(20)]}
    found = audit(GOOD, columns=columns, sensitive=("colour",), thresholds={**SMALL, "min-label": 10})
    assert of(found, "smallest-label", "colour").verdict is Verdict.PASS
    assert of(found, "smallest-label", "colour").tolerance_used == 1.0
    assert of(found, "label-evenness", "colour").value == pytest.approx(1.0)
    assert of(found, "missing-tag-share", "name") is None


def test_more_than_fifty_labels_are_not_listed():
    images = [motif(i, 32) for i in range(51)]
    found = audit(images, columns={"name": [f"n{i}" for i in range(51)]}, roles={"tag": "name"})
    assert [m for m in found if m.name == "label-share"] == []
    assert of(found, "label-evenness", "name").detail["labels"] == 51


def test_a_tag_without_labels_is_insufficient_not_passed():
    found = audit(GOOD, columns={"colour": [None] * 20}, roles={"tag": "colour"})
    assert of(found, "missing-tag-share", "colour").value == 1.0
    assert of(found, "label-evenness", "colour").verdict is Verdict.INSUFFICIENT
    assert of(found, "smallest-label", "colour").verdict is Verdict.INSUFFICIENT


@pytest.mark.parametrize(
    ("roles", "name", "where"),
    [
        ({"tag": "gone"}, "missing-tag-share", "gone"),
        ({"label": "gone"}, "label-conflict-share", ""),
        ({"split": "gone"}, "split-leak-share", ""),
    ],
)
def test_a_column_that_is_not_there_is_its_own_error(roles, name, where):
    found = audit(GOOD, roles=roles)
    assert of(found, name, where).verdict is Verdict.ERRORED
    assert "column 'gone' is not in table" in of(found, name, where).detail["reason"]
    assert of(found, "small-share").verdict is Verdict.PASS


def test_without_readable_images_nothing_is_said_to_be_sound():
    for images in ([], [b"", b""]):
        found = audit(images)
        assert Verdict.PASS not in {m.verdict for m in found}
        assert of(found, "small-share").verdict is Verdict.INSUFFICIENT


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"thresholds": {"x": 1}}, "unknown threshold 'x'"),
        ({"thresholds": {"small-share": 2}}, "'small-share' is a share"),
        ({"thresholds": {"shape": 0.5}}, "'shape' must be at least 1"),
        ({"thresholds": {"max-pixels": 1}}, "'max-pixels' must be at least 1024"),
        ({"roles": {"x": "y"}}, "unknown role 'x'; known: image, id, label, split, tag"),
    ],
)
def test_parameters_that_no_data_could_make_usable_are_refused(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**parameters))


def test_a_table_without_images_is_refused():
    with pytest.raises(AuditInputError, match=r"column 'image' is not in table.*name the columns with roles"):
        KIND.run(AuditInput(current=MemoryTable({"n": [1]})))


def test_rows_are_called_by_their_id():
    table = MemoryTable({"image": [*GOOD, b""], "sku": [f"S{i}" for i in range(21)]})
    found = KIND.run(AuditInput(current=table, parameters=AuditParameters(entity="sku", thresholds=SMALL)))
    assert of(found, "images-unreadable").detail["reason"].startswith("not readable: S20;")


def test_defaults_suit_photographs_and_the_command_prints_json(tmp_path, capsys):
    for seed in range(3):
        (tmp_path / f"{seed}.jpg").write_bytes(file_of(noise(seed), "JPEG"))
    Command().run_from_argv(["manage.py", "audit", "image-data", "--current", str(tmp_path), "--json"])
    assert json.loads(capsys.readouterr().out)["verdict"] == "pass"


def test_every_measurement_has_words():
    columns = {"t": ["a", "b"] * 10}
    found = audit(GOOD, columns=columns, roles={"tag": "t", "label": "t", "split": "t"})
    assert {m.name for m in found} == set(KIND.words)


def test_random_pictures_are_not_taken_for_copies_and_planted_ones_are():
    """False alarms and power of the near-duplicates: 60 motifs, then 10 of them again as JPEG and mirrored."""
    images = [motif(seed, 64) for seed in range(300, 360)]
    assert of(audit(images), "alike-share").value == 0.0
    rng = np.random.default_rng(0)
    again = [
        file_of(ImageOps.mirror(images[i]), "JPEG", quality=60) for i in rng.choice(60, 10, replace=False)
    ]
    assert of(audit([*images, *again]), "alike-share").value == pytest.approx(20 / 70)
