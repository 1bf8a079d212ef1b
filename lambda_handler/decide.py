"""From answers to predictions: ids, the model, and what the degree of automation makes of an answer."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lambda_handler.answer import Answer
from lambda_handler.automation import REFER, read_automation
from lambda_handler.contract import Contract
from lambda_handler.predictor import Answers
from lambda_handler.problem import encode_json
from lambda_handler.write import Frame, Writer, is_plain

DECIDED, SUGGESTED, REFERRED, SHADOWED = "decided", "suggested", "referred", "shadowed"
KINDS = {"shadow": SHADOWED, "human only": REFERRED, "assist": SUGGESTED, "full": DECIDED}
PARTS = ("label", "probabilities", "scores", "value", "interval", "items", "targets")  # of an answer


class Decided(NamedTuple):
    """A request's predictions.

    Attributes:
        predictions: what the caller gets, one per row.
        decisions: per row what was decided for the caller: a label, `refer`, or None.
    """

    predictions: list[dict[str, Any]]
    decisions: list[Any]


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
        plain = is_plain(contract.form)
        self._writer = Writer(contract, self.automation.degree, self._model) if plain else None

    def decide(self, answers: Answers, stem: str) -> Decided:
        """Make predictions of answers.

        Args:
            answers: as `Predictor.answers` gives them.
            stem: hexadecimal digits, with which all ids of the request begin.
        """
        decisions = self._decisions(answers)
        predictions = [
            self._given(answer, decision) if self._gives and decision is not REFER else self._withheld(answer, decision)
            for answer, decision in zip(answers.rows(), decisions, strict=True)
        ]
        for index, prediction in enumerate(predictions):
            prediction["id"], prediction["model"] = f"{stem}-{index}", self._model
        return Decided(predictions, decisions)

    def write(self, answers: Answers, stem: str, frame: Frame) -> str:
        """The predictions of `decide` as JSON, in their frame."""
        if self._writer is None:
            return frame.join(map(encode_json, self.decide(answers, stem).predictions))
        return self._writer.write(answers, stem, self._referred(answers), frame)

    def kinds(self, answers: Answers) -> dict[str, int]:
        """How many rows are `decided`, `suggested`, `referred` or `shadowed`; every kind that the degree knows."""
        rows = len(answers.warnings)
        if self.automation.degree != "partial":
            return {KINDS[self.automation.degree]: rows}
        referred = len(self._referred(answers))
        return {DECIDED: rows - referred, REFERRED: referred}

    def _referred(self, answers: Answers) -> list[int]:
        """The rows inside the abstain band."""
        if self.automation.abstain is None or self._number is None:
            return []
        low, high = self.automation.abstain
        return [row for row, number in enumerate(self._number(answers)) if low <= number <= high]

    def _decisions(self, answers: Answers) -> list[Any]:
        degree, form, rows = self.automation.degree, answers.form, len(answers.warnings)
        if degree == "human only":
            return [REFER] * rows
        if degree in {"shadow", "assist"} or form.several or not form.labels or form.ranking is not None:
            return [None] * rows
        decisions = [form.targets[0].classes[label] for label in answers.labels]
        for row in self._referred(answers):
            decisions[row] = REFER
        return decisions

    def _given(self, answer: Answer, decision: Any) -> dict[str, Any]:
        """The answer itself, with its decision or suggestion."""
        if self.automation.degree != "assist":
            if decision is not None:
                answer["decision"] = decision
        elif self._contract.form.several or self._contract.form.ranking is not None:
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


def number_of(contract: Contract) -> Callable[[Answers], list[float]] | None:
    """The one number of each answer: the value, or the threshold class's (without one the last class's) number.

    Returns:
        A function of answers; None where an answer has no such number: of several targets, labels alone.
    """
    form = contract.form
    if form.several or form.numbers not in {"probabilities", "scores", "value"}:
        return None
    width, place, factor = form.width, form.width - 1, 1.0
    if contract.threshold is not None:
        _, place, factor = form.held(contract.threshold)
    if factor < 0:
        return lambda answers: [-number for number in answers.numbers[place::width]]
    return lambda answers: answers.numbers[place::width]
