"""Make the pictures of an examination and a model card in docs/: `python docs/report_pictures.py`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from deploy.browser import open_chromium
from export import export_bundle
from export.source import read_source
from train.demo import diabetes_case, loan_case
from train.examine import examine
from train.fit import train_frame

SCREENS = Path(__file__).parent / "screens"
WIDTH, HEIGHT = 900, 620  # CSS pixels


def main() -> int:
    """Write examine-scores.png, examine-worst.png and record-card.png under screens/."""
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="selfsame-") as folder, open_chromium() as browser:
        loan = examine(train_frame(loan_case(), Path(folder) / "loan").path, along_rows=True) / "examine.html"
        take(browser, loan, "h1", SCREENS / "examine-scores.png")
        take(browser, loan, "h2:text('Where it does worst')", SCREENS / "examine-worst.png")
        source = read_source(train_frame(diabetes_case(), Path(folder) / "diabetes").path)
        bundle = Path(folder) / "bundles" / "diabetes-progression"
        export_bundle(source.estimator, source.X, bundle, about=source.about, effort="quick")
        take(browser, bundle / "card.html", "h2:text('How good is it?')", SCREENS / "record-card.png")
    return 0


def take(browser: Browser, page_file: Path, begin: str, picture: Path) -> None:
    """Take a picture of a page from an element on."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(page_file.resolve().as_uri())
    box = page.locator(begin).first.bounding_box()
    assert box is not None, f"{begin} is not on {page_file}"
    top = max(0.0, box["y"] - 16)
    page.screenshot(path=picture, clip={"x": 0, "y": top, "width": WIDTH, "height": HEIGHT}, full_page=True)
    page.close()


if __name__ == "__main__":
    raise SystemExit(main())
