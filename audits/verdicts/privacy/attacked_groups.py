"""Whose membership the model betrays most: the attack on the rows of each group alone, and its verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.contract import Measurement, Verdict
from audits.metrics.groups.levels import UNDECLARED
from audits.metrics.privacy.membership import group_attack
from audits.metrics.scores.scored_rows import category_codes
from audits.metrics.statistics.resampling import Floats
from audits.tables import Table, TableError
from audits.verdicts.privacy.beyond_limit import Gained, judged_together, too_few

#: Of either side of a group.
MIN_GROUP_ROWS = 30
MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class AttackedRows:
    """The rows of one table: what the attacker ranks them by, and which of them have it."""

    table: Table
    score: Floats
    kept: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Attack:
    """What the measurement is called, its limit, the AUC over everybody, and the remedy when the limit is passed."""

    name: str
    limit: float
    overall: float | None
    remedy: str


def attacked_groups(
    column: str, sides: tuple[AttackedRows, AttackedRows], attack: Attack
) -> list[Measurement]:
    """Judge the attack within each group of a column, together by Holm; a column that cannot be read is its own error.

    Parameters
    ----------
    column : str
        Names the groups; rows without a value are ``undeclared``.
    sides : tuple
        Members, then non-members.
    """
    try:
        members, others = (_split(column, side) for side in sides)
    except TableError as error:
        return [
            Measurement(
                name=attack.name, slice=column, verdict=Verdict.ERRORED, detail={"reason": str(error)}
            )
        ]
    found: list[Gained] = []
    few: list[Measurement] = []
    for group in sorted({*members, *others}):
        mine, rest = members.get(group, np.empty(0)), others.get(group, np.empty(0))
        detail = {"members": len(mine), "non_members": len(rest), "reference": attack.overall}
        label = f"{column}={group}"
        if min(len(mine), len(rest)) < MIN_GROUP_ROWS:
            reason = f"{len(mine)} members and {len(rest)} non-members; at least {MIN_GROUP_ROWS} of each are needed"
            few.append(too_few(attack.name, label, len(mine) + len(rest), attack.limit, reason, **detail))
        else:
            found.append(_attacked(label, mine, rest, attack, detail))
    return [*judged_together(found), *few]


def _attacked(label: str, members: Floats, others: Floats, attack: Attack, detail: dict[str, Any]) -> Gained:
    auc, low, high, p = group_attack(members, others, attack.limit)
    return Gained(
        name=attack.name,
        slice=label,
        n=len(members) + len(others),
        value=auc,
        low=low,
        high=high,
        p=p,
        limit=attack.limit,
        guessing=0.5,
        remedy=attack.remedy,
        detail=detail,
    )


def _split(column: str, side: AttackedRows) -> dict[str, Floats]:
    """What ranks the rows of each group that has any."""
    codes, names = category_codes(side.table, column)
    if len(names) > MOST_GROUPS:
        raise TableError(
            f"column {column!r} of {side.table.label} has more than {MOST_GROUPS} values; put them into fewer groups"
        )
    labels = [*names, UNDECLARED]
    places = codes % len(labels)  # no value is code -1, so the last
    rows = {label: side.kept & (places == place) for place, label in enumerate(labels)}
    return {label: side.score[chosen] for label, chosen in rows.items() if chosen.any()}
