"""The front door: the `selfsame` command, one sub-command per arrow of the flow."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DONE, FAILED, USAGE = 0, 1, 2
RUNTIME_CHOICES = ["python", "lambda", "node", "js", "browser", "all"]
OURS = {"train", "export", "lambda_handler", "deploy", "demo"}  # an exception defined in one of these is a message


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Returns:
        0 done, 1 a check did not hold, 2 wrong usage or bad input.
    """
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return 130
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


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], does: str, example: str) -> Any:
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
    explore = _command(commands, "explore", _explore, does, "loan.csv --target default --out build/explore/loan")
    explore.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    explore.add_argument("--target", help="the column to predict (unless --config tells it, or DATA holds visits)")
    explore.add_argument("--out", type=Path, metavar="DIR", help="default: build/explore/ and the data's name")
    explore.add_argument("--config", type=Path, metavar="FILE", help="a project file: how to read and type the table")
    explore.add_argument("--time", metavar="COLUMN", help="look for drift along it (default: along the rows)")
    explore.add_argument("--test", type=Path, metavar="FILE", help="a second table, looked at for overlap and shift")
    explore.add_argument("--seed", type=int, default=0, help="of the folds (default: 0)")
    does = "write a project file with guesses about a table, for a person to edit"
    init = _command(commands, "init", _init, does, "loan.csv --target default --out project.toml")
    init.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    init.add_argument("--target", help="the column to predict (unless DATA holds visits)")
    init.add_argument("--out", type=Path, default=Path("project.toml"), metavar="FILE", help="default: project.toml")
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.add_argument("--seed", type=int, default=0, help="of the folds (default: 0)")


def _add_check(commands: Any) -> None:
    does = "list, before a fit, every step and column that no export could hold exactly"
    check = _command(commands, "check", _check, does, "pipeline.py --rows loan.csv --target default")
    source = "FILE.py or MODULE, with :VARIABLE unless it is `pipeline`; a .skops or .joblib file; a run"
    check.add_argument("source", metavar="SOURCE", help=source)
    check.add_argument("--rows", type=Path, metavar="DATA", help="the table, or a sample of it: CSV or Parquet")
    check.add_argument("--target", help="the column that an unfitted model predicts")
    check.add_argument("--trust", action="store_true", help="read a .joblib file: reading it runs the code inside")


def _add_train(commands: Any) -> None:
    does = "train on a table: type it, compare models, choose one, score it once, write the run"
    train = _command(commands, "train", _train, does, "loan.csv --target default --out runs/loan")
    train.add_argument("data", type=Path, metavar="DATA", help="a CSV or Parquet file")
    train.add_argument("--target", help="the column to predict (unless --config tells it, or ranks visits)")
    train.add_argument("--out", type=Path, metavar="RUN", help="the run's folder (default: runs/ and the data's name)")
    train.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with decisions (a run writes one)")
    train.add_argument("--task", choices=["classification", "regression"], help="default: from the target's values")
    train.add_argument("--name", help="the model's name (default: the run's folder)")
    train.add_argument("--seed", type=int, default=0, help="of the split, the folds and the models (default: 0)")
    train.add_argument("--budget", metavar="TIME", help="stop comparing after TIME (90s, 10m, 2h); run again to go on")
    train.add_argument("--sample", type=int, metavar="ROWS", help="draw that many rows of a larger table (by the seed)")
    train.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that compare (default: 1)")
    train.add_argument("--scheduler", metavar="ADDRESS", help="compare on the Dask cluster of this scheduler")


def _add_judging(commands: Any) -> None:
    does = "look at a run's model on the rows it never saw: scores, worst groups, fairness, importance, mistakes"
    examine = _command(commands, "examine", _examine, does, "runs/loan")
    examine.add_argument("run_path", type=Path, metavar="RUN", help="a folder that `selfsame train` wrote")
    examine.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: examine/ in the run)")
    examine.add_argument("--along-rows", action="store_true", help="test back in time along the order of the rows")
    does = "compare two runs on the rows that both held out; exit code 1 unless the second is better beyond chance"
    compare = _command(commands, "compare", _compare, does, "runs/loan runs/challenger")
    compare.add_argument("champion", type=Path, metavar="RUN", help="the run in use")
    compare.add_argument("challenger", type=Path, metavar="RUN", help="the run that may take its place")
    compare.add_argument("--score", help="what decides (default: what the champion was chosen by)")
    compare.add_argument("--json", action="store_true", help="print the comparison as JSON")
    does = "train a run again from its own record and compare every file"
    reproduce = _command(commands, "reproduce", _reproduce, does, "runs/loan --data loan.csv")
    reproduce.add_argument("run_path", type=Path, metavar="RUN", help="a folder that `selfsame train` wrote")
    reproduce.add_argument("--data", type=Path, metavar="DATA", help="the table it was trained on (but for the demo's)")
    reproduce.add_argument("--json", action="store_true", help="print the comparison as JSON")


