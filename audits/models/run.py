from django.db import models
from django.db.models import Q

from audits.kinds import AuditKind, Verdict, audit_kind_choices, audit_kinds
from audits.models.plan import AuditPlan
from governance.models import DatasetSnapshot
from models_registry.models import ModelVersion

VERDICTS = [(v.value, v.value.capitalize()) for v in Verdict]


class AuditRun(models.Model):
    """One execution of a plan in one window. A worker holds it by claim token and lease."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        ERRORED = "errored", "Errored"

    class Trigger(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        REQUESTED = "requested", "Requested"

    plan = models.ForeignKey(AuditPlan, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="audit_runs")
    kind = models.CharField(max_length=40, choices=audit_kind_choices)
    window_start = models.DateTimeField()
    trigger = models.CharField(max_length=20, choices=Trigger.choices, default=Trigger.SCHEDULED)
    current_snapshot = models.ForeignKey(DatasetSnapshot, on_delete=models.PROTECT, related_name="+")
    reference_snapshot = models.ForeignKey(
        DatasetSnapshot, null=True, on_delete=models.PROTECT, related_name="+"
    )
    attributes_snapshot = models.ForeignKey(
        DatasetSnapshot, null=True, on_delete=models.PROTECT, related_name="+"
    )
    data_window = models.CharField(
        max_length=20, choices=AuditPlan.DataWindow.choices, default=AuditPlan.DataWindow.SNAPSHOT
    )
    comparison = models.CharField(
        max_length=20, choices=AuditPlan.Comparison.choices, default=AuditPlan.Comparison.REFERENCE
    )
    data_start = models.DateField(null=True)  # the span of the current data, both days included
    data_end = models.DateField(null=True)
    parameters = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    claim_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=20, choices=VERDICTS, blank=True)
    error = models.TextField(blank=True)
    result_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "window_start"], name="audit_run_once_per_window"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "completed", "errored"]),
                name="audit_run_status_valid",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["completed", "errored"]) | ~Q(verdict=""),
                name="audit_run_finished_has_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(claim_token__isnull=False, lease_expires_at__isnull=False),
                name="audit_run_running_is_claimed",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "queued_at"], name="audit_run_status_queued"),
            models.Index(fields=["version", "kind", "-finished_at"], name="audit_run_latest"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.kind}"

    @property
    def subject(self) -> str:
        return f"audit-run:{self.pk}"

    @property
    def plugin(self) -> AuditKind:
        return audit_kinds.get(self.kind)

    @property
    def finished(self) -> bool:
        return self.status in (self.Status.COMPLETED, self.Status.ERRORED)


class RunPartition(models.Model):
    """A partition that a run over a data window read, and on which side of its comparison."""

    class Side(models.TextChoices):
        CURRENT = "current", "Current"
        REFERENCE = "reference", "Reference"

    run = models.ForeignKey(AuditRun, on_delete=models.PROTECT, related_name="partitions")
    snapshot = models.ForeignKey(DatasetSnapshot, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=10, choices=Side.choices)

    class Meta:
        ordering = ["side", "snapshot__window_start", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "snapshot", "side"], name="run_partition_once_per_side"),
            models.CheckConstraint(
                condition=Q(side__in=["current", "reference"]), name="run_partition_side_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side}: {self.snapshot_id}"


class Measurement(models.Model):
    """One number of a run against its threshold; see ``audits.kinds.Measurement`` for the meaning of each field."""

    run = models.ForeignKey(AuditRun, on_delete=models.PROTECT, related_name="measurements")
    name = models.CharField(max_length=120)
    slice = models.CharField(max_length=400, blank=True)
    n = models.PositiveBigIntegerField(default=0)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    tolerance_used = models.FloatField(null=True)
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "slice"], name="measurement_once_per_run"),
            models.CheckConstraint(
                condition=Q(verdict__in=["pass", "review", "fail", "insufficient", "errored"]),
                name="measurement_verdict_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.slice}".strip()


class Finding(models.Model):
    """A breach that needs an answer. Open for as long as the measurement keeps failing in the runs of its plan.

    Plans of one kind may hold the same measurement to other limits, on other days: each has findings of its own.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"

    plan = models.ForeignKey(AuditPlan, on_delete=models.PROTECT, related_name="findings")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=40, choices=audit_kind_choices)
    name = models.CharField(max_length=120)
    slice = models.CharField(max_length=400, blank=True)
    first_measurement = models.ForeignKey(Measurement, on_delete=models.PROTECT, related_name="+")
    measurement = models.ForeignKey(Measurement, on_delete=models.PROTECT, related_name="findings")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey("auth.User", null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "name", "slice"],
                condition=~Q(status="closed"),
                name="finding_one_open_per_measurement",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "answered", "closed"]), name="finding_status_valid"
            ),
            models.CheckConstraint(
                condition=~Q(status="answered") | (~Q(answer="") & Q(answered_by__isnull=False)),
                name="finding_answered_has_answer",
            ),
        ]
        indexes = [models.Index(fields=["status", "-last_seen_at"], name="finding_status_seen")]

    def __str__(self) -> str:
        return f"{self.name} {self.slice}".strip()

    @property
    def subject(self) -> str:
        return f"finding:{self.pk}"

    @property
    def plugin(self) -> AuditKind:
        return audit_kinds.get(self.kind)
