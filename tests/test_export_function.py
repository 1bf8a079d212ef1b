"""FunctionTransformer over NumPy functions: the same numbers, NaN where the original has NaN, or a refusal."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import frame, name_of, value
from scipy.special import expit, logit
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from export.converters import elementary, function
from export.converters.function import FORMS
from export.measure import Measured, measure

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a logarithm of zero is meant
FLOATS = ["income", "2nd height", "\U0001f600"]
ROUNDED = {np.log, np.log1p, np.log2, np.log10, np.exp, np.exp2, np.expm1, np.cbrt, np.sin, np.cos, np.tanh,
           expit, logit}  # fmt: skip


def measured(X: pd.DataFrame, *functions: Any, **options: Any) -> Measured:
    """Fit a chain of functions, the options those of each, and measure it."""
    chain = make_pipeline(*(FunctionTransformer(each, **options) for each in functions)).fit(X)
    return measure(chain, X, transformer=True, rows=40)


@pytest.mark.parametrize("each", FORMS, ids=lambda each: each.__name__)
def test_every_function(each: Any) -> None:
    found = measured(frame()[FLOATS], each)
    assert found.rows > 50
    assert found.verdict in ({"identical", "rounding"} if each in ROUNDED else {"identical"})


OPTIONS: list[tuple[Any, dict[str, Any]]] = [
    (np.clip, {"a_min": 0, "a_max": 3}), (np.clip, {"min": 0.5}), (np.clip, {"a_min": None, "a_max": 2.5}),
    (np.round, {}), (np.round, {"decimals": 2}), (np.around, {"decimals": -2}), (np.nan_to_num, {}),
    (np.nan_to_num, {"nan": -1.0, "posinf": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("each", "options"), OPTIONS, ids=name_of)
def test_options(each: Any, options: dict[str, Any]) -> None:
    assert measured(frame()[FLOATS], each, kw_args=options).verdict == "identical"


@pytest.mark.parametrize("each", [np.add, np.subtract, np.multiply, np.divide])
def test_a_number_and_a_column(each: Any) -> None:
    assert measured(frame()[FLOATS], partial(each, 2.5)).verdict == "identical"


@pytest.mark.parametrize("each", [np.square, np.absolute, np.sign, np.negative, np.floor, np.trunc, np.rint, np.sqrt])
@pytest.mark.parametrize("validate", [True, False])
def test_whole_numbers_stay_whole(each: Any, validate: bool) -> None:
    for columns in (["visits"], ["visits", "\U0001f600"]):
        assert measured(frame()[columns], each, validate=validate).verdict == "identical"


def test_infinite_numbers_in_between() -> None:
    assert measured(frame()[FLOATS], np.abs, np.log, np.nan_to_num).verdict in {"identical", "rounding"}
    assert measured(frame()[FLOATS], np.tanh, expit, np.log).verdict == "rounding"


def test_no_function_keeps_every_kind() -> None:
    assert measured(frame()[["flag", "visits"]], None).verdict == "identical"
    assert measured(frame()[["label", "x0"]], None).verdict == "identical"


def test_in_front_of_a_model() -> None:
    X = frame()[["2nd height", "visits"]]
    model = make_pipeline(FunctionTransformer(np.tanh, feature_names_out="one-to-one"), LinearRegression())
    assert measure(model.fit(X, value(X)), X, rows=20).verdict == "rounding"


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (lambda X: X, {}, "is Python code"), (partial(np.add, 1), {}, "is Python code"),
    (partial(np.power, 2.0), {}, "is Python code"), (np.log1p, {"kw_args": {"dtype": "float32"}}, "np.log1p with"),
    (np.arctan, {}, "np.arctan has no exact form"), (np.clip, {"kw_args": {"a_min": 0, "out": None}}, "np.clip with"),
    (np.sqrt, {"columns": ["flag"]}, "another precision on columns of bool"),
    (np.reciprocal, {"columns": ["visits"]}, "among integers"),
    (np.round, {"columns": ["visits"], "kw_args": {"decimals": -1}}, "among integers"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "options", "words"), REFUSED, ids=name_of)
def test_refused(each: Any, options: dict[str, Any], words: str) -> None:
    X = frame()[options.pop("columns", FLOATS)]
    found = measured(X, each, **options)
    assert found.verdict == "refused"
    assert words in found.reason


def test_the_remedy_for_whole_numbers_works() -> None:
    assert measured(frame()[["visits"]].astype("float64") + 0.5, np.reciprocal).verdict == "identical"


@pytest.mark.parametrize("name", ["log1p", "expm1"])
def test_a_careless_form_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(graph: Any, x: str) -> str:
        if name == "log1p":
            return str(graph.add("Log", elementary.with_number(graph, "Add", x, 1.0)))
        return elementary.with_number(graph, "Sub", graph.add("Exp", x), 1.0)

    X = frame()[["2nd height"]].abs() * 1e-9
    assert measured(X, getattr(np, name)).verdict == "rounding"
    monkeypatch.setitem(function.FORMS, getattr(np, name), careless)
    assert measured(X, getattr(np, name)).verdict == "WRONG"
