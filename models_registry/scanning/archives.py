"""Whether unpacking an archive would write elsewhere, or fill the disk."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from models_registry.scanning.contract import Issue

MOST_ENTRIES = 20_000
#: Bytes unpacked at the most, and how many times the packed ones: weights hardly shrink.
MOST_BYTES, MOST_TIMES = 8 << 30, 200
#: Below so many bytes a high ratio fills no disk.
_SMALL = 64 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in an archive; ``link`` where it is a link or a device."""

    name: str
    size: int
    packed: int
    link: bool = False
    encrypted: bool = False


def zip_entries(archive: zipfile.ZipFile) -> list[Entry]:
    return [
        Entry(
            name=info.filename,
            size=info.file_size,
            packed=info.compress_size,
            link=stat.S_ISLNK(info.external_attr >> 16),
            encrypted=bool(info.flag_bits & 1),
        )
        for info in archive.infolist()
    ]


def tar_entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    for info in archive:
        yield Entry(info.name, info.size, info.size, link=not (info.isfile() or info.isdir()))


def archive_issues(entries: Iterable[Entry]) -> Iterator[Issue]:
    """What is unsafe about unpacking these entries."""
    names: set[str] = set()
    total = packed = 0
    for number, entry in enumerate(entries, start=1):
        if number > MOST_ENTRIES:
            yield Issue("too-many-files", "", f"it holds more than {MOST_ENTRIES:,} files; pack fewer")
            return
        yield from _entry_issues(entry)
        if entry.name in names:
            yield Issue(
                "name-twice",
                entry.name,
                "two files have this name, and readers differ in which they take; pack it again",
            )
        names.add(entry.name)
        total, packed = total + entry.size, packed + entry.packed
    if total > MOST_BYTES or (total > _SMALL and total > MOST_TIMES * max(packed, 1)):
        yield Issue(
            "unpacks-too-large",
            "",
            f"unpacked it would take {total:,} bytes from {packed:,}; pack it again without padding",
        )


def leads_outside(name: str) -> bool:
    """Whether a name, unpacked below a folder, would be written elsewhere."""
    return any(
        path.is_absolute() or bool(path.drive) or ".." in path.parts
        for path in (PurePosixPath(name), PureWindowsPath(name))
    )


def _entry_issues(entry: Entry) -> Iterator[Issue]:
    if leads_outside(entry.name) or "\x00" in entry.name:
        yield Issue(
            "path-traversal",
            entry.name,
            "unpacking would write outside its folder; pack it again with plain names",
        )
    if entry.link:
        yield Issue(
            "link", entry.name, "it holds a link or a device, which may lead anywhere; pack the file itself"
        )
    if entry.encrypted:
        yield Issue(
            "encrypted", entry.name, "it is encrypted, so nobody can look into it; pack it without a password"
        )
