"""Bias audit of a segmentation: who is in which segment, who is left out, and what the segments bring to each group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    audit_kinds,
)
from audits.metrics.disparity.rates import SELECTION, outcome_codes
from audits.metrics.disparity.segments import Segments, corresponding, joint_counts
from audits.metrics.groups.outcome_values import numbers, value_range
from audits.tables import Column, TableError
from audits.verdicts.disparity import disparities
from audits.verdicts.disparity.compositions import composition_measured
from audits.verdicts.disparity.disparities import Rules, errored
from audits.verdicts.disparity.examination import Examination, Work, check_groupings
from audits.verdicts.words import GROUP_WORDS, SEGMENT_WORDS

Ints: TypeAlias = npt.NDArray[np.int64]

ROLES = ("again", "benefit", "distance", "treatable", "treatment")
#: Several treatments are told apart by what follows: ``treatment-discount``, ``treatment-price``.
_TREATMENT = "treatment"
_MEAN = "mean-outcome"


@audit_kinds.register
class SegmentDisparity(AuditKind):
    slug = "segment-disparity"
    label = "Segment disparity"
    dimension = "bias"
    method = (
        "each group's shares of the segments, exclusion, benefits and treatment against the rest: ratio within [0.8, 1.25], "
        "two-proportion z, Fisher, Welch or cluster-bootstrap test with Holm's adjustment"
    )
    reads = ("predictions", "")
    settings = Settings(
        limits=disparities.DEFAULTS,
        columns=("sensitive", "y_pred", "entity", "strata", "columns"),
        columns_help="A row that lacks one of them counts as having missing features.",
        methods=("fisher",),
        lines=("intersections", "references", "roles"),
        roles=ROLES,
    )
    words = {**GROUP_WORDS, **SEGMENT_WORDS}

    def check(self, parameters: AuditParameters) -> None:
        Rules.read(parameters, {})
        _segment_column(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        rules = Rules.read(parameters, {})
        column = _segment_column(parameters)
        examination = Examination.of(audit_input, rules)
        found: list[Measurement] = []
        faults: list[Measurement] = []
        for metric, work in _works(column, parameters):
            try:
                found += examination.measured(work, self.slug)
            except (AuditInputError, TableError) as error:
                faults.append(errored(metric, "", str(error)))
        if not found:
            raise AuditInputError(faults[0].detail["reason"])
        return list({(m.name, m.slice): m for m in [*found, *faults]}.values())


def _segment_column(parameters: AuditParameters) -> str:
    """The column of segments. Refuses roles that are not known, and columns that are both groups and outcomes."""
    check_groupings(parameters)
    unknown = sorted(role for role in parameters.roles if role not in ROLES and not _is_treatment(role))
    if unknown:
        raise AuditInputError(
            f"unknown role {unknown[0]!r}; known: {', '.join(ROLES)}, and 'treatment-...' for further treatments"
        )
    if not parameters.y_pred:
        raise AuditInputError("name the column of segments ('y_pred')")
    used = (parameters.y_pred, *parameters.roles.values())
    both = [name for name in used if name in {*parameters.sensitive, *parameters.strata}]
    if both:
        raise AuditInputError(f"column {both[0]!r} is both a group and an outcome; name it once")
    if parameters.roles.get("again") == parameters.y_pred:
        raise AuditInputError(
            f"column {parameters.y_pred!r} is compared with itself; give a refit's labels as 'again'"
        )
    return parameters.y_pred


def _is_treatment(role: str) -> bool:
    return role == _TREATMENT or (len(role) > len(_TREATMENT) + 1 and role.startswith(f"{_TREATMENT}-"))


def _works(column: str, parameters: AuditParameters) -> Iterator[tuple[str, Work]]:
    """What is measured, under the name that an error of it carries."""
    roles = parameters.roles
    yield "composition", partial(_composition, column)
    yield "exclusion-rate", partial(_exclusion, Exclusion(column, roles.get("treatable")))
    if parameters.columns:
        yield "missing-features-rate", partial(_missing_features, list(dict.fromkeys(parameters.columns)))
    if "benefit" in roles:
        yield "benefit-rate", partial(_share, roles["benefit"], "benefit-rate")
    for role in sorted(role for role in roles if _is_treatment(role)):
        yield f"mean-{role}", partial(_treatment, roles[role], role)
    if "distance" in roles:
        yield "distortion", partial(_mean, roles["distance"], "distortion")
    if "again" in roles:
        yield "stability", partial(_stability, column, roles["again"])


def _composition(column: str, examination: Examination) -> list[Measurement]:
    segments = Segments.read(examination.table, column)
    if not segments.names:
        raise AuditInputError(f"column {column!r} holds no segment; give the label of each row's segment")
    return list(composition_measured(segments, examination))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Who is out of every segment that is acted upon: no segment, or one that is not ``treatable``."""

    segment: str
    treatable: str | None

    @property
    def columns(self) -> list[str]:
        return [self.segment, *([self.treatable] if self.treatable else [])]

    def codes(self, segments: Segments, pieces: tuple[Column, ...]) -> Ints:
        outside = segments.codes(pieces[0]) == 0
        if self.treatable is None:
            return outcome_codes(None, outside.astype(np.float64))
        return outcome_codes(None, np.where(outside, 1.0, 1 - numbers(pieces[1])))


