"""The certificate: it counts what it says, and fails where it should."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from bundle_factory import make_bundle
from export_tools import FLOATS, frame, predictor_of, target, value
from onnx import helper, numpy_helper
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from deploy.node import replay_node
from export import ExportError, export_bundle
from export.carried import check_carried
from export.edges import Turns
from export.effort import EFFORTS
from export.mutate import noticed
from export.places import Places, spread
from lambda_handler.predictor import Predictor

ROOT = Path(__file__).parents[1]
LOAN = ROOT.parent / "shared" / "data" / "loan" / "loan.csv"
REPLAY = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from selfsame import main
sys.exit(main(["verify", {bundle!r}, *{options!r}]))
"""
BLOCKED = (
    "sklearn", "pandas", "skl2onnx", "onnx", "scipy", "pyarrow", "joblib", "skops", "rich", "jinja2", "playwright",
    "starlette", "uvicorn", "aws_lambda_powertools", "samcli",
)  # fmt: skip


def replayed(bundle: Path, blocked: tuple[str, ...], *options: str) -> "subprocess.CompletedProcess[str]":
    script = REPLAY.format(blocked=blocked, bundle=str(bundle), options=options)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)


def test_a_replay_needs_onnxruntime_alone(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    done = replayed(bundle, BLOCKED, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["holds"]
    shown = replayed(bundle, BLOCKED)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.endswith("It holds.\n")


def test_a_replay_needs_onnxruntime(tmp_path: Path) -> None:
    assert replayed(make_bundle(tmp_path / "bundle"), ("onnxruntime",)).returncode != 0


@pytest.fixture(scope="module", name="X")
def table() -> pd.DataFrame:
    return frame(300)[[*FLOATS, "visits"]].fillna(9.0)


@pytest.fixture(scope="module", name="bundle")
def exported(X: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, target(X))
    return export_bundle(model, X, tmp_path_factory.mktemp("whole") / "scaled", replay_wasm=replay_node)


def certificate(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "parity.json").read_text())
    return found


def test_every_way_of_asking_is_counted(bundle: Path) -> None:
    batch = certificate(bundle)["batch"]
    assert {key for key, count in batch.items() if isinstance(count, int)} == {
        "rows", "alone", "of_2", "of_7", "of_1000", "two_threads", "wasm",
    }  # fmt: skip
    assert batch["wasm_reason"] is None
    assert batch["rows"] > 200


def test_an_identical_export_may_round_on_two_threads_which_is_counted(tmp_path: Path) -> None:
    X = frame(200)[["2nd height", "visits"]]
    model = GradientBoostingRegressor(n_estimators=120, random_state=0).fit(X, value(X))
    found = certificate(export_bundle(model, X, tmp_path / "a", effort="quick"))
    assert found["class"] == "identical"
    assert found["batch"]["alone"] == 0
    assert found["batch"]["two_threads"] > 0


def test_wasm_that_was_not_asked_is_null_with_the_reason(X: pd.DataFrame, tmp_path: Path) -> None:
    def no_node(_bundle: Path, _rows: Any) -> list[dict[str, Any]]:
        raise RuntimeError("there is no `node`")

    model = DecisionTreeClassifier(max_depth=2).fit(X, target(X))
    batch = certificate(export_bundle(model, X, tmp_path / "a", effort="quick", replay_wasm=no_node))["batch"]
    assert (batch["wasm"], batch["wasm_reason"]) == (None, "there is no `node`")
    batch = certificate(export_bundle(model, X, tmp_path / "b", effort="quick"))["batch"]
    assert batch["wasm"] is None
    assert batch["wasm_reason"]


def test_a_wrong_answer_in_wasm_refuses_the_export(X: pd.DataFrame, tmp_path: Path) -> None:
    def wrong(bundle: Path, rows: Any) -> list[dict[str, Any]]:
        answers = replay_node(bundle, rows)
        answers[7]["value"] += 1e-9 * abs(answers[7]["value"])
        return answers

    model = DecisionTreeRegressor(max_depth=3).fit(X, value(X))
    with pytest.raises(ExportError, match="replayed in wasm and is not exact on recombined rows"):
        export_bundle(model, X, tmp_path / "bundle", effort="quick", replay_wasm=wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("size", "told"), [(2, "of 2"), (7, "of 7"), (1000, "of 1000")])
def test_an_answer_that_depends_on_the_batch_refuses_the_export(
    size: int, told: str, X: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Predictor.run

    def otherwise(self: Predictor, columns: Any) -> Any:
        labels, numbers = run(self, columns)
        return labels, numbers * (1.0 + 1e-9 * (len(columns[0]) == size))

    monkeypatch.setattr(Predictor, "run", otherwise)
    model = DecisionTreeRegressor(max_depth=3).fit(X, value(X))
    with pytest.raises(ExportError, match=f"was asked {told} and is not exact then"):
        export_bundle(model, X, tmp_path / "bundle", effort="quick")


def test_rows_of_the_table_in_the_graph_need_the_owners_word(X: pd.DataFrame, tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(3)).fit(X, target(X))
    with pytest.raises(ExportError, match=r"kneighborsclassifier can only answer.*--allow-training-rows"):
        export_bundle(model, X, tmp_path / "refused", effort="quick")
    assert not list(tmp_path.iterdir())
    bundle = export_bundle(model, X, tmp_path / "allowed", effort="quick", allow_training_rows=True)
    assert json.loads((bundle / "contract.json").read_text())["carries_training_rows"] is True
    assert "rows of its training table" in (bundle / "card.html").read_text()


def test_what_carries_rows_is_found_at_any_depth(X: pd.DataFrame, bundle: Path) -> None:
    bag = BaggingRegressor(KNeighborsRegressor(2), n_estimators=2).fit(X, value(X))
    assert len(check_carried(make_pipeline(StandardScaler(), bag).fit(X, value(X)), allowed=True)) == 2
    assert json.loads((bundle / "contract.json").read_text())["carries_training_rows"] is False
    assert "rows of its training table" not in (bundle / "card.html").read_text()


def test_effort_is_named_and_written_down(X: pd.DataFrame, tmp_path: Path, bundle: Path) -> None:
    assert certificate(bundle)["effort"] == "standard"
    with pytest.raises(ExportError, match="quick, standard, full; got 'lazy'"):
        export_bundle(LogisticRegression().fit(X, target(X)), X, tmp_path / "lazy", effort="lazy")
    assert [EFFORTS[name].mutants for name in ("quick", "standard", "full")] == sorted(
        each.mutants for each in EFFORTS.values()
    )


def test_a_row_is_noticed_by_number_or_by_decidable_label(bundle: Path) -> None:
    contract = Predictor.load(bundle).contract
    labels, numbers = np.array([[0], [1], [1]]), np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]])
    decidable = np.array([[True], [True], [False]])
    assert not noticed(contract, (labels, numbers), (labels, numbers), decidable).any()
    swapped = np.array([[1], [1], [0]])
    assert noticed(contract, (labels, numbers), (swapped, numbers), decidable).tolist() == [True, False, False]
    moved = numbers + np.array([[0.0, 0.0], [1e-9, 0.0], [1e-14, 0.0]])
    assert noticed(contract, (labels, numbers), (labels, moved), decidable).tolist() == [False, True, False]
    broken = np.where(numbers == 0.5, np.nan, numbers)
    assert noticed(contract, (labels, numbers), (labels, broken), decidable).tolist() == [False, False, True]


