"""A table examined by groups: what a bias audit computes of its rows goes in, measurements with verdicts come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from audits.contract import AuditInput, AuditInputError, AuditParameters, Measurement
from audits.metrics.disparity.group_comparisons import (
    Compared,
    SumRatio,
    compare_counts,
    compare_moments,
    compare_ratios,
    rate_ratios,
)
from audits.metrics.disparity.moments import Moments
from audits.metrics.disparity.rates import OUTCOMES, indicators_of
from audits.metrics.disparity.stratified import compare_within
from audits.metrics.groups import (
    GroupCells,
    GroupSums,
    Unit,
    UnknownGroup,
    attributes_of,
    count_cells,
    sum_cells,
    usable_groupings,
)
from audits.metrics.groups.counting import OutcomeOf, StatisticsOf
from audits.tables import Table, TableError
from audits.verdicts.disparity.disparities import Rules, errored, judged

#: What a kind does with an examination: measurements of every outcome that it knows.
Work: TypeAlias = Callable[["Examination"], list[Measurement]]


@dataclass(frozen=True, slots=True)
class Examination:
    """One table, the groupings by which it is examined, and the rules of the verdict.

    ``groupings`` are attributes (``age``) and intersections (``age*income``). With ``strata`` every metric is compared
    within them as well. With an ``entity`` the entity's rows are kept together in every interval and test.
    """

    table: Table
    groupings: tuple[str, ...]
    strata: tuple[str, ...]
    entity: str | None
    references: dict[str, str]
    rules: Rules
    seed: int

    @classmethod
    def of(cls, audit_input: AuditInput, rules: Rules) -> Examination:
        """As the parameters say. Raises ``AuditInputError`` for parameters that do not go together."""
        parameters, table = audit_input.parameters, audit_input.current
        check_groupings(parameters)
        if table.rows == 0:
            raise AuditInputError(f"{table.label} has no rows")
        return cls(
            table=table,
            groupings=tuple(dict.fromkeys([*parameters.sensitive, *parameters.intersections])),
            strata=parameters.strata,
            entity=parameters.entity,
            references=dict(parameters.references),
            rules=rules,
            seed=audit_input.seed,
        )

    def measured(self, work: Work, name: str) -> list[Measurement]:
        """What ``work`` measures by the groupings that can be used; the others are errored, each with its reason.

        Raises
        ------
        AuditInputError
            When no grouping can be used, or another column is to blame.
        """
        try:
            return work(self)
        except UnknownGroup as error:
            raise AuditInputError(str(error)) from error
        except TableError as error:
            usable, faults = usable_groupings(self.table, self.groupings)
            if not faults or not usable:
                raise AuditInputError(next(iter(faults.values()), str(error))) from error
        errors = [errored(name, grouping, reason) for grouping, reason in faults.items()]
        return work(replace(self, groupings=tuple(usable))) + errors

    def rates(
        self, columns: Sequence[str], codes: OutcomeOf, metrics: Sequence[str], suffix: str = ""
    ) -> Iterator[Measurement]:
        """Rates of labels or decisions.

        Parameters
        ----------
        codes : callable
            From the pieces of ``columns`` to each row's outcome, as ``rates.outcome_codes`` numbers them.
        metrics : sequence of str
            Keys of ``RATES``.
        """
        for name, found in self._counted(columns, codes):
            if isinstance(found, GroupSums):
                yield from self._ratios(name, found, rate_ratios(metrics), suffix)
                continue
            counted = found.by(name, self._baseline(name))
            sizes, exact = self.rules.sizes, self.rules.exact
            yield from judged(list(compare_counts(counted, metrics, sizes, exact)), self.rules, suffix)
            if self.strata:
                within = found.within(name, self.strata, self._baseline(name))
                yield from self._judged_within(list(compare_within(within, metrics, sizes)), suffix)

    def ratios(
        self,
        columns: Sequence[str],
        statistics: StatisticsOf,
        width: int,
        ratios: Sequence[SumRatio],
        suffix: str = "",
    ) -> Iterator[Measurement]:
        """Ratios of sums, by a bootstrap of the entity (or of the rows).

        Parameters
        ----------
        statistics : callable
            From the pieces of ``columns`` to what is added up, shape (rows, ``width``); zeros for a row without values.
        """
        unit = Unit(self.entity)
        found = sum_cells(self.table, self._sets, columns, statistics, width, unit)
        for name, sums in zip(self.groupings, found, strict=True):
            yield from self._ratios(name, sums, ratios, suffix)

    def means(self, column: str, suffix: str = "") -> Iterator[Measurement]:
        """Means of a number: Welch's test of independent rows, a bootstrap where an entity has several."""
        moments = Moments()
        if self.entity or self.strata:
            mean = SumRatio("mean-outcome", (1,), (0,), (0,), (0,))
            yield from self.ratios([column], moments.values, 2, [mean], suffix)
            return
        found = sum_cells(self.table, self._sets, [column], moments.of, 3, Unit(pooled=True))
        for name, sums in zip(self.groupings, found, strict=True):
            by_group = sums.by(name, self._baseline(name))
            yield from judged(
                [compare_moments(by_group, moments.centre, self.rules.sizes)], self.rules, suffix
            )

    def _counted(
        self, columns: Sequence[str], codes: OutcomeOf
    ) -> Iterator[tuple[str, GroupCells | GroupSums]]:
        """Counts by each grouping; sums by entity where one has several rows."""
        if not self.entity:
            cells = count_cells(self.table, self._sets, columns, codes, OUTCOMES)
            yield from zip(self.groupings, cells, strict=True)
            return
        unit = Unit(self.entity)
        sums = sum_cells(self.table, self._sets, columns, indicators_of(codes), OUTCOMES, unit)
        for name, found in zip(self.groupings, sums, strict=True):
            yield name, found.as_cells() if found.unit_is_row else found

    def _ratios(
        self, name: str, sums: GroupSums, ratios: Sequence[SumRatio], suffix: str
    ) -> Iterator[Measurement]:
        entity = None if sums.unit_is_row else self.entity
        plain = sums.by(name, self._baseline(name))
        yield from judged(
            list(compare_ratios(plain, ratios, self.rules.sizes, self.seed, entity)), self.rules, suffix
        )
        if self.strata:
            within = sums.by(name, self._baseline(name), self.strata)
            found = list(compare_ratios(within, ratios, self.rules.sizes, self.seed, entity))
            yield from self._judged_within(found, suffix)

    def _judged_within(self, family: Sequence[Compared], suffix: str) -> Iterator[Measurement]:
        """A family of its own: what is left of a disparity within the declared strata."""
        strata = {"strata": list(self.strata)}
        yield from judged([replace(c, detail={**c.detail, **strata}) for c in family], self.rules, suffix)

    @property
    def _sets(self) -> list[tuple[str, ...]]:
        return [(*attributes_of(name), *self.strata) for name in self.groupings]

    def _baseline(self, name: str) -> str | None:
        return self.references.get(name)


def check_groupings(parameters: AuditParameters) -> None:
    """Refuse attributes, intersections, strata and references that do not go together.

    Raises
    ------
    AuditInputError
        Names the parameter and the remedy.
    """
    if not parameters.sensitive:
        raise AuditInputError("name at least one column of groups to compare (parameter 'sensitive')")
    for name in parameters.intersections:
        parts = attributes_of(name)
        if len(parts) < 2 or len(set(parts)) < len(parts) or not all(parts):
            raise AuditInputError(
                f"intersection {name!r} must join two or more different columns, such as 'age*income'"
            )
    groupings = {*parameters.sensitive, *parameters.intersections}
    unknown = sorted(set(parameters.references) - groupings)
    if unknown:
        raise AuditInputError(
            f"'references' names {unknown[0]!r}, which is not among the groups: {', '.join(sorted(groupings))}"
        )
    used = {part for name in groupings for part in attributes_of(name)}
    both = [name for name in parameters.strata if name in used]
    if both:
        raise AuditInputError(f"column {both[0]!r} is both a group and a stratum; name it once")
