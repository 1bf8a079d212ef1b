"""Decompositions, projections, clusters, mixtures, envelopes and term weights: exact, or refused with a remedy."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import (
    AffinityPropagation,
    Birch,
    BisectingKMeans,
    FeatureAgglomeration,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
)
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import (
    PCA,
    DictionaryLearning,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    LatentDirichletAllocation,
    MiniBatchSparsePCA,
    SparseCoder,
    SparsePCA,
    TruncatedSVD,
)
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from export.converters import cluster, decomposition, manifold, mixture
from export.frame import Schema, take
from export.graph import Graph
from export.measure import Measured, measure
from export.original import Original

COLUMNS = 9  # more than NumPy's eight running sums


def numbers(rows: int = 150) -> pd.DataFrame:
    """Three groups of rows, with columns of other sizes."""
    random = np.random.default_rng(3)
    middles = random.normal(0.0, 3.0, (3, COLUMNS))
    values = middles[random.integers(0, 3, rows)] + random.normal(0.0, 1.0, (rows, COLUMNS))
    return pd.DataFrame(values * np.logspace(-1, 2, COLUMNS), columns=[f"c{i}" for i in range(COLUMNS)])


def counts(rows: int = 90) -> pd.DataFrame:
    """Counts, with rows of zeros."""
    table = np.random.default_rng(4).poisson(0.4, (rows, COLUMNS))
    table[:3] = 0
    return pd.DataFrame(table.astype(np.float64), columns=[f"c{i}" for i in range(COLUMNS)])


def measured(estimator: Any, X: pd.DataFrame, *, transformer: bool) -> Measured:
    y = (X.iloc[:, 0] > X.iloc[:, 0].median()).astype(int)
    return measure(estimator.fit(X, y), X, transformer=transformer, rows=60)


ATOMS = np.random.default_rng(0).normal(size=(4, COLUMNS))
ROUNDED = [
    PCA(3),
    PCA(whiten=True),
    PCA(0.9, svd_solver="full"),
    PCA(1),
    IncrementalPCA(2, whiten=True),
    TruncatedSVD(2, random_state=0),
    FastICA(3, random_state=0),
    FastICA(whiten=False, random_state=0, max_iter=5, tol=1.0),
    FactorAnalysis(2),
    SparsePCA(3, random_state=0, max_iter=5),
    MiniBatchSparsePCA(3, random_state=0, max_iter=5),
    SparsePCA(random_state=0, max_iter=5),
    NeighborhoodComponentsAnalysis(2, max_iter=5),
    BernoulliRBM(4, n_iter=2, random_state=0),
    GaussianRandomProjection(3, random_state=0),
    SparseRandomProjection(3, random_state=0),
    KMeans(3, n_init=1, random_state=0),
    MiniBatchKMeans(3, n_init=1, random_state=0),
    BisectingKMeans(4, random_state=0),
    SparseCoder(ATOMS, transform_algorithm="threshold", transform_alpha=0.5),
    SparseCoder(ATOMS, transform_algorithm="threshold", split_sign=True, positive_code=True),
    DictionaryLearning(3, max_iter=3, transform_algorithm="threshold", random_state=0),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("step", ROUNDED, ids=lambda step: str(step)[:60])
def test_transformers(step: Any) -> None:
    for estimator in (step, make_pipeline(StandardScaler(), step)):
        found = measured(estimator, numbers(), transformer=True)
        assert found.verdict in {"identical", "rounding"}, found


@pytest.mark.parametrize("pool", [np.mean, np.median, np.max, np.min], ids=lambda pool: pool.__name__)
def test_pooled_columns(pool: Any) -> None:
    assert measured(FeatureAgglomeration(3, pooling_func=pool), numbers(), transformer=True).verdict == "identical"


@pytest.mark.parametrize("norm", ["l1", "l2", None])
@pytest.mark.parametrize("sublinear", [False, True])
def test_term_weights(norm: str | None, sublinear: bool) -> None:
    for idf in (True, False):
        step = TfidfTransformer(norm=norm, sublinear_tf=sublinear, use_idf=idf)
        found = measured(step, counts(), transformer=True)
        assert found.verdict == "identical" or (sublinear and found.verdict == "rounding"), found


CLUSTERS = [
    KMeans(3, n_init=1, random_state=0),
    MiniBatchKMeans(3, n_init=1, random_state=0),
    BisectingKMeans(4, random_state=0),
    BisectingKMeans(1),
    Birch(threshold=0.8, n_clusters=3),
    Birch(threshold=2.0, n_clusters=None),
    MeanShift(bandwidth=3.0),
    AffinityPropagation(random_state=0, damping=0.9),
    EllipticEnvelope(random_state=0),
]


@pytest.mark.parametrize("model", CLUSTERS, ids=lambda model: str(model)[:60])
def test_clusters_and_outliers(model: Any) -> None:
    found = measured(make_pipeline(StandardScaler(), model), numbers(), transformer=False)
    assert found.verdict in {"identical", "rounding"}, found
    assert found.undecidable < found.rows / 10


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("cls", [GaussianMixture, BayesianGaussianMixture])
def test_mixtures(cls: type, kind: str) -> None:
    model = cls(n_components=3, covariance_type=kind, random_state=0, max_iter=300)
    found = measured(make_pipeline(StandardScaler(), model), numbers(), transformer=False)
    assert found.verdict in {"identical", "rounding"}, found


def test_behind_sparse_columns_a_decomposition_is_dense() -> None:
    X = pd.DataFrame({"a": list("xyzxyzzy") * 10, "b": list("pqpqqqpp") * 10})
    model = make_pipeline(OneHotEncoder(), TruncatedSVD(2, random_state=0), StandardScaler(), LogisticRegression())
    assert measured_text(model, X).verdict in {"identical", "rounding"}


def measured_text(model: Any, X: pd.DataFrame) -> Measured:
    return measure(model.fit(X, (X["a"] == "x").astype(int)), X, rows=40)


REFUSED = [
    (LatentDirichletAllocation(2, max_iter=2), "last", "TruncatedSVD"),
    (Isomap(n_neighbors=80, n_components=2), "whose order among equally near rows", "kd_tree"),
    (Isomap(n_neighbors=None, radius=900.0), "within a radius", "n_neighbors"),
    (LocallyLinearEmbedding(n_neighbors=9), "for each row", "Isomap"),
    (DictionaryLearning(3, max_iter=3, random_state=0), "searches", "threshold"),
    (SparsePCA(ridge_alpha=1e-9, max_iter=5, random_state=0), "cancels", "ridge_alpha"),
    (FeatureAgglomeration(3, pooling_func=np.sum), "pooling_func", "np.mean"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("step", "reason", "remedy"), REFUSED, ids=lambda part: str(part)[:20])
def test_refused_with_a_remedy(step: Any, reason: str, remedy: str) -> None:
    X = counts() if isinstance(step, LatentDirichletAllocation) else numbers()
    X = X.assign(c1=X["c0"] * (1.0 + 1e-9)) if isinstance(step, SparsePCA) else X
    found = measured(step, X, transformer=True)
    assert found.verdict == "refused"
    assert reason in found.reason and remedy in found.reason


def test_distances_to_training_rows_are_refused() -> None:
    X = numbers(40)
    found = measured(Birch(threshold=1e-3, n_clusters=None), X, transformer=True)
    assert found.verdict == "refused" and "threshold" in found.reason


def test_a_wrong_centre_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    X, right = numbers(), cluster._centres
    monkeypatch.setattr(cluster, "_centres", lambda estimator: right(estimator) * (1.0 + 1e-6))
    assert measured(KMeans(3, n_init=1, random_state=0), X, transformer=False).verdict == "WRONG"


def test_a_wrong_sum_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def reduced(graph: Graph, values: str, _width: int) -> str:
        return graph.add("ReduceMax", values, graph.constant(np.array([1]), "axis"), keepdims=1)

    monkeypatch.setattr(mixture, "add_up", reduced)
    assert measured(GaussianMixture(2, random_state=0), numbers(), transformer=False).verdict == "WRONG"


def test_a_row_alone_keeps_its_two_dimensions() -> None:
    X = numbers()
    model = make_pipeline(StandardScaler(), SparsePCA(2, random_state=0, max_iter=5), LogisticRegression())
    model.fit(X, X["c0"] > X["c0"].median())
    schema = Schema(X)
    table = schema.values(X)
    original = Original(model, schema, table)
    alone, together = original.answer_alone(take(table, np.arange(5))), original.answer(take(table, np.arange(5)))
    assert alone.accepted.all()
    assert np.allclose(alone.numbers, together.numbers, rtol=1e-12)


def test_a_wrong_component_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = decomposition.product
    monkeypatch.setattr(decomposition, "product", lambda graph, x, weights: right(graph, x, weights * (1 + 1e-9)))
    assert measured(PCA(2), numbers(), transformer=True).verdict == "WRONG"


@pytest.mark.filterwarnings("ignore:The number of connected components")
@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
@pytest.mark.parametrize("step", [Isomap(), Isomap(n_neighbors=8, n_components=3, metric="manhattan")], ids=repr)
def test_ways_through_training_rows(step: Isomap) -> None:
    found = measured(make_pipeline(StandardScaler(), step), numbers(100), transformer=True)
    assert found.verdict == "rounding", found
    assert found.undecidable < found.rows / 10


@pytest.mark.filterwarnings("ignore:The number of connected components")
@pytest.mark.filterwarnings("ignore:Changing the sparsity structure")
def test_a_wrong_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = manifold.nearest
    monkeypatch.setattr(
        manifold, "nearest", lambda graph, x, tree, count: right(graph, graph.add("Neg", x), tree, count)
    )
    assert measured(Isomap(), numbers(100), transformer=True).verdict == "WRONG"
