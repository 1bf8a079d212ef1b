"""Kernels between a row and stored rows, with scikit-learn's own formulas, and what learns on them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.decomposition import KernelPCA
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels

from export.converters.converter import Converter
from export.converters.linear import product
from export.converters.pairwise import add_up
from export.graph import Graph, Tensor

Rows = npt.NDArray[np.float64]
STEP = 2.0**-52
MOST = 1e-12  # of the output's scale: what float64 arithmetic in another order may change
SAMPLE = 300  # training rows that a check looks at
FAR = 1e8  # times the largest training value: how far a check looks
PARAMETERS = {
    "linear": (),
    "poly": ("gamma", "degree", "coef0"),
    "polynomial": ("gamma", "degree", "coef0"),
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "sigmoid": ("gamma", "coef0"),
    "cosine": (),
    "chi2": ("gamma",),
    "additive_chi2": (),
}


def holds_rows(_estimator: Any) -> bool:
    """The kernel needs rows of the training table."""
    return True


def dense(rows: Any) -> Rows:
    """Stored rows as float64."""
    return np.asarray(rows.toarray() if scipy.sparse.issparse(rows) else rows, dtype=np.float64)


def number(graph: Graph, value: float, hint: str = "number") -> str:
    """A float64 scalar."""
    return graph.constant(np.array(float(value)), hint)


def dot(graph: Graph, matrix: str, rows: Rows, factor: float | None = None) -> str:
    """Write the products of each row with each stored row, times a factor; shape (n_rows, n_stored).

    The factor is a row of numbers: onnxruntime would fuse a single one into the MatMul, and keep it as float32.
    """
    if len(rows) > 1:
        found = product(graph, matrix, np.ascontiguousarray(rows.T))
    else:
        parts = graph.add("Mul", matrix, graph.constant(rows, "stored"))
        found = graph.add("ReduceSum", parts, graph.constant(np.array([1]), "axis"), keepdims=1)
    if factor is None:
        return found
    return graph.add("Mul", found, graph.constant(np.full((1, len(rows)), float(factor)), "factor"))


def squared_distances(graph: Graph, matrix: str, rows: Rows) -> str:
    """Write the sum of squared differences to each stored row, column after column; shape (n_rows, n_stored)."""
    return _by_column(graph, matrix, rows, lambda _, __, apart: graph.add("Mul", apart, apart))


def pairwise(graph: Graph, matrix: str, rows: Rows, metric: str, parameters: dict[str, Any]) -> str:
    """Write scikit-learn's `pairwise_kernels`, of shape (n_rows, n_stored)."""
    gamma = parameters.get("gamma")
    gamma = {"chi2": 1.0}.get(metric, 1.0 / rows.shape[1]) if gamma is None else float(gamma)
    if metric in {"poly", "polynomial", "sigmoid"}:
        coef0 = number(graph, parameters.get("coef0", 1), "coef0")
        found = graph.add("Add", dot(graph, matrix, rows, gamma), coef0)
        if metric == "sigmoid":
            return graph.add("Tanh", found)
        return graph.add("Pow", found, number(graph, parameters.get("degree", 3), "degree"))
    if metric in {"linear", "cosine"}:
        return dot(graph, matrix, rows) if metric == "linear" else _cosine(graph, matrix, rows)
    if metric == "rbf":
        exponent = pairwise_rbf(graph, matrix, rows, gamma)
    elif metric == "laplacian":
        apart = _by_column(graph, matrix, rows, lambda _, __, apart: graph.add("Abs", apart))
        exponent = graph.add("Mul", number(graph, -gamma), apart)
    else:
        similar = _by_column(graph, matrix, rows, lambda x, y, apart: _chi2_part(graph, x, y, apart))
        similar = graph.add("Neg", similar)
        if metric == "additive_chi2":
            return similar
        exponent = graph.add("Mul", similar, number(graph, gamma))
    return graph.add("Exp", exponent)


def _cosine(graph: Graph, matrix: str, rows: Rows) -> str:
    sizes = np.sqrt(_norms(rows))[:, None]
    return dot(graph, _unit(graph, matrix), rows / np.where(sizes == 0.0, 1.0, sizes))


def _chi2_part(graph: Graph, x: str, y: str, apart: str) -> str:
    both = graph.add("Add", x, y)
    part = graph.add("Div", graph.add("Mul", apart, apart), both)
    zero = number(graph, 0.0)
    return graph.add("Where", graph.add("Equal", both, zero), zero, part)


