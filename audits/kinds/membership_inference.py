"""Does the model betray which rows it was trained on?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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
from audits.metrics.privacy.membership import attack_auc, attack_rate
from audits.metrics.scores.classification import row_log_loss
from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.metrics.statistics.resampling import Estimate, Floats
from audits.tables import ColumnType, Table

#: Name -> limit, and the value that guessing reaches. Why these: see the reference page.
LIMITS: Mapping[str, tuple[float, float]] = {
    "attack-auc": (0.6, 0.5),
    "true-positive-rate-at-1pct-fpr": (0.05, 0.01),
}
#: With fewer non-members, one wrong call is already more than one per cent.
MIN_ROWS = 100
METHODS = ("log-loss", "absolute-error", "zero-one")


@audit_kinds.register
class MembershipInference(AuditKind):
    slug = "membership-inference"
    label = "Membership inference"
    dimension = "privacy"
    method = "Loss-threshold attack (Yeom et al. 2018): AUC, and true-positive rate at 1 % FPR (Carlini et al. 2022)"
    needs_reference = True
    reads = ("non-members", "members")
    settings = Settings(
        limits={name: limit for name, (limit, _) in LIMITS.items()},
        columns=("y_true", "y_pred"),
        methods=METHODS,
    )

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        reference = audit_input.need_reference()
        method = _method(reference, audit_input.current, parameters)
        members, no_member = _losses(reference, parameters, method)
        others, no_other = _losses(audit_input.current, parameters, method)
        counts: dict[str, int | str] = {
            "members": len(members),
            "non_members": len(others),
            "dropped_rows": no_member + no_other,
            "loss": method,
        }
        rows = len(members) + len(others)
        if min(len(members), len(others)) < MIN_ROWS:
            reason = f"{len(members)} members and {len(others)} non-members; at least {MIN_ROWS} of each are needed"
            return [
                Measurement(
                    name=name,
                    verdict=Verdict.INSUFFICIENT,
                    n=rows,
                    threshold=limit,
                    detail={**counts, "reason": reason},
                )
                for name, limit in limits.items()
            ]
        estimates = {
            "attack-auc": attack_auc(members, others, audit_input.seed),
            "true-positive-rate-at-1pct-fpr": attack_rate(members, others, audit_input.seed),
        }
        return [_judged(name, estimates[name], limit, counts) for name, limit in limits.items()]


def _limits(parameters: AuditParameters) -> dict[str, float]:
    unknown = sorted(set(parameters.thresholds) - set(LIMITS))
    if unknown:
        raise AuditInputError(f"unknown threshold {unknown[0]!r}; known: {', '.join(LIMITS)}")
    limits = {name: parameters.threshold(name, limit) for name, (limit, _) in LIMITS.items()}
    for name, (_, guessing) in LIMITS.items():
        if not guessing < limits[name] < 1:
            raise AuditInputError(f"threshold {name!r} must lie between {guessing} (guessing) and 1")
    return limits


def _method(reference: Table, current: Table, parameters: AuditParameters) -> str:
    """How a row's loss is computed: named, or told from the columns of both tables."""
    if parameters.columns:
        if len(parameters.columns) != 1:
            raise AuditInputError("name one column of losses, or give y_true and y_pred")
        return "given"
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError(
            "membership inference needs y_true and y_pred, or one column of losses as columns"
        )
    if parameters.method:
        if parameters.method not in METHODS:
            raise AuditInputError(f"unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
        return parameters.method
    tables, names = (reference, current), (parameters.y_true, parameters.y_pred)
    if any(table.column(name).type is ColumnType.CATEGORICAL for table in tables for name in names):
        return "zero-one"
    return "log-loss" if all(_probabilities(table, *names) for table in tables) else "absolute-error"


def _probabilities(table: Table, y_true: str, y_pred: str) -> bool:
    truth, predicted = finite_numbers(table, y_true), finite_numbers(table, y_pred)
    return bool(
        np.isin(truth[~np.isnan(truth)], (0.0, 1.0)).all()
        and np.nanmin(predicted) >= 0
        and np.nanmax(predicted) <= 1
    )


def _losses(table: Table, parameters: AuditParameters, method: str) -> tuple[Floats, int]:
    """The loss of each row that has one, and how many have none."""
    if method == "given":
        given = finite_numbers(table, parameters.columns[0])
        kept = ~np.isnan(given)
        return given[kept], int((~kept).sum())
    y_true, y_pred = str(parameters.y_true), str(parameters.y_pred)
    if method == "zero-one":
        return _mismatches(table, y_true, y_pred)
    truth, predicted = finite_numbers(table, y_true), finite_numbers(table, y_pred)
    kept = ~np.isnan(truth) & ~np.isnan(predicted)
    truth, predicted, dropped = truth[kept], predicted[kept], int((~kept).sum())
    if method == "absolute-error":
        return np.abs(predicted - truth), dropped
    if not _probabilities(table, y_true, y_pred):
        raise AuditInputError(
            f"log-loss needs 0/1 in column {y_true!r} and probabilities in column {y_pred!r}"
        )
    return row_log_loss(truth == 1, predicted), dropped


def _mismatches(table: Table, y_true: str, y_pred: str) -> tuple[Floats, int]:
    (truth, true_names), (predicted, predicted_names) = (
        category_codes(table, y_true),
        category_codes(table, y_pred),
    )
    if not set(true_names) & set(predicted_names):
        raise AuditInputError(f"no label of column {y_pred!r} occurs in column {y_true!r}; use one spelling")
    place = {name: i for i, name in enumerate(true_names)}
    # A label that never is the truth gets -2, which equals nothing; no value stays -1.
    translate = np.array([*(place.get(name, -2) for name in predicted_names), -1])
    kept = (truth >= 0) & (predicted >= 0)
    return (truth != translate[predicted])[kept].astype(np.float64), int((~kept).sum())


def _judged(name: str, estimate: Estimate, limit: float, counts: Mapping[str, int | str]) -> Measurement:
    """Fail when the whole interval lies beyond the limit, review when the estimate does."""
    value, low = estimate.value, estimate.low
    if value is None or low is None:
        return Measurement(
            name=name, verdict=Verdict.INSUFFICIENT, n=estimate.n, threshold=limit, detail=counts
        )
    verdict = Verdict.FAIL if low > limit else Verdict.REVIEW if value > limit else Verdict.PASS
    guessing = LIMITS[name][1]
    return Measurement(
        name=name,
        verdict=verdict,
        n=estimate.n,
        value=value,
        low=low,
        high=estimate.high,
        threshold=limit,
        tolerance_used=max(0.0, (value - guessing) / (limit - guessing)),
        detail=counts,
    )
