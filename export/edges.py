"""Rows at the edges inside a graph: where a comparison, a limit, a rounding or a choice in it turns.

Bin edges, knots, break points, limits of clipping and ties all show as such a turn; each is found by bisection in input
space on the graph's own front part, so nothing has to be known about the step that wrote it.
"""

import numpy as np
import numpy.typing as npt
import onnx

from export.frame import Columns, take
from export.original import Answers
from export.part import Part, feeds_of, rows_of
from export.rows import RowMaker, moved, to_steps

TURNS = {  # operator -> the output that turns
    "Greater": 0, "GreaterOrEqual": 0, "Less": 0, "LessOrEqual": 0, "Equal": 0, "ArgMax": 0, "ArgMin": 0, "Floor": 0,
    "Ceil": 0, "Round": 0, "Sign": 0, "TopK": 1, "LabelEncoder": 0,
}  # fmt: skip
LIMITS = {"Max", "Min", "Clip", "Relu"}  # they turn where they stop to give their first input back
TENSORS = 200  # of a graph that are looked at
WIDE = 500  # numbers a row; wider tensors (distances to every training row) are left out
CHUNK = 1024
SIZES = (2, 3)  # numbers of rows that tell a tensor with a place for each row from one without
STEPS = (-3, -2, -1, 1, 2, 3)
ASIDE = (-(2**20), 2**20)  # 2e-10 of a number: off what a step in front of a choice rounds, and hardly further


def edges(model: onnx.ModelProto, maker: RowMaker, count: int) -> tuple[Columns, Columns]:
    """Make pairs of rows on both sides of edges, one input step apart, and the rows beside them.

    Args:
        model: the whole graph.
        maker: of the rows.
        count: of the rows on edges.

    Returns:
        The pairs, first the one sides, then the others; and around each of their numbers the 3 next ones on both
        sides, its float32 rounding and that one's neighbours.
    """
    turns = Turns(model)
    pairs = maker.boundaries(turns.answer, count) if turns.names else take(maker.table, np.arange(0))
    half = len(pairs[0]) // 2
    return pairs, _beside(take(pairs, np.arange(half)), take(pairs, np.arange(half, 2 * half)), maker)


def aside(pairs: Columns, count: int, maker: RowMaker) -> Columns:
    """Rows on both sides of pairs, so far off that rounding does not decide there.

    Args:
        pairs: `count` rows, then those beside them in the same order; what follows is left out.
        count: of the pairs.
        maker: of the rows.
    """
    low, high = (take(pairs, np.arange(start, start + count)) for start in (0, count))
    base, column, at = _differing(low, high, maker)
    parts = [take(low, np.arange(0)), *(moved(base, column, at + step) for step in ASIDE)]
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


class Turns:
    """What turns in a graph, as labels of a row."""

    def __init__(self, model: onnx.ModelProto) -> None:
        constants = {each.name for each in model.graph.initializer}
        self._limited: dict[str, str] = {}
        self.names: list[str] = []
        for node in model.graph.node:
            if node.op_type in TURNS:
                self.names.append(node.output[TURNS[node.op_type]])
            elif node.op_type in LIMITS and node.input[0] not in constants:
                self._limited[node.output[0]] = node.input[0]
                self.names.append(node.output[0])
        self.names = self.names[:TENSORS]
        inputs = {value.name for value in model.graph.input}
        wanted = dict.fromkeys([*self.names, *(self._limited[name] for name in self.names if name in self._limited)])
        self._part = Part(model, [name for name in wanted if name not in inputs])
        self._asked = False

    def _by_row(self, row: Columns) -> list[str]:
        """The names of tensors that hold something for each row: their length follows the number of rows."""
        names = self.names
        for rows in SIZES:
            feeds = feeds_of(take(row, np.zeros(rows, dtype=np.int64)))
            found = {**feeds, **self._part.run(feeds)}
            names = [name for name in names if found[name].ndim and len(found[name]) == rows]
        return names

    def answer(self, columns: Columns) -> Answers:
        """The bits of everything that turns, as labels."""
        rows = len(columns[0])
        if rows and not self._asked:
            self.names, self._asked = self._by_row(take(columns, np.arange(1))), True
        parts = [self._turned(values) for _, values in rows_of(columns, CHUNK)]
        labels = np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.int64)
        return Answers.sure(np.ones(rows, dtype=bool), labels, np.empty((rows, 0)))

    def _turned(self, values: Columns) -> npt.NDArray[np.int64]:
        rows, feeds = len(values[0]), feeds_of(values)
        found = {**feeds, **self._part.run(feeds)}
        turned = [np.empty((rows, 0), dtype=np.int64)]
        for name in self.names:
            tensor = found[name]
            if name in self._limited:
                tensor = tensor == found[self._limited[name]]
            if tensor.size <= WIDE * rows and tensor.dtype.kind in "bif":
                turned.append(tensor.reshape(rows, -1).astype(np.float64).view(np.int64))
        return np.concatenate(turned, axis=1)


def _differing(
    low: Columns, high: Columns, maker: RowMaker
) -> tuple[Columns, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs that differ in a column of floats: their first rows, that column, and its number's position."""
    rows = len(low[0])
    column = np.full(rows, -1)
    for index, (one, other) in enumerate(zip(low, high, strict=True)):
        if maker.schema.columns[index].type == "number" and one.dtype.kind == "f":
            column[(one != other) & ~(np.isnan(one) & np.isnan(other))] = index
    kept = np.flatnonzero(column >= 0)
    base, column = take(low, kept), column[kept]
    at = np.array([to_steps(base[index][[row]])[0] for row, index in enumerate(column)], dtype=np.int64)
    return base, column, at


def _beside(low: Columns, high: Columns, maker: RowMaker) -> Columns:
    """The rows around pairs that differ in one column of floats."""
    base, column, at = _differing(low, high, maker)
    parts = [take(low, np.arange(0))]
    for step in STEPS:
        parts.append(moved(base, column, at + step + (step > 0)))
    for direction in (-np.inf, 0.0, np.inf):
        rounded = [_rounded(base[index][row], direction) for row, index in enumerate(column)]
        parts.append(moved(base, column, np.array(rounded, dtype=np.int64)))
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def _rounded(number: np.floating, direction: float) -> int:
    """The position of a number rounded to float32, or of that one's neighbour."""
    with np.errstate(over="ignore"):
        single = np.float32(number)
        single = np.nextafter(single, np.float32(direction)) if direction else single
        found = number.dtype.type(single)
    return int(to_steps(np.array([found if np.isfinite(found) else number]))[0])
