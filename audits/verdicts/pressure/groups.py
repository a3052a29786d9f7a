"""The verdict on pressure: more than others **and** significant, or more than a rule allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.disparity.disparities import Sizes
from audits.metrics.disparity.group_comparisons import Compared
from audits.metrics.pressure.contacts import PER_WEEK
from audits.verdicts.disparity.disparities import MAX_TOLERANCE_USED, Rules, judged

#: ``ratio``: how many times the pressure of others is tolerated. ``cap``: contacts in a week.
DEFAULTS = {
    "ratio": 1.25,
    "cap": 3.0,
    "above-cap-vulnerable": 0.0,
    "above-cap": 0.0,
    "night": 0.05,
    "unusable": 0.05,
    "alpha": 0.05,
    "min_n": 30.0,
    "min_expected": 5.0,
}
_SHARES = ("above-cap-vulnerable", "above-cap", "night", "unusable")


@dataclass(frozen=True, slots=True)
class PressureRules:
    """The limits of one run. ``rules`` are those of the comparison of groups; its tolerance is ``1 / ratio``."""

    rules: Rules
    ratio: float
    cap: float
    above_cap_vulnerable: float
    above_cap: float
    night: float
    unusable: float

    @classmethod
    def read(cls, parameters: AuditParameters) -> PressureRules:
        """The limits that the parameters ask for.

        Raises
        ------
        AuditInputError
            Names a threshold that does not exist or cannot be used.
        """
        parameters.refuse_other_thresholds(sorted(DEFAULTS))
        value = {**DEFAULTS, **parameters.thresholds}
        if not value["ratio"] > 1:
            raise AuditInputError(f"threshold 'ratio' must be above 1, got {value['ratio']:g}")
        if not 0 < value["alpha"] < 1:
            raise AuditInputError(f"threshold 'alpha' must lie between 0 and 1, got {value['alpha']:g}")
        if value["cap"] < 0 or value["min_n"] < 2 or value["min_expected"] < 0:
            raise AuditInputError(
                "thresholds 'cap' and 'min_expected' must be at least 0 and 'min_n' at least 2"
            )
        wrong = [name for name in _SHARES if not 0 <= value[name] <= 1]
        if wrong:
            raise AuditInputError(f"threshold {wrong[0]!r} is a share: from 0 to 1, got {value[wrong[0]]:g}")
        sizes = Sizes(int(value["min_n"]), value["min_expected"])
        shares = (value[name] for name in _SHARES)
        return cls(
            Rules(1 / value["ratio"], value["alpha"], sizes, False, {}), value["ratio"], value["cap"], *shares
        )


def used_up(value: float, limit: float) -> float:
    """How much of a limit is used up; a limit of 0 is used up beyond all measure by anything."""
    return min(value / limit, MAX_TOLERANCE_USED) if limit else MAX_TOLERANCE_USED * (value > 0)


def against_a_rule(
    name: str, where: str, n: int, value: float, limit: float, beyond: Verdict, reason: str, **detail: Any
) -> Measurement:
    """A number that was counted, not estimated, against a rule: ``beyond`` it the verdict given, with the reason."""
    broken = value > limit
    return Measurement(
        name=name,
        slice=where,
        n=n,
        value=value,
        threshold=limit,
        tolerance_used=used_up(value, limit),
        verdict=beyond if broken else Verdict.PASS,
        detail={**detail, **({"reason": reason} if broken else {})},
    )


def insufficient(name: str, where: str, n: int, reason: str, **detail: Any) -> Measurement:
    """What could not be judged, and what to do."""
    return Measurement(
        name=name, slice=where, n=n, verdict=Verdict.INSUFFICIENT, detail={**detail, "reason": reason}
    )


def judged_pressure(
    family: Sequence[Compared], rules: PressureRules, both_ways: frozenset[str]
) -> Iterator[Measurement]:
    """Each group's pressure against its reference. Less pressure is no fault, but for metrics judged ``both_ways``."""
    for measurement in judged(family, rules.rules):
        yield _one_way(measurement, rules, measurement.name in both_ways)


def _one_way(measurement: Measurement, rules: PressureRules, both_ways: bool) -> Measurement:
    detail = dict(measurement.detail)
    if "reason" in detail:
        detail["reason"] = _of_people(str(detail["reason"]), measurement.name)
    ratio, value = detail["ratio"], measurement.value
    if not both_ways:
        detail["tolerance"] = [0.0, rules.ratio]
        least = rules.rules.sizes.rows
        enough = min(detail["units"], detail["reference_n"], measurement.n) >= least
        less = measurement.verdict is not Verdict.INSUFFICIENT and ratio is not None and ratio <= 1
        if less or (value == 0 and enough):
            detail.pop("reason", None)
            note = {
                "note": "less than its reference" if ratio != 1 and value else "no more than its reference"
            }
            return replace(
                measurement,
                threshold=rules.ratio,
                verdict=Verdict.PASS,
                tolerance_used=0.0,
                detail=detail | note,
            )
    if measurement.verdict in (Verdict.FAIL, Verdict.REVIEW):
        detail["reason"] = _why(measurement, ratio, rules)
    return replace(measurement, threshold=rules.ratio, detail=detail)


def _of_people(reason: str, metric: str) -> str:
    """What is counted here: customers where a rate is theirs, else contacts."""
    rows = "customers" if metric == PER_WEEK.metric else "contacts"
    return re.sub(r"values of '.*'", "customers", reason).replace(" rows", f" {rows}")


def _why(measurement: Measurement, ratio: float | None, rules: PressureRules) -> str:
    what = "infinitely many times" if ratio is None else f"{ratio:.2f} times"
    certain = (
        "find out which rule or model sends more to them and change it"
        if measurement.verdict is Verdict.FAIL
        else "not significant: look at more weeks before you conclude"
    )
    return f"{what} the value of those it is compared with, tolerated up to {rules.ratio:g}; {certain}"
