"""Columns first: the steps in front of a model run on matrices of shape (n_columns, n_rows).

The table comes column by column, and what scikit-learn does to it is another constant per column. onnxruntime applies
such a row of constants to a matrix of shape (n_rows, n_columns) a few numbers at a time; on the matrix turned over,
each constant meets a whole column in one loop. So `Concat`, `Gather` and the elementwise operators with a row of
constants are written for the matrix turned over, and the result is turned back where another operator reads it. No
number changes; a matrix product (whose sums have no order of their own, see `export.fold`) reads the turned one.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from export.fold import Product, attributes_of, fold

ELEMENTWISE = frozenset(
    """
    Abs Add And Cast Ceil Clip Div Equal Exp Floor Greater GreaterOrEqual Identity IsNaN LabelEncoder Less LessOrEqual
    Log Max Min Mul Neg Not Or Pow Reciprocal Relu Round Sign Sqrt Sub Where Xor
    """.split()  # noqa: SIM905 - a list of names, not of quotes
)


def columns_first(graph: onnx.GraphProto) -> None:
    """Rewrite a finished graph in place; nodes that nothing reads any more stay behind."""
    _name_once(graph)
    turn = _Turn(graph)
    for node in list(graph.node):
        turn.take(node)
    for output in graph.output:
        turn.natural(output.name)
    del graph.node[:]
    graph.node.extend(turn.nodes)


class _Turn:
    """Takes node after node and writes the new ones.

    Attributes:
        nodes: those written.
        width: name of a tensor of shape (n_rows, width) -> width, as far as it is known.
        recipes: name of a tensor that can be turned over -> the node that made it.
        constants: by name.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.width = {value.name: 1 for value in graph.input}
        self.recipes: dict[str, onnx.NodeProto] = {}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self._graph = graph
        self._text = {each.name for each in graph.input if each.type.tensor_type.elem_type == TensorProto.STRING}
        self._turned: dict[str, str] = {}
        self._written = {value.name for value in graph.input} | set(self.constants)
        self._products: dict[str, Product] = {}
        self._readers: dict[str, int] = {output.name: 2 for output in graph.output}
        for node in graph.node:
            for name in _reads(node):
                self._readers[name] = self._readers.get(name, 0) + 1

    def take(self, node: onnx.NodeProto) -> None:
        """Write one node: for the matrix turned over where that pays, else as it is."""
        width = self._width_of(node)
        if width is not None:
            self.width[node.output[0]] = width
            if _gives_text(node) or (_keeps_type(node) and self._text.intersection(node.input)):
                self._text.add(node.output[0])
            if all(name in self.constants or self._turns(name) for name in node.input):
                self.recipes[node.output[0]] = node
                if self._pays(node):
                    self._turn_node(node)
                    return
        if node.op_type == "MatMul" and self.turnable(node.input[0]) and len(self.shape(node.input[1])) == 2:
            self._products[node.output[0]] = fold(self, node)
        elif self._adds_row(node):
            self._products.pop(node.input[0]).add(node.input[1], node.output[0])
        elif node.op_type == "Transpose" and self.turnable(node.input[0]):
            self.nodes.append(onnx.helper.make_node("Identity", [self.turned(node.input[0])], node.output, node.name))
        else:
            for name in _reads(node):
                self.natural(name)
            self.nodes.append(node)
        self._written.update(node.output)

    def natural(self, name: str) -> None:
        """See to it that the tensor itself is there, of shape (n_rows, width)."""
        if name in self._turned and name not in self._written:
            back = onnx.helper.make_node("Transpose", [self._turned[name]], [name], f"{name}_back", perm=[1, 0])
            self.nodes.append(back)
            self._written.add(name)

    def turnable(self, name: str) -> bool:
        """Whether a matrix is turned over already, and a single column is there in that form only."""
        return name in self._turned and (self.width[name] > 1 or name not in self._written)

    def turned(self, name: str) -> str:
        """The tensor of shape (width, n_rows)."""
        if name not in self._turned:
            if self.width[name] == 1:
                self._turned[name] = self._reshaped(name, name, 1)
            else:
                self._turn_node(self.recipes[name])
        return self._turned[name]

    def constant(self, array: npt.NDArray[np.generic], name: str) -> str:
        """Store an array once under a name of its own."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(array, name)
            self._graph.initializer.append(self.constants[name])
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a constant; () for a tensor."""
        return tuple(self.constants[name].dims) if name in self.constants else ()

    def _turn_node(self, node: onnx.NodeProto) -> None:
        name = node.output[0]
        turned = onnx.NodeProto()
        turned.CopyFrom(node)
        turned.name = f"{node.name}_columns"
        for attribute in turned.attribute:
            if attribute.name == "axis":
                attribute.i = 0
        if node.op_type == "Concat" and all(self.width[each] == 1 for each in node.input):
            turned.output[0] = f"{name}_stacked"
            for each in node.input:
                self.natural(each)
            self.nodes.append(turned)
            self._turned[name] = self._reshaped(turned.output[0], name, len(node.input))
            return
        if node.op_type == "Gather":
            turned.input[0] = self.turned(node.input[0])
        else:
            turned.input[:] = [
                self._column(each) if each in self.constants else self.turned(each) for each in node.input
            ]
        turned.output[0] = f"{name}_columns"
        self.nodes.append(turned)
        self._turned[name] = turned.output[0]

    def _reshaped(self, source: str, name: str, width: int) -> str:
        shape = self.constant(np.array([width, -1]), f"columns_{width}")
        turned = f"{name}_columns"
        self.natural(source)
        self.nodes.append(onnx.helper.make_node("Reshape", [source, shape], [turned], turned))
        return turned

    def _column(self, name: str) -> str:
        """A row of constants as a column; what is one number for all columns stays."""
        width = int(np.prod(self.shape(name)))
        if width == 1:
            return name
        return self.constant(numpy_helper.to_array(self.constants[name]).reshape(width, 1), f"{name}_column")

    def _turns(self, name: str) -> bool:
        return name in self._turned or name in self.recipes or self.width.get(name) == 1

    def _pays(self, node: onnx.NodeProto) -> bool:
        """Whether a row of constants meets the matrix, columns are picked, or it is turned over already."""
        if any(self.turnable(name) for name in node.input):
            return True
        if node.op_type in {"Concat", "LabelEncoder"}:
            return False
        widths = [self._columns_of(name) or 1 for name in node.input]
        return node.op_type == "Gather" or (len(widths) > 1 and max(widths) > 1 and self._meets_row(node))

    def _adds_row(self, node: onnx.NodeProto) -> bool:
        """Whether constants are added to a product that nothing else reads."""
        if node.op_type != "Add" or node.input[0] not in self._products or node.input[1] not in self.constants:
            return False
        return self._readers[node.input[0]] == 1

    def _meets_row(self, node: onnx.NodeProto) -> bool:
        return any(int(np.prod(self.shape(name))) > 1 for name in node.input if name in self.constants)

    def _width_of(self, node: onnx.NodeProto) -> int | None:
        """The columns of what a node gives, where it is one that can be turned over."""
        attributes = attributes_of(node)
        if node.op_type == "Concat" and attributes["axis"] == 1 and all(name in self.width for name in node.input):
            return sum(self.width[name] for name in node.input)
        if node.op_type == "Gather" and attributes.get("axis") == 1 and node.input[0] in self.width:
            shape = self.shape(node.input[1])
            return shape[0] if len(shape) == 1 and node.input[0] not in self._text else None
        if node.op_type not in ELEMENTWISE or not any(name in self.width for name in node.input):
            return None
        widths = {self._columns_of(name) for name in node.input} - {1}
        if None in widths or len(widths) > 1:
            return None
        return widths.pop() if widths else 1

    def _columns_of(self, name: str) -> int | None:
        """The columns that a tensor or a constant stands for; None where it is neither of rows nor a row."""
        if name in self.width:
            return self.width[name]
        shape = self.shape(name)
        if name not in self.constants or len(shape) > 2 or (len(shape) == 2 and shape[0] != 1):
            return None
        return int(np.prod(shape))


def _name_once(graph: onnx.GraphProto) -> None:
    """Read constants under their own names: skl2onnx keeps one of equal ones, and copies of it by `Identity`."""
    constants = {tensor.name for tensor in graph.initializer}
    names: dict[str, str] = {}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.input[0] in constants:
            names[node.output[0]] = node.input[0]


def _reads(node: onnx.NodeProto) -> list[str]:
    """What a node reads, its subgraphs included."""
    bodies = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*node.input, *(name for body in bodies for inner in body.node for name in _reads(inner))]


def _gives_text(node: onnx.NodeProto) -> bool:
    attributes = attributes_of(node)
    if node.op_type == "LabelEncoder":
        values = attributes.get("values_tensor")
        return "values_strings" in attributes or (values is not None and values.data_type == TensorProto.STRING)
    return bool(node.op_type == "Cast" and attributes["to"] == TensorProto.STRING)


def _keeps_type(node: onnx.NodeProto) -> bool:
    return node.op_type in {"Concat", "Where", "Identity"}
