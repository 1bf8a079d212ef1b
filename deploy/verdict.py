"""A verdict as text: what `selfsame verify` prints (standard library only, as the replay in Python is)."""

from collections.abc import Sequence

from deploy.verify import Verdict
from lambda_handler.golden import Stratum

HEADINGS = ("runtime", "rows", "compared", "labels differ", "outside", "undecidable", "largest difference")
WORDS = 2  # columns of words; the others hold numbers


def verdict_text(verdict: Verdict) -> str:
    """What the replays showed, runtime by runtime and stratum by stratum, and in the last line whether it holds."""
    cells = [
        [runtime, name, *_cells(stratum)]
        for runtime, strata in verdict.strata.items()
        for name, stratum in strata.items()
    ]
    lines = [verdict.bundle, *_aligned([HEADINGS, *cells])]
    if verdict.python:
        lines.append(f"lambda: Python {verdict.python} under the official emulator")
    lines += [f"{runtime}: left out. {why}" for runtime, why in verdict.left_out.items()]
    lines += [f"{pair}: {len(rows)} rows are not alike bit for bit" for pair, rows in verdict.apart.items()]
    if any(verdict.apart.values()):
        lines.append("There exp or a matrix product rounds its own way: see docs/export.md; --json names the rows.")
    return "\n".join([*lines, "It holds." if verdict.holds else "It does not hold."])


def _cells(stratum: Stratum) -> list[str]:
    counts = (stratum.rows, stratum.labels_differ, stratum.outside, stratum.undecidable)
    return [*(f"{count:,}" for count in counts), f"{stratum.max_abs:.2g}"]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < WORDS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
