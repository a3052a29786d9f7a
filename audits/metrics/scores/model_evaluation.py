"""From a table of truths and predictions to its metrics: which task it is, which rows count, what a baseline adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audits.metrics.scores.classification import (
    auc_of_score,
    balanced_accuracy_gain,
    binary_estimates,
    multiclass_estimates,
    score_estimates,
)
from audits.metrics.scores.ranking import ranking_estimates
from audits.metrics.scores.regression import regression_estimates
from audits.metrics.scores.roc import Bools, auc_difference
from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.metrics.statistics.resampling import Estimate, Floats, Ints, unit_codes
from audits.tables import ColumnType, Table, TableError

MIN_ROWS = 30
#: Fewer independent units than "few" clusters (five to thirty: Cameron, Gelbach and Miller 2008) carry no interval.
MIN_UNITS = 5
MAX_CLASSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which columns to evaluate, and how. ``decision`` is the score from which a row is called positive."""

    y_true: str
    y_pred: str
    baseline: str | None = None
    entity: str | None = None
    decision: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The metrics of one table.

    ``chance`` is a metric and the value that a predictor without any knowledge reaches on it. ``skill_scale`` turns
    the skill into a share of what the baseline left (or reached, in rankings). ``counts`` says how many rows were
    left out.
    """

    task: str
    estimates: Mapping[str, Estimate]
    chance: tuple[str, float] | None = None
    skill_scale: float = 1.0
    counts: Mapping[str, int | float] = field(default_factory=dict)


def evaluate(table: Table, request: Request, task: str | None) -> Evaluation:
    """Compute the task's metrics; ``task`` ``None`` or ``auto`` lets the columns decide.

    Raises
    ------
    TableError
        When a column is missing or cannot be used for the task; the message names it and the remedy.
    """
    chosen = task if task and task != "auto" else _guess_task(table, request)
    return _TASKS[chosen](table, request)


def _guess_task(table: Table, request: Request) -> str:
    """Text is classification; 0/1 truths with predictions in [0, 1] too; everything else is regression."""
    types = {table.column(name).type for name in (request.y_true, request.y_pred)}
    if ColumnType.CATEGORICAL in types:
        return "classification"
    truth, predicted = finite_numbers(table, request.y_true), finite_numbers(table, request.y_pred)
    return "classification" if _zero_one(truth) and _in_unit_interval(predicted) else "regression"


def _all_given(columns: Sequence[Floats]) -> Bools:
    return np.logical_and.reduce([~np.isnan(column) for column in columns])


def _zero_one(values: Floats) -> bool:
    return bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())


def _in_unit_interval(values: Floats) -> bool:
    return bool(np.nanmin(values) >= 0 and np.nanmax(values) <= 1)


def _entity(table: Table, request: Request, kept: Bools) -> Ints | None:
    return None if request.entity is None else category_codes(table, request.entity)[0][kept]


def _too_few(rows: int, clusters: Ints | None) -> str:
    if rows < MIN_ROWS:
        return f"{rows} usable rows; at least {MIN_ROWS} are needed"
    if clusters is not None and (units := int(unit_codes(rows, clusters).max()) + 1) < MIN_UNITS:
        return f"{units} independent units; at least {MIN_UNITS} are needed"
    return ""


def _insufficient(
    task: str, metric: str, rows: int, reason: str, counts: Mapping[str, int | float]
) -> Evaluation:
    return Evaluation(task=task, estimates={metric: Estimate(n=rows, reason=reason)}, counts=counts)


def _regression(table: Table, request: Request) -> Evaluation:
    names = [request.y_true, request.y_pred, *([request.baseline] if request.baseline else [])]
    columns = [finite_numbers(table, name) for name in names]
    kept = _all_given(columns)
    truth, predicted, *naive = (column[kept] for column in columns)
    clusters = _entity(table, request, kept)
    counts = {"dropped_rows": int((~kept).sum())}
    if reason := _too_few(len(truth), clusters):
        return _insufficient("regression", "mae", len(truth), reason, counts)
    estimates = regression_estimates(truth, predicted, naive[0] if naive else None, clusters, request.seed)
    return Evaluation(task="regression", estimates=estimates, chance=("r2", 0.0), counts=counts)


def _classification(table: Table, request: Request) -> Evaluation:
    types = {name: table.column(name).type for name in (request.y_true, request.y_pred)}
    text = [name for name, found in types.items() if found is ColumnType.CATEGORICAL]
    if len(set(types)) > len(text) > 0:
        other = next(name for name in types if name not in text)
        raise TableError(
            f"column {text[0]!r} holds text and column {other!r} numbers; give both as labels, or the truth as 0/1"
        )
    if text:
        return _multiclass(table, request, *_text_labels(table, request))
    truth, predicted = finite_numbers(table, request.y_true), finite_numbers(table, request.y_pred)
    if _zero_one(truth):
        return _binary(table, request, truth, predicted)
    return _multiclass(table, request, *_number_labels(table, request))


def _text_labels(table: Table, request: Request) -> tuple[list[Ints], int]:
    """Codes of truth, prediction and baseline over the union of their labels."""
    names = [request.y_true, request.y_pred, *([request.baseline] if request.baseline else [])]
    read = [category_codes(table, name) for name in names]
    if not set(read[0][1]) & set(read[1][1]):
        raise TableError(
            f"no label of column {request.y_pred!r} occurs in column {request.y_true!r}; use one spelling"
        )
    union = sorted({label for _, labels in read for label in labels})
    place = {label: i for i, label in enumerate(union)}
    codes = [np.append([place[label] for label in labels], -1)[found] for found, labels in read]
    return codes, len(union)


def _number_labels(table: Table, request: Request) -> tuple[list[Ints], int]:
    names = [request.y_true, request.y_pred, *([request.baseline] if request.baseline else [])]
    columns = [finite_numbers(table, name) for name in names]
    for name, column in zip(names, columns, strict=True):
        if (column[~np.isnan(column)] % 1 != 0).any():
            raise TableError(
                f"column {name!r} holds numbers that are neither 0/1 nor whole-number labels; use the task regression"
            )
    union = np.unique(np.concatenate([column[~np.isnan(column)] for column in columns]))
    codes = [np.where(np.isnan(column), -1, np.searchsorted(union, column)) for column in columns]
    return codes, len(union)


def _multiclass(table: Table, request: Request, codes: list[Ints], classes: int) -> Evaluation:
    if classes > MAX_CLASSES:
        raise TableError(
            f"columns {request.y_true!r} and {request.y_pred!r} hold {classes} different labels; "
            f"group them to at most {MAX_CLASSES}"
        )
    kept = np.logical_and.reduce([found >= 0 for found in codes])
    truth, predicted, *naive = (found[kept] for found in codes)
    clusters = _entity(table, request, kept)
    counts: dict[str, int | float] = {"dropped_rows": int((~kept).sum()), "classes": classes}
    if reason := _too_few(len(truth), clusters):
        return _insufficient("classification", "accuracy", len(truth), reason, counts)
    present = np.bincount(truth, minlength=classes)
    if (present > 0).sum() < 2:
        reason = f"column {request.y_true!r} has one class only"
        return _insufficient("classification", "accuracy", len(truth), reason, counts)
    estimates = multiclass_estimates(truth, predicted, classes, clusters, request.seed)
    found = Evaluation(
        task="classification",
        estimates=estimates,
        chance=("balanced-accuracy", 1 / int((present > 0).sum())),
        counts={**counts, "majority_share": float(present.max() / len(truth))},
    )
    if not naive:
        return _with_chance_gain(found)
    before, gain = balanced_accuracy_gain(truth, predicted, naive[0], classes, clusters, request.seed)
    return _with_gain(found, "balanced-accuracy", before, gain)


def _with_gain(found: Evaluation, metric: str, before: Estimate, gain: Estimate) -> Evaluation:
    """Add a baseline; the skill's scale is what the baseline left to a perfect 1."""
    left = 1 - before.value if before.value is not None and before.value < 1 else 1.0
    return replace(
        found,
        estimates={**found.estimates, f"{metric}-baseline": before, "skill": gain},
        skill_scale=1 / left,
    )


