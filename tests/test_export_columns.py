"""Columns as people have them: each dtype alone and in company, exact in Python and wasm, or refused with a way out."""

import datetime
import decimal
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from deploy.node import replay_node
from export import ExportError, export_bundle
from export.frame import Schema
from export.rows import from_steps, to_steps
from lambda_handler.bundle import read_bundle
from lambda_handler.contract import ContractError
from lambda_handler.golden import compare, replay
from lambda_handler.predictor import Predictor

SAFE = 2**53
BIG = SAFE + 1
ROWS = 60
DICTIONARY = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
TEXTS = ["a", "nan", None, "None", "<NA>", "é", "e\u0301"]

HELD: dict[str, tuple[Any, Any, str, str]] = {  # values, dtype, type of requests, dtype in the graph
    "float64": ([1.5, None, -0.0], "float64", "number", "float64"),
    "float32": ([0.1, None, 2.0], "float32", "number", "float32"),
    "int64": ([BIG, -(2**63), 2**63 - 1], "int64", "integer", "int64"),
    **{name: ([0, 1, 100], name, "integer", "int64") for name in ("int8", "int16", "int32")},
    **{name: ([0, 1, 200], name, "integer", "int64") for name in ("uint8", "uint16", "uint32")},
    "bool": ([True, False], "bool", "boolean", "bool"),
    "Int64": ([1, None, 2**53], "Int64", "integer", "float64"),
    "UInt8": ([1, None, 255], "UInt8", "integer", "float64"),
    "boolean": ([True, None, False], "boolean", "boolean", "float64"),
    "Float64": ([1.5, None], "Float64", "number", "float64"),
    "Float32": ([0.1, None], "Float32", "number", "float32"),
    "str": (TEXTS, "str", "category", "string"),
    "object": (TEXTS, object, "category", "string"),
    "object with NA": (["a", pd.NA, "<NA>"], object, "category", "string"),
    "string": (TEXTS, "string", "category", "string"),
    "arrow string": (TEXTS, pd.ArrowDtype(pa.string()), "category", "string"),
    "arrow large_string": (TEXTS, pd.ArrowDtype(pa.large_string()), "category", "string"),
    "arrow dictionary": (TEXTS, DICTIONARY, "category", "string"),
    "arrow int64": ([1, None, 3], pd.ArrowDtype(pa.int64()), "integer", "float64"),
    "arrow double": ([1.5, None], pd.ArrowDtype(pa.float64()), "number", "float64"),
    "arrow float": ([0.1, None], pd.ArrowDtype(pa.float32()), "number", "float32"),
    "arrow bool": ([True, None, False], pd.ArrowDtype(pa.bool_()), "boolean", "float64"),
    "category of texts": (pd.Categorical(["b", None, "a"], ["b", "a", "unused"], ordered=True), None, "category",
                          "string"),
    "category of integers": (pd.Categorical([3, None, 1]), None, "integer", "float64"),
    "category of big integers": (pd.Categorical([BIG, BIG - 1]), None, "integer", "int64"),
    "category of booleans": (pd.Categorical([True, None, False]), None, "boolean", "float64"),
    "category of floats": (pd.Categorical([0.5, None, 1.5]), None, "number", "float64"),
}  # fmt: skip

