"""Small faults: one constant, one split, one category of a graph changed by the smallest amount that matters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.aim import Split

LEAF_STEP = 1e-6  # relative: well above the tolerance, far below what anybody would see
STEP = 1e-9  # relative, of every other number that is computed with
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"}
KINDS = {
    "MatMul": "coefficient", "Gemm": "coefficient", "Mul": "coefficient", "Add": "coefficient", "Sub": "coefficient",
    "Div": "coefficient", "Pow": "coefficient", "Max": "coefficient", "Min": "coefficient", "Sum": "coefficient",
    "Einsum": "coefficient", "Where": "imputed", "Gather": "table", "GatherElements": "table", "GatherND": "table",
    **dict.fromkeys(COMPARISONS, "comparison"),
}  # fmt: skip
FLOATS = {onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT}
PLACES = 6  # tensors of one kind that are tried: each needs a session of its own

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Mutant:
    """One small fault.

    Attributes:
        kind: of the fault.
        place: where, in words.
        tensor: the constant, or the output of the node, that changes.
        value: the changed constant; None where the node changes.
        node: the changed node.
        split, leaf: what rows must reach to notice it: a split, or the position of a leaf in the node's arrays.
    """

    kind: str
    place: str
    tensor: str
    value: Array | None = None
    node: onnx.NodeProto | None = None
    split: tuple[int, int] | None = None
    leaf: tuple[int, int] | None = None


def mutants(
    model: onnx.ModelProto,
    splits: Sequence[Split],
    missing: Sequence[Split],
    per_kind: int,
    random: np.random.Generator,
    *,
    trees: bool = True,
) -> list[Mutant]:
    """Draw small faults of every kind that the graph has.

    Args:
        model: the whole graph.
        splits: where thresholds are moved, every other one up and down.
        missing: where missing directions are turned.
        per_kind: at most so many of each kind.
        random: draws the places.
        trees: change leaves, too.
    """
    nodes = list(model.graph.node)
    made = [_threshold(nodes[each.node], each, bool(index % 2)) for index, each in enumerate(splits[:per_kind])]
    made += [_direction(nodes[each.node], each) for each in missing[:per_kind]]
    made += _leaves(nodes, per_kind if trees else 0, random)
    encoders = [position for position, node in enumerate(nodes) if node.op_type == "LabelEncoder"]
    chosen = sorted(random.permutation(encoders)[:PLACES].tolist())
    made += _drawn([each for position in chosen for each in _categories(position, nodes[position])], per_kind, random)
    made += _drawn([each for position in chosen for each in _keys(position, nodes[position])], per_kind, random)
    made += _drawn([each for position in chosen for each in _weights(position, nodes[position])], per_kind, random)
    return made + list(_constants(model, per_kind, random))


def _threshold(node: onnx.NodeProto, split: Split, down: bool) -> Mutant:
    """Send the next input on the right to the left or, down, the last one on the left to the right."""
    splits = _tensor_of(node, "nodes_splits")
    assert splits is not None
    value = np.nextafter(splits.dtype.type(split.below), splits.dtype.type(-np.inf)) if down else split.above
    changed = _changed(node, "nodes_splits", split.place, value)
    place = f"tree node {split.node}, split {split.place}: one input step {'down' if down else 'up'}"
    return Mutant("threshold", place, node.output[0], node=changed, split=(split.node, split.place))


def _direction(node: onnx.NodeProto, split: Split) -> Mutant:
    changed = _copied(node)
    tracks = _attribute(changed, "nodes_missing_value_tracks_true").ints
    tracks[split.place] = 1 - tracks[split.place]
    place = f"tree node {split.node}, split {split.place}: missing direction"
    return Mutant("missing", place, node.output[0], node=changed, split=(split.node, split.place))


def _drawn(found: list[Mutant], count: int, random: np.random.Generator) -> list[Mutant]:
    return [found[index] for index in sorted(random.permutation(len(found))[:count].tolist())]


def _leaves(nodes: list[onnx.NodeProto], count: int, random: np.random.Generator) -> Iterator[Mutant]:
    """Up to `count` leaves, drawn from all trees."""
    tables = {
        position: numpy_helper.to_array(_attribute(node, "leaf_weights").t)
        for position, node in enumerate(nodes)
        if node.op_type == "TreeEnsemble"
    }
    every = [(position, leaf) for position, leaves in tables.items() for leaf in range(len(leaves))]
    for position, leaf in (every[index] for index in sorted(random.permutation(len(every))[:count].tolist())):
        node = nodes[position]
        changed = _changed(node, "leaf_weights", leaf, _other_leaf(tables[position], leaf))
        place = f"tree node {position}, leaf {leaf}"
        yield Mutant("leaf", place, node.output[0], node=changed, leaf=(position, leaf))


def _other_leaf(leaves: Array, chosen: int) -> float:
    """The next number; of a forest's numbered leaves, the leaf beside it."""
    value = float(leaves[chosen])
    if (leaves != np.floor(leaves)).any():
        return float(_next(value, LEAF_STEP))
    return value + 1.0 if value < leaves.max() else value - 1.0


