"""Elliptic envelope: squared Mahalanobis distances, summed from the first column to the last as SciPy does."""

from typing import Any

import numpy as np
from sklearn.covariance import EllipticEnvelope

from export.converters.converter import Converter
from export.converters.linear import positive_label
from export.graph import Graph, Tensor


def convert_envelope(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write -distance^2 - offset, and label 1 (an inlier) where it is at least zero."""
    location = graph.constant(estimator.location_[None, :], "location")
    apart = graph.add("Sub", graph.matrix(inputs), location)
    precision = np.asarray(estimator.get_precision(), dtype=np.float64)
    columns = range(len(precision))
    each = [graph.chosen(apart, [column]) for column in columns]
    turned = [graph.add("Mul", each[i], graph.constant(precision[None, :, i], "precision")) for i in columns]
    products = graph.add("Mul", apart, _running(graph, turned))
    total = _running(graph, [graph.chosen(products, [column]) for column in columns])
    root = graph.add("Sqrt", total)
    negative = graph.add("Neg", graph.add("Mul", root, root))
    scores = graph.add("Sub", negative, graph.constant(np.full((1, 1), estimator.offset_), "offset"))
    return {"label": positive_label(graph, scores, "GreaterOrEqual"), "scores": scores}


def _running(graph: Graph, terms: list[str]) -> str:
    total, *others = terms
    for term in others:
        total = graph.add("Add", total, term)
    return total


CONVERTERS: dict[type, Converter] = {EllipticEnvelope: Converter(predict=convert_envelope)}
