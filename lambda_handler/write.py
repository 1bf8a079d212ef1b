"""Predictions as JSON: what `encode_json` makes of each, written at once, without an object in between."""

from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring as quote
from operator import itemgetter
from typing import NamedTuple

from lambda_handler.answer import Form
from lambda_handler.automation import REFER
from lambda_handler.contract import Contract, Warning_
from lambda_handler.predictor import Answers
from lambda_handler.problem import encode_json

PLAIN = {"probabilities", "scores", "value", None}  # the numbers that a `Writer` can write
FEW_ROWS = 2  # so few are written one by one, which is faster then
FEW_NUMBERS = 32  # so few are not worth loading ujson


class Frame(NamedTuple):
    """What stands around predictions."""

    before: str
    between: str
    after: str

    def join(self, predictions: Iterable[str]) -> str:
        """The body of an answer."""
        return f"{self.before}{self.between.join(predictions)}{self.after}"


def frame_of(kind: str, beside: str) -> Frame:
    """The frame of an answer's predictions.

    Args:
        kind: `json` or `jsonl`.
        beside: the JSON of the members beside `predictions`; JSONL has no place for them.
    """
    return Frame('{"predictions":[', ",", f"],{beside}}}") if kind == "json" else Frame("", "\n", "\n")


class Told(NamedTuple):
    """What differs from row to row.

    Attributes:
        labels: as the answers have them.
        numbers: in JSON, as the answers have them.
        warnings: in JSON, one text per row.
        ids: one per row.
    """

    labels: list[int]
    numbers: list[str]
    warnings: list[str]
    ids: list[str]


Column = Callable[[Told], Iterable[str]]  # one text per row
Piece = str | Column  # of a prediction: the same in every row, or the row's own
WARNINGS: Column = itemgetter(Told._fields.index("warnings"))
IDS: Column = itemgetter(Told._fields.index("ids"))


def is_plain(form: Form) -> bool:
    """Whether a `Writer` can write such answers."""
    return form.numbers in PLAIN and form.interval is None


class Writer:
    """One model's predictions as JSON.

    Every prediction of a model has the same keys, so each is the same pieces with the row's own between them. Finite
    numbers are written by `repr`, as `json` writes them.

    Args:
        contract: of the model; its form is plain.
        degree: of automation.
        model: as every prediction names it.
    """

    def __init__(self, contract: Contract, degree: str, model: str) -> None:
        form = contract.form
        decided: list[Piece] = []
        if degree == "assist" and form.several:
            decided = [',"status":"suggestion"']
        elif not form.several and (form.labels or degree == "assist"):
            told = _label(form, 0) if form.labels else _number(form, 0)
            decided = [f',"{"suggestion" if degree == "assist" else "decision"}":', told]
        if contract.threshold is not None:
            decided.append(f',"threshold":{encode_json(contract.threshold["value"])}')
        said = '"status":"shadow"' if degree == "shadow" else f'"decision":"{REFER}"'
        end: list[Piece] = [',"id":"', IDS, f'","model":{quote(model)}}}']
        given = [*_answer(form), ',"warnings":', WARNINGS, *decided, *end]
        self._withheld = _Template([f'{{{said},"warnings":', WARNINGS, *end])
        self._given = self._withheld if degree in {"shadow", "human only"} else _Template(given)

    def write(self, answers: Answers, stem: str, referred: Sequence[int], frame: Frame) -> str:
        """The predictions in their frame.

        Args:
            answers: of the request.
            stem: hexadecimal digits, with which all ids of the request begin.
            referred: the rows that a person decides, where others are decided for.
            frame: of the predictions.
        """
        warnings = _warnings(answers.warnings)
        ids = [f"{stem}-{row}" for row in range(len(warnings))]
        numbers = [] if self._given is self._withheld else written(answers.numbers)
        told = Told(answers.labels, numbers, warnings, ids)
        if len(ids) > FEW_ROWS and not referred:
            return self._given.write(told, frame)
        texts = self._given.each(told)
        if referred:
            some = Told([], [], [warnings[row] for row in referred], [ids[row] for row in referred])
            for row, text in zip(referred, self._withheld.each(some), strict=True):
                texts[row] = text
        return frame.join(texts)


