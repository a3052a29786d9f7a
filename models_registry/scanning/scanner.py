"""Scan a stored file. Only bytes are read: nothing is imported, built or run."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from models_registry.scanning.archives import archive_issues, tar_entries, zip_entries
from models_registry.scanning.contract import Format, Issue, Scan
from models_registry.scanning.formats import detect
from models_registry.scanning.pickles import pickle_issues
from models_registry.scanning.skops_types import TRUSTED, skops_issues

#: Issues kept at the most: a file may hold thousands of one sort.
MOST_ISSUES = 100
#: What the reader of a hostile archive may raise.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    EOFError,
)
_PICKLED = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle")


def scan(path: Path, trusted: Collection[str] = TRUSTED) -> Scan:
    """What a file is, and what of it is unsafe.

    Parameters
    ----------
    path : Path
        A stored artefact.
    trusted : collection of str
        Types that a skops file may hold beyond those that skops trusts itself.

    Returns
    -------
    Scan
        Never loadable where something could not be read.
    """
    found = detect(path)
    issues: list[Issue] = []
    for issue in _issues(path, found, trusted):
        issues.append(issue)
        if len(issues) == MOST_ISSUES:
            break
    return Scan(found, tuple(issues))


def _issues(path: Path, found: Format, trusted: Collection[str]) -> Iterator[Issue]:
    if found is Format.PICKLE:
        with path.open("rb") as file:
            yield from pickle_issues(file, "")
    elif found in (Format.SKOPS, Format.TORCH, Format.ZIP):
        yield from _zip_issues(path)
        if found is Format.SKOPS:
            yield from skops_issues(path, trusted)
    elif found is Format.TAR:
        yield from _tar_issues(path)
    elif found is Format.COMPRESSED:
        yield Issue(
            "compressed",
            "",
            "it is compressed as a whole, as joblib does with pickles; save the model with skops or as ONNX",
        )


def _zip_issues(path: Path) -> Iterator[Issue]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = zip_entries(archive)
            unsafe = list(archive_issues(entries))
            yield from unsafe
            if unsafe:
                return  # what cannot be unpacked is not looked into either
            for entry in entries:
                if entry.name.lower().endswith(_PICKLED):
                    with archive.open(entry.name) as file:
                        yield from pickle_issues(file, entry.name)
    except _DAMAGED as error:
        yield Issue(
            "unreadable-archive", "", f"the archive cannot be read ({type(error).__name__}); pack it again"
        )


def _tar_issues(path: Path) -> Iterator[Issue]:
    try:
        with tarfile.open(path, "r:") as archive:
            entries = list(tar_entries(archive))
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        yield Issue(
            "unreadable-archive", "", f"the archive cannot be read ({type(error).__name__}); pack it again"
        )
        return
    yield from archive_issues(entries)
    for entry in entries:
        if entry.name.lower().endswith(_PICKLED):
            yield Issue("pickle", entry.name, "it holds a pickle; save the model with skops or as ONNX")
