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


MINI = {"random_state": 0, "max_iter": 20, "transform_max_iter": 25}


@pytest.mark.parametrize(
    "step",
    [
        NMF(2, random_state=0),
        NMF(alpha_W=0.02, l1_ratio=0.5, max_iter=30, random_state=0),
        NMF(1, tol=0.1),
        MiniBatchNMF(2, **MINI),
        MiniBatchNMF(2, alpha_W=0.02, l1_ratio=0.5, beta_loss="kullback-leibler", **MINI),
        MiniBatchNMF(1, beta_loss=1.5, **MINI),
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


@pytest.mark.parametrize("step", [NMF(2, random_state=0), MiniBatchNMF(2, **MINI)], ids=["NMF", "MiniBatchNMF"])
def test_a_row_that_stops_within_rounding_is_at_a_jump(step: Any) -> None:
    margins = factors.CONVERTERS[type(step)].margins
    assert margins is not None
    step.fit(counts())
    row = counts().to_numpy()[5:6]
    before = margins(step, row)[0]
    assert before > 1e-9
    for sign in (1.0, -1.0):
        moved = step.__class__(**step.get_params()).fit(counts()).set_params(tol=step.tol + sign * before)
        if margins(moved, row)[0] < 1e-15:
            return
    pytest.fail("the share that stops was not found")


def test_other_solvers_are_refused() -> None:
    for options in ({"solver": "mu"}, {"shuffle": True}):
        found = measured(NMF(2, random_state=0, max_iter=5, **options))
        assert found.verdict == "refused" and 'solver="cd" and shuffle=False' in found.reason


@pytest.mark.parametrize(
    ("name", "step"), [("_descended", NMF(2, random_state=0)), ("_factor", MiniBatchNMF(2, **MINI))]
)
def test_a_wrong_step_is_noticed(name: str, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(factors, name)

    def moved(graph: Any, *given: Any) -> Any:
        found = right(graph, *given)
        more = graph.constant(np.full((1, 2), 1.0 + 1e-9), "more")  # a single number would be fused and kept as float32
        return graph.add("Mul", found, more) if isinstance(found, str) else (graph.add("Mul", found[0], more), found[1])

    monkeypatch.setattr(factors, name, moved)
    assert measured(step).verdict == "WRONG"
