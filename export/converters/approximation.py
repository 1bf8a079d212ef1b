"""Kernel approximations by explicit maps."""

from typing import Any

import numpy as np
from sklearn.kernel_approximation import AdditiveChi2Sampler, PolynomialCountSketch, RBFSampler, SkewedChi2Sampler

from export.converters.converter import Converter
from export.converters.kernels import number
from export.converters.linear import product
from export.graph import Graph, Tensor

MOST_COMPONENTS = 2048
INTERVALS = {1: 0.8, 2: 0.5, 3: 0.4}  # scikit-learn's, by the number of steps


def convert_fourier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write cos(x @ weights + offset), scaled. The angles of far rows are their products' rounding.

    The scale is a row of numbers: onnxruntime would fuse a single one into a following product, as float32.
    """
    turned = product(graph, graph.matrix(inputs), np.asarray(estimator.random_weights_, dtype=np.float64))
    turned = graph.add("Add", turned, graph.constant(np.asarray(estimator.random_offset_)[None, :], "offset"))
    factors = np.full((1, estimator.n_components), (2.0 / estimator.n_components) ** 0.5)
    return graph.add("Mul", graph.add("Cos", turned), graph.constant(factors, "factors"))


def convert_skewed(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write cos(log(x + skewedness) @ weights + offset), scaled."""
    moved = graph.add("Add", graph.matrix(inputs), number(graph, estimator.skewedness, "skewedness"))
    factors = np.full((1, estimator.n_components), np.sqrt(2.0) / np.sqrt(estimator.n_components))
    turned = product(graph, graph.add("Log", moved), np.asarray(estimator.random_weights_, dtype=np.float64))
    turned = graph.add("Add", turned, graph.constant(np.asarray(estimator.random_offset_)[None, :], "offset"))
    return graph.add("Mul", graph.add("Cos", turned), graph.constant(factors, "factors"))


def check_additive(estimator: Any) -> tuple[str, str] | None:
    """Refuse a number of steps for which scikit-learn has no interval."""
    if estimator.sample_interval is not None or estimator.sample_steps in INTERVALS:
        return None
    return f"sample_steps={estimator.sample_steps} has no interval", "Set sample_interval, and fit again."


def convert_additive(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write sqrt(x * interval), then for each further step its share times the cosine and the sine of log(x).

    Zeros stay zero. A step of a value has the size of its square root, so a digit lost in the angle of a large one is
    lost in the last places of the row.
    """
    given = estimator.sample_interval
    interval = INTERVALS[estimator.sample_steps] if given is None else float(given)
    matrix = graph.matrix(inputs)
    found = [graph.add("Sqrt", graph.add("Mul", matrix, number(graph, interval, "interval")))]
    if estimator.sample_steps > 1:
        zero = number(graph, 0.0)
        empty = graph.add("Equal", matrix, zero)
        logarithm = graph.add("Mul", number(graph, interval), graph.add("Log", matrix))
        twice = graph.add("Mul", graph.add("Mul", number(graph, 2.0), matrix), number(graph, interval))
        for step in range(1, estimator.sample_steps):
            damped = number(graph, np.cosh(np.pi * step * interval), "damping")
            share = graph.add("Sqrt", graph.add("Div", twice, damped))
            angle = graph.add("Mul", number(graph, step, "step"), logarithm)
            turned = [graph.add("Mul", share, graph.add(function, angle)) for function in ("Cos", "Sin")]
            found += [graph.add("Where", empty, zero, each) for each in turned]
    return graph.add("Concat", *found, axis=1) if len(found) > 1 else found[0]


def check_sketch(estimator: Any) -> tuple[str, str] | None:
    """Refuse transforms whose matrix would fill the file."""
    if estimator.n_components <= MOST_COMPONENTS:
        return None
    got = estimator.n_components
    return f"n_components must be at most {MOST_COMPONENTS}; got {got}", "Fit with fewer n_components."


def convert_sketch(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write the count sketches, the product of their Fourier transforms, and the transform back.

    The sketches add up as scikit-learn does, column after column; the transforms are products with half of the
    Fourier matrix, since those of real numbers mirror themselves.
    """
    count = estimator.n_components
    angles = 2.0 * np.pi * (np.outer(np.arange(count), np.arange(count // 2 + 1)) % count) / count
    matrix = graph.matrix(inputs)
    scaled = graph.add("Mul", matrix, number(graph, np.sqrt(estimator.gamma), "gamma"))
    real = imaginary = ""
    for degree in range(estimator.degree):
        sketch = _sketch(graph, estimator, scaled, degree)
        parts = (product(graph, sketch, np.cos(angles)), product(graph, sketch, -np.sin(angles)))
        real, imaginary = _multiplied(graph, (real, imaginary), parts) if real else parts
    mirrored = np.where((np.arange(count // 2 + 1) == 0) | (2 * np.arange(count // 2 + 1) == count), 1.0, 2.0) / count
    back = [
        product(graph, real, (mirrored * np.cos(angles)).T),
        product(graph, imaginary, (mirrored * np.sin(angles)).T),
    ]
    return graph.add("Sub", *back)


def _sketch(graph: Graph, estimator: Any, scaled: str, degree: int) -> str:
    """Each column added to the place that its hash tells, with the hash's sign; of shape (n_rows, n_components)."""
    places, signs = estimator.indexHash_[degree], estimator.bitHash_[degree]
    sketch = ""
    for column, (place, sign) in enumerate(zip(places, signs, strict=True)):
        row = np.zeros((1, estimator.n_components))
        row[0, place] = sign
        if column < estimator.n_features_in_:
            share = graph.add("Mul", graph.chosen(scaled, [column]), graph.constant(row, "place"))
        else:
            share = graph.constant(row * np.sqrt(estimator.coef0), "place")
        sketch = graph.add("Add", sketch, share) if sketch else share
    return sketch


def _multiplied(graph: Graph, first: tuple[str, str], second: tuple[str, str]) -> tuple[str, str]:
    """The product of complex numbers, as their real and their imaginary parts."""
    straight = [graph.add("Mul", *pair) for pair in zip(first, second, strict=True)]
    crossed = [graph.add("Mul", *pair) for pair in zip(first, second[::-1], strict=True)]
    return graph.add("Sub", *straight), graph.add("Add", *crossed)


CONVERTERS: dict[type, Converter] = {
    RBFSampler: Converter(transform=convert_fourier),
    PolynomialCountSketch: Converter(transform=convert_sketch, check=check_sketch),
    SkewedChi2Sampler: Converter(transform=convert_skewed),
    AdditiveChi2Sampler: Converter(transform=convert_additive, check=check_additive),
}
