"""Make the pictures of the shipped cases in docs/: `python -m docs.case_pictures [BUILD]`.

After `selfsame ship examples/house.toml` and `selfsame ship examples/loan.toml`, both on simulated tables, which leave
`house` and `loan` under BUILD (default: build).
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page
from sklearn.utils import estimator_html_repr

from deploy.browser import open_chromium, screenshot
from deploy.site import build_site
from train.run import read_run
from train.store import load_estimator

CASES = ("house", "loan")
# Of scikit-learn's drawing only the steps: what opens, copies or leads elsewhere means nothing in a picture.
PLAIN = """body { margin: 0; background: #fcfcfb; font-family: system-ui, sans-serif }
.sk-top-container { display: inline-block; padding: 12px 16px; font-size: 15px }
.sk-estimator-doc-link, .copy-paste-icon, .sk-toggleable__label-arrow::before,
.features .arrow { display: none !important }"""
SCREENS = Path(__file__).parent / "screens"
WIDTH = 1000  # CSS pixels
MARGIN = 16


def main() -> int:
    """Write prepare-house.png, compare-loan.png and house-prices-1440.png under screens/."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    for case in CASES:
        if not (build / case / "bundle").is_dir():
            sys.stderr.write(f"{build / case} is needed; run `selfsame ship examples/{case}.toml` first.\n")
            return 2
    with tempfile.TemporaryDirectory(prefix="selfsame-") as folder:
        with open_chromium() as browser:
            _pipeline(browser, build / "house" / "run", Path(folder) / "pipeline.html")
            _candidates(browser, build / "loan" / "run" / "report.html", SCREENS / "compare-loan.png")
        site = build_site([build / "house" / "bundle"], Path(folder) / "site")
        screenshot(site, "house-prices", SCREENS / "house-prices-1440.png", width=1440, height=900)
    return 0


def _pipeline(browser: Browser, run: Path, file: Path) -> None:
    """The linear candidate of the houses as scikit-learn draws it: what `[prepare]` became."""
    fitted = load_estimator(read_run(run).candidates["linear"])
    file.write_text(f"<!doctype html>{estimator_html_repr(fitted.regressor_)}<style>{PLAIN}</style>", encoding="utf-8")
    page = _opened(browser, file)
    page.locator(".sk-top-container").screenshot(path=SCREENS / "prepare-house.png")
    page.close()


def _candidates(browser: Browser, report: Path, picture: Path) -> None:
    """The part of a report from its candidates to the choice."""
    page = _opened(browser, report)
    first, last = (page.locator(text).first.bounding_box() for text in ("h2:text('Candidates')", "p:text('Chosen:')"))
    assert first is not None and last is not None, f"{report} compares nothing"
    height = last["y"] + last["height"] - first["y"] + 2 * MARGIN
    page.screenshot(
        path=picture, clip={"x": 0, "y": first["y"] - MARGIN, "width": WIDTH, "height": height}, full_page=True
    )
    page.close()


def _opened(browser: Browser, file: Path) -> Page:
    page = browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
    page.goto(file.resolve().as_uri())
    return page


if __name__ == "__main__":
    sys.exit(main())
