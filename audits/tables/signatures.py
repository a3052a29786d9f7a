"""How files of images begin."""

from __future__ import annotations

import pyarrow as pa

#: PNG, JPEG, GIF, WebP (a RIFF file), TIFF.
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")


def holds_images(data: pa.Array | pa.ChunkedArray) -> bool:
    """Whether the first value of a column of bytes begins as a picture's file does."""
    for value in data:
        if value.is_valid:
            return value.as_buffer()[:4].to_pybytes().startswith(_SIGNATURES)
    return False
