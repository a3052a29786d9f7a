"""Copies of protected designs: found whatever was done to them, not found where there are none, never guessed."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.near_duplicates import NearDuplicates
from audits.management.commands.audit import Command
from audits.tables import MemoryTable, table_open
from tests.audits.pictures import file_of, motif, plain

KIND = NearDuplicates()
CATALOGUE = [motif(seed) for seed in range(20)]


def table(images, **columns):
    return MemoryTable(
        {"image": [i if i is None or isinstance(i, bytes) else file_of(i) for i in images], **columns}
    )


PROTECTED = table(CATALOGUE, id=[f"P{seed}" for seed in range(20)])
OTHERS = [motif(seed) for seed in range(1000, 1031)]


def audit(images, protected=PROTECTED, *, seed=0, **parameters):
    values = AuditParameters(**{"roles": {"catalogue-id": "id"}, **parameters})
    return KIND.run(AuditInput(current=table(images), reference=protected, parameters=values, seed=seed))


def named(measurements, name):
    return [m for m in measurements if m.name == name]


def one(measurements, name, where=""):
    (found,) = [m for m in measurements if m.name == name and m.slice == where]
    return found


def test_it_is_registered_as_an_audit_of_conduct_that_needs_a_catalogue():
    kind = audit_kinds.get("near-duplicates")
    assert (kind.dimension, kind.reads, kind.needs_reference) == ("conduct", ("images", "catalogue"), True)
    assert set(kind.settings.limits) == {
        "share", "distance", "correlation", "false-matches", "min-designs", "max-pixels"
    }  # fmt: skip


def test_designs_of_their_own_pass():
    found = audit(OTHERS)
    share = one(found, "near-duplicate-share")
    assert (share.value, share.n, share.verdict, share.tolerance_used) == (0.0, 31, Verdict.PASS, 0.0)
    assert (share.low, share.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 31)))
    assert (share.detail["protected"], share.detail["comparisons"]) == (20, 620)
    assert named(found, "near-duplicate") == []
    assert worst_verdict(found) is Verdict.PASS


def _cropped(image, share):
    edge = round(image.width * share)
    return image.crop((edge, edge, image.width - edge, image.height - edge))


@pytest.mark.parametrize(
    ("words", "altered"),
    [
        ("as it is", lambda i: file_of(i.convert("RGB"), "JPEG", quality=40)),
        ("as it is", lambda i: i.resize((37, 37))),
        ("as it is", lambda i: file_of(i.resize((300, 200)), "WEBP", quality=80)),
        ("as it is", lambda i: i.point(lambda level: level * 0.5 + 60)),
        ("mirrored", ImageOps.mirror),
        ("turned by 90 degrees", lambda i: i.rotate(270)),
        ("turned by 180 degrees", lambda i: i.rotate(180)),
        ("mirrored, turned by 90 degrees", lambda i: ImageOps.mirror(i).rotate(270)),
        ("negative", ImageOps.invert),
        ("cut to its centre", lambda i: _cropped(i, 0.1)),
        ("cut to its upper left", lambda i: i.crop((0, 0, round(i.width * 0.8), round(i.height * 0.8)))),
        ("another border", lambda i: ImageOps.expand(i, 60, 255)),
        ("another frame", lambda i: Image.composite(i, plain(0, i.width), _window(i.width))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_copy_is_found_and_named_whatever_was_done_to_it(words, altered):
    found = audit([*OTHERS, altered(CATALOGUE[7])])
    share = one(found, "near-duplicate-share")
    assert (share.verdict, share.value, share.detail["copies"]) == (Verdict.FAIL, 1 / 32, 1)
    (pair,) = named(found, "near-duplicate")
    assert (pair.slice, pair.verdict) == ("row 32 ~ P7", Verdict.FAIL)
    assert pair.detail["transformation"] == words
    assert pair.detail["correlation"] >= 0.95
    assert pair.value == 1 - pair.detail["distance"] / 64
    assert pair.detail["exact"] is False
    assert pair.tolerance_used == pytest.approx(pair.detail["correlation"] / 0.95)


def _window(side):
    mask = Image.new("L", (side, side), 0)
    mask.paste(255, (5, 5, side - 5, side - 5))
    return mask


def test_the_same_file_is_exact_and_stands_first():
    found = audit([*OTHERS, ImageOps.mirror(CATALOGUE[2]), CATALOGUE[9]])
    pairs = named(found, "near-duplicate")
    assert [(p.slice, p.detail["exact"]) for p in pairs] == [("row 33 ~ P9", True), ("row 32 ~ P2", False)]
    assert (pairs[0].value, pairs[0].detail["distance"]) == (1.0, 0.0)
    assert one(found, "near-duplicate-share").detail["exact"] == 1


def test_interval_is_clopper_and_pearsons():
    found = one(audit([*OTHERS[:30], *CATALOGUE[:10]]), "near-duplicate-share")
    exact = stats.binomtest(10, 40).proportion_ci(0.95, "exact")
    assert (found.value, found.n) == (0.25, 40)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert (found.verdict, found.tolerance_used) == (Verdict.FAIL, 100.0)


def test_a_tolerated_share_fails_only_when_chance_is_ruled_out():
    images = [*OTHERS[:30], *CATALOGUE[:3]]
    tolerant = one(audit(images, thresholds={"share": 0.05}), "near-duplicate-share")
    assert (tolerant.verdict, tolerant.tolerance_used) == (Verdict.REVIEW, pytest.approx(3 / 33 / 0.05))
    assert "chance cannot be ruled out" in tolerant.detail["reason"]
    assert one(audit(images, thresholds={"share": 3 / 33}), "near-duplicate-share").verdict is Verdict.PASS
    assert one(audit(images, thresholds={"share": 0.01}), "near-duplicate-share").verdict is Verdict.FAIL


def test_too_few_designs_do_not_pass_but_can_fail():
    few = one(audit(OTHERS[:29]), "near-duplicate-share")
    assert (few.verdict, few.tolerance_used) == (Verdict.INSUFFICIENT, None)
    assert few.detail["reason"] == "29 designs; at least 30 are needed to say that there is none"
    assert one(audit(OTHERS[:30]), "near-duplicate-share").verdict is Verdict.PASS
    assert one(audit([CATALOGUE[0]]), "near-duplicate-share").verdict is Verdict.FAIL


def test_a_flat_image_matches_nothing_and_is_told():
    found = audit(
        [*OTHERS, plain(200), plain(255)], table([*CATALOGUE, plain(200)], id=[f"P{i}" for i in range(21)])
    )
    assert named(found, "near-duplicate") == []
    for where, rows, flat in (("designs", 33, 2), ("catalogue", 21, 1)):
        m = one(found, "images-uniform", where)
        assert (m.value, m.verdict) == (flat / rows, Verdict.INSUFFICIENT)
    assert "row 32, row 33" in one(found, "images-uniform", "designs").detail["reason"]
    assert one(found, "near-duplicate-share").n == 31


def test_damaged_images_are_told_and_leave_the_others_intact():
    whole = file_of(CATALOGUE[1])
    found = audit([*OTHERS, whole[: len(whole) // 2], b"", b"no picture", None, CATALOGUE[3]])
    bad = one(found, "images-unreadable", "designs")
    assert (bad.value, bad.n, bad.verdict) == (4 / 36, 36, Verdict.ERRORED)
    assert bad.detail["reason"].startswith(
        "not compared: row 32, row 33, row 34, row 35 (the file is damaged"
    )
    assert one(found, "images-unreadable", "catalogue").verdict is Verdict.PASS
    assert [p.slice for p in named(found, "near-duplicate")] == ["row 36 ~ P3"]
    assert one(found, "near-duplicate-share").n == 32


def test_a_huge_picture_is_refused_before_it_is_decoded():
    found = audit([*OTHERS, plain(3, 200)], thresholds={"max-pixels": 10_000.0})
    assert one(found, "images-unreadable", "designs").detail["found"] == 1
    reason = one(found, "images-unreadable", "designs").detail["reason"]
    assert "more than 10000 pixels" in reason


def test_nothing_to_compare_is_insufficient():
    for designs, protected in (([], PROTECTED), (OTHERS, table([plain()], id=["P"]))):
        m = one(audit(designs, protected), "near-duplicate-share")
        assert (m.verdict, m.value) == (Verdict.INSUFFICIENT, None)
        assert "nothing to compare" in m.detail["reason"]


def test_designs_and_protected_designs_that_repeat_one_another_are_described():
    protected = table([*CATALOGUE, ImageOps.mirror(CATALOGUE[0])], id=[f"P{i}" for i in range(21)])
    found = audit([*OTHERS, OTHERS[0], OTHERS[0]], protected)
    alike = one(found, "designs-alike-share")
    assert (alike.value, alike.verdict, alike.detail["role"]) == (3 / 33, Verdict.PASS, "descriptive")
    assert one(found, "catalogue-alike-share").value == 2 / 21
    assert one(found, "near-duplicate-share").verdict is Verdict.PASS


def test_confirmed_copies_within_the_catalogue_do_not_spoil_the_decision_distance():
    plain_one = one(audit(OTHERS), "near-duplicate-share").detail
    lenient = {"false-matches": 10.0}
    doubled = table([*CATALOGUE, *CATALOGUE], id=[f"P{i}" for i in range(40)])
    with_copies = one(audit(OTHERS, doubled), "near-duplicate-share").detail
    counted = one(audit(OTHERS, doubled, thresholds=lenient), "near-duplicate-share").detail
    assert counted["decision_distance"] is not None
    assert with_copies["own_pairs"] == 40 * 39 // 2
    assert plain_one["own_pairs"] == 20 * 19 // 2
    assert (plain_one["expected_false_matches"] or 0) <= 0.01
    assert (with_copies["expected_false_matches"] or 0) <= 0.01


def test_a_pair_that_is_close_but_not_confirmed_is_for_review():
    """A correlation that nothing reaches, and false matches that are tolerated, leave the hashes alone to judge."""
    thresholds = {"correlation": 1.0, "false-matches": 1e9}
    changed = ImageOps.mirror(CATALOGUE[4]).rotate(3, fillcolor=255)
    found = audit([*OTHERS, changed], thresholds=thresholds)
    share = one(found, "near-duplicate-share")
    assert (share.verdict, share.value) == (Verdict.REVIEW, 0.0)
    pairs = {p.slice: p for p in named(found, "near-duplicate")}
    assert pairs["row 32 ~ P4"].verdict is Verdict.REVIEW
    assert pairs["row 32 ~ P4"].tolerance_used < 1
    assert "closer than chance" in pairs["row 32 ~ P4"].detail["reason"]
    first = named(audit([*OTHERS, changed, CATALOGUE[9]], thresholds=thresholds), "near-duplicate")[0]
    assert (first.slice, first.verdict) == ("row 33 ~ P9", Verdict.FAIL)
    strict = audit([*OTHERS, changed], thresholds={"correlation": 1.0, "false-matches": 0.0})
    assert named(strict, "near-duplicate") == []


def test_at_most_fifty_pairs_are_listed_but_all_are_counted():
    protected = [motif(seed, 48) for seed in range(60)]
    found = audit(protected, table(protected, id=[f"P{i}" for i in range(60)]))
    assert len(named(found, "near-duplicate")) == 50
    assert one(found, "near-duplicate-share").detail["copies"] == 60


def test_rows_are_called_by_their_entity_in_both_tables_where_both_have_it():
    designs = MemoryTable({"image": [file_of(CATALOGUE[4])], "id": ["D"]})
    for entity, called in (("id", "D ~ P4"), (None, "row 1 ~ row 5")):
        values = AuditParameters(entity=entity)
        found = KIND.run(AuditInput(current=designs, reference=PROTECTED, parameters=values))
        assert [p.slice for p in named(found, "near-duplicate")] == [called]
    other = MemoryTable({"image": [file_of(CATALOGUE[4])], "sku": ["D"]})
    values = AuditParameters(entity="sku")
    found = KIND.run(AuditInput(current=other, reference=PROTECTED, parameters=values))
    assert [p.slice for p in named(found, "near-duplicate")] == ["D ~ row 5"]


def test_ids_that_come_twice_are_told_apart():
    designs = MemoryTable({"image": [file_of(CATALOGUE[0]), file_of(CATALOGUE[0])], "name": ["a", "a"]})
    values = AuditParameters(roles={"id": "name", "catalogue-id": "id"})
    found = KIND.run(AuditInput(current=designs, reference=PROTECTED, parameters=values))
    assert [p.slice for p in named(found, "near-duplicate")] == ["a (row 1) ~ P0", "a (row 2) ~ P0"]


@pytest.mark.parametrize(
    ("_case", "parameters", "message"),
    [
        ("threshold", {"thresholds": {"size": 1}}, "unknown threshold 'size'; known: correlation, distance"),
        ("role", {"roles": {"picture": "x"}}, "unknown role 'picture'; known: image, id"),
        ("share", {"thresholds": {"share": 1.5}}, "'share' must lie between 0 and 1"),
        ("distance", {"thresholds": {"distance": 20}}, "'distance' must lie between 0 and 16"),
        ("correlation", {"thresholds": {"correlation": 0.2}}, "'correlation' must lie between"),
        ("designs", {"thresholds": {"min-designs": 0}}, "'min-designs' must be at least 1"),
        ("pixels", {"thresholds": {"max-pixels": 5}}, "'max-pixels' must be at least 1024"),
    ],
)
def test_parameters_that_no_data_could_make_usable_are_refused(_case, parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**parameters))


@pytest.mark.parametrize(
    ("current", "roles", "message"),
    [
        ({"photo": [b"x"]}, {}, "column 'image' is not in table; it has: photo; name the columns with roles"),
        ({"image": ["text"]}, {}, "column 'image' of table has type string; images are needed here"),
        ({"image": [b"x"]}, {"id": "sku"}, "column 'sku' is not in table"),
    ],
)
def test_a_table_without_images_is_refused_with_the_remedy(current, roles, message):
    values = AuditParameters(roles=roles)
    with pytest.raises(AuditInputError, match=message):
        KIND.run(AuditInput(current=MemoryTable(current), reference=PROTECTED, parameters=values))


def test_a_catalogue_is_needed():
    with pytest.raises(AuditInputError, match="give a reference"):
        KIND.run(AuditInput(current=table(OTHERS)))


def test_by_hand_on_a_folder_and_a_parquet_file(tmp_path, capsys):
    folder = tmp_path / "designs"
    folder.mkdir()
    for place, image in enumerate([*OTHERS[:30], ImageOps.mirror(CATALOGUE[6])]):
        (folder / f"{place:02}.png").write_bytes(file_of(image))
    images = pa.array([file_of(image) for image in CATALOGUE], pa.binary())
    pq.write_table(
        pa.table({"sku": [f"S{i}" for i in range(20)], "photo": images}), tmp_path / "catalogue.parquet"
    )
    arguments = ["--current", str(folder), "--reference", str(tmp_path / "catalogue.parquet")]
    arguments += ["--role", "catalogue-id=sku", "--role", "catalogue-image=photo", "--json"]
    Command().run_from_argv(["manage.py", "audit", "near-duplicates", *arguments])
    answer = json.loads(capsys.readouterr().out)
    pairs = [m for m in answer["measurements"] if m["name"] == "near-duplicate"]
    assert (answer["verdict"], [m["slice"] for m in pairs]) == ("fail", ["30.png ~ S6"])
    assert pairs[0]["transformation"].startswith("mirrored")


def test_the_answer_does_not_depend_on_the_order_of_the_catalogue():
    order = np.random.default_rng(1).permutation(20)
    shuffled = table([CATALOGUE[i] for i in order], id=[f"P{i}" for i in order])
    images = [*OTHERS, CATALOGUE[5], ImageOps.mirror(CATALOGUE[6])]
    first, second = audit(images), audit(images, shuffled)
    assert {m.slice: m.to_json() for m in first} == {m.slice: m.to_json() for m in second}


def test_different_pictures_are_rarely_taken_for_copies():
    """False alarms: 150 random motifs against 150 others."""
    designs = table([motif(seed, 48) for seed in range(5000, 5150)])
    protected = table([motif(seed, 48) for seed in range(6000, 6150)])
    found = KIND.run(AuditInput(current=designs, reference=protected))
    share = one(found, "near-duplicate-share")
    assert (share.verdict, share.detail["copies"], share.detail["suspected"]) == (Verdict.PASS, 0, 0)


def test_every_measurement_has_words():
    found = audit([*OTHERS, CATALOGUE[0]])
    assert {m.name for m in found} == set(KIND.words)


def test_a_folder_is_opened_as_a_table_of_images(tmp_path):
    (tmp_path / "a.png").write_bytes(file_of(CATALOGUE[0]))
    assert table_open(tmp_path).names == ("file_name", "image")
