"""Pictures for the audits of images: the protected catalogue of marks, and listing photos that copy some of them.

The marks are real; trademarks remain their owners'. Copies and photos are simulated, as in ``listing_intake``. Half of the
photos show altered copies of marks of the catalogue, the others genuine marks that are not in it: what a search for copies must find,
and what it must leave alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from PIL import Image

from config.demo.contract import DatasetCard, PlanDraft, SnapshotDraft
from config.demo.listing_photos import QUALITIES, photograph
from config.demo.mark_alterations import counterfeit
from config.demo.marks import Brand, Images, draw_mark

SIDE = 128
#: Photos of each sort: copies of protected marks, and marks that are not protected.
PHOTOS = 200
#: Of the brands outside fashion and luxury, every third is in the catalogue; the others are seen in photos only.
_PROTECTED_EVERY = 3
CATALOGUE = DatasetCard(
    name="protected-marks",
    description="Marks that the house looks out for: all of fashion and luxury, and every third of the other brands.",
    source="simple-icons-pack; trademarks remain their owners'",
    owner="Brand protection",
)
GALLERY = replace(
    CATALOGUE,
    name="listing-photos",
    description="Photos of listings: altered copies of protected marks, and marks that are not protected.",
    simulated=(
        "The brand marks are real, their alterations and the photos of them are computed; which photo shows a copy is known "
        "from how it was made."
    ),
)


def gallery_snapshots(brands: Sequence[Brand], seed: int) -> tuple[SnapshotDraft, SnapshotDraft]:
    """The snapshots of the roles ``images`` and ``catalogue``."""
    protected, others = _split(brands)
    rng = np.random.default_rng((seed, 4))
    return (
        SnapshotDraft(role="images", dataset=GALLERY, table=_photos(protected, others, rng)),
        SnapshotDraft(role="catalogue", dataset=CATALOGUE, table=_catalogue(protected)),
    )


def gallery_plans() -> tuple[PlanDraft, ...]:
    """Audits of the pictures: copies, image data, and whether photos of all qualities are there as they should be."""
    return (
        PlanDraft(
            kind="near-duplicates",
            name="Photos that show a protected mark",
            parameters={"roles": {"id": "photo", "catalogue-id": "mark"}},
        ),
        PlanDraft(
            kind="image-data",
            name="Are the photos fit for use?",
            parameters={
                "roles": {"id": "photo"},
                "columns": ["photo_quality", "industry"],
                "thresholds": {"min-side": float(SIDE)},
            },
        ),
        PlanDraft(
            kind="representation",
            name="Photos of all qualities",
            parameters={
                "sensitive": ["photo_quality"],
                "population": {f"photo_quality={quality.name}": 1 / len(QUALITIES) for quality in QUALITIES},
            },
        ),
    )


def _split(brands: Sequence[Brand]) -> tuple[list[Brand], list[Brand]]:
    """Brands whose marks are protected, and the others."""
    outside = [brand for brand in brands if not brand.in_fashion]
    protected = [brand for brand in brands if brand.in_fashion] + outside[::_PROTECTED_EVERY]
    return protected, [brand for place, brand in enumerate(outside) if place % _PROTECTED_EVERY]


def _catalogue(brands: Sequence[Brand]) -> pa.Table:
    images = [_png(draw_mark(brand.svg, SIDE)) for brand in brands]
    return pa.table(
        {"mark": pa.array([brand.slug for brand in brands]), "image": pa.array(images, pa.binary())}
    )


def _photos(protected: Sequence[Brand], others: Sequence[Brand], rng: np.random.Generator) -> pa.Table:
    rows = [*_shown(protected, rng, copied=True), *_shown(others, rng, copied=False)]
    names = ("image", "photo_quality", "alteration", "industry", "licence", "source", "copied")
    columns = dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))
    numbers = pa.array([f"photo-{number:03d}" for number in range(len(rows))])
    image = pa.array(columns.pop("image"), pa.binary())
    return pa.table({"photo": numbers, "image": image, **columns})


def _shown(
    brands: Sequence[Brand], rng: np.random.Generator, *, copied: bool
) -> Iterator[tuple[object, ...]]:
    for place in rng.choice(len(brands), size=min(PHOTOS, len(brands)), replace=False):
        brand = brands[int(place)]
        mark = draw_mark(brand.svg, SIDE)
        shown, alteration = counterfeit(mark, rng) if copied else (mark, None)
        quality = QUALITIES[int(rng.integers(len(QUALITIES)))]
        photo = _png(photograph(shown, quality, rng))
        yield photo, quality.name, alteration, brand.industry, brand.licence, brand.source, int(copied)


def _png(image: Images) -> bytes:
    """Ink black on white, as people see it."""
    grey = np.round(255.0 - 255.0 * np.clip(image, 0.0, 1.0)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()
