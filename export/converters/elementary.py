"""Functions of one number that ONNX has no float64 operator for, out of those that it has: within rounding."""

import numpy as np
import numpy.typing as npt

from export.graph import Graph

# The rational approximations of the normal quantile in Cephes (S. L. Moshier), highest power first.
CENTRE_P = (-59.9633501014107895267, 98.0010754185999661536, -56.6762857469070293439, 13.9312609387279679503,
            -1.23916583867381258016)  # fmt: skip
CENTRE_Q = (1.0, 1.95448858338141759834, 4.67627912898881538453, 86.3602421390890590575, -225.462687854119370527,
            200.260212380060660359, -82.0372256168333339912, 15.9056225126211695515,
            -1.18331621121330003142)  # fmt: skip
TAIL_P = (4.05544892305962419923, 31.5251094599893866154, 57.1628192246421288162, 44.0805073893200834700,
          14.6849561928858024014, 2.18663306850790267539, -0.140256079171354495875, -0.0350424626827848203418,
          -0.000857456785154685413611)  # fmt: skip
TAIL_Q = (1.0, 15.7799883256466749731, 45.3907635128879210584, 41.3172038254672030440, 15.0425385692907503408,
          2.50464946208309415979, -0.142182922854787788574, -0.0380806407691578277194,
          -0.000933259480895457427372)  # fmt: skip
SQRT_2PI = 2.50662827463100050242
EXP_MINUS_2 = 0.13533528323661269189


def with_number(graph: Graph, operator: str, name: str, number: float, *, first: bool = False) -> str:
    """Write `name operator number`, or, if it stands first, `number operator name`."""
    constant = graph.constant(np.array([number], dtype=np.float64), operator.lower())
    return graph.add(operator, constant, name) if first else graph.add(operator, name, constant)


def log1p(graph: Graph, x: str) -> str:
    """log(1 + x): u = 1 + x, then log(u) less the part of x that u has lost, ((u - 1) - x) / u."""
    sum_ = with_number(graph, "Add", x, 1.0)
    logarithm = graph.add("Log", sum_)
    lost = graph.add("Sub", with_number(graph, "Sub", sum_, 1.0), x)
    found = graph.add("Sub", logarithm, graph.add("Div", lost, sum_))
    inside = graph.add("And", with_number(graph, "Greater", x, -1.0), with_number(graph, "Less", x, np.inf))
    return graph.add("Where", inside, found, logarithm)


def expm1(graph: Graph, x: str) -> str:
    """exp(x) - 1; near zero W. Kahan's (u - 1) * x / log(u) of u = exp(x), whose rounding cancels."""
    power = graph.add("Exp", x)
    less = with_number(graph, "Sub", power, 1.0)
    near = graph.add("Div", graph.add("Mul", less, x), graph.add("Log", power))
    small = with_number(graph, "Less", graph.add("Abs", x), 1.0)
    found = graph.add("Where", small, near, less)
    return graph.add("Where", with_number(graph, "Equal", power, 1.0), x, found)


def cbrt(graph: Graph, x: str) -> str:
    """The cube root: a power, then one step of Newton's method."""
    size = graph.add("Abs", x)
    root = with_number(graph, "Pow", size, 1.0 / 3.0)
    excess = graph.add("Sub", root, graph.add("Div", size, graph.add("Mul", root, root)))
    better = graph.add("Sub", root, with_number(graph, "Div", excess, 3.0))
    inside = graph.add("And", with_number(graph, "Greater", size, 0.0), with_number(graph, "Less", size, np.inf))
    return graph.add("Where", inside, graph.add("Mul", graph.add("Sign", x), better), x)


def logit(graph: Graph, x: str) -> str:
    """log(x / (1 - x)); near one half, as SciPy has it, log1p(s) - log1p(-s) of s = 2 (x - 1/2)."""
    usual = graph.add("Log", graph.add("Div", x, with_number(graph, "Sub", x, 1.0, first=True)))
    shift = with_number(graph, "Mul", with_number(graph, "Sub", x, 0.5), 2.0)
    near = graph.add("Sub", log1p(graph, shift), log1p(graph, graph.add("Neg", shift)))
    middle = graph.add("And", with_number(graph, "GreaterOrEqual", x, 0.3), with_number(graph, "LessOrEqual", x, 0.65))
    return graph.add("Where", middle, near, usual)


