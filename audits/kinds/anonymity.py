"""Could someone who knows a few plain facts about a person find that person, or their secret, in this table?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Verdict,
    Words,
    audit_kinds,
)
from audits.metrics.privacy.anonymity import (
    distinct_diversity,
    entropy_diversity,
    equal_distance_closeness,
    equivalence_classes,
    ordered_distance_closeness,
)
from audits.metrics.scores.scored_rows import category_codes
from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import ColumnType, Table

#: Smallest class: 5, a common minimum cell size in releases of personal data. Others: see the reference page.
DEFAULTS = {"k-anonymity": 5.0, "share-below-k": 0.05, "distinct-l-diversity": 2.0, "t-closeness": 0.3}
METHODS = ("ordered", "equal")


@dataclass(frozen=True, slots=True)
class _Classes:
    """Rows grouped by their quasi-identifiers."""

    of_row: Ints
    sizes: Ints

    @property
    def rows(self) -> int:
        return len(self.of_row)

    def share_of_rows(self, beyond: np.typing.NDArray[np.bool_]) -> float:
        """Share of all rows that lie in the classes marked."""
        return float(self.sizes[beyond].sum() / self.rows)


@audit_kinds.register
class Anonymity(AuditKind):
    slug = "anonymity"
    label = "Anonymity"
    dimension = "privacy"
    method = (
        "k-anonymity (Sweeney 2002), l-diversity (Machanavajjhala et al. 2007), t-closeness (Li et al. 2007)"
    )
    reads = ("training", "")
    settings = Settings(limits=DEFAULTS, columns=("quasi_identifiers", "sensitive_value"), methods=METHODS)
    words = {
        "k-anonymity": Words(
            label="k-anonymity",
            sentence="The smallest group of people who look alike has {value} of them.",
            unit="count",
        ),
        "share-below-k": Words(
            label="Rows in small classes",
            sentence="{value} of the rows look like fewer than {k} others.",
            unit="share",
        ),
        "distinct-l-diversity": Words(
            label="Distinct l-diversity",
            sentence="In the least varied group of people who look alike, {value} different secrets occur.",
            unit="count",
        ),
        "entropy-l-diversity": Words(
            label="Entropy l-diversity",
            sentence="The least varied group holds as many secrets as {value} equally common ones.",
        ),
        "t-closeness": Words(
            label="t-closeness",
            sentence="In some group of people who look alike, the secret is distributed {value} away from everybody's; 0 is alike.",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        limits = _limits(parameters)
        codes = [category_codes(table, name)[0] for name in parameters.quasi_identifiers]
        classes = _Classes(*equivalence_classes(codes))
        out = _crowds(classes, limits)
        if parameters.sensitive_value:
            sensitive = category_codes(table, parameters.sensitive_value)[0]
            out += _diversity(classes, sensitive, limits)
            ordered = _is_ordered(table, parameters)
            out.append(_closeness(classes, sensitive, ordered, limits))
        return out


def _limits(parameters: AuditParameters) -> dict[str, float]:
    if not parameters.quasi_identifiers:
        raise AuditInputError(
            "anonymity needs quasi_identifiers: the columns that others may know of a person"
        )
    if len(set(parameters.quasi_identifiers)) < len(parameters.quasi_identifiers):
        raise AuditInputError("a column is named twice among quasi_identifiers")
    if parameters.sensitive_value in parameters.quasi_identifiers:
        raise AuditInputError(
            f"column {parameters.sensitive_value!r} is both quasi-identifier and sensitive value"
        )
    if parameters.method and parameters.method not in METHODS:
        raise AuditInputError(f"unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
    parameters.refuse_other_thresholds(DEFAULTS)
    limits = {**DEFAULTS, **parameters.thresholds}
    if min(limits.values()) <= 0:
        raise AuditInputError("thresholds of anonymity must be above 0")
    return limits


def _is_ordered(table: Table, parameters: AuditParameters) -> bool:
    if parameters.method:
        return parameters.method == "ordered"
    return table.column(str(parameters.sensitive_value)).type in {ColumnType.NUMERIC, ColumnType.DATETIME}


def _verdict(share_beyond: float, tolerated: float) -> Verdict:
    """Nobody beyond the limit: pass. A small share could be suppressed: review. More: fail."""
    if share_beyond == 0:
        return Verdict.PASS
    return Verdict.REVIEW if share_beyond <= tolerated else Verdict.FAIL


def _crowds(classes: _Classes, limits: dict[str, float]) -> list[Measurement]:
    wanted, tolerated = limits["k-anonymity"], limits["share-below-k"]
    small = classes.sizes < wanted
    share = classes.share_of_rows(small)
    smallest = int(classes.sizes.min())
    detail = {
        "classes": len(classes.sizes),
        "classes_below_k": int(small.sum()),
        "unique_rows": int((classes.sizes == 1).sum()),
    }
    return [
        Measurement(
            name="k-anonymity",
            verdict=_verdict(share, tolerated),
            n=classes.rows,
            value=float(smallest),
            threshold=wanted,
            tolerance_used=wanted / smallest,
            detail=detail,
        ),
        Measurement(
            name="share-below-k",
            verdict=_verdict(share, tolerated),
            n=classes.rows,
            value=share,
            threshold=tolerated,
            tolerance_used=share / tolerated,
            detail={"k": wanted, "rows_below_k": int(classes.sizes[small].sum())},
        ),
    ]


def _diversity(classes: _Classes, sensitive: Ints, limits: dict[str, float]) -> list[Measurement]:
    """Distinct l judges; entropy l, which is never above it, is reported with the same verdict."""
    wanted = limits["distinct-l-diversity"]
    values = sensitive - sensitive.min()  # no value (-1) counts as a value of its own
    different = distinct_diversity(classes.of_row, values)
    share = classes.share_of_rows(different < wanted)
    least = int(different.min())
    verdict = _verdict(share, limits["share-below-k"])
    detail = {
        "classes_below_l": int((different < wanted).sum()),
        "share_of_rows_below_l": share,
        "different_values": len(np.unique(values)),
    }
    distinct = Measurement(
        name="distinct-l-diversity",
        verdict=verdict,
        n=classes.rows,
        value=float(least),
        threshold=wanted,
        tolerance_used=wanted / least,
        detail=detail,
    )
    entropy = Measurement(
        name="entropy-l-diversity",
        verdict=verdict,
        n=classes.rows,
        value=float(entropy_diversity(classes.of_row, values).min()),
        detail={"role": "descriptive"},
    )
    return [distinct, entropy]


def _closeness(classes: _Classes, sensitive: Ints, ordered: bool, limits: dict[str, float]) -> Measurement:
    wanted = limits["t-closeness"]
    distances, sizes, without_value = _distances(classes, sensitive, ordered)
    share = float(sizes[distances > wanted].sum() / sizes.sum())
    return Measurement(
        name="t-closeness",
        verdict=_verdict(share, limits["share-below-k"]),
        n=int(sizes.sum()),
        value=float(distances.max()),
        threshold=wanted,
        tolerance_used=float(distances.max()) / wanted,
        detail={
            "distance": METHODS[0] if ordered else METHODS[1],
            "classes_beyond_t": int((distances > wanted).sum()),
            "share_of_rows_beyond_t": share,
            "dropped_rows": without_value,
        },
    )


def _distances(classes: _Classes, sensitive: Ints, ordered: bool) -> tuple[Floats, Ints, int]:
    """Distance and size of each class; on a ladder, rows without a value have no place and are left out."""
    if not ordered:
        values = sensitive - sensitive.min()
        return equal_distance_closeness(classes.of_row, values), classes.sizes, 0
    given = sensitive >= 0
    of_row = np.unique(classes.of_row[given], return_inverse=True)[1]
    distances = ordered_distance_closeness(of_row, sensitive[given])
    return distances, np.bincount(of_row), int((~given).sum())
