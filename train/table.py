"""Reads a table, CSV or Parquet, without interpreting it: every CSV cell is text, without blanks around it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from train.errors import TrainError

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SNIFF_CHARACTERS = 65536
SNIFF_ROWS = 200
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins
ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # zip and .xlsx, gzip, .xls


@dataclass(frozen=True)
class Table:
    """A table as its file holds it.

    Attributes:
        frame: One column per column of the file. From CSV: Python strings without blanks around
            them, an empty cell is "". From Parquet: the file's own types, Arrow backed, with its own nulls.
        typed: Whether the columns carry types (Parquet) or are all text (CSV).
        encoding: The text encoding of a CSV file, None for Parquet.
        delimiter: The delimiter of a CSV file, None for Parquet.
        digest: SHA-256 of the file's bytes, as hex digits.
    """

    frame: pd.DataFrame
    typed: bool
    encoding: str | None
    delimiter: str | None
    digest: str


def read_table(path: Path, *, encoding: str = "utf-8-sig", delimiter: str | None = None) -> Table:
    """Read a CSV or Parquet file; which one it is, its first bytes tell.

    Args:
        path: The file.
        encoding: Of a CSV file; no effect on Parquet.
        delimiter: Of a CSV file; None finds it out. No effect on Parquet.

    Raises:
        TrainError: The file is missing, empty, not readable, in another encoding, ragged, or names a column twice.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise TrainError("DATA must be a CSV or Parquet file.", f"{path} ({what})", "Check the path.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainError("DATA must be readable.", f"{path} ({error.strerror})", "Check its permissions.") from None
    if not content.strip():
        raise TrainError("The table must have a header line and rows.", f"an empty file, {path}", "Check the path.")
    digest = hashlib.sha256(content).hexdigest()
    if content.startswith(ARCHIVES):
        what = f"an archive or a spreadsheet, {path}"
        raise TrainError("DATA must be a CSV or Parquet file.", what, "Unpack it, or save the sheet as CSV.")
    if content[:4] == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return Table(_read_parquet(path, content), typed=True, encoding=None, delimiter=None, digest=digest)
    text = _decode(content, encoding, path)
    delimiter = delimiter or sniff_delimiter(text)
    frame = _read_csv(text, delimiter, path)
    return Table(frame, typed=False, encoding=encoding, delimiter=delimiter, digest=digest)


def _decode(content: bytes, encoding: str, path: Path) -> str:
    try:
        text = content.decode(encoding)
    except LookupError:
        raise TrainError(
            "The encoding must be one that Python knows.", repr(encoding), 'Write for instance encoding = "latin-1".'
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = f"byte 0x{content[error.start]:02x} at position {error.start} (line {line}) of {path}"
        likely = "utf-16" if content[:2] in UTF_16 else "cp1252"
        remedy = f'write its encoding under [table] in the --config file, such as encoding = "{likely}".'
        rule = f"The table must be text in {encoding.removesuffix('-sig')}."
        raise TrainError(rule, got, f"Save it as UTF-8, or {remedy}") from None
    if "\0" in text:
        raise TrainError(
            "The table must be text.",
            f"a NUL character at position {text.index(chr(0))} of {path}",
            'Save it as CSV in UTF-8; a UTF-16 file needs encoding = "utf-16" under [table] in the --config file.',
        )
    return text


def sniff_delimiter(text: str) -> str:
    """Return the delimiter under which most of the first rows have as many fields as the header, and more than one.

    A tie goes to the one that gives more columns. A text without any of the delimiters is one column: a comma.
    """
    head = text[:SNIFF_CHARACTERS]
    if len(head) < len(text):
        head = head[: head.rfind("\n") + 1] or head
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in islice(csv.reader(io.StringIO(head), delimiter=delimiter), SNIFF_ROWS) if row]
        except csv.Error:  # under this delimiter a field never ends
            continue
        width = len(rows[0]) if rows else 0
        if width > 1:
            scores[delimiter] = (sum(len(row) == width for row in rows) / len(rows), width)
    return max(scores, key=lambda delimiter: scores[delimiter]) if scores else ","


def _read_csv(text: str, delimiter: str, path: Path) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    columns: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if not header:
                header = [name.strip() for name in row]
                _check_names(header, path)
                columns = [[] for _ in header]
                continue
            if len(row) != len(header):
                raise _ragged(row, header, delimiter, reader.line_num)
            for column, cell in zip(columns, row, strict=True):
                column.append(cell.strip())
    except csv.Error as error:
        raise TrainError(
            "Every quoted field must be closed, and a quote inside it doubled.",
            f"{error} at line {reader.line_num} of {path}",
            "Correct that line.",
        ) from None
    if not columns or not columns[0]:
        raise TrainError("The table must have rows below its header.", f"a header only, in {path}", "Check the file.")
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in zip(header, columns, strict=True)})


def _ragged(row: list[str], header: list[str], delimiter: str, line: int) -> TrainError:
    joined = delimiter.join(row)
    others = {other: joined.count(other) for other in DELIMITERS if other != delimiter}
    mixed = [other for other, count in others.items() if count == len(header) - 1]
    got = f"{len(row)} fields at line {line}, {len(header)} in the header ({DELIMITER_NAMES.get(delimiter, delimiter)})"
    if mixed:
        got += f"; that line is separated by a {DELIMITER_NAMES[mixed[0]]}: the file mixes delimiters"
    return TrainError(
        "Every row must have as many fields as the header.",
        got,
        "Correct that line, quote fields that hold the delimiter, or write delimiter = … under [table] in --config.",
    )


def _check_names(names: list[str], path: Path) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TrainError(
            "Column names must differ.", f"{twice[0]!r} {names.count(twice[0])} times in {path}", "Rename one of them."
        )
    if "" in names:
        raise TrainError(
            "Every column must have a name.",
            f"none for column {names.index('') + 1} of {path}",
            "Name it in the header line.",
        )


def _read_parquet(path: Path, content: bytes) -> pd.DataFrame:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TrainError(
            "A Parquet file must be complete and readable.", f"{error} in {path}", "Write it again, or use CSV."
        ) from None
    _check_names([str(name) for name in table.column_names], path)
    if not table.num_rows:
        raise TrainError("The table must have rows.", f"none in {path}", "Check the file.")
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return frame
