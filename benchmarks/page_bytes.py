"""Bytes over the wire, file by file: `python -m benchmarks.page_bytes SITE`, a site that `selfsame site` wrote.

The page without runtime and model has a budget; the command ends with 1 where it is over. It is what opening the page
loads, with all of its parts; what reads and scores a dropped file is loaded with the first one. The evaluator is a
runtime and has a budget of its own.
"""

import argparse
import sys
from pathlib import Path

PAGE_BUDGET = 60_000  # bytes, brotli
EVALUATOR_BUDGET = 20_000


def page_bytes(site: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Brotli bytes of each file that opening the page loads, by path: no library, no bundle, no icon.

    Returns:
        Those of the page, and those of the evaluator.
    """
    [assets] = site.glob("assets/page-*")
    files = [
        "index.html",
        "bundles.json",
        *(path.relative_to(site).as_posix() for path in sorted(assets.glob("*/*.*s"))),
    ]
    sizes = {name: _packed(site / name, ".br") for name in files if "score-worker" not in name}
    evaluator = {name: size for name, size in sizes.items() if name.endswith("/evaluate.js")}
    return {name: size for name, size in sizes.items() if name not in evaluator}, evaluator


def _packed(path: Path, suffix: str) -> int:
    return path.with_name(path.name + suffix).stat().st_size


def main(site: Path) -> int:
    """Print a table of the site's files and the page's sum."""
    page, evaluator = page_bytes(site)
    print(f"{'raw':>12} {'gzip':>10} {'brotli':>10}  file")
    for copy in sorted(site.rglob("*.br")):
        path = copy.with_suffix("")
        sizes = (path.stat().st_size, _packed(path, ".gz"), _packed(path, ".br"))
        print(f"{sizes[0]:12,} {sizes[1]:10,} {sizes[2]:10,}  {path.relative_to(site)}")
    total, rest = sum(page.values()), sum(evaluator.values())
    print(f"\nThe page without runtime and model: {total:,} bytes brotli in {len(page)} files; budget {PAGE_BUDGET:,}.")
    print(f"Its evaluator: {rest:,} bytes brotli in {len(evaluator)} files; budget {EVALUATOR_BUDGET:,}.")
    return 0 if total <= PAGE_BUDGET and rest <= EVALUATOR_BUDGET else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("site", type=Path)
    sys.exit(main(parser.parse_args().site))
