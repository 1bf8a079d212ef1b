"""Writes rows with their answers as CSV, JSONL or Parquet: the whole file or none."""

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.read_rows import Rows, RowsError, kind_of
from lambda_handler.text import write_cell

Write = Callable[[Rows], None]
FITTING: dict[pa.DataType, Callable[[Any], bool]] = {
    pa.float64(): lambda value: isinstance(value, float | int),
    pa.int64(): lambda value: isinstance(value, int) and -(2**63) <= value < 2**63,
    pa.bool_(): lambda value: isinstance(value, bool),
}


@contextmanager
def open_target(target: Path, schema: pa.Schema, delimiter: str) -> Iterator[Write]:
    """Give a function that writes rows; the file takes its place when the block ends well.

    Args:
        target: the file, of the kind that its suffix says; an earlier file is replaced.
        schema: the columns in order, with the types that Parquet gets.
        delimiter: of CSV.

    Raises:
        RowsError: the suffix is unknown, or the file cannot be written there.
    """
    opener = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[kind_of(target)]
    if target.is_dir() or not target.parent.is_dir():
        got = f"{target} is a folder" if target.is_dir() else f"there is no folder {target.parent}"
        raise RowsError("OUTPUT must be a file in a folder that is there", got, "Name another, or make the folder.")
    scratch = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        with opener(scratch, schema, delimiter) as write:
            yield write
        scratch.replace(target)
    except OSError as error:
        got = f"{target}: {error.strerror or error}"
        raise RowsError("OUTPUT must be writable", got, "Make room, or name another file.") from error
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def _csv(path: Path, schema: pa.Schema, delimiter: str) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(schema.names)
        yield lambda rows: writer.writerows([as_text(row.get(name)) for name in schema.names] for row in rows)


@contextmanager
def _jsonl(path: Path, _schema: pa.Schema, _delimiter: str) -> Iterator[Write]:
    # Half of a surrogate pair is written as its escape, which is what JSON writes for it.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield lambda rows: file.writelines(
            json.dumps(_as_json(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows
        )


@contextmanager
def _parquet(path: Path, schema: pa.Schema, _delimiter: str) -> Iterator[Write]:
    with pq.ParquetWriter(path, schema) as writer:
        yield lambda rows: writer.write_table(
            pa.table([_array([row.get(field.name) for row in rows], field.type) for field in schema], schema=schema)
        )


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        values = [None if value is None else as_text(value) for value in values]
        values = [value and value.encode(errors="backslashreplace").decode() for value in values]
    elif kind in FITTING:  # a text or a fraction that the column cannot hold: the problem beside it quotes it
        values = [value if FITTING[kind](value) else None for value in values]
    return pa.array(values, type=kind, from_pandas=False)


def as_text(value: Any) -> str:
    """A value as a CSV cell; lists as JSON."""
    if isinstance(value, list | dict):
        return json.dumps(_as_json(value), ensure_ascii=False, allow_nan=False)
    return write_cell(value)


def _as_json(value: Any) -> Any:
    """A value that JSON can hold: NaN becomes null, an infinite number and any other type its text."""
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and not math.isinf(value):
        return None if math.isnan(value) else value
    return str(value)
