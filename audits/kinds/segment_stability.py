"""Would the same customers fall into the same segments, had the data been drawn again?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    Words,
    audit_kinds,
    worst_verdict,
)
from audits.metrics.scores.clustering import adjusted_rand_index, best_jaccard, contingency
from audits.metrics.scores.scored_rows import category_codes
from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import Table

#: Hennig 2007 and the manual of his R package fpc, for Jaccard similarities: at least .75 is a valid, stable cluster;
#: below .6 it should not be trusted. For the adjusted Rand index, Steinley 2004: .65 moderate, .8 good, .9 excellent.
STABLE = 0.75
DOUBTFUL = 0.6
MIN_ROWS = 30
#: Percentiles over fewer refits say nothing about how refits vary.
MIN_REFITS = 5
MAX_SEGMENTS = 100
THRESHOLDS = ("stable", "doubtful")


@audit_kinds.register
class SegmentStability(AuditKind):
    slug = "segment-stability"
    label = "Segment stability"
    dimension = "performance"
    method = "Adjusted Rand index (Hubert and Arabie 1985) and Jaccard recovery (Hennig 2007) over bootstrap refits"
    reads = ("predictions", "")
    settings = Settings(
        limits={"stable": STABLE, "doubtful": DOUBTFUL},
        columns=("y_pred", "columns"),
        labels={"stable": "Stable from", "doubtful": "Doubtful from"},
    )
    words = {
        "mean-adjusted-rand-index": Words(
            label="Mean adjusted Rand index",
            sentence="Computed anew, the segments agree with today's by {value}; 0 is chance, 1 is the same.",
        ),
        "jaccard-recovery": Words(
            label="Segment found again",
            sentence="Computed anew, {value} of segment “{group}” is found again.",
            unit="share",
        ),
        "adjusted-rand-index": Words(
            label="Adjusted Rand index", sentence="The refit {slice} agrees with today's segments by {value}."
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        live, stable, doubtful = _limits(parameters)
        names, tables = _compare(audit_input.current, live, parameters.columns)
        return _measure(names, dict(zip(parameters.columns, tables, strict=True)), stable, doubtful)


def _limits(parameters: AuditParameters) -> tuple[str, float, float]:
    """The column of the live segment, and from which agreement on a segment is stable and no longer doubtful."""
    if not parameters.y_pred or not parameters.columns:
        raise AuditInputError(
            "segment stability compares the live segment (y_pred) with labels of refits: name those as columns"
        )
    parameters.refuse_other_thresholds(THRESHOLDS)
    stable, doubtful = parameters.threshold("stable", STABLE), parameters.threshold("doubtful", DOUBTFUL)
    if not 0 <= doubtful <= stable <= 1:
        raise AuditInputError("thresholds must satisfy 0 <= doubtful <= stable <= 1")
    return parameters.y_pred, stable, doubtful


def _compare(table: Table, live: str, refits: Sequence[str]) -> tuple[list[str], list[Ints]]:
    """The live segments' names, and for each refit the rows per (live segment, refit segment)."""
    codes, names = _segments(table, live)
    tables = []
    for refit in refits:
        other, others = _segments(table, refit)
        both = (codes >= 0) & (other >= 0)
        counted = np.zeros((len(names), len(others)), dtype=np.int64)
        if both.any():
            part = contingency(codes[both], other[both])
            counted[: part.shape[0], : part.shape[1]] = part
        tables.append(counted)
    return names, tables


def _segments(table: Table, name: str) -> tuple[Ints, list[str]]:
    codes, names = category_codes(table, name)
    if len(names) > MAX_SEGMENTS:
        raise AuditInputError(
            f"column {name!r} holds {len(names)} different labels; segments are at most {MAX_SEGMENTS}"
        )
    return codes, names


def _measure(names: list[str], tables: dict[str, Ints], stable: float, doubtful: float) -> list[Measurement]:
    rows = min(int(table.sum()) for table in tables.values())
    reason = _shortage(names, rows, len(tables))
    if reason:
        blank = {"reason": reason, "refits": len(tables)}
        return [
            Measurement(name="mean-adjusted-rand-index", verdict=Verdict.INSUFFICIENT, n=rows, detail=blank)
        ]
    indices = np.array([adjusted_rand_index(table) for table in tables.values()])
    recovered = np.stack([best_jaccard(table) for table in tables.values()])
    judged = [
        _judged("mean-adjusted-rand-index", "", indices, rows, stable, doubtful),
        *(
            _judged(
                "jaccard-recovery",
                f"segment={name}",
                recovered[:, i],
                min(int(t[i].sum()) for t in tables.values()),
                stable,
                doubtful,
            )
            for i, name in enumerate(names)
        ),
    ]
    overall = worst_verdict(judged)
    single = [
        Measurement(
            name="adjusted-rand-index",
            slice=refit,
            n=int(table.sum()),
            value=float(index),
            verdict=overall,
            detail={"role": "descriptive"},
        )
        for (refit, table), index in zip(tables.items(), indices, strict=True)
    ]
    return [*judged, *single]


def _shortage(names: list[str], rows: int, refits: int) -> str:
    if len(names) < 2:
        return "one live segment only: there is nothing to compare"
    if rows < MIN_ROWS:
        return f"{rows} rows with a label of the live segmentation and of each refit; at least {MIN_ROWS} are needed"
    if refits < MIN_REFITS:
        return f"{refits} refits; at least {MIN_REFITS} are needed"
    return ""


def _judged(name: str, where: str, values: Floats, n: int, stable: float, doubtful: float) -> Measurement:
    seen = values[np.isfinite(values)]
    if len(seen) < MIN_REFITS:
        blank = {"reason": f"in {len(seen)} refits only; at least {MIN_REFITS} are needed"}
        return Measurement(
            name=name, slice=where, n=n, verdict=Verdict.INSUFFICIENT, threshold=stable, detail=blank
        )
    mean, (low, high) = float(seen.mean()), np.quantile(seen, [0.025, 0.975])
    detail: dict[str, Any] = {"refits": len(seen), "doubtful_below": doubtful, "smallest": float(seen.min())}
    return Measurement(
        name=name,
        slice=where,
        n=n,
        value=mean,
        low=float(low),
        high=float(high),
        threshold=stable,
        verdict=stability_verdict(mean, float(low), float(high), stable, doubtful),
        tolerance_used=(1 - mean) / (1 - stable) if stable < 1 else 2 - mean,
        detail=detail,
    )


def stability_verdict(mean: float, low: float, high: float, stable: float, doubtful: float) -> Verdict:
    """Fail below ``doubtful``, or when even a lucky refit stays below ``stable``; pass when the mean is stable and an
    unlucky refit does not fall below ``doubtful``."""
    if mean < doubtful or high < stable:
        return Verdict.FAIL
    return Verdict.PASS if mean >= stable and low >= doubtful else Verdict.REVIEW
