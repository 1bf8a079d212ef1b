"""Whole exports: privacy, reproducibility, odd tables, the rows that the original rejects, and files as a source."""

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from bundle_factory import FEATURES, contract_of
from export_tools import FLOATS, TEXTS, frame, target, value
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from export import ExportError, export_bundle
from export.describe import FLOOR, reference_document
from export.frame import Schema
from export.rows import to_steps
from export.source import read_source
from lambda_handler.contract import Contract, ContractError, is_missing
from lambda_handler.predictor import Predictor
from train.errors import TrainError


def forest(X: pd.DataFrame) -> Any:
    columns = ColumnTransformer(
        [("numbers", "passthrough", [*FLOATS, "visits", "flag"]),
         ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS)]
    )  # fmt: skip
    return make_pipeline(columns, RandomForestClassifier(5, max_depth=4, random_state=0)).fit(X, target(X))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return frame(220)


@pytest.fixture(scope="module")
def bundle(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(forest(table), table, tmp_path_factory.mktemp("whole") / "forest")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "golden.jsonl").read_text(encoding="utf-8").splitlines()]


def keys(X: pd.DataFrame) -> set[tuple[Any, ...]]:
    plain = X.astype(object).where(X.notna(), None)
    return {tuple(row) for row in plain.itertuples(index=False)}


def counts(document: Any) -> list[int]:
    """Every whole number under a key that counts rows."""
    if isinstance(document, dict):
        found = [n for key in ("rows", "missing", "other") if isinstance(n := document.get(key), int)]
        found += [*document.get("counts", [])]
        categories = document.get("categories")
        found += list(categories.values()) if isinstance(categories, dict) else []
        return found + [n for value in document.values() for n in counts(value)]
    return []


def test_no_row_of_the_bundle_is_a_row_of_the_table(bundle: Path, table: pd.DataFrame) -> None:
    known = keys(table)
    golden = lines(bundle)
    assert len(golden) > 300
    assert not [line for line in golden if tuple(line["row"].values()) in known]
    worst = [stratum["worst_row"] for stratum in json.loads((bundle / "parity.json").read_text())["strata"]]
    assert not [row for row in worst if row is not None and tuple(row.values()) in known]
    example = [feature["example"] for feature in json.loads((bundle / "contract.json").read_text())["features"]]
    assert tuple(example) not in known


def test_every_stratum_is_there(bundle: Path) -> None:
    strata = {each["name"]: each for each in json.loads((bundle / "parity.json").read_text())["strata"]}
    assert next(iter(strata)) == "real"
    assert set(strata) >= {"real", "recombined", "boundary", "threshold", "special", "missing", "unseen", "rejected"}
    assert strata["real"]["rows"] == 220
    assert all(each["labels_differ"] == each["outside"] == 0 for each in strata.values())


def test_boundary_rows_come_in_pairs_one_step_apart(bundle: Path) -> None:
    golden = [line for line in lines(bundle) if line["stratum"] == "boundary"]
    apart = 0
    for first in golden:
        for second in golden:
            changed = [name for name in first["row"] if first["row"][name] != second["row"][name]]
            if len(changed) == 1 and not isinstance(first["row"][changed[0]], str | None):
                low, high = (to_steps(np.array([line["row"][changed[0]]]))[0] for line in (first, second))
                apart += high - low == 1 and first["answer"] != second["answer"]
    assert apart > 20


def test_the_reference_holds_no_small_count(bundle: Path) -> None:
    found = counts(json.loads((bundle / "reference.json").read_text()))
    assert len(found) > 30
    assert not [count for count in found if 0 < count < FLOOR]


@pytest.mark.parametrize("rows", [1, 9, 10, 11, 25, 99, 400])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_reference_of_any_size_keeps_the_floor_and_counts_all_it_can(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "even": random.normal(size=rows),
            "ties": random.integers(0, 4, rows).astype(float),
            "heavy": np.where(random.random(rows) < 0.95, 0.0, random.normal(size=rows)),
            "holes": np.where(random.random(rows) < 0.5, np.nan, random.normal(size=rows)),
            "constant": np.ones(rows),
            "empty": np.full(rows, np.nan),
            "text": pd.Series(random.choice(list("aabbbcdefg"), rows), dtype="str"),
        }
    )
    schema = Schema(X)
    contract = Contract(contract_of("tiny", "regression", FEATURES, "0" * 64))
    answers = np.empty((rows, 0), dtype=np.int64), random.normal(size=(rows, 1))
    document = reference_document(schema, schema.values(X), contract, *answers)
    assert not [count for count in counts(document) if 0 < count < FLOOR]
    for name in ("even", "ties", "heavy", "holes", "constant", "empty"):
        bins, known = document["features"][name], int(X[name].notna().sum())
        assert sum(bins["counts"]) == (known if known >= FLOOR else 0)
        assert len(bins["edges"]) == (len(bins["counts"]) + 1 if bins["counts"] else 0)
        assert bins["edges"] == sorted(bins["edges"])


