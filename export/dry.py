"""Writing to nowhere: a graph's writer that goes on behind a refusal, to find the others."""

from collections.abc import Mapping, Sequence
from typing import Any

from export.converters import REGISTRY
from export.errors import ExportError
from export.graph import Graph, Tensor
from export.trace import Trace

ANSWERS = ("label", "probabilities", "scores", "value", "items")


class _Nowhere:
    """Stands for skl2onnx's scope and container: gives names, keeps no node, remembers what a refusal reaches."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.nodes: list[Any] = []
        self._count = 0

    def get_unique_variable_name(self, hint: str) -> str:
        self._count += 1
        return f"{hint}_{self._count}"

    get_unique_operator_name = get_unique_variable_name

    def add_initializer(self, name: str, kind: int, shape: list[int], content: Any) -> None:
        """Keep nothing."""

    def add_node(self, _operator: str, inputs: Sequence[str], outputs: Sequence[str], **_attributes: Any) -> None:
        """What is made of something unknown is unknown."""
        if not self.unknown.isdisjoint(inputs):
            self.unknown.update(outputs)


class Dry(Trace):
    """Collects refusals; behind a refused step only containers are entered.

    Args:
        estimator: fitted, the outermost one.
        columns: the name of each input of the graph.
        found: the refusals so far; new ones are added. The steps that they name are not written.
    """

    def __init__(self, estimator: Any, columns: Mapping[str, str], found: list[ExportError]) -> None:
        super().__init__(estimator, columns)
        self.nowhere = _Nowhere()
        self._found, self._refused = found, {each.step for each in found}

    def predict(self, graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
        """Write a model; unknown answers where it cannot be written."""
        if self._enters(estimator, inputs):
            try:
                return super().predict(graph, estimator, inputs)
            except ExportError as error:
                self._found.append(error)
        return {name: self._unknown() for name in ANSWERS}

    def transform(self, graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
        """Write a transformer; unknown columns where it cannot be written."""
        if self._enters(estimator, inputs):
            try:
                return super().transform(graph, estimator, inputs)
            except ExportError as error:
                self._found.append(error)
        return [Tensor(self._unknown(), "double", _width(estimator))]

    def _enters(self, estimator: Any, inputs: Sequence[Tensor]) -> bool:
        if type(estimator) not in REGISTRY or self.paths.get(id(estimator), (None, None))[1] in self._refused:
            return False
        inside = any(not isinstance(inner, str) for _, inner in REGISTRY[type(estimator)].members(estimator))
        return inside or self.nowhere.unknown.isdisjoint(each.name for each in inputs)

    def _unknown(self) -> str:
        name = self.nowhere.get_unique_variable_name("unknown")
        self.nowhere.unknown.add(name)
        return name


def dry_graph(writer: Dry) -> Graph:
    """A graph that keeps nothing."""
    return Graph(writer.nowhere, writer.nowhere, writer)


def _width(estimator: Any) -> int:
    try:
        return len(estimator.get_feature_names_out())
    except (AttributeError, ValueError, TypeError):
        return 1
