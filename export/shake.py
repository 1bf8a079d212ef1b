"""A graph whose rounding is shaken: sums and functions a few float64 steps off, so that what hangs on rounding shows.

Sums of many terms come in an order of each runtime's own, and functions such as `exp` from a library of its own: their
last bits differ. Behind them nothing but a choice (a split of a tree, a comparison, a nearest centre) makes more of it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from export.graph import DOUBLE
from export.kinds import kinds
from export.part import needs

SUMS = {"MatMul", "Gemm", "ReduceSum", "ReduceMean"}
FUNCTIONS = {"Exp", "Log", "Pow", "Sigmoid", "Softmax", "Tanh", "Sin", "Cos"}
LOGICAL = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or"}
LOOSE = SUMS | FUNCTIONS  # operators whose last bits depend on the runtime
CHOICES = {
    "TreeEnsemble", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "ArgMax", "ArgMin", "TopK", "Floor",
    "Ceil", "Round", "Sign", "Mod", "LabelEncoder",
    "Sin", "Cos",  # of a large angle, the last bits decide all
}  # fmt: skip
NEAR = 8  # float64 steps: functions and sums in all our runtimes are nearer to each other
FAR = 32  # steps that still are rounding: rows that differ may do so by no more
WHOLE = 2.0**24  # whole numbers below it: products of two and sums of many are exact
HUGE = 1e300  # terms beyond it are not shaken: they overflow


def shaken(model: bytes, steps: int) -> bytes | None:
    """The same graph, each rounding operator's numbers moved by some steps up or down, otherwise at each run.

    A sum moves by steps of the sum of its terms' sizes, a function by its own. Whole numbers stay: sums of whole terms
    are exact, and so are functions where they give one.

    Args:
        model: a converted graph.
        steps: float64 steps, of the size of the numbers or terms.

    Returns:
        None where nothing in it chooses by rounded numbers.
    """
    parsed = onnx.load_from_string(model)
    graph = parsed.graph
    if not chooses(graph):
        return None
    _Shaker(_doubles(graph), graph).shake(graph)
    used = {name for each in _graphs(graph) for node in each.node for name in node.input}
    numbers = {"shake size": steps * 2.0**-52, "shake huge": HUGE, "shake whole": WHOLE, "shake none": 0.0}
    made = (numpy_helper.from_array(np.array(value), name) for name, value in numbers.items() if name in used)
    graph.initializer.extend(made)
    return bytes(parsed.SerializeToString())


def chooses(graph: onnx.GraphProto) -> bool:
    """Whether an answer hangs on a choice by rounded numbers."""
    rounded, whole = rounded_tensors(graph), _whole(graph)
    chosen: set[str] = set()
    for node in graph.node:
        read = set(needs(node))
        inside = bool(_bodies(node)) and any(is_loose(each, whole) for each in _inside(node))
        if not chosen.isdisjoint(read) or ((inside or not rounded.isdisjoint(read)) and _may_choose(node)):
            chosen.update(node.output)
    return not chosen.isdisjoint(value.name for value in graph.output)


def rounded_tensors(graph: onnx.GraphProto) -> set[str]:
    """The tensors that hang on an operator that rounds otherwise in another runtime."""
    whole = _whole(graph)
    rounded: set[str] = set()
    for node in graph.node:
        if not rounded.isdisjoint(needs(node)) or any(is_loose(each, whole) for each in _inside(node)):
            rounded.update(node.output)
    return rounded


def is_loose(node: onnx.NodeProto, whole: set[str]) -> bool:
    """Whether an operator rounds otherwise in another runtime; sums of whole terms are exact."""
    return node.op_type in LOOSE and not (node.op_type in SUMS and whole.issuperset(node.input[:2]))


def operators(graph: onnx.GraphProto) -> set[str]:
    """What the graph computes with, also inside its loops and branches."""
    return {node.op_type for each in _graphs(graph) for node in each.node}


def _may_choose(node: onnx.NodeProto) -> bool:
    return any(
        each.op_type in CHOICES or any(attribute.name == "to" and attribute.i != DOUBLE for attribute in each.attribute)
        for each in _inside(node)
    )


def _inside(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """A node and those of the graphs inside it."""
    yield node
    for body in _bodies(node):
        for inner in body.node:
            yield from _inside(inner)


def _whole(graph: onnx.GraphProto) -> set[str]:
    """Constants of whole numbers, and numbers made of booleans; also inside loops and branches."""
    found: set[str] = set()
    for each in _graphs(graph):
        doubles = (tensor for tensor in each.initializer if tensor.data_type == DOUBLE)
        found.update(tensor.name for tensor in doubles if _is_whole(numpy_helper.to_array(tensor)))
        logical = {node.output[0] for node in each.node if node.op_type in LOGICAL}
        found.update(node.output[0] for node in each.node if node.op_type == "Cast" and node.input[0] in logical)
    return found


def _is_whole(array: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> bool:
    return bool(((array == np.floor(array)) & (np.abs(array) < WHOLE)).all())


def _bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for body in _bodies(node):
            yield from _graphs(body)


def _doubles(graph: onnx.GraphProto) -> set[str]:
    """The tensors of float64, also inside loops and branches."""
    return {name for name, kind in kinds(graph, {}).items() if kind == DOUBLE}


class _Shaker:
    """Writes the noise behind each rounding operator.

    Args:
        doubles: the tensors of float64.
        graph: the whole one.
    """

    def __init__(self, doubles: set[str], graph: onnx.GraphProto) -> None:
        self._doubles, self._whole = doubles, _whole(graph)
        self._count = 0
        self._made: list[onnx.NodeProto] = []

    def shake(self, graph: onnx.GraphProto) -> None:
        """Shake a graph and those inside it, in place."""
        nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            for body in _bodies(node):
                self.shake(body)
            loose = is_loose(node, self._whole) and node.output[0] in self._doubles
            nodes.extend(self._moved(node) if loose else [node])
        del graph.node[:]
        graph.node.extend(nodes)

    def _moved(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The node under another name, and what makes its output of that."""
        self._made = []
        name, still = node.output[0], self._copied(node)
        size = self._add("Abs", still) if node.op_type in FUNCTIONS else self._terms(node)
        small = self._add("Where", self._add("Less", size, "shake huge"), size, "shake none")
        seed = float(self._count)
        drawn = self._keep(helper.make_node("RandomUniformLike", [still], [""], low=-1.0, high=1.0, seed=seed))
        noise = self._add("Mul", self._add("Mul", small, "shake size"), self._add("Sign", drawn))
        moved = self._add("Add", still, noise)
        if node.op_type in FUNCTIONS:
            self._add("Where", self._exact(still, size), still, moved)
        self._made[-1].output[0] = name
        return self._made

    def _terms(self, node: onnx.NodeProto) -> str:
        """The sum of the terms' sizes; whole ones are left out where all that they are multiplied by is whole."""
        alone = node.op_type.startswith("Reduce")
        sizes = [self._add("Abs", name) for name in (node.input[:1] if alone else node.input)]
        if (alone or node.input[1] in self._whole) and node.input[0] not in self._whole:
            sizes[0] = self._add("Where", self._exact(node.input[0], sizes[0]), "shake none", sizes[0])
        return self._copied(node, sizes)

    def _exact(self, numbers: str, sizes: str) -> str:
        whole = self._add("Equal", numbers, self._add("Floor", numbers))
        return self._add("And", whole, self._add("Less", sizes, "shake whole"))

    def _copied(self, node: onnx.NodeProto, inputs: Sequence[str] = ()) -> str:
        """The same operator with other inputs first, under another name."""
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[: len(inputs)] = inputs
        return self._keep(copy)

    def _add(self, operator: str, *inputs: str) -> str:
        return self._keep(helper.make_node(operator, list(inputs), [""]))

    def _keep(self, node: onnx.NodeProto) -> str:
        self._count += 1
        name = f"shake {self._count}"
        node.output[0] = name
        self._made.append(node)
        return name
