"""Metrics of requests in CloudWatch's embedded format: Powertools makes the document, one line per request."""

import json
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, repeat
from operator import mul
from typing import Any

from lambda_handler.bundle import Bundle
from lambda_handler.capture import write_line
from lambda_handler.contract import Contract, ContractError
from lambda_handler.decide import DECIDED, REFERRED, SHADOWED, SUGGESTED, number_of
from lambda_handler.predictor import Answers
from lambda_handler.problem import TITLES, RequestError, encode_json

NAMESPACE, SERVICE = "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"
RELEASE = "AWS_LAMBDA_FUNCTION_VERSION"
SHARES = {"MissingShare": "imputed", "OutOfRangeShare": "out_of_range", "UnseenShare": "unseen"}
DECISIONS = {
    DECIDED: "DecisionsAutomated",
    SUGGESTED: "DecisionsSuggested",
    REFERRED: "DecisionsReferred",
    SHADOWED: "DecisionsShadowed",
}
UNITS = {
    "Latency": "Milliseconds",
    "Rows": "Count",
    "ColdStart": "Count",
    "RequestErrors": "Count",
    **{f"RequestErrors{status}": "Count" for status in TITLES},
    **dict.fromkeys(SHARES, "Percent"),
    "NullOutputs": "Count",
    "MeanScore": "None",
    "ScoreShift": "None",
    **dict.fromkeys(DECISIONS.values(), "Count"),
    "DecisionsPositive": "Count",
    "RepeatedQueries": "Count",
    "Memory": "Megabytes",
}
REJECTED = "RequestErrors422"
WATCHED = (REJECTED, "RequestErrors500", "ScoreShift")  # what alarms read: also by service alone, and by release
PAGE = os.sysconf("SC_PAGE_SIZE")
REMEMBERED = 10_000  # queries; twice as many at most


class Meter:
    """The metrics of one container.

    Args:
        contract: of the model; its version is a dimension.
        training: the mean and the standard deviation of the scores in training; None where there are none.
        namespace: of the metrics.
        service: a dimension of all.
        release: the function's version, a dimension of what alarms read.
        write: takes each line.
    """

    def __init__(
        self,
        contract: Contract,
        training: tuple[float, float] | None,
        namespace: str,
        service: str,
        release: str,
        write: Callable[[str], None] = write_line,
    ) -> None:
        from aws_lambda_powertools.metrics import EphemeralMetrics  # here: where nothing is metered it is not needed

        self._all = EphemeralMetrics(namespace=namespace, service=service)
        for name, value in (("service", service), ("version", contract.version)):
            self._all.add_dimension(name, value)
        self._watched = EphemeralMetrics(namespace=namespace, service=service)
        self._watched.add_dimensions(service=service, release=release)
        self._forms: dict[tuple[str, ...], tuple[str, str]] = {}
        self._write = write
        self._cells = len(contract.features)
        self._number = number_of(contract)
        self._training = training
        threshold, (target, *_) = contract.threshold, contract.form.targets
        self._positive = None if threshold is None else target.classes.index(threshold["class"])
        self._seen = Seen()
        self._memory = _open_memory()
        self._cold = True
        self._request = threading.local()

    def begin(self) -> None:
        """A request has come."""
        self._request.start, self._request.sums = time.perf_counter(), {}

    def count(self, answers: Answers, kinds: Mapping[str, int]) -> None:
        """Rows of it are answered; a request may have several such parts.

        Args:
            answers: the model's own, with their warnings.
            kinds: how many rows were decided, suggested, referred, shadowed, as `Decider.kinds` has it.
        """
        warned = [warning["kind"] for warnings in answers.warnings for warning in warnings]
        found: dict[str, float] = {"Rows": len(answers.warnings), "NullOutputs": 0}
        for name, kind in SHARES.items():
            found[name] = warned.count(kind)
        if self._number is not None:
            found["MeanScore"] = sum(self._number(answers))
        if self._positive is not None:
            found["DecisionsPositive"] = answers.labels.count(self._positive)
        for kind, number in kinds.items():
            found[DECISIONS[kind]] = number
        found["RepeatedQueries"] = self._seen.again(answers.columns)
        before = self._request.sums
        self._request.sums = {name: before[name] + value for name, value in found.items()} if before else found

    def end(self, error: Exception | None, request_id: str | None) -> None:
        """The request is over; one that neither asked for rows nor failed is not counted.

        Args:
            error: what it ended with.
            request_id: stands in the line, as no dimension.
        """
        about: dict[str, Any] = {"request_id": request_id}
        values = self._shares(self._request.sums) if error is None else self._errors(error, about)
        if not values:
            return
        values["RequestErrors"] = int(error is not None)
        values.setdefault(REJECTED, 0)
        values["ColdStart"] = int(self._cold)
        values["Latency"] = 1e3 * (time.perf_counter() - self._request.start)
        self._cold = False
        if self._memory is not None:
            values["Memory"] = resident_megabytes(self._memory)
        names = tuple(values)
        definitions, dimensions = self._forms.get(names) or self._form(names)
        rest = encode_json(about | values)[1:]
        self._write(f'{{"_aws":{{"Timestamp":{time.time_ns() // 1_000_000},{definitions}}},{dimensions},{rest}')

    def _shares(self, sums: dict[str, float]) -> dict[str, float]:
        """Sums as metrics: of cells and scores the mean."""
        if not sums:
            return {}
        for name in SHARES:
            sums[name] *= 100 / (sums["Rows"] * self._cells)
        if "MeanScore" in sums:
            sums["MeanScore"] /= sums["Rows"]
            if self._training is not None:
                sums["ScoreShift"] = (sums["MeanScore"] - self._training[0]) / self._training[1]
        return sums

    def _errors(self, error: Exception, about: dict[str, Any]) -> dict[str, float]:
        """What a refused or a failed request counts; the kinds of its problems go into `about`."""
        if isinstance(error, ContractError):
            kinds = Counter(problem["kind"] for problem in error.problems)
            about["problem_kinds"] = kinds
            return {"RequestErrors422": 1, "NullOutputs": kinds["no_answer"]}
        return {f"RequestErrors{error.status if isinstance(error, RequestError) else 500}": 1}

    def _form(self, names: tuple[str, ...]) -> tuple[str, str]:
        """Powertools' document for these metrics, in two pieces of JSON: made once, for it costs 20 times as much."""
        definitions: list[Any] = []
        dimensions: dict[str, Any] = {}
        for document, chosen in ((self._all, names), (self._watched, [name for name in names if name in WATCHED])):
            metrics = {name: {"Unit": UNITS[name], "Value": [0]} for name in chosen}
            made: dict[str, Any] = {**document.serialize_metric_set(metrics=metrics)}
            definitions += made.pop("_aws")["CloudWatchMetrics"]
            dimensions |= {name: value for name, value in made.items() if name not in metrics}
        pieces = encode_json({"CloudWatchMetrics": definitions})[1:-1], encode_json(dimensions)[1:-1]
        self._forms[names] = pieces
        return pieces


