"""Every estimator of scikit-learn, exported and held against the original: `make coverage` writes docs/coverage.md."""

import argparse
import concurrent.futures
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from coverage_cases import Case, cases
from coverage_plain import plain
from sklearn.utils import all_estimators

from export.measure import Measured, measure

KINDS = ("classifier", "regressor", "transformer", "other")
TARGETS = {"classifier": 41, "regressor": 52, "transformer": 65}
TEXT_TRANSFORMERS = {"CountVectorizer", "TfidfVectorizer"}  # scikit-learn does not list these two as transformers
ORDER = ("WRONG", "refused", "rounding", "identical")
VARIANTS = ("alone", "multiclass", "pipeline", "imputed", "missing")
HEAD = """\
# Coverage: every estimator of scikit-learn

Made by `make coverage`; do not edit. Each estimator is fitted alone, on more than two classes, behind a
ColumnTransformer on a table of numbers and words, behind an imputer, and on missing numbers where its tags allow them.
Every variant that scikit-learn itself accepts is exported and held against the original on real, recombined, boundary,
special, missing and unseen rows.

- **identical**: 0 float64 steps apart. **rounding**: float64 arithmetic in another order, at most 1e-12 of the output's
  scale, and no decidable label differs. **refused**: nothing is written; the reasons stand below. **WRONG**: a defect.
  The largest ulp is of numbers above 1e-12 of the scale: a probability near 0 moves by many small steps.
- **plain skl2onnx**: the same estimator by skl2onnx's usual float32 export, on rows of the table alone; it agrees where
  labels are equal and numbers within 1e-3 of the output's scale."""
OUT = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"


@dataclass(frozen=True)
class Result:
    """What one variant showed.

    Attributes:
        variant: see `coverage_cases.cases`.
        measured: our export beside the original; None where scikit-learn itself rejects the variant.
        plain: what plain skl2onnx does.
        reason: what scikit-learn said.
    """

    variant: str
    measured: Measured | None
    plain: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """What one estimator showed in one role."""

    kind: str
    name: str
    results: list[Result]

    @property
    def verdict(self) -> str:
        """The worst over the variants; `no rows` where scikit-learn accepts none of them."""
        found = {result.measured.verdict for result in self.results if result.measured}
        return next((verdict for verdict in ORDER if verdict in found), "no rows")

    @property
    def plain(self) -> str:
        """The worst that plain skl2onnx does over the variants."""
        found = [result.plain for result in self.results if result.measured]
        order = ("differs", "does not run", "refused", "agrees")
        return next((text for word in order for text in found if text.startswith(word)), "")

    @property
    def ulp(self) -> int:
        """The largest distance in float64 steps."""
        return max((result.measured.ulp for result in self.results if result.measured), default=0)

    @property
    def apart(self) -> float:
        """The largest difference, as a share of the output's scale."""
        return max((result.measured.apart for result in self.results if result.measured), default=0.0)


def listed() -> list[tuple[str, str, type]]:
    """(kind, name, class) of every estimator that answers or transforms rows."""
    found: list[tuple[str, str, type]] = []
    for kind in KINDS[:-1]:
        found += [(kind, name, cls) for name, cls in all_estimators(kind)]
    models = {name for kind, name, _ in found if kind != "transformer"}
    for name, cls in all_estimators():
        if name in TEXT_TRANSFORMERS:
            found.append(("transformer", name, cls))
        elif hasattr(cls, "predict") and name not in models:
            found.append(("other", name, cls))
    return sorted(found, key=lambda row: (KINDS.index(row[0]), row[1]))


