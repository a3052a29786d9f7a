"""A month of daily data against a reference: every day and every week of it, and what one more day costs.

We read each day once and keep its profile; a window is a merge of profiles. Evidently reads a window's rows again each
time, as long as a window is measured at all: some are, and the others of the same length are taken to cost as much.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks import monitored_day, peers
from benchmarks.comparison import (
    Comparison,
    answer,
    column,
    cpu_seconds,
    import_the_rest,
    in_turn,
    peak_megabytes,
    run_fresh,
    same,
)
from benchmarks.data import Plan, compared, most_levels, write
from benchmarks.drift import SHARE, tolerance

if TYPE_CHECKING:
    from audits.profiles import TableProfile

#: Length in days, and the last day.
Window: TypeAlias = tuple[int, int]
#: One round's answers, by side.
Answers: TypeAlias = Mapping[str, Any]

DAYS, WEEK = 30, 7
#: On this day about half of the columns move.
MOVED_FROM = 20
#: Windows by their length and the last day in them. Evidently is run on a day and a week before the move, and on those
#: of the last day.
BEFORE_THE_MOVE = ((1, 12), (WEEK, 12))
OF_THE_LAST_DAY = ((1, DAYS), (WEEK, DAYS), (DAYS, DAYS))
MONTH_AT_LEAST, DAY_AT_LEAST = 900.0, 2_000.0


def compare(
    reference_rows: int,
    day_rows: int,
    columns: int,
    rounds: int,
    aimed_at: bool = True,
    twice: bool = True,
) -> list[Comparison]:
    """Measure the whole month, and its last day with the windows that end on it.

    ``twice`` runs Evidently on a second window of each length as well.
    """
    measured = [*(BEFORE_THE_MOVE if twice else ()), *OF_THE_LAST_DAY]
    with tempfile.TemporaryDirectory(prefix="selvedge-bench-") as folder:
        run_fresh("benchmarks.windows", "generate", folder, reference_rows, day_rows, columns)
        job = json.dumps(_job(Path(folder), measured, columns))
        sides = {
            "month": partial(run_fresh, "benchmarks.windows", "month", folder),
            "day": partial(run_fresh, "benchmarks.windows", "day", folder),
            "monitored": partial(monitored_day.run, folder, DAYS),
            "peer": partial(peers.run_peer, peers.EVIDENTLY, job),
        }
        answers = in_turn(sides, rounds)
    sizes = f"{reference_rows:,} reference rows, {day_rows:,} a day, x {columns}"
    lines = [*_of_the_month(sizes, measured, answers), *_of_the_last_day(sizes, answers)]
    return lines if aimed_at else [replace(line, at_least=None) for line in lines]


def _of_the_month(sizes: str, measured: Sequence[Window], answers: Sequence[Answers]) -> list[Comparison]:
    measured = [window for window in measured if window[0] < DAYS]
    line = Comparison(
        what=f"{DAYS} daily and {DAYS - WEEK + 1} weekly windows, {sizes}",
        unit="CPU s",
        peer_name=_peer(answers),
        ours=column(answers, "month", "work"),
        peer=tuple(_month_by_evidently(turn["peer"], measured) for turn in answers),
        agree=_agree(answers, "month", measured),
        at_least=MONTH_AT_LEAST,
        remark=f"the peer's from {len(measured)} windows measured; ours: {_parts(answers[0]['month'])}",
    )
    return [line, _audit(line, answers, "month")]


def _audit(line: Comparison, answers: Sequence[Answers], side: str) -> Comparison:
    """The same windows by our own rule, with all that an audit of them stores."""
    return replace(
        line,
        what=f"{line.what.partition(',')[0]}: the whole audit, calibrated verdict",
        ours=column(answers, side, "audited"),
        agree=None,
        at_least=None,
        remark="",
    )


def _of_the_last_day(sizes: str, answers: Sequence[Answers]) -> list[Comparison]:
    line = Comparison(
        what=f"one more day, with its day, {WEEK} and {DAYS} days, {sizes}",
        unit="CPU s",
        peer_name=_peer(answers),
        ours=column(answers, "day", "work"),
        peer=tuple(_work(turn["peer"], OF_THE_LAST_DAY) + turn["peer"]["reading"] for turn in answers),
        agree=_agree(answers, "day", OF_THE_LAST_DAY),
        at_least=DAY_AT_LEAST,
    )
    memory = Comparison(
        what=f"{line.what.partition(',')[0]}: peak memory",
        unit="MB",
        peer_name=line.peer_name,
        ours=column(answers, "day", "memory"),
        peer=column(answers, "peer", "memory"),
    )
    return [line, _audit(line, answers, "day"), _monitored(line, answers), memory]


def _monitored(line: Comparison, answers: Sequence[Answers]) -> Comparison:
    """The same day by the product itself, down to the database. The peer's windows are the same three."""
    points = answers[0]["monitored"]["points"]
    return replace(
        line,
        what=f"{line.what.partition(',')[0]}: everything that monitoring stores",
        ours=column(answers, "monitored", "work"),
        agree=None,
        at_least=None,
        remark=f"{points} points: a day and a week are compared with the ones before as well, all methods, intervals",
    )