DAY = datetime.date(2026, 1, 1)
MOMENT = datetime.datetime(2026, 1, 1, 12)
REFUSED: dict[str, tuple[Any, Any, str]] = {  # values, dtype, part of the reason
    "dates": (pd.date_range("2026-01-01", periods=3), None, "datetime64"),
    "dates of a zone": (pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"), None, "Europe/Berlin"),
    "durations": (pd.to_timedelta([1, 2, None], unit="D"), None, "timedelta64"),
    "periods": (pd.period_range("2026-01", periods=3, freq="M"), None, "period"),
    "arrow dates": ([DAY, None, DAY], pd.ArrowDtype(pa.date32()), "date32"),
    "arrow timestamps": ([MOMENT, None, MOMENT], pd.ArrowDtype(pa.timestamp("us")), "timestamp"),
    "arrow durations": ([datetime.timedelta(1), None], pd.ArrowDtype(pa.duration("us")), "duration"),
    "arrow decimals": ([decimal.Decimal("1.5"), None], pd.ArrowDtype(pa.decimal128(5, 2)), "decimal128"),
    "boolean objects": ([True, None, False], object, "NoneType, bool"),
    "whole boolean objects": ([True, False], object, "object column of bool"),
    "integer objects": ([1, 2], object, "object column of int"),
    "integer objects with NA": ([1, pd.NA, 2.5], object, "NAType, float, int"),
    "huge integers": ([2**70, 1], object, "object column of int"),
    "decimals": ([decimal.Decimal(1), None], object, "Decimal"),
    "date objects": ([DAY, None], object, "date"),
    "moment objects": ([MOMENT, None], object, "datetime"),
    "duration objects": ([datetime.timedelta(1), None], object, "timedelta"),
    "text and numbers": (["a", 1, None], object, "int, str"),
    "two kinds of missing": (["a", None, np.nan], object, "NoneType, float, str"),
    "lists": ([[1], [2]], object, "list"),
    "nothing": ([None, None], object, "NoneType"),
    "uint64": ([1, 2], "uint64", "uint64"),
    "big uint64": ([1, 2**64 - 1], "uint64", "uint64"),
    "big Int64": ([1, BIG], "Int64", "beyond 2**53"),
    "big Int64 with NA": ([None, BIG], "Int64", "beyond 2**53"),
    "float16": ([1, 2], "float16", "float16"),
    "sparse": ([0.0, 1.5], "Sparse[float64]", "sparse"),
    "infinite": ([1.0, np.inf], None, "infinite"),
    "infinite category": (pd.Categorical([1.0, np.inf]), None, "infinite"),
    "category of dates": (pd.Categorical(pd.date_range("2026-01-01", periods=3)), None, "datetime64"),
    "category of intervals": (pd.cut([1.0, 2.0, 3.0], 2), None, "interval"),
    "category of Int64 with holes": (pd.Categorical(pd.array([1, 2, None], "Int64")), None, "Int64"),
    "category of big integers with holes": (pd.Categorical([None, BIG, 2], [2, BIG]), None, "beyond 2**53"),
    "category of text and numbers": (pd.Categorical(["a", 1]), None, "object"),
}  # fmt: skip


def series(values: Any, dtype: Any) -> "pd.Series[Any]":
    return pd.Series(values) if dtype is None else pd.Series(values, dtype=dtype)


def fitted(model: Any, X: pd.DataFrame, y: npt.ArrayLike) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def exported(model: Any, X: pd.DataFrame, folder: Path) -> Path:
    """Export, and see that node gives the golden answers, too."""
    bundle = read_bundle(export_bundle(model, X, folder / "bundle", effort="quick"))
    golden = list(bundle.golden())
    answers = replay_node(bundle.path, [line["row"] for line in golden])
    strata = compare(bundle.contract, golden, answers)
    assert all(stratum.holds for stratum in strata.values()), strata
    return bundle.path


def features(bundle: Path) -> dict[str, Any]:
    return {feature["name"]: feature for feature in json.loads((bundle / "contract.json").read_text())["features"]}


def reasons(bundle: Path, rows: list[dict[str, Any]]) -> list[list[tuple[str, str, str]]]:
    """What Python says against each row; node must say the same."""
    found = []
    predictor = Predictor.load(bundle)
    for row in rows:
        with pytest.raises(ContractError) as caught:
            predictor.predict([row])
        found.append([(problem["feature"], problem["kind"], problem["reason"]) for problem in caught.value.problems])
    there = [[(told["feature"], told["kind"]) for told in each["rejected"]] for each in replay_node(bundle, rows)]
    assert there == [[told[:2] for told in each] for each in found]
    return found


@pytest.mark.parametrize("name", HELD)
def test_a_column_goes_to_the_graph_and_back_unchanged(name: str) -> None:
    values, dtype, kind, graph = HELD[name]
    X = pd.DataFrame({"a": series(values, dtype)})
    schema = Schema(X)
    (column,) = schema.columns
    assert (column.type, column.dtype) == (kind, graph)
    pd.testing.assert_frame_equal(schema.frame(schema.values(X)), X)
    rows = [row["a"] for row in schema.rows(schema.values(X))]
    assert [value is None for value in rows] == X.a.isna().tolist()
    json_types = {"number": float, "integer": int, "boolean": bool, "category": str}
    assert all(type(value) is json_types[kind] for value in rows if value is not None)
    known = [value for value in X.a.tolist() if not pd.isna(value)]
    assert [value for value in rows if value is not None] == known


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_column_names_a_change_that_works(name: str) -> None:
    values, dtype, reason = REFUSED[name]
    X = pd.DataFrame({"my column": series(values, dtype)})
    with pytest.raises(ExportError) as caught:
        Schema(X)
    error = caught.value
    assert error.column == "my column"
    assert reason in str(error).lower() or reason in str(error)
    change = re.search(r"(X\['my column'\] = .*?), (then|or) ", error.remedy)
    assert change, error.remedy
    exec(change[1], {"X": X, "pd": pd, "np": np})
    assert Schema(X).names == ["my column"]


def test_names_that_no_column_may_have() -> None:
    for names, said in ((["a\0"], "without NUL"), ([""], "non-empty"), ([1], "got 1")):
        with pytest.raises(ExportError, match="column names must be non-empty text") as caught:
            Schema(pd.DataFrame([[1.0]], columns=names))
        assert said in str(caught.value)
    with pytest.raises(ExportError, match="column 'a': column names must be distinct"):
        Schema(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


def company(rows: int = 60) -> pd.DataFrame:
    """Every kind of column, with holes where it can have them."""
    random = np.random.default_rng(0)

    def holed(values: Any, dtype: Any) -> "pd.Series[Any]":
        return pd.Series(values, dtype=dtype).mask(pd.Series(random.random(rows) < 0.15))

    whole, real = random.integers(-9, 9, rows), random.normal(size=rows)
    texts = random.choice(["a", "b", "nan", "None"], rows)
    return pd.DataFrame(
        {
            "float64": holed(real, "float64"),
            "float32": holed(random.normal(size=rows), "float32"),
            "int64": pd.Series(random.integers(BIG, BIG + 4, rows)),
            "uint8": pd.Series(random.integers(0, 200, rows), dtype="uint8"),
            "bool": pd.Series(real < 0.3),
            "Int64": holed(whole, "Int64"),
            "boolean": holed(whole < 2, "boolean"),
            "arrow int": holed(whole, pd.ArrowDtype(pa.int64())),
            "arrow bool": holed(whole < 1, pd.ArrowDtype(pa.bool_())),
            "levels": holed(random.integers(0, 4, rows), "int64").astype("category"),
            "str": holed(texts, "str"),
            "object": pd.Series(np.where(random.random(rows) < 0.15, None, texts), dtype=object),
            "string": holed(texts, "string"),
            "dictionary": holed(texts, "str").astype(object).where(random.random(rows) < 0.9, None).astype(DICTIONARY),
            "category": holed(texts, "str").astype("category"),
        }
    )


def columns_of(X: pd.DataFrame) -> ColumnTransformer:
    """Numbers imputed and scaled, texts and whole numbers one-hot, missing ones as scikit-learn wants them."""
    numbers = [name for name in X if Schema(X[[name]]).columns[0].type != "category"]
    onehot = OneHotEncoder(handle_unknown="ignore")
    filled = make_pipeline(SimpleImputer(missing_values=pd.NA, strategy="most_frequent"), onehot)
    marked = [name for name in ("string", "dictionary") if name in X]  # encoders do not take NA among texts
    texts = [name for name in X if name not in {*numbers, *marked}]
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    levels = [name for name in ("int64", "boolean", "arrow bool", "levels") if name in X]
    return ColumnTransformer(
        [("numbers", scaled, numbers), ("texts", onehot, texts), ("marked", filled, marked), ("levels", onehot, levels)]
    )


def test_every_column_in_company_is_exact_in_python_and_in_node(tmp_path: Path) -> None:
    X = company()
    y = (X["float64"].fillna(1.0) + X["uint8"] / 100 + (X["str"] == "a") > 1.2).to_numpy()
    bundle = exported(fitted(make_pipeline(columns_of(X), LogisticRegression()), X, y), X, tmp_path)
    told = features(bundle)
    assert told["uint8"]["accepts"] == [0, 255]
    assert told["Int64"]["accepts"] == [-SAFE, SAFE]
    assert {name for name in told if told[name]["missing"] == "rejected"} == {"int64", "uint8", "bool"}
    row = {name: told[name]["example"] for name in X}
    wrong = [
        ("uint8", 256, "out_of_bounds"), ("uint8", None, "missing"), ("Int64", 0.5, "type"),
        ("Int64", SAFE + 1, "out_of_bounds"), ("boolean", 1, "type"), ("float32", 3.5e38, "not_finite"),
        ("int64", 2**63, "type"), ("levels", "1", "type"), ("str", 1, "type"), ("str", "a\0", "type"),
    ]  # fmt: skip
    found = reasons(bundle, [{**row, name: value} for name, value, _ in wrong])
    assert [[told[:2] for told in each] for each in found] == [[(name, kind)] for name, _, kind in wrong]
    predictor = Predictor.load(bundle)
    backwards = dict(reversed(row.items()))
    assert predictor.predict([backwards]) == predictor.predict([row])
    for name in ("float64", "float32", "Int64", "boolean", "arrow bool", "str", "object", "dictionary", "category"):
        alike = [predictor.predict([{**row, name: value}]) for value in (None, np.nan, pd.NA, np.float32("nan"))]
        assert all(answer == alike[0] for answer in alike)


def test_a_missing_text_never_meets_the_same_word(tmp_path: Path) -> None:
    words = ["nan", "None", "<NA>", None]
    X = pd.DataFrame({"word": pd.Series(words * 20, dtype="str"), "x": np.arange(80.0)})
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("word", encoder, ["word"])], remainder="passthrough", sparse_threshold=0)
    y = np.array(["is nan", "is None", "is NA", "is missing"] * 20)
    bundle = exported(fitted(make_pipeline(columns, DecisionTreeClassifier()), X, y), X, tmp_path)
    rows = [{"word": word, "x": 3.5} for word in words]
    for answers in (Predictor.load(bundle).predict(rows), replay_node(bundle, rows)):
        assert [answer["label"] for answer in answers] == ["is nan", "is None", "is NA", "is missing"]


