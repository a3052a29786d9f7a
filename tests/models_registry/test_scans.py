"""Artefacts are looked into by a worker once, and what was found is told where people look."""

from __future__ import annotations

import io
import json
import os
import pickle
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from audits.tasks import catch_up_task
from governance.actions import Action
from governance.selectors.ledger import entries
from governance.store import store_path
from models_registry.models import ArtifactScan, ModelVersion
from models_registry.scanning import Format, Scan
from models_registry.services.scans import (
    artifact_scan,
    artifact_scan_request,
    artifact_scans_enqueue_missing,
)
from models_registry.tasks import scan_artifact_task
from tests.factories import ModelVersionFactory, artifact_stored
from tests.house import house_register

pytestmark = pytest.mark.django_db
HARMFUL = pickle.dumps(os.system)


def requested(content: bytes) -> ArtifactScan:
    return artifact_scan_request(artifact_stored(content))


def test_registering_a_version_has_its_artefact_looked_into(
    data_scientist: User, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        version = house_register(data_scientist)
    found = ArtifactScan.objects.get(digest=version.artifact_digest)
    assert (found.verdict, found.issues) == ("opaque", [])
    assert found.scanned_at is not None


def test_what_was_found_is_recorded_with_its_ledger_entry():
    found = requested(HARMFUL)
    assert artifact_scan(found.digest)
    found.refresh_from_db()
    assert (found.format, found.verdict) == ("pickle", "quarantined")
    assert [issue["code"] for issue in found.issues] == ["pickle", "dangerous-import"]
    entry = entries(action=Action.ARTIFACT_SCANNED).get()
    assert (entry.actor, entry.subject) == (None, f"artifact:{found.digest}")
    assert entry.payload == {
        "format": "pickle",
        "verdict": "quarantined",
        "issues": ["dangerous-import", "pickle"],
    }


def test_a_second_message_changes_nothing():
    found = requested(HARMFUL)
    assert [scan_artifact_task(found.digest), scan_artifact_task(found.digest)] == [True, False]
    assert entries(action=Action.ARTIFACT_SCANNED).count() == 1


def test_the_same_artefact_is_looked_into_once_whoever_registers_it():
    assert requested(b"weights") == requested(b"weights")
    assert ArtifactScan.objects.count() == 1


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_an_artefact_that_is_no_longer_what_was_stored_is_quarantined(harm: str):
    found = requested(b"weights")
    path = store_path(found.digest)
    path.chmod(0o644)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"others")
    artifact_scan(found.digest)
    found.refresh_from_db()
    assert (found.verdict, [issue["code"] for issue in found.issues]) == ("quarantined", ["corrupt"])


def test_what_no_worker_reached_is_asked_for_again(django_capture_on_commit_callbacks):
    found = requested(HARMFUL)
    with django_capture_on_commit_callbacks(execute=True):
        catch_up_task()
    found.refresh_from_db()
    assert found.verdict == "quarantined"
    assert artifact_scans_enqueue_missing() == []


