"""A generated table of 30 columns like a real one: numbers, levels, dates, a flag, an identifier, gaps, defects."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

PART = 250_000  # rows that are made at once
LEVELS = {"channel": 4, "region": 12, "product": 40, "branch": 300, "segment": 6, "device": 8, "language": 20}
EPOCH = 16_000  # days since 1970 of the first row
TARGET = "defaulted"

Floats = npt.NDArray[np.float64]


def write_table(path: Path, rows: int, seed: int = 5) -> None:
    """Write a Parquet file, part after part.

    18 numbers (normal, skewed, counts, a ratio; most with gaps, one where a gap tells, one with 999 for missing, one
    that drifts), 7 columns of 4 to 300 levels with "unknown" among them, a date, a time, a flag and an identifier; the
    target is true or false, about a fifth of them true.

    Args:
        path: The file.
        rows: At least a few hundred.
        seed: Of every draw.
    """
    draw, writer = np.random.default_rng(seed), None
    for start in range(0, rows, PART):
        table = pa.table(_part(draw, start, min(PART, rows - start), rows))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _part(draw: np.random.Generator, start: int, count: int, rows: int) -> dict[str, pa.Array]:
    numbers = {f"n{index}": draw.normal(size=count) for index in range(9)}
    age, income = draw.integers(18, 90, count).astype(np.float64), np.exp(draw.normal(10, 0.6, count))
    amount, debts = np.exp(draw.normal(8, 1, count)).round(2), draw.poisson(1.5, count).astype(np.float64)
    codes = {name: draw.integers(0, levels, count) for name, levels in LEVELS.items()}
    logit = numbers["n0"] + 0.7 * numbers["n1"] - 0.5 * numbers["n2"] * numbers["n3"] - 2.6
    logit += 0.4 * (codes["channel"] == 2) + 0.05 * (codes["product"] % 7) + 0.3 * debts - 0.3 * np.log(income / 2e4)
    truth = draw.random(count) < 1 / (1 + np.exp(-logit))
    place = np.arange(start, start + count)
    numbers |= {"age": age, "income": income, "amount": amount, "debts": debts, "rate": amount / income}
    numbers["trend"] = draw.normal(size=count) + 2.0 * place / rows
    numbers["contacts"] = np.where(draw.random(count) < 0.1, 999.0, draw.integers(0, 30, count).astype(np.float64))
    numbers["months"] = draw.integers(1, 120, count).astype(np.float64)
    numbers["score"] = (600 + 60 * numbers["n0"] + 40 * draw.normal(size=count)).round()
    gaps = {name: draw.random(count) < 0.04 for name in (*(f"n{index}" for index in range(9)), "income", "score")}
    gaps["months"] = draw.random(count) < np.where(truth, 0.12, 0.05)
    columns = {"id": pa.array([f"C{number:09d}" for number in place])}
    days = EPOCH + (place * 2000) // rows
    columns["opened"] = pa.array(days.astype(np.int32), type=pa.int32()).cast(pa.date32())
    columns["seen"] = pa.array(days * 86_400_000 + draw.integers(0, 86_400_000, count), type=pa.timestamp("ms"))
    columns |= {name: pa.array(values, mask=gaps.get(name)) for name, values in numbers.items()}
    for name, levels in LEVELS.items():
        names = np.array([f"{name} {level}" for level in range(levels - 1)] + ["unknown"], dtype=object)
        gone = draw.random(count) < 0.03 if name in ("region", "segment") else None
        columns[name] = pa.array(names[codes[name]], mask=gone)
    columns["member"] = pa.array(draw.random(count) < 0.3)
    return {**columns, TARGET: pa.array(truth)}