NAMES = [
    "two words",
    "a.b",
    "1st",
    "0",
    "ünïcödé",
    "\U0001f600",
    "e\u0301",
    "é",
    "label",
    "__proto__",
    'quo"te',
    "x\\y",
]


def test_names_as_people_have_them(tmp_path: Path) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, len(NAMES))), columns=NAMES)
    y = (X["__proto__"] + X["é"] - X["e\u0301"] > 0).to_numpy()
    bundle = exported(fitted(make_pipeline(StandardScaler(), DecisionTreeClassifier()), X, y), X, tmp_path)
    assert list(features(bundle)) == NAMES
    rows = [
        {name: float(value) for name, value in zip(NAMES[::-1], row[::-1], strict=True)} for row in X.to_numpy()[:9]
    ]
    for answers in (Predictor.load(bundle).predict(rows), replay_node(bundle, rows)):
        assert [answer["label"] for answer in answers] == y[:9].tolist()


def listed() -> tuple[Any, pd.DataFrame]:
    """Strict encoders of whole numbers, floats, texts and booleans, told more than the table holds."""
    X = pd.DataFrame(
        {
            "id": np.array([BIG, 3])[np.arange(60) % 2],
            "grade": pd.Series(["a", "b"] * 30, dtype="str"),
            "half": np.where(np.arange(60) % 3, 0.5, 1.5),
            "tenth": np.where(np.arange(60) % 3, 0.1, 0.2).astype("float32"),
            "yes": True,
            "x": np.random.default_rng(0).normal(size=60),
        }
    )
    known: list[list[Any]] = [
        [3, BIG - 1, BIG, 2**63 - 1], ["a", "b", "never"], [0.5, 1.5, 7.25], [np.float32(0.1), np.float32(0.2)], [True]
    ]  # fmt: skip
    strict = OneHotEncoder(categories=known)
    columns = ColumnTransformer([("strict", strict, list(X.columns[:-1]))], remainder="passthrough")
    return fitted(make_pipeline(columns, LogisticRegression()), X, np.arange(60) % 3 > 0), X


