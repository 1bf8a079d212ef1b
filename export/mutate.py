"""The mutation score: would the certificate's rows notice a graph that is wrong in one small place?"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.aim import Aimed
from export.frame import Columns, take
from lambda_handler.bundle import Bundle
from lambda_handler.contract import Contract
from lambda_handler.golden import within
from lambda_handler.predictor import Predictor

PER_KIND = 12  # mutants of each kind
REAL_ROWS = 1500  # of the training table, beside all constructed rows
LEAF_STEP = 1e-6  # relative: well above the tolerance, far below what anybody would see

Change = Callable[[onnx.ModelProto], None]
Answer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def mutation_score(
    predictor: Predictor, rows: Columns, aimed: Aimed, seed: int, advance: Callable[[int, int], None]
) -> dict[str, Any]:
    """Change the graph in one place at a time and count the changes that the rows notice.

    Args:
        predictor: of the certified bundle.
        rows: graph values of the certificate's rows.
        aimed: the splits that some of them are aimed at: thresholds and missing directions are changed there.
        seed: of the choice of places.
        advance: called with (done, total) after each mutant.

    Returns:
        `mutants`, `caught`, the same by kind, and the survivors, each with the place.
    """
    model = onnx.load_from_string(predictor.bundle.model)
    mutants = list(_places(model, aimed, np.random.default_rng(seed)))
    expected = predictor.run(rows)
    kinds: dict[str, dict[str, int]] = {}
    survivors = []
    for done, (kind, place, change) in enumerate(mutants):
        count = kinds.setdefault(kind, {"mutants": 0, "caught": 0})
        count["mutants"] += 1
        if _noticed(predictor, _mutated(model, change), rows, expected):
            count["caught"] += 1
        else:
            survivors.append({"kind": kind, "place": place})
        advance(done + 1, len(mutants))
    caught = sum(count["caught"] for count in kinds.values())
    return {"mutants": len(mutants), "caught": caught, "kinds": kinds, "survivors": survivors}


def rows_for(golden: Columns, real: Columns, seed: int) -> Columns:
    """All constructed rows and a sample of the real ones."""
    count = len(real[0])
    index = np.random.default_rng(seed).choice(count, min(REAL_ROWS, count), replace=False)
    return [np.concatenate(pair) for pair in zip(golden, take(real, np.sort(index)), strict=True)]


def _places(model: onnx.ModelProto, aimed: Aimed, random: np.random.Generator) -> Iterator[tuple[str, str, Change]]:
    found: dict[str, list[tuple[str, Change]]] = {}
    for position, split, above in aimed.splits:
        change = _tensor_change(position, _index(model, position, "nodes_splits"), split, above)
        found.setdefault("threshold", []).append((f"tree node {position}, split {split}: one input step", change))
    for position, split, _ in aimed.missing:
        flip = _flip(position, _index(model, position, "nodes_missing_value_tracks_true"), split)
        found.setdefault("missing", []).append((f"tree node {position}, split {split}: missing direction", flip))
    for position, node in enumerate(model.graph.node):
        if node.op_type == "TreeEnsemble":
            _tree_places(position, node, random, found)
        elif node.op_type == "LabelEncoder":
            _category_places(position, node, random, found)
    users = {name: node.op_type for node in model.graph.node for name in node.input}
    for position, initializer in enumerate(model.graph.initializer):
        _constant_places(position, initializer, users.get(initializer.name, ""), random, found)
    for kind in sorted(found):
        places = found[kind]
        for index in random.permutation(len(places))[:PER_KIND]:
            yield (kind, *places[index])


def _index(model: onnx.ModelProto, position: int, name: str) -> int:
    return [attribute.name for attribute in model.graph.node[position].attribute].index(name)


def _tree_places(
    position: int, node: onnx.NodeProto, random: np.random.Generator, found: dict[str, list[tuple[str, Change]]]
) -> None:
    names = [attribute.name for attribute in node.attribute]
    leaves = numpy_helper.to_array(node.attribute[names.index("leaf_weights")].t)
    for chosen in random.permutation(len(leaves))[:PER_KIND].tolist():
        change = _tensor_change(position, names.index("leaf_weights"), chosen, _other_leaf(leaves, chosen))
        found.setdefault("leaf", []).append((f"tree node {position}, leaf {chosen}", change))


def _category_places(
    position: int, node: onnx.NodeProto, random: np.random.Generator, found: dict[str, list[tuple[str, Change]]]
) -> None:
    names = [attribute.name for attribute in node.attribute]
    index = names.index("values_tensor")
    values = numpy_helper.to_array(node.attribute[index].t)
    for chosen in random.permutation(max(len(values) - 1, 0))[:PER_KIND].tolist():

        def swap(model: onnx.ModelProto, chosen: int = chosen) -> None:
            tensor = model.graph.node[position].attribute[index].t
            array = numpy_helper.to_array(tensor).copy()
            array[[chosen, chosen + 1]] = array[[chosen + 1, chosen]]
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

        found.setdefault("category", []).append(
            (f"label encoder {position}, categories {chosen} and {chosen + 1}", swap)
        )


def _constant_places(
    position: int,
    initializer: onnx.TensorProto,
    user: str,
    random: np.random.Generator,
    found: dict[str, list[tuple[str, Change]]],
) -> None:
    kinds = {
        "MatMul": "coefficient",
        "Gemm": "coefficient",
        "Mul": "coefficient",
        "Sub": "scaler",
        "Div": "scaler",
        "Gather": "leaf",
        "Where": "imputer",
    }
    if user not in kinds or initializer.data_type != onnx.TensorProto.DOUBLE:
        return
    size = int(np.prod(initializer.dims))
    if user == "Gather" and not initializer.name.startswith("leaves"):
        return
    if user in {"Sub", "Div"} and size == 1:
        return
    for chosen in random.permutation(size)[:PER_KIND].tolist():

        def change(model: onnx.ModelProto, chosen: int = chosen) -> None:
            tensor = model.graph.initializer[position]
            array = numpy_helper.to_array(tensor).copy()
            array.flat[chosen] = _next(array.flat[chosen])
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

        found.setdefault(kinds[user], []).append((f"{initializer.name}[{chosen}]", change))


def _other_leaf(leaves: npt.NDArray[np.float64], chosen: int) -> float:
    """The next number; of a forest's numbered leaves, the leaf beside it."""
    value = float(leaves[chosen])
    if (leaves != np.floor(leaves)).any():
        return _next(value)
    return value + 1.0 if value < leaves.max() else value - 1.0


