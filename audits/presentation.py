"""What a kind tells pages about itself: the settings that its plans have, and the words for what it measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the plan editor offers for a kind.

    ``limits`` are named thresholds with their defaults, ``columns`` the parameters that name a column or several.
    ``columns_help`` says what the parameter ``columns`` itself does.
    ``methods`` are the values that the parameter ``method`` may have, besides none. ``free_limits``: any other limit may be
    written as ``name = number``. ``lines`` are parameters with several entries, written one a line; ``roles`` are the names
    that the parameter of that name knows. ``texts`` are parameters that are one line of text. ``labels`` names limits as a person reads them, where their slug does not.
    """

    limits: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ("columns",)
    columns_help: str = "None chosen means every column."
    methods: tuple[str, ...] = ()
    free_limits: bool = False
    lines: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How pages speak of a measurement.

    ``label`` heads its chart and its rows. ``sentence`` is what it found, in plain words, without the verdict; it may hold
    ``{slice}``, ``{group}`` (the slice without its column), ``{value}``, ``{low}``, ``{high}``, ``{reference}``, ``{ratio}``,
    ``{threshold}``, ``{n}`` and the key of any number or text in the measurement's detail. Of groups that are compared: ``{who}``
    (the group 65+ (age)), ``{others}``, ``{often}`` (half as often as) and ``{large}`` (20 % smaller than), and ``{outcome}`` and
    ``{for_outcome}`` (what stands behind the name's colon). A sentence that asks for what is not there gives way to one made from the name;
    the interval is added where a sentence does not tell it. A kind's words for the name ``*`` are those of any name it does not list.
    ``against`` is what a group is compared with, where that is not everybody else. ``unit`` says how the value is written: 0.167 is
    16.7 % as a ``share``, 0.17 as a ``number`` or ``ratio``; ``count`` and ``days`` are whole.
    """

    label: str
    sentence: str = ""
    against: str = ""
    unit: Literal["number", "share", "ratio", "count", "days", "p"] = "number"
