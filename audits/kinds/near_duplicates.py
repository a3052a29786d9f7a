"""Are generated designs copies, or near-copies, of designs that are protected?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from audits.metrics.images.false_matches import Decision, decide
from audits.metrics.images.near_duplicates import Matches, close_pairs
from audits.metrics.images.reading import Gallery
from audits.tables import Table, TableError
from audits.verdicts.images.copied_designs import (
    ALIKE,
    CATALOGUE_ALIKE,
    FLAT,
    PAIR,
    SHARE,
    UNREADABLE,
    Comparison,
    compared,
    read_completely,
)
from audits.verdicts.images.counted_images import checked_limits

ROLES = ("image", "id", "catalogue-image", "catalogue-id")
DEFAULTS: Mapping[str, float] = {
    "share": 0.0,
    "distance": 10.0,
    "correlation": 0.95,
    "false-matches": 0.01,
    "min-designs": 30.0,
    "max-pixels": float(MAX_PIXELS),
}
#: Protected pictures, drawn by the seed, that are held against one another to learn how alike different ones are.
SAMPLE = 500
#: Bits beyond the largest distance within which their pairs are counted, to see how the rate of false matches falls.
_BEYOND = 6.0
_OWN_LOOKS = 256


@audit_kinds.register
class NearDuplicates(AuditKind):
    slug = "near-duplicates"
    label = "Near-duplicates of protected designs"
    dimension = "conduct"
    method = (
        "pHash (Zauner 2010) and dHash of seven views in 120 looks, decision distance from the catalogue's own pairs "
        "(Bonferroni); confirmed by the correlation of grey levels; Clopper-Pearson interval of the share"
    )
    needs_reference = True
    reads = ("images", "catalogue")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=("entity",),
        lines=("roles",),
        roles=ROLES,
        labels={
            "share": "Share of designs that may be copies",
            "distance": "Largest distance looked at (bits of 64)",
            "correlation": "Correlation that confirms a copy",
            "false-matches": "False matches tolerated",
            "min-designs": "Designs needed",
            "max-pixels": "Largest picture (pixels)",
        },
    )
    words: ClassVar[Mapping[str, Words]] = {
        SHARE: Words(
            label="Designs that copy a protected one",
            sentence="{value} of the {n} designs repeat a protected design.",
            unit="share",
        ),
        PAIR: Words(
            label="Copy of a protected design",
            sentence="{slice} look alike: {value} of the hash agrees ({transformation}).",
            unit="share",
        ),
        UNREADABLE: Words(
            label="Images that cannot be read",
            sentence="{value} of the {n} images of the {slice} could not be read.",
            unit="share",
        ),
        FLAT: Words(
            label="Images that show nothing",
            sentence="{value} of the {n} images of the {slice} are nearly uniform and could not be compared.",
            unit="share",
        ),
        ALIKE: Words(
            label="Designs that repeat one another",
            sentence="{value} of the {n} designs repeat another design of the same set.",
            unit="share",
        ),
        CATALOGUE_ALIKE: Words(
            label="Protected designs that look alike",
            sentence="{value} of the {n} protected designs examined look like another one.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        limits, roles = _limits(audit_input.parameters), audit_input.parameters.roles
        image, names = roles.get("image", "image"), roles.get("id", audit_input.parameters.entity)
        reference = audit_input.need_reference()
        shared = names if names in reference.names else None
        designs = _gallery(audit_input.current, image, names, limits)
        catalogue = _gallery(
            reference, roles.get("catalogue-image", image), roles.get("catalogue-id", shared), limits
        )
        out = read_completely(designs, "designs") + read_completely(catalogue, "catalogue")
        own = _own_pairs(catalogue, limits, audit_input.seed)
        return out + compared(_comparison(designs, catalogue, own, limits))


@dataclass(frozen=True, slots=True)
class _OwnPairs:
    """What the catalogue's own pictures say of one another: how many were drawn, and the pairs that are close."""

    drawn: int
    close: Matches


def _limits(parameters: AuditParameters) -> dict[str, float]:
    limits = checked_limits(parameters, DEFAULTS, ROLES)
    for name, low, high in (("share", 0, 1), ("distance", 0, 16), ("correlation", 0.5, 1)):
        if not low <= limits[name] <= high:
            raise AuditInputError(f"threshold {name!r} must lie between {low} and {high}")
    for name, least in (("false-matches", 0.0), ("min-designs", 1.0), ("max-pixels", 1024.0)):
        if limits[name] < least:
            raise AuditInputError(f"threshold {name!r} must be at least {least:g}")
    return limits


def _gallery(table: Table, image: str, names: str | None, limits: Mapping[str, float]) -> Gallery:
    try:
        return Gallery.read(table, image, names, int(limits["max-pixels"]))
    except TableError as error:
        raise AuditInputError(f"{error}; name the columns with roles 'image' and 'id'") from error


def _own_pairs(catalogue: Gallery, limits: Mapping[str, float], seed: int) -> _OwnPairs:
    count = len(catalogue.prints)
    which = np.arange(count)
    if count > SAMPLE:
        which = np.sort(np.random.default_rng(seed).choice(count, SAMPLE, replace=False))
    sample = catalogue.prints.chosen(which)
    found = close_pairs(sample, sample, limits["distance"] + _BEYOND, same=True, most=_OWN_LOOKS)
    return _OwnPairs(len(which), found)


def _comparison(
    designs: Gallery, catalogue: Gallery, own: _OwnPairs, limits: Mapping[str, float]
) -> Comparison:
    matches = close_pairs(designs.prints, catalogue.prints, limits["distance"])
    exact = np.array(
        [
            designs.fingerprints[i] == catalogue.fingerprints[j]
            for i, j in zip(matches.design.tolist(), matches.protected.tolist(), strict=True)
        ],
        dtype=bool,
    )
    within = close_pairs(designs.prints, designs.prints, limits["distance"], same=True)
    return Comparison(
        designs=designs,
        catalogue=catalogue,
        matches=matches,
        exact=exact,
        decision=_decision(len(designs.prints), len(catalogue.prints), own, limits),
        limits=limits,
        drawn=own.drawn,
        catalogue_alike=_alike(own.close, limits),
        designs_alike=_alike(within, limits),
    )


def _decision(designs: int, protected: int, own: _OwnPairs, limits: Mapping[str, float]) -> Decision:
    """Pairs that are confirmed copies of one another say nothing about chance and are left out."""
    close = own.close
    different = close.where((close.design < close.protected) & (close.correlation < limits["correlation"]))
    pairs = own.drawn * (own.drawn - 1) // 2
    return decide(different.distance, pairs, designs * protected, limits["false-matches"], limits["distance"])


def _alike(close: Matches, limits: Mapping[str, float]) -> int:
    """How many pictures have a confirmed copy among the others."""
    sure = (close.correlation >= limits["correlation"]) & (close.distance <= limits["distance"])
    return len(np.unique(close.design[sure]))
