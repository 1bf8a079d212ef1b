"""Reads the rows of a CSV, JSONL or Parquet file in chunks, each value as the file holds it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lambda_handler.table import TableError, read_lines
from train.table import SNIFF_CHARACTERS, sniff_delimiter

CHUNK = 4096  # rows held at a time
KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
SAFE_INTEGER = 2**53  # a larger one has no exact float64 beside fractions

Rows = list[dict[str, Any]]


class RowsError(ValueError):
    """A file of rows that cannot be read or written: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


@dataclass(frozen=True)
class RowFile:
    """A file of rows, opened as far as its columns.

    Attributes:
        columns: in the file's order; those of JSONL in order of first appearance.
        schema: the Arrow types under which the columns can be written again; all text for CSV.
        texts: whether every value is a text (CSV).
        delimiter: of CSV; a comma for the others.
        chunks: reads the rows from the first, at most `CHUNK` at a time.
    """

    columns: tuple[str, ...]
    schema: pa.Schema
    texts: bool
    delimiter: str
    chunks: Callable[[], Iterator[Rows]]


def kind_of(path: Path) -> str:
    """`csv`, `jsonl` or `parquet`, by the file's suffix.

    Raises:
        RowsError: another suffix.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        rule = f"INPUT and OUTPUT are told apart by their suffix: {', '.join(KINDS)}"
        raise RowsError(rule, f"got {path}", "Name the file so that its suffix says what it is.")
    return kind


def open_rows(path: Path) -> RowFile:
    """Open a file of rows.

    Raises:
        RowsError: the file is missing, empty or unreadable, of no known kind, or names a column twice. Its `chunks`
            raise it, too, where a line further down cannot be read.
    """
    kind = kind_of(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise RowsError("INPUT must be a file", f"{path} {what}", "Check the path.")
    if path.stat().st_size == 0:
        raise RowsError("INPUT must hold rows", f"{path} is empty", "Check the path.")
    opened = {"csv": _open_csv, "jsonl": _open_jsonl, "parquet": _open_parquet}[kind](path)
    twice = [name for name, count in Counter(opened.columns).items() if count > 1]
    if twice:
        raise RowsError("Column names must differ", f"{twice[0]!r} is there twice in {path}", "Rename one of them.")
    return opened


def _open_csv(path: Path) -> RowFile:
    try:
        with _text(path) as lines:
            head = lines.read(SNIFF_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error
    delimiter = sniff_delimiter(head)
    header = next(_csv_lines(path, delimiter), None)
    if header is None:
        raise RowsError("A CSV file begins with a header line", f"{path} has none", "Write the columns' names there.")
    columns = tuple(name.strip() for name in header)
    schema = pa.schema([(name, pa.string()) for name in columns])
    return RowFile(columns, schema, True, delimiter, partial(_csv_chunks, path, columns, delimiter))


def _csv_chunks(path: Path, columns: tuple[str, ...], delimiter: str) -> Iterator[Rows]:
    lines = _csv_lines(path, delimiter)
    next(lines)
    yield from _chunked(dict(zip(columns, cells, strict=True)) for cells in lines)


def _csv_lines(path: Path, delimiter: str) -> Iterator[list[str]]:
    with _text(path) as lines:
        try:
            yield from read_lines(lines, delimiter)
        except TableError as error:
            raise RowsError(error.rule, f"line {error.line} of {path} {error.got}", "Correct that line.") from error
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from error


def _open_jsonl(path: Path) -> RowFile:
    """The first of two passes: the columns and what their values are."""
    kinds: dict[str, set[str]] = {}
    for row in _json_rows(path):
        for name, value in row.items():
            found = kinds.setdefault(name, set())
            if value is not None:
                found.add(_json_kind(value))
    if not kinds:
        rule = "A JSONL file holds one object on every line"
        raise RowsError(rule, f"{path} has none with a value", "Check the path.")
    schema = pa.schema([(name, _arrow_type(found)) for name, found in kinds.items()])
    return RowFile(tuple(kinds), schema, False, ",", lambda: _chunked(_json_rows(path)))


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    with _text(path) as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _json_row(path, number, line)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from error


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        rule = "Every line of a JSONL file is JSON"
        raise RowsError(rule, f"line {number} of {path}: {error}", "Correct that line.") from error
    if not isinstance(row, dict):
        rule, remedy = "Every line of a JSONL file is an object of columns and values", "Correct that line."
        raise RowsError(rule, f"line {number} of {path} is a {type(row).__name__}", remedy)
    return row


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; write null for a missing value")


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "whole" if abs(value) <= SAFE_INTEGER else "long" if -(2**63) <= value < 2**63 else "other"
    return {float: "number", str: "text"}.get(type(value), "other")


def _arrow_type(kinds: set[str]) -> pa.DataType:
    if kinds == {"boolean"}:
        return pa.bool_()
    if kinds and kinds <= {"whole", "long"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"whole", "number"} else pa.string()


def _open_parquet(path: Path) -> RowFile:
    try:
        schema = pq.read_schema(path).remove_metadata()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken_parquet(path, error) from error
    return RowFile(tuple(schema.names), schema, False, ",", partial(_parquet_chunks, path))


def _parquet_chunks(path: Path) -> Iterator[Rows]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(CHUNK):
                yield batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _broken_parquet(path, error) from error


def _broken_parquet(path: Path, error: Exception) -> RowsError:
    rule = "A Parquet file must be complete and readable"
    return RowsError(rule, f"{path}: {str(error).rstrip('.')}", "Write it again.")


def _chunked(rows: Iterator[dict[str, Any]]) -> Iterator[Rows]:
    chunk: Rows = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _text(path: Path) -> IO[str]:
    return path.open(encoding="utf-8-sig", newline="")


def _not_utf8(path: Path, error: UnicodeDecodeError) -> RowsError:
    got = f"{path} holds the byte 0x{error.object[error.start]:02x} where none such can be"
    return RowsError("INPUT must be text in UTF-8", got, "Save it as UTF-8.")
