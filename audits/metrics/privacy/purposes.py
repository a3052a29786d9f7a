"""What data are used for, in words that people wrote: compared without regard to case and spaces."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.tables import Column

#: From this share of agreement on, another purpose is probably the same one, misspelled.
SIMILAR = 0.85


def plain(text: str) -> str:
    """A purpose or asset as it is compared: trimmed, inner spaces single, case folded.

    Examples
    --------
    >>> plain("  Size  Recommendation ")
    'size recommendation'
    """
    return " ".join(text.split()).casefold()


def similar(wanted: str, known: Iterable[str]) -> list[str]:
    """The known names that are nearly ``wanted`` but not equal to it, the most alike first.

    ``difflib.SequenceMatcher.ratio`` of at least .85: ``2 M / T``, matching characters over all (Ratcliff and Obershelp
    1988). A hint for people; nothing is ever taken for another because of it.

    Examples
    --------
    >>> similar("size recommendation", ["size recomendation", "advertising"])
    ['size recomendation']
    """
    from difflib import SequenceMatcher

    found = []
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    for name in known:
        matcher.set_seq1(name)
        if name != wanted and matcher.real_quick_ratio() >= SIMILAR and matcher.quick_ratio() >= SIMILAR:
            ratio = matcher.ratio()
            if ratio >= SIMILAR:
                found.append((-ratio, name))
    return [name for _, name in sorted(found)]


def plain_texts(piece: Column) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Each row's name as it is compared: a code (no name, or an empty one: -1), and the name of each code."""
    encoded = piece.data.dictionary_encode()
    texts = [plain(text or "") for text in encoded.dictionary.cast(pa.large_string()).to_pylist()]
    names = sorted({text for text in texts if text})
    place = {name: i for i, name in enumerate(names)}
    codes = np.array([*(place.get(text, -1) for text in texts), -1], dtype=np.int64)
    indices = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return codes[indices], names
