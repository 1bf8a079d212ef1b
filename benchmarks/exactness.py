"""Our export beside skl2onnx's float32 export, both held against scikit-learn, on the loan, house and bank tables.

Run by `make exactness`; writes docs/exactness.md. Asked are rows that no model was fitted on, and boundary rows: pairs
of rows one float64 step apart between which the original's answer jumps, found by bisection on the original.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the threads are set before numpy starts them
import numpy.typing as npt  # noqa: E402
import pandas as pd  # noqa: E402
from peer import float32_export, float32_feeds  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

from export.convert import convert  # noqa: E402
from export.frame import MISSING_CODE, Schema, take  # noqa: E402
from export.original import Answers, Original  # noqa: E402
from export.rows import RowMaker  # noqa: E402
from lambda_handler.binding import make_session  # noqa: E402

DATA = Path(__file__).parents[2] / "shared" / "data"
BOUNDARY_ROWS = 400
OFF = 1e-6  # of the output's scale: a difference that no float32 rounding of the answer explains
TIE = 1e-12  # what rounding may decide
SEED = 0
MODELS = {
    "linear": (LogisticRegression(max_iter=2000), Ridge()),
    "forest": (RandomForestClassifier(200, random_state=SEED), RandomForestRegressor(200, random_state=SEED)),
    "gradient boosting": (GradientBoostingClassifier(random_state=SEED), GradientBoostingRegressor(random_state=SEED)),
    "histogram boosting": (
        HistGradientBoostingClassifier(random_state=SEED),
        HistGradientBoostingRegressor(random_state=SEED),
    ),
}


@dataclass(frozen=True)
class Gap:
    """How far an export stands from the original: rows off by more than `OFF`, not the same bits, another label.

    Another label counts apart where the original's two largest probabilities are within `TIE` of each other.
    """

    off: int
    unequal: int
    labels: int
    undecidable: int
    largest: float


@dataclass(frozen=True)
class Line:
    """One kind of rows of one model."""

    table: str
    model: str
    kind: str
    rows: int
    float32: Gap
    ours: Gap


def main() -> int:
    """Measure, print and write the table; 1 where an answer of ours is off or a label of ours differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with loan/, house/ and bank/")
    parser.add_argument("--tables", nargs="*", default=["loan", "house", "bank"])
    parser.add_argument("--out", type=Path, help="write the table there as Markdown")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no tables at {options.data}: pass --data FOLDER with loan/loan.csv, house/train.csv and bank/bank.csv")
        return 2
    lines: list[Line] = []
    for name in options.tables:
        X, y = _table(options.data, name)
        for model, pair in MODELS.items():
            print(f"{name}, {model} …", file=sys.stderr, flush=True)
            lines += _lines(name, model, pair[int(name == "house")], X, y)
    text = _markdown(lines)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(any(line.ours.off or line.ours.labels for line in lines))


def _table(folder: Path, name: str) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """Numbers as float64, the rest as text; the house table's NA means "no such feature" outside its three measures."""
    if name == "house":
        X = pd.read_csv(folder / "house" / "train.csv", keep_default_na=False, na_values={})
        for column in ("LotFrontage", "MasVnrArea", "GarageYrBlt"):
            X[column] = pd.to_numeric(X[column], errors="coerce")
        target = "SalePrice"
    else:
        X = pd.read_csv(folder / name / f"{name}.csv", sep=";" if name == "bank" else ",")
        target = "y" if name == "bank" else "default"
    y = X.pop(target)
    return X.astype(dict.fromkeys(X.select_dtypes("number").columns, "float64")), y


