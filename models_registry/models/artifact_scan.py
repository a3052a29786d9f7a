from django.db import models
from django.db.models import Q

from models_registry.scanning import Format, Verdict

VERDICTS = [(verdict.value, verdict.value.capitalize()) for verdict in Verdict]
FORMATS = [(found.value, found.value) for found in Format]


class ArtifactScan(models.Model):
    """What was found in a stored artefact without loading it; one for each digest, whoever registered it."""

    digest = models.CharField(max_length=64, unique=True)
    format = models.CharField(max_length=20, choices=FORMATS, blank=True)
    verdict = models.CharField(max_length=20, choices=VERDICTS, blank=True)  # blank: not scanned yet
    issues = models.JSONField(default=list)  # [{"code", "where", "message"}]
    queued_at = models.DateTimeField()
    scanned_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="", scanned_at__isnull=True)
                | (
                    Q(verdict__in=["loadable", "opaque", "quarantined"], scanned_at__isnull=False)
                    & ~Q(format="")
                ),
                name="artifact_scan_done_has_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="loadable") | Q(format__in=["skops", "onnx", "safetensors"], issues=[]),
                name="artifact_scan_loadable_is_safe",
            ),
        ]

    def __str__(self) -> str:
        return f"artefact {self.digest[:12]}: {self.verdict or 'not scanned'}"

    @property
    def subject(self) -> str:
        return f"artifact:{self.digest}"
