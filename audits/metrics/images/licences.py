"""What a licence lets a model learn from: SPDX identifiers, the terms that they stand for, and expressions of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Terms(StrEnum):
    """What a licence asks for, the most restrictive last."""

    FREE = "free"
    ATTRIBUTION = "attribution"
    SHARE_ALIKE = "share-alike"
    NON_COMMERCIAL = "non-commercial"
    NO_DERIVATIVES = "no-derivatives"
    UNKNOWN = "unknown"


_ORDER = list(Terms)
#: Identifiers of the SPDX licence list without a Creative Commons scheme; lower case.
_KNOWN = {
    **dict.fromkeys(
        ("cc0-1.0", "cc-pddc", "cc-pdm-1.0", "pddl-1.0", "unlicense", "0bsd", "mit-0"), Terms.FREE
    ),
    **dict.fromkeys(
        ("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "odc-by-1.0", "cdla-permissive-2.0"),
        Terms.ATTRIBUTION,
    ),
    **dict.fromkeys(
        ("odbl-1.0", "lal-1.2", "lal-1.3", "cdla-sharing-1.0", "gfdl-1.2-only", "gfdl-1.3-only"),
        Terms.SHARE_ALIKE,
    ),
    **dict.fromkeys(
        ("gfdl-1.2-or-later", "gfdl-1.3-or-later", "gpl-2.0-only", "gpl-3.0-only", "gpl-2.0-or-later"),
        Terms.SHARE_ALIKE,
    ),
    "gpl-3.0-or-later": Terms.SHARE_ALIKE,
}
#: CC-BY-NC-SA-4.0, CC-BY-3.0-DE, CC-BY-SA-3.0-IGO: as SPDX writes them.
_CREATIVE_COMMONS = re.compile(
    r"cc-by(?P<parts>(?:-nc)?(?:-nd|-sa)?)-[1-4]\.\d(?:-[a-z]{2,4}(?:-cc)?)?", re.IGNORECASE
)
#: The order of CC-BY-ND-NC-1.0, the one identifier with the parts the other way round.
_OLD = {"cc-by-nd-nc-1.0": Terms.NO_DERIVATIVES}
#: A licence of the house's own, such as a contract, that no list can know.
OWN = re.compile(r"licenseref-[a-z0-9.-]+", re.IGNORECASE)
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_MOST_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Licence:
    """What is granted: the strictest terms, and everything that is asked for.

    ``credit`` tells that the maker has to be named, ``accepted`` that the house accepts it by name.
    """

    terms: Terms
    credit: bool = False
    accepted: bool = False


UNKNOWN = Licence(Terms.UNKNOWN)


def licence_of(text: str | None, accepted: Collection[str] = ()) -> Licence:
    """Read an SPDX identifier or expression; capitals do not matter.

    ``A OR B`` lets the licensee choose, so the more permissive one counts, an accepted one before all; ``A AND B`` asks for both. An
    exception (``WITH``) is no licence for images and makes the expression unknown, and so does anything that is not
    written as SPDX writes it.

    Parameters
    ----------
    text : str or None
        As ``CC-BY-4.0``, ``CC0-1.0 OR CC-BY-SA-4.0``, ``LicenseRef-Studio-2025``.
    accepted : collection of str
        Identifiers that the house accepts, in lower case; ``LicenseRef-`` identifiers are only known if accepted.

    Examples
    --------
    >>> licence_of("CC-BY-NC-4.0").terms.value, licence_of("CC-BY-4.0 or CC-BY-NC-4.0").terms.value
    ('non-commercial', 'attribution')
    """
    tokens = _TOKEN.findall(text or "")
    if not tokens or len(tokens) > _MOST_TOKENS:
        return UNKNOWN
    try:
        found, rest = _alternatives(tokens, accepted)
    except IndexError:
        return UNKNOWN
    return UNKNOWN if rest else found


def suggestion(text: str) -> str | None:
    """The SPDX identifier that a differently written one seems to mean: ``CC BY 4.0`` is ``CC-BY-4.0``; None if none."""
    tidy = re.sub(r"[\s_]+", "-", text.strip()).upper()
    tidy = re.sub(r"^CREATIVE-COMMONS-", "CC-", tidy)
    tidy = re.sub(r"^CC-0(?=$|-)|^CC0(?=$|-)", "CC0", tidy)
    tidy = "CC0-1.0" if tidy == "CC0" else tidy
    return tidy if tidy != text and licence_of(tidy) != UNKNOWN else None


def _alternatives(tokens: list[str], accepted: Collection[str]) -> tuple[Licence, list[str]]:
    found, rest = _together(tokens, accepted)
    while rest and rest[0].upper() == "OR":
        other, rest = _together(rest[1:], accepted)
        found = min(found, other, key=lambda one: (not one.accepted, _ORDER.index(one.terms)))
    return found, rest


def _together(tokens: list[str], accepted: Collection[str]) -> tuple[Licence, list[str]]:
    found, rest = _single(tokens, accepted)
    while rest and rest[0].upper() == "AND":
        other, rest = _single(rest[1:], accepted)
        terms = max(found.terms, other.terms, key=_ORDER.index)
        found = Licence(terms, found.credit or other.credit, found.accepted and other.accepted)
    return found, rest


def _single(tokens: list[str], accepted: Collection[str]) -> tuple[Licence, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        found, rest = _alternatives(rest, accepted)
        return (found, rest[1:]) if rest[0] == ")" else (UNKNOWN, rest)
    return _identified(first.lower(), accepted), rest


def _identified(name: str, accepted: Collection[str]) -> Licence:
    by_name = name in accepted
    if OWN.fullmatch(name):
        return Licence(Terms.FREE, accepted=True) if by_name else UNKNOWN
    matched = _CREATIVE_COMMONS.fullmatch(name)
    if matched or name in _OLD:
        terms = _OLD.get(name) or _creative_commons(matched["parts"].lower() if matched else "")
        return Licence(terms, credit=True, accepted=by_name)
    terms = _KNOWN.get(name, Terms.UNKNOWN)
    return Licence(terms, terms in {Terms.ATTRIBUTION, Terms.SHARE_ALIKE}, by_name)


def _creative_commons(parts: str) -> Terms:
    """The strictest of the elements; those that are both NC and ND count as ND, those that are NC and SA as NC."""
    for element, terms in (
        ("nd", Terms.NO_DERIVATIVES),
        ("nc", Terms.NON_COMMERCIAL),
        ("sa", Terms.SHARE_ALIKE),
    ):
        if f"-{element}" in parts:
            return terms
    return Terms.ATTRIBUTION
