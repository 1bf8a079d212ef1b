"""What the tensors of a graph hold, operator by operator.

For the operators that converters write; onnx's own inference ends the process on some graphs with loops.
"""

from collections.abc import Mapping

import onnx
from onnx import TensorProto

FIXED = {
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "IsNaN", "IsInf"),
                    TensorProto.BOOL),
    **dict.fromkeys(("ArgMax", "ArgMin", "Shape", "Size"), TensorProto.INT64),
    **dict.fromkeys(("Tokenizer", "StringConcat"), TensorProto.STRING),
    "TreeEnsemble": TensorProto.DOUBLE,
    "TfIdfVectorizer": TensorProto.FLOAT,
}  # fmt: skip
ENCODED = {"values_floats": TensorProto.FLOAT, "values_int64s": TensorProto.INT64, "values_strings": TensorProto.STRING}
BODY = {"If": "then_branch", "Loop": "body", "Scan": "body"}


def kinds(graph: onnx.GraphProto, outer: Mapping[str, int]) -> dict[str, int]:
    """The element type (of `onnx.TensorProto`) of each tensor of a graph, and of those in its loops and branches.

    Args:
        graph: whole, or a body.
        outer: the tensors of the graphs around it, which its nodes may read.
    """
    found = dict(outer)
    found.update((value.name, value.type.tensor_type.elem_type) for value in graph.input)
    found.update((tensor.name, tensor.data_type) for tensor in graph.initializer)
    for node in graph.node:
        if node.op_type in BODY:
            found.update(_inside(node, found))
            continue
        first = _kind(node, found)
        found.update((name, TensorProto.INT64 if place and node.op_type == "TopK" else first)
                     for place, name in enumerate(node.output))  # fmt: skip
    return found


def _kind(node: onnx.NodeProto, known: Mapping[str, int]) -> int:
    """The element type of a node's first output."""
    if node.op_type in FIXED:
        return FIXED[node.op_type]
    if node.op_type == "Cast":
        return next(int(attribute.i) for attribute in node.attribute if attribute.name == "to")
    if node.op_type == "LabelEncoder":
        return next(_encoded(each) for each in node.attribute if each.name.startswith("values_"))
    return known[node.input[1 if node.op_type == "Where" else 0]]


def _encoded(attribute: onnx.AttributeProto) -> int:
    return ENCODED.get(attribute.name, attribute.t.data_type)


def _inside(node: onnx.NodeProto, outer: Mapping[str, int]) -> dict[str, int]:
    """The tensors of a node's bodies, and its outputs: what its body gives, a loop's condition left out."""
    found: dict[str, int] = {}
    for attribute in node.attribute:
        if attribute.HasField("g"):
            found.update(kinds(attribute.g, outer))
    body = next(attribute.g for attribute in node.attribute if attribute.name == BODY[node.op_type])
    given = body.output[1:] if node.op_type == "Loop" else body.output
    found.update((name, found[value.name]) for name, value in zip(node.output, given, strict=True))
    return found
