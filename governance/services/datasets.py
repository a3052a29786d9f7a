"""Register datasets and snapshots."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from governance.actions import Action
from governance.errors import InvalidInput
from governance.hooks import snapshot_registered
from governance.models import Dataset, DatasetSnapshot
from governance.permissions import Permission, require
from governance.services import ledger
from governance.store import store_write


@transaction.atomic
def dataset_register(
    *,
    actor: User,
    name: str,
    description: str,
    source: str,
    owner: str,
    lawful_basis: str = "",
    contains_personal_data: bool = False,
    subject_key: str = "",
    simulated: str = "",
    sensitive_attributes: bool = False,
    purpose: str = "",
    retention_days: int | None = None,
) -> Dataset:
    """Register a dataset by name; an existing one is returned unchanged.

    ``sensitive_attributes`` marks what audits compare people by (age, gender, income): it is kept apart from what
    models learn from, under a permission of its own, for a declared ``purpose``.

    Raises
    ------
    InvalidInput
        When personal data come without a lawful basis, or sensitive attributes without a purpose and a subject key.
    """
    actor = require(actor, _needed(sensitive_attributes))
    existing = Dataset.objects.filter(name=name).first()
    if existing is not None:
        return existing
    if contains_personal_data and not lawful_basis:
        raise InvalidInput("lawful_basis", "Personal data need a lawful basis (GDPR Art. 6); name it.")
    if sensitive_attributes:
        _check_declared(contains_personal_data, purpose, subject_key)
    if retention_days is not None and retention_days < 1:
        raise InvalidInput(
            "retention_days", "Rows are kept for at least one day; leave it out for no promise."
        )
    dataset, created = Dataset.objects.get_or_create(
        name=name,
        defaults={
            "description": description,
            "source": source,
            "owner": owner,
            "lawful_basis": lawful_basis,
            "contains_personal_data": contains_personal_data,
            "subject_key": subject_key,
            "simulated": simulated,
            "sensitive_attributes": sensitive_attributes,
            "purpose": purpose,
            "retention_days": retention_days,
            "registered_at": timezone.now(),
        },
    )
    if created:
        ledger.record(
            action=Action.DATASET_REGISTERED, subject=dataset.subject, actor=actor, payload={"name": name}
        )
    return dataset


def _needed(sensitive_attributes: bool) -> Permission:
    return Permission.ATTRIBUTE_REGISTER if sensitive_attributes else Permission.DATASET_REGISTER


def _check_declared(contains_personal_data: bool, purpose: str, subject_key: str) -> None:
    if not contains_personal_data:
        raise InvalidInput("contains_personal_data", "Sensitive attributes are personal data; say so.")
    if not purpose:
        raise InvalidInput(
            "purpose", "Sensitive attributes need a declared purpose, such as fairness audits."
        )
    if not subject_key:
        raise InvalidInput("subject_key", "Name the column by which audits find a person's attributes.")


def snapshot_register(
    *, actor: User, dataset: Dataset, table: pa.Table, window: tuple[date, date] | None = None
) -> DatasetSnapshot:
    """Store a table as one Parquet file and register it; the same rows twice give the same snapshot.

    The file is written before the transaction: a crash in between leaves an unreferenced file, never a row without
    its file. ``window`` is the first and the last day that the rows cover. Rows that were registered without one take
    it; rows that were replaced in their window and are registered again count again.

    Raises
    ------
    InvalidInput
        When the window ends before it starts, the same rows are registered for other days already, or sensitive
        attributes lack the column that tells people apart.
    """
    actor = require(actor, _needed(dataset.sensitive_attributes))
    if dataset.sensitive_attributes and dataset.subject_key not in table.column_names:
        raise InvalidInput(
            "file", f"Sensitive attributes need the column {dataset.subject_key!r} to be joined by."
        )

    def write(path: Path) -> None:
        pq.write_table(table, path, compression="zstd", row_group_size=250_000)

    digest, size = store_write(write)
    start, end = window or (None, None)
    _check_window(start, end)
    with transaction.atomic():
        snapshot, created = DatasetSnapshot.objects.get_or_create(
            dataset=dataset,
            digest=digest,
            defaults={
                "rows": table.num_rows,
                "byte_size": size,
                "columns": [{"name": f.name, "type": str(f.type)} for f in table.schema],
                "window_start": start,
                "window_end": end,
                "registered_at": timezone.now(),
            },
        )
        if created:
            ledger.record(
                action=Action.SNAPSHOT_REGISTERED,
                subject=snapshot.subject,
                actor=actor,
                payload={"dataset": dataset.name, "rows": table.num_rows, "digest": digest},
            )
        if created or (window is not None and _counts_again(snapshot, window, actor)):
            snapshot_registered.send(snapshot)
    return snapshot


def _check_window(start: date | None, end: date | None) -> None:
    if start is not None and end is not None and end < start:
        raise InvalidInput("window_end", f"The window ends on {end}, before it starts on {start}.")


def _counts_again(snapshot: DatasetSnapshot, window: tuple[date, date], actor: User) -> bool:
    """Whether rows that were there become those of a window: they had none yet, or others replaced them since."""
    days = {"window_start": window[0], "window_end": window[1]}
    known = DatasetSnapshot.objects.filter(pk=snapshot.pk)
    if known.filter(**days).exists():
        replaced = DatasetSnapshot.objects.filter(
            dataset=snapshot.dataset, registered_at__gt=snapshot.registered_at, **days
        )
        changed = replaced.exists() and known.update(registered_at=timezone.now())
    else:
        changed = known.filter(window_start__isnull=True).update(registered_at=timezone.now(), **days)
        if not changed:
            raise InvalidInput(
                "window_start",
                f"The same rows are registered for {snapshot.window_start} to {snapshot.window_end} already, and "
                "rows count for one window. Days without rows can be left out: they are shown as missing.",
            )
    if changed:
        snapshot.refresh_from_db()
        ledger.record(
            action=Action.SNAPSHOT_REGISTERED,
            subject=snapshot.subject,
            actor=actor,
            payload={"dataset": snapshot.dataset.name, "window": f"{window[0]} to {window[1]}"},
        )
    return bool(changed)
