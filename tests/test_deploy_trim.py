"""What the packager does to other people's wheels: it drops what is never loaded, and nothing that is."""

import ctypes
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.bytecode import compile_folder
from deploy.elf import LOAD, MACHINE, Segment, loaded_part, machine_of, segments_of
from deploy.emulator import emulate, machine_arch
from deploy.lambda_replay import answer_rows
from deploy.package import build_package
from deploy.pythons import find_python, lambda_python, version_of
from deploy.trim import DISTRIBUTIONS, UNUSED, UNUSED_BY, check_machines, libraries
from deploy.wheels import REQUIREMENTS, PackageError, install_wheels, pins_of
from lambda_handler.bundle import read_bundle
from lambda_handler.golden import replay
from lambda_handler.predictor import Predictor
from tests.bundle_factory import EXAMPLE, make_bundle

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MODULE = b'''"""What it is for."""

X = {"one", "two", "three"}


def f(x):
    """Say so."""
    assert x
    return 1 / x


add_newdoc("of a built-in function of numpy")
'''
USE = """
import pack.m as m
print(m.__doc__, m.f.__doc__, m.f(2), sorted(m.X), m.f.__code__.co_filename, m.f.__code__.co_firstlineno)
try: m.f(0)
except AssertionError: print("asserts stay")
"""
LOADED = """
import json
from lambda_handler.app import handler
def call(method, path, body=None):
    context = {"http": {"method": method, "path": path}}
    event = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json"},
             "requestContext": context, "body": body, "isBase64Encoded": False}
    return handler(event, None)["statusCode"]
row = json.loads(sys.argv[1])
got = [call("GET", "/health"), call("GET", "/contract"), call("POST", "/predict", json.dumps(row)),
       call("POST", "/predict", json.dumps({**row, "income": "x"})), call("GET", "/nowhere"), call("GET", "/predict")]
print(json.dumps({"got": got, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels as they are."""
    target = tmp_path_factory.mktemp("wheels") / "site"
    install_wheels(DISTRIBUTIONS["binding"], target, arch=machine_arch(), python=THIS_PYTHON)
    return target


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def trimmed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the same wheels, trimmed."""
    out = tmp_path_factory.mktemp("trimmed") / "package"
    return build_package(bundle, out, arch=machine_arch(), engine="binding", python=THIS_PYTHON)


def run(code: str, *words: str, path: tuple[Path, ...], python: str = sys.executable, engine: str = "") -> str:
    """What a fresh interpreter prints that has nothing but `path` and the standard library."""
    whole = f"import sys; sys.path[:0] = {[str(folder) for folder in path]}\n{code}"
    line = [python, "-I", "-S", "-B", "-c", whole, *words]
    done = subprocess.run(line, env={"SELFSAME_ENGINE": engine}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mapped(content: bytes) -> list[tuple[Segment, bytes]]:
    """What a loader puts into memory, and where; the file's own header and table of segments do not count."""
    segments = [one for one in segments_of(content) if one.kind == LOAD]
    table, size = int.from_bytes(content[32:40], "little"), 56 * len(segments_of(content))
    blank = bytearray(content)
    blank[:64], blank[table : table + size] = bytes(64), bytes(size)
    return [(replace(one, offset=0), bytes(blank[one.offset : one.offset + one.size])) for one in segments]


def big(wheels: Path) -> bytes:
    """A library that has symbols for debuggers amid its segments."""
    return next((wheels / "numpy" / "_core").glob("_multiarray_umath.*")).read_bytes()


def test_a_library_keeps_every_byte_that_is_mapped_and_loses_others(wheels: Path) -> None:
    content = big(wheels)
    packed = loaded_part(content)
    assert len(packed) < len(content) - 100_000
    assert mapped(packed) == mapped(content)
    assert loaded_part(packed) == packed
    pages = [(one.address - one.offset) % 4096 for one in segments_of(packed) if one.kind == LOAD]
    assert pages == [0] * len(pages)


