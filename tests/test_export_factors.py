"""Non-negative factors: each row as scikit-learn answers it alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import NMF, MiniBatchNMF
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from export.converters import factors
from export.measure import Measured, measure
from export.original import asked_together

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def counts() -> pd.DataFrame:
    """Counts, with rows of zeros."""
    table = np.random.default_rng(4).poisson(0.7, (40, 5)).astype(np.float64)
    table[:3] = 0.0
    return pd.DataFrame(table, columns=list("abcde"))


def measured(step: Any) -> Measured:
    return measure(step.fit(counts()), counts(), transformer=True, rows=16)


@pytest.mark.parametrize(
    "step",
    [
        NMF(2, random_state=0),
        NMF(alpha_W=0.02, l1_ratio=0.5, max_iter=30, random_state=0),
        NMF(1, tol=0.1),
    ],
    ids=lambda step: str(step)[:60],
)
def test_factors_of_single_rows(step: Any) -> None:
    found = measured(step)
    assert found.verdict in {"identical", "rounding"}, found
    assert found.undecidable < found.rows / 10


def test_rows_are_asked_alone_inside_a_pipeline() -> None:
    X = counts()
    model = make_pipeline(NMF(2, random_state=0), LogisticRegression()).fit(X, X["a"] > 0.0)
    assert [len(index) for index in asked_together(model, list(X.to_numpy().T))] == [1] * len(X)
    assert measure(model, X, rows=16).verdict == "rounding"


def test_other_solvers_are_refused() -> None:
    for options in ({"solver": "mu"}, {"shuffle": True}):
        found = measured(NMF(2, random_state=0, max_iter=5, **options))
        assert found.verdict == "refused" and 'solver="cd" and shuffle=False' in found.reason


def test_a_wrong_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = factors._descended

    def moved(graph: Any, *given: Any) -> Any:
        found = right(graph, *given)
        more = graph.constant(np.full((1, 2), 1.0 + 1e-9), "more")  # a single number would be fused and kept as float32
        return graph.add("Mul", found[0], more), found[1]

    monkeypatch.setattr(factors, "_descended", moved)
    assert measured(NMF(2, random_state=0)).verdict == "WRONG"


def test_factors_of_batches_are_refused() -> None:
    found = measured(MiniBatchNMF(2, random_state=0, max_iter=5))
    assert found.verdict == "refused"
    assert "NMF" in found.reason
