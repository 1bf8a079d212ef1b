"""Out of the package: nothing in the request path imports what it does not need, and the runtime's log stays clean."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.emulator import EmulatorError, emulate, machine_arch
from deploy.events import function_url_event
from deploy.lambda_replay import run_lambda
from deploy.package import build_package
from deploy.pythons import find_python, lambda_python
from deploy.wheels import ROOT
from lambda_handler.http import make_handler
from lambda_handler.metrics import NAMESPACE
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, answer_of, make_bundle, seal

TEXT, NUMBER = "canary-5f1c", 8172634.515625
SCRIPT = """
import json, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
from lambda_handler.app import handler
response = handler(json.loads(sys.argv[2]), None)
assert response["statusCode"] == 200, response
names = set(sys.modules) - before
ours = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"lambda_handler"}
print(json.dumps({"third party": sorted(ours), "all": sorted(names)}))
"""
POWERTOOLS = {"aws_lambda_powertools", "jmespath", "typing_extensions"}
# Of the standard library, what is slow to import and no answer needs.
SLOW = {
    "asyncio", "concurrent", "csv", "difflib", "doctest", "email", "ftplib", "gzip", "html", "http", "multiprocessing",
    "pdb", "pydoc", "sqlite3", "ssl", "tkinter", "unittest", "urllib.request", "xml", "zipfile",
}  # fmt: skip

# What a start would pay for and an answer does without: dataclasses (it needs inspect), pathlib, OpenSSL.
COSTLY = {"ast", "dataclasses", "dis", "hashlib", "_hashlib", "inspect", "pathlib", "tokenize"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_bundle(tmp_path_factory.mktemp("modules") / "tiny")
    contract = json.loads((path / "contract.json").read_text())
    (path / "contract.json").write_text(json.dumps(contract | {"capture": {"share": 1.0}}))
    seal(path)
    return path


@pytest.fixture(scope="module")
def package(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "package"
    return build_package(bundle, out, arch=machine_arch(), engine="binding", python=lambda_python())


def loaded(package: Path, settings: dict[str, str]) -> tuple[set[str], set[str]]:
    """What a fresh interpreter of Lambda's version imported for one answer: other libraries, and all modules."""
    python = find_python(lambda_python())
    assert python is not None
    event = json.dumps(function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode()))
    command = [python, "-I", "-S", "-B", "-c", SCRIPT, str(package), event]
    done = subprocess.run(command, env={"PATH": os.defpath, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return set(found["third party"]), set(found["all"])


def test_an_answer_imports_nothing_that_it_does_not_need(package: Path) -> None:
    libraries, modules = loaded(package, {})
    assert libraries == {"numpy", "onnxruntime"}
    assert modules & SLOW == set()
    metered, modules = loaded(package, {NAMESPACE: "selfsame"})
    assert metered - libraries == POWERTOOLS
    assert modules & SLOW <= {"gzip"}, "jmespath's"


def test_through_the_c_interface_an_answer_imports_no_library(bundle: Path, tmp_path: Path) -> None:
    package = build_package(bundle, tmp_path / "capi", arch=machine_arch(), engine="capi", python=lambda_python())
    libraries, modules = loaded(package, {})
    assert libraries == set()
    assert modules & (SLOW | COSTLY) == set()


def test_an_import_too_many_is_found(package: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(package, copied, copy_function=os.link)
    (copied / "lambda_handler" / "app.py").unlink()
    source = (ROOT / "lambda_handler" / "app.py").read_text()
    (copied / "lambda_handler" / "app.py").write_text(f"import csv\nimport dataclasses\nimport extra\n{source}")
    shutil.rmtree(copied / "lambda_handler" / "__pycache__")
    (copied / "extra.py").write_text("")
    libraries, modules = loaded(copied, {})
    assert "extra" in libraries
    assert ("csv" in modules & SLOW, {"dataclasses", "inspect"} <= modules & COSTLY) == (True, True)


def test_a_replay_sees_the_answers_that_a_shadow_withholds(bundle: Path, tmp_path: Path) -> None:
    shadow = shutil.copytree(bundle, tmp_path / "tiny")
    contract = json.loads((shadow / "contract.json").read_text())
    contract["automation"]["degree"] = "shadow"
    (shadow / "contract.json").write_text(json.dumps(contract))
    seal(shadow)
    expected = Predictor.load(bundle).predict([EXAMPLE])
    assert run_lambda(shadow, [EXAMPLE]).answers == expected
    event = function_url_event("POST", "/predict", json.dumps(EXAMPLE).encode())
    [told] = json.loads(make_handler(shadow)(event, None)["body"])["predictions"]
    assert told.keys() == {"status", "id", "model", "warnings"}


def test_the_runtimes_log_holds_metrics_and_records_and_no_value(package: Path) -> None:
    row = {**EXAMPLE, "income": NUMBER, "grade": TEXT}
    contract = json.loads((package / "bundle" / "contract.json").read_text())
    told = {"model": contract["model_sha256"], "captures": [{"row": row, "answer": answer_of(row, "classification")}]}
    events = [
        function_url_event("POST", "/predict", json.dumps(row).encode()),
        function_url_event("POST", "/predict", json.dumps({**row, "home": TEXT}).encode()),
        function_url_event("POST", "/feedback", json.dumps({"id": TEXT, "outcome": NUMBER}).encode()),
        function_url_event("POST", "/feedback", json.dumps({"id": "0a1b-0", "outcome": 1}).encode()),
        function_url_event("POST", "/capture", json.dumps(told).encode()),
    ]
    with emulate(package, {NAMESPACE: "selfsame"}) as runtime:
        assert [runtime(event)["statusCode"] for event in events] == [200, 422, 422, 200, 200]
        with pytest.raises(EmulatorError, match="RefusedError"):
            runtime({**row, "home": TEXT})
        log = runtime._log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"')]
    assert [line.get("selfsame", "metrics") for line in lines if "errorType" not in line] == [
        "capture", "metrics", "metrics", "metrics", "feedback", "capture", "metrics"]  # fmt: skip
    assert [line["ColdStart"] for line in lines if "_aws" in line] == [1, 0, 0, 0]
    assert all(secret not in log for secret in (TEXT, str(NUMBER), "8,172,634", "8172634"))
