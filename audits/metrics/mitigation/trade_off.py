"""Utility against disparity: which candidates are worth a choice, and the curve that they lie on. Light: pages use it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

TODAY = "today"
#: The last part of the name of every measurement that is a disparity.
DISPARITY = "-disparity"
#: What a candidate is worth; each run has one of them.
UTILITIES = ("balanced-accuracy", "forecast-accuracy", "list-quality")


class Measured(Protocol):
    """A measurement of a run, stored or just computed."""

    @property
    def name(self) -> str: ...
    @property
    def slice(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def verdict(self) -> str: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Point:
    """A candidate on the curve; ``today`` is the model as it is.

    ``utility`` is better when higher. ``ratio`` is that of the ``group`` that stands farthest from the others, 1 for no
    disparity; None where it is not finite. ``targeted``: the candidate was made for this measure.
    """

    label: str
    family: str
    utility: float
    utility_low: float | None
    utility_high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    group: str
    today: bool
    pareto: bool
    targeted: bool
    verdict: str
    reason: str

    @property
    def distance(self) -> float | None:
        """How far the ratio is from 1 on the log scale, whichever way; 0 without a disparity."""
        return abs(math.log(self.ratio)) if self.ratio else None


@dataclass(frozen=True, slots=True)
class Curve:
    """All candidates by one measure of disparity. ``front`` holds the best ones, from least to most disparity."""

    measure: str
    utility: str
    tolerance: float
    points: tuple[Point, ...]
    front: tuple[Point, ...]


def pareto(utility: Sequence[float], distance: Sequence[float]) -> list[bool]:
    """Which points nothing else beats: no other has as much utility and as little disparity, and more or less of one.

    Points that agree in both are all kept.

    Parameters
    ----------
    utility : sequence of float
        Better when higher.
    distance : sequence of float
        Better when lower; at least 0.

    Examples
    --------
    >>> pareto([0.9, 0.8, 0.7], [0.5, 0.1, 0.2])
    [True, True, False]
    """
    pairs = list(zip(utility, distance, strict=True))
    return [
        not any(u >= own_u and d <= own_d and (u > own_u or d < own_d) for u, d in pairs)
        for own_u, own_d in pairs
    ]


def trade_off(measurements: Iterable[Measured]) -> list[Curve]:
    """The curves of a run, one for each measure of disparity, in the order of the run.

    A candidate without a utility or without a number for a measure has no point there.
    """
    found = list(measurements)
    utilities = {m.slice: m for m in found if m.name in UTILITIES and m.value is not None}
    measures = dict.fromkeys(m.name for m in found if m.name.endswith(DISPARITY))
    curves = []
    for measure in measures:
        own = [m for m in found if m.name == measure and m.slice in utilities and m.detail.get("group")]
        points = tuple(_point(m, utilities[m.slice]) for m in own)
        if not points:
            continue
        tolerance = next((float(m.detail["tolerance"][0]) for m in own if "tolerance" in m.detail), 0.8)
        front = sorted((p for p in points if p.pareto), key=lambda p: (p.distance or 0.0, -p.utility))
        curves.append(Curve(measure, utilities[own[0].slice].name, tolerance, points, tuple(front)))
    return curves


def _point(disparity: Measured, utility: Measured) -> Point:
    detail = disparity.detail
    return Point(
        label=disparity.slice,
        family=str(detail.get("family", "")),
        utility=float(utility.value or 0.0),
        utility_low=utility.low,
        utility_high=utility.high,
        ratio=disparity.value,
        ratio_low=disparity.low,
        ratio_high=disparity.high,
        group=str(detail["group"]),
        today=disparity.slice == TODAY,
        pareto=bool(detail.get("pareto")),
        targeted=bool(detail.get("targeted")),
        verdict=str(disparity.verdict),
        reason=str(detail.get("reason", "")),
    )


def settings_of(measurements: Iterable[Measured], candidate: str) -> dict[str, Any]:
    """What is needed to put a candidate into practice, as JSON; empty for one that the run does not have."""
    for measured in measurements:
        if measured.name in UTILITIES and measured.slice == candidate:
            detail = measured.detail
            kept = (
                "family",
                "settings",
                "thresholds",
                "weights",
                "shares",
                "factors",
                "utility",
                "disparity",
                "loss",
            )
            return {"candidate": candidate} | {name: detail[name] for name in kept if name in detail}
    return {}