def test_the_same_estimator_table_and_seed_give_the_same_bytes(
    bundle: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    again = export_bundle(forest(table), table, tmp_path / "forest")
    files = sorted(path.name for path in bundle.iterdir())
    assert files == sorted(path.name for path in again.iterdir())
    for name in files:
        assert (again / name).read_bytes() == (bundle / name).read_bytes(), name


def test_an_earlier_bundle_is_replaced_and_nothing_else_is_left(table: pd.DataFrame, tmp_path: Path) -> None:
    X = table[FLOATS]
    for depth in (2, 3):
        out = export_bundle(
            DecisionTreeRegressor(max_depth=depth).fit(X, value(X)), X, tmp_path / "tree", effort="quick"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert Predictor.load(out).predict([{"income": None, "2nd height": 0.5}])


def test_the_estimator_and_the_table_stay_unchanged(table: pd.DataFrame, tmp_path: Path) -> None:
    X = table[FLOATS].copy()
    model = RandomForestClassifier(3, max_depth=2, random_state=0, n_jobs=2).fit(X, target(X))
    before = joblib.hash(model), X.copy()
    export_bundle(model, X, tmp_path / "forest", effort="quick")
    assert joblib.hash(model) == before[0]
    assert model.n_jobs == 2
    pd.testing.assert_frame_equal(X, before[1])


ODD: dict[str, pd.DataFrame] = {
    "30 rows": frame(30)[[*FLOATS, "label"]],
    "whole numbers and booleans": frame(120)[["visits", "flag"]],
    "one category": frame(120)[["x0"]],
    "empty and constant": frame(120)[["income"]].assign(empty=np.nan, constant=3.0),
    "empty text": frame(120)[["income"]].assign(empty=pd.Series([None] * 120, dtype="str")),
    "numbers in a category": frame(120)[["visits"]].assign(code=(np.arange(120) % 5)).astype({"code": "category"}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tables(name: str, tmp_path: Path) -> None:
    X = ODD[name]
    texts = [name for name in X if X[name].dtype.kind == "O" or str(X[name].dtype) == "category"]
    numbers = [name for name in X if name not in texts]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("numbers", "passthrough", numbers), ("texts", encoder, texts)])
    y = np.arange(len(X)) % 2 if len(X.columns) == 1 else target(X)
    model = make_pipeline(columns, DecisionTreeClassifier(max_depth=4, random_state=0)).fit(X, y)
    predictor = Predictor.load(export_bundle(model, X, tmp_path / "odd", effort="quick"))
    rows = [{key: None if is_missing(item) else item for key, item in row.items()} for row in X.to_dict("records")]
    answers = predictor.predict(rows)
    assert [answer["label"] for answer in answers] == model.predict(X).tolist()
    expected = model.predict_proba(X).tolist()
    assert [list(answer["probabilities"].values()) for answer in answers] == expected


def test_a_table_that_holds_every_possible_row_is_refused(tmp_path: Path) -> None:
    X = frame(120)[["flag"]]
    with pytest.raises(ExportError, match="every row that can be made does"):
        export_bundle(DecisionTreeClassifier().fit(X, target(X)), X, tmp_path / "flag")
    assert not list(tmp_path.iterdir())


def test_rows_that_the_original_rejects_are_rejected(tmp_path: Path) -> None:
    X = frame(150)[["2nd height", "visits", "x0"]]
    columns = ColumnTransformer([("text", OneHotEncoder(), ["x0"])], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(X, target(X))
    predictor = Predictor.load(export_bundle(model, X, tmp_path / "strict", effort="quick"))
    good = {"2nd height": 0.25, "visits": 3, "x0": "low"}
    (answer,) = predictor.predict([good])
    expected = model.predict_proba(pd.DataFrame([good]).astype(X.dtypes.drop("x0")))[0]
    assert list(answer["probabilities"].values()) == pytest.approx(expected, rel=1e-12)
    for changes, kind in (({"x0": "new"}, "unseen"), ({"x0": None}, "missing"), ({"2nd height": None}, "missing")):
        with pytest.raises(ContractError) as caught:
            predictor.predict([{**good, **changes}])
        assert caught.value.problems[0]["kind"] == kind


def test_a_sum_that_overflows_has_no_answer(tmp_path: Path) -> None:
    X = frame(100)[["2nd height"]].assign(other=lambda X: X["2nd height"] ** 2)
    y = 0.75 * X["2nd height"] + 0.75 * X["other"] + np.arange(100) % 3
    predictor = Predictor.load(export_bundle(LinearRegression().fit(X, y), X, tmp_path / "sum", effort="quick"))
    with pytest.raises(ContractError) as caught:
        predictor.predict([{"2nd height": 1.0, "other": 1.0}, {"2nd height": 1.7e308, "other": 1.7e308}])
    (problem,) = caught.value.problems
    assert (problem["row"], problem["feature"], problem["kind"]) == (1, None, "no_answer")


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path, Path]:
    X = frame(90)[[*FLOATS, "label"]]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("texts", encoder, ["label"])], remainder="passthrough")
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=3)).fit(X, target(X))
    X.to_parquet(tmp_path / "rows.parquet")
    skops.io.dump(model, tmp_path / "model.skops")
    joblib.dump(model, tmp_path / "model.joblib")
    return tmp_path / "model.skops", tmp_path / "model.joblib", tmp_path / "rows.parquet"


