"""Studies of decisions and of forecasts: the candidates of each, compared by the engine that all bias audits share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.disparity.rates import outcome_codes
from audits.metrics.groups.outcome_values import numbers
from audits.metrics.mitigation.candidates import RATE_NAMES, Candidate, Eligible, NotTried, Offer
from audits.metrics.mitigation.corrections import RATIOS, WIDTH, correction_offers, forecast_statistics
from audits.metrics.mitigation.inputs import Inputs, read_inputs
from audits.metrics.mitigation.rows import Rows, Sides
from audits.metrics.mitigation.trade_off import TODAY
from audits.metrics.mitigation.utility import ForecastWorth, LabelWorth
from audits.tables import Column, MemoryTable
from audits.verdicts.disparity.disparities import Rules, errored
from audits.verdicts.disparity.examination import Examination
from audits.verdicts.mitigation.candidates import Examined, candidates_measured, not_tried

Floats: TypeAlias = npt.NDArray[np.float64]

NO_SCORES = "the predictions are 0 and 1; name the column of the scores as role 'score' to move thresholds"
NO_INPUTS = "name the inputs of the model in 'columns' to train candidates on them"


@dataclass(frozen=True, slots=True)
class Study:
    """What every study needs to know. ``families`` are those that were asked for."""

    sides: Sides
    parameters: AuditParameters
    rules: Rules
    max_loss: float
    families: Sequence[str]
    seed: int

    @property
    def attributes(self) -> list[str]:
        """Each attribute, and all of them together where there are several."""
        names = list(self.sides.held_out.values)
        return names if len(names) < 2 else [*names, self.sides.held_out.attribute]

    def examination(self, predictions: Floats) -> tuple[Examination, list[str]]:
        """The held-out rows with the predictions of a candidate, and the names of its two columns."""
        rows = self.sides.held_out
        truth, predicted, unit = _unlike(rows.values, "truth"), _unlike(rows.values, "predicted"), ""
        columns: dict[str, object] = {**rows.values, truth: rows.truth, predicted: predictions}
        if self.parameters.entity:
            unit = _unlike(rows.values, "unit")
            columns[unit] = rows.unit
        found = Examination(
            table=MemoryTable(columns),
            groupings=tuple(self.attributes),
            strata=(),
            entity=unit or None,
            references=dict(self.parameters.references),
            rules=self.rules,
            seed=self.seed,
        )
        return found, [predicted, truth]


def _unlike(taken: Mapping[str, object], name: str) -> str:
    while name in taken:
        name += "_"
    return name


def small_groups(eligible: Eligible, rows: Rows) -> Iterator[Measurement]:
    """The groups that no candidate touches, or not every one."""
    for name, reason in eligible.reasons.items():
        n = int((rows.group == rows.groups.index(name)).sum())
        yield Measurement(
            name="group-size",
            slice=f"{rows.attribute}={name}",
            n=n,
            value=float(n),
            verdict=Verdict.INSUFFICIENT,
            detail={"reason": reason},
        )


def decisions_studied(study: Study, offers: Iterable[Offer], today: Candidate) -> list[Measurement]:
    """Measurements of all candidates for decisions, today first."""
    rows = study.sides.held_out
    worth = LabelWorth(rows.truth, today.predictions, rows.unit, study.seed)
    candidates, missing = _sorted(study, today, offers)
    found = []
    for candidate in candidates:
        examination, columns = study.examination(candidate.predictions)
        measured = list(examination.rates(columns, _codes, list(RATE_NAMES)))
        compared = {name: [m for m in measured if m.name == name] for name in RATE_NAMES}
        found.append(Examined(candidate, worth.of(candidate.predictions, candidate.score), compared))
    measurements = candidates_measured(found, study.rules, "balanced-accuracy", study.max_loss)
    return [*measurements, *not_tried(missing)]


def _sorted(
    study: Study, today: Candidate, offers: Iterable[Offer]
) -> tuple[list[Candidate], list[NotTried]]:
    """Today with the candidates, and what could not be tried for want of rows; today's detail names the rest."""
    tried = list(offers)
    candidates = [offer for offer in tried if isinstance(offer, Candidate)]
    others = [offer for offer in tried if isinstance(offer, NotTried)]
    if study.parameters.method and not candidates and others and not others[0].lacking:
        raise AuditInputError(f"{others[0].label} cannot be tried: {others[0].reason}")
    left_out = {offer.label: offer.reason for offer in others if not offer.lacking}
    detail = dict(today.detail) | ({"not_tried": left_out} if left_out else {})
    return [replace(today, detail=detail), *candidates], [offer for offer in others if offer.lacking]


