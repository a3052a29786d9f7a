"""The verdict on images by what their licences ask for and what is on record of them. All are counted; none is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audits.contract import Measurement, Verdict
from audits.metrics.images.licences import Terms
from audits.metrics.images.origins import Bools, Licences
from audits.verdicts.exact_counts import told
from audits.verdicts.images.counted_images import counted

UNLICENSED, FORBIDDEN, NOT_ACCEPTED = "unlicensed-share", "forbidden-share", "not-accepted-share"
SHARE_ALIKE, BY_TERMS = "share-alike-share", "terms-share"
SOURCE, CREDIT = "source-missing-share", "credit-missing-share"
ACQUIRED, CONSENT = "date-missing-share", "consent-missing-share"


@dataclass(frozen=True, slots=True)
class Origins:
    """The images of one run: what is known of their licences, what they are used for, and the limits.

    ``listed`` tells that the house keeps a list of accepted licences.
    """

    rows: int
    licences: Licences
    commercial: bool
    listed: bool
    limits: Mapping[str, float]

    def under(self, terms: Terms) -> int:
        """Images under these terms whose licence the house has not accepted by name."""
        kinds = self.licences.kinds
        return int(self.licences.which([k.terms is terms and not k.accepted for k in kinds]).sum())

    def count(self, name: str, found: int, reason: str, n: int | None = None, **more: Any) -> Measurement:
        return counted(name, self.rows if n is None else n, found, self.limits[name], reason, **more)


def licensed(origins: Origins) -> list[Measurement]:
    """Unknown and forbidding licences fail, share-alike ones are reviewed; the shares of all terms stand beside."""
    blank, unknown = origins.licences.blank, origins.under(Terms.UNKNOWN)
    detail: dict[str, Any] = {"blank": blank, "unrecognised": unknown}
    if origins.licences.rewritten:
        detail["write_as"] = origins.licences.rewritten
    out = [
        origins.count(
            UNLICENSED,
            blank + unknown,
            "licences are missing or unknown; find them out and write SPDX identifiers, or leave these images out",
            detail=detail,
        )
    ]
    forbidding = [Terms.NON_COMMERCIAL] if origins.commercial else []
    out += [_forbidden(origins, terms) for terms in (*forbidding, Terms.NO_DERIVATIVES)]
    if origins.listed:
        kinds = origins.licences.kinds
        strangers = origins.licences.which([not k.accepted and k.terms is not Terms.UNKNOWN for k in kinds])
        reason = "licences are not on the list of accepted ones; leave these images out, or have the licence accepted"
        out.append(origins.count(NOT_ACCEPTED, int(strangers.sum()), reason))
    reason = "what is made from these images may have to be shared alike; have counsel look at it"
    found = origins.under(Terms.SHARE_ALIKE)
    out.append(origins.count(SHARE_ALIKE, found, reason, beyond=Verdict.REVIEW))
    return out + [_of_terms(origins, terms) for terms in Terms]


def sourced(origins: Origins, known: Bools | None) -> list[Measurement]:
    """Whether the source of every image is on record; None where there is no such column."""
    missing = origins.rows if known is None else int((~known).sum())
    reason = "the source is missing, so a licence cannot be checked; add where each image comes from"
    return [origins.count(SOURCE, missing, reason, beyond=Verdict.REVIEW)]


def credited(origins: Origins, named: Bools | None) -> list[Measurement]:
    """Whether a maker is named where the licence asks for credit; nothing to say where none does."""
    asked = origins.licences.which([k.credit for k in origins.licences.kinds])
    if not asked.any():
        return []
    missing = asked if named is None else asked & ~named
    reason = "the licence asks to name the maker and none is on record; add the column 'creator', or leave these images out"
    return [origins.count(CREDIT, int(missing.sum()), reason, n=int(asked.sum()), beyond=Verdict.REVIEW)]


def dated(origins: Origins, known: Bools) -> list[Measurement]:
    """Whether it is on record when every image was acquired."""
    reason = "the date is missing, so the terms of that day cannot be shown; add when each image was acquired"
    return [origins.count(ACQUIRED, int((~known).sum()), reason, beyond=Verdict.REVIEW)]


def consented(origins: Origins, agreed: Bools, shown: Bools | None) -> list[Measurement]:
    """Whether the people that images show have agreed; without ``shown`` every image is taken to show somebody.

    Nothing to say where no image shows anybody.
    """
    people = int(shown.sum()) if shown is not None else origins.rows
    if origins.rows and not people:
        return []
    missing = ~agreed if shown is None else shown & ~agreed
    reason = "people are shown without a consent on record; ask them, or leave these images out"
    return [origins.count(CONSENT, int(missing.sum()), reason, n=people)]


def _forbidden(origins: Origins, terms: Terms) -> Measurement:
    use = "commercial use" if terms is Terms.NON_COMMERCIAL else "sharing what is made from the image"
    reason = f"the licence does not allow {use}; leave these images out, or obtain another licence"
    return origins.count(FORBIDDEN, origins.under(terms), reason, where=terms.value)


def _of_terms(origins: Origins, terms: Terms) -> Measurement:
    kinds, rows = origins.licences.kinds, origins.rows
    found = int(origins.licences.which([k.terms is terms for k in kinds]).sum())
    found += origins.licences.blank if terms is Terms.UNKNOWN else 0
    beside = {} if rows else {"reason": "there are no images to count; give some"}
    return told(BY_TERMS, terms.value, rows, found / rows if rows else None, found=found, **beside)
