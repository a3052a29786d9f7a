"""The types that a skops file asks to be trusted."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from models_registry.scanning.contract import Issue

#: Types of scikit-learn and SciPy, beyond skops' own list, that hold arrays and no code.
TRUSTED = frozenset(
    [
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "scipy.sparse._csr.csr_matrix",
    ]
)

#: What reading a damaged or hostile file may raise; anything else leaves the artefact without a verdict, so never loadable.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
)


def skops_issues(path: Path, trusted: Collection[str]) -> Iterator[Issue]:
    """Each type that neither skops nor the house trusts. The tree is read, and nothing in it is built."""
    import skops.io

    try:
        untrusted = skops.io.get_untrusted_types(file=path)
    except _DAMAGED as error:
        yield Issue(
            "unreadable-skops",
            "schema.json",
            f"skops cannot read it ({type(error).__name__}); save the model again",
        )
        return
    for name in untrusted:
        if name not in trusted:
            yield Issue(
                "untrusted-type",
                name,
                "this type is not trusted: leave it out of the model, or have an operator add it to ARTIFACT_TRUSTED_TYPES after reading its code",
            )
