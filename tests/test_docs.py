"""The documents against the code: commands, options, files, links, make targets, imports, examples."""

import argparse
import ast
import importlib
import inspect
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import selfsame
from lambda_handler.contract import Contract
from train.config import read_config

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
FOLDERS = (
    "train",
    "export",
    "lambda_handler",
    "rollout",
    "web_demo",
    "deploy",
    "tests",
    "docs",
    "benchmarks",
    "requirements",
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"[\[\]…|]|\.\.\.|\b[A-Z]{3,}\b")
TREE_FILE = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+\.\w+")
BARE_FILE = re.compile(r"[\w-]+\.(?:py|js|mjs|jinja|yaml)")


def blocks(page: Path, language: str | None = None) -> list[str]:
    """The fenced blocks of a page, of one language or of all."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for tag, text in found if language is None or tag == language]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def inline(page: Path) -> list[str]:
    """What stands between backticks, on one line."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def block_lines(page: Path) -> Iterator[str]:
    """Command lines of a page's blocks, without prompts and comments."""
    for text in blocks(page):
        for line in text.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s#\s.*", "", line.removeprefix("$ ")).strip()


def commands(page: Path) -> list[str]:
    """Every mention of the command, from `selfsame` on."""
    return [line for line in (*block_lines(page), *inline(page)) if line.startswith("selfsame ")]


def fault_of(command: str) -> str | None:
    """What is wrong with a `selfsame …` line, or None: a synopsis has its options looked up, others must parse."""
    parser = selfsame._parser()
    action = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    words = shlex.split(command)[1:]
    if words[0] not in action.choices:
        return f"there is no sub-command {words[0]!r}"
    known = set(action.choices[words[0]]._option_string_actions)
    options = {word.partition("=")[0].strip("[]") for word in words if word.lstrip("[").startswith("--")}
    if options - known:
        return f"there is no option {', '.join(sorted(options - known))}"
    if len(words) == 1 or PLACEHOLDER.search(command):
        return None
    try:
        parser.parse_args(words)
    except SystemExit:
        return "it does not parse"
    return None


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_exist_with_their_options(page: Path) -> None:
    whole = set(block_lines(page))
    for line in commands(page):
        fault = fault_of(line)
        # Prose names a command without all of its arguments, such as `selfsame verify --runtime lambda`.
        assert fault is None or (fault == "it does not parse" and line not in whole), line


def test_the_documents_show_every_command() -> None:
    shown = {shlex.split(line)[1] for page in PAGES for line in commands(page)}
    assert {"train", "export", "verify", "serve", "score", "site", "package"} - shown == set()


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("selfsame serve bundles/loan --port 8000", None),
        ("selfsame trian loan.csv", "there is no sub-command 'trian'"),
        ("selfsame verify bundles/loan --everywhere", "there is no option --everywhere"),
        ("selfsame verify BUNDLE [--everywhere]", "there is no option --everywhere"),
        ("selfsame verify bundles/loan --runtime ruby", "it does not parse"),
        ("selfsame export runs/loan", "it does not parse"),
    ],
)
def test_a_wrong_command_is_found(command: str, fault: str | None) -> None:
    assert fault_of(command) == fault


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in (*block_lines(page), *inline(page)) if re.match(r"make \w", line)}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(page))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_named_files_exist(page: Path) -> None:
    sources = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    sources |= {path.name for path in ROOT.iterdir() if path.is_file()}
    for code in inline(page):
        if TREE_FILE.fullmatch(code):
            assert (ROOT / code).is_file(), code
        elif BARE_FILE.fullmatch(code):
            assert code in sources, code


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_imports_and_calls_in_python_blocks_fit_the_code(page: Path) -> None:
    for text in blocks(page, "python"):
        names: dict[str, object] = {}
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                module = importlib.import_module(node.module)
                names |= {alias.name: getattr(module, alias.name) for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _check_call(node, names)


def _check_call(call: ast.Call, names: dict[str, object]) -> None:
    """A call of an imported function, or of a method of an imported class, takes these arguments."""
    target: object = None
    if isinstance(call.func, ast.Name):
        target = names.get(call.func.id)
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        target = getattr(names.get(call.func.value.id), call.func.attr, None)
    if callable(target):
        words = {word.arg: None for word in call.keywords if word.arg is not None}
        inspect.signature(target).bind(*call.args, **words)


def test_a_call_that_does_not_fit_is_found() -> None:
    call = ast.parse('read_config("a", "b", "c")', mode="eval").body
    assert isinstance(call, ast.Call)
    with pytest.raises(TypeError):
        _check_call(call, {"read_config": read_config})


def test_the_readmes_promise_to_python(tmp_path: Path) -> None:
    """What the README imports does what it says there: export a fitted pipeline, answer a row."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    from export import ExportError, export_bundle
    from lambda_handler.predictor import Predictor

    X = pd.DataFrame({"amount": [float(7 * row % 50) for row in range(60)], "age": [row % 37 for row in range(60)]})
    pipeline = LogisticRegression(max_iter=1000).fit(X, [int(row % 7 > 3) for row in range(60)])
    path = export_bundle(pipeline, X, tmp_path / "mine")
    answer = Predictor.load(path).predict([{"amount": 12.5, "age": 30}])[0]
    assert set(answer) == {"label", "probabilities", "warnings"}
    with pytest.raises(ExportError, match="not fitted"):
        export_bundle(LogisticRegression(), X, tmp_path / "other")


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_json_and_toml_blocks_are_what_the_code_reads(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "json"):
        document = json.loads(text)
        if "missing_code" in document:
            assert Contract(document).features
    for text in blocks(page, "toml"):
        tomllib.loads(text)
        (tmp_path / "decisions.toml").write_text(text, encoding="utf-8")
        found = read_config(tmp_path / "decisions.toml")
        assert found.columns or found.ranking.item


def test_the_readme_opens_as_it_should() -> None:
    lines = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line]
    assert lines[0] == "# selfsame"
    opening = "\n".join(lines[1:5])
    assert "**selfsame ships a scikit-learn model" in opening
    assert re.search(r"!\[[^\]]+\]\(docs/[\w-]+\.png\)", opening), "a picture of the result, with a description"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=ids)
def test_no_machine_path_stands_in_a_document(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?:^|[\s`(\"'])(/work|/root|/tmp|/home)\b", text) == []
