"""The API of models, versions and artefacts."""

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audits.models import AuditPlan, AuditRun
from governance.actions import Action
from governance.permissions import Role
from governance.selectors import ledger as ledger_read
from governance.selectors.ledger import entries
from governance.services.roles import role_grant
from governance.services.tokens import token_create
from governance.store import store_path
from models_registry.api.artifacts import ArtifactsEndpoint
from models_registry.kinds import model_kinds
from models_registry.models import ModelVersion, RegisteredModel, VersionSnapshot
from tests.factories import (
    DatasetSnapshotFactory,
    ModelVersionFactory,
    RegisteredModelFactory,
    UserFactory,
    VersionSnapshotFactory,
    artifact_stored,
    digest_of,
    snapshot_stored,
)
from tests.governance.test_api import fields_of, problem_of
from tests.house import house_register

pytestmark = pytest.mark.django_db
MODEL = {"name": "demand", "kind": "forecasting", "description": "Weekly demand"}


def roles_read_by(kind):
    """The snapshot roles that the kind's required audits read."""
    audits = model_kinds.get(kind).required_audits
    return sorted({role for audit in audits for role in (audit.current, audit.reference) if role})


@pytest.fixture
def version_body(db):
    """A body that registers a sound version of a forecasting model named ``demand``."""
    RegisteredModelFactory.create(name="demand", kind="forecasting")
    references = {role: DatasetSnapshotFactory.create().digest for role in roles_read_by("forecasting")}
    return {
        "artifact_digest": artifact_stored(),
        "artifact_format": "skops",
        "metrics": {"wape": 0.2, "mae": 12},
        "snapshots": references,
        "audit_parameters": {"data-drift": {"columns": ["units"], "thresholds": {"psi": 0.2}}},
        "hyperparameters": {"learning_rate": 0.1, "layers": [64, 32], "loss": None},
    }


@pytest.fixture
def register(api_as, data_scientist, version_body):
    def send(**changes):
        body = {**version_body, **changes}
        return api_as(data_scientist).post("/api/v1/models/demand/versions/", body, format="json")

    return send


def test_model_kinds_come_from_the_registry(api_as, executive):
    body = api_as(executive).get("/api/v1/model-kinds/").json()
    assert [kind["slug"] for kind in body["results"]] == sorted(kind.slug for kind in model_kinds)
    forecasting = next(kind for kind in body["results"] if kind["slug"] == "forecasting")
    assert forecasting["headline_metric"] == "wape"
    assert {
        "slug": "performance",
        "current": "predictions",
        "reference": "",
        "window": "week",
    } in forecasting["required_audits"]


def test_a_model_is_registered_by_whoever_calls(api_as, data_scientist):
    answer = api_as(data_scientist).post("/api/v1/models/", MODEL, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert {key: body[key] for key in MODEL} == MODEL
    assert (body["owner"], body["version_count"], body["latest_version"]) == ("dana", 0, None)
    entry = ledger_read.entries().get()
    assert (entry.action, entry.subject, entry.actor) == (
        Action.MODEL_REGISTERED,
        "model:demand",
        data_scientist,
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"kind": "horoscope"}, "kind"), ({"name": "two words"}, "name"), ({"owner": "somebody"}, "owner")],
)
def test_a_wrong_model_is_named_and_not_kept(api_as, data_scientist, changes, field):
    answer = api_as(data_scientist).post("/api/v1/models/", {**MODEL, **changes}, format="json")
    assert fields_of(problem_of(answer, 422, "invalid-input")) == [field]
    assert (RegisteredModel.objects.count(), ledger_read.entries().count()) == (0, 0)


def test_a_name_that_is_taken_changes_nothing(api_as, data_scientist):
    RegisteredModelFactory.create(name="demand", description="Weekly demand")
    answer = api_as(data_scientist).post("/api/v1/models/", {**MODEL, "description": "Mine"}, format="json")
    problem_of(answer, 409, "already-exists")
    assert RegisteredModel.objects.get().description == "Weekly demand"


def test_models_are_searched_filtered_and_sorted(api_as, executive):
    RegisteredModelFactory.create(name="clients", kind="segmentation")
    demand = RegisteredModelFactory.create(name="demand", description="Autumn buys")
    ModelVersionFactory.create(model=demand)
    ModelVersionFactory.create(model=demand)
    client = api_as(executive)

    def names(query):
        return [row["name"] for row in client.get(f"/api/v1/models/?{query}").json()["results"]]

    assert names("") == ["clients", "demand"]
    assert names("ordering=-name") == ["demand", "clients"]
    assert names("kind=segmentation") == ["clients"]
    assert names("search=autumn") == ["demand"]
    assert names(f"owner={demand.owner.username}") == ["demand"]
    shown = client.get("/api/v1/models/demand/").json()
    assert (shown["version_count"], shown["latest_version"]) == (2, 2)
    problem_of(client.get("/api/v1/models/nothing/"), 404, "not-found")


