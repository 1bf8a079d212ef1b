"""FunctionTransformer over NumPy functions: each has a form of its own; a Python function has none."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special
from sklearn.preprocessing import FunctionTransformer

from export.converters.converter import Converter
from export.converters.elementary import cbrt, clipped, expm1, log1p, logit, replaced, with_number
from export.errors import ExportError
from export.graph import Graph, Tensor

Form = Callable[[Graph, str], str]


def _operator(name: str) -> Form:
    return lambda graph, x: graph.add(name, x)


def _with(operator: str, number: float, *, first: bool = False) -> Form:
    return lambda graph, x: with_number(graph, operator, x, number, first=first)


def _logarithm(base: float) -> Form:
    return lambda graph, x: with_number(graph, "Div", graph.add("Log", x), float(np.log(base)))


def _same(_graph: Graph, x: str) -> str:
    return x


def _truncated(graph: Graph, x: str) -> str:
    return graph.add("Mul", graph.add("Sign", x), graph.add("Floor", graph.add("Abs", x)))


def _finite(graph: Graph, x: str) -> str:
    return graph.add("Not", graph.add("Or", graph.add("IsNaN", x), graph.add("IsInf", x)))


FORMS: dict[Any, Form] = {
    np.log: _operator("Log"),
    np.log1p: log1p,
    np.log2: _logarithm(2.0),
    np.log10: _logarithm(10.0),
    np.exp: _operator("Exp"),
    np.exp2: _with("Pow", 2.0, first=True),
    np.expm1: expm1,
    np.sqrt: _operator("Sqrt"),
    np.cbrt: cbrt,
    np.square: lambda graph, x: graph.add("Mul", x, x),
    np.absolute: _operator("Abs"),
    np.fabs: _operator("Abs"),
    np.sign: _operator("Sign"),
    np.negative: _operator("Neg"),
    np.positive: _same,
    np.floor: _operator("Floor"),
    np.ceil: _operator("Ceil"),
    np.trunc: _truncated,
    np.rint: _operator("Round"),
    np.reciprocal: _operator("Reciprocal"),
    np.sin: _operator("Sin"),
    np.cos: _operator("Cos"),
    np.tanh: _operator("Tanh"),
    np.deg2rad: _with("Mul", np.pi / 180.0),
    np.radians: _with("Mul", np.pi / 180.0),
    np.rad2deg: _with("Mul", 180.0 / np.pi),
    np.degrees: _with("Mul", 180.0 / np.pi),
    np.isnan: _operator("IsNaN"),
    np.isinf: _operator("IsInf"),
    np.isfinite: _finite,
    scipy.special.expit: _operator("Sigmoid"),
    scipy.special.logit: logit,
}
BINARY = {np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.divide: "Div"}
OPTIONS = {
    np.clip: {"a_min", "a_max", "min", "max"},
    np.round: {"decimals"},
    np.around: {"decimals"},
    np.nan_to_num: {"copy", "nan", "posinf", "neginf"},
}
BOOLEAN = {np.isnan, np.isinf, np.isfinite}
INTEGERS_STAY = {np.square, np.absolute, np.sign, np.negative, np.positive}  # computed among integers, and wrapped
INTEGERS_SAME = {np.floor, np.ceil, np.trunc, np.nan_to_num, np.round, np.around}
REMEDY = (
    "Use a NumPy function (np.log1p, np.sqrt, np.clip with kw_args, ...) or functools.partial(np.multiply, 2.5) in its "
    "place, or compute this column before the pipeline, and fit again."
)


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse Python functions, and options that have no form here."""
    if estimator.func is None or _form(estimator) is not None:
        return None
    options = f" with {estimator.kw_args}" if estimator.kw_args else ""
    name = getattr(estimator.func, "__name__", "")
    if getattr(np, name, None) is estimator.func:
        return f"np.{name}{options} has no exact form", REMEDY
    return f"func={estimator.func!r} is Python code, which no graph holds", REMEDY


