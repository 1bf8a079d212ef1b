"""Answer rows one and all: those that break the contract are set aside with their problems."""

from collections.abc import Callable, Sequence
from typing import Any

from lambda_handler.contract import ContractError

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
