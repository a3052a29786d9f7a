"""What a scan says of an artefact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How a file is written, told from its bytes and never from its name."""

    SKOPS = "skops"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    PICKLE = "pickle"
    TORCH = "torch"
    ZIP = "zip"
    TAR = "tar"
    COMPRESSED = "compressed"
    HDF5 = "hdf5"
    UNKNOWN = "unknown"


#: Formats that hold data and a description of it, and no program.
SAFE_FORMATS = frozenset({Format.SKOPS, Format.ONNX, Format.SAFETENSORS})


class Verdict(StrEnum):
    """``LOADABLE``: a safe format with nothing unsafe in it. ``OPAQUE``: kept, and never loaded, for nobody can tell what loading
    does. ``QUARANTINED``: something in it is unsafe."""

    LOADABLE = "loadable"
    OPAQUE = "opaque"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Issue:
    """One unsafe thing: a stable ``code``, ``where`` in the file, and a ``message`` that says what to do."""

    code: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Scan:
    """``issues`` are what is unsafe; ``notes`` what a reader should know, such as the types that a model consists of."""

    format: Format
    issues: tuple[Issue, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.issues:
            return Verdict.QUARANTINED
        return Verdict.LOADABLE if self.format in SAFE_FORMATS else Verdict.OPAQUE