def test_a_version_is_registered_with_its_data_plans_and_first_runs(register, version_body):
    answer = register()
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["model"], body["number"], body["status"], body["registered_by"]) == (
        "demand",
        1,
        "draft",
        "dana",
    )
    assert {item["role"]: item["digest"] for item in body["data"]} == version_body["snapshots"]
    for key in ("metrics", "hyperparameters", "audit_parameters", "artifact_digest"):
        assert body[key] == version_body[key]
    required = sorted(audit.slug for audit in model_kinds.get("forecasting").required_audits)
    assert sorted(AuditPlan.objects.values_list("kind", flat=True)) == required
    assert sorted(AuditRun.objects.values_list("kind", flat=True)) == required
    assert register().json()["number"] == 2


def test_a_snapshot_may_be_named_with_its_dataset(register, version_body):
    shared = digest_of("shared")
    for name in ("clients", "sales"):
        DatasetSnapshotFactory.create(dataset__name=name, digest=shared)
    ambiguous = register(snapshots={**version_body["snapshots"], "current": shared})
    problem_of(ambiguous, 409, "ambiguous-snapshot")
    body = register(snapshots={**version_body["snapshots"], "current": f"sales@{shared}"}).json()
    assert {item["dataset"] for item in body["data"] if item["role"] == "current"} == {"sales"}


@pytest.mark.parametrize(
    ("_case", "changes", "field"),
    [
        ("no such artefact", {"artifact_digest": digest_of("nothing")}, "artifact_digest"),
        ("no digest", {"artifact_digest": "../../etc/passwd"}, "artifact_digest"),
        ("text metric", {"metrics": {"wape": "good"}}, "metrics.wape"),
        ("unknown role", {"snapshots": {"favourite": digest_of("x")}}, "snapshots"),
        ("unknown snapshot", {"snapshots": {"current": digest_of("x")}}, "snapshots"),
        ("missing role", {"snapshots": {}}, "snapshots"),
        ("unknown audit", {"audit_parameters": {"astrology": {}}}, "audit_parameters"),
        (
            "unknown audit parameter",
            {"audit_parameters": {"data-drift": {"colour": "red"}}},
            "audit_parameters",
        ),
        (
            "wrong audit parameter",
            {"audit_parameters": {"data-drift": {"columns": "units"}}},
            "audit_parameters",
        ),
        ("unknown field", {"status": "approved"}, "status"),
    ],
)
def test_a_wrong_version_is_named_and_nothing_of_it_is_kept(register, _case, changes, field):
    assert fields_of(problem_of(register(**changes), 422, "invalid-input")) == [field]
    tables = (ModelVersion, VersionSnapshot, AuditPlan, AuditRun)
    assert [table.objects.count() for table in tables] == [0, 0, 0, 0]
    assert ledger_read.entries().count() == 0


def test_a_version_of_an_unknown_model_is_not_found(api_as, data_scientist, version_body):
    answer = api_as(data_scientist).post("/api/v1/models/other/versions/", version_body, format="json")
    problem_of(answer, 404, "not-found")
    assert ModelVersion.objects.count() == 0


def test_a_number_that_no_database_holds_is_not_found(api_as, executive):
    ModelVersionFactory.create(model__name="demand")
    problem_of(api_as(executive).get(f"/api/v1/models/demand/versions/{10**30}/"), 404, "not-found")


@pytest.mark.parametrize("count", [1, 6])
def test_lists_and_details_take_a_fixed_number_of_queries(
    api_as, executive, django_assert_num_queries, count
):
    model = RegisteredModelFactory.create(name="demand")
    for _ in range(count):
        version = ModelVersionFactory.create(model=model)
        RegisteredModelFactory.create()
        for role in roles_read_by("forecasting"):
            VersionSnapshotFactory.create(version=version, role=role)
    client = api_as(executive)
    with django_assert_num_queries(5):  # session, person, roles, count, rows
        assert client.get("/api/v1/models/").json()["count"] == count + 1
    with django_assert_num_queries(6):  # and the model
        assert client.get("/api/v1/models/demand/versions/").json()["count"] == count
    with django_assert_num_queries(6):  # session, person, roles, version, its data, the scan of its artefact
        client.get("/api/v1/models/demand/versions/1/")


def test_versions_are_filtered_and_sorted(api_as, executive):
    model = RegisteredModelFactory.create(name="demand")
    ModelVersionFactory.create(model=model)
    ModelVersionFactory.create(model=model, status="approved", description="for the spring")
    client = api_as(executive)

    def numbers(query):
        rows = client.get(f"/api/v1/models/demand/versions/?{query}").json()["results"]
        return [row["number"] for row in rows]

    assert numbers("") == [2, 1]
    assert numbers("ordering=number") == [1, 2]
    assert numbers("status=approved") == [2]
    assert numbers("search=spring") == [2]
    body = problem_of(client.get("/api/v1/models/demand/versions/?status=good"), 422, "invalid-input")
    assert fields_of(body) == ["status"]