def _categories(position: int, node: onnx.NodeProto) -> Iterator[Mutant]:
    """Two neighbouring categories swapped."""
    values = _tensor_of(node, "values_tensor")
    if values is None:
        return
    for index in range(len(values) - 1):
        if values[index] != values[index + 1]:
            swapped = values.copy()
            swapped[[index, index + 1]] = values[[index + 1, index]]
            place = f"encoder {position}, categories {index} and {index + 1} swapped"
            yield Mutant("category", place, node.output[0], node=_replaced(node, "values_tensor", swapped))


def _weights(position: int, node: onnx.NodeProto) -> Iterator[Mutant]:
    """A number that an encoder gives, changed."""
    values = _tensor_of(node, "values_tensor")
    if values is None or values.dtype.kind != "f" or (values == np.floor(values)).all():
        return
    for index, value in enumerate(values):
        if np.isfinite(value):
            changed = _changed(node, "values_tensor", index, _after("table", value))
            yield Mutant("table", f"encoder {position}, value {index}", node.output[0], node=changed)


def _keys(position: int, node: onnx.NodeProto) -> Iterator[Mutant]:
    """One key another: of numbers the next one, of texts one letter more."""
    keys = _tensor_of(node, "keys_tensor")
    if keys is None:
        return
    for index in range(len(keys)):
        changed = keys.copy()
        if keys.dtype.kind in "OU":
            changed = changed.astype(object)
            changed[index] = f"{keys[index]}~"
        elif keys.dtype.kind == "f":
            changed[index] = np.nextafter(keys[index], keys.dtype.type(np.inf))
        elif keys.dtype.kind == "i":
            changed[index] = keys[index] + (1 if keys[index] < np.iinfo(keys.dtype).max else -1)
        if not (np.isin(changed[index], keys) or changed[index] != changed[index]):
            place = f"encoder {position}, key {index}"
            yield Mutant("key", place, node.output[0], node=_replaced(node, "keys_tensor", changed))


def _constants(model: onnx.ModelProto, per_kind: int, random: np.random.Generator) -> Iterator[Mutant]:
    """Constants that are computed, compared, filled in or looked up, by kind."""
    used: dict[str, set[tuple[str, int]]] = {}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            used.setdefault(name, set()).add((node.op_type, place))
    tensors: dict[str, list[onnx.TensorProto]] = {}
    for tensor in model.graph.initializer:
        kinds = sorted({KINDS[user] for user, place in used.get(tensor.name, ()) if _counts(tensor, user, place)})
        if kinds:
            tensors.setdefault(kinds[0], []).append(tensor)
    for kind in sorted(tensors):
        chosen = sorted(random.permutation(len(tensors[kind]))[:PLACES].tolist())
        found = []
        for tensor in (tensors[kind][index] for index in chosen):
            array = numpy_helper.to_array(tensor)
            for place in random.permutation(array.size)[:per_kind].tolist():
                changed = array.copy()
                before = changed.flat[place]
                changed.flat[place] = _after(kind, before)
                if np.isfinite(before) and changed.flat[place] != before:
                    found.append(Mutant(kind, f"{tensor.name}[{place}]", tensor.name, value=changed))
        yield from _drawn(found, per_kind, random)


def _counts(tensor: onnx.TensorProto, user: str, place: int) -> bool:
    """Whether a constant is one of numbers, in a place where its value is what counts."""
    if user not in KINDS or not tensor.dims or tensor.data_type not in FLOATS:
        return False
    return not (user.startswith("Gather") and place != 0)


def _after(kind: str, value: Any) -> Any:
    if kind == "comparison":
        return np.nextafter(value, type(value)(np.inf))
    return _next(value, STEP if value.dtype == np.float64 else LEAF_STEP)


def _next(value: Any, step: float) -> Any:
    return value * (1.0 + step) if value else step


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    found: onnx.AttributeProto = next(attribute for attribute in node.attribute if attribute.name == name)
    return found


def _tensor_of(node: onnx.NodeProto, name: str) -> Array | None:
    found = [attribute.t for attribute in node.attribute if attribute.name == name]
    return numpy_helper.to_array(found[0]) if found else None


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    return copied


def _replaced(node: onnx.NodeProto, name: str, array: Array) -> onnx.NodeProto:
    copied = _copied(node)
    tensor = _attribute(copied, name).t
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return copied


def _changed(node: onnx.NodeProto, name: str, index: int, value: float) -> onnx.NodeProto:
    array = _tensor_of(node, name)
    assert array is not None
    changed = array.copy()
    changed[index] = value
    return _replaced(node, name, changed)
