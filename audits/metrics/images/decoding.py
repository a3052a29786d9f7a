"""From the bytes of a file to grey levels, whatever the file is: nothing that stands in it may end a run."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

Greys = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
#: A photograph of 8,000 x 6,000; decoded it takes about 200 MB.
MAX_PIXELS = 50_000_000
#: Grey levels (0 to 255) whose standard deviation is below this: nothing can be told apart.
FLAT = 4.0
_EXIF_ORIENTATION = 0x0112
#: What damaged files make Pillow's readers raise.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)


class UnreadableImageError(ValueError):
    """These bytes are no picture that can be read; the message says why, without naming the picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image: its size in pixels as it is meant to be seen, and its grey levels, 0 (black) to 255.

    ``grey`` may be smaller than the picture where that was asked for. ``digest`` is the SHA-256 of size, colours and
    transparency, the same for every lossless file of one picture; blank unless asked for.
    """

    format: str
    mode: str
    width: int
    height: int
    grey: Greys
    digest: str = ""


def decode(
    content: bytes, max_pixels: int = MAX_PIXELS, within: int | None = None, digest: bool = False
) -> Picture:
    """Decode one file.

    Parameters
    ----------
    content : bytes
        A file of one of ``FORMATS``; of a moving picture the first frame.
    max_pixels : int
        Larger pictures are refused before they are decoded: a small file can claim to be a huge picture.
    within : int, optional
        Sides of so many pixels are enough; large pictures are then decoded faster.
    digest : bool
        Whether to compute the digest; a picture is then decoded in full.

    Raises
    ------
    UnreadableImageError
        When the bytes are damaged, cut off, too large or of another format.
    """
    from PIL import Image

    if not content:
        raise UnreadableImageError("the file is empty or cannot be opened")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd but readable; the bomb warning is our own limit
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return _decoded(image, max_pixels, within, digest)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UnreadableImageError(_too_large(max_pixels)) from error
    except UnreadableImageError:
        raise
    except Image.UnidentifiedImageError as error:
        known = "PNG, JPEG, WebP, GIF or BMP"
        raise UnreadableImageError(f"this is no {known} file, or its beginning is damaged") from error
    except _DAMAGED as error:
        raise UnreadableImageError("the file is damaged or cut off") from error


def is_flat(grey: Greys) -> bool:
    """Whether a picture is nearly uniform: its hash would match anything."""
    return bool(grey.std() < FLAT)


def _decoded(image: Image.Image, max_pixels: int, within: int | None, digest: bool) -> Picture:
    from PIL import ImageOps

    width, height = image.size
    if width * height > max_pixels:
        raise UnreadableImageError(_too_large(max_pixels))
    kind, mode = str(image.format), image.mode
    if within is not None and not digest:
        image.draft("L", (within, within))
    image.load()
    turned = image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    if turned:
        width, height = height, width
    upright = ImageOps.exif_transpose(image)
    if within is not None and max(upright.size) >= 2 * within:
        upright = _reduced(upright, max(upright.size) // within)
    return Picture(kind, mode, width, height, _grey(upright), _digest(upright) if digest else "")


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    if image.mode == "P":
        image = image.convert("RGBA")
    return image.reduce(factor)


def _grey(image: Image.Image) -> Greys:
    """Grey levels (ITU-R 601 luma) over white; over black where nothing shows on white."""
    if image.mode.startswith(("I", "F")):
        return _scaled(image)
    if "A" not in image.getbands() and "transparency" not in image.info:
        return np.asarray(image.convert("L"), dtype=np.uint8)
    from PIL import Image as Pillow

    clear = image.convert("RGBA")
    levels = np.empty((0, 0), dtype=np.uint8)
    for ground in ("white", "black"):
        over = Pillow.alpha_composite(Pillow.new("RGBA", clear.size, ground), clear)
        levels = np.asarray(over.convert("L"), dtype=np.uint8)
        if not is_flat(levels):
            break
    return levels


def _scaled(image: Image.Image) -> Greys:
    """Pictures of more than 256 levels: 16 bits where they use them, else the range that occurs."""
    levels = np.asarray(image, dtype=np.float64)
    if image.mode.startswith("I;16"):
        return np.asarray(levels / 257, dtype=np.uint8)
    low, high = float(levels.min()), float(levels.max())
    scale = 255 / (high - low) if high > low else 0.0
    return np.asarray((levels - low) * scale, dtype=np.uint8)


def _digest(image: Image.Image) -> str:
    found = hashlib.sha256(f"{image.size[0]}x{image.size[1]}".encode())
    if image.mode.startswith(("I", "F")):
        found.update(image.mode.encode())
        found.update(np.ascontiguousarray(np.asarray(image)).tobytes())
    else:
        found.update(np.ascontiguousarray(np.asarray(image.convert("RGBA"))).tobytes())
    return found.hexdigest()


def _too_large(max_pixels: int) -> str:
    return (
        f"the picture has more than {max_pixels} pixels; give a smaller one, or raise threshold 'max-pixels'"
    )