def test_reached_leaves_are_counted_as_scikit_learn_walks(X: pd.DataFrame) -> None:
    model = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=6).fit(X, target(X))
    predictor, _, _, values = predictor_of(model, X)
    places = Places(onnx.load_from_string(predictor.bundle.model))
    few = [array[:1] for array in values]
    leaves = sum(tree.get_n_leaf_nodes() for stage in model._predictors for tree in stage)
    assert places.count({"stored": [few], "checked": [few, values]})["leaves"] == {
        "all": leaves,
        "stored": 5,
        "checked": leaves,
    }


def test_rows_are_chosen_by_what_none_before_reached() -> None:
    reached = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [2, 1], [0, 0]], dtype=np.int32)
    assert spread(reached, 3).tolist() == [0, 3, 4]
    assert spread(reached, 9).tolist() == list(range(6))
    assert spread(np.zeros((4, 0), dtype=np.int32), 2).tolist() == [0, 1]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_tensors_without_a_place_for_each_row_turn_in_no_batch(first: int) -> None:
    """Constants that are compared have one size, whatever the batch; with as many rows they looked like answers."""
    same = helper.make_node("Equal", ["constant", "constant"], ["same"])
    above = helper.make_node("Greater", ["x0", "threshold"], ["above"])
    number = helper.make_tensor_value_info("x0", onnx.TensorProto.DOUBLE, [None, 1])
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, None) for name in ("same", "above")]
    constants = {"constant": np.zeros((first, 3)), "threshold": np.array([2.0])}
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph([same, above], "turns", [number], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    for sizes in ((1, 2, 3, 50), (3, 1), (2, 1)):
        turns = Turns(model)
        for rows in sizes:
            labels = turns.answer([np.arange(float(rows))]).labels
            assert labels.shape == (rows, 1)
            assert np.array_equal(labels[:, 0] != 0, np.arange(rows) > 2)
