"""Celery entry points of the registry."""

from celery import shared_task

from models_registry.services.scans import artifact_scan


@shared_task(
    name="models_registry.scan_artifact",
    autoretry_for=(OSError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def scan_artifact_task(digest: str) -> bool:
    """Scan one artefact; a store that cannot be reached is tried again with growing pauses."""
    return artifact_scan(digest)
