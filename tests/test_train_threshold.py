"""The decision threshold, checked against the definition of each metric."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from train.config import Metric
from train.threshold import choose_threshold, shortest_between

DEFINITIONS = {"balanced_accuracy": balanced_accuracy_score, "f1": f1_score, "accuracy": accuracy_score}


@pytest.mark.parametrize("metric", list(DEFINITIONS))
@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better_and_the_score_is_what_scikit_learn_says(metric: Metric, seed: int) -> None:
    draw = np.random.default_rng(seed)
    probability = np.round(draw.beta(1, 4, 80), 2)
    positive = draw.random(80) < probability
    chosen = choose_threshold(positive, probability, metric)
    definition = DEFINITIONS[metric]
    assert chosen.score == pytest.approx(definition(positive, probability >= chosen.value))
    assert chosen.default_score == pytest.approx(definition(positive, probability >= 0.5))
    levels = np.unique(probability)
    assert chosen.score >= max(definition(positive, probability >= level) for level in levels[1:]) - 1e-12
    assert chosen.value not in levels[:-1]


def test_a_tie_goes_to_the_gap_nearest_to_one_half() -> None:
    probability = np.array([0.1, 0.4, 0.6, 0.9])
    assert choose_threshold(np.array([False, True, False, True]), probability, "balanced_accuracy").value in (0.2, 0.8)
    assert choose_threshold(np.array([False, False, True, True]), probability, "balanced_accuracy").value == 0.5


def test_one_probability_for_all_gives_one_half() -> None:
    assert choose_threshold(np.array([True, False]), np.array([0.3, 0.3]), "f1").value == 0.5


@pytest.mark.parametrize(
    ("low", "high", "value"), [(0.1, 0.3, 0.2), (0.11, 0.12, 0.115), (0.4, 0.6, 0.5), (0.1, np.nextafter(0.1, 1), None)]
)
def test_the_value_is_the_shortest_decimal_in_the_gap(low: float, high: float, value: float | None) -> None:
    found = shortest_between(low, high)
    assert low < found <= high
    if value is not None:
        assert found == pytest.approx(value)