def test_what_a_strict_encoder_takes_is_listed_also_what_the_table_does_not_hold(tmp_path: Path) -> None:
    model, X = listed()
    bundle = exported(model, X, tmp_path)
    told = features(bundle)
    assert told["id"]["categories"] == [3, BIG - 1, BIG, 2**63 - 1]
    assert told["grade"]["categories"] == ["a", "b", "never"]
    assert told["half"]["categories"] == [0.5, 1.5, 7.25]
    assert told["yes"]["categories"] == [True]
    assert [told[name]["unseen"] for name in X] == ["rejected"] * 5 + [None]
    row = {"id": BIG - 1, "grade": "never", "half": 7.25, "tenth": 0.1, "yes": True, "x": 0.25}
    expected = model.predict_proba(pd.DataFrame([row]).astype(X.dtypes))[0]
    for answers in (Predictor.load(bundle).predict([row]), replay_node(bundle, [row])):
        np.testing.assert_allclose(list(answers[0]["probabilities"].values()), expected, rtol=1e-12)
    wrong = {**row, "id": BIG + 1, "grade": "c", "half": 0.75, "tenth": 0.3, "yes": False}
    (found,) = reasons(bundle, [wrong])
    assert [each[:2] for each in found] == [(name, "unseen") for name in X.columns[:-1]]
    assert found[0][2].startswith(f"id takes one of 3, {BIG - 1}, {BIG}, {2**63 - 1}; got the number {BIG + 1}.")
    assert found[2][2].startswith("half takes one of 0.5, 1.5, 7.25; got the number 0.75.")


