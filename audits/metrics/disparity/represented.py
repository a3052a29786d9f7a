"""Groups among rows against their shares of a declared population."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Adjusted, adjust
from audits.metrics.groups import UNDECLARED, GroupCells
from audits.metrics.statistics.goodness_of_fit import clopper_pearson, exact_binomial

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Declared shares add up to 1 up to this.
SLACK = 1e-6


def declared_shares(population: Mapping[str, float], groupings: Sequence[str]) -> dict[str, dict[str, float]]:
    """The declared share of each group, by attribute or intersection, from shares by ``attribute=group``.

    Raises
    ------
    ValueError
        Names an entry of no attribute, an attribute with fewer than two entries, a share that is not above 0, or shares that do not
        add up to 1.
    """
    shares: dict[str, dict[str, float]] = {name: {} for name in groupings}
    for entry, share in population.items():
        found = [name for name in groupings if entry.startswith(f"{name}=")]
        if not found:
            raise ValueError(
                f"'population' names {entry!r}, which is not column=group of: {', '.join(groupings)}"
            )
        if not 0 < share <= 1:
            raise ValueError(
                f"the share of {entry!r} in 'population' is {share:g}; it must lie above 0 and be at most 1"
            )
        name = max(found, key=len)
        shares[name][entry[len(name) + 1 :]] = share
    for name, declared in shares.items():
        if not declared:
            raise ValueError(
                f"declare the share of each group of {name!r} in 'population', as '{name}=group'"
            )
        if len(declared) < 2:
            raise ValueError(
                f"'population' has one group of {name!r} only; declare those that it is shown beside"
            )
        total = math.fsum(declared.values())
        if abs(total - 1) > SLACK:
            raise ValueError(
                f"the shares of {name!r} in 'population' add up to {total:g}; they must add up to 1"
            )
    return shares


@dataclass(frozen=True, slots=True)
class Represented:
    """Groups of a declared population among ``n`` rows: arrays have one entry per group, in the order of ``names``.

    ``ratio`` is the group's share of the rows over its ``share`` of the population, ``low`` and ``high`` its exact 95 %
    interval. ``strangers`` are groups that occur though the population has none, with their rows.
    """

    names: tuple[str, ...]
    share: Floats
    counts: Ints
    n: int
    ratio: Floats
    low: Floats
    high: Floats
    p: Floats
    adjusted: Adjusted
    strangers: Mapping[str, int]


def represented(counts: Mapping[str, int], shares: Mapping[str, float]) -> Represented:
    """Compare how often groups occur with their declared shares, each by an exact binomial test.

    p-values are adjusted for all groups of the population; two groups test one hypothesis.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each group that occurs, without those that declare nothing.
    shares : mapping of str to float
        Declared share of each group; a group that never occurs has none of the rows.
    """
    names = tuple(shares)
    share = np.array([shares[name] for name in names])
    own = np.array([counts.get(name, 0) for name in names], dtype=np.int64)
    n = sum(counts.values())
    low, high = clopper_pearson(own, np.full(len(names), n))
    p = np.array(
        [exact_binomial(int(k), n, float(s)) if n else math.nan for k, s in zip(own, share, strict=True)]
    )
    one = len(names) == 2 and set(counts) <= set(names)
    hypotheses = np.zeros(2, dtype=np.int64) if one else np.arange(len(names))
    return Represented(
        names=names,
        share=share,
        counts=own,
        n=n,
        ratio=own / (n * share) if n else np.full(len(names), math.nan),
        low=low / share,
        high=high / share,
        p=p,
        adjusted=adjust(p, ~np.isnan(p), hypotheses),
        strangers={name: rows for name, rows in counts.items() if name not in shares},
    )


def crossed(cells: GroupCells, grouping: str, column: str, *, same: bool = False) -> Ints:
    """Rows by group and by a further column, without those that lack either: shape (groups, values).

    Parameters
    ----------
    same : bool
        Both sides hold the same labels, so the table is square with one order on either side.
    """
    by_value = cells.within(grouping, [column])
    groups = [i for i, declares in enumerate(by_value.groups.declared) if declares]
    values = cells.levels[cells.attributes.index(column)]
    known = [i for i, value in enumerate(values) if value != UNDECLARED]
    table = by_value.counts[:, :, 0].T[np.ix_(groups, known)]
    if not same:
        return np.asarray(table)
    rows, columns = [by_value.groups.names[i] for i in groups], [values[i] for i in known]
    labels = sorted({*rows, *columns})
    square = np.zeros((len(labels), len(labels)), dtype=np.int64)
    square[np.ix_([labels.index(r) for r in rows], [labels.index(c) for c in columns])] = table
    return square
