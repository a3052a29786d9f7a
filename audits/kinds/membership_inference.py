"""Does the model betray which rows it was trained on?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
    Words,
    audit_kinds,
)
from audits.metrics.privacy.losses import (
    ABSOLUTE_ERROR,
    GIVEN,
    LOG_LOSS,
    ZERO_ONE,
    calibrated_losses,
    computed_losses,
    given_losses,
    loss_method,
)
from audits.metrics.privacy.membership import attack_advantage, attack_auc, attack_rate
from audits.metrics.statistics.resampling import Estimate, Floats
from audits.tables import Table
from audits.verdicts.privacy.attacked_groups import Attack, AttackedRows, attacked_groups
from audits.verdicts.privacy.beyond_limit import too_few

AUC, GROUP_AUC, PLAIN_AUC = "attack-auc", "group-attack-auc", "plain-attack-auc"
RATE, STRICT_RATE, ADVANTAGE = (
    "true-positive-rate-at-1pct-fpr",
    "true-positive-rate-at-0.1pct-fpr",
    "membership-advantage",
)
#: Name -> limit, and the value that guessing reaches. Why these: see the reference page.
LIMITS: Mapping[str, tuple[float, float]] = {AUC: (0.6, 0.5), RATE: (0.05, 0.01), STRICT_RATE: (0.005, 0.001)}
#: With fewer non-members, one wrong call is already more than one per cent.
MIN_ROWS = 100
#: With fewer non-members the limit rests on so few of them that the interval holds too seldom: see the reference page.
MIN_ROWS_STRICT = 5000
METHODS = (LOG_LOSS, ABSOLUTE_ERROR, ZERO_ONE)
_SHADOW = re.compile(r"shadow(_[1-9][0-9]*)?")


@audit_kinds.register
class MembershipInference(AuditKind):
    slug = "membership-inference"
    label = "Membership inference"
    dimension = "privacy"
    method = (
        "Loss-threshold attack (Yeom et al. 2018), made sharper by shadow models where given (Watson et al. 2022; Carlini et "
        "al. 2022): AUC, true-positive rates at 1 % and .1 % FPR, advantage, and AUC per group"
    )
    needs_reference = True
    reads = ("non-members", "members")
    settings = Settings(
        limits={name: limit for name, (limit, _) in LIMITS.items()},
        columns=("y_true", "y_pred", "sensitive"),
        methods=METHODS,
        lines=("roles",),
        roles=("shadow",),
        labels={
            AUC: "Success of the attack (AUC)",
            RATE: "Share found at 1 % false alarms",
            STRICT_RATE: "Share found at 0.1 % false alarms",
        },
    )
    words = {
        AUC: Words(
            label="Success of the attack",
            sentence="An attacker tells a training row from another one with a success of {value}; guessing gives 0.5.",
        ),
        GROUP_AUC: Words(
            label="Success of the attack, by group",
            sentence="For {group}, the attacker's success is {value}; over everybody it is {reference}.",
        ),
        PLAIN_AUC: Words(
            label="Success without shadow models",
            sentence="Without the help of shadow models the attacker's success would be {value}.",
        ),
        RATE: Words(
            label="Found at 1 % false alarms",
            sentence="The attacker finds {value} of the training rows while wrongly naming 1 in 100 others.",
            unit="share",
        ),
        STRICT_RATE: Words(
            label="Found at 0.1 % false alarms",
            sentence="The attacker finds {value} of the training rows while wrongly naming 1 in 1,000 others.",
            unit="share",
        ),
        ADVANTAGE: Words(
            label="Attacker's advantage",
            sentence="At its best, the attacker finds {value} more of the training rows than it wrongly names of others.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)
        _shadows(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, seed = audit_input.parameters, audit_input.seed
        limits = _limits(parameters)
        reference, current = audit_input.need_reference(), audit_input.current
        method = _method(reference, current, parameters)
        members, others = _Side.read(reference, parameters, method), _Side.read(current, parameters, method)
        counts = _counts(members, others, method, len(_shadows(parameters)))
        inside, outside = members.attacked, others.attacked
        if min(len(inside), len(outside)) < MIN_ROWS:
            reason = f"{len(inside)} members and {len(outside)} non-members; at least {MIN_ROWS} of each are needed"
            rows = len(inside) + len(outside)
            return [
                too_few(name, "", rows, limits[name], reason, **counts)
                for name in _judged_names(parameters, 0)
            ]
        out = [
            _judged(name, _estimate(name, inside, outside, seed), limits[name], counts)
            for name in _judged_names(parameters, len(outside))
        ]
        out.append(_described(ADVANTAGE, attack_advantage(inside, outside), counts))
        if _shadows(parameters):
            out.append(_described(PLAIN_AUC, attack_auc(members.plain, others.plain, seed), counts))
        attack = Attack(GROUP_AUC, limits[AUC], out[0].value, _REMEDY)
        for name in parameters.sensitive:
            out += attacked_groups(name, (members.rows, others.rows), attack)
        return out


def _limits(parameters: AuditParameters) -> dict[str, float]:
    parameters.refuse_other_thresholds(LIMITS)
    limits = {name: parameters.threshold(name, limit) for name, (limit, _) in LIMITS.items()}
    for name, (_, guessing) in LIMITS.items():
        if not guessing < limits[name] < 1:
            raise AuditInputError(f"threshold {name!r} must lie between {guessing} (guessing) and 1")
    return limits


def _shadows(parameters: AuditParameters) -> list[str]:
    """The columns of shadow models, in the order of their numbers."""
    unknown = sorted(role for role in parameters.roles if not _SHADOW.fullmatch(role))
    if unknown:
        raise AuditInputError(
            f"unknown role {unknown[0]!r}; known: shadow, or shadow_1, shadow_2 and so on for several shadow models"
        )
    if "shadow" in parameters.roles and len(parameters.roles) > 1:
        raise AuditInputError("name one role 'shadow', or several as 'shadow_1', 'shadow_2' and so on")
    columns = [parameters.roles[role] for role in sorted(parameters.roles, key=lambda r: (len(r), r))]
    if len(set(columns)) < len(columns):
        raise AuditInputError("two shadow roles name the same column; give each shadow model its own")
    if set(columns) & {*parameters.columns, parameters.y_true, parameters.y_pred}:
        raise AuditInputError("a shadow role names a column of the audited model; name one of a shadow model")
    return columns


def _method(reference: Table, current: Table, parameters: AuditParameters) -> str:
    """What the losses are: named, or told from the columns of both tables."""
    if parameters.method and parameters.method not in METHODS:
        raise AuditInputError(f"unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
    if parameters.columns:
        if len(parameters.columns) != 1:
            raise AuditInputError("name one column of losses, or give y_true and y_pred")
        return parameters.method or GIVEN
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "membership inference needs y_true and y_pred, or one column of losses as columns"
        )
    return parameters.method or loss_method((reference, current), parameters.y_true, parameters.y_pred)


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows of one table: the loss that the attacker ranks them by, the model's own loss, and which rows have both."""

    table: Table
    score: Floats
    loss: Floats
    kept: npt.NDArray[np.bool_]

    @classmethod
    def read(cls, table: Table, parameters: AuditParameters, method: str) -> _Side:
        predicted = parameters.columns[0] if parameters.columns else str(parameters.y_pred)
        loss = _losses(table, parameters, predicted, method)
        shadows = [_losses(table, parameters, name, method) for name in _shadows(parameters)]
        score = calibrated_losses(loss, shadows, method) if shadows else loss
        return cls(table, score, loss, ~np.isnan(score))

    @property
    def attacked(self) -> Floats:
        return self.score[self.kept]

    @property
    def rows(self) -> AttackedRows:
        return AttackedRows(self.table, self.score, self.kept)

    @property
    def plain(self) -> Floats:
        return self.loss[self.kept]


