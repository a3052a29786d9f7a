"""Columns of images: a folder of files, a Parquet column of bytes; other audits see a column that they cannot read."""

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.profiles import table_profile
from audits.tables import MemoryTable, ParquetDirectory, TableError, table_open
from audits.tables.stored_bytes import MOST_BYTES, scan_bytes
from tests.audits.pictures import file_of, motif
from tests.audits.tables.conftest import Scanned

A, B = file_of(motif(1)), file_of(motif(2), "JPEG")
ONLY = "column 'image' of {} holds images; only audits of images read these"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "designs"
    (place / "spring").mkdir(parents=True)
    (place / "b.JPG").write_bytes(B)
    (place / "spring" / "a.png").write_bytes(A)
    (place / ".hidden.png").write_bytes(A)
    (place / "_old.png").write_bytes(A)
    (place / "notes.txt").write_text("no image")
    return place


def test_files_are_rows_in_the_order_of_their_names(folder):
    table = table_open(folder)
    assert (table.label, table.names, table.rows) == ("designs", ("file_name", "image"), 2)
    assert table.column("file_name").texts().to_pylist() == ["b.JPG", "spring/a.png"]
    assert list(scan_bytes(table, "image")) == [B, A]


def test_metadata_stands_beside_its_file_and_nothing_is_guessed(folder):
    (folder / "metadata.csv").write_text(
        "file_name,licence\nspring/a.png,CC0-1.0\ngone.png,MIT\n../../b.JPG,MIT\n"
    )
    table = table_open(folder)
    assert table.names == ("file_name", "image", "licence")
    assert table.column("file_name").texts().to_pylist() == [
        "../../b.JPG",
        "b.JPG",
        "gone.png",
        "spring/a.png",
    ]
    assert table.column("licence").texts().to_pylist() == ["MIT", None, "MIT", "CC0-1.0"]
    assert list(scan_bytes(table, "image")) == [None, B, None, A]
    found = Scanned(table)
    assert found.faults == {"image": ONLY.format("designs")}
    assert found.texts("licence") == ["MIT", None, "MIT", "CC0-1.0"]


def test_metadata_without_file_names_or_with_one_twice_is_refused(folder):
    (folder / "metadata.csv").write_text("name\na\n")
    with pytest.raises(TableError, match=r"column 'file_name' is not in metadata.csv in designs"):
        table_open(folder)
    (folder / "metadata.csv").write_text("file_name,x\nb.JPG,1\nb.JPG,2\n")
    with pytest.raises(TableError, match="holds a key twice"):
        table_open(folder).column("x")


def test_parquet_files_come_before_images(folder):
    pq.write_table(pa.table({"n": [1]}), folder / "part.parquet")
    assert isinstance(table_open(folder), ParquetDirectory)


def test_a_folder_with_neither_is_refused_as_before(tmp_path):
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(
        TableError, match=r"is a directory without .parquet files; give one file, or put some there"
    ):
        table_open(tmp_path)


def test_a_remote_folder_is_read_too():
    for name, content in (("a.png", A), ("b/c.jpg", B)):
        with fsspec.open(f"memory://pictures-of-tests/{name}", "wb") as file:
            file.write(content)
    table = table_open("memory://pictures-of-tests")
    assert list(scan_bytes(table, "image")) == [A, B]


def test_a_file_that_cannot_be_read_is_empty_and_a_huge_one_cut_off(folder, monkeypatch):
    table = table_open(folder)
    (folder / "b.JPG").unlink()
    monkeypatch.setattr("audits.tables.image_folder.MOST_BYTES", 10)
    assert list(scan_bytes(table, "image")) == [b"", A[:10]]
    assert MOST_BYTES == 64 << 20


def test_images_are_handed_out_a_few_at_a_time(folder, monkeypatch):
    monkeypatch.setattr("audits.tables.image_folder._PIECE_BYTES", 1)
    pieces = list(table_open(folder).stored("image"))
    assert [len(piece) for piece in pieces] == [1, 1, 0]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_parquet_column_of_bytes_is_read_in_pieces_and_is_a_fault_for_other_audits(tmp_path, kind):
    images = pa.array([A, None, B] * 40, kind)
    pq.write_table(
        pa.table({"image": images, "n": list(range(120))}), tmp_path / "t.parquet", row_group_size=7
    )
    table = table_open(tmp_path / "t.parquet")
    assert list(scan_bytes(table, "image")) == [A, None, B] * 40
    assert dict(table_profile(table).faults) == {"image": ONLY.format("t.parquet")}
    with pytest.raises(TableError, match="only audits of images read these"):
        table.column("image")
    assert table.column("n").floats().tolist() == list(range(120))


def test_a_directory_of_parquet_files_is_read_file_by_file(tmp_path):
    for name, content in (("1.parquet", A), ("2.parquet", B)):
        pq.write_table(pa.table({"image": pa.array([content], pa.binary())}), tmp_path / name)
    assert list(scan_bytes(table_open(tmp_path), "image")) == [A, B]
    pq.write_table(pa.table({"n": [1]}), tmp_path / "3.parquet")
    with pytest.raises(TableError, match=r"missing in 3.parquet"):
        list(scan_bytes(table_open(tmp_path), "image"))


def test_records_with_bytes_are_images_as_published_data_sets_have_them(tmp_path):
    records = [{"bytes": A, "path": "a"}, None, {"bytes": None, "path": "c"}]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array(records, kind)}), tmp_path / "t.parquet")
    assert list(scan_bytes(table_open(tmp_path / "t.parquet"), "image")) == [A, None, None]


def test_bytes_that_are_no_image_are_called_text_in_a_wrong_encoding_as_before():
    with pytest.raises(TableError, match="is not UTF-8 throughout"):
        MemoryTable({"t": [b"caf\xe9"]}).column("t")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"n": [1]}, "column 'image' is not in table; it has: n"),
        ({"image": ["x"]}, "has type string; images are needed here: give the bytes of PNG, JPEG or WebP"),
        ({"image": [1.5]}, "has type double"),
    ],
)
def test_another_column_is_refused_with_the_remedy(columns, message):
    with pytest.raises(TableError, match=message):
        list(scan_bytes(MemoryTable(columns), "image"))


def test_a_csv_file_cannot_hold_images(tmp_path):
    (tmp_path / "t.csv").write_text("image\nx\n")
    with pytest.raises(TableError, match="cannot hold images; give a Parquet file or a folder of images"):
        list(scan_bytes(table_open(tmp_path / "t.csv"), "image"))


def test_a_damaged_page_is_an_error_that_names_the_column(tmp_path):
    path = tmp_path / "t.parquet"
    images = pa.array([A * 20] * 50, pa.binary())
    pq.write_table(pa.table({"image": images}), path, use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"column 'image' of t.parquet cannot be read"):
        list(scan_bytes(table_open(path), "image"))
