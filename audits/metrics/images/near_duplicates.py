"""Pictures that are copies of one another, also when mirrored, turned, cut, framed or made negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.images.decoding import Greys
from audits.metrics.images.hashes import dct_hash, difference_hash, differing_bits
from audits.metrics.images.looks import LOOKS, WAYS
from audits.metrics.images.prints import Prints

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_ROWS, _COLUMNS, _CHUNK = 64, 4096, 4096
#: Correlations that differ by less are taken as equal when a look is named.
_ALIKE = 0.02


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of pictures that are close in at least one look, sorted by design and then by protected picture.

    ``distance`` is the least mean of the two hashes' Hamming distances over all looks, in bits, 0 to 64. ``correlation``
    is the highest correlation of the 32 x 32 grey levels of the two views, -1 to 1, among the looks that are close
    enough; ``look`` is the plainest of ``LOOKS`` that comes within ``_ALIKE`` of it.
    """

    design: Ints
    protected: Ints
    distance: Floats
    correlation: Floats
    look: Ints

    def __len__(self) -> int:
        return len(self.design)

    def where(self, kept: npt.NDArray[np.bool_] | Ints) -> Matches:
        return Matches(
            self.design[kept],
            self.protected[kept],
            self.distance[kept],
            self.correlation[kept],
            self.look[kept],
        )


def close_pairs(
    designs: Prints, protected: Prints, cap: float, same: bool = False, most: int = 64
) -> Matches:
    """Hold every design against every protected picture, in memory that does not grow with their product.

    Parameters
    ----------
    designs, protected : Prints
    cap : float
        Largest mean Hamming distance of pHash and dHash, in bits of 64, that counts as close.
    same : bool
        Both are the same pictures, in the same order: none is held against itself.
    most : int
        Close looks that are examined further, least distance first, for each design and 4,096 protected pictures.
    """
    found = [
        _best(part)
        for start in range(0, len(designs), _ROWS)
        for part in _parts(designs.part(start, start + _ROWS), start, protected, cap, same, most)
    ]
    nothing = np.zeros(0)
    columns = zip(*found, strict=True) if found else iter([(nothing,)] * 5)
    design, other, distance, correlation, look = (np.concatenate(column) for column in columns)
    order = np.lexsort((other, design))
    whole = (column.astype(np.int64)[order] for column in (design, other, look))
    first, second, seen = whole
    return Matches(first, second, distance[order], correlation[order], seen)


def correlations(one: Greys, other: Greys) -> Floats:
    """Normalised cross-correlation of pictures of the same shape, pair by pair: Pearson's r of their grey levels.

    Shapes (pairs, side, side). 1 is equal up to brightness and contrast, -1 the negative; 0 where one is uniform.
    """
    left, right = (picture.reshape(len(picture), -1).astype(np.float64) for picture in (one, other))
    left -= left.mean(axis=1, keepdims=True)
    right -= right.mean(axis=1, keepdims=True)
    norm = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    product = (left * right).sum(axis=1)
    return np.divide(product, norm, out=np.zeros(len(norm)), where=norm > 0)


_Part = tuple[Ints, Ints, Floats, Floats, Ints]


def _parts(
    designs: Prints, start: int, protected: Prints, cap: float, same: bool, most: int
) -> Iterator[_Part]:
    """The close looks at a few designs, a part of the protected pictures at a time."""
    turned = [way.of(designs.views) for way in WAYS]
    hashed = [(dct_hash(views), difference_hash(views)) for views in turned]
    for first in range(0, len(protected), _COLUMNS):
        part = slice(first, first + _COLUMNS)
        rows, columns, twice, looks = _close(hashed, designs, protected, part, cap)
        columns += first
        if same:
            other = rows + start != columns
            rows, columns, twice, looks = rows[other], columns[other], twice[other], looks[other]
        near = _nearest(rows, twice, most)
        rows, columns, twice, looks = rows[near], columns[near], twice[near], looks[near]
        if len(rows):
            correlation = _correlations(turned, protected.views, rows, columns, looks)
            yield rows + start, columns, twice / 2, correlation, looks


def _close(
    hashed: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]],
    designs: Prints,
    protected: Prints,
    part: slice,
    cap: float,
) -> tuple[Ints, Ints, Ints, Ints]:
    """Row, column, sum of both distances and look of everything that is close and shows something."""
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    cosines, differences = (words[part] for words in protected.hashes)
    for number, look in enumerate(LOOKS):
        own_cosines, own_differences = (words[:, look.design] for words in hashed[look.way])
        other_cosines, other_differences = cosines[:, look.protected], differences[:, look.protected]
        apart = differing_bits(own_cosines[:, None], other_cosines[None, :])
        places = np.flatnonzero(apart.ravel() <= int(2 * cap))  # the second hash is only needed there
        rows, columns = np.divmod(places, apart.shape[1])
        twice = apart.ravel()[places] + differing_bits(own_differences[rows], other_differences[columns])
        close = twice <= 2 * cap
        close &= designs.usable[rows, look.design] & protected.usable[part][columns, look.protected]
        rows, columns = rows[close], columns[close]
        found.append((rows, columns, twice[close].astype(np.int64), np.full(len(rows), number)))
    rows, columns, both, looks = (np.concatenate(column) for column in zip(*found, strict=True))
    return rows, columns, both, looks


def _nearest(rows: Ints, twice: Ints, most: int) -> Ints:
    """Places of the ``most`` least distances of each row."""
    order = np.lexsort((twice, rows))
    sizes = np.bincount(rows[order]) if len(rows) else np.zeros(0, dtype=np.int64)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[np.arange(len(order)) - starts < most]


def _correlations(turned: list[Greys], views: Greys, rows: Ints, columns: Ints, looks: Ints) -> Floats:
    out = np.zeros(len(rows))
    for number in np.unique(looks):
        look = LOOKS[number]
        places = np.flatnonzero(looks == number)
        for start in range(0, len(places), _CHUNK):
            some = places[start : start + _CHUNK]
            own = turned[look.way][rows[some], look.design]
            out[some] = correlations(own, views[columns[some], look.protected])
    return out


def _best(part: _Part) -> _Part:
    """One entry for each pair: the least distance, the highest correlation and the look that explains it most plainly."""
    rows, columns, distance, correlation, looks = part
    order = np.lexsort((looks, columns, rows))
    rows, columns, distance = rows[order], columns[order], distance[order]
    correlation, looks = correlation[order], looks[order]
    first = np.flatnonzero(np.r_[True, (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])])
    highest = np.maximum.reduceat(correlation, first)
    of_pair = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(rows)]))
    plain = np.where(correlation >= highest[of_pair] - _ALIKE, looks, len(LOOKS))
    least = np.minimum.reduceat(distance, first)
    return rows[first], columns[first], least, highest, np.minimum.reduceat(plain, first)
