"""Predictions as JSON: what `encode_json` makes of each, written at once, without an object in between."""

from collections.abc import Sequence
from json.encoder import encode_basestring as quote
from typing import Any

from lambda_handler.answer import Form, Target
from lambda_handler.automation import REFER
from lambda_handler.contract import Contract, Warning_
from lambda_handler.predictor import Answers
from lambda_handler.problem import encode_json

PLAIN = {"probabilities", "scores", "value", None}  # the numbers that a template can show


def is_plain(form: Form) -> bool:
    """Whether a `Writer` can write such answers."""
    return form.numbers in PLAIN and form.interval is None


class Writer:
    """One model's predictions as JSON.

    Every prediction of a model has the same keys, so each is one template with the row's values in it. Finite numbers
    are written by `repr`, as `json` writes them.

    Args:
        contract: of the model; its form is plain.
        degree: of automation.
        model: as every prediction names it.
    """

    def __init__(self, contract: Contract, degree: str, model: str) -> None:
        self._form = form = contract.form
        self._gives = degree not in {"shadow", "human only"}
        self._classes = [[encode_json(each) for each in target.classes] for target in form.targets]
        self._again: list[int] = []  # which column stands in a prediction a second time, as what is decided
        decided = ""
        if degree == "assist" and form.several:
            decided = ',"status":"suggestion"'
        elif not form.several and (form.labels or degree == "assist"):
            self._again = [0]
            decided = f',"{"suggestion" if degree == "assist" else "decision"}":{"%s" if form.labels else "%r"}'
        if contract.threshold is not None:
            decided += f',"threshold":{encode_json(contract.threshold["value"])}'
        self._given = f'{{{_answer(form)},"warnings":%s{decided},"id":"'
        said = '"status":"shadow"' if degree == "shadow" else f'"decision":"{REFER}"'
        self._withheld = f'{{{said},"warnings":%s,"id":"'
        self._end = f'-%d","model":{_literal(model)}}}'

    def write(self, answers: Answers, stem: str, referred: Sequence[int]) -> list[str]:
        """One text per row.

        Args:
            answers: of the request.
            stem: hexadecimal digits, with which all ids of the request begin.
            referred: the rows that a person decides, where others are decided for.
        """
        warnings = _warnings(answers.warnings)
        places = range(len(warnings))
        withheld = f"{self._withheld}{stem}{self._end}"
        if not self._gives:
            return [withheld % row for row in zip(warnings, places, strict=True)]
        columns = self._columns(answers)
        given = f"{self._given}{stem}{self._end}"
        again = [columns[place] for place in self._again]
        texts = [given % row for row in zip(*columns, warnings, *again, places, strict=True)]
        for place in referred:
            texts[place] = withheld % (warnings[place], place)
        return texts

    def _columns(self, answers: Answers) -> list[Sequence[Any]]:
        """The values of the template's answer, in its order: texts of labels, and numbers."""
        form = self._form
        columns: list[Sequence[Any]] = []
        for place, (target, classes) in enumerate(zip(form.targets, self._classes, strict=True)):
            if form.labels:
                columns.append([classes[label] for label in answers.labels[place :: form.labels]])
            columns += [answers.numbers[number :: form.width] for number in range(target.start, target.end)]
        return columns


def _answer(form: Form) -> str:
    """The template of an answer's members: `%s` for the text of a label, `%r` for a number."""
    if not form.several:
        return _part(form, form.targets[0])
    parts = [f"{_literal(str(target.name))}:{{{_part(form, target)}}}" for target in form.targets]
    return f'"targets":{{{",".join(parts)}}}'


def _part(form: Form, target: Target) -> str:
    members = ['"label":%s'] if form.labels else []
    if form.numbers == "value":
        members.append('"value":%r')
    elif form.numbers is not None:
        members.append(f'"{form.numbers}":{{{",".join(f"{_literal(key)}:%r" for key in target.keys)}}}')
    return ",".join(members)


def _literal(text: str) -> str:
    """A text in a template."""
    return quote(text).replace("%", "%%")


def _warnings(warnings: Sequence[Sequence[Warning_]]) -> list[str]:
    """Per row its warnings; the same one may stand in many rows."""
    known: dict[tuple[str, ...], str] = {}
    texts = []
    for row in warnings:
        if not row:
            texts.append("[]")
            continue
        shown = []
        for warning in row:
            values = tuple(warning.values())
            if values not in known:
                known[values] = ",".join([f"{quote(key)}:{quote(value)}" for key, value in warning.items()])
            shown.append(f"{{{known[values]}}}")
        texts.append(f"[{','.join(shown)}]")
    return texts
