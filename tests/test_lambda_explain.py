"""The option `explain`: Shapley values that add up, agree with the definition, and tell nothing that is withheld."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from math import factorial, sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_handler.direct import RefusedError
from lambda_handler.explain import MOST_ANSWERS
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.shapley import generator, permutation, shares
from tests.bundle_factory import CLASSES, EXAMPLE, GOLDEN, Task, make_bundle, score_of, seal

ROOT = Path(__file__).parents[1]
CONTEXT = SimpleNamespace(aws_request_id="request-1")
REFERENCES = [{**EXAMPLE, **changes} for stratum, changes in GOLDEN if stratum == "recombined"]
ROW = {"income": 4500.0, "age": 88, "grade": None, "home": "rent", "married": False}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Path]:
    folder = tmp_path_factory.mktemp("explain")
    return {task: make_bundle(folder / task, task=task) for task in CLASSES}


@pytest.fixture(scope="module")
def handlers(bundles: dict[Task, Path]) -> dict[Task, Handler]:
    return {task: make_handler(bundle) for task, bundle in bundles.items()}


def ask(handler: Handler, body: Any, **headers: str) -> tuple[int, Any]:
    told = {"content-type": "application/json"} | headers
    context = {"http": {"method": "POST", "path": "/predict"}}
    event = {"rawPath": "/predict", "headers": told, "requestContext": context, "body": json.dumps(body)}
    response = handler(event, CONTEXT)
    lines = response["headers"]["content-type"] == "application/jsonl"
    return response["statusCode"], list(map(json.loads, response["body"].splitlines())) if lines else json.loads(
        response["body"]
    )


def explained(handler: Handler, row: Mapping[str, Any], option: Any = True) -> dict[str, Any]:
    """The prediction of one row, with its explanation."""
    status, body = ask(handler, {"rows": [row], "explain": option})
    assert status == 200, body
    [prediction] = body["predictions"]
    return dict(prediction)


def parts(prediction: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Answer and explanation of each target."""
    explanation = prediction["explanation"]
    if "targets" not in explanation:
        yield prediction, explanation
        return
    assert explanation["targets"].keys() == prediction["targets"].keys()
    yield from ((prediction["targets"][name], part) for name, part in explanation["targets"].items())


def exact(bundle: Path, row: Mapping[str, Any]) -> dict[str, float]:
    """Shapley values of class 1's probability by their definition: every subset of the other features."""
    predictor, names = Predictor.load(bundle), list(row)

    def worth(taken: tuple[str, ...]) -> float:
        mixed = [{**reference, **{name: row[name] for name in taken}} for reference in REFERENCES]
        return sum(answer["probabilities"]["1"] for answer in predictor.predict(mixed)) / len(mixed)

    found = {}
    for name in names:
        rest = [other for other in names if other != name]
        found[name] = sum(
            factorial(size) * factorial(len(rest) - size) / factorial(len(names))
            * (worth((*taken, name)) - worth(taken))
            for size in range(len(rest) + 1) for taken in combinations(rest, size)
        )  # fmt: skip
    return found


def test_the_draws_are_mulberry32s() -> None:
    draw = generator(0)
    assert [draw() for _ in range(4)] == [1144304738, 1416247, 958946056, 627933444]
    draw = generator(2**32 - 1)
    assert [draw() for _ in range(3)] == [3850105811, 813802916, 3073704848]


def test_every_order_is_drawn_about_equally_often() -> None:
    draw, drawn = generator(7), {}
    for _ in range(6000):
        order = tuple(permutation(3, draw))
        drawn[order] = drawn.get(order, 0) + 1
    assert len(drawn) == 6
    assert all(abs(count - 1000) < 4 * sqrt(1000 * 5 / 6) for count in drawn.values()), drawn


@pytest.mark.parametrize("task", CLASSES)
def test_base_and_contributions_add_up_to_the_answer(handlers: dict[Task, Handler], task: Task) -> None:
    for row in (EXAMPLE, ROW):
        for answer, told in parts(explained(handlers[task], row)):
            part, key = told["of"]["part"], told["of"]["key"]
            number = 1.0 if part == "label" else answer[part] if part == "value" else answer[part][key]
            assert list(told["contributions"]) == list(told["errors"]) == list(EXAMPLE)
            assert told["base"] + sum(told["contributions"].values()) == pytest.approx(number, abs=1e-11)
            if part == "label" or len(answer.get("probabilities", {})) > 2:
                assert key == str(answer["label"])
            elif part == "probabilities":
                assert key == list(answer[part])[1]


