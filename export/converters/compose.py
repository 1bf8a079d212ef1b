"""Containers: they hand columns on and set results side by side."""

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils._set_output import _get_output_config

from export.converters.converter import Converter
from export.graph import Graph, Tensor


def pipeline_members(pipeline: Any) -> list[tuple[str, Any]]:
    """The steps, with their names."""
    return list(pipeline.steps)


def column_members(transformer: Any) -> list[tuple[str, Any]]:
    """The fitted branches; one without columns is neither fitted nor called."""
    taken = getattr(transformer, "_transformer_to_input_indices", {})
    return [(name, step) for name, step, _ in getattr(transformer, "transformers_", []) if len(taken[name])]


def union_members(union: Any) -> list[tuple[str, Any]]:
    """The fitted transformers, with their names."""
    return list(union.transformer_list)


def check_pipeline(pipeline: Any) -> tuple[str, str] | None:
    """Refuse a pipeline without steps."""
    return None if pipeline.steps else ("a pipeline must hold a step; it is empty", "Add the model.")


def predict_pipeline(graph: Graph, pipeline: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the steps in front of the model, then the model."""
    *_, (_, model) = pipeline.steps
    return graph.predict(model, _through(graph, pipeline.steps[:-1], inputs))


def transform_pipeline(graph: Graph, pipeline: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write all steps."""
    return _through(graph, pipeline.steps, inputs)


def _through(graph: Graph, steps: list[tuple[str, Any]], inputs: list[Tensor]) -> list[Tensor]:
    for _, step in steps:
        if not stands_for_nothing(step):
            inputs = graph.transform(step, inputs)
    return inputs


def stands_for_nothing(step: Any) -> bool:
    """Whether a step is None or a word, such as "passthrough"."""
    return step is None or isinstance(step, str)


def transform_columns(graph: Graph, transformer: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Give every branch of a ColumnTransformer its own columns and set the results side by side."""
    columns = graph.split(inputs)
    outputs: list[Tensor] = []
    for name, step, _ in transformer.transformers_:
        taken = transformer._transformer_to_input_indices[name]
        if (isinstance(step, str) and step == "drop") or not len(taken):
            continue
        found = [columns[index] for index in taken]
        if not isinstance(step, str):
            found = graph.transform(step, found)
        outputs += _weighted(graph, found, (transformer.transformer_weights or {}).get(name))
    return _stacked(graph, transformer, outputs, bool(transformer.sparse_output_))


def transform_union(graph: Graph, union: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write every transformer on the same columns, its weight multiplied in, side by side."""
    outputs: list[Tensor] = []
    for name, step in union.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        found = inputs if isinstance(step, str) else graph.transform(step, inputs)
        outputs += _weighted(graph, found, (union.transformer_weights or {}).get(name))
    return _stacked(graph, union, outputs, any(tensor.sparse for tensor in outputs))


def _weighted(graph: Graph, tensors: list[Tensor], weight: float | None) -> list[Tensor]:
    if weight is None:
        return tensors
    factor = graph.constant(np.full((1, 1), float(weight)), "weight")
    return [
        Tensor(graph.add("Mul", graph.double(tensor), factor), "double", tensor.width, tensor.sparse)
        for tensor in tensors
    ]


def _stacked(graph: Graph, estimator: Any, tensors: list[Tensor], sparse: bool) -> list[Tensor]:
    """The columns side by side: numbers of several kinds become float64, unless they stay a frame or beside text."""
    kinds = {tensor.kind for tensor in tensors}
    framed = _get_output_config("transform", estimator)["dense"] != "default"
    if len(kinds) > 1 and not framed and "string" not in kinds:
        tensors = [Tensor(graph.double(tensor), "double", tensor.width) for tensor in tensors]
    return [Tensor(tensor.name, tensor.kind, tensor.width, sparse) for tensor in tensors]


CONVERTERS: dict[type, Converter] = {
    Pipeline: Converter(
        predict=predict_pipeline,
        transform=transform_pipeline,
        check=check_pipeline,
        takes_text=True,
        members=pipeline_members,
    ),
    ColumnTransformer: Converter(transform=transform_columns, takes_text=True, members=column_members),
    FeatureUnion: Converter(transform=transform_union, takes_text=True, members=union_members),
}
