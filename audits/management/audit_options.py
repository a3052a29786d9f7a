"""What ``manage.py audit`` can be told, and how it is read."""

from __future__ import annotations

import csv
import math
from argparse import ArgumentTypeError
from datetime import date

from django.core.management.base import CommandParser

from audits.kinds import audit_kinds

#: Parameters that are mappings, and the option that is given once for each entry.
MAPPINGS = {
    "thresholds": "threshold",
    "references": "reference_group",
    "roles": "role",
    "population": "population",
}


def add_options(parser: CommandParser) -> None:
    """Declare every option of the command."""
    parser.add_argument("kind", help="which audit: " + ", ".join(slug for slug, _ in audit_kinds.choices()))
    parser.add_argument(
        "--current",
        required=True,
        metavar="FILE",
        help="the data to examine: a file, a directory of Parquet files, or a URI",
    )
    parser.add_argument("--reference", metavar="FILE", help="the data to compare with")
    parser.add_argument("--columns", type=_names, default=(), metavar="C,C", help="only these columns")
    parser.add_argument(
        "--sensitive", type=_names, default=(), metavar="C,C", help="columns that name groups"
    )
    parser.add_argument("--y-true", metavar="C", help="column of what happened")
    parser.add_argument("--y-pred", metavar="C", help="column of what was predicted")
    parser.add_argument("--quasi-identifiers", type=_names, default=(), metavar="C,C")
    parser.add_argument("--sensitive-value", metavar="C", help="column that nobody should be able to infer")
    parser.add_argument("--method", metavar="M", help="instead of the method chosen by default")
    parser.add_argument("--baseline", metavar="C", help="column of another method's predictions")
    parser.add_argument(
        "--entity", metavar="C", help="column of the independent unit: customer, store, seller"
    )
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        metavar="FILE",
        help="labels that came later; give it again for newer ones",
    )
    parser.add_argument("--labels-id", metavar="C", help="column by which a label finds its prediction")
    parser.add_argument("--task", metavar="T", help="what y-pred is, if it cannot be told from the data")
    parser.add_argument("--threshold", type=_threshold, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--moment",
        type=_day,
        metavar="DATE",
        help="day of asking, as 2026-11-22, for the age of data (default today, UTC)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--intersections",
        type=_names,
        default=(),
        metavar="A*B,...",
        help="combinations of sensitive columns",
    )
    parser.add_argument("--strata", type=_names, default=(), metavar="C,C", help="compare within these, too")
    for option, metavar, text in (
        (
            "--reference-group",
            "COLUMN=GROUP",
            "compare all others with this group, instead of each with the rest",
        ),
        ("--role", "ROLE=C", "column of something else that the kind reads"),
    ):
        parser.add_argument(option, type=_named, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--population",
        type=_share,
        action="append",
        default=[],
        metavar="COLUMN=GROUP:SHARE",
        help="share of a group in the declared reference population",
    )
    parser.add_argument(
        "--attributes", metavar="FILE", help="sensitive columns that are kept in a file of their own"
    )
    parser.add_argument("--purpose", metavar="TEXT", help="what the data are used for")
    parser.add_argument("--attributes-key", metavar="C", help="column by which these find their rows")


def _names(text: str) -> tuple[str, ...]:
    """``a,b`` or ``"a, with comma",b``."""
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []) if name.strip())


def _threshold(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE with a number")
    return name, number


def _named(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _share(text: str) -> tuple[str, float]:
    """``skin tone=dark:0.25``; a group's name may hold a colon."""
    name, _, value = text.rpartition(":")
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if "=" not in name or not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is not COLUMN=GROUP:SHARE with a share between 0 and 1")
    return name, share


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-11-22") from error
