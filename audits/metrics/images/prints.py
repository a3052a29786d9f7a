"""What is kept of each picture to find its near-duplicates: small views of the whole and of its parts, and their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.metrics.images.decoding import FLAT, Greys
from audits.metrics.images.hashes import SIDE, Words, dct_hash, difference_hash

if TYPE_CHECKING:
    from PIL import Image

#: Larger pictures are first made smaller by whole pixels, down to sides between this and twice this.
WITHIN = 256
#: A pixel this many grey levels away from the ground is part of the motif; JPEG noise stays below it.
_INK = 24
_LEAST_SIDE = 4
_AT_ONCE = 256
#: Left and upper edge and side of the crops, as shares of the picture.
_CROPS = ((0.1, 0.1, 0.8), (0.0, 0.0, 0.8), (0.2, 0.0, 0.8), (0.0, 0.2, 0.8), (0.2, 0.2, 0.8))
VIEWS = (
    "whole",
    "without border",
    "centre",
    "upper left",
    "upper right",
    "lower left",
    "lower right",
)
WHOLE, TRIMMED, CENTRE = 0, 1, 2


@dataclass(frozen=True)
class Prints:
    """The views of some pictures; ``views`` has shape (pictures, 7, 32, 32)."""

    views: Greys

    def __len__(self) -> int:
        return len(self.views)

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Which views show anything at all, shape (pictures, 7)."""
        return self._each(lambda views: np.asarray(views.std(axis=(-2, -1)) >= FLAT))

    @cached_property
    def hashes(self) -> tuple[Words, Words]:
        """pHash and dHash of the views, shape (pictures, 7) each."""
        return self._each(dct_hash), self._each(difference_hash)

    def _each(self, computed: Callable[[Greys], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """A few pictures at a time: numbers in between take 8 bytes a pixel."""
        starts = range(0, max(len(self), 1), _AT_ONCE)
        return np.concatenate([computed(self.views[start : start + _AT_ONCE]) for start in starts])

    def part(self, start: int, stop: int) -> Prints:
        return Prints(self.views[start:stop])

    def chosen(self, which: Sequence[int] | npt.NDArray[np.integer]) -> Prints:
        return Prints(self.views[np.asarray(which, dtype=np.int64)])

    @classmethod
    def of(cls, views: Sequence[Greys]) -> Prints:
        empty = np.zeros((0, len(VIEWS), SIDE, SIDE), dtype=np.uint8)
        return cls(np.stack(views) if len(views) else empty)


def views_of(grey: Greys) -> Greys:
    """The seven views of one picture, shape (7, 32, 32): each part scaled to a square by Lanczos' filter."""
    from PIL import Image

    image = Image.fromarray(grey)
    if max(image.size) >= 2 * WITHIN:
        image = image.reduce(max(image.size) // WITHIN)
    width, height = image.size
    boxes = [(0.0, 0.0, float(width), float(height)), _motif(np.asarray(image))]
    boxes += [(x * width, y * height, (x + s) * width, (y + s) * height) for x, y, s in _CROPS]
    return np.stack([_small(image, box) for box in boxes])


def _small(image: Image.Image, box: tuple[float, float, float, float]) -> Greys:
    from PIL.Image import Resampling

    return np.asarray(image.resize((SIDE, SIDE), Resampling.LANCZOS, box=box), dtype=np.uint8)


def _motif(levels: Greys) -> tuple[float, float, float, float]:
    """The box of everything that differs from the ground, the median of the border's pixels; else the whole."""
    height, width = levels.shape
    ground = np.median(np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]]))
    ink = np.abs(levels.astype(np.float64) - ground) > _INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows) or min(rows[-1] - rows[0], columns[-1] - columns[0]) < _LEAST_SIDE:
        return 0.0, 0.0, float(width), float(height)
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
