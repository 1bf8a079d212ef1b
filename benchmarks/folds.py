"""Cross-validates the candidates of a project file on every row of a table, none held out.

`selfsame train` holds rows out first and cross-validates the others: what it reports is the honest figure. Published
figures of a table are mostly means over folds of all of its rows, which is what this command prints to compare with.

    python -m benchmarks.folds examples/house.toml house.csv
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.compare import How, compare
from train.config import read_config
from train.job import Shared
from train.material import Material, material_from_file
from train.outcome import figures_of
from train.scores import deciding_metric
from train.split import marks_of
from train.target import learns_logarithm
from train.work import Work


def main(argv: Sequence[str] | None = None) -> None:
    """Print the mean of the deciding score over the folds, and each fold's, per candidate."""
    parser = argparse.ArgumentParser(description="Cross-validate the candidates of a project file on all rows.")
    parser.add_argument("project", type=Path, help="a TOML file that names the target")
    parser.add_argument("data", type=Path, help="a CSV or Parquet file")
    arguments = parser.parse_args(argv)
    config = read_config(arguments.project)
    material = material_from_file(arguments.data, str(config.run.target), config, arguments.project.stem, None)
    metric = deciding_metric(material.config, material.setting)
    print(f"{metric}, {config.split.folds} folds of all {len(material.X):,} rows")
    for name, figures in scores_of(material).items():
        told = figures[metric]
        print(f"{name:10} {told['mean']:.4f}   folds: {' '.join(f'{each:.3f}' for each in told['folds'])}")


def scores_of(material: Material) -> dict[str, dict[str, dict[str, Any]]]:
    """Return per candidate and score what `train.scores.summarise` gives."""
    config, target = material.config, material.target
    shared = Shared(
        X=material.X,
        y=target.y,
        marks=marks_of(material.aside, config.split),
        task=target.task,
        setting=material.setting,
        classes=target.classes,
        config=config,
        seed=0,
        log_target=learns_logarithm(target, config),
    )
    with tempfile.TemporaryDirectory() as folder:
        compared = compare(shared, Work(Path(folder) / "folds", "", config, {}), How())
    return figures_of(shared, compared, deciding_metric(config, material.setting), config.run.positive)


if __name__ == "__main__":
    main()
