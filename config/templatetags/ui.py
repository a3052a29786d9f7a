"""Template tags and filters of the pages: states, numbers, times, digests, sorting and paging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from heroicons.templatetags.heroicons import heroicon_mini

from audits.selectors.display import displayed
from config.charts import numbers, sentences, terms, wording
from config.charts.statuses import BANDS, STATES, TONES, VERDICTS, Status, status_of
from config.help import kind_opening

register = template.Library()
register.filter("decimal", numbers.decimal)
register.filter("percent", numbers.percent)
register.simple_tag(numbers.interval, name="interval")
register.filter("metric_words", terms.metric_words)
register.filter("slice_words", terms.slice_words)
register.simple_tag(sentences.reading, name="reading_words")
register.simple_tag(sentences.found_sentence, name="found_words")
register.simple_tag(sentences.verdict_sentence, name="verdict_sentence")
register.simple_tag(sentences.beside, name="beside")
register.filter("label_words", wording.label_of)
register.filter("against_words", wording.against)
register.simple_tag(kind_opening, name="kind_opening")
register.filter("shown", displayed)


def _icon(status: Status, size: int) -> SafeString:
    return SafeString(heroicon_mini(status.icon, size=size, aria_hidden="true"))


def _mark(status: Status, word: str) -> SafeString:
    spoken = format_html('<span class="sr">{}</span>', word) if word else ""
    return format_html('<span class="st st-{}">{}{}</span>', status.tone, _icon(status, 18), spoken)


def _chip(status: Status, word: str) -> SafeString:
    return format_html('<span class="pill st-{}">{}{}</span>', status.tone, _icon(status, 16), word)


@register.simple_tag
def status_icon(tone: str, label: str | None = None) -> SafeString:
    """Icon of a tone with its word for screen readers; ``label=""`` where the word stands beside it anyway."""
    status = TONES[tone]
    return _mark(status, status.word if label is None else label)


@register.simple_tag
def pill(tone: str, text: str) -> SafeString:
    """A chip of a tone with a text of your own."""
    return _chip(TONES[tone], text)


@register.simple_tag
def verdict_chip(verdict: str) -> SafeString:
    """Chip of a verdict: pass, review, fail, insufficient, errored."""
    status = status_of(verdict, VERDICTS)
    return _chip(status, status.word)


@register.simple_tag
def verdict_icon(verdict: str, label: str | None = None) -> SafeString:
    """Icon of a verdict; its word is for screen readers, unless ``label`` replaces it."""
    status = status_of(verdict, VERDICTS)
    return _mark(status, status.word if label is None else label)


@register.simple_tag
def risk_chip(band: str) -> SafeString:
    """Chip of a risk band: low, moderate, elevated, high."""
    status = status_of(band, BANDS)
    return _chip(status, f"{status.word} risk")


@register.simple_tag
def risk_icon(band: str) -> SafeString:
    """Icon of a risk band, with its word for screen readers."""
    status = status_of(band, BANDS)
    return _mark(status, f"{status.word} risk")


@register.simple_tag
def state_chip(state: str) -> SafeString:
    """Chip of a state of a run, a finding or a version."""
    status = status_of(state, STATES)
    return _chip(status, status.word)


@register.filter
def verdict_tone(verdict: str) -> str:
    """Tone of a verdict, for charts: ``tone=m.verdict|verdict_tone``."""
    return status_of(verdict, VERDICTS).tone


@register.filter
def verdict_word(verdict: str) -> str:
    return status_of(verdict, VERDICTS).word


@register.filter
def band_tone(band: str) -> str:
    return status_of(band, BANDS).tone


@register.filter
def count(value: int | None) -> str:
    """A whole number, grouped."""
    return numbers.decimal(value, 0)


@register.filter
def digest(value: str | None) -> SafeString:
    """First and last four characters of a digest; the whole of it as title and for copying."""
    if not value:
        return SafeString(numbers.NOTHING)
    algorithm, colon, hexadecimal = value.rpartition(":")
    short = hexadecimal if len(hexadecimal) <= 12 else f"{hexadecimal[:4]}…{hexadecimal[-4:]}"
    prefix = f"{algorithm} " if colon else ""
    return format_html('<code class="digest" title="{}">{}{}</code>', value, prefix, short)


@register.simple_tag
def when(moment: datetime | None, style: str = "full") -> SafeString:
    """A time in the reader's zone: ``full`` (21 Nov 2026, 04:00), ``day``, or ``clock``."""
    if moment is None:
        return SafeString(numbers.NOTHING)
    local = timezone.localtime(moment)
    day, clock = date_format(local, "j M Y"), date_format(local, "H:i")
    text = {"full": f"{day}, {clock}", "day": day, "clock": clock}[style]
    zone = timezone.get_current_timezone_name()
    return format_html(
        '<time datetime="{}" title="{}, {} ({})">{}</time>', moment.isoformat(), day, clock, zone, text
    )


