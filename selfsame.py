"""The front door: the `selfsame` command, one sub-command per arrow of the flow."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

DONE, USAGE, INTERRUPTED, CLOSED = 0, 2, 130, 141  # the last two: 128 and the signal, as shells count
RUNTIME_CHOICES = ["python", "lambda", "node", "js", "browser", "all"]
OURS = {"train", "export", "lambda_handler", "deploy", "demo"}  # an exception defined in one of these is a message


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Returns:
        0 done, 1 a check did not hold, 2 wrong usage or bad input.
    """
    arguments = _parser().parse_args(argv)
    try:
        code: int = command_of(arguments.run)(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"selfsame: {where}{error.strerror or error}. Check the path, its permissions and the space left.",
              file=sys.stderr)  # fmt: skip
        return USAGE
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OURS:
            raise
        print(f"selfsame: {error}", file=sys.stderr)
        return USAGE


def whole(low: int, high: int) -> Callable[[str], int]:
    """Give the type of an argument that is a whole number between two others."""

    def number(text: str) -> int:
        if not text.isascii() or not text.removeprefix("-").isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"it must be a whole number from {low} to {high}; got {text!r}")
        return int(text)

    return number


SEED, PORT = whole(0, 2**32 - 1), whole(1, 65535)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="selfsame",
        description="Ship a scikit-learn model to AWS Lambda and to the browser as one ONNX file, "
        "and prove that it answers the same in all three.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_looking(commands)
    _add_check(commands)
    _add_train(commands)
    _add_judging(commands)
    _add_export(commands)
    _add_verify(commands)
    _add_serve(commands)
    _add_score(commands)
    _add_site(commands)
    _add_package(commands)
    _add_ship(commands)
    _add_demo(commands)
    return parser


def command_of(place: str) -> Callable[[argparse.Namespace], int]:
    """Import what a command runs: `package.module:function`, which returns the exit code."""
    module, _, name = place.partition(":")
    run: Callable[[argparse.Namespace], int] = getattr(import_module(module), name)
    return run


def _command(commands: Any, name: str, run: str, does: str, example: str) -> Any:
    command = commands.add_parser(
        name,
        help=does,
        description=does[0].upper() + does[1:] + ".",
        epilog=f"example: selfsame {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_looking(commands: Any) -> None:
    does = "look at a table before anything is trained: what a careful reader would find, as a report and as JSON"
    explore = _command(
        commands, "explore", "train.commands:explore", does, "loan.csv --target default --out build/explore/loan"
    )
    explore.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    explore.add_argument("--target", help="the column to predict (unless --config tells it, or DATA holds visits)")
    explore.add_argument("--out", type=Path, metavar="DIR", help="default: build/explore/ and the data's name")
    explore.add_argument("--config", type=Path, metavar="FILE", help="a project file: how to read and type the table")
    explore.add_argument("--time", metavar="COLUMN", help="look for drift along it (default: along the rows)")
    explore.add_argument("--test", type=Path, metavar="FILE", help="a second table, looked at for overlap and shift")
    explore.add_argument("--seed", type=SEED, default=0, help="of the folds (default: 0)")
    does = "write a project file with guesses about a table, for a person to edit"
    init = _command(commands, "init", "train.commands:init", does, "loan.csv --target default --out project.toml")
    init.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    init.add_argument("--target", help="the column to predict (unless DATA holds visits)")
    init.add_argument("--out", type=Path, default=Path("project.toml"), metavar="FILE", help="default: project.toml")
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.add_argument("--seed", type=SEED, default=0, help="of the folds (default: 0)")


def _add_check(commands: Any) -> None:
    does = "list, before a fit, every step and column that no export could hold exactly"
    check = _command(commands, "check", "export.commands:check", does, "pipeline.py --rows loan.csv --target default")
    source = "FILE.py or MODULE, with :VARIABLE unless it is `pipeline`; a .skops or .joblib file; a run"
    check.add_argument("source", metavar="SOURCE", help=source)
    check.add_argument("--rows", type=Path, metavar="DATA", help="the table, or a sample of it: CSV or Parquet")
    check.add_argument("--target", help="the column that an unfitted model predicts")
    check.add_argument("--trust", action="store_true", help="read a .joblib file: reading it runs the code inside")


def _add_train(commands: Any) -> None:
    does = "train on a table: type it, compare models, choose one, score it once, write the run"
    train = _command(commands, "train", "export.commands:train", does, "loan.csv --target default --out runs/loan")
    train.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    train.add_argument("--target", help="the column to predict (unless --config tells it, or ranks visits)")
    train.add_argument("--out", type=Path, metavar="RUN", help="the run's folder (default: runs/ and the data's name)")
    train.add_argument("--config", type=Path, metavar="FILE", help="a project file (init writes one, so does a run)")
    train.add_argument("--task", choices=["classification", "regression"], help="default: from the target's values")
    train.add_argument("--name", help="the model's name (default: the run's folder)")
    train.add_argument("--seed", type=SEED, default=0, help="of the split, the folds and the models (default: 0)")
    train.add_argument("--budget", metavar="TIME", help="stop comparing after TIME (90s, 10m, 2h); run again to go on")
    train.add_argument("--sample", type=int, metavar="ROWS", help="draw that many rows of a larger table (by the seed)")
    train.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that compare (default: 1)")
    train.add_argument("--scheduler", metavar="ADDRESS", help="compare on the Dask cluster of this scheduler")


def _add_judging(commands: Any) -> None:
    does = "look at a run's model on the rows it never saw: scores, worst groups, fairness, importance, mistakes"
    examine = _command(commands, "examine", "train.commands:examine", does, "runs/loan")
    examine.add_argument("run_path", type=Path, metavar="RUN", help="a folder that `selfsame train` wrote")
    examine.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: examine/ in the run)")
    examine.add_argument("--along-rows", action="store_true", help="test back in time along the order of the rows")
    does = "compare two runs on the rows that both held out; exit code 1 unless the second is better beyond chance"
    compare = _command(commands, "compare", "train.commands:compare", does, "runs/loan runs/challenger")
    compare.add_argument("champion", type=Path, metavar="RUN", help="the run in use")
    compare.add_argument("challenger", type=Path, metavar="RUN", help="the run that may take its place")
    compare.add_argument("--score", help="what decides (default: what the champion was chosen by)")
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    does = "train a run again from its own record and compare every file"
    reproduce = _command(commands, "reproduce", "export.commands:reproduce", does, "runs/loan --data loan.csv")
    reproduce.add_argument("run_path", type=Path, metavar="RUN", help="a folder that `selfsame train` wrote")
    reproduce.add_argument("--data", type=Path, metavar="DATA", help="its table (the demo has its own)")
    reproduce.add_argument("--json", action="store_true", help="print the comparison as JSON")


