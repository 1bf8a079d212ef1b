"""The main job end to end on embedded data, and what the commands show on a terminal."""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from deploy.verify import Verdict

console = Console()


@dataclass(frozen=True)
class Shown:
    """One line of the demo's table."""

    name: str
    model: str
    score: str
    verdict: "Verdict"
    kib: float


def export(arguments: argparse.Namespace) -> int:
    """Export a run or a fitted estimator; what it proved is printed. Returns the exit code."""
    from deploy.node import replay_node
    from deploy.terminal import steps
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
    return 0


def serve(arguments: argparse.Namespace) -> int:
    """Serve bundles until interrupted. Returns the exit code."""
    serve_bundles(arguments.bundles, arguments.port)
    return 0


def demo(arguments: argparse.Namespace) -> int:
    """Run the embedded cases. Returns the exit code: 1 where something does not hold."""
    return 0 if run_demo(arguments.out, check=arguments.check, port=arguments.port) else 1


def run_demo(out: Path, *, check: bool, port: int) -> bool:
    """Train, export and prove the embedded cases; then serve them, or with `check` only try the server.

    Returns:
        Whether everything held.
    """
    from deploy.site import build_site

    shown, bundles = [], []
    for name, train in _cases().items():
        bundle = out / "bundles" / name
        shown.append(_one_case(name, train, out / "runs" / name, bundle))
        bundles.append(bundle)
    site = build_site(bundles, out / "site")
    _print_table(shown)
    holds = all(line.verdict.holds for line in shown)
    if check:
        answered = _try_server(bundles, site)
        console.print("[green]All holds.[/green]" if holds and answered else "[red]Something does not hold.[/red]")
        return holds and answered
    _serve(bundles, site, port)
    return holds


def serve_bundles(bundles: Sequence[Path], port: int) -> None:
    """Build the site of bundles in a temporary folder and serve both until interrupted."""
    from deploy.site import build_site

    with tempfile.TemporaryDirectory(prefix="selfsame-site-") as folder:
        _serve(bundles, build_site(bundles, Path(folder) / "site"), port)


def print_certificate(path: Path) -> None:
    """Show what the export proved."""
    certificate = json.loads((path / "parity.json").read_text(encoding="utf-8"))
    table = Table(title=f"{path}: {certificate['class']}", title_justify="left", box=None, pad_edge=False)
    for heading in ("rows", "compared", "labels differ", "outside", "undecidable", "largest difference"):
        table.add_column(heading, justify="left" if heading == "rows" else "right")
    for stratum in certificate["strata"]:
        table.add_row(*_stratum_cells(stratum["name"], stratum))
    console.print(table)
    mutation, batch = certificate["mutation"], certificate["batch"]
    console.print(
        f"One row at a time against all at once: {batch['alone']} of {batch['rows']} differ in their last bits. "
        f"Small faults noticed at export: {mutation['caught']} of {mutation['effective']}; by the stored rows alone: "
        f"{mutation['caught_stored']}.",
        highlight=False,
    )
    console.print(f"Next: selfsame verify {path} --runtime all", soft_wrap=True, highlight=False)


def _stratum_cells(name: str, stratum: dict[str, Any]) -> list[str]:
    counts = [f"{stratum[key]:,}" for key in ("rows", "labels_differ", "outside", "undecidable")]
    return [name, *counts, f"{stratum['max_abs']:.2g}"]


def _cases() -> dict[str, Callable[..., Any]]:
    """The embedded cases: name -> a function of the run's folder and a progress, which trains it."""
    from train.demo import demo_cases
    from train.demo_tourist import tourist_config, tourist_visits
    from train.fit import train_frame
    from train.rank import train_visits

    def train_tourist(out: Path, progress: Any) -> Any:
        visits, best = tourist_visits()
        return train_visits(visits, told, out, best_possible=best, progress=progress)

    told = tourist_config()
    return {**{case.name: partial(train_frame, case) for case in demo_cases()}, str(told.run.name): train_tourist}


