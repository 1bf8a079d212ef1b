"""The commands that take bundles where they are used; what they need is imported when they are called.

Each takes the command's arguments and returns its exit code: 0 done, 1 a check did not hold.
"""

import argparse
import json
import sys


def verify(arguments: argparse.Namespace) -> int:
    """Replay the golden rows in each runtime; 1 unless all holds."""
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
    return 0 if verdict.holds else 1


def score(arguments: argparse.Namespace) -> int:
    """Score the rows of a file into another."""
    from deploy.score import score
    from deploy.terminal import steps

    without = 0
    with steps() as (report, _):

        def count(done: int, problems: int) -> None:
            nonlocal without
            without = problems
            report(f"{done:,} rows")

        rows = score(arguments.bundle, arguments.input, arguments.output, count)
    rest = f"; {without:,} have a problem instead of an answer" if without else ""
    print(f"{rows:,} rows scored into {arguments.output}{rest}")
    return 0


def site(arguments: argparse.Namespace) -> int:
    """Build the static site."""
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
    return 0


def package(arguments: argparse.Namespace) -> int:
    """Build what Lambda gets."""
    from deploy.package import build_package, package_bytes

    how = {name: getattr(arguments, name) for name in ("arch", "engine", "bytecode")}
    package = build_package(arguments.bundle, arguments.out, **how)
    print(f"{package}: {package_bytes(package) / 1e6:.1f} MB for {arguments.arch}", end="")
    print(f", {package.stat().st_size / 1e6:.1f} MB zipped" if package.is_file() else "")
    return 0
