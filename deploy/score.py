"""Scores a file of rows into another: every row gets its answer, or the reason why it has none."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow as pa

from deploy.read_rows import RowFile, Rows, kind_of, open_rows
from deploy.write_rows import open_target
from lambda_handler.contract import Contract, Feature
from lambda_handler.golden import replay
from lambda_handler.predictor import Predictor
from lambda_handler.table import answer_names, answer_values
from lambda_handler.text import read_cell

ARROW_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
}
MOST_REASONS = 5

Report = Callable[[int, int], None]


class ScoreError(ValueError):
    """A file that the model cannot score: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


def score(bundle: Path, source: Path, target: Path, report: Report = lambda _done, _problems: None) -> int:
    """Score rows from one file into another.

    The columns of `source` stay as they are; only from CSV to JSONL or Parquet those of features get their types.
    Behind them stand `label` and `probability_CLASS` or `score_CLASS`, or `value` with `interval_low` and
    `interval_high` where the contract has an interval, each with `TARGET.` before it where there are several targets,
    and `problem`: empty, or why the row has no answer. A name that `source` has already gets `predicted_` before it.

    Args:
        bundle: the model.
        source: CSV, JSONL or Parquet by its suffix, with a column per feature, in any order. In CSV an empty cell is
            missing; for numbers and booleans so are the codes that `train` takes for missing by default.
        target: CSV, JSONL or Parquet by its suffix; written whole or not at all, and replaces an earlier file.
        report: called after each chunk with the rows read and the rows without an answer so far.

    Returns:
        The number of rows that got an answer.

    Raises:
        BundleError: the bundle is broken.
        RowsError: a file cannot be read or written.
        ScoreError: a feature has no column, or `target` is `source`.
    """
    predictor = Predictor.load(bundle)
    contract = predictor.contract
    if target.exists() and source.exists() and target.samefile(source):
        raise ScoreError("OUTPUT must be another file than INPUT", f"both are {source}", "Name another output.")
    rows = open_rows(source)
    _check_features(contract, rows, source)
    answers = _answer_fields(contract, rows.columns)
    names = [field.name for field in answers]
    read = read_cell if rows.texts else convert_value
    retype = rows.texts and kind_of(target) != "csv"  # texts get the features' types where the target has types
    schema = _typed_schema(contract, rows.schema) if retype else rows.schema
    done = problems = 0
    with open_target(target, pa.schema([*schema, *answers]), rows.delimiter) as write:
        for chunk in rows.chunks():
            typed = [_features(contract, row, read) for row in chunk]
            found = [dict(zip(names, answer, strict=True)) for answer in _answer(predictor, typed)]
            kept = [row | values for row, values in zip(chunk, typed, strict=True)] if retype else chunk
            write([row | answer for row, answer in zip(kept, found, strict=True)])
            done += len(chunk)
            problems += sum(answer[names[-1]] is not None for answer in found)
            report(done, problems)
    return done - problems


def convert_value(feature: Feature, value: Any) -> Any:
    """A JSON or Parquet value as the contract takes it: decimal fractions become floats."""
    return float(value) if isinstance(value, Decimal) and feature.type not in {"category", "text"} else value


def _features(contract: Contract, row: dict[str, Any], read: Callable[[Feature, Any], Any]) -> dict[str, Any]:
    return {feature.name: read(feature, row[feature.name]) for feature in contract.features if feature.name in row}


def _typed_schema(contract: Contract, schema: pa.Schema) -> pa.Schema:
    types = {feature.name: ARROW_TYPES[feature.type] for feature in contract.features}
    return pa.schema([(name, types.get(name, pa.string())) for name in schema.names])


def _check_features(contract: Contract, rows: RowFile, source: Path) -> None:
    absent = [feature.name for feature in contract.features if feature.name not in rows.columns]
    if not absent:
        return
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    near = get_close_matches(absent[0], set(rows.columns) - {each.name for each in contract.features}, n=1)
    remedy = f"Did you mean its column {near[0]!r}? Rename it." if near else "Add the column."
    rule = "INPUT must have a column for every feature"
    raise ScoreError(rule, f"there is none for {absent[0]!r}{more} in {source}", remedy)


def _answer_fields(contract: Contract, taken: Sequence[str]) -> list[pa.Field]:
    """The columns that hold the answer, `problem` last."""
    form = contract.form
    kinds: list[pa.DataType] = []
    for target in form.targets:
        if form.ranking is not None:
            kinds += [pa.string(), pa.string()]
            continue
        kinds += [_label_type(target.classes)] * (form.labels > 0) + [pa.float64()] * len(target.keys)
    kinds += [pa.float64()] * (0 if form.interval is None else 2)
    named: list[pa.Field] = []
    for wanted, kind in zip([*answer_names(form), "problem"], [*kinds, pa.string()], strict=True):
        name = wanted
        while name in {*taken, *(field.name for field in named)}:
            name = f"predicted_{name}"
        named.append(pa.field(name, kind))
    return named


def _label_type(classes: Sequence[Any]) -> pa.DataType:
    kinds = {type(each) for each in classes}
    known = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return known.get(kinds.pop(), pa.string()) if len(kinds) == 1 else pa.string()


def _answer(predictor: Predictor, rows: Rows) -> list[list[Any]]:
    """Per row the values of the answer's columns: numbers and None, or nothing but the problem."""
    form = predictor.contract.form
    return [
        [*answer_values(form, found), _joined([problem["reason"] for problem in found.get("rejected", ())])]
        for found in replay(predictor, rows)
    ]


def _joined(reasons: Sequence[str]) -> str | None:
    more = [f"And {len(reasons) - MOST_REASONS} more."] if len(reasons) > MOST_REASONS else []
    return " ".join([*reasons[:MOST_REASONS], *more]) or None
