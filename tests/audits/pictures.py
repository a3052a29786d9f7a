"""Pictures for tests: drawn from a seed, so that all are different and each is the same every time."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw


def motif(seed: int, side: int = 96) -> Image.Image:
    """A white picture with a dozen random grey shapes; no two seeds look alike."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, w, h = (rng.uniform(0.05, 0.95, 4) * side).tolist()
        box = [min(x, w), min(y, h), max(x, w) + 2, max(y, h) + 2]
        shade = int(rng.integers(0, 220))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, outline=shade, width=max(2, side // 24))
    return image


def file_of(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of an image file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def plain(shade: int = 200, side: int = 64) -> Image.Image:
    return Image.new("L", (side, side), shade)


def noise(seed: int, width: int = 240, height: int = 240) -> Image.Image:
    """A coloured picture of noise, large enough for every default limit."""
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)
