"""The option `explain` of a request: beside each prediction, what every feature adds to it."""

from collections.abc import Sequence
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

from lambda_handler.answer import Target
from lambda_handler.contract import Contract, ContractError, describe
from lambda_handler.decide import PARTS
from lambda_handler.predictor import Predictor
from lambda_handler.problem import RequestError
from lambda_handler.service import Service, Source
from lambda_handler.shapley import Columns, Shares, shares

SAMPLES, FEWEST_SAMPLES, MOST_SAMPLES = 4, 2, 64  # orders drawn for each reference row; an error needs two
MOST_SEED = 2**32 - 1
MOST_REFERENCES, FEWEST_REFERENCES = 100, 10
MOST_CELLS = 4000  # of the reference rows, where that leaves the fewest of them
MOST_ANSWERS = 100_000  # that the model gives for one request: a forest of 200 trees takes seconds for them


class Option(NamedTuple):
    """How to explain.

    Attributes:
        samples: orders drawn for each reference row.
        seed: of the draws.
    """

    samples: int = SAMPLES
    seed: int = 0


class ExplainError(RequestError):
    """`explain` asks for what there is not (422)."""

    status = 422

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        reason = f"{rule}; got {got}. {remedy}"
        errors = [{"row": None, "feature": None, "kind": "explain", "reason": reason}]
        super().__init__(reason, error_count=1, errors=errors)


class TooMuchError(RequestError):
    """More work than one request may ask for (413)."""

    status = 413

    def __init__(self, rows: int, samples: int, each: int) -> None:
        most = MOST_ANSWERS // each
        rule = f"Explaining may ask the model {MOST_ANSWERS:,} times, for this model rows x samples up to {most:,}"
        remedy = "Send fewer rows, or fewer samples." if most >= FEWEST_SAMPLES else "This model has too many features."
        super().__init__(f"{rule}; got {rows:,} x {samples}. {remedy}")