def test_the_comparison_of_what_is_mapped_sees_one_changed_byte(wheels: Path) -> None:
    changed = bytearray(loaded_part(big(wheels)))
    last = [one for one in segments_of(bytes(changed)) if one.kind == LOAD][-1]
    changed[last.offset + last.size // 2] ^= 1
    assert mapped(bytes(changed)) != mapped(big(wheels))


def test_every_library_of_the_wheels_stays_as_it_is_mapped_and_most_stay_as_they_are(wheels: Path) -> None:
    contents = [path.read_bytes() for path in libraries(wheels)]
    assert len(contents) > 20
    assert all(mapped(loaded_part(content)) == mapped(content) for content in contents)
    assert sum(loaded_part(content) is content for content in contents) > 10


def test_a_library_whose_tables_lie_elsewhere_is_left_alone(wheels: Path) -> None:
    content = bytearray(big(wheels))
    table = int.from_bytes(content[32:40], "little")
    content += content[table : table + 56 * len(segments_of(bytes(content)))]
    content[32:40] = (len(content) - 56 * len(segments_of(big(wheels)))).to_bytes(8, "little")
    assert loaded_part(bytes(content)) == bytes(content)


def test_a_trimmed_library_loads_and_computes(trimmed: Path) -> None:
    said = run("import numpy; print(numpy.__file__, numpy.ones((9, 9)) @ numpy.ones(9))", path=(trimmed,))
    assert said == f"{trimmed / 'numpy' / '__init__.pyc'} [9. 9. 9. 9. 9. 9. 9. 9. 9.]\n"


def test_the_machine_of_a_library_is_read_from_its_head(wheels: Path) -> None:
    content = bytearray(big(wheels)[:64])
    assert machine_of(bytes(content)) == machine_arch()
    content[MACHINE] = 8
    assert machine_of(bytes(content)) == "e_machine 8"
    assert [machine_of(bytes(content[:63])), machine_of(b"#!/bin/sh\n" + bytes(64))] == [None, None]


def test_a_library_for_another_machine_stops_the_build(tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "deep").mkdir()
    planted = bytearray(big(wheels)[:64])
    planted[MACHINE] = 183 if machine_arch() == "x86_64" else 62
    (tmp_path / "deep" / "planted.bin").write_bytes(planted)  # found by its content
    wrong = "arm64" if machine_arch() == "x86_64" else "x86_64"
    with pytest.raises(PackageError, match=rf"must be for {machine_arch()}; deep/planted\.bin is for {wrong}"):
        check_machines(tmp_path, machine_arch())
    check_machines(tmp_path, wrong)


def test_a_build_leaves_nothing_behind_where_a_wheel_holds_a_library_for_another_machine(
    tmp_path: Path, wheels: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site" / "numpy"
    site.mkdir(parents=True)
    planted = bytearray(big(wheels)[:64])
    planted[MACHINE] = 8
    (site / "x.so").write_bytes(planted)
    monkeypatch.setattr("deploy.package._dependencies", lambda *_: tmp_path / "site")
    with pytest.raises(PackageError, match=r"numpy/x\.so is for e_machine 8"):
        build_package(bundle, tmp_path / "out", arch=machine_arch(), python=THIS_PYTHON)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_each_pattern_of_the_trimming_still_finds_something(wheels: Path) -> None:
    patterns = {*UNUSED, *UNUSED_BY["binding"], *UNUSED_BY["capi"]}
    assert [pattern for pattern in sorted(patterns) if not any(wheels.glob(pattern))] == []
    assert not {path.name for path in wheels.rglob("LICENSE*")} - {"LICENSE", "LICENSE.txt", "LICENSE.md"}


def test_every_pinned_distribution_is_an_engines() -> None:
    assert {*DISTRIBUTIONS["binding"], *DISTRIBUTIONS["capi"]} == pins_of(REQUIREMENTS).keys()


def loaded(*path: Path, python: str = sys.executable, engine: str = "binding") -> Any:
    """The statuses of some requests, and the modules that an interpreter then holds."""
    return json.loads(run(LOADED, json.dumps(EXAMPLE), path=path, python=python, engine=engine))


def test_the_handler_loads_the_same_modules_from_the_package_as_from_the_whole_wheels(
    wheels: Path, trimmed: Path
) -> None:
    whole, part = loaded(wheels, trimmed), loaded(trimmed)
    assert part["got"] == [200, 200, 200, 422, 404, 405]
    assert part["got"] == whole["got"]
    documents = {"numpy._typing._add_docstring"}  # which numpy loads only where it has docstrings
    assert set(part["modules"]) - documents == set(whole["modules"]) - documents
    assert {"numpy", "onnxruntime", "lambda_handler.app"} <= set(part["modules"])


def test_a_module_that_is_needed_and_dropped_would_be_missed(wheels: Path, tmp_path: Path, trimmed: Path) -> None:
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("")
    with pytest.raises(AssertionError, match="Error"):
        loaded(tmp_path, trimmed)


@pytest.mark.parametrize("python", sorted({THIS_PYTHON, "3.13"}))
def test_bytecode_is_of_that_python_unchecked_and_without_docstrings(tmp_path: Path, python: str) -> None:
    executable = find_python(python)
    if executable is None:
        pytest.skip(f"no Python {python} here")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "m.py").write_bytes(MODULE)
    compile_folder(tmp_path, executable, sources=False)
    assert [path.name for path in (tmp_path / "pack").iterdir()] == ["m.pyc"]
    head = (tmp_path / "pack" / "m.pyc").read_bytes()[:16]
    assert head[4:8] == b"\x01\0\0\0"  # PEP 552: by the hash of its source, which is not checked
    assert python != THIS_PYTHON or head[8:] == importlib.util.source_hash(MODULE)
    first, second = run(USE, path=(tmp_path,), python=executable).splitlines()
    assert first == "None None 0.5 ['one', 'three', 'two'] pack/m.py 6"
    assert second == "asserts stay"


def test_sources_that_stay_are_not_read_any_more(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("X = 1\n")
    compile_folder(tmp_path, sys.executable, sources=True)
    (tmp_path / "m.py").write_text("X = 2\n")
    assert run("import m; print(m.X, m.__file__)", path=(tmp_path,)).split() == ["1", str(tmp_path / "m.py")]


def test_a_python_that_does_not_run_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.3"
    shim.write_text("#!/bin/sh\nexit 1\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    assert find_python("3.3") is None
    assert version_of(str(tmp_path / "nothing")) == ""
    assert version_of(sys.executable).startswith(f"{THIS_PYTHON}.")


def test_a_package_for_the_c_interface_answers_the_same_without_numpy(
    tmp_path: Path, bundle: Path, trimmed: Path
) -> None:
    package = build_package(bundle, tmp_path / "out", arch=machine_arch(), python=lambda_python(), engine="capi")
    library, writer = sorted(libraries(package))
    assert (library.name[:18], writer.name[:6]) == ("libonnxruntime.so.", "ujson.")
    ctypes.CDLL(str(library)).OrtGetApiBase  # noqa: B018 - it raises where there is no such function
    assert {path.relative_to(package).parts[0] for path in package.rglob("*.py*")} >= {"lambda_handler", "jmespath"}
    assert not list((package / "onnxruntime").rglob("*.py*"))
    rows = [line["row"] for line in read_bundle(bundle).golden()]
    with emulate(package) as runtime:
        assert answer_rows(runtime, rows) == replay(Predictor.load(bundle), rows)
    got = loaded(package, python=find_python(lambda_python()) or "", engine="")
    assert got["got"] == [200, 200, 200, 422, 404, 405]
    assert {"numpy", "onnxruntime"} & set(got["modules"]) == set()
    assert {"numpy", "onnxruntime"} <= set(loaded(trimmed)["modules"])
