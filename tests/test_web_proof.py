"""The proof on the page: the certificate as a picture, the golden rows replayed by both engines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import Task, make_bundle, seal
from odd_bundle import make_odd_bundle
from playwright.sync_api import Locator, Page, expect

from deploy.site import build_site
from deploy.static import serve_folder

GOLDEN: dict[Task, int] = {"several": 16, "regression": 15, "scores": 15, "labels": 16, "values": 15}  # rows
WRONG = 12  # the golden row with another answer, from 1
NUMBERS = {"labels_differ": 0, "outside": 0, "undecidable": 0, "max_ulp": 2, "max_abs": 2.2e-16, "worst_row": None}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bundles with a made-up certificate: fine, and apart, in which three rows of a kind differ."""
    folder = tmp_path_factory.mktemp("proof")
    bundles = [make_bundle(folder / "tiny"), make_bundle(folder / "fine", name="fine"),
               make_bundle(folder / "apart", name="apart"), make_odd_bundle(folder / "odd"),
               make_wrong(folder / "wrong")]  # fmt: skip
    bundles += [make_bundle(folder / task, name=task, task=task) for task in GOLDEN]
    certify(bundles[1], {"real": {"rows": 6000}, "boundary": {"rows": 100, "undecidable": 40, "max_ulp": 9}})
    certify(bundles[2], {"real": {"rows": 6000, "labels_differ": 1}, "special": {"rows": 60, "outside": 2}})
    with serve_folder(build_site(bundles, folder / "site")) as address:
        yield address


def make_wrong(path: Path) -> Path:
    """A bundle that is named `wrong`, in one of whose golden rows the answer is not the original's."""
    bundle = make_bundle(path, name="wrong")
    lines = (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[WRONG - 1])
    last["answer"]["probabilities"]["1"] += 1e-9
    lines[WRONG - 1] = json.dumps(last)
    (bundle / "golden.jsonl").write_text("\n".join(lines), encoding="utf-8")
    seal(bundle)
    return bundle


def certify(bundle: Path, strata: dict[str, dict[str, Any]], **mutation: int) -> None:
    parity = json.loads((bundle / "parity.json").read_text())
    parity["strata"] = [{"name": name, **NUMBERS, **told} for name, told in strata.items()]
    parity["batch"] |= {"rows": 500, "alone": 12, "wasm": 0}
    (bundle / "parity.json").write_text(json.dumps(parity))
    seal(bundle)


def proof(page: Page, origin: str, name: str) -> Locator:
    page.goto(f"{origin}/?bundle={name}")
    section = page.locator("#proof")
    expect(section).to_be_visible()
    return section


def squares(section: Locator, name: str) -> int:
    """How many squares of one kind the certificate's picture has."""
    paths = section.locator(f".kinds path.{name}").all()
    return sum((path.get_attribute("d") or "").count("z") for path in paths)


def test_the_picture_has_a_square_for_every_few_rows(page: Page, origin: str) -> None:
    section = proof(page, origin, "fine")
    verdict = "6,100 rows, asked of the original and of this model: 0 differ"
    expect(section.locator(".verdict")).to_have_text(verdict)
    expect(section.locator(".verdict")).to_have_attribute("data-state", "holds")
    assert {name: squares(section, name) for name in ("same", "open", "apart")} == {"same": 303, "open": 2, "apart": 0}
    expect(section.locator(".waffle-key").first).to_contain_text("20 rows with the original's answer")
    expect(section.locator(".waffle-key").first).to_contain_text("the original itself stands on the edge: 40 rows")
    expect(section.locator(".kinds li").nth(1)).to_contain_text("100 rows")
    expect(section.locator(".kinds li").nth(1)).to_contain_text("up to 9 steps")
    expect(section).to_contain_text("one altered model, caught: 57")
    expect(section).to_contain_text("not caught: 1")
    places = section.locator(".places li")
    assert [text.split("\n") for text in places.all_inner_texts()] == [
        ["Python, and so Lambda", "6,100 rows: 0 differ"],
        ["Row by row, not at once", "the same bits on 488 of 500 rows"],
        ["WebAssembly, at the export", "the same bits on 500 of 500 rows"],
        ["This browser", "replay the golden rows below"],
    ]


