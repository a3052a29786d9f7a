"""Monitoring: every new window compared once, computed again only when its data changed, faults kept to themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from audits import tasks
from audits.metrics.drift.comparison import comparable_pair, compare, method_values
from audits.models import AuditPlan, AuditRun, DriftPoint
from audits.profiles import TableProfile, merge_all, table_profile
from audits.selectors.dry_runs import dry_run
from audits.selectors.windows import Partition
from audits.services import monitoring
from audits.services.monitoring import monitoring_update, plans_run_due
from audits.services.profiles import snapshot_profile
from audits.tables import MemoryTable
from governance.actions import Action
from governance.errors import InvalidInput
from governance.models import DatasetSnapshot
from governance.selectors.ledger import entries
from governance.services.datasets import snapshot_register
from governance.store import store_path
from models_registry.models import ModelVersion
from models_registry.services.versions import version_monitor
from tests.audits.monitored import arrived, day, monitored_version, rows
from tests.factories import AuditPlanFactory, DatasetFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> ModelVersion:
    return monitored_version()


def arrive(version: ModelVersion, *numbers: int, **changes: Any) -> list[DatasetSnapshot]:
    return [arrived(version.monitored_dataset, day(n), rows(n, **changes)) for n in numbers]


def keys(version: ModelVersion) -> set[tuple[Any, ...]]:
    found = DriftPoint.objects.filter(version=version)
    return set(found.values_list("data_window", "comparison", "end", "column"))


def stored() -> list[dict[str, Any]]:
    """Everything but when and where it was stored."""
    left_out = {"id", "computed_at"}
    found = DriftPoint.objects.order_by("version", "data_window", "comparison", "end", "column").values()
    return [{k: v for k, v in row.items() if k not in left_out} for row in found]


# -- which windows


def test_each_window_that_is_whole_is_compared_with_what_reaches_back_far_enough(
    version: ModelVersion,
) -> None:
    arrive(version, *range(15))
    written = monitoring_update(version)
    days, weeks = range(15), range(6, 15)
    expected = {("day", "reference", day(n), c) for n in days for c in ("units", "store")}
    expected |= {("day", "previous", day(n), c) for n in days if n >= 1 for c in ("units", "store")}
    expected |= {("week", "reference", day(n), c) for n in weeks for c in ("units", "store")}
    expected |= {("week", "previous", day(n), c) for n in weeks if n >= 13 for c in ("units", "store")}
    assert keys(version) == expected
    assert written == len(expected)


def test_last_year_is_compared_where_there_is_a_year(version: ModelVersion) -> None:
    arrive(version, 0, 364)
    monitoring_update(version)
    found = DriftPoint.objects.filter(
        version=version, comparison="last-year", data_window="day", column="units"
    )
    assert [point.end for point in found] == [day(364)]
    assert found.get().n == 200


def test_windows_long_before_the_newest_are_not_computed(version: ModelVersion) -> None:
    arrive(version, 0, 10, 11, 410)
    monitoring_update(version)
    assert {key[2] for key in keys(version)} == {day(11), day(410)}
    arrive(version, 411)
    monitoring_update(version)
    assert {key[2] for key in keys(version)} == {day(11), day(410), day(411)}, "what was computed is history"


def test_a_version_without_reference_is_compared_with_the_days_before(version: ModelVersion) -> None:
    version.data.all().delete()
    arrive(version, 0, 1)
    monitoring_update(version)
    assert {key[:3] for key in keys(version)} == {("day", "previous", day(1))}


def test_nothing_to_compare_writes_nothing(version: ModelVersion) -> None:
    assert monitoring_update(version) == 0
    assert monitoring_update(ModelVersionFactory.create()) == 0
    assert entries(action=Action.MONITORING_UPDATED).count() == 0


# -- what is written


def test_a_point_is_the_comparison_of_the_merged_profiles(version: ModelVersion) -> None:
    kept = arrive(version, *range(7))
    arrive(version, 7, shift=3.0)
    monitoring_update(version)
    point = DriftPoint.objects.get(
        version=version, data_window="week", comparison="reference", end=day(6), column="units"
    )
    reference = snapshot_profile(version.data.get().snapshot)
    current = merge_all(snapshot_profile(s) for s in kept)
    found = compare(reference.columns["units"], current.columns["units"], seed=settings.AUDIT_SEED)
    assert (point.start, point.n, point.reference_n) == (day(0), 1400, 1500)
    assert (point.method, point.value, point.threshold) == (
        found.score.method,
        found.score.value,
        found.score.threshold,
    )
    assert (point.effect, point.effect_name, point.effect_threshold) == (
        found.effect.value, "wasserstein-clipped", 0.1,
    )  # fmt: skip
    assert (point.reference_digest, point.current_digest) == (reference.digest(), current.digest())
    values = method_values(comparable_pair(reference.columns["units"], current.columns["units"]))
    assert point.values == {name: value for name, value in values.items() if name != "tvd_p"}
    assert (point.verdict, point.evidently_verdict, point.reason) == ("pass", "pass", "")
    assert None not in (point.low, point.high)
    assert (point.low or 0.0) <= found.effect.value <= (point.high or 0.0)


def test_the_rows_of_a_window_read_at_once_give_the_same_point(version: ModelVersion) -> None:
    """A second way to the same numbers: no stored profiles, no merging."""
    arrive(version, *range(7))
    monitoring_update(version)
    together = {c: np.concatenate([rows(n)[c] for n in range(7)]) for c in ("units", "store")}
    whole = table_profile(MemoryTable(together))
    point = DriftPoint.objects.get(version=version, data_window="week", column="store")
    assert point.current_digest == whole.digest()
    found = compare(
        snapshot_profile(version.data.get().snapshot).columns["store"],
        whole.columns["store"],
        seed=settings.AUDIT_SEED,
    )
    assert (point.effect, point.value) == (found.effect.value, found.score.value)


def test_a_shift_is_told_from_chance_and_both_verdicts_are_kept(version: ModelVersion) -> None:
    arrive(version, 0)
    arrive(version, 1, shift=1.0)
    monitoring_update(version)
    found = DriftPoint.objects.filter(version=version, comparison="reference", column="units").order_by("end")
    assert [(p.verdict, p.evidently_verdict) for p in found] == [("pass", "pass"), ("fail", "fail")]
    moved = found[1]
    assert (moved.effect or 0.0) > (moved.critical or 0.0) > 0
    assert 0 < (moved.p or 1.0) <= 0.05


def test_chance_is_asked_about_small_effects_too_so_that_lower_limits_can_be_tried() -> None:
    version = monitored_version(reference=rows(1, 8000))
    for n, shift in enumerate((0.0, 0.06)):
        arrived(version.monitored_dataset, day(n), rows(n, 8000, shift=shift))
    monitoring_update(version)
    still, moved = DriftPoint.objects.filter(comparison="reference", column="units").order_by("end")
    assert (still.effect or 1.0) < 0.03 < (moved.effect or 0.0) < 0.1
    assert (still.p, still.critical) == (None, None)
    assert 0 < (moved.critical or 0.0) < (moved.effect or 0.0)
    assert (moved.verdict, 0 < (moved.p or 1.0) <= 0.05) == ("pass", True)
    for limit, fired in ((0.1, []), (0.04, [day(1)])):
        found = dry_run(
            version, data_window="day", comparison="reference", thresholds={"wasserstein-clipped": limit}
        )
        assert [window.end for window in found.fired] == fired


def test_going_back_over_years_loads_each_profile_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """3,600 windows of one to thirty days out of 800, against up to thirty days before and a year before."""
    loaded, merged = [], []

    def load(snapshot: DatasetSnapshot, _digest: str = "") -> TableProfile:
        loaded.append(snapshot.pk)
        return TableProfile(snapshot.pk)

    def merge(profiles: Iterable[TableProfile]) -> TableProfile:
        together = list(profiles)
        merged.extend(together)
        return TableProfile(sum(profile.rows for profile in together))

    monkeypatch.setattr(monitoring, "snapshot_profile", load)
    monkeypatch.setattr(monitoring, "merge_all", merge)
    found = [Partition(day(n), day(n), DatasetSnapshot(pk=n, digest=str(n))) for n in range(1, 801)]
    reference = DatasetSnapshot(pk=0, digest="r")
    wanted = list(monitoring._wanted(found, reference))
    profiles = monitoring._Profiles(found, reference)
    for window in wanted:
        profiles.of(window.reference)
        current, _ = profiles.of(window.current)
        assert current.rows == sum(partition.snapshot.pk for partition in window.current.partitions)
    assert len(wanted) == 3600
    assert (len(loaded) < 2600, len(merged) < 17_000) == (True, True), (len(loaded), len(merged))


def test_many_rows_have_no_interval() -> None:
    version = monitored_version(reference=rows(1, 12_000))
    arrive(version, 0, n=12_000)
    monitoring_update(version)
    point = DriftPoint.objects.get(version=version, column="units")
    assert (point.low, point.high, point.n) == (None, None, 12_000)


def test_moments_and_keys_of_persons_are_left_out() -> None:
    dataset = DatasetFactory.create(
        contains_personal_data=True, lawful_basis="contract", subject_key="customer"
    )
    columns = {
        **rows(1, 60),
        "customer": np.arange(60),
        "seen": np.array(["2026-06-01"] * 60, dtype="datetime64[D]"),
    }
    version = monitored_version(reference=columns, monitored_dataset=dataset)
    arrived(dataset, day(0), columns)
    monitoring_update(version)
    assert {key[3] for key in keys(version)} == {"units", "store"}


def test_the_ledger_says_once_how_much_was_compared(version: ModelVersion) -> None:
    arrive(version, 0, 1)
    written = monitoring_update(version)
    entry = entries(action=Action.MONITORING_UPDATED).get()
    assert (entry.subject, entry.actor, entry.payload) == (
        version.subject,
        None,
        {"points": written, "newest": "2026-06-02"},
    )


# -- again


def test_a_second_time_computes_nothing(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(version, 0, 1, 2)
    assert monitoring_update(version) > 0
    before = stored()
    monkeypatch.setattr(monitoring, "drift_points", lambda *_: pytest.fail("computed again"))
    monkeypatch.setattr(monitoring, "snapshot_profile", lambda *_: pytest.fail("read again"))
    assert monitoring_update(version) == 0
    assert stored() == before
    assert entries(action=Action.MONITORING_UPDATED).count() == 1


def test_a_new_day_adds_its_windows_and_leaves_the_others(version: ModelVersion) -> None:
    arrive(version, *range(7))
    monitoring_update(version)
    before = dict(DriftPoint.objects.values_list("pk", "computed_at"))
    arrive(version, 7)
    added = monitoring_update(version)
    fresh = DriftPoint.objects.exclude(pk__in=before)
    assert (added, {p.end for p in fresh}, fresh.count()) == (6, {day(7)}, 6)
    assert dict(DriftPoint.objects.filter(pk__in=before).values_list("pk", "computed_at")) == before


def test_a_rewritten_partition_changes_its_windows_and_no_other(version: ModelVersion) -> None:
    arrive(version, *range(3))
    monitoring_update(version)
    before = {
        (p.data_window, p.comparison, p.end, p.column): p.current_digest for p in DriftPoint.objects.all()
    }
    arrived(version.monitored_dataset, day(1), rows(50, shift=2.0))
    assert monitoring_update(version) == 6  # the day itself, against two, and the day after against it
    after = {
        (p.data_window, p.comparison, p.end, p.column): p.current_digest for p in DriftPoint.objects.all()
    }
    assert set(after) == set(before)
    assert {key[2] for key in before if after[key] != before[key]} == {day(1)}
    assert DriftPoint.objects.get(end=day(1), comparison="reference", column="units").verdict == "fail"


def test_rows_that_are_registered_back_count_again(version: ModelVersion, data_scientist: User) -> None:
    arrive(version, 0)
    monitoring_update(version)
    before = stored()
    arrived(version.monitored_dataset, day(0), rows(50, shift=2.0))
    monitoring_update(version)
    assert stored() != before
    arrived(version.monitored_dataset, day(0), rows(0))
    assert monitoring_update(version) == 2
    assert stored() == before


def test_columns_that_are_no_longer_compared_leave_no_points_behind(version: ModelVersion) -> None:
    arrive(version, 0)
    monitoring_update(version)
    stale = DriftPoint.objects.get(column="units")
    stale.pk, stale.column = None, "gone"
    stale.save()
    DriftPoint.objects.update(sources="of earlier rules")
    assert monitoring_update(version) == 2
    assert {key[3] for key in keys(version)} == {"units", "store"}


def test_points_of_days_that_are_no_longer_there_go(version: ModelVersion) -> None:
    arrive(version, 0, 1)
    monitoring_update(version)
    DatasetSnapshot.objects.filter(window_start=day(0)).update(window_start=None, window_end=None)
    monitoring_update(version)
    assert {key[2] for key in keys(version)} == {day(1)}
    assert {key[1] for key in keys(version)} == {"reference"}


def test_another_dataset_starts_anew(version: ModelVersion, data_scientist: User) -> None:
    arrive(version, 0)
    monitoring_update(version)
    other = ModelVersionFactory.create(monitored_dataset=version.monitored_dataset)
    version_monitor(actor=data_scientist, version=version, dataset=DatasetFactory.create())
    assert keys(version) == set()
    assert (other.monitored_dataset_id, DriftPoint.objects.count()) == (other.monitored_dataset_id, 0)


def test_what_was_written_stays_when_the_time_is_over(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(version, 0, 1, 2)
    whole, calls = monitoring.drift_points, []

    def interrupted(*args: Any) -> list[DriftPoint]:
        calls.append(args)
        if len(calls) > 2:
            raise SoftTimeLimitExceeded
        return whole(*args)

    monkeypatch.setattr(monitoring, "drift_points", interrupted)
    assert monitoring_update(version) == 4
    assert {key[2] for key in keys(version)} == {day(2)}, "the newest come first"
    monkeypatch.setattr(monitoring, "drift_points", whole)
    assert monitoring_update(version) == 6
    assert len(keys(version)) == 10


@pytest.mark.django_db(transaction=True)
def test_two_at_once_write_every_point_once() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an in-memory SQLite database has one writer only")
    version = monitored_version()
    arrive(version, 0, 1, 2)
    barrier, faults = Barrier(2), []

    def update() -> None:
        try:
            barrier.wait(timeout=60)
            monitoring_update(ModelVersion.objects.get(pk=version.pk))
        except Exception as error:
            faults.append(error)
            raise
        finally:
            connection.close()

    threads = [Thread(target=update) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, len(keys(version)), DriftPoint.objects.count()) == ([], 10, 10)


# -- faults stay where they are


@pytest.fixture
def faulty(db: None) -> dict[str, DriftPoint]:
    """Reference columns of six fates in one partition, and their points."""
    reference = {name: rows(1, 300)["units"] for name in ("fine", "gone", "retyped", "empty", "nan", "one")}
    version = monitored_version(reference={**reference, "constant": [7.0] * 300})
    current = {
        "fine": rows(2, 300)["units"],
        "retyped": ["text"] * 300,
        "empty": pa.array([None] * 300, type=pa.float64()),
        "nan": [float("nan")] * 300,
        "one": pa.array([20.0, *[None] * 299], type=pa.float64()),
        "constant": [7.0] * 300,
        "unheard-of": [1] * 300,
    }
    arrived(version.monitored_dataset, day(0), current)
    monitoring_update(version)
    return {p.column: p for p in DriftPoint.objects.filter(version=version)}


def test_each_fault_has_its_own_verdict_and_reason(faulty: dict[str, DriftPoint]) -> None:
    verdicts = {name: point.verdict for name, point in faulty.items()}
    assert verdicts == {
        "fine": "pass", "gone": "errored", "retyped": "errored", "empty": "insufficient", "nan": "insufficient",
        "one": "insufficient", "constant": "pass",
    }  # fmt: skip
    assert faulty["gone"].reason == "column 'gone' is no longer in the data"
    assert "numeric values cannot be compared with categorical values" in faulty["retyped"].reason
    assert "no finite values on one side" in faulty["empty"].reason
    assert (
        faulty["one"].reason == "column 'one' has 300 reference and 1 current values; 30 of each are needed"
    )
    assert [faulty[name].effect for name in ("gone", "retyped", "empty", "nan")] == [None] * 4
    assert faulty["fine"].effect is not None


def test_a_column_that_changes_its_type_within_a_window_errs_there_alone(version: ModelVersion) -> None:
    arrive(version, *range(6))
    arrived(version.monitored_dataset, day(6), {**rows(6), "units": ["many"] * 200})
    monitoring_update(version)
    week = DriftPoint.objects.filter(version=version, data_window="week").order_by("column")
    assert [(p.column, p.verdict) for p in week] == [("store", "pass"), ("units", "errored")]
    assert "some partitions hold" in week[1].reason


def test_a_column_that_is_not_in_every_partition_of_a_window_errs_there(version: ModelVersion) -> None:
    arrive(version, *range(6))
    arrived(version.monitored_dataset, day(6), {"store": rows(6)["store"]})
    monitoring_update(version)
    week = DriftPoint.objects.get(version=version, data_window="week", column="units")
    assert (week.verdict, "is not in every partition" in week.reason) == ("errored", True)
    earlier = DriftPoint.objects.get(
        version=version, data_window="day", comparison="reference", end=day(5), column="units"
    )
    assert earlier.verdict == "pass"


def test_a_partition_without_rows_is_insufficient_and_its_week_goes_on(version: ModelVersion) -> None:
    arrive(version, *range(6))
    nothing = {"units": pa.array([], type=pa.float64()), "store": pa.array([], type=pa.string())}
    arrived(version.monitored_dataset, day(6), nothing)
    monitoring_update(version)
    empty = DriftPoint.objects.filter(version=version, data_window="day", comparison="reference", end=day(6))
    assert {p.verdict for p in empty} == {"insufficient"}
    week = DriftPoint.objects.filter(version=version, data_window="week")
    assert {(p.verdict, p.n) for p in week} == {("pass", 1200)}


def test_a_partition_whose_file_was_changed_errs_and_is_tried_again(version: ModelVersion) -> None:
    arrive(version, 0)
    (broken,) = arrive(version, 1)
    path = store_path(broken.digest)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-4] + b"xxxx")
    assert monitoring_update(version) == 2
    assert monitoring_update(version) == 0
    assert entries(action=Action.MONITORING_UPDATED).count() == 1
    faults = DriftPoint.objects.filter(version=version, end=day(1))
    assert {(p.comparison, p.verdict) for p in faults} == {("reference", "errored"), ("previous", "errored")}
    assert {"no longer has its digest" in p.reason for p in faults} == {True}
    assert {p.verdict for p in DriftPoint.objects.filter(version=version, end=day(0))} == {"pass"}
    path.write_bytes(content)
    monitoring_update(version)
    assert {p.verdict for p in DriftPoint.objects.filter(version=version, end=day(1))} == {"pass"}
    assert monitoring_update(version) == 0


def test_overlapping_partitions_stop_monitoring_and_delete_nothing(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(version, 0, 1)
    written = monitoring_update(version)
    DatasetSnapshot.objects.filter(window_start=day(1)).update(window_start=day(0))
    assert monitoring_update(version) == 0
    assert len(keys(version)) == written
    assert "overlap" in caplog.text


# -- how it is set going


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ids: list[int] = []
    monkeypatch.setattr(tasks.monitor_task, "delay", ids.append)
    monkeypatch.setattr(tasks.profile_task, "delay", lambda _: None)
    return ids


def test_a_partition_that_arrives_queues_the_versions_that_watch_after_commit(
    version: ModelVersion, sent: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    other = ModelVersionFactory.create(monitored_dataset=version.monitored_dataset)
    ModelVersionFactory.create(monitored_dataset=DatasetFactory.create())
    with django_capture_on_commit_callbacks(execute=True):
        arrive(version, 0)
        assert sent == []
    assert sent == [version.pk, other.pk]
    with django_capture_on_commit_callbacks(execute=True):
        arrive(version, 0)  # the same rows again
    assert sent == [version.pk, other.pk]


def test_rows_without_a_window_queue_nothing(
    version: ModelVersion,
    sent: list[int],
    data_scientist: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    dataset = version.monitored_dataset
    assert dataset is not None
    with django_capture_on_commit_callbacks(execute=True):
        snapshot_register(actor=data_scientist, dataset=dataset, table=pa.table({"units": [1]}))
    assert sent == []


def test_an_overlapping_partition_is_refused_where_it_would_be_watched(
    version: ModelVersion, data_scientist: User
) -> None:
    arrived(version.monitored_dataset, day(0), rows(0), end=day(6), actor=data_scientist)
    lines = entries().count()
    with pytest.raises(InvalidInput, match="overlap: 2026-06-01 to 2026-06-07") as caught:
        arrived(version.monitored_dataset, day(6), rows(1), actor=data_scientist)
    assert caught.value.field == "window_start"
    assert (DatasetSnapshot.objects.filter(dataset=version.monitored_dataset).count(), entries().count()) == (
        1,
        lines,
    )
    unwatched = DatasetFactory.create()
    arrived(unwatched, day(0), rows(0), end=day(6), actor=data_scientist)
    arrived(unwatched, day(6), rows(1), actor=data_scientist)


def test_a_dataset_whose_partitions_overlap_is_not_watched(
    version: ModelVersion, data_scientist: User
) -> None:
    dataset = DatasetFactory.create()
    arrived(dataset, day(0), rows(0), end=day(6), actor=data_scientist)
    arrived(dataset, day(6), rows(1), actor=data_scientist)
    with pytest.raises(InvalidInput, match="overlap") as caught:
        version_monitor(actor=data_scientist, version=version, dataset=dataset)
    assert caught.value.field == "monitored_dataset"
    assert ModelVersion.objects.get(pk=version.pk).monitored_dataset_id != dataset.pk


def test_the_task_monitors_and_starts_the_plans_that_waited(version: ModelVersion) -> None:
    plan = AuditPlanFactory.create(
        version=version, kind="data-drift", data_window="day", current_role="current", reference_role="reference",
        required=False, name="daily",
    )  # fmt: skip
    assert plans_run_due(version) == []
    arrive(version, 0)
    assert tasks.monitor_task(version.pk) == 2
    run = AuditRun.objects.get(plan=plan)
    assert (run.data_start, run.data_end, run.trigger) == (day(0), day(0), "scheduled")
    assert tasks.monitor_task(version.pk) == 0
    assert AuditRun.objects.count() == 1


def test_paused_plans_do_not_start(version: ModelVersion) -> None:
    AuditPlanFactory.create(
        version=version, kind="data-drift", data_window="day", current_role="current", reference_role="reference",
        required=False, name="daily", active=False,
    )  # fmt: skip
    arrive(version, 0)
    assert plans_run_due(version) == []
    assert AuditPlan.objects.get().runs.count() == 0


def test_every_monitored_version_is_queued_again_and_again(
    version: ModelVersion, sent: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ModelVersionFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.monitor_all_task() == [version.pk]
    assert sent == [version.pk]


def test_points_know_when_they_were_computed(version: ModelVersion) -> None:
    arrive(version, 0)
    monitoring_update(version)
    ages = [timezone.now() - p.computed_at for p in DriftPoint.objects.all()]
    assert all(timedelta(0) <= age < timedelta(minutes=1) for age in ages)