def _with_chance_gain(found: Evaluation) -> Evaluation:
    """Without a baseline column: the gain over the base rate (of scores) or the majority class (of labels).

    Both are constant predictions, whose metric is known without error.
    """
    if found.chance is None:
        return found
    metric, value = found.chance
    reached = found.estimates[metric]
    if reached.value is None:
        return found
    gain = replace(
        reached,
        value=reached.value - value,
        low=None if reached.low is None else reached.low - value,
        high=None if reached.high is None else reached.high - value,
        draws=reached.draws - value,
    )
    return replace(found, estimates={**found.estimates, "skill": gain}, skill_scale=1 / (1 - value))


def _binary(table: Table, request: Request, truth: Floats, predicted: Floats) -> Evaluation:
    if not _in_unit_interval(predicted):
        raise TableError(
            f"column {request.y_pred!r} holds values outside [0, 1] beside 0/1 truths; "
            "give probabilities or 0/1 labels, or use the task regression"
        )
    columns = [truth, predicted, *([finite_numbers(table, request.baseline)] if request.baseline else [])]
    kept = _all_given(columns)
    naive = columns[2][kept] if request.baseline else None
    score, clusters = predicted[kept], _entity(table, request, kept)
    positive = truth[kept] == 1
    counts: dict[str, int | float] = {"dropped_rows": int((~kept).sum())}
    if reason := _too_few(len(score), clusters):
        return _insufficient("classification", "accuracy", len(score), reason, counts)
    counts["majority_share"] = float(max(positive.mean(), 1 - positive.mean()))
    if _zero_one(predicted):
        return _binary_labels(request, positive, score == 1, naive, clusters, counts)
    counts["decision"] = request.decision
    estimates = {
        **score_estimates(positive, score, clusters, request.seed),
        **binary_estimates(positive, score >= request.decision, clusters, request.seed),
    }
    found = Evaluation(task="classification", estimates=estimates, chance=("roc-auc", 0.5), counts=counts)
    if estimates["roc-auc"].value is None:
        return found
    if naive is None:
        return _with_chance_gain(found)
    units = None if clusters is None else unit_codes(len(score), clusters)
    before = auc_of_score(positive, naive, units, request.seed)
    return _with_gain(found, "roc-auc", before, auc_difference(positive, score, naive, units, request.seed))


