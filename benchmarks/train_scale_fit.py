"""What training costs as rows grow: seconds and peak memory on a generated table of 30 columns in Parquet.

python -m benchmarks.train_scale_fit [--rows 100000 1000000 5000000]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
NUMBERS, CATEGORIES = 25, 4
PART = 500_000
MEMORY_BUDGET = 16 * 2**30  # bytes, for 5 million rows
CONFIG = """\
[candidates]
names = ["linear", "boosting"]
rounds = {rounds}
[split]
folds = {folds}
"""


def write_table(path: Path, rows: int) -> None:
    """Write `rows` rows of 25 numbers (each twentieth missing), 4 categories and a target of two classes."""
    draw, writer = np.random.default_rng(5), None
    for start in range(0, rows, PART):
        count = min(PART, rows - start)
        numbers = draw.normal(size=(count, NUMBERS))
        levels = draw.integers(0, 8, size=(count, CATEGORIES))
        logit = numbers[:, :5].sum(axis=1) / 2 + (levels[:, 0] > 5) - 2
        columns = {f"n{index}": pa.array(numbers[:, index], mask=draw.random(count) < 0.05) for index in range(NUMBERS)}
        for index in range(CATEGORIES):
            columns[f"c{index}"] = pa.array(np.array(list("abcdefgh"))[levels[:, index]])
        columns["target"] = pa.array((draw.random(count) < 1 / (1 + np.exp(-logit))).astype(np.int64))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def train(rows: int, rounds: int, folds: int) -> tuple[float, float, int]:
    """Train on a table of that many rows in a process of its own; return MB of the file, seconds, peak bytes."""
    with tempfile.TemporaryDirectory(prefix="selfsame-scale-") as folder:
        data, config = Path(folder) / "table.parquet", Path(folder) / "c.toml"
        write_table(data, rows)
        config.write_text(CONFIG.format(rounds=rounds, folds=folds))
        command = [sys.executable, "-m", "selfsame", "train", str(data), "--target", "target"]
        began = time.perf_counter()
        subprocess.run([*command, "--config", str(config), "--out", f"{folder}/run"], check=True, cwd=ROOT)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return data.stat().st_size / 1e6, seconds, peak


def main() -> int:
    """Print one line per size; 1 where the memory budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    held = True
    for rows in sorted(arguments.rows):
        size, seconds, peak = train(rows, arguments.rounds, arguments.folds)
        held = held and peak <= MEMORY_BUDGET
        print(f"{rows:>9,} rows, {size:,.0f} MB: {seconds:,.0f} s, {peak / 2**30:.2f} GiB at most", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
