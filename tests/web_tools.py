"""What the tests of the page share: a bundle that reads digits, a page with everything unfolded, and looks at it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from bundle_factory import FEATURES, as_json, constant, contract_of, make_bundle, seal
from onnx import TensorProto, helper
from playwright.sync_api import Page, expect
from sklearn.datasets import load_digits

from deploy.site import build_site
from lambda_handler.bundle import sha256_of
from lambda_handler.predictor import Predictor

AXE = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# Every control that is seen. A file's input is hidden: its label stands for it.
CONTROLS = "a[href], button, input:not([type=file]), select, textarea, summary, label.drop, [tabindex='0']"
PIXELS = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


def make_digits(path: Path) -> Path:
    """A bundle that answers with the nearest mean of scikit-learn's digits, put together by hand."""
    data = load_digits()
    means = np.array([data.data[data.target == digit].mean(axis=0) for digit in range(10)])
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Concat", PIXELS, ["pixels"], axis=1),
            node("MatMul", ["pixels", "weights"], ["products"]),
            node("Add", ["products", "offsets"], ["scores"]),
            node("Softmax", ["scores"], ["probabilities"], axis=1),
            node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        "digits",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in PIXELS],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, 10]),
        ],
        [constant("weights", means.T / 50), constant("offsets", -(means**2).sum(axis=1) / 100)],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="selfsame")
    onnx.checker.check_model(proto, full_check=True)
    make_bundle(path, name="digits", task="multiclass")
    (path / "model.onnx").write_bytes(proto.SerializeToString(deterministic=True))
    pixel = {**FEATURES[0], "unit": None, "description": None, "range": [0.0, 16.0], "example": 0.0}
    features = [{**pixel, "name": name, "input": name} for name in PIXELS]
    contract = contract_of("digits", "multiclass", features, sha256_of((path / "model.onnx").read_bytes()))
    (path / "contract.json").write_bytes(as_json(contract | {"classes": list(range(10))}))
    seal(path)
    line: dict[str, Any] = {"stratum": "recombined", "row": dict.fromkeys(PIXELS, 0.0), "decidable": False}
    (answer,) = Predictor.load(path).predict([line["row"]])
    line["answer"] = {"label": answer["label"], "probabilities": answer["probabilities"]}
    (path / "golden.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    seal(path)
    return path


def build_light(bundles: Sequence[Path], out: Path, **options: Any) -> Path:
    """A site whose onnxruntime-web never comes: its page's own evaluator answers, with half of a visit's work."""
    site = build_site(bundles, out, **options)
    [worker] = site.rglob("ort-worker.js")
    worker.write_text("addEventListener('message', () => undefined);\n", encoding="utf-8")
    return site


def open_light(page: Page, address: str) -> None:
    """Open a page of a light site and wait until it stands still: answered, all parts there."""
    page.goto(address)
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    expect(page.locator("#share")).to_be_visible()


def open_bundle(page: Page, address: str) -> None:
    """Open a page and wait until it stands still: answered, all parts there, checked by the second engine."""
    open_light(page, address)
    expect(page.locator("#engine")).to_be_visible(timeout=60_000)


def unfold(page: Page, file: Path) -> None:
    """Show everything that a page can show at once: curves, reasons, tables, the proof, and a file that is scored."""
    for name in ("whatif", "why"):
        page.locator(f"#{name}").scroll_into_view_if_needed()
        expect(page.locator(f"#{name}")).to_have_attribute("data-state", "done")
    page.locator("#file").set_input_files(file)
    page.locator("#self-check").click()
    if page.locator("#side-by-side").count():
        page.locator("#side-by-side").click()
        expect(page.locator("#side-by-side-result")).not_to_have_attribute("data-state", "running")
    expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds")
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done")
    for button in page.locator("button[aria-expanded=false]").all():
        button.click()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    """Where the first element of each selector lies, all at one moment: between two looks the page may draw anew."""
    return page.evaluate(
        """selectors => selectors.map((each) => {
            const {x, y, width, height} = document.querySelector(each).getBoundingClientRect();
            return {x, y, width, height};
        })""",
        selectors,
    )  # type: ignore[no-any-return]  # boxes, by the script


def violations(page: Page, rule: str | None = None) -> list[str]:
    """What axe-core finds wrong with the page as it is now, by one rule or all; it is injected past the policy."""
    if not page.evaluate("'axe' in window"):
        client = page.context.new_cdp_session(page)
        client.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        client.detach()
    options = {"resultTypes": ["violations"], **({"runOnly": rule} if rule else {})}
    found: list[dict[str, Any]] = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{each['id']}: {node['failureSummary']} {node['html']}" for each in found for node in each["nodes"]]


def sticking_out(page: Page) -> list[str]:
    """The elements for which the page would have to scroll sideways; none where it has not to."""
    return page.evaluate("""() => {
        const root = document.documentElement;
        if (root.scrollWidth <= root.clientWidth) return [];
        const wide = [...document.body.querySelectorAll("*")]
            .filter((each) => each.getBoundingClientRect().right > root.clientWidth);
        return [`${root.scrollWidth} > ${root.clientWidth}`, ...wide.map((each) => each.outerHTML.slice(0, 120))];
    }""")  # type: ignore[no-any-return]  # a list of texts, by the script


def too_small(page: Page, least: int = 44) -> list[str]:
    """The controls that are lower or narrower than a finger, in CSS pixels."""
    return page.evaluate(
        """([controls, least]) => [...document.querySelectorAll(controls)].filter((each) => {
            const {width, height} = each.getBoundingClientRect();
            return each.checkVisibility() && (width < least - 0.5 || height < least - 0.5);
        }).map((each) => `${Math.round(each.getBoundingClientRect().height)} ${each.outerHTML.slice(0, 120)}`)""",
        [CONTROLS, least],
    )  # type: ignore[no-any-return]  # a list of texts, by the script
