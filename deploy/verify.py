"""Replay the golden rows in every runtime and compare: with the original's answers, and with each other.

What a runtime needs is imported when it is asked for: the replay in Python needs numpy and onnxruntime alone.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.golden import Stratum, compare, replay
from lambda_handler.predictor import Predictor

RUNTIMES = ("python", "lambda", "node", "js", "browser")

Answers = list[dict[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """What the replays showed.

    Attributes:
        bundle: name and version.
        strata: runtime -> stratum -> what it showed.
        apart: pair of runtimes -> indices of the golden rows that they do not answer bit for bit alike.
        python: the version of Python that ran the Lambda package; None where it was not run.
        left_out: runtime -> why it answers nothing of this model; only the page's evaluator may do so.
    """

    bundle: str
    strata: dict[str, dict[str, Stratum]]
    apart: dict[str, list[int]]
    python: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every runtime gives the original's answers on every stratum."""
        return all(stratum.holds for strata in self.strata.values() for stratum in strata.values())

    def total(self, runtime: str) -> Stratum:
        """All strata of one runtime taken together."""
        strata = list(self.strata[runtime].values())
        return Stratum(
            rows=sum(each.rows for each in strata),
            labels_differ=sum(each.labels_differ for each in strata),
            outside=sum(each.outside for each in strata),
            undecidable=sum(each.undecidable for each in strata),
            max_ulp=max(each.max_ulp for each in strata),
            max_abs=max(each.max_abs for each in strata),
        )

    def as_json(self) -> dict[str, Any]:
        """The verdict as `selfsame verify --json` prints it."""
        return {
            "bundle": self.bundle,
            "holds": self.holds,
            "lambda_python": self.python,
            "runtimes": {
                runtime: {name: asdict(stratum) for name, stratum in strata.items()}
                for runtime, strata in self.strata.items()
            },
            "left_out": self.left_out,
            "apart": {pair: {"rows": len(rows), "which": rows} for pair, rows in self.apart.items()},
        }


def verify(path: Path, runtimes: Sequence[str] = RUNTIMES, report: Callable[[str], None] = lambda _: None) -> Verdict:
    """Replay a bundle's golden rows.

    Args:
        path: the bundle.
        runtimes: some of `RUNTIMES`. The page's evaluator, `js`, is left out beside others where it does not know an
            operator of the model; the page then waits for onnxruntime-web.
        report: called with the name of each runtime as its replay begins.

    Raises:
        BundleError: the bundle is broken.
        RuntimeError: a runtime cannot be run here; its own error says what to do.
    """
    bundle = read_bundle(path)
    golden = list(bundle.golden())
    rows = [line["row"] for line in golden]
    answers: dict[str, Answers] = {}
    python, left_out = None, {}
    for runtime in runtimes:
        report(runtime)
        if runtime == "lambda":
            from deploy.lambda_replay import run_lambda

            replayed = run_lambda(bundle.path, rows)
            answers[runtime], python = replayed.answers, replayed.python
        elif runtime == "js" and len(runtimes) > 1:
            from deploy.node import UnknownOperatorError, replay_js

            try:
                answers[runtime] = replay_js(bundle.path, rows)
            except UnknownOperatorError as error:
                left_out[runtime] = str(error)
        else:
            answers[runtime] = _replay(runtime, bundle, rows)
    strata = {runtime: compare(bundle.contract, golden, found) for runtime, found in answers.items()}
    names = list(answers)
    pairs = [(names[0], other) for other in names[1:]]
    if {"node", "js"} <= set(names[1:]):
        pairs.append(("node", "js"))  # the same answers to the last bit are promised here
    apart = {f"{one} = {other}": differing_rows(answers[one], answers[other]) for one, other in pairs}
    return Verdict(f"{bundle.contract.name} {bundle.contract.version}", strata, apart, python, left_out)


def differing_rows(first: Answers, second: Answers) -> list[int]:
    """Indices of rows whose label or numbers are not equal, or that only one of the two rejects."""
    return [
        index for index, (one, other) in enumerate(zip(first, second, strict=True)) if _essence(one) != _essence(other)
    ]


def _essence(answer: dict[str, Any]) -> object:
    if "rejected" in answer:
        return sorted((str(problem["feature"]), problem["kind"]) for problem in answer["rejected"])
    return {key: value for key, value in answer.items() if key != "warnings"}


def _replay(runtime: str, bundle: Bundle, rows: list[dict[str, Any]]) -> Answers:
    if runtime == "python":
        return replay(Predictor(bundle), rows)
    if runtime in {"node", "js"}:
        from deploy.node import replay_js, replay_node

        return (replay_node if runtime == "node" else replay_js)(bundle.path, rows)
    from deploy.browser import replay_browser
    from deploy.site import build_site

    with tempfile.TemporaryDirectory(prefix="selfsame-site-") as folder:
        site = build_site([bundle.path], Path(folder) / "site")
        return replay_browser(site, bundle.contract.name, rows)
