"""How often drift is reported when there is none, and when there is: Evidently's default rules and the calibrated ones.

Simulated; prints the tables of ``docs/explanation/calibrated-drift.md``. Evidently's verdicts are computed by
``drift_score``, which the parity tests hold equal to Evidently 0.7.23.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.drift.distributions import (
    CategoricalDistribution,
    Distribution,
    numeric_distribution,
)
from audits.metrics.drift.effects import drift_effect
from audits.metrics.drift.methods import Pair, drift_score
from audits.metrics.drift.null import DRAWS, calibrated_verdict, effect_null

#: Draws one side's rows.
Draw: TypeAlias = Callable[[np.random.Generator, int], Distribution]

REPETITIONS = 2000
#: Share and size of the wild numbers among the uniform ones.
WILD_SHARE, WILD = 0.01, 1e4


@dataclass(frozen=True, slots=True)
class Case:
    """Two sides of so many rows, drawn from these distributions."""

    name: str
    reference_rows: int
    current_rows: int
    reference: Draw
    current: Draw

    @property
    def sizes(self) -> str:
        return f"{self.reference_rows} / {self.current_rows}"

    def pair(self, rng: np.random.Generator) -> Pair:
        return Pair(self.reference(rng, self.reference_rows), self.current(rng, self.current_rows))


@dataclass(frozen=True, slots=True)
class Alarms:
    """In how many of the repetitions each rule reported drift."""

    evidently: int
    calibrated: int
    repetitions: int


def numbers(draw: Callable[[np.random.Generator, int], npt.NDArray[np.generic]]) -> Draw:
    return lambda rng, n: numeric_distribution(draw(rng, n).astype(np.float64))


def categories(shares: Sequence[float]) -> Draw:
    """Categories in these shares; those that were not drawn are not there."""
    names = np.array([f"level {i}" for i in range(len(shares))])

    def draw(rng: np.random.Generator, n: int) -> CategoricalDistribution:
        rows = rng.multinomial(n, shares)
        return CategoricalDistribution(pa.array(names[rows > 0], pa.large_string()), rows[rows > 0])

    return draw


def equal_shares(levels: int) -> list[float]:
    return [1 / levels] * levels


def _uniform_with_outliers(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    return np.where(rng.random(n) < WILD_SHARE, WILD, rng.random(n))


def _unchanged(name: str, reference_rows: int, current_rows: int, draw: Draw) -> Case:
    return Case(name, reference_rows, current_rows, draw, draw)


UNCHANGED = (
    _unchanged("categories, 20 levels", 1000, 1000, categories(equal_shares(20))),
    _unchanged("categories, 100 levels", 5000, 500, categories(equal_shares(100))),
    _unchanged("categories, 5 levels", 1000, 1000, categories(equal_shares(5))),
    _unchanged("normal", 2000, 200, numbers(lambda rng, n: rng.normal(size=n))),
    _unchanged("lognormal", 2000, 200, numbers(lambda rng, n: rng.lognormal(size=n))),
    _unchanged("uniform, 1 % of outliers", 2000, 200, numbers(_uniform_with_outliers)),
    _unchanged("2 categories", 300, 300, categories(equal_shares(2))),
    _unchanged("categories, 5,000 levels", 1000, 1000, categories(equal_shares(5000))),
    _unchanged("categories, 5,000 levels", 50_000, 1000, categories(equal_shares(5000))),
    _unchanged("whole numbers 0 to 3", 500, 500, numbers(lambda rng, n: rng.integers(0, 4, n))),
)


def _shifted(shift: float, reference_rows: int, current_rows: int) -> Case:
    return Case(
        f"normal, mean moved by {shift:g} sd",
        reference_rows,
        current_rows,
        numbers(lambda rng, n: rng.normal(size=n)),
        numbers(lambda rng, n: rng.normal(shift, 1, n)),
    )


def _share_moved(points: int, reference_rows: int, current_rows: int) -> Case:
    share = 0.1 + points / 100
    return Case(
        f"5 categories, the rarest from 10 to {10 + points} %",
        reference_rows,
        current_rows,
        categories([0.1, *[0.9 / 4] * 4]),
        categories([share, *[(1 - share) / 4] * 4]),
    )


def _alternating(reference_rows: int, current_rows: int) -> Case:
    """Every other one of 5,000 equal categories becomes twice as common as its neighbour."""
    return Case(
        "5,000 categories, each second one twice as common as its neighbour",
        reference_rows,
        current_rows,
        categories(equal_shares(5000)),
        categories([2 / 7500, 1 / 7500] * 2500),
    )


MOVED = (
    *(
        _shifted(shift, *sizes)
        for sizes in ((200, 200), (2000, 200), (2000, 2000))
        for shift in (0.25, 0.5, 1.0)
    ),
    *(
        _share_moved(points, *sizes)
        for sizes in ((300, 300), (1000, 1000), (5000, 500))
        for points in (5, 10, 20)
    ),
    *(_alternating(*sizes) for sizes in ((1000, 1000), (5000, 5000), (50_000, 1000))),
)


def alarms(case: Case, repetitions: int) -> Alarms:
    """Draw the case so many times, always the same ones, and count each rule's alarms."""
    rng = np.random.default_rng([zlib.crc32(f"{case.name} {case.sizes}".encode()), repetitions])
    evidently = calibrated = 0
    for seed in range(repetitions):
        pair = case.pair(rng)
        effect = drift_effect(pair)
        evidently += drift_score(pair).drifted
        calibrated += calibrated_verdict(effect, effect_null(pair, seed, effect=effect))
    return Alarms(evidently, calibrated, repetitions)


def table(cases: Sequence[Case], repetitions: int) -> str:
    """Markdown: one line for each case, in per cent of the repetitions."""
    lines = ["| case | reference / current rows | Evidently's default | calibrated |", "|---|---|---|---|"]
    for case in cases:
        found = alarms(case, repetitions)
        shares = (f"{100 * count / repetitions:.1f} %" for count in (found.evidently, found.calibrated))
        lines.append(f"| {case.name} | {case.sizes} | {' | '.join(shares)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help=f"of each case ({REPETITIONS})")
    repetitions = parser.parse_args(arguments).repetitions
    print(f"{repetitions} repetitions of each case, {DRAWS} draws\n\nWithout drift:\n")
    print(table(UNCHANGED, repetitions))
    print("\nWith drift:\n")
    print(table(MOVED, repetitions))
    return 0


if __name__ == "__main__":
    sys.exit(main())
