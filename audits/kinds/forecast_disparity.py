"""Bias audit of forecasts: is any group of stores, sizes or customers forecast worse, or run out of stock, more than the others?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Verdict,
    audit_kinds,
)
from audits.metrics.disparity.forecast_errors import MISS_RATE, RELATIVE_ERROR, WIDTH, ForecastRows
from audits.metrics.disparity.size_curves import WIDTH as CURVE_WIDTH
from audits.metrics.disparity.size_curves import (
    SizeCurve,
    curve_statistics,
    kullback_leibler,
    total_variation,
)
from audits.metrics.groups import Unit, sum_cells
from audits.metrics.statistics.intervals import percentile_interval
from audits.tables import TableError
from audits.verdicts.disparity.disparities import Rules, errored, judged, number
from audits.verdicts.disparity.examination import Examination, check_groupings
from audits.verdicts.disparity.settings import disparity_settings
from audits.verdicts.words import GROUP_WORDS

ROLES = ("high", "low", "quantile", "size")
#: Which quantile the role ``quantile`` forecasts.
OWN_THRESHOLDS = {"quantile": 0.5}
#: Published as one minus what is compared: groups differ in what the model leaves over, not in what it saves.
_TURNED = {RELATIVE_ERROR: "skill", MISS_RATE: "interval-coverage"}
_DISTANCES = {
    "size-curve-total-variation": total_variation,
    "size-curve-kl-divergence": lambda predicted, realised: kullback_leibler(realised, predicted),
}


@audit_kinds.register
class ForecastDisparity(AuditKind):
    slug = "forecast-disparity"
    label = "Forecast disparity"
    dimension = "bias"
    method = (
        "each group's forecast error, bias, stock-out side and skill against the rest: ratio within [0.8, 1.25], and cluster "
        "bootstrap with Holm's adjustment"
    )
    reads = ("predictions", "")
    settings = disparity_settings(OWN_THRESHOLDS, "baseline", roles=ROLES)
    words = GROUP_WORDS

    def check(self, parameters: AuditParameters) -> None:
        Rules.read(parameters, OWN_THRESHOLDS)
        _columns(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        rules = Rules.read(parameters, OWN_THRESHOLDS)
        rows = ForecastRows(_columns(parameters), rules.own["quantile"])
        examination = Examination.of(audit_input, rules)
        found = examination.measured(partial(_errors, rows), self.slug)
        size = parameters.roles.get("size")
        return [*found, *_size_curve(examination, rows.columns, size)] if size else found


def _columns(parameters: AuditParameters) -> dict[str, str]:
    """The columns by what they are. Refuses those that are missing, unknown or named twice."""
    check_groupings(parameters)
    roles = parameters.roles
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise AuditInputError(f"unknown role {unknown[0]!r}; known: {', '.join(ROLES)}")
    if not parameters.y_true or not parameters.y_pred:
        raise AuditInputError("name what came ('y_true') and its forecast ('y_pred')")
    if ("low" in roles) != ("high" in roles):
        raise AuditInputError("roles 'low' and 'high' are the two ends of an interval; give both or neither")
    if "quantile" in parameters.thresholds and "quantile" not in roles:
        raise AuditInputError(
            "threshold 'quantile' is the level of a forecast; name its column as role 'quantile'"
        )
    if parameters.method:
        raise AuditInputError("forecast errors have no other method; leave 'method' out")
    columns = {"truth": parameters.y_true, "forecast": parameters.y_pred}
    if parameters.baseline:
        columns["baseline"] = parameters.baseline
    columns |= {role: roles[role] for role in ("low", "high", "quantile") if role in roles}
    _refuse_repetition(columns, parameters)
    return columns


def _refuse_repetition(columns: Mapping[str, str], parameters: AuditParameters) -> None:
    names = list(columns.values())
    both = [
        name
        for name in names
        if name in {*parameters.sensitive, *parameters.strata, parameters.roles.get("size")}
    ]
    if both:
        raise AuditInputError(
            f"column {both[0]!r} is both a group and a number of the forecast; name it once"
        )
    apart = [name for role, name in columns.items() if role != "quantile" or name == columns["truth"]]
    twice = [name for name in apart if apart.count(name) > 1]
    if twice:
        raise AuditInputError(
            f"column {twice[0]!r} is named twice; forecast, baseline and actual are different columns"
        )


def _errors(rows: ForecastRows, examination: Examination) -> list[Measurement]:
    found = examination.ratios(list(rows.columns.values()), rows.statistics, WIDTH, rows.ratios)
    return [_described(_turned(measurement), rows.level) for measurement in found]


def _turned(measurement: Measurement) -> Measurement:
    """A skill from a relative error, a coverage from a miss rate; ``ratio`` stays that of what is left over."""
    plain = measurement.name.removeprefix("conditional-")
    if plain not in _TURNED:
        return measurement
    detail = dict(measurement.detail)
    detail["reference"] = _one_minus(detail["reference"])
    low, high = detail["difference_low"], detail["difference_high"]
    detail["difference"], detail["difference_low"], detail["difference_high"] = (
        None if value is None else -value for value in (detail["difference"], high, low)
    )
    return replace(
        measurement,
        name=measurement.name.replace(plain, _TURNED[plain]),
        value=_one_minus(measurement.value),
        low=_one_minus(measurement.high),
        high=_one_minus(measurement.low),
        detail=detail | {"ratio_of": plain},
    )


def _one_minus(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _described(measurement: Measurement, level: float) -> Measurement:
    if not measurement.name.endswith("weighted-quantile-loss"):
        return measurement
    return replace(measurement, detail={**measurement.detail, "quantile": level})


def _size_curve(examination: Examination, columns: Mapping[str, str], size: str) -> list[Measurement]:
    """Each size's share against its share of the sales, and how far apart the two curves are."""
    names = [columns["truth"], columns["forecast"]]
    unit = Unit(examination.entity)
    try:
        sums = sum_cells(examination.table, [(size,)], names, curve_statistics, CURVE_WIDTH, unit)[0]
    except TableError as error:
        return [errored("size-share-ratio", size, str(error))]
    curve = SizeCurve.of(sums.by(size), examination.seed, None if sums.unit_is_row else examination.entity)
    ratios = judged([curve.compared(examination.rules.sizes)], examination.rules)
    return [*_with_shares(curve, ratios), *_distances(curve, size, examination.rules)]


