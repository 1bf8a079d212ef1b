"""Estimator -> ONNX graph: skl2onnx's graph builder, our converters."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from export.frame import Schema
from export.graph import IR_VERSION, MICROSOFT, ML, ML_OPSET, OPSET, SKL2ONNX_ML_OPSET, Graph, Tensor
from export.layout import columns_first
from export.pack import packed
from export.tidy import guard, merge, prune, rename, shorten
from export.trace import Trace
from export.write import answers

TYPES = {
    "float64": DoubleTensorType,
    "float32": FloatTensorType,
    "int64": Int64TensorType,
    "bool": BooleanTensorType,
    "string": StringTensorType,
}
KINDS = {
    DoubleTensorType: "double",
    FloatTensorType: "float",
    Int64TensorType: "int64",
    BooleanTensorType: "bool",
    StringTensorType: "string",
}


def convert(
    estimator: Any,
    schema: Schema,
    *,
    numbers: str | None,
    targets: int = 1,
    told: Callable[[Sequence[tuple[str, str]]], None] = lambda _nodes: None,
) -> bytes:
    """Write a fitted estimator that `check_exportable` accepts as an ONNX model.

    Args:
        estimator: of a registered class.
        schema: the columns it was fitted on; the graph's inputs are `x0`, `x1`, … in their order.
        numbers: what the graph gives: `probabilities` or `scores`, float64 of shape (n_rows, n_numbers), beside
            `label`, int64 of shape (n_rows,); None: `label` alone; `value`, float64 of shape (n_rows,); or `columns`:
            what `transform` gives.
        targets: how many labels or values it answers per row; with several, `label` and `value` have the shape
            (n_rows, n_targets).
        told: called with (path of the step, operator) of each node.

    Returns:
        The serialised model.

    Raises:
        ExportError: columns reach a step that cannot take them, or an answer has no exact form.
    """
    written: dict[str, str] = {}
    elements = {"label": TensorProto.INT64}

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:  # noqa: ARG001
        operator = scope.declare_local_operator("Selfsame", model)
        operator.inputs = inputs
        operator.outputs.append(scope.declare_local_variable("answer", DoubleTensorType([None, 1])))
        return list(operator.outputs)

    def nodes(scope: Any, operator: Any, container: Any) -> None:
        columns = {each.onnx_name: name for each, name in zip(operator.inputs, schema.names, strict=True)}
        trace = Trace(estimator, columns)
        graph = Graph(scope, container, trace)
        inputs = [Tensor(variable.onnx_name, KINDS[type(variable.type)], 1) for variable in operator.inputs]
        if numbers == "columns":
            written["columns"], texts = _side_by_side(graph, graph.transform(operator.raw_operator, inputs))
            elements["columns"] = TensorProto.STRING if texts else TensorProto.DOUBLE
        else:
            written.update(answers(graph, operator.raw_operator, inputs, numbers, targets))
        graph.add("Identity", next(iter(written.values())), output=operator.outputs[0].onnx_name)
        told(trace.nodes)

    kind = type(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skl2onnx warns of versions that it was not tested with; the proof is ours
        model = convert_sklearn(
            estimator,
            name="selfsame",
            initial_types=[(f"x{i}", TYPES[column.dtype]([None, 1])) for i, column in enumerate(schema.columns)],
            target_opset={"": OPSET, ML: SKL2ONNX_ML_OPSET},
            custom_parsers={kind: parse},
            custom_shape_calculators={kind: _keep_shapes},
            custom_conversion_functions={kind: nodes},
            model_optim=False,
        )
    _declare(model.graph, written, elements, targets)
    return _finish(model)


def _keep_shapes(_operator: Any) -> None:
    """Outputs are declared with their shapes at the end."""


def _side_by_side(graph: Graph, tensors: list[Tensor]) -> tuple[str, bool]:
    """One tensor of all columns, and whether it holds text."""
    if all(tensor.kind == "string" for tensor in tensors):
        return graph.add("Concat", *(tensor.name for tensor in tensors), axis=1), True
    return graph.add("Identity", graph.matrix(tensors)), False


def _declare(graph: onnx.GraphProto, written: dict[str, str], elements: Mapping[str, int], targets: int) -> None:
    """Give the graph its outputs, by their names."""
    del graph.output[:]
    for name, tensor in written.items():
        rename(graph, tensor, name)
        flat = name in {"label", "value"} and targets == 1
        shape = ["rows"] if flat else ["rows", f"{name}_columns"]
        element = elements.get(name, TensorProto.DOUBLE)
        graph.output.append(onnx.helper.make_tensor_value_info(name, element, shape))


def _finish(model: onnx.ModelProto) -> bytes:
    """Fix what must not vary: opset, IR version, no metadata, nothing twice and nothing unused."""
    graph = model.graph
    columns_first(graph)
    merge(graph)
    guard(graph)
    prune(graph)
    shorten(graph)
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(ML, ML_OPSET)])
    if b"Tokenizer" in graph.SerializeToString():
        model.opset_import.append(onnx.helper.make_opsetid(MICROSOFT, 1))
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string, model.domain = "selfsame", "", "", ""
    del model.metadata_props[:]
    graph.doc_string = ""
    onnx.checker.check_model(model, full_check=False)
    return packed(model)