def _form(estimator: Any) -> Form | None:
    """How the function is written for one float64 tensor; None where it has no form."""
    function, options = estimator.func, dict(estimator.kw_args or {})
    if isinstance(function, partial):
        number = function.args[0] if len(function.args) == 1 else None
        if function.keywords or options or function.func not in BINARY or not isinstance(number, float):
            return None
        return _with(BINARY[function.func], number, first=True)
    if not getattr(function, "__hash__", None):
        return None
    if function not in OPTIONS:
        return None if options else FORMS.get(function)
    known = set(options) <= OPTIONS[function] and all(_plain(value) for value in options.values())
    return _optional(function, options) if known else None


def _plain(value: Any) -> bool:
    return value is None or (type(value) in {int, float, bool} and bool(np.isfinite(value)))


def _optional(function: Any, options: dict[str, Any]) -> Form:
    if function is np.clip:
        low = options.get("a_min", options.get("min"))
        high = options.get("a_max", options.get("max"))
        return lambda graph, x: clipped(graph, x, low, high)
    if function is np.nan_to_num:
        largest = float(np.finfo(np.float64).max)
        ends = [options.get("neginf"), options.get("posinf")]
        low, high = (usual if end is None else end for end, usual in zip(ends, (-largest, largest), strict=True))
        return lambda graph, x: replaced(graph, x, options.get("nan", 0.0), low, high)
    return _rounded(int(options.get("decimals", 0)))


def _rounded(decimals: int) -> Form:
    """NumPy's round: scaled, rounded to the even neighbour, and scaled back."""
    power = float(10 ** abs(decimals))
    there, back = ("Mul", "Div") if decimals > 0 else ("Div", "Mul")

    def form(graph: Graph, x: str) -> str:
        if not decimals:
            return graph.add("Round", x)
        return with_number(graph, back, graph.add("Round", with_number(graph, there, x, power)), power)

    return form


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the function of every column; without one the columns stay as they are.

    Raises:
        ExportError: the columns are of a kind on which NumPy computes otherwise.
    """
    form = _form(estimator)
    if form is None:
        return inputs if not estimator.validate else [_joined(graph, inputs)]
    kinds = {tensor.kind for tensor in inputs}
    if not kinds <= {"double", "int64"}:
        raise ExportError(
            f"NumPy computes this function in another precision on columns of {_shown(kinds - {'double', 'int64'})}",
            'Convert the column with astype("float64") and fit again.',
            step="functiontransformer",
        )
    if len(kinds) > 1 and (estimator.validate or estimator.func is np.nan_to_num):
        inputs = [_joined(graph, inputs)]  # one float64 array
    return [_applied(graph, estimator, form, tensor) for tensor in inputs]


def _shown(kinds: set[str]) -> str:
    return ", ".join(sorted({"string": "text", "float": "float32"}.get(kind, kind) for kind in kinds))


def _joined(graph: Graph, inputs: list[Tensor]) -> Tensor:
    width, sparse = sum(tensor.width for tensor in inputs), any(tensor.sparse for tensor in inputs)
    return Tensor(graph.matrix(inputs), "double", width, sparse)


def _applied(graph: Graph, estimator: Any, form: Form, tensor: Tensor) -> Tensor:
    function = estimator.func
    if tensor.kind == "int64" and not isinstance(function, partial):
        negative = function in {np.round, np.around} and (estimator.kw_args or {}).get("decimals", 0) < 0
        if function is np.reciprocal or negative:
            raise ExportError(
                f"NumPy computes {function.__name__} of integers among integers",
                'Convert the column with astype("float64") and fit again.',
                step="functiontransformer",
            )
        if function in INTEGERS_SAME:
            return tensor
        if function in INTEGERS_STAY:
            return Tensor(form(graph, tensor.name), "int64", tensor.width, tensor.sparse)
    kind = "bool" if not isinstance(function, partial) and function in BOOLEAN else "double"
    return Tensor(form(graph, graph.double(tensor)), kind, tensor.width, tensor.sparse)


CONVERTERS: dict[type, Converter] = {FunctionTransformer: Converter(transform=convert, check=check, takes_text=True)}