def _add_export(commands: Any) -> None:
    does = "export a run or a fitted estimator as a bundle: exactly, or not at all"
    export = _command(commands, "export", _export, does, "runs/loan --out bundles/loan")
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
    verify = _command(commands, "verify", _verify, does, "bundles/loan --runtime all")
    verify.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `selfsame export` wrote")
    verify.add_argument("--runtime", choices=RUNTIME_CHOICES, default="python", help="where (default: python)")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")


def _add_serve(commands: Any) -> None:
    does = "serve the Function URL and the page of one or more bundles on 127.0.0.1"
    serve = _command(commands, "serve", _serve, does, "bundles/loan --port 8000")
    serve.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="folders that `selfsame export` wrote")
    serve.add_argument("--port", type=int, default=8000, help="default: 8000")


def _add_score(commands: Any) -> None:
    does = "score the rows of a CSV, JSONL or Parquet file into another"
    score = _command(commands, "score", _score, does, "bundles/loan new.csv scored.csv")
    score.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `selfsame export` wrote")
    score.add_argument("input", type=Path, metavar="INPUT", help="rows: .csv, .jsonl or .parquet")
    score.add_argument("output", type=Path, metavar="OUTPUT", help="the file to write: .csv, .jsonl or .parquet")


def _add_site(commands: Any) -> None:
    site = _command(commands, "site", _site, "build the static site of one or more bundles", "bundles/loan --out site")
    site.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="folders that `selfsame export` wrote")
    site.add_argument("--out", type=Path, required=True, metavar="DIR", help="the site's folder")
    site.add_argument("--endpoint", action="append", default=[], metavar="[NAME=]URL",
                      help="a Function URL with the same bundle, which the page may ask, too")  # fmt: skip
    site.add_argument("--plain", action="store_true", help="leave out the brotli and gzip copies (half a minute)")


def _add_package(commands: Any) -> None:
    does = "build what Lambda gets: the handler, the bundle and hash-pinned wheels"
    package = _command(commands, "package", _package, does, "bundles/loan --out build/loan.zip --arch arm64")
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
    ship = _command(commands, "ship", _ship, does, "examples/loan.toml --data loan.csv --out build/loan")
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
    demo = _command(commands, "demo", _demo, does, "--check")
    demo.add_argument("--check", action="store_true", help="start no lasting server; exit 0 only when all holds")
    demo.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR", help="default: build/demo")
    demo.add_argument("--port", type=int, default=8000, help="default: 8000")


