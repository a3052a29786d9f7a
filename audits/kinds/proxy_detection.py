"""Can a sensitive attribute be told from the inputs of a model, from one of them or from all together?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from audits.kinds import (
    AuditInput,
    AuditInputError,
    AuditKind,
    AuditParameters,
    Measurement,
    Settings,
    Words,
    audit_kinds,
)
from audits.metrics.disparity.predictability import Predictability, input_features, predictability
from audits.metrics.disparity.proxy_tables import (
    AttributeCodes,
    attribute_codes,
    binning_of,
    contingency_tables,
)
from audits.metrics.groups.kept_rows import KeptRows, first_rows
from audits.metrics.groups.sampled_rows import Sample, sample_rows
from audits.tables import Column, ColumnType, Table, TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.disparity.proxies import (
    ACCURACY,
    AUC,
    UNCERTAINTY,
    ProxyLimits,
    joint_measurements,
    judged_inputs,
)
from audits.verdicts.exact_counts import told

UNDECLARED_SHARE = "undeclared-share"
#: Where they come from: see the reference page.
DEFAULTS: Mapping[str, float] = {
    "uncertainty": 0.1,
    "copy": 0.3,
    "auc": 0.65,
    "auc-copy": 0.8,
    "alpha": 0.05,
    "min_rows": 100.0,
    "min_group": 30.0,
}
#: Rows that the joint model, and the bins of numbers, look at.
SAMPLE_ROWS = 50_000


@audit_kinds.register
class ProxyDetection(AuditKind):
    slug = "proxy-detection"
    label = "Proxies of sensitive attributes"
    dimension = "bias"
    method = (
        "Theil's uncertainty coefficient of the attribute given each input, corrected for chance, with Holm's adjustment; "
        "cross-validated AUC of the attribute from all inputs together"
    )
    reads = ("reference", "")
    settings = Settings(
        limits=DEFAULTS,
        columns=("sensitive", "entity", "y_true", "y_pred", "columns"),
        columns_help="The inputs of the model. None chosen means every column that has no other task.",
        labels={
            "uncertainty": "Told by one input: look at it from",
            "copy": "Told by one input: almost a copy from",
            "auc": "Told by all inputs (AUC): look at it from",
            "auc-copy": "Told by all inputs (AUC): almost known from",
            "min_rows": "Rows with a declared group needed",
        },
    )
    words = {
        UNCERTAINTY: Words(
            label="Told by one input",
            sentence="Knowing {input} removes {value} of the uncertainty about {sensitive}.",
            unit="share",
        ),
        AUC: Words(
            label="Told by all inputs together",
            sentence=(
                "Given two people of different groups of {slice}, the inputs together tell which is which in {value} of cases."
            ),
            unit="share",
        ),
        ACCURACY: Words(
            label="Groups recognised",
            sentence="From the inputs, {value} of the people in a group of {slice} are recognised; guessing brings {reference}.",
            unit="share",
        ),
        UNDECLARED_SHARE: Words(
            label="Without a declared group",
            sentence="{value} of the rows declare nothing about {slice}.",
            unit="share",
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        _limits(parameters)

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters = audit_input.parameters
        limits = _limits(parameters)
        table = _independent(audit_input.current, parameters.entity)
        inputs = _inputs(table, parameters)
        codes, out = _attributes(table, parameters.sensitive)
        for name, found in codes.items():
            out.append(_undeclared(name, found))
        usable = {name: found.without_small(limits.min_group) for name, found in codes.items()}
        wanted = list(dict.fromkeys([*inputs, *usable]))
        sample = sample_rows(table, wanted, [audit_input.seed, 0], SAMPLE_ROWS)
        examined = _Examined(table, inputs, usable, limits, sample, audit_input.seed)
        return [*examined.single(), *examined.joint(), *out]


def _limits(parameters: AuditParameters) -> ProxyLimits:
    if not parameters.sensitive:
        raise AuditInputError("name the attributes that inputs might stand in for: 'sensitive'")
    if parameters.method or parameters.roles:
        what = f"method {parameters.method!r}" if parameters.method else f"role {min(parameters.roles)!r}"
        raise AuditInputError(f"unknown {what}; proxy detection has none")
    parameters.refuse_other_thresholds(DEFAULTS)
    value = {**DEFAULTS, **parameters.thresholds}
    if not 0 < value["uncertainty"] <= value["copy"] <= 1:
        raise AuditInputError("thresholds must satisfy 0 < uncertainty <= copy <= 1")
    if not 0.5 < value["auc"] <= value["auc-copy"] <= 1:
        raise AuditInputError("thresholds must satisfy 0.5 < auc <= auc-copy <= 1")
    if not 0 < value["alpha"] < 1:
        raise AuditInputError(f"threshold 'alpha' must lie between 0 and 1, got {value['alpha']:g}")
    if value["min_rows"] < 20 or value["min_group"] < 10:
        raise AuditInputError("threshold 'min_rows' must be at least 20 and 'min_group' at least 10")
    return ProxyLimits(
        value["uncertainty"],
        value["copy"],
        value["auc"],
        value["auc-copy"],
        value["alpha"],
        int(np.ceil(value["min_rows"])),
        int(np.ceil(value["min_group"])),
    )


def _independent(table: Table, entity: str | None) -> Table:
    """One row for each independent unit, the first: what is said of a customer twice is known once."""
    if table.rows == 0:
        raise AuditInputError(f"{table.label} has no rows")
    if not entity:
        return table
    try:
        return KeptRows(table, first_rows(table, entity))
    except TableError as error:
        raise AuditInputError(str(error)) from error


def _inputs(table: Table, parameters: AuditParameters) -> list[str]:
    if parameters.columns:
        missing = [name for name in parameters.columns if name not in table.names]
        if missing:
            raise AuditInputError(f"column {missing[0]!r} is not in {table.label}; correct 'columns'")
        return list(dict.fromkeys(parameters.columns))
    others = {
        *parameters.sensitive,
        parameters.y_true,
        parameters.y_pred,
        parameters.entity,
        parameters.baseline,
        parameters.labels_id,
        parameters.attributes_key,
    }
    inputs = [name for name in table.names if name not in others]
    if not inputs:
        raise AuditInputError(f"{table.label} has no column left as an input; name the inputs as 'columns'")
    return inputs


def _attributes(table: Table, names: Sequence[str]) -> tuple[dict[str, AttributeCodes], list[Measurement]]:
    codes, faults = {}, []
    for name in dict.fromkeys(names):
        try:
            codes[name] = attribute_codes(table, name)
        except TableError as error:
            faults.append(errored(AUC, name, str(error)))
    if not codes:
        raise AuditInputError(str(faults[0].detail["reason"]))
    return codes, faults


def _undeclared(name: str, found: AttributeCodes) -> Measurement:
    rows = len(found.code)
    without = rows - found.declared
    return told(UNDECLARED_SHARE, name, rows, without / rows, rows_undeclared=without)


@dataclass(frozen=True, slots=True)
class _Examined:
    """One table, the model's inputs, the groups of every row by attribute, and a sample of the rows."""

    table: Table
    inputs: Sequence[str]
    attributes: Mapping[str, AttributeCodes]
    limits: ProxyLimits
    sample: Sample
    seed: int

    def single(self) -> Iterator[Measurement]:
        """Each attribute against each input, over all rows."""
        unread = {name: reason for name, reason in self.sample.faults.items() if name in self.inputs}
        binnings = {}
        for name in self.inputs:
            column = self.sample.columns.get(name)
            if column is not None and column.type is not ColumnType.EMBEDDING:
                binnings[name] = binning_of(column)  # vectors have no values to count: see ``joint``
        tables, faults = contingency_tables(self.table, binnings, self.attributes)
        for attribute, codes in self.attributes.items():
            mine = {name: tables[attribute, name] for name in self.inputs if (attribute, name) in tables}
            yield from judged_inputs(attribute, mine, codes, self.limits, self.seed)
            for name, reason in (unread | faults).items():
                yield errored(UNCERTAINTY, f"{attribute}~{name}", reason)

    def joint(self) -> Iterator[Measurement]:
        """Each attribute against all inputs together, on the sample."""
        for attribute, known in self.attributes.items():
            names = [name for name in self.inputs if name != attribute and name in self.sample.columns]
            codes = known.of_sample(self.sample.columns[attribute]).without_small(self.limits.min_group)
            reason = self.limits.too_few(codes) or (
                "" if names else "there is no other input that can be read"
            )
            found = None if reason else self._told(names, codes)
            yield from joint_measurements(attribute, found, codes, self.limits, reason)

    def _told(self, names: Sequence[str], codes: AttributeCodes) -> Predictability:
        rows = np.flatnonzero(codes.code >= 0)
        taken = [self.sample.columns[name] for name in names]
        columns = [Column(column.name, column.type, column.data.take(pa.array(rows))) for column in taken]
        features = input_features(columns, [self.seed, 1])
        return predictability(features, codes.code[rows].astype(np.int64), len(codes.names), self.seed)
