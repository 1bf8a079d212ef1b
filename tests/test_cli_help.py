"""The command's surface: help with a working example, exit codes, and the interpreter's own entry points."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

import selfsame

COMMANDS = ["explore", "init", "check", "train", "examine", "compare", "reproduce", "export", "verify", "serve",
            "score", "site", "package", "ship", "demo"]  # fmt: skip
INSTALLED = Path(sys.executable).with_name("selfsame")


def subcommands() -> dict[str, argparse.ArgumentParser]:
    parser = selfsame._parser()
    action = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(action.choices)


def test_there_are_these_commands() -> None:
    assert list(subcommands()) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_parses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        selfsame.main([name, "--help"])
    assert left.value.code == 0
    example = capsys.readouterr().out.strip().splitlines()[-1]
    assert example.startswith(f"example: selfsame {name} ")
    words = example.removeprefix("example: selfsame ").split()
    assert callable(selfsame.command_of(selfsame._parser().parse_args(words).run))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_described(name: str) -> None:
    for action in subcommands()[name]._actions:
        assert action.help, f"{name}: {action.dest}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required: COMMAND"),
        (["trian", "x.csv"], "invalid choice: 'trian'"),
        (["train"], "required: DATA"),
        (["verify", "bundle", "--runtime", "ruby"], "invalid choice: 'ruby'"),
        (["package", "bundle", "--out", "x", "--arch", "sparc"], "invalid choice: 'sparc'"),
        (["serve", "bundle", "--port", "eighty"], "from 1 to 65535; got 'eighty'"),
        (["train", "x.csv", "--seed", "-1"], "from 0 to 4294967295; got '-1'"),
    ],
)
def test_wrong_usage_leaves_with_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        selfsame.main(words)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    show = "import sys, selfsame; selfsame.command_of = lambda _: lambda _: print('x' * 10**6) or 0; "
    show += "sys.exit(selfsame.main(['verify', 'bundle']))"
    piped = f'{sys.executable} -c "{show}" | head -c 1; echo ${{PIPESTATUS[0]}}'
    ended = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("x141\n", "")


@pytest.mark.parametrize("command", [[str(INSTALLED)], [sys.executable, "-m", "selfsame"]])
def test_both_entry_points_answer_and_report_errors_without_a_traceback(command: list[str], tmp_path: Path) -> None:
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert helped.returncode == 0
    assert all(f"    {name}" in helped.stdout for name in COMMANDS)
    failed = subprocess.run([*command, "verify", str(tmp_path)], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.startswith(f"selfsame: {tmp_path}: a bundle is a folder with a manifest.json;")
    assert len(failed.stderr.splitlines()) == 1
