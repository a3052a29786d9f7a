"""The registry of all audit kinds, one sibling module per kind; their contract is ``audits.contract``."""

from __future__ import annotations

from audits.contract import (
    SEVERITY,
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Timing,
    Verdict,
    worst_verdict,
)
from audits.presentation import Settings, Words
from governance.plugins import Registry

__all__ = [
    "SEVERITY",
    "AuditInput",
    "AuditInputError",
    "AuditKind",
    "AuditParameters",
    "Measurement",
    "Settings",
    "Timing",
    "Verdict",
    "Words",
    "audit_kind_choices",
    "audit_kinds",
    "worst_verdict",
]

audit_kinds: Registry[AuditKind] = Registry("audits.kinds")


def audit_kind_choices() -> list[tuple[str, str]]:
    """Callable choices keep the list of kinds out of migrations."""
    return audit_kinds.choices()
