"""What a fitted estimator answers: labels, probabilities, scores or values, of one target or several."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_outlier_detector, is_regressor
from sklearn.pipeline import Pipeline

from export.converters.wrapper import unwrapped
from export.errors import ExportError
from export.support import core_of
from train.rankers import Ranker

IDENTICAL = {"class": "identical", "absolute": 0.0, "relative": 0.0}


def form_of(estimator: Any, sample: pd.DataFrame) -> dict[str, Any]:
    """Say what the estimator answers, with the keys that contract.json has for it.

    Args:
        estimator: fitted, with `predict`.
        sample: some rows that it was fitted on; it is asked about them, since only its answers show their shapes.

    Returns:
        `task`, `outputs`, `classes`, `targets` (named y0, y1, …), `threshold`, the strictest `tolerance`, and of a
        ranker `ranking` with its bare items.

    Raises:
        ExportError: it does not answer these rows, or it is a clusterer that does not say how many clusters it has.
    """
    core, threshold, positive = core_of(estimator)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            count = table_of(core.predict(sample)).shape[1]
            classes = _classes(core, count)
            kind = "value" if classes is None else _kind_of_numbers(core, sample, classes, _response(estimator))
    except (ValueError, TypeError, AttributeError) as error:
        raise ExportError(
            f"the estimator must answer the rows that it was fitted on; it says: {error}", "Fit it again."
        ) from error
    each: list[Any] = [None] * count if classes is None else classes
    kinds = ("probabilities", "scores", "value", *(["items"] if kind == "items" else []))
    return {
        "task": "ranking" if kind == "items" else "regression" if classes is None else "classification",
        "outputs": {"label": None if classes is None else "label"}
        | {name: name if name == kind else None for name in kinds},
        "classes": each[0] if count == 1 else None,
        "targets": None if count == 1 else [{"name": f"y{i}", "classes": told} for i, told in enumerate(each)],
        "threshold": None if threshold is None else {"class": positive, "value": threshold},
        **({"ranking": {"top": None, "items": [{"id": item} for item in each[0]]}} if kind == "items" else {}),
        "tolerance": IDENTICAL,
    }


def check_top(estimator: Any, top: Any) -> None:
    """Refuse a number of items that no answer can hold.

    Args:
        estimator: fitted.
        top: items that an answer holds at most; None: all, or it answers with none.

    Raises:
        ExportError: it is no whole number from 1 on, or the estimator ranks nothing.
    """
    if top is None:
        return
    if not isinstance(_last(core_of(estimator)[0]), Ranker):
        raise ExportError(f"top is how many items a ranking holds; this model ranks none; got {top!r}", "Leave it out.")
    if type(top) is not int or top < 1:
        raise ExportError(f"top must be a whole number from 1 on; got {top!r}", "Leave it out for all items.")


def table_of(predicted: Any) -> npt.NDArray[Any]:
    """What `predict` gives, as an array of shape (n_rows, n_targets)."""
    dense = np.asarray(predicted.toarray() if hasattr(predicted, "toarray") else predicted)
    return dense.reshape(len(dense), -1)


def probabilities_of(found: Any, count: int) -> npt.NDArray[np.float64]:
    """What `predict_proba` gives, as float64 of shape (n_rows, n_probabilities), target after target.

    Args:
        found: of one target shape (n_rows, n_classes); of several a list of such, or, where all are yes or no,
            the probabilities of yes, of shape (n_rows, count).
        count: targets.
    """
    if isinstance(found, list):
        return np.hstack([np.asarray(each, dtype=np.float64) for each in found])
    numbers = np.asarray(found, dtype=np.float64)
    if count == 1:
        return numbers
    return np.stack([1.0 - numbers, numbers], axis=2).reshape(len(numbers), -1)


def _classes(core: Any, count: int) -> list[list[Any]] | None:
    """The classes of each target as Python values; None where the answers are numbers."""
    if is_outlier_detector(core):
        return [[-1, 1]]
    classes = getattr(core, "classes_", None)
    if isinstance(classes, list) and np.ndim(classes[0]) > 0:
        return [np.asarray(each).tolist() for each in classes]
    if classes is not None:
        return [np.asarray(classes).tolist()] if count == 1 else [[0, 1] for _ in range(count)]
    return None if is_regressor(core) else [list(range(_clusters(core)))]


def _clusters(core: Any) -> int:
    model = _last(core)
    if hasattr(model, "subcluster_labels_"):
        return int(np.max(model.subcluster_labels_)) + 1
    if hasattr(model, "cluster_centers_"):
        return len(model.cluster_centers_)
    for name in ("n_clusters", "n_components"):
        if hasattr(model, name):
            return int(getattr(model, name))
    raise ExportError(
        f"{type(model).__name__} must say what labels it gives: as a classifier, an outlier detector, or a clusterer",
        "Use an estimator that has classes_, cluster_centers_, n_clusters or n_components.",
    )


def _last(core: Any) -> Any:
    while type(core) is Pipeline or hasattr(core, "best_estimator_"):
        core = core.steps[-1][1] if type(core) is Pipeline else core.best_estimator_
    return core


def _response(estimator: Any) -> str:
    """The method that a threshold is on; without one `auto`: probabilities, else scores."""
    return str(getattr(unwrapped(estimator), "response_method", "auto"))


def _kind_of_numbers(core: Any, sample: pd.DataFrame, classes: list[list[Any]], response: str) -> str | None:
    """Which numbers stand beside a label."""
    if isinstance(_last(core), Ranker):
        return "items"
    if response != "decision_function" and hasattr(core, "predict_proba"):
        return "probabilities"
    if len(classes) > 1 or not hasattr(core, "decision_function"):
        return None
    wanted = (len(sample),) if len(classes[0]) == 2 else (len(sample), len(classes[0]))
    one_against_one = len(classes[0]) > 2 and getattr(_last(core), "decision_function_shape", "ovr") == "ovo"
    return "scores" if not one_against_one and np.shape(core.decision_function(sample)) == wanted else None
