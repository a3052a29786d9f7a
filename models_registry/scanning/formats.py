"""Tell a file's format from its first bytes, and of an archive from the names in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from models_registry.scanning.contract import Format

_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x04\x22\x4d\x18",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x01",
    b"\x78\x9c",
    b"\x78\xda",
)
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TAR_AT = 257
#: ONNX is a protocol buffer whose first field (1, a varint) is the version of its format, below 32 so far.
_ONNX_FIRST, _ONNX_VERSIONS = 0x08, range(1, 32)
#: The second field of an ONNX file: producer's name (2), version (3), domain (4), documentation (6), graph (7) or opset (8).
_ONNX_SECOND = frozenset({0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42})
#: Opcodes by which pickles of protocols 0 and 1 begin: they have no mark of their own.
_OLD_PICKLE = b"(]}cIFSVN"
_HEAD = 512


def detect(path: Path) -> Format:
    """The format of a file; ``UNKNOWN`` where its bytes fit none."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if zipfile.is_zipfile(path):
        return _archive(path)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return Format.TAR
    if head.startswith(_HDF5):
        return Format.HDF5
    if head.startswith(_COMPRESSED):
        return Format.COMPRESSED
    if _is_safetensors(head, path.stat().st_size):
        return Format.SAFETENSORS
    if len(head) > 2 and head[0] == _ONNX_FIRST and head[1] in _ONNX_VERSIONS and head[2] in _ONNX_SECOND:
        return Format.ONNX
    return Format.PICKLE if _looks_pickled(head, path) else Format.UNKNOWN


def _archive(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return Format.ZIP
    if "schema.json" in names:
        return Format.SKOPS
    if any(name.endswith("data.pkl") for name in names):
        return Format.TORCH
    return Format.ZIP


def _is_safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:8], "little")
    return len(head) > 8 and head[8:9] == b"{" and 2 <= length <= size - 8


def _looks_pickled(head: bytes, path: Path) -> bool:
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if head[:1] not in [bytes([code]) for code in _OLD_PICKLE] or not head:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"."  # a pickle ends with STOP
