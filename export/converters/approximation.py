"""Kernel approximations by explicit maps."""

from typing import Any

import numpy as np
from sklearn.kernel_approximation import AdditiveChi2Sampler, PolynomialCountSketch, RBFSampler, SkewedChi2Sampler

from export.converters.converter import Converter
from export.converters.kernels import number
from export.converters.linear import product
from export.graph import Graph, Tensor


def check_never(estimator: Any) -> tuple[str, str]:
    """Refuse cosines and Fourier transforms of products that grow with the row: their last digits decide far rows."""
    return (
        f"{type(estimator).__name__} turns large products into angles, so a far row's answer is its products' rounding",
        "Use Nystroem, whose kernel fades with the distance.",
    )


def convert_skewed(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write cos(log(x + skewedness) @ weights + offset), scaled."""
    moved = graph.add("Add", graph.matrix(inputs), number(graph, estimator.skewedness, "skewedness"))
    factor = np.sqrt(2.0) / np.sqrt(estimator.n_components)
    turned = product(graph, graph.add("Log", moved), np.asarray(estimator.random_weights_, dtype=np.float64))
    turned = graph.add("Add", turned, graph.constant(np.asarray(estimator.random_offset_)[None, :], "offset"))
    return graph.add("Mul", graph.add("Cos", turned), number(graph, factor, "factor"))


def check_additive(estimator: Any) -> tuple[str, str] | None:
    """Refuse the cosine and the sine of a logarithm, whose last digit decides them far out."""
    if estimator.sample_steps == 1:
        return None
    return (
        f"sample_steps={estimator.sample_steps} takes the cosine of log(x), and a large x leaves it too few digits",
        "Use sample_steps=1, or Nystroem(kernel='chi2').",
    )


def convert_additive(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write sqrt(x * interval)."""
    interval = 0.8 if estimator.sample_interval is None else estimator.sample_interval  # scikit-learn's for one step
    return graph.add("Sqrt", graph.add("Mul", graph.matrix(inputs), number(graph, interval, "interval")))


CONVERTERS: dict[type, Converter] = {
    RBFSampler: Converter(check=check_never),
    PolynomialCountSketch: Converter(check=check_never),
    SkewedChi2Sampler: Converter(transform=convert_skewed),
    AdditiveChi2Sampler: Converter(transform=convert_additive, check=check_additive),
}