def respond_explained(
    service: Service, rows: Sequence[Any], told: Any, source: Source
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Answer rows, and explain each answer that is given.

    Args:
        service: answers the rows.
        rows: as sent, not checked yet.
        told: the value of `explain`.
        source: where the rows come from.

    Returns:
        As `Service.respond`. A prediction whose answer is withheld has no `explanation`: it would tell the answer.

    Raises:
        RequestError: the option is none, or asks for too much.
        ContractError: a row breaks the contract, or the model has no finite answer on the way to a row.
    """
    predictor, option = service.predictor, read_option(told)
    references = reference_columns(predictor)
    each = len(references[0]) * 2 * max(1, len(references) - 1)
    if len(rows) * option.samples * each > MOST_ANSWERS:
        raise TooMuchError(len(rows), option.samples, each)
    columns, _ = predictor.contract.columns(rows)
    explanations = [explain_row(predictor, columns, index, references, option) for index in range(len(rows))]
    predictions, beside = service.respond(rows, source)
    for prediction, explanation in zip(predictions, explanations, strict=True):
        if any(part in prediction for part in PARTS):
            prediction["explanation"] = explanation
    return predictions, beside


def read_option(told: Any) -> Option:
    """What `explain` says.

    Raises:
        ExplainError: it says nothing sensible.
    """
    if told is True:
        return Option()
    limits = {"samples": (FEWEST_SAMPLES, MOST_SAMPLES), "seed": (0, MOST_SEED)}
    rule = f'"explain" is true, false, or an object of samples ({FEWEST_SAMPLES} to {MOST_SAMPLES}) and seed'
    if not isinstance(told, dict):
        raise ExplainError(rule, describe(told), "Send true.")
    for name, value in told.items():
        if name not in limits:
            raise ExplainError(rule, f"{name[:80]!r} in it", "Leave that out.")
        low, high = limits[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ExplainError(f"{name} is a whole number from {low} to {high}", describe(value), "Send such a number.")
    return Option(**told)


def reference_columns(predictor: Predictor) -> Columns:
    """The graph values of the reference rows: the first recombined golden rows, in their order in the file.

    Raises:
        ExplainError: the bundle holds none.
    """
    contract = predictor.contract
    most = max(FEWEST_REFERENCES, min(MOST_REFERENCES, MOST_CELLS // len(contract.features)))
    lines = (line for line in predictor.bundle.golden() if line["stratum"] == "recombined" and "answer" in line)
    rows = [line["row"] for line in islice(lines, most)]
    if not rows:
        rule = "An answer is explained beside the bundle's recombined golden rows"
        raise ExplainError(rule, "a bundle without any", "Leave the option out.")
    columns, _ = contract.columns(rows)
    return columns


def explain_row(
    predictor: Predictor, columns: Columns, index: int, references: Columns, option: Option
) -> dict[str, Any]:
    """Why a row gets its answer, as docs/explain.md has it.

    Args:
        predictor: the model.
        columns: graph values of the rows, one list per feature.
        index: of the row.
        references: graph values of the reference rows.
        option: how to explain.

    Raises:
        ContractError: the model has no finite answer on the way to the row.
    """
    contract = predictor.contract
    form, row = contract.form, [column[index] for column in columns]
    labels, _ = predictor.answer([[value] for value in row], 1)
    subjects = [subject(contract, k, labels[k] if labels else 0) for k in range(len(form.targets))]

    def numbers(values: Columns, rows: int) -> list[list[float]]:
        found, given = predictor.answer(values, rows)
        if not all(map(isfinite, given)):
            raise ContractError([_no_answer(index)])
        if form.numbers is None:
            count = form.labels
            return [[float(found[k * count + t] == labels[t]) for t in range(count)] for k in range(rows)]
        return [[given[k * form.width + place] for _, place in subjects] for k in range(rows)]

    told = shares(numbers, row, references, option.samples, option.seed)
    parts = [_part(contract, of, each) for (of, _), each in zip(subjects, told, strict=True)]
    how = {"references": len(references[0]), "samples": option.samples, "seed": option.seed}
    if not form.several:
        return {**parts[0], **how}
    return {"targets": {str(target.name): part for target, part in zip(form.targets, parts, strict=True)}, **how}


def subject(contract: Contract, index: int, label: int) -> tuple[dict[str, str], int]:
    """Which number of an answer is explained.

    Of a target with classes that is the threshold's class's; without a threshold, of two classes the second's, of more
    the answered one's; of items the best one's. A label alone counts 1 where it is the answered one, and else 0.

    Args:
        contract: of the model.
        index: of the target.
        label: the answered class's position.

    Returns:
        The part of the answer and the key in it, and the number's position in a row of numbers.
    """
    target: Target = contract.form.targets[index]
    kind = contract.form.numbers
    if kind is None:
        return {"part": "label", "key": target.class_keys[label]}, 0
    if kind == "value":
        return {"part": kind, "key": "value"}, target.start
    place = label
    if contract.threshold is not None:
        _, place, _ = contract.form.held(contract.threshold)
    elif len(target.classes) == 2 and kind != "items":
        place = len(target.keys) - 1
    return {"part": kind, "key": target.keys[place]}, target.start + place


def _part(contract: Contract, of: dict[str, str], told: Shares) -> dict[str, Any]:
    names = [feature.name for feature in contract.features]
    return {
        "of": of,
        "base": told.base,
        "contributions": dict(zip(names, told.contributions, strict=True)),
        "errors": dict(zip(names, told.errors, strict=True)),
    }


def _no_answer(index: int) -> dict[str, Any]:
    reason = (
        "the model has no finite answer on the way from a reference row to this one, so it cannot be explained. "
        "Send values within the ranges, or leave the option out."
    )
    return {"row": index, "feature": None, "kind": "no_answer", "reason": reason}
