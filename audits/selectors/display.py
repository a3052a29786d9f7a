"""Groups that are too small to be shown, on pages, in files and to programs: a number about few is one about each of them.

Results are stored without such numbers (``audits.services.suppression``). Here are those that were stored before, and
those that would tell a small group's number as the reference of another.
"""

from __future__ import annotations

import copy
from typing import Any

from django.conf import settings

from audits.kinds import Verdict
from audits.models import Measurement


def hidden(measurement: Measurement) -> bool:
    """Whether a measurement is of a group of an attribute (``age=65+``), or compared with one, of too few rows.

    What it is compared with counts too: of two groups, each is the other's reference.
    """
    if measurement.detail.get("suppressed"):
        return True
    if "=" not in measurement.slice or measurement.verdict == Verdict.ERRORED:
        return False
    least = settings.DISPLAY_MINIMUM
    beside: Any = measurement.detail.get("reference_n")
    units: Any = measurement.detail.get("units")
    counts = [count for count in (measurement.n, beside, units) if isinstance(count, int)]
    return min(counts) < least


def displayed(measurement: Measurement) -> Measurement:
    """The measurement as people and programs may see it: a hidden one without value, interval, count and detail.

    A copy, not to be saved; its verdict stays, so that it agrees with the run's.
    """
    if not hidden(measurement):
        return measurement
    least = measurement.detail.get("fewer_than", settings.DISPLAY_MINIMUM)
    shown = copy.copy(measurement)
    shown.n = 0
    shown.value = shown.low = shown.high = shown.tolerance_used = None
    reason = f"fewer than {least} in this group, or in the one that it is compared with: too few to be shown"
    shown.detail = {"suppressed": True, "fewer_than": least, "reason": reason}
    return shown
