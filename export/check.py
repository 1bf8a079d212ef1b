"""What would stand in the way of an exact export: all of it, before the model is fitted."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from export.columns import describe_column
from export.converters import REGISTRY
from export.dry import Dry, dry_graph
from export.errors import ExportError
from export.form import form_of
from export.frame import Schema, take
from export.graph import Tensor
from export.precision import precision_obstacles
from export.replacements import refusal_of
from export.support import check_columns, core_of, is_fitted, missing_obstacles, obstacles, patch_of
from export.write import answers
from lambda_handler.answer import Form

KINDS = {"float64": "double", "float32": "float", "int64": "int64", "bool": "bool", "string": "string"}
ROWS = 200  # of the sample that a copy is fitted on, beside those that show classes, categories and missing values
SHOWN = 6  # rows of each class
LEVELS = 100  # a column with more texts is no list of categories
SMALL: dict[str, Any] = {  # parameters that cost time and do not decide whether a step has an exact form
    "n_estimators": 2, "n_init": 1, "n_iter": 1, "n_restarts_optimizer": 0, "n_jobs": None, "verbose": False,
    "memory": None,
}  # fmt: skip
FEW, NO_SEARCH = {"max_iter": 2}, {"optimizer": None}
SMALL_OF: dict[str, dict[str, Any]] = {
    "DictionaryLearning": FEW,
    "GaussianProcessClassifier": NO_SEARCH,
    "GaussianProcessRegressor": NO_SEARCH,
    "HistGradientBoostingClassifier": FEW,
    "HistGradientBoostingRegressor": FEW,
    "IterativeImputer": FEW,
    "LogisticRegressionCV": {"Cs": 1},
    "MLPClassifier": FEW,
    "MLPRegressor": FEW,
}


def check_pipeline(estimator: Any, X: pd.DataFrame | None = None, y: Any = None) -> list[ExportError]:
    """List every obstacle to an exact export, without an export and, for an unfitted pipeline, before the fit.

    A small copy is fitted on a sample of the rows and taken through what the export itself does, up to the proof.

    Args:
        estimator: unfitted or fitted; it stays unchanged.
        X: the table, or a sample of it, of shape (n_rows, n_features), with the dtypes that it is fitted on; without
            it the steps are judged by their classes and parameters alone.
        y: the target, of shape (n_rows,) or (n_rows, n_targets); no effect on a fitted estimator.

    Returns:
        One `ExportError` per obstacle, not raised: `step`, `column`, `reason` and `remedy`; none when all is exact.
    """
    found = [] if X is None else list(_columns(X))
    known = is_fitted(estimator)
    if not known:
        found += _planned(estimator)
    fitted, tried = (estimator, X) if known else (None, None)
    if not known and X is not None and not any(each.column for each in found):
        try:
            fitted, tried = fitted_copy(estimator, X, y)
        except Exception as error:
            found += _unfit(error, estimator, X, found)
    if fitted is not None:
        held = X is not None and not any(each.column for each in found)
        found += _distinct(_of_fitted(fitted, X if held else None, tried), found)
    return found


def shown(found: Sequence[ExportError], *, rows: int | None) -> str:
    """The findings as a person reads them.

    Args:
        found: as `check_pipeline` gives them.
        rows: how many it was given; None without a table.
    """
    if not found:
        on = (
            "its classes and parameters; add --rows for its columns"
            if rows is None
            else f"a fit on {rows:,} rows at most"
        )
        return f"Nothing stands in the way of an exact export, by {on}. `selfsame export` proves it."
    lines = [f"{len(found)} in the way of an exact export:"]
    for each in found:
        where = ", ".join(part for part in (each.step, each.column and f"column {each.column!r}") if part)
        lines += ["", f"  {where or 'the table'}", f"    {each.reason}.", f"    -> {each.remedy}"]
    return "\n".join(lines)


def _columns(X: pd.DataFrame) -> Iterator[ExportError]:
    """Every column that no graph can hold, and what is wrong with the frame as a whole."""
    alone = True
    for name in dict.fromkeys(X.columns):
        column = X[name]
        if isinstance(column, pd.Series):
            error = _said(partial(describe_column, name, column))
            alone = alone and error is None
            if error:
                yield error
    error = _said(lambda: Schema(X)) if alone else None
    if error:
        yield error


def _said(check: Callable[[], Any]) -> ExportError | None:
    try:
        check()
    except ExportError as error:
        return error
    return None


def _distinct(found: list[ExportError], known: list[ExportError]) -> list[ExportError]:
    """Those whose reason was not given before: a fitted copy repeats what the plan showed, under other paths."""
    reasons = {each.reason for each in known}
    return [each for each in found if each.reason not in reasons]


def _planned(estimator: Any) -> list[ExportError]:
    """What classes, instances and parameters of an unfitted estimator show."""
    found = []
    for step, path in planned_steps(estimator):
        told = patch_of(step)
        if not told and type(step) not in REGISTRY:
            told = refusal_of(step)
        elif type(step) is FunctionTransformer:  # the one whose check looks at nothing that fit finds
            told = REGISTRY[FunctionTransformer].check(step)
        if told:
            found.append(ExportError(*told, step=path))
    return found


def planned_steps(step: Any, path: str = "") -> Iterator[tuple[Any, str]]:
    """An unfitted estimator and those in its parameters, also in lists and grids, each with its path."""
    name = type(step).__name__.lower()
    here = path or name
    yield step, here
    above = path if name == "pipeline" else here
    for inner_name, inner in _named(step):
        yield from planned_steps(inner, f"{above} > {inner_name}" if above else inner_name)


def _named(step: Any) -> list[tuple[str, Any]]:
    parameters = step.get_params(deep=False) if hasattr(step, "get_params") else {}
    found: list[tuple[str, Any]] = []
    for name, value in parameters.items():
        found += _estimators(name, value)
    return found


def _estimators(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [each for key, inner in value.items() for each in _estimators(f"{name} {key}", inner)]
    if isinstance(value, list | tuple):
        pair = isinstance(value, tuple) and len(value) > 1 and isinstance(value[0], str)
        if pair:
            return _estimators(value[0], value[1])
        return [each for inner in value for each in _estimators(name, inner)]
    return [(name, value)] if hasattr(value, "fit") and not isinstance(value, type) else []


def fitted_copy(estimator: Any, X: pd.DataFrame, y: Any) -> tuple[Any, pd.DataFrame]:
    """Fit a small copy on a sample; where that fails, a full copy on all rows.

    Returns:
        The copy, and the rows that it was fitted on.
    """
    rows = sample_rows(X, y)
    with warnings.catch_warnings(), np.errstate(all="ignore"), threadpool_limits(1):
        warnings.simplefilter("ignore")
        try:
            return _fit(_small(clone(estimator)), X.iloc[rows], _rows(y, rows)), X.iloc[rows]
        except Exception:
            return _fit(clone(estimator), X, y), X


def _fit(estimator: Any, X: pd.DataFrame, y: Any) -> Any:
    return estimator.fit(X) if y is None else estimator.fit(X, y)


def _rows(y: Any, rows: npt.NDArray[np.int64]) -> Any:
    return None if y is None else y.iloc[rows] if hasattr(y, "iloc") else np.asarray(y)[rows]


def _small(estimator: Any) -> Any:
    """The same with fewer trees, rounds and candidates, in place."""
    for step, _ in planned_steps(estimator):
        wanted = SMALL | SMALL_OF.get(type(step).__name__, {})
        parameters = step.get_params(deep=False)
        step.set_params(**{name: value for name, value in wanted.items() if parameters.get(name)})
        if "cv" in parameters and isinstance(parameters["cv"], int | None) and not isinstance(step, RidgeCV):
            step.set_params(cv=2)
        if "param_grid" in parameters:
            step.set_params(param_grid=_first(parameters["param_grid"]))
    return estimator


def _first(grid: Any) -> Any:
    """The first candidate of each grid: the others differ in parameters that are looked at as they stand."""
    grids = grid if isinstance(grid, list) else [grid]
    return [{name: list(values)[:1] for name, values in each.items()} for each in grids]


def sample_rows(X: pd.DataFrame, y: Any) -> npt.NDArray[np.int64]:
    """Row numbers, ascending: evenly spaced ones, and those that show each class, category and missing value."""
    rows = set(np.linspace(0, len(X) - 1, min(ROWS, len(X))).astype(int).tolist())
    if y is not None and np.ndim(y) == 1 and len(pd.unique(pd.Series(np.asarray(y)))) <= LEVELS:
        classes = pd.Series(np.asarray(y))
        rows |= set(np.flatnonzero(classes.groupby(classes).cumcount() < SHOWN).tolist())
    for name in X.columns:
        column = X[name]
        rows |= set(np.flatnonzero(column.isna())[:1].tolist())
        if column.dtype.kind not in "fiu" and column.nunique() <= LEVELS:
            rows |= set(np.flatnonzero(~column.duplicated()).tolist())
    return np.array(sorted(rows), dtype=np.int64)


def _unfit(error: Exception, estimator: Any, X: pd.DataFrame, found: Sequence[ExportError]) -> list[ExportError]:
    """The refusal where scikit-learn itself cannot fit the copy; none where a refused step is at fault."""
    kinds: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        step = trace.tb_frame.f_locals.get("self")
        kinds += [type(step).__name__] if hasattr(step, "fit") and hasattr(step, "get_params") else []
        trace = trace.tb_next
    named = [path for step, path in planned_steps(estimator) if kinds and type(step).__name__ == kinds[-1]]
    if found and (kinds[-1:] == ["Pipeline"] or {each.step for each in found} & set(named)):
        return []
    text = re.search(r"could not convert string to float: '(.*)'", str(error))
    holds = [name for name in X.columns if text and (X[name].astype(object) == text[1]).any()]
    remedy = "Change this step or the column, so that fit works, and check again."
    if text:
        remedy = 'Encode the column with OneHotEncoder or OrdinalEncoder, or convert it with astype("float64").'
    reason = f"scikit-learn cannot fit it on these rows: {str(error).strip().splitlines()[0].rstrip('.')}"
    return [ExportError(reason, remedy, step=named[0] if named else None, column=str(holds[0]) if holds else None)]


def _of_fitted(fitted: Any, X: pd.DataFrame | None, tried: pd.DataFrame | None) -> list[ExportError]:
    """What the export itself says of a fitted estimator, up to the proof.

    Args:
        fitted: the estimator.
        X: the table, whose columns the graph can hold; None without one.
        tried: rows of it that the estimator was fitted on.
    """
    found = list(obstacles(fitted))
    if X is None or tried is None:
        return found
    schema = Schema(X)
    apart = _said(lambda: check_columns(fitted, schema))
    if apart:
        return found or [apart]  # what a refused step did not keep, is missing here
    sample = take(schema.values(tried), np.arange(min(ROWS, len(tried))))
    core = core_of(fitted)[0]
    checks: list[Callable[[], Iterable[ExportError | None]]] = [
        lambda: missing_obstacles(core, schema),
        lambda: precision_obstacles(core, schema, sample),
        lambda: [_said(lambda: _write(fitted, schema, schema.frame(sample), found))],
    ]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for check in checks:
            try:
                errors = [error for error in check() if error]
            except Exception:
                if not found:
                    raise
                continue  # behind an obstacle nothing has to work
            found += errors
    return found


def _write(fitted: Any, schema: Schema, rows: pd.DataFrame, found: list[ExportError]) -> None:
    """Write the graph to nowhere; add what stands in the way to `found`."""
    core = core_of(fitted)[0]
    writer = Dry(core, dict(zip((f"x{i}" for i in range(len(schema.names))), schema.names, strict=True)), found)
    graph = dry_graph(writer)
    inputs = [Tensor(f"x{i}", KINDS[column.dtype], 1) for i, column in enumerate(schema.columns)]
    if found:
        writer.predict(graph, core, inputs)
    else:
        form = Form(form_of(fitted, rows))
        answers(graph, core, inputs, form.numbers, len(form.targets))
