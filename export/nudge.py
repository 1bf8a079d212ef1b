"""Splits at a training value that a step in front of the trees rounds: moved up by no more than that rounding.

Histogram boosting splits at values of training rows. Behind a step such as PowerTransformer these rows would stand at
the very threshold, and another runtime's last bit would send them to the other side. A threshold just above the value,
by the rounding that is shaken, keeps them where they were; in between no training row stands.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.frame import Columns
from export.pack import packed
from export.part import Part, feeds_of, rows_of
from export.shake import NEAR, rounded_tensors, shaken

CHUNK = 4096
DRAWS = 8
MARGIN = 1.5  # of the largest rounding

Floats = npt.NDArray[np.float64]


def nudge(model: bytes, table: Columns) -> bytes:
    """The same graph, or one whose float64 splits are moved off the training rows where those are rounded.

    Args:
        model: a converted graph.
        table: graph values of the training rows.
    """
    parsed = onnx.load_from_string(model)
    rounded = rounded_tensors(parsed.graph)
    nodes = [node for node in parsed.graph.node if node.op_type == "TreeEnsemble" and node.input[0] in rounded]
    nodes = [node for node in nodes if _splits(node).dtype == np.float64]
    noisy = shaken(model, NEAR) if nodes else None
    if noisy is None:
        return model
    moved = False
    for name in dict.fromkeys(node.input[0] for node in nodes):
        matrix, spread = _matrix(parsed, onnx.load_from_string(noisy), name, table)
        for node in nodes:
            if node.input[0] == name:
                moved |= _move(node, matrix, spread)
    return packed(parsed) if moved else model


def _splits(node: onnx.NodeProto) -> npt.NDArray[np.floating]:
    return numpy_helper.to_array(_attribute(node, "nodes_splits").t)


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    found: onnx.AttributeProto = {attribute.name: attribute for attribute in node.attribute}[name]
    return found


def _matrix(still: onnx.ModelProto, noisy: onnx.ModelProto, name: str, table: Columns) -> tuple[Floats, Floats]:
    """What trees see of the training rows, and by how much shaking moves it."""
    fronts = [Part(still, [name]), Part(noisy, [name])]
    seen, spreads = [], []
    for _, values in rows_of(table, CHUNK):
        feeds = feeds_of(values)
        base = fronts[0].run(feeds)[name]
        seen.append(base)
        spreads.append(np.max([np.abs(fronts[1].run(feeds)[name] - base) for _ in range(DRAWS)], axis=0))
    return np.concatenate(seen), np.concatenate(spreads)


def _move(node: onnx.NodeProto, matrix: Floats, spread: Floats) -> bool:
    """Move the splits of one node; whether any was."""
    splits = _splits(node).copy()
    feature = np.asarray(_attribute(node, "nodes_featureids").ints)
    leq = numpy_helper.to_array(_attribute(node, "nodes_modes").t) == 0
    before = splits.copy()
    for column in np.unique(feature[leq]):
        known = ~np.isnan(matrix[:, column])
        order = np.argsort(matrix[known, column], kind="stable")
        values, noise = matrix[known, column][order], spread[known, column][order]
        if not noise.any():
            continue
        for index in np.flatnonzero(leq & (feature == column) & np.isfinite(splits)):
            splits[index] = _off(float(splits[index]), values, noise)
    if np.array_equal(splits, before):
        return False
    _attribute(node, "nodes_splits").t.CopyFrom(numpy_helper.from_array(splits))
    return True


def _off(split: float, values: Floats, noise: Floats) -> float:
    """A threshold above the rows that stand at this one; the same where none does, or the next row is too near."""
    near = np.searchsorted(values, split)
    around = slice(max(near - 1, 0), near + 1)
    reach = float(noise[around].max(initial=0.0))
    first = int(np.searchsorted(values, split - reach))
    last = int(np.searchsorted(values, split + reach, side="right"))
    if first == last:
        return split
    most = float(noise[first:last].max())
    found = float(values[last - 1]) + MARGIN * most
    following = float(values[last]) - MARGIN * float(noise[last]) if last < len(values) else np.inf
    return max(split, found) if found < following else split
