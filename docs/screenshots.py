"""Make the pictures in docs/ from the demo's bundles: `make screenshots` (after `make demo ARGS=--check`)."""

import sys
import tempfile
from pathlib import Path

from deploy.browser import screenshot
from deploy.site import build_site

BUNDLES = Path("build/demo/bundles")
DOCS = Path(__file__).parent


def main() -> int:
    """Write page.png, page-dark.png and page-phone.png."""
    if not BUNDLES.is_dir():
        sys.stderr.write("The demo's bundles are needed; there are none. Run `make demo ARGS=--check` first.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="selfsame-site-") as folder:
        site = build_site(sorted(BUNDLES.iterdir(), reverse=True), Path(folder) / "site")
        screenshot(site, "loan-default", DOCS / "page.png")
        screenshot(site, "loan-default", DOCS / "page-dark.png", dark=True)
        screenshot(site, "diabetes-progression", DOCS / "page-phone.png", width=360)
    return 0


if __name__ == "__main__":
    sys.exit(main())
