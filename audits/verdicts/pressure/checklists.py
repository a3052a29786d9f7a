"""The verdict on a checklist: a pattern that was found fails, an answer that is missing is no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from audits.contract import AuditInputError, AuditParameters, Measurement, Verdict
from audits.metrics.pressure.answers import YES, Answer, Answers
from audits.metrics.pressure.checklist import CHECKLIST, CHECKS, VERSION, Check
from audits.verdicts.pressure.groups import against_a_rule, insufficient

#: ``days``: half a year; ``complete``: every check answered.
DEFAULTS = {"days": 180.0, "complete": 1.0}
COMPLETE, FOUND, CHECK, STALE, FOUR_EYES, ROWS, HINT = (
    "checklist-complete",
    "patterns-found",
    "check",
    "stale-answers",
    "own-work",
    "rows-used",
    "text-hint",
)
#: An answer may be dated on the day after: the day has begun elsewhere.
_AHEAD = 1


@dataclass(frozen=True, slots=True)
class ChecklistRules:
    """The limits of one run, the day on which it is asked for, and whether authors are known."""

    days: float
    complete: float
    moment: date | None
    authors: bool

    @classmethod
    def read(cls, parameters: AuditParameters, moment: date | None = None) -> ChecklistRules:
        """The limits that the parameters ask for. Raises ``AuditInputError`` that names a threshold."""
        parameters.refuse_other_thresholds(sorted(DEFAULTS))
        value = {**DEFAULTS, **parameters.thresholds}
        if value["days"] < 0 or not 0 < value["complete"] <= 1:
            raise AuditInputError("threshold 'days' must be at least 0 and 'complete' lie above 0 up to 1")
        return cls(value["days"], value["complete"], moment, "author" in parameters.roles)


def judged_answers(answers: Answers, rules: ChecklistRules) -> Iterator[Measurement]:
    """Every campaign by itself, then what the whole table lacks."""
    yield _rows(answers)
    for campaign, given in sorted(answers.found.items()):
        lacking = {check.slug: _lacks(given.get(check.slug)) for check in CHECKLIST}
        full = {slug: given[slug] for slug, why in lacking.items() if not why}
        found = [check for check in CHECKLIST if given.get(check.slug, _NONE).value == YES]
        yield _complete(campaign, len(full), rules)
        yield _found(campaign, found, len(full), rules)
        yield from _checks(campaign, found, lacking)
        yield _stale(campaign, full, rules)
        yield _own_work(campaign, full, rules)


_NONE = Answer("", None, False, False, False, False)


def _lacks(answer: Answer | None) -> str:
    return "not answered" if answer is None else answer.lacks


def _rows(answers: Answers) -> Measurement:
    unused = answers.strangers + answers.without_campaign
    detail = {
        "checklist": VERSION,
        "campaigns": len(answers.found),
        "unknown_checks": answers.strangers,
        "without_campaign": answers.without_campaign,
        "superseded": answers.superseded,
    }
    if unused == answers.rows:
        reason = "no row names a campaign and a check of the checklist: use the names on the reference page"
        return insufficient(ROWS, "", answers.rows, reason, **detail)
    reason = f"{unused} rows name no campaign, or a check that version {VERSION} does not have: correct them"
    verdict = Verdict.REVIEW if unused else Verdict.PASS
    return Measurement(
        name=ROWS,
        n=answers.rows,
        value=1 - unused / answers.rows,
        verdict=verdict,
        detail={**detail, **({"reason": reason} if unused else {})},
    )


def _complete(campaign: str, full: int, rules: ChecklistRules) -> Measurement:
    share, whole = full / len(CHECKLIST), len(CHECKLIST)
    reason = f"{whole - full} of {whole} checks lack an answer, a reviewer, evidence or a date: complete them"
    short = share < rules.complete
    return Measurement(
        name=COMPLETE,
        slice=campaign,
        n=whole,
        value=share,
        threshold=rules.complete,
        tolerance_used=None if short else 1.0 if rules.complete == 1 else (1 - share) / (1 - rules.complete),
        verdict=Verdict.INSUFFICIENT if short else Verdict.PASS,
        detail={"answered": full, "checklist": VERSION, **({"reason": reason} if short else {})},
    )


def _found(campaign: str, found: list[Check], full: int, rules: ChecklistRules) -> Measurement:
    """How many patterns the campaign has; none of those that nobody looked for."""
    prohibited = [check.slug for check in found if check.prohibited]
    detail: dict[str, Any] = {"patterns": [check.slug for check in found], "prohibited": len(prohibited)}
    if not found and full / len(CHECKLIST) < rules.complete:
        reason = "none among the checks that were answered, which are not enough: complete the checklist"
        return insufficient(FOUND, campaign, full, reason, **detail)
    reason = f"the campaign has {', '.join(detail['patterns'])}: change it before it goes on"
    beyond = Verdict.FAIL if prohibited else Verdict.REVIEW
    return against_a_rule(
        FOUND, campaign, max(full, len(found)), float(len(found)), 0.0, beyond, reason, **detail
    )


def _checks(campaign: str, found: list[Check], lacking: Mapping[str, str]) -> Iterator[Measurement]:
    """Each check that did not pass."""
    for check in found:
        detail = {"question": check.question, "category": check.category, "source": check.source}
        beyond = Verdict.FAIL if check.prohibited else Verdict.REVIEW
        reason = f"{check.category}: the reviewer says yes to '{check.question}'"
        yield against_a_rule(CHECK, f"{campaign}: {check.slug}", 1, 1.0, 0.0, beyond, reason, **detail)
    named = {check.slug for check in found}
    for slug, why in lacking.items():
        if why and slug not in named:
            detail = {"question": CHECKS[slug].question, "category": CHECKS[slug].category}
            yield insufficient(CHECK, f"{campaign}: {slug}", 0, why, **detail)


def _stale(campaign: str, full: Mapping[str, Answer], rules: ChecklistRules) -> Measurement:
    if rules.moment is None:
        return insufficient(STALE, campaign, len(full), "the day of the audit is not known")
    if not full:
        return insufficient(STALE, campaign, 0, "no check has a full answer")
    ages = [answer.age(rules.moment) for answer in full.values()]
    old, ahead = sum(age > rules.days for age in ages), sum(age < -_AHEAD for age in ages)
    reason = f"{old} answers are older than {rules.days:g} days and {ahead} lie in the future: review the campaign again"
    detail = {"oldest_days": max(ages), "days": rules.days, "ahead": ahead}
    return against_a_rule(
        STALE, campaign, len(full), float(old + ahead), 0.0, Verdict.REVIEW, reason, **detail
    )


def _own_work(campaign: str, full: Mapping[str, Answer], rules: ChecklistRules) -> Measurement:
    if not rules.authors:
        reason = "name the column of role 'author': nobody should review their own campaign"
        return insufficient(FOUR_EYES, campaign, len(full), reason)
    if not full:
        return insufficient(FOUR_EYES, campaign, 0, "no check has a full answer")
    own = sum(answer.own_work for answer in full.values())
    reason = "the author reviewed the campaign: let somebody else answer these checks"
    return against_a_rule(FOUR_EYES, campaign, len(full), float(own), 0.0, Verdict.REVIEW, reason)


def judged_hints(texts: int, hints: Mapping[str, int], known: Iterator[str]) -> Iterator[Measurement]:
    """Words that often go with pressure: for review, never a failure, and no proof of their absence."""
    for hint in known:
        if not texts:
            yield insufficient(HINT, hint, 0, "the column of the wording has no text")
            continue
        reason = "words that often go with pressure: read these texts, and answer the checks of this category"
        count = hints.get(hint, 0)
        yield against_a_rule(
            HINT, hint, texts, float(count), 0.0, Verdict.REVIEW, reason, share=count / texts
        )