class _Template:
    """Pieces of which every row's text is made."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._columns = [piece for piece in pieces if not isinstance(piece, str)]
        self._texts = [""]  # before the first column, after each
        for piece in pieces:
            if isinstance(piece, str):
                self._texts[-1] += piece
            else:
                self._texts.append("")
        self._whole = "%s".join([text.replace("%", "%%") for text in self._texts])

    def each(self, told: Told) -> list[str]:
        """One text per row."""
        return [self._whole % row for row in zip(*[column(told) for column in self._columns], strict=True)]

    def write(self, told: Told, frame: Frame) -> str:
        """The rows' texts in their frame, in one join."""
        rows, step, (first, *texts) = len(told.ids), 2 * len(self._columns), self._texts
        pieces = [f"{texts[-1]}{frame.between}{first}"] * (step * rows)
        for place, column in enumerate(self._columns):
            pieces[2 * place :: step] = column(told)
            if place < len(texts) - 1:
                pieces[2 * place + 1 :: step] = [texts[place]] * rows
        pieces[0] = f"{frame.before}{first}{pieces[0]}"
        pieces[-1] = f"{texts[-1]}{frame.after}"
        return "".join(pieces)


def written(numbers: list[float]) -> list[str]:
    """Finite numbers as `repr` writes them.

    ujson finds the same digits in a quarter of the time; an exponent it writes otherwise.
    """
    if len(numbers) <= FEW_NUMBERS:
        return list(map(repr, numbers))
    from ujson import dumps  # here: it takes 1 ms, and one row does without it

    text = dumps(numbers)[1:-1]
    texts = text.split(",")
    if "e" in text:
        return [repr(number) if "e" in each else each for number, each in zip(numbers, texts, strict=True)]
    return texts


def _answer(form: Form) -> list[Piece]:
    """The pieces of an answer's members."""
    if not form.several:
        return ["{", *_part(form, 0)]
    pieces: list[Piece] = []
    for place, target in enumerate(form.targets):
        pieces += ["," if pieces else '{"targets":{', f"{quote(str(target.name))}:{{", *_part(form, place), "}"]
    return [*pieces, "}"]


def _part(form: Form, place: int) -> list[Piece]:
    """The pieces of one target's members."""
    target = form.targets[place]
    if form.numbers == "value":
        return ['"value":', _number(form, target.start)]
    pieces: list[Piece] = ['"label":', _label(form, place)]
    if form.numbers is None:
        return pieces
    before = f',"{form.numbers}":{{'
    for number, key in enumerate(target.keys, target.start):
        pieces += [f"{before}{quote(key)}:", _number(form, number)]
        before = ","
    return [*pieces, "}"]


def _number(form: Form, place: int) -> Column:
    chosen = slice(place, None, form.width)
    return lambda told: told.numbers[chosen]


def _label(form: Form, place: int) -> Column:
    classes, chosen = [encode_json(each) for each in form.targets[place].classes], slice(place, None, form.labels)
    return lambda told: [classes[label] for label in told.labels[chosen]]


def _warnings(warnings: Sequence[Sequence[Warning_]]) -> list[str]:
    """Per row its warnings; the same one may stand in many rows."""
    known: dict[tuple[str, ...], str] = {}
    return [f"[{','.join([_warning(each, known) for each in row])}]" if row else "[]" for row in warnings]


def _warning(warning: Warning_, known: dict[tuple[str, ...], str]) -> str:
    values = tuple(warning.values())
    if values not in known:
        known[values] = f"{{{','.join([f'{quote(key)}:{quote(value)}' for key, value in warning.items()])}}}"
    return known[values]
