"""What audits of ranked lists share: their roles, their cutoff, and numbers that carry no verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.groups import attributes_of
from audits.metrics.scores.ranking import CUTOFF
from audits.verdicts.disparity.disparities import DEFAULTS, Rules
from audits.verdicts.disparity.examination import check_groupings

#: Longer lists are cut for metrics of the top; nobody looks at a thousandth place.
MOST_PLACES = 1000
_JUDGED = ("threshold", "tolerance", "tolerance_used", "p_adjusted", "q", "family")


@dataclass(frozen=True, slots=True)
class ListRules:
    """The shared rules, and the last place that belongs to the top of a list."""

    rules: Rules
    cutoff: int

    @classmethod
    def read(cls, parameters: AuditParameters, own: Mapping[str, float]) -> ListRules:
        """The limits that the parameters ask for.

        Raises
        ------
        AuditInputError
            Names a threshold that does not exist or cannot be used.
        """
        known = sorted({*DEFAULTS, *own, "cutoff"})
        parameters.refuse_other_thresholds(known)
        cutoff = parameters.threshold("cutoff", CUTOFF)
        if not 1 <= cutoff <= MOST_PLACES or cutoff != int(cutoff):
            raise AuditInputError(
                f"threshold 'cutoff' must be a whole number from 1 to {MOST_PLACES}, got {cutoff:g}"
            )
        rest = {name: value for name, value in parameters.thresholds.items() if name != "cutoff"}
        return cls(Rules.read(replace(parameters, thresholds=rest), own), int(cutoff))


def check_list_roles(parameters: AuditParameters, needed: Sequence[str], optional: Sequence[str]) -> None:
    """Refuse roles that are missing or unknown, and columns that have two tasks.

    Raises
    ------
    AuditInputError
        Names the role and those that are known.
    """
    check_groupings(parameters)
    known = [*needed, *optional]
    parameters.refuse_other_roles(known)
    missing = [role for role in needed if not parameters.roles.get(role)]
    if missing:
        raise AuditInputError(
            f"name the column of role {missing[0]!r}; needed: {', '.join(needed)}; optional: {', '.join(optional)}"
        )
    columns = list(parameters.roles.values())
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise AuditInputError(f"column {twice[0]!r} has two roles; name it once")
    groups = {part for name in (*parameters.sensitive, *parameters.strata) for part in attributes_of(name)}
    both = [name for name in columns if name in groups]
    if both:
        raise AuditInputError(f"column {both[0]!r} is both a group and a role; name it once")
    if parameters.entity and parameters.entity != parameters.roles["user"]:
        raise AuditInputError(
            f"the independent unit is the column of role 'user' ({parameters.roles['user']!r}); leave 'entity' out"
        )


def informational(measurement: Measurement) -> Measurement:
    """A number to know, compared but not judged; insufficient evidence stays insufficient."""
    detail = {name: value for name, value in measurement.detail.items() if name not in _JUDGED}
    verdict = Verdict.INSUFFICIENT if measurement.verdict is Verdict.INSUFFICIENT else Verdict.PASS
    return replace(measurement, verdict=verdict, threshold=None, tolerance_used=None, detail=detail)


def told(name: str, where: str, n: int, value: float | None, **detail: object) -> Measurement:
    """A number of its own, without comparison; insufficient where there is none."""
    verdict = Verdict.INSUFFICIENT if value is None else Verdict.PASS
    return Measurement(name=name, slice=where, n=n, value=value, verdict=verdict, detail=detail)
