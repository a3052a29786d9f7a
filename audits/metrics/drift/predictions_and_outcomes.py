"""What followed from predictions, in the form in which two tables can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.drift.concept_change import prediction_bins
from audits.metrics.scores.encoding import clip_limits
from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import Column, ColumnType, TableError

SCORE, LABELS, NUMBERS = "score", "labels", "numbers"
#: More labels than this are not labels.
MAX_LABELS = 100

Bools = npt.NDArray[np.bool_]
#: Truth and prediction of one table.
Side = tuple[Column, Column]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Rows of both tables that have truth and prediction, reference first.

    ``values`` has one array per thing that is compared: of a ``score`` whether the event came; of ``labels`` whether
    the label was wrong; of ``numbers`` the residual in standard deviations of the reference's, and its size in mean
    sizes of the reference's. ``bins`` are ranges of predictions or labels, called ``bin_names``.
    """

    sort: str
    values: tuple[Floats, ...]
    bins: Ints
    bin_names: list[str]
    prediction: Floats
    current: Bools
    dropped: int

    @property
    def current_n(self) -> int:
        return int(self.current.sum())

    @property
    def reference_n(self) -> int:
        return len(self.current) - self.current_n


def outcomes(reference: Side, current: Side, task: str | None = None) -> Outcomes:
    """Tell what sort of prediction it is, and what followed from it.

    Text is a label. Truths that are all 0 or 1 with predictions in [0, 1] are events and their scores. Every other
    number is a forecast, unless ``task`` is ``classification``, which makes it a label.

    Raises
    ------
    TableError
        When the columns do not fit one another, differ between the tables or hold infinite values; names the column
        and the remedy.
    """
    _refuse_unusable([column for column in (*reference, *current) if _filled(column)])
    reference, current = _blanked(reference), _blanked(current)
    if any(column.type is ColumnType.CATEGORICAL for column in (*reference, *current)):
        return _labels(reference, current)
    truth, prediction = _numbers(reference[0], current[0]), _numbers(reference[1], current[1])
    if task != "regression" and _is_score(truth, prediction):
        return _score(truth, prediction, len(reference[0]))
    if task == "classification":
        return _labels(reference, current)
    return _forecast(truth, prediction, len(reference[0]))


def _filled(column: Column) -> int:
    return len(column) - column.nulls


def _refuse_unusable(filled: list[Column]) -> None:
    """Columns without values say nothing of their type and are not asked."""
    for column in filled:
        if column.type in {ColumnType.DATETIME, ColumnType.EMBEDDING}:
            raise TableError(
                f"column {column.name!r} is {column.type}; numbers, labels or booleans are needed"
            )
    text = [column for column in filled if column.type is ColumnType.CATEGORICAL]
    other = [column for column in filled if column.type is not ColumnType.CATEGORICAL]
    if text and other:
        raise TableError(
            f"column {text[0].name!r} holds text and column {other[0].name!r} is {other[0].type}, in one table or the "
            "other; give truth and prediction as labels in both, or as numbers in both"
        )


def _blanked(side: Side) -> Side:
    """A column without values as numbers without values, whatever it was read as."""
    truth, prediction = (
        column
        if _filled(column)
        else Column(column.name, ColumnType.NUMERIC, pa.nulls(len(column), pa.float64()))
        for column in side
    )
    return truth, prediction


def _numbers(before: Column, after: Column) -> Floats:
    values = np.concatenate([before.floats(), after.floats()])
    if np.isinf(values).any():
        raise TableError(f"column {before.name!r} holds infinite values; replace or remove them")
    return values


def _is_score(truth: Floats, prediction: Floats) -> bool:
    truth, prediction = truth[~np.isnan(truth)], prediction[~np.isnan(prediction)]
    return bool(np.isin(truth, (0.0, 1.0)).all() and ((prediction >= 0) & (prediction <= 1)).all())


def _score(truth: Floats, prediction: Floats, reference_n: int) -> Outcomes:
    kept = ~np.isnan(truth) & ~np.isnan(prediction)
    return _binned(SCORE, (truth[kept],), prediction[kept], kept, reference_n)


def _forecast(truth: Floats, prediction: Floats, reference_n: int) -> Outcomes:
    kept = ~np.isnan(truth) & ~np.isnan(prediction)
    before = (np.arange(len(kept)) < reference_n)[kept]
    residual = truth[kept] - prediction[kept]
    if before.any():
        residual = np.clip(residual, *clip_limits(residual[before]))
    deviation, size = _scales(residual[before])
    values = (residual / deviation, np.abs(residual) / size)
    return _binned(NUMBERS, values, prediction[kept], kept, reference_n)


def _scales(residuals: Floats) -> tuple[float, float]:
    """Standard deviation and mean size of the reference's residuals; 1 where there are none."""
    if not len(residuals):
        return 1.0, 1.0
    return float(residuals.std()) or 1.0, float(np.abs(residuals).mean()) or 1.0


def _binned(
    sort: str, values: tuple[Floats, ...], prediction: Floats, kept: Bools, reference_n: int
) -> Outcomes:
    current = (np.arange(len(kept)) >= reference_n)[kept]
    bins, names = np.zeros(len(prediction), dtype=np.int64), ["all"]
    if current.any() and not current.all():
        of_reference, of_current, edges = prediction_bins(prediction[~current], prediction[current])
        bins = np.concatenate([of_reference, of_current])
        names = _ranges(edges)
    return Outcomes(sort, values, bins, names, prediction, current, int((~kept).sum()))


def _ranges(edges: Floats) -> list[str]:
    if not len(edges):
        return ["all"]
    inner = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]:.4g}", *inner, f"above {edges[-1]:.4g}"]


def _labels(reference: Side, current: Side) -> Outcomes:
    truth, true_names = _pooled_labels(reference[0], current[0])
    prediction, names = _pooled_labels(reference[1], current[1])
    if true_names and names and not set(true_names) & set(names):
        raise TableError(
            f"no label of column {reference[1].name!r} occurs in column {reference[0].name!r}; use one spelling"
        )
    kept = (truth >= 0) & (prediction >= 0)
    spelled = (
        np.array([*true_names, ""], dtype=object)[truth] != np.array([*names, ""], dtype=object)[prediction]
    )
    side = np.arange(len(kept)) >= len(reference[0])
    return Outcomes(
        sort=LABELS,
        values=(spelled[kept].astype(np.float64),),
        bins=prediction[kept],
        bin_names=names,
        prediction=prediction[kept].astype(np.float64),
        current=side[kept],
        dropped=int((~kept).sum()),
    )


def _pooled_labels(before: Column, after: Column) -> tuple[Ints, list[str]]:
    sides = [_label_codes(side) for side in (before, after)]
    names = sorted({name for _, side in sides for name in side})
    if len(names) > MAX_LABELS:
        raise TableError(
            f"column {before.name!r} holds {len(names)} different labels; group them to at most {MAX_LABELS}"
        )
    place = {name: i for i, name in enumerate(names)}
    codes = [np.array([*(place[name] for name in side), -1])[found] for found, side in sides]
    return np.concatenate(codes).astype(np.int64), names


def _label_codes(column: Column) -> tuple[Ints, list[str]]:
    """Numbers are the same label whether they are stored as whole numbers, as truth values or with a decimal point."""
    if column.type is ColumnType.CATEGORICAL:
        return column.codes()
    values = column.floats()
    known = ~np.isnan(values)
    distinct, codes = np.unique(values[known], return_inverse=True)
    out = np.full(len(values), -1, dtype=np.int64)
    out[known] = codes
    return out, [f"{value:g}" for value in distinct]
