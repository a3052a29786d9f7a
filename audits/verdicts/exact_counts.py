"""The verdict on what was counted in full: no sample, so no interval and no test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audits.contract import Measurement, Verdict

#: Risk scores need a finite number where nothing at all is tolerated.
MAX_TOLERANCE_USED = 100.0
#: A share equal to its limit up to rounding is inside.
_SLACK = 1e-12


def used(share: float, tolerated: float) -> float:
    """How much of a tolerated share is used up: 1 at the limit, at most 100; where none is tolerated, 0 or 100."""
    if share <= 0:
        return 0.0
    return min(share / tolerated, MAX_TOLERANCE_USED) if tolerated > 0 else MAX_TOLERANCE_USED


def covered(
    name: str, n: int, missing: int, limit: float, detail: Mapping[str, Any], reason: str
) -> Measurement:
    """The share of ``n`` that has something, of which ``missing`` lack it: fails below ``limit``."""
    value = (n - missing) / n
    fails = value < limit - _SLACK
    return Measurement(
        name=name,
        n=n,
        value=value,
        threshold=limit,
        tolerance_used=used(missing / n, 1 - limit),
        verdict=Verdict.FAIL if fails else Verdict.PASS,
        detail={**detail, **({"reason": reason} if fails else {})},
    )


def tolerated(
    name: str, n: int, found: int, limit: float, detail: Mapping[str, Any], reason: str
) -> Measurement:
    """The share of ``n`` that something is wrong with: fails above ``limit``."""
    value = found / n
    fails = value > limit + _SLACK
    return Measurement(
        name=name,
        n=n,
        value=value,
        threshold=limit,
        tolerance_used=used(value, limit),
        verdict=Verdict.FAIL if fails else Verdict.PASS,
        detail={**detail, **({"reason": reason} if fails else {})},
    )


def unknown(name: str, n: int, limit: float | None, reason: str) -> Measurement:
    """What could not be counted, and why."""
    return Measurement(
        name=name, n=n, threshold=limit, verdict=Verdict.INSUFFICIENT, detail={"reason": reason}
    )


def told(name: str, where: str, n: int, value: float | None, **detail: Any) -> Measurement:
    """A number without a limit; insufficient where there is none."""
    return Measurement(
        name=name,
        slice=where,
        n=n,
        value=value,
        verdict=Verdict.INSUFFICIENT if value is None else Verdict.PASS,
        detail={"role": "descriptive", **detail},
    )