def test_artefacts_of_before_there_were_scans_are_looked_into(django_capture_on_commit_callbacks):
    version = ModelVersionFactory.create(artifact_digest=artifact_stored(b"older"))
    with django_capture_on_commit_callbacks(execute=True):
        assert version.artifact_digest in artifact_scans_enqueue_missing()
    assert ArtifactScan.objects.get(digest=version.artifact_digest).verdict == "opaque"


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "loadable", "format": "pickle"},
        {"verdict": "loadable", "format": "skops", "issues": [{"code": "pickle"}]},
        {"verdict": "fine", "format": "skops"},
        {"verdict": "opaque", "format": ""},
        {"verdict": "", "format": "skops"},
        {"verdict": "opaque", "format": "hdf5", "scanned_at": None},
    ],
    ids=str,
)
def test_the_database_refuses_what_must_never_be(wrong: dict[str, object]):
    fields = {"digest": "0" * 64, "queued_at": timezone.now(), "scanned_at": timezone.now(), **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        ArtifactScan.objects.create(**fields)


def version_of(content: bytes) -> ModelVersion:
    version = ModelVersionFactory.create(model__name="odd", artifact_digest=artifact_stored(content))
    artifact_scan_request(version.artifact_digest)
    return version


def test_the_version_s_page_says_why_an_artefact_is_quarantined(client: Client, data_scientist: User):
    version = version_of(HARMFUL)
    client.force_login(data_scientist)
    address = f"/models/odd/versions/{version.number}/"
    assert "not looked into yet" in client.get(address).text
    artifact_scan(version.artifact_digest)
    text = client.get(address).text
    assert "Why the artefact is quarantined" in text
    assert "Dangerous import" in text
    assert f"{os.name}.system" in text


def test_and_of_one_that_is_not_that_it_is_kept(client: Client, data_scientist: User):
    version = version_of(b"text")
    artifact_scan(version.artifact_digest)
    client.force_login(data_scientist)
    text = client.get(f"/models/odd/versions/{version.number}/").text
    assert "kept, never loaded" in text
    assert "quarantined" not in text


def test_names_in_a_hostile_archive_are_text_on_the_page(client: Client, data_scientist: User):
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../<script>alert(1)</script>", b"x")
    version = version_of(content.getvalue())
    artifact_scan(version.artifact_digest)
    client.force_login(data_scientist)
    text = client.get(f"/models/odd/versions/{version.number}/").text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text


def test_the_api_tells_what_was_found(client: Client, data_scientist: User):
    version = version_of(HARMFUL)
    client.force_login(data_scientist)
    address = f"/api/v1/models/odd/versions/{version.number}/"
    assert client.get(address).json()["artifact_scan"] is None
    artifact_scan(version.artifact_digest)
    found = client.get(address).json()["artifact_scan"]
    assert (found["format"], found["verdict"]) == ("pickle", "quarantined")
    assert {issue["code"] for issue in found["issues"]} == {"pickle", "dangerous-import"}
    assert found["scanned_at"].endswith("Z")


def scanned(path: Path, *options: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("scan", str(path), *options, stdout=out)
    except SystemExit as stop:
        return out.getvalue(), int(str(stop.code))
    return out.getvalue(), 0


def test_the_command_scans_a_file_before_anybody_registers_it(tmp_path: Path):
    path = tmp_path / "model.bin"
    path.write_bytes(HARMFUL)
    text, code = scanned(path)
    assert (text.splitlines()[0], code) == ("pickle: quarantined", 1)
    assert "dangerous-import" in text
    found, code = scanned(path, "--json")
    assert (json.loads(found)["verdict"], code) == ("quarantined", 1)
    path.write_bytes(b"text")
    assert scanned(path) == ("unknown: opaque\n", 0)
    with pytest.raises(CommandError, match="no file"):
        call_command("scan", str(tmp_path / "nowhere"))


def test_of_two_workers_at_once_one_records(monkeypatch):
    found = requested(HARMFUL)

    def overtaken(path: Path, trusted: object) -> Scan:
        monkeypatch.undo()
        assert artifact_scan(found.digest)
        return Scan(Format.UNKNOWN)

    monkeypatch.setattr("models_registry.services.scans.scan", overtaken)
    assert not artifact_scan(found.digest)
    found.refresh_from_db()
    assert found.verdict == "quarantined"
    assert entries(action=Action.ARTIFACT_SCANNED).count() == 1


def test_an_operator_can_trust_a_further_type(settings, tmp_path: Path, monkeypatch):
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from skops import io as skops_io

    from models_registry.scanning import skops_types

    model = HistGradientBoostingRegressor(max_iter=2, early_stopping=False).fit(np.eye(30), np.arange(30.0))
    skops_io.dump(model, tmp_path / "m.skops")
    found = requested((tmp_path / "m.skops").read_bytes())
    monkeypatch.setattr("models_registry.services.scans.TRUSTED", frozenset())
    settings.ARTIFACT_TRUSTED_TYPES = sorted(skops_types.TRUSTED)
    artifact_scan(found.digest)
    found.refresh_from_db()
    assert found.verdict == "loadable"
