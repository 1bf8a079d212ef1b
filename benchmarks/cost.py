"""What a million requests cost on Lambda by memory size, and what the stack costs a month, from measured figures.

    python benchmarks/cost.py --request-ms 0.9 --init-ms 74 --log-bytes 1600 --cold 0.001

The times are those of one whole core: below 1,769 MB a function gets the part of a core that its memory is of that.
"""

import argparse
import math
from collections.abc import Mapping, Sequence

PRICES_OF = "US East (N. Virginia), June 2026"
PER_REQUEST = 0.20 / 1e6
PER_GB_SECOND: Mapping[str, float] = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
PER_LOG_GB = 0.50
OWN_METRICS, ALARM_METRICS = 31, 14  # 25 by model version, 3 twice for alarms; a test counts both
PER_METRIC, PER_ALARM_METRIC, PER_DASHBOARD = 0.30, 0.10, 3.00  # a month; free tiers are left out
FULL_CORE_MB = 1769
# Lambda's own lines of one call, and the 26 bytes that CloudWatch counts for each line on top.
PLATFORM_LINES = (
    f"START RequestId: {'0' * 36} Version: 12",
    f"END RequestId: {'0' * 36}",
    f"REPORT RequestId: {'0' * 36}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 100 MB\t",
)
LINE_BYTES = 26
COLD = 0.001  # share of requests
MEMORY = (128, 256, 512, 1024, 1769)


def billed_ms(memory: int, core_ms: float) -> int:
    """What a call that takes `core_ms` on a whole core is billed for: milliseconds, begun ones count."""
    return math.ceil(core_ms / min(1.0, memory / FULL_CORE_MB))


def compute_per_million(memory: int, arch: str, request_ms: float, init_ms: float, cold: float) -> float:
    """Dollars for a million requests, of which the share `cold` also pays for an init."""
    gb = memory / 1024
    ms = billed_ms(memory, request_ms) + cold * billed_ms(memory, init_ms)
    return 1e6 * (PER_REQUEST + gb * ms / 1000 * PER_GB_SECOND[arch])


def logs_per_million(log_bytes: float) -> float:
    """Dollars for the log of a million requests, each with a line of `log_bytes` beside the platform's own."""
    platform = sum(len(line) + LINE_BYTES for line in PLATFORM_LINES)
    return 1e6 * (log_bytes + LINE_BYTES + platform) / 1e9 * PER_LOG_GB


def stack_per_month() -> float:
    """Dollars a month, at most, for metrics, alarms and the dashboard of one version."""
    return OWN_METRICS * PER_METRIC + ALARM_METRICS * PER_ALARM_METRIC + PER_DASHBOARD


def table_of(request_ms: float, init_ms: float, log_bytes: float, cold: float = COLD) -> str:
    """Dollars per million requests, by memory and architecture, as a table of Markdown."""
    logs = logs_per_million(log_bytes)
    lines = [
        f"Dollars per million requests, {PRICES_OF}; one request in {1 / cold:,.0f} is cold.",
        "",
        "| memory, MB | billed ms | x86_64 | arm64 | logs |",
        "|---|---|---|---|---|",
    ]
    for memory in MEMORY:
        x86, arm = (compute_per_million(memory, arch, request_ms, init_ms, cold) for arch in PER_GB_SECOND)
        lines.append(f"| {memory:,} | {billed_ms(memory, request_ms)} | {x86:.2f} | {arm:.2f} | {logs:.2f} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--request-ms", type=float, required=True, help="a warm request on a whole core, milliseconds")
    parser.add_argument("--init-ms", type=float, required=True, help="an init on a whole core, milliseconds")
    parser.add_argument(
        "--log-bytes", type=float, required=True, help="bytes of the line that a request writes to the log"
    )
    parser.add_argument("--cold", type=float, default=COLD, help="share of requests that meet a cold start")
    print(table_of(**vars(parser.parse_args(words))))
    print(f"\nMetrics, alarms and dashboard of the stack: at most ${stack_per_month():.2f} a month.")


if __name__ == "__main__":
    main()
