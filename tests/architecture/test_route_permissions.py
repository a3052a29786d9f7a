"""Who may call what: every route with the permission that each of its methods needs.

A route that is not in the table fails, and so does a row without a route. Each row is then tried by nobody and by
every role: those without the permission are refused and change nothing, the others get past the check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from governance.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.factories import (
    DatasetFactory,
    DatasetSnapshotFactory,
    FindingFactory,
    ModelVersionFactory,
    ScorecardFactory,
    artifact_stored,
)

P = Permission
SIGNED_IN, PUBLIC = "any signed-in person", "anybody"
Need = Permission | str

API: dict[str, dict[str, Need]] = {
    "api-me": {"get": SIGNED_IN},
    "api-tokens": {"get": P.TOKEN_MANAGE, "post": P.TOKEN_MANAGE},
    "api-token": {"delete": P.TOKEN_MANAGE},
    "api-datasets": {"get": P.DATASET_READ, "post": P.DATASET_REGISTER},
    "api-dataset": {"get": P.DATASET_READ},
    "api-snapshots": {"get": P.DATASET_READ, "post": P.DATASET_REGISTER},
    "api-snapshot": {"get": P.DATASET_READ},
    "api-snapshot-profile": {"get": P.DATASET_READ},
    "api-ledger": {"get": P.LEDGER_READ},
    "api-ledger-entries": {"get": P.LEDGER_READ},
    "api-ledger-checkpoint": {"get": P.LEDGER_READ},
    "api-model-kinds": {"get": P.MODEL_READ},
    "api-models": {"get": P.MODEL_READ, "post": P.MODEL_REGISTER},
    "api-model": {"get": P.MODEL_READ},
    "api-versions": {"get": P.MODEL_READ, "post": P.MODEL_REGISTER},
    "api-version": {"get": P.MODEL_READ},
    "api-version-data": {"post": P.MODEL_REGISTER},
    "api-version-monitored-dataset": {"put": P.MODEL_REGISTER},
    "api-version-monitoring": {"get": P.AUDIT_READ},
    "api-version-suspend": {"post": P.VERSION_SUSPEND},
    "api-artifacts": {"post": P.MODEL_REGISTER},
    "api-audit-kinds": {"get": P.AUDIT_READ},
    "api-audit-plans": {"get": P.AUDIT_READ, "post": P.AUDIT_PLAN},
    "api-audit-plan": {"get": P.AUDIT_READ, "patch": P.AUDIT_PLAN, "delete": P.AUDIT_PLAN},
    "api-audit-plan-dry-run": {"post": P.AUDIT_READ},
    "api-audit-plan-run": {"post": P.AUDIT_REQUEST},
    "api-audit-runs": {"get": P.AUDIT_READ},
    "api-audit-run": {"get": P.AUDIT_READ},
    "api-measurements": {"get": P.AUDIT_READ},
    "api-run-report": {"get": P.AUDIT_READ, "post": P.AUDIT_REQUEST},
    "api-run-report-file": {"get": P.AUDIT_READ},
    "api-findings": {"get": P.FINDING_READ},
    "api-finding": {"get": P.FINDING_READ},
    "api-finding-answer": {"post": P.FINDING_ANSWER},
    "api-scorecards": {"get": P.SCORECARD_READ},
    "api-scorecard": {"get": P.SCORECARD_READ},
    "api-scorecard-history": {"get": P.SCORECARD_READ},
    "api-schema": {"get": PUBLIC},
    "api-docs": {"get": PUBLIC},
    "api-unknown": {"get": PUBLIC, "post": PUBLIC},
}
PAGES: dict[str, dict[str, Need]] = {
    "home": {"get": SIGNED_IN},
    "sign-in": {"get": PUBLIC},
    "sign-out": {"post": PUBLIC},
    "theme": {"post": PUBLIC},
    "help-index": {"get": SIGNED_IN},
    "help": {"get": SIGNED_IN},
    "healthz": {"get": PUBLIC},
    "readyz": {"get": PUBLIC},
    "datasets": {"get": P.DATASET_READ},
    "dataset": {"get": P.DATASET_READ},
    "snapshot": {"get": P.DATASET_READ},
    "ledger": {"get": P.LEDGER_READ},
    "tokens": {"get": P.TOKEN_MANAGE, "post": P.TOKEN_MANAGE},
    "token-end": {"post": P.TOKEN_MANAGE},
    "privacy": {"get": P.PRIVACY_CENTRE_READ},
    "scorecard": {"get": P.SCORECARD_READ},
    "models": {"get": P.MODEL_READ},
    "model": {"get": P.MODEL_READ},
    "version": {"get": P.MODEL_READ},
    "version-artifact": {"get": P.MODEL_READ},
    "version-monitoring": {"get": P.AUDIT_READ},
    "version-movers-csv": {"get": P.AUDIT_READ},
    "version-plans": {"get": P.AUDIT_READ},
    "plan-new": {"get": P.AUDIT_PLAN, "post": P.AUDIT_PLAN},
    "plan-edit": {"get": P.AUDIT_PLAN, "post": P.AUDIT_PLAN},
    "plan-active": {"post": P.AUDIT_PLAN},
    "plan-archive": {"get": P.AUDIT_PLAN, "post": P.AUDIT_PLAN},
    "runs": {"get": P.AUDIT_READ},
    "run": {"get": P.AUDIT_READ},
    "run-csv": {"get": P.AUDIT_READ},
    "measurement": {"get": P.AUDIT_READ},
    "run-candidate": {"get": P.AUDIT_READ},
    "run-report": {"get": P.AUDIT_READ},
    "run-report-view": {"get": P.AUDIT_READ},
    "run-report-request": {"post": P.AUDIT_REQUEST},
    "plan-run": {"post": P.AUDIT_REQUEST},
    "findings": {"get": P.FINDING_READ},
    "finding": {"get": P.FINDING_READ, "post": P.FINDING_ANSWER},
}
ROWS = [
    (name, method, need)
    for table in (API, PAGES)
    for name, methods in table.items()
    for method, need in methods.items()
]
GUARDED = [row for row in ROWS if row[2] != PUBLIC]
RESTRICTED = [row for row in GUARDED if row[2] != SIGNED_IN]


def routes(resolver: URLResolver) -> Iterator[URLPattern]:
    """Every route of ours; the operators' admin has its own permissions."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        elif entry.namespace != "admin":
            yield from routes(entry)


