"""Bias audit of generated images and digital twins: who is shown how often, against a declared population."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
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
    audit_kinds,
)
from audits.metrics.disparity.rates import SELECTION, outcome_codes
from audits.metrics.disparity.represented import crossed, declared_shares, represented
from audits.metrics.groups import attributes_of, count_cells
from audits.metrics.groups.outcome_values import numbers, value_range
from audits.metrics.statistics.agreement import coincidences_of_two, krippendorff_alpha
from audits.metrics.statistics.association import cramers_v, permutation_p
from audits.tables import Column, TableError
from audits.verdicts.disparity import disparities
from audits.verdicts.disparity.disparities import DEFAULTS, Rules, errored
from audits.verdicts.disparity.examination import Examination, check_groupings
from audits.verdicts.disparity.shares import ShareRules, informational, judged_shares, judged_together
from audits.verdicts.words import SHOWN_WORDS

#: An attribute with fewer labelled images carries no verdict.
MIN_IMAGES = 200.0
#: What is known of the classifier that labelled, as thresholds ``sensitivity:column=group``.
ERRORS = ("sensitivity", "specificity")
ROLES = ("prompt", "rejected", "annotator-2")
ASSOCIATION, REJECTED, AGREEMENT = "stereotype-association", "reject-rate", "annotator-agreement"
#: Krippendorff 2004, "Content Analysis", chapter 11: nothing should be concluded from labels that agree less.
TENTATIVE = 0.667

Shares: TypeAlias = Mapping[str, Mapping[str, float]]
Part: TypeAlias = Callable[[Examination], Iterator[Measurement]]


@audit_kinds.register
class Representation(AuditKind):
    slug = "representation"
    label = "Representation"
    dimension = "bias"
    method = (
        "share of each group over its share of a declared population within [0.8, 1.25], with an exact binomial test "
        "(Clopper and Pearson 1934) and Holm's adjustment; exact multinomial or G-test of all groups together"
    )
    reads = ("images", "")
    settings = Settings(
        limits={**disparities.DEFAULTS, "min_images": MIN_IMAGES},
        columns=("sensitive",),
        free_limits=True,
        lines=("population", "roles"),
        roles=ROLES,
    )
    words = SHOWN_WORDS

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters, _shares(parameters))

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        shares = _shares(parameters)
        limits = _limits(parameters, shares)
        examination = Examination.of(audit_input, limits.rules)
        out = examination.measured(partial(_represented, limits, shares), self.slug)
        for name, part in _further(parameters, limits).items():
            out += _measured(name, part, examination)
        return out


def _shares(parameters: AuditParameters) -> Shares:
    check_groupings(parameters)
    if parameters.entity:
        raise AuditInputError(
            "leave 'entity' out: images of one twin are not independent, so keep one row for each image or twin"
        )
    try:
        return declared_shares(parameters.population, [*parameters.sensitive, *parameters.intersections])
    except ValueError as error:
        raise AuditInputError(str(error)) from error


def _limits(parameters: AuditParameters, shares: Shares) -> ShareRules:
    _check_roles(parameters)
    groups = {f"{name}={group}" for name, declared in shares.items() for group in declared}
    plain = {name: v for name, v in parameters.thresholds.items() if name.partition(":")[0] not in ERRORS}
    images = plain.pop("min_images", MIN_IMAGES)
    unknown = sorted(set(plain) - set(DEFAULTS))
    if unknown:
        known = sorted([*DEFAULTS, "min_images", *(f"{kind}:column=group" for kind in ERRORS)])
        raise AuditInputError(f"unknown threshold {unknown[0]!r}; known: {', '.join(known)}")
    if images < 2:
        raise AuditInputError("threshold 'min_images' must be at least 2")
    rules = Rules.read(replace(parameters, thresholds=plain), {})
    return ShareRules(rules, math.ceil(images), _errors(parameters.thresholds, groups))


def _errors(thresholds: Mapping[str, float], groups: set[str]) -> dict[str, tuple[float, float]]:
    """Sensitivity and specificity of the groups for which they are known; neither without the other."""
    found = {}
    for name in [name for name in thresholds if name.partition(":")[0] in ERRORS]:
        kind, _, group = name.partition(":")
        if group not in groups or not 0 < thresholds[name] <= 1:
            raise AuditInputError(
                f"threshold {name!r} must name a group of the population, as '{kind}:column=group', and lie above 0 up to 1"
            )
        missing = [f"{kind}:{group}" for kind in ERRORS if f"{kind}:{group}" not in thresholds]
        if missing:
            raise AuditInputError(f"give threshold {missing[0]!r} as well: a share is corrected by both")
        sensitivity, specificity = (thresholds[f"{kind}:{group}"] for kind in ERRORS)
        if sensitivity + specificity <= 1:
            raise AuditInputError(f"sensitivity and specificity of {group!r} together must be above 1")
        found[group] = sensitivity, specificity
    return found


def _check_roles(parameters: AuditParameters) -> None:
    groupings = (*parameters.sensitive, *parameters.intersections)
    used = {part for name in groupings for part in attributes_of(name)}
    for role, column in parameters.roles.items():
        name, _, attribute = role.partition(":")
        second = name == "annotator-2"
        if name not in ROLES or (attribute and not second):
            raise AuditInputError(f"unknown role {role!r}; known: {', '.join(ROLES)}")
        if second and not attribute and len(parameters.sensitive) > 1:
            raise AuditInputError(
                f"say of which attribute role 'annotator-2' is, as 'annotator-2:{parameters.sensitive[0]}'"
            )
        if attribute and attribute not in parameters.sensitive:
            raise AuditInputError(f"role {role!r} names an attribute that is not in 'sensitive'")
        if column in used:
            raise AuditInputError(f"column {column!r} is both a group and role {role!r}; name it once")


def _represented(limits: ShareRules, shares: Shares, examination: Examination) -> list[Measurement]:
    """Every attribute's groups against their declared shares, in one pass over the rows."""
    sets = [attributes_of(name) for name in examination.groupings]
    cells = count_cells(examination.table, sets, sets[0][:1], _alike, 1)
    out: list[Measurement] = []
    for name, cell in zip(examination.groupings, cells, strict=True):
        counted = cell.by(name)
        rows, declared = counted.counts[:, 0], counted.groups.declared
        pairs = zip(counted.groups.names, rows.tolist(), declared.tolist(), strict=True)
        found = represented({group: n for group, n, declares in pairs if declares}, shares[name])
        out += judged_shares(name, found, limits)
        out += judged_together(name, found, limits, examination.seed)
        undeclared = int(rows[~declared].sum())
        out.append(informational("undeclared-share", name, cell.rows, undeclared / cell.rows))
    return out


