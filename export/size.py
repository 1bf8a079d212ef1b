"""What a fitted estimator takes as one ONNX file, without the proof of a bundle."""

import statistics
import time
from typing import Any

import numpy as np
import pandas as pd

from export.carried import check_carried
from export.convert import convert
from export.form import form_of
from export.frame import Schema
from export.part import feeds_of
from export.support import check_columns, check_exportable, core_of
from lambda_handler.answer import Form
from lambda_handler.binding import make_session

RUNS = 100


def measure(estimator: Any, X: pd.DataFrame) -> tuple[int, float]:
    """Return the file's bytes and the milliseconds that one row takes: the median of 100 runs on one thread.

    Args:
        estimator: fitted.
        X: rows of the DataFrame that it was fitted on.

    Raises:
        ExportError: it has no exact form.
    """
    check_exportable(estimator)
    core = core_of(estimator)[0]
    check_carried(core, allowed=False)
    schema = Schema(X)
    check_columns(estimator, schema)
    row = X.iloc[:1]
    form = Form(form_of(estimator, X.iloc[: min(len(X), 20)]))
    model = convert(core, schema, numbers=form.numbers, targets=len(form.targets))
    session = make_session(model)
    feeds = feeds_of([np.asarray(column) for column in schema.values(row)])
    wanted = [output.name for output in session.get_outputs()]
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        session.run(wanted, feeds)
        seconds.append(time.perf_counter() - began)
    return len(model), 1000 * statistics.median(seconds)