def _peer(answers: Sequence[Answers]) -> str:
    return f"Evidently {answers[0]['peer']['version']}"


def _month_by_evidently(found: Mapping[str, Any], measured: Sequence[Window]) -> float:
    """Its reference is read once; each window costs what those of its length cost that were measured."""
    day, week = (
        statistics.mean(_work(found, [window]) for window in measured if window[0] == length)
        for length in (1, WEEK)
    )
    return float(found["reading"]) + DAYS * day + (DAYS - WEEK + 1) * week


def _work(found: Mapping[str, Any], windows: Sequence[Window]) -> float:
    return float(sum(found["windows"][_name(*window)]["work"] for window in windows))


def _agree(answers: Sequence[Answers], side: str, windows: Sequence[Window]) -> bool:
    """Whether both have equal values and verdicts for these windows, in every round."""
    both = (
        (turn[side]["windows"][_name(*window)], turn["peer"]["windows"][_name(*window)])
        for turn in answers
        for window in windows
    )
    return all(
        same(mine["values"], its["values"], tolerance) and mine["verdicts"] == its["verdicts"]
        for mine, its in both
    )


def _parts(found: Mapping[str, Any]) -> str:
    return (
        f"{1000 * found['a_day']:.0f} ms to profile a day, {1000 * found['a_window']:.1f} ms a window "
        f"({1000 * found['an_audit']:.1f} ms the whole audit of it), "
        f"{found['bytes'] / 1000:.0f} kB a day stored"
    )


def _job(folder: Path, measured: Sequence[Window], columns: int) -> dict[str, Any]:
    files = {
        _name(length, end): [str(_day_file(folder, day)) for day in _days(length, end)]
        for length, end in measured
    }
    kinds = {shape.name: shape.kind for shape in compared(Plan(columns))}
    return {"reference": str(folder / "reference.parquet"), "windows": files, "columns": kinds}


def _days(length: int, end: int) -> range:
    return range(end - length + 1, end + 1)


def _name(length: int, end: int) -> str:
    return f"{length} to {end}"


def _day_file(folder: Path, day: int) -> Path:
    return folder / f"day-{day:02d}.parquet"


def _stored(folder: Path, day: int | None = None) -> Path:
    return folder / ("reference.profile" if day is None else f"day-{day:02d}.profile")


def generate(folder: Path, reference_rows: int, day_rows: int, columns: int) -> None:
    """Write the reference, and thirty days of which the last ten have moved."""
    plan = Plan(columns, levels=most_levels(day_rows), seed=100)
    write(folder / "reference.parquet", reference_rows, plan)
    for day in range(1, DAYS + 1):
        write(_day_file(folder, day), day_rows, replace(plan, seed=100 + day, moved=day > MOVED_FROM))