def _binary_labels(
    request: Request,
    positive: Bools,
    decided: Bools,
    naive: Floats | None,
    clusters: Ints | None,
    counts: Mapping[str, int | float],
) -> Evaluation:
    estimates = binary_estimates(positive, decided, clusters, request.seed)
    chance = ("balanced-accuracy", 0.5)
    found = Evaluation(task="classification", estimates=estimates, chance=chance, counts=counts)
    if estimates["balanced-accuracy"].value is None:
        return found
    if naive is None:
        return _with_chance_gain(found)
    if not _zero_one(naive):
        raise TableError(
            f"column {request.baseline!r} must hold 0/1 labels, as column {request.y_pred!r} does"
        )
    truth, labels, before = (values.astype(np.int64) for values in (positive, decided, naive))
    gain = balanced_accuracy_gain(truth, labels, before, 2, clusters, request.seed)
    return _with_gain(found, "balanced-accuracy", *gain)


def _ranking(table: Table, request: Request) -> Evaluation:
    if request.entity is None:
        raise TableError("the task ranking needs the user column; name it as entity")
    users = category_codes(table, request.entity)[0]
    truth = finite_numbers(table, request.y_true)
    if not _zero_one(truth):
        raise TableError(f"column {request.y_true!r} must be 1 where the item was relevant and 0 where not")
    kept = (users >= 0) & ~np.isnan(truth)
    users, relevant = users[kept], truth[kept] == 1
    ranks = [
        _ranks(table, name, request.entity, users, kept)
        for name in (request.y_pred, request.baseline)
        if name
    ]
    wanting = np.unique(users[relevant])
    counts = {
        "dropped_rows": int((~kept).sum()),
        "users_without_relevant_items": len(np.unique(users)) - len(wanting),
    }
    if len(wanting) < MIN_ROWS:
        reason = f"{len(wanting)} users with a relevant item; at least {MIN_ROWS} are needed"
        return _insufficient("ranking", "ndcg-at-20", len(wanting), reason, counts)
    baseline = ranks[1] if len(ranks) > 1 else None
    estimates = ranking_estimates(users, relevant, ranks[0], baseline, request.seed)
    reached = estimates["ndcg-at-20-baseline"].value if baseline is not None else None
    return Evaluation(
        task="ranking", estimates=estimates, counts=counts, skill_scale=1 / reached if reached else 1.0
    )


def _ranks(table: Table, name: str, entity: str, users: Ints, kept: Bools) -> Floats:
    rank = finite_numbers(table, name, "ranks from 1")[kept]
    given = ~np.isnan(rank)
    if ((rank[given] < 1) | (rank[given] % 1 != 0)).any():
        raise TableError(
            f"column {name!r} must hold whole ranks from 1, and nothing where it was not recommended"
        )
    pairs = np.stack([users[given], rank[given].astype(np.int64)])
    if np.unique(pairs, axis=1).shape[1] < pairs.shape[1]:
        raise TableError(f"column {name!r} gives the same rank twice within one value of {entity!r}")
    return rank


_TASKS: Mapping[str, Callable[[Table, Request], Evaluation]] = {
    "classification": _classification,
    "regression": _regression,
    "ranking": _ranking,
}
TASKS = tuple(_TASKS)
