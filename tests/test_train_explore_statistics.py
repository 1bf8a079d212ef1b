"""The figures behind the findings, against their definitions."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from train.explore_columns import TELLS, _far_rows, _twin, discoveries
from train.explore_leaks import _auc_error
from train.explore_rows import row_keys, stability


def index_by_definition(one: list[str | None], other: list[str | None]) -> float:
    """The population stability index, level by level, half a row added to each count."""
    levels = {str(value) for value in one + other}
    p = {level: sum(str(value) == level for value in one) + 0.5 for level in levels}
    q = {level: sum(str(value) == level for value in other) + 0.5 for level in levels}
    whole = sum(p.values()), sum(q.values())
    shares = [(p[level] / whole[0], q[level] / whole[1]) for level in levels]
    return sum((mine - theirs) * math.log(mine / theirs) for mine, theirs in shares)


def test_the_stability_of_levels_is_the_sum_of_its_definition() -> None:
    draw = np.random.default_rng(0)
    one = [*draw.choice(["a", "b", "c"], 90).tolist(), None, None]
    other = [*draw.choice(["b", "c", "d"], 70).tolist(), None]
    got = stability(pd.Series(one, dtype="str"), pd.Series(other, dtype="str"))
    assert got == pytest.approx(index_by_definition(one, other), rel=1e-12)
    assert stability(pd.Series(one, dtype="str"), pd.Series(one, dtype="str")) == 0


def test_the_stability_of_numbers_is_that_of_their_tenths() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(size=500), draw.normal(1, 2, size=300)
    one[:20] = np.nan
    edges = np.nanquantile(np.concatenate([one, other]), np.arange(1, 10) / 10)

    def bins(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[str | None]:
        return [None if np.isnan(value) else str(sum(value >= edge for edge in edges)) for value in values]

    got = stability(pd.Series(one), pd.Series(other))
    assert got == pytest.approx(index_by_definition(bins(one), bins(other)), rel=1e-12)


def test_chance_alone_stays_below_what_is_called_drift() -> None:
    draw = np.random.default_rng(2)
    indices = [stability(pd.Series(draw.normal(size=200)), pd.Series(draw.normal(size=200))) for _ in range(50)]
    assert np.mean(indices) == pytest.approx(9 * 2 / 200, rel=0.2), "(bins - 1)(1/n + 1/m)"
    assert max(indices) < 0.25 + 3 * 10 * 2 / 200


def test_the_error_of_an_area_is_what_repeated_draws_show() -> None:
    """Hanley and McNeil's formula is exact for negative exponential scores; theirs are drawn here."""
    draw = np.random.default_rng(3)
    no, yes = draw.exponential(1, (600, 120, 1)), draw.exponential(3, (600, 1, 80))
    areas = (no < yes).mean(axis=(1, 2))
    assert np.mean(areas) == pytest.approx(0.75, abs=0.01)
    assert _auc_error(0.75, 80, 120) == pytest.approx(np.std(areas), rel=0.12)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    draw = np.random.default_rng(4)
    values = [*draw.random(40).tolist(), *(draw.random(10) * 1e-3).tolist()]
    by_rank = sorted(values)
    holds = [rank for rank, p in enumerate(by_rank, start=1) if p <= TELLS * rank / len(values)]
    expected = set(by_rank[: max(holds)])
    got = discoveries({str(number): p for number, p in enumerate(values)})
    assert {values[int(name)] for name in got} == expected
    adjusted = stats.false_discovery_control(values)
    assert got == {str(number) for number, p in enumerate(adjusted) if p < TELLS}
    assert discoveries({}) == set()


def test_far_rows_lie_beyond_the_quartiles() -> None:
    values = np.concatenate([np.linspace(-1, 1, 101), [9.1], [np.nan]])
    assert _far_rows(values).tolist() == [101]
    values[101] = 8.5
    low, high = np.nanquantile(values, (0.25, 0.75))
    assert high + 8 * (high - low) > 8.5
    assert _far_rows(values).tolist() == []
    assert _far_rows(np.array([1.0, 1e9])).tolist() == []


def test_a_twin_is_0_in_the_same_rows_and_only_there() -> None:
    rows = np.arange(100) < 50
    assert _twin(rows, {"same": rows, "near": np.arange(100) < 51}) == ("same", 1.0)
    near = _twin(rows, {"near": np.arange(100) < 51})
    assert near is not None
    assert near[1] == pytest.approx(49 / 50)
    assert _twin(rows, {"apart": ~rows}) is None
    most = np.arange(100) < 96
    assert _twin(most, {"most, too": np.arange(100) >= 4}) is None


def test_rows_have_the_same_key_where_they_are_the_same_and_only_there() -> None:
    frame = pd.DataFrame({"a": [1.0, 1.0, 2.0, -0.0, 0.0, np.nan, np.nan], "b": ["x", "x", "x", "x", "x", "x", ""]})
    keys = row_keys(frame)
    assert keys[0] == keys[1]
    assert keys[3] == keys[4]
    assert len(set(keys.tolist())) == 5
    assert (row_keys(frame[["b"]].astype("str")) == row_keys(frame[["b"]])).all()
    swapped = pd.DataFrame({"a": ["x", "y"], "b": ["y", "x"]})
    assert len(set(row_keys(swapped).tolist())) == 2
    draw = np.random.default_rng(5)
    many = pd.DataFrame({"a": draw.integers(0, 50, 5000).astype(float), "b": draw.choice(list("abcdefgh"), 5000)})
    assert len(np.unique(row_keys(many))) == len(many.drop_duplicates())
    typed = many.convert_dtypes(dtype_backend="pyarrow")
    assert (pd.Series(row_keys(typed)).duplicated().to_numpy() == many.duplicated().to_numpy()).all()
