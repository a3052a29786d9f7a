"""The checklist of dark patterns: what a reviewer answers for every campaign, each with its category and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: Raised with every change of a question, so that an old answer is known to be to an old question.
VERSION = "2026.1"

_MATHUR = "Mathur et al. 2019"
_FTC = "FTC 2022"
_EDPB = "EDPB 03/2022"
_DSA = "DSA Art. 25"
_UCPD = "UCPD"


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a reviewer; yes means that the pattern is there.

    ``prohibited``: yes is a failure. Else it is a practice to think over, and yes is for review.
    """

    slug: str
    category: str
    question: str
    source: str
    prohibited: bool = True


#: Categories are those of Mathur et al. 2019, "Dark patterns at scale", Proc. ACM Hum.-Comput. Interact. 3 (CSCW), article 81;
#: ``consent`` and ``personalisation`` are ours.
CHECKLIST: tuple[Check, ...] = (
    Check(
        "added-to-basket",
        "sneaking",
        "Is anything put into the basket that the customer did not choose?",
        f"{_MATHUR}; {_FTC}; Directive 2011/83/EU Art. 27",
    ),
    Check(
        "hidden-costs",
        "sneaking",
        "Do costs that cannot be avoided appear only late in the order?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Art. 7",
    ),
    Check(
        "hidden-subscription",
        "sneaking",
        "Does a single purchase or a free trial turn into a payment that repeats, without saying so plainly?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Art. 7",
    ),
    Check(
        "disguised-advertising",
        "sneaking",
        "Does paid content look like editorial content, a message from a friend or a service notice?",
        f"{_FTC}; {_UCPD} Annex I, 11",
    ),
    Check(
        "false-countdown",
        "urgency",
        "Does a countdown end without the offer ending, or start anew for each visit?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Annex I, 7",
    ),
    Check(
        "false-deadline",
        "urgency",
        "Is an offer said to end soon although no end is fixed?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Annex I, 7",
    ),
    Check(
        "false-reference-price",
        "urgency",
        "Is a price crossed out that is not the lowest of the last 30 days?",
        "Directive 98/6/EC Art. 6a; FTC 2022",
    ),
    Check(
        "true-deadline-pressed",
        "urgency",
        "Is a real deadline repeated in more than two messages to the same customer?",
        f"{_EDPB} (overloading)",
        prohibited=False,
    ),
    Check(
        "false-low-stock",
        "scarcity",
        "Is stock said to be low without a live count behind it?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Annex I, 18",
    ),
    Check(
        "false-high-demand",
        "scarcity",
        "Is demand said to be high without a record that shows it?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Art. 6",
    ),
    Check(
        "false-activity",
        "social proof",
        "Are views, purchases or visitors shown that did not happen?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Art. 6",
    ),
    Check(
        "unverified-reviews",
        "social proof",
        "Are reviews shown as those of customers without checking that they bought, or chosen to please?",
        f"{_MATHUR}; {_FTC}; {_UCPD} Annex I, 23b and 23c",
    ),
    Check(
        "confirm-shaming",
        "misdirection",
        "Does the wording of the refusal make the customer feel guilty or foolish?",
        f"{_MATHUR}; {_FTC}; {_EDPB} (stirring)",
    ),
    Check(
        "visual-interference",
        "misdirection",
        "Is one choice made much more prominent than the other, or the refusal hard to see?",
        f"{_MATHUR}; {_FTC}; {_DSA}(3)(a)",
    ),
    Check(
        "trick-question",
        "misdirection",
        "Could wording such as a double negative make the customer choose what they do not want?",
        f"{_MATHUR}; {_FTC}; {_EDPB} (left in the dark)",
    ),
    Check(
        "bait-and-switch",
        "misdirection",
        "Is an item advertised that the customer is then led away from to another one?",
        f"{_FTC}; {_UCPD} Annex I, 5 and 6",
    ),
    Check(
        "hard-to-cancel",
        "obstruction",
        "Is leaving, cancelling or unsubscribing harder than joining was?",
        f"{_MATHUR}; {_FTC}; {_DSA}(3)(c)",
    ),
    Check(
        "no-way-back",
        "obstruction",
        "Do some messages lack a working link to stop them?",
        f"{_EDPB} (obstructing); Directive 2002/58/EC Art. 13",
    ),
    Check(
        "forced-enrolment",
        "forced action",
        "Must the customer register or give data that the purchase does not need?",
        f"{_MATHUR}; {_FTC}; GDPR Art. 5(1)(c)",
    ),
    Check(
        "nagging",
        "forced action",
        "Is a customer asked again who has already refused?",
        f"{_FTC}; {_EDPB} (overloading); {_DSA}(3)(b); {_UCPD} Annex I, 26",
    ),
    Check(
        "preselected-consent",
        "consent",
        "Is a consent or a paid extra ticked beforehand?",
        f"{_FTC}; {_EDPB} (skipping); GDPR Art. 4(11); Directive 2011/83/EU Art. 22",
    ),
    Check(
        "bundled-consent",
        "consent",
        "Is consent to marketing tied to something that it is not needed for?",
        f"{_EDPB}; GDPR Art. 7(4)",
    ),
    Check(
        "vulnerability-targeted",
        "personalisation",
        "Are people chosen, or wording changed, because of grief, debt, illness, age or another weakness?",
        f"{_UCPD} Art. 5(3); Regulation (EU) 2024/1689 Art. 5(1)(b)",
    ),
    Check(
        "price-personalised-silently",
        "personalisation",
        "Does an automated decision change the price for a customer without saying so?",
        "Directive 2011/83/EU Art. 6(1)(ea)",
    ),
    Check(
        "emotional-timing",
        "personalisation",
        "Is the moment of sending chosen by a prediction of mood or weakness of will?",
        f"{_UCPD} Art. 8 and 9",
        prohibited=False,
    ),
)
CHECKS: Mapping[str, Check] = MappingProxyType({check.slug: check for check in CHECKLIST})


def as_markdown() -> str:
    """The checklist as a table, as the reference page shows it."""
    lines = ["| check | category | question | yes means | source |", "|---|---|---|---|---|"]
    for check in CHECKLIST:
        means = "fail" if check.prohibited else "review"
        lines.append(f"| `{check.slug}` | {check.category} | {check.question} | {means} | {check.source} |")
    return "\n".join(lines)
