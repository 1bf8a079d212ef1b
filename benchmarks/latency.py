"""One row and 10,000 rows: the bundle against its scikit-learn pipeline and against the bare session, side by side.

Run by `make bench`. The three take turns within each round, so that a change of the machine's speed hits them alike;
the ratios are taken round by round, and their median is printed. One thread everywhere.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the threads are set before numpy starts them
import pandas as pd  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from deploy.events import function_url_event  # noqa: E402
from export import export_bundle  # noqa: E402
from lambda_handler.binding import NUMPY_TYPES, Columns, make_session  # noqa: E402
from lambda_handler.http import make_handler  # noqa: E402
from lambda_handler.predictor import BATCH, Predictor  # noqa: E402
from train.demo import loan_case  # noqa: E402
from train.fit import train_frame  # noqa: E402
from train.store import load_estimator  # noqa: E402

ROUNDS = 15
ROWS = 10_000
HANDLER = "bundle, event in, response out"
BUDGET = 0.1  # of scikit-learn's time for one row: the most that an event in, response out may take


def main() -> int:
    """Print the table and, with a path as argument, write the figures there as JSON; 1 when over the budget."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="selfsame-bench-") as folder:
        run = train_frame(loan_case(), Path(folder) / "run")
        for name, path in run.candidates.items():
            bundle = export_bundle(load_estimator(path), run.X, Path(folder) / name)
            figures[name] = _measure(load_estimator(path), run.X, bundle)
    _show(figures)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    worst = max(sizes["one row"][HANDLER]["ratio"] for sizes in figures.values())
    Console().print(f"One row through the handler: at most {worst:.3f} of scikit-learn's time; the budget is {BUDGET}.")
    return int(worst > BUDGET)


def _measure(pipeline: Any, X: pd.DataFrame, bundle: Path) -> dict[str, dict[str, dict[str, float]]]:
    predictor = Predictor.load(bundle)
    handler = make_handler(bundle)
    schema_rows = predictor.contract.features
    records = X.astype(object).where(X.notna(), None).to_dict("records")
    one, many = records[0], [records[i % len(records)] for i in range(ROWS)]
    event = function_url_event("POST", "/predict", json.dumps(one).encode())
    frame_one, frame_many = X.iloc[:1], X.iloc[np.arange(ROWS) % len(X)]
    columns_one = _columns(predictor, [one])
    columns_many = _columns(predictor, many)
    feeds = {f.input: c.reshape(-1, 1) for f, c in zip(schema_rows, columns_one, strict=True)}
    session, outputs = make_session(predictor.bundle.model), predictor.contract.form.outputs
    return {
        "one row": _race(
            {
                "scikit-learn predict_proba": lambda: pipeline.predict_proba(frame_one),
                HANDLER: lambda: handler(event, None),
                "bundle, Predictor.predict": lambda: predictor.predict([one]),
                "bare session.run": lambda: session.run(outputs, feeds),
            },
            repeat=30,
        ),
        f"{ROWS:,} rows": _race(
            {
                "scikit-learn predict_proba": lambda: pipeline.predict_proba(frame_many),
                "bundle, Predictor.predict": lambda: predictor.predict(many),
                "bundle, Predictor.run": lambda: predictor.run(columns_many),
                "bare session.run": lambda: [
                    session.run(
                        outputs,
                        {
                            f.input: c[i : i + BATCH].reshape(-1, 1)
                            for f, c in zip(schema_rows, columns_many, strict=True)
                        },
                    )
                    for i in range(0, ROWS, BATCH)
                ],
            },
            repeat=1,
        ),
    }


def _columns(predictor: Predictor, rows: list[dict[str, Any]]) -> Columns:
    values, _ = predictor.contract.columns(rows)
    features = predictor.contract.features
    return [np.array(c, dtype=NUMPY_TYPES[f.dtype]) for c, f in zip(values, features, strict=True)]


def _race(runners: dict[str, Callable[[], object]], repeat: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of each runner, and the median over rounds of its time in terms of the first one's."""
    for run in runners.values():
        run()
    rounds = [{name: _time(run, repeat) for name, run in runners.items()} for _ in range(ROUNDS)]
    first = next(iter(runners))
    return {
        name: {
            "ms": statistics.median(each[name] for each in rounds) * 1e3,
            "ratio": statistics.median(each[name] / each[first] for each in rounds),
        }
        for name in runners
    }


def _time(run: Callable[[], object], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        run()
    return (time.perf_counter() - start) / repeat


def _show(figures: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    for size in next(iter(figures.values())):
        table = Table(title=f"{size}, one thread, median of {ROUNDS} rounds", title_justify="left", box=None)
        for heading in ("model", "who", "ms", "of scikit-learn's time"):
            table.add_column(heading, justify="left" if heading in {"model", "who"} else "right")
        for model, sizes in figures.items():
            for who, figure in sizes[size].items():
                table.add_row(model, who, f"{figure['ms']:.3f}", f"{figure['ratio']:.4f}")
        Console(width=110).print(table, "")


if __name__ == "__main__":
    sys.exit(main())
