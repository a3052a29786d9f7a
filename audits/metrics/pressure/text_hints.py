"""Words in the texts of campaigns that often go with pressure: a hint to look, never a proof."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import pyarrow.compute as pc

from audits.tables import ColumnFault, ColumnType, Table, TableError

#: Phrases by what they hint at, in English, French, Italian, German and Spanish. Each is matched at the start of a word.
PHRASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "urgency": (
            *("last chance", "hurry", "ends tonight", "ends soon", "only today", "act now", "final hours"),
            *(
                "dernière chance",
                "dépêchez-vous",
                "plus que quelques heures",
                "expire bientôt",
                "derniers jours",
            ),
            *("ultima occasione", "affrettati", "solo per oggi", "ultime ore", "sta per scadere"),
            *("letzte chance", "nur heute", "nur noch heute", "beeilen sie sich", "läuft bald ab"),
            *("última oportunidad", "date prisa", "solo hoy", "sólo hoy", "últimas horas", "termina pronto"),
        ),
        "scarcity": (
            *(
                "almost gone",
                "selling fast",
                "only a few left",
                "low stock",
                "while stocks last",
                "last pieces",
            ),
            *("bientôt épuisé", "stock limité", "dernières pièces", "plus que quelques pièces"),
            *("quasi esaurito", "ultimi pezzi", "scorte limitate", "pochi pezzi rimasti"),
            *("fast ausverkauft", "nur noch wenige", "letzte stücke", "solange der vorrat reicht"),
            *("casi agotado", "últimas unidades", "pocas unidades", "hasta agotar existencias"),
        ),
        "confirm-shaming": (
            *(
                "no thanks, i",
                "no, i don't want",
                "no, i prefer to pay",
                "i don't like saving",
                "i'll pay full price",
            ),
            *("non merci, je", "je préfère payer plus", "non, je ne veux pas économiser"),
            *("no grazie, preferisco", "no grazie, non mi interessa risparmiare", "preferisco pagare di più"),
            *("nein danke, ich", "ich zahle lieber mehr", "nein, ich möchte nicht sparen"),
            *("no gracias, prefiero", "prefiero pagar más", "no quiero ahorrar"),
        ),
    }
)
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'"})
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    hint: re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, phrases)) + ")")
    for hint, phrases in PHRASES.items()
}


def hints_in(text: str) -> frozenset[str]:
    """What a text hints at; letter case, apostrophes and runs of blanks do not matter.

    Examples
    --------
    >>> sorted(hints_in("HURRY,  almost gone!"))
    ['scarcity', 'urgency']
    """
    plain = " ".join(text.translate(_APOSTROPHES).casefold().split())
    return frozenset(hint for hint, pattern in _PATTERNS.items() if pattern.search(plain))


def hinted_texts(table: Table, name: str) -> tuple[int, Counter[str]]:
    """How many texts a column has, and how many hint at each thing; read piece by piece, no text is kept.

    Raises
    ------
    TableError
        When the column is missing or holds no text.
    """
    texts, found = 0, Counter[str]()
    for piece in table.scan([name]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        if piece.nulls == len(piece):
            continue
        if piece.type is not ColumnType.CATEGORICAL:
            raise TableError(f"column {name!r} holds no text; name the column of the campaign's wording")
        texts += len(piece) - piece.nulls
        for counted in pc.value_counts(piece.texts().drop_null()).to_pylist():
            for hint in hints_in(counted["values"]):
                found[hint] += counted["counts"]
    return texts, found
