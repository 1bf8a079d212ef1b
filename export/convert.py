"""Estimator -> ONNX graph: skl2onnx's graph builder, our converters."""

import warnings
from typing import Any

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import BooleanTensorType, DoubleTensorType, Int64TensorType, StringTensorType

from export.errors import ExportError
from export.frame import Schema
from export.graph import IR_VERSION, ML, ML_OPSET, OPSET, SKL2ONNX_ML_OPSET, Graph, Tensor
from export.write import write

TYPES = {"float64": DoubleTensorType, "int64": Int64TensorType, "bool": BooleanTensorType, "string": StringTensorType}
KINDS = {DoubleTensorType: "double", Int64TensorType: "int64", BooleanTensorType: "bool", StringTensorType: "string"}


def convert(estimator: Any, schema: Schema) -> bytes:
    """Write a fitted estimator that `check_exportable` accepts as an ONNX model.

    Args:
        estimator: a Pipeline, or one registered classifier or regressor.
        schema: the columns it was fitted on; the graph's inputs are `x0`, `x1`, … in their order.

    Returns:
        The serialised model: outputs `label` and `probabilities`, or `value` of shape (n_rows,).
    """
    inputs = [(f"x{i}", TYPES[column.dtype]([None, 1])) for i, column in enumerate(schema.columns)]
    kind = type(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skl2onnx warns of versions that it was not tested with; the proof is ours
        model = convert_sklearn(
            estimator,
            name="selfsame",
            initial_types=inputs,
            target_opset={"": OPSET, ML: SKL2ONNX_ML_OPSET},
            custom_parsers={kind: _parse},
            custom_shape_calculators={kind: _keep_shapes},
            custom_conversion_functions={kind: _write},
        )
    return _finish(model)


def _keep_shapes(_operator: Any) -> None:
    """Outputs are declared with their shapes when the estimator is parsed."""


def _parse(scope: Any, estimator: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:  # noqa: ARG001
    """Declare the whole estimator as one operator: skl2onnx's first pass."""
    operator = scope.declare_local_operator("Selfsame", estimator)
    operator.inputs = inputs
    outputs = [("value", DoubleTensorType([None, 1]))]
    if hasattr(estimator, "classes_"):
        width = len(estimator.classes_)
        outputs = [("label", Int64TensorType([None])), ("probabilities", DoubleTensorType([None, width]))]
    operator.outputs.extend(scope.declare_local_variable(name, kind) for name, kind in outputs)
    return list(operator.outputs)


def _write(scope: Any, operator: Any, container: Any) -> None:
    """Write its nodes: skl2onnx's second pass."""
    graph = Graph(scope, container, write)
    inputs = [Tensor(variable.onnx_name, KINDS[type(variable.type)], 1) for variable in operator.inputs]
    tensors = write(graph, operator.raw_operator, inputs)
    for tensor, variable in zip(tensors, operator.outputs, strict=True):
        graph.add("Identity", tensor.name, output=variable.onnx_name)


def _finish(model: onnx.ModelProto) -> bytes:
    """Fix what must not vary: output names and shapes, opset, IR version, no metadata."""
    graph = model.graph
    names = {output.name for output in graph.output}
    if any(output.name.startswith("value") for output in graph.output):
        _flatten_value(graph)
    elif names != {"label", "probabilities"}:
        raise ExportError(
            f"the graph must end in label and probabilities; got {sorted(names)}", "Report this as a bug."
        )
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(ML, ML_OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string, model.domain = "selfsame", "", "", ""
    del model.metadata_props[:]
    graph.doc_string = ""
    onnx.checker.check_model(model, full_check=False)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _flatten_value(graph: onnx.GraphProto) -> None:
    """Give a regressor's output the shape (n_rows,)."""
    column = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["value_column" if name == column else name for name in node.output]
        node.input[:] = ["value_column" if name == column else name for name in node.input]
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "value_axis"))
    graph.node.append(onnx.helper.make_node("Squeeze", ["value_column", "value_axis"], ["value"], name="Value"))
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info("value", onnx.TensorProto.DOUBLE, ["rows"]))
