"""Verdicts on images that were all counted, so that there is no sample and no test; and limits that a kind knows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.verdicts.exact_counts import used

#: A share equal to its limit up to rounding is inside.
_SLACK = 1e-12
#: How many names a message or a detail lists.
LISTED = 5


def checked_limits(
    parameters: AuditParameters, defaults: Mapping[str, float], roles: Collection[str]
) -> dict[str, float]:
    """The limits of a plan over the defaults.

    Raises
    ------
    AuditInputError
        Names a threshold or role that the kind does not know, and those that it does.
    """
    parameters.refuse_other_thresholds(sorted(defaults))
    parameters.refuse_other_roles(roles)
    return {**defaults, **parameters.thresholds}


def check_shares(limits: Mapping[str, float], names: Collection[str]) -> None:
    """Refuse a limit of a share that is no share."""
    for name in names:
        if not 0 <= limits[name] <= 1:
            raise AuditInputError(f"threshold {name!r} is a share; it must lie between 0 and 1")


def counted(
    name: str,
    n: int,
    found: int,
    limit: float,
    reason: str,
    *,
    where: str = "",
    beyond: Verdict = Verdict.FAIL,
    detail: Mapping[str, Any] | None = None,
) -> Measurement:
    """The share of ``n`` images that something is wrong with; ``beyond`` is the verdict above the limit.

    ``reason`` is said when the limit is exceeded; without images the measurement is insufficient.
    """
    if n == 0:
        return Measurement(
            name=name,
            slice=where,
            threshold=limit,
            verdict=Verdict.INSUFFICIENT,
            detail={**(detail or {}), "reason": "there are no images to count; give some"},
        )
    share = found / n
    exceeded = share > limit + _SLACK
    return Measurement(
        name=name,
        slice=where,
        n=n,
        value=share,
        threshold=limit,
        tolerance_used=used(share, limit),
        verdict=beyond if exceeded else Verdict.PASS,
        detail={"found": found, **(detail or {}), **({"reason": reason} if exceeded else {})},
    )


def some(names: Collection[str]) -> str:
    """A few names, and how many more there are."""
    listed = [clipped(name, 60) for name in list(names)[:LISTED]]
    more = len(names) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more else "")


def clipped(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 3]}..."
