"""The mutation score: would the stored rows notice a graph that is wrong in one small place?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.distance import within
from export.frame import Columns
from export.mutants import Mutant
from export.part import Part, Tensors, ahead, feeds_of, needs, rows_of
from lambda_handler.binding import answers_of
from lambda_handler.contract import Contract

CHUNK = 256  # rows asked at a time; the first stored rows notice most faults

Answer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
Flags = npt.NDArray[np.bool_]

INSIDE = "answers change by less than the tolerance"
SILENT = "no row's answer changes: no row that was tried reaches it, or it cannot matter"
UNSTORED = "rows that were held against the original notice it; none of them is stored"


@dataclass(frozen=True)
class Trial:
    """Rows that mutants are tried on; all of them were held against the original.

    Attributes:
        values: graph values, stored rows first.
        stored: how many of them the bundle holds.
        decidable: which of their labels are compared, of shape (n_rows, n_labels).
    """

    values: Columns
    stored: int
    decidable: Flags


def mutation_score(
    model: onnx.ModelProto,
    contract: Contract,
    trial: Trial,
    made: Sequence[Mutant],
    advance: Callable[[int, int], None],
) -> dict[str, Any]:
    """Change the graph in one place at a time and count the changes that the stored rows notice.

    Args:
        model: the certified graph; stays unchanged.
        contract: of the bundle.
        trial: the rows.
        made: the mutants.
        advance: called with (done, total) after each mutant.

    Returns:
        `mutants`, `effective` (an answer changes by more than the tolerance on some row), `caught` (on a stored row),
        the same by kind, and the survivors, each with its place and the reason.
    """
    kinds: dict[str, dict[str, int]] = {}
    survivors = []
    verdicts = _verdicts(model, contract, trial, made)
    for done, (kind, place, reason) in enumerate(verdicts):
        count = kinds.setdefault(kind, {"mutants": 0, "effective": 0, "caught": 0})
        count["mutants"] += 1
        count["effective"] += reason in {None, UNSTORED}
        count["caught"] += reason is None
        if reason is not None:
            survivors.append({"kind": kind, "place": place, "reason": reason})
        advance(done + 1, len(made))
    totals = {key: sum(count[key] for count in kinds.values()) for key in ("mutants", "effective", "caught")}
    return {**totals, "kinds": dict(sorted(kinds.items())), "survivors": survivors}


def _verdicts(
    model: onnx.ModelProto, contract: Contract, trial: Trial, made: Sequence[Mutant]
) -> Iterator[tuple[str, str, str | None]]:
    """(kind, place, why it survives) of each mutant, tensor by tensor; then of each swap of two classes."""
    for tensor, group in groupby(sorted(made, key=lambda mutant: mutant.tensor), key=lambda mutant: mutant.tensor):
        around = _Around(model, contract, trial, tensor)
        for mutant in group:
            yield mutant.kind, mutant.place, _verdict(contract, trial, around.pieces(mutant))
    whole = _Around(model, contract, trial, None)
    for target, first in _neighbours(contract):
        place = f"target {target}, classes {first} and {first + 1} swapped"
        pieces = ((piece, before, _swapped(contract, before, target, first)) for piece, before in whole.unchanged())
        yield "label order", place, _verdict(contract, trial, pieces)


def _verdict(contract: Contract, trial: Trial, pieces: Iterator[tuple[slice, Answer, Answer]]) -> str | None:
    """None where a stored row notices; else why none does."""
    reason = SILENT
    for piece, before, after in pieces:
        seen = np.flatnonzero(noticed(contract, before, after, trial.decidable[piece]))
        if (seen + piece.start < trial.stored).any():
            return None
        if len(seen):
            reason = UNSTORED
        elif reason == SILENT and not _alike(before, after):
            reason = INSIDE
    return reason


def noticed(contract: Contract, expected: Answer, got: Answer, decidable: Flags) -> Flags:
    """Rows with a number outside the tolerance or a decidable label that is another, of shape (n_rows,)."""
    numbers = ~within(contract, expected[1], got[1]).all(axis=1)
    labels = ((expected[0] != got[0]) & decidable).any(axis=1)
    either: Flags = numbers | labels
    return either


def _alike(before: Answer, after: Answer) -> bool:
    return bool((before[0] == after[0]).all() and np.array_equal(before[1], after[1], equal_nan=True))


class _Around:
    """A graph, cut at one tensor: what comes in front of it, computed once, and what comes behind.

    Args:
        tensor: a constant or a node's output; None for the whole graph.
    """

    def __init__(self, model: onnx.ModelProto, contract: Contract, trial: Trial, tensor: str | None) -> None:
        self._model, self._contract, self._trial, self._tensor = model, contract, trial, tensor
        behind = ahead(model.graph, tensor) if tensor else []
        self._made = {name for node in behind for name in node.output}
        producers = {name: node for node in model.graph.node for name in node.output}
        sources = [*behind, producers[tensor]] if tensor in producers else behind
        needed = {name for node in sources for name in needs(node) if name in producers and name not in self._made}
        outputs = set(contract.form.outputs) - self._made
        own = {tensor} if tensor in producers else set()
        self._front = Part(model, sorted(filter(None, needed | outputs | own)))
        self._constants = {each.name: each for each in model.graph.initializer}
        self._behind: Part | None = None
        self._pieces: list[tuple[slice, Tensors, Answer]] = []

    def unchanged(self) -> Iterator[tuple[slice, Answer]]:
        """Piece by piece of the rows, the answers of the graph as it is."""
        for piece, _, answer in self._asked():
            yield piece, answer

    def pieces(self, mutant: Mutant) -> Iterator[tuple[slice, Answer, Answer]]:
        """Piece by piece of the rows, the answers of the graph as it is and of the mutant."""
        node = None
        for piece, known, before in self._asked():
            value = mutant.value
            if value is None:
                node = node or _one(self._model, mutant, known)
                value = node.run(known)[mutant.tensor]
                if np.array_equal(value, known[mutant.tensor], equal_nan=value.dtype.kind == "f"):
                    yield piece, before, before
                    continue
            yield piece, before, self._answer(known, value)

    def _asked(self) -> Iterator[tuple[slice, Tensors, Answer]]:
        yield from self._pieces
        start = self._pieces[-1][0].stop if self._pieces else 0
        for piece, values in rows_of([array[start:] for array in self._trial.values], CHUNK):
            feeds = feeds_of(values)
            known = {**feeds, **self._front.run(feeds)}
            base = self._base(known)
            entry = (slice(start + piece.start, start + piece.stop), known, self._answer(known, base))
            self._pieces.append(entry)
            yield entry

    def _base(self, known: Tensors) -> npt.NDArray[Any] | None:
        if self._tensor is None or self._tensor in known:
            return known.get(self._tensor or "")
        array: npt.NDArray[Any] = onnx.numpy_helper.to_array(self._constants[self._tensor])
        return array

    def _answer(self, known: Tensors, value: npt.NDArray[Any] | None) -> Answer:
        found = dict(known)
        if self._tensor is not None and value is not None:
            found[self._tensor] = value
            if self._behind is None:
                wanted = [name for name in self._contract.form.outputs if name in self._made]
                given = {name: array for name, array in found.items() if name not in self._made}
                self._behind = Part(self._model, wanted, given)
            found.update(self._behind.run(found))
        return answers_of(self._contract, [found[name] for name in self._contract.form.outputs], len(known["x0"]))


def _one(model: onnx.ModelProto, mutant: Mutant, known: Tensors) -> Part:
    """The changed node alone."""
    node = mutant.node
    assert node is not None
    alone = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    alone.graph.node.append(node)
    alone.graph.initializer.extend(each for each in model.graph.initializer if each.name in node.input)
    return Part(alone, [mutant.tensor], {name: known[name] for name in node.input if name in known})


def _neighbours(contract: Contract) -> Iterator[tuple[int, int]]:
    """(target, class) of each class that has a next one."""
    for index, target in enumerate(contract.form.targets):
        if index < contract.form.labels:
            yield from ((index, first) for first in range(len(target.classes) - 1))


def _swapped(contract: Contract, answer: Answer, target: int, first: int) -> Answer:
    """The answers of a bundle whose contract lists two classes in the other order."""
    labels, numbers = answer[0].copy(), answer[1].copy()
    known = answer[0][:, target]
    labels[:, target] = np.select([known == first, known == first + 1], [first + 1, first], known)
    start, end = contract.form.targets[target].start, contract.form.targets[target].end
    if end - start > 1 and contract.form.numbers in {"probabilities", "scores"}:
        numbers[:, [start + first, start + first + 1]] = numbers[:, [start + first + 1, start + first]]
    return labels, numbers
