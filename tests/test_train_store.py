"""Fitted estimators on disk: the same bytes each time, and only what is trusted is read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from train.errors import TrainError
from train.store import dump_estimator, is_trusted, load_estimator

X = np.random.default_rng(0).normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)


class Foreign(LogisticRegression):  # type: ignore[misc]
    """A class outside scikit-learn."""


def test_two_fits_give_the_same_bytes_and_the_loaded_one_the_same_answers(tmp_path: Path) -> None:
    for estimator in (
        RandomForestRegressor(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
    ):
        first, second = (dump_estimator(type(estimator)(**estimator.get_params()).fit(X, Y)) for _ in range(2))
        assert first == second
        path = tmp_path / "model.skops"
        path.write_bytes(first)
        np.testing.assert_array_equal(load_estimator(path).predict(X), estimator.fit(X, Y).predict(X))
        with zipfile.ZipFile(path) as archive:
            assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    assert dump_estimator(LogisticRegression().fit(X, Y)) != dump_estimator(LogisticRegression(C=2).fit(X, Y))


def test_a_foreign_class_in_a_skops_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(Foreign().fit(X, Y), path)
    with pytest.raises(TrainError, match=r"test_train_store\.Foreign.*--trust"):
        load_estimator(path)
    assert isinstance(load_estimator(path, trust=True), Foreign)


def test_a_function_that_runs_commands_is_refused(tmp_path: Path) -> None:
    import subprocess

    path = tmp_path / "model.skops"
    skops.io.dump(FunctionTransformer(subprocess.check_call), path)
    with pytest.raises(TrainError, match=r"subprocess\.check_call"):
        load_estimator(path)


@pytest.mark.parametrize(
    ("name", "trusted"),
    [
        ("sklearn.tree._tree.Tree", True),
        ("numpy.dtype", True),
        ("functools.partial", True),
        ("builtins.eval", False),
        ("sklearnish.Model", False),
        ("numpy.testing._private.utils.runstring", False),
        ("numpy.f2py.compile", False),
        ("sklearn.datasets._base.load_files", False),
    ],
)
def test_trust_is_by_full_name(name: str, trusted: bool) -> None:
    assert is_trusted(name) is trusted


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".pickle"])
def test_a_joblib_file_needs_trust(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    joblib.dump(LogisticRegression().fit(X, Y), path)
    with pytest.raises(TrainError, match=r"runs code when it is read.*--trust"):
        load_estimator(path)
    assert isinstance(load_estimator(path, trust=True), LogisticRegression)


def test_what_is_not_an_estimator_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no such file"):
        load_estimator(tmp_path / "model.skops")
    for name in ("model.skops", "model.joblib"):
        (tmp_path / name).write_bytes(b"not a model")
        with pytest.raises(TrainError, match="must be readable"):
            load_estimator(tmp_path / name, trust=True)
    (tmp_path / "model.txt").write_text("x")
    with pytest.raises(TrainError, match=r"must be a \.skops or \.joblib file"):
        load_estimator(tmp_path / "model.txt")
