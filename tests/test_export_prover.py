"""A bundle that is wrong by the smallest step, and sealed again, is caught by the replay of its golden rows."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
import pytest
from bundle_factory import as_json, seal
from export_tools import FLOATS, frame, target
from onnx import numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from deploy.verify import verify
from export import ExportError, export_bundle
from lambda_handler.predictor import Predictor

Document = dict[str, Any]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scaler + tree on numbers with holes, one-hot texts, a threshold that the leaves attain."""
    X = frame(400)[[*FLOATS, "visits", "label", "x0"]]
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = StandardScaler()
    columns = ColumnTransformer([("numbers", numbers, [*FLOATS, "visits"]), ("texts", texts, ["label", "x0"])])
    tree = DecisionTreeClassifier(max_depth=7, min_samples_leaf=4, random_state=0)
    score = X["label"].map({"a": 2.0, "b": 0.5}).fillna(X["label"].isna() * 3.0) + X["2nd height"] + X["income"].isna()
    y = np.where(score + (X["x0"] == "low") > 2.0, "good", "bad")
    pipeline = Pipeline([("columns", columns), ("tree", tree)]).fit(X, y)
    attained = sorted(set(pipeline.predict_proba(X)[:, 1].tolist()))
    tuned = FixedThresholdClassifier(pipeline, threshold=attained[len(attained) // 2], pos_label="good").fit(X, y)
    return export_bundle(tuned, X, tmp_path_factory.mktemp("prover") / "right")


def changed(bundle: Path, folder: Path, change: Callable[[onnx.ModelProto, Document], None]) -> Path:
    """A copy with the model or the contract changed, and every digest renewed."""
    copy = folder / "wrong"
    shutil.copytree(bundle, copy)
    model = onnx.load(copy / "model.onnx")
    contract = json.loads((copy / "contract.json").read_text())
    before = model.SerializeToString(), json.dumps(contract)
    change(model, contract)
    content = model.SerializeToString()
    assert (content, json.dumps(contract)) != before
    (copy / "model.onnx").write_bytes(content)
    contract["model_sha256"] = hashlib.sha256(content).hexdigest()
    (copy / "contract.json").write_bytes(as_json(contract))
    seal(copy)
    return copy


def node_of(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == kind)


def attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    return next(each for each in node.attribute if each.name == name)


def edit(tensor: onnx.TensorProto, change: Callable[[npt.NDArray[Any]], None]) -> None:
    array = numpy_helper.to_array(tensor).copy()
    change(array)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def initializer(model: onnx.ModelProto, operator: str) -> onnx.TensorProto:
    node = node_of(model, operator)
    return next(each for each in model.graph.initializer if each.name in node.input)


def root_threshold(direction: float) -> Callable[[onnx.ModelProto, Document], None]:
    """The root's threshold, moved to the neighbouring float32."""

    def change(model: onnx.ModelProto, _contract: Document) -> None:
        def move(splits: npt.NDArray[Any]) -> None:
            splits[0] = np.nextafter(splits[0], np.float32(direction * np.inf))

        edit(attribute(node_of(model, "TreeEnsemble"), "nodes_splits").t, move)

    return change


def decision_threshold(model: onnx.ModelProto, contract: Document) -> None:
    contract["threshold"]["value"] = float(np.nextafter(contract["threshold"]["value"], 1.0))


def decision_class(model: onnx.ModelProto, contract: Document) -> None:
    contract["threshold"]["class"] = next(c for c in contract["classes"] if c != contract["threshold"]["class"])


def class_order(model: onnx.ModelProto, contract: Document) -> None:
    contract["classes"].reverse()


def categories(model: onnx.ModelProto, contract: Document) -> None:
    def swap(rows: npt.NDArray[Any]) -> None:
        rows[[0, 1]] = rows[[1, 0]]

    for node in model.graph.node:
        if node.op_type == "LabelEncoder":
            edit(attribute(node, "values_tensor").t, swap)


def missing_category(model: onnx.ModelProto, contract: Document) -> None:
    contract["missing_code"] = "\ue000missing "


def missing_direction(model: onnx.ModelProto, contract: Document) -> None:
    """The direction at the first split by income, which is missing in the training rows."""
    node = node_of(model, "TreeEnsemble")
    split = list(attribute(node, "nodes_featureids").ints).index(0)
    tracks = attribute(node, "nodes_missing_value_tracks_true").ints
    tracks[split] = 1 - tracks[split]


def scaler(operator: str, steps: int) -> Callable[[onnx.ModelProto, Document], None]:
    def change(model: onnx.ModelProto, _contract: Document) -> None:
        def move(row: npt.NDArray[Any]) -> None:
            for _ in range(abs(steps)):
                row[:] = np.nextafter(row, np.inf if steps > 0 else -np.inf)

        edit(initializer(model, operator), move)

    return change


def leaf(model: onnx.ModelProto, contract: Document) -> None:
    looked_up = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    tables = [each for each in model.graph.initializer if each.name in looked_up]

    def move(values: npt.NDArray[Any]) -> None:
        values[0, 0] = np.nextafter(values[0, 0], 2.0)

    edit(tables[0], move)


def input_order(model: onnx.ModelProto, contract: Document) -> None:
    first, second = contract["features"][:2]
    first["input"], second["input"] = second["input"], first["input"]


def more_accepted(model: onnx.ModelProto, contract: Document) -> None:
    for feature in contract["features"]:
        feature["missing"] = "allowed"
        feature["accepts"] = None


def less_accepted(model: onnx.ModelProto, contract: Document) -> None:
    contract["features"][3]["unseen"] = "rejected"


CHANGES: dict[str, Callable[[onnx.ModelProto, Document], None]] = {
    "root threshold down": root_threshold(-1.0),
    "root threshold up": root_threshold(1.0),
    "decision threshold": decision_threshold,
    "decision class": decision_class,
    "class order": class_order,
    "categories": categories,
    "missing category": missing_category,
    "missing direction": missing_direction,
    "mean up": scaler("Sub", 1),
    "mean down": scaler("Sub", -1),
    "scale up": scaler("Div", 1),
    "scale down": scaler("Div", -1),
    "leaf": leaf,
    "input order": input_order,
    "more accepted": more_accepted,
    "less accepted": less_accepted,
}


def test_the_bundle_as_exported_holds(bundle: Path) -> None:
    assert verify(bundle, ["python"]).holds
    contract = json.loads((bundle / "contract.json").read_text())
    assert contract["tolerance"]["class"] == "identical"


@pytest.mark.parametrize("name", CHANGES)
def test_the_smallest_change_is_caught(name: str, bundle: Path, tmp_path: Path) -> None:
    verdict = verify(changed(bundle, tmp_path, CHANGES[name]), ["python"])
    assert not verdict.holds


def test_a_change_that_is_none_is_not_caught(bundle: Path, tmp_path: Path) -> None:
    def rename(model: onnx.ModelProto, _contract: Document) -> None:
        model.producer_name = "another"

    assert verify(changed(bundle, tmp_path, rename), ["python"]).holds


def test_a_golden_answer_changed_in_its_last_bit_is_caught(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "wrong"
    shutil.copytree(bundle, copy)
    lines = (copy / "golden.jsonl").read_text().splitlines()
    line = json.loads(lines[3])
    keys = list(line["answer"]["probabilities"])
    line["answer"]["probabilities"][keys[1]] = float(np.nextafter(line["answer"]["probabilities"][keys[1]], 2.0))
    (copy / "golden.jsonl").write_text("\n".join([*lines[:3], json.dumps(line), *lines[4:]]))
    seal(copy)
    assert not verify(copy, ["python"]).holds


def test_a_forest_behind_an_imputer(tmp_path: Path) -> None:
    X = frame(400)[FLOATS]
    model = make_pipeline(SimpleImputer(strategy="median"), RandomForestClassifier(5, max_depth=5, random_state=0))
    right = export_bundle(model.fit(X, target(X)), X, tmp_path / "right")

    def move(model: onnx.ModelProto, _contract: Document) -> None:
        edit(initializer(model, "Where"), lambda row: np.multiply(row, 1.2, out=row))

    assert verify(right, ["python"]).holds
    assert not verify(changed(right, tmp_path, move), ["python"]).holds
    score = json.loads((right / "parity.json").read_text())["mutation"]
    found = {kind: each["caught"] / each["effective"] for kind, each in score["kinds"].items() if each["effective"]}
    assert {"threshold", "leaf", "label order"} <= set(found), score
    assert score["caught"] >= 0.9 * score["effective"], score
    assert score["effective"] > 0.8 * score["mutants"], score


def test_a_row_that_is_answered_otherwise_alone_than_in_a_batch_refuses_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = pd.DataFrame({"number": np.sin(np.arange(90.0)), "other": np.cos(np.arange(90.0))})
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, X["number"])
    run = Predictor.run

    def run_alone_otherwise(self: Predictor, columns: Any) -> Any:
        labels, numbers = run(self, columns)
        return labels, numbers + 1e-9 if len(columns[0]) == 1 else numbers

    monkeypatch.setattr(Predictor, "run", run_alone_otherwise)
    with pytest.raises(ExportError, match="was asked alone and is not exact then"):
        export_bundle(tree, X, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())
