"""Which task a table is taken for, and what it is compared with."""

import numpy as np
import pytest

from audits.metrics.scores.model_evaluation import Request, evaluate
from audits.tables import MemoryTable

ROWS = 60


@pytest.mark.parametrize(
    ("_case", "truth", "predicted", "task", "chance"),
    [
        ("0/1 and probabilities", [0, 1] * 30, np.linspace(0, 1, ROWS), "classification", ("roc-auc", 0.5)),
        ("0/1 and labels", [True, False] * 30, [0, 1] * 30, "classification", ("balanced-accuracy", 0.5)),
        ("text", ["a", "b", "c"] * 20, ["b"] * ROWS, "classification", ("balanced-accuracy", 1 / 3)),
        ("counts", np.arange(ROWS), np.linspace(0, 1, ROWS), "regression", ("r2", 0.0)),
        ("0/1 and unbounded", [0, 1] * 30, np.linspace(-3, 3, ROWS), "regression", ("r2", 0.0)),
    ],
)
def test_columns_decide_the_task(_case, truth, predicted, task, chance):
    found = evaluate(MemoryTable({"y": truth, "f": predicted}), Request(y_true="y", y_pred="f"), None)
    assert (found.task, found.chance) == (task, chance)


def test_majority_share_is_told_beside_the_accuracy():
    table = MemoryTable({"y": [1] * 45 + [0] * 15, "f": [1] * ROWS})
    found = evaluate(table, Request(y_true="y", y_pred="f"), "auto")
    assert found.counts["majority_share"] == 0.75
    assert found.estimates["accuracy"].value == 0.75


def test_skill_scale_of_an_auc_is_one_over_what_the_baseline_left():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    table = MemoryTable({"y": truth, "f": rng.random(300), "b": rng.normal(truth)})
    found = evaluate(table, Request(y_true="y", y_pred="f", baseline="b"), None)
    before = found.estimates["roc-auc-baseline"].value
    assert found.skill_scale == pytest.approx(1 / (1 - before))
    assert found.estimates["skill"].value == pytest.approx(
        found.estimates["roc-auc"].value - before, abs=1e-12
    )
