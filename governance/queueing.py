"""Hand work to the workers, after commit. A broker that is away loses nothing: recurring jobs ask again."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def enqueue(task: str, argument: int | str, what: str) -> None:
    """Send a task when the surrounding transaction has committed; ``what`` names the work in the log."""
    transaction.on_commit(partial(_send, task, argument, what))


def _send(task: str, argument: int | str, what: str) -> None:
    try:
        current_app.tasks[task].delay(argument)
    except OperationalError as error:
        log.warning("%s stays queued, the broker did not answer: %s", what, error)