def examine(kind: str, name: str, cls: type) -> Row:
    """Fit and measure every variant of one estimator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Row(kind, name, [_result(kind, case) for case in cases(name, cls, kind)])


def _result(kind: str, case: Case) -> Result:
    if case.estimator is None:
        return Result(case.variant, None, reason=case.reason)
    transformer = kind == "transformer"
    if not hasattr(case.estimator, "transform" if transformer else "predict"):
        return Result(case.variant, None, reason="it answers only the rows that it was fitted on")
    try:
        found = measure(case.estimator, case.X, transformer=transformer)
    except Exception as error:  # whatever it is, it is neither exact nor a refusal
        found = Measured("WRONG", reason=f"{type(error).__name__}: {error}")
    return Result(case.variant, found, plain(case.estimator, case.X, transformer))


def document(rows: Sequence[Row]) -> str:
    """docs/coverage.md."""
    lines = [
        *HEAD.splitlines(),
        "",
        ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "skl2onnx", "onnxruntime")) + ".",
        "",
        "| | listed | exact in every variant | target | refused | plain skl2onnx agrees in every variant |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        of = [row for row in rows if row.kind == kind]
        refused = sum(row.verdict == "refused" for row in of)
        agrees = sum(row.plain == "agrees" for row in of)
        lines.append(f"| {kind}s | {len(of)} | {exact(of)} | {TARGETS.get(kind, '')} | {refused} | {agrees} |")
    for kind in KINDS:
        lines += [
            "",
            f"## {kind.capitalize()}s",
            "",
            "| | ours | variants | largest ulp | largest difference | plain skl2onnx |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in rows if row.kind == kind]
    lines += ["", "## Why the refused ones are refused", ""]
    lines += [f"- **{row.name}** ({row.kind}): {_why(row)}" for row in rows if row.verdict in {"refused", "no rows"}]
    return "\n".join(lines) + "\n"


def exact(rows: Sequence[Row]) -> int:
    """How many are identical or rounding in every variant."""
    return sum(row.verdict in {"identical", "rounding"} for row in rows)


def _line(row: Row) -> str:
    told = [f"{result.variant} {result.measured.verdict}" for result in row.results if result.measured]
    same = len({text.split()[1] for text in told}) == 1
    variants = ", ".join(text.split()[0] if same else text for text in told)
    return f"| {row.name} | {row.verdict} | {variants} | {row.ulp} | {row.apart:.2g} | {row.plain} |"


def _why(row: Row) -> str:
    measured = [r.measured.reason for r in row.results if r.measured and r.measured.verdict == "refused"]
    reasons = measured or [f"scikit-learn rejects this table: {result.reason}" for result in row.results]
    return " ".join(reasons[0].split()).replace("|", "\\|")[:400]


def main() -> int:
    """Examine all estimators, or those named, and write the document.

    Returns:
        1 where an export is wrong or a target is missed, else 0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="classes to examine; default: all, and the document is written")
    names = set(parser.parse_args().names)
    chosen = [row for row in listed() if not names or row[1] in names]
    started = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(examine, *each) for each in chosen]
        for done in concurrent.futures.as_completed(waiting):
            _print(done.result())
        rows = [each.result() for each in waiting]
    wrong = [row.name for row in rows if row.verdict == "WRONG"]
    print(f"{len(rows)} estimators in {time.monotonic() - started:.0f} s; wrong: {', '.join(wrong) or 'none'}")
    if names:
        return int(bool(wrong))
    OUT.write_text(document(rows), encoding="utf-8")
    missed = [kind for kind, least in TARGETS.items() if exact([row for row in rows if row.kind == kind]) < least]
    for kind in missed:
        print(f"{kind}s: {exact([row for row in rows if row.kind == kind])} are exact, {TARGETS[kind]} must be")
    return int(bool(wrong or missed))


def _print(row: Row) -> None:
    print(f"{row.verdict:10} {row.kind:12} {row.name}", flush=True)
    for result in row.results:
        found: Any = result.measured
        told = (
            result.reason
            if found is None
            else f"{found.verdict} {found.ulp} ulp, {found.apart:.2g} {found.reason[:150]}"
        )
        if found is not None and found.verdict == "WRONG":
            told += f" {found.labels} labels differ; {str(found.worst)[:200]}"
        print(f"    {result.variant:10} {told}; plain: {result.plain}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