class Seen:
    """Whether a query came before in this container, by salted hashes: no value is kept."""

    def __init__(self) -> None:
        self._salt = os.urandom(16)
        self._new: set[int] = set()
        self._old: set[int] = set()

    def again(self, columns: Sequence[Sequence[Any]]) -> int:
        """How many rows were asked before, in this request or an earlier one; they are remembered.

        Args:
            columns: graph values; of one missing number there is one NaN alone, so that it is found again.
        """
        found = set(map(hash, zip(repeat(self._salt), *columns)))
        fresh = found - self._new
        unknown = fresh - self._old
        if len(self._new) + len(found) > REMEMBERED:
            self._old, self._new = self._new, found
        else:
            self._new |= fresh
        return len(columns[0]) - len(unknown)


def meter_of(bundle: Bundle) -> Meter | None:
    """The meter that the environment asks for, by Powertools' own variables; None where it names no namespace."""
    namespace = os.environ.get(NAMESPACE)
    if not namespace:
        return None
    from aws_lambda_powertools.metrics.functions import is_metrics_disabled

    if is_metrics_disabled():
        return None
    contract = bundle.contract
    training = None if number_of(contract) is None else training_scores(json.loads(bundle.read("reference.json")))
    service = os.environ.get(SERVICE) or contract.name
    return Meter(contract, training, namespace, service, os.environ.get(RELEASE) or "$LATEST")


def training_scores(reference: Mapping[str, Any]) -> tuple[float, float] | None:
    """The mean and the standard deviation of the scores in training, each taken for the middle of its bin.

    Returns:
        None where the reference has no bins, or all scores are one.
    """
    edges, counts = reference["answers"].get("edges", []), reference["answers"].get("counts", [])
    total = sum(counts)
    if not total:
        return None
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    mean = sum(map(mul, middles, counts)) / total
    spread = math.sqrt(sum(count * (middle - mean) ** 2 for middle, count in zip(middles, counts, strict=True)) / total)
    return (mean, spread) if spread > 0 else None


def resident_megabytes(statm: int) -> float:
    """The process's resident memory, from an open /proc/self/statm."""
    return int(os.pread(statm, 64, 0).split()[1]) * PAGE / 1e6


def _open_memory() -> int | None:
    try:
        return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # another system than Linux: then there is no such metric
        return None
