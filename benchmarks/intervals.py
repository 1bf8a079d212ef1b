"""How often the truth lies inside the prediction intervals, over repeated splits of a table.

    python -m benchmarks.intervals house.csv --target SalePrice --model boosting --splits 20
    python -m benchmarks.intervals house.csv --config examples/house.toml --model stacking --splits 12
    python -m benchmarks.intervals --demo diabetes --model linear --splits 50

Each split sets a fifth of the rows apart at random, takes the offsets from five folds of the others as `train` does,
and counts on the fifth. The last line is the mean over the splits with its standard error.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, train_test_split
from threadpoolctl import threadpool_limits

from train.config import read_config
from train.conformal import conformal, coverage, out_of_fold
from train.demo import diabetes_case, material_from_case
from train.evaluate import fit_pipeline
from train.material import Material, material_from_file
from train.models import build
from train.target import learns_logarithm

FOLDS = 5


def main() -> int:
    """Print one line per split and their mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a CSV or Parquet file")
    parser.add_argument("--target", help="the column of numbers to predict")
    parser.add_argument("--config", type=Path, help="a project file, which may name the target")
    parser.add_argument("--demo", choices=["diabetes"], help="embedded data instead of a file")
    parser.add_argument("--model", default="boosting", help="one of train's candidates (default: boosting)")
    parser.add_argument("--splits", type=int, default=10, help="default: 10")
    arguments = parser.parse_args()
    told = read_config(arguments.config)
    target = arguments.target or told.run.target
    if (arguments.data is None) == (arguments.demo is None) or (arguments.data and not target):
        parser.error("give DATA with --target or a --config that names it, or --demo diabetes")
    if arguments.demo:
        material = material_from_case(diabetes_case())
    else:
        material = material_from_file(arguments.data, target, told, "intervals", "regression")
    found = [shown(material, arguments.model, seed) for seed in range(arguments.splits)]
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(len(found))
    print(f"mean of {len(found)} splits: {100 * mean:.1f} % ± {100 * error:.1f} (standard error)")
    return 0


def shown(material: Material, model: str, seed: int) -> float:
    """Print and return the coverage of one split."""
    X, y = material.X, np.asarray(material.target.y, dtype=np.float64)
    config = material.config
    logs = learns_logarithm(material.target, config)
    pipeline = build(model, X, "regression", config.candidates, seed, config.prepare, log_target=logs)
    rest, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed)
    rest_X, rest_y = X.iloc[rest].reset_index(drop=True), y[rest]
    with threadpool_limits(1):
        folds = KFold(FOLDS, shuffle=True, random_state=seed).split(rest_X)
        told = conformal(rest_y, *out_of_fold(pipeline, rest_X, rest_y, folds))
        fitted = fit_pipeline(pipeline, rest_X, rest_y)
        held = coverage(told["interval"], y[test], fitted.predict(X.iloc[test].reset_index(drop=True)))
    interval = told["interval"]
    offsets = f"{interval['kind']} {interval['low']:.4g} to {interval['high']:.4g}"
    print(f"split {seed}: {100 * held['coverage']:.1f} % of {held['rows']} rows, {offsets}", flush=True)
    return float(held["coverage"])


if __name__ == "__main__":
    raise SystemExit(main())
