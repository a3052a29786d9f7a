"""What audits hand to the workers."""

from __future__ import annotations

from governance.queueing import enqueue

RUN_TASK = "audits.run"
PROFILE_TASK = "audits.profile"
REPORT_TASK = "audits.report"
MONITOR_TASK = "audits.monitor"


def enqueue_run(run_id: int) -> None:
    """Queue one run when the surrounding transaction has committed."""
    enqueue(RUN_TASK, run_id, f"run {run_id}")


def enqueue_profile(snapshot_id: int) -> None:
    """Queue the profile of one snapshot when the surrounding transaction has committed."""
    enqueue(PROFILE_TASK, snapshot_id, f"profile of snapshot {snapshot_id}")


def enqueue_report(report_id: int) -> None:
    """Queue one report when the surrounding transaction has committed."""
    enqueue(REPORT_TASK, report_id, f"report {report_id}")


def enqueue_monitoring(version_id: int) -> None:
    """Queue the monitoring of one version when the surrounding transaction has committed."""
    enqueue(MONITOR_TASK, version_id, f"monitoring of version {version_id}")
