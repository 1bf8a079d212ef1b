"""Sparse codes by soft thresholds, and the decompositions that search for their answer instead: refused."""

from typing import Any

import numpy as np
from sklearn.decomposition import (
    DictionaryLearning,
    LatentDirichletAllocation,
    MiniBatchDictionaryLearning,
    SparseCoder,
)

from export.converters.converter import Converter
from export.converters.decomposition import dense
from export.converters.linear import product
from export.graph import Graph, Tensor


def convert_code(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the products with the atoms, drawn towards zero by alpha; its two signs apart if it splits."""
    atoms = np.asarray(estimator.dictionary if type(estimator) is SparseCoder else estimator.components_)
    given = estimator.transform_alpha
    alpha = getattr(estimator, "alpha", 1.0) if given is None else given
    zero = graph.constant(np.zeros((1, 1)), "zero")
    products = product(graph, graph.matrix(inputs), atoms.T.astype(np.float64))
    less = graph.add("Sub", graph.add("Abs", products), graph.constant(np.full((1, 1), float(alpha)), "alpha"))
    code = graph.add("Mul", graph.add("Sign", products), graph.add("Max", less, zero))
    if estimator.positive_code:
        code = graph.add("Max", code, zero)
    if not estimator.split_sign:
        return dense(code, len(atoms))
    below = graph.add("Neg", graph.add("Min", code, zero))
    return dense(graph.add("Concat", graph.add("Max", code, zero), below, axis=1), 2 * len(atoms))


def check_code(estimator: Any) -> tuple[str, str] | None:
    """Refuse the algorithms that choose atoms one after the other: rounding chooses among equally good ones."""
    if estimator.transform_algorithm == "threshold":
        return None
    return (
        f"transform_algorithm={estimator.transform_algorithm!r} searches, and rounding steers the search",
        'Fit with transform_algorithm="threshold".',
    )


def check_search(_estimator: Any) -> tuple[str, str]:
    """Refuse what iterates until the change is small."""
    return (
        "it improves its answer to a row until a step changes little, and rounding decides which step is the last",
        "Use TruncatedSVD in its place.",
    )


CONVERTERS: dict[type, Converter] = {
    SparseCoder: Converter(transform=convert_code, check=check_code),
    DictionaryLearning: Converter(transform=convert_code, check=check_code),
    MiniBatchDictionaryLearning: Converter(transform=convert_code, check=check_code),
    LatentDirichletAllocation: Converter(check=check_search),
}
