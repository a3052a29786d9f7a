"""Look into a model's artefact without loading it: which format it has, and whether anything in it is unsafe."""

from models_registry.scanning.contract import Format, Issue, Scan, Verdict
from models_registry.scanning.scanner import scan

__all__ = ["Format", "Issue", "Scan", "Verdict", "scan"]
