"""What a scan tells of a file, without ever running what is in it."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.scanning import Format, Verdict, scan
from models_registry.scanning.archives import MOST_ENTRIES, Entry, archive_issues, leads_outside
from models_registry.scanning.formats import detect
from models_registry.scanning.pickles import imports


class Harmful:
    """Would make a file if it were ever unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.target}",)


def written(folder: Path, content: bytes, name: str = "model.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(folder: Path, files: dict[str, bytes], **attributes: int) -> Path:
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.writestr(info, content)
    return path


def codes(path: Path, **options: Any) -> list[str]:
    return [issue.code for issue in scan(path, **options).issues]


@pytest.fixture(scope="module")
def skops_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from skops import io as skops_io

    model = HistGradientBoostingRegressor(max_iter=2, early_stopping=False).fit(
        np.arange(60.0).reshape(-1, 1), np.arange(60.0)
    )
    path = tmp_path_factory.mktemp("skops") / "model.skops"
    skops_io.dump(model, path)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_harmful_pickle_is_quarantined_and_never_runs(tmp_path: Path, protocol: int):
    target = tmp_path / "was-run"
    path = written(tmp_path, pickle.dumps({"weights": [1.0], "x": Harmful(target)}, protocol=protocol))
    found = scan(path)
    assert (found.format, found.verdict) == (Format.PICKLE, Verdict.QUARANTINED)
    assert [issue.code for issue in found.issues] == ["pickle", "dangerous-import"]
    assert f"{os.system.__module__}.system" in found.issues[1].message
    assert not target.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_is_quarantined_for_being_one(tmp_path: Path, protocol: int):
    path = written(tmp_path, pickle.dumps({"weights": [1.0, 2.0], "names": {"a", "b"}}, protocol=protocol))
    assert codes(path) == ["pickle"]


def test_a_second_pickle_behind_the_first_is_looked_into(tmp_path: Path):
    target = tmp_path / "was-run"
    path = written(tmp_path, pickle.dumps([1]) + pickle.dumps(Harmful(target)))
    assert codes(path) == ["pickle", "dangerous-import"]
    assert not target.exists()


def test_names_that_are_shared_through_the_memo_are_followed():
    system = type("A", (), {"__reduce__": lambda self: (os.system, ("true",))})
    content = pickle.dumps([system(), system(), os.getpid], protocol=4)
    assert list(imports(io.BytesIO(content))) == [f"{os.name}.system", f"{os.name}.getpid"]


def test_a_pickle_that_is_cut_off_says_so(tmp_path: Path):
    content = pickle.dumps({"weights": list(range(1000))})
    assert codes(written(tmp_path, content[: len(content) // 2])) == ["unreadable-pickle"]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_scan_fail_or_loadable_by_chance(content: bytes):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = scan(written(Path(folder), content))
    assert found.verdict is not Verdict.LOADABLE or found.format in (Format.ONNX, Format.SAFETENSORS)


@given(st.binary(max_size=200))
def test_a_damaged_pickle_never_escapes_as_an_error(tail: bytes):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = scan(written(Path(folder), b"\x80\x04" + tail))
    assert found.verdict is Verdict.QUARANTINED


def test_a_skops_file_of_trusted_types_is_loadable(skops_file: Path):
    assert (scan(skops_file).format, scan(skops_file).verdict) == (Format.SKOPS, Verdict.LOADABLE)


def test_a_type_that_nobody_trusts_is_named(skops_file: Path):
    found = scan(skops_file, trusted=())
    assert found.verdict is Verdict.QUARANTINED
    assert [(i.code, i.where) for i in found.issues] == [
        ("untrusted-type", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
    ]


def test_the_name_of_a_file_says_nothing(skops_file: Path, tmp_path: Path):
    path = tmp_path / "model.pkl"
    path.write_bytes(skops_file.read_bytes())
    assert scan(path).format is Format.SKOPS
    disguised = written(tmp_path, pickle.dumps([1]), "model.skops")
    assert scan(disguised).verdict is Verdict.QUARANTINED


def test_a_skops_file_with_a_schema_that_is_none_is_quarantined(tmp_path: Path):
    assert codes(zipped(tmp_path, {"schema.json": b"{not json"})) == ["unreadable-skops"]


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"__class__": "system", "__module__": "os", "__loader__": "TypeNode", "content": {}}',
        b'{"__class__": "x", "__module__": "no.such.module", "__loader__": "ObjectNode", "protocol": 99}',
        b'{"__class__": 1, "__module__": null, "__loader__": [], "protocol": "x"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=lambda schema: schema[:30].decode("latin-1"),
)
def test_no_schema_makes_the_scan_fail_or_the_file_loadable(tmp_path: Path, schema: bytes):
    assert scan(zipped(tmp_path, {"schema.json": schema})).verdict is Verdict.QUARANTINED


def test_a_skops_file_with_a_pickle_beside_the_schema_is_quarantined(skops_file: Path, tmp_path: Path):
    path = tmp_path / "model.skops"
    path.write_bytes(skops_file.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("extra.pkl", pickle.dumps([1]))
    assert codes(path) == ["pickle"]


def test_a_torch_file_is_a_pickle_in_an_archive(tmp_path: Path):
    path = zipped(tmp_path, {"archive/data.pkl": pickle.dumps(os.system), "archive/data/0": b"\x00" * 8})
    found = scan(path)
    assert found.format is Format.TORCH
    assert [(i.code, i.where) for i in found.issues] == [
        ("pickle", "archive/data.pkl"),
        ("dangerous-import", "archive/data.pkl"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (struct.pack("<Q", 2) + b"{}", (Format.SAFETENSORS, Verdict.LOADABLE)),
        (struct.pack("<Q", 200) + b"{}", (Format.UNKNOWN, Verdict.OPAQUE)),
        (b"\x08\x08\x12\x07pytorch", (Format.ONNX, Verdict.LOADABLE)),
        (b"\x08\x00\x12\x07pytorch", (Format.UNKNOWN, Verdict.OPAQUE)),
        (b"\x89HDF\r\n\x1a\n" + b"\x00" * 20, (Format.HDF5, Verdict.OPAQUE)),
        (b"\x1f\x8b\x08" + b"\x00" * 20, (Format.COMPRESSED, Verdict.QUARANTINED)),
        (b"weights = 1\n", (Format.UNKNOWN, Verdict.OPAQUE)),
        (b"", (Format.UNKNOWN, Verdict.OPAQUE)),
    ],
    ids=["safetensors", "too long a head", "onnx", "no onnx", "hdf5", "gzip", "text", "empty"],
)
def test_formats_are_told_from_their_bytes(tmp_path: Path, content: bytes, expected: tuple[Format, Verdict]):
    found = scan(written(tmp_path, content))
    assert (found.format, found.verdict) == expected


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:\\x", "C:x", "..\\x", "\\\\host\\share\\x", "a/..", "//x"]
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str):
    assert leads_outside(name)
    assert codes(zipped(tmp_path, {name: b"x"})) == ["path-traversal"]


@pytest.mark.parametrize("name", ["a", "a/b", "a..b", "...", "a/.b", "archive/data/0"])
def test_plain_names_are_not(name: str):
    assert not leads_outside(name)


def test_links_in_archives_are_refused(tmp_path: Path):
    path = zipped(tmp_path, {"weights": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert codes(path) == ["link"]
    tar = tmp_path / "model.tar"
    with tarfile.open(tar, "w") as archive:
        info = tarfile.TarInfo("weights")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    assert (detect(tar), codes(tar)) == (Format.TAR, ["link"])


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights", b"a")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("weights", b"b")
    assert codes(path) == ["name-twice"]


def test_a_bomb_is_not_unpacked(tmp_path: Path):
    path = zipped(tmp_path, {"weights.pkl": b"\x00" * (80 << 20)})
    assert path.stat().st_size < 200_000
    assert codes(path) == ["unpacks-too-large"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([Entry("a", 8 << 30, 8 << 30)], []),
        ([Entry("a", (8 << 30) + 1, 8 << 30)], ["unpacks-too-large"]),
        ([Entry("a", 64 << 20, 1)], []),
        ([Entry("a", (64 << 20) + 1, 1)], ["unpacks-too-large"]),
        ([Entry(str(n), 1, 1) for n in range(MOST_ENTRIES)], []),
        ([Entry(str(n), 1, 1) for n in range(MOST_ENTRIES + 1)], ["too-many-files"]),
        ([Entry("a", 1, 1, encrypted=True)], ["encrypted"]),
        ([Entry("a\x00.pkl", 1, 1)], ["path-traversal"]),
    ],
    ids=[
        "8 GB",
        "more",
        "64 MB of nothing",
        "a byte more",
        "as many as allowed",
        "one more",
        "password",
        "nul",
    ],
)
def test_limits_of_archives(entries: list[Entry], expected: list[str]):
    assert [issue.code for issue in archive_issues(entries)] == expected


def test_an_archive_that_is_cut_off_is_quarantined(tmp_path: Path):
    path = zipped(tmp_path, {"a.pkl": pickle.dumps(list(range(1000)))})
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(bytes(content))
    assert scan(path).verdict is Verdict.QUARANTINED


def test_every_issue_says_what_to_do(tmp_path: Path):
    path = written(tmp_path, pickle.dumps(os.system))
    for issue in scan(path).issues:
        assert ";" in issue.message or ":" in issue.message
        assert not issue.message.endswith(".")
