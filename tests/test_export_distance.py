"""Distances of arrays are those of single numbers, and see every element."""

import numpy as np

from export.distance import ulp_distance
from lambda_handler.golden import ulp_distance as of_one

ODD = [0.0, -0.0, 5e-324, -5e-324, 1.0, np.nextafter(1.0, 2.0), -1.0, 1.7976931348623157e308, np.inf, -np.inf, np.nan]


def test_an_array_is_measured_as_its_elements_are() -> None:
    numbers = [*ODD, *np.random.default_rng(0).normal(size=30).tolist()]
    told = ulp_distance(np.array(numbers)[:, None], np.array(numbers)[None, :])
    assert told.tolist() == [[of_one(one, other) for other in numbers] for one in numbers]
    assert int(told.max()) > 2**63


def test_the_last_element_of_an_array_is_seen() -> None:
    numbers = np.random.default_rng(0).normal(size=(50, 3))
    other = numbers.copy()
    assert not ulp_distance(numbers, other).any()
    other[-1, -1] = np.nextafter(other[-1, -1], np.inf)
    assert np.argwhere(ulp_distance(numbers, other)).tolist() == [[49, 2]]
    assert ulp_distance(numbers[:, ::2], other[:, ::2]).shape == (50, 2)
    assert ulp_distance([], []).shape == (0,)