def _next(value: float) -> float:
    return float(value * (1.0 + LEAF_STEP)) if value else LEAF_STEP


def _tensor_change(node: int, attribute: int, index: int, value: float) -> Change:
    def apply(model: onnx.ModelProto) -> None:
        tensor = model.graph.node[node].attribute[attribute].t
        array = numpy_helper.to_array(tensor).copy()
        array[index] = value
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    return apply


def _flip(node: int, attribute: int, index: int) -> Change:
    def apply(model: onnx.ModelProto) -> None:
        ints = model.graph.node[node].attribute[attribute].ints
        ints[index] = 1 - ints[index]

    return apply


def _mutated(model: onnx.ModelProto, change: Change) -> bytes:
    mutant = copy.deepcopy(model)
    change(mutant)
    content: bytes = mutant.SerializeToString()
    return content


def _noticed(predictor: Predictor, model: bytes, rows: Columns, expected: Answer) -> bool:
    bundle = predictor.bundle
    got = Predictor(Bundle(bundle.path, bundle.manifest, bundle.contract, model)).run(rows)
    return differs(bundle.contract, expected, got)


def differs(contract: Contract, expected: Answer, got: Answer) -> bool:
    """Whether any number is outside the tolerance or, of an identical export, any label is another."""
    if not within(contract, expected[1], got[1]).all():
        return True
    return bool(contract.tolerance["class"] == "identical" and (expected[0] != got[0]).any())
