"""Opening a table by where it is."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from audits.tables.contract import Table
from audits.tables.csv import CsvTable
from audits.tables.directory import NoParquetFilesError, ParquetDirectory
from audits.tables.errors import TableError, first_line, without_secrets
from audits.tables.image_folder import image_folder
from audits.tables.parquet import PARQUET_SUFFIXES, ParquetTable

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)(?:::|://)", re.IGNORECASE)


def table_open(source: Path | str, label: str | None = None) -> Table:
    """Open a table by its place: a file, a directory of Parquet files or of images, an fsspec URI, or a database's table.

    Parameters
    ----------
    source : Path or str
        ``orders.parquet``, ``orders.csv``, ``orders/``, ``s3://bucket/orders/`` or any other URI of fsspec, or
        ``postgresql+psycopg://host/database?table=schema.orders`` or any other URL of SQLAlchemy with ``table``.
    label : str, optional
        What to call the table in messages. By default a path's last part, a text as it is given; a URI is always
        called without its user, password and query.

    Raises
    ------
    TableError
        When there is nothing there, its ending is another, or it cannot be read; says what to do.
    """
    scheme = _SCHEME.match(source) if isinstance(source, str) else None
    if scheme is not None:
        return _open_uri(str(source), scheme[1].lower(), label)
    path = Path(source)
    label = label or (path.name if isinstance(source, Path) else source)
    return _open_file(pafs.LocalFileSystem(), str(path), label)


def _open_uri(uri: str, scheme: str, label: str | None) -> Table:
    # SQLAlchemy and fsspec are only loaded for what needs them
    from audits.tables.remote import is_remote, remote_files

    if not is_remote(scheme):
        from audits.tables.sql import sql_table_of_url

        return sql_table_of_url(uri, label)
    label = label or without_secrets(uri)
    return _open_file(*remote_files(uri, label), label)


def _open_directory(filesystem: pafs.FileSystem, path: str, label: str) -> Table:
    """Parquet files where there are any, else images."""
    try:
        return ParquetDirectory(path, label, filesystem)
    except NoParquetFilesError:
        folder = image_folder(path, label, filesystem)
        if folder is None:
            raise
        return folder


def _open_file(filesystem: pafs.FileSystem, path: str, label: str) -> Table:
    """Open what is at a path by its ending: ``.parquet`` and ``.pq`` as Parquet, ``.csv`` as CSV."""
    try:
        kind = filesystem.get_file_info(path).type
    except OSError as error:
        raise TableError(f"{label} cannot be opened: {first_line(error)}") from error
    if kind is pafs.FileType.NotFound:
        raise TableError(f"{label}: no such file")
    if kind is pafs.FileType.Directory:
        return _open_directory(filesystem, path, label)
    suffix = PurePosixPath(urlsplit(path).path).suffix.lower()
    if suffix in PARQUET_SUFFIXES:
        return ParquetTable(path, label, filesystem)
    if suffix == ".csv":
        return CsvTable(path, label, filesystem)
    raise TableError(f"{label}: only .parquet, .pq and .csv files are read; convert it first")
