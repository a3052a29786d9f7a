"""Read what scans of artefacts found."""

from __future__ import annotations

from models_registry.models import ArtifactScan


def scan_of(digest: str) -> ArtifactScan | None:
    """The scan of an artefact; None where nobody asked for one yet."""
    return ArtifactScan.objects.filter(digest=digest).first()
