"""The package holds what Lambda gets and nothing else, and it runs in the real runtime, away from the source tree."""

import base64
import gzip
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.emulator import Emulator, EmulatorError, emulate, machine_arch
from deploy.events import function_url_event
from deploy.lambda_replay import BATCH, answer_rows, run_lambda
from deploy.openapi import openapi_document
from deploy.package import PackageError, build_package
from deploy.pythons import find_python, lambda_python
from deploy.trim import DISTRIBUTIONS
from deploy.wheels import ROOT
from lambda_handler.bundle import BundleError
from lambda_handler.golden import replay
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, answer_of, make_bundle

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PROBE = """
import importlib, json, os, sys
def handler(event, context):
    def found(name):
        try:
            return importlib.import_module(name).__file__
        except ImportError:
            return None
    names = ["lambda_handler", "numpy", "onnxruntime", "awslambdaric", "sklearn", "deploy", "pandas", "samcli"]
    return {"statusCode": 200, "found": {name: found(name) for name in names}, "cwd": os.getcwd(),
            "threads": os.environ.get("OPENBLAS_NUM_THREADS"), "virtual_env": os.environ.get("VIRTUAL_ENV"),
            "python": list(sys.version_info[:2])}
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("package") / "tiny")


@pytest.fixture(scope="module", params=sorted(DISTRIBUTIONS))
def package(bundle: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    out = tmp_path_factory.mktemp("built") / "package"
    return build_package(bundle, out, arch=machine_arch(), engine=request.param, python=lambda_python())


def engine_of(package: Path) -> Any:
    return json.loads((package / "build.json").read_bytes())["engine"]


@pytest.fixture(scope="module")
def runtime(package: Path) -> Iterator[Emulator]:
    with emulate(package) as running:
        yield running


def predict(body: bytes) -> dict[str, Any]:
    return function_url_event("POST", "/predict", body)


def test_the_package_holds_the_handler_the_bundle_and_the_pinned_libraries_only(package: Path, bundle: Path) -> None:
    libraries = {"aws_lambda_powertools", "jmespath", "onnxruntime", "typing_extensions.pyc"}
    libraries |= {"numpy", "numpy.libs"} if engine_of(package) == "binding" else set()
    found = {path.name for path in package.iterdir() if not path.name.endswith(".dist-info")}
    [ujson] = {name for name in found if name.startswith("ujson.") and name.endswith(".so")}
    assert found == libraries | {ujson, "lambda_handler", "bundle", "build.json", "openapi.json", "LICENSE"}
    assert {path.name for path in (package / "bundle").iterdir()} == {path.name for path in bundle.iterdir()}
    sources = {path.name for path in (ROOT / "lambda_handler").glob("*.py")}
    assert {path.name for path in (package / "lambda_handler").iterdir()} == sources | {"__pycache__"}
    built = json.loads((package / "build.json").read_bytes())
    assert (built["arch"], built["python"]) == (machine_arch(), lambda_python())
    assert built["bytecode"].startswith(f"{lambda_python()}.")


def test_every_module_has_its_bytecode(package: Path) -> None:
    sources = {path.relative_to(package) for path in package.rglob("*.py")}
    assert {path.parts[0] for path in sources} == {"lambda_handler"}
    cached = {path.name.partition(".")[0] for path in (package / "lambda_handler" / "__pycache__").iterdir()}
    assert cached == {path.stem for path in sources}
    assert len(list(package.rglob("*.pyc"))) > 80
    assert {path.read_bytes()[4:8] for path in package.rglob("*.pyc")} == {b"\x01\0\0\0"}  # unchecked hashes


def test_all_is_readable_by_the_user_that_lambda_runs_it_as(package: Path) -> None:
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (package, *package.rglob("*"))}
    assert modes == {(True, 0o755), (False, 0o644)}


def without_licence(package: Path) -> list[str]:
    """The distributions in a package of which no licence text is there, in their dist-info or their folder."""
    bare = []
    for folder in sorted(package.glob("*.dist-info")):
        name = folder.name.partition("-")[0]
        texts = [*folder.rglob("LICENSE*"), *(package / name).glob("LICENSE*")]
        if not any(path.is_file() and path.stat().st_size > 500 for path in texts):
            bare.append(name)
    return bare


def test_each_distribution_in_the_package_has_its_licence(package: Path, tmp_path: Path) -> None:
    shipped = {path.name.partition("-")[0].replace("_", "-") for path in package.glob("*.dist-info")}
    assert shipped == set(DISTRIBUTIONS[engine_of(package)])
    assert without_licence(package) == []
    assert (package / "onnxruntime" / "ThirdPartyNotices.txt").is_file()
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    (tmp_path / "bare-1.0.dist-info").mkdir()
    assert without_licence(tmp_path) == ["bare"]


def test_a_package_without_bytecode_answers_and_a_missing_python_is_named(tmp_path: Path, bundle: Path) -> None:
    with pytest.raises(PackageError, match=r"3\.10.*--no-bytecode"):
        build_package(bundle, tmp_path / "out", python="3.10.99")
    plain = build_package(bundle, tmp_path / "plain", arch=machine_arch(), python=lambda_python(), bytecode=False)
    assert not list(plain.rglob("*.pyc"))
    assert json.loads((plain / "build.json").read_bytes())["bytecode"] is None
    with emulate(plain) as running:
        assert running(predict(json.dumps(EXAMPLE).encode()))["statusCode"] == 200


def test_a_folder_with_files_is_refused_and_a_changed_bundle_leaves_nothing_behind(tmp_path: Path) -> None:
    changed = make_bundle(tmp_path / "changed")
    with pytest.raises(PackageError, match="not empty"):
        build_package(changed, tmp_path)
    with pytest.raises(PackageError, match="x86_64, arm64"):
        build_package(changed, tmp_path / "out", arch="riscv")  # type: ignore[arg-type]
    with pytest.raises(PackageError, match="binding, capi"):
        build_package(changed, tmp_path / "out", engine="tensorflow")  # type: ignore[arg-type]
    with pytest.raises(PackageError, match="pip says"):
        build_package(changed, tmp_path / "out", python="3.6", bytecode=False)
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(PackageError, match=r"new file; .*there\.zip is there\. Name another"):
        build_package(changed, tmp_path / "there.zip")
    (tmp_path / "there.zip").unlink()
    model = bytearray((changed / "model.onnx").read_bytes())
    model[-1] ^= 1
    (changed / "model.onnx").write_bytes(model)
    with pytest.raises(BundleError, match="SHA-256"):
        build_package(changed, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["changed"]


def test_nothing_but_the_package_and_the_runtime_client_can_be_imported(bundle: Path, tmp_path: Path) -> None:
    how: Any = {"arch": machine_arch(), "python": lambda_python(), "engine": "binding"}
    copied = build_package(bundle, tmp_path / "copied", **how)
    shutil.rmtree(copied / "lambda_handler" / "__pycache__")
    (copied / "lambda_handler" / "app.py").write_text(PROBE)
    with emulate(copied) as probe:
        answer = probe({})
        version = probe.python
    found = answer["found"]
    for name in ("lambda_handler", "numpy", "onnxruntime"):
        assert Path(found[name]).is_relative_to(copied.resolve()), name
    assert found["awslambdaric"] is not None
    assert [found[name] for name in ("sklearn", "deploy", "pandas", "samcli")] == [None] * 4
    assert (answer["threads"], answer["virtual_env"]) == ("1", None)
    assert Path(answer["cwd"]) == copied.resolve()
    assert version.startswith("{}.{}.".format(*answer["python"]))


def test_the_runtime_answers_golden_rows_exactly_as_python_does(runtime: Emulator, bundle: Path) -> None:
    golden = [json.loads(line)["row"] for line in (bundle / "golden.jsonl").read_text().splitlines()]
    rows = golden * (BATCH // len(golden) + 2)  # several events, more problems in a batch than one document shows
    assert len(rows) > BATCH
    before = runtime.events
    assert answer_rows(runtime, rows) == replay(Predictor.load(bundle), rows)
    assert 2 <= runtime.events - before <= 8


def test_rows_are_isolated_where_the_problems_are_more_than_a_document_shows(runtime: Emulator, bundle: Path) -> None:
    rows = [{}, EXAMPLE, *[{"x": 1}] * 60, EXAMPLE, {**EXAMPLE, "home": None}]
    assert answer_rows(runtime, rows) == replay(Predictor.load(bundle), rows)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps(EXAMPLE), 200),
        (json.dumps({"rows": [EXAMPLE] * 10_000}), 200),
        (json.dumps({"rows": [EXAMPLE] * 10_001}), 413),
        (json.dumps({"rows": []}), 422),
        (json.dumps({**EXAMPLE, "income": "fifty"}), 422),
        (json.dumps({**EXAMPLE, "extra": 1}), 422),
        (json.dumps({**EXAMPLE, "home": "boat"}), 422),
        ("{}", 422),
        ("not JSON", 400),
        ('{"income": NaN}', 400),
        ('{"income": 1e999}', 400),
        ("[" * 10_000 + "]" * 10_000, 400),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, 400),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_runtime_answers_bad_input_as_the_callers_fault(runtime: Emulator, body: str, status: int) -> None:
    assert runtime(predict(body.encode()))["statusCode"] == status


def test_health_and_contract_come_from_the_package(runtime: Emulator, bundle: Path) -> None:
    health = runtime(function_url_event("GET", "/health"))
    assert (health["statusCode"], json.loads(health["body"])["status"]) == (200, "ok")
    contract = runtime(function_url_event("GET", "/contract"))
    assert json.loads(contract["body"]) == json.loads((bundle / "contract.json").read_text())


def test_the_openapi_document_lies_in_the_package_and_is_served(runtime: Emulator, bundle: Path) -> None:
    response = runtime(function_url_event("GET", "/openapi.json"))
    assert (response["statusCode"], response["body"]) == (200, openapi_document(bundle))


def test_a_direct_call_is_answered_or_fails_as_step_functions_sees_it(runtime: Emulator, bundle: Path) -> None:
    [prediction] = runtime.invoke({"rows": [EXAMPLE]})["predictions"]
    assert prediction["label"] == answer_of(EXAMPLE, "classification")["label"]
    refusal = runtime.invoke({"rows": [{**EXAMPLE, "age": None}]})
    assert (refusal["errorType"], json.loads(refusal["errorMessage"])["status"]) == ("RefusedError", 422)


def test_packed_csv_comes_through_the_runtime_both_ways(runtime: Emulator) -> None:
    body = gzip.compress(b"home,married,income,age,grade\n" + b"own,true,50000,40,B\n" * 200)
    headers = [("content-type", "text/csv"), ("content-encoding", "gzip"), ("accept", "text/csv")]
    response = runtime(function_url_event("POST", "/predict", body, [*headers, ("accept-encoding", "gzip")]))
    assert (response["statusCode"], response["isBase64Encoded"]) == (200, True)
    lines = gzip.decompress(base64.b64decode(response["body"])).decode().splitlines()
    assert (len(lines), lines[0].partition(",")[0]) == (201, "label")


@pytest.mark.slow
def test_the_package_also_runs_on_the_python_of_this_environment(tmp_path: Path, bundle: Path) -> None:
    package = build_package(bundle, tmp_path / "package", arch=machine_arch(), python=THIS_PYTHON)
    with emulate(package) as running:
        assert running.python.rpartition(".")[0] == THIS_PYTHON
        assert running(predict(json.dumps(EXAMPLE).encode()))["statusCode"] == 200


def test_a_replay_says_how_it_was_made(bundle: Path) -> None:
    done = run_lambda(bundle, [EXAMPLE])
    assert done.answers == Predictor.load(bundle).predict([EXAMPLE])
    assert (done.events, done.python.rpartition(".")[0]) == (1, lambda_python())


def test_a_package_whose_init_fails_is_reported_with_the_log(tmp_path: Path, package: Path) -> None:
    broken = build_package(package / "bundle", tmp_path / "broken", arch=machine_arch(), python=lambda_python())
    (broken / "bundle" / "model.onnx").write_bytes(b"changed")
    with emulate(broken) as running, pytest.raises(EmulatorError, match="SHA-256"):
        running(predict(b"{}"))


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="selfsame package"), emulate(tmp_path):
        pytest.fail("it started")
    assert find_python("3.3") is None