def _add_export(commands: Any) -> None:
    does = "export a run or a fitted estimator as a bundle: exactly, or not at all"
    export = _command(commands, "export", "demo:export", does, "runs/loan --out bundles/loan")
    export.add_argument("source", type=Path, metavar="SOURCE", help="a run, or a .skops or .joblib file with --rows")
    export.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    export.add_argument("--rows", type=Path, metavar="DATA", help="the table that a file's estimator was fitted on")
    export.add_argument("--trust", action="store_true", help="read a .joblib file: reading it runs the code inside")
    export.add_argument("--name", help="the model's name (default: the run's, or the file's)")
    export.add_argument("--effort", choices=["quick", "standard", "full"], default="standard",
                        help="how hard the proof tries (default: standard)")  # fmt: skip
    export.add_argument("--allow-training-rows", action="store_true",
                        help="let the public bundle hold training rows, where the model answers with them")  # fmt: skip
    degrees = ["shadow", "human only", "assist", "partial", "full"]
    export.add_argument("--automation", choices=degrees, metavar="DEGREE",
                        help="how far it acts by itself: %(choices)s (default: the run's, else full)")  # fmt: skip
    export.add_argument("--abstain", type=float, nargs=2, metavar=("LOW", "HIGH"),
                        help="with partial: the probabilities or scores between which a person decides")  # fmt: skip
    export.add_argument("--top", type=int, metavar="N", help="items that a ranking's answer holds (default: the run's)")
    export.add_argument("--loggable", nargs="+", default=[], action="extend", metavar="COLUMN",
                        help="columns whose values may stand in capture records")  # fmt: skip
    export.add_argument("--capture", type=float, metavar="SHARE",
                        help="share of requests that are captured, 0 to 1 (default: 1 in shadow, else 0)")  # fmt: skip


def _add_verify(commands: Any) -> None:
    does = "replay a bundle's golden rows in each runtime and compare with the original's answers"
    verify = _command(commands, "verify", "deploy.commands:verify", does, "bundles/loan --runtime all")
    verify.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `selfsame export` wrote")
    verify.add_argument("--runtime", choices=RUNTIME_CHOICES, default="python", help="where (default: python)")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")


