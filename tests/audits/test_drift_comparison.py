"""One comparison as a whole: what is shown beside one another is on one scale, and agrees with the verdict."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from audits.metrics.drift.comparison import comparable_pair, compare, method_values
from audits.metrics.drift.distributions import numeric_distribution
from audits.metrics.drift.methods import METHODS, Pair, parse_method
from audits.metrics.drift.rows import RowPair
from audits.profiles import ColumnProfile, column_profile
from audits.tables import MemoryTable

Draw = Callable[[np.random.Generator, int], object]


def profile(values: object) -> ColumnProfile:
    return column_profile(MemoryTable({"x": values}).column("x"))


SIDES: dict[str, tuple[Draw, tuple[int, int]]] = {
    "many categories": (
        lambda rng, n: [f"c{i}" for i in (900 * rng.beta(1 + 0.3 * rng.random(), 1, n)).astype(int)],
        (2500, 600),
    ),
    "a gap at the percentile": (
        lambda rng, n: (
            np.where(rng.random(n) < 0.01, 1e4 * rng.random(n), rng.random(n)) + 0.15 * rng.random()
        ),
        (3000, 150),
    ),
    "heavy tails": (lambda rng, n: rng.lognormal(0.2 * rng.random(), 2, n), (2500, 120)),
}


@pytest.mark.parametrize("case", SIDES)
def test_the_effect_exceeds_what_chance_explains_exactly_when_the_verdict_says_so(case: str) -> None:
    draw, sizes = SIDES[case]
    rng = np.random.default_rng(len(case))
    seen = []
    for seed in range(60):
        before, after = (profile(draw(rng, n)) for n in sizes)
        found = compare(before, after, seed=seed)
        if found.null is None:
            assert found.effect.value < found.effect.threshold
            assert found.drifted is False
            continue
        assert found.drifted is (found.effect.value > found.null.critical * (1 + 1e-9))
        assert found.drifted is (found.tolerance_used > 1)
        if not found.drifted:
            assert found.tolerance_used == pytest.approx(found.effect.value / found.null.critical)
        seen.append(found.drifted)
    assert set(seen) == {True, False}


@pytest.mark.parametrize(
    ("method", "sizes", "read"),
    [
        ("hellinger", (3000, 2500), True),
        ("hellinger", (2000, 2000), False),
        ("cramer_von_mises", (900, 800), False),
        (None, (900, 3000), True),
        (None, (900, 800), False),
        (None, (3000, 3000), False),
        ("wasserstein", (900, 3000), False),
    ],
)
def test_rows_are_asked_for_only_where_bins_do_not_serve_the_method(
    method: str | None, sizes: tuple[int, int], read: bool
) -> None:
    rng = np.random.default_rng(5)
    columns = [rng.normal(size=n) for n in sizes]
    asked = []

    def rows() -> RowPair:
        asked.append(True)
        before, after = (numeric_distribution(column) for column in columns)
        return RowPair(Pair(before, after), complete=True)

    before, after = (profile(column) for column in columns)
    found = compare(before, after, parse_method(method), rows=rows)
    assert asked == [True] * read
    assert found.sampled == (sizes if read else None)
    assert found.lossless is (read or max(sizes) <= 2048)


def test_values_of_methods_are_those_of_one_comparison_each_but_for_what_is_left_out() -> None:
    rng = np.random.default_rng(3)
    before, after = (profile(rng.normal(size=n)) for n in (3000, 2500))
    values = method_values(comparable_pair(before, after), leave_out={"psi"})
    assert "psi" not in values
    assert set(method_values(comparable_pair(before, after))) == {*values, "psi"}
    # Profiles alone, in bins: what needs every number is left out, and so is what compares categories.
    assert not {"hellinger", "cramer_von_mises", "chisquare", "tvd"} & set(values)
    for name, value in values.items():
        assert compare(before, after, parse_method(name)).score.value == value
    assert set(values) < set(METHODS)