def _alike(pieces: tuple[Column, ...]) -> npt.NDArray[np.int64]:
    return np.zeros(len(pieces[0]), dtype=np.int64)


def _further(parameters: AuditParameters, limits: ShareRules) -> dict[str, Part]:
    """What the roles add, by metric."""
    parts: dict[str, Part] = {}
    for role, column in parameters.roles.items():
        name, _, attribute = role.partition(":")
        if name == "prompt":
            parts[ASSOCIATION] = partial(_association, column, limits)
        elif name == "rejected":
            parts[REJECTED] = partial(_rejected, column)
        else:
            attribute = attribute or parameters.sensitive[0]
            parts[f"{AGREEMENT}:{attribute}"] = partial(_agreement, attribute, column)
    return parts


def _measured(name: str, part: Part, examination: Examination) -> list[Measurement]:
    """What a role adds; a column that cannot be read is its own error and leaves the rest intact."""
    metric = name.partition(":")[0]
    try:
        return examination.measured(lambda usable: list(part(usable)), metric)
    except (TableError, AuditInputError) as error:
        return [errored(metric, "", str(error))]


def _association(prompt: str, limits: ShareRules, examination: Examination) -> Iterator[Measurement]:
    """Informational: does the prompt's context tell who is shown?"""
    sets = [(*attributes_of(name), prompt) for name in examination.groupings]
    for name, cells in zip(
        examination.groupings, count_cells(examination.table, sets, [prompt], _alike, 1), strict=True
    ):
        table = crossed(cells, name, prompt)
        n, value = int(table.sum()), cramers_v(table)
        reason = limits.too_few(n)
        if math.isnan(value):
            reason = reason or "needs two prompts and two groups that occur, and more rows than of either"
        detail = {"prompts": table.shape[1], "groups": table.shape[0], "test": "permutation"}
        p = permutation_p(table, examination.seed)
        yield informational(
            ASSOCIATION, name, n, value, reason, {**detail, "p": None if math.isnan(p) else p}
        )


def _rejected(column: str, examination: Examination) -> Iterator[Measurement]:
    """Quality parity: are images of some groups rejected more often?"""
    if not value_range(examination.table, column).binary:
        raise TableError(f"column {column!r} holds values other than 0 and 1; code rejected images as 1")
    for measurement in examination.rates([column], _events, [SELECTION]):
        yield replace(measurement, name=measurement.name.replace(SELECTION, REJECTED))


def _events(pieces: tuple[Column, ...]) -> npt.NDArray[np.int64]:
    return outcome_codes(None, numbers(pieces[0]))


def _agreement(attribute: str, column: str, examination: Examination) -> Iterator[Measurement]:
    """Informational: how far a second annotator says the same of the attribute."""
    (cells,) = count_cells(examination.table, [(attribute, column)], [column], _alike, 1)
    table = crossed(cells, attribute, column, same=True)
    alpha, n = krippendorff_alpha(coincidences_of_two(table)), int(table.sum())
    reason = "both annotators gave no label, or always the same one" if math.isnan(alpha) else ""
    note = {"note": f"below {TENTATIVE}: conclude nothing from these labels"} if alpha < TENTATIVE else {}
    yield informational(AGREEMENT, attribute, n, alpha, reason, note)