def _add_serve(commands: Any) -> None:
    does = "serve the Function URL and the page of one or more bundles on 127.0.0.1"
    serve = _command(commands, "serve", "demo:serve", does, "bundles/loan --port 8000")
    serve.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="folders that `selfsame export` wrote")
    serve.add_argument("--port", type=PORT, default=8000, help="default: 8000")


def _add_score(commands: Any) -> None:
    does = "score the rows of a CSV, JSONL or Parquet file into another"
    score = _command(commands, "score", "deploy.commands:score", does, "bundles/loan new.csv scored.csv")
    score.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `selfsame export` wrote")
    score.add_argument("input", type=Path, metavar="INPUT", help="rows: .csv, .jsonl or .parquet")
    score.add_argument("output", type=Path, metavar="OUTPUT", help="the file to write: .csv, .jsonl or .parquet")


def _add_site(commands: Any) -> None:
    site = _command(
        commands,
        "site",
        "deploy.commands:site",
        "build the static site of one or more bundles",
        "bundles/loan --out site",
    )
    site.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="folders that `selfsame export` wrote")
    site.add_argument("--out", type=Path, required=True, metavar="DIR", help="the site's folder")
    site.add_argument("--endpoint", action="append", default=[], metavar="[NAME=]URL",
                      help="a Function URL with the same bundle, which the page may ask, too")  # fmt: skip
    site.add_argument("--plain", action="store_true", help="leave out the brotli and gzip copies (half a minute)")


def _add_package(commands: Any) -> None:
    does = "build what Lambda gets: the handler, the bundle and hash-pinned wheels"
    package = _command(
        commands, "package", "deploy.commands:package", does, "bundles/loan --out build/loan.zip --arch arm64"
    )
    package.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `selfsame export` wrote")
    where = "a new or an empty folder, or a new file ….zip"
    package.add_argument("--out", type=Path, required=True, metavar="DIR", help=where)
    package.add_argument("--arch", choices=["x86_64", "arm64"], default="x86_64", help="default: x86_64")
    engines = "onnxruntime by its C interface alone, or by its Python binding and numpy (default: capi)"
    package.add_argument("--engine", choices=["capi", "binding"], default="capi", help=engines)
    package.add_argument("--no-bytecode", dest="bytecode", action="store_false",
                         help="do without Python 3.13 here; every cold start then compiles")  # fmt: skip


def _add_ship(commands: Any) -> None:
    does = "train, export and verify in every runtime by one project file: from a table to a proven bundle"
    ship = _command(commands, "ship", "selfsame:ship", does, "examples/loan.toml --data loan.csv --out build/loan")
    ship.add_argument("project", type=Path, metavar="PROJECT", help="a TOML file, such as `selfsame init` writes")
    ship.add_argument(
        "--data", type=Path, metavar="DATA", help="CSV or Parquet (default: the project's simulated table)"
    )
    ship.add_argument("--out", type=Path, metavar="DIR", help="for run and bundle (default: build/ and PROJECT's name)")
    ship.add_argument("--effort", choices=["quick", "standard", "full"], default="standard",
                      help="how hard the proof tries (default: standard)")  # fmt: skip
    ship.add_argument("--runtime", choices=RUNTIME_CHOICES, default="all", help="where it is verified (default: all)")


def _add_demo(commands: Any) -> None:
    does = "train, export, prove and serve the embedded cases"
    demo = _command(commands, "demo", "demo:demo", does, "--check")
    demo.add_argument("--check", action="store_true", help="start no lasting server; exit 0 only when all holds")
    demo.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR", help="default: build/demo")
    demo.add_argument("--port", type=PORT, default=8000, help="default: 8000")


def ship(arguments: argparse.Namespace) -> int:
    """Train, export and verify, one command after the other; the first that fails ends it with its exit code."""
    from train.project import prepare_project

    out = arguments.out or Path("build") / arguments.project.stem
    project, data = prepare_project(arguments.project, arguments.data, out)
    run, bundle = str(out / "run"), str(out / "bundle")
    for step in (
        ["train", str(data), "--config", str(project), "--out", run],
        ["export", run, "--out", bundle, "--effort", arguments.effort],
        ["verify", bundle, "--runtime", arguments.runtime],
    ):
        print(f"selfsame {shlex.join(step)}", flush=True)
        code = main(step)
        if code != DONE:
            return code
    return DONE


if __name__ == "__main__":
    sys.exit(main())
