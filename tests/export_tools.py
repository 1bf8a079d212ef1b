"""A small table of every column kind, and the measure that the export tests share."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from export.acting import acting
from export.aim import aim
from export.convert import convert
from export.describe import contract_document
from export.distance import ulp_distance
from export.frame import Columns, Schema, take
from export.original import Answers, Original
from export.probe import Accepted
from export.rows import RowMaker
from export.support import check_exportable, core_of
from lambda_handler.bundle import Bundle
from lambda_handler.contract import Contract
from lambda_handler.predictor import Predictor

ROUNDING = 1e-12
ABOUT: dict[str, Any] = {
    "name": "small",
    "version": None,
    "description": None,
    "notice": None,
    "target": {"name": "target", "unit": None, "description": None},
    "targets": None,
    "features": {},
    **acting(()),
}

FLOATS = ["income", "2nd height"]
NUMBERS = ["income", "2nd height", "visits", "flag"]
TEXTS = ["label", "probabilities", "x0"]


def frame(rows: int = 260, seed: int = 0) -> pd.DataFrame:
    """A table of each column kind, under names that collide with the graph's own or are no identifiers."""
    random = np.random.default_rng(seed)
    income = np.exp(random.normal(10.0, 1.0, rows))
    income[random.random(rows) < 0.15] = np.nan
    letters = random.choice(["b", "a", "ü ☃", ""], size=rows, p=[0.5, 0.3, 0.15, 0.05])
    return pd.DataFrame(
        {
            "income": income,
            "2nd height": random.normal(0.0, 1.0, rows),
            "visits": random.integers(-5, 60, rows),
            "flag": random.random(rows) < 0.4,
            "label": pd.Series(np.where(random.random(rows) < 0.1, None, letters), dtype="str"),
            "probabilities": pd.Series(random.choice(["yes", "no", "nan", None], size=rows), dtype=object),
            "x0": pd.Series(random.choice(["low", "mid", "high"], size=rows)).astype("category"),
            "\U0001f600": random.integers(0, 4, rows) / 2.0,
        }
    )


def target(X: pd.DataFrame, classes: int = 2, seed: int = 0) -> npt.NDArray[np.int64]:
    """Classes that depend on the numbers and texts, with noise."""
    score = value(X, seed)
    edges = np.quantile(score, np.linspace(0.0, 1.0, classes + 1)[1:-1])
    return np.searchsorted(edges, score)


def value(X: pd.DataFrame, seed: int = 0) -> npt.NDArray[np.float64]:
    """A number that depends on the columns, with noise."""
    random = np.random.default_rng(seed + 1)
    total = random.normal(0.0, 0.5, len(X))
    for name in X:
        column = X[name]
        if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind == "O":
            total += pd.factorize(column.astype(object), sort=True)[0] * 0.4
        else:
            known = column.astype(float)
            total += ((known - known.mean()) / (known.std() or 1.0)).fillna(-1.0).to_numpy()
    return total


@dataclass(frozen=True)
class Gap:
    """How far the export stands from the original, over the constructed rows that the original answers."""

    rows: int
    labels: int
    ulp: int
    apart: float
    worst: dict[str, Any] | None


def predictor_of(estimator: Any, X: pd.DataFrame) -> tuple[Predictor, Original, Schema, Columns]:
    """Convert without proof."""
    check_exportable(estimator)
    schema = Schema(X)
    table = schema.values(X)
    original = Original(estimator, schema, table)
    model = convert(core_of(estimator)[0], schema, numbers=original.form.numbers, targets=len(original.form.targets))
    accepted = [Accepted(missing=True, unseen=True, bounds=None)] * len(table)
    digest = hashlib.sha256(model).hexdigest()
    contract = Contract(contract_document(original, table, accepted, ABOUT, digest))
    return Predictor(Bundle(Path(), {"files": {}}, contract, model)), original, schema, table


def gap(estimator: Any, X: pd.DataFrame, seed: int = 5) -> Gap:
    """Measure an export on real, recombined, threshold, special, missing and unseen rows."""
    predictor, original, schema, table = predictor_of(estimator, X)
    maker = RowMaker(schema, table, seed)
    parts = [
        table,
        maker.recombined(100),
        maker.special(90),
        maker.missing(30),
        maker.unseen(12),
        aim(predictor.bundle.model, schema, table, seed).rows,
    ]
    rows = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return measured(predictor, schema, rows, original.answer(rows))


def measured(predictor: Predictor, schema: Schema, rows: Columns, answers: Answers) -> Gap:
    """Hold the predictor's answers against the original's."""
    kept = np.flatnonzero(answers.accepted)
    labels, numbers = predictor.run(take(rows, kept))
    expected = answers.numbers[kept]
    apart = np.abs(expected - numbers) / np.maximum(1.0, np.abs(expected))
    apart[~np.isfinite(apart)] = np.inf
    differ = (labels != answers.labels[kept]).any(axis=1)
    worst = int(np.argmax(apart.max(axis=1, initial=0.0) + differ))
    bad = bool(differ.any() or apart.max(initial=0.0) > 0)
    row = schema.rows(take(rows, kept[[worst]]))[0] if bad else None
    return Gap(
        len(kept),
        int(differ.sum()),
        int(ulp_distance(expected, numbers).max(initial=0)),
        float(apart.max(initial=0.0)),
        row,
    )


def diagonal(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """All pairs, as `parametrize` takes them: in the quick run each of both stands in one or more, the rest is slow."""
    quick = {(index % len(first), index % len(second)) for index in range(max(len(first), len(second)))}
    return [
        pytest.param(one, other, marks=[] if (i, j) in quick else pytest.mark.slow)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]


def name_of(each: Any) -> str:
    """A parameter's name in a test's id, the same in every process: a function's own, and without addresses."""
    return str(getattr(each, "__name__", re.sub(r" at 0x[0-9a-f]+", "", str(each))))
