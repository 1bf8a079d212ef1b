"""Bundle in, answers out: the tiny bundle is also written out in Python, and both must say the same."""

import math
from typing import Any

import numpy as np
import pytest
from bundle_factory import EXAMPLE, GOLDEN, REJECTED, THRESHOLD, Task, answer_of, make_bundle

from lambda_handler.contract import ContractError
from lambda_handler.engine import ENGINES
from lambda_handler.predictor import BATCH, Predictor

TASKS: list[Task] = ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]


@pytest.fixture(scope="module", params=ENGINES)
def predictors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Predictor]:
    folder = tmp_path_factory.mktemp("bundles")
    return {task: Predictor.load(make_bundle(folder / task, task=task), request.param) for task in TASKS}


def leaves(answer: Any) -> list[tuple[str, Any]]:
    """Every value in an answer with the keys that lead to it, in order."""
    if not isinstance(answer, dict):
        return [("", answer)]
    return [(f"{key} {path}", value) for key, inner in answer.items() for path, value in leaves(inner)]


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_those_of_the_definition(task: Task, predictors: dict[Task, Predictor]) -> None:
    rows = [{**EXAMPLE, **changes} for _, changes in GOLDEN if (changes.get("income") or 0.0) < 1e9]
    for row, answer in zip(rows, predictors[task].predict(rows), strict=True):
        assert list(answer)[-1] == "warnings"
        del answer["warnings"]
        got, expected = leaves(answer), leaves(answer_of(row, task))
        assert [path for path, _ in got] == [path for path, _ in expected]
        for (_, value), (path, told) in zip(got, expected, strict=True):
            assert type(value) is type(told)
            assert value == (pytest.approx(told, rel=1e-12, abs=1e-12) if type(told) is float else told), path


def test_labels_and_numbers_have_a_column_each(predictors: dict[Task, Predictor]) -> None:
    kinds = [np.float64, np.int64, object, object, np.bool_]
    for count in (0, 1, BATCH + 1):
        columns = [np.full(count, EXAMPLE[name], dtype=kind) for name, kind in zip(EXAMPLE, kinds, strict=True)]
        shapes = {task: tuple(part.shape for part in predictors[task].run(columns)) for task in TASKS}
        assert shapes == {
            "classification": ((count, 1), (count, 2)), "multiclass": ((count, 1), (count, 3)),
            "regression": ((count, 0), (count, 1)), "scores": ((count, 1), (count, 1)),
            "labels": ((count, 1), (count, 0)), "values": ((count, 0), (count, 2)),
            "several": ((count, 2), (count, 5)),
        }  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_row_is_answered_alike_alone_and_in_any_batch(task: Task, predictors: dict[Task, Predictor]) -> None:
    predictor = predictors[task]
    rows = [{**EXAMPLE, "income": 4000.0 + index, "age": index % 90} for index in range(BATCH + 7)]
    together = predictor.predict(rows)
    assert len(together) == len(rows)
    for index in (0, 1, BATCH - 1, BATCH, BATCH + 6):
        assert predictor.predict([rows[index]]) == [together[index]]
    assert predictor.predict(rows[::-1]) == together[::-1]


def test_the_threshold_of_the_contract_decides_and_the_class_at_it_wins(predictors: dict[Task, Predictor]) -> None:
    predictor = predictors["classification"]
    rows = [{**EXAMPLE, "income": 4000.0 + 500.0 * index} for index in range(300)]
    labels = [(answer["label"], answer["probabilities"]["1"]) for answer in predictor.predict(rows)]
    assert {label for label, _ in labels} == {0, 1}
    assert all(label == int(positive >= THRESHOLD) for label, positive in labels)
    attained = labels[100][1]
    kinds = [np.float64, np.int64, object, object, np.bool_]
    columns = [np.array([rows[100][name]], dtype=kind) for name, kind in zip(EXAMPLE, kinds, strict=True)]
    for value, expected in ((attained, 1), (math.nextafter(attained, 1.0), 0), (math.nextafter(attained, 0.0), 1)):
        predictor.contract.threshold = {"class": 1, "value": value}
        found, _ = predictor.run(columns)
        assert found.shape == (1, 1)
        assert found.tolist() == [[expected]]
    predictor.contract.threshold = {"class": 1, "value": THRESHOLD}


@pytest.mark.parametrize(("positive", "sign"), [(1, 1.0), (-1, -1.0)])
def test_a_threshold_on_scores_counts_the_first_class_with_the_score_turned_round(
    positive: int, sign: float, predictors: dict[Task, Predictor]
) -> None:
    predictor = predictors["scores"]
    rows = [{**EXAMPLE, "income": 4000.0 + 500.0 * index} for index in range(300)]
    score = predictor.predict(rows)[150]["scores"]["1"]
    predictor.contract.threshold = {"class": positive, "value": sign * score}
    for answer in predictor.predict(rows):
        held = sign * answer["scores"]["1"] >= sign * score
        assert answer["label"] == (positive if held else -positive)
    assert {answer["label"] for answer in predictor.predict(rows)} == {-1, 1}
    assert predictor.predict([rows[150]])[0]["label"] == positive
    predictor.contract.threshold = None


def test_no_rows_no_answers(predictors: dict[Task, Predictor]) -> None:
    for predictor in predictors.values():
        assert predictor.predict([]) == []


@pytest.mark.parametrize(("changes", "feature", "kind"), REJECTED, ids=str)
def test_rejected_rows_are_named_among_good_ones(
    changes: dict[str, Any], feature: str, kind: str, predictors: dict[Task, Predictor]
) -> None:
    with pytest.raises(ContractError) as caught:
        predictors["classification"].predict([EXAMPLE, {**EXAMPLE, **changes}, EXAMPLE])
    assert [(p["row"], p["feature"], p["kind"]) for p in caught.value.problems] == [(1, feature, kind)]


def test_warnings_stand_beside_the_answer(predictors: dict[Task, Predictor]) -> None:
    (answer,) = predictors["regression"].predict([{**EXAMPLE, "income": 1.5, "grade": "Z"}])
    assert [(each["feature"], each["kind"]) for each in answer["warnings"]] == [
        ("income", "out_of_range"), ("income", "fraction"), ("grade", "unseen"),
    ]  # fmt: skip
