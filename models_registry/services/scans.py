"""Have artefacts scanned: asked for when a version names one, done in a worker, recorded once."""

from __future__ import annotations

from dataclasses import asdict

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.actions import Action
from governance.errors import CorruptEvidence
from governance.queueing import enqueue
from governance.services import ledger
from governance.store import store_open
from models_registry.models import ArtifactScan, ModelVersion
from models_registry.scanning import Format, Issue, Scan, scan
from models_registry.scanning.skops_types import TRUSTED

TASK = "models_registry.scan_artifact"


def artifact_scan_request(digest: str) -> ArtifactScan:
    """The scan of a stored artefact; queued where nobody has asked for it yet."""
    found, created = ArtifactScan.objects.get_or_create(digest=digest, defaults={"queued_at": timezone.now()})
    if created:
        _enqueue(digest)
    return found


def artifact_scans_enqueue_missing() -> list[str]:
    """Queue what no worker has scanned, artefacts of before there were scans among it.

    A second message finds the scan done and changes nothing.
    """
    for digest in set(ModelVersion.objects.values_list("artifact_digest", flat=True)) - set(
        ArtifactScan.objects.values_list("digest", flat=True)
    ):
        ArtifactScan.objects.get_or_create(digest=digest, defaults={"queued_at": timezone.now()})
    waiting = list(ArtifactScan.objects.filter(verdict="").values_list("digest", flat=True))
    for digest in waiting:
        _enqueue(digest)
    return waiting


def artifact_scan(digest: str) -> bool:
    """Scan an artefact and record what was found. Safe to call twice; False when it was done already.

    A file that is gone, or is no longer what was stored, is quarantined: it must never be loaded.

    Raises
    ------
    OSError
        When the store cannot be reached: worth another try.
    """
    if not ArtifactScan.objects.filter(digest=digest, verdict="").exists():
        return False
    try:
        found = scan(store_open(digest), TRUSTED | frozenset(settings.ARTIFACT_TRUSTED_TYPES))
    except CorruptEvidence as error:
        found = Scan(Format.UNKNOWN, (Issue("corrupt", "", f"{error}; upload it again"),))
    return _record(digest, found)


@transaction.atomic
def _record(digest: str, found: Scan) -> bool:
    changed = ArtifactScan.objects.filter(digest=digest, verdict="").update(
        format=found.format,
        verdict=found.verdict,
        issues=[asdict(issue) for issue in found.issues],
        scanned_at=timezone.now(),
    )
    if not changed:
        return False
    ledger.record(
        action=Action.ARTIFACT_SCANNED,
        subject=f"artifact:{digest}",
        actor=None,
        payload={
            "format": found.format.value,
            "verdict": found.verdict.value,
            "issues": sorted({issue.code for issue in found.issues}),
        },
    )
    return True


def _enqueue(digest: str) -> None:
    enqueue(TASK, digest, f"the scan of artefact {digest[:12]}")
