"""The verdict on a campaign with a control group: was it drawn by lot, does it help, and do people regret it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.pressure.trials import Balance, Difference, Trial, sample_ratio_p, share_interval
from audits.metrics.statistics.multiplicity import holm
from audits.verdicts.disparity.disparities import number
from audits.verdicts.pressure.groups import insufficient, used_up

#: ``balance``: Austin 2009; ``srm-alpha``: Fabijan et al. 2019 and practice; ``regret``: one more customer in a hundred.
DEFAULTS = {"balance": 0.1, "srm-alpha": 0.001, "regret": 0.01, "alpha": 0.05, "min_n": 30.0}
PLANNED = "treated-share"
RATIO, BALANCE, UPLIFT, REGRET = "sample-ratio", "balance", "uplift", "regret-uplift"
NO_CONTROL = (
    "no control group: leave a random share of the customers without the campaign, mark them as control in the column "
    "of role 'treatment', and give both"
)
NOT_BY_LOT = "not a randomised control: the difference may come from who was contacted, not from the contact"
_MISMATCH = "the arms do not have the planned sizes, so something lost or added customers: find out before you compare"


@dataclass(frozen=True, slots=True)
class UpliftRules:
    """The limits of one run. ``planned`` is the share of treated units that was planned, None when it is not known."""

    planned: float | None
    balance: float
    srm_alpha: float
    regret: float
    alpha: float
    least: int

    @classmethod
    def read(cls, parameters: AuditParameters) -> UpliftRules:
        """The limits that the parameters ask for.

        Raises
        ------
        AuditInputError
            Names a threshold that does not exist or cannot be used.
        """
        known = [*DEFAULTS, PLANNED]
        parameters.refuse_other_thresholds(sorted(known))
        value = {**DEFAULTS, **parameters.thresholds}
        for name in ("srm-alpha", "alpha", PLANNED):
            if name in value and not 0 < value[name] < 1:
                raise AuditInputError(f"threshold {name!r} must lie between 0 and 1, got {value[name]:g}")
        if value["balance"] <= 0 or value["regret"] <= 0 or value["min_n"] < 2:
            raise AuditInputError("thresholds 'balance' and 'regret' must be above 0 and 'min_n' at least 2")
        planned = parameters.thresholds.get(PLANNED)
        least = math.ceil(value["min_n"])
        return cls(planned, value["balance"], value["srm-alpha"], value["regret"], value["alpha"], least)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome and, where there is a column of it, the regret of one slice."""

    where: str
    uplift: Difference
    regret: Difference | None
    beside: Mapping[str, Any]


def judged_sizes(trial: Trial, rules: UpliftRules) -> Measurement:
    """Whether the arms have the planned sizes: a mismatch fails, and nothing after it is trusted."""
    n, where = trial.treated + trial.control, ""
    detail: dict[str, Any] = {"treated": trial.treated, "control": trial.control}
    detail |= {"mixed": trial.mixed, "unknown": trial.unknown}
    if not trial.treated or not trial.control:
        return insufficient(
            RATIO, where, n, NO_CONTROL if not trial.control else "no treated customer", **detail
        )
    if rules.planned is None:
        reason = f"give the planned share of treated customers as threshold {PLANNED!r}: without it nobody can tell"
        return insufficient(RATIO, where, n, reason, **detail, share=trial.treated / n)
    p = sample_ratio_p(trial.treated, trial.control, rules.planned)
    low, high = share_interval(trial.treated, n)
    broken = p < rules.srm_alpha
    return Measurement(
        name=RATIO,
        slice=where,
        n=n,
        value=trial.treated / n,
        low=low,
        high=high,
        threshold=rules.planned,
        tolerance_used=min(math.log(max(p, 1e-300)) / math.log(rules.srm_alpha), 100.0),
        verdict=Verdict.FAIL if broken else Verdict.PASS,
        detail={**detail, "test": "chi-square", "p": p, **({"reason": _MISMATCH} if broken else {})},
    )


def judged_balance(found: Mapping[str, Balance], rules: UpliftRules) -> list[Measurement]:
    """Whether the arms were alike before the campaign, by column; Holm's adjustment over all columns."""
    usable = {name: b for name, b in found.items() if math.isfinite(b.p) and b.n >= 2 * rules.least}
    adjusted = dict(zip(usable, holm(np.array([b.p for b in usable.values()])).tolist(), strict=True))
    out = []
    for name, b in found.items():
        if name not in usable:
            reason = f"{b.n} customers of both arms have a value, or none differ; at least {2 * rules.least} are needed"
            out.append(insufficient(BALANCE, name, b.n, reason))
            continue
        outside, sure = b.smd > rules.balance, adjusted[name] < rules.alpha
        detail: dict[str, Any] = {"p": b.p, "p_adjusted": adjusted[name], "family": len(usable)}
        detail |= {"significant": sure, **({"level": b.level} if b.level else {})}
        if outside:
            detail["reason"] = (
                NOT_BY_LOT if sure else "more than chance usually leaves, not significant: look at it"
            )
        out.append(
            Measurement(
                name=BALANCE,
                slice=name,
                n=b.n,
                value=number(b.smd),
                threshold=rules.balance,
                tolerance_used=used_up(b.smd, rules.balance),
                verdict=Verdict.REVIEW if outside else Verdict.PASS,
                detail=detail,
            )
        )
    return out


