"""Small groups of people are not shown: their numbers are taken out before a result is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from audits.kinds import AuditParameters, Measurement, Verdict
from audits.metrics.groups.naming import attributes_of


def small_groups_suppressed(
    measurements: Sequence[Measurement], parameters: AuditParameters
) -> list[Measurement]:
    """The same measurements without value, interval, count or detail where a group has too few rows, or people.

    A group is told by its slice, ``age=65+``, that names a sensitive column of the audit. Its verdict is ``insufficient``.
    ``DISPLAY_MINIMUM`` is the least number that is shown.
    """
    least = settings.DISPLAY_MINIMUM
    sensitive = {*parameters.sensitive, *parameters.strata}
    return [_suppressed(m, least) if _is_small(m, sensitive, least) else m for m in measurements]


def _is_small(measurement: Measurement, sensitive: set[str], least: int) -> bool:
    attribute = measurement.slice.partition("=")[0]
    of_people = bool(sensitive.intersection(attributes_of(attribute))) or any(
        re.search(rf"(?<!\w){re.escape(name)}=", measurement.slice) for name in sensitive
    )
    people = measurement.detail.get("units", measurement.n)
    return of_people and min(measurement.n, people) < least


def _suppressed(measurement: Measurement, least: int) -> Measurement:
    reason = (
        f"fewer than {least} in this group: its numbers are not kept, so that nobody can be told from them"
    )
    return replace(
        measurement,
        verdict=Verdict.INSUFFICIENT,
        n=0,
        value=None,
        low=None,
        high=None,
        tolerance_used=None,
        detail={"suppressed": True, "fewer_than": least, "reason": reason},
    )
