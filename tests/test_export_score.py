"""The mutation score: what it counts, the rows that reach it, and that it falls."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
import pytest
from export_tools import FLOATS, frame, predictor_of, target, value
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from export import export_bundle
from export.aim import aim
from export.effort import EFFORTS
from export.evidence import Evidence
from export.faults import Faults
from export.frame import take
from export.mutants import Mutant, mutants
from export.mutate import INSIDE, MISSED, SILENT, UNSTORED, Trial, mutation_score, noticed, verdicts
from export.places import Places, sample_of
from export.rows import RowMaker
from export.sides import SIDES
from export.sweep import most_telling, sweep
from lambda_handler.predictor import Predictor
from train.config import CandidateSettings, Config
from train.material import material_from_file
from train.models import build_candidates

LOAN = Path(__file__).parents[2] / "shared" / "data" / "loan" / "loan.csv"


def certificate(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "parity.json").read_text())
    return found


@pytest.fixture(scope="module", name="X")
def table() -> pd.DataFrame:
    return frame(300)[[*FLOATS, "visits"]].fillna(9.0)


def score_of(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = certificate(bundle)["mutation"]
    return found


def test_linear_models_reach_the_score(X: pd.DataFrame, tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, target(X))
    score = score_of(export_bundle(model, X, tmp_path / "linear"))
    assert {"coefficient", "label order"} <= set(score["kinds"])
    assert score["caught"] >= 0.95 * score["effective"] > 0
    assert score["caught_stored"] >= 0.95 * score["effective"]
    assert all(each["reason"] in {INSIDE, SILENT, UNSTORED, MISSED} for each in score["survivors"])
    assert len(score["survivors"]) == score["mutants"] - score["caught_stored"]


@pytest.fixture(scope="module", name="forest")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    X = frame(600)[[*FLOATS, "visits", "label"]]
    texts = ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["label"])], remainder="passthrough"
    )
    model = make_pipeline(texts, RandomForestClassifier(30, random_state=0)).fit(X, target(X))
    return export_bundle(model, X, tmp_path_factory.mktemp("forest") / "forest")


def test_rows_that_were_compared_notice_faults_of_a_forest_that_stored_ones_do_not(forest: Path) -> None:
    score, reached = score_of(forest), certificate(forest)["reached"]
    assert score["caught"] >= 0.95 * score["effective"], score
    assert score["caught_stored"] < score["caught"]
    assert all(count["caught_stored"] <= count["caught"] <= count["effective"] for count in score["kinds"].values())
    sides = reached["sides"]
    assert sides["stored"] < sides["checked"] <= sides["all"]
    assert sides["checked"] > 0.85 * sides["all"]  # an earlier split sends some missing numbers elsewhere
    lines = (forest / "golden.jsonl").read_text().splitlines()
    assert len(lines) < 1_100


def test_the_score_falls_where_rows_are_few_and_random(X: pd.DataFrame) -> None:
    """Faults are judged by rows of their own: those that were compared may all miss one."""
    for model, values, floor in (
        (RandomForestRegressor(20, random_state=0).fit(X, value(X)), 30, 0.6),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X, target(X)), 10, 0.8),
    ):
        faults, evidence, decidable = evidence_of(model, X, values)
        score = faults.score(evidence, decidable, lambda _done, _total: None)
        assert score["effective"] > 20
        assert score["caught"] < floor * score["effective"], score
        assert {each["reason"] for each in score["survivors"]} >= {MISSED}


def evidence_of(model: Any, X: pd.DataFrame, count: int) -> tuple[Faults, Evidence, npt.NDArray[np.bool_]]:
    """A certificate that holds a few recombined rows alone."""
    predictor, original, schema, table = predictor_of(model, X)
    maker = RowMaker(schema, table, 3)
    places = Places(onnx.load_from_string(predictor.bundle.model))
    sample = sample_of(places, table, 0)
    faults = Faults(predictor.bundle.model, predictor.contract, original, maker, places, sample, EFFORTS["standard"], 0)
    rows = maker.recombined(count)
    answers = original.answer(rows)
    nothing = take(rows, np.arange(0))
    empty = nothing, original.answer(nothing)
    evidence = Evidence({"recombined": rows}, {"recombined": answers}, empty, empty, {})
    return faults, evidence, np.ones((count, answers.labels.shape[1]), dtype=bool)


def test_rows_in_which_other_faults_show_are_stored() -> None:
    """One stored row has one word; faults of the others show in rows that are not stored yet."""
    X = frame(300)[["x0", "label"]]
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(X, target(X))
    faults, few = with_one_stored(model, X, 60)
    assert not faults.telling(few).strata.keys() - {"recombined"}  # every such row stands in the table
    X = X.assign(number=np.random.default_rng(0).normal(size=300))
    columns = ColumnTransformer([("texts", OneHotEncoder(handle_unknown="ignore"), ["x0", "label"])])
    faults, few = with_one_stored(make_pipeline(columns, LogisticRegression()).fit(X, target(X)), X, 60)
    more = faults.telling(few)
    telling = more.strata["telling"]
    assert 1 < len(telling[0]) < 60
    assert len(telling[0]) + len(more.unstored[0][0]) == 60
    assert set(few.unstored[0][0].tolist()) == {*telling[0].tolist(), *few.strata["recombined"][0].tolist()}


def with_one_stored(model: Any, X: pd.DataFrame, count: int) -> tuple[Faults, Evidence]:
    """The same, with one row stored and all of them beside it."""
    faults, evidence, _ = evidence_of(model, X, count)
    rows, answers = evidence.stored()
    one = np.arange(1)
    strata, given = {"recombined": take(rows, one)}, {"recombined": answers.at(one)}
    return faults, replace(evidence, strata=strata, answers=given, unstored=(rows, answers))


def test_boosted_trees_reach_the_score_by_rows_beside_many_thresholds(tmp_path: Path) -> None:
    X = frame(600)[[*FLOATS, "visits"]]
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, random_state=0).fit(X, target(X))
    score = score_of(export_bundle(model, X, tmp_path / "boosted"))
    assert score["caught"] >= 0.95 * score["effective"], score
    assert score["caught_stored"] >= 0.95 * score["effective"], score
    assert {"threshold", "missing", "leaf"} <= set(score["kinds"])


def test_swept_rows_stand_where_they_say() -> None:
    """Both sides of the thresholds of a tree, by scikit-learn's own arrays and paths."""
    X = frame(400)[[*FLOATS, "visits"]]
    y = value(X)
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=12, random_state=0).fit(X, y)
    predictor, _, schema, table = predictor_of(model, X)
    graph = onnx.load_from_string(predictor.bundle.model)
    places = Places(graph)
    swept = sweep(graph, RowMaker(schema, table, 0), places, sample_of(places, table, 0), 500, 0)
    nodes = model._predictors[0][0].nodes
    inner = nodes[nodes["is_leaf"] == 0]
    assert swept.count <= 3 * len(inner)
    assert len(np.unique(swept.sides)) > 0.9 * swept.count
    trees = next(iter(places.trees.values()))
    matrix = np.column_stack([array.astype(np.float64) for array in swept.rows])
    for row in range(len(matrix)):
        way = path_of(nodes, matrix[row])
        for split, side in (divmod(int(each), SIDES) for each in swept.sides_of(np.array([row]))):
            own = int(trees.feature[split])
            column, number = own, matrix[row, own]
            assert any(
                nodes[node]["feature_idx"] == column and nodes[node]["num_threshold"] == trees.threshold[split]
                for node in way
            )
            step = 1 if schema.columns[column].type == "integer" else None
            limit = trees.threshold[split]
            after, before = (
                (number + step, number - step)
                if step
                else (np.nextafter(number, np.inf), np.nextafter(number, -np.inf))
            )
            assert [number <= limit < after, before <= limit < number, np.isnan(number)][side]


