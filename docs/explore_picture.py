"""Make docs/screens/explore-loan-1440.png from the simulated loans: `python -m docs.explore_picture`."""

import sys
import tempfile
from pathlib import Path

from deploy.browser import open_chromium
from train.explore import explore
from train.simulated import write_simulated

PICTURE = Path(__file__).parent / "screens" / "explore-loan-1440.png"


def main() -> int:
    """Explore the simulated table and photograph the report's first screen."""
    with tempfile.TemporaryDirectory(prefix="selfsame-explore-") as folder, open_chromium() as browser:
        data, _ = write_simulated("loan", Path(folder))
        out = explore(data, "default", Path(folder) / "out").path
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page.goto((out / "explore.html").as_uri())
        page.screenshot(path=PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