def _losses(table: Table, parameters: AuditParameters, column: str, method: str) -> Floats:
    if parameters.columns:
        return given_losses(table, column)
    return computed_losses(table, str(parameters.y_true), column, method)


def _counts(members: _Side, others: _Side, method: str, shadows: int) -> dict[str, int | str]:
    attack = "plain" if not shadows else "calibrated" if shadows == 1 else "likelihood-ratio"
    return {
        "members": int(members.kept.sum()),
        "non_members": int(others.kept.sum()),
        "dropped_rows": int((~members.kept).sum() + (~others.kept).sum()),
        "loss": method,
        "attack": attack,
        "shadow_models": shadows,
    }


def _judged_names(parameters: AuditParameters, others: int) -> list[str]:
    """The strict rate where there are rows enough for it, or where somebody set its limit."""
    strict = others >= MIN_ROWS_STRICT or STRICT_RATE in parameters.thresholds
    return [AUC, RATE, *([STRICT_RATE] if strict else [])]


def _estimate(name: str, members: Floats, others: Floats, seed: int) -> Estimate:
    if name == AUC:
        return attack_auc(members, others, seed)
    if name == STRICT_RATE and len(others) < MIN_ROWS_STRICT:
        reason = f"{len(others)} non-members; at least {MIN_ROWS_STRICT} are needed for a rate at 0.1 %"
        return Estimate(n=len(members), reason=reason)
    return attack_rate(members, others, seed, LIMITS[name][1])


def _judged(name: str, estimate: Estimate, limit: float, counts: Mapping[str, int | str]) -> Measurement:
    """Fail when the whole interval lies beyond the limit, review when the estimate does."""
    value, low = estimate.value, estimate.low
    if value is None or low is None:
        return too_few(name, "", estimate.n, limit, estimate.reason, **counts)
    verdict = Verdict.FAIL if low > limit else Verdict.REVIEW if value > limit else Verdict.PASS
    guessing = LIMITS[name][1]
    reason = {} if verdict is Verdict.PASS else {"reason": f"the attack is better than the limit; {_REMEDY}"}
    return Measurement(
        name=name,
        verdict=verdict,
        n=estimate.n,
        value=value,
        low=low,
        high=estimate.high,
        threshold=limit,
        tolerance_used=max(0.0, (value - guessing) / (limit - guessing)),
        detail={**counts, **reason},
    )


_REMEDY = "train with more rows, more regularisation or differential privacy, or publish coarser outputs"


def _described(name: str, estimate: Estimate, counts: Mapping[str, int | str]) -> Measurement:
    return Measurement(
        name=name,
        verdict=Verdict.PASS,
        n=estimate.n,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        detail={"role": "descriptive", **counts},
    )
