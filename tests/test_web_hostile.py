"""Names, categories and labels that look like a page, a script or a command: shown as they are, in Chromium."""

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from bundle_factory import make_bundle, seal
from playwright.sync_api import Browser, Page, expect
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from web_tools import build_light, open_bundle, open_light, unfold

from deploy.site import SiteError, build_site
from deploy.static import serve_folder
from export import export_bundle
from lambda_handler.predictor import Predictor

IMAGE = '<img src=x onerror="window.pwned=1">'
SCRIPT = "</script><script>window.pwned=1</script>"
QUOTES = 'it\'s "so" `touch pwned` $(touch pwned) \\ %s ${pwned} {{1}}'
TURNED = "a\u202eb\u2066c\u200f</title>"
NUMBER, CATEGORY = f"size's {IMAGE}", f'{SCRIPT} "{TURNED}"'
CATEGORIES = [QUOTES, SCRIPT, TURNED, IMAGE]
LABELS = [SCRIPT, IMAGE]


def make_hostile(path: Path) -> Path:
    """A bundle of a real model whose every text is hostile, but for its name, which is part of an address."""
    draw = np.random.default_rng(0)
    X = pd.DataFrame({NUMBER: draw.normal(50, 10, 200).round(1), CATEGORY: pd.Series(CATEGORIES * 50, dtype="str")})
    y = np.where((X[NUMBER] > 50) ^ (X[CATEGORY] == QUOTES), *LABELS).astype(object)
    columns = make_column_transformer(
        (StandardScaler(), [NUMBER]), (OneHotEncoder(handle_unknown="ignore"), [CATEGORY])
    )
    model = make_pipeline(columns, DecisionTreeClassifier(max_depth=4, random_state=0)).fit(X, y)
    told = {
        "version": f"1 {IMAGE}",
        "description": f"{SCRIPT} {TURNED}",
        "notice": f"{IMAGE} {QUOTES}",
        "target": {"name": f"{IMAGE}target", "unit": None, "description": SCRIPT},
        "features": {NUMBER: {"unit": IMAGE, "description": SCRIPT}, CATEGORY: {"unit": None, "description": TURNED}},
    }
    return export_bundle(model, X, path, about=told, effort="quick")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_hostile(tmp_path_factory.mktemp("hostile") / "hostile")


