"""The form of an answer: from a graph's labels and numbers to what people get, and back (standard library only)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lambda_handler.interval import Interval, read_interval
from lambda_handler.ranking import Ranking, read_ranking

Answer = dict[str, Any]


class Target(NamedTuple):
    """One thing that a row is asked for.

    Attributes:
        name: its key under `targets`; None where it is the only one.
        classes: in order; empty for a number.
        class_keys: the classes as `probabilities` and `scores` name them.
        keys: what its numbers are called, in order: class keys, `value`, or nothing beside a label alone.
        start: the position of its first number in a row of numbers.
        absolute: how far one of its numbers may stand from the recorded one, whatever its size.
    """

    name: str | None
    classes: list[Any]
    class_keys: list[str]
    keys: list[str]
    start: int
    absolute: float

    @property
    def end(self) -> int:
        """The position behind its last number."""
        return self.start + len(self.keys)


class Form:
    """What a model answers to a row: labels, int64 (n_rows, n_labels), and numbers, float64 (n_rows, width).

    Args:
        document: contract.json; it stays unchanged.

    Attributes:
        outputs: the names of the graph's outputs: its labels', its numbers'.
        numbers: what the numbers are: `probabilities`, `scores`, `value`, `items`, or None where there are none.
        targets: in the graph's order.
        labels: how many labels a row has: one per target, or 0 where the answers are numbers.
        width: how many numbers a row has.
        absolute: per number, the absolute tolerance.
        interval: around a value; None where there is none.
        ranking: of the items; None where the answers are others.

    Raises:
        KeyError, TypeError, ValueError: the document is no contract.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        outputs: dict[str, str | None] = document["outputs"]
        given = [kind for kind in ("probabilities", "scores", "value", "items") if outputs.get(kind) is not None]
        if len(given) > 1 or (outputs["label"] is None) != (given == ["value"]):
            raise ValueError("outputs must name a value, or a label with probabilities, scores or items, or alone")
        self.numbers: str | None = given[0] if given else None
        self.outputs = [name for name in (outputs["label"], outputs.get(self.numbers or "")) if name is not None]
        self.several: bool = document["targets"] is not None
        told = document["targets"] if self.several else [{"name": None, "classes": document["classes"]}]
        absolute = document["tolerance"]["absolute"]
        targets: list[Target] = []
        for index, each in enumerate(told):
            allowed = absolute[index] if isinstance(absolute, list) else absolute
            start = targets[-1].end if targets else 0
            targets.append(_target(self.numbers, each["name"], each["classes"] or [], start, float(allowed)))
        self.targets = tuple(targets)
        self.labels = 0 if outputs["label"] is None else len(targets)
        self.width = targets[-1].end
        self.absolute = [each.absolute for each in targets for _ in each.keys]
        self.interval: Interval | None = read_interval(document.get("interval"))
        if self.interval is not None and (self.numbers != "value" or self.several):
            raise ValueError("an interval stands around one value; the outputs are others")
        self.ranking: Ranking | None = read_ranking(document)

    def write(self, labels: Sequence[int], numbers: Sequence[float]) -> Answer:
        """One row's answer, without warnings.

        Args:
            labels: `self.labels` indices into the targets' classes.
            numbers: `self.width` numbers.
        """
        if self.several:
            places = range(len(self.targets))
            parts = {str(self.targets[k].name): self._part(k, labels[k : k + 1], numbers) for k in places}
            return {"targets": parts}
        if self.interval is not None:
            return {"value": numbers[0], "interval": self.interval.ends(numbers[0])}
        if self.ranking is not None:
            return {"items": self.ranking.items(numbers)}
        return self._part(0, labels, numbers)

    def write_rows(self, labels: Sequence[int], numbers: Sequence[float], rows: int) -> list[Answer]:
        """The answers of rows, without warnings: as `write` gives each, in fewer calls.

        Args:
            labels: `self.labels` per row, row after row.
            numbers: `self.width` per row, row after row.
            rows: how many.
        """
        count, width = self.labels, self.width
        if self.several or count == 0 or width == 0 or self.ranking is not None:
            return [self.write(labels[k * count : (k + 1) * count], numbers[k * width : (k + 1) * width])
                    for k in range(rows)]  # fmt: skip
        classes, keys, kind = self.targets[0].classes, self.targets[0].keys, str(self.numbers)
        if width == 2:
            first, second = keys
            return [
                {"label": classes[label], kind: {first: one, second: other}}
                for label, one, other in zip(labels, numbers[::2], numbers[1::2], strict=True)
            ]
        shown = zip(*(numbers[place::width] for place in range(width)), strict=True)
        return [
            {"label": classes[label], kind: dict(zip(keys, row, strict=True))}
            for label, row in zip(labels, shown, strict=True)
        ]

    def _part(self, place: int, label: Sequence[int], numbers: Sequence[float]) -> Answer:
        """The answer of one target; `label` is empty for a number."""
        target = self.targets[place]
        if not label:
            return {"value": numbers[target.start]}
        if self.numbers is None:
            return {"label": target.classes[label[0]]}
        shown = numbers[target.start : target.end] if self.several else numbers
        return {"label": target.classes[label[0]], self.numbers: dict(zip(target.keys, shown, strict=True))}

    def held(self, threshold: Mapping[str, Any]) -> tuple[int, int, float]:
        """What decides: the position of the threshold's class, which number of a row is held against it, its factor.

        That is the class's probability or its score; the first class's score is minus the second's.
        """
        positive = self.targets[0].classes.index(threshold["class"])
        if self.numbers == "probabilities":
            return positive, positive, 1.0
        return positive, 0, 1.0 if positive else -1.0

    def ends(self, numbers: Sequence[float]) -> Sequence[float]:
        """What must be finite of a row's numbers: the interval's ends where there is one, else the numbers."""
        return numbers if self.interval is None else self.interval.ends(numbers[0])

    def far_ends(self, numbers: Sequence[float]) -> Sequence[float]:
        """The ends of the intervals around the smallest and the largest of finite values: no other lies further out."""
        if self.interval is None or not numbers:
            return []
        return [*self.interval.ends(min(numbers)), *self.interval.ends(max(numbers))]

    def _has_ends(self, part: Mapping[str, Any]) -> bool:
        """Whether an answer holds exactly the interval that belongs to its value, and none where there is none."""
        if self.interval is None:
            return "interval" not in part
        return bool(part["interval"] == self.interval.ends(float(part["value"])))

    def read(self, answer: Mapping[str, Any]) -> tuple[list[Any], list[float]] | None:
        """The labels (as classes) and the numbers of an answer.

        None where it has another form than this one, or not the interval that belongs to its value.
        """
        try:
            if self.ranking is not None:
                return _read_ranking(self.ranking, answer["items"])
            parts = list(answer["targets"].values()) if self.several else [answer]
            if self.several and list(answer["targets"]) != [target.name for target in self.targets]:
                return None
            labels = [part["label"] for part in parts] if self.labels else []
            numbers: list[float] = []
            for target, part in zip(self.targets, parts, strict=True):
                if self.numbers is None:
                    continue
                shown = {"value": part["value"]} if self.numbers == "value" else part[self.numbers]
                if list(shown) != target.keys or not self._has_ends(part):
                    return None
                numbers += [float(value) for value in shown.values()]
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return labels, numbers


def _read_ranking(ranking: Ranking, items: list[dict[str, Any]]) -> tuple[list[Any], list[float]] | None:
    """The best item (without one the first of all, as the graph has it) and all scores."""
    scores = ranking.scores(items)
    return None if scores is None else ([items[0]["id"] if items else ranking.ids[0]], scores)


def class_key(value: object) -> str:
    """The key of a class in `probabilities` and `scores`: `str(class)`, booleans as JSON writes them."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _target(numbers: str | None, name: str | None, classes: list[Any], start: int, absolute: float) -> Target:
    keys = [class_key(value) for value in classes]
    if numbers == "scores" and len(keys) == 2:
        shown = keys[1:]  # one number says both
    elif numbers is None:
        shown = []
    else:
        shown = keys or ["value"]
    return Target(name, classes, keys, shown, start, absolute)