def _explore(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from train.explore_terminal import run_explore

    how = {name: getattr(arguments, name) for name in ("config", "time", "test", "seed")}
    run_explore(Console(), arguments.data, arguments.target, arguments.out, **how)
    return DONE


def _init(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from train.explore_terminal import run_init

    how = {name: getattr(arguments, name) for name in ("force", "seed")}
    run_init(Console(), arguments.data, arguments.target, arguments.out, **how)
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    from export.candidate import read_candidate
    from export.check import check_pipeline, shown

    source = read_candidate(arguments.source, rows=arguments.rows, target=arguments.target, trust=arguments.trust)
    found = check_pipeline(source.estimator, source.X, source.y)
    print(shown(found, rows=None if source.X is None else len(source.X)))
    return FAILED if found else DONE


def _warn(material: Any) -> None:
    """Say before the fit what of a table to train on no export could hold; training goes on."""
    from export.check import check_pipeline, shown
    from train.models import build_candidates

    task, config = material.target.task, material.config
    candidates = build_candidates(material.X, task, config.candidates, 0, config.prepare).values()
    found = {str(each): each for model in candidates for each in check_pipeline(model, material.X, material.target.y)}
    if found:
        print(shown(list(found.values()), rows=len(material.X)), file=sys.stderr)


def _train(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from export.size import measure
    from train.compare import How
    from train.config import read_config
    from train.config_check import seconds_of
    from train.errors import TrainError
    from train.fit import train
    from train.terminal import print_decisions, print_result, progress_bars

    console = Console()
    out = arguments.out or Path("runs") / arguments.data.stem
    told = read_config(arguments.config)
    if told.run.task == "ranking":
        from train.ranking_terminal import run_ranking

        how = {name: getattr(arguments, name) for name in ("config", "seed", "name")}
        goes_on = run_ranking(console, arguments.data, out, **how)
        return _next(console, out) if goes_on else FAILED
    target = arguments.target or told.run.target
    if target is None:
        raise TrainError("A table needs a column to predict.", "none", "Add --target COLUMN.")

    def show(material: Any) -> None:
        print_decisions(console, material)
        _warn(material)

    budget = arguments.budget or told.budgets.time
    means = How(
        say=lambda line: console.print(line, soft_wrap=True, highlight=False, markup=False),
        measure=measure,
        budget=None if budget is None else seconds_of(budget),
        scheduler=arguments.scheduler,
        jobs=arguments.jobs,
    )
    with progress_bars(console) as progress:
        run = train(
            arguments.data,
            target,
            out,
            **{name: getattr(arguments, name) for name in ("config", "seed", "name", "task", "sample")},
            progress=progress,
            on_material=show,
            how=means,
        )
    print_result(console, run)
    if run.metrics["verdict"]["stop"] or run.metrics["verdict"]["outside"]:
        return FAILED
    return _next(console, out)


def _next(console: Any, out: Path) -> int:
    console.print(f"Next: selfsame export {out} --out bundles/{out.name}", soft_wrap=True, highlight=False)
    return DONE


def _examine(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from train.examine import examine
    from train.terminal import progress_bars

    with progress_bars(Console()) as progress:
        out = examine(arguments.run_path, arguments.out, along_rows=arguments.along_rows, progress=progress)
    print(f"{out}: examine.html, examine.json. Private, like the run: rows of the table stand in it.")
    return DONE


def _compare(arguments: argparse.Namespace) -> int:
    from train.compare_runs import compare_runs, comparison_text

    told = compare_runs(arguments.champion, arguments.challenger, arguments.score)
    print(json.dumps(told, indent=1) if arguments.json else comparison_text(told))
    return DONE if told["better"] else FAILED


def _reproduce(arguments: argparse.Namespace) -> int:
    from export.size import measure
    from train.compare import How
    from train.reproduce import reproduce, reproduction_text

    told = reproduce(arguments.run_path, arguments.data, how=How(measure=measure))
    print(json.dumps(told, indent=1) if arguments.json else reproduction_text(told))
    return DONE if told["same"] else FAILED


def _export(arguments: argparse.Namespace) -> int:
    from demo import print_certificate, steps
    from deploy.node import replay_node
    from export import export_bundle
    from export.source import read_source

    source = read_source(arguments.source, rows=arguments.rows, trust=arguments.trust, name=arguments.name)
    told = {name: getattr(arguments, name) for name in ("automation", "abstain") if getattr(arguments, name)}
    with steps() as (report, advance):
        path = export_bundle(
            source.estimator,
            source.X,
            arguments.out,
            about=source.about | ({} if arguments.top is None else {"top": arguments.top}),
            seed=source.seed,
            effort=arguments.effort,
            allow_training_rows=arguments.allow_training_rows,
            **(told if arguments.automation else source.automation | told),
            loggable=arguments.loggable or source.loggable,
            capture=arguments.capture,
            replay_wasm=replay_node,
            report=report,
            advance=advance,
        )
    print_certificate(path)
    return DONE


def _verify(arguments: argparse.Namespace) -> int:
    from deploy.verify import RUNTIMES, verify

    runtimes = RUNTIMES if arguments.runtime == "all" else (arguments.runtime,)
    if arguments.json:
        verdict = verify(arguments.bundle, runtimes)
        print(json.dumps(verdict.as_json(), indent=1))
    else:
        from deploy.verdict import verdict_text

        def report(runtime: str) -> None:
            if sys.stderr.isatty():
                print(f"replaying in {runtime} …", file=sys.stderr)

        verdict = verify(arguments.bundle, runtimes, report)
        print(verdict_text(verdict))
    return DONE if verdict.holds else FAILED


def _serve(arguments: argparse.Namespace) -> int:
    from demo import serve_bundles

    serve_bundles(arguments.bundles, arguments.port)
    return DONE


def _score(arguments: argparse.Namespace) -> int:
    from demo import steps
    from deploy.score import score

    without = 0
    with steps() as (report, _):

        def count(done: int, problems: int) -> None:
            nonlocal without
            without = problems
            report(f"{done:,} rows")

        rows = score(arguments.bundle, arguments.input, arguments.output, count)
    rest = f"; {without:,} have a problem instead of an answer" if without else ""
    print(f"{rows:,} rows scored into {arguments.output}{rest}")
    return DONE


def _site(arguments: argparse.Namespace) -> int:
    from deploy.site import build_site, read_endpoints

    endpoints = read_endpoints(arguments.endpoint, arguments.bundles)
    site = build_site(
        arguments.bundles,
        arguments.out,
        endpoints=endpoints,
        compress=not arguments.plain,
        report=lambda line: print(line, file=sys.stderr),
    )
    print(f"{site}: copy it to any static host")
    return DONE


def _package(arguments: argparse.Namespace) -> int:
    from deploy.package import build_package, package_bytes

    how = {name: getattr(arguments, name) for name in ("arch", "engine", "bytecode")}
    package = build_package(arguments.bundle, arguments.out, **how)
    print(f"{package}: {package_bytes(package) / 1e6:.1f} MB for {arguments.arch}", end="")
    print(f", {package.stat().st_size / 1e6:.1f} MB zipped" if package.is_file() else "")
    return DONE


def _ship(arguments: argparse.Namespace) -> int:
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


def _demo(arguments: argparse.Namespace) -> int:
    from demo import run_demo

    return DONE if run_demo(arguments.out, check=arguments.check, port=arguments.port) else FAILED


if __name__ == "__main__":
    sys.exit(main())
