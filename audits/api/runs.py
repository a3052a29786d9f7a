"""Audit runs and what they measured."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audits.api.vocabulary import VERDICTS, AuditQuery
from audits.models import AuditPlan, AuditRun, Measurement, RunPartition
from audits.selectors.display import displayed
from audits.selectors.runs import measurements, run_missing_days, runs
from governance.api.endpoint import Endpoint
from governance.api.fields import RecordSerializer, VocabularyField
from governance.api.queries import ListQuery, ordering_field, search_field
from governance.permissions import Permission


class RunOutput(RecordSerializer):
    """One execution of a plan in one window, as lists show it. ``verdict`` is empty until it is finished."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.IntegerField(source="version.number")
    plan = serializers.IntegerField(source="plan_id")
    kind = serializers.CharField()
    trigger = VocabularyField("RunTrigger", AuditRun.Trigger.values)
    status = VocabularyField("RunStatus", AuditRun.Status.values)
    verdict = VocabularyField("RunVerdict", ["", *VERDICTS])
    measurement_count = serializers.IntegerField()

    class Meta:
        model = AuditRun
        fields: tuple[str, ...] = (
            "id",
            "model",
            "version",
            "plan",
            "kind",
            "trigger",
            "status",
            "verdict",
            "measurement_count",
            "window_start",
            "queued_at",
            "started_at",
            "finished_at",
        )


class RunPartitionOutput(serializers.Serializer):
    """A partition that a run read; ``reference`` of the snapshot, as other addresses name it."""

    side = VocabularyField("RunSide", RunPartition.Side.values)
    reference = serializers.SerializerMethodField()
    start = serializers.DateField(source="snapshot.window_start", allow_null=True)
    end = serializers.DateField(source="snapshot.window_end", allow_null=True)

    def get_reference(self, partition: RunPartition) -> str:
        return f"{partition.snapshot.dataset.name}@{partition.snapshot.digest}"


class RunDetail(RunOutput):
    """One run with all that is needed to compute it again: data by digest, parameters, seed; and its result's digest."""

    current_snapshot = serializers.SerializerMethodField()
    reference_snapshot = serializers.SerializerMethodField()
    data_window = VocabularyField("DataWindow", AuditPlan.DataWindow.values)
    comparison = VocabularyField("Comparison", AuditPlan.Comparison.values)
    partitions = serializers.SerializerMethodField(help_text="All that a data window merged, by side.")
    missing_days = serializers.SerializerMethodField(help_text="Days of the data window without any rows.")
    parameters = serializers.DictField()

    class Meta(RunOutput.Meta):
        fields = (
            *RunOutput.Meta.fields,
            "attempts",
            "current_snapshot",
            "reference_snapshot",
            "data_window",
            "comparison",
            "data_start",
            "data_end",
            "partitions",
            "missing_days",
            "parameters",
            "seed",
            "result_digest",
            "error",
        )

    def get_current_snapshot(self, run: AuditRun) -> str:
        """As ``dataset@digest``."""
        return f"{run.current_snapshot.dataset.name}@{run.current_snapshot.digest}"

    def get_reference_snapshot(self, run: AuditRun) -> str | None:
        """As ``dataset@digest``; null for audits of one table."""
        snapshot = run.reference_snapshot
        return f"{snapshot.dataset.name}@{snapshot.digest}" if snapshot else None

    @extend_schema_field(RunPartitionOutput(many=True))
    def get_partitions(self, run: AuditRun) -> Any:
        return RunPartitionOutput(run.partitions.select_related("snapshot__dataset"), many=True).data

    def get_missing_days(self, run: AuditRun) -> list[date]:
        return run_missing_days(run)


class MeasurementOutput(RecordSerializer):
    """One number against its threshold, on a slice of ``n`` rows. ``tolerance_used`` is 1 exactly at the limit.

    Of a group that is too small to be shown, ``detail.suppressed`` is true, ``n`` is 0, and there is no number.
    """

    run = serializers.IntegerField(source="run_id")
    verdict = VocabularyField("Verdict", VERDICTS)
    detail = serializers.DictField()

    class Meta:
        model = Measurement
        fields = (
            "id",
            "run",
            "name",
            "slice",
            "n",
            "value",
            "low",
            "high",
            "threshold",
            "tolerance_used",
            "verdict",
            "detail",
        )

    def to_representation(self, instance: Measurement) -> dict[str, Any]:
        return super().to_representation(displayed(instance))


class RunQuery(AuditQuery):
    status = VocabularyField("RunStatus", AuditRun.Status.values, required=False)
    verdict = VocabularyField("Verdict", VERDICTS, required=False)
    trigger = VocabularyField("RunTrigger", AuditRun.Trigger.values, required=False)
    ordering = ordering_field("queued_at", "finished_at")
    filters = {**AuditQuery.filters, "status": "status", "verdict": "verdict", "trigger": "trigger"}


class MeasurementQuery(ListQuery):
    verdict = VocabularyField("Verdict", VERDICTS, required=False)
    name = serializers.CharField(max_length=120, required=False)
    search = search_field("name or slice")
    ordering = ordering_field("name", "slice", "tolerance_used")
    filters = {"verdict": "verdict", "name": "name"}
    searched = ("name", "slice")


class RunsEndpoint(Endpoint):
    tag = "Audits"
    needs = {"get": Permission.AUDIT_READ}
    query_serializer = RunQuery

    @extend_schema(
        operation_id="audit_runs_list", summary="Audit runs, newest first", responses=RunOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        return self.listing(runs(), RunOutput)


class RunEndpoint(Endpoint):
    tag = "Audits"
    needs = {"get": Permission.AUDIT_READ}

    @extend_schema(operation_id="audit_runs_show", summary="One run", responses=RunDetail)
    def get(self, request: Request, run_id: int) -> Response:
        return Response(RunDetail(get_object_or_404(runs(), pk=run_id)).data)


class MeasurementsEndpoint(Endpoint):
    tag = "Audits"
    needs = {"get": Permission.AUDIT_READ}
    query_serializer = MeasurementQuery

    @extend_schema(
        operation_id="measurements_list",
        summary="What a run measured",
        responses=MeasurementOutput(many=True),
    )
    def get(self, request: Request, run_id: int) -> Response:
        run = get_object_or_404(AuditRun, pk=run_id)
        return self.listing(measurements(run), MeasurementOutput)