def distrust(sizes: Measurement, balance: Sequence[Measurement]) -> tuple[str, Verdict | None]:
    """Why the comparison cannot be trusted, and the best verdict that is left to it; nothing where it can."""
    if sizes.verdict is Verdict.FAIL:
        return f"the sizes of the arms are not as planned: {_MISMATCH}", Verdict.INSUFFICIENT
    if any(m.verdict is Verdict.REVIEW and m.detail["significant"] for m in balance):
        return NOT_BY_LOT, Verdict.REVIEW
    return "", None


def judged_outcomes(
    outcomes: Sequence[Outcome], rules: UpliftRules, doubt: tuple[str, Verdict | None]
) -> Iterator[Measurement]:
    """Uplift and regret of all slices. Pushy, which fails: regret surely rises beyond its limit, the outcome does not surely rise."""
    p_uplift = _adjusted([o.uplift for o in outcomes], rules)
    p_regret = _adjusted([o.regret for o in outcomes], rules)
    for outcome, p, q in zip(outcomes, p_uplift, p_regret, strict=True):
        helps = p < rules.alpha and outcome.uplift.value > 0
        verdict, reason = _of_uplift(outcome.uplift, p, rules)
        yield _told(UPLIFT, outcome, outcome.uplift, (verdict, reason, None, None), p, doubt)
        if outcome.regret is None and outcome.where:
            continue  # said once, of everybody
        if outcome.regret is None:
            missing = "name the column of role 'regret' (returned, unsubscribed, complained): without it nobody can tell personal from pushy"
            yield insufficient(
                REGRET, outcome.where, outcome.uplift.treated + outcome.uplift.control, missing
            )
            continue
        verdict, reason = _of_regret(outcome.regret, q, helps, rules)
        used = used_up(max(outcome.regret.value, 0.0), rules.regret)
        known = None if verdict is Verdict.INSUFFICIENT else used
        yield _told(REGRET, outcome, outcome.regret, (verdict, reason, rules.regret, known), q, doubt)


def _adjusted(found: Sequence[Difference | None], rules: UpliftRules) -> list[float]:
    """Holm's adjusted p over all slices that can be judged; NaN for the others."""
    tested = [i for i, d in enumerate(found) if d is not None and not _too_few(d, rules)]
    p = holm(np.array([d.p for d in (found[i] for i in tested) if d is not None]))
    out = [math.nan] * len(found)
    for i, value in zip(tested, p.tolist(), strict=True):
        out[i] = value
    return out


def _too_few(d: Difference, rules: UpliftRules) -> str:
    if d.control == 0:
        return NO_CONTROL
    fewest = min(d.treated, d.control)
    if fewest < rules.least:
        return f"{fewest} customers in the smaller arm; at least {rules.least} are needed"
    return "" if math.isfinite(d.p) else "the test is undefined: too little varies between the customers"


def _of_uplift(d: Difference, p: float, rules: UpliftRules) -> tuple[Verdict, str]:
    if reason := _too_few(d, rules):
        return Verdict.INSUFFICIENT, reason
    if p < rules.alpha:
        lowers = "the campaign lowers the outcome: stop it or find out why"
        return (Verdict.PASS, "") if d.value > 0 else (Verdict.REVIEW, lowers)
    reason = (
        f"no effect shown; a true one of {d.detectable:.3g} would be found in 80 of 100 trials of this size: "
        "run it longer, or stop contacting people"
    )
    return Verdict.REVIEW, reason


def _of_regret(d: Difference, p: float, helps: bool, rules: UpliftRules) -> tuple[Verdict, str]:
    if reason := _too_few(d, rules):
        return Verdict.INSUFFICIENT, reason
    if d.value > rules.regret:
        if p >= rules.alpha:
            return Verdict.REVIEW, "more regret than tolerated, not significant: run the trial longer"
        if helps:
            return (
                Verdict.REVIEW,
                "it sells, and more people regret it than tolerated: weigh both before going on",
            )
        return Verdict.FAIL, "pushy: more people regret it and no more buy; stop the campaign or change it"
    if d.high > rules.regret and d.detectable > rules.regret:
        times = (d.detectable / rules.regret) ** 2
        reason = f"regret may have risen by up to {d.high:.3g}: about {times:.1f} times as many customers would tell"
        return Verdict.INSUFFICIENT, reason
    return Verdict.PASS, ""


def _told(
    name: str,
    outcome: Outcome,
    d: Difference,
    judged: tuple[Verdict, str, float | None, float | None],
    p: float,
    doubt: tuple[str, Verdict | None],
) -> Measurement:
    verdict, reason, limit, used = judged
    why, best = doubt
    if best is not None and verdict is not Verdict.INSUFFICIENT:
        verdict, reason = best, why
        used = None if best is Verdict.INSUFFICIENT else used
    detail = {
        "treated": d.treated,
        "control": d.control,
        "treated_mean": number(d.treated_mean),
        "reference": number(d.control_mean),
        "test": d.test,
        "p": number(d.p),
        "p_adjusted": number(p),
        "detectable": number(d.detectable),
        **(outcome.beside if name == UPLIFT else {}),
        **({"reason": reason} if reason else {}),
    }
    return Measurement(
        name=name,
        slice=outcome.where,
        n=d.treated + d.control,
        value=number(d.value),
        low=number(d.low),
        high=number(d.high),
        threshold=limit,
        tolerance_used=used,
        verdict=verdict,
        detail=detail,
    )
