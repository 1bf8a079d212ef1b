"""The replays in node and in Chromium: exact answers, row by row, the same as Python's."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import EXAMPLE, MISSING_CODE, Task, make_bundle, seal
from playwright.sync_api import Browser

import deploy.node
from deploy.browser import BrowserReplayError, replay_browser, screenshot
from deploy.node import NodeReplayError, replay_js, replay_node
from deploy.site import build_site
from lambda_handler.bundle import read_bundle
from lambda_handler.golden import compare, replay
from lambda_handler.predictor import Predictor

TASKS: list[Task] = ["classification", "multiclass", "regression", "scores", "labels", "values", "several"]
BRIEFLY: tuple[Task, ...] = ("classification", "several")  # tasks whose rows Chromium answers in every run
Replay = Callable[[Path, list[Any]], list[dict[str, Any]]]


@pytest.fixture
def one_chromium(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the replays use the Chromium that is open."""

    @contextmanager
    def opened() -> Iterator[Browser]:
        yield browser
        for context in browser.contexts:
            context.close()

    monkeypatch.setattr("deploy.browser.open_chromium", opened)


@pytest.fixture(params=["node", "browser"])
def runtime(request: pytest.FixtureRequest, one_chromium: None, tmp_path: Path) -> Replay:
    if request.param == "node":
        return replay_node

    def in_browser(bundle: Path, rows: list[Any]) -> list[dict[str, Any]]:
        name = read_bundle(bundle).contract.name
        return replay_browser(build_site([bundle], tmp_path / "site"), name, rows)

    return in_browser


@pytest.mark.parametrize(
    ("runtime", "task"),
    [pytest.param(runtime, task, marks=pytest.mark.slow if runtime == "browser" and task not in BRIEFLY else ())
     for runtime in ("node", "browser") for task in TASKS],
    indirect=["runtime"],
)  # fmt: skip
def test_the_golden_rows_get_the_recorded_answers(runtime: Replay, task: Task, tmp_path: Path) -> None:
    bundle = read_bundle(make_bundle(tmp_path / "bundle", task=task))
    golden = list(bundle.golden())
    answers = runtime(bundle.path, [line["row"] for line in golden])
    strata = compare(bundle.contract, golden, answers)
    assert sum(stratum.rows for stratum in strata.values()) == len(golden) > 10
    assert all(stratum.holds for stratum in strata.values()), strata
    told = replay(Predictor(bundle), [line["row"] for line in golden])
    assert [shape(answer) for answer in answers] == [shape(answer) for answer in told]
    if runtime is replay_node:
        assert replay_js(bundle.path, [line["row"] for line in golden]) == answers, "bit for bit"


def shape(answer: Any) -> Any:
    """The keys of an answer and the types of its values, a problem's and a warning's words aside."""
    if isinstance(answer, dict) and "rejected" in answer:
        return "rejected"
    return {key: shape(value) for key, value in answer.items()} if isinstance(answer, dict) else type(answer)


def test_another_answer_in_the_golden_rows_is_noticed(tmp_path: Path) -> None:
    bundle = read_bundle(make_bundle(tmp_path / "bundle"))
    golden = list(bundle.golden())
    golden[-5]["answer"]["label"] = 1 - golden[-5]["answer"]["label"]
    golden[0]["answer"]["probabilities"]["1"] += 1e-9
    strata = compare(bundle.contract, golden, replay_node(bundle.path, [line["row"] for line in golden]))
    assert (strata["unseen"].labels_differ, strata["recombined"].outside) == (1, 1)