@pytest.fixture(scope="module")
def origin(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Sites of that bundle, and of a tame one with a hostile description."""
    folder = tmp_path_factory.mktemp("site")
    other = make_bundle(folder / "other", name="other")
    contract = json.loads((other / "contract.json").read_text())
    (other / "contract.json").write_text(json.dumps(contract | {"description": f"{IMAGE} {SCRIPT}"}))
    seal(other)
    for build in (build_site, build_light):
        build([bundle, other], folder / build.__name__)
    with serve_folder(folder) as address:
        yield address


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """The file's page; the test fails where a text of the bundle became an element, ran, or asked for something."""
    yield page
    assert made(page) == []


def made(page: Page) -> list[str]:
    """What the texts have made of the page: elements, attributes that run, or a run."""
    return page.evaluate("""() => [
        ...[...document.querySelectorAll("img[src='x'], body script:not([src]), *")]
            .filter((each) => each.matches("img[src='x']") || each.textContent === "window.pwned=1"
                              || [...each.attributes].some(({name}) => name.startsWith("on")))
            .map((each) => each.outerHTML.slice(0, 200)),
        ...("pwned" in window ? ["pwned"] : []),
    ]""")  # type: ignore[no-any-return]  # a list of texts, by the script


def text_of(page: Page) -> str:
    return str(page.evaluate("document.body.textContent"))


def example(bundle: Path) -> dict[str, Any]:
    features = Predictor.load(bundle).contract.features
    return {feature.name: feature.example for feature in features}


def quoted(row: dict[str, Any]) -> str:
    cells = ['"{}"'.format(str(cell).replace('"', '""')) for cell in row.values()]
    return ",".join(cells)


def test_a_page_shows_every_text_as_it_is(page: Page, origin: str, bundle: Path, tmp_path: Path) -> None:
    open_bundle(page, f"{origin}/build_site/?bundle=hostile")
    rows = [{**example(bundle), CATEGORY: each} for each in CATEGORIES]
    table = "\n".join([quoted(dict(zip(rows[0], rows[0], strict=True))), *map(quoted, rows)])
    file = tmp_path / "rows.csv"
    file.write_text(table + "\n", encoding="utf-8")
    unfold(page, file)
    options = page.locator(f"select[name={json.dumps(CATEGORY)}] option, .field select option").all_inner_texts()
    assert set(CATEGORIES) <= set(options)
    shown = text_of(page)
    for text in (NUMBER, CATEGORY, *LABELS, f"{SCRIPT} {TURNED}", f"{IMAGE} {QUOTES}", f"{IMAGE}target"):
        assert text in shown, text
    for row in rows:
        page.locator(".field select").first.select_option(label=row[CATEGORY])
        [answer] = Predictor.load(bundle).predict([row])
        expect(page.locator("#answer")).to_contain_text(answer["label"])


def test_the_gallery_shows_a_description_as_it_is(page: Page, origin: str) -> None:
    open_light(page, f"{origin}/build_light/?bundle=hostile")
    expect(page.locator("#gallery .card")).to_contain_text(f"{IMAGE} {SCRIPT}")


def test_a_link_carries_a_category_as_it_is(page: Page, origin: str, bundle: Path) -> None:
    open_light(page, f"{origin}/build_light/?bundle=hostile")
    for category in CATEGORIES:
        page.locator(".field select").first.select_option(label=category)
        page.locator("#copy-link").click()
        found = {name: json.loads(value) for name, (value,) in parse_qs(page.url.partition("#")[2]).items()}
        assert found == {**example(bundle), CATEGORY: category}
        page.reload()
        expect(page.locator(".field select").first.locator("option:checked")).to_have_text(category)
        expect(page.locator("#share")).to_be_visible()
        expect(page.locator("#notes")).to_be_hidden()


def test_the_calls_say_the_row_and_run_nothing_else(page: Page, origin: str, bundle: Path, tmp_path: Path) -> None:
    open_light(page, f"{origin}/build_light/?bundle=hostile")
    for category in CATEGORIES:
        page.locator(".field select").first.select_option(label=category)
        row = {**example(bundle), CATEGORY: category}
        for language, read in (("curl", read_curl), ("Python", read_python), ("JavaScript", read_javascript)):
            page.get_by_role("button", name=language, exact=True).click()
            code = str(page.locator("#snippet").text_content())
            assert read(code, tmp_path) == row, f"{language}: {code}"
    assert list(tmp_path.iterdir()) == [], "a command in a text has run"


def read_curl(code: str, folder: Path) -> Any:
    """What curl would be given as the body, by a real shell."""
    told = subprocess.run(
        ["sh", "-c", f'curl() {{ printf "%s\\0" "$@"; }}\n{code}'], cwd=folder, capture_output=True, check=True
    )
    words = told.stdout.decode().split("\0")
    return json.loads(words[words.index("-d") + 1])


def read_python(code: str, _folder: Path) -> Any:
    """The value of `row`, which is a literal."""
    [value] = [each.value for each in ast.parse(code).body if isinstance(each, ast.Assign)
               and isinstance(each.targets[0], ast.Name) and each.targets[0].id == "row"]  # fmt: skip
    return ast.literal_eval(value)


def read_javascript(code: str, folder: Path) -> Any:
    """What fetch would be given as the body, by a real node."""
    catch = "globalThis.fetch = (_, {body}) => { process.stdout.write(body); process.exit(); };\n"
    node = str(shutil.which("node"))
    words = [node, "--input-type=module", "-e", catch + code]
    return json.loads(subprocess.run(words, cwd=folder, capture_output=True, check=True).stdout)


def test_the_model_card_shows_every_text_as_it_is(browser: Browser, bundle: Path) -> None:
    card = (bundle / "card.html").as_uri()
    page, asked, said = browser.new_page(), [], []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("console", lambda words: said.append(words.text))
    page.goto(card)
    shown = text_of(page)
    for text in (NUMBER, CATEGORY, *LABELS, f"{SCRIPT} {TURNED}", f"{IMAGE} {QUOTES}", f"1 {IMAGE}"):
        assert text in shown, text
    assert (made(page), asked, said) == ([], [card], [])
    page.close()


@pytest.mark.parametrize("name", [f"x{IMAGE}", "../x", "a b", "", "a'b"])
def test_a_name_that_is_no_part_of_an_address_is_refused(name: str, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "contract.json").write_text(json.dumps(contract | {"name": name}))
    seal(bundle)
    with pytest.raises(SiteError, match="a bundle's name is part of its address"):
        build_site([bundle], tmp_path / "site")


def test_a_text_that_became_an_element_would_be_found(browser: Browser) -> None:
    page = browser.new_page()
    for text in (IMAGE, f"<b>{SCRIPT.removeprefix('</script>')}</b>", "<p onclick=1>x</p>"):
        page.set_content(f"<body><p>{text}</p></body>")
        assert made(page) != [], text
        page.evaluate("delete window.pwned")
    page.set_content(f"<body><p>{IMAGE.replace('<', '&lt;')}</p></body>")
    assert made(page) == []
    page.close()
