"""schemathesis with all its checks against the served API and the document that it serves.

Run by `make schemathesis`, for a model of each kind. Exit code 1 where a check failed, or fewer cases than promised
were sent.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from deploy.serve import app, background_server
from tests.bundle_factory import CLASSES, make_bundle

ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).with_name("schemathesis")
COUNT = re.compile(r"([\d,]+) generated")
LEAST = 10_000  # cases


@dataclass(frozen=True)
class Outcome:
    """What one run showed.

    Attributes:
        cases: requests that were generated and sent.
        holds: whether every check of every case held.
        said: what schemathesis printed.
    """

    cases: int
    holds: bool
    said: str


def run(bundle: Path, site: Path, examples: int, *options: str) -> Outcome:
    """Test the API of one bundle.

    Args:
        bundle: the folder.
        site: what lies at "/".
        examples: cases per operation in the fuzzing phase, at most.
        options: of `schemathesis run`.
    """
    settings = {
        "SCHEMATHESIS_HOOKS": "benchmarks.schema_hooks",
        "SELFSAME_BUNDLE": str(bundle),
        "PYTHONPATH": str(ROOT),
    }
    with background_server(app([bundle], site)) as url, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        command = [COMMAND, "--no-color", "--config-file", ROOT / "benchmarks" / "schemathesis.toml", "run"]
        command += [f"{url}/openapi.json", "--checks", "all", "--max-examples", str(examples), "--continue-on-failure"]
        command += ["--generation-database", "none", *options]
        told = subprocess.run(
            command, capture_output=True, text=True, cwd=site, env={**os.environ, **settings}, check=False
        )
    found = COUNT.search(told.stdout)
    cases = int(found[1].replace(",", "")) if found else 0
    return Outcome(cases, told.returncode == 0 and cases > 0, told.stdout + told.stderr)


def main() -> int:
    """Test every kind of model, and say how many cases that took."""
    parser = argparse.ArgumentParser(prog="make schemathesis", description=__doc__)
    parser.add_argument("--examples", type=int, default=400, help="cases per operation, at most")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start, total, failed = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="selfsame-schemathesis-") as name:
        site = Path(name) / "site"
        site.mkdir()
        for task in CLASSES:
            bundle = make_bundle(Path(name) / task, task=task)
            outcome = run(bundle, site, options.examples, "--seed", str(options.seed))
            total, failed = total + outcome.cases, failed + (not outcome.holds)
            print(f"{task}: {outcome.cases:,} cases, {'every check held' if outcome.holds else 'FAILED'}", flush=True)
            if not outcome.holds:
                print("\n".join(line[:500] for line in outcome.said.splitlines()), file=sys.stderr)
    print(f"{total:,} cases in {time.monotonic() - start:.0f} s")
    if total < LEAST:
        print(f"at least {LEAST:,} are wanted; raise --examples", file=sys.stderr)
    return int(failed > 0 or total < LEAST)


if __name__ == "__main__":
    sys.exit(main())
