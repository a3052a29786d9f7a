"""May the model learn from its images: do licences allow it, is the source known, are makers credited, do people agree?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

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
from audits.metrics.images.licences import OWN, UNKNOWN, licence_of
from audits.metrics.images.origins import Licences, filled, licences, said_yes
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.images.counted_images import check_shares, checked_limits
from audits.verdicts.images.licences import (
    ACQUIRED,
    BY_TERMS,
    CONSENT,
    CREDIT,
    FORBIDDEN,
    NOT_ACCEPTED,
    SHARE_ALIKE,
    SOURCE,
    UNLICENSED,
    Origins,
    consented,
    credited,
    dated,
    licensed,
    sourced,
)

ROLES = ("licence", "source", "creator", "acquired_at", "person", "consent")
METHODS = ("commercial", "non-commercial")
ACCEPTED = "licence"
DEFAULTS: Mapping[str, float] = dict.fromkeys(
    (UNLICENSED, FORBIDDEN, NOT_ACCEPTED, SHARE_ALIKE, SOURCE, CREDIT, ACQUIRED, CONSENT), 0.0
)


@audit_kinds.register
class ImageProvenance(AuditKind):
    slug = "image-provenance"
    label = "Provenance of training images"
    dimension = "conduct"
    method = (
        "every image's licence by its SPDX identifier and the terms of the Creative Commons deeds; source, credit, date and "
        "consent counted in full"
    )
    reads = ("training", "")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=(),
        methods=METHODS,
        lines=("references", "roles"),
        roles=ROLES,
        labels={
            UNLICENSED: "Images without a known licence",
            FORBIDDEN: "Images whose licence forbids the use",
            NOT_ACCEPTED: "Images under a licence that is not accepted",
            SHARE_ALIKE: "Images under a share-alike licence",
            SOURCE: "Images without a source",
            CREDIT: "Images whose maker is not named",
            ACQUIRED: "Images without a date",
            CONSENT: "Images of people without consent",
        },
    )
    words: ClassVar[Mapping[str, Words]] = {
        UNLICENSED: Words(
            label="Images without a known licence",
            sentence="Of {n} images, {value} have no licence that is known.",
            unit="share",
        ),
        FORBIDDEN: Words(
            label="Images whose licence forbids the use",
            sentence="Of {n} images, {value} are under a {slice} licence, which does not allow this use.",
            unit="share",
        ),
        NOT_ACCEPTED: Words(
            label="Images under a licence that is not accepted",
            sentence="Of {n} images, {value} are under a licence that the house has not accepted.",
            unit="share",
        ),
        SHARE_ALIKE: Words(
            label="Images under a share-alike licence",
            sentence="Of {n} images, {value} ask that what is made from them is shared alike.",
            unit="share",
        ),
        BY_TERMS: Words(
            label="Images by terms of their licence",
            sentence="Of {n} images, {value} are under terms of the kind {slice}.",
            unit="share",
        ),
        SOURCE: Words(
            label="Images without a source",
            sentence="Of {n} images, {value} have no source on record.",
            unit="share",
        ),
        CREDIT: Words(
            label="Images whose maker is not named",
            sentence="Of {n} images that ask for credit, {value} name no maker.",
            unit="share",
        ),
        ACQUIRED: Words(
            label="Images without a date",
            sentence="Of {n} images, {value} have no date on which they were acquired.",
            unit="share",
        ),
        CONSENT: Words(
            label="Images of people without consent",
            sentence="Of {n} images of people, {value} have no consent on record.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)
        _accepted(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        limits, accepted = _limits(parameters), _accepted(parameters)
        commercial = parameters.method != METHODS[1]
        column = parameters.roles.get("licence", "licence")
        try:
            known = licences(table, column, accepted)
        except TableError as error:
            raise AuditInputError(f"{error}; name the column of licences with role 'licence'") from error
        origins = Origins(table.rows, known, commercial, bool(accepted), limits)
        out = licensed(origins)
        for name, part in _parts(table, parameters.roles, known).items():
            try:
                out += part(origins)
            except TableError as error:
                out.append(errored(name, "", str(error)))
        return out


def _parts(
    table: Table, roles: Mapping[str, str], known: Licences
) -> dict[str, Callable[[Origins], list[Measurement]]]:
    """What further columns are asked, by measurement. Source and credit are examined whether or not they are named."""
    source, creator = roles.get("source", "source"), roles.get("creator", "creator")
    nowhere = "source" not in roles and source not in table.names
    parts: dict[str, Callable[[Origins], list[Measurement]]] = {
        SOURCE: lambda origins: sourced(origins, None if nowhere else filled(table, source)),
    }
    if "creator" in roles or creator in table.names:
        parts[CREDIT] = lambda origins: credited(origins, filled(table, creator))
    elif any(licence.credit for licence in known.kinds):
        parts[CREDIT] = lambda origins: credited(origins, None)
    if "acquired_at" in roles:
        parts[ACQUIRED] = lambda origins: dated(origins, filled(table, roles["acquired_at"]))
    if "consent" in roles:
        shown = (lambda: said_yes(table, roles["person"])) if "person" in roles else (lambda: None)
        parts[CONSENT] = lambda origins: consented(origins, said_yes(table, roles["consent"]), shown())
    return parts


def _limits(parameters: AuditParameters) -> dict[str, float]:
    limits = checked_limits(parameters, DEFAULTS, ROLES)
    check_shares(limits, DEFAULTS)
    if parameters.method and parameters.method not in METHODS:
        raise AuditInputError(f"unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
    if "person" in parameters.roles and "consent" not in parameters.roles:
        raise AuditInputError("role 'person' needs role 'consent', the column that says who agreed")
    return limits


def _accepted(parameters: AuditParameters) -> frozenset[str]:
    """The identifiers that the house accepts, in lower case; none means that no list is kept."""
    strange = sorted(set(parameters.references) - {ACCEPTED})
    if strange:
        raise AuditInputError(
            f"unknown reference {strange[0]!r}; give the accepted licences as 'licence', such as 'CC0-1.0, CC-BY-4.0'"
        )
    names = [name.strip() for name in parameters.references.get(ACCEPTED, "").split(",") if name.strip()]
    for name in names:
        if not OWN.fullmatch(name) and (" " in name or licence_of(name) == UNKNOWN):
            raise AuditInputError(
                f"{name!r} is no licence that is known; write SPDX identifiers, and LicenseRef-... for a contract"
            )
    return frozenset(name.lower() for name in names)