def _codes(pieces: tuple[Column, ...]) -> npt.NDArray[np.int64]:
    predicted, truth = (numbers(piece) for piece in pieces)
    return outcome_codes(truth, predicted)


def decision_offers(
    study: Study, today: Floats, tuned_today: Floats, start: float | None, eligible: Eligible
) -> Iterator[Offer]:
    """Every family that was asked for and that the data allow.

    Parameters
    ----------
    today, tuned_today : ndarray
        Today's decisions on the held-out and on the tuning rows.
    start : float, optional
        Today's threshold; None where predictions are 0 and 1 and no scores are known.
    """
    from audits.metrics.mitigation.thresholds import group_threshold_offers, threshold_optimizer_offers

    if "thresholds" in study.families:
        if start is None:
            yield NotTried("group thresholds", NO_SCORES)
        else:
            yield from group_threshold_offers(study.sides, today, start, eligible)
    if "threshold-optimizer" in study.families:
        yield from threshold_optimizer_offers(study.sides, today, eligible, study.seed)
    if {"reweighing", "reductions"} & set(study.families):
        yield from _retrained(study, today, tuned_today, eligible)


def _retrained(study: Study, today: Floats, tuned_today: Floats, eligible: Eligible) -> Iterator[Offer]:
    from audits.metrics.mitigation.retrained import (
        Training,
        reduction_offers,
        reweighing_offers,
        too_few_groups,
    )

    wanted = [family for family in ("reweighing", "reductions") if family in study.families]
    few = too_few_groups(eligible)
    inputs, reason = _usable_inputs(study)
    if few or inputs is None:
        yield from (NotTried(family, reason or few, lacking=not reason) for family in wanted)
        return
    training = Training.of(study.sides, inputs, eligible.labelled, today, tuned_today)
    if "reweighing" in wanted:
        yield from reweighing_offers(training)
    if "reductions" in wanted:
        yield from reduction_offers(training, study.seed)


def _usable_inputs(study: Study) -> tuple[Inputs | None, str]:
    if not study.parameters.columns:
        return None, NO_INPUTS
    inputs = read_inputs(study.sides, study.seed)
    if not inputs.tuning.shape[1]:
        return None, "no input varies, or none can be read; name others in 'columns'"
    return inputs, ""


def input_faults(sides: Sides) -> list[Measurement]:
    """Inputs that could not be read; the others are used."""
    faults = {**sides.tuning.faults, **sides.held_out.faults}
    return [errored("input", name, reason) for name, reason in faults.items()]


def forecasts_studied(study: Study, eligible: Eligible) -> list[Measurement]:
    """Measurements of all candidates for forecasts, today first."""
    rows = study.sides.held_out
    today = Candidate(TODAY, "today", rows.prediction, ())
    worth = ForecastWorth(rows.truth, today.predictions, rows.unit, study.seed)
    offers: list[Offer] = []
    if "correction" in study.families:
        offers += correction_offers(study.sides, eligible.sized)
    if "reductions" in study.families:
        offers += _bounded(study, eligible)
    candidates, missing = _sorted(study, today, offers)
    found = []
    for candidate in candidates:
        examination, columns = study.examination(candidate.predictions)
        measured = list(examination.ratios(columns, forecast_statistics, WIDTH, RATIOS))
        compared = {ratio.metric: [m for m in measured if m.name == ratio.metric] for ratio in RATIOS}
        found.append(Examined(candidate, worth.of(candidate.predictions), compared))
    measurements = candidates_measured(found, study.rules, "forecast-accuracy", study.max_loss)
    return [*measurements, *not_tried(missing)]


def _bounded(study: Study, eligible: Eligible) -> Iterator[Offer]:
    from audits.metrics.mitigation.bounded_losses import bounded_loss_offers

    inputs, reason = _usable_inputs(study)
    few = "fewer than two groups have enough rows to tune on" if len(eligible.sized) < 2 else ""
    if few or inputs is None:
        yield NotTried("bounded group loss", reason or few, lacking=not reason)
        return
    yield from bounded_loss_offers(study.sides, inputs, eligible.sized, study.seed)
