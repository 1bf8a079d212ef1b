"""What schemathesis cannot know of a schema: how rows are written as CSV and as JSONL. Loaded by SCHEMATHESIS_HOOKS."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

from lambda_handler.contract import Contract, Feature, read_contract
from lambda_handler.text import write_cell

Row = dict[str, Any]


def values_of(feature: Feature) -> st.SearchStrategy[Any]:
    """Values that the contract takes."""
    low, high = feature.accepts or feature.range or (-1e9, 1e9)
    if feature.type == "boolean":
        values: st.SearchStrategy[Any] = st.booleans()
    elif feature.type == "integer":
        values = st.integers(int(low), int(high))
    elif feature.type == "number":
        values = st.floats(low, high)
    else:
        known = st.sampled_from(feature.categories or ("a",))
        values = known | st.text("aBÜ ,\";\n'\U0001f600", min_size=1) if feature.unseen == "allowed" else known
    return values | st.none() if feature.missing == "allowed" else values


def rows_of(contract: Contract) -> st.SearchStrategy[list[Row]]:
    """One to five rows."""
    row = st.fixed_dictionaries({feature.name: values_of(feature) for feature in contract.features})
    return st.lists(row, min_size=1, max_size=5)


def as_csv(rows: list[Row]) -> str:
    """Rows as a table with a header line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([write_cell(row[name]) for name in rows[0]] for row in rows)
    return text.getvalue()


def as_jsonl(rows: list[Row]) -> str:
    """One row per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMS = {"text/csv": as_csv, "application/jsonl": as_jsonl}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: Row) -> None:  # noqa: ARG001 - the hook's signature
    """Say of text bodies what draws them: to JSON Schema they are texts like any other."""
    content = raw_schema["paths"]["/predict"]["post"]["requestBody"]["content"]
    for kind in FORMS:
        content[kind]["schema"]["format"] = kind


@schemathesis.serializer(*FORMS)
def serialize(context: Any, value: Any) -> Any:  # noqa: ARG001 - the hook's signature
    """A text as bytes; what is no text as JSON, which neither form takes for rows."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


drawn = rows_of(read_contract(Path(os.environ["SELFSAME_BUNDLE"], "contract.json").read_bytes()))
for kind, form in FORMS.items():
    schemathesis.openapi.format(kind, drawn.map(form))
