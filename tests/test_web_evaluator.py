"""The page's evaluator: the same bits as onnxruntime-web, or a refusal by name."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bundle_factory import EXAMPLE, make_bundle, seal
from onnx import helper
from playwright.sync_api import Page, Route, expect
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

import deploy.node
from deploy.node import UnknownOperatorError, replay_js, replay_node
from deploy.site import build_site
from deploy.static import serve_folder
from deploy.verdict import verdict_text
from deploy.verify import verify
from export.convert import convert
from export.form import form_of
from export.frame import Schema
from selfsame import main

DIGITS = {
    "logistic": LogisticRegression(max_iter=30),
    "network": MLPClassifier((130,), max_iter=5, random_state=0),
    "machine": SVC(),
    "forest": RandomForestClassifier(10, random_state=0),
}


def rewrite(bundle: Path, model: bytes, **changes: Any) -> Path:
    """Put another model into a bundle, and change its contract."""
    (bundle / "model.onnx").write_bytes(model)
    contract = json.loads((bundle / "contract.json").read_text())
    contract |= {**changes, "model_sha256": hashlib.sha256(model).hexdigest()}
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    return bundle


def with_operator(bundle: Path, operator: str) -> Path:
    """Let the last output pass through a further operator."""
    model = onnx.load(bundle / "model.onnx")
    output = model.graph.output[-1].name
    for node in model.graph.node:
        node.output[:] = [f"{name}_before" if name == output else name for name in node.output]
    model.graph.node.append(helper.make_node(operator, [f"{output}_before"], [output]))
    return rewrite(bundle, model.SerializeToString())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few turns are enough here
@pytest.mark.parametrize("kind", DIGITS)
def test_models_of_sixty_four_pixels_give_the_bits_of_onnxruntime_web(kind: str, tmp_path: Path) -> None:
    pixels, digits = load_digits(return_X_y=True, as_frame=True)
    table = pixels.iloc[:100] + 0.1
    estimator = DIGITS[kind].fit(table, digits[:100])
    form = form_of(estimator, table)
    numbers = next(name for name, output in form["outputs"].items() if output and name != "label")
    bundle = make_bundle(tmp_path / "bundle", task="multiclass")
    contract = json.loads((bundle / "contract.json").read_text())
    number = next(each for each in contract["features"] if each["dtype"] == "float64")
    features = [{**number, "name": name, "input": f"x{k}"} for k, name in enumerate(table)]
    rewrite(bundle, convert(estimator, Schema(table), numbers=numbers), **form, features=features)
    rows = table.to_dict("records")
    for asked in (rows, rows[:1]):
        assert replay_js(bundle, asked) == replay_node(bundle, asked)


@pytest.fixture(scope="module")
def unknown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with an operator that onnxruntime-web knows and the evaluator does not."""
    bundle = make_bundle(tmp_path_factory.mktemp("unknown") / "bundle", name="unknown", task="regression")
    return with_operator(bundle, "Cos")


def test_an_operator_that_it_does_not_know_is_named(unknown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownOperatorError, match="does not know Cos"):
        replay_js(unknown, [EXAMPLE])
    assert main(["verify", str(unknown), "--runtime", "js"]) == 2
    assert (
        "selfsame: the evaluator computes only operators that it knows; it does not know Cos. Use onnxruntime-web."
        in (capsys.readouterr().err)
    )


def test_beside_other_runtimes_it_is_left_out_and_that_is_said(unknown: Path) -> None:
    verdict = verify(unknown, ("node", "js"))
    assert list(verdict.strata) == ["node"]
    assert list(verdict.as_json()["left_out"]) == ["js"]
    assert "js: left out. the evaluator computes only operators that it knows; it does not know Cos." in (
        verdict_text(verdict)
    )


def test_the_command_replays_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    assert main(["verify", str(bundle), "--runtime", "js", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert list(verdict["runtimes"]) == ["js"]
    assert verdict["left_out"] == {}


def test_it_is_held_against_onnxruntime_web_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_bundle(tmp_path / "bundle", task="regression")
    assert verify(bundle, ("python", "node", "js")).apart["node = js"] == []

    def last_bit(path: Path, rows: list[Any]) -> list[dict[str, Any]]:
        answers = replay_node(path, rows)
        answers[2]["value"] = float(np.nextafter(answers[2]["value"], 1e9))
        return answers

    monkeypatch.setattr(deploy.node, "replay_js", last_bit)
    assert verify(bundle, ("python", "node", "js")).apart["node = js"] == [2]


def test_another_threshold_in_the_model_is_noticed(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", task="regression")
    model = onnx.load(bundle / "model.onnx")
    constant = next(each for each in model.graph.initializer if each.raw_data)
    constant.raw_data = np.nextafter(np.frombuffer(constant.raw_data), 1e300).tobytes()
    rewrite(bundle, model.SerializeToString())
    verdict = verify(bundle, ("node", "js"))
    assert verdict.apart["node = js"] == []
    assert verdict.total("js").max_ulp == verdict.total("node").max_ulp > 0


def test_the_script_explains_its_use(tmp_path: Path) -> None:
    command = ["node", str(deploy.node.SCRIPT), str(tmp_path), "v8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    usage = "usage: node replay-node.mjs BUNDLE [onnxruntime-web | evaluator]\n"
    assert (done.returncode, done.stderr) == (2, usage)


@pytest.fixture(scope="module")
def origin(unknown: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("engines")
    with serve_folder(build_site([make_bundle(folder / "tiny"), unknown], folder / "site")) as address:
        yield address


def test_the_page_answers_before_onnxruntime_web_is_there(page: Page, origin: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/*.wasm", hold)
    with page.expect_request("**/*.wasm"):
        page.goto(f"{origin}/?bundle=tiny")
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    first = page.locator(".headline").get_attribute("data-exact")
    assert held
    for each in held:
        each.continue_()
    page.unroute("**/*.wasm")
    expect(page.locator("#engine")).to_have_attribute("data-state", "confirmed")
    expect(page.locator("#engine")).to_contain_text("Two engines ran here")
    expect(page.locator("#engine")).to_contain_text("the same answers, bit for bit, on all")
    assert page.locator(".headline").get_attribute("data-exact") == first
    page.goto(f"{origin}/?bundle=unknown")
    expect(page.locator("#engine")).to_have_attribute("data-state", "one")
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")


def test_without_memory_the_evaluator_answers_alone_and_the_page_says_so(page: Page, origin: str) -> None:
    grab = "throw new RangeError('WebAssembly.Memory(): could not allocate memory')"

    def without_memory(route: Route) -> None:
        script = f"WebAssembly.Memory = class {{ constructor() {{ {grab} }} }};"
        route.fulfill(body=script + route.fetch().text(), content_type="text/javascript")

    page.route("**/ort-worker.js", without_memory)
    page.goto(f"{origin}/?bundle=tiny")
    expect(page.locator("#engine")).to_contain_text("not enough memory left for the model")
    expect(page.locator("#engine")).to_have_attribute("data-state", "alone")
