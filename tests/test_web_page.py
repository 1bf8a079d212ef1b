"""The page out of the built site, in Chromium: form, answer, self-check, refusals."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import EXAMPLE, FEATURES, MISSING_CODE, Task, answer_of, folder_in_site, make_bundle
from odd_bundle import make_odd_bundle
from playwright.sync_api import Browser, Error, Page, expect
from web_tools import boxes, build_light

from deploy.site import build_site
from deploy.static import serve_folder


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of a bundle per form of answer, and one with many fields: wide."""
    folder = tmp_path_factory.mktemp("page")
    forms: list[Task] = ["scores", "labels", "values", "several"]
    tasks: dict[str, Task] = {"tiny": "classification", "classes": "multiclass", "cost": "regression"}
    tasks |= {task: task for task in forms}
    bundles = [make_bundle(folder / name, name=name, task=task) for name, task in tasks.items()]
    bundles.append(make_bundle(folder / "wide", name="wide", extra=75))
    with serve_folder(build_light(bundles, folder / "site")) as address:
        yield address


def open_page(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator("#answer")).to_have_attribute("data-state", "answered")
    expect(page.locator("#form")).to_be_visible()  # it comes after the first answer
    return page


def expect_answer(page: Page, row: dict[str, Any]) -> None:
    """The page shows the tiny model's probability, to within rounding, and its decision."""
    expected = answer_of(row, "classification")
    positive = expected["probabilities"]["1"]
    expect(page.locator(".headline")).to_have_text(f"{positive * 100:.1f} %")
    assert float(page.locator(".headline").get_attribute("data-exact") or "nan") == pytest.approx(positive, abs=1e-15)
    expect(page.locator(".decision")).to_have_attribute("data-label", str(expected["label"]))


def field(page: Page, name: str) -> Any:
    return page.locator(f'.field[data-feature="{name}"]')