def test_a_skops_file_with_its_rows(saved: tuple[Path, Path, Path]) -> None:
    source = read_source(saved[0], rows=saved[2])
    assert list(source.X) == [*FLOATS, "label"]
    assert source.about["name"] == "model"
    assert read_source(saved[0], rows=saved[2], name="other").about["name"] == "other"
    assert export_bundle(
        source.estimator, source.X, saved[0].parent / "out", about=source.about, effort="quick"
    ).is_dir()


def test_a_joblib_file_is_read_only_when_it_is_trusted(saved: tuple[Path, Path, Path]) -> None:
    with pytest.raises(TrainError, match="trust"):
        read_source(saved[1], rows=saved[2])
    assert read_source(saved[1], rows=saved[2], trust=True).estimator.predict(frame(5)[[*FLOATS, "label"]]).shape == (
        5,
    )


def test_a_file_without_its_rows(saved: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ExportError, match=r"rows that model\.skops was fitted on are needed.*--rows"):
        read_source(saved[0])
    with pytest.raises(ExportError, match="a run brings its own rows"):
        read_source(saved[0].parent, rows=saved[2])


def test_an_estimator_that_knows_no_names(saved: tuple[Path, Path, Path], tmp_path: Path) -> None:
    skops.io.dump(DecisionTreeClassifier().fit(np.eye(4), [0, 1, 0, 1]), tmp_path / "bare.skops")
    with pytest.raises(ExportError, match="without column names"):
        read_source(tmp_path / "bare.skops", rows=saved[2])


def test_a_column_of_true_and_false_is_asked_for_as_such(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    X = pd.DataFrame({"member": random.integers(0, 2, 200).astype(float), "income": random.normal(5.0, 2.0, 200)})
    X.loc[:20, "member"] = np.nan
    pipeline = make_pipeline(SimpleImputer(strategy="most_frequent"), LogisticRegression())
    pipeline.fit(X, random.integers(0, 2, 200))
    told = {"features": {"member": {"type": "boolean", "unit": None, "description": None}}}
    predictor = Predictor.load(export_bundle(pipeline, X, tmp_path / "bundle", about=told))
    expected = pipeline.predict_proba(X.iloc[[30, 0]])
    rows = [{"member": bool(X["member"][30]), "income": X["income"][30]}, {"member": None, "income": X["income"][0]}]
    answers = predictor.predict(rows)
    assert [list(answer["probabilities"].values()) for answer in answers] == pytest.approx(expected, abs=1e-12)
    values = {line["row"]["member"] for line in predictor.bundle.golden()}
    assert values == {True, False, None}
    X["member"] = X["member"] + 1.0
    with pytest.raises(ExportError, match=r"column 'member': a float64 column of type boolean holds 1\.0, 0\.0"):
        export_bundle(pipeline, X, tmp_path / "other", about=told)


def test_one_scaled_column_is_exact(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    X = pd.DataFrame({"income": random.normal(50_000.0, 20_000.0, 200)})
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(X, X["income"] * 0.3 + random.normal(0.0, 5.0, 200))
    predictor = Predictor.load(export_bundle(pipeline, X, tmp_path / "bundle"))
    got = [answer["value"] for answer in predictor.predict(X.to_dict("records"))]
    assert got == pytest.approx(pipeline.predict(X), rel=1e-13)


def test_the_examples_together_are_no_training_row(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    X = pd.DataFrame({"a": random.normal(0.0, 1.0, 201), "b": random.normal(0.0, 1.0, 201)})
    X.loc[0] = X.loc[1:].median()  # this row holds both medians, which are the usual examples
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, X["a"] + X["b"])
    contract = Predictor.load(export_bundle(tree, X, tmp_path / "bundle")).contract
    example = {feature.name: feature.example for feature in contract.features}
    assert tuple(example.values()) not in keys(X)
    assert None not in example.values()