def _with_shares(curve: SizeCurve, ratios: Iterator[Measurement]) -> Iterator[Measurement]:
    for i, measurement in enumerate(ratios):
        shares = {"predicted_share": number(curve.predicted[i]), "realised_share": number(curve.realised[i])}
        yield replace(measurement, detail={**measurement.detail, **shares})


def _distances(curve: SizeCurve, size: str, rules: Rules) -> Iterator[Measurement]:
    """Total variation and divergence of the two curves: informational, without a limit."""
    reasons = curve.reasons(rules.sizes)
    few = (
        reasons[0]
        if len(reasons) == 1
        else None
        if any(r is None for r in reasons)
        else "every size has too few rows"
    )
    for name, distance in _DISTANCES.items():
        value = number(float(distance(curve.predicted, curve.realised))) if len(curve.sizes) else None
        draws = np.asarray(distance(curve.predicted_draws, curve.realised_draws))[:, np.newaxis]
        low, high = (number(limit[0]) for limit in percentile_interval(draws))
        reason = few if value is not None else "undefined: a size has no forecast or nothing was sold"
        yield Measurement(
            name=name,
            slice=size,
            n=int(curve.n.sum()),
            value=value,
            low=low,
            high=high,
            verdict=Verdict.INSUFFICIENT if reason else Verdict.PASS,
            detail={"sizes": len(curve.sizes)} | ({"reason": reason} if reason else {}),
        )
