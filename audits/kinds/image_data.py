"""Are the images of a data set sound: readable, large enough, different, tagged, and in one split each?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Words,
    audit_kinds,
)
from audits.metrics.images.decoding import MAX_PIXELS
from audits.metrics.images.reading import row_names
from audits.metrics.images.survey import Ints, survey
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.images.counted_images import check_shares, checked_limits
from audits.verdicts.images.image_sets import (
    ALIKE,
    CONFLICT,
    EVENNESS,
    FORMAT,
    LABEL,
    LEAK,
    LEAK_ALIKE,
    MISSING,
    MODE,
    ODD,
    REPEATED,
    SHARPNESS,
    SMALL,
    SMALLEST,
    UNIFORM,
    UNREADABLE,
    Images,
    conflicting,
    copies,
    files,
    tagged,
)

ROLES = ("image", "id", "label", "split", "tag")
SHARES: Mapping[str, float] = {
    UNREADABLE: 0.0,
    UNIFORM: 0.0,
    SMALL: 0.05,
    ODD: 0.05,
    REPEATED: 0.01,
    MISSING: 0.05,
    CONFLICT: 0.0,
    LEAK: 0.0,
    LEAK_ALIKE: 0.0,
}
DEFAULTS: Mapping[str, float] = {
    **SHARES,
    "min-side": 224.0,
    "shape": 2.0,
    "min-label": 30.0,
    "max-pixels": float(MAX_PIXELS),
}


@audit_kinds.register
class ImageData(AuditKind):
    slug = "image-data"
    label = "Image data"
    dimension = "quality"
    method = (
        "size, shape, damage and blanks counted in full; copies by SHA-256 of the pixels and by perceptual hash; variance of "
        "the Laplacian (Pech-Pacheco et al. 2000); tags missing, uneven or in conflict"
    )
    reads = ("images", "")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=("columns", "sensitive", "entity"),
        columns_help="Tags of the images: are they filled in, and how even are their labels?",
        lines=("roles",),
        roles=ROLES,
        labels={
            UNREADABLE: "Images that cannot be read",
            UNIFORM: "Images that show nothing",
            SMALL: "Images that are too small",
            ODD: "Images of an odd shape",
            REPEATED: "Repeated images",
            MISSING: "Missing tags",
            CONFLICT: "Pictures with two labels",
            LEAK: "Pictures in two splits",
            LEAK_ALIKE: "Similar pictures in two splits",
            "min-side": "Shortest side (pixels)",
            "shape": "Times wider or narrower than the median",
            "min-label": "Images of a label needed",
            "max-pixels": "Largest picture (pixels)",
        },
    )
    words: ClassVar[Mapping[str, Words]] = {
        UNREADABLE: Words(
            label="Images that cannot be read",
            sentence="Of {n} images, {value} could not be read.",
            unit="share",
        ),
        UNIFORM: Words(
            label="Images that show nothing", sentence="Of {n} images, {value} are blank.", unit="share"
        ),
        SMALL: Words(
            label="Images that are too small",
            sentence="Of {n} images, {value} have a side below {min_side} pixels.",
            unit="share",
        ),
        ODD: Words(
            label="Images of an odd shape",
            sentence="Of {n} images, {value} are far wider or narrower than the others.",
            unit="share",
        ),
        FORMAT: Words(
            label="Images by kind of file",
            sentence="Of {n} images, {value} are {slice} files.",
            unit="share",
        ),
        MODE: Words(
            label="Images by colour mode",
            sentence="Of {n} images, {value} have the colour mode {slice}.",
            unit="share",
        ),
        SHARPNESS: Words(
            label="Sharpness",
            sentence="Half of the {n} images have a sharpness of {value} or more; compare it over time.",
        ),
        REPEATED: Words(
            label="Repeated images",
            sentence="Of {n} images, {value} repeat another one exactly.",
            unit="share",
        ),
        ALIKE: Words(
            label="Nearly repeated images",
            sentence="Of {n} images compared, {value} look like another one.",
            unit="share",
        ),
        MISSING: Words(
            label="Missing tags", sentence="Of {n} images, {value} lack the tag {slice}.", unit="share"
        ),
        LABEL: Words(
            label="Images by label", sentence="Of {n} images with the tag, {value} are {group}.", unit="share"
        ),
        EVENNESS: Words(
            label="Evenness of labels",
            sentence="The labels of {slice} are spread with an evenness of {value}, where 1 is equal shares.",
        ),
        SMALLEST: Words(
            label="Rarest label",
            sentence="The rarest label of {slice} has {value} images; {threshold} are needed.",
            unit="count",
        ),
        CONFLICT: Words(
            label="Pictures with two labels",
            sentence="Of {n} images, {value} show a picture that also has another label.",
            unit="share",
        ),
        LEAK: Words(
            label="Pictures in two splits",
            sentence="Of {n} images, {value} show a picture that the model is both trained and tested on.",
            unit="share",
        ),
        LEAK_ALIKE: Words(
            label="Similar pictures in two splits",
            sentence="Of {n} images compared, {value} look like one in another split.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        limits, roles = _limits(parameters), parameters.roles
        try:
            names = row_names(table, roles.get("id", parameters.entity))
            found = survey(table, roles.get("image", "image"), int(limits["max-pixels"]), audit_input.seed)
        except TableError as error:
            raise AuditInputError(f"{error}; name the columns with roles 'image' and 'id'") from error
        images = Images(found, names, limits)
        out = [*files(images)]
        out += _split(images, table, roles.get("split"))
        out += _labelled(images, table, roles.get("label"))
        for name in _tags(parameters):
            try:
                out += tagged(table, name, limits)
            except TableError as error:
                out.append(errored(MISSING, name, str(error)))
        return out


def _split(images: Images, table: Table, column: str | None) -> list[Measurement]:
    if column is None:
        return copies(images, None)
    try:
        splits = _codes(images, table, column)
    except TableError as error:
        return [*copies(images, None), errored(LEAK, "", str(error))]
    return copies(images, splits)


def _labelled(images: Images, table: Table, column: str | None) -> list[Measurement]:
    if column is None:
        return []
    try:
        return conflicting(images, _codes(images, table, column))
    except TableError as error:
        return [errored(CONFLICT, "", str(error))]


def _codes(images: Images, table: Table, column: str) -> Ints:
    """The label of each readable image as a number, -1 where it has none or a blank one."""
    codes, labels = table.column(column).codes()
    known = np.array([*(bool(label.strip()) for label in labels), False], dtype=bool)[codes]
    return np.where(known, codes, -1)[images.survey.rows]


def _tags(parameters: AuditParameters) -> list[str]:
    tag = parameters.roles.get("tag")
    return list(dict.fromkeys([*parameters.columns, *parameters.sensitive, *([tag] if tag else [])]))


def _limits(parameters: AuditParameters) -> dict[str, float]:
    limits = checked_limits(parameters, DEFAULTS, ROLES)
    check_shares(limits, SHARES)
    for name, least in (("min-side", 1.0), ("shape", 1.0), ("min-label", 1.0), ("max-pixels", 1024.0)):
        if limits[name] < least:
            raise AuditInputError(f"threshold {name!r} must be at least {least:g}")
    return limits
