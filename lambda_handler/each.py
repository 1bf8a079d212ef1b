"""Answer rows one and all: those that break the contract are set aside with their problems."""

from collections.abc import Callable, Sequence
from typing import Any

from lambda_handler.contract import ContractError
from lambda_handler.service import Service, Source

Answering = Callable[[Sequence[Any]], list[dict[str, Any]]]


def answer_each(answering: Answering, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Per row what `answering` says of it, or `{"rejected": [problem, …]}` with the row's index among all rows.

    Args:
        answering: answers rows, or raises `ContractError`.
        rows: stay unchanged.
    """
    answers: dict[int, dict[str, Any]] = {}
    waiting = list(range(len(rows)))
    while waiting:
        try:
            found = answering([rows[index] for index in waiting])
        except ContractError as error:
            for problem in error.problems:
                index = waiting[problem["row"]]
                answers.setdefault(index, {"rejected": []})["rejected"].append({**problem, "row": index})
            waiting = [index for index in waiting if index not in answers]
        else:
            answers |= zip(waiting, found, strict=True)
            break
    return [answers[index] for index in range(len(rows))]


def scored_lines(service: Service, rows: Sequence[Any], source: Source) -> list[dict[str, Any]]:
    """What is written of each row: `row` and the members of its prediction, or `row` and `problems`.

    Args:
        service: answers the rows.
        rows: values that are no feature's, such as identifiers, are kept in `row`, and the model is not asked of them.
        source: where they come from.
    """
    names = {feature.name for feature in service.predictor.contract.features}
    asked = [_features(row, names) for row in rows]
    answers = answer_each(lambda some: service.respond(some, source)[0], asked)
    return [_line(row, answer) for row, answer in zip(rows, answers, strict=True)]


def _features(row: Any, names: set[str]) -> Any:
    return {name: value for name, value in row.items() if name in names} if isinstance(row, dict) else row


def _line(row: Any, answer: dict[str, Any]) -> dict[str, Any]:
    if "rejected" not in answer:
        return {"row": row, **answer}
    problems = [{name: problem[name] for name in ("feature", "kind", "reason")} for problem in answer["rejected"]]
    return {"row": row, "problems": problems}
