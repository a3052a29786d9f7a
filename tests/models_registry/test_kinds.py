from __future__ import annotations

import pytest

from audits.kinds import audit_kinds
from models_registry.kinds import ModelKind, model_kind_choices, model_kinds
from models_registry.models import RegisteredModel, VersionSnapshot

KINDS = list(model_kinds)
by_slug = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
#: They make pictures, and take in no table.
MAKES_PICTURES = ("digital-twin", "generative-design")
on_tables = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.slug not in MAKES_PICTURES], ids=lambda kind: kind.slug
)


def test_the_kinds_of_the_house_are_there() -> None:
    assert model_kind_choices() == [
        ("counterfeit-detection", "Counterfeit detection"),
        ("digital-twin", "Digital twin"),
        ("forecasting", "Demand forecasting"),
        ("generative-design", "Generative design"),
        ("recommendation", "Clienteling recommendation"),
        ("segmentation", "Customer segmentation"),
    ]


@by_slug
def test_a_kind_shows_one_of_its_own_metrics_first(kind: ModelKind) -> None:
    assert kind.headline_metric in kind.metrics
    assert len(set(kind.metrics)) == len(kind.metrics)


@by_slug
def test_a_kind_says_what_it_is_for_and_which_figure_it_moves(kind: ModelKind) -> None:
    assert kind.purpose.endswith(".")
    assert kind.indicator.name
    assert kind.indicator.target


@by_slug
def test_a_kind_requires_an_audit_once_in_a_window_on_roles_that_exist(kind: ModelKind) -> None:
    required = [(audit.slug, audit.window) for audit in kind.required_audits]
    assert len(set(required)) == len(required)
    for audit in kind.required_audits:
        assert audit.current in VersionSnapshot.Role.values
        assert audit.reference in ["", *VersionSnapshot.Role.values]
        assert audit.window in {"day", "week", "month"}


@by_slug
def test_an_audit_that_compares_gets_its_reference(kind: ModelKind) -> None:
    for audit in kind.required_audits:
        if audit_kinds.get(audit.slug).needs_reference:
            assert audit.reference, audit.slug


@on_tables
def test_the_inputs_of_every_kind_are_audited_column_by_column_and_together(kind: ModelKind) -> None:
    slugs = [audit.slug for audit in kind.required_audits]
    assert slugs[:4] == ["schema", "data-drift", "multivariate-drift", "data-quality"]


@by_slug
def test_a_required_audit_reads_what_audits_of_its_kind_read(kind: ModelKind) -> None:
    """Else a plan of one's own would look at other data under the same name."""
    for audit in kind.required_audits:
        assert (audit.current, audit.reference) == audit_kinds.get(audit.slug).reads, audit.slug


@pytest.mark.parametrize(
    ("slug", "roles"),
    [
        ("counterfeit-detection", {"members", "non-members"}),
        ("forecasting", {"members", "non-members"}),
        ("recommendation", {"training", "lists"}),
        ("segmentation", {"training", "members", "non-members"}),
    ],
)
def test_the_snapshots_that_a_kind_asks_for_are_those_that_people_are_told(
    slug: str, roles: set[str]
) -> None:
    """As docs/how-to/register-a-version.md lists them: a further required audit must not ask for further data."""
    asked = {r for a in model_kinds.get(slug).required_audits for r in (a.current, a.reference) if r}
    assert asked == {"reference", "current", "predictions", *roles}


def test_only_kinds_whose_scores_are_probabilities_are_audited_for_calibration() -> None:
    asked = [kind.slug for kind in KINDS if "calibration" in {a.slug for a in kind.required_audits}]
    assert asked == ["counterfeit-detection"]


@pytest.mark.parametrize("slug", MAKES_PICTURES)
def test_pictures_are_audited_for_whom_they_show_and_what_they_were_made_from(slug: str) -> None:
    required = {audit.slug: audit.current for audit in model_kinds.get(slug).required_audits}
    assert {
        "representation": "images",
        "image-data": "images",
        "image-provenance": "training",
    }.items() <= required.items()
    assert ("near-duplicates" in required) == (slug == "generative-design")


@on_tables
def test_every_kind_is_audited_for_drift_quality_performance_bias_and_privacy(kind: ModelKind) -> None:
    dimensions = {audit_kinds.get(audit.slug).dimension for audit in kind.required_audits}
    assert dimensions == {"drift", "quality", "performance", "bias", "privacy"}


def test_choices_of_the_field_follow_the_registry() -> None:
    assert list(RegisteredModel._meta.get_field("kind").flatchoices) == model_kind_choices()