@pytest.fixture
def example(db: None) -> dict[str, Any]:
    """One record of everything, and what addresses call it."""
    dataset = DatasetFactory.create(name="example")
    snapshot = DatasetSnapshotFactory.create(dataset=dataset)
    version = ModelVersionFactory.create(model__name="example", artifact_digest=artifact_stored())
    finding = FindingFactory.create(measurement__run__plan__version=version)
    ScorecardFactory.create(version=version)
    return {
        "name": "example",
        "number": version.number,
        "digest": snapshot.digest,
        "reference": snapshot.digest,
        "prefix": "0123456789abcde",
        "run_id": finding.measurement.run_id,
        "measurement_id": finding.measurement.pk,
        "plan_id": finding.measurement.run.plan_id,
        "finding_id": finding.pk,
        "section": "reference",
        "slug": "api",
    }


@pytest.fixture
def call(example: dict[str, Any]) -> Callable[[str, str, User | None], tuple[HttpResponse, list[str]]]:
    """``call(route, method, person)``: the answer, and the tables that the call wrote to."""
    known = {str(route.name): route for route in routes(get_resolver())}

    def address_of(name: str) -> str:
        if name == "api-unknown":
            return "/api/nothing/"
        return reverse(name, kwargs={key: example[key] for key in known[name].pattern.regex.groupindex})

    def send(name: str, method: str, person: User | None) -> tuple[HttpResponse, list[str]]:
        client = APIClient() if name in API else Client()
        if person is not None:
            client.force_login(person)
        with CaptureQueriesContext(connection) as queries:
            answer = getattr(client, method)(address_of(name))
        if answer.streaming:  # a download holds its file open until it is read
            b"".join(answer.streaming_content)
        return answer, [table for query in queries if (table := written(query["sql"]))]

    return send


def written(statement: str) -> str:
    """The table that an SQL statement writes to; empty when it only reads."""
    words = statement.replace('"', "").split()
    return {"INSERT": words[2:3], "DELETE": words[2:3], "UPDATE": words[1:2]}.get(words[0], [""])[0]


def signed_out(answer: HttpResponse) -> bool:
    return answer.status_code == 401 or (
        answer.status_code == 302 and answer["Location"].startswith("/sign-in/")
    )


def test_every_route_is_in_the_table():
    names = [str(route.name) for route in routes(get_resolver())]
    assert sorted(names) == sorted([*API, *PAGES])


@pytest.mark.parametrize(
    "name", [name for name in API if API[name] != {"get": PUBLIC} and name != "api-unknown"]
)
def test_an_endpoint_declares_the_permissions_of_the_table(name):
    callback: Any = next(route for route in routes(get_resolver()) if route.name == name).callback
    view = callback.view_class
    assert {method: need or SIGNED_IN for method, need in view.needs.items()} == API[name]


@pytest.mark.parametrize(("name", "method", "need"), GUARDED)
def test_nobody_gets_in_without_signing_in(call, name, method, need):
    answer, writes = call(name, method, None)
    assert signed_out(answer)
    assert writes == []


@pytest.mark.parametrize(("name", "method", "need"), RESTRICTED)
def test_a_role_without_the_permission_is_refused_and_changes_nothing(
    call, person_of_role, name, method, need
):
    for role in Role:
        if need not in ROLE_PERMISSIONS[role]:
            answer, writes = call(name, method, person_of_role[role])
            assert (role, answer.status_code, writes) == (role, 403, [])


@pytest.mark.parametrize(("name", "method", "need"), GUARDED)
def test_a_role_with_the_permission_gets_past_the_check(call, person_of_role, name, method, need):
    for role in Role:
        if need == SIGNED_IN or need in ROLE_PERMISSIONS[role]:
            answer, _ = call(name, method, person_of_role[role])
            assert answer.status_code not in (401, 403), role
            assert not signed_out(answer), role


@pytest.mark.parametrize(("name", "method", "need"), [row for row in ROWS if row[2] == PUBLIC])
def test_what_is_public_asks_nobody_to_sign_in(call, name, method, need):
    answer, _ = call(name, method, None)
    assert answer.status_code not in (401, 403)
    assert not signed_out(answer) or name == "sign-out"  # whose answer is the sign-in page


@pytest.mark.parametrize("superuser", [False, True])
def test_a_person_without_a_role_is_refused_everywhere(call, superuser):
    person = User.objects.create(username="newcomer", is_superuser=superuser, is_staff=superuser)
    refused = {(name, method): call(name, method, person) for name, method, _ in RESTRICTED}
    assert {key for key, (answer, writes) in refused.items() if answer.status_code != 403 or writes} == set()
