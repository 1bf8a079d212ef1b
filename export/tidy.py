"""Leave out of a graph what it holds twice or does not need."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from string import ascii_letters

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

DOUBLE = onnx.TensorProto.DOUBLE
NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}


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


def guard(graph: onnx.GraphProto) -> None:
    """Keep sums and products with a number that only float32 takes for 0 or 1.

    onnxruntime (NoopElimination) drops `x + c`, `x - c`, `x * c` and `x / c` of a c with one element by its value as
    float32. With two elements it stays: x * [c, c] of x[..., None], of which the first is taken.
    """
    numbers = {each.name: numpy_helper.to_array(each) for each in graph.initializer if each.data_type == DOUBLE}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in numbers:  # skl2onnx writes one for an equal constant
            numbers[node.output[0]] = numbers[node.input[0]]
        places = [place for place, name in enumerate(node.input) if _looks_neutral(node, place, numbers.get(name))]
        if not places:
            kept.append(node)
            continue
        place, output = places[0], node.output[0]
        twice, axis, first, deep, pair = (f"{output}_{part}" for part in ("twice", "axis", "first", "deep", "pair"))
        number = numbers[node.input[place]].reshape(-1)
        for name, array in ((twice, number.repeat(2)), (axis, np.array([-1])), (first, np.array(0))):
            graph.initializer.append(numpy_helper.from_array(array, name))
        inputs = [twice if index == place else deep for index in range(2)]
        kept += [
            onnx.helper.make_node("Unsqueeze", [node.input[1 - place], axis], [deep]),
            onnx.helper.make_node(node.op_type, inputs, [pair]),
            onnx.helper.make_node("Gather", [pair, first], [output], axis=-1),
        ]
    del graph.node[:]
    graph.node.extend(kept)


def shorten(graph: onnx.GraphProto) -> None:
    """Give what is neither input nor output of the graph a short name, in the order of use, and nodes none."""
    fixed = {value.name for value in [*graph.input, *graph.output]}
    names: dict[str, str] = {name: name for name in ["", *fixed]}
    short = (name for name in _words() if name not in fixed)

    def renamed(name: str) -> str:
        if name not in names:
            names[name] = next(short)
        return names[name]

    _rename_all(graph, renamed)


def _words() -> Iterator[str]:
    """Count in letters: a, b, … Z, aa, ab and on."""
    for index in count():
        word, rest = "", index + 1
        while rest:
            rest, letter = divmod(rest - 1, len(ascii_letters))
            word = ascii_letters[letter] + word
        yield word


def _rename_all(graph: onnx.GraphProto, renamed: Callable[[str], str]) -> None:
    """Rename what a graph and those inside it hold; nodes and tensors of attributes are read by no name."""
    for node in graph.node:
        node.ClearField("name")
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("t"):
                attribute.t.ClearField("name")
            elif attribute.HasField("g"):
                _rename_all(attribute.g, renamed)
    for each in [*graph.initializer, *graph.input, *graph.output]:
        each.name = renamed(each.name)


def _looks_neutral(node: onnx.NodeProto, place: int, number: npt.NDArray[np.float64] | None) -> bool:
    if node.op_type not in NEUTRAL or number is None or number.size != 1 or number.ndim > 2:
        return False
    neutral = NEUTRAL[node.op_type]
    behind = place == 1 or node.op_type in {"Add", "Mul"}
    return bool(behind and number.reshape(-1)[0] != neutral and np.float32(number.reshape(-1)[0]) == neutral)


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
