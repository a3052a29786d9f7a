"""Runs with a real worker and a real beat: completed once, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from tests.functional.conftest import Installation

pytestmark = pytest.mark.worker

KINDS = [
    "calibration",
    "counterfeit-disparity",
    "data-drift",
    "data-quality",
    "group-disparity",
    "membership-inference",
    "multivariate-drift",
    "performance",
    "schema",
]
ROWS = 2_000
MANY_ROWS = 60_000


def finished(installation: Installation, version: int) -> list[dict[str, Any]]:
    """The runs of a version once all of them are finished, else nothing."""
    runs: list[dict[str, Any]] = installation.ask("state", version=version)
    return runs if all(run["status"] in ("completed", "errored") for run in runs) else []


def count(lines: list[str], *parts: str) -> int:
    return sum(all(part in line for part in parts) for line in lines)


def kill_in_mid_run(installation: Installation, worker: subprocess.Popen[bytes], version: int) -> list[int]:
    """Freeze the worker's group, look, and kill it (SIGKILL) when it holds runs; returns their ids.

    A frozen process cannot finish between the look and the kill.
    """

    def caught() -> list[int]:
        if not any(run["status"] == "running" for run in installation.ask("state", version=version)):
            return []
        os.killpg(worker.pid, signal.SIGSTOP)
        held = [run["id"] for run in installation.ask("state", version=version) if run["status"] == "running"]
        os.killpg(worker.pid, signal.SIGKILL if held else signal.SIGCONT)
        return held

    held: list[int] = installation.until("a run is in progress", caught)
    worker.wait()
    return held


def test_registering_a_version_has_its_audits_run_and_recorded(installation: Installation) -> None:
    version = installation.ask("register", name="counterfeits", rows=ROWS)
    runs = installation.until("all runs are finished", lambda: finished(installation, version))
    assert [
        (r["kind"], r["status"], r["attempts"], r["error"]) for r in sorted(runs, key=lambda r: r["kind"])
    ] == [(kind, "completed", 1, "") for kind in KINDS]
    evidence = installation.ask("evidence", version=version)
    assert evidence["completions"] == {f"audit-run:{run['id']}": 1 for run in runs}
    assert sorted(evidence["measurements"]) == KINDS
    assert all(evidence["measurements"].values())
    assert ["data-drift", "price", "open"] in evidence["findings"]
    assert evidence["dimensions"]["drift"] == "data-drift"
    assert set(evidence["dimensions"]) == {"drift", "quality", "performance", "bias", "privacy"}
    assert None not in evidence["dimensions"].values()
    assert (evidence["ledger"]["verified"], evidence["ledger"]["problem"]) == (True, "")
    assert evidence["ledger"]["sealed"] > len(runs)


def test_runs_of_a_killed_worker_are_completed_exactly_once_by_the_next(installation: Installation) -> None:
    installation.kill_workers()
    version = installation.ask("register", name="killed", rows=MANY_ROWS)
    held = kill_in_mid_run(installation, installation.worker(), version)
    installation.worker()
    runs = installation.until("all runs are finished", lambda: finished(installation, version))
    assert {run["status"] for run in runs} == {"completed"}
    assert {run["id"]: run["attempts"] for run in runs} == {
        run["id"]: 2 if run["id"] in held else 1 for run in runs
    }
    evidence = installation.ask("evidence", version=version)
    assert evidence["completions"] == {f"audit-run:{run['id']}": 1 for run in runs}
    assert evidence["ledger"]["verified"]


def test_beat_starts_the_run_of_a_window_and_starts_it_once(installation: Installation) -> None:
    version = installation.ask("register", name="scheduled", rows=ROWS)
    installation.until("the first runs are finished", lambda: finished(installation, version))
    plan = installation.ask("hurry", version=version, kind="data-drift")
    installation.until(
        "beat fired three times", lambda: count(installation.lines("beat"), f"audit plan {plan} ") >= 3
    )
    installation.until(
        "the worker took three of them",
        lambda: count(installation.lines("worker"), "Task audits.run_plan", "succeeded") >= 3,
    )
    runs = installation.until("the second run is finished", lambda: finished(installation, version))
    assert sorted(run["kind"] for run in runs) == sorted([*KINDS, "data-drift"])
    assert {run["status"] for run in runs} == {"completed"}
    assert installation.ask("evidence", version=version)["completions"] == {
        f"audit-run:{run['id']}": 1 for run in runs
    }
