"""A labelled corpus of columns, to measure how often personal data are found and how often things are taken for them.

People's values come from Faker in six locales, the rest is written here: national numbers with their check digits and
what is easily taken for personal data, from EAN-13 codes to product names.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from faker import Faker
from stdnum import luhn
from stdnum.de import idnr
from stdnum.iso7064 import mod_11_10

LOCALES = {"en_US": "US", "en_GB": "GB", "fr_FR": "FR", "it_IT": "IT", "de_DE": "DE", "es_ES": "ES"}
_JUNK = ("n/a", "unknown", "-", "none", "???", "see file")
_BRANDS, _THINGS, _ADJECTIVES, _WORDS = (
    line.split()
    for line in (
        "Aurelle Novaro Lindqvist Maison-Vert Tessuti Calderon Bergmann Okori Santelmo Vireo",
        "bag scarf coat dress boots belt wallet trench sandal loafer tote cardigan blazer",
        "silk leather quilted cropped vintage suede woven pleated oversized embroidered",
        "the parcel came late and box was wet but colour is lovely size runs small zip broke after two weeks",
    )
)


@dataclass(frozen=True)
class Labelled:
    """A column and the categories of personal data that it holds."""

    name: str
    values: list
    categories: frozenset[str]


def corpus(rows: int, dirty: float, seed: int) -> Iterator[tuple[str, list[Labelled]]]:
    """For each locale its region and its columns; a share of the values of people's columns is junk or missing."""
    for place, (locale, region) in enumerate(LOCALES.items()):
        fake = Faker(locale)
        fake.seed_instance(seed + place)
        rng = random.Random(seed + place)  # noqa: S311 (made-up data)
        yield region, [*_people(fake, rng, rows, dirty, region), *_things(fake, rng, rows)]


def _people(fake: Faker, rng: random.Random, rows: int, dirty: float, region: str) -> Iterator[Labelled]:
    for name, category, make in (*_known_by_values(fake, rng, region), *_known_by_name(fake, rng, region)):
        made = [make() for _ in range(rows)]
        made = [_soiled(value, rng, dirty) if isinstance(value, str) else value for value in made]
        yield Labelled(name, made, frozenset([category]))


def _soiled(value: str, rng: random.Random, dirty: float) -> str | None:
    if rng.random() >= dirty:
        return value
    return rng.choice(_JUNK) if rng.random() < 0.5 else None


def _known_by_values(
    fake: Faker, rng: random.Random, region: str
) -> list[tuple[str, str, Callable[[], object]]]:
    return [
        ("f01", "e-mail", fake.email),
        ("f02", "phone", fake.phone_number),
        ("f03", "payment-card", lambda: card(rng)),
        ("f04", "payment-card", lambda: int(card(rng))),
        ("f05", "iban", fake.iban),
        ("f06", "ip-address", fake.ipv4_public),
        ("f07", "ip-address", fake.ipv6),
        ("f08", "mac-address", fake.mac_address),
        ("f09", "person-name", fake.name),
        ("f10", "person-name", fake.first_name),
        ("f11", "address", lambda: fake.address().replace("\n", ", ")),
        ("f12", "national-id", lambda: national_id(fake, rng, region)),
        ("f13", "social-handle", lambda: f"https://www.instagram.com/{fake.user_name()}/"),
        ("f14", "social-handle", lambda: f"@{fake.user_name()}"),
        ("f15", "free-text", lambda: _remark(rng, fake)),
        ("f16", "coordinates", lambda: f"{rng.uniform(36, 60):.5f}, {rng.uniform(-9, 20):.5f}"),
        ("f17", "gender", lambda: rng.choice(["female", "male"])),
        ("f18", "phone", lambda: f"+33 {_mobile(rng)}"),
    ]