def path_of(nodes: Any, row: npt.NDArray[np.float64]) -> list[int]:
    """The inner nodes that a row passes in a tree of histogram boosting."""
    way, node = [], 0
    while not nodes[node]["is_leaf"]:
        way.append(node)
        number = row[nodes[node]["feature_idx"]]
        left = nodes[node]["missing_go_to_left"] if np.isnan(number) else number <= nodes[node]["num_threshold"]
        node = int(nodes[node]["left" if left else "right"])
    return way


def test_rows_are_chosen_by_what_they_add() -> None:
    items = [np.array(each, dtype=np.int64) for each in ([0, 1], [0, 1, 2, 3], [3, 4], [], [2, 3])]
    assert most_telling(items, 9).tolist() == [1, 2]
    assert most_telling(items, 1).tolist() == [1]
    assert most_telling([], 3).tolist() == []


def tried(rows: npt.NDArray[np.int64], stored: int | None, certified: int | None) -> dict[str, Any]:
    """The score of a tree of four leaves on one text and one number, on chosen rows of its table and aimed ones.

    None: all of them are stored, or were held against the original.
    """
    X = pd.DataFrame({"letter": ["a", "b", "c", "d"] * 25, "number": np.repeat(np.arange(50.0), 2)})
    y = (X["letter"] == "c") * 1.0 + (X["number"] > 20.5) * 2.0
    columns = ColumnTransformer([("letters", OneHotEncoder(sparse_output=False), ["letter"])], remainder="passthrough")
    model = make_pipeline(columns, DecisionTreeRegressor(max_depth=2)).fit(X, y)
    predictor, _, schema, values = predictor_of(model, X)
    graph = onnx.load_from_string(predictor.bundle.model)
    aimed = aim(predictor.bundle.model, schema, values, 0, 8)
    made = mutants(graph, aimed.splits, aimed.missing, 50, np.random.default_rng(0))
    parts = [np.concatenate([array[rows], more]) for array, more in zip(values, aimed.rows, strict=True)]
    count = len(parts[0])
    kept, compared = (count if many is None else many for many in (stored, certified))
    trial = Trial(parts, kept, compared, np.ones((count, 0), dtype=bool))
    return mutation_score(graph, predictor.contract, trial, made, lambda _done, _total: None)


