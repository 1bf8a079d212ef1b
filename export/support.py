"""What stands in the way of an exact export, found before anything is written."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from export.converters import REGISTRY
from export.converters.compose import stands_for_nothing
from export.converters.wrapper import THRESHOLDS, rule, unwrapped
from export.errors import ExportError
from export.frame import Schema
from export.replacements import refusal_of
from lambda_handler.contract import is_missing, is_plain_text

METHODS = ("predict", "predict_proba", "decision_function", "transform", "fit_transform")


def missing_obstacles(core: Any, schema: Schema) -> Iterator[ExportError]:
    """Refuse imputers and indicators that look for another missing value than the one that their text column holds.

    Args:
        core: an exportable estimator without its threshold.
        schema: the columns that it was fitted on.

    Returns:
        A refusal of each such column of each step.
    """
    first = core.steps[0][1] if type(core) is Pipeline else core
    if type(first) is not ColumnTransformer:
        return
    known = paths(core)
    for name, branch, _ in first.transformers_:
        step = branch.steps[0][1] if type(branch) is Pipeline else branch
        if type(step) not in {SimpleImputer, MissingIndicator} or not is_missing(step.missing_values):
            continue
        for index in first._transformer_to_input_indices[name]:
            column = schema.columns[index]
            holds, seeks = _mark(column.missing), _mark(step.missing_values)
            if column.dtype == "string" and holds != seeks:
                yield ExportError(
                    f"the column's missing value is {holds} and this imputer looks for {seeks}: it leaves it in place",
                    f'Set missing_values={holds}, or convert the column with astype("str") and fit again.',
                    step=known[id(step)][1],
                    column=column.name,
                )


def _mark(missing: Any) -> str:
    """A missing value as Python code writes it."""
    if missing is None:
        return "None"
    return "pd.NA" if missing is pd.NA else "np.nan"


def check_exportable(estimator: Any) -> None:
    """Refuse an estimator with a step that has no exact form.

    Raises:
        ExportError: names the first such step, the reason and the remedy.
    """
    for obstacle in obstacles(estimator):
        raise obstacle


def check_steps(estimator: Any) -> None:
    """Refuse a model or transformer with a step that has no exact form.

    Raises:
        ExportError: names the first such step, the reason and the remedy.
    """
    for obstacle in obstacles_of_steps(estimator):
        raise obstacle


def obstacles(estimator: Any) -> Iterator[ExportError]:
    """Every reason against a fitted estimator: its steps, then what stands last, then its classes."""
    yield from obstacles_of_steps(estimator)
    last, path = last_of(estimator)
    if type(last) not in REGISTRY and not stands_for_nothing(last):
        return  # said already
    if type(last) not in REGISTRY or REGISTRY[type(last)].predict is None:
        yield ExportError(
            f"the last step must be a classifier or a regressor; got {type(last).__name__}",
            "Export the whole pipeline with its model.",
            step=path,
        )
        return
    try:
        _check_classes(last, path)
    except ExportError as error:
        yield error


def last_of(estimator: Any) -> tuple[Any, str]:
    """The step that answers, and its path; the pipeline itself where that is empty."""
    last = core_of(estimator)[0]
    while type(last) is Pipeline and last.steps:
        last = last.steps[-1][1]
    return last, paths(estimator).get(id(last), (last, _name(last)))[1]


def paths(estimator: Any) -> dict[int, tuple[Any, str]]:
    """Each step inside a fitted estimator and its path, by the step's id."""
    found: dict[int, tuple[Any, str]] = {}
    for step, here in _walk(estimator, ""):
        found.setdefault(id(step), (step, here))
    return found


def check_columns(estimator: Any, schema: Schema) -> None:
    """Refuse a frame with other columns than the estimator was fitted on.

    Raises:
        ExportError: says what differs.
    """
    core = core_of(estimator)[0]
    fitted = schema.names if type(core) is IsotonicRegression else getattr(core, "feature_names_in_", None)
    if fitted is None:
        raise ExportError(
            "the estimator was fitted on an array: it does not know its columns' names",
            "Fit it on the DataFrame and pass the same one.",
        )
    if list(fitted) != schema.names:
        apart = [name for name in fitted if name not in schema.names] or [n for n in schema.names if n not in fitted]
        got = f"{apart[0]!r} is in one of them only" if apart else "their order differs"
        raise ExportError(f"X must have the columns that the estimator was fitted on; {got}", "Pass the fitted X.")


