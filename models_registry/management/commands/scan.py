"""``manage.py scan``: look into an artefact without loading it, before anybody registers it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_registry.scanning import Scan, Verdict, scan
from models_registry.scanning.skops_types import TRUSTED

QUARANTINED = 1


class Command(BaseCommand):
    help = "Scan an artefact. Exit code 0 when nothing in it is unsafe, 1 when it would be quarantined."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the artefact")
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")

    def handle(self, *args: Any, file: Path, json: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"{file} is no file that can be read", returncode=2)
        found = scan(file, TRUSTED | frozenset(settings.ARTIFACT_TRUSTED_TYPES))
        self.stdout.write(_json(found) if json else _text(found))
        if found.verdict is Verdict.QUARANTINED:
            sys.exit(QUARANTINED)


def _json(found: Scan) -> str:
    issues = [asdict(issue) for issue in found.issues]
    return json.dumps({"format": found.format, "verdict": found.verdict, "issues": issues}, indent=1)


def _text(found: Scan) -> str:
    lines = [f"{found.format}: {found.verdict}"]
    lines += [f"  {issue.code} {issue.where}".rstrip() + f": {issue.message}" for issue in found.issues]
    return "\n".join(lines)
