"""Is a value a payment card, an IBAN or a national identity number? Each is checked, not only its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

#: Issuer prefixes (first digits, from and to) and the lengths of their cards, as issuers publish them (ISO/IEC 7812 numbers).
_ISSUERS = (
    (4, 4, (16,)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (6011, 6011, (16, 19)),
    (644, 659, (16, 19)),
    (300, 305, (14,)),
    (36, 36, (14,)),
    (38, 39, (14,)),
    (3528, 3589, (16,)),
    (62, 62, (16, 17, 18, 19)),
)
_DIGITS = re.compile(r"\d[\d ./-]{6,24}\d")
_CARD = re.compile(r"\d{13,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5}")
_ISBN = re.compile(r"(?:97[89]-)?\d{1,5}-\d{1,7}-\d{1,7}-\d")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_SEPARATORS = str.maketrans("", "", " ./-\u00a0")

#: Shape without separators -> schemes of python-stdnum.
_BY_DIGITS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        9: ("nl.bsn", "us.ssn-digits"),
        10: ("gb.nhs", "se.personnummer", "at.vnr"),
        11: ("de.idnr", "be.nn", "pl.pesel", "br.cpf", "no.fodselsnummer", "tr.tckimlik"),
        12: ("se.personnummer",),
        13: ("ch.ssn", "fr.nir"),
        15: ("fr.nir",),
        18: ("cn.ric",),
    }
)
_BY_SHAPE = (
    (re.compile(r"[A-Z]{6}[0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"), "it.codicefiscale"),
    (re.compile(r"\d{8}[A-Z]"), "es.dni"),
    (re.compile(r"[XYZ]\d{7}[A-Z]"), "es.nie"),
    (re.compile(r"\d{7}[A-W][A-IW]?"), "ie.pps"),
    (re.compile(r"[12]\d{4}2[AB]\d{8}"), "fr.nir"),
    (re.compile(r"\d{17}X"), "cn.ric"),
    (re.compile(r"\d{9}[A-Z0-9]{2}\d"), "pt.cc"),
)
_HETU = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]")


def number_patterns(text: str) -> Iterator[str]:
    """Slugs of the patterns that the value matches."""
    if len(text) < 8 or len(text) > 42:
        return
    if _DIGITS.fullmatch(text):
        yield from _of_digits(text)
    elif text[0].isalnum():
        yield from _of_letters(text)


def _of_digits(text: str) -> Iterator[str]:
    digits = text.translate(_SEPARATORS)
    if _ISBN.fullmatch(text):  # its check digit is that of the British health service's numbers
        return
    if _CARD.fullmatch(text) and is_card(digits):
        yield "card"
    if _SSN.fullmatch(text) and _valid("us.ssn", digits):
        yield "us.ssn"
        return
    for scheme in _BY_DIGITS.get(len(digits), ()):
        if scheme == "us.ssn-digits":
            if text.isdigit() and _valid("us.ssn", digits):
                yield scheme
        elif _usable(scheme, text, digits) and _valid(scheme, digits):
            yield scheme
    if len(text) == 11 and _HETU.fullmatch(text) and _valid("fi.hetu", text):
        yield "fi.hetu"


def _usable(scheme: str, text: str, digits: str) -> bool:
    """What a check digit does not see: French numbers without their key, and zeros only."""
    if scheme == "fr.nir":
        return len(digits) == 15
    return len(set(digits)) > 2 or text[0] != "0"


def _of_letters(text: str) -> Iterator[str]:
    compact = text.upper().translate(_SEPARATORS)
    if not compact.isascii() or len(compact) < 8:
        return
    if _NINO.fullmatch(compact):
        yield "gb.nino"
    elif _IBAN.fullmatch(compact):
        if _valid("iban", compact):
            yield "iban"
        return
    if len(text) == 11 and _HETU.fullmatch(text.upper()) and _valid("fi.hetu", text.upper()):
        yield "fi.hetu"
    for shape, scheme in _BY_SHAPE:
        if shape.fullmatch(compact) and _valid(scheme, compact):
            yield scheme


def is_card(digits: str) -> bool:
    """An issuer's prefix and length, and the check digit of Luhn (ISO/IEC 7812-1)."""
    issued = any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last
        for first, last, lengths in _ISSUERS
    )
    return issued and len(set(digits)) > 1 and _valid("luhn", digits)


def _valid(scheme: str, text: str) -> bool:
    try:
        return _validator(scheme)(text)
    except (LookupError, ValueError):
        # python-stdnum 2.2 raises KeyError for some Chinese places that it knows in part.
        return False


@cache
def _validator(scheme: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{scheme}").is_valid
    return check