def test_every_row_that_differs_has_its_own_square(page: Page, origin: str) -> None:
    section = proof(page, origin, "apart")
    expect(section.locator(".verdict")).to_have_attribute("data-state", "failed")
    expect(section.locator(".verdict")).to_contain_text(": 3 differ")
    assert squares(section, "apart") == 3
    expect(section.get_by_role("img", name="6,000 rows, 1 differ")).to_be_visible()
    expect(section.locator(".places li").first).not_to_have_class("same")


def test_the_figures_stand_behind_the_picture_as_a_table(page: Page, origin: str) -> None:
    section = proof(page, origin, "tiny")
    table = section.locator("details table")
    expect(table).to_be_hidden()
    section.get_by_text("The certificate's figures as a table").click()
    cells = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert [cell[0].split("\n")[0] for cell in cells] == ["recombined", "boundary", "special", "missing", "unseen",
                                                          "rejected"]  # fmt: skip
    assert cells[0][1:] == ["3", "0", "0", "0", "1.1e-16", "2"]


def test_both_engines_replay_the_golden_rows_with_their_largest_ulp(page: Page, origin: str) -> None:
    section = proof(page, origin, "tiny")
    page.locator("#self-check").click()
    result = page.locator("#self-check-result")
    expect(result).to_have_attribute("data-state", "holds")
    expect(result).to_contain_text("16 of 16 rows agree with the original.")
    rows = [row.locator("th, td").all_inner_texts() for row in result.locator("tbody tr").all()]
    assert [(name, agree) for name, agree, *_ in rows] == [("Evaluator", "16 of 16"), ("onnxruntime-web", "16 of 16")]
    for _, _, ulp, time in rows:
        assert re.fullmatch(r"\d+\n\d\.\de-16", ulp), "the largest ulp, and the largest difference below it"
        assert time.endswith(" ms")
    here = section.locator(".places li").last
    expect(here).to_have_class("same")
    expect(here).to_contain_text("16 golden rows: 0 differ")


@pytest.mark.parametrize("task", [pytest.param(task, marks=pytest.mark.slow if task != "several" else ())
                                  for task in GOLDEN])  # fmt: skip
def test_every_kind_of_answer_is_replayed_and_fits_a_narrow_screen(page: Page, origin: str, task: Task) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    proof(page, origin, task)
    page.get_by_role("button", name="Replay the golden rows in this browser").click()
    result = page.locator("#self-check-result")
    expect(result).to_have_attribute("data-state", "holds")
    expect(result).to_contain_text(f"{GOLDEN[task]} of {GOLDEN[task]} rows agree with the original.")
    expect(result).to_contain_text("Labels that differ: 0. Rows outside the tolerance: 0.")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_graph_that_the_evaluator_refuses_is_replayed_by_the_other(page: Page, origin: str) -> None:
    proof(page, origin, "odd")
    page.locator("#self-check").click()
    result = page.locator("#self-check-result")
    expect(result).to_have_attribute("data-state", "failed")  # its answers are no longer the recorded ones
    expect(result.locator("tbody th")).to_have_text(["onnxruntime-web"])


def test_a_row_that_differs_is_listed_with_both_answers(page: Page, origin: str) -> None:
    proof(page, origin, "wrong")
    page.locator("#self-check").click()
    result = page.locator("#self-check-result")
    expect(result).to_have_attribute("data-state", "failed")
    expect(result).to_contain_text("15 of 16 rows agree with the original.")
    expect(result).to_contain_text("Rows outside the tolerance: 1.")
    expect(result.locator("ol")).to_have_count(2)
    expect(result.locator("ol li").first).to_contain_text(f"Row {WRONG} (unseen): the original says ")
    expect(result.locator("ol li").first).to_contain_text(" ulp apart.")
    expect(page.locator(".places .apart")).to_contain_text("16 golden rows: 1 differ")
