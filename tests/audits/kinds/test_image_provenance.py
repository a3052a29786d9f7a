"""Licences, sources, credit and consent of training images: counted in full, and no cell is ever quoted."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, audit_kinds, worst_verdict
from audits.kinds.image_provenance import ImageProvenance
from audits.management.commands.audit import Command
from audits.tables import MemoryTable
from tests.audits.pictures import file_of, motif

KIND = ImageProvenance()


def audit(table, **parameters):
    return KIND.run(AuditInput(current=MemoryTable(table), parameters=AuditParameters(**parameters)))


def of(measurements, name, where=""):
    found = [m for m in measurements if m.name == name and m.slice == where]
    return found[0] if found else None


def images(*licences, **columns):
    return {"licence": list(licences), "source": ["studio"] * len(licences), **columns}


def test_it_is_registered_as_an_audit_of_conduct():
    kind = audit_kinds.get("image-provenance")
    assert (kind.dimension, kind.reads, kind.by_the_clock) == ("conduct", ("training", ""), False)


def test_free_images_with_a_source_pass():
    found = audit(images("CC0-1.0", "PDDL-1.0", "CC0-1.0"))
    assert worst_verdict(found) is Verdict.PASS
    assert of(found, "unlicensed-share").value == 0.0
    assert of(found, "credit-missing-share") is None


def test_missing_and_unknown_licences_fail_beyond_the_tolerated_share():
    table = images("CC0-1.0", "", None, "own idea", "CC BY 4.0", *["CC0-1.0"] * 15)
    m = of(audit(table), "unlicensed-share")
    assert (m.value, m.n, m.verdict, m.tolerance_used) == (0.2, 20, Verdict.FAIL, 100.0)
    assert (m.detail["blank"], m.detail["unrecognised"]) == (2, 2)
    assert m.detail["write_as"] == {"CC-BY-4.0": 1}
    assert "write SPDX identifiers" in m.detail["reason"]
    at_limit = of(audit(table, thresholds={"unlicensed-share": 0.2}), "unlicensed-share")
    assert (at_limit.verdict, at_limit.tolerance_used) == (Verdict.PASS, 1.0)
    below = of(audit(table, thresholds={"unlicensed-share": 0.1}), "unlicensed-share")
    assert (below.verdict, below.tolerance_used) == (Verdict.FAIL, 2.0)


def test_terms_that_forbid_the_use_fail():
    table = images("CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-ND-4.0", "CC0-1.0", creator=["Ann"] * 4)
    found = audit(table)
    commercial = of(found, "forbidden-share", "non-commercial")
    assert (commercial.value, commercial.verdict) == (0.25, Verdict.FAIL)
    assert of(found, "forbidden-share", "no-derivatives").value == 0.5
    research = audit(table, method="non-commercial")
    assert of(research, "forbidden-share", "non-commercial") is None
    assert of(research, "forbidden-share", "no-derivatives").verdict is Verdict.FAIL


def test_share_alike_is_for_review_unless_accepted_by_name():
    table = images("CC-BY-SA-4.0", "CC0-1.0", creator=["Ann", ""])
    found = audit(table)
    assert of(found, "share-alike-share").verdict is Verdict.REVIEW
    assert worst_verdict(found) is Verdict.REVIEW
    accepted = audit(table, references={"licence": "cc-by-sa-4.0, CC0-1.0"})
    assert worst_verdict(accepted) is Verdict.PASS


def test_a_list_of_accepted_licences_leaves_nothing_else():
    table = images("CC0-1.0", "CC-BY-4.0", "LicenseRef-Studio", "LicenseRef-Else", creator=["Ann"] * 4)
    found = audit(table, references={"licence": "CC0-1.0, LicenseRef-Studio"})
    m = of(found, "not-accepted-share")
    assert (m.value, m.verdict, m.detail["found"]) == (0.25, Verdict.FAIL, 1)
    assert of(found, "unlicensed-share").value == 0.25
    assert of(audit(table), "not-accepted-share") is None
    assert of(audit(table), "unlicensed-share").value == 0.5


def test_an_accepted_licence_may_even_be_non_commercial_when_the_house_has_cleared_it():
    found = audit(images("CC-BY-NC-4.0", creator=["Ann"]), references={"licence": "CC-BY-NC-4.0"})
    assert of(found, "forbidden-share", "non-commercial").value == 0.0
    assert of(found, "terms-share", "non-commercial").value == 1.0


def test_makers_must_be_named_where_the_licence_asks_for_it():
    table = images("CC-BY-4.0", "CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0", creator=["Ann", " ", None, None])
    m = of(audit(table), "credit-missing-share")
    assert (m.value, m.n, m.verdict) == (2 / 3, 3, Verdict.REVIEW)
    del table["creator"]
    assert of(audit(table), "credit-missing-share").value == 1.0
    renamed = {**table, "artist": ["Ann"] * 4}
    assert of(audit(renamed, roles={"creator": "artist"}), "credit-missing-share").value == 0.0


def test_a_missing_source_is_for_review_also_where_there_is_no_such_column():
    m = of(audit({"licence": ["CC0-1.0"] * 4, "source": ["a", "", None, "b"]}), "source-missing-share")
    assert (m.value, m.verdict) == (0.5, Verdict.REVIEW)
    assert of(audit({"licence": ["CC0-1.0"] * 4}), "source-missing-share").value == 1.0


def test_dates_are_asked_for_when_their_column_is_named():
    table = images("CC0-1.0", "CC0-1.0", got=["2024-01-01", None])
    assert of(audit(table), "date-missing-share") is None
    m = of(audit(table, roles={"acquired_at": "got"}), "date-missing-share")
    assert (m.value, m.verdict) == (0.5, Verdict.REVIEW)


@pytest.mark.parametrize(
    ("consent", "person", "n", "value"),
    [
        ([True, False, None, True], None, 4, 0.5),
        ([1, 0, None, 1], [1, 1, 0, 0], 2, 0.5),
        (["yes", "Withdrawn", "", "signed"], ["y", "n", "y", "y"], 3, 1 / 3),
    ],
)
def test_people_must_have_agreed(consent, person, n, value):
    columns = {"agreed": consent, **({"people": person} if person else {})}
    roles = {"consent": "agreed", **({"person": "people"} if person else {})}
    m = of(audit(images(*["CC0-1.0"] * 4, **columns), roles=roles), "consent-missing-share")
    assert (m.n, m.value, m.verdict) == (n, pytest.approx(value), Verdict.FAIL)


def test_no_consent_is_asked_for_where_nobody_is_shown():
    table = images("CC0-1.0", agreed=[0], people=[0])
    roles = {"consent": "agreed", "person": "people"}
    assert of(audit(table, roles=roles), "consent-missing-share") is None


def test_a_column_that_cannot_be_read_is_its_own_error_and_its_cells_stay_secret():
    table = images("CC0-1.0", agreed=["ann@example.com"])
    found = audit(table, roles={"consent": "agreed", "acquired_at": "gone"})
    assert of(found, "consent-missing-share").verdict is Verdict.ERRORED
    assert "neither a yes nor a no; write 1 and 0" in of(found, "consent-missing-share").detail["reason"]
    assert "column 'gone' is not in table" in of(found, "date-missing-share").detail["reason"]
    assert of(found, "unlicensed-share").verdict is Verdict.PASS


def test_no_cell_is_quoted():
    table = images("ask ann@example.com", "CC-BY-4.0", creator=["bob@example.com", None])
    table["source"] = ["https://example.com/ann", None]
    found = audit(table)
    text = json.dumps([m.to_json() for m in found])
    assert "example.com" not in text


def test_without_rows_nothing_passes():
    found = audit({"licence": [], "source": []})
    assert {m.verdict for m in found} == {Verdict.INSUFFICIENT}


@given(
    st.lists(
        st.sampled_from([None, "", "CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "x", "MIT"]),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=40)
def test_counts_are_those_of_a_loop(licences):
    found = audit({"licence": [*licences, "MIT"], "source": ["s"] * (len(licences) + 1)})
    counts = Counter([*licences, "MIT"])
    n = len(licences) + 1
    assert of(found, "unlicensed-share").detail["found"] == counts[None] + counts[""] + counts["x"]
    assert of(found, "forbidden-share", "non-commercial").detail["found"] == counts["CC-BY-NC-4.0"]
    asked = counts["CC-BY-4.0"] + counts["CC-BY-NC-4.0"] + counts["MIT"]
    assert of(found, "credit-missing-share").n == asked
    assert sum(m.value for m in found if m.name == "terms-share") == pytest.approx(1)
    assert of(found, "terms-share", "attribution").value == (counts["CC-BY-4.0"] + counts["MIT"]) / n


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"thresholds": {"x": 1}}, "unknown threshold 'x'; known: consent-missing-share"),
        ({"thresholds": {"unlicensed-share": 2}}, "is a share; it must lie between 0 and 1"),
        ({"roles": {"x": "y"}}, "unknown role 'x'; known: licence, source"),
        ({"roles": {"person": "y"}}, "role 'person' needs role 'consent'"),
        ({"method": "x"}, "unknown method 'x'; known: commercial, non-commercial"),
        ({"references": {"x": "y"}}, "unknown reference 'x'; give the accepted licences as 'licence'"),
        ({"references": {"licence": "CC0-1.0, CC BY 4.0"}}, "'CC BY 4.0' is no licence that is known"),
    ],
)
def test_parameters_that_no_data_could_make_usable_are_refused(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**parameters))


def test_a_table_without_licences_is_refused_with_the_remedy():
    with pytest.raises(
        AuditInputError, match=r"column 'licence' is not in table.*name the column of licences with role"
    ):
        audit({"source": ["a"]})


def test_by_hand_on_a_folder_of_images(tmp_path, capsys):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(file_of(motif(1)))
    (tmp_path / "metadata.csv").write_text("file_name,licence,source\na.png,CC0-1.0,studio\n")
    Command().run_from_argv(["manage.py", "audit", "image-provenance", "--current", str(tmp_path), "--json"])
    answer = json.loads(capsys.readouterr().out)
    first = answer["measurements"][0]
    assert (answer["verdict"], first["name"], first["value"]) == ("fail", "unlicensed-share", 0.5)


def test_every_measurement_has_words():
    table = images("CC-BY-SA-4.0", agreed=[0], got=[None])
    table["licence"] = ["CC-BY-SA-4.0"]
    found = audit(table, roles={"consent": "agreed", "acquired_at": "got"}, references={"licence": "MIT"})
    assert {m.name for m in found} == set(KIND.words)
