"""How many of a table's labels are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audits.metrics.scores.model_evaluation import MIN_ROWS
from audits.metrics.statistics.resampling import wilson_limits
from audits.tables import Table

#: Labels that come early are seldom typical: with fewer of them than this share nothing is concluded.
LEAST_SHARE = 0.5
#: The measurement, and the threshold that overrides the share.
SHARE = "labelled-share"


@dataclass(frozen=True, slots=True)
class LabelledShare:
    """How many predictions have their label.

    ``too_few`` says why nothing can be concluded yet, ``doubt`` why the labels may be wrong; both are blank otherwise.
    ``counts`` is what the join of the labels counted.
    """

    labelled: int
    rows: int
    least: float
    counts: Mapping[str, Any]

    @property
    def too_few(self) -> str:
        if self.rows and self.labelled >= self.least * self.rows and self.labelled >= MIN_ROWS:
            return ""
        return (
            f"{self.labelled:,} of {self.rows:,} labels are in; "
            f"at least {self.least:.0%} and {MIN_ROWS} are needed"
        )

    @property
    def doubt(self) -> str:
        shared = self.counts.get("predictions_sharing_id", 0)
        return f"{shared:,} predictions share their id with another; ids must be unique" if shared else ""

    def fields(self) -> dict[str, Any]:
        """All that a measurement of it holds, but for its verdict; with Wilson's 95 % interval."""
        value = self.labelled / self.rows if self.rows else None
        low, high = (None, None) if value is None else wilson_limits(value, self.rows)
        detail = {**self.counts, "labelled": self.labelled}
        if reason := self.too_few or self.doubt:
            detail["reason"] = reason
        fields = {"name": SHARE, "n": self.rows, "value": value, "low": low, "high": high}
        return {**fields, "threshold": self.least, "detail": detail}


def labelled_share(table: Table, label: str, least: float, counts: Mapping[str, Any]) -> LabelledShare:
    """Count the rows of a table that have a label.

    Raises
    ------
    TableError
        When the label's column is missing or unreadable.
    """
    column = table.column(label)
    return LabelledShare(len(column) - column.nulls, len(column), least, counts)
