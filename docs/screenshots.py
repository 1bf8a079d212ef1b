"""Make the pictures in docs/ from the demo's bundles: `make screenshots` (after `make demo ARGS=--check`)."""

import sys
import tempfile
from pathlib import Path

from deploy.browser import screenshot
from deploy.site import build_site

BUNDLES = Path("build/demo/bundles")
DOCS = Path(__file__).parent
CASES = ("loan-default", "diabetes-progression", "digits", "tourist-stops")
WINDOWS = {360: 740, 1440: 900}  # width -> height, in CSS pixels


def main() -> int:
    """Write page.png, a page whole, and under screens/ each case's first screen, light and dark."""
    if not all((BUNDLES / name).is_dir() for name in CASES):
        sys.stderr.write("The demo's bundles are needed; they are not there. Run `make demo ARGS=--check` first.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="selfsame-site-") as folder:
        site = build_site([BUNDLES / name for name in CASES], Path(folder) / "site")
        screenshot(site, "loan-default", DOCS / "page.png")
        (DOCS / "screens").mkdir(exist_ok=True)
        for name in CASES:
            for width, height in WINDOWS.items():
                for dark in (False, True):
                    picture = DOCS / "screens" / f"{name}-{width}{'-dark' if dark else ''}.png"
                    screenshot(site, name, picture, width=width, height=height, dark=dark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
