"""Estimator -> ONNX graph, on skl2onnx's parser and graph builder with our converters in place of its own."""

import warnings
from typing import Any

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import BooleanTensorType, DoubleTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from export.converters import REGISTRY
from export.errors import ExportError
from export.frame import Schema
from export.graph import IR_VERSION, ML, ML_OPSET, OPSET, SKL2ONNX_ML_OPSET, Graph, Tensor

TYPES = {"float64": DoubleTensorType, "int64": Int64TensorType, "bool": BooleanTensorType, "string": StringTensorType}
KINDS = {DoubleTensorType: "double", Int64TensorType: "int64", BooleanTensorType: "bool", StringTensorType: "string"}


def convert(estimator: Any, schema: Schema) -> bytes:
    """Write a fitted estimator that `find_obstacles` accepts as an ONNX model.

    Args:
        estimator: a Pipeline, or one registered classifier or regressor.
        schema: the columns it was fitted on; the graph's inputs are `x0`, `x1`, … in their order.

    Returns:
        The serialised model: outputs `label` and `probabilities`, or `value` of shape (n_rows,).
    """
    inputs = [(f"x{i}", TYPES[column.dtype]([None, 1])) for i, column in enumerate(schema.columns)]
    classes = [*REGISTRY]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skl2onnx warns of versions that it was not tested with; the proof is ours
        model = convert_sklearn(
            estimator,
            name="selfsame",
            initial_types=inputs,
            target_opset={"": OPSET, ML: SKL2ONNX_ML_OPSET},
            custom_parsers={
                **dict.fromkeys(classes, _parse_step),
                Pipeline: _parse_pipeline,
                ColumnTransformer: _parse_columns,
            },
            custom_shape_calculators=dict.fromkeys(classes, _keep_shapes),
            custom_conversion_functions=dict.fromkeys(classes, _write_step),
        )
    return _finish(model)


def _keep_shapes(_operator: Any) -> None:
    """Outputs are declared with their shapes when the step is parsed."""


def _parse_step(scope: Any, estimator: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:  # noqa: ARG001
    """Declare a step and its outputs: skl2onnx's first pass (which hands every parser the others)."""
    _check_inputs(estimator, inputs)
    operator = scope.declare_local_operator("Selfsame" + type(estimator).__name__, estimator)
    operator.inputs = inputs
    for name, kind in _outputs(estimator, inputs):
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return list(operator.outputs)


def _check_inputs(estimator: Any, inputs: list[Any]) -> None:
    """Refuse text where numbers are computed: scikit-learn would parse it, and no runtime parses as it does."""
    entry, kind = REGISTRY[type(estimator)], type(estimator).__name__
    texts = [isinstance(variable.type, StringTensorType) for variable in inputs]
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


def _outputs(estimator: Any, inputs: list[Any]) -> list[tuple[str, Any]]:
    entry = REGISTRY[type(estimator)]
    if entry.kind == "classifier":
        width = len(estimator.classes_)
        return [("label", Int64TensorType([None])), ("probabilities", DoubleTensorType([None, width]))]
    if entry.kind == "regressor":
        return [("value", DoubleTensorType([None, 1]))]
    if entry.keeps_text and isinstance(inputs[0].type, StringTensorType):
        return [("text", StringTensorType([None, 1])) for _ in _text_columns(estimator, inputs)]
    return [("columns", DoubleTensorType([None, _width(estimator, inputs)]))]


def _text_columns(estimator: Any, inputs: list[Any]) -> list[Any]:
    from export.converters.impute import _kept

    return [inputs[index] for index in _kept(estimator)]


def _width(estimator: Any, inputs: list[Any]) -> int:
    taken = sum(variable.type.shape[1] for variable in inputs)
    if type(estimator).__name__ == "FunctionTransformer":
        return int(taken)
    return len(estimator.get_feature_names_out([f"c{i}" for i in range(taken)]
                                               if not hasattr(estimator, "feature_names_in_") else None))  # fmt: skip


def _parse_pipeline(scope: Any, pipeline: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Hand each step the columns of the one before; None and "passthrough" leave them as they are."""
    from skl2onnx._parse import _parse_sklearn

    for _, step in pipeline.steps:
        if step is not None and not isinstance(step, str):
            inputs = _parse_sklearn(scope, step, inputs, custom_parsers)
    return inputs


def _parse_columns(scope: Any, transformer: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Give every branch of a ColumnTransformer its own columns and set the results side by side."""
    from skl2onnx._parse import _parse_sklearn

    if any(variable.type.shape[1] != 1 for variable in inputs):
        raise ExportError(
            "a ColumnTransformer must get the table's own columns; a step in front of it has set columns side by side",
            "Make it the first step, with that step inside its branches.",
            step="columntransformer",
        )
    outputs: list[Any] = []
    for name, step, _ in transformer.transformers_:
        columns = transformer._transformer_to_input_indices[name]
        if (isinstance(step, str) and step == "drop") or not len(columns):
            continue
        chosen = [inputs[index] for index in columns]
        outputs += chosen if isinstance(step, str) else _parse_sklearn(scope, step, chosen, custom_parsers)
    return outputs


def _write_step(scope: Any, operator: Any, container: Any) -> None:
    """Write a step's nodes: skl2onnx's second pass."""
    estimator = operator.raw_operator
    graph = Graph(scope, container)
    tensors = [
        Tensor(variable.onnx_name, KINDS[type(variable.type)], int(variable.type.shape[1]))
        for variable in operator.inputs
    ]
    names = REGISTRY[type(estimator)].convert(graph, estimator, tensors)
    for name, variable in zip(names, operator.outputs, strict=True):
        graph.add("Identity", name, output=variable.onnx_name)


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