def _one_case(name: str, train: Callable[..., Any], run_path: Path, bundle: Path) -> Shown:
    from deploy.terminal import steps
    from deploy.verify import verify
    from export import export_bundle
    from export.source import read_source
    from train.terminal import progress_bars

    console.rule(name)
    with progress_bars(console) as progress:
        run = train(run_path, progress=progress)
    source = read_source(run_path)
    with steps() as (report, advance):
        export_bundle(
            source.estimator,
            source.X,
            bundle,
            about=source.about,
            seed=source.seed,
            report=report,
            advance=advance,
        )
        verdict = verify(bundle, report=lambda runtime: report(f"replaying in {runtime}"))
    size = sum(file.stat().st_size for file in bundle.iterdir()) / 1024
    if run.info["notice"]:
        console.print(f"[yellow]{run.info['notice']}[/yellow]")
    return Shown(name, run.info["model"], _score(run), verdict, size)


def _score(run: Any) -> str:
    from train.report import SCORE_NAMES

    main = run.metrics["main_score"]
    name = SCORE_NAMES[main]
    text = f"{name} {run.metrics['test'][main]:.3f}"
    if run.metrics["best_possible"]:
        text += f" (best possible {run.metrics['best_possible'][main]:.3f})"
    return text


def _print_table(shown: Sequence[Shown]) -> None:
    console.rule("the same answers everywhere")
    for line in shown:
        totals = {runtime: line.verdict.total(runtime) for runtime in line.verdict.strata}
        rows = next(iter(totals.values())).rows
        differ = " · ".join(f"{name} {total.labels_differ + total.outside}" for name, total in totals.items())
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="dim", min_width=15)
        table.add_column(overflow="fold")
        table.add_row("case", f"[bold]{line.name}[/bold]")
        table.add_row("model", line.model)
        table.add_row("held-out rows", line.score)
        table.add_row("rows checked", f"{rows:,} in each runtime")
        table.add_row("rows that differ", differ)
        table.add_row("bundle", f"{line.kib:,.0f} KiB")
        console.print(table, "", highlight=False)


def _addresses(bundles: Sequence[Path], origin: str) -> tuple[str, str, str]:
    """The page, the API, and a curl line that works."""
    from lambda_handler.bundle import read_bundle

    contract = read_bundle(bundles[0]).contract
    api = origin if len(bundles) == 1 else f"{origin}/{contract.name}"
    row = json.dumps({feature.name: feature.example for feature in contract.features}, ensure_ascii=False)
    quoted = row.replace("'", "'\\''")
    return f"{origin}/", f"{api}/health", f"curl -s {api}/predict -H 'content-type: application/json' -d '{quoted}'"


def _serve(bundles: Sequence[Path], site: Path, port: int) -> None:
    from deploy.serve import serve

    page, health, curl = _addresses(bundles, f"http://127.0.0.1:{port}")
    console.print(f"\nPage  {page}\nAPI   {health}\n\n{curl}\n", soft_wrap=True, highlight=False, markup=False)
    console.print("Stop with Ctrl-C.")
    serve(bundles, site, port=port)


def _try_server(bundles: Sequence[Path], site: Path) -> bool:
    """Start the server on a free port and ask the page, the health and one prediction of each bundle."""
    import urllib.request

    from deploy.serve import app, background_server
    from lambda_handler.bundle import read_bundle

    with background_server(app(bundles, site)) as origin:
        asked = [f"{origin}/"]
        for bundle in bundles:
            contract = read_bundle(bundle).contract
            api = origin if len(bundles) == 1 else f"{origin}/{contract.name}"
            row = {feature.name: feature.example for feature in contract.features}
            asked.append(f"{api}/health")
            request = urllib.request.Request(  # noqa: S310 - our own server
                f"{api}/predict", json.dumps(row).encode(), {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request) as response:  # noqa: S310
                if not json.load(response)["predictions"]:
                    return False
        for address in asked:
            with urllib.request.urlopen(address) as response:  # noqa: S310
                if response.status != 200:
                    return False
    return True
