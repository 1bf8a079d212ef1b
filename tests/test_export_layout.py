"""The graph's layout (columns first, looked up weights, float32 trees) changes no answer and is there."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
import pytest
from export_tools import FLOATS, frame, target
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from export.convert import convert
from export.converters.compact import compact, rounded_down
from export.converters.trees import Tree, from_cart
from export.frame import Schema
from export.tidy import shorten
from lambda_handler.binding import make_session

TEXTS = ["label", "probabilities", "x0"]
ENCODERS = {
    "one-hot": OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30, sparse_output=False),
    "dropped": OneHotEncoder(handle_unknown="ignore", drop="first", sparse_output=False),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
}
MODELS = {
    "logistic": LogisticRegression(),
    "perceptron": MLPClassifier((8, 5), max_iter=20, random_state=0),
    "forest": RandomForestClassifier(9, random_state=0),
}


def pipeline(model: Any, encoder: Any, X: pd.DataFrame) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer((numbers, FLOATS), (encoder, TEXTS))
    return make_pipeline(columns, model).fit(X, target(X))


def answers(model: bytes, X: pd.DataFrame) -> list[npt.NDArray[Any]]:
    columns = Schema(X).values(X)
    found: list[npt.NDArray[Any]] = make_session(model).run(
        None, {f"x{index}": array.reshape(-1, 1) for index, array in enumerate(columns)}
    )
    return found


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_graph_turned_over_answers_as_the_graph_as_written(
    name: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = frame()
    fitted = pipeline(MODELS[name], ENCODERS[encoder], X)
    turned = convert(fitted, Schema(X), numbers="probabilities")
    monkeypatch.setattr("export.convert.columns_first", lambda _graph: None)
    written = convert(fitted, Schema(X), numbers="probabilities")
    assert turned != written
    bound = 0.0 if name == "forest" else 1e-14
    for rows in (X, X[:1]):
        for got, expected in zip(answers(turned, rows), answers(written, rows), strict=True):
            assert got.shape == expected.shape
            assert np.abs(got - expected).max() <= bound


def test_a_linear_model_looks_its_categories_weights_up() -> None:
    X = frame()
    model = convert(pipeline(LogisticRegression(), ENCODERS["one-hot"], X), Schema(X), numbers="probabilities")
    nodes = [node.op_type for node in onnx.load_from_string(model).graph.node]
    assert nodes.count("LabelEncoder") == len(TEXTS)
    assert not {"Equal", "MatMul", "Transpose"} & set(nodes)


def test_a_forest_of_pure_leaves_counts_its_trees() -> None:
    X = frame()
    grown = pipeline(RandomForestClassifier(30, random_state=0), ENCODERS["one-hot"], X)
    cut = pipeline(RandomForestClassifier(30, min_samples_leaf=5, random_state=0), ENCODERS["one-hot"], X)
    operators = [
        {node.op_type for node in onnx.load_from_string(convert(each, Schema(X), numbers="probabilities")).graph.node}
        for each in (grown, cut)
    ]
    assert "CumSum" not in operators[0]
    assert "CumSum" in operators[1]


def test_thresholds_are_rounded_down_by_the_definition() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate(
        [random.normal(size=500) * 10.0 ** random.integers(-50, 38, 500), [0.0, -1e-60, 1e300, np.inf]]
    )
    with np.errstate(over="ignore"):
        values = np.concatenate([values, -values, values.astype(np.float32).astype(np.float64)])
    found = rounded_down(values)
    assert found.dtype == np.float32
    with np.errstate(over="ignore"):
        above = np.nextafter(found, np.float32(np.inf))
    assert (found <= values).all()
    assert ((above > values) | (values == np.inf)).all()


def test_a_compact_tree_sends_every_row_to_the_same_leaf() -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(400, 3)).astype(np.float32)
    X[random.random(X.shape) < 0.1] = np.nan
    fitted = DecisionTreeClassifier(random_state=0).fit(X, random.integers(0, 2, 400)).tree_
    numbers = np.arange(fitted.node_count, dtype=np.float64)
    tree = compact(from_cart(fitted, numbers), fitted.weighted_n_node_samples, 3)
    assert (tree.feature[~tree.leaves] >= 3).any()  # some splits have changed sides
    edges = rounded_down(fitted.threshold[fitted.children_left >= 0])
    rows = random.choice(np.concatenate([edges, np.nextafter(edges, np.float32(9)), X[:40, 0]]), size=(3000, 3))
    assert (fitted.apply(rows) == [_leaf(tree, np.concatenate([row, -row])) for row in rows]).all()


def _leaf(tree: Tree, row: npt.NDArray[np.float32]) -> float:
    node = 0
    while not tree.leaves[node]:
        seen = row[tree.feature[node]]
        left = tree.missing_left[node] if np.isnan(seen) else seen <= tree.threshold[node]
        node = int(tree.left[node] if left else tree.right[node])
    return float(tree.leaf[node])


def test_names_are_short_and_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    X = frame()
    fitted = pipeline(MODELS["logistic"], ENCODERS["one-hot"], X)
    short = convert(fitted, Schema(X), numbers="probabilities")
    monkeypatch.setattr("export.convert.shorten", lambda _: None)
    long = convert(fitted, Schema(X), numbers="probabilities")
    assert len(short) < 0.75 * len(long)
    for found, expected in zip(answers(short, X), answers(long, X), strict=True):
        assert np.array_equal(found, expected)


def test_names_inside_loops_and_of_inputs_are_kept_apart() -> None:
    inside = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["around", "kept"], ["c_inside"])],
        "body",
        [],
        [onnx.helper.make_tensor_value_info("c_inside", onnx.TensorProto.DOUBLE, [1])],
        [onnx.numpy_helper.from_array(np.array([2.0]), "kept")],
    )
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Neg", ["a"], ["around"]),
            onnx.helper.make_node("Less", ["a", "around"], ["less"]),
            onnx.helper.make_node("If", ["less"], ["b"], then_branch=inside, else_branch=inside),
        ],
        "names",
        [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.DOUBLE, [1])],
        [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.DOUBLE, [1])],
    )
    shorten(graph)
    assert {name for node in graph.node for name in [*node.input, *node.output]} == {"a", "b", "c", "d"}
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    assert make_session(model.SerializeToString()).run(None, {"a": np.array([5.0])})[0] == [-3.0]
