"""Perceptual hashes of 64 bits, of pictures of 32 x 32 grey levels, and how many bits two of them differ in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

SIDE = 32
BITS = 64
_KEPT = 8
_STEPS = np.arange(SIDE)
#: Rows: the eight slowest cosines of the discrete cosine transform II, ``2 cos(pi k (2 x + 1) / 64)``.
_COSINES = 2 * np.cos(np.pi * np.arange(_KEPT)[:, None] * (2 * _STEPS[None, :] + 1) / (2 * SIDE))


def _averages(cells: int) -> npt.NDArray[np.float64]:
    """Mean over ``cells`` equal stretches of 32 pixels, a pixel on a border in parts."""
    edges = np.arange(cells + 1) * SIDE / cells
    shared = np.minimum(edges[1:, None], _STEPS + 1) - np.maximum(edges[:-1, None], _STEPS)
    return np.maximum(shared, 0) * cells / SIDE


_EIGHT, _NINE = _averages(8), _averages(9)
#: Cells of one grey level must not differ by the rounding of their means.
_ROUNDING = 1e-6


def dct_hash(pictures: npt.NDArray[np.number]) -> Words:
    """pHash: which of the 8 x 8 slowest coefficients of the cosine transform lie above their median.

    The picture is ``SIDE`` x ``SIDE``; bits are read row by row, the first one highest. Source: Zauner 2010, "Implementation and
    Benchmarking of Perceptual Image Hash Functions", section 3.1.1. As in the package ImageHash the constant coefficient
    is one of the 64 and nothing is smoothed beforehand; Zauner leaves the first row and column out and smooths by 7 x 7.

    Parameters
    ----------
    pictures : ndarray, shape (..., 32, 32)

    Returns
    -------
    ndarray of uint64, shape (...)
    """
    slow = _COSINES @ pictures.astype(np.float64) @ _COSINES.T
    flat = slow.reshape(*slow.shape[:-2], BITS)
    middle = np.partition(flat, (BITS // 2 - 1, BITS // 2), axis=-1)[..., BITS // 2 - 1 : BITS // 2 + 1]
    return _packed(flat > middle.mean(axis=-1, keepdims=True))


def difference_hash(pictures: npt.NDArray[np.number]) -> Words:
    """dHash: whether a picture of 9 x 8 mean grey levels gets lighter from each cell to its right neighbour.

    Source: the definition that Krawetz published in 2013 ("Kind of like that", hackerfactor.com), which has no paper.

    Parameters
    ----------
    pictures : ndarray, shape (..., 32, 32)

    Returns
    -------
    ndarray of uint64, shape (...)
    """
    cells = _EIGHT @ pictures.astype(np.float64) @ _NINE.T
    lighter = cells[..., 1:] - cells[..., :-1] > _ROUNDING
    return _packed(lighter.reshape(*lighter.shape[:-2], BITS))


def differing_bits(one: Words, other: Words) -> npt.NDArray[np.uint8]:
    """Hamming distance, 0 to 64: bits that are set in ``one ^ other``. Shapes are broadcast."""
    return np.bitwise_count(one ^ other)


def _packed(bits: npt.NDArray[np.bool_]) -> Words:
    flat = np.packbits(bits, axis=-1)
    return np.ascontiguousarray(flat).view(">u8")[..., 0].astype(np.uint64)
