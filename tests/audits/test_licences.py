"""What licences let a model learn from, as SPDX writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.images.licences import UNKNOWN, Licence, Terms, licence_of, suggestion


@pytest.mark.parametrize(
    ("text", "terms", "credit"),
    [
        ("CC0-1.0", "free", False),
        ("cc0-1.0", "free", False),
        ("CC-BY-4.0", "attribution", True),
        ("CC-BY-3.0-IGO", "attribution", True),
        ("CC-BY-SA-3.0-DE", "share-alike", True),
        ("CC-BY-NC-2.0", "non-commercial", True),
        ("CC-BY-NC-SA-4.0", "non-commercial", True),
        ("CC-BY-ND-4.0", "no-derivatives", True),
        ("CC-BY-NC-ND-4.0", "no-derivatives", True),
        ("CC-BY-ND-NC-1.0", "no-derivatives", True),
        ("MIT", "attribution", True),
        ("PDDL-1.0", "free", False),
        ("ODbL-1.0", "share-alike", True),
        ("CC BY 4.0", "unknown", False),
        ("CC-BY", "unknown", False),
        ("CC-BY-5.0", "unknown", False),
        ("CC-BY-SA-NC-4.0", "unknown", False),
        ("NONE", "unknown", False),
        ("NOASSERTION", "unknown", False),
        ("All rights reserved", "unknown", False),
        ("LicenseRef-Studio", "unknown", False),
        ("", "unknown", False),
        ("   ", "unknown", False),
        (None, "unknown", False),
    ],
)
def test_identifiers(text, terms, credit):
    assert licence_of(text) == Licence(Terms(terms), credit)


@pytest.mark.parametrize(
    ("text", "terms", "credit"),
    [
        ("CC-BY-4.0 OR CC-BY-NC-4.0", "attribution", True),
        ("CC-BY-NC-4.0 or CC0-1.0", "free", False),
        ("CC-BY-4.0 AND CC-BY-NC-4.0", "non-commercial", True),
        ("CC0-1.0 AND MIT", "attribution", True),
        ("CC0-1.0 OR CC-BY-4.0 AND CC-BY-NC-4.0", "free", False),
        ("(CC0-1.0 OR CC-BY-4.0) AND CC-BY-NC-4.0", "non-commercial", True),
        ("((MIT))", "attribution", True),
        ("MIT AND NONE", "unknown", True),
        ("MIT OR NONE", "attribution", True),
        ("GPL-2.0-only WITH Font-exception-2.0", "unknown", False),
        ("MIT OR", "unknown", False),
        ("(MIT", "unknown", False),
        ("MIT)", "unknown", False),
        ("MIT MIT", "unknown", False),
        ("MIT AND " * 40 + "MIT", "unknown", False),
    ],
)
def test_expressions(text, terms, credit):
    found = licence_of(text)
    assert (found.terms, found.credit or found.terms is Terms.UNKNOWN) == (
        Terms(terms),
        credit or terms == "unknown",
    )


def test_the_strictest_together_and_the_most_permissive_by_choice():
    order = ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "NONE"]
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            assert licence_of(f"{one} AND {other}").terms is licence_of(order[max(i, j)]).terms
            assert licence_of(f"{one} OR {other}").terms is licence_of(order[min(i, j)]).terms


def test_a_contract_is_known_only_where_the_house_accepts_it():
    assert licence_of("LicenseRef-Studio-2025", {"licenseref-studio-2025"}) == Licence(
        Terms.FREE, False, True
    )
    assert licence_of("LicenseRef-Other", {"licenseref-studio-2025"}) == UNKNOWN
    chosen = licence_of("CC0-1.0 OR CC-BY-SA-4.0", {"cc-by-sa-4.0"})
    assert (chosen.terms, chosen.accepted) == (Terms.SHARE_ALIKE, True)
    assert licence_of("CC0-1.0 AND CC-BY-SA-4.0", {"cc-by-sa-4.0"}).accepted is False


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc_by_sa 3.0", "CC-BY-SA-3.0"),
        ("CC0", "CC0-1.0"),
        ("cc-0 1.0", "CC0-1.0"),
        ("Creative Commons BY NC 2.0", "CC-BY-NC-2.0"),
        ("ask ann@example.com", None),
        ("free", None),
        ("CC-BY-4.0", None),
    ],
)
def test_what_a_differently_written_licence_seems_to_mean(text, meant):
    assert suggestion(text) == meant


@given(st.text(max_size=80))
def test_any_text_is_some_licence_or_unknown(text):
    assert licence_of(text).terms in Terms
    suggestion(text)