def test_the_contributions_are_shapleys_within_the_errors_told(
    bundles: dict[Task, Path], handlers: dict[Task, Handler]
) -> None:
    right = exact(bundles["classification"], ROW)
    assert max(map(abs, right.values())) > 0.05
    errors = []
    for samples in (4, 64):
        told = explained(handlers["classification"], ROW, {"samples": samples, "seed": 3})["explanation"]
        for name, value in told["contributions"].items():
            assert abs(value - right[name]) <= 4 * told["errors"][name] + 1e-12
        errors.append(max(told["errors"].values()))
    assert 0 < errors[1] < errors[0] / 2


def test_the_error_told_is_how_far_the_contributions_spread(handlers: dict[Task, Handler]) -> None:
    """Over many seeds the deviation is that of the errors; an error without the factor sqrt(samples) is found."""
    found = [explained(handlers["classification"], ROW, {"seed": seed})["explanation"] for seed in range(60)]
    for name in EXAMPLE:
        values = [each["contributions"][name] for each in found]
        mean = sum(values) / len(values)
        spread = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
        told = sqrt(sum(each["errors"][name] ** 2 for each in found) / len(found))
        assert 0.7 < spread / told < 1.4


def test_where_features_only_add_up_a_contribution_is_the_distance_from_the_mean_and_has_no_error(
    handlers: dict[Task, Handler],
) -> None:
    told = explained(handlers["regression"], ROW)["explanation"]
    for name, contribution in told["contributions"].items():
        alone = [100 * (score_of(ROW) - score_of({**ROW, name: reference[name]})) for reference in REFERENCES]
        assert contribution == pytest.approx(sum(alone) / len(alone), abs=1e-9)
        assert told["errors"][name] == pytest.approx(0, abs=1e-9)


def test_an_explanation_depends_on_nothing_but_the_row_and_the_option(handlers: dict[Task, Handler]) -> None:
    handler = handlers["multiclass"]
    alone = explained(handler, ROW)["explanation"]
    status, body = ask(handler, {"rows": [EXAMPLE, ROW], "explain": {"samples": 4, "seed": 0}})
    assert status == 200
    assert body["predictions"][1]["explanation"] == alone
    assert explained(handler, ROW, {"seed": 1})["explanation"] != alone
    assert (alone["references"], alone["samples"], alone["seed"]) == (len(REFERENCES), 4, 0)


def test_false_explains_nothing(handlers: dict[Task, Handler]) -> None:
    status, body = ask(handlers["labels"], {"rows": [ROW], "explain": False})
    assert status == 200
    assert "explanation" not in body["predictions"][0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (None, "got null. Send true."),
        ("yes", 'got the text "yes". Send true.'),
        ({"samples": 1}, "samples is a whole number from 2 to 64; got the number 1."),
        ({"samples": 65}, "samples is a whole number from 2 to 64; got the number 65."),
        ({"samples": 4.0}, "got the number 4.0."),
        ({"seed": True}, "seed is a whole number from 0 to 4294967295; got true."),
        ({"seed": 2**32}, "got the number 4294967296."),
        ({"rows": 3}, "got 'rows' in it. Leave that out."),
    ],
)
def test_an_option_that_is_none_is_refused(handlers: dict[Task, Handler], option: Any, said: str) -> None:
    status, problem = ask(handlers["regression"], {"rows": [ROW], "explain": option})
    assert (status, problem["error_count"], problem["errors"][0]["kind"]) == (422, 1, "explain")
    assert said in problem["detail"]


