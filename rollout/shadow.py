"""The challenger: it scores captured rows in shadow and publishes how far its answers are from the champion's.

CloudWatch Logs hands over the capture records (docs/lambda.md) of the function that answers callers; no caller waits
for this one, and its answers reach nobody.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from lambda_handler.contract import Contract
from lambda_handler.golden import replay
from lambda_handler.predictor import Predictor

CAPTURE_FORMAT = 1
MOST_IDS = 1000  # prediction ids named in one log line


class CaptureError(ValueError):
    """A log line that is no capture record of this build's format: the rule, what was got, what to do."""

    def __init__(self, got: str) -> None:
        rule = f"a capture record has format {CAPTURE_FORMAT} and predictions with id, row, complete and answer"
        super().__init__(f"{rule}; got {got}. Deploy champion and challenger from one build.")


@dataclass
class Tally:
    """How the challenger's answers compare with the champion's.

    Attributes:
        scored: rows that both answered.
        not_scorable: rows that cannot be compared: a feature is not loggable, the challenger refuses the row, or the
            two give answers of different forms.
        disagreements: ids of scored predictions with another label.
        differences: per scored row with numbers, the mean absolute difference of its numbers.
    """

    scored: int = 0
    not_scorable: int = 0
    disagreements: list[str] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)


def make_shadow(bundle: Path) -> Callable[[Mapping[str, Any], object], dict[str, int]]:
    """Open the challenger's bundle and score log events with it.

    Returns:
        A function of a CloudWatch Logs subscription event and the Lambda context. It publishes metrics in embedded
        metric format on stdout and returns its counts: `scored`, `disagreements`, `not_scorable`, `unreadable`.

    Raises:
        BundleError: the folder is no bundle, of another format, or a file has changed.
    """
    predictor = Predictor.load(bundle)
    model = f"{predictor.contract.version}+{predictor.contract.model_sha256[:12]}"

    def shadow(event: Mapping[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
        tally, unreadable = Tally(), 0
        for line in log_lines(event):
            try:
                predictions = predictions_of(line)
            except CaptureError as error:
                unreadable += 1
                _print({"selfsame": "shadow", "format": 1, "challenger": model, "error": str(error)})
                continue
            score(predictor, predictions, tally)
        publish(model, tally, unreadable)
        counts = {"scored": tally.scored, "disagreements": len(tally.disagreements)}
        return {**counts, "not_scorable": tally.not_scorable, "unreadable": unreadable}

    return shadow


def log_lines(event: Mapping[str, Any]) -> Iterator[str]:
    """The log lines of a subscription event; a control message (the service tries the subscription) has none."""
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if batch["messageType"] == "DATA_MESSAGE":
        yield from (entry["message"] for entry in batch["logEvents"])


def predictions_of(line: str) -> list[dict[str, Any]]:
    """The predictions of a capture record; none where a page says so: nothing proves its answers.

    Raises:
        CaptureError: the line is no capture record, or of another format.
    """
    try:
        record = json.loads(line)
    except ValueError:
        raise CaptureError("a line that is no JSON") from None
    if not isinstance(record, dict) or record.get("selfsame") != "capture":
        raise CaptureError("another line")
    if record.get("format") != CAPTURE_FORMAT:
        raise CaptureError(f"format {json.dumps(record.get('format'))[:40]}")
    predictions = record.get("predictions")
    if not isinstance(predictions, list) or not all(_is_prediction(each) for each in predictions):
        raise CaptureError("predictions of another form")
    return [] if record.get("source") == "page" else predictions


def _is_prediction(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    kinds = {"id": str, "row": dict, "complete": bool, "answer": dict}
    return all(isinstance(value.get(name), kind) for name, kind in kinds.items())


def score(predictor: Predictor, predictions: list[dict[str, Any]], tally: Tally) -> None:
    """Answer the rows of captured predictions and add what was found to `tally`.

    Features that the challenger does not know are left out: it may need fewer than the champion.
    """
    complete = [each for each in predictions if each["complete"]]
    names = [feature.name for feature in predictor.contract.features]
    rows = [{name: each["row"][name] for name in names if name in each["row"]} for each in complete]
    tally.not_scorable += len(predictions) - len(complete)
    for captured, answer in zip(complete, replay(predictor, rows) if rows else [], strict=True):
        _compare(predictor.contract, captured, answer, tally)


def _compare(contract: Contract, captured: dict[str, Any], answer: dict[str, Any], tally: Tally) -> None:
    champion = contract.form.read(captured["answer"])
    challenger = None if "rejected" in answer else contract.form.read(answer)
    if champion is None or challenger is None:
        tally.not_scorable += 1
        return
    tally.scored += 1
    if any(type(a) is not type(b) or a != b for a, b in zip(champion[0], challenger[0], strict=True)):
        tally.disagreements.append(captured["id"])
    apart = [abs(a - b) for a, b in zip(champion[1], challenger[1], strict=True)]
    if apart:
        tally.differences.append(sum(apart) / len(apart))


def publish(model: str, tally: Tally, unreadable: int) -> None:
    """Print the metrics, and the ids of the predictions with another label; nothing where nothing was read.

    Args:
        model: the challenger's version and digest, a dimension of every metric.
        tally: what was found.
        unreadable: lines that were no capture records.
    """
    if not tally.scored and not tally.not_scorable and not unreadable:
        return
    # The namespace and the service are POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME (template.yaml).
    metrics = EphemeralMetrics()
    metrics.add_dimension("challenger", model)
    for difference in tally.differences:  # every row's, so that an average in CloudWatch weighs rows, not events
        metrics.add_metric("ShadowDifference", MetricUnit.NoUnit, difference)
    metrics.add_metric("ShadowRows", MetricUnit.Count, tally.scored)
    metrics.add_metric("ShadowDisagreements", MetricUnit.Count, len(tally.disagreements))
    metrics.add_metric("ShadowNotScorable", MetricUnit.Count, tally.not_scorable)
    metrics.add_metric("ShadowUnreadable", MetricUnit.Count, unreadable)
    if tally.scored:
        agreement = 1 - len(tally.disagreements) / tally.scored
        metrics.add_metric("ShadowAgreement", MetricUnit.NoUnit, agreement)
    metrics.flush_metrics()
    if tally.disagreements:
        ids = tally.disagreements[:MOST_IDS]
        _print({"selfsame": "shadow", "format": 1, "challenger": model, "disagreements": ids})


def _print(line: dict[str, Any]) -> None:
    print(json.dumps(line))  # noqa: T201 - Lambda's log
