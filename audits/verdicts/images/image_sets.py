"""The verdict on a set of images and on its tags. All are counted; none but near-duplicates is sampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.contract import Measurement, Verdict
from audits.metrics.images.near_duplicates import close_pairs
from audits.metrics.images.survey import Ints, Survey, differing, evenness
from audits.tables import Table
from audits.verdicts.exact_counts import told
from audits.verdicts.images.counted_images import clipped, counted, some

UNREADABLE, UNIFORM, SMALL, ODD = (
    "images-unreadable",
    "images-uniform",
    "small-share",
    "odd-shape-share",
)
FORMAT, MODE, SHARPNESS = "format-share", "mode-share", "sharpness"
REPEATED, ALIKE = "repeated-share", "alike-share"
MISSING, LABEL, EVENNESS, SMALLEST = (
    "missing-tag-share",
    "label-share",
    "label-evenness",
    "smallest-label",
)
CONFLICT, LEAK, LEAK_ALIKE = "label-conflict-share", "split-leak-share", "split-alike-share"
#: Labels that are listed one by one; of more only the summary.
MOST_LABELS = 50
_DISTANCE, _CORRELATION = 10.0, 0.95


@dataclass(frozen=True, slots=True)
class Images:
    """One run: what was found, what rows are called, and the limits."""

    survey: Survey
    names: list[str]
    limits: Mapping[str, float]

    @property
    def n(self) -> int:
        return len(self.survey.rows)

    def count(self, name: str, found: int, reason: str, **more: Any) -> Measurement:
        return counted(name, self.n, found, self.limits[name], reason, **more)

    def called(self, places: Ints) -> str:
        """The names of a few images, by their places in the survey."""
        return some([self.names[row] for row in self.survey.rows[places]])


def files(images: Images) -> list[Measurement]:
    """Damage, blanks, size, shape, kinds of file, sharpness."""
    found, limits = images.survey, images.limits
    unreadable = f"not readable: {some([images.names[row] for row in found.damaged])}; repair or remove them"
    uniform, small = np.flatnonzero(found.uniform), _small(found, limits["min-side"])
    odd = np.flatnonzero(found.odd_shapes > limits["shape"])
    out = [
        counted(
            UNREADABLE,
            len(images.names),
            len(found.damaged),
            limits[UNREADABLE],
            unreadable,
            detail={"reasons": dict(found.reasons)},
        ),
        images.count(
            UNIFORM,
            len(uniform),
            f"nearly uniform: {images.called(uniform)}; look at them",
            beyond=Verdict.REVIEW,
        ),
        images.count(
            SMALL,
            len(small),
            f"a side is below {limits['min-side']:g} pixels: {images.called(small)}; give larger ones",
            detail={"min_side": limits["min-side"]},
        ),
        images.count(
            ODD,
            len(odd),
            f"far wider or narrower than the others: {images.called(odd)}; look at them",
            beyond=Verdict.REVIEW,
        ),
    ]
    for name, kinds in ((FORMAT, found.formats), (MODE, found.modes)):
        out += [told(name, kind, images.n, k / images.n, found=k) for kind, k in sorted(kinds.items())]
    return [*out, _sharpness(images)]


def copies(images: Images, splits: Ints | None) -> list[Measurement]:
    """Images that repeat others, exactly or nearly; ``splits`` says to which part of the data each image belongs."""
    found = images.survey
    reason = "the same picture stands in several rows and counts more than once; keep one of each"
    out = [images.count(REPEATED, found.repeated, reason, beyond=Verdict.REVIEW)]
    close = close_pairs(found.prints, found.prints, _DISTANCE, same=True)
    close = close.where(close.correlation >= _CORRELATION)
    n = len(found.compared)
    alike = len(np.unique(close.design))
    beside: dict[str, Any] = {"compared": n} | (
        {} if n else {"reason": "no image shows anything that can be compared; look at them"}
    )
    out.append(told(ALIKE, "", n, alike / n if n else None, **beside))
    if splits is not None:
        leaking = np.flatnonzero(differing(found.pictures, splits))
        reason = f"the same picture is in two splits: {images.called(leaking)}; keep it in one, or results look too good"
        out.append(images.count(LEAK, len(leaking), reason))
        one, other = (splits[found.compared[side]] for side in (close.design, close.protected))
        across = np.unique(close.design[(one != other) & (one >= 0) & (other >= 0)])
        reason = f"nearly the same picture is in two splits: {images.called(found.compared[across])}; keep both in one"
        out.append(
            counted(LEAK_ALIKE, n, len(across), images.limits[LEAK_ALIKE], reason, beyond=Verdict.REVIEW)
        )
    return out


def conflicting(images: Images, labels: Ints) -> list[Measurement]:
    """Pictures that stand under two labels."""
    places = np.flatnonzero(differing(images.survey.pictures, labels))
    reason = f"the same picture has two labels: {images.called(places)}; correct one of them"
    return [images.count(CONFLICT, len(places), reason)]


def tagged(table: Table, name: str, limits: Mapping[str, float]) -> Iterator[Measurement]:
    """Whether a tag is filled in and how even its labels are. Raises ``TableError`` that names the column."""
    codes, labels = table.column(name).codes()
    blank = np.array([*(not label.strip() for label in labels), True], dtype=bool)[codes]
    rows, missing = len(codes), int(blank.sum())
    yield counted(
        MISSING,
        rows,
        missing,
        limits[MISSING],
        f"column {name!r} is empty in {missing} of {rows} rows; fill it in, or leave these images out",
        where=name,
    )
    counts = np.bincount(codes[~blank], minlength=len(labels)).astype(np.int64)
    known = [(label, int(k)) for label, k in zip(labels, counts, strict=True) if k]
    n = rows - missing
    if len(known) <= MOST_LABELS:
        for label, k in known:
            yield told(LABEL, f"{name}={clipped(label, 200)}", n, k / n, found=k)
    yield _evenness(name, n, np.array([k for _, k in known], dtype=np.int64))
    yield _smallest(name, n, known, limits["min-label"])


def _small(found: Survey, side: float) -> Ints:
    return np.flatnonzero(np.minimum(found.width, found.height) < side)


def _sharpness(images: Images) -> Measurement:
    known = images.survey.sharpness[~np.isnan(images.survey.sharpness)]
    if not len(known):
        return told(SHARPNESS, "", 0, None, reason="no image is large enough to tell; give larger ones")
    lowest, median = np.quantile(known, [0.05, 0.5]).tolist()
    return told(SHARPNESS, "", len(known), median, lowest_5_percent=lowest)


def _evenness(name: str, n: int, counts: Ints) -> Measurement:
    value = evenness(counts)
    if np.isnan(value):
        return told(EVENNESS, name, n, None, reason="fewer than two labels occur; check the column")
    return told(EVENNESS, name, n, value, labels=len(counts))


def _smallest(name: str, n: int, known: list[tuple[str, int]], least: float) -> Measurement:
    if not known:
        reason = f"column {name!r} has no labels; fill it in"
        return Measurement(
            name=SMALLEST,
            slice=name,
            threshold=least,
            verdict=Verdict.INSUFFICIENT,
            detail={"reason": reason},
        )
    label, k = min(known, key=lambda pair: (pair[1], pair[0]))
    reason = f"fewer than {least:g} images have the rarest label; add some, or join it with another"
    return Measurement(
        name=SMALLEST,
        slice=name,
        n=n,
        value=float(k),
        threshold=least,
        tolerance_used=min(least / k, 100.0),
        verdict=Verdict.REVIEW if k < least else Verdict.PASS,
        detail={
            "label": clipped(label, 200),
            "labels": len(known),
            **({"reason": reason} if k < least else {}),
        },
    )