def test_more_than_the_limit_is_refused_before_it_is_done(handlers: dict[Task, Handler]) -> None:
    each = len(REFERENCES) * 2 * (len(EXAMPLE) - 1)
    most = MOST_ANSWERS // each
    rows = [ROW] * (most // 64 + 1)
    status, problem = ask(handlers["regression"], {"rows": rows, "explain": {"samples": 64}})
    assert status == 413
    assert problem["detail"] == (
        f"Explaining may ask the model 100,000 times, for this model rows x samples up to {most:,}; "
        f"got {len(rows)} x 64. Send fewer rows, or fewer samples."
    )
    assert ask(handlers["regression"], {"rows": rows[1:2], "explain": {"samples": 64}})[0] == 200


def test_a_model_of_very_many_features_says_that_it_cannot_be_explained(tmp_path: Path) -> None:
    names = [f"{position}thFurtherSquareFootage" for position in range(5, 5 + 8_400)]
    handler = make_handler(make_bundle(tmp_path / "wide", task="regression", extra=len(names)))
    row = EXAMPLE | dict.fromkeys(names, 50_000.0)
    status, problem = ask(handler, {"rows": [row], "explain": {"samples": 2}})
    assert (status, problem["detail"].endswith("This model has too many features.")) == (413, True)


def test_rows_that_break_the_contract_are_refused_as_ever(handlers: dict[Task, Handler]) -> None:
    status, problem = ask(handlers["regression"], {"rows": [ROW, {**ROW, "home": "boat"}], "explain": True})
    assert (status, problem["errors"][0]["row"], problem["errors"][0]["kind"]) == (422, 1, "unseen")


def test_without_a_finite_answer_on_the_way_the_row_is_named(
    bundles: dict[Task, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = Predictor.answer

    def endless(self: Predictor, columns: Any, rows: int) -> tuple[list[int], list[float]]:
        labels, numbers = ordinary(self, columns, rows)
        return labels, [float("inf"), *numbers[1:]] if rows > len(REFERENCES) else numbers

    monkeypatch.setattr(Predictor, "answer", endless)
    status, problem = ask(make_handler(bundles["regression"]), {"rows": [EXAMPLE, ROW], "explain": True})
    assert (status, problem["errors"][0]["kind"], problem["errors"][0]["row"]) == (422, "no_answer", 0)


@pytest.mark.parametrize("degree", ["shadow", "human only", "partial"])
def test_what_a_degree_of_automation_withholds_is_not_explained(tmp_path: Path, degree: str) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    contract = json.loads((bundle / "contract.json").read_text())
    contract["automation"] = {"degree": degree, "abstain": [0.2, 0.5] if degree == "partial" else None}
    contract["capture"] = {"share": 1.0 if degree == "shadow" else 0.0}
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    status, body = ask(make_handler(bundle), {"rows": [EXAMPLE, ROW], "explain": True})
    assert status == 200
    told = ["explanation" in prediction for prediction in body["predictions"]]
    assert told == ["probabilities" in prediction for prediction in body["predictions"]]
    assert told == [False, degree == "partial"]


def test_jsonl_holds_the_explanation_and_csv_has_no_place_for_it(handlers: dict[Task, Handler]) -> None:
    body = {"rows": [ROW, EXAMPLE], "explain": True}
    status, lines = ask(handlers["scores"], body, accept="application/jsonl")
    assert (status, ["explanation" in line for line in lines]) == (200, [True, True])
    status, problem = ask(handlers["scores"], body, accept="text/csv")
    assert (status, "application/json or application/jsonl" in problem["detail"]) == (406, True)
    assert ask(handlers["scores"], {**body, "explain": False}, accept="application/json")[0] == 200


def test_a_direct_call_explains_too_but_not_row_by_row(handlers: dict[Task, Handler]) -> None:
    handler = handlers["values"]
    answer = handler({"rows": [ROW], "explain": True}, CONTEXT)
    assert answer["predictions"][0]["explanation"] == explained(handler, ROW)["explanation"]
    with pytest.raises(RefusedError, match="goes without"):
        handler({"rows": [ROW], "explain": True, "each": True}, CONTEXT)


def test_in_a_single_row_explain_is_a_feature_as_any_other(handlers: dict[Task, Handler]) -> None:
    status, problem = ask(handlers["values"], {**ROW, "explain": True})
    assert (status, problem["errors"][0]["kind"], problem["errors"][0]["feature"]) == (422, "unknown", "explain")


def test_a_bundle_without_reference_rows_says_so(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    golden = bundle / "golden.jsonl"
    lines = golden.read_text(encoding="utf-8").splitlines(keepends=True)
    golden.write_text("".join(line for line in lines if '"recombined"' not in line), encoding="utf-8")
    seal(bundle)
    status, problem = ask(make_handler(bundle), {"rows": [ROW], "explain": True})
    assert (status, "a bundle without any" in problem["detail"]) == (422, True)


def test_a_model_of_one_feature_gives_it_the_whole_distance() -> None:
    def squares(columns: list[list[float]], rows: int) -> list[list[float]]:
        assert len(columns[0]) == rows
        return [[value * value] for value in columns[0]]

    [told] = shares(squares, [3.0], [[1.0, 2.0]], samples=2, seed=0)
    assert told == (2.5, [6.5], [0.0])


def test_nothing_of_it_is_loaded_before_it_is_asked_for(bundles: dict[Task, Path]) -> None:
    script = """
import json, sys
from pathlib import Path
from lambda_handler.http import make_handler
def ask(body):
    context = {"http": {"method": "POST", "path": "/predict"}}
    headers = {"content-type": "application/json"}
    event = {"rawPath": "/predict", "headers": headers, "requestContext": context, "body": json.dumps(body)}
    assert handler(event, None)["statusCode"] == 200
def loaded():
    print([name in sys.modules for name in ("lambda_handler.explain", "lambda_handler.shapley")])
handler = make_handler(Path(sys.argv[1]))
row = json.loads(sys.argv[2])
ask(row), ask({"rows": [row]}), ask({"rows": [row], "explain": False}), loaded()
ask({"rows": [row], "explain": True}), loaded()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(bundles["labels"]), json.dumps(EXAMPLE)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["[False, False]", "[True, True]"]
