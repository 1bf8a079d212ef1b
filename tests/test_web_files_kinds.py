"""Files in the page for every kind of answer: each bundle's scored file is the one that `selfsame score` writes."""

import csv
import json
import math
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_factory import FEATURES, Task, make_bundle
from playwright.sync_api import Browser, Page, Route, expect
from web_tools import PIXELS, build_light, make_digits

from deploy.score import score
from deploy.site import build_site
from deploy.static import serve_folder

TASKS: tuple[Task, ...] = ("multiclass", "regression", "interval", "scores", "labels", "values", "several")
CELLS = {
    "income": ["52000", "61000.5", "", "much"],
    "age": ["18", "40", "151"],
    "grade": ["A", "B", ""],
    "home": ["own", "rent", "boat"],
    "married": ["true", "False"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture(scope="module")
def bundles(folder: Path) -> dict[str, Path]:
    made = {task: make_bundle(folder / task, name=task, task=task) for task in TASKS}
    return made | {"digits": make_digits(folder / "digits")}


@pytest.fixture(scope="module")
def origin(folder: Path, bundles: dict[str, Path]) -> Iterator[str]:
    with serve_folder(build_light(list(bundles.values()), folder / "site")) as address:
        yield address


def write_file(path: Path, task: str, rows: int = 300) -> Path:
    chosen = random.Random(len(task))
    names = PIXELS if task == "digits" else [feature["name"] for feature in FEATURES]
    pixels = [str(level) for level in range(17)]
    lines = [[chosen.choice(pixels if task == "digits" else CELLS[name]) for name in names] for _ in range(rows)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([names, *lines])
    return path


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def same(one: str, other: str) -> bool:
    """Equal texts, or numbers within the certificate's rounding."""
    if one == other:
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-12, abs_tol=1e-12)
    except ValueError:
        return False


def test_numbers_may_differ_in_their_last_bits_alone() -> None:
    assert same("0.3", "0.30000000000000004")
    assert not any(same(one, other) for one, other in (("0.3", "0.31"), ("0.3", ""), ("small", "big")))


@pytest.mark.parametrize("task", [*TASKS, "digits"])
def test_the_scored_file_is_the_one_that_the_command_writes(
    page: Page, origin: str, bundles: dict[str, Path], tmp_path: Path, task: str
) -> None:
    source = write_file(tmp_path / "rows.csv", task)
    answered = score(bundles[task], source, tmp_path / "command.csv")
    page.goto(f"{origin}/?bundle={task}")
    page.locator("#file").set_input_files(source)
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done")
    with page.expect_download() as started:
        page.locator("#file-download").click()
    expected, found = read(tmp_path / "command.csv"), read(Path(started.value.path()))
    assert expected[0] == found[0]
    assert len(expected) == len(found) == 301
    assert [pair for pair in zip(expected, found, strict=True)
            if len(pair[0]) != len(pair[1]) or not all(map(same, *pair))] == []  # fmt: skip
    told = "Every row has an answer." if answered == 300 else f"{300 - answered} of them have no answer."
    expect(page.locator("#file-state .result")).to_contain_text(told)
    first = page.locator(".first tbody tr")
    assert first.count() == 8
    for index in range(8):
        shown = first.nth(index).locator("td").first.inner_text()
        problem = found[1 + index][-1]
        assert shown == problem if problem else shown != ""


def test_example_rows_are_scored_by_someone_who_has_no_file(page: Page, origin: str, bundles: dict[str, Path]) -> None:
    page.goto(f"{origin}/?bundle=interval")
    page.locator("#file-example").click()
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done")
    golden = [json.loads(line) for line in (bundles["interval"] / "golden.jsonl").read_text().splitlines()]
    rows = sum(line["stratum"] == "recombined" for line in golden)
    expect(page.locator("#file-state .result")).to_contain_text(f"{rows} row")
    expect(page.locator("#file-download")).to_contain_text("Download interval-example-scored.csv")


def test_the_page_does_little_while_a_file_is_scored(page: Page, origin: str, tmp_path: Path) -> None:
    """The work is the worker's: the page sends it the file once, and hears little more than ten words a second."""
    page.goto(f"{origin}/?bundle=multiclass")
    page.locator("#files").hover()
    page.evaluate("""() => {
        const counts = window.counts = {sent: [], heard: []};
        const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...rest) {
            counts.sent.push(Object.keys(message).join());
            if (message.source) this.addEventListener("message", ({data}) => counts.heard.push(Object.keys(data)[0]));
            return send.call(this, message, ...rest);
        };
    }""")
    source = write_file(tmp_path / "long.csv", "multiclass", 1000)
    header, *lines = source.read_text().splitlines(keepends=True)
    source.write_text(header + "".join(lines) * 30)
    page.locator("#file").set_input_files(source)
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done", timeout=60_000)
    counts = page.evaluate("window.counts")
    assert [each for each in counts["sent"] if "source" in each] == ["source"]
    heard = [each for each in counts["heard"] if each != "ready"]
    assert heard[-1] == "done"
    assert set(heard[:-1]) <= {"progress"}
    assert len(heard) <= 30_000 / 4096 + 2, "one word for each batch at most"
    assert page.locator("#file-state tr").count() < 200, "what is shown does not grow with the file"


def test_a_file_that_changes_while_it_is_scored_is_refused(page: Page, origin: str, tmp_path: Path) -> None:
    page.goto(f"{origin}/?bundle=regression")
    expect(page.locator("#files")).to_be_visible()
    source = write_file(tmp_path / "rows.csv", "regression")
    page.evaluate("document.querySelector('#file').addEventListener('change', e => e.stopPropagation(), true)")
    page.locator("#file").set_input_files(source)
    page.evaluate("document.querySelector('#file').files[0].slice(0, 1).text()")  # from its first read on
    source.write_text("income\n1\n")
    os.utime(source, (0, 0))  # a browser may look at whole seconds
    page.evaluate("""() => {
        const file = document.querySelector("#file").files[0];
        const files = new DataTransfer();
        files.items.add(file);
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
    }""")
    expect(page.locator("#file-state [role=alert]")).to_contain_text("it was changed, moved or deleted")


def test_a_broken_bundle_is_named_when_a_file_is_dropped(
    browser: Browser, bundles: dict[str, Path], tmp_path: Path
) -> None:
    site = build_site([bundles["labels"]], tmp_path / "site")
    with serve_folder(site) as origin, browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(origin)
        expect(page.locator("#files")).to_be_visible()
        [model] = site.glob("bundles/*/*/model.onnx")
        content = bytearray(model.read_bytes())
        content[-1] ^= 1
        model.write_bytes(content)
        page.route("**/model.onnx", lambda route: route.fulfill(body=bytes(content)))
        page.locator("#file").set_input_files(write_file(tmp_path / "rows.csv", "labels"))
        expect(page.locator("#file-state [role=alert]")).to_contain_text("model.onnx must have the SHA-256")


def test_a_lack_of_memory_is_said_and_the_next_file_is_scored(page: Page, origin: str, tmp_path: Path) -> None:
    fault = """const Whole = Blob;
        let spare = 1;
        globalThis.Blob = class extends Whole {
            constructor(parts, about) {
                if (about?.type === "text/csv" && spare-- === 0) throw new RangeError("Array buffer allocation failed");
                super(parts, about);
            }
        };
    """

    def starve(route: Route) -> None:
        route.fulfill(body=fault + route.fetch().text(), content_type="text/javascript")

    page.route("**/score-worker.js", starve, times=1)
    page.goto(f"{origin}/?bundle=scores")
    page.locator("#files").hover()
    source = write_file(tmp_path / "rows.csv", "scores")
    told = page.locator("#file-state [role=alert]")
    for _ in range(2):  # the first one may be a rehearsal's
        page.locator("#file").set_input_files(source)
        expect(page.locator("#file-state")).to_have_attribute("data-state", re.compile("done|failed"))
        if told.count():
            break
        page.locator("#file-state").evaluate("state => state.dataset.state = 'asked'")
    expect(told).to_contain_text(
        "This browser has not enough memory left for the file (Array buffer allocation failed)."
    )
    page.locator("#file").set_input_files(source)
    expect(page.locator("#file-state")).to_have_attribute("data-state", "done")
