"""Constant answers, whatever the row holds."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier, DummyRegressor

from export.converters.converter import Converter
from export.graph import Graph, Tensor


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse random and sparse answers."""
    if estimator._strategy in {"stratified", "uniform"}:
        return f"strategy={estimator._strategy!r} answers at random", "Fit with strategy='prior'."
    if estimator.sparse_output_:
        return "the target must be dense; it was fitted on a sparse one", "Fit on y.toarray()."
    return None


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the label of each target, and its probabilities: the prior's, or 1 for that label."""
    several = estimator.n_outputs_ > 1
    classes = estimator.classes_ if several else [estimator.classes_]
    priors = estimator.class_prior_ if several else [estimator.class_prior_]
    if estimator._strategy == "constant":
        constants = np.reshape(np.atleast_1d(estimator.constant), -1)
        labels = [int(np.flatnonzero(each == told)[0]) for each, told in zip(classes, constants, strict=True)]
    else:
        labels = [int(np.argmax(prior)) for prior in priors]
    if estimator._strategy != "prior":
        priors = [np.eye(len(prior))[label] for prior, label in zip(priors, labels, strict=True)]
    chosen = np.array(labels, dtype=np.int64)
    return {
        "label": _repeated(graph, chosen[None, :] if several else chosen, inputs),
        "probabilities": _repeated(graph, np.concatenate(priors)[None, :], inputs),
    }


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the constant of each target, of shape (n_rows, n_targets)."""
    return {"value": _repeated(graph, np.asarray(estimator.constant_, dtype=np.float64).reshape(1, -1), inputs)}


def _repeated(graph: Graph, row: npt.NDArray[Any], inputs: list[Tensor]) -> str:
    """One row, as often as the table has rows."""
    shape = graph.add("Shape", inputs[0].name, start=0, end=1)
    if row.ndim > 1:
        shape = graph.add("Concat", shape, graph.constant(np.array([row.shape[1]]), "width"), axis=0)
    return graph.add("Expand", graph.constant(row, "answer"), shape)


CONVERTERS: dict[type, Converter] = {
    DummyClassifier: Converter(predict=convert_classifier, check=check, takes_text=True),
    DummyRegressor: Converter(predict=convert_regressor, takes_text=True),
}