def clipped(graph: Graph, x: str, low: float | None, high: float | None) -> str:
    """Write x between its bounds; NaN stays (`Clip` makes a bound of it)."""
    if low is not None and low > -np.inf:
        x = graph.add("Where", with_number(graph, "Less", x, float(low)), _number(graph, low), x)
    if high is not None and high < np.inf:
        x = graph.add("Where", with_number(graph, "Greater", x, float(high)), _number(graph, high), x)
    return x


def replaced(graph: Graph, x: str, missing: float, low: float, high: float) -> str:
    """Write x with NaN and the two infinite numbers replaced."""
    for wrong, number in (
        (graph.add("IsNaN", x), missing),
        (graph.add("IsInf", x, detect_negative=0), high),
        (graph.add("IsInf", x, detect_positive=0), low),
    ):
        x = graph.add("Where", wrong, _number(graph, number), x)
    return x


def _number(graph: Graph, number: float) -> str:
    return graph.constant(np.array([number], dtype=np.float64), "number")


def normal_quantile(graph: Graph, share: str, bounds: tuple[float, float], ends: npt.NDArray[np.float64]) -> str:
    """The normal quantile (Cephes' ndtri) of shares; outside the bounds the given ends.

    Args:
        graph: where to.
        share: float64.
        bounds: the smallest and the largest share that counts; the smallest is more than exp(-32).
        ends: the quantiles of both, as the original has them.
    """
    low, high = (graph.constant(np.array(bound, dtype=np.float64), "bound") for bound in bounds)
    kept = graph.add("Clip", share, low, high)
    upper = with_number(graph, "Greater", kept, 1.0 - EXP_MINUS_2)
    tail = graph.add("Where", upper, with_number(graph, "Sub", kept, 1.0, first=True), kept)
    far = _tail(graph, tail)
    found = graph.add(
        "Where",
        with_number(graph, "Greater", tail, EXP_MINUS_2),
        _centre(graph, tail),
        graph.add("Where", upper, far, graph.add("Neg", far)),
    )
    first, last = (graph.constant(np.array(end, dtype=np.float64), "end") for end in ends)
    clipped = graph.add("Clip", found, first, last)
    return graph.add("Where", graph.add("IsNaN", share), share, clipped)


def _centre(graph: Graph, share: str) -> str:
    y = with_number(graph, "Sub", share, 0.5)
    square = graph.add("Mul", y, y)
    ratio = graph.add("Div", graph.add("Mul", square, _polynomial(graph, square, CENTRE_P)),
                      _polynomial(graph, square, CENTRE_Q))  # fmt: skip
    return with_number(graph, "Mul", graph.add("Add", y, graph.add("Mul", y, ratio)), SQRT_2PI)


def _tail(graph: Graph, share: str) -> str:
    """The quantile's size for a share of at most exp(-2)."""
    x = graph.add("Sqrt", with_number(graph, "Mul", graph.add("Log", share), -2.0, first=True))
    start = graph.add("Sub", x, graph.add("Div", graph.add("Log", x), x))
    z = with_number(graph, "Div", x, 1.0, first=True)
    ratio = graph.add("Div", graph.add("Mul", z, _polynomial(graph, z, TAIL_P)), _polynomial(graph, z, TAIL_Q))
    return graph.add("Sub", start, ratio)


def _polynomial(graph: Graph, x: str, coefficients: tuple[float, ...]) -> str:
    """Horner's rule, highest power first; a leading 1 is not multiplied."""
    first, *others = coefficients
    total = x if first == 1.0 else with_number(graph, "Mul", x, first)
    for number in others[:-1]:
        total = graph.add("Mul", with_number(graph, "Add", total, number), x)
    return with_number(graph, "Add", total, others[-1])
