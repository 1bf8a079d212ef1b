"""A graph around one tensor: what comes in front of it, what reads it, and what comes behind.

A small fault shows first in the nodes beside it. They alone are run on many rows; the rest of the graph is run on a few
of the rows that they answer otherwise.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.frame import Columns, take
from export.mutants import Mutant
from export.part import Part, Tensors, ahead, feeds_of, needs
from lambda_handler.binding import answers_of
from lambda_handler.contract import Contract

FIRST, CHUNK = 509, 4093  # rows looked at together; no length of a constant, since an axis of rows is known by it
ELEMENTS = 2_000_000  # numbers looked at together
KEPT = 50_000_000  # numbers in front of one tensor that are kept
ASKED = 64  # of the rows that change, those of which the rest of the graph is asked
LARGEST = 32  # of these, the rows that change most; the others are spread over the rest

Answer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
Ints = npt.NDArray[np.int64]
Found = dict[str, npt.NDArray[Any]]


class Whole:
    """The whole graph, with all that stands beside some tensors.

    Args:
        model: stays unchanged.
        contract: of the bundle.
        values: graph values of the rows.
        tensors: constants and outputs of nodes.
    """

    def __init__(self, model: onnx.ModelProto, contract: Contract, values: Columns, tensors: Sequence[str]) -> None:
        self.model, self.contract, self.values = model, contract, values
        self.producers = {name: node for node in model.graph.node for name in node.output}
        self.constants = {each.name: each for each in model.graph.initializer}
        self.inputs = {value.name for value in model.graph.input}
        wanted = set(contract.form.outputs)
        for tensor in tensors:
            behind = ahead(model.graph, tensor)
            beside = [self.producers[tensor]] if tensor in self.producers else []
            wanted.update(name for node in [*behind, *beside] for name in self.read_by(node))
        self._part = Part(model, sorted(wanted - self.inputs))

    def read_by(self, node: onnx.NodeProto) -> list[str]:
        """The tensors that a node reads and that differ from row to row, or might."""
        return [name for name in dict.fromkeys(needs(node)) if name in self.producers or name in self.inputs]

    def known(self, values: Columns) -> Found:
        """All that stands beside the tensors, for some rows."""
        feeds = feeds_of(values)
        return {**feeds, **self._part.run(feeds)}

    def answer(self, found: Tensors, rows: int) -> Answer:
        """The answers among tensors."""
        return answers_of(self.contract, [found[name] for name in self.contract.form.outputs], rows)


class Around:
    """A graph, cut at one tensor.

    Args:
        whole: the graph.
        tensor: a constant or a node's output.
    """

    def __init__(self, whole: Whole, tensor: str) -> None:
        self._whole, self._tensor = whole, tensor
        graph = whole.model.graph
        own = whole.producers.get(tensor)
        self._beside = [own] if own else [node for node in graph.node if tensor in needs(node)]
        self._made = {name for node in ahead(graph, tensor) for name in node.output}
        self._read = sorted({name for node in self._beside for name in whole.read_by(node)})
        self._front = Part(whole.model, [name for name in self._read if name not in whole.inputs])
        value = None if own else onnx.numpy_helper.to_array(whole.constants[tensor])
        self._right = Mutant("", "", tensor, value=value, node=own)
        feeds = feeds_of(take(whole.values, np.zeros(1, dtype=np.int64)))
        found = {**feeds, **self._front.run(feeds)}
        self._example = {name: found[name] for name in self._read}
        self._pieces: dict[range, list[tuple[Ints, Found, Found]]] = {}
        self._near = self._part(self._right)
        self._behind: Part | None = None

    def tried(self, mutant: Mutant, rows: range) -> Iterator[tuple[Ints, Answer, Answer]]:
        """Some of the rows that the nodes beside the tensor answer otherwise: (rows, the right answers, the mutant's).

        Piece by piece of the rows; those that change most come first in their piece.
        """
        part = self._near if mutant.node is None else self._part(mutant)
        for index, known, right in self._looked_at(rows):
            picked = _picked(right, part.run(self._fed(mutant, known)), len(index))
            if len(picked):
                asked = index[picked]
                found = self._whole.known(take(self._whole.values, asked))
                before = self._answer(self._near, self._right, found, len(asked))
                yield asked, before, self._answer(part, mutant, found, len(asked))

    def _looked_at(self, rows: range) -> Iterator[tuple[Ints, Found, Found]]:
        """Rows, what the nodes beside the tensor read of them, and what these give; as many as may be kept."""
        pieces = self._pieces.setdefault(rows, [])
        yield from pieces
        start, size, kept = rows.start + sum(len(index) for index, _, _ in pieces), FIRST, 0
        if pieces:
            kept = sum(array.size for _, known, _ in pieces for array in known.values())
            size = _size(pieces[-1])
        while start < rows.stop and kept < KEPT:
            index = np.arange(start, min(start + size, rows.stop))
            feeds = feeds_of([np.asarray(array)[start : index[-1] + 1] for array in self._whole.values])
            found = {**feeds, **self._front.run(feeds)}
            known = {name: found[name] for name in self._read}
            piece = (index, known, self._near.run(self._fed(self._right, known)))
            pieces.append(piece)
            yield piece
            start, size = start + len(index), _size(piece)
            kept += sum(array.size for array in known.values())

    def _part(self, mutant: Mutant) -> Part:
        """The nodes beside the tensor; where the mutant changes a node, that one."""
        if mutant.value is not None:
            outputs = list(dict.fromkeys(name for node in self._beside for name in node.output if name))
            return Part(self._whole.model, outputs, {**self._example, self._tensor: mutant.value})
        assert mutant.node is not None
        alone = onnx.ModelProto(ir_version=self._whole.model.ir_version, opset_import=self._whole.model.opset_import)
        alone.graph.node.append(mutant.node)
        constants = self._whole.constants
        alone.graph.initializer.extend(constants[name] for name in needs(mutant.node) if name in constants)
        return Part(alone, [self._tensor], self._example)

    def _fed(self, mutant: Mutant, known: Found) -> Found:
        return known if mutant.value is None else {**known, self._tensor: mutant.value}

    def _answer(self, part: Part, mutant: Mutant, known: Found, rows: int) -> Answer:
        changed = part.run(known)[self._tensor] if mutant.value is None else mutant.value
        found = {**known, self._tensor: changed}
        if self._behind is None:
            wanted = [name for name in self._whole.contract.form.outputs if name in self._made]
            given = {name: array for name, array in found.items() if name not in self._made}
            self._behind = Part(self._whole.model, wanted, given)
        return self._whole.answer({**found, **self._behind.run(found)}, rows)


def _size(piece: tuple[Ints, Found, Found]) -> int:
    """How many rows are looked at next."""
    index, known, right = piece
    numbers = sum(array.size for found in (known, right) for array in found.values())
    return int(min(max(ELEMENTS * len(index) // max(numbers, 1), 64), CHUNK)) | 1


def _picked(right: Found, wrong: Found, rows: int) -> Ints:
    """Positions of rows that change: those that change most, and some of the others."""
    change = np.zeros(rows)
    for name, one in right.items():
        other = wrong[name]
        if one.shape != other.shape:
            change += 1.0
            continue
        apart = one != other
        if one.dtype.kind == "f":
            apart &= ~(np.isnan(one) & np.isnan(other))
        if not apart.any():
            continue
        with np.errstate(all="ignore"):
            sizes = np.abs(one - other).astype(np.float64) if one.dtype.kind in "fi" else apart.astype(np.float64)
        sizes = np.where(apart, np.nan_to_num(sizes, nan=1e300, posinf=1e300) + 1e-300, 0.0)
        axis = one.shape.index(rows) if rows in one.shape else None
        if axis is None:
            change += 1.0
        else:
            change += sizes.max(axis=tuple(each for each in range(one.ndim) if each != axis), initial=0.0)
    order = np.argsort(-change, kind="stable")[: int(np.count_nonzero(change))]
    rest = order[LARGEST:]
    picked: Ints = np.concatenate([order[:LARGEST], rest[:: max(-(-len(rest) // (ASKED - LARGEST)), 1)]])
    return picked
