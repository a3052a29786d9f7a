"""Eight metrics of intersections: our counting and our whole audit against fairlearn's ``MetricFrame``, data in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.comparison import Comparison, alternate, answer, cpu_seconds, same

FILE = "predictions.parquet"
BOTH = "region*store"
DRAWS = 1000
#: The aim, at a size where start-up no longer counts.
AT_LEAST, AIMED_ROWS = 300.0, 1_000_000


def compare(rows: int, groups: int, rounds: int) -> list[Comparison]:
    """Measure ``rows`` predictions in ``groups`` intersections: the metrics alone, and with all that an audit adds."""
    pairs = alternate("benchmarks.disparity", (rows, groups), rounds)
    job = f"8 group metrics, {rows:,} rows x {groups} intersections"
    lines = {
        "rates": f"{job}: values alone",
        "audit": f"{job}: with intervals, tests, verdicts",
        "bootstrap": f"{job}: values, and {DRAWS:,} bootstrap draws of all",
    }
    return [
        Comparison(
            what=what,
            unit="CPU s",
            peer_name=f"fairlearn {pairs[0][1]['version']}"
            + (", without draws" if key == "bootstrap" else ""),
            ours=tuple(ours[key]["work"] for ours, _ in pairs),
            peer=tuple(peer["work"] for _, peer in pairs),
            agree=all(same(ours[key]["values"], peer["values"]) for ours, peer in pairs),
            at_least=AT_LEAST if rows >= AIMED_ROWS and key == "audit" else None,
        )
        for key, what in lines.items()
    ]


def generate(folder: Path, rows: int, groups: int) -> None:
    """Write truth, prediction, region and store of each row: three in ten positive, eight in ten predicted right."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng([rows, groups])
    regions, stores = (
        np.array(["north", "south", "east"]),
        np.array([f"store {i:02d}" for i in range(max(1, groups // 3))]),
    )
    truth = (rng.random(rows) < 0.3).astype(np.int64)
    predicted = np.where(rng.random(rows) < 0.8, truth, 1 - truth)
    table = {
        "region": regions[rng.integers(0, len(regions), rows)],
        "store": stores[rng.integers(0, len(stores), rows)],
        "truth": truth,
        "predicted": predicted,
    }
    pq.write_table(pa.table(table), folder / FILE)


def ours(folder: Path) -> dict[str, Any]:
    """The counts that the metrics are made of, with and without draws; and the audit kind from end to end."""
    import numpy as np
    import pyarrow.parquet as pq

    from audits.kinds import AuditInput, AuditParameters
    from audits.kinds.group_disparity import GroupDisparity
    from audits.metrics.disparity.group_summaries import bootstrap_counts
    from audits.metrics.disparity.rates import OUTCOMES, RATES, outcome_codes, rate_counts
    from audits.metrics.groups import GroupCounts, count_cells
    from audits.metrics.groups.outcome_values import numbers
    from audits.tables import MemoryTable

    read = pq.read_table(folder / FILE)
    table = MemoryTable({name: read.column(name).combine_chunks() for name in read.column_names})
    parameters = AuditParameters(
        sensitive=("region",), intersections=(BOTH,), y_true="truth", y_pred="predicted"
    )

    def counted() -> GroupCounts:
        (cells,) = count_cells(
            table,
            [("region", "store")],
            ["truth", "predicted"],
            lambda pieces: outcome_codes(*(numbers(piece) for piece in pieces)),
            OUTCOMES,
        )
        return cells.by(BOTH)

    def rates() -> dict[str, float]:
        found = counted()
        shares = {m: np.divide(*rate_counts(found.counts, m)).tolist() for m in RATES}
        return {f"{m} {name}": shares[m][i] for m in shares for i, name in enumerate(found.groups.names)}

    def bootstrap() -> dict[str, float]:
        drawn = bootstrap_counts(counted().counts, DRAWS, seed=0)
        for metric in RATES:
            np.quantile(np.divide(*rate_counts(drawn, metric)), (0.025, 0.975), axis=0)
        return rates()

    def audit() -> dict[str, float | None]:
        found = GroupDisparity().run(AuditInput(current=table, parameters=parameters))
        prefix = f"{BOTH}="
        return {
            f"{m.name} {m.slice.removeprefix(prefix)}": m.value for m in found if m.slice.startswith(prefix)
        }

    return {"rates": _measured(rates), "bootstrap": _measured(bootstrap), "audit": _measured(audit)}


def peer(folder: Path) -> dict[str, Any]:
    """``MetricFrame`` of the same eight; the two that fairlearn lacks come from precision, as its users write them."""
    import fairlearn
    import pandas as pd
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score, precision_score

    frame = pd.read_parquet(folder / FILE)
    eight = {
        "selection-rate": metrics.selection_rate,
        "true-positive-rate": metrics.true_positive_rate,
        "false-positive-rate": metrics.false_positive_rate,
        "false-negative-rate": metrics.false_negative_rate,
        "precision": precision_score,
        "false-discovery-rate": lambda truth, predicted: 1 - precision_score(truth, predicted),
        "false-omission-rate": lambda truth, predicted: 1 - precision_score(truth, predicted, pos_label=0),
        "accuracy": accuracy_score,
    }

    def by_group() -> dict[str, float]:
        columns = {
            "y_true": frame["truth"],
            "y_pred": frame["predicted"],
            "sensitive_features": frame[["region", "store"]],
        }
        found = metrics.MetricFrame(metrics=eight, **columns).by_group.to_dict()
        return {f"{m} {'*'.join(name)}": value for m in found for name, value in found[m].items()}

    return {**_measured(by_group), "version": fairlearn.__version__}


def _measured(job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    start = cpu_seconds()
    values = job()
    return {"work": cpu_seconds() - start, "values": values}


if __name__ == "__main__":
    answer(generate, ours=ours, peer=peer)
