"""Part of a graph as a session of its own: between tensors that are given and tensors that are wanted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from lambda_handler.binding import make_session

Tensors = Mapping[str, npt.NDArray[Any]]


class Part:
    """What computes some tensors of a graph.

    Args:
        model: the whole graph.
        wanted: names of the tensors to compute.
        given: tensors that are fed in place of being computed (constants, too), each with an example value, of which
            the type counts.
    """

    def __init__(self, model: onnx.ModelProto, wanted: Sequence[str], given: Tensors | None = None) -> None:
        self.wanted, self._given = list(wanted), dict(given or {})
        nodes = list(behind(model.graph, wanted, self._given))
        used = {name for node in nodes for name in needs(node)} | set(wanted)
        inputs = [value for value in model.graph.input if value.name in used]
        own = {value.name for value in inputs}
        inputs += [_declared(name, value) for name, value in self._given.items() if name in used - own]
        self._fed = {value.name for value in inputs}
        constants = [each for each in model.graph.initializer if each.name in used and each.name not in self._given]
        outputs = [onnx.ValueInfoProto(name=name) for name in self.wanted]
        graph = onnx.helper.make_graph(nodes, "part", inputs, outputs, constants)
        part = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
        self._session = make_session(part.SerializeToString()) if self.wanted else None

    def run(self, feeds: Tensors) -> dict[str, npt.NDArray[Any]]:
        """Compute the wanted tensors; of `feeds` (inputs of the graph and given tensors) those needed are taken."""
        if self._session is None:
            return {}
        found = self._session.run(self.wanted, {name: feeds[name] for name in self._fed})
        return dict(zip(self.wanted, found, strict=True))


def needs(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node reads, also inside its loops and branches (their own tensors among them)."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                yield from needs(inner)
            yield from (value.name for value in attribute.g.output)


def behind(graph: onnx.GraphProto, wanted: Iterable[str], given: Iterable[str]) -> Iterator[onnx.NodeProto]:
    """The nodes that compute `wanted` out of `given`, inputs and constants, in the graph's order."""
    stop, seen = set(given), set(wanted)
    kept = []
    for node in reversed(graph.node):
        if any(name in seen and name not in stop for name in node.output):
            kept.append(node)
            seen.update(needs(node))
    yield from reversed(kept)


def ahead(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """The nodes that depend on a tensor, in the graph's order."""
    seen = {name}
    kept = []
    for node in graph.node:
        if not seen.isdisjoint(needs(node)):
            kept.append(node)
            seen.update(node.output)
    return kept


def feeds_of(columns: Sequence[npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Graph values of rows as the graph's inputs."""
    return {f"x{index}": array.reshape(-1, 1) for index, array in enumerate(columns)}


def _declared(name: str, value: npt.NDArray[Any]) -> onnx.ValueInfoProto:
    kind = onnx.TensorProto.STRING if value.dtype.kind in "OU" else onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    return onnx.helper.make_tensor_value_info(name, kind, None)


def rows_of(columns: Sequence[npt.NDArray[Any]], size: int) -> Iterator[tuple[slice, list[npt.NDArray[Any]]]]:
    """Rows in pieces of at most `size`."""
    for start in range(0, len(columns[0]), size):
        piece = slice(start, start + size)
        yield piece, [np.asarray(array)[piece] for array in columns]