def test_one_row_alone_is_answered_as_in_a_batch(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    rows = [{**EXAMPLE, "age": age} for age in (20, 40, 60)]
    assert replay_node(bundle, rows[1:2]) == replay_node(bundle, rows)[1:2]


def test_the_rules_of_the_contract_are_the_same_as_in_python(runtime: Replay, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    wrong: list[Any] = [
        {"income": "much"}, {"income": True}, {"income": [1]}, {"age": 1.5}, {"age": 2**53 + 1}, {"age": 2**63},
        {"age": -(2**63)}, {"age": 40.0}, {"age": 1e16}, {"age": None}, {"grade": 1}, {"grade": MISSING_CODE},
        {"grade": ""}, {"grade": "A\0z"}, {"grade": "\ud800"}, {"home": None}, {"home": "boat"}, {"home": "own "},
        {"married": "yes"},
        {"married": 1}, {"married": None}, {"other": 1, "__proto__": 2}, {"income": 2**80}, {"income": 10**400},
        {"income": -0.0}, {"income": 4000.5},
    ]  # fmt: skip
    rows = [{**EXAMPLE, **change} for change in wrong] + [{}, [], None, 7, "x", dict(list(EXAMPLE.items())[1:])]
    python = replay(Predictor.load(bundle), rows)
    for row, here, there in zip(rows, python, runtime(bundle, rows), strict=True):
        assert shape_of(there) == shape_of(here), row


def shape_of(answer: dict[str, Any]) -> Any:
    """What must be equal in both languages: which rules spoke, at which features, in which order."""
    if "rejected" in answer:
        return [(problem["feature"], problem["kind"]) for problem in answer["rejected"]]
    return answer["label"], [(warning["feature"], warning["kind"]) for warning in answer["warnings"]]


def test_float64_inputs_reach_the_graph_bit_for_bit(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task="regression")
    rows = [{**EXAMPLE, "income": 0.1 * step, "age": step} for step in range(50)]
    assert replay_node(bundle, rows) == Predictor.load(bundle).predict(rows)


def test_no_rows_give_no_answers(tmp_path: Path) -> None:
    assert replay_node(make_bundle(tmp_path / "bundle"), []) == []


def test_more_rows_than_a_batch_keep_their_order(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task="regression")
    rows = [{**EXAMPLE, "income": float(step)} for step in range(9000)]
    rows[4100]["age"] = None
    answers = replay_node(bundle, rows)
    assert "rejected" in answers.pop(4100)
    del rows[4100]
    assert answers == Predictor.load(bundle).predict(rows)


def test_float_classes_keep_their_type(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    contract = json.loads((bundle / "contract.json").read_text())
    contract |= {"classes": [0.0, 1.0], "threshold": {"class": 1.0, "value": 0.4}}
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    (answer,) = replay_node(bundle, [EXAMPLE])
    assert type(answer["label"]) is float
    assert list(answer["probabilities"]) == ["0.0", "1.0"]


def test_a_changed_byte_stops_the_replay(runtime: Replay, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    model = bytearray((bundle / "model.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(model)
    with pytest.raises((NodeReplayError, ValueError), match=r"model\.onnx must have the SHA-256 of the manifest"):
        runtime(bundle, [EXAMPLE])


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        replay_node(make_bundle(tmp_path / "bundle"), [{**EXAMPLE, "income": float("nan")}])


def test_the_script_explains_its_use() -> None:
    done = subprocess.run(["node", str(deploy.node.SCRIPT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: node replay-node.mjs BUNDLE [onnxruntime-web | evaluator]\n")


def test_without_node_or_chromium_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeReplayError, match="Install Node 20"):
        replay_node(tmp_path, [])
    with pytest.raises(BrowserReplayError, match="apt-get install chromium"):
        replay_browser(tmp_path, "tiny", [])


@pytest.mark.usefixtures("one_chromium")
def test_a_page_that_asks_a_foreign_address_fails_the_replay(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "bundle")], tmp_path / "site")
    page = (site / "index.html").read_text()
    (site / "index.html").write_text(page.replace("</main>", '<img src="http://127.0.0.1:9/pixel" alt="" /></main>'))
    with pytest.raises(BrowserReplayError, match=r"127\.0\.0\.1:9/pixel"):
        replay_browser(site, "tiny", [EXAMPLE])


@pytest.mark.usefixtures("one_chromium")
def test_an_unknown_bundle_is_named(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "bundle")], tmp_path / "site")
    with pytest.raises(BrowserReplayError, match="a bundle of this site: tiny; it names other"):
        replay_browser(site, "other", [EXAMPLE])


@pytest.mark.usefixtures("one_chromium")
def test_a_picture_shows_the_page_from_its_top(tmp_path: Path) -> None:
    site = build_site([make_bundle(tmp_path / "bundle")], tmp_path / "site")
    picture = screenshot(site, "tiny", tmp_path / "page.png", width=900).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[start : start + 4], "big") for start in (16, 20))
    assert width == 900 < height
