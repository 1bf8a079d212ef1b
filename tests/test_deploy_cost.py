"""The cost table: begun milliseconds, a part of a core, the price of requests, time and log lines."""

import re

import pytest

from benchmarks import cost
from lambda_handler.metrics import UNITS, WATCHED
from tests.stack_tools import ROOT, of_type, transform

COMMAND = re.compile(r"cost\.py --request-ms ([0-9.]+) --init-ms ([0-9.]+)\s+--log-bytes ([0-9.]+)")


@pytest.mark.parametrize(
    ("memory", "core_ms", "billed"), [(1769, 1.0, 1), (1769, 1.01, 2), (3538, 1.0, 1), (885, 1.0, 2), (128, 1.0, 14)]
)
def test_begun_milliseconds_are_billed_and_less_memory_is_a_smaller_part_of_a_core(
    memory: int, core_ms: float, billed: int
) -> None:
    assert cost.billed_ms(memory, core_ms) == billed


def test_a_million_requests_cost_their_calls_and_their_gigabyte_seconds() -> None:
    # 1,024 MB is 0.579 of a core: 1 ms on a core is billed as 2 ms, so a million requests are 2,000 GB-seconds.
    assert cost.compute_per_million(1024, "x86_64", 1.0, 100.0, 0.0) == pytest.approx(0.20 + 2000 * 0.0000166667)
    warm, cold = (cost.compute_per_million(1024, "arm64", 1.0, 100.0, share) for share in (0.0, 0.01))
    assert cold - warm == pytest.approx(0.01 * 173 / 1000 * 1e6 * 0.0000133334)


def test_a_million_log_lines_of_a_kilobyte_cost_half_a_dollar_and_the_platform_s_own() -> None:
    assert cost.logs_per_million(1000) - cost.logs_per_million(0) == pytest.approx(0.50)
    assert cost.logs_per_million(0) > 0


def test_the_stack_s_own_price_counts_what_the_code_writes_and_alarms_read() -> None:
    alarms = of_type(transform(), "AWS::CloudWatch::Alarm").values()
    read = [
        sum("MetricStat" in entry for entry in alarm["Properties"].get("Metrics", [])) or 1
        for alarm in alarms
        if "Condition" not in alarm
    ]
    assert (sum(read), len(UNITS) + 2 * len(WATCHED)) == (cost.ALARM_METRICS, cost.OWN_METRICS)
    assert cost.stack_per_month() == pytest.approx(13.70)
    assert "**$13.70**" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def costs(text: str) -> list[str]:
    """The lines of tables of costs by memory."""
    return re.findall(r"^\| (?:128|256|512|1,024|1,769) \|.*$", text, re.MULTILINE)


def test_the_measured_figures_and_their_costs_stand_in_one_page_and_agree() -> None:
    pages = {
        page.name: page.read_text(encoding="utf-8") for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    }
    told = {name: COMMAND.findall(text) for name, text in pages.items()}
    [given] = told.pop("cold.md")
    assert not any(told.values())
    expected = costs(cost.table_of(*map(float, given)))
    assert len(expected) == len(cost.MEMORY)
    assert {name: costs(text) for name, text in pages.items() if costs(text)} == {"cold.md": expected}
    assert expected != costs(cost.table_of(2 * float(given[0]), *map(float, given[1:]))), "other figures cost otherwise"


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    cost.main(["--request-ms", "0.9", "--init-ms", "74", "--log-bytes", "1600"])
    lines = capsys.readouterr().out.splitlines()
    assert "June 2026" in lines[0]
    assert [line.split("|")[1].strip() for line in lines[-7:-2]] == ["128", "256", "512", "1,024", "1,769"]
