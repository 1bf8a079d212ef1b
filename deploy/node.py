"""Rows -> answers in node: the page's own modules, with onnxruntime-web or the page's evaluator, without a browser."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parents[1] / "web_demo" / "js" / "replay-node.mjs"
TIME_LIMIT = 300  # seconds
UNKNOWN_OPERATOR = 3  # the script's exit code


class NodeReplayError(RuntimeError):
    """The replay in node did not come to an end: what was got, what to do."""

    def __init__(self, got: str, remedy: str) -> None:
        super().__init__(f"the replay in node must give one answer per row; {got}. {remedy}")


class UnknownOperatorError(NodeReplayError):
    """The page's evaluator does not know an operator of the model; the page waits for onnxruntime-web."""

    def __init__(self, said: str) -> None:
        RuntimeError.__init__(self, said)


def replay_node(bundle: Path, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Answer rows with onnxruntime-web in node, the accepted rows as one batch.

    Args:
        bundle: the bundle's folder.
        rows: JSON values, normally dicts of feature name and value; None = missing.

    Returns:
        One dict per row: a prediction as docs/bundle.md has it, floats exact, or `{"rejected": [problem, …]}`.

    Raises:
        NodeReplayError: node is not there, or the script failed; the message is the script's own.
        ValueError: a row holds NaN or an infinite number, which JSON does not have.
    """
    return _replay(bundle, rows, "onnxruntime-web")


def replay_js(bundle: Path, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Answer rows with the page's evaluator in node; else as `replay_node`.

    Raises:
        UnknownOperatorError: the model holds an operator that the evaluator does not know; it is named.
    """
    return _replay(bundle, rows, "evaluator")


def _replay(bundle: Path, rows: Sequence[Any], engine: str) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        raise NodeReplayError("there is no `node`", "Install Node 20 or later.")
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    done = subprocess.run(  # noqa: S603 - our own script; no shell
        [node, str(SCRIPT), str(bundle), engine], input=lines, capture_output=True, check=False, encoding="utf-8",
        timeout=TIME_LIMIT,
    )  # fmt: skip
    if done.returncode == UNKNOWN_OPERATOR:
        raise UnknownOperatorError(done.stderr.strip())
    if done.returncode != 0:
        raise NodeReplayError(f"it stopped with: {done.stderr.strip()}", "See whether `make setup` has run.")
    answers: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(rows):
        raise NodeReplayError(f"there are {len(answers)} answers for {len(rows)} rows", "Report this as a defect.")
    return answers
