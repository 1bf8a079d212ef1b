"""What each package may import (the table of the layers), and what really gets loaded."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("selfsame", "demo", "train", "export", "lambda_handler", "rollout", "deploy", "benchmarks", "tests")
PACKAGES = ("train", "export", "lambda_handler", "rollout", "deploy")
MODELLING = ("sklearn", "skl2onnx", "onnx", "skops", "joblib", "scipy")
SERVING = ("starlette", "uvicorn", "playwright", "samcli", "awslambdaric", "aws_lambda_powertools", "boto3")

# lambda_handler is a closed list: it is deployed alone. The first fitting row counts.
DEPLOYED = {
    "lambda_handler/interval.py": (),
    "lambda_handler/ranking.py": (),
    "lambda_handler/answer.py": ("lambda_handler.interval", "lambda_handler.ranking"),
    "lambda_handler/automation.py": (),
    "lambda_handler/value.py": (),
    "lambda_handler/bulk.py": ("lambda_handler.value",),
    "lambda_handler/contract.py": (
        "lambda_handler.answer",
        "lambda_handler.automation",
        "lambda_handler.bulk",
        "lambda_handler.value",
    ),
    "lambda_handler/text.py": ("lambda_handler.contract",),
    "lambda_handler/table.py": ("lambda_handler.answer", "lambda_handler.text", "lambda_handler.contract"),
    "lambda_handler/metrics.py": ("lambda_handler", "aws_lambda_powertools"),
    "lambda_handler/http.py": ("lambda_handler", "aws_lambda_powertools"),
    "lambda_handler/problem.py": ("lambda_handler", "aws_lambda_powertools"),
    "lambda_handler/s3.py": ("lambda_handler", "boto3"),
    "lambda_handler/app.py": ("lambda_handler", "aws_lambda_powertools"),
    "lambda_handler/bundle.py": ("lambda_handler", "_sha2"),  # _sha2: the standard library's from Python 3.12 on
    "lambda_handler/binding.py": ("numpy", "onnxruntime", "lambda_handler"),
    "lambda_handler/predictor.py": ("numpy", "lambda_handler"),
    "lambda_handler/write.py": ("lambda_handler", "ujson"),
    "lambda_handler/": ("lambda_handler",),
}
# So are the functions around the model: boto3 is the Lambda runtime's own, and costs a start where it is imported.
AROUND = {
    "rollout/hook.py": ("boto3", "botocore"),
    "rollout/": ("lambda_handler", "rollout", "aws_lambda_powertools"),
}
# Of ours only these; of others everything but these.
OF_OURS = {
    "train": ("train", "lambda_handler.automation", "lambda_handler.contract", "lambda_handler.text"),
    "export": ("export", "train", "lambda_handler"),
    "deploy": ("deploy", "lambda_handler", "train.table"),
}
NEVER = {
    "train": ("skl2onnx", "onnx", "onnxruntime", *SERVING),
    "export": SERVING,
    "deploy": MODELLING,
}


def imported(source: str) -> Iterator[str]:
    """The dotted names that a file imports, also inside functions; a relative import begins with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            top_level_of_ours = module in OURS
            yield from (f"{module}.{alias.name}" if top_level_of_ours else module for alias in node.names)


def violations(path: str, source: str) -> list[str]:
    """The imports of one file that its layer does not allow."""
    package = path.partition("/")[0]
    return [name for name in imported(source) if not allowed(path, package, name)]


def allowed(path: str, package: str, name: str) -> bool:
    if name.startswith("."):
        return False
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    closed = DEPLOYED | AROUND
    if package in {"lambda_handler", "rollout"}:
        return within(name, next(names for prefix, names in closed.items() if path.startswith(prefix)))
    return within(name, OF_OURS[package]) if within(name, OURS) else not within(name, NEVER[package])


def within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def files() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", files())
def test_a_file_imports_only_what_its_layer_allows(path: str) -> None:
    assert violations(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("lambda_handler/contract.py", "import numpy"),
        ("lambda_handler/contract.py", "from lambda_handler.golden import compare"),
        ("lambda_handler/predictor.py", "import pandas as pd"),
        ("lambda_handler/predictor.py", "import onnxruntime"),
        ("lambda_handler/session.py", "import numpy"),
        ("lambda_handler/predictor.py", "from aws_lambda_powertools import Logger"),
        ("lambda_handler/http.py", "def f():\n    from deploy.events import event"),
        ("lambda_handler/http.py", "from .contract import Contract"),
        ("rollout/hook.py", "from lambda_handler.predictor import Predictor"),
        ("rollout/shadow.py", "import boto3"),
        ("rollout/shadow.py", "from deploy.events import event"),
        ("train/fit.py", "from export import export_bundle"),
        ("train/fit.py", "from lambda_handler.predictor import Predictor"),
        ("train/fit.py", "import onnx.helper"),
        ("export/seal.py", "from deploy.verify import verify"),
        ("export/seal.py", "import demo"),
        ("deploy/score.py", "from train.fit import train"),
        ("deploy/score.py", "from train import fit"),
        ("deploy/score.py", "from export.frame import MISSING_CODE"),
        ("deploy/score.py", "import sklearn.pipeline"),
    ],
)
def test_a_forbidden_import_is_found(path: str, line: str) -> None:
    assert len(violations(path, f"import json\n{line}\n")) == 1


def test_allowed_imports_are_allowed() -> None:
    assert violations("train/a.py", "import sklearn\nfrom lambda_handler.contract import show") == []
    assert violations("export/a.py", "import onnx\nfrom train.run import read_run") == []
    assert violations("deploy/a.py", "from train import table\nfrom train.table import DELIMITERS") == []
    assert violations("lambda_handler/http.py", "from aws_lambda_powertools import Logger") == []
    assert violations("rollout/hook.py", "import boto3\nfrom botocore.config import Config") == []
    assert violations("rollout/shadow.py", "from lambda_handler.golden import replay") == []


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running `code`."""
    script = f"import sys\n{code}\nprint('loaded', *{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stdout.splitlines()[-1].split())


def test_the_handler_loads_little() -> None:
    got = loaded("import lambda_handler.http")
    heavy = {"sklearn", "pandas", "scipy", "onnx", "matplotlib", "boto3", "botocore", "pydantic", "train", "export"}
    assert got & heavy == set()
    assert got & {"numpy", "onnxruntime"} == set(), "an engine is loaded with a bundle, not before"


def test_the_contract_loads_the_standard_library_only() -> None:
    before = loaded("pass")
    assert loaded("import lambda_handler.contract, lambda_handler.table") - before <= {
        *sys.stdlib_module_names,
        "lambda_handler",
    }


def test_scoring_loads_no_scikit_learn() -> None:
    assert loaded("import deploy.score") & {"sklearn", "skl2onnx", "onnx", "export"} == set()


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["demo", "--help"]])
def test_help_loads_no_library(words: list[str]) -> None:
    got = loaded(f"import selfsame\ntry: selfsame.main({words})\nexcept SystemExit: pass")
    assert "argparse" in got
    assert got & {"numpy", "pandas", "sklearn", "onnxruntime", "pyarrow", "rich", "train", "export", "demo"} == set()
