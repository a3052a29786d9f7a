"""The ways in which a design is held against a protected picture: what a copyist may have done to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.metrics.images.decoding import Greys
from audits.metrics.images.prints import CENTRE, TRIMMED, VIEWS, WHOLE

_TURNS = ("", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees")
_PAIRS = (
    (WHOLE, WHOLE),
    (TRIMMED, TRIMMED),
    (CENTRE, CENTRE),
    *((WHOLE, crop) for crop in range(CENTRE, len(VIEWS))),
    *((crop, WHOLE) for crop in range(CENTRE, len(VIEWS))),
)


@dataclass(frozen=True, slots=True)
class Way:
    """How a picture is turned over before it is compared: mirrored, then turned by quarters, then made negative."""

    mirrored: bool
    quarters: int
    negative: bool

    def of(self, views: Greys) -> Greys:
        """The pictures turned over so; shape (..., side, side)."""
        if self.mirrored:
            views = views[..., ::-1]
        views = np.rot90(views, self.quarters, axes=(-2, -1))
        return 255 - views if self.negative else views


@dataclass(frozen=True, slots=True)
class Look:
    """One view of the design, turned over, against one view of the protected picture."""

    design: int
    protected: int
    way: int

    @property
    def words(self) -> str:
        """What was done to the protected picture; turns are clockwise, after mirroring."""
        way = WAYS[self.way]
        parts = ["mirrored"] if way.mirrored else []
        clockwise = -way.quarters % 4 if way.mirrored else way.quarters
        parts += [_TURNS[clockwise]] if clockwise else []
        parts += ["negative"] if way.negative else []
        if self.design == self.protected:
            parts += [("", "another border", "another frame")[self.design]] if self.design else []
        elif self.design == WHOLE:
            parts.append(f"cut to its {VIEWS[self.protected]}")
        else:
            parts.append(f"put into the {VIEWS[self.design]} of a larger picture")
        return ", ".join(parts) or "as it is"


WAYS = tuple(
    Way(mirrored, quarters, negative)
    for negative in (False, True)
    for mirrored in (False, True)
    for quarters in range(4)
)
#: Negatives are looked for as a whole and without their border only.
LOOKS = tuple(
    Look(design, protected, way)
    for way, turned in enumerate(WAYS)
    for design, protected in _PAIRS
    if not turned.negative or design == protected < CENTRE
)
