"""Whether enough users have any of what is compared: with none, a bootstrap has no spread and chance looks certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Sizes
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.groups import UnitSums

Floats: TypeAlias = npt.NDArray[np.float64]


def enough_with_any(
    compared: Compared, sums: UnitSums, any_of: Sequence[int], sizes: Sizes, what: str = "users"
) -> Compared:
    """The comparison without a verdict for groups in which, by chance, fewer users (or rows) than ``sizes.expected`` have any.

    Expected are as many as if the group and its reference had equal shares of such users, on either side: the rule of the
    expected count, of which ``proportion_tests.expected_minimum`` is the form for rates.

    Parameters
    ----------
    any_of : sequence of int
        Places of the statistics that count the rows that have any; each must be frequent enough.
    what : str
        What a row of the sums is.
    """
    reasons = compared.comparison.reasons
    users = _by_group(sums, sums.rows.astype(np.float64))
    for place in any_of:
        rare = _rare(compared, _by_group(sums, sums.sums[:, place]), users, sizes.expected, what)
        reasons = tuple(a or b for a, b in zip(reasons, rare, strict=True))
    return replace(compared, comparison=replace(compared.comparison, reasons=reasons))


def _rare(compared: Compared, having: Floats, users: Floats, least: float, what: str) -> list[str | None]:
    others_having, others = (compared.groups.reference(side) for side in (having, users))
    share = (having + others_having) / np.maximum(users + others, 1)
    expected = np.minimum(users, others) * share
    text = "{:.1f} {} with any expected on the smaller side; at least {:g} are needed"
    return [text.format(count, what, least) if count < least else None for count in expected]


def _by_group(sums: UnitSums, values: Floats) -> Floats:
    return np.bincount(sums.group, weights=values, minlength=len(sums.groups)).astype(np.float64)
