"""What a measurement says, as a sentence: in its kind's own words, else in words made from its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from audits.presentation import Words
from config.charts.numbers import NARROW, decimal, interval
from config.charts.terms import slice_words
from config.charts.wording import amount, label_of, times, words_of

_LEVEL = f"95{NARROW}% interval"


class Measured(Protocol):
    """What is read of a measurement."""

    name: str
    slice: str
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    tolerance_used: float | None
    verdict: str
    detail: Mapping[str, Any]


def beside(measured: Measured, words: Mapping[str, Words]) -> str:
    """The number that a group is compared with, in its unit; empty where there is none."""
    if measured.detail.get("reference") is None:
        return ""
    return str(_detail_values(measured, words_of(measured.name, words))["reference"])


def found_sentence(measured: Measured, words: Mapping[str, Words]) -> str:
    """What was found, in plain words, without the verdict; empty where there is no value."""
    if measured.value is None:
        return ""
    own = words_of(measured.name, words)
    text = _filled(own.sentence, measured, own) if own.sentence else ""
    if not text:
        return _by_name(measured, own)
    if _names(own.sentence, "low", "high", "ratio_low", "ratio_high"):
        return text
    return _with_evidence(text, measured, own.unit, _names(own.sentence, "value", "ratio"))


def verdict_sentence(measured: Measured, words: Mapping[str, Words]) -> str:
    """What the verdict is and why, in plain words; empty for a number without a limit."""
    reason = str(measured.detail.get("reason", ""))
    if measured.verdict == "errored":
        return _said("It could not be computed", reason)
    if measured.verdict == "insufficient":
        return _said("That is too little to judge", reason)
    if measured.tolerance_used is None:
        return ""
    tolerance = measured.detail.get("tolerance")
    if tolerance:
        return _of_tolerance(measured, tolerance, reason)
    return _of_limit(measured, _held(measured, words_of(measured.name, words).unit), reason)


def reading(measured: Measured, words: Mapping[str, Words]) -> str:
    """What was found, and the verdict: what a page opens with."""
    found, verdict = found_sentence(measured, words), verdict_sentence(measured, words)
    if not found and verdict:
        part = f" for {slice_words(measured.slice)}" if measured.slice else ""
        return f"{label_of(measured.name, words)}{part}: {verdict[:1].lower()}{verdict[1:]}"
    return f"{found} {verdict}".strip()


def _filled(template: str, measured: Measured, own: Words) -> str:
    """The sentence with its numbers; empty when it asks for something that the measurement does not have."""
    try:
        text = template.format_map(_values(measured, own))
    except (KeyError, IndexError, ValueError, AttributeError):
        return ""
    stop = "" if text.endswith((".", "?")) else "."
    return f"{text[:1].upper()}{text[1:]}{stop}"


def _values(measured: Measured, own: Words) -> dict[str, Any]:
    """What a sentence can ask for, by name; the detail's own entries stand behind those of every measurement."""
    attribute, equals, group = measured.slice.partition("=")
    outcome = measured.name.partition(":")[2].replace("_", " ")
    ratio = measured.detail.get("ratio")
    detail = _detail_values(measured, own)
    own_group = slice_words(detail["group"]) if "group" in detail and not equals else ""
    return detail | {
        "slice": slice_words(measured.slice) if measured.slice else "all rows",
        "attribute": _plain(attribute) if equals else "",
        "group": own_group or (group if equals else (measured.slice or "all rows")),
        "label": own.label,
        "who": _who(measured.slice),
        "others": str(measured.detail.get("reference_group") or "all others"),
        "outcome": outcome or "the outcome",
        "for_outcome": f" ({outcome})" if outcome else "",
        "value": amount(measured.value, own.unit),
        "low": amount(measured.low, own.unit),
        "high": amount(measured.high, own.unit),
        "threshold": amount(measured.threshold, _held(measured, own.unit)),
        "n": decimal(measured.n, 0),
        "ratio": decimal(ratio, 2) if isinstance(ratio, int | float | None) else str(ratio),
        **_comparatives(ratio),
    }


def _comparatives(ratio: Any) -> dict[str, str]:
    """How a group compares, in words; none without a finite ratio, so that no sentence asks for it in vain."""
    if not isinstance(ratio, int | float):
        return {}
    return {
        "often": times(ratio, "often", "less often", "more often"),
        "large": times(ratio, "large", "smaller", "larger"),
    }


