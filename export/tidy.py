"""Leave out of a graph what it holds twice or does not need."""

import hashlib

import onnx


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a tensor that a node makes another name."""
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def merge(graph: onnx.GraphProto) -> None:
    """Keep one of equal constants, and one of nodes that do the same with the same inputs; outputs keep their names."""
    same: dict[str, str] = {}
    first: dict[bytes, str] = {}
    for tensor in graph.initializer:
        key = _key(tensor)
        same[tensor.name] = first.setdefault(key, tensor.name)
    fixed = {output.name for output in graph.output}
    made: dict[bytes, list[str]] = {}
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        if fixed.intersection(node.output):
            continue
        for name, kept in zip(node.output, made.setdefault(_node_key(node), list(node.output)), strict=True):
            same[name] = kept


def prune(graph: onnx.GraphProto) -> None:
    """Drop nodes and constants that no output needs; inputs stay, since every row has them."""
    needed = {output.name for output in graph.output}
    for index in reversed(range(len(graph.node))):
        if needed.intersection(graph.node[index].output):
            needed.update(graph.node[index].input)
        else:
            del graph.node[index]
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in needed:
            del graph.initializer[index]


def _key(tensor: onnx.TensorProto) -> bytes:
    unnamed = onnx.TensorProto()
    unnamed.CopyFrom(tensor)
    unnamed.name = ""
    return hashlib.sha256(unnamed.SerializeToString(deterministic=True)).digest()


def _node_key(node: onnx.NodeProto) -> bytes:
    unnamed = onnx.NodeProto()
    unnamed.CopyFrom(node)
    unnamed.name = ""
    unnamed.output[:] = [""] * len(node.output)
    return hashlib.sha256(unnamed.SerializeToString(deterministic=True)).digest()