def test_the_score_tells_stored_rows_from_compared_ones_and_from_those_built_for_faults() -> None:
    every = np.arange(100)
    full = tried(every, None, None)
    assert full["caught_stored"] == full["caught"] == full["effective"] > 0
    assert {"threshold", "leaf", "category"} <= set(full["kinds"])
    compared = tried(every, 0, None)
    assert (compared["effective"], compared["caught"], compared["caught_stored"]) == (full["effective"],) * 2 + (0,)
    assert UNSTORED in {each["reason"] for each in compared["survivors"]}
    none = tried(every, 0, 0)
    assert (none["effective"], none["caught"]) == (full["effective"], 0)
    assert MISSED in {each["reason"] for each in none["survivors"]}
    blind = tried(every[:1], 1, 1)
    assert blind["caught"] < blind["effective"] <= full["effective"]


def changed(model: onnx.ModelProto, mutant: Mutant) -> bytes:
    """The whole graph with the fault in it."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    for node in whole.graph.node:
        if mutant.node is not None and node.output == mutant.node.output:
            node.CopyFrom(mutant.node)
    for tensor in whole.graph.initializer:
        if mutant.value is not None and tensor.name == mutant.tensor:
            tensor.CopyFrom(onnx.numpy_helper.from_array(mutant.value, tensor.name))
    content: bytes = whole.SerializeToString()
    return content


@pytest.mark.parametrize("kind", ["linear", "boosting", "forest"])
def test_a_few_nodes_and_rows_say_what_the_whole_graph_says_on_all_rows(kind: str) -> None:
    X = frame(200)[["income", "visits", "label", "x0"]]
    models = build_candidates(X.astype({"visits": float}), "classification", CandidateSettings(trees=6, rounds=6), 0)
    X = X.astype({"visits": float, "x0": "str", "label": "str"})
    predictor, _, schema, table = predictor_of(models[kind].fit(X, target(X)), X)
    graph = onnx.load_from_string(predictor.bundle.model)
    aimed = aim(predictor.bundle.model, schema, table, 1, 12)
    made = mutants(graph, aimed.splits, aimed.missing, 12, np.random.default_rng(1))
    rows = [np.concatenate(pair) for pair in zip(RowMaker(schema, table, 1).recombined(90), aimed.rows, strict=True)]
    trial = Trial(rows, 30, 60, np.ones((len(rows[0]), 1), dtype=bool))
    found = {each.place: each.reason for each in verdicts(graph, predictor.contract, trial, made)}
    before, wrong = predictor.run(rows), 0
    for mutant in made:
        after = Predictor(predictor.bundle._replace(model=changed(graph, mutant))).run(rows)
        seen = np.flatnonzero(noticed(predictor.contract, before, after, trial.decidable))
        expected = None if not len(seen) else [None, UNSTORED, MISSED][int(seen[0] >= 30) + int(seen[0] >= 60)]
        got = found[mutant.place]
        wrong += (got if got not in {INSIDE, SILENT} else "none") != (expected if len(seen) else "none")
    assert len(made) > 20
    assert wrong == 0


@pytest.mark.slow
def test_the_real_forest_reaches_the_score(tmp_path: Path) -> None:
    if not LOAN.is_file():
        pytest.skip(f"the real loan table is not beside this checkout (looked for {LOAN})")
    found = material_from_file(LOAN, "default", Config(), "loan", None)
    model = build_candidates(found.X, "classification", found.config.candidates, 0)["forest"]
    score = score_of(export_bundle(model.fit(found.X, found.target.y), found.X, tmp_path / "loan"))
    assert score["caught"] >= 0.95 * score["effective"], score
