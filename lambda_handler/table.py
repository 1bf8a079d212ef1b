"""Rows in CSV and answers in CSV (RFC 4180)."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lambda_handler.answer import Form
from lambda_handler.contract import Contract
from lambda_handler.text import read_cell, write_cell

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 6 * 1024 * 1024  # characters: a cell may be as long as a request
NUMBERS = {"probabilities": "probability", "scores": "score", None: ""}  # what a column of them begins with
ANSWER_KEYS = frozenset({"label", "probabilities", "scores", "value", "interval", "items", "targets", "warnings"})


class TableError(ValueError):
    """Text that is no table.

    Attributes:
        rule: what must hold.
        line: where it does not, counted from 1.
        got: what stands there.
    """

    def __init__(self, rule: str, line: int, got: str) -> None:
        self.rule, self.line, self.got = rule, line, got
        super().__init__(f"{rule}; line {line} {got}. Correct that line.")


def read_lines(lines: Iterable[str], delimiter: str = ",") -> Iterator[list[str]]:
    """The lines of a CSV text that are not blank, the header first; each with as many cells as the header.

    Args:
        lines: with their line ends as they are.
        delimiter: one character.

    Raises:
        TableError: a quote is not closed, or a line has more or fewer cells.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    try:
        for cells in reader:
            width = width or len(cells)
            if cells and len(cells) != width:
                raise _ragged(reader.line_num, cells, width, delimiter)
            if cells:
                yield cells
    except csv.Error as error:
        rule = "Every quoted field must be closed, and a quote inside it doubled"
        raise TableError(rule, reader.line_num, f"has this: {error}") from error


def _ragged(line: int, cells: list[str], width: int, delimiter: str) -> TableError:
    got = f"has {len(cells)} of {width} fields"
    joined = delimiter.join(cells)
    if any(joined.count(other) == width - 1 for other in DELIMITERS if other != delimiter):
        got += " and is separated otherwise: the file mixes delimiters"
    return TableError("Every row must have as many fields as the header", line, got)


def read_rows(contract: Contract, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The rows below the header line, each cell as its feature's type; of other columns the text.

    Raises:
        TableError: there is no header, a column is there twice, or as `read_lines` says.
    """
    found = read_lines(lines)
    header = [name.strip() for name in next(found, [])]
    rule = "CSV begins with a header line that names each column once"
    if not header:
        raise TableError(rule, 1, "is not there")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise TableError(rule, 1, f"names {twice[0][:80]!r} twice")
    features = {feature.name: feature for feature in contract.features}
    columns = [(name, features.get(name)) for name in header]
    for cells in found:
        yield {
            name: read_cell(feature, cell) if feature else cell
            for (name, feature), cell in zip(columns, cells, strict=True)
        }


def answer_names(form: Form) -> list[str]:
    """The columns that hold an answer: `label`, `probability_CLASS` …, or `value` and its interval's ends.

    Of several targets with `TARGET.` before each. A ranker's are `items` and `scores`, both JSON lists, the best first.
    """
    if form.ranking is not None:
        return ["items", "scores"]
    names = []
    for target in form.targets:
        before = "" if target.name is None else f"{target.name}."
        own = ["label"] if form.labels else []
        own += ["value"] if form.numbers == "value" else [f"{NUMBERS[form.numbers]}_{key}" for key in target.keys]
        names += [before + name for name in own]
    return names if form.interval is None else [*names, "interval_low", "interval_high"]


def answer_values(form: Form, prediction: Mapping[str, Any]) -> list[Any]:
    """One prediction's values in the order of `answer_names`; None for what it does not hold."""
    if form.ranking is not None:
        items = prediction.get("items")
        told = ([item[key] for item in items] for key in ("id", "score")) if items is not None else (None, None)
        return [None if each is None else json.dumps(each, ensure_ascii=False) for each in told]
    parts = prediction.get("targets", {}) if form.several else {None: prediction}
    values: list[Any] = []
    for target in form.targets:
        part = parts.get(target.name, {})
        if form.labels:
            values.append(part.get("label"))
        if form.numbers == "value":
            values.append(part.get("value"))
        elif form.numbers is not None:
            shown = part.get(form.numbers, {})
            values += [shown.get(key) for key in target.keys]
    return values if form.interval is None else [*values, *prediction.get("interval", (None, None))]


def write_table(form: Form, predictions: Sequence[Mapping[str, Any]]) -> str:
    """Predictions as CSV: the answer's columns, what else stands beside an answer, and the warnings' messages."""
    beside = list(dict.fromkeys(key for each in predictions for key in each if key not in ANSWER_KEYS))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*answer_names(form), *beside, "warnings"])
    for each in predictions:
        values = [*answer_values(form, each), *(each.get(key) for key in beside)]
        warnings = " ".join(warning["message"] for warning in each.get("warnings", ()))
        writer.writerow([*map(write_cell, values), warnings])
    return text.getvalue()
