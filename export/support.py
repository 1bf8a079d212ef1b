"""What stands in the way of an exact export, found before anything is written."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from export.converters import REGISTRY
from export.converters.wrapper import THRESHOLDS, rule, unwrapped
from export.errors import ExportError
from export.frame import Schema
from lambda_handler.contract import is_missing, is_plain_text

NO_TABLE = {  # what these take instead
    "DictVectorizer": "dictionaries",
    "FeatureHasher": "dictionaries or lists of words",
    "LabelBinarizer": "a target",
    "LabelEncoder": "a target",
    "MultiLabelBinarizer": "sets of labels",
    "PatchExtractor": "pictures",
}
METHODS = ("predict", "predict_proba", "decision_function", "transform", "fit_transform")


def check_missing(core: Any, schema: Schema) -> None:
    """Refuse imputers and indicators that look for another missing value than the one that their text column holds.

    Args:
        core: an exportable estimator without its threshold.
        schema: the columns that it was fitted on.

    Raises:
        ExportError: names the step and the column.
    """
    first = core.steps[0][1] if type(core) is Pipeline else core
    if type(first) is not ColumnTransformer:
        return
    for name, branch, _ in first.transformers_:
        step = branch.steps[0][1] if type(branch) is Pipeline else branch
        if type(step) not in {SimpleImputer, MissingIndicator} or not is_missing(step.missing_values):
            continue
        for index in first._transformer_to_input_indices[name]:
            column = schema.columns[index]
            holds, seeks = _mark(column.missing), _mark(step.missing_values)
            if column.dtype == "string" and holds != seeks:
                raise ExportError(
                    f"the column's missing value is {holds} and this imputer looks for {seeks}: it leaves it in place",
                    f'Set missing_values={holds}, or convert the column with astype("str") and fit again.',
                    step=f"{name} > {_name(step)}",
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
    check_steps(estimator)
    last = core_of(estimator)[0]
    while type(last) is Pipeline:
        last = last.steps[-1][1]
    if type(last) not in REGISTRY or REGISTRY[type(last)].predict is None:
        raise ExportError(
            f"the last step must be a classifier or a regressor; got {type(last).__name__}",
            "Export the whole pipeline with its model.",
            step=_name(last),
        )
    _check_classes(last)


def check_steps(estimator: Any) -> None:
    """Refuse a model or transformer with a step that has no exact form.

    Raises:
        ExportError: names the first such step, the reason and the remedy.
    """
    for obstacle in _obstacles(estimator, ""):
        raise obstacle


def _check_classes(model: Any) -> None:
    classes = getattr(model, "classes_", [])
    several = isinstance(classes, list) and len(classes) > 0 and np.ndim(classes[0]) > 0
    for each in classes if several else [classes]:
        _check_classes_of_one(model, np.asarray(each).tolist())


def _check_classes_of_one(model: Any, found: list[Any]) -> None:
    kinds = {type(value) for value in found}
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ExportError(
            f"classes must be all whole numbers, all floats, all booleans or all text of Python's own; got {names}",
            'Convert the target, such as y = y.astype("str"), and fit again.',
            step=_name(model),
        )
    bad = [value for value in found if isinstance(value, str) and not is_plain_text(value)]
    if bad:
        raise ExportError(
            f"a class must be Unicode text without NUL and lone surrogates; got {bad[0][:40]!r}",
            "Rename the class and fit again.",
            step=_name(model),
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


def _obstacles(step: Any, path: str) -> Iterator[ExportError]:
    """Every reason against a step and those inside it, outermost first."""
    here = path or _name(step)
    kind = type(step)
    patched = [name for name in METHODS if name in getattr(step, "__dict__", {})]
    if patched:
        yield ExportError(
            f"{patched[0]} of this instance was replaced by Python code, which no graph holds",
            f"Use {kind.__name__} unchanged and fit again.",
            step=here,
        )
        return
    if kind not in REGISTRY:
        yield _unknown(step, here)
        return
    if kind is not Pipeline and not _is_fitted(step):
        yield ExportError(f"{kind.__name__} is not fitted", "Call fit before the export.", step=here)
        return
    found = REGISTRY[kind].check(step)
    if found:
        yield ExportError(found[0], found[1], step=here)
    above = path if kind is Pipeline else here
    for name, inner in REGISTRY[kind].members(step):
        if inner is not None and not isinstance(inner, str):
            yield from _obstacles(inner, f"{above} > {name}" if above else name)


def _is_fitted(step: Any) -> bool:
    try:
        check_is_fitted(step)
    except NotFittedError:
        return False
    return True


def _unknown(step: Any, path: str) -> ExportError:
    kind = type(step)
    parents = [base for base in kind.__mro__[1:] if base in REGISTRY]
    if parents:
        return ExportError(
            f"{kind.__name__} is a subclass of {parents[0].__name__} and may override any of its methods",
            f"Use {parents[0].__name__} itself and fit again.",
            step=path,
        )
    if kind.__name__ in NO_TABLE:
        what = NO_TABLE[kind.__name__]
        remedy = "Leave it out of the pipeline and make the columns of the table before, such as with pandas."
        return ExportError(f"{kind.__name__} takes {what} and no rows of a table", remedy, step=path)
    remedy = f"Replace it by one of {', '.join(sorted(cls.__name__ for cls in REGISTRY))}."
    return ExportError(f"{kind.__name__} has no exact converter", remedy, step=path)


def _name(step: Any) -> str:
    return type(step).__name__.lower()
