"""What studies of ranked lists share: the lists, the steps of other orders, and how these are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import AuditInput, AuditInputError, Measurement
from audits.metrics.lists.exposure import flags
from audits.metrics.lists.tops import ListTops, list_tops
from audits.metrics.mitigation.candidates import Candidate
from audits.metrics.mitigation.halves import tuning_half
from audits.metrics.mitigation.list_rows import DEPTH, MOST_LISTS, Lists, ListWorth
from audits.tables import ColumnFault, Table, TableError
from audits.verdicts.disparity.disparities import Rules
from audits.verdicts.mitigation.candidates import Examined, candidates_measured

Ints: TypeAlias = npt.NDArray[np.int64]
#: A candidate, its order of the held-out lists, and its groups compared.
Tried: TypeAlias = tuple[Candidate, Ints, list[Measurement]]

#: Label of a step, how far it goes towards the wanted shares, and whether groups are spread evenly along the list.
STEPS = (("half way", 0.5, False), ("in full", 1.0, False), ("in full, evenly spread", 1.0, True))


@dataclass(frozen=True, slots=True)
class ListStudy:
    """What a study of lists needs. ``roles`` maps user, item and rank to columns, and optionally relevant and premium."""

    audit_input: AuditInput
    roles: Mapping[str, str]
    rules: Rules
    max_loss: float
    cutoff: int

    @property
    def attributes(self) -> list[str]:
        return list(dict.fromkeys(self.audit_input.parameters.sensitive))

    def tops(self, columns: list[str]) -> ListTops:
        """Lists with these columns of each item; deeper than the top, so that items can move up."""
        table = self.audit_input.current
        for role in ("relevant", "premium"):
            if role in self.roles:
                _check_flags(table, self.roles[role])
        depth = self.cutoff * DEPTH
        found = list_tops(table, self.roles["user"], self.roles["rank"], columns, depth, MOST_LISTS)
        if not len(found.codes):
            raise AuditInputError(f"no list has a place in {self.roles['rank']!r}")
        return found

    def halves(self, lists: int) -> npt.NDArray[np.bool_]:
        """Which lists are there to tune on."""
        own = np.arange(lists)
        return tuning_half(own, np.zeros(lists, dtype=np.int64), self.audit_input.seed)


def _check_flags(table: Table, name: str) -> None:
    for piece in table.scan([name]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        flags(piece)


def lists_measured(
    study: ListStudy, held_out: Lists, tried: Iterator[Tried], measure: str
) -> list[Measurement]:
    """Measurements of today and of every other order that was tried."""
    worth = ListWorth(held_out, study.cutoff, study.audit_input.seed)
    if not worth.known:
        raise AuditInputError("no list of the held-out half has a chosen item; leave role 'relevant' out")
    found = [Examined(c, worth.of(order), {measure: compared}) for c, order, compared in tried]
    return list(candidates_measured(found, study.rules, "list-quality", study.max_loss))


def settings_of_step(study: ListStudy, step: float, even: bool) -> dict[str, object]:
    """What a step did, for its detail."""
    algorithm = "DetCons" if even else "DetConstSort"
    return {"algorithm": algorithm, "step": step, "cutoff": study.cutoff, "places_read": study.cutoff * DEPTH}
