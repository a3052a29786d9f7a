"""The catalogue of genuine brand marks, drawn from the SVG outlines in ``simple-icons-pack``.

A mark is a square grey image as float32: 0 is bare ground, 1 is full ink. Trademarks remain their owners'.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import resvg_py
import simple_icons_pack
from PIL import Image

Images = npt.NDArray[np.float32]

SIDE = 64
#: The icons are drawn on a 24 x 24 canvas edge to edge; three units of ground around it leave room for the camera.
_ICON_CANVAS = 'viewBox="0 0 24 24"'
_PADDED_CANVAS = 'viewBox="-3 -3 30 30"'

#: Clothing, sportswear and luxury brands of the icon set, and the marketplaces that sell them.
FASHION_SLUGS = frozenset(
    [
        "adidas",
        "burton",
        "dior",
        "expressdotcom",
        "farfetch",
        "fila",
        "handm",
        "hellyhansen",
        "hermes",
        "jordan",
        "lining",
        "macys",
        "newbalance",
        "nike",
        "puma",
        "reebok",
        "spreadshirt",
        "stockx",
        "styleshare",
        "teepublic",
        "thenorthface",
        "threadless",
        "underarmour",
        "uniqlo",
        "uniqlo_ja",
        "veepee",
        "vinted",
        "zalando",
        "zara",
    ]
)


#: Of the icon set itself, for all icons that name no licence of their own.
ICON_LICENCE = "CC0-1.0"


class Brand(NamedTuple):
    """One entry of the catalogue. ``licence`` is an SPDX identifier or an address, ``source`` where the mark came from."""

    slug: str
    title: str
    svg: str
    licence: str = ""
    source: str = ""

    @property
    def in_fashion(self) -> bool:
        return self.slug in FASHION_SLUGS

    @property
    def industry(self) -> str:
        return "fashion and luxury" if self.in_fashion else "other"


def catalogue_brands() -> list[Brand]:
    """All brands by slug, without the few whose picture licence forbids altered copies (Creative Commons ND)."""
    names = [name for name in dir(simple_icons_pack) if name.startswith("SI_")]
    icons = [getattr(simple_icons_pack, name) for name in names]
    usable = [icon for icon in icons if "-ND" not in (icon.license or "")]
    return sorted(
        Brand(icon.slug, icon.title, icon.svg, icon.license or ICON_LICENCE, icon.source) for icon in usable
    )


def draw_mark(svg: str, side: int = SIDE) -> Images:
    """Draw an icon's outline into a ``side`` x ``side`` image, ink 1 on ground 0."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg.replace(_ICON_CANVAS, _PADDED_CANVAS),
        width=side,
        height=side,
        background="#ffffff",
        skip_system_fonts=True,
    )
    grey = np.asarray(Image.open(io.BytesIO(bytes(png)), formats=["PNG"]).convert("L"), dtype=np.float32)
    return 1.0 - grey / np.float32(255.0)


def draw_marks(brands: Iterable[Brand], side: int = SIDE) -> Images:
    """Draw every brand's mark; shape (n_brands, side, side)."""
    return np.stack([draw_mark(brand.svg, side) for brand in brands])
