"""Support vector machines, Gaussian processes and kernel models stay within rounding, or are refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import target, value
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    ExpSineSquared,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    PolynomialCountSketch,
    RBFSampler,
    SkewedChi2Sampler,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from export.convert import convert
from export.converters import REGISTRY, approximation, gaussian_process, kernels, svm
from export.frame import Schema
from export.measure import Measured, measure

NOISE = WhiteKernel()


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(random.normal(size=(90, 4)) * [1.0, 20.0, 3.0, 0.1], columns=["a", "b", "c", "d"])


def measured(model: Any, classes: int = 0, scaler: Any = None) -> Measured:
    X = table()
    pipeline = make_pipeline(StandardScaler() if scaler is None else scaler, model)
    pipeline.fit(X, target(X, classes) if classes else value(X))
    return measure(pipeline, X, transformer=not hasattr(model, "predict"), rows=20)


VECTORS: dict[str, Any] = {
    "rbf": SVC(),
    "linear": SVC(kernel="linear"),
    "poly": SVC(kernel="poly", degree=4, gamma=0.1, coef0=1.0),
    "sigmoid": SVC(kernel="sigmoid"),
    "pairs": SVC(C=100.0, decision_function_shape="ovo"),
    "ties": SVC(break_ties=True),
    "nu": NuSVC(nu=0.3),
}
VALUES: dict[str, Any] = {
    "SVR": SVR(),
    "SVR poly": SVR(kernel="poly", gamma=0.1),
    "SVR of sharp distances": SVR(gamma=300.0),
    "SVR of constants": SVR(epsilon=1e6),
    "NuSVR": NuSVR(C=10.0),
    "ridge": KernelRidge(),
    **{f"ridge {kernel}": KernelRidge(kernel=kernel, gamma=0.1) for kernel in ("rbf", "laplacian", "poly")},
    "ridge sigmoid": KernelRidge(alpha=100.0, kernel="sigmoid", gamma=0.1),
    "ridge cosine": KernelRidge(kernel="cosine"),
    "process": GaussianProcessRegressor(RBF() + NOISE),
    "scaled process": GaussianProcessRegressor(RBF([1.0] * 4) + NOISE, normalize_y=True, optimizer=None),
    "matern": GaussianProcessRegressor(2.0 * Matern(nu=1.5) + NOISE, optimizer=None),
    "smoother matern": GaussianProcessRegressor(Matern(nu=2.5) + NOISE, optimizer=None),
    "roughest matern": GaussianProcessRegressor(Matern(nu=0.5) ** 2 + NOISE, optimizer=None),
    "rational": GaussianProcessRegressor(RationalQuadratic() * ConstantKernel(2.0) + NOISE, optimizer=None),
    "periodic": GaussianProcessRegressor(ExpSineSquared(periodicity=30.0) * RBF() + NOISE, optimizer=None),
}
COLUMNS: dict[str, Any] = {
    "pca": KernelPCA(3),
    "pca rbf": KernelPCA(3, kernel="rbf"),
    "nystroem": Nystroem(n_components=15, random_state=0),
    "sketch": PolynomialCountSketch(n_components=16, random_state=0),
    "odd sketch": PolynomialCountSketch(degree=3, n_components=9, coef0=0.5, gamma=0.3, random_state=0),
}
POSITIVE: dict[str, Any] = {
    "skewed": SkewedChi2Sampler(n_components=10, random_state=0),
    "additive": AdditiveChi2Sampler(sample_steps=1),
    "additive, two steps": AdditiveChi2Sampler(),
    "additive, four steps": AdditiveChi2Sampler(sample_steps=4, sample_interval=0.7),
    "chi2": Nystroem(kernel="chi2", n_components=15, random_state=0),
}


@pytest.mark.parametrize(("name", "classes"), [*((name, 3) for name in VECTORS), ("rbf", 2), ("nu", 2)])
def test_support_vector_classifiers(name: str, classes: int) -> None:
    found = measured(VECTORS[name], classes)
    assert found.verdict in {"identical", "rounding"}, found


@pytest.mark.parametrize("name", VALUES)
def test_kernel_regressors(name: str) -> None:
    found = measured(VALUES[name])
    assert found.verdict in {"identical", "rounding"}, found


@pytest.mark.parametrize("name", COLUMNS | POSITIVE)
def test_kernel_columns(name: str) -> None:
    found = measured((COLUMNS | POSITIVE)[name], scaler=MinMaxScaler() if name in POSITIVE else None)
    assert found.verdict in {"identical", "rounding"}, found


def test_outliers_and_processes() -> None:
    assert measured(OneClassSVM(nu=0.2)).verdict in {"identical", "rounding"}
    for classes, kernel in ((2, DotProduct()), (3, Matern(nu=2.5))):
        found = measured(GaussianProcessClassifier(kernel, optimizer=None), classes)
        assert found.verdict in {"identical", "rounding"}, found


@pytest.mark.parametrize(
    ("module", "name", "model"),
    [
        (kernels, "dot", KernelRidge(kernel="poly", gamma=0.1)),
        (gaussian_process, "squared_distances", GaussianProcessRegressor(RBF() + NOISE)),
    ],
)
def test_a_changed_kernel_is_noticed(module: Any, name: str, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(module, name)

    def moved(graph: Any, matrix: str, rows: Any, *more: Any) -> str:
        return str(original(graph, matrix, rows * (1.0 + 1e-9), *more))

    monkeypatch.setattr(module, name, moved)
    assert measured(model).verdict == "WRONG"


@pytest.mark.parametrize("as_product", [True, False])
def test_changed_support_vectors_are_noticed(as_product: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svm, "cancels_little", lambda _: as_product)
    assert measured(SVR()).verdict == "rounding"
    original = svm.dense
    monkeypatch.setattr(svm, "dense", lambda rows: original(rows) * (1.0 + 1e-9))
    assert measured(SVR()).verdict == "WRONG"


@pytest.mark.parametrize("block", [1, 7])
def test_support_vectors_in_blocks_are_added_up_in_libsvms_order(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X = table().round()
    for classes in (2, 3):
        model = SVC(kernel="linear", C=0.01).fit(X, target(X, classes))
        verdicts = [measure(model, X, rows=20).verdict]
        monkeypatch.setattr(svm, "BLOCK", block)
        verdicts.append(measure(model, X, rows=20).verdict)
        monkeypatch.undo()
        assert verdicts == ["identical", "identical"]


def test_small_whole_numbers_of_support_vectors_take_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    X = table().assign(a=lambda X: (X.a > 0).astype(float), c=lambda X: X.c.round().abs())
    model = SVR().fit(X, value(X))
    stored = model.support_vectors_.size
    assert measure(model, X, rows=20).verdict == "rounding"
    assert len(convert(model, Schema(X), numbers="value")) < 4000 + 8 * stored * 0.75
    moved = svm._moved
    monkeypatch.setattr(svm, "_moved", lambda graph, rows, *more: moved(graph, rows[:, [2, 1, 0, 3, 4]], *more))
    assert measure(model, X, rows=20).verdict == "WRONG"


def test_distances_become_a_product_where_that_loses_nothing() -> None:
    X = table()
    assert svm.cancels_little(SVR().fit(X, value(X)))
    assert not svm.cancels_little(SVR(C=1e3, gamma=300.0).fit(X, value(X)))


@pytest.mark.parametrize(
    ("model", "remedy", "classes"),
    [
        (SVC(probability=True), CalibratedClassifierCV(SVC(), ensemble=False), 2),
        (KernelRidge(kernel=RBF()), KernelRidge(kernel="rbf"), 0),
        (GaussianProcessRegressor(RBF(3.0), optimizer=None), GaussianProcessRegressor(RBF(3.0) + NOISE), 0),
        (GaussianProcessRegressor(Matern(nu=1.2) + NOISE, optimizer=None), GaussianProcessRegressor(RBF() + NOISE), 0),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_refusals_have_a_remedy_that_works(model: Any, remedy: Any, classes: int) -> None:
    assert measured(model, classes).verdict == "refused"
    found = measured(remedy, classes)
    assert found.verdict in {"identical", "rounding"}, found


def test_angles_of_scaled_columns_are_exact_and_those_of_large_ones_are_refused() -> None:
    X, model = table(), RBFSampler(n_components=10, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model, Ridge())
    found = measure(pipeline.fit(X, value(X)), X, rows=60)
    assert found.verdict == "rounding", found
    assert measure(model.fit(X), X, transformer=True, rows=60).verdict == "rounding"
    far = X * 1e9
    assert measure(make_pipeline(model, Ridge()).fit(far, value(X)), far, rows=20).verdict == "refused"


def test_a_wrong_angle_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    X, model = table(), RBFSampler(n_components=10, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model, Ridge()).fit(table(), value(table()))
    assert measure(pipeline, X, rows=20).verdict == "rounding"
    written = approximation.convert_fourier

    def moved(graph: Any, estimator: Any, inputs: Any) -> str:
        other = clone(estimator).set_params(random_state=0).fit(np.zeros((2, estimator.n_features_in_)))
        other.random_weights_, other.random_offset_ = estimator.random_weights_, estimator.random_offset_ + 1e-9
        return str(written(graph, other, inputs))

    monkeypatch.setitem(REGISTRY, RBFSampler, replace(REGISTRY[RBFSampler], transform=moved))
    assert measure(pipeline, X, rows=20).verdict == "WRONG"


def test_distances_that_cancel_out_are_refused() -> None:
    X = table() * 1e6
    found = measure(KernelRidge(kernel="rbf", gamma=1e-9).fit(X, value(X)), X, rows=20)
    assert found.verdict == "refused"
    assert "StandardScaler" in found.reason


@pytest.mark.parametrize(
    ("name", "step"), [("INTERVALS", AdditiveChi2Sampler()), ("_multiplied", PolynomialCountSketch(n_components=8))]
)
def test_a_changed_map_is_noticed(name: str, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = approximation._multiplied
    wrong = {"INTERVALS": {2: 0.5 + 1e-10}, "_multiplied": lambda graph, one, two: right(graph, one, two[::-1])}
    monkeypatch.setattr(approximation, name, wrong[name])
    assert measured(step, scaler=MinMaxScaler()).verdict == "WRONG"


def test_a_sketch_too_wide_for_a_file_is_refused() -> None:
    found = measured(PolynomialCountSketch(n_components=3000, random_state=0))
    assert found.verdict == "refused" and "2048" in found.reason
