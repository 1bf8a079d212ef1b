"""Rankers: the code of each stop picks a row of its position's table; the rows are added in the ranker's order."""

from typing import Any

import numpy as np

from export.converters.converter import Converter
from export.converters.encode import encoder
from export.frame import MISSING_CODE
from export.graph import Graph, Tensor
from train.rankers import Blend, Content, GraphEmbedding, ItemKNN, Markov, Popularity
from train.ranking_tables import VISITED


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the best item and each item's score, that of an item of the history as `VISITED`."""
    items, columns = estimator.classes_, graph.split(inputs)
    stops = [_code(graph, column, items) for column in columns]
    score = ""
    for table, stop in zip(estimator.tables_, stops, strict=False):
        row = graph.add("Gather", graph.constant(table, "table"), stop, axis=0)
        score = graph.add("Add", score, row) if score else row
    own = graph.constant(np.arange(len(items)).reshape(1, -1), "places")
    seen = [graph.add("Equal", graph.add("Unsqueeze", stop, _axis(graph)), own) for stop in stops]
    visited = seen[0]
    for more in seen[1:]:
        visited = graph.add("Or", visited, more)
    found = graph.add("Where", visited, graph.constant(np.array(VISITED), "visited"), score)
    return {"label": graph.add("ArgMax", found, axis=1, keepdims=0), "items": found}


def _code(graph: Graph, column: Tensor, items: Any) -> str:
    """The position of a stop among the items, int64 of shape (n_rows,); their number where missing or unknown."""
    keys = np.array([*items, MISSING_CODE], dtype=object)
    code = encoder(graph, column.name, keys, np.arange(len(keys)), np.array([len(items)]))
    return graph.add("Squeeze", code, _axis(graph))


def _axis(graph: Graph) -> str:
    return graph.constant(np.array([1]), "axis")


CONVERTERS: dict[type, Converter] = {
    cls: Converter(predict=convert, takes_text=True)
    for cls in (Popularity, Markov, ItemKNN, Content, GraphEmbedding, Blend)
}
