"""Dark-pattern checklist: was every campaign reviewed, by somebody else, lately and with evidence, and what was found?"""

from __future__ import annotations

from typing import ClassVar

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
from audits.metrics.pressure.answers import read_answers
from audits.metrics.pressure.text_hints import PHRASES, hinted_texts
from audits.tables import TableError
from audits.verdicts.disparity.disparities import errored
from audits.verdicts.pressure.checklists import (
    CHECK,
    COMPLETE,
    DEFAULTS,
    FOUND,
    FOUR_EYES,
    HINT,
    ROWS,
    STALE,
    ChecklistRules,
    judged_answers,
    judged_hints,
)

NEEDED = ("campaign", "check", "answer", "evidence", "reviewer", "at")
OPTIONAL = ("author", "text")


@audit_kinds.register
class DarkPatterns(AuditKind):
    slug = "dark-patterns"
    by_the_clock = True
    label = "Dark-pattern checklist"
    dimension = "conduct"
    method = (
        "a checklist of 25 patterns after Mathur et al. 2019, FTC 2022, EDPB Guidelines 03/2022 and EU law, answered by a named "
        "reviewer with evidence; hints from the wording are for review only"
    )
    reads = ("current", "")
    settings: ClassVar[Settings] = Settings(
        limits=DEFAULTS,
        columns=(),
        lines=("roles",),
        roles=(*NEEDED, *OPTIONAL),
        labels={"days": "Days until an answer is old", "complete": "Share of checks to be answered"},
    )
    words: ClassVar[dict[str, Words]] = {
        ROWS: Words(label="Rows used", sentence="{value} of the answers could be used.", unit="share"),
        COMPLETE: Words(
            label="Checklist answered",
            sentence="{value} of the checks of {slice} have an answer with reviewer and evidence.",
            unit="share",
        ),
        FOUND: Words(
            label="Dark patterns found",
            sentence="Reviewers found {value} dark patterns in {slice}.",
            unit="count",
        ),
        CHECK: Words(label="Check", sentence="{question} ({slice})", unit="count"),
        STALE: Words(
            label="Old answers", sentence="{value} answers about {slice} are out of date.", unit="count"
        ),
        FOUR_EYES: Words(
            label="Reviewed by its author",
            sentence="{value} checks of {slice} were answered by the author of the campaign.",
            unit="count",
        ),
        HINT: Words(
            label="Words of pressure", sentence="{value} of {n} texts hold words of {slice}.", unit="count"
        ),
    }

    def check(self, parameters: AuditParameters) -> None:
        ChecklistRules.read(parameters)
        known = (*NEEDED, *OPTIONAL)
        parameters.refuse_other_roles(known)
        missing = [role for role in NEEDED if role not in parameters.roles]
        if missing:
            raise AuditInputError(f"name the column of role {missing[0]!r}; needed: {', '.join(NEEDED)}")
        names = list(parameters.roles.values())
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise AuditInputError(f"column {twice[0]!r} has two roles; name it once")
        if parameters.method:
            raise AuditInputError("the checklist has no other method; leave 'method' out")

    def run(self, audit_input: AuditInput) -> list[Measurement]:
        parameters, table = audit_input.parameters, audit_input.current
        self.check(parameters)
        if table.rows == 0:
            raise AuditInputError(f"{table.label} has no rows")
        roles = dict(parameters.roles)
        text = roles.pop("text", None)
        timing = audit_input.timing
        rules = ChecklistRules.read(parameters, timing.moment if timing else None)
        try:
            out = list(judged_answers(read_answers(table, roles), rules))
        except TableError as error:
            raise AuditInputError(str(error)) from error
        if text:
            try:
                texts, hints = hinted_texts(table, text)
                out += judged_hints(texts, hints, iter(PHRASES))
            except TableError as error:
                out.append(errored(HINT, "", str(error)))
        return out
