"""The writer that knows where it is: refusals while a graph is written name the step's path and the column."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.preprocessing import FunctionTransformer

from export import write
from export.converters import REGISTRY
from export.errors import ExportError
from export.graph import Graph, Tensor
from export.support import paths

PLAIN = {"double", "int64", "bool"}  # what every step that computes takes


class Trace:
    """Writes estimators as `export.write` does.

    Args:
        estimator: fitted, the outermost one.
        columns: the name of each input of the graph.

    Attributes:
        nodes: (path of the step, operator) of each node, in the order of writing.
    """

    def __init__(self, estimator: Any, columns: Mapping[str, str]) -> None:
        self.paths, self.columns = paths(estimator), columns
        self.nodes: list[tuple[str, str]] = []
        self._said: ExportError | None = None
        self._inside = [""]

    def predict(self, graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
        """Write a model; see `export.write.predict`."""
        self._inside.append(self.paths.get(id(estimator), (None, self._inside[-1]))[1])
        try:
            return write.predict(graph, estimator, inputs)
        except ExportError as error:
            raise self.located(error, estimator, inputs) from None
        finally:
            self._inside.pop()

    def transform(self, graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
        """Write a transformer; see `export.write.transform`."""
        self._inside.append(self.paths.get(id(estimator), (None, self._inside[-1]))[1])
        try:
            return write.transform(graph, estimator, inputs)
        except ExportError as error:
            raise self.located(error, estimator, inputs) from None
        finally:
            self._inside.pop()

    def wrote(self, operator: str) -> None:
        """Note which step a node belongs to."""
        self.nodes.append((self._inside[-1], operator))

    def located(self, error: ExportError, estimator: Any, inputs: Sequence[Tensor]) -> ExportError:
        """The refusal with the path of the step that it is about, and the column where that is plain."""
        path = self.paths.get(id(estimator), (estimator, ""))[1]
        if error is self._said or not path:
            return error
        name = type(estimator).__name__.lower()
        column = error.column
        if error.step in {None, name}:
            column = column or self._column(estimator, inputs)
        else:  # about one inside it
            inner = [here for step, here in self.paths.values() if type(step).__name__.lower() == error.step]
            path = next((here for here in inner if here.startswith(f"{path} > ")), path)
        self._said = ExportError(error.reason, error.remedy, step=path, column=column)
        return self._said

    def _column(self, estimator: Any, inputs: Sequence[Tensor]) -> str | None:
        """The only column that the step takes, or the first one of a kind that it cannot compute with."""
        if len(inputs) > 1:
            computes = type(estimator) is FunctionTransformer or not REGISTRY[type(estimator)].takes_text
            inputs = [each for each in inputs if computes and each.kind not in PLAIN]
        return self.columns.get(inputs[0].name) if inputs else None
