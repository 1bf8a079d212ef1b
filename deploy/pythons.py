"""Find Python interpreters on this machine."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

RUNTIME_PYTHON = "3.13"  # template.yaml's Runtime


def lambda_python() -> str:
    """The Python version to build a package for that runs here: Lambda's own where there is one, else this one."""
    return RUNTIME_PYTHON if find_python(RUNTIME_PYTHON) else f"{sys.version_info.major}.{sys.version_info.minor}"


@functools.cache
def find_python(version: str) -> str | None:
    """An interpreter of `version` ("3.13") that really runs: this one, on PATH, or one of pyenv's; or None."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    candidates = [sys.executable, *([on_path] if on_path else [])]
    candidates += [str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)]
    found = (_ask(path) for path in candidates)
    return next((executable for executable, got in found if got.rpartition(".")[0] == version), None)


def version_of(python: str) -> str:
    """The whole version of an interpreter, such as "3.13.0"; "" for one that does not run."""
    return _ask(python)[1]


def _ask(python: str) -> tuple[str, str]:
    """The executable behind a name, which may be a shim, and its version."""
    question = "import platform, sys; print(sys.executable); print(platform.python_version())"
    command = [python, "-I", "-S", "-c", question]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except OSError:
        return python, ""
    if result.returncode != 0:  # a pyenv shim fails where no version is chosen
        return python, ""
    executable, version = result.stdout.splitlines()
    return executable, version