def _known_by_name(
    fake: Faker, rng: random.Random, region: str
) -> list[tuple[str, str, Callable[[], object]]]:
    word = {
        "US": ("lastName", "date_of_birth", "zip_code", "customer_id", "sex", "home_address", "mobile_phone"),
        "GB": ("surname", "dob", "PostCode", "memberNumber", "gender", "street", "telephone"),
        "FR": (
            "nom_de_famille",
            "dateNaissance",
            "code_postal",
            "numero_client",
            "sexe",
            "adresse",
            "téléphone",
        ),
        "IT": (
            "cognome",
            "data_nascita",
            "codice_postale",
            "codiceCliente",
            "sesso",
            "indirizzo",
            "telefono",
        ),
        "DE": ("Nachname", "Geburtsdatum", "PLZ", "kunden_nr", "Geschlecht", "Anschrift", "Handynummer"),
        "ES": (
            "apellidos",
            "fecha_nacimiento",
            "codigo_postal",
            "numero_cliente",
            "sexo",
            "domicilio",
            "movil",
        ),
    }[region]
    number = iter(range(400_000, 10_000_000, 7))
    return [
        (word[0], "person-name", fake.last_name),
        (word[1], "birth-date", lambda: fake.date_of_birth(minimum_age=18)),
        (f"{word[1]}_2", "birth-date", lambda: fake.date_of_birth(minimum_age=18).strftime("%d/%m/%Y")),
        (word[2], "postcode", fake.postcode),
        (word[3], "person-id", lambda: next(number)),
        (word[4], "gender", lambda: rng.choice(["F", "M", "X"])),
        (word[5], "address", fake.street_name),
        (word[6], "phone", lambda: int("6" + "".join(rng.choices("123456789", k=8)))),
        ("device_id", "device-id", lambda: str(uuid.UUID(int=rng.getrandbits(128)))),
        ("lat", "coordinates", lambda: rng.uniform(36, 60)),
        ("longitude", "coordinates", lambda: rng.uniform(-9, 20)),
        ("email_address", "e-mail", lambda: sha256(str(rng.random()).encode()).hexdigest()),
    ]


def _mobile(rng: random.Random) -> str:
    return "7" + "".join(rng.choices("123456789", k=8))


def card(rng: random.Random) -> str:
    """A card number: an issuer's prefix, digits, Luhn's check digit."""
    prefix, length = rng.choice([("4", 16), ("51", 16), ("55", 16), ("34", 15), ("37", 15), ("6011", 16)])
    body = prefix + "".join(rng.choices("0123456789", k=length - len(prefix) - 1))
    return body + luhn.calc_check_digit(body)


def national_id(fake: Faker, rng: random.Random, region: str) -> str:
    """A national number of the region, with its check digits where it has some."""
    if region == "ES":
        number = rng.randrange(10_000_000, 99_999_999)
        return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
    if region == "DE":
        while True:
            digits = list("123456789")
            rng.shuffle(digits)
            body = "".join(digits) + digits[0]
            checked = body + str(mod_11_10.calc_check_digit(body))
            if idnr.is_valid(checked):
                return checked
    if region == "GB":
        return f"{rng.choice('ABCEGHJ')}{rng.choice('LMPRS')} {rng.randrange(10**6):06d} {rng.choice('ABCD')}"
    return str(fake.ssn())


def _remark(rng: random.Random, fake: Faker) -> str:
    text = " ".join(rng.choices(_WORDS, k=rng.randrange(8, 25)))
    return f"{text}, write to {fake.email()} please" if rng.random() < 0.1 else text


def _ean13(rng: random.Random, prefix: str) -> str:
    body = prefix + "".join(rng.choices("0123456789", k=12 - len(prefix)))
    return body + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10)


def _things(fake: Faker, rng: random.Random, rows: int) -> Iterator[Labelled]:
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    for name, make in _codes(fake, rng, start) + _said_of_things(fake, rng, start):
        yield Labelled(name, [make(i) for i in range(rows)], frozenset())