def test_the_page_says_what_the_model_predicts(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    expect(page).to_have_title("Tiny · selfsame")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tiny")
    expect(page.locator("#intro")).to_contain_text("Says whether a loan is paid back.")
    expect(page.locator("#intro")).to_contain_text("Predicts default: 0 or 1")
    expect(page.get_by_role("note")).to_have_text("The applicants are simulated.")


def test_the_form_has_one_labelled_field_per_feature_with_the_example_in_it(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    assert page.locator(".field").count() == len(FEATURES)
    expect(page.get_by_label("income", exact=True)).to_have_value("50000")
    expect(page.get_by_label("age", exact=True)).to_have_value("40")
    assert page.get_by_label("grade", exact=True).locator("option").all_inner_texts() == [
        "unknown", "A", "B", "C", "another value…"
    ]  # fmt: skip
    assert page.get_by_label("home").locator("option").all_inner_texts() == ["own", "rent"]
    assert page.get_by_label("married").locator("option").all_inner_texts() == ["yes", "no"]
    expect(field(page, "income")).to_contain_text("EUR a year · 4000 to 200,000 in training")
    for feature in FEATURES:
        mark = "required" if feature["missing"] == "rejected" else "unknown"
        expect(field(page, feature["name"]).locator(".required, .unknown")).to_have_text(mark)
    expect_answer(page, EXAMPLE)


def test_the_answer_follows_every_input(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("income", exact=True).fill("4000.0")
    expect_answer(page, {**EXAMPLE, "income": 4000.0})
    page.get_by_label("home").select_option("rent")
    page.get_by_label("married").select_option("no")
    row = {**EXAMPLE, "income": 4000.0, "home": "rent", "married": False}
    expect_answer(page, row)
    expect(page.locator(".decision")).to_have_text("At or above the threshold: the answer is default = 1.")
    assert 0 <= float(page.locator(".took").get_attribute("data-ms") or "nan") < 5000
    page.get_by_role("button", name="Back to the example").click()
    expect_answer(page, EXAMPLE)
    expect(page.locator(".decision")).to_have_text("Below the threshold: the answer is default = 0.")


def test_the_threshold_is_marked_on_the_bar(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    bar, mark, filled = boxes(page, ".bar", ".mark", ".bar-fill")
    assert (mark["x"] + 1 - bar["x"]) / bar["width"] == pytest.approx(0.4, abs=0.01)
    expected = answer_of(EXAMPLE, "classification")["probabilities"]["1"]
    assert filled["width"] / bar["width"] == pytest.approx(expected, abs=0.01)
    expect(page.locator(".bar")).to_contain_text("threshold 40.0 %")


def test_a_missing_value_is_said_with_a_button_and_taken_back(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    for name in ("income", "grade"):
        button = page.get_by_role("button", name=f"{name} is unknown")
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect_answer(page, {**EXAMPLE, name: None})
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        expect_answer(page, EXAMPLE)
    page.get_by_label("income", exact=True).fill("")
    expect(page.get_by_role("button", name="income is unknown")).to_have_attribute("aria-pressed", "true")


def test_an_unseen_category_is_answered_with_a_warning_at_its_field(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("grade", exact=True).select_option("another value…")
    page.get_by_label("grade, another value").fill("Z")
    expect_answer(page, {**EXAMPLE, "grade": "Z"})
    expect(field(page, "grade")).to_have_attribute("data-tone", "warning")
    expect(field(page, "grade").locator(".message")).to_have_text('The text "Z" was not seen in training.')
    expect(page.locator(".caution")).to_have_text("1 input is unlike the training rows.")
    page.get_by_label("grade, another value").fill(MISSING_CODE)
    expect(field(page, "grade").locator(".message")).to_contain_text("reserved for missing values")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forty", 'Takes a whole 64-bit number; got the text "forty". Send for example 40.'),
        ("40.5", "Takes a whole 64-bit number; got the number 40.5. Send for example 40."),
        ("", "Must not be missing: the original estimator rejects such rows. Send for example 40."),
        (
            "151",
            "Must be from 0 to 150, where the original estimator answers; got the number 151. Send for example 40.",
        ),
    ],
)
def test_a_rejected_value_is_explained_at_its_field(page: Page, origin: str, text: str, message: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("age", exact=True).fill(text)
    expect(page.locator("#answer")).to_have_attribute("data-state", "rejected")
    expect(page.locator("#answer")).to_contain_text("No answer")
    expect(field(page, "age").locator(".message")).to_have_text(message)
    expect(page.get_by_label("age", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("age", exact=True).fill("40")
    expect_answer(page, EXAMPLE)
    expect(field(page, "age").locator(".message")).to_have_text("")


def test_infinity_is_no_number(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    for text in ("1e999", "Infinity", "NaN"):
        page.get_by_label("income", exact=True).fill(text)
        expect(field(page, "income")).to_have_attribute("data-tone", "problem")
        page.get_by_label("income", exact=True).fill("1")
        expect(field(page, "income")).to_have_attribute("data-tone", "warning")


def test_each_class_of_a_multiclass_model_has_its_bar(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=classes")
    expected = answer_of(EXAMPLE, "multiclass")
    expect(page.locator(".headline")).to_have_text(expected["label"])
    assert page.locator(".class-name").all_inner_texts() == list(expected["probabilities"])
    shown = [float(share.get_attribute("data-exact") or "nan") for share in page.locator(".class-share").all()]
    assert shown == pytest.approx(list(expected["probabilities"].values()), abs=1e-15)
    expect(page.locator(".chosen .class-name")).to_have_text(expected["label"])


def test_a_score_is_a_plain_number_beside_the_label(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=scores")
    expect(page.locator("#intro")).to_contain_text("Predicts default: -1 or 1")
    expected = answer_of(EXAMPLE, "scores")
    expect(page.locator(".headline")).to_have_text(str(expected["label"]))
    expect(page.locator(".class-name")).to_have_text("score of 1")
    expect(page.locator(".class-share")).to_have_attribute("data-exact", str(expected["scores"]["1"]))
    expect(page.locator(".class-share")).to_have_text(f"{expected['scores']['1']:.6g}")


def test_a_label_alone_is_shown_large(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=labels")
    expect(page.locator(".headline")).to_have_text(answer_of(EXAMPLE, "labels")["label"])
    assert page.locator(".classes li").count() == 0


def test_several_targets_have_a_line_each(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=values")
    expect(page.locator("#intro")).to_contain_text("Predicts cost, days")
    told = answer_of(EXAMPLE, "values")["targets"]
    assert page.locator(".targets .class-name").all_inner_texts() == list(told)
    exact = [float(line.get_attribute("data-exact") or "nan") for line in page.locator(".targets strong").all()]
    assert exact == [part["value"] for part in told.values()]
    open_page(page, f"{origin}/?bundle=several")
    told = answer_of(EXAMPLE, "several")["targets"]
    late, size = told["late"]["label"], told["size"]["label"]
    assert page.locator(".targets strong").all_inner_texts() == ["true" if late else "false", size]
    shares = [told["late"]["probabilities"]["true" if late else "false"], told["size"]["probabilities"][size]]
    assert page.locator(".targets .class-share").all_inner_texts() == [f"{share * 100:.1f} %" for share in shares]


def test_a_regressor_shows_its_value_with_unit_among_the_training_answers(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=cost")
    expect(page.locator(".headline")).to_have_text("133.333 EUR")
    expect(page.locator(".decision")).to_have_text("Among the answers to the training rows.")
    page.get_by_label("age", exact=True).fill("150")
    expect(page.locator(".decision")).to_have_text("Above the answers to the training rows.")


def test_the_curl_line_holds_the_row_and_the_path_of_the_api(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_label("grade", exact=True).select_option("another value…")
    page.get_by_label("grade, another value").fill("it's")
    line = page.locator("#snippet").inner_text()
    start = f"curl -s '{origin}/tiny/predict' -H 'content-type: application/json' -d '"
    assert line.startswith(start)
    body = line.removeprefix(start).removesuffix("'").replace("'\\''", "'")
    assert json.loads(body) == {**EXAMPLE, "grade": "it's"}


def test_the_bundles_of_a_site_are_linked(page: Page, origin: str) -> None:
    open_page(page, origin)
    expect(page.locator("nav a[aria-current=page]")).to_have_text("Tiny")
    page.get_by_role("navigation").get_by_role("link", name="Cost").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cost")
    expect(page.locator(".headline")).to_have_text("133.333 EUR")


def test_eighty_fields_are_found_by_their_names(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=wide")
    assert page.locator(".field:visible").count() == 80
    page.get_by_label("Find a field").fill("AG")
    assert page.locator(".field:visible").count() == page.locator(".field").filter(has_text="ag").count() < 80
    page.get_by_label("Find a field").fill("grad")
    expect(page.locator(".filter .count")).to_have_text("1 of 80 fields")
    expect_answer(page, EXAMPLE)


def test_the_form_is_used_with_the_keyboard_alone(page: Page, origin: str) -> None:
    open_page(page, f"{origin}/?bundle=tiny")
    page.get_by_role("button", name="Back to the example").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="income is unknown")).to_be_focused()
    page.keyboard.press("Space")
    expect_answer(page, {**EXAMPLE, "income": None})
    page.keyboard.press("Tab")
    expect(page.get_by_label("income", exact=True)).to_be_focused()
    page.keyboard.type("4000")
    expect_answer(page, {**EXAMPLE, "income": 4000.0})
    expect(page.locator("#said")).to_have_text(re.compile(r"^Probability of default\. .* %\. .*: the answer is"))
    page.keyboard.press("Tab")
    expect(page.get_by_label("income, slider")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect_answer(page, {**EXAMPLE, "income": 4400.0})


def test_the_policy_lets_nothing_foreign_or_inline_in(refused: Page, origin: str) -> None:
    page = open_page(refused, f"{origin}/?bundle=tiny")
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate("fetch('http://localhost:9/')")
    add = "text => document.body.append(Object.assign(document.createElement('script'), {textContent: text}))"
    page.evaluate(add, "window.inline = 1")
    assert page.evaluate("window.inline") is None


@pytest.fixture(scope="module")
def refused(browser: Browser) -> Iterator[Page]:
    """A page for what is refused: its faults are meant."""
    with browser.new_context(service_workers="block") as context:
        yield context.new_page()


def refusal(page: Page, site: Path) -> str:
    """What a page says that cannot load its bundle; it must show no answer."""
    with serve_folder(site) as address:
        page.goto(address)
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#answer")).to_be_hidden()
        return page.get_by_role("alert").inner_text()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return build_site([make_bundle(tmp_path / "bundle")], tmp_path / "site")


@pytest.mark.parametrize("name", ["model.onnx", "contract.json", "parity.json"])
def test_one_changed_byte_is_refused_with_the_file_and_its_digests(refused: Page, site: Path, name: str) -> None:
    file = folder_in_site(site, "tiny") / name
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    said = refusal(refused, site)
    assert said.startswith(f"{name} must have the SHA-256 of the manifest; it is ")
    assert "the file was changed after the export. Run `selfsame export` again." in said


def test_a_newer_format_is_refused_by_name(refused: Page, site: Path) -> None:
    file = folder_in_site(site, "tiny") / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 3}))
    assert refusal(refused, site) == ("manifest.json: bundle format 3; this page reads 2. Build the site again with a "
                                      "newer selfsame.")  # fmt: skip


def test_a_file_that_is_gone_is_named(refused: Page, site: Path) -> None:
    (folder_in_site(site, "tiny") / "model.onnx").unlink()
    said = refusal(refused, site)
    assert re.match(r"bundles/tiny/[0-9a-f]{16}/model\.onnx must be there; the server answered 404\.", said)


@pytest.fixture
def odd_site(tmp_path: Path) -> Path:
    """A site of a model with an operator that the page's own evaluator does not know."""
    return build_site([make_odd_bundle(tmp_path / "odd")], tmp_path / "odd-site")


NO_WASM = "the model runs in WebAssembly, and it could not be started here"


def test_without_any_engine_the_page_says_so(browser: Browser, odd_site: Path) -> None:
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.route("**/*.wasm", lambda route: route.abort())
        assert refusal(page, odd_site).startswith(NO_WASM)
        page.add_init_script("delete globalThis.WebAssembly")
        said = refusal(page, odd_site)
        assert said.startswith(f"{NO_WASM} (WebAssembly is not there). Use a current browser")


def test_without_webassembly_the_evaluator_answers_alone_and_that_is_said(browser: Browser, origin: str) -> None:
    with browser.new_context(service_workers="block") as context:
        context.add_init_script("delete globalThis.WebAssembly")
        page = open_page(context.new_page(), f"{origin}/?bundle=tiny")
        expect(page.locator("#engine")).to_have_attribute("data-state", "alone")
        expect(page.locator("#engine")).to_contain_text(f"own evaluator answers, alone: {NO_WASM}")
        expect_answer(page, EXAMPLE)
        page.locator("#self-check").click()
        expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds")


def test_an_unknown_bundle_is_named(refused: Page, origin: str) -> None:
    refused.goto(f"{origin}/?bundle=other")
    expect(refused.get_by_role("alert")).to_contain_text("it names other. Choose one above.")
