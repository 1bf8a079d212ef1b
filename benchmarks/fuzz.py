"""Fuzz what reads requests, guided by the lines of lambda_handler that each case reaches (atheris, libFuzzer).

Run by `make fuzz`, which installs atheris beside the environment. Every answer is held against `fuzz_oracle.py`. The
first case that fails is shown with its stack and written to the folder that --out names; then the exit code is 77.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lambda_handler"]):
    from benchmarks.fuzz_cases import TOKENS, Cases, make_models, mutated
    from lambda_handler import each, explain, feedback, page, table, v2  # noqa: F401 - else imported later, and not instrumented

LONGEST = 1 << 16  # bytes of a case
SILENT = 25.0  # seconds that one case may take


def main() -> int:
    """Fuzz for as long as told."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder for a case that fails")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "selfsame"
    with tempfile.TemporaryDirectory(prefix="selfsame-fuzz-") as name:
        folder = Path(name)
        cases = Cases(make_models(folder))
        seeds, corpus, words = cases.seeds(), folder / "corpus", folder / "words"
        corpus.mkdir()
        for place, seed in enumerate(seeds):
            (corpus / f"{place}").write_bytes(seed)
        words.write_text("".join(f'"{_escaped(token)}"\n' for token in TOKENS if len(token) < 60))
        end = time.monotonic() + 60 * options.minutes

        def test(case: bytes) -> None:
            cases.run(case)
            if time.monotonic() > end:
                _show(cases, options.minutes)
                shutil.rmtree(folder)
                os._exit(0)  # libFuzzer has no other way to be ended from within

        def change(case: bytes, longest: int, seed: int) -> bytes:
            chance = random.Random(seed)
            made = mutated(case, seeds, chance) if chance.random() < 0.5 else atheris.Mutate(case, longest)
            return made[:longest]

        told = [f"-max_len={LONGEST}", f"-seed={options.seed}", f"-timeout={SILENT:g}", f"-dict={words}"]
        told += ["-rss_limit_mb=0", "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={options.out}/"]
        atheris.Setup([sys.argv[0], *told, str(corpus)], test, custom_mutator=change)
        atheris.Fuzz()
    return 0


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def _show(cases: Cases, minutes: float) -> None:
    print(f"{sum(cases.seen.values()):,} cases in {minutes:g} minutes, every answer right, no 5xx")
    for what, count in sorted(cases.seen.items()):
        print(f"  {what:<16} {count:>10,}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
