"""Sensitive attributes are kept apart: registered under a permission of their own, joined for a run, never shown small."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audits.kinds import AuditInput, AuditParameters, Verdict
from audits.kinds import Measurement as Measured
from audits.models import AuditPlan, AuditRun, Measurement, RunPartition, SnapshotProfile
from audits.selectors.display import hidden
from audits.services.attributes import run_attributes_attached
from audits.services.execution import run_execute
from audits.services.plans import plan_create
from audits.services.profiles import profiles_enqueue_missing
from audits.services.suppression import small_groups_suppressed
from audits.services.windows import PlanData
from audits.tables import MemoryTable
from governance.errors import InvalidInput, NotPermitted
from governance.models import Dataset, DatasetSnapshot
from governance.selectors.ledger import entries
from governance.services.datasets import dataset_register, snapshot_register
from models_registry.models import ModelVersion, VersionSnapshot
from models_registry.services.versions import check_attributes, version_data_replace, version_monitor
from tests.factories import (
    AuditRunFactory,
    DatasetFactory,
    ModelVersionFactory,
    VersionSnapshotFactory,
    snapshot_stored,
)

PEOPLE = 400
DECLARED: dict[str, Any] = {
    "name": "client-attributes",
    "description": "Age as clients declared it",
    "source": "loyalty programme",
    "owner": "client relations",
    "lawful_basis": "consent, Art. 6(1)(a) GDPR",
    "contains_personal_data": True,
    "sensitive_attributes": True,
    "purpose": "assessing models for disparities",
    "subject_key": "client",
}
PARAMETERS = {"y_true": "bought", "y_pred": "chosen", "sensitive": ["age"]}


def stored(table: pa.Table, **dataset: object) -> DatasetSnapshot:
    return snapshot_stored(table.to_pydict(), dataset=DatasetFactory.create(**dataset))


def ages(small: int = 4) -> list[str]:
    """So many people of 90 and over; the others half and half."""
    return ["90+"] * small + ["65+" if i % 2 else "under 65" for i in range(PEOPLE - small)]


def attributes_table(small: int = 4) -> pa.Table:
    return pa.table(
        {"client": [f"c{i}" for i in range(PEOPLE)], "age": ages(small), "gender": ["x"] * PEOPLE}
    )


def predictions_table() -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table(
        {
            "client": [f"c{i}" for i in range(PEOPLE)],
            "bought": rng.integers(0, 2, PEOPLE),
            "chosen": [1 if age == "under 65" or i % 5 == 0 else 0 for i, age in enumerate(ages())],
        }
    )


@pytest.fixture
def attributes(officer: User) -> DatasetSnapshot:
    dataset = dataset_register(actor=officer, **DECLARED)
    return snapshot_register(actor=officer, dataset=dataset, table=attributes_table())


@pytest.fixture
def version(attributes: DatasetSnapshot) -> ModelVersion:
    made = ModelVersionFactory.create(model__kind="segmentation")
    predictions = stored(predictions_table())
    VersionSnapshotFactory.create(version=made, role="predictions", snapshot=predictions)
    VersionSnapshotFactory.create(version=made, role="attributes", snapshot=attributes)
    return made


def plan_of(version: ModelVersion, officer: User, **parameters: object) -> AuditPlan:
    return plan_create(
        actor=officer,
        version=version,
        kind="group-disparity",
        name="by age",
        window="week",
        data_window="snapshot",
        parameters={**PARAMETERS, **parameters},
    )


def run_of(plan: AuditPlan) -> AuditRun:
    """The run that is queued when a plan is made, computed."""
    run = plan.runs.get()
    assert run_execute(run_id=run.pk)
    run.refresh_from_db()
    return run


# Registered apart


def test_a_data_scientist_cannot_register_sensitive_attributes(data_scientist: User):
    with pytest.raises(NotPermitted, match="attribute:register"):
        dataset_register(actor=data_scientist, **DECLARED)
    assert not Dataset.objects.exists()


def test_nor_upload_their_rows(data_scientist: User, officer: User):
    dataset = dataset_register(actor=officer, **DECLARED)
    with pytest.raises(NotPermitted, match="attribute:register"):
        snapshot_register(actor=data_scientist, dataset=dataset, table=attributes_table())
    assert not DatasetSnapshot.objects.exists()


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"lawful_basis": ""}, "lawful_basis"),
        ({"purpose": ""}, "purpose"),
        ({"subject_key": ""}, "subject_key"),
        ({"contains_personal_data": False}, "contains_personal_data"),
        ({"retention_days": 0}, "retention_days"),
    ],
)
def test_what_their_use_rests_on_must_be_declared(officer: User, missing, field):
    with pytest.raises(InvalidInput) as refused:
        dataset_register(actor=officer, **{**DECLARED, **missing})
    assert refused.value.field == field
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    "undeclared", [{"purpose": ""}, {"subject_key": ""}, {"contains_personal_data": False}]
)
def test_the_database_refuses_them_undeclared(db, undeclared):
    with pytest.raises(IntegrityError), transaction.atomic():
        DatasetFactory.create(
            **{
                "sensitive_attributes": True,
                "contains_personal_data": True,
                "lawful_basis": "consent",
                "purpose": "audits",
                "subject_key": "client",
                **undeclared,
            }
        )


def test_rows_need_the_column_that_tells_people_apart(officer: User):
    dataset = dataset_register(actor=officer, **DECLARED)
    with pytest.raises(InvalidInput, match="'client'"):
        snapshot_register(actor=officer, dataset=dataset, table=pa.table({"age": ["65+"]}))


# Never an input by accident


@pytest.mark.parametrize("role", ["training", "reference", "current", "predictions", "consent"])
def test_they_have_no_other_role(attributes: DatasetSnapshot, role):
    with pytest.raises(InvalidInput, match="only the role 'attributes'"):
        check_attributes({role: attributes})


def test_nothing_else_has_their_role(db):
    other = stored(predictions_table(), name="till-lines")
    with pytest.raises(InvalidInput, match="Register till-lines as sensitive attributes"):
        check_attributes({"attributes": other})


@pytest.mark.parametrize("role", ["training", "reference", "current"])
def test_a_sensitive_attribute_among_the_inputs_is_refused(attributes: DatasetSnapshot, role):
    inputs = stored(pa.table({"client": ["a"], "spend": [1.0], "age": ["65+"]}))
    with pytest.raises(InvalidInput, match=f"'age' of the '{role}' rows is a sensitive attribute"):
        check_attributes({"attributes": attributes, role: inputs})


def test_the_key_and_the_predictions_may_share_a_column(attributes: DatasetSnapshot):
    inputs = stored(pa.table({"client": ["a"], "spend": [1.0]}))
    scored = stored(pa.table({"client": ["a"], "age": ["65+"]}))
    check_attributes({"attributes": attributes, "current": inputs, "predictions": scored})


def test_newer_rows_are_held_to_the_same(
    version: ModelVersion, data_scientist: User, officer: User, attributes
):
    rows = predictions_table().append_column("age", pa.array(ages()))
    apart = snapshot_register(actor=officer, dataset=attributes.dataset, table=rows)
    with pytest.raises(InvalidInput, match="only the role 'attributes'"):
        version_data_replace(actor=data_scientist, version=version, role="predictions", snapshot=apart)


def test_nor_is_a_version_monitored_on_them(version: ModelVersion, data_scientist: User):
    with pytest.raises(InvalidInput, match="no model's inputs"):
        version_monitor(
            actor=data_scientist, version=version, dataset=Dataset.objects.get(name="client-attributes")
        )
    version.refresh_from_db()
    assert version.monitored_dataset is None


def test_attributes_can_be_renewed(version: ModelVersion, data_scientist: User, officer: User):
    dataset = Dataset.objects.get(name="client-attributes")
    newer = snapshot_register(actor=officer, dataset=dataset, table=attributes_table(small=40))
    assert version_data_replace(actor=data_scientist, version=version, role="attributes", snapshot=newer)
    assert version.data.get(role=VersionSnapshot.Role.ATTRIBUTES).snapshot == newer


# Joined for a run


def test_a_run_joins_the_attributes_that_it_names(version, officer, attributes):
    plan = plan_of(version, officer)
    run = run_of(plan)
    assert (run.status, run.attributes_snapshot) == ("completed", attributes)
    rate = run.measurements.get(name="selection-rate", slice="age=65+")
    chosen = [
        c for c, age in zip(predictions_table()["chosen"].to_pylist(), ages(), strict=True) if age == "65+"
    ]
    assert rate.n == len(chosen) == 198
    assert rate.value == sum(chosen) / len(chosen)
    assert rate.verdict == "fail"
    assert not run.measurements.filter(slice__startswith="gender").exists()


def test_the_ledger_names_the_attributes_by_digest_and_holds_no_value(version, officer, attributes):
    run = run_of(plan_of(version, officer))
    entry = entries().get(subject=run.subject, action="audits.run.completed")
    assert entry.payload["attributes"] == attributes.digest
    assert "65" not in json.dumps(
        {k: v for k, v in entry.payload.items() if k not in {"attributes", "result", "data"}}
    )


def test_a_run_that_names_none_joins_none(version, officer):
    VersionSnapshot.objects.filter(version=version, role="predictions").update(
        snapshot=stored(predictions_table().append_column("age", pa.array(ages())))
    )
    run = run_of(plan_of(version, officer))
    assert (run.status, run.attributes_snapshot) == ("completed", None)


def attached(
    version: ModelVersion, attributes: DatasetSnapshot, table: pa.Table, **parameters: Any
) -> AuditInput:
    run = AuditRunFactory.create(plan__version=version, attributes_snapshot=attributes)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    given = AuditInput(current=MemoryTable(columns), parameters=AuditParameters(**parameters))
    return run_attributes_attached(run, given)


def test_only_the_columns_that_are_named_are_joined(version, attributes):
    """Else a kind that takes every column for an input would take gender for one."""
    joined = attached(version, attributes, predictions_table(), sensitive=("age",)).current
    assert tuple(joined.names) == ("client", "bought", "chosen", "age")
    assert joined.column("age").data.to_pylist() == ages()


def test_another_key_can_be_named(version, officer, attributes):
    people = attributes_table().append_column("card", pa.array([f"k{i}" for i in range(PEOPLE)]))
    newer = snapshot_register(actor=officer, dataset=attributes.dataset, table=people)
    rows = pa.table({"card": ["k1", "k0", "k999"], "chosen": [1, 0, 1]})
    joined = attached(version, newer, rows, sensitive=("age",), attributes_key="card").current
    assert joined.column("age").data.to_pylist() == [ages()[1], ages()[0], None]


def test_a_column_that_neither_has_is_refused_when_planned(version, officer):
    with pytest.raises(InvalidInput, match="no column 'shoe_size'"):
        plan_of(version, officer, sensitive=["shoe_size"])


def test_rows_without_the_key_end_the_run_with_the_remedy(version, officer):
    rows = predictions_table().drop_columns(["client"])
    VersionSnapshot.objects.filter(version=version, role="predictions").update(snapshot=stored(rows))
    run = run_of(plan_of(version, officer))
    assert run.status == "errored"
    assert "joined by 'client'" in run.error
    assert not run.measurements.exists()


def test_attributes_that_were_tampered_with_end_the_run(version, officer, attributes):
    from governance.store import store_path

    plan = plan_of(version, officer)
    path = store_path(attributes.digest)
    path.chmod(0o644)
    path.write_bytes(b"something else")
    run = run_of(plan)
    assert run.status == "errored"
    assert not run.measurements.exists()


def test_newer_attributes_are_reason_for_a_new_run(version, officer, attributes):
    run = run_of(plan_of(version, officer))
    RunPartition.objects.create(run=run, snapshot=run.current_snapshot, side="current")
    data = PlanData(
        current=run.current_snapshot,
        reference=None,
        attributes=attributes,
        partitions=(("current", run.current_snapshot),),
    )
    newer = snapshot_register(actor=officer, dataset=attributes.dataset, table=attributes_table(small=40))
    assert data.same_as(run)
    assert not replace(data, attributes=newer).same_as(run)
    assert not replace(data, attributes=None).same_as(run)


# Never shown small


def test_a_small_group_is_stored_without_a_number(version, officer):
    run = run_of(plan_of(version, officer))
    small = run.measurements.filter(slice="age=90+")
    assert small.exists()
    for measurement in small:
        assert hidden(measurement)
        shown = (measurement.n, measurement.value, measurement.low, measurement.high)
        assert shown == (0, None, None, None)
        assert measurement.verdict == "insufficient"
        assert set(measurement.detail) == {"suppressed", "fewer_than", "reason"}
    assert not any(hidden(m) for m in run.measurements.filter(name="selection-rate", slice="age=65+"))


def measured(n: int, where: str = "age=65+", **detail: object) -> Measured:
    return Measured(
        name="selection-rate",
        slice=where,
        n=n,
        value=0.5,
        low=0.4,
        high=0.6,
        verdict=Verdict.FAIL,
        detail=detail,
    )


@pytest.mark.parametrize(
    ("given", "small"),
    [
        (measured(9), True),
        (measured(10), False),
        (measured(500, units=9), True),
        (measured(500, units=10), False),
        (measured(9, "age*income=65+*low"), True),
        (measured(9, "income*age=low*65+"), True),
        (measured(9, "shop=north"), False),
        (measured(9, ""), False),
        (measured(9, "mileage=65"), False),
    ],
    ids=str,
)
def test_which_groups_are_too_small(settings, given, small):
    settings.DISPLAY_MINIMUM = 10
    [found] = small_groups_suppressed([given], AuditParameters(sensitive=("age",)))
    assert ("suppressed" in found.detail) is small
    assert found == given or small
    assert found.value is None or not small
    assert (found.verdict == "insufficient") is small


def test_the_minimum_is_a_setting(settings):
    settings.DISPLAY_MINIMUM = 30
    [found] = small_groups_suppressed([measured(29)], AuditParameters(sensitive=("age",)))
    assert found.detail["fewer_than"] == 30


# Shown nowhere


def test_their_distributions_are_not_profiled(version, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        profiles_enqueue_missing()
    profiled = SnapshotProfile.objects.values_list("snapshot__dataset__name", flat=True)
    assert "client-attributes" not in set(profiled)
    assert Measurement.objects.count() == 0


def test_their_page_says_what_they_are_for_and_shows_no_value(client, officer, attributes):
    client.force_login(officer)
    page = client.get("/datasets/client-attributes/")
    assert "Assessing models for disparities." in page.text
    assert "no model learns from them" in page.text
    assert "65+" not in page.text
    assert "65+" not in client.get(f"/datasets/client-attributes/snapshots/{attributes.digest}/").text
