"""A ranker's answer: its items from the best on, each with its score; items of the history are left out."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

VISITED = -1.0  # the graph's score of an item that stands in the history; every other score is 0 or more


class Ranking(NamedTuple):
    """How a contract wants its rankings.

    Attributes:
        ids: of the items, in the order of the graph's scores; that is the order of items with the same score, too.
        top: how many items an answer holds at most.
    """

    ids: list[str]
    top: int

    def items(self, scores: Sequence[float]) -> list[dict[str, Any]]:
        """The items from the best on, without those of the history."""
        kept = [place for place, score in enumerate(scores) if score >= 0]
        kept.sort(key=lambda place: -scores[place])  # stable: of equal scores the first item stays first
        return [{"id": self.ids[place], "score": scores[place]} for place in kept[: self.top]]

    def scores(self, items: Sequence[Mapping[str, Any]]) -> list[float] | None:
        """The scores that an answer tells, `VISITED` where it tells none; None where it is no ranking of these items.

        Each item stands there once, its score from 0 on and none above the one before it.
        """
        told = {item["id"]: item["score"] for item in items}
        if not all(type(score) in {int, float} and isfinite(score) for score in told.values()):
            return None
        scores = [float(told.get(item, VISITED)) for item in self.ids]
        return scores if self.items(scores) == list(items) else None


def read_ranking(document: Mapping[str, Any]) -> Ranking | None:
    """What contract.json says of its items; None where it does not rank.

    Raises:
        ValueError: the items are not the classes, or `top` is no count.
        KeyError, TypeError: a key is missing or misshaped.
    """
    if document["outputs"].get("items") is None:
        return None
    told = document["ranking"]
    ids, top = [item["id"] for item in told["items"]], told["top"]
    if not ids or ids != document["classes"] or not all(isinstance(item, str) for item in ids):
        raise ValueError("ranking.items must be the classes, in their order")
    if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
        raise ValueError(f"ranking.top must be a whole number from 1 on, or null; got {top!r:.80}")
    return Ranking(ids, len(ids) if top is None else top)
