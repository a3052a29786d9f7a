"""What a measurement is called, and how its values and ratios are written: in the words of its kind, or by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audits.presentation import Words
from config.charts.numbers import NARROW, decimal, percent
from config.charts.terms import metric_words

#: What the last word of a name says about its unit, where a kind says nothing.
_UNITS: Mapping[str, Any] = {
    "rate": "share",
    "share": "share",
    "coverage": "share",
    "ratio": "ratio",
    "count": "count",
    "days": "days",
    "p": "p",
}
#: Before the name of what is compared within strata that may explain a disparity.
_CONDITIONAL = "conditional-"
#: Ratios that have a word of their own, and how near a ratio must be to deserve it.
_TIMES = ((0.5, "half as {}"), (1.0, "about as {}"), (2.0, "twice as {}"), (3.0, "three times as {}"))
_NEAR = 0.05


def words_of(name: str, words: Mapping[str, Words]) -> Words:
    """The kind's words for a measurement, by its name up to a colon; else a label from the name itself."""
    metric, colon, outcome = name.partition(":")
    found = words.get(name) or words.get(metric) or words.get(_without_cutoff(metric))
    if found is None and metric.startswith(_CONDITIONAL):
        plain = words_of(name.removeprefix(_CONDITIONAL), words)
        sentence = f"Like with like: {plain.sentence}" if plain.sentence else ""
        return replace(plain, label=f"{plain.label}, like with like", sentence=sentence)
    found = found or words.get("*")
    if found is None:
        last = metric.replace("_", "-").rpartition("-")[2]
        return Words(label=metric_words(name), unit=_UNITS.get(last, "number"))
    if not found.label:
        return replace(found, label=metric_words(name))
    if not colon or name in words:
        return found
    if "{outcome}" in found.label:
        return replace(found, label=found.label.replace("{outcome}", outcome.replace("_", " ")))
    return replace(found, label=f"{found.label} of {outcome.replace('_', ' ')}")


def against(name: str, words: Mapping[str, Words]) -> str:
    """What a group is compared with, where no group is declared."""
    return words_of(name, words).against or "everybody else"


def _without_cutoff(metric: str) -> str:
    """``ndcg-at-20`` is described as ``ndcg-at``."""
    return metric.rstrip("0123456789").rstrip("-")


def label_of(name: str, words: Mapping[str, Words]) -> str:
    """What heads the chart and the rows of a measurement."""
    return words_of(name, words).label


def amount(value: float | None, unit: str) -> str:
    """A value as it is written in its unit: 0.167 is 16.7 % as a share."""
    if value is None or unit == "number":
        return decimal(value)
    if unit == "share":
        return percent(value)
    if unit == "days":
        return f"{decimal(value, 0)}{NARROW}{'day' if value == 1 else 'days'}"
    return decimal(value, {"ratio": 2, "count": 0, "p": 3}[unit])


def times(ratio: float, as_word: str, less: str, more: str) -> str:
    """``half as often as``, ``20 % less often than``, ``2.4 times as often as``."""
    for number, text in _TIMES:
        if abs(ratio - number) <= _NEAR * number:
            return f"{text.format(as_word)} as"
    if ratio < 1:
        return f"{percent(1 - ratio, 0)} {less} than"
    return (
        f"{percent(ratio - 1, 0)} {more} than" if ratio < 2 else f"{decimal(ratio, 1)} times as {as_word} as"
    )