def _detail_values(measured: Measured, own: Words) -> dict[str, Any]:
    """The detail as text. A declared share is a share, though what is measured is its ratio."""
    unit = "share" if "share" in measured.detail else own.unit
    units = {"reference": unit, "share": "share"}
    return {name: _shown(value, units.get(name, "")) for name, value in measured.detail.items()}


def _who(part: str) -> str:
    """A group as the subject of a sentence: ``the group 65+ (age)``."""
    attribute, equals, group = part.partition("=")
    if not equals:
        return part or "all rows"
    named = _plain(attribute).replace("*", " and ")
    if group == "undeclared":
        return f"the group without a declared {named}"
    return f"the group {group.replace('*', ', ')} ({named})"


def _held(measured: Measured, unit: str) -> str:
    """The unit of the limit: groups that are compared are held against a ratio."""
    return "ratio" if "tolerance" in measured.detail or "ratio" in measured.detail else unit


def _shown(value: Any, unit: str) -> str:
    if isinstance(value, bool) or value is None:
        return "not known" if value is None else "yes" if value else "no"
    if isinstance(value, int | float):
        return amount(value, unit) if unit else decimal(value)
    if isinstance(value, list | tuple):
        return ", ".join(_shown(part, unit) for part in value)
    return str(value)


def _by_name(measured: Measured, own: Words) -> str:
    part = f" of {slice_words(measured.slice)}" if measured.slice else ""
    value, reference = amount(measured.value, own.unit), measured.detail.get("reference")
    if "ratio" not in measured.detail or reference is None:
        return _with_evidence(f"{own.label}{part} is {value}.", measured, own.unit, told=True)
    told = _detail_values(measured, own)["reference"]
    text = f"{own.label}{part} is {value}, against {told} of the others."
    return _with_evidence(text, measured, own.unit, told=True)


def _names(sentence: str, *names: str) -> bool:
    return any(f"{{{name}}}" in sentence for name in names)


def _with_evidence(text: str, measured: Measured, unit: str, told: bool) -> str:
    """The sentence with its numbers in brackets: of the ratio where groups are compared, else of the value.

    ``told``: the sentence names the values itself.
    """
    parts: list[str] = []
    ratio, reference = measured.detail.get("ratio"), measured.detail.get("reference")
    if isinstance(ratio, int | float) and ratio != measured.value:
        if not told and reference is not None:
            parts.append(f"{amount(measured.value, unit)} against {amount(reference, unit)};")
        low, high = measured.detail.get("ratio_low"), measured.detail.get("ratio_high")
        between = "" if low is None or high is None else f", {_LEVEL} {interval(low, high, 2)}"
        parts.append(f"ratio {decimal(ratio, 2)}{between}")
    else:
        parts += [f"{amount(measured.value, unit)},"] if ratio is not None and not told else []
        if measured.low is not None and measured.high is not None:
            parts.append(f"{_LEVEL} {amount(measured.low, unit)} to {amount(measured.high, unit)}")
    brackets = " ".join(parts).rstrip(",;")
    return f"{text.rstrip('.')} ({brackets})." if brackets else text


def _of_tolerance(measured: Measured, tolerance: Any, reason: str) -> str:
    ends = f"{decimal(tolerance[0], 2)} to {decimal(tolerance[1], 2)}"
    beyond = (measured.tolerance_used or 0.0) > 1
    place = f"That is {'outside' if beyond else 'within'} the tolerance of {ends}"
    p = measured.detail.get("p_adjusted", measured.detail.get("p"))
    if measured.verdict == "pass" or p is None:
        return _said(place, "" if measured.verdict == "pass" else reason)
    if measured.verdict == "fail":
        return f"{place} and more than chance explains (p {decimal(p, 3)})."
    return f"{place}, but chance may explain it (p {decimal(p, 3)})."


def _of_limit(measured: Measured, unit: str, reason: str) -> str:
    p = measured.detail.get("p")
    if measured.verdict == "pass" and "ratio" in measured.detail and isinstance(p, int | float):
        return f"That is no more than chance explains (p {decimal(p, 3)})."
    beyond = (measured.tolerance_used or 0.0) > 1
    limit = "" if measured.threshold is None else f" of {amount(measured.threshold, unit)}"
    if measured.verdict == "fail":
        return _said(f"That is beyond the limit{limit}" if limit else "That is not tolerated", reason)
    if measured.verdict == "review":
        return _said(f"That is {'beyond' if beyond else 'within'} the limit{limit}, and needs a look", reason)
    return f"That is within the limit{limit}." if limit else ""


def _said(text: str, reason: str) -> str:
    reason = reason.strip().rstrip(".")
    return f"{text}: {reason}." if reason else f"{text}."


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
