"""A thin hand on skl2onnx's graph container: every converter writes its nodes through it."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

from export.errors import ExportError

OPSET = 21
ML_OPSET = 5
SKL2ONNX_ML_OPSET = 3  # the newest that skl2onnx lets a node declare; the finished model is stamped with ML_OPSET
IR_VERSION = 10
ML = "ai.onnx.ml"
MICROSOFT = "com.microsoft"  # operators of onnxruntime itself; onnxruntime-web has them, too
ENDLESS = {"Log", "Exp", "Pow", "Reciprocal", "MatMul", "Gemm", "ReduceSum"}
DOUBLE, INT64 = TensorProto.DOUBLE, TensorProto.INT64


@dataclass(frozen=True)
class Tensor:
    """A value in the graph, of shape (n_rows, width).

    Attributes:
        name: in the graph.
        kind: what it holds: double, float, int64, bool or string.
        width: its columns.
        sparse: scikit-learn has a sparse matrix here, and some steps compute otherwise then; in the graph it is dense.
    """

    name: str
    kind: str
    width: int
    sparse: bool = False


class Writer(Protocol):
    """How an estimator inside another one is written: `export.write`."""

    def predict(self, graph: "Graph", estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
        """Write a model."""

    def transform(self, graph: "Graph", estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
        """Write a transformer."""

    def wrote(self, operator: str) -> None:
        """Hear of each node."""


class Graph:
    """Adds nodes and constants under unique names.

    Args:
        scope: skl2onnx's scope, which names things.
        container: skl2onnx's container, which collects them.
        writer: how an estimator inside another one is written.
    """

    def __init__(self, scope: Any, container: Any, writer: Writer) -> None:
        self._scope, self._container, self._writer = scope, container, writer

    def predict(self, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
        """Write a model inside another one; its answers by name, as `Converter.predict` gives them."""
        return self._writer.predict(self, estimator, inputs)

    def transform(self, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
        """Write a transformer inside another estimator; its columns."""
        return self._writer.transform(self, estimator, inputs)

    def name(self, hint: str) -> str:
        """A name that nothing else in the graph has."""
        name: str = self._scope.get_unique_variable_name(hint)
        return name

    def constant(self, array: npt.NDArray[Any], hint: str) -> str:
        """Store an array (its dtype is kept; object arrays are strings) and return its name."""
        name = self.name(hint)
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        content = list(tensor.string_data) if tensor.data_type == TensorProto.STRING else tensor
        self._container.add_initializer(name, tensor.data_type, list(array.shape), content)
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", output: str | None = None, **attributes: Any) -> str:
        """Add one node with one output and return the output's name."""
        name = output or self.name(operator.lower())
        self._write(operator, inputs, [name], domain, attributes)
        return name

    def add_several(self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add one node with several outputs and return their names."""
        names = [self.name(operator.lower()) for _ in range(outputs)]
        self._write(operator, inputs, names, domain, attributes)
        return names

    def _write(self, operator: str, inputs: Any, outputs: list[str], domain: str, attributes: dict[str, Any]) -> None:
        self._writer.wrote(operator)
        self._container.add_node(
            operator,
            list(inputs),
            outputs,
            op_domain=domain,
            op_version=SKL2ONNX_ML_OPSET if domain == ML else OPSET,
            name=self._scope.get_unique_operator_name(operator),
            **attributes,
        )

    def may_be_endless(self, name: str) -> bool:
        """Whether a tensor hangs on an operator of `ENDLESS`: single finite numbers may become infinite there."""
        seen = {name}
        for node in reversed(self._container.nodes):
            if not seen.isdisjoint(node.output):
                if node.op_type in ENDLESS:
                    return True
                seen.update(node.input)
        return False

    def double(self, tensor: Tensor) -> str:
        """The tensor as float64 (NumPy rounds int64 the same way)."""
        if tensor.kind == "string":
            raise ExportError("text cannot be used as a number", "Convert or encode the column and fit again.")
        return tensor.name if tensor.kind == "double" else self.add("Cast", tensor.name, to=DOUBLE)

    def matrix(self, tensors: list[Tensor]) -> str:
        """All tensors side by side as float64 of shape (n_rows, n_columns)."""
        if len(tensors) == 1:
            return self.double(tensors[0])
        kinds = {tensor.kind for tensor in tensors}
        if kinds == {"double"} or len(kinds) > 1 or "string" in kinds:
            return self.add("Concat", *(self.double(tensor) for tensor in tensors), axis=1)
        joined = self.add("Concat", *(tensor.name for tensor in tensors), axis=1)
        return self.add("Cast", joined, to=DOUBLE)

    def single(self, tensors: list[Tensor]) -> str:
        """All tensors side by side for a step that rounds to float32: whole numbers already rounded, at once.

        By way of float64 they would be rounded twice, which is not the same beyond 2**53.
        """
        if not {tensor.kind for tensor in tensors} <= {"int64", "bool"}:
            return self.matrix(tensors)
        names = [self.add("Cast", tensor.name, to=TensorProto.FLOAT) for tensor in tensors]
        return self.add("Concat", *names, axis=1) if len(names) > 1 else names[0]

    def split(self, tensors: list[Tensor]) -> list[Tensor]:
        """The same columns, each a tensor of its own."""
        columns = []
        for tensor in tensors:
            if tensor.width == 1:
                columns.append(tensor)
                continue
            for column in range(tensor.width):
                if tensor.kind == "string":  # Gather drops strings there
                    bounds = (self.constant(np.array([n]), "column") for n in (column, column + 1, 1))
                    name = self.add("Slice", tensor.name, *bounds)
                else:
                    name = self.add("Gather", tensor.name, self.constant(np.array([column]), "column"), axis=1)
                columns.append(Tensor(name, tensor.kind, 1, tensor.sparse))
        return columns

    def chosen(self, matrix: str, columns: npt.ArrayLike) -> str:
        """Columns of a number matrix by position, of shape (n_rows, n_chosen)."""
        return self.add("Gather", matrix, self.constant(np.asarray(columns, dtype=np.int64), "chosen"), axis=1)