def test_whole_numbers_beyond_2_53_stay_apart(tmp_path: Path) -> None:
    X = pd.DataFrame({"id": np.array([BIG, BIG - 1, -BIG])[np.arange(60) % 3], "k": np.arange(60)})
    y = np.array([2**62 + 1, 2**62, -(2**63)])[np.arange(60) % 3]
    columns = ColumnTransformer([("id", OneHotEncoder(handle_unknown="ignore"), ["id"])], remainder="passthrough")
    bundle = exported(fitted(make_pipeline(columns, DecisionTreeClassifier()), X, y), X, tmp_path)
    rows = [{"id": int(value), "k": 100 + k} for k, value in enumerate(X.id[:9])]
    for answers in (Predictor.load(bundle).predict(rows), replay_node(bundle, rows)):
        assert [answer["label"] for answer in answers] == y[:9].tolist()
        assert list(answers[0]["probabilities"]) == [str(value) for value in sorted(y[:3].tolist())]


@pytest.mark.parametrize("mixed", [False, True])
def test_trees_round_whole_numbers_once(mixed: bool, tmp_path: Path) -> None:
    middle = 2**60 + 2**36  # between two float32 numbers; rounded to float64 first, middle + 1 becomes middle
    X = pd.DataFrame({"id": middle + np.random.default_rng(0).integers(-2, 3, 60), "flag": np.arange(60) % 2 == 0})
    X = X if mixed else X[["id"]].assign(k=np.arange(60) % 7)
    model = fitted(DecisionTreeClassifier(), X, X.id > middle)
    bundle = exported(model, X, tmp_path)
    rows = [{**X.iloc[0].to_dict(), "id": middle + step} for step in (-1, 0, 1)]
    expected = model.predict(pd.DataFrame(rows).astype(X.dtypes)).tolist()
    assert expected[1:] == [False, True]
    assert [answer["label"] for answer in Predictor.load(bundle).predict(rows)] == expected


def test_a_step_that_computes_in_float32_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"a": random.normal(size=60).astype("float32"), "b": random.normal(size=60)})
    y = X.a + X.b > 0

    def model() -> Any:
        scaled = make_pipeline(SimpleImputer(), StandardScaler())
        return make_pipeline(
            ColumnTransformer([("one", scaled, ["a"]), ("two", "passthrough", ["b"])]), LogisticRegression()
        )

    with pytest.raises(ExportError) as caught:
        export_bundle(fitted(model(), X, y), X, tmp_path / "refused")
    assert (caught.value.step, caught.value.column) == ("columntransformer > one > standardscaler", "a")
    assert not list(tmp_path.iterdir())
    change = re.search(r"X = (X\.astype\(.*\)), then", caught.value.remedy)
    assert change
    X = eval(change[1], {"X": X})
    assert export_bundle(fitted(model(), X, y), X, tmp_path / "bundle", effort="quick").is_dir()