def _by_column(graph: Graph, matrix: str, rows: Rows, write: Any) -> str:
    """Add up what `write` says of column (n_rows, 1), stored column (1, n_stored) and their difference."""
    total = ""
    for column in range(rows.shape[1]):
        x, y = graph.chosen(matrix, [column]), graph.constant(rows[None, :, column], "stored")
        part = write(x, y, graph.add("Sub", x, y))
        total = graph.add("Add", total, part) if total else part
    return total


def pairwise_rbf(graph: Graph, matrix: str, rows: Rows, gamma: float) -> str:
    """Write the exponent of `rbf_kernel`: squared distances as -2xy + xx + yy, at least 0, times -gamma."""
    axis = graph.constant(np.array([1]), "axis")
    own = graph.add("ReduceSum", graph.add("Mul", matrix, matrix), axis, keepdims=1)
    found = graph.add(
        "Add", graph.add("Add", dot(graph, matrix, rows, -2.0), own), graph.constant(_norms(rows)[None, :], "norms")
    )
    return graph.add("Mul", graph.add("Max", found, number(graph, 0.0)), number(graph, -gamma))


def _norms(rows: Rows) -> Rows:
    return np.asarray(np.einsum("ij,ij->i", rows, rows))


def _unit(graph: Graph, matrix: str) -> str:
    axis = graph.constant(np.array([1]), "axis")
    size = graph.add("Sqrt", graph.add("ReduceSum", graph.add("Mul", matrix, matrix), axis, keepdims=1))
    empty = graph.add("Equal", size, number(graph, 0.0))
    return graph.add("Div", matrix, graph.add("Where", empty, number(graph, 1.0), size))


def settings(estimator: Any, gamma: Any) -> dict[str, Any]:
    """The kernel's parameters, given its metric, as `filter_params` leaves them."""
    held = {"gamma": gamma, "degree": estimator.degree, "coef0": estimator.coef0}
    return {name: held[name] for name in PARAMETERS[estimator.kernel]}


def check_kernel(kernel: Any, rows: Any, gamma: float | None) -> tuple[str, str] | None:
    """Refuse kernels in Python or given as matrices, and distances that cancel out in scikit-learn's own formula."""
    if not isinstance(kernel, str) or kernel not in PARAMETERS:
        return f"kernel={kernel!r} has no exact form", f"Use one of {', '.join(sorted(PARAMETERS))}."
    if kernel == "rbf":
        stored = dense(rows)
        lost = (1.0 / stored.shape[1] if gamma is None else float(gamma)) * _norms(stored).max(initial=0.0) * STEP
        if lost > MOST:
            return (
                "the rbf kernel takes distances as xx - 2xy + yy, which loses their last digits on columns as large as "
                f"these: by up to {lost:.1g} of the kernel",
                "Scale the columns first (StandardScaler) and fit again.",
            )
    return None


def check_sum(kernel: Rows, weights: Any, said: Any) -> tuple[str, str] | None:
    """Refuse weights whose products with the kernel cancel out beyond what float64 sums in any order keep.

    Args:
        kernel: float64 of shape (n_probes, n_stored), on the rows of `probes`.
        weights: of shape (n_stored,) or (n_stored, n_targets).
        said: the answers to those rows; the largest of the training rows among them is the scale.
    """
    weights = np.abs(np.asarray(weights, dtype=np.float64)).reshape(kernel.shape[1], -1)
    said = np.abs(np.asarray(said, dtype=np.float64)).reshape(len(kernel), -1)
    scale = said[:SAMPLE].max(initial=0.0) or 1.0
    lost = float(np.max(STEP * (np.abs(kernel) @ weights) / np.maximum(said, scale), initial=0.0))
    if lost <= MOST:
        return None
    return (
        "its weights are so large beside its answers that the sum over the kernel cancels out: the sum's order changes "
        f"up to {lost:.1g} of the answer",
        "Regularise more strongly (a larger alpha, a smaller C, or a noise term in the kernel), or scale the columns.",
    )


