"""The C interface gives what the Python binding gives, bit for bit, and refuses what cannot be answered."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from bundle_factory import EXAMPLE, Task, make_bundle
from export_tools import frame, predictor_of, target, value
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from export.rows import RowMaker
from lambda_handler import capi, engine
from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.capi import load
from lambda_handler.engine import EngineError, library, make_engine
from lambda_handler.golden import compare, replay
from lambda_handler.predictor import BATCH, Predictor

TASKS: list[Task] = ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]
NUMBERS = ["income", "2nd height", "visits", "flag"]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Bundle]:
    folder = tmp_path_factory.mktemp("capi")
    return {task: read_bundle(make_bundle(folder / task, task=task)) for task in TASKS}


def both(bundle: Bundle) -> tuple[Predictor, Predictor]:
    return Predictor(bundle, engine="binding"), Predictor(bundle, engine="capi")


def assert_same_bits(one: Predictor, other: Predictor, columns: Any) -> None:
    """Labels and numbers alike to the last bit, in batches and alone."""
    for rows in (slice(None), *(slice(k, k + 1) for k in range(50)), slice(7), slice(1, 4)):
        given = [column[rows] for column in columns]
        told, found = one.run(given), other.run(given)
        assert [part.tobytes() for part in told] == [part.tobytes() for part in found]
        assert [(part.shape, part.dtype) for part in told] == [(part.shape, part.dtype) for part in found]


@pytest.mark.parametrize("task", TASKS)
def test_golden_rows_are_answered_as_by_the_binding(task: Task, bundles: dict[Task, Bundle]) -> None:
    binding, ours = both(bundles[task])
    golden = list(bundles[task].golden())
    rows = [line["row"] for line in golden]
    answers = replay(ours, rows)
    assert repr(answers) == repr(replay(binding, rows))
    assert all(stratum.holds for stratum in compare(ours.contract, golden, answers).values())
    accepted = [row for row, answer in zip(rows, answers, strict=True) if "rejected" not in answer]
    assert repr([ours.predict([row]) for row in accepted]) == repr([binding.predict([row]) for row in accepted])


def lightgbm_classifier() -> tuple[Any, Any]:
    lightgbm = pytest.importorskip("lightgbm", reason="the extra selfsame[lightgbm] is not installed")
    X = frame()[[*NUMBERS, "x0"]]
    return lightgbm.LGBMClassifier(n_estimators=9, verbose=-1, n_jobs=1).fit(X, target(X, 3)), X


def histogram_boosting() -> tuple[Any, Any]:
    X = frame()[[*NUMBERS, "x0"]]
    return HistGradientBoostingClassifier(max_iter=9, categorical_features="from_dtype").fit(X, target(X)), X


def texts() -> tuple[Any, Any]:
    X = frame()[["2nd height", "x0"]].astype({"x0": "str"})
    columns = ColumnTransformer([("text", TfidfVectorizer(), "x0"), ("n", "passthrough", ["2nd height"])])
    return make_pipeline(columns, LogisticRegression()).fit(X, target(X)), X


def two_targets() -> tuple[Any, Any]:
    X = frame()[["2nd height", "visits", "flag"]].astype({"2nd height": np.float32})
    both_ = np.column_stack([value(X), -value(X)])
    return RandomForestRegressor(5, max_depth=5, random_state=0).fit(X, both_), X


def scores() -> tuple[Any, Any]:
    X = frame()[["2nd height", "visits", "flag"]]
    return SVC().fit(X, target(X, 3)), X


@pytest.mark.parametrize("make", [lightgbm_classifier, histogram_boosting, texts, two_targets, scores])
def test_exports_are_answered_as_by_the_binding(make: Callable[[], tuple[Any, Any]]) -> None:
    estimator, X = make()
    predictor, _, schema, table = predictor_of(estimator, X)
    maker = RowMaker(schema, table, 7)
    parts = [table, maker.recombined(60), maker.special(60), maker.missing(30), maker.unseen(12)]
    columns = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    assert_same_bits(*both(predictor.bundle), columns)


def columns_of(count: int) -> list[npt.NDArray[Any]]:
    random = np.random.default_rng(count)
    return [
        random.choice([np.nan, -0.0, 5e-324, 1e300, 31000.5], count), random.integers(-(2**63), 2**63 - 1, count),
        random.choice(np.array(["A", "ü ☃ \U0001f600", "", "Z" * 5000], dtype=object), count),
        random.choice(np.array(["own", "rent"], dtype=object), count), random.random(count) < 0.5,
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 2, 7, BATCH, BATCH + 1])
def test_any_number_of_rows_and_any_value(rows: int, bundles: dict[Task, Bundle]) -> None:
    for task in ("classification", "several"):
        assert_same_bits(*both(bundles[task]), columns_of(rows))


def test_more_threads_are_taken(bundles: dict[Task, Bundle]) -> None:
    one, two = (Predictor(bundles["several"], threads=count, engine="capi") for count in (1, 2))
    assert_same_bits(one, two, columns_of(50))


def test_callers_at_the_same_time_get_their_own_answers(bundles: dict[Task, Bundle]) -> None:
    binding, ours = both(bundles["classification"])
    rows = [{**EXAMPLE, "income": 4000.0 + 700 * k, "grade": "ABC"[k % 3]} for k in range(200)]
    asked = [rows[k : k + (1 if k % 3 else 5)] for k in range(195)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ours.predict, asked * 8))
    assert told == [binding.predict(each) for each in asked] * 8


# --- which engine, which library


def test_the_engine_is_chosen_by_argument_or_environment(
    bundles: dict[Task, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen(name: str | None = None) -> str:
        return type(make_engine(bundles["labels"].contract, bundles["labels"].model, name=name)).__name__

    monkeypatch.delenv("SELFSAME_ENGINE", raising=False)
    assert (chosen(), chosen("binding"), chosen("capi")) == ("Session", "Binding", "Session")
    with monkeypatch.context() as patched:
        patched.setattr(engine, "library", lambda: None)
        assert chosen() == "Binding"
    monkeypatch.setenv("SELFSAME_ENGINE", "binding")
    assert (chosen(), chosen("capi")) == ("Binding", "Session")
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "lambda_handler.binding")
        patched.setitem(sys.modules, "numpy", None)
        with pytest.raises(EngineError, match="engine binding needs NumPy"):
            chosen("binding")
        assert chosen("capi") == "Session"
    monkeypatch.setenv("SELFSAME_ENGINE", "torch")
    with pytest.raises(EngineError, match="one of capi, binding; got 'torch'"):
        chosen()


def test_a_library_that_is_missing_old_or_none_is_refused(
    tmp_path: Path, bundles: dict[Task, Bundle], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = library()
    assert path is not None
    installed = version("onnxruntime")
    assert load(path).version == installed
    assert int(installed.split(".")[1]) == capi.API_VERSION, "the pin moved: hold the table against the new header"
    with monkeypatch.context() as patched:
        patched.setattr(capi, "API_VERSION", 99)
        with pytest.raises(EngineError, match=f"version 99 .* {Path(path).name} is onnxruntime {installed}"):
            capi.Api(path)
    capfd.readouterr()
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(EngineError, match=r"text\.so"):
        load(str(tmp_path / "text.so"))
    monkeypatch.setattr(engine, "library", lambda: None)
    with pytest.raises(EngineError, match=r"libonnxruntime\.so; it is not installed"):
        make_engine(bundles["labels"].contract, bundles["labels"].model, name="capi")
