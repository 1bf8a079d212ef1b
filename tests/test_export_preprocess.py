"""Bins, quantiles, powers, splines, norms and target encoders: scikit-learn's operations in scikit-learn's order."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_tools import frame, target, value
from scipy import stats
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    KernelCenterer,
    MaxAbsScaler,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from export.converters import elementary
from export.measure import Measured, measure

NUMBERS = ["income", "2nd height", "visits", "\U0001f600"]
EXACT = {"identical", "rounding"}


def full() -> pd.DataFrame:
    """Numbers without missing values."""
    X = frame()[NUMBERS]
    return X.fillna(X.mean())


def measured(step: Any, X: pd.DataFrame, y: npt.NDArray[Any] | None = None) -> Measured:
    """Fit and measure a transformer."""
    found = measure(step.fit(X, y), X, transformer=True, rows=40)
    assert found.verdict == "refused" or found.rows > 100, found
    return found


@pytest.mark.filterwarnings("ignore:Bins whose width are too small")
@pytest.mark.parametrize("encode", ["ordinal", "onehot", "onehot-dense"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins(encode: str, strategy: str) -> None:
    options = {"quantile_method": "averaged_inverted_cdf"} if strategy == "quantile" else {}
    bins = KBinsDiscretizer(4, encode=encode, strategy=strategy, random_state=0, **options)
    assert measured(bins, full()).verdict == "identical"


def test_each_bin_begins_at_its_edge() -> None:
    X = pd.DataFrame({"a": np.repeat(np.arange(9.0), 4), "b": np.tile([0.0, 0.1, 0.3], 12)})
    assert measured(KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), X).verdict == "identical"


def test_bins_in_front_of_trees() -> None:
    X = full()
    model = make_pipeline(KBinsDiscretizer(5, strategy="uniform"), DecisionTreeClassifier(max_depth=4, random_state=0))
    assert measure(model.fit(X, target(X)), X, rows=20).verdict == "identical"


@pytest.mark.parametrize(("output", "verdict"), [("uniform", "identical"), ("normal", "rounding")])
@pytest.mark.parametrize("points", [7, 260])
def test_quantiles(output: str, verdict: str, points: int) -> None:
    step = QuantileTransformer(n_quantiles=points, output_distribution=output)
    assert measured(step, frame()[NUMBERS]).verdict == verdict


@pytest.mark.parametrize("scaled", [True, False])
def test_powers(scaled: bool) -> None:
    assert measured(PowerTransformer(standardize=scaled), frame()[NUMBERS]).verdict == "rounding"
    assert measured(PowerTransformer("box-cox", standardize=scaled), frame()[["income"]]).verdict == "rounding"


@pytest.mark.parametrize("power", [0.0, 2.0, -3.0, 1e-20])
def test_powers_that_are_logarithms(power: float) -> None:
    X = frame()[["2nd height"]].abs() + 0.01
    for method in ("yeo-johnson", "box-cox"):
        step = PowerTransformer(method, standardize=False).fit(X)
        step.lambdas_[:] = power
        assert measure(step, X, transformer=True, rows=40).verdict in EXACT


SPLINES: list[dict[str, Any]] = [
    *({"extrapolation": each} for each in ("error", "constant", "linear", "continue", "periodic")),
    *({"degree": 0, "extrapolation": each} for each in ("error", "constant", "linear", "continue", "periodic")),
    *({"degree": 0, "extrapolation": each, "sparse_output": True} for each in ("constant", "linear")),
    {"degree": 1, "extrapolation": "linear", "include_bias": False}, {"degree": 2, "knots": "quantile"},
    {"degree": 5, "n_knots": 7, "extrapolation": "periodic", "sparse_output": True},
]  # fmt: skip


@pytest.mark.parametrize("options", SPLINES, ids=str)
def test_splines(options: dict[str, Any]) -> None:
    assert measured(SplineTransformer(**options), full()).verdict == "identical"


@pytest.mark.parametrize("extrapolation", ["constant", "continue", "periodic"])
def test_splines_of_missing_values(extrapolation: str) -> None:
    step = SplineTransformer(handle_missing="zeros", extrapolation=extrapolation)
    assert measured(step, frame()[NUMBERS]).verdict == "identical"


def test_splines_of_a_column_with_one_value() -> None:
    X = frame()[["2nd height"]].assign(same=1.5)
    assert measured(SplineTransformer(extrapolation="linear"), X).verdict == "identical"


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_norms(norm: str) -> None:
    assert measured(Normalizer(norm), full() * [0.0, 1e-17, 1.0, 1.0]).verdict in EXACT
    sparse = ColumnTransformer([("a", OneHotEncoder(handle_unknown="ignore"), ["label"])], sparse_threshold=1.0)
    assert measured(make_pipeline(sparse, MaxAbsScaler(), Normalizer(norm)), frame()).verdict in EXACT


def test_centred_kernels() -> None:
    X = full().iloc[:4].reset_index(drop=True)
    assert measure(KernelCenterer().fit(X), X, transformer=True).verdict in EXACT


@pytest.mark.parametrize("kind", ["continuous", "binary", "multiclass"])
def test_target_encoders(kind: str) -> None:
    X = frame()
    y = {"continuous": value(X), "binary": target(X), "multiclass": target(X, 3)}[kind]
    for columns in (["label", "probabilities", "x0", "visits", "flag", "\U0001f600"], ["\U0001f600", "income"], ["x0"]):
        assert measured(TargetEncoder(smooth=3.0 if kind == "binary" else "auto"), X[columns], y).verdict == "identical"


def test_refused() -> None:
    X = full()
    sparse = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["visits"]), sparse_threshold=1.0)
    for step, words in (
        (KBinsDiscretizer(dtype=np.float32, strategy="uniform"), "dtype=float32"),
        (make_pipeline(sparse, QuantileTransformer(n_quantiles=9)), "zeros of a sparse matrix"),
        (SplineTransformer(degree=0, extrapolation="periodic", sparse_output=True), "have no columns"),
        (PatchExtractor(patch_size=(1, 1)), "takes pictures and no rows of a table"),
    ):
        found = measured(step, X)
        assert found.verdict == "refused", step
        assert words in found.reason


def test_a_change_in_the_twelfth_digit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = full()
    step = QuantileTransformer(n_quantiles=50, output_distribution="normal")
    assert measured(step, X).verdict == "rounding"
    monkeypatch.setattr(elementary, "SQRT_2PI", elementary.SQRT_2PI * (1 + 1e-11))
    assert measured(step, X).verdict == "WRONG"


def test_the_normal_quantile_is_that_of_the_definition() -> None:
    X = pd.DataFrame({"x": np.linspace(0.0, 1.0, 1001)})
    step = QuantileTransformer(n_quantiles=1001, output_distribution="normal").fit(X)
    model = make_pipeline(step, LinearRegression()).fit(X, stats.norm.ppf(np.clip(X["x"], 1e-7, 1 - 1e-7)))
    assert model[-1].coef_[0] == pytest.approx(1.0, abs=1e-6)
    assert measure(model, X, rows=20).verdict == "rounding"


def test_behind_an_imputer_in_a_branch() -> None:
    X = frame()
    steps = (KBinsDiscretizer(3, strategy="uniform"), SplineTransformer(), QuantileTransformer(n_quantiles=20))
    branches = [(make_pipeline(SimpleImputer(), step), ["income", "2nd height"]) for step in steps]
    model = make_pipeline(make_column_transformer(*branches), LinearRegression()).fit(X, value(X))
    assert measure(model, X, rows=20).verdict == "rounding"


@pytest.mark.parametrize("scale", [1 + 1e-9, 1 - 4e-12, 1 + 3e-8])
def test_a_factor_that_float32_takes_for_one_stays(scale: float) -> None:
    X = full()[["2nd height"]]
    scaler, model = StandardScaler(with_mean=False).fit(X), LinearRegression().fit(X.to_numpy(), value(X))
    scaler.scale_[:], model.coef_[:] = scale, scale
    assert measure(make_pipeline(FunctionTransformer(np.negative), scaler, model), X, rows=20).verdict in EXACT
    scaler.scale_[:] = 1.0
    assert measure(make_pipeline(FunctionTransformer(np.negative), scaler, model), X, rows=20).verdict in EXACT
