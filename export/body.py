"""The body of a Scan or Loop: a graph inside the graph, which uses nothing from outside."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Value = tuple[int, list[int | None]]


class Body:
    """Adds nodes and constants under unique names.

    Args:
        prefix: of all names; no other body of the model may have it.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def name(self, hint: str) -> str:
        """A name that nothing else has."""
        return f"{self._prefix}_{hint}_{len(self._nodes)}_{len(self._constants)}"

    def constant(self, array: npt.NDArray[Any], hint: str) -> str:
        """Store an array (its dtype is kept; object arrays are strings) and return its name."""
        name = self.name(hint)
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", output: str | None = None, **attributes: Any) -> str:
        """Add one node with one output and return the output's name."""
        name = output or self.name(operator.lower())
        node = helper.make_node(operator, list(inputs), [name], name=f"n_{name}", domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def proto(self, inputs: dict[str, Value], outputs: dict[str, Value]) -> onnx.GraphProto:
        """The graph, with its inputs and outputs: name -> element type and shape, None where a length varies."""
        taken, given = (
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in told.items()]
            for told in (inputs, outputs)
        )
        return helper.make_graph(self._nodes, self._prefix, taken, given, self._constants)
