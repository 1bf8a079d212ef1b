"""Gaussian processes: kernels between a row and the training rows, their mean, and its way through a sigmoid."""

from typing import Any

import numpy as np
from scipy.linalg import solve
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Exponentiation,
    ExpSineSquared,
    Matern,
    Product,
    RationalQuadratic,
    Sum,
    WhiteKernel,
)

from export.converters.converter import Converter
from export.converters.kernels import Rows, check_sum, dot, holds_rows, number, probes, squared_distances
from export.converters.linear import binary_probabilities_of, positive_label, product
from export.graph import DOUBLE, Graph, Tensor

SIMPLE = (RBF, ConstantKernel, DotProduct, ExpSineSquared, Matern, RationalQuadratic, WhiteKernel)
SMOOTHNESS = (0.5, 1.5, 2.5, np.inf)
# W. J. Cody's rational functions as Cephes has them (ndtr.c), which scipy.special.erf computes
NEAR = ([9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3,
         5.55923013010394962768e4],
        [1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4,
         4.92673942608635921086e4])  # fmt: skip
FAR = ([2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0, 4.86371970985681366614e1,
        1.96520832956077098242e2, 5.26445194995477358631e2, 9.34528527171957607540e2, 1.02755188689515710272e3,
        5.57535335369399327526e2],
       [1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
        1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3,
        5.57535340817727675546e2])  # fmt: skip
FURTHEST = 8.0  # from here on float64 holds 1.0


