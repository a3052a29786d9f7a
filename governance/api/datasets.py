"""Datasets: list, show, register."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoint import Endpoint
from governance.api.fields import RecordSerializer, UtcDateTimeField
from governance.api.queries import ListQuery, StrictSerializer, ordering_field, search_field
from governance.errors import AlreadyExists
from governance.models import Dataset
from governance.permissions import Permission
from governance.selectors.datasets import datasets
from governance.services.datasets import dataset_register


class DatasetOutput(RecordSerializer):
    """A data asset: owner, origin, lawful basis, and what in it is simulated."""

    snapshot_count = serializers.IntegerField()
    latest_at = UtcDateTimeField(allow_null=True, help_text="When its newest snapshot was registered.")

    class Meta:
        model = Dataset
        fields = (
            "name",
            "description",
            "source",
            "owner",
            "lawful_basis",
            "contains_personal_data",
            "sensitive_attributes",
            "purpose",
            "retention_days",
            "subject_key",
            "simulated",
            "registered_at",
            "snapshot_count",
            "latest_at",
        )


class DatasetInput(StrictSerializer):
    name = serializers.SlugField(max_length=100)
    description = serializers.CharField()
    source = serializers.CharField(max_length=300)  # type: ignore[assignment]  # a field of the record
    owner = serializers.CharField(max_length=100)
    lawful_basis = serializers.CharField(max_length=200, required=False, allow_blank=True)
    contains_personal_data = serializers.BooleanField(required=False)
    subject_key = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="Column that identifies a person."
    )
    sensitive_attributes = serializers.BooleanField(
        required=False,
        help_text="Attributes that audits compare people by, kept apart; needs the permission attribute:register.",
    )
    purpose = serializers.CharField(
        max_length=300, required=False, allow_blank=True, help_text="What the data may be used for."
    )
    retention_days = serializers.IntegerField(
        min_value=1, required=False, allow_null=True, help_text="For how many days rows may be kept."
    )
    simulated = serializers.CharField(
        max_length=400,
        required=False,
        allow_blank=True,
        help_text="What in these data is simulated, in words.",
    )


class DatasetQuery(ListQuery):
    search = search_field("name, description, owner or source")
    ordering = ordering_field("name", "registered_at")
    owner = serializers.CharField(max_length=100, required=False)
    contains_personal_data = serializers.BooleanField(required=False)
    sensitive_attributes = serializers.BooleanField(required=False)
    filters = {
        "owner": "owner",
        "contains_personal_data": "contains_personal_data",
        "sensitive_attributes": "sensitive_attributes",
    }
    searched = ("name", "description", "owner", "source")


class DatasetsEndpoint(Endpoint):
    tag = "Data"
    needs = {"get": Permission.DATASET_READ, "post": Permission.DATASET_REGISTER}
    query_serializer = DatasetQuery

    @extend_schema(operation_id="datasets_list", summary="Datasets", responses=DatasetOutput(many=True))
    def get(self, request: Request) -> Response:
        return self.listing(datasets(), DatasetOutput)

    @extend_schema(
        operation_id="datasets_register",
        summary="Register a dataset",
        request=DatasetInput,
        responses={201: DatasetOutput},
    )
    def post(self, request: Request) -> Response:
        values = self.read(DatasetInput)
        if datasets().filter(name=values["name"]).exists():
            raise AlreadyExists(f"There is a dataset {values['name']!r} already; nothing was changed.")
        dataset = dataset_register(actor=self.actor, **values)
        return Response(DatasetOutput(datasets().get(pk=dataset.pk)).data, status=status.HTTP_201_CREATED)


class DatasetEndpoint(Endpoint):
    tag = "Data"
    needs = {"get": Permission.DATASET_READ}

    @extend_schema(operation_id="datasets_show", summary="One dataset", responses=DatasetOutput)
    def get(self, request: Request, name: str) -> Response:
        return Response(DatasetOutput(get_object_or_404(datasets(), name=name)).data)
