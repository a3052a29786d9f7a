"""One audit of several versions of a model: which runs can be laid side by side, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from audits.kinds import SEVERITY, Verdict
from audits.models import AuditRun, Measurement
from audits.selectors.display import displayed
from models_registry.models import ModelVersion

_SAME = ("kind", "plan__name", "data_window", "comparison")


@dataclass(frozen=True, slots=True)
class Pair:
    """One measurement in both versions."""

    before: Measurement
    now: Measurement

    @property
    def change(self) -> float | None:
        """Now less before; None where one of them has no value."""
        if self.now.value is None or self.before.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def turned(self) -> bool:
        """Whether the verdict is another one."""
        return self.now.verdict != self.before.verdict

    @property
    def worse(self) -> bool:
        return _severity(self.now) < _severity(self.before)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of one audit. ``pairs`` starts with those whose verdict turned, worse ones first."""

    run: AuditRun
    other: AuditRun
    pairs: tuple[Pair, ...]
    only_now: tuple[Measurement, ...]
    only_before: tuple[Measurement, ...]

    @property
    def worse(self) -> int:
        return sum(pair.turned and pair.worse for pair in self.pairs)

    @property
    def better(self) -> int:
        return sum(pair.turned and not pair.worse for pair in self.pairs)


def comparable_versions(run: AuditRun) -> dict[int, int]:
    """The latest run of the same audit of every other version of the model, by number, newest version first."""
    same = dict(zip(_SAME, same_audit(run), strict=True))
    found = _finished(run.version).filter(**same).exclude(version=run.version)
    rows = found.values_list("version__number").annotate(latest=Max("pk")).order_by("-version__number")
    return dict(rows)


def version_comparisons(version: ModelVersion) -> dict[tuple[str, str, str, str], int]:
    """Number of the newest other version, by kind, plan's name, data window and comparison of the audit that it has had."""
    found = _finished(version).exclude(version=version).values_list(*_SAME)
    return {
        (kind, name, window, against): number
        for kind, name, window, against, number in found.annotate(number=Max("version__number")).order_by()
    }


def compared_with(run: AuditRun, rows: Iterable[Measurement], other: int) -> Comparison | None:
    """The run beside another one; None when there is no such run. Two queries."""
    before = AuditRun.objects.select_related("version__model").filter(pk=other).first()
    if before is None:
        return None
    now = {(row.name, row.slice): row for row in rows}
    then = {(row.name, row.slice): displayed(row) for row in before.measurements.order_by("pk")}
    pairs = [Pair(then[key], row) for key, row in now.items() if key in then]
    pairs.sort(key=lambda pair: (not pair.turned, not pair.worse, _severity(pair.now)))
    return Comparison(
        run=run,
        other=before,
        pairs=tuple(pairs),
        only_now=tuple(row for key, row in now.items() if key not in then),
        only_before=tuple(row for key, row in then.items() if key not in now),
    )


def _finished(version: ModelVersion) -> QuerySet[AuditRun]:
    return AuditRun.objects.filter(version__model=version.model_id, status=AuditRun.Status.COMPLETED)


def same_audit(run: AuditRun) -> tuple[str, str, str, str]:
    """What two runs must share to be laid side by side: kind, plan's name, data window and comparison."""
    return run.kind, run.plan.name, run.data_window, run.comparison


def _severity(measurement: Measurement) -> int:
    return SEVERITY.index(Verdict(measurement.verdict))
