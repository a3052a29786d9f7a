"""Is a value an e-mail address, a phone number, a network address, a profile on a social network?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

#: RFC 5321 allows more; what people have looks like this.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[\w](?:[\w-]*[\w])?\.)+[^\W\d_]{2,24}",
    re.I,
)
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "webp", "svg", "css", "js", "html", "json", "pdf", "csv"])
_PHONE = re.compile(r"(?:\+|00)?\(?\d[\d ()./\-\u00a0]{5,22}\d")
#: North America's way of writing, also of numbers that nobody was given.
_AMERICAN = re.compile(r"(?:(?:\+|00)?1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}")
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?)\d{1,6}$", re.I)
_PHONE_IN_TEXT = re.compile(
    r"(?<![^\s:;,(])(?:\+\d[\d ()./\-]{7,18}\d|[(0]\d[\d ()\-]{7,14}\d|[2-9]\d\d[- ]\d{3}[- ]\d{4})(?![\w/.-]\w)"
)
#: Codes of things that are written with hyphens like phone numbers; a social security number of the United States.
_OTHER_CODES = re.compile(r"(?:97[89]-)?\d{1,5}-\d{1,7}-\d{1,7}-[\dX]|\d{3}-\d{2}-\d{4}")
_IPV4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::\d{1,5})?")
_IPV6 = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.I)
_MAC = re.compile(r"[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.I)
_DATE = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})")
_HANDLE = re.compile(r"@[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28})[A-Za-z0-9_]")
_PROFILE = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:instagram\.com|twitter\.com|x\.com|facebook\.com|tiktok\.com|threads\.net|"
    r"pinterest\.[a-z]{2,3}|snapchat\.com/add|linkedin\.com/in|youtube\.com/(?:c|user|channel)|vk\.com|t\.me|weibo\.com|"
    r"github\.com)/@?[\w.%-]{2,60}/?(?:\?\S*)?",
    re.I,
)
_USER_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/@:]+(?::[^\s/@]*)?@[^\s/]+\S*", re.I)
#: Versions have four parts too, but seldom one of three digits.
_LEAST_LARGEST_PART = 100


def contact_patterns(text: str, region: str | None) -> Iterator[str]:
    """Slugs of the patterns that the whole value matches, and ``contact-in-text`` when only a part of it does."""
    if "@" in text:
        yield from _with_at(text)
    elif "/" in text and _PROFILE.fullmatch(text):
        yield "social-url"
    if _is_network(text):
        yield from _network(text)
        return
    if text[0] in "+(0123456789" and len(text) <= 26:
        yield from _phone(text, region)
    elif " " in text and _phone_within(text, region):
        yield "contact-in-text"


def is_email(text: str) -> bool:
    """Whether the whole text is an e-mail address. File names such as ``icon@2x.png`` are none."""
    return bool(_EMAIL.fullmatch(text)) and text.rpartition(".")[2].lower() not in _FILES


def is_date_like(text: str) -> bool:
    """Whether digits are a date's, not a phone number's."""
    return bool(_DATE.match(text))


def _with_at(text: str) -> Iterator[str]:
    if is_email(text) or (text[:7].lower() == "mailto:" and is_email(text[7:])):
        yield "email"
    elif _HANDLE.fullmatch(text):
        yield "handle"
    elif _PROFILE.fullmatch(text) or _USER_IN_URL.fullmatch(text):
        yield "social-url"
    elif any(map(is_email, (found.group() for found in _EMAIL.finditer(text)))):
        yield "contact-in-text"


def _is_network(text: str) -> bool:
    return text.count(".") == 3 or text.count(":") >= 2 or text.count("-") == 5 or text.count(".") == 2


def _network(text: str) -> Iterator[str]:
    parts = _IPV4.fullmatch(text)
    if parts:
        numbers = [int(part) for part in parts.groups()]
        if _LEAST_LARGEST_PART <= max(numbers) <= 255:
            yield "ipv4"
    elif _MAC.fullmatch(text):
        yield "mac"
    elif _IPV6.fullmatch(text) and _is_ipv6(text):
        yield "ipv6"
    elif _PHONE.fullmatch(text):
        yield from _phone(text, None)


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        return bool(IPv6Address(text))
    except AddressValueError:
        return False


def _phone(text: str, region: str | None) -> Iterator[str]:
    """``phone`` with a country code; ``phone-any`` also as the region writes it, or North America; ``phone-digits``."""
    text = _EXTENSION.sub("", text)
    if not _PHONE.fullmatch(text) or is_date_like(text) or _OTHER_CODES.fullmatch(text):
        return
    written = _AMERICAN.fullmatch(text) is not None
    if written:
        yield "phone-shape"
    code = "+" + text[2:] if text[:2] == "00" and text[2] != "0" else text
    if code[0] == "+":
        if _is_phone(code):
            yield from ("phone-digits",) if text.isdigit() else ("phone", "phone-any")
            return
    elif text.isdigit() and text[0] != "0":
        if _is_phone(text, region) if region else 11 <= len(text) <= 12 and _is_phone("+" + text):
            yield "phone-digits"
        return
    elif region and _is_national(text, region) and _is_phone(text, region):
        written = True
    if written:
        yield "phone-any"


@cache
def _national_prefix(region: str) -> str:
    import phonenumbers

    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return str(known.national_prefix or "") if known else ""


def _is_national(text: str, region: str) -> bool:
    """Whether a number begins as people of the region write it: where they begin with 0, others are codes of things."""
    return _national_prefix(region) != "0" or text.lstrip("( ").startswith("0")


def _phone_within(text: str, region: str | None) -> bool:
    """Whether a text has a phone number in it: with a plus or, where the region is known, one of that region."""
    for found in _PHONE_IN_TEXT.findall(text):
        if found[0] == "+":
            if _is_phone(found):
                return True
        elif region and not found.isdigit() and not is_date_like(found) and _is_phone(found, region):
            return True
    return False


def _is_phone(text: str, region: str | None = None) -> bool:
    import phonenumbers  # a page that is served needs none of it

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    if region:
        return bool(phonenumbers.is_valid_number_for_region(number, region))
    return bool(phonenumbers.is_valid_number(number))
