"""The judge of cold and warm figures: each target can be missed, and the page says so."""

import math

import pytest

from benchmarks import cold
from benchmarks.cold_packages import BARE, BINDING, EMPTY, OURS, PEER, WHOLE

FIGURES = (*cold.COLD, *cold.WARMED, "log_bytes")
GOOD = {
    EMPTY: {"init": 25.0},
    OURS: {"init": 60.0, "one_often": 0.08, "many_cpu": 8.0, "resident_many": 56.0, "log_bytes": 1500.0},
    PEER: {"init": 600.0},
    BARE: {"one_often": 0.02},
}


def rounds(changes: dict[str, float] | None = None, bad: int = 3) -> list[cold.Round]:
    """Three rounds that meet every target, but for our changed figures in the first `bad` of them."""
    told = [
        {who: dict.fromkeys(FIGURES, 1.0) | GOOD.get(who, {}) for who in (EMPTY, OURS, BINDING, WHOLE, PEER, BARE)}
        for _ in range(3)
    ]
    for each in told[:bad]:
        each[OURS] |= changes or {}
    return told


@pytest.mark.parametrize(
    ("changes", "titles"),
    [
        ({"init": 86.0}, [f"init CPU, in terms of {EMPTY}'s"]),
        ({"init": 121.0}, [f"init CPU, in terms of {EMPTY}'s", f"init CPU, in terms of {PEER}'s"]),
        ({"one_often": 0.121}, ["one row in the handler"]),
        ({"many_cpu": 10.1}, ["1,000 rows in the handler"]),
        ({"resident_many": 60.1}, ["resident after 1,000 rows"]),
        ({"resident_many": math.nan}, ["resident after 1,000 rows"]),
    ],
    ids=str,
)
def test_each_target_can_be_missed(changes: dict[str, float], titles: list[str]) -> None:
    assert cold.missed(rounds()) == []
    found = cold.missed(rounds(changes))
    assert len(found) == len(titles)
    assert all(sentence.startswith(title) for sentence, title in zip(found, titles, strict=True))
    assert found[0] in cold.page(rounds(changes))


def test_a_ratio_is_taken_round_by_round_and_one_bad_round_is_no_miss() -> None:
    assert cold.missed(rounds({"init": 500.0}, bad=1)) == []
    slow = rounds()
    for who in slow[0]:  # the machine had something else to do
        slow[0][who]["init"] *= 9
    assert cold.value_of(cold.TARGETS[0], slow) == pytest.approx(2.4)


def test_the_page_has_each_package_and_what_it_costs() -> None:
    text = cold.page(rounds())
    assert "All targets are met." in text
    assert all(f"| {who} " in text for who in (EMPTY, OURS, BINDING, WHOLE, PEER, BARE))
    assert "| 1,769 | 1 |" in text
