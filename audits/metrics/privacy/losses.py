"""The loss of each row under a model, and how it is made comparable by models that never saw the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audits.metrics.scores.classification import row_log_loss
from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.metrics.statistics.resampling import Floats
from audits.tables import ColumnType, Table, TableError

LOG_LOSS, ABSOLUTE_ERROR, ZERO_ONE, GIVEN = "log-loss", "absolute-error", "zero-one", "given"
#: Below this loss a row's odds are no longer told apart: exp(-loss) is 1 in double precision.
_FLOOR = 1e-12
#: With fewer shadow models the spread of a single row is noise: all rows share one (our choice, after the ablation of
#: Carlini et al. 2022, in which one spread for all rows served better below 64 models).
OWN_SPREAD_FROM = 64


def loss_method(tables: Sequence[Table], y_true: str, y_pred: str) -> str:
    """Tell from the columns which loss fits: text ``zero-one``, 0/1 with probabilities ``log-loss``, else ``absolute-error``."""
    if any(
        table.column(name).type is ColumnType.CATEGORICAL for table in tables for name in (y_true, y_pred)
    ):
        return ZERO_ONE
    return LOG_LOSS if all(_probabilities(table, y_true, y_pred) for table in tables) else ABSOLUTE_ERROR


def given_losses(table: Table, name: str) -> Floats:
    """A column that holds losses ready; NaN where there is none."""
    return finite_numbers(table, name)


def computed_losses(table: Table, y_true: str, y_pred: str, method: str) -> Floats:
    """The loss of each row's prediction; NaN where truth or prediction is missing.

    Raises
    ------
    TableError
        When a column cannot be used for the method; names it and the remedy.
    """
    if method == ZERO_ONE:
        return _mismatches(table, y_true, y_pred)
    truth, predicted = finite_numbers(table, y_true), finite_numbers(table, y_pred)
    if method == ABSOLUTE_ERROR:
        return np.asarray(np.abs(predicted - truth))
    if not _probabilities(table, y_true, y_pred):
        raise TableError(f"log-loss needs 0/1 in column {y_true!r} and probabilities in column {y_pred!r}")
    return np.where(np.isnan(truth + predicted), np.nan, row_log_loss(truth == 1, predicted))


def calibrated_losses(loss: Floats, shadows: Sequence[Floats], method: str) -> Floats:
    """How much lower a row's loss is than models that never saw the row lead one to expect; lower means member.

    With one shadow model ``loss - shadow loss`` (Watson, Guo, Cormode and Sablayrolles 2022, "On the importance of
    difficulty calibration in membership inference attacks"). With several, the offline likelihood ratio of Carlini et
    al. 2022, "Membership inference attacks from first principles": ``-(f - mean) / spread`` where ``f`` is the model's
    confidence in the truth and mean and spread are those of the shadow models, taken for normal. Confidence is
    ``ln(p / (1 - p))`` with ``p = exp(-loss)`` for log-loss, else ``-loss``. Each row has a spread of its own from 64
    shadow models on; with fewer, one spread serves all, the root of the mean variance.

    Parameters
    ----------
    loss : ndarray, shape (rows,)
    shadows : sequence of ndarray, shape (rows,)
        Loss of the same rows under each shadow model; at least one.
    method : str
        What the losses are.

    Returns
    -------
    ndarray
        NaN where any of the losses is missing.
    """
    if len(shadows) == 1:
        return np.asarray(loss - shadows[0])
    confidence = _confidence(loss, method)
    others = np.stack([_confidence(shadow, method) for shadow in shadows])
    mean, variance = others.mean(axis=0), others.var(axis=0, ddof=1)
    complete = np.isfinite(confidence + mean)
    pooled = float(variance[complete].mean()) if complete.any() else np.nan
    spread = variance if len(shadows) >= OWN_SPREAD_FROM else np.full(len(loss), pooled)
    # Shadow models that agree to the last digit say nothing of the spread; then the distance itself ranks the rows.
    spread = np.where(spread > 0, spread, pooled if pooled > 0 else 1.0)
    return np.asarray((mean - confidence) / np.sqrt(spread))


def _confidence(loss: Floats, method: str) -> Floats:
    if method != LOG_LOSS:
        return -loss
    # ln(p / (1 - p)) with p = exp(-loss), without computing p.
    return np.asarray(-np.log(np.expm1(np.minimum(np.maximum(loss, _FLOOR), 700.0))))


def _probabilities(table: Table, y_true: str, y_pred: str) -> bool:
    truth, predicted = finite_numbers(table, y_true), finite_numbers(table, y_pred)
    return bool(
        np.isin(truth[~np.isnan(truth)], (0.0, 1.0)).all()
        and np.nanmin(predicted) >= 0
        and np.nanmax(predicted) <= 1
    )


def _mismatches(table: Table, y_true: str, y_pred: str) -> Floats:
    truth, true_names = category_codes(table, y_true)
    predicted, predicted_names = category_codes(table, y_pred)
    if not set(true_names) & set(predicted_names):
        raise TableError(f"no label of column {y_pred!r} occurs in column {y_true!r}; use one spelling")
    place = {name: i for i, name in enumerate(true_names)}
    # A label that never is the truth gets -2, which equals nothing; no value stays -1.
    translate = np.array([*(place.get(name, -2) for name in predicted_names), -1])
    wrong = (truth != translate[predicted]).astype(np.float64)
    return np.where((truth >= 0) & (predicted >= 0), wrong, np.nan)
