"""Trim installed wheels to what inference needs. A test holds that no module that gets imported is missing."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from deploy.elf import loaded_part, machine_of
from deploy.wheels import Arch, PackageError

Engine = Literal["binding", "capi"]

# What an engine needs of the distributions that requirements/lambda.txt pins.
DISTRIBUTIONS: Mapping[str, Sequence[str]] = {
    "binding": ("aws-lambda-powertools", "jmespath", "numpy", "onnxruntime", "typing-extensions", "ujson"),
    "capi": ("aws-lambda-powertools", "jmespath", "onnxruntime", "typing-extensions", "ujson"),
}
# Globs of what inference never imports; licences and notices stay.
UNUSED = (
    "bin",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/entry_points.txt",
    "*.dist-info/top_level.txt",
    "**/tests",
    "**/*.pyi",
    "**/py.typed",
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/metrics/provider/datadog",
    "aws_lambda_powertools/utilities/[!_j]*",  # jmespath_utils serve the logger
    "*-stubs",
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "onnxruntime/capi/convert_npz_to_onnx_adapter.py",
)
# The wheel holds onnxruntime twice: inside its Python binding, and as a library with the C interface. The binding
# complains at import where libonnxruntime_providers_shared.so is missing.
UNUSED_BY: Mapping[str, Sequence[str]] = {
    "binding": (
        "onnxruntime/capi/libonnxruntime.so*",
        "numpy/**/*.a",
        "numpy/**/*.pxd",
        "numpy/_core/include",
        "numpy/_core/lib",
        "numpy/_core/_*_tests.*",
        "numpy/_core/_simd.*",
        "numpy/_pyinstaller",
        "numpy/char",
        "numpy/conftest.py",
        "numpy/core",
        "numpy/ctypeslib",
        "numpy/doc",
        "numpy/f2py",
        "numpy/fft",
        "numpy/ma",
        "numpy/matlib.py",
        "numpy/polynomial",
        "numpy/random",
        "numpy/rec",
        "numpy/strings",
        "numpy/testing",
        "numpy/typing/mypy_plugin.py",
    ),
    "capi": (
        "onnxruntime/**/*.py",
        "onnxruntime/capi/libonnxruntime_providers_shared.so",
        "onnxruntime/capi/onnxruntime_pybind11_state.*",
    ),
}


def trim(folder: Path, engine: Engine) -> None:
    """Remove what inference never needs from a folder of installed wheels, within its libraries too."""
    for pattern in (*UNUSED, *UNUSED_BY[engine]):
        for path in sorted(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for library in libraries(folder):
        library.write_bytes(loaded_part(library.read_bytes()))


def libraries(folder: Path) -> list[Path]:
    """The shared libraries below a folder, by their content, not their name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if path.suffix != ".py" and _head(path)[:4] == b"\x7fELF"]


def check_machines(folder: Path, arch: Arch) -> None:
    """Raise `PackageError` where a library below a folder is for another machine than `arch`."""
    for library in libraries(folder):
        machine = machine_of(_head(library))
        if machine != arch:
            rule, remedy = f"Every library of the package must be for {arch}", "Pin a wheel for that machine."
            raise PackageError(rule, f"{library.relative_to(folder)} is for {machine}", remedy)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)
