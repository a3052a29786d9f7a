"""A set of images, looked through once: sizes, kinds of file, damage, blanks, copies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audits.metrics.images.decoding import Greys, Picture, is_flat
from audits.metrics.images.prints import Prints, views_of
from audits.metrics.images.reading import read_pictures
from audits.metrics.images.sharpness import laplacian_variance
from audits.tables import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Only so many images, drawn by the seed, are compared for near-duplicates: each takes 7 kB.
COMPARED = 3000


@dataclass(slots=True)
class Survey:
    """What was found, one entry for each readable image; ``rows`` are their places in the table.

    ``pictures`` numbers the different pictures: images of one number have the same pixels. ``prints`` are those of the
    images at ``compared`` (places in these lists). ``reasons`` counts why images are unreadable, ``damaged`` are their rows.
    """

    rows: Ints
    width: Ints
    height: Ints
    sharpness: Floats
    uniform: npt.NDArray[np.bool_]
    pictures: Ints
    prints: Prints
    compared: Ints
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    damaged: list[int] = field(default_factory=list)

    @property
    def repeated(self) -> int:
        """Images whose pixels another image before them has."""
        return len(self.pictures) - len(np.unique(self.pictures))

    @property
    def odd_shapes(self) -> Floats:
        """How many times wider or narrower than the median shape each image is, at least 1."""
        shape = np.log(self.width / self.height)
        return np.asarray(np.exp(np.abs(shape - np.median(shape)))) if len(shape) else np.zeros(0)


def survey(table: Table, column: str, max_pixels: int, seed: int) -> Survey:
    """Look through a column of images, one in memory at a time.

    Raises
    ------
    TableError
        When the column is missing, unreadable or holds something else.
    """
    chosen = _chosen(table.rows, seed)
    taken = _Taken()
    reasons: Counter[str] = Counter()
    damaged: list[int] = []
    for read in read_pictures(table, column, max_pixels, digest=True):
        if read.picture is None:
            reasons[read.reason] += 1
            damaged.append(read.row)
        else:
            taken.take(read.row, read.picture, chosen is None or read.row in chosen)
    return taken.survey(reasons, damaged)


def differing(groups: Ints, labels: Ints) -> npt.NDArray[np.bool_]:
    """Which rows belong to a group that has two labels or more; a label below 0 is none.

    Parameters
    ----------
    groups, labels : ndarray of int, shape (n,)
    """
    known = labels >= 0
    pairs = np.unique(np.stack([groups[known], labels[known]], axis=1), axis=0)
    found, counts = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(groups, found[counts > 1]) & known


def evenness(counts: Ints) -> float:
    """Entropy of the shares over that of equal shares, ``-sum p ln p / ln k``; 1 is even, NaN with fewer than 2 labels."""
    if len(counts) < 2:
        return float("nan")
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum() / np.log(len(counts)))


def _chosen(rows: int, seed: int) -> frozenset[int] | None:
    if rows <= COMPARED:
        return None
    return frozenset(np.random.default_rng(seed).choice(rows, COMPARED, replace=False).tolist())


@dataclass(slots=True)
class _Taken:
    rows: list[int] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    uniform: list[bool] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    digests: dict[str, int] = field(default_factory=dict)
    views: list[Greys] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)

    def take(self, row: int, picture: Picture, compare: bool) -> None:
        uniform = is_flat(picture.grey)
        if compare and not uniform:
            self.compared.append(len(self.rows))
            self.views.append(views_of(picture.grey))
        self.rows.append(row)
        self.sizes.append((picture.width, picture.height))
        self.sharpness.append(laplacian_variance(picture.grey))
        self.uniform.append(uniform)
        self.pictures.append(self.digests.setdefault(picture.digest, len(self.digests)))
        self.formats[picture.format] += 1
        self.modes[picture.mode] += 1

    def survey(self, reasons: Counter[str], damaged: list[int]) -> Survey:
        sizes = np.array(self.sizes, dtype=np.int64).reshape(-1, 2)
        return Survey(
            rows=np.array(self.rows, dtype=np.int64),
            width=sizes[:, 0],
            height=sizes[:, 1],
            sharpness=np.array(self.sharpness),
            uniform=np.array(self.uniform, dtype=bool),
            pictures=np.array(self.pictures, dtype=np.int64),
            prints=Prints.of(self.views),
            compared=np.array(self.compared, dtype=np.int64),
            formats=self.formats,
            modes=self.modes,
            reasons=reasons,
            damaged=damaged,
        )