def check_kernel(kernel: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form, however deep they stand."""
    if type(kernel) in {Sum, Product}:
        return check_kernel(kernel.k1) or check_kernel(kernel.k2)
    if type(kernel) is Exponentiation:
        return check_kernel(kernel.kernel)
    if type(kernel) is Matern and kernel.nu not in SMOOTHNESS:
        return f"Matern needs Bessel functions for nu={kernel.nu!r}", "Use nu = 0.5, 1.5, 2.5 or np.inf."
    if type(kernel) not in SIMPLE:
        names = ", ".join(each.__name__ for each in SIMPLE)
        return f"the kernel {type(kernel).__name__} has no exact form", f"Use {names}, their sums, products or powers."
    return None


def kernel_of(graph: Graph, kernel: Any, matrix: str, rows: Rows) -> str:
    """Write kernel(X, rows), of shape (n_rows, n_stored)."""
    if isinstance(kernel, Sum | Product):
        parts = [kernel_of(graph, part, matrix, rows) for part in (kernel.k1, kernel.k2)]
        return graph.add("Add" if isinstance(kernel, Sum) else "Mul", *parts)
    if isinstance(kernel, Exponentiation):
        return graph.add("Pow", kernel_of(graph, kernel.kernel, matrix, rows), number(graph, kernel.exponent))
    if isinstance(kernel, ConstantKernel | WhiteKernel):
        value = kernel.constant_value if isinstance(kernel, ConstantKernel) else 0.0
        return graph.add("Add", _zero(graph, matrix), graph.constant(np.full((1, len(rows)), float(value)), "constant"))
    if isinstance(kernel, DotProduct):
        return graph.add("Add", dot(graph, matrix, rows), number(graph, kernel.sigma_0**2, "sigma"))
    if isinstance(kernel, RBF):  # and Matern
        scale = np.broadcast_to(np.asarray(kernel.length_scale, dtype=np.float64), (rows.shape[1],))
        scaled = graph.add("Div", matrix, graph.constant(scale[None, :].copy(), "length_scale"))
        return _by_distance(graph, kernel, squared_distances(graph, scaled, rows / scale))
    return _by_distance(graph, kernel, squared_distances(graph, matrix, rows))


def _by_distance(graph: Graph, kernel: Any, squared: str) -> str:
    """The kernels that are functions of the squared distance alone."""
    if isinstance(kernel, RationalQuadratic):
        share = graph.add("Div", squared, number(graph, 2 * kernel.alpha * kernel.length_scale**2))
        return graph.add("Pow", graph.add("Add", number(graph, 1.0), share), number(graph, -kernel.alpha))
    if isinstance(kernel, ExpSineSquared):
        turned = graph.add("Mul", number(graph, np.pi / kernel.periodicity), graph.add("Sqrt", squared))
        wave = graph.add("Div", graph.add("Sin", turned), number(graph, kernel.length_scale))
        return graph.add("Exp", graph.add("Mul", number(graph, -2.0), graph.add("Mul", wave, wave)))
    if isinstance(kernel, Matern) and kernel.nu != np.inf:
        return _matern(graph, kernel.nu, graph.add("Sqrt", squared))
    return graph.add("Exp", graph.add("Mul", number(graph, -0.5), squared))


def _matern(graph: Graph, nu: float, distance: str) -> str:
    if nu == 0.5:
        return graph.add("Exp", graph.add("Neg", distance))
    scaled = graph.add("Mul", distance, number(graph, np.sqrt(2 * nu)))
    factor = graph.add("Add", number(graph, 1.0), scaled)
    if nu == 2.5:
        third = graph.add("Div", graph.add("Mul", scaled, scaled), number(graph, 3.0))
        factor = graph.add("Add", factor, third)
    return graph.add("Mul", factor, graph.add("Exp", graph.add("Neg", scaled)))


def _diagonal(graph: Graph, kernel: Any, matrix: str) -> str:
    """Write kernel(x, x) of each row x, of shape (n_rows, 1)."""
    if isinstance(kernel, Sum | Product):
        parts = [_diagonal(graph, part, matrix) for part in (kernel.k1, kernel.k2)]
        return graph.add("Add" if isinstance(kernel, Sum) else "Mul", *parts)
    if isinstance(kernel, Exponentiation):
        return graph.add("Pow", _diagonal(graph, kernel.kernel, matrix), number(graph, kernel.exponent))
    if isinstance(kernel, DotProduct):
        axis = graph.constant(np.array([1]), "axis")
        square = graph.add("ReduceSum", graph.add("Mul", matrix, matrix), axis, keepdims=1)
        return graph.add("Add", square, number(graph, kernel.sigma_0**2))
    held = {ConstantKernel: "constant_value", WhiteKernel: "noise_level"}.get(type(kernel))
    value = getattr(kernel, held) if held else 1.0
    return graph.add("Add", _zero(graph, matrix), number(graph, value))


def _zero(graph: Graph, matrix: str) -> str:
    """A zero per row, of shape (n_rows, 1); scikit-learn takes no NaN here."""
    return graph.add("Cast", graph.add("IsNaN", graph.chosen(matrix, [0])), to=DOUBLE)


def check_regressor(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form and weights that cancel out."""
    found = check_kernel(estimator.kernel_)
    if found:
        return found
    kernel = estimator.kernel_(probes(estimator.X_train_), estimator.X_train_)
    said = estimator._y_train_std * (kernel @ estimator.alpha_) + estimator._y_train_mean
    return check_sum(kernel, estimator.alpha_ * estimator._y_train_std, said)


def convert_regressor(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write kernel @ alpha, scaled back; shape (n_rows, n_targets)."""
    rows = np.asarray(estimator.X_train_, dtype=np.float64)
    kernel = kernel_of(graph, estimator.kernel_, graph.matrix(inputs), rows)
    alpha = np.asarray(estimator.alpha_, dtype=np.float64).reshape(len(rows), -1)
    scale, mean = (
        np.broadcast_to(np.asarray(each, dtype=np.float64), (alpha.shape[1],))[None, :].copy()
        for each in (estimator._y_train_std, estimator._y_train_mean)
    )
    scaled = graph.add("Mul", dot(graph, kernel, alpha.T), graph.constant(scale, "scale"))
    return {"value": graph.add("Add", scaled, graph.constant(mean, "mean"))}


def check_classifier(estimator: Any) -> tuple[str, str] | None:
    """Refuse kernels without an exact form, and pairs of classes, which have no probabilities."""
    if estimator.n_classes_ > 2 and estimator.multi_class == "one_vs_one":
        return "multi_class='one_vs_one' has no probabilities", "Use multi_class='one_vs_rest'."
    for member in _members(estimator):
        found = check_kernel(member.kernel_)
        if found:
            return found
    return None


def _members(estimator: Any) -> list[Any]:
    base = estimator.base_estimator_
    return list(base.estimators_) if estimator.n_classes_ > 2 else [base]


def convert_classifier(graph: Graph, estimator: Any, inputs: list[Tensor]) -> dict[str, str]:
    """Write the class's probability, or each class's against the rest, divided by their sum."""
    matrix = graph.matrix(inputs)
    found = [_binary(graph, member, matrix) for member in _members(estimator)]
    if len(found) == 1:
        mean, positive = found[0]
        return {
            "label": positive_label(graph, mean, "Greater"),
            "probabilities": binary_probabilities_of(graph, positive),
        }
    each = graph.add("Concat", *(positive for _, positive in found), axis=1)
    total = graph.add("ReduceSum", each, graph.constant(np.array([1]), "axis"), keepdims=1)
    label = graph.add("ArgMax", each, axis=1, keepdims=0, select_last_index=1)  # the last of equals, as OneVsRest
    return {"label": label, "probabilities": graph.add("Div", each, total)}


def _binary(graph: Graph, member: Any, matrix: str) -> tuple[str, str]:
    """The latent mean and the positive class's probability, both of shape (n_rows, 1)."""
    rows = np.asarray(member.X_train_, dtype=np.float64)
    kernel = kernel_of(graph, member.kernel_, matrix, rows)
    mean = product(graph, kernel, np.asarray(member.y_train_ - member.pi_, dtype=np.float64)[:, None])
    inverse = solve(member.L_, np.diag(member.W_sr_)).T
    spread = product(graph, kernel, np.ascontiguousarray(inverse))
    explained = graph.add(
        "ReduceSum", graph.add("Mul", spread, spread), graph.constant(np.array([1]), "axis"), keepdims=1
    )
    variance = graph.add("Sub", _diagonal(graph, member.kernel_, matrix), explained)
    return mean, _through_sigmoid(graph, mean, variance)


def _through_sigmoid(graph: Graph, mean: str, variance: str) -> str:
    """Williams and Barber's approximation of the mean of a sigmoid, with scikit-learn's operations in their order."""
    lambdas, coefs = LAMBDAS.ravel()[None, :], COEFS.ravel()[None, :]
    alpha = graph.add("Div", number(graph, 1.0), graph.add("Mul", number(graph, 2.0), variance))
    gamma = graph.add("Mul", graph.constant(lambdas, "lambdas"), mean)
    inside = graph.add("Add", alpha, graph.constant(lambdas**2, "squares"))
    argument = graph.add("Mul", gamma, graph.add("Sqrt", graph.add("Div", alpha, inside)))
    wide = graph.add("Sqrt", graph.add("Div", number(graph, np.pi), alpha))
    twice = graph.add("Mul", graph.add("Mul", variance, number(graph, 2.0)), number(graph, np.pi))
    below = graph.add("Mul", number(graph, 2.0), graph.add("Sqrt", twice))
    integrals = graph.add("Div", graph.add("Mul", wide, _erf(graph, argument)), below)
    running = graph.add(
        "CumSum", graph.add("Mul", graph.constant(coefs, "coefs"), integrals), graph.constant(np.array(1), "axis")
    )
    return graph.add("Add", graph.chosen(running, [len(LAMBDAS) - 1]), number(graph, 0.5 * COEFS.sum()))


def _erf(graph: Graph, x: str) -> str:
    """The error function as scipy computes it; no runtime has it in float64."""
    one = number(graph, 1.0)
    size = graph.add("Abs", x)
    small = graph.add("Min", size, one)
    square = graph.add("Mul", small, small)
    above, below = (_polynomial(graph, square, coefficients) for coefficients in NEAR)
    near = graph.add("Div", graph.add("Mul", small, above), below)
    large = graph.add("Min", size, number(graph, FURTHEST))
    fading = graph.add("Exp", graph.add("Neg", graph.add("Mul", large, large)))
    above, below = (_polynomial(graph, large, coefficients) for coefficients in FAR)
    tail = graph.add("Div", graph.add("Mul", fading, above), below)
    found = graph.add("Where", graph.add("Greater", size, one), graph.add("Sub", one, tail), near)
    return graph.add("Mul", graph.add("Sign", x), found)


def _polynomial(graph: Graph, x: str, coefficients: list[float]) -> str:
    """Horner's scheme, the highest power first."""
    value = number(graph, coefficients[0], "coefficient")
    for coefficient in coefficients[1:]:
        value = graph.add("Add", graph.add("Mul", value, x), number(graph, coefficient, "coefficient"))
    return value


CONVERTERS: dict[type, Converter] = {
    GaussianProcessRegressor: Converter(predict=convert_regressor, check=check_regressor, carries_rows=holds_rows),
    GaussianProcessClassifier: Converter(predict=convert_classifier, check=check_classifier, carries_rows=holds_rows),
}
