"""From an answer to a prediction: its id, its model, and what the degree of automation makes of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lambda_handler.answer import Answer
from lambda_handler.automation import REFER, read_automation
from lambda_handler.contract import Contract

DECIDED, SUGGESTED, REFERRED, SHADOWED = "decided", "suggested", "referred", "shadowed"
KINDS = {"shadow": SHADOWED, "human only": REFERRED, "assist": SUGGESTED, "full": DECIDED}
PARTS = ("label", "probabilities", "scores", "value", "interval", "targets")  # of an answer


class Decided(NamedTuple):
    """A request's predictions.

    Attributes:
        predictions: what the caller gets, one per row.
        decisions: per row what was decided for the caller: a label, `refer`, or None.
        kinds: how many rows were `decided`, `suggested`, `referred` or `shadowed`; every kind that the degree knows.
    """

    predictions: list[dict[str, Any]]
    decisions: list[Any]
    kinds: dict[str, int]


class Decider:
    """What one model's degree of automation makes of answers.

    Args:
        contract: of the model.
        degree: instead of the contract's.

    Raises:
        AutomationError: the degree does not fit the contract.
    """

    def __init__(self, contract: Contract, degree: str | None = None) -> None:
        self.automation = read_automation(contract.document, degree)
        self._contract = contract
        self._model = f"{contract.version}+{contract.model_sha256[:12]}"
        self._threshold = None if contract.threshold is None else contract.threshold["value"]
        self._number = number_of(contract)
        self._gives = self.automation.degree not in {"shadow", "human only"}

    def decide(self, answers: Sequence[Answer], stem: str) -> Decided:
        """Make predictions of answers.

        Args:
            answers: as `Predictor.predict` gives them. Those that are given to the caller become the predictions.
            stem: what all ids of the request begin with.
        """
        decisions = self._decisions(answers)
        predictions = [
            self._given(answer, decision) if self._gives and decision is not REFER else self._withheld(answer, decision)
            for answer, decision in zip(answers, decisions, strict=True)
        ]
        for index, prediction in enumerate(predictions):
            prediction["id"], prediction["model"] = f"{stem}-{index}", self._model
        return Decided(predictions, decisions, self._kinds(decisions))

    def _decisions(self, answers: Sequence[Answer]) -> list[Any]:
        degree = self.automation.degree
        if degree in {"shadow", "assist"}:
            return [None] * len(answers)
        if degree == "human only":
            return [REFER] * len(answers)
        decisions = [answer.get("label") for answer in answers]
        if self.automation.abstain is None or self._number is None:
            return decisions
        low, high = self.automation.abstain
        numbers = map(self._number, answers)
        return [REFER if low <= number <= high else made for number, made in zip(numbers, decisions, strict=True)]

    def _kinds(self, decisions: list[Any]) -> dict[str, int]:
        rows = len(decisions)
        if self.automation.degree != "partial":
            return {KINDS[self.automation.degree]: rows}
        referred = sum([decision is REFER for decision in decisions])
        return {DECIDED: rows - referred, REFERRED: referred}

    def _given(self, answer: Answer, decision: Any) -> dict[str, Any]:
        """The answer itself, with its decision or suggestion."""
        if self.automation.degree != "assist":
            if decision is not None:
                answer["decision"] = decision
        elif self._contract.form.several:
            answer["status"] = "suggestion"
        else:
            answer["suggestion"] = answer["label"] if "label" in answer else answer["value"]
        if self._threshold is not None:
            answer["threshold"] = self._threshold
        return answer

    def _withheld(self, answer: Answer, decision: Any) -> dict[str, Any]:
        """A prediction without the model's answer."""
        said = {"status": "shadow"} if decision is None else {"decision": decision}
        return {**said, "warnings": answer["warnings"]}


def number_of(contract: Contract) -> Callable[[Mapping[str, Any]], float] | None:
    """The one number of an answer: the value, or the threshold class's (without one the last class's) number.

    Returns:
        A function of an answer; None where there are several targets or labels alone.
    """
    form = contract.form
    if form.several or form.numbers is None:
        return None
    if form.numbers == "value":
        return lambda answer: answer["value"]
    kind, keys = form.numbers, form.targets[0].keys
    _, place, factor = (0, len(keys) - 1, 1.0) if contract.threshold is None else form.held(contract.threshold)
    key = keys[place]
    if factor < 0:
        return lambda answer: -answer[kind][key]
    return lambda answer: answer[kind][key]