def probes(rows: Any) -> Rows:
    """Up to SAMPLE training rows, evenly drawn, then rows that are far out in one column."""
    stored = dense(rows)
    found = stored[np.unique(np.linspace(0, len(stored) - 1, SAMPLE).astype(int))]
    if len(found) < SAMPLE:
        found = np.resize(found, (SAMPLE, stored.shape[1]))
    far = np.repeat(found[:1], stored.shape[1], axis=0)
    np.fill_diagonal(far, FAR * (np.abs(stored).max(axis=0) + 1.0))
    return np.concatenate([found, far])


def check_ridge(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form and weights that cancel out."""
    found = check_kernel(estimator.kernel, estimator.X_fit_, estimator.gamma)
    if found:
        return found
    some = probes(estimator.X_fit_)
    kernel = pairwise_kernels(
        some, dense(estimator.X_fit_), metric=estimator.kernel, **settings(estimator, estimator.gamma)
    )
    return check_sum(kernel, estimator.dual_coef_, kernel @ estimator.dual_coef_)


def convert_ridge(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write kernel @ dual_coef, of shape (n_rows, n_targets)."""
    rows = dense(estimator.X_fit_)
    kernel = pairwise(graph, graph.matrix(inputs), rows, estimator.kernel, settings(estimator, estimator.gamma))
    return {"value": product(graph, kernel, np.asarray(estimator.dual_coef_).reshape(len(rows), -1))}


def check_pca(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form and components that cancel out."""
    found = check_kernel(estimator.kernel, estimator.X_fit_, estimator.gamma_)
    if found:
        return found
    some = probes(estimator.X_fit_)
    kernel = pairwise_kernels(
        some, dense(estimator.X_fit_), metric=estimator.kernel, **settings(estimator, estimator.gamma_)
    )
    return check_sum(kernel, scaled(estimator), kernel @ scaled(estimator))


def convert_pca(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write the kernel's projection."""
    rows = dense(estimator.X_fit_)
    kernel = pairwise(graph, graph.matrix(inputs), rows, estimator.kernel, settings(estimator, estimator.gamma_))
    return projected(graph, estimator, kernel)


def projected(graph: Graph, estimator: Any, kernel: str) -> str:
    """Write the centred kernel, of shape (n_rows, n_stored), @ scaled eigenvectors of a KernelPCA."""
    centre = estimator._centerer
    stored = len(centre.K_fit_rows_)
    mean = graph.add("Div", add_up(graph, kernel, stored), number(graph, stored, "stored"))
    moved = graph.add("Sub", kernel, graph.constant(np.asarray(centre.K_fit_rows_)[None, :], "means"))
    moved = graph.add("Add", graph.add("Sub", moved, mean), number(graph, centre.K_fit_all_, "mean"))
    return product(graph, moved, scaled(estimator))


def scaled(estimator: Any) -> Rows:
    """The eigenvectors of a KernelPCA over the roots of their eigenvalues, of shape (n_stored, n_components)."""
    found: Rows = np.zeros_like(estimator.eigenvectors_)
    kept = np.flatnonzero(estimator.eigenvalues_)
    found[:, kept] = estimator.eigenvectors_[:, kept] / np.sqrt(estimator.eigenvalues_[kept])
    return found


def check_nystroem(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form and normalisations that cancel out."""
    found = check_kernel(estimator.kernel, estimator.components_, estimator.gamma)
    if found:
        return found
    stored = dense(estimator.components_)
    kernel = pairwise_kernels(probes(stored), stored, metric=estimator.kernel, **_nystroem_settings(estimator))
    return check_sum(kernel, estimator.normalization_.T, kernel @ estimator.normalization_.T)


def _nystroem_settings(estimator: Any) -> dict[str, Any]:
    return {
        name: value for name, value in estimator._get_kernel_params().items() if name in PARAMETERS[estimator.kernel]
    }


def convert_nystroem(graph: Graph, estimator: Any, inputs: list[Tensor]) -> str:
    """Write kernel @ normalisation."""
    rows = dense(estimator.components_)
    kernel = pairwise(graph, graph.matrix(inputs), rows, estimator.kernel, _nystroem_settings(estimator))
    return product(graph, kernel, np.asarray(estimator.normalization_.T, dtype=np.float64))


CONVERTERS: dict[type, Converter] = {
    KernelRidge: Converter(predict=convert_ridge, check=check_ridge, carries_rows=holds_rows),
    KernelPCA: Converter(transform=convert_pca, check=check_pca, carries_rows=holds_rows),
    Nystroem: Converter(transform=convert_nystroem, check=check_nystroem, carries_rows=holds_rows),
}