def _lines(table: str, name: str, model: Any, X: pd.DataFrame, y: "pd.Series[Any]") -> Iterator[Line]:
    fitted_on, held_out, target, _ = train_test_split(X, y, random_state=SEED)
    pipeline = _pipeline(model, X).fit(fitted_on, target)
    schema = Schema(fitted_on)
    known = schema.values(fitted_on)
    original = Original(pipeline, schema, known)
    numbers = "probabilities" if hasattr(pipeline, "classes_") else "value"
    ours = make_session(convert(pipeline, schema, numbers=numbers))
    float32 = make_session(float32_export(pipeline, fitted_on))
    scale = 1.0 if numbers == "probabilities" else float(np.abs(target).max())
    boundary = RowMaker(schema, known, SEED).boundaries(original.answer, BOUNDARY_ROWS)
    for kind, asked in (("held-out", schema.values(held_out)), ("boundary", boundary)):
        answers = original.answer(asked)
        rows = take(asked, np.flatnonzero(answers.accepted))
        feeds = {f"x{index}": array.reshape(-1, 1) for index, array in enumerate(rows)}
        theirs = _gap(
            answers, float32.run(None, float32_feeds(float32, schema.frame(rows), MISSING_CODE)), pipeline, scale
        )
        found = ours.run(None, feeds)
        if numbers == "probabilities":
            found[0] = np.asarray(pipeline.classes_)[found[0]]
        yield Line(table, name, kind, len(rows[0]), theirs, _gap(answers, found, pipeline, scale))


def _pipeline(model: Any, X: pd.DataFrame) -> Pipeline:
    """The usual one: numbers imputed and scaled, text one-hot."""
    numbers = [name for name in X if X[name].dtype == np.float64]
    texts = [name for name in X if X[name].dtype != np.float64]
    steps = [
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    ]
    return Pipeline([("columns", ColumnTransformer(steps)), ("model", model)])


def _gap(answers: Answers, found: list[npt.NDArray[Any]], pipeline: Any, scale: float) -> Gap:
    """Compare the label and numbers of a graph with the original's."""
    expected = answers.numbers[answers.accepted]
    numbers = found[-1].astype(np.float64).reshape(expected.shape)
    apart = np.abs(numbers - expected).max(axis=1) / scale
    unequal = int((numbers != expected).any(axis=1).sum())
    other = np.zeros(len(expected), dtype=bool)
    close = np.zeros(len(expected), dtype=bool)
    if answers.labels.shape[1]:
        told = np.asarray(pipeline.classes_)[answers.labels[answers.accepted][:, 0]]
        other = found[0].reshape(-1) != told
        second, first = np.sort(expected, axis=1)[:, -2:].T
        close = first - second <= TIE
    largest = float(apart.max()) if len(apart) else 0.0
    return Gap(int((apart > OFF).sum()), unequal, int((other & ~close).sum()), int((other & close).sum()), largest)


def _markdown(lines: list[Line]) -> str:
    head = [
        "# Exactness",
        "",
        "Made by `make exactness` (`benchmarks/exactness.py`): the same fitted pipelines (numbers imputed and scaled,",
        "text one-hot) through skl2onnx's float32 export and through ours, both held against scikit-learn in float64.",
        "*Held-out* rows are a quarter of the table that the model was not fitted on; *boundary* rows are pairs one",
        "float64 step apart between which the original's answer jumps. *Off* counts rows whose numbers differ by more",
        f"than {OFF:g} of the output's scale (1 for probabilities, the largest training value for the house prices),",
        "*labels* rows with another label (in brackets: rows whose two largest probabilities are so close in the",
        f"original, {TIE:g}, that its own rounding decides), *largest* is the largest difference as a share of that",
        "scale. *Other bits* counts rows in which any bit of ours differs (sums of products and `exp` are rounded in",
        "another order).",
        "",
        "| table | model | rows | asked | float32: off | labels | largest"
        " | ours: off | labels | largest | other bits |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for line in lines:
        theirs, ours = line.float32, line.ours
        cells = [line.table, line.model, line.kind, f"{line.rows:,}"]
        cells += [f"{theirs.off:,}", _labels(theirs), f"{theirs.largest:.1e}"]
        cells += [
            f"{ours.off:,}",
            f"{ours.labels:,}",
            f"{ours.largest:.1e}" if ours.largest else "0",
            f"{ours.unequal:,}",
        ]
        head.append(f"| {' | '.join(cells)} |")
    return "\n".join(head) + "\n"


def _labels(gap: Gap) -> str:
    return f"{gap.labels:,} ({gap.undecidable:,})" if gap.undecidable else f"{gap.labels:,}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
