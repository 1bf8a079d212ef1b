"""Rows where a step inside chooses between equal numbers are found wherever the step stands, and no others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from deploy.verify import verify
from export import export_bundle
from export.converters import REGISTRY
from export.errors import ExportError
from export.margin import has_margins, margins
from export.measure import measure
from lambda_handler.bundle import read_bundle


def table() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])


def classes(X: pd.DataFrame) -> Any:
    return np.digitize(X["a"] + X["b"], [-0.7, 0.7])


def at_a_turn(X: pd.DataFrame) -> pd.DataFrame:
    """Two rows: a training row, and one where the vote between two classes turns, found by bisection."""
    model = SVC(decision_function_shape="ovo").fit(X.to_numpy(), classes(X))
    said = model.decision_function(X.to_numpy())[:, 0]
    low, high = X.to_numpy()[np.argmin(said)], X.to_numpy()[np.argmax(said)]
    for _ in range(60):
        middle = (low + high) / 2.0
        if model.decision_function(middle[None, :])[0, 0] > 0.0:
            high = middle
        else:
            low = middle
    return pd.DataFrame([X.to_numpy()[0], middle], columns=X.columns)


PLACES: dict[str, Any] = {
    "alone": SVC(),
    "pipeline": make_pipeline(StandardScaler(with_mean=False, with_std=False), SVC()),
    "columns": make_pipeline(ColumnTransformer([("all", "passthrough", ["a", "b", "c"])]), SVC()),
    "member": BaggingClassifier(SVC(), 1, bootstrap=False, random_state=0),
    "stack": StackingClassifier([("svc", SVC())], LogisticRegression(), cv="prefit"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_turn_is_found_wherever_the_step_stands(name: str) -> None:
    X = table()
    rows = at_a_turn(X)
    model = PLACES[name]
    if name == "stack":
        model.set_params(estimators=[("svc", SVC().fit(X, classes(X)))])
    found = margins(model.fit(X, classes(X)), rows)
    assert has_margins(model)
    assert found[1] < 1e-12
    assert found[0] > 1e-6


def test_two_classes_and_distances_do_not_jump() -> None:
    X = table()
    binary = SVC().fit(X, classes(X) > 0)
    assert np.isinf(margins(binary, X)).all()
    assert np.isinf(margins(OneVsRestClassifier(SVC()).fit(X, classes(X)), X)).all()
    distances = make_pipeline(make_union(KMeans(2, n_init=1, random_state=0)), LogisticRegression())
    assert np.isinf(margins(distances.fit(X, classes(X)), X)).all()
    assert not has_margins(LogisticRegression().fit(X, classes(X)))


def test_without_margins_the_rows_at_a_turn_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    X = table()
    model = make_pipeline(StandardScaler(), SVC()).fit(X, classes(X))
    assert measure(model, X, rows=20).verdict == "rounding"
    monkeypatch.setitem(REGISTRY, SVC, replace(REGISTRY[SVC], margins=None))
    assert measure(model, X, rows=20).verdict == "WRONG"


def test_where_most_rows_are_at_a_turn_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = table()
    model = make_pipeline(StandardScaler(), SVC()).fit(X, classes(X))
    nothing = replace(REGISTRY[SVC], margins=lambda _, rows: np.zeros(len(rows)))
    monkeypatch.setitem(REGISTRY, SVC, nothing)
    assert measure(model, X, rows=20).verdict == "refused"
    with pytest.raises(ExportError, match="nothing to hold the export against"):
        export_bundle(model, X, tmp_path / "votes", effort="quick", allow_training_rows=True)
    assert not (tmp_path / "votes").exists()


@pytest.mark.parametrize("model", [SVC(), NuSVC(nu=0.3)], ids=repr)
def test_a_bundle_whose_scores_jump_is_exported_and_holds_in_wasm(model: Any, tmp_path: Path) -> None:
    X = table()
    fitted = make_pipeline(StandardScaler(), model).fit(X, classes(X))
    bundle = export_bundle(fitted, X, tmp_path / "votes", effort="quick", allow_training_rows=True)
    lines = list(read_bundle(bundle).golden())
    verdict = verify(bundle, ["node"])
    assert verdict.holds
    assert verdict.total("node").undecidable == sum(line.get("jump", False) for line in lines) > 0
