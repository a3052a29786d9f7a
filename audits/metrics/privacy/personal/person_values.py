"""Does a value name a person, a street, a gender, a date or a place?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from audits.metrics.privacy.personal.person_words import (
    GENDERS,
    GENDERS_OF_THINGS_TOO,
    GIVEN_NAMES,
    STREETS,
    THING_WORDS,
)

_NAME = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?:[ '’.,-]+[^\W\d_'’.-]+){0,4}\.?")
_WORDS = re.compile(r"[^\W\d_]+")
_PAIR = re.compile(r"\(?(-?\d{1,2}\.\d{3,})\s*[,; ]\s*(-?\d{1,3}\.\d{3,})\)?")
_DECIMAL = re.compile(r"-?\d{1,3}\.\d{3,}")
_DATE = re.compile(
    r"(?:(?:18|19|20)\d\d)(?:[-/.]?(?:0?[1-9]|1[0-2])[-/.]?(?:0?[1-9]|[12]\d|3[01])(?:[ T].*)?)?"
)
_DATE_DAY_FIRST = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ](?:(?:18|19|20)\d\d|\d\d)(?:[ T].*)?")
_POSTCODE = re.compile(
    r"[A-Z]{0,2}-?\d[A-Z0-9]{0,3}[ -]?[A-Z0-9]{0,4}|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}", re.I
)
#: Letters that stand for genders in coded columns.
_LETTERS = frozenset(["f", "m", "w", "h", "d", "u", "x", "v", "0", "1", "2", "9"])


def person_patterns(text: str) -> Iterator[str]:
    """Slugs of the patterns that the value matches."""
    lower = text.lower()
    if lower in GENDERS:
        yield "gender"
        yield "gender-letter"
    elif lower in _LETTERS or lower in GENDERS_OF_THINGS_TOO:
        yield "gender-letter"
    if text[0] in "-(0123456789":
        yield from _place(text)
        if _DATE.fullmatch(text) or _DATE_DAY_FIRST.fullmatch(text):
            yield "date"
    elif is_given_name(text):
        yield "given-name"
    if 3 <= len(text) <= 10 and any(map(str.isdigit, text)) and _POSTCODE.fullmatch(text):
        yield "postcode"
    if 6 <= len(text) <= 120 and is_street(lower):
        yield "street"


def is_given_name(text: str) -> bool:
    """One to five words that look like a name, of which the first or the last is a common given name."""
    if len(text) > 60 or not text[0].isalpha() or not _NAME.fullmatch(text):
        return False
    words = [word.lower() for word in _WORDS.findall(text)]
    if THING_WORDS.intersection(words) or words[0] in STREETS or words[-1] in STREETS:
        return False
    return any(word in GIVEN_NAMES for word in (words[0], words[-1], *(words[1:2] if len(words) > 2 else ())))


def is_name_shaped(text: str) -> bool:
    """Whether a value could be somebody's name: a few words of letters."""
    return len(text) <= 60 and bool(_NAME.fullmatch(text))


def is_street(lower: str) -> bool:
    """A word for a street beside a number of one to five digits."""
    words = _WORDS.findall(lower)
    if not 1 <= len(words) <= 14 or not re.search(r"\b\d{1,5}[a-z]?\b", lower):
        return False
    return any(word in STREETS or word.endswith(("straße", "strasse", "gasse", "allee")) for word in words)


def _place(text: str) -> Iterator[str]:
    if "." not in text:
        return
    pair = _PAIR.fullmatch(text)
    if pair and abs(float(pair[1])) <= 90 and abs(float(pair[2])) <= 180:
        yield "coordinates"
    elif _DECIMAL.fullmatch(text):
        if abs(float(text)) <= 90:
            yield "latitude"
        if abs(float(text)) <= 180:
            yield "longitude"
