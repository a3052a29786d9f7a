"""A small governed version with made-up rows, for tests of pages and journeys: its audits run for real."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from django.contrib.auth.models import User

from governance.services.datasets import dataset_register, snapshot_register
from models_registry.models import ModelVersion
from models_registry.services.versions import model_register, version_register
from tests.factories import artifact_stored

ROWS = 600


def house_register(scientist: User, name: str = "fake-finder") -> ModelVersion:
    """Register a counterfeit-detection version; with eager Celery its audits have run when this returns."""
    dataset = dataset_register(
        actor=scientist,
        name=f"{name}-listings",
        description="Listings of a test",
        source="made up for tests",
        owner="brand protection",
        simulated="All rows are made up for a test.",
    )
    tables = _tables(np.random.default_rng(7))
    snapshots = {
        role: snapshot_register(actor=scientist, dataset=dataset, table=table)
        for role, table in tables.items()
    }
    model = model_register(
        actor=scientist, name=name, kind="counterfeit-detection", description="Flags listings for review."
    )
    return version_register(
        actor=scientist,
        model=model,
        artifact_digest=artifact_stored(name.encode()),
        artifact_format="skops",
        metrics={"roc_auc": 0.91},
        snapshots=snapshots,
        audit_parameters={
            "performance": {"y_true": "fake", "y_pred": "score"},
            "calibration": {"y_true": "fake", "y_pred": "score"},
            "counterfeit-disparity": {"y_true": "fake", "y_pred": "flagged", "sensitive": ["region"]},
            "group-disparity": {"y_true": "fake", "y_pred": "flagged", "sensitive": ["region"]},
            "membership-inference": {"y_true": "fake", "y_pred": "score"},
        },
    )


def _tables(rng: np.random.Generator) -> dict[str, pa.Table]:
    """Inputs whose price moved by two standard deviations, and flags that fall mostly on one region."""
    listings = [_listings(rng, shift) for shift in (0.0, 2.0)]
    scored = [_scored(rng) for _ in range(3)]
    return {
        "training": listings[0],
        "reference": listings[0],
        "current": listings[1],
        "predictions": scored[0],
        "members": scored[1],
        "non-members": scored[2],
    }


def _listings(rng: np.random.Generator, shift: float) -> pa.Table:
    return pa.table(
        {
            "price": rng.normal(shift, 1.0, ROWS),
            "photos": rng.integers(1, 9, ROWS),
            "country": rng.choice(["FR", "IT", "US"], ROWS),
        }
    )


def _scored(rng: np.random.Generator) -> pa.Table:
    fake = rng.integers(0, 2, ROWS)
    region = rng.choice(["north", "south"], ROWS)
    score = np.clip(fake * 0.5 + rng.uniform(0, 0.5, ROWS), 0.01, 0.99)
    flagged = np.where(region == "south", rng.random(ROWS) < 0.8, rng.random(ROWS) < 0.2).astype(int)
    return pa.table({"fake": fake, "score": score, "flagged": flagged, "region": region})