def month(folder: Path) -> dict[str, Any]:
    """From files to the verdicts of all windows, nothing being stored before; every profile is stored on the way."""
    from audits.kinds import data_drift  # noqa: F401 - imported before the clock starts

    import_the_rest()
    start = cpu_seconds()
    reference = _profiled(folder / "reference.parquet", _stored(folder))
    after_reference = cpu_seconds()
    days = {day: _profiled(_day_file(folder, day), _stored(folder, day)) for day in range(1, DAYS + 1)}
    profiled = cpu_seconds()
    asked = [(length, end) for length in (1, WEEK) for end in range(length, DAYS + 1)]
    found = {_name(*window): _as_evidently(reference, _merged(days, window)) for window in asked}
    done = cpu_seconds()
    for window in asked:
        _audited(reference, _merged(days, window))
    audited = cpu_seconds() - done
    return {
        "work": done - start,
        "audited": profiled - start + audited,
        "a_day": (profiled - after_reference) / DAYS,
        "a_window": (done - profiled) / len(asked),
        "an_audit": audited / len(asked),
        "bytes": statistics.mean(_stored(folder, day).stat().st_size for day in days),
        "windows": found,
    }


def day(folder: Path) -> dict[str, Any]:
    """The last day arrives: profile it, fetch the stored profiles of the others, compare three windows."""
    from audits.kinds import data_drift  # noqa: F401 - imported before the clock starts
    from audits.profiles import decode

    import_the_rest()
    start = cpu_seconds()
    reference = decode(_stored(folder).read_bytes())
    days = {day: decode(_stored(folder, day).read_bytes()) for day in range(1, DAYS)}
    days[DAYS] = _profiled(_day_file(folder, DAYS), _stored(folder, DAYS))
    profiled = cpu_seconds()
    found = {_name(*window): _as_evidently(reference, _merged(days, window)) for window in OF_THE_LAST_DAY}
    done = cpu_seconds()
    for window in OF_THE_LAST_DAY:
        _audited(reference, _merged(days, window))
    return {
        "work": done - start,
        "audited": profiled - start + cpu_seconds() - done,
        "windows": found,
        "memory": peak_megabytes(),
    }


def _profiled(path: Path, stored: Path) -> TableProfile:
    from audits.profiles import encode, table_profile
    from audits.tables import table_open

    profile = table_profile(table_open(path))
    stored.write_bytes(encode(profile))
    return profile


def _merged(days: Mapping[int, TableProfile], window: Window) -> TableProfile:
    from audits.profiles import merge_all

    return merge_all(days[day] for day in _days(*window))


def _as_evidently(reference: TableProfile, current: TableProfile) -> dict[str, Any]:
    """What Evidently says of two tables: each column's method, threshold, value and verdict, and the share of drifted."""
    from audits.metrics.drift.distributions import profile_distributions
    from audits.metrics.drift.methods import Pair, drift_score
    from audits.tables import ColumnType

    values, verdicts = {}, {}
    for name, before in reference.columns.items():
        if before.type is not ColumnType.DATETIME:
            score = drift_score(Pair(*profile_distributions(before, current.columns[name])))
            values[f"{name} {score.method} {score.threshold:g}"] = score.value
            verdicts[name] = score.drifted
    values[SHARE] = sum(verdicts.values()) / len(verdicts)
    return {"values": values, "verdicts": verdicts}


def _audited(reference: TableProfile, current: TableProfile) -> list[Any]:
    """All that our audit says: besides Evidently's numbers the effect, what chance explains, and two more indices."""
    from audits.kinds import AuditInput
    from audits.kinds.data_drift import DataDrift

    return DataDrift().run(
        AuditInput(reference=_Profiled(reference, "reference"), current=_Profiled(current, "current"))
    )


class _Profiled:
    """A table of which only the profile is at hand."""

    def __init__(self, profile: TableProfile, label: str) -> None:
        self._profile = profile
        self.label = label
        self.names = profile.names
        self.rows = profile.rows

    def stored_profile(self) -> TableProfile:
        return self._profile

    def column(self, name: str) -> Any:
        raise LookupError(f"the rows of {self.label} are not at hand, nor is column {name!r}")

    def scan(self, names: Sequence[str] | None = None) -> Any:
        raise LookupError(f"the rows of {self.label} are not at hand, nor are columns {names}")


if __name__ == "__main__":
    answer(generate, month=month, day=day)
