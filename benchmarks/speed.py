"""Speed and size: our graph, skl2onnx's float32 graph and scikit-learn, side by side in one run, one thread each.

Run by `make bench`; writes docs/speed.md. The three take turns within each round, so that a change of the machine's
speed hits them alike; ratios are taken round by round, and their median counts. Times are the process's CPU time: one
thread's latency where nothing else runs, and about that where something does. Both graphs run in sessions of
`lambda_handler.predictor`, cut into batches of its size; rows enter as the arrays that each graph takes, scikit-learn
gets a DataFrame.
"""

import argparse
import json
import os
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the threads are set before numpy starts them
import pandas as pd  # noqa: E402
from peer import Feeds, float32_export, float32_feeds  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from speed_report import FLOAT32, OURS, SKLEARN, Figures, judge, markdown  # noqa: E402

from export.convert import convert  # noqa: E402
from export.converters import REGISTRY  # noqa: E402
from export.frame import MISSING_CODE, Schema  # noqa: E402
from lambda_handler.binding import make_session  # noqa: E402
from lambda_handler.predictor import BATCH  # noqa: E402
from train.demo_loan import simulate_applicants  # noqa: E402

SIZES = {1: (15, 40), 100: (15, 10), 10_000: (5, 1), 1_000_000: (1, 1)}  # rows: (rounds, repeats in a round)
SLOW = {"SVC": 20_000}  # rows that are measured in place of more: its time grows in step with the rows


def main() -> int:
    """Measure, print and write the table; 1 where a budget is broken that is no known miss."""
    options = _options()
    X, y = _table(options.csv, options.target)
    figures = _kept(options.figures)
    for name, model in _models().items():
        if options.models and name not in options.models:
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        figures[name] = _measure(name, _pipeline(model, X).fit(X, y), X, options.most_rows)
        if options.figures:
            kept = {name: asdict(each) for name, each in figures.items()}
            options.figures.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    figures = {name: figures[name] for name in _models() if name in figures}
    broken, known = judge(figures)
    table = options.csv.name if options.csv else "the simulated loan table"
    text = markdown(
        figures, f"{table} ({len(X):,} rows, repeated or cut to the size at hand)", BATCH, SLOW, broken, known
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return int(bool(broken))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, help="a table of your own in place of the simulated loans; needs --target")
    parser.add_argument("--target", default="default", help="its column of two classes")
    parser.add_argument("--models", nargs="*", help="only these")
    parser.add_argument("--most-rows", type=int, default=max(SIZES), help="leave larger sizes out")
    parser.add_argument(
        "--figures", type=Path, help="keep all figures there, and take those of other models from there"
    )
    parser.add_argument("--out", type=Path, help="write the tables there as Markdown")
    return parser.parse_args()


def _kept(path: Path | None) -> dict[str, Figures]:
    """What an earlier run measured; JSON made text of the numbers of rows."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}
    by_rows = ("seconds", "ratios")
    return {
        name: Figures(**{**each, **{part: {int(rows): of for rows, of in each[part].items()} for part in by_rows}})
        for name, each in kept.items()
    }


def _table(csv: Path | None, target: str) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    if csv is None:
        X, y, _ = simulate_applicants()
        return X, y
    X = pd.read_csv(csv)
    y = X.pop(target)
    numbers = X.select_dtypes("number").columns
    return X.astype(dict.fromkeys(numbers, "float64")), y


def _models() -> dict[str, Any]:
    return {
        "logistic regression": LogisticRegression(max_iter=1000),
        "forest": RandomForestClassifier(200, random_state=0),
        "forest, leaves of 5": RandomForestClassifier(200, min_samples_leaf=5, random_state=0),
        "histogram boosting": HistGradientBoostingClassifier(random_state=0),
        "gradient boosting": GradientBoostingClassifier(random_state=0),
        "MLP": MLPClassifier(max_iter=60, early_stopping=True, random_state=0),
        "SVC": SVC(random_state=0),
    }


def _pipeline(model: Any, X: pd.DataFrame) -> Pipeline:
    """Imputed (and for models of distances and sums scaled) numbers beside one-hot text: what both exports take."""
    numbers = [name for name in X if X[name].dtype == np.float64]
    texts = [name for name in X if X[name].dtype != np.float64]
    impute = SimpleImputer(strategy="median")
    scaled = isinstance(model, LogisticRegression | MLPClassifier | SVC)
    steps = [
        ("numbers", make_pipeline(impute, StandardScaler()) if scaled else impute, numbers),
        ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    ]
    return Pipeline([("columns", ColumnTransformer(steps)), ("model", model)])


def _measure(name: str, pipeline: Pipeline, X: pd.DataFrame, most_rows: int) -> Figures:
    figures, schema = Figures(), Schema(X)
    graphs: dict[str, bytes] = {}
    if type(pipeline[-1]) in REGISTRY:
        numbers = "probabilities" if hasattr(pipeline, "predict_proba") else "scores"
        graphs[OURS] = convert(pipeline, schema, numbers=numbers)
    else:
        figures.note = f"{type(pipeline[-1]).__name__} has no converter"
    graphs[FLOAT32] = float32_export(pipeline, X)
    figures.size = {who: len(graph) for who, graph in graphs.items()}
    figures.load, _ = _race({who: partial(make_session, graph) for who, graph in graphs.items()}, rounds=7, repeats=1)
    sessions = {who: make_session(graph) for who, graph in graphs.items()}
    ask = pipeline.predict_proba if hasattr(pipeline, "predict_proba") else pipeline.decision_function
    for rows, (rounds, repeats) in SIZES.items():
        if rows > most_rows:
            continue
        measured = min(rows, SLOW.get(name, rows))
        frame = X.iloc[np.arange(measured) % len(X)].reset_index(drop=True)
        feeds = {OURS: _feeds(schema, frame), FLOAT32: float32_feeds(sessions[FLOAT32], frame, MISSING_CODE)}
        runners: dict[str, Callable[[], object]] = {
            who: partial(_run, session, feeds[who]) for who, session in sessions.items()
        }
        runners[SKLEARN] = partial(ask, frame)
        seconds, figures.ratios[rows] = _race(runners, rounds, repeats)
        figures.seconds[rows] = {who: each * rows / measured for who, each in seconds.items()}
    return figures


def _feeds(schema: Schema, frame: pd.DataFrame) -> Feeds:
    return {f"x{index}": array.reshape(-1, 1) for index, array in enumerate(schema.values(frame))}


def _run(session: Any, feeds: Feeds) -> None:
    for start in range(0, len(next(iter(feeds.values()))), BATCH):
        session.run(None, {name: array[start : start + BATCH] for name, array in feeds.items()})


def _race(
    runners: Mapping[str, Callable[[], object]], rounds: int, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each runner, and the median over rounds of the first one's time as a part of each one's."""
    if rounds > 1:
        for run in runners.values():
            run()
    turns = [{who: _time(run, repeats) for who, run in runners.items()} for _ in range(rounds)]
    first = next(iter(runners))
    seconds = {who: statistics.median(turn[who] for turn in turns) for who in runners}
    return seconds, {who: statistics.median(turn[first] / turn[who] for turn in turns) for who in runners}


def _time(run: Callable[[], object], repeats: int) -> float:
    """CPU seconds of the fastest of some repeats: what else the machine does only slows them down."""
    return min(timeit.repeat(run, timer=time.process_time, number=1, repeat=repeats))


if __name__ == "__main__":
    sys.exit(main())
