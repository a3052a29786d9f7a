"""The patterns by which values of personal data are known, and how much a column full of them proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EMAIL, PHONE, CARD, IBAN, IP, MAC = "e-mail", "phone", "payment-card", "iban", "ip-address", "mac-address"
SOCIAL, NATIONAL_ID, COORDINATES, TEXT = "social-handle", "national-id", "coordinates", "free-text"
PERSON, ADDRESS, BIRTH, GENDER = "person-name", "address", "birth-date", "gender"
POSTCODE, PERSON_ID, DEVICE_ID = "postcode", "person-id", "device-id"


#: What a category is called in a sentence.
CALLED: Mapping[str, str] = MappingProxyType(
    {
        EMAIL: "e-mail addresses",
        PHONE: "phone numbers",
        CARD: "payment card numbers",
        IBAN: "bank account numbers",
        IP: "network addresses (IP)",
        MAC: "device addresses (MAC)",
        SOCIAL: "social media profiles",
        NATIONAL_ID: "national identity numbers",
        COORDINATES: "places on the map",
        TEXT: "texts with contact details in them",
        PERSON: "names of people",
        ADDRESS: "street addresses",
        BIRTH: "dates of birth",
        GENDER: "genders",
        POSTCODE: "postcodes",
        PERSON_ID: "identifiers of people",
        DEVICE_ID: "identifiers of devices",
    }
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to know a category by its values.

    Attributes
    ----------
    category : str
    strength : float
        Confidence that a column holds the category when its values match far more often than by chance, in [0, 1].
    chance : float
        Largest share of values that match although they are something else of the same shape: .1 for one check digit.
    full : float
        Share of matches beyond chance from which the strength counts in full.
    certain : bool
        One match is worth a look, however many other values do not match.
    named : bool
        The values say nothing by themselves: they only bear out what the column's name says.
    by_row : bool
        Judged by rows, not by different values: there are only a few of them.
    """

    category: str
    strength: float
    chance: float = 0.0
    full: float = 0.5
    certain: bool = False
    named: bool = False
    by_row: bool = False


#: Confidence by values from which a telling name adds to it.
BORNE_OUT = 0.3
#: One check digit of a scheme, and a scheme that needs the name: its check is shared with codes of things.
_CHECKED = Pattern(NATIONAL_ID, 0.95, 0.1)
_CHECKED_TWICE = Pattern(NATIONAL_ID, 0.97, 0.02, 0.3)
_WEAK = Pattern(NATIONAL_ID, 0.65, 0.1, 0.6, named=True)

#: By slug; national identity numbers by the country and the module of python-stdnum that checks them.
PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        "email": Pattern(EMAIL, 0.99, 0.0, 0.02, certain=True),
        "phone": Pattern(PHONE, 0.96, 0.01, 0.1),
        "phone-any": Pattern(PHONE, 0.95, 0.4, 0.3),
        "phone-shape": Pattern(PHONE, 0.8, 0.1, 0.5),
        "phone-digits": Pattern(PHONE, 0.65, 0.4, 0.6, named=True),
        "card": Pattern(CARD, 0.97, 0.1, 0.4),
        "iban": Pattern(IBAN, 0.99, 0.02, 0.05),
        "ipv4": Pattern(IP, 0.95, 0.05, 0.4),
        "ipv6": Pattern(IP, 0.97, 0.0, 0.2),
        "mac": Pattern(MAC, 0.95, 0.0, 0.4),
        "social-url": Pattern(SOCIAL, 0.95, 0.02, 0.3),
        "handle": Pattern(SOCIAL, 0.75, 0.05, 0.5),
        "coordinates": Pattern(COORDINATES, 0.9, 0.05, 0.5),
        "latitude": Pattern(COORDINATES, 0.65, 0.0, 0.8, named=True),
        "longitude": Pattern(COORDINATES, 0.65, 0.0, 0.8, named=True),
        "contact-in-text": Pattern(TEXT, 0.96, 0.0, 0.01, certain=True),
        "given-name": Pattern(PERSON, 0.92, 0.03, 0.2),
        "street": Pattern(ADDRESS, 0.92, 0.02, 0.25),
        "date": Pattern(BIRTH, 0.8, 0.0, 0.8, named=True),
        "gender": Pattern(GENDER, 0.75, 0.2, 0.6, by_row=True),
        "gender-letter": Pattern(GENDER, 0.8, 0.2, 0.6, named=True, by_row=True),
        "postcode": Pattern(POSTCODE, 0.65, 0.0, 0.8, named=True),
        "fr.nir": _CHECKED_TWICE,
        "it.codicefiscale": _CHECKED_TWICE,
        "es.dni": _CHECKED,
        "es.nie": _CHECKED,
        "us.ssn": Pattern(NATIONAL_ID, 0.8, 0.3, 0.6),
        "us.ssn-digits": Pattern(NATIONAL_ID, 0.65, 0.3, 0.8, named=True),
        "gb.nino": Pattern(NATIONAL_ID, 0.9, 0.1, 0.6),
        "gb.nhs": _WEAK,
        "de.idnr": _CHECKED,
        "nl.bsn": _WEAK,
        "ch.ssn": _CHECKED_TWICE,
        "be.nn": _CHECKED_TWICE,
        "pl.pesel": _CHECKED,
        "br.cpf": _CHECKED_TWICE,
        "se.personnummer": _CHECKED,
        "fi.hetu": _CHECKED,
        "no.fodselsnummer": _CHECKED_TWICE,
        "tr.tckimlik": _CHECKED_TWICE,
        "cn.ric": _CHECKED,
        "ie.pps": _CHECKED,
        "at.vnr": _WEAK,
        "pt.cc": _CHECKED,
    }
)


def confidence(pattern: Pattern, low: float, matches: int, name_strength: float = 0.0) -> float:
    """How sure a column holds the pattern's category.

    ``values = strength * min(1, max(0, low - chance) / (1 - chance) / full)``, and with the name's strength
    ``1 - (1 - values) * (1 - name)``: two pieces of evidence that can each be wrong by itself (our choice). They are put
    together from ``values`` of .3 on: a name that the values contradict does not make them surer. A certain pattern with
    any match counts at least .5; values that only bear out a name count nothing without it.

    Parameters
    ----------
    low : float
        Lower 95 % Wilson limit of the matching share.
    matches : int
        Values that match.
    name_strength : float, default 0
        How clearly the column's name says the category, in [0, 1].

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(confidence(PATTERNS["card"], 0.7, 9), 3)
    0.97
    """
    excess = max(0.0, low - pattern.chance) / (1 - pattern.chance)
    by_values = pattern.strength * min(1.0, excess / pattern.full)
    if pattern.certain and matches:
        by_values = max(by_values, 0.5)
    if name_strength and by_values >= BORNE_OUT:
        return 1 - (1 - by_values) * (1 - name_strength)
    return 0.0 if pattern.named else by_values