def _codes(fake: Faker, rng: random.Random, start: dt.datetime) -> list[tuple[str, Callable[[int], object]]]:
    return [
        ("g01", lambda i: _ean13(rng, "4")),
        ("g02", lambda i: int(_ean13(rng, rng.choice(["30", "40", "80", "84"])))),
        ("g03", lambda i: fake.isbn10()),
        ("g04", lambda i: fake.isbn13()),
        (
            "g05",
            lambda i: (
                f"{rng.choice('ABCDEF')}{rng.choice('KLM')}-{rng.randrange(10**6):06d}-{rng.choice('SML')}"
            ),
        ),
        ("g06", lambda i: 2_024_000_000 + i),
        ("g07", lambda i: f"ORD-2024-{i:07d}"),
        ("g08", lambda i: f"{i:010d}"),
        ("g09", lambda i: int(start.timestamp()) + 977 * i),
        ("g10", lambda i: 1000 * int(start.timestamp()) + 977_123 * i),
        ("g11", lambda i: (start + dt.timedelta(minutes=31 * i)).isoformat()),
        ("g12", lambda i: f"{rng.uniform(10, 9000):,.2f}"),
        ("g13", lambda i: round(rng.uniform(10, 9000), 2)),
        ("g14", lambda i: sha256(str(i).encode()).hexdigest()),
        ("g15", lambda i: str(uuid.UUID(int=rng.getrandbits(128)))),
        (
            "g16",
            lambda i: f"{rng.randrange(1, 20)}.{rng.randrange(60)}.{rng.randrange(40)}.{rng.randrange(90)}",
        ),
        ("g17", lambda i: rng.randrange(10**8, 10**9)),
        ("g18", lambda i: rng.randrange(10**10, 10**11)),
        ("g19", lambda i: f"1Z{rng.randrange(36**8):016X}"),
        ("g20", lambda i: f"{i % 24:02d}:{i % 60:02d}:{(7 * i) % 60:02d}"),
        ("g21", lambda i: (start + dt.timedelta(days=i)).strftime("%d.%m.%Y")),
        ("g22", lambda i: rng.randrange(10**14, 10**15)),
        ("g23", lambda i: "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=12))),
        ("g24", lambda i: rng.randrange(10**15, 10**16)),
    ]


def _said_of_things(
    fake: Faker, rng: random.Random, start: dt.datetime
) -> list[tuple[str, Callable[[int], object]]]:
    return [
        ("h01", lambda i: fake.company()),
        ("h02", lambda i: f"{rng.choice(_ADJECTIVES)} {rng.choice(_THINGS)} {rng.randrange(90)}".title()),
        ("h03", lambda i: " ".join(rng.choices(_WORDS, k=12))),
        ("h04", lambda i: fake.file_name()),
        ("h05", lambda i: fake.user_agent()),
        ("h06", lambda i: f"https://shop.example/p/{rng.randrange(10**6)}?ref=home"),
        ("h07", lambda i: fake.country_code()),
        ("h08", lambda i: rng.choice(["women", "men", "kids"])),
        ("h09", lambda i: f"icon{i}@2x.png"),
        ("h10", lambda i: f"{rng.choice(['S', 'M', 'L'])} / {rng.randrange(34, 48)}"),
        ("product_name", lambda i: f"{rng.choice(_BRANDS)} {rng.choice(_THINGS)}".title()),
        ("store_name", lambda i: fake.city()),
        ("store_address", lambda i: f"{rng.randrange(1, 99)} High Street"),
        ("store_latitude", lambda i: rng.uniform(36, 60)),
        ("brand", lambda i: rng.choice(_BRANDS)),
        ("email_opt_in", lambda i: rng.random() < 0.5),
        ("phone_type", lambda i: rng.choice(["ios", "android", "other"])),
        ("customer_segment", lambda i: rng.choice(["gold", "silver", "new"])),
        ("nombre_articles", lambda i: rng.randrange(1, 9)),
        ("email_open_rate", lambda i: rng.random()),
        ("order_date", lambda i: (start + dt.timedelta(days=i % 400)).date()),
        ("ship_date", lambda i: (start + dt.timedelta(days=i % 400)).strftime("%Y-%m-%d")),
        ("latency_ms", lambda i: rng.uniform(1, 90)),
        ("city", lambda i: fake.city()),
        ("colour_code", lambda i: fake.hex_color()),
        ("product_gender", lambda i: rng.choice(["female", "male", "unisex"])),
    ]
