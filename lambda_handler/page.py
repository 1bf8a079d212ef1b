"""Answers that a visitor's page made and sends with consent: checked, and written as capture records.

They are what a browser says, and nothing proves them: each record is marked `"source": "page"`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lambda_handler.answer import Form, Target
from lambda_handler.capture import capture_lines
from lambda_handler.contract import Contract, Problem, describe
from lambda_handler.decide import Decided
from lambda_handler.interval import Interval
from lambda_handler.problem import MAX_ERRORS, RequestError, encode_json
from lambda_handler.value import Broken, Feature, check_of, send

MOST_BYTES = 65_536  # of a request: what browsers send of a page that is being closed
MOST_CAPTURES = 100
SOURCE = "page"
SLACK = 1e-9  # by which a probability may lie beyond 0 or 1: sums round

Capture = tuple[dict[str, Any], dict[str, Any]]  # the row's loggable values, and the answer


class PageCaptureError(RequestError):
    """Answers of a page that are none (422)."""

    status = 422

    def __init__(self, problems: list[Problem]) -> None:
        count = len(problems)
        rule = "Each capture must hold the loggable values of a row and this model's answer to it"
        super().__init__(f"{rule}; problems found: {count:,}.", error_count=count, errors=problems[:MAX_ERRORS])


class _Wrong(Exception):  # noqa: N818 - never reaches a caller: it carries a reason out of a check
    """What is wrong with an answer."""


def read_captures(contract: Contract, value: Any) -> list[Capture]:
    """The captures of a request: `{"model": SHA-256, "captures": [{"row": {…}, "answer": {…}}, …]}`.

    A row holds every loggable feature. Values of other features of the contract may stand beside them: they are dropped
    unread.

    Raises:
        PageCaptureError: lists each capture and key that is not as it must be, or the model is another one.
    """
    if not isinstance(value, dict) or value.keys() != {"model", "captures"} or not isinstance(value["captures"], list):
        raise _refusal("body", 'The body must be an object of "model" and a list "captures"', describe(value))
    if value["model"] != contract.model_sha256:
        rule = f"The answers must be those of the model with the SHA-256 {contract.model_sha256}"
        raise _refusal("model", rule, describe(value["model"]))
    entries = value["captures"]
    if not 1 <= len(entries) <= MOST_CAPTURES:
        raise _refusal("body", f"There must be 1 to {MOST_CAPTURES} captures", f"{len(entries):,}")
    problems: list[Problem] = []
    found = [_capture(contract, index, entry, problems) for index, entry in enumerate(entries)]
    if problems:
        raise PageCaptureError(problems)
    return found


def page_lines(
    contract: Contract, model: Mapping[str, str], captures: list[Capture], stem: str, request_id: str | None
) -> Iterator[str]:
    """The records of one request; nothing was decided with these answers.

    Args:
        contract: says which features are loggable.
        model: name, version and SHA-256.
        captures: as `read_captures` gives them.
        stem: what the ids of the request begin with.
        request_id: Lambda's.
    """
    rows, answers = zip(*captures, strict=True)
    ids = [{"id": f"{stem}-{index}"} for index in range(len(captures))]
    decided = Decided(ids, [None] * len(ids))
    return capture_lines(contract, model, rows, answers, decided, request_id, source=SOURCE)


def _refusal(kind: str, rule: str, got: str) -> PageCaptureError:
    return PageCaptureError([_problem(None, None, kind, f"{rule}; got {got}.")])


def _capture(contract: Contract, index: int, entry: Any, problems: list[Problem]) -> Capture:
    if not isinstance(entry, dict) or entry.keys() != {"row", "answer"} or not isinstance(entry["row"], dict):
        reason = f"A capture is an object of row, an object, and answer; got {describe(entry)}."
        problems.append(_problem(index, None, "row", reason))
        return {}, {}
    row = _loggable(contract, index, entry["row"], problems)
    try:
        return row, _answer(contract, entry["answer"])
    except _Wrong as wrong:
        problems.append(_problem(index, None, "answer", f"{wrong}."))
        return {}, {}


def _loggable(contract: Contract, index: int, row: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    known = {feature.name for feature in contract.features}
    for name in (name for name in row if name not in known):
        problems.append(_problem(index, name[:80], "unknown", f"{describe(name)[9:]} is no feature of this model."))
    kept: dict[str, Any] = {}
    for feature in contract.features:
        if not feature.loggable:
            continue
        try:
            kept[feature.name] = _value(contract, feature, row)
        except Broken as broken:
            problems.append(_problem(index, feature.name, broken.kind, broken.reason))
    return kept


def _value(contract: Contract, feature: Feature, row: dict[str, Any]) -> Any:
    """The value as sent.

    Raises:
        Broken: it is not there, or the feature does not take it.
    """
    if feature.name not in row:
        raise Broken("absent", f"{feature.name} is required and is not there. {send(feature)}")
    check_of(feature, contract.missing_code)(row[feature.name], [])
    return row[feature.name]


def _answer(contract: Contract, given: Any) -> dict[str, Any]:
    """An answer with the keys of the contract's form, in its order.

    Raises:
        _Wrong: it has another form, or holds what this model never answers.
    """
    form = contract.form
    if form.ranking is not None:
        return _ranking(form, given)
    if form.interval is not None:
        return _with_interval(form.targets[0], form.interval, given)
    if not form.several:
        return _part(form.targets[0], form.numbers, given)
    names = [str(target.name) for target in form.targets]
    if not isinstance(given, dict) or given.keys() != {"targets"}:
        raise _Wrong(f"answer is an object of targets alone; got {describe(given)}")
    parts = given["targets"]
    if not isinstance(parts, dict) or parts.keys() != {*names}:
        raise _Wrong(f"targets is an object of {', '.join(names)}; got {describe(parts)}")
    targets = zip(names, form.targets, strict=True)
    return {"targets": {name: _part(target, form.numbers, parts[name]) for name, target in targets}}


def _ranking(form: Form, given: Any) -> dict[str, Any]:
    found = form.read(given) if isinstance(given, dict) and given.keys() == {"items"} else None
    if found is None:
        rule = "answer is an object of items alone: ids of this model with their scores, the best first"
        raise _Wrong(f"{rule}; got {describe(given)}")
    return form.write([0], found[1])


def _with_interval(target: Target, interval: Interval, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or given.keys() != {"value", "interval"}:
        raise _Wrong(f"answer is an object of value and interval alone; got {describe(given)}")
    part = _part(target, "value", {"value": given["value"]})
    ends = interval.ends(part["value"])
    if given["interval"] != ends:
        raise _Wrong(f"interval is that of the value, {encode_json(ends)}; got {describe(given['interval'])}")
    return {**part, "interval": ends}


def _part(target: Target, numbers: str | None, given: Any) -> dict[str, Any]:
    names = [name for name in ("label" if target.classes else None, numbers) if name is not None]
    if not isinstance(given, dict) or given.keys() != {*names}:
        raise _Wrong(f"answer is an object of {' and '.join(names)} alone; got {describe(given)}")
    part: dict[str, Any] = {}
    if target.classes:
        part["label"] = _label(target.classes, given["label"])
    if numbers == "value":
        part["value"] = _number("value", given["value"])
    elif numbers is not None:
        shown = given[numbers]
        if not isinstance(shown, dict) or shown.keys() != {*target.keys}:
            listed = ", ".join(target.keys[:10])
            raise _Wrong(f"{numbers} is an object with a number for each of {listed}; got {describe(shown)}")
        part[numbers] = {key: _number(numbers, shown[key]) for key in target.keys}
    return part


def _label(classes: list[Any], given: Any) -> Any:
    for each in classes:
        if isinstance(given, bool) == isinstance(each, bool) and given == each:
            return each
    listed = ", ".join(encode_json(each) for each in classes[:10]) + (", …" if len(classes) > 10 else "")
    raise _Wrong(f"label is one of {listed}; got {describe(given)}")


def _number(name: str, given: Any) -> float:
    try:
        number = float(given) if isinstance(given, int | float) and not isinstance(given, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (name == "probabilities" and not -SLACK <= number <= 1 + SLACK):
        kind = "a number from 0 to 1" if name == "probabilities" else "a finite number"
        raise _Wrong(f"each of {name} is {kind}; got {describe(given)}")
    return number


def _problem(index: int | None, name: str | None, kind: str, reason: str) -> Problem:
    return {"row": index, "feature": name, "kind": kind, "reason": reason}
