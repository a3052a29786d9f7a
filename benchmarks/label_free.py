"""Performance estimated without labels, from two Parquet files: our score profiles against NannyML's CBPE."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.comparison import (
    Comparison,
    answer,
    cpu_seconds,
    import_the_rest,
    in_turn,
    peak_megabytes,
    run_fresh,
    same,
)
from benchmarks.peers import Peer, run_peer

REFERENCE, CURRENT = "reference.parquet", "current.parquet"
PEER = Peer("NannyML", "benchmarks.peers.nannyml_cbpe")
#: NannyML fits its calibration row by row, we cell by cell.
TOLERANCE = 4e-5
AIM = 200.0


def compare(rows: int, rounds: int, aimed_at: bool = True) -> list[Comparison]:
    """Measure ``rows`` scored rows a side: the six values alone, and the audit with intervals and verdicts.

    The peers' environment must be installed.
    """
    with tempfile.TemporaryDirectory(prefix="selvedge-bench-") as folder:
        run_fresh("benchmarks.label_free", "generate", folder, rows)
        files = {"reference": str(Path(folder, REFERENCE)), "current": str(Path(folder, CURRENT))}
        sides = {
            "ours": lambda: run_fresh("benchmarks.label_free", "both", folder),
            "peer": lambda: run_peer(PEER, json.dumps(files)),
        }
        found = in_turn(sides, rounds)
    job = f"performance without labels, {rows:,} a side"
    lines = {
        "values": (f"{job}: six metrics", "CPU s", AIM if aimed_at else None),
        "audit": (f"{job}: with intervals and verdicts", "CPU s", None),
        "memory": (f"{job}: peak memory", "MB", None),
    }
    return [
        Comparison(
            what=what,
            unit=unit,
            peer_name=f"NannyML {found[0]['peer']['version']}",
            ours=tuple(_figure(round_["ours"], key) for round_ in found),
            peer=tuple(_figure(round_["peer"], key) for round_ in found),
            agree=None if key == "memory" else all(_agree(round_, key) for round_ in found),
            at_least=aim,
        )
        for key, (what, unit, aim) in lines.items()
    ]


def _figure(side: dict[str, Any], key: str) -> float:
    """Memory is measured once for a side, and so is the peer's work, which has no parts."""
    if key == "memory":
        return float(side["memory"])
    return float(side[key]["work"] if key in side and "work" in side[key] else side["work"])


def _agree(round_: dict[str, dict[str, Any]], key: str) -> bool:
    return same(round_["ours"][key]["values"], round_["peer"]["values"], lambda _: TOLERANCE)


def generate(folder: Path, rows: int) -> None:
    """Write score, decision and label of an overconfident classifier, then and at a time when more is positive."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    for number, (name, moved) in enumerate({REFERENCE: 0.0, CURRENT: 0.4}.items()):
        rng = np.random.default_rng([rows, number])
        odds = rng.normal(moved - 0.5, 1.5, rows)
        score = 1 / (1 + np.exp(-(1.6 * odds + 0.3)))
        label = rng.random(rows) < 1 / (1 + np.exp(-odds))
        columns = {"score": score, "decision": (score >= 0.5).astype(np.int64)}
        if name == REFERENCE:
            columns["label"] = label.astype(np.int64)
        pq.write_table(pa.table(columns), folder / name)


def ours(reference: Path, current: Path) -> dict[str, float]:
    """The six metrics expected of the current file's scores, from files to values."""
    from audits.metrics.scores.counting import score_profile
    from audits.metrics.scores.label_free import estimate_values
    from audits.tables import ParquetTable

    learned = score_profile(ParquetTable(reference), "score", "label")
    return estimate_values(learned, score_profile(ParquetTable(current), "score"))


def audited(reference: Path, current: Path) -> dict[str, float | None]:
    """The same from the audit kind: with intervals, verdicts and the comparison of the scores."""
    from audits.kinds import AuditInput, AuditParameters
    from audits.kinds.estimated_performance import EstimatedPerformance
    from audits.metrics.scores.label_free import METRICS
    from audits.tables import ParquetTable

    parameters = AuditParameters(y_true="label", y_pred="score")
    given = AuditInput(
        reference=ParquetTable(reference), current=ParquetTable(current), parameters=parameters
    )
    found = EstimatedPerformance().run(given)
    return {m.name: m.value for m in found if m.name in METRICS}


def both(folder: Path) -> dict[str, Any]:
    """Time either, after the imports."""
    import audits.kinds.estimated_performance  # noqa: F401 - imports are not timed

    import_the_rest()
    out: dict[str, Any] = {}
    for key, job in {"values": ours, "audit": audited}.items():
        start = cpu_seconds()
        values = job(folder / REFERENCE, folder / CURRENT)
        out[key] = {"work": cpu_seconds() - start, "values": values}
    return {**out, "memory": peak_megabytes()}


if __name__ == "__main__":
    answer(generate, both=both)
