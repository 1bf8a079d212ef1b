"""The package holds what Lambda gets and nothing else, and it runs in the real runtime, away from the source tree."""

import json
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.emulator import Emulator, EmulatorError, emulate, find_python, lambda_python, machine_arch
from deploy.events import function_url_event
from deploy.lambda_replay import BATCH, answer_rows, run_lambda
from deploy.package import PackageError, build_package, package_bytes
from lambda_handler.bundle import BundleError
from lambda_handler.golden import replay
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, make_bundle

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
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


@pytest.fixture(scope="module")
def package(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "package"
    return build_package(bundle, out, arch=machine_arch(), python=lambda_python())


@pytest.fixture(scope="module")
def runtime(package: Path) -> Iterator[Emulator]:
    with emulate(package) as running:
        yield running


def predict(body: bytes) -> dict[str, Any]:
    return function_url_event("POST", "/predict", body)


def test_the_package_holds_the_handler_the_bundle_and_the_pinned_libraries_only(package: Path, bundle: Path) -> None:
    libraries = {"aws_lambda_powertools", "jmespath", "numpy", "numpy.libs", "onnxruntime", "typing_extensions.py"}
    found = {path.name for path in package.iterdir() if not path.name.endswith(".dist-info")}
    assert found == libraries | {"lambda_handler", "bundle"}
    assert {path.name for path in (package / "bundle").iterdir()} == {path.name for path in bundle.iterdir()}
    source = Path(__file__).parent.parent / "lambda_handler"
    assert {path.name for path in (package / "lambda_handler").iterdir()} == {p.name for p in source.glob("*.py")}
    names = {path.name for path in package.rglob("*")}
    assert not {"tests", "__pycache__"} & names
    assert "libonnxruntime_providers_shared.so" in names


def test_the_package_keeps_the_licences_and_fits_lambda(package: Path) -> None:
    assert list(package.glob("numpy-*.dist-info/licenses/LICENSE.txt"))
    assert 50_000_000 < package_bytes(package) < 150_000_000
    assert package.stat().st_mode & stat.S_IROTH


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_the_libraries_are_those_of_the_architecture_and_the_python(tmp_path: Path, bundle: Path, arch: Any) -> None:
    out = tmp_path / "out"
    out.mkdir()  # as `sam build` makes it
    assert build_package(bundle, out, arch=arch) == out
    shared = [path for path in out.rglob("*") if ".so" in path.suffixes]
    assert len(shared) > 10
    for path in shared:
        with path.open("rb") as file:
            assert struct.unpack("<H", file.read(20)[18:])[0] == ELF_MACHINES[arch], path
    assert {path.name.split(".")[1].split("-")[1] for path in shared if ".cpython-" in path.name} == {"313"}


def test_a_folder_with_files_is_refused_and_a_changed_bundle_leaves_nothing_behind(tmp_path: Path) -> None:
    changed = make_bundle(tmp_path / "changed")
    with pytest.raises(PackageError, match="not empty"):
        build_package(changed, tmp_path)
    with pytest.raises(PackageError, match="x86_64, arm64"):
        build_package(changed, tmp_path / "out", arch="riscv")  # type: ignore[arg-type]
    with pytest.raises(PackageError, match="pip says"):
        build_package(changed, tmp_path / "out", python="3.6")
    model = bytearray((changed / "model.onnx").read_bytes())
    model[-1] ^= 1
    (changed / "model.onnx").write_bytes(model)
    with pytest.raises(BundleError, match="SHA-256"):
        build_package(changed, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["changed"]


@pytest.mark.parametrize("python", sorted({lambda_python(), THIS_PYTHON}))
def test_nothing_but_the_package_and_the_runtime_client_can_be_imported(
    bundle: Path, tmp_path: Path, python: str
) -> None:
    copied = build_package(bundle, tmp_path / "copied", arch=machine_arch(), python=python)
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