def _exclusion(exclusion: Exclusion, examination: Examination) -> list[Measurement]:
    if exclusion.treatable:
        _need_binary(exclusion.treatable, examination)
    segments = Segments.read(examination.table, exclusion.segment)
    codes = partial(exclusion.codes, segments)
    found = examination.rates(exclusion.columns, codes, [SELECTION])
    return _unless_nobody(_named(found, SELECTION, "exclusion-rate"), examination)


def _missing_features(columns: list[str], examination: Examination) -> list[Measurement]:
    def codes(pieces: tuple[Column, ...]) -> Ints:
        missing = [~piece.data.is_valid().to_numpy(zero_copy_only=False) for piece in pieces]
        return outcome_codes(None, np.any(missing, axis=0).astype(np.float64))

    found = examination.rates(columns, codes, [SELECTION])
    return _unless_nobody(_named(found, SELECTION, "missing-features-rate"), examination)


def _share(column: str, metric: str, examination: Examination) -> list[Measurement]:
    """Share of rows with a 1."""
    _need_binary(column, examination)
    found = examination.rates([column], lambda pieces: outcome_codes(None, numbers(pieces[0])), [SELECTION])
    return _named(found, SELECTION, metric)


def _treatment(column: str, role: str, examination: Examination) -> list[Measurement]:
    """What a segment triggers: a share where it is given or not, a mean where it is a number."""
    if value_range(examination.table, column).binary:
        return _share(column, f"{role}-rate", examination)
    return _mean(column, f"mean-{role}", examination)


def _mean(column: str, metric: str, examination: Examination) -> list[Measurement]:
    value_range(examination.table, column)  # refuses text and infinities
    return _named(examination.means(column), _MEAN, metric)


def _stability(column: str, again: str, examination: Examination) -> list[Measurement]:
    """Share of rows whose refit label stands for the same segment."""
    live, refit = (Segments.read(examination.table, name) for name in (column, again))
    partner = corresponding(joint_counts(examination.table, live, refit))

    def codes(pieces: tuple[Column, ...]) -> Ints:
        before, after = live.codes(pieces[0]), refit.codes(pieces[1])
        agreed = (partner[after] == before).astype(np.float64)
        return outcome_codes(None, np.where((before > 0) & (after > 0), agreed, np.nan))

    return _named(examination.rates([column, again], codes, [SELECTION]), SELECTION, "stability")


def _need_binary(column: str, examination: Examination) -> None:
    if not value_range(examination.table, column).binary:
        raise AuditInputError(f"column {column!r} holds values other than 0 and 1; code it as 0 and 1")


def _named(found: Iterable[Measurement], before: str, name: str) -> list[Measurement]:
    return [replace(m, name=m.name.replace(before, name)) for m in found]


def _unless_nobody(found: list[Measurement], examination: Examination) -> list[Measurement]:
    """Where it happens to nobody there is nothing to compare, and that is said once, with the rows it is true of."""
    first = [
        m
        for m in found
        if m.slice.startswith(f"{examination.groupings[0]}=") and not m.name.startswith("cond")
    ]
    n = sum(m.n for m in first)
    if n < examination.rules.sizes.rows or any(m.value for m in found):
        return found
    return [
        Measurement(
            name=first[0].name,
            verdict=Verdict.PASS,
            n=n,
            value=0.0,
            detail={"note": "none of the rows, in any group"},
        )
    ]
