"""Rankers out of a bundle: the same items and scores as the original's, over every way of asking."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from sklearn.linear_model import LinearRegression

from deploy.openapi import openapi_document
from deploy.score import score
from export import export_bundle
from export.converters.ranker import CONVERTERS
from export.errors import ExportError
from lambda_handler.answer import Form
from lambda_handler.contract import ContractError, FormatError, read_contract
from lambda_handler.golden import compare, replay
from lambda_handler.http import Handler, make_handler
from lambda_handler.predictor import Predictor
from lambda_handler.ranking import Ranking
from train.demo_tourist import SETTINGS, simulate_visits
from train.histories import Histories, Visits, histories, places_of, visits_of
from train.rank import candidates
from train.ranking_tables import VISITED

STOPS = 4
CONTEXT = SimpleNamespace(aws_request_id="request-1")
ROW: dict[str, Any] = {"stop_1": "castle", "stop_2": "harbour", "stop_3": None, "stop_4": None}


@pytest.fixture(scope="module")
def visits() -> Visits:
    frame, places = simulate_visits(walks=220)
    return visits_of(frame, SETTINGS, places_of(places, "place"), "")


@pytest.fixture(scope="module")
def rows(visits: Visits) -> Histories:
    return histories(visits.trajectories, STOPS)


@pytest.fixture(scope="module")
def bundle(visits: Visits, rows: Histories, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = candidates(visits)["blend"].fit(rows.X, rows.y)
    about = {"items": visits.items, "target": {"name": "next stop", "unit": None, "description": None}}
    told: Any = {"about": about, "effort": "quick", "loggable": list(rows.X), "capture": 1.0}
    return export_bundle(model, rows.X, tmp_path_factory.mktemp("ranker") / "town", **told)


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor.load(bundle)


@pytest.fixture(scope="module")
def handler(bundle: Path) -> Handler:
    return make_handler(bundle)


def post(handler: Handler, path: str, body: Any, **headers: str) -> tuple[int, str]:
    told = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    event = {"rawPath": path, "requestContext": {"http": {"method": "POST"}}, "body": text, "headers": told}
    response = handler(event, CONTEXT)
    return response["statusCode"], response["body"]


@pytest.mark.parametrize(
    "name",
    [
        "embedding",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("popularity", "markov", "item_knn", "content")),
    ],
)
def test_each_ranker_is_exported_bit_for_bit(name: str, visits: Visits, rows: Histories, tmp_path: Path) -> None:
    model = candidates(visits)[name].fit(rows.X, rows.y)
    made = Predictor.load(export_bundle(model, rows.X, tmp_path / name, effort="quick", about={"top": 3}))
    columns, _ = made.contract.columns(rows.X.astype(object).where(rows.X.notna(), None).to_dict("records"))
    labels, numbers = made.run([np.array(column, dtype=object) for column in columns])
    assert np.array_equal(numbers, model.decision_function(rows.X))
    assert np.array_equal(model.classes_[labels[:, 0]], model.predict(rows.X))
    assert json.loads((tmp_path / name / "parity.json").read_text())["class"] == "identical"
    scores = model.decision_function(rows.X.iloc[:1])[0]
    best = model.classes_[np.argsort(-scores, kind="stable")[:3]].tolist()
    [answer] = made.predict([{name: None if pd.isna(stop) else stop for name, stop in rows.X.iloc[0].items()}])
    assert [item["id"] for item in answer["items"]] == best, "the best three, though all are scored and proved"


@pytest.mark.parametrize("top", [0, -1, True, 2.0, "3"])
def test_a_number_of_items_that_is_none_is_refused(
    top: object, visits: Visits, rows: Histories, tmp_path: Path
) -> None:
    model = candidates(visits)["popularity"].fit(rows.X, rows.y)
    with pytest.raises(ExportError, match="top must be a whole number from 1 on"):
        export_bundle(model, rows.X, tmp_path / "town", about={"top": top})


def test_what_ranks_nothing_has_no_number_of_items(tmp_path: Path) -> None:
    X = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    with pytest.raises(ExportError, match="this model ranks none"):
        export_bundle(LinearRegression().fit(X, [1.0, 2.0, 4.0]), X, tmp_path / "line", about={"top": 3})


def test_every_ranker_has_a_converter(visits: Visits) -> None:
    assert {type(model) for model in candidates(visits).values()} == set(CONVERTERS)


def test_an_answer_ranks_what_was_not_visited_the_best_first(predictor: Predictor) -> None:
    [answer] = predictor.predict([ROW])
    ids, scores = ([item[key] for item in answer["items"]] for key in ("id", "score"))
    assert set(ids) == {item["id"] for item in predictor.contract.document["ranking"]["items"]} - {"castle", "harbour"}
    assert scores == sorted(scores, reverse=True) and scores[-1] >= 0
    assert answer["warnings"] == []  # a short history lacks nothing


def test_an_unknown_stop_is_answered_with_a_warning(predictor: Predictor) -> None:
    [answer] = predictor.predict([{**ROW, "stop_2": "nowhere"}])
    assert [(each["feature"], each["kind"]) for each in answer["warnings"]] == [("stop_2", "unseen")]
    assert len(answer["items"]) == 19


def test_every_item_is_known_at_every_stop(predictor: Predictor) -> None:
    ids = [item["id"] for item in predictor.contract.document["ranking"]["items"]]
    assert all(list(feature.categories or ()) == ids for feature in predictor.contract.features)
    answers = predictor.predict([{**ROW, "stop_4": item} for item in ids])
    assert [answer["warnings"] for answer in answers] == [[]] * len(ids)


def test_where_all_was_visited_nothing_is_left(bundle: Path) -> None:
    ranking = Ranking(["a", "b"], 2)
    assert ranking.items([VISITED, VISITED]) == [] and ranking.scores([]) == [VISITED, VISITED]


def test_equal_scores_keep_the_order_of_the_items() -> None:
    assert [item["id"] for item in Ranking(["a", "b", "c"], 3).items([1.0, 2.0, 1.0])] == ["b", "a", "c"]
    assert [item["id"] for item in Ranking(["a", "b", "c"], 2).items([1.0, 2.0, 1.0])] == ["b", "a"]


@pytest.mark.parametrize(
    "items",
    [
        [{"id": "a", "score": 1.0}, {"id": "b", "score": 2.0}],
        [{"id": "b", "score": 1.0}, {"id": "a", "score": 1.0}],
        [{"id": "a", "score": 1.0}, {"id": "a", "score": 1.0}],
        [{"id": "z", "score": 1.0}],
        [{"id": "a", "score": -1.0}],
        [{"id": "a", "score": float("nan")}],
        [{"id": "a", "score": True}],
        [{"id": "a", "score": 1.0, "rank": 1}],
        [{"score": 1.0}],
        "a",
        None,
    ],
)
def test_what_is_no_ranking_is_not_read_as_one(items: Any, predictor: Predictor) -> None:
    ranking = {"top": None, "items": [{"id": "a"}, {"id": "b"}]}
    document = {**predictor.contract.document, "classes": ["a", "b"], "ranking": ranking}
    assert Form(document).read({"items": items}) is None
    assert Form(document).read({"items": [{"id": "b", "score": 2}]}) == (["b"], [VISITED, 2.0])


@pytest.mark.parametrize(
    ("key", "value"), [("top", 0), ("top", True), ("items", [{"id": "castle"}]), ("items", [{"name": "x"}])]
)
def test_a_contract_with_another_ranking_is_refused(key: str, value: Any, predictor: Predictor) -> None:
    document = json.loads(json.dumps(predictor.contract.document))
    document["ranking"][key] = value
    with pytest.raises(FormatError):
        read_contract(json.dumps(document))


def test_the_golden_rows_notice_two_swapped_items_and_one_changed_bit(predictor: Predictor) -> None:
    golden = [line for line in predictor.bundle.golden() if "answer" in line]
    answers = replay(predictor, [line["row"] for line in golden])
    assert all(each.holds for each in compare(predictor.contract, golden, answers).values())
    first = answers[0]["items"]
    swapped = [{"items": [first[1], first[0], *first[2:]]}, *answers[1:]]
    assert sum(each.outside for each in compare(predictor.contract, golden, swapped).values()) == 1
    moved = [{"id": first[0]["id"], "score": np.nextafter(first[0]["score"], np.inf).item()}, *first[1:]]
    found = compare(predictor.contract, golden, [{"items": moved}, *answers[1:]])
    assert sum(each.outside for each in found.values()) == 1 and max(each.max_ulp for each in found.values()) == 1


def test_the_contract_tells_what_a_map_needs_and_an_example_that_nobody_walked(
    predictor: Predictor, rows: Histories
) -> None:
    told = {item["id"]: item for item in predictor.contract.document["ranking"]["items"]}
    assert told["castle"]["name"] == "Lind Castle" and told["castle"]["category"] == "history"
    assert 54 < told["castle"]["latitude"] < 55 and 6 < told["castle"]["longitude"] < 7
    example = [feature.example for feature in predictor.contract.features]
    stops = [stop for stop in example if stop is not None]
    assert example[: len(stops)] == stops and len(set(stops)) == len(stops) > 1
    assert example not in rows.X.astype(object).where(rows.X.notna(), None).to_numpy().tolist()


def test_the_api_answers_items_as_its_document_says(bundle: Path, handler: Handler, predictor: Predictor) -> None:
    status, text = post(handler, "/predict", {"rows": [ROW, {**ROW, "stop_1": "beach"}]})
    found = json.loads(text)
    assert status == 200 and [each["items"] for each in found["predictions"]] == [
        each["items"] for each in predictor.predict([ROW, {**ROW, "stop_1": "beach"}])
    ]
    assert "decision" not in found["predictions"][0]
    schemas = json.loads(openapi_document(bundle))["components"]["schemas"]
    document = {"$ref": "#/components/schemas/Answer", "components": {"schemas": schemas}}
    assert list(Draft202012Validator(document).iter_errors(found)) == []
    found["predictions"][0]["items"][0]["score"] = -1
    assert list(Draft202012Validator(document).iter_errors(found))


def test_csv_holds_items_and_scores_as_lists(handler: Handler, predictor: Predictor) -> None:
    body = "stop_1,stop_2,stop_3,stop_4\r\ncastle,harbour,,\r\n"
    status, text = post(handler, "/predict", body, content_type="text/csv", accept="text/csv")
    [line] = csv.DictReader(io.StringIO(text))
    [answer] = predictor.predict([ROW])
    assert status == 200 and json.loads(line["items"]) == [item["id"] for item in answer["items"]]
    assert json.loads(line["scores"]) == [item["score"] for item in answer["items"]]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file_is_scored(suffix: str, bundle: Path, predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("stop_1,stop_2,stop_3,stop_4\ncastle,harbour,,\n")
    score(bundle, tmp_path / "in.csv", tmp_path / f"out.{suffix}")
    if suffix == "parquet":
        import pyarrow.parquet as pq

        [line] = pq.read_table(tmp_path / "out.parquet").to_pylist()
    elif suffix == "jsonl":
        line = json.loads((tmp_path / "out.jsonl").read_text())
    else:
        [line] = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert json.loads(line["items"]) == [item["id"] for item in predictor.predict([ROW])[0]["items"]]


def test_the_inference_protocol_gives_a_score_per_item(handler: Handler, predictor: Predictor) -> None:
    names = [feature.name for feature in predictor.contract.features]
    inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [ROW[name]]} for name in names]
    status, text = post(handler, f"/v2/models/{predictor.contract.name}/infer", {"inputs": inputs})
    outputs = {each["name"]: each for each in json.loads(text)["outputs"]}
    ranking = predictor.contract.form.ranking
    assert status == 200 and ranking is not None and "label" not in outputs
    assert outputs["items"]["shape"] == [1, 20]
    assert outputs["items"]["data"] == ranking.scores(predictor.predict([ROW])[0]["items"])


def test_the_best_items_score_is_explained(handler: Handler) -> None:
    status, text = post(handler, "/predict", {"rows": [ROW], "explain": True})
    [prediction] = json.loads(text)["predictions"]
    told, best = prediction["explanation"], prediction["items"][0]
    assert status == 200 and told["of"] == {"part": "items", "key": best["id"]}
    assert told["base"] + sum(told["contributions"].values()) == pytest.approx(best["score"])


@pytest.mark.parametrize("degree", ["assist", "human only", "shadow"])
def test_every_degree_of_automation_takes_a_ranker(degree: str, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSAME_AUTOMATION", degree)
    status, text = post(make_handler(bundle), "/predict", ROW)
    [prediction] = json.loads(text)["predictions"]
    assert status == 200 and ("items" in prediction) == (degree == "assist")
    assert prediction.get("status") == {"assist": "suggestion", "shadow": "shadow"}.get(degree)


def test_an_abstain_band_does_not_fit_a_ranker(visits: Visits, rows: Histories, tmp_path: Path) -> None:
    model = candidates(visits)["popularity"].fit(rows.X, rows.y)
    with pytest.raises(Exception, match="two classes"):
        export_bundle(model, rows.X, tmp_path / "band", automation="partial", abstain=(1.0, 2.0))


def test_captures_and_feedback_know_items(
    handler: Handler, predictor: Predictor, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = post(handler, "/predict", ROW)
    [record] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"capture"' in line]
    [prediction] = json.loads(text)["predictions"]
    assert record["predictions"][0]["answer"]["items"] == prediction["items"]
    assert post(handler, "/feedback", {"id": prediction["id"], "outcome": "beach"})[0] == 200
    assert post(handler, "/feedback", {"id": prediction["id"], "outcome": "moon"})[0] == 422
    sent = {"model": predictor.contract.model_sha256}
    entry = {"row": ROW, "answer": {"items": prediction["items"]}}
    assert post(handler, "/capture", {**sent, "captures": [entry]})[0] == 200
    entry = {"row": ROW, "answer": {"items": prediction["items"][::-1]}}
    status, text = post(handler, "/capture", {**sent, "captures": [entry]})
    assert status == 422 and "the best first" in text


def test_a_row_that_breaks_the_contract_is_refused(predictor: Predictor) -> None:
    with pytest.raises(ContractError, match="takes text"):
        predictor.predict([{**ROW, "stop_1": 7}])
