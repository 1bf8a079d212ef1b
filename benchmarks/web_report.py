"""What `web.py` measured: held against the targets, and as a page in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.page_bytes import PAGE_BUDGET
from benchmarks.web_browser import Line

BOTH, ALONE = "with the evaluator", "onnxruntime-web alone"
SLOW = Line("slow 4G: 1.6 Mbit/s, 150 ms, a quarter of the CPU", 150, 1.6e6, 4)
LINES = (Line("no limit"), Line("20 Mbit/s, 40 ms", 40, 20e6), Line("9 Mbit/s, 40 ms", 40, 9e6), SLOW)
MANY = (10_000, 100_000)
KINDS = {
    "first": "first visit",
    "again": "return visit",
    "cached": "return visit, no service worker",
    "confirmed": "first visit, until both engines have answered the golden rows",
}


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        visits: line -> variant -> kind of visit -> milliseconds.
        bytes: path -> bytes over the wire, in order.
        page: bytes of the page without runtime and model, brotli.
        delays: milliseconds from a slider's movement to its answer while onnxruntime-web loads, on a slow processor.
        rows: engine -> `p50`, `p99` of one row, and by number of rows: milliseconds.
        memory: MiB of a blank page (`blank`), and above it.
        peer: m2cgen's JavaScript beside the page; None where m2cgen is not there.
    """

    visits: Mapping[str, Mapping[str, Mapping[str, float]]]
    bytes: Mapping[str, int]
    page: int
    delays: Sequence[float]
    rows: Mapping[str, Mapping[str, float]]
    memory: Mapping[str, float]
    peer: Mapping[str, Any] | None


def targets(figures: Figures) -> list[tuple[str, float, float]]:
    """(what, found, at most) of everything that has a target."""
    slow = figures.visits[SLOW.name][BOTH]
    return [
        ("first visit on slow 4G, ms", slow["first"], 1000),
        ("return visit on slow 4G, ms", slow["again"], 300),
        ("one row, p50, ms", figures.rows["evaluator"]["p50"], 0.1),
        ("memory for the first answer, MiB above a blank page", figures.memory["first"], 20),
        ("page without runtime and model, brotli bytes", figures.page, PAGE_BUDGET),
    ]


def missed(figures: Figures) -> list[str]:
    """One sentence per target that is missed."""
    return [f"{what}: {_show(found)}; at most {most:g}." for what, found, most in targets(figures) if not found <= most]


PAGE = """# The page's speed

Written by `make web-bench` (`benchmarks/web.py`): the built site of the boosted loan model in Chromium, compressed,
behind a host that speaks HTTP/2 and sends cache headers; medians of {rounds} visits, {fewer} on the slowest line, each
variant in its turn. Times depend on the machine; what to compare are the variants.

| target | found | at most |
|---|---|---|
{targets}

{verdict}

## To the first answer, milliseconds

From the start of the navigation until the answer stands in the page, in which nothing of a testing tool runs but the
clock. A line delays each request by its round trip and shares its rate among all of them, those of workers and of the
service worker, too; opening the connection is not in it (two more round trips at the first visit). The slow processor
slows the page's own thread alone. Without the evaluator, onnxruntime-web has to come first.

{visits}

## While onnxruntime-web loads

It compiles and makes its session in a worker. Meanwhile a slider moves every 16 ms, without a limit to the line and on
a processor of a quarter: from when a movement is due to its answer, {moves} movements, the median takes {p50} ms, the
99th percentile {p99} ms, the longest {longest} ms.

## Rows, in the page's own thread

{rows}

One row is an object that is checked against the contract and answered; many rows are columns that were checked before,
in calls of 4096.

## Memory

A blank page's process holds {blank} MiB that no other process shares. With the first answer it is {first} MiB more,
with the parts below the first screen {parts}, and {confirmed} when onnxruntime-web has answered, too: its compiled code
and its heap.

## Bytes over the wire

A first visit, in order, headers too.

{bytes}

{peer}
"""
PEER = """## Beside m2cgen

m2cgen takes no boosted model. Of a forest of 100 trees on the diabetes table, its JavaScript stands beside ours; its
page shows a single answer and nothing else.

| | selfsame | m2cgen |
|---|---|---|
| model and what computes it, brotli bytes | {ours} | {theirs} |
{lines}
| golden rows that differ from the original by more than 1e-9 of the answer, of {rows} | 0 | {differ} |

It compares inputs in float64 with thresholds that scikit-learn holds against float32 ones."""
NO_PEER = "m2cgen was not installed for this run; `make web-bench` installs it beside the environment."


def page(figures: Figures, rounds: int) -> str:
    """Everything as one Markdown page."""
    ordered = sorted(figures.delays)
    return PAGE.format(
        rounds=rounds,
        fewer=(rounds + 1) // 2,
        targets="\n".join(f"| {what} | {_show(found)} | {most:,g} |" for what, found, most in targets(figures)),
        verdict=" ".join(missed(figures)) or "All targets are met.",
        visits=_visits(figures),
        moves=f"{len(ordered):,}",
        p50=_show(ordered[len(ordered) // 2]),
        p99=_show(ordered[int(len(ordered) * 0.99)]),
        longest=_show(ordered[-1]),
        rows=_rows(figures),
        bytes=_bytes(figures),
        peer=NO_PEER if figures.peer is None else _peer(figures.peer),
        **{name: _show(value) for name, value in figures.memory.items()},
    )


def _visits(figures: Figures) -> str:
    rows = [
        f"| {title}, {variant} | "
        + " | ".join(_show(figures.visits[line.name][variant][kind]) for line in LINES)
        + " |"
        for kind, title in KINDS.items()
        for variant in (BOTH, ALONE)
        if kind in figures.visits[SLOW.name][variant]
    ]
    return "\n".join([f"| | {' | '.join(line.name for line in LINES)} |", "|---" * (len(LINES) + 1) + "|", *rows])


def _rows(figures: Figures) -> str:
    heads = ["one row, p50, ms", "p99, ms", *(f"{many:,} rows, ms" for many in MANY)]
    lines = [
        f"| {engine} | " + " | ".join(_show(found[key]) for key in ("p50", "p99", *map(str, MANY))) + " |"
        for engine, found in figures.rows.items()
    ]
    return "\n".join([f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|", *lines])


def _bytes(figures: Figures) -> str:
    named = [(re.sub(r"-?[0-9a-f]{16}", "", path), size) for path, size in figures.bytes.items()]
    lines = [f"| `{path.replace('//', '/')}` | {size:,} |" for path, size in named]
    return "\n".join(["| file | bytes |", "|---|---|", *lines])


def _peer(peer: Mapping[str, Any]) -> str:
    times = [
        f"| first answer, {name.partition(':')[0]}, ms | {_show(found['selfsame'])} | {_show(found['m2cgen'])} |"
        for name, found in peer.items()
        if name in {"this machine", SLOW.name}
    ]
    ours, theirs = (f"{peer['bytes'][name]:,}" for name in ("selfsame", "m2cgen"))
    return PEER.format(ours=ours, theirs=theirs, lines="\n".join(times), rows=peer["rows"], differ=peer["differ"])


def _show(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
