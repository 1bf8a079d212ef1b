"""The search for the last number that is accepted: whatever the guess, the answer is the one that was asked for."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from export.frame import Schema
from export.probe import _search

LARGEST = float(np.finfo(np.float64).max)


@pytest.mark.parametrize("guess", [None, 2.5e150, 2.4e150, float(np.nextafter(2.5e150, 3e150)), 0.0, LARGEST, -7.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_last_accepted_number_is_found_whatever_the_guess(guess: float | None, sign: int) -> None:
    columns = Schema(pd.DataFrame({"x": [1.0], "n": [1]})).columns
    base: list[Any] = [np.array([1.0]), np.array([1])]
    questions = 0

    def accepts(trials: Any) -> list[bool]:
        nonlocal questions
        questions += 1
        return [abs(value) <= (2.5e150 if index == 0 else 10**12) for index, value in trials]

    guesses = [] if guess is None else [sign * guess, sign * 10**12]
    trials = [(0, sign * LARGEST), (1, sign * (2**63 - 1))]
    assert _search(accepts, base, columns, trials, guesses) == [sign * 2.5e150, sign * 10**12]
    assert questions == 2 if guess == 2.5e150 else questions > 10