@register.simple_tag
def days(first: date | None, last: date | None) -> str:
    """The span from the first day to the last, both included: ``27 Sep 2026 to 3 Oct 2026``; one day alone."""
    if first is None or last is None:
        return "not stated"
    words = [date_format(day, "j M Y") for day in dict.fromkeys((first, last))]
    return " to ".join(words)


@register.simple_tag
def page_numbers(page: Page[Any]) -> Iterator[int | str]:
    """Page numbers around the current one, with ellipses."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)


@register.simple_tag(takes_context=True)
def sort_header(context: RequestContext, field: str, label: str, css: str = "") -> SafeString:
    """A column head that sorts by ``?sort=field``, then ``?sort=-field``; other filters stay, the page does not."""
    query = context["request"].GET.copy()
    current = query.get("sort", "")
    query["sort"] = f"-{field}" if current == field else field
    query.pop("page", None)
    directions = {field: ("ascending", "chevron-up"), f"-{field}": ("descending", "chevron-down")}
    direction, icon = directions.get(current, ("", "chevron-up-down"))
    return format_html(
        '<th scope="col"{}{}><a href="?{}">{}{}</a></th>',
        format_html(' class="{}"', css) if css else "",
        format_html(' aria-sort="{}"', direction) if direction else "",
        query.urlencode(),
        label,
        SafeString(heroicon_mini(icon, size=16, aria_hidden="true")),
    )


@register.simple_tag
def amount(value: float | None, name: str, words: Any) -> str:
    """A value in the unit of the measurement of that name: ``{% amount m.value m.name words %}``."""
    return wording.amount(value, wording.words_of(name, words).unit)


@register.simple_tag
def amounts(low: float | None, high: float | None, name: str, words: Any) -> str:
    """Both ends of an interval in that unit; nothing where one is missing."""
    if low is None or high is None:
        return ""
    return f"{amount(low, name, words)} to {amount(high, name, words)}"


@register.filter
def type_words(name: str) -> str:
    """An Arrow type as a person reads it: of a dictionary only what its values are."""
    found = re.fullmatch(r"dictionary<values=(.+), indices=\w+, ordered=[01]>", name)
    return f"{found[1]}, repeated values kept once" if found else name


@register.filter
def sentence(text: str) -> str:
    """A message as a sentence: capital letter (k-anonymity keeps its own), full stop."""
    text = text.strip()
    first = text[:1] if text[1:2] == "-" else text[:1].upper()
    stop = "" if not text or text.endswith((".", "?", "…")) else "."
    return f"{first}{text[1:]}{stop}"


@register.filter
def reason_words(score: Any) -> str:
    """Why a dimension has its score, with the measurement named in words; ``score`` has ``reason`` and ``measurement``."""
    if score.measurement is None:
        return sentence(score.reason)
    name, part = score.measurement.name, score.measurement.slice
    named = f"{name} for {part}" if part else name
    words = f"{terms.metric_words(name)} for {terms.slice_words(part)}" if part else terms.metric_words(name)
    return sentence(score.reason.replace(f": {named} ", f": {words} ", 1))