def _check_classes(model: Any, path: str) -> None:
    classes = getattr(model, "classes_", [])
    several = isinstance(classes, list) and len(classes) > 0 and np.ndim(classes[0]) > 0
    for each in classes if several else [classes]:
        _check_classes_of_one(path, np.asarray(each).tolist())


def _check_classes_of_one(path: str, found: list[Any]) -> None:
    kinds = {type(value) for value in found}
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ExportError(
            f"classes must be all whole numbers, all floats, all booleans or all text of Python's own; got {names}",
            'Convert the target, such as y = y.astype("str"), and fit again.',
            step=path,
        )
    bad = [value for value in found if isinstance(value, str) and not is_plain_text(value)]
    if bad:
        raise ExportError(
            f"a class must be Unicode text without NUL and lone surrogates; got {bad[0][:40]!r}",
            "Rename the class and fit again.",
            step=path,
        )


def core_of(estimator: Any) -> tuple[Any, float | None, Any]:
    """Take searches, frozen shells and the decision threshold off an estimator.

    Returns:
        The estimator inside, the threshold and its class; None and None without a threshold. An endless threshold stays
        on: a contract holds finite numbers only.
    """
    found = unwrapped(estimator)
    if type(found) not in THRESHOLDS or not hasattr(found, "estimator_"):
        return found, None, None
    _, threshold, index = rule(found)
    if not np.isfinite(threshold):
        return found, None, None
    classes = np.asarray(found.classes_).tolist()  # the class as Python has it: 0 and never numpy's 0, 0.0 or False
    return found.estimator_, threshold, classes[index]


def obstacles_of_steps(estimator: Any) -> Iterator[ExportError]:
    """Every reason against a fitted estimator and those inside it, outermost first."""
    for step, path in _walk(estimator, ""):
        yield from _obstacles(step, path)


def _walk(step: Any, path: str) -> Iterator[tuple[Any, str]]:
    """An estimator and those inside it, each with its path; an unknown or unfitted one is not entered."""
    here, kind = path or _name(step), type(step)
    yield step, here
    if kind not in REGISTRY or patch_of(step) or (kind is not Pipeline and not is_fitted(step)):
        return
    above = path if kind is Pipeline else here
    for name, inner in REGISTRY[kind].members(step):
        if inner is not None and not isinstance(inner, str):
            yield from _walk(inner, f"{above} > {name}" if above else name)


def _obstacles(step: Any, path: str) -> Iterator[ExportError]:
    kind, patch = type(step), patch_of(step)
    if patch or kind not in REGISTRY:
        yield ExportError(*(patch or refusal_of(step)), step=path)
    elif kind is not Pipeline and not is_fitted(step):
        yield ExportError(f"{kind.__name__} is not fitted", "Call fit before the export.", step=path)
    else:
        found = REGISTRY[kind].check(step)
        if found:
            yield ExportError(*found, step=path)


def patch_of(step: Any) -> tuple[str, str] | None:
    """The reason and the remedy where a method of this very instance was replaced."""
    patched = [name for name in METHODS if name in getattr(step, "__dict__", {})]
    if not patched:
        return None
    reason = f"{patched[0]} of this instance was replaced by Python code, which no graph holds"
    return reason, f"Use {type(step).__name__} unchanged and fit again."


def is_fitted(step: Any) -> bool:
    """Whether `fit` was called, or a transformer needs no fit."""
    try:
        check_is_fitted(step)
    except (NotFittedError, AttributeError, TypeError):  # AttributeError: an estimator inside is None
        return False
    if type(step) is Pipeline:
        return not step.steps or stands_for_nothing(step.steps[-1][1]) or is_fitted(step.steps[-1][1])
    return type(step) is not GaussianProcessRegressor or hasattr(step, "kernel_")  # it answers without a fit, too


def _name(step: Any) -> str:
    return type(step).__name__.lower()
