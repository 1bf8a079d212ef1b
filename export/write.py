"""Write an estimator's nodes with the converter of its class."""

from typing import Any

import numpy as np

from export.converters import REGISTRY
from export.errors import ExportError
from export.graph import Graph, Tensor


def predict(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write a fitted model that `check_exportable` accepts.

    Args:
        graph: where to.
        estimator: of a registered class.
        inputs: its columns.

    Returns:
        Its answers by name, as `Converter.predict` says.

    Raises:
        ExportError: it is no model, or columns reach a step that cannot take them.
    """
    _check_inputs(estimator, inputs)
    converter = REGISTRY[type(estimator)].predict
    if converter is None:
        raise _misplaced(estimator, "a model", "a transformer")
    return converter(graph, estimator, inputs)


def transform(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write a fitted transformer that `check_exportable` accepts.

    Returns:
        Its columns.

    Raises:
        ExportError: it is no transformer, or columns reach a step that cannot take them.
    """
    _check_inputs(estimator, inputs)
    converter = REGISTRY[type(estimator)].transform
    if converter is None:
        raise _misplaced(estimator, "a transformer", "a model")
    found = converter(graph, estimator, inputs)
    if not isinstance(found, str):
        return found
    width = _width(estimator, sum(tensor.width for tensor in inputs))
    return [Tensor(found, "double", width, any(tensor.sparse for tensor in inputs))]


def answers(graph: Graph, estimator: Any, inputs: list[Tensor], numbers: str | None, targets: int) -> dict[str, str]:
    """Write the outermost model; the wanted ones of its answers, by name.

    Args:
        graph: where to.
        estimator: of a registered class.
        inputs: its columns.
        numbers: what is wanted, as `export.convert.convert` has it, but for `columns`.
        targets: how many labels or values it answers per row.

    Raises:
        ExportError: columns reach a step that cannot take them, or an answer has no exact form.
    """
    found = graph.predict(estimator, inputs)
    wanted = [name for name in ("label" if numbers != "value" else None, numbers) if name]
    for name in wanted:
        if name not in found:
            raise ExportError(
                f"{type(estimator).__name__} answers with {name}, which have no exact form here",
                "Replace it by an estimator with an exact form: `make coverage` lists them.",
                step=type(estimator).__name__.lower(),
            )
    if numbers == "value" and targets == 1:
        found["value"] = graph.add("Squeeze", found["value"], graph.constant(np.array([1]), "axis"))
    return {name: found[name] for name in wanted}


def _width(estimator: Any, taken: int) -> int:
    if type(estimator).__name__ == "FunctionTransformer":
        return taken
    names = None if hasattr(estimator, "feature_names_in_") else [f"c{index}" for index in range(taken)]
    return len(estimator.get_feature_names_out(names))


def _check_inputs(estimator: Any, inputs: list[Tensor]) -> None:
    """Refuse text where numbers are computed: scikit-learn would parse it, and no runtime parses as it does."""
    if any(tensor.kind == "string" for tensor in inputs) and not REGISTRY[type(estimator)].takes_text:
        raise ExportError(
            f"{type(estimator).__name__} must get numbers; it was fitted on text",
            'Convert the column with astype("float64"), or encode it, and fit again.',
            step=type(estimator).__name__.lower(),
        )


def _misplaced(estimator: Any, wanted: str, got: str) -> ExportError:
    name = type(estimator).__name__
    return ExportError(
        f"{name} stands where {wanted} must stand and has an exact form as {got} only",
        "Give that place another estimator and fit again.",
        step=name.lower(),
    )
