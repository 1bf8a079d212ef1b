"""Rows whose answer hangs on rounding are found, wherever a step rounds and another one chooses; no wrong graph is."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, PowerTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from deploy.verify import verify
from export import ExportError, export_bundle, measure, seal, settle
from export.convert import convert
from export.frame import Schema
from export.measure import measure as measured
from export.nudge import nudge
from export.original import Answers
from export.settle import Shaken, too_many
from export.shake import FAR, NEAR, shaken
from lambda_handler.bundle import read_bundle


def table(rows: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    columns = {"income": np.exp(random.normal(10.0, 1.0, rows)), "age": random.normal(50.0, 9.0, rows)}
    return pd.DataFrame({**columns, "visits": random.integers(0, 60, rows).astype(float)})


def classes(X: pd.DataFrame, edges: tuple[float, ...] = (0.0,)) -> npt.NDArray[np.int64]:
    noise = np.random.default_rng(1).normal(0.0, 0.3, len(X))
    return np.asarray(np.digitize(np.log(X["income"]) - 10.0 + np.sin(X["visits"] / 7.0) + noise, edges))


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(8, random_state=0)


def logarithm() -> FunctionTransformer:
    return FunctionTransformer(np.log1p)


BEHIND: dict[str, Any] = {
    "power": lambda: make_pipeline(PowerTransformer(), HistGradientBoostingClassifier(max_iter=12)),
    "log1p": lambda: make_pipeline(logarithm(), forest()),
    "projection": lambda: make_pipeline(PCA(2), GradientBoostingClassifier(n_estimators=10, random_state=0)),
    "scaled projection": lambda: make_pipeline(StandardScaler(), PCA(2), DecisionTreeClassifier(max_depth=6)),
    "stack": lambda: StackingClassifier(
        [("linear", make_pipeline(StandardScaler(), LogisticRegression())), ("forest", forest())],
        DecisionTreeClassifier(max_depth=4, random_state=0),
        cv=2,
    ),
    "spline": lambda: make_pipeline(SplineTransformer(), forest()),
    "distances": lambda: make_pipeline(KMeans(4, n_init=1, random_state=0), DecisionTreeClassifier(max_depth=6)),
}


ALIKE = {"power", "scaled projection"}  # beside the logarithm and the projection


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ALIKE)) for name in BEHIND])
def test_trees_behind_a_step_that_rounds_are_exported_and_hold_in_wasm(name: str, tmp_path: Path) -> None:
    X = table()
    bundle = export_bundle(BEHIND[name]().fit(X, classes(X)), X, tmp_path / "trees", effort="quick")
    lines = list(read_bundle(bundle).golden())
    answered = [line for line in lines if line["stratum"] != "rejected"]
    assert sum(not line.get("jump", False) for line in answered) > len(answered) / 4
    verdict = verify(bundle, ["python", "node"])
    assert verdict.holds
    assert verdict.total("node").undecidable >= sum(line.get("jump", False) for line in lines)


def moved(model: bytes, place: int, share: float) -> bytes:
    """The graph with one split moved by a share of itself."""
    parsed = onnx.load_from_string(model)
    (node,) = (node for node in parsed.graph.node if node.op_type == "TreeEnsemble")
    (attribute,) = (attribute for attribute in node.attribute if attribute.name == "nodes_splits")
    splits = numpy_helper.to_array(attribute.t).copy()
    splits[place] *= 1.0 + share
    attribute.t.CopyFrom(numpy_helper.from_array(splits))
    return bytes(parsed.SerializeToString(deterministic=True))


@pytest.mark.parametrize(("place", "share"), [(0, 1e-6), (3, -1e-6)])
def test_one_threshold_moved_behind_a_logarithm_is_refused(
    place: int, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = table()
    model = make_pipeline(logarithm(), HistGradientBoostingClassifier(max_iter=4)).fit(X, classes(X))
    monkeypatch.setattr(seal, "nudge", lambda graph, rows: moved(nudge(graph, rows), place, share))
    with pytest.raises(ExportError, match="is not exact on"):
        export_bundle(model, X, tmp_path / "wrong", effort="quick")
    monkeypatch.setattr(seal, "nudge", nudge)
    export_bundle(model, X, tmp_path / "right", effort="quick")


def test_without_shaking_the_rows_at_a_turn_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    X = table()
    model = make_pipeline(logarithm(), forest()).fit(X, classes(X))
    assert measured(model, X, rows=40).verdict == "rounding"
    monkeypatch.setattr(settle, "shaken", lambda _graph, _steps: None)
    assert measured(model, X, rows=40).verdict == "WRONG"


def graph_of(model: Any, X: pd.DataFrame) -> bytes:
    return convert(model, Schema(X), numbers="probabilities")


def test_what_is_exact_in_front_of_every_choice_is_not_shaken() -> None:
    X = table()
    for exact in (make_pipeline(StandardScaler(), forest()), HistGradientBoostingClassifier(max_iter=3)):
        assert shaken(graph_of(exact.fit(X, classes(X)), X), NEAR) is None
    assert shaken(graph_of(make_pipeline(logarithm(), forest()).fit(X, classes(X)), X), NEAR) is not None


def ask_numbers(model: bytes) -> Any:
    return measure._asker(model)


def test_shaking_moves_by_few_steps() -> None:
    X = table(50)
    step = make_pipeline(logarithm(), KMeans(3, n_init=1, random_state=0)).fit(X)
    graph = convert(step, Schema(X), numbers="columns")
    columns = Schema(X).values(X)
    still = ask_numbers(graph)(columns)[1]
    model = onnx.load_from_string(graph)
    model.graph.node.append(onnx.helper.make_node("Greater", [model.graph.output[0].name] * 2, ["more"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("more", onnx.TensorProto.BOOL, None))
    sizes = []
    for steps in (NEAR, FAR):
        graph_shaken = shaken(model.SerializeToString(), steps)
        assert graph_shaken is not None
        found = ask_numbers(graph_shaken)(columns)[1][:, : still.shape[1]]
        sizes.append(float(np.abs(found - still).max()))
    assert 0.0 < sizes[0] < sizes[1] < 1e-9


def test_an_answer_beyond_what_shaking_gives_is_no_turn() -> None:
    X = table()
    model = make_pipeline(logarithm(), DecisionTreeClassifier(max_depth=3, random_state=0)).fit(X, classes(X))
    graph = graph_of(model, X)
    columns = Schema(X).values(X)
    near = Shaken(graph, ask_numbers, lambda numbers: np.full(numbers.shape, 1e-12))
    labels, numbers = ask_numbers(graph)(columns)
    wrong = Answers.sure(np.ones(len(X), dtype=bool), labels, numbers + 1e-3)
    assert not near.judged(columns, wrong, np.arange(0), 6).jumps.any()
    other = Answers.sure(np.ones(len(X), dtype=bool), 1 - labels, numbers)
    assert not near.judged(columns, other, np.arange(0), 6).unsure.any()
    right = Answers.sure(np.ones(len(X), dtype=bool), labels, numbers)
    assert not near.judged(columns, right, np.arange(len(X)), 6).jumps.any()


def test_too_many_is_more_than_one_and_more_than_one_in_a_thousand() -> None:
    flags = np.zeros(3000, dtype=bool)
    for count, many in ((0, False), (1, False), (3, False), (4, True)):
        flags[:count] = True
        assert too_many(flags) == many
    assert not too_many(np.array([True])) and too_many(np.array([True, True]))


def groups(rows: int = 240) -> pd.DataFrame:
    """Few distinct rows: sums of the same numbers in another order, which a tree then tells apart."""
    random = np.random.default_rng(3)
    return pd.DataFrame(random.integers(0, 3, (rows, 4)) / 10.0, columns=list("abcd"))


def test_a_table_of_ties_is_refused_with_the_step_and_a_remedy_that_works(tmp_path: Path) -> None:
    X = groups()
    y = np.asarray(X["a"] + X["b"] > 0.2)
    centres = KMeans(2, n_init=1, random_state=0)
    with pytest.raises(ExportError) as caught:
        export_bundle(ties(centres, X), X, tmp_path / "ties", effort="quick")
    assert caught.value.step == "kmeans"
    assert "a matrix product" in caught.value.reason and "another estimator" in caught.value.remedy
    other = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)).fit(X, y)
    export_bundle(other, X, tmp_path / "other", effort="quick")


def ties(model: KMeans, X: pd.DataFrame) -> KMeans:
    """Clusters between whose centres many rows stand in the middle."""
    model.fit(X)
    model.cluster_centers_ = np.array([[0.0, 0.1, 0.1, 0.1], [0.2, 0.1, 0.1, 0.1]])
    return model


def test_a_limit_at_a_training_value_is_refused_and_the_rounding_step_of_the_remedy_works(tmp_path: Path) -> None:
    X = table()
    X["income"] = X["income"].round(-3)
    y = classes(X)
    limit = Binarizer(threshold=float(np.log1p(X["income"].mode()[0])))
    plain = make_pipeline(logarithm(), limit, LogisticRegression()).fit(X, y)
    with pytest.raises(ExportError) as caught:
        export_bundle(plain, X, tmp_path / "plain", effort="quick")
    assert caught.value.step == "functiontransformer"
    assert "computes log" in caught.value.reason and "binarizer chooses" in caught.value.reason
    remedy = 'FunctionTransformer(np.round, kw_args={"decimals": 9}, feature_names_out="one-to-one")'
    assert remedy in caught.value.remedy
    rounding = eval(remedy)
    export_bundle(make_pipeline(logarithm(), rounding, limit, LogisticRegression()).fit(X, y), X, tmp_path / "rounded")


@pytest.mark.parametrize("model", [SVC(), NuSVC(nu=0.3)], ids=repr)
def test_votes_that_turn_are_found_and_hold_in_wasm(model: Any, tmp_path: Path) -> None:
    X = table(60)
    fitted = make_pipeline(StandardScaler(), model).fit(X, classes(X, (-0.7, 0.7)))
    bundle = export_bundle(fitted, X, tmp_path / "votes", effort="quick", allow_training_rows=True)
    lines = list(read_bundle(bundle).golden())
    verdict = verify(bundle, ["node"])
    assert verdict.holds
    assert verdict.total("node").undecidable >= sum(line.get("jump", False) for line in lines) > 0


def test_labels_of_members_that_turn_are_found() -> None:
    X = table(80)
    bag = BaggingClassifier(SVC(), 3, random_state=0)
    found = measured(make_pipeline(StandardScaler(), bag).fit(X, classes(X, (-0.7, 0.7))), X, rows=40)
    assert found.verdict == "rounding", found
