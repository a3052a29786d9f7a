"""What a column's values and its name together say about the personal data in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from audits.metrics.privacy.personal.column_names import is_of_things, named_categories
from audits.metrics.privacy.personal.contact_values import contact_patterns
from audits.metrics.privacy.personal.number_values import number_patterns
from audits.metrics.privacy.personal.patterns import (
    ADDRESS,
    BIRTH,
    CARD,
    COORDINATES,
    DEVICE_ID,
    GENDER,
    IBAN,
    NATIONAL_ID,
    PATTERNS,
    PERSON,
    PERSON_ID,
    PHONE,
    POSTCODE,
    SOCIAL,
    TEXT,
    confidence,
)
from audits.metrics.privacy.personal.person_values import is_name_shaped, person_patterns
from audits.metrics.privacy.personal.sampled_texts import SampledColumn
from audits.metrics.statistics.intervals import wilson
from audits.tables import ColumnType

#: Share of a telling name's confidence that is left when values that could be checked do not match.
UNCHECKED = 0.7
#: Different values that a column must have before its name alone counts: a code of a few values names nobody.
LEAST_DIFFERENT = 5
_ALIKE = 0.05
#: Categories known by names alone; the others have patterns, which a telling name should bear out.
_BY_NAME = frozenset([PERSON, ADDRESS, PERSON_ID, DEVICE_ID])
#: What shops, brands and suppliers have as well: half as sure in a column whose name speaks of them.
_OF_THINGS_TOO = frozenset([PERSON, ADDRESS, PHONE, POSTCODE, COORDINATES, SOCIAL, GENDER])
#: Categories known by lists of words.
_BY_WORDS = frozenset([PERSON, ADDRESS, GENDER])
_LIKELY = 0.5
#: Categories that whole numbers can hold.
_OF_NUMBERS = frozenset([PHONE, CARD, NATIONAL_ID, PERSON_ID, DEVICE_ID, POSTCODE, BIRTH, GENDER, IBAN])


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one category in one column.

    ``evidence`` is ``values``, ``name`` or ``both``. ``matches`` of ``n`` values match the pattern; ``share`` with its
    95 % Wilson interval is None for evidence by name only. ``scheme`` is the pattern, such as the national number's.
    """

    category: str
    evidence: str
    confidence: float
    n: int
    matches: int = 0
    share: float | None = None
    low: float | None = None
    high: float | None = None
    scheme: str = ""


def evidence_of(column: SampledColumn, region: str | None = None) -> list[Evidence]:
    """Every category that anything speaks for, the surest first.

    Parameters
    ----------
    column : SampledColumn
    region : str, optional
        Country code, such as ``FR``, by which phone numbers without a country code are read.
    """
    if not column.texts:
        return []
    named, of_things = named_categories(column.name), is_of_things(column.name)
    different, by_row = _counted(column, region)
    best: dict[str, Evidence] = {}
    for slug in sorted(different):
        pattern = PATTERNS[slug]
        matches, n = (by_row[slug], column.values) if pattern.by_row else (different[slug], len(column.texts))
        found = _of_values(slug, matches, n, named.get(pattern.category, 0.0))
        if of_things and pattern.category in _OF_THINGS_TOO:
            found = replace(found, confidence=found.confidence / 2)
        known = best.get(pattern.category)
        if known is None or _prefers(found, known):
            best[pattern.category] = found
    for category, strength in named.items():
        by_name = _of_name(column, category, strength)
        if by_name.confidence > (best[category].confidence if category in best else 0.0):
            best[category] = by_name
    _drop_soft(best)
    return sorted((e for e in best.values() if e.confidence), key=lambda e: (-e.confidence, e.category))


def _drop_soft(best: dict[str, Evidence]) -> None:
    """Words of people occur elsewhere too: a column named as something else that it may well hold is not names also."""
    likely = [e for e in best.values() if e.evidence != "values" and e.confidence >= _LIKELY]
    for category in _BY_WORDS & set(best):
        if best[category].evidence == "values" and likely:
            del best[category]


def _prefers(found: Evidence, known: Evidence) -> bool:
    """The surer one; of two that are about as sure the one that more values match."""
    if abs(found.confidence - known.confidence) <= _ALIKE:
        return found.matches > known.matches
    return found.confidence > known.confidence


def _counted(column: SampledColumn, region: str | None) -> tuple[Counter[str], Counter[str]]:
    """Matches by pattern: of the different values, and of the rows."""
    different: Counter[str] = Counter()
    by_row: Counter[str] = Counter()
    for text, repeats in zip(column.texts, column.repeats, strict=True):
        for slug in set(_patterns(text, column, region)):
            different[slug] += 1
            by_row[slug] += repeats
    return different, by_row


def _patterns(text: str, column: SampledColumn, region: str | None) -> Iterator[str]:
    if column.type is ColumnType.DATETIME:
        yield "date"
    elif column.whole or column.type is ColumnType.CATEGORICAL:
        yield from contact_patterns(text, region)
        yield from number_patterns(text)
        yield from person_patterns(text)
    else:
        yield from person_patterns(text)


def _of_values(slug: str, matches: int, n: int, named: float) -> Evidence:
    low, high = (float(end) for end in wilson(matches, n))
    alone = confidence(PATTERNS[slug], low, matches)
    sure = confidence(PATTERNS[slug], low, matches, named)
    kind = "both" if sure > alone else "values"
    return Evidence(PATTERNS[slug].category, kind, sure, n, matches, matches / n, low, high, slug)


def _of_name(column: SampledColumn, category: str, strength: float) -> Evidence:
    usable = _plausible(column, category)
    left = strength if category in _BY_NAME else strength * UNCHECKED
    return Evidence(category, "name", left if usable else 0.0, len(column.texts))


def _plausible(column: SampledColumn, category: str) -> bool:
    """Whether values could be what the name says, as far as their type and variety tell."""
    if category == TEXT or len(column.texts) < LEAST_DIFFERENT:
        return False
    if column.type is ColumnType.DATETIME or category in {BIRTH, GENDER, COORDINATES, POSTCODE}:
        return False
    if column.type is ColumnType.NUMERIC:
        return column.whole and category in _OF_NUMBERS
    if category == PERSON:
        return _share(column, is_name_shaped) >= 0.5
    if category == ADDRESS:
        return _share(column, lambda text: len(text) >= 5 and any(map(str.isalpha, text))) >= 0.5
    return True


def _share(column: SampledColumn, check: Callable[[str], bool]) -> float:
    return sum(map(check, column.texts)) / len(column.texts)