def test_float32_columns_where_scikit_learn_computes_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(60, 2)).astype("float32"), columns=["a", "b"]).mask(
        random.random((60, 2)) < 0.1
    )
    X["grade"] = pd.Series(random.choice(["u", "v"], 60), dtype="str")
    columns = ColumnTransformer(
        [("imputed", SimpleImputer(), ["a"]), ("grade", OrdinalEncoder(), ["grade"])], remainder="passthrough"
    )
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5))
    bundle = exported(fitted(model, X, X.a.fillna(0) > 0), X, tmp_path)
    assert features(bundle)["a"]["dtype"] == "float32"
    answers = Predictor.load(bundle).predict(
        [{"a": value, "b": 0.5, "grade": "u"} for value in (0.1, float(np.float32(0.1)))]
    )
    assert answers[0] == answers[1]


LABELS: dict[str, npt.NDArray[Any]] = {
    "booleans": np.array([False, True]),
    "negative": np.array([-5, 3, -1]),
    "beyond 2^53": np.array([BIG, BIG - 1, -(2**63)]),
    "unsigned": np.array([2**64 - 1, 1], dtype="uint64"),
    "floats": np.array([0.0, 1.0]),
    "long": np.array(["ü" * 300 + "a", "ü" * 300 + "b", "e\u0301", "é"]),
    "objects": np.array(["x", "__proto__", "1"], dtype=object),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_keep_their_type_and_value(name: str, tmp_path: Path) -> None:
    labels = LABELS[name]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    place = np.arange(60) % len(labels)
    X["a"] += 10.0 * place
    bundle = exported(fitted(DecisionTreeClassifier(), X, labels[place]), X, tmp_path)
    rows = [{"a": 10.0 * k, "b": 0.0} for k in range(len(labels))]
    wanted = labels.tolist()
    for answers in (Predictor.load(bundle).predict(rows), replay_node(bundle, rows)):
        assert [answer["label"] for answer in answers] == wanted
        assert [type(answer["label"]) for answer in answers] == [type(label) for label in wanted]
        assert all(len(answer["probabilities"]) == len(wanted) for answer in answers)


def test_labels_of_numpy_objects_are_refused_and_the_remedy_works(tmp_path: Path) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    y = np.array([np.str_("u"), np.str_("v")], dtype=object)[(X.a > 0).astype(int)]
    with pytest.raises(ExportError, match=r'y = y\.astype\("str"\)'):
        export_bundle(fitted(DecisionTreeClassifier(), X, y), X, tmp_path / "bundle")
    assert export_bundle(
        fitted(DecisionTreeClassifier(), X, y.astype("str")), X, tmp_path / "bundle", effort="quick"
    ).is_dir()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_steps_are_neighbours_in_their_own_dtype(kind: type[np.floating[Any]]) -> None:
    numbers = np.array([-np.inf, -1.5, -0.0, 0.0, 0.1, np.finfo(kind).max], dtype=kind)
    steps = to_steps(numbers)
    assert (np.diff(steps) >= 0).all()
    assert steps[2] == steps[3] == 0
    np.testing.assert_array_equal(from_steps(steps, np.dtype(kind)), numbers)
    np.testing.assert_array_equal(from_steps(steps[1:5] + 1, np.dtype(kind)), np.nextafter(numbers[1:5], kind(np.inf)))
    assert from_steps(steps, np.dtype(kind)).dtype == kind


def test_the_replay_sees_a_label_that_is_one_apart_beyond_2_53(tmp_path: Path) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    bundle = exported(fitted(DecisionTreeClassifier(), X, np.where(X.a > 0, BIG, BIG - 1)), X, tmp_path)
    contract = read_bundle(bundle).contract
    line = next(line for line in read_bundle(bundle).golden() if line.get("decidable"))
    answers = replay(Predictor.load(bundle), [line["row"]])
    line["answer"]["label"] = BIG + BIG - 1 - line["answer"]["label"]
    assert not next(iter(compare(contract, [line], answers).values())).holds
