"""The verdict on designs that were held against a protected catalogue, and each pair that looks alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.contract import Measurement, Verdict
from audits.metrics.images.false_matches import Decision
from audits.metrics.images.hashes import BITS
from audits.metrics.images.looks import LOOKS
from audits.metrics.images.near_duplicates import Matches
from audits.metrics.images.reading import Gallery
from audits.metrics.statistics.goodness_of_fit import clopper_pearson
from audits.verdicts.exact_counts import told, used
from audits.verdicts.images.counted_images import clipped, counted, some

SHARE, PAIR = "near-duplicate-share", "near-duplicate"
UNREADABLE, FLAT = "images-unreadable", "images-uniform"
ALIKE, CATALOGUE_ALIKE = "designs-alike-share", "catalogue-alike-share"
#: So many pairs are listed, the surest first.
WORST = 50
_NAME_LENGTH = 190


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was found.

    ``matches`` are the pairs that are close, ``exact`` which of them are the same file. ``catalogue_alike`` of the ``drawn``
    protected designs have a confirmed copy among these, ``designs_alike`` of the designs among the designs.
    """

    designs: Gallery
    catalogue: Gallery
    matches: Matches
    exact: npt.NDArray[np.bool_]
    decision: Decision
    limits: Mapping[str, float]
    drawn: int
    catalogue_alike: int
    designs_alike: int

    @property
    def confirmed(self) -> npt.NDArray[np.bool_]:
        """Which pairs are copies for sure: the same file, or grey levels that agree."""
        return self.exact | (self.matches.correlation >= self.limits["correlation"])

    @property
    def suspected(self) -> npt.NDArray[np.bool_]:
        """Which other pairs are closer than chance brings about."""
        if self.decision.distance is None:
            return np.zeros(len(self.matches), dtype=bool)
        return ~self.confirmed & (self.matches.distance <= self.decision.distance)


def read_completely(gallery: Gallery, where: str) -> list[Measurement]:
    """Whether every image could be read and shows something."""
    bad, flat = gallery.unreadable, gallery.flat
    first = next(iter(bad.values()), "")
    unread = f"not compared: {some(bad)} ({first}); repair or remove what cannot be read"
    uniform = f"not compared, as they are nearly uniform and resemble any other: {some(flat)}; look at them"
    return [
        counted(UNREADABLE, gallery.rows, len(bad), 0.0, unread, where=where, beyond=Verdict.ERRORED),
        counted(FLAT, gallery.rows, len(flat), 0.0, uniform, where=where, beyond=Verdict.INSUFFICIENT),
    ]


def compared(found: Comparison) -> list[Measurement]:
    """The share of designs that are copies, each pair, and what is alike on either side."""
    n, drawn = len(found.designs.prints), found.drawn
    beside = [
        told(ALIKE, "", n, found.designs_alike / n if n else None, **_why_none(n, "designs")),
        told(
            CATALOGUE_ALIKE,
            "",
            drawn,
            found.catalogue_alike / drawn if drawn else None,
            **_why_none(drawn, "protected designs"),
        ),
    ]
    return [_share(found), *_pairs(found), *beside]


def _why_none(n: int, what: str) -> dict[str, str]:
    return {} if n else {"reason": f"there are no {what} that can be compared; give some"}


def _share(found: Comparison) -> Measurement:
    n, limit = len(found.designs.prints), found.limits["share"]
    protected = len(found.catalogue.prints)
    copies = len(np.unique(found.matches.design[found.confirmed]))
    doubtful = np.setdiff1d(found.matches.design[found.suspected], found.matches.design[found.confirmed])
    detail: dict[str, Any] = {
        "copies": copies,
        "suspected": len(doubtful),
        "exact": len(np.unique(found.matches.design[found.exact])),
        "protected": protected,
        "comparisons": n * protected,
        "decision_distance": found.decision.distance,
        "false_match_rate": found.decision.rate,
        "expected_false_matches": found.decision.expected,
        "own_pairs": found.decision.pairs,
    }
    if not n or not protected:
        detail["reason"] = (
            "nothing to compare: no designs, or no protected designs, could be read; give images that show something"
        )
        return Measurement(name=SHARE, n=n, threshold=limit, verdict=Verdict.INSUFFICIENT, detail=detail)
    low, high = (float(end) for end in clopper_pearson(copies, n))
    verdict, reason = _judged(copies, len(doubtful), n, low, found.limits)
    return Measurement(
        name=SHARE,
        n=n,
        value=copies / n,
        low=low,
        high=high,
        threshold=limit,
        tolerance_used=None if verdict is Verdict.INSUFFICIENT else used(copies / n, limit),
        verdict=verdict,
        detail={**detail, **({"reason": reason} if reason else {})},
    )


def _judged(
    copies: int, doubtful: int, n: int, low: float, limits: Mapping[str, float]
) -> tuple[Verdict, str]:
    limit, least = limits["share"], limits["min-designs"]
    if copies / n > limit:
        if low > limit:
            return Verdict.FAIL, f"{copies} designs repeat a protected one; withdraw them or clear the rights"
        return (
            Verdict.REVIEW,
            f"{copies} designs repeat a protected one; chance cannot be ruled out, look at each pair",
        )
    if doubtful:
        return Verdict.REVIEW, f"{doubtful} designs are close to a protected one; look at each pair"
    if n < least:
        return Verdict.INSUFFICIENT, f"{n} designs; at least {least:g} are needed to say that there is none"
    return Verdict.PASS, ""


def _pairs(found: Comparison) -> list[Measurement]:
    matches = found.matches
    confirmed, suspected = found.confirmed, found.suspected
    order = np.lexsort((matches.distance, -matches.correlation, ~found.exact, ~confirmed))
    listed = [int(i) for i in order if confirmed[i] or suspected[i]][:WORST]
    return [_pair(found, i, bool(confirmed[i])) for i in listed]


def _pair(found: Comparison, i: int, confirmed: bool) -> Measurement:
    matches, limit = found.matches, found.limits["correlation"]
    design = found.designs.names[matches.design[i]]
    protected = found.catalogue.names[matches.protected[i]]
    correlation, distance = float(matches.correlation[i]), float(matches.distance[i])
    detail: dict[str, Any] = {
        "design": design,
        "protected": protected,
        "distance": distance,
        "correlation": correlation,
        "correlation_limit": limit,
        "transformation": LOOKS[matches.look[i]].words,
        "exact": bool(found.exact[i]),
        "reason": _why(bool(found.exact[i]), confirmed),
    }
    return Measurement(
        name=PAIR,
        slice=f"{clipped(design, _NAME_LENGTH)} ~ {clipped(protected, _NAME_LENGTH)}",
        n=1,
        value=1 - distance / BITS,
        tolerance_used=max(correlation, 0.0) / limit if not found.exact[i] else max(1.0, correlation / limit),
        verdict=Verdict.FAIL if confirmed else Verdict.REVIEW,
        detail=detail,
    )


def _why(exact: bool, confirmed: bool) -> str:
    if exact:
        return "the same file; withdraw the design or clear the rights"
    if confirmed:
        return "the pictures agree; look at both, then withdraw the design or clear the rights"
    return "the hashes are closer than chance brings about, the pictures agree less; look at both"
