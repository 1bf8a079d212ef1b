"""Write an estimator's nodes: containers hand columns on, every other class has its converter."""

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from export.converters import REGISTRY
from export.converters.impute import kept_columns
from export.errors import ExportError
from export.graph import Graph, Tensor


def write(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write a fitted estimator that `check_exportable` accepts.

    Args:
        graph: where to.
        estimator: a Pipeline, a ColumnTransformer, or of a registered class.
        inputs: its columns.

    Returns:
        A transformer's columns; a classifier's label, of shape (n_rows,), and probabilities, of shape
        (n_rows, n_classes); a regressor's value, of shape (n_rows, 1).

    Raises:
        ExportError: columns reach a step that cannot take them.
    """
    if type(estimator) is Pipeline:
        for _, step in estimator.steps:
            if step is not None and not isinstance(step, str):
                inputs = write(graph, step, inputs)
        return inputs
    if type(estimator) is ColumnTransformer:
        return _write_columns(graph, estimator, inputs)
    _check_inputs(estimator, inputs)
    names = REGISTRY[type(estimator)].convert(graph, estimator, inputs)
    return [Tensor(name, kind, width) for name, (kind, width) in zip(names, outputs_of(estimator, inputs), strict=True)]


def outputs_of(estimator: Any, inputs: list[Tensor]) -> list[tuple[str, int]]:
    """Kind and width of each tensor that a registered estimator gives."""
    entry = REGISTRY[type(estimator)]
    if entry.kind == "classifier":
        return [("int64", 1), ("double", len(estimator.classes_))]
    if entry.kind == "regressor":
        return [("double", 1)]
    if entry.keeps_text and inputs[0].kind == "string":
        return [("string", 1)] * len(kept_columns(estimator))
    return [("double", _width(estimator, sum(tensor.width for tensor in inputs)))]


def _width(estimator: Any, taken: int) -> int:
    if type(estimator).__name__ == "FunctionTransformer":
        return taken
    names = None if hasattr(estimator, "feature_names_in_") else [f"c{index}" for index in range(taken)]
    return len(estimator.get_feature_names_out(names))


def _write_columns(graph: Graph, transformer: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Give every branch of a ColumnTransformer its own columns and set the results side by side."""
    if any(tensor.width != 1 for tensor in inputs):
        raise ExportError(
            "a ColumnTransformer must get the table's own columns; a step in front of it has set columns side by side",
            "Make it the first step, with that step inside its branches.",
            step="columntransformer",
        )
    outputs: list[Tensor] = []
    for name, step, _ in transformer.transformers_:
        columns = transformer._transformer_to_input_indices[name]
        if (isinstance(step, str) and step == "drop") or not len(columns):
            continue
        chosen = [inputs[index] for index in columns]
        outputs += chosen if isinstance(step, str) else write(graph, step, chosen)
    return outputs


def _check_inputs(estimator: Any, inputs: list[Tensor]) -> None:
    """Refuse text where numbers are computed: scikit-learn would parse it, and no runtime parses as it does."""
    entry, kind = REGISTRY[type(estimator)], type(estimator).__name__
    texts = [tensor.kind == "string" for tensor in inputs]
    if any(texts) and not entry.takes_text:
        raise ExportError(
            f"{kind} must get numbers; it was fitted on text",
            'Convert the column with astype("float64"), or encode it, and fit again.',
            step=kind.lower(),
        )
    if not entry.keeps_text or not any(texts):
        return
    if not all(texts):
        raise ExportError(
            f"{kind} must get either numbers or text; it was fitted on both",
            "Give numbers and text a branch of their own in a ColumnTransformer.",
            step=kind.lower(),
        )
    if estimator.add_indicator:
        raise ExportError(
            f"{kind} marks missing numbers only; add_indicator is set and it was fitted on text",
            "Leave add_indicator out there: OneHotEncoder has a column for missing values of its own.",
            step=kind.lower(),
        )