def test_an_officer_suspends_an_approved_version_once(api_as, officer):
    version = ModelVersionFactory.create(model__name="demand", status="approved")
    client, body = api_as(officer), {"reason": "Error parity is outside the tolerance."}
    answer = client.post("/api/v1/models/demand/versions/1/suspend/", body, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    entry = ledger_read.entries().get()
    assert (entry.action, entry.subject, entry.payload) == (Action.VERSION_SUSPENDED, version.subject, body)
    again = client.post("/api/v1/models/demand/versions/1/suspend/", body, format="json")
    problem_of(again, 409, "invalid-transition")
    assert ledger_read.entries().count() == 1


def test_a_suspension_needs_its_reason(api_as, officer):
    ModelVersionFactory.create(model__name="demand", status="approved")
    answer = api_as(officer).post("/api/v1/models/demand/versions/1/suspend/", {"reason": " "}, format="json")
    assert fields_of(problem_of(answer, 422, "invalid-input")) == ["reason"]
    assert ModelVersion.objects.get().status == "approved"


def test_an_artefact_is_stored_under_its_digest_and_never_opened(api_as, data_scientist):
    content = b"cposix\nsystem\n(S'exit 1'\ntR."  # a pickle that would run a command
    file = SimpleUploadedFile("model.pkl", content)
    answer = api_as(data_scientist).post("/api/v1/artifacts/", {"file": file}, format="multipart")
    digest = hashlib.sha256(content).hexdigest()
    assert (answer.status_code, answer.json()) == (201, {"digest": digest, "byte_size": len(content)})
    assert store_path(digest).read_bytes() == content


def test_an_artefact_that_is_too_long_is_refused_unread(api_as, data_scientist, monkeypatch, settings):
    monkeypatch.setattr(ArtifactsEndpoint, "max_upload_bytes", 200)
    before = list(settings.EVIDENCE_DIR.rglob("*"))
    file = SimpleUploadedFile("model.skops", b"x" * 500)
    answer = api_as(data_scientist).post("/api/v1/artifacts/", {"file": file}, format="multipart")
    problem_of(answer, 413, "body-too-large")
    assert list(settings.EVIDENCE_DIR.rglob("*")) == before


def test_an_artefact_comes_as_a_form(api_as, data_scientist):
    client = api_as(data_scientist)
    problem_of(client.post("/api/v1/artifacts/", {"file": "x"}, format="json"), 415, "unsupported-media-type")
    body = problem_of(client.post("/api/v1/artifacts/", {}, format="multipart"), 422, "invalid-input")
    assert fields_of(body) == ["file"]


def test_registration_works_over_a_token_from_end_to_end(api, data_scientist, version_body):
    _, token = token_create(actor=data_scientist, expires_in_days=1)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    sent = api.post(
        "/api/v1/models/demand/versions/", json.dumps(version_body), content_type="application/json"
    )
    assert sent.status_code == 201
    assert api.get("/api/v1/models/demand/versions/1/").json() == sent.json()


def test_a_person_with_two_roles_may_do_what_either_may(api_as):
    person = UserFactory.create(role=Role.EXECUTIVE)
    assert api_as(person).post("/api/v1/models/", MODEL, format="json").status_code == 403
    role_grant(user=person, role=Role.DATA_SCIENTIST)
    assert api_as(person).post("/api/v1/models/", MODEL, format="json").status_code == 201


@pytest.mark.django_db
def test_newer_predictions_replace_the_present_ones_and_earlier_data_stay_on_record(api_as, data_scientist):
    version = house_register(data_scientist)
    present = version.data.get(role="predictions").snapshot
    newer = snapshot_stored(
        {"fake": [0, 1], "score": [0.1, 0.9], "flagged": [0, 1], "region": ["north", "south"]}
    )
    url = f"/api/v1/models/{version.model.name}/versions/1/data/"
    answer = api_as(data_scientist).post(
        url, {"role": "predictions", "snapshot": newer.digest}, format="json"
    )
    assert answer.status_code == 200
    assert version.data.get(role="predictions").snapshot == newer
    entry = entries(subject=version.subject, action="models_registry.version.refreshed").get()
    assert entry.payload == {"role": "predictions", "from": present.digest, "to": newer.digest}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("_case", "role", "columns", "field"),
    [
        ("learned rows", "training", {"price": [1.0], "photos": [1], "country": ["FR"]}, "role"),
        ("column gone", "predictions", {"fake": [0, 1], "score": [0.1, 0.9]}, "snapshot"),
    ],
)
def test_data_that_may_not_be_replaced_stay_as_they_are(api_as, data_scientist, _case, role, columns, field):
    version = house_register(data_scientist)
    before = dict(version.data.values_list("role", "snapshot_id"))
    url = f"/api/v1/models/{version.model.name}/versions/1/data/"
    body = {"role": role, "snapshot": snapshot_stored(columns).digest}
    answer = api_as(data_scientist).post(url, body, format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert dict(version.data.values_list("role", "snapshot_id")) == before
