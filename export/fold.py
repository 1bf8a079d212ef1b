"""Products of one-hot columns and weights, as sums of weights looked up by category.

A matrix product has no order of summation of its own (scikit-learn's BLAS has its, each runtime another one), so a
product with a matrix that is partly one-hot may be written as: the product of the other columns, plus one weight per
category. Both are exact to the same bound, the rounding of a sum of these terms.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper


class Turn(Protocol):
    """What is needed of `export.layout`."""

    nodes: list[onnx.NodeProto]
    width: dict[str, int]
    recipes: dict[str, onnx.NodeProto]
    constants: dict[str, onnx.TensorProto]

    def natural(self, name: str) -> None:
        """See to it that a tensor is there, of shape (n_rows, width)."""

    def turned(self, name: str) -> str:
        """The tensor of shape (width, n_rows)."""

    def constant(self, array: npt.NDArray[np.generic], name: str) -> str:
        """Store an array."""


class Product:
    """A product that was written, to which a row of constants may still be added.

    Args:
        node: `Gemm`, or the `Sum` of the looked up weights.
        looked_up: the `Sum` that a `Gemm` adds, if there is one.
    """

    def __init__(self, node: onnx.NodeProto, looked_up: onnx.NodeProto | None) -> None:
        self._node, self._looked_up = node, looked_up

    def add(self, row: str, output: str) -> None:
        """Let the product add the constant of shape (1, n_weights), and give the result its name."""
        (self._looked_up or self._node).input.append(row)
        self._node.output[0] = output


def fold(turn: Turn, node: onnx.NodeProto) -> Product:
    """Write a product of a turned matrix with weights of shape (n_columns, n_weights)."""
    weights = numpy_helper.to_array(turn.constants[node.input[1]])
    recipe = turn.recipes[node.input[0]]
    parts = list(recipe.input) if recipe.op_type == "Concat" and weights.shape[1] == 1 else [node.input[0]]
    ends = np.cumsum([turn.width[part] for part in parts])
    kept, terms = [], []
    for part, end in zip(parts, ends, strict=True):
        span = weights[end - turn.width[part] : end]
        columns = _encoders(turn, part) if weights.shape[1] == 1 else []
        terms += [_weight(turn, node, each, span[start : start + width]) for each, start, width in columns]
        if not columns:
            kept.append((part, span))
    if not terms:
        kept = [(node.input[0], weights)]
    looked_up = onnx.helper.make_node("Sum", terms, [f"{node.output[0]}_looked_up"], f"{node.name}_looked_up")
    if terms:
        turn.nodes.append(looked_up)
    if not kept:
        looked_up.output[0] = node.output[0]
        return Product(looked_up, None)
    product = onnx.helper.make_node("Gemm", [*_kept(turn, node, kept)], node.output, node.name, transA=1)
    if terms:
        product.input.append(looked_up.output[0])
    turn.nodes.append(product)
    return Product(product, looked_up if terms else None)


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _kept(turn: Turn, node: onnx.NodeProto, kept: list[tuple[str, npt.NDArray[np.float64]]]) -> tuple[str, str]:
    """The matrix of the columns that are no one-hot ones, turned over, and their weights."""
    names = [turn.turned(name) for name, _ in kept]
    weights = np.concatenate([span for _, span in kept])
    if len(weights) == turn.constants[node.input[1]].dims[0]:
        return turn.turned(node.input[0]), node.input[1]
    if len(names) > 1:
        joined = f"{node.output[0]}_numbers"
        turn.nodes.append(onnx.helper.make_node("Concat", names, [joined], joined, axis=0))
        names = [joined]
    return names[0], turn.constant(weights, f"{node.output[0]}_weights")


def _encoders(turn: Turn, part: str) -> list[tuple[onnx.NodeProto, int, int]]:
    """The encoders of a one-hot block (see `converters.encode`), each with its first column and width."""
    cast = turn.recipes.get(part)
    equal = turn.recipes.get(cast.input[0]) if cast is not None and cast.op_type == "Cast" else None
    if equal is None or equal.op_type != "Equal" or equal.input[1] not in turn.constants:
        return []
    positions = numpy_helper.to_array(turn.constants[equal.input[1]]).reshape(-1)
    starts = np.flatnonzero(positions == 0)
    source = turn.recipes.get(equal.input[0])
    if source is not None and source.op_type == "Gather":
        joined = turn.recipes.get(source.input[0])
        names = list(joined.input) if joined is not None and joined.op_type == "Concat" else []
    else:
        names = [equal.input[0]]
    encoders = [turn.recipes.get(name) for name in names]
    if len(names) != len(starts) or any(each is None or each.op_type != "LabelEncoder" for each in encoders):
        return []
    widths = np.diff([*starts, len(positions)])
    return [(each, int(start), int(width)) for each, start, width in zip(encoders, starts, widths, strict=True) if each]


def _weight(turn: Turn, node: onnx.NodeProto, encoder: onnx.NodeProto, weights: npt.NDArray[np.float64]) -> str:
    """Look up the weight that a product gives each category, 0.0 where no column is one."""
    padded = np.append(weights.reshape(-1), 0.0)  # position -1
    found = onnx.NodeProto()
    found.CopyFrom(encoder)
    found.name = found.output[0] = f"{node.output[0]}_of_{encoder.output[0]}"
    for attribute in found.attribute:
        if attribute.name in {"values_tensor", "default_tensor"}:
            attribute.t.CopyFrom(numpy_helper.from_array(padded[numpy_helper.to_array(attribute.t)]))
    turn.natural(encoder.input[0])
    turn.nodes.append(found)
    return str(found.output[0])
