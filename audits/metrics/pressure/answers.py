"""The answers of reviewers: the newest one to each check of each campaign, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.pressure.checklist import CHECKS
from audits.metrics.pressure.row_values import moments
from audits.tables import Column, Table, TableError

YES, NO, NOT_APPLICABLE = "yes", "no", "n.a."
_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "1"), YES),
    **dict.fromkeys(("no", "n", "false", "0"), NO),
    **dict.fromkeys(("n.a.", "n.a", "n/a", "na", "not applicable"), NOT_APPLICABLE),
}
_EPOCH = date(1970, 1, 1)
#: More campaigns than one review covers; beyond, a message was probably named instead of a campaign.
MOST_CAMPAIGNS = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` is yes, no, n.a. or nothing. ``own_work``: the reviewer is the author. ``named``: there is a reviewer.

    ``address``: the reviewer is given as an e-mail address, not by a pseudonym.
    """

    value: str
    day: date | None
    evidence: bool
    named: bool
    address: bool
    own_work: bool
    micros: int = 0

    @property
    def lacks(self) -> str:
        """What makes it no full answer; nothing when it is one."""
        if not self.value:
            return "no answer of yes, no or n.a."
        if self.address:
            return "the reviewer is an e-mail address: use a pseudonymous identifier"
        if not self.named:
            return "no reviewer"
        if not self.evidence:
            return "no evidence: give a link or a note"
        return "" if self.day else "no date"

    def age(self, moment: date) -> int:
        """Days from the answer to ``moment``."""
        return (moment - self.day).days if self.day else 0


@dataclass(slots=True)
class Answers:
    """By campaign and check the newest answer; of two of one moment the one that says yes.

    ``superseded`` counts answers that a newer one replaced. ``strangers`` counts rows of checks that the list does not have,
    ``without_campaign`` those that name none.
    """

    found: dict[str, dict[str, Answer]] = field(default_factory=dict)
    superseded: int = 0
    strangers: int = 0
    without_campaign: int = 0
    rows: int = 0

    def add(self, campaign: str | None, check: str | None, answer: Answer) -> None:
        self.rows += 1
        if not campaign:
            self.without_campaign += 1
            return
        answers = self.found.setdefault(campaign, {})
        if len(self.found) > MOST_CAMPAIGNS:
            raise TableError(
                f"more than {MOST_CAMPAIGNS} campaigns: give one row for each campaign and check"
            )
        if check is None or check not in CHECKS:
            self.strangers += 1
            return
        before = answers.get(check)
        if before is not None:
            self.superseded += 1
            if (before.micros, before.value == YES) > (answer.micros, answer.value == YES):
                return
        answers[check] = answer


def read_answers(table: Table, roles: Mapping[str, str]) -> Answers:
    """Read a row for each campaign and check, piece by piece.

    Parameters
    ----------
    roles : mapping of str to str
        The columns of ``campaign``, ``check``, ``answer``, ``evidence``, ``reviewer``, ``at`` and, where there is one, ``author``.

    Raises
    ------
    TableError
        When a column is missing or cannot be read, or an answer is none of yes, no and n.a.; no value is repeated.
    """
    answers = Answers()
    names = list(dict.fromkeys(roles.values()))
    for pieces in aligned_pieces(table, names):
        column = dict(zip(names, pieces, strict=True))
        texts = {role: _texts(column[name]) for role, name in roles.items() if role != "at"}
        when = moments(column[roles["at"]])
        authors = texts.get("author", [None] * len(pieces[0]))
        for i, value in enumerate(_values(texts["answer"], roles["answer"])):
            reviewer = texts["reviewer"][i]
            answer = Answer(
                value=value,
                day=_EPOCH + timedelta(days=int(when.day[i])) if when.known[i] else None,
                evidence=bool(texts["evidence"][i]),
                named=bool(reviewer),
                address=bool(reviewer) and "@" in str(reviewer),
                own_work=bool(reviewer) and _alike(reviewer, authors[i]),
                micros=int(when.micros[i]) if when.known[i] else -(1 << 62),
            )
            answers.add(texts["campaign"][i], _slug(texts["check"][i]), answer)
    return answers


def _texts(piece: Column) -> list[str | None]:
    return [str(text).strip() or None if text is not None else None for text in piece.texts().to_pylist()]


def _values(texts: list[str | None], name: str) -> list[str]:
    out = []
    for text in texts:
        value = _WORDS.get(text.lower(), "") if text else ""
        if text and not value:
            raise TableError(f"column {name!r} holds answers other than yes, no and n.a.; correct them")
        out.append(value)
    return out


def _slug(text: str | None) -> str | None:
    return text.lower() if text else None


def _alike(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.casefold() == other.casefold()
