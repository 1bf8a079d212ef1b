"""Row by row inside the graph: `Scan` bodies, loops and branches, written like the graph around them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from export.graph import DOUBLE, INT64, Graph

BOOL = TensorProto.BOOL


class Value(NamedTuple):
    """A tensor's name, what it holds, and its shape where the runtime must know it."""

    name: str
    kind: int
    shape: tuple[int | None, ...] | None = None


class _Collected:
    """Takes the nodes and constants of a subgraph, as skl2onnx's container takes those of the whole graph."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add_initializer(self, name: str, kind: int, shape: list[int], content: Any) -> None:
        """Store a constant: a tensor of numbers, or a list of texts."""
        self.constants.append(
            content if isinstance(content, TensorProto) else helper.make_tensor(name, kind, shape, content)
        )

    def add_node(
        self, operator: str, inputs: list[str], outputs: list[str], op_domain: str, op_version: int, **attributes: Any
    ) -> None:
        """Store a node."""
        del op_version  # the finished model is stamped with it
        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=op_domain, **attributes))


def subgraph(graph: Graph, inputs: Sequence[Value], write: Callable[[Graph], Sequence[Value]]) -> GraphProto:
    """Write a subgraph; it may use names of the graph around it.

    Args:
        graph: around it.
        inputs: its own inputs, under names from `fresh`.
        write: adds its nodes and returns its outputs, which must be outputs of nodes in it.
    """
    inside = _Collected()
    outputs = write(Graph(graph._scope, inside, graph._writer))
    infos = [[helper.make_tensor_value_info(*value) for value in each] for each in (inputs, outputs)]
    return helper.make_graph(inside.nodes, "body", infos[0], infos[1], inside.constants)


def fresh(graph: Graph, hint: str) -> str:
    """A name that nothing else bears."""
    name: str = graph._scope.get_unique_variable_name(hint)
    return name


def add_several(graph: Graph, operator: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
    """Add one node with several outputs and return their names."""
    names = [fresh(graph, operator.lower()) for _ in range(count)]
    graph._container.add_node(
        operator, list(inputs), names, op_domain="", op_version=21, name=fresh(graph, operator), **attributes
    )
    return names


def each_row(
    graph: Graph, matrix: str, write: Callable[[Graph, str], Sequence[Value]], kind: int = DOUBLE
) -> list[str]:
    """Write `Scan`: the same nodes for every row of a matrix, so that memory does not grow with the batch.

    Args:
        graph: where to.
        matrix: of shape (n_rows, n_columns).
        write: given the body and one row, of shape (n_columns,), adds the body's nodes and returns its outputs, with
            their shapes.
        kind: what the matrix holds.

    Returns:
        Per output of the body one tensor with the rows in front: shape (n_rows, …).
    """
    row = fresh(graph, "row")
    made = subgraph(graph, [Value(row, kind)], lambda inner: write(inner, row))
    return add_several(graph, "Scan", [matrix], len(made.output), body=made, num_scan_inputs=1)


def either(
    graph: Graph,
    condition: str,
    then: Callable[[Graph], Sequence[Value]],
    otherwise: Callable[[Graph], Sequence[Value]],
) -> list[str]:
    """Write `If`: only the branch that is needed is computed."""
    branches = [subgraph(graph, [], write) for write in (then, otherwise)]
    count = len(branches[0].output)
    return add_several(graph, "If", [condition], count, then_branch=branches[0], else_branch=branches[1])


def repeat(
    graph: Graph, going: str, state: Sequence[Value], write: Callable[[Graph, list[str]], tuple[str, Sequence[Value]]]
) -> list[str]:
    """Write `Loop` until a condition is false.

    Args:
        graph: where to.
        going: bool scalar, whether to begin at all.
        state: what is handed from turn to turn, at the beginning.
        write: given the body and the state's names, adds nodes; returns the condition and the next state.

    Returns:
        The last state.
    """
    turn, before = fresh(graph, "turn"), fresh(graph, "going")
    names = [fresh(graph, "state") for _ in state]

    def body(inner: Graph) -> Sequence[Value]:
        condition, after = write(inner, names)
        return [Value(condition, BOOL), *after]

    taken = [Value(turn, INT64, ()), Value(before, BOOL, ())]
    taken += [Value(name, value.kind, value.shape) for name, value in zip(names, state, strict=True)]
    made = subgraph(graph, taken, body)
    most = graph.constant(np.array(2**31 - 1), "turns")
    return add_several(graph, "Loop", [most, going, *(value.name for value in state)], len(state), body=made)
