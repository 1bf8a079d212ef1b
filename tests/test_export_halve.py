"""The original is asked as seldom as may be, and what it answers hangs on how it is asked nowhere."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from export.frame import Schema
from export.halve import AHEAD, halved, middle
from export.original import Original

Ints = npt.NDArray[np.int64]
LEAST, MOST = -(2**63), 2**63 - 1


def one_by_one(low: int, high: int, jumps: list[int]) -> tuple[int, int]:
    """The usual halving: as at `low` is what has as many jumps below it, modulo 2."""
    while (between := (low + high) // 2) not in {low, high}:
        low, high = (between, high) if below(between, jumps) == below(low, jumps) else (low, between)
    return low, high


def below(position: int, jumps: list[int]) -> int:
    return sum(jump <= position for jump in jumps) % 2


@pytest.mark.parametrize("jumps", [[7], [LEAST + 1], [MOST], [-5, 3, 4], [10**15, 10**16, 10**17]], ids=str)
def test_halvings_ahead_end_where_single_ones_do(jumps: list[int]) -> None:
    ends = [(LEAST, MOST), (MOST, LEAST), (-(10**18), jumps[0]), (jumps[-1], jumps[0] - 1), (jumps[0] - 1, jumps[0])]
    ends = [pair for pair in ends if below(pair[0], jumps) != below(pair[1], jumps)]
    low, high = np.array(ends, dtype=np.int64).T
    asked: list[int] = []

    def as_low(which: Ints, steps: Ints) -> npt.NDArray[np.bool_]:
        asked.append(len(steps))
        pairs = zip(which.tolist(), steps.tolist(), strict=True)
        return np.array([below(step, jumps) == below(ends[k][0], jumps) for k, step in pairs])

    found = np.stack(halved(low, high, as_low), axis=1)
    assert found.tolist() == [list(one_by_one(*pair, jumps)) for pair in ends]
    assert len(asked) <= 64 // AHEAD + 1


def test_the_middle_rounds_down_without_overflow() -> None:
    pairs = [(LEAST, MOST), (MOST, MOST - 1), (-3, -2), (-3, 4), (5, 5)]
    low, high = np.array(pairs, dtype=np.int64).T
    assert middle(low, high).tolist() == [sum(pair) // 2 for pair in pairs]


def test_rejected_rows_are_found_without_asking_for_what_must_hold_one(monkeypatch: pytest.MonkeyPatch) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(64, 2)), columns=["a", "b"])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X.a > X.b)
    schema = Schema(X)
    values = schema.values(X)
    original = Original(model, schema, values)
    expected = original.answer_alone(values)
    asked: list[int] = []
    scaled = StandardScaler.transform

    def counted(self: StandardScaler, part: pd.DataFrame) -> Any:
        asked.append(len(part))
        return scaled(self, part)

    monkeypatch.setattr(StandardScaler, "transform", counted)
    for rejected, sizes in (
        ([], [64]),
        ([63], [64, 32, 16, 8, 4, 2, 1, 1]),
        ([0], [64, 32, 16, 8, 4, 2, *(1, 1, 2, 4, 8, 16, 32)]),
    ):
        asked.clear()
        values[0] = X.a.to_numpy().copy()
        values[0][rejected] = np.nan
        found = original.answer(values)
        assert asked == sizes
        assert np.flatnonzero(~found.accepted).tolist() == rejected
        kept = found.accepted
        np.testing.assert_array_equal(found.labels[kept], expected.labels[kept])
        np.testing.assert_allclose(found.numbers[kept], expected.numbers[kept], rtol=1e-12)


def test_a_pipelines_steps_run_once_and_its_model_answers_both() -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X.a > X.b)
    schema = Schema(X)
    found = Original(model, schema, schema.values(X)).answer(schema.values(X))
    np.testing.assert_array_equal(found.labels[:, 0], model.predict(X).astype(int))
    np.testing.assert_array_equal(found.numbers, model.predict_proba(X))
