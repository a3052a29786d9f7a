"""What the executive's scorecard shows, gathered in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.core.validators import slug_re

from audits.kinds import audit_kinds
from audits.models import DimensionScore, Finding, Scorecard
from audits.selectors.findings import findings
from audits.selectors.scorecards import scorecards_latest
from models_registry.models import ModelVersion
from models_registry.selectors.versions import versions_latest

#: Columns of the heat map: (slug, heading, what it says).
DIMENSIONS = (
    ("performance", "Performance", "How well the model does its task, against its naive baseline."),
    ("drift", "Drift", "How far current inputs have moved from those the model was made for."),
    ("quality", "Data quality", "Whether the inputs are complete, plausible and of known categories."),
    ("bias", "Bias", "How differently the model treats comparable groups of people or sellers."),
    ("privacy", "Privacy", "What the model or its data could reveal about one person."),
    ("conduct", "Conduct", "Whether others' designs and customers' freedom of choice are respected."),
)
DIMENSION_SLUGS = tuple(slug for slug, _, _ in DIMENSIONS)


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One model on the heat map. ``cells`` follows ``DIMENSIONS``; None where the kind requires no such audit."""

    version: ModelVersion
    card: Scorecard | None
    cells: tuple[DimensionScore | None, ...]
    history: tuple[int, ...]


def heat_rows() -> list[HeatRow]:
    """The newest version of every model, riskiest first; models that were never scored come first of all."""
    versions = versions_latest()
    cards = {card.version_id: card for card in scorecards_latest().filter(version__in=versions)}
    history = _history(versions)
    rows = [_row(version, cards.get(version.pk), history[version.pk]) for version in versions]
    return sorted(rows, key=lambda r: (-(101 if r.card is None else r.card.overall), r.version.model.name))


def _row(version: ModelVersion, card: Scorecard | None, history: Iterable[int]) -> HeatRow:
    scores = {d.dimension: d for d in card.dimensions.all()} if card else {}
    return HeatRow(version, card, tuple(scores.get(slug) for slug in DIMENSION_SLUGS), tuple(history))


def _history(versions: Iterable[ModelVersion]) -> dict[int, list[int]]:
    """The last overall score of each day (UTC): scores that stood for minutes, while audits ran, are no course."""
    days: dict[int, dict[date, int]] = defaultdict(dict)
    rows = Scorecard.objects.filter(version__in=list(versions)).order_by("computed_at", "pk")
    for version_id, computed_at, overall in rows.values_list("version_id", "computed_at", "overall"):
        days[version_id][computed_at.date()] = overall
    return defaultdict(list, {version_id: list(by_day.values()) for version_id, by_day in days.items()})


@dataclass(frozen=True, slots=True)
class Drill:
    """One cell opened: its score, and every required audit of that dimension with what it measured worst."""

    score: DimensionScore
    name: str
    meaning: str
    audits: tuple[str, ...]
    findings: tuple[Finding, ...]


def drill(model: str, dimension: str) -> Drill | None:
    """Open the cell of a model's newest version; None when there is no such cell."""
    known = {slug: (name, meaning) for slug, name, meaning in DIMENSIONS}
    # The address may hold anything, a NUL byte too, which PostgreSQL refuses in any query.
    if dimension not in known or not slug_re.match(model):
        return None
    card = scorecards_latest().filter(version__model__name=model).order_by("-version__number").first()
    if card is None:
        return None
    score = next((d for d in card.dimensions.all() if d.dimension == dimension), None)
    if score is None:
        return None
    score.scorecard = card
    kinds = tuple(kind.slug for kind in audit_kinds if kind.dimension == dimension)
    unsettled = findings().filter(version=card.version, kind__in=kinds).exclude(status=Finding.Status.CLOSED)
    return Drill(score, *known[dimension], kinds, tuple(worst_first(unsettled)[:3]))


def worst_first(rows: Iterable[Finding]) -> list[Finding]:
    """Findings by how far they are beyond their limit."""
    return sorted(rows, key=lambda f: -(f.measurement.tolerance_used or 0.0))
