"""What is registered is documented and tested; what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from audits.kinds import AuditKind, audit_kinds
from config.env import env
from governance.actions import Action
from governance.permissions import ROLE_PERMISSIONS, Permission, Role
from models_registry.kinds import ModelKind, model_kinds

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
DIMENSIONS = {"performance", "drift", "quality", "bias", "privacy", "conduct"}

each_audit_kind = pytest.mark.parametrize("kind", list(audit_kinds), ids=lambda kind: kind.slug)
each_model_kind = pytest.mark.parametrize("kind", list(model_kinds), ids=lambda kind: kind.slug)


def rows_of(page: Path) -> list[list[str]]:
    """The cells of a page's tables whose first cell is code, without its quotes."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]
    return [[row[0].strip("`"), *row[1:]] for row in rows]


def names_in(page: Path) -> list[str]:
    return [row[0] for row in rows_of(page)]


@each_audit_kind
def test_an_audit_kind_has_its_page_and_its_test(kind: AuditKind) -> None:
    page = REFERENCE / "audit-kinds" / f"{kind.slug}.md"
    test = ROOT / "tests" / "audits" / "kinds" / f"test_{kind.slug.replace('-', '_')}.py"
    assert page.is_file()
    assert test.is_file()
    assert f"`{kind.slug}`" in page.read_text()


@each_audit_kind
def test_an_audit_kind_feeds_a_dimension_and_says_how_it_computes(kind: AuditKind) -> None:
    assert kind.dimension in DIMENSIONS
    assert kind.label
    assert kind.method


def test_every_page_of_an_audit_kind_has_its_kind() -> None:
    pages = {page.stem for page in (REFERENCE / "audit-kinds").glob("*.md")}
    assert pages - {"index"} == {kind.slug for kind in audit_kinds}


@each_model_kind
def test_a_model_kind_knows_only_audits_that_exist(kind: ModelKind) -> None:
    assert {audit.slug for audit in kind.required_audits} <= {audit.slug for audit in audit_kinds}


@each_model_kind
def test_the_page_of_a_model_kind_lists_its_metrics_and_its_audits(kind: ModelKind) -> None:
    page = REFERENCE / "model-kinds" / f"{kind.slug}.md"
    assert names_in(page) == list(kind.metrics)
    text = page.read_text()
    listed = re.findall(
        r"^\| \[([\w-]+)\]\(\S+\) \| ([\w-]+)(?: against ([\w-]+))? \| (\w+) \|$", text, re.MULTILINE
    )
    assert listed == [(a.slug, a.current, a.reference, a.window) for a in kind.required_audits]
    assert kind.label in text


def test_every_page_of_a_model_kind_has_its_kind() -> None:
    pages = {page.stem for page in (REFERENCE / "model-kinds").glob("*.md")}
    assert pages - {"index"} == {kind.slug for kind in model_kinds}


def test_every_ledger_action_is_documented_with_its_sentence() -> None:
    documented = [(row[0], row[1]) for row in rows_of(REFERENCE / "ledger-actions.md")]
    assert documented == [(action.value, action.sentence) for action in Action]


def test_every_permission_is_documented_with_the_roles_that_hold_it() -> None:
    rows = rows_of(REFERENCE / "permissions.md")
    documented = {
        row[0]: {role for role, cell in zip(Role, row[2:], strict=True) if cell == "yes"} for row in rows
    }
    assert documented == {
        permission.value: {role for role in Role if permission in ROLE_PERMISSIONS[role]}
        for permission in Permission
    }


def declared_variables() -> set[str]:
    """What ``config/env.py`` declares, and what the settings read without a default."""
    text = (ROOT / "config" / "settings" / "base.py").read_text()
    return {*env.scheme, *re.findall(r'env\.\w+\("([A-Z_]+)"\)', text)}


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    documented = names_in(REFERENCE / "settings.md")
    assert set(documented) == declared_variables()
    assert len(documented) == len(set(documented))


def test_the_example_environment_lists_every_setting() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE))
    assert listed == declared_variables()


def test_the_example_environment_states_the_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, value in re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE):
        if name != "SECRET_KEY":
            kind, default = env.scheme[name]
            assert env.parse_value(value, kind) == default, name


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in (ROOT / "docs").rglob("*.md"):
        for target in re.findall(r"\]\((?!https?:|mailto:|#|/)([^)#\s]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
