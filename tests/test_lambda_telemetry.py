"""onnxruntime's makers are sent nothing: its telemetry, on by default, begins with a file of the session's id."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle_factory import make_bundle

ROOT = Path(__file__).parents[1]
ANSWER = "import sys; from lambda_handler.predictor import Predictor; Predictor.load(sys.argv[1])"


@pytest.mark.parametrize("engine", ["binding", "capi"])
def test_a_model_is_opened_without_telemetry(engine: str, tmp_path: Path) -> None:
    bundle, scratch = make_bundle(tmp_path / "bundle"), tmp_path / "scratch"
    scratch.mkdir()
    told = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment = told | {"TMPDIR": str(scratch), "HOME": str(scratch), "SELFSAME_ENGINE": engine}
    subprocess.run([sys.executable, "-B", "-c", ANSWER, str(bundle)], cwd=ROOT, env=environment, check=True)
    assert list(scratch.iterdir()) == []


IMPORT = re.compile(r"^\s*(?:import|from) onnxruntime\b", re.MULTILINE)


def importing(folder: Path) -> set[str]:
    """The Python files, without installed and built ones, that import onnxruntime: its telemetry begins there."""
    tops = [each for each in folder.iterdir() if each.name[0] != "." and each.name not in {"node_modules", "build"}]
    files = [file for top in tops for file in (top.rglob("*.py") if top.is_dir() else [top]) if file.suffix == ".py"]
    return {file.relative_to(folder).as_posix() for file in files if IMPORT.search(file.read_text(encoding="utf-8"))}


def test_onnxruntime_is_imported_behind_the_switch_alone() -> None:
    assert importing(ROOT) == {"lambda_handler/binding.py"}


def test_another_import_would_be_found(tmp_path: Path) -> None:
    for number, line in enumerate(
        ("import onnxruntime as ort", "if x:\n    from onnxruntime.capi import y", "import onnx")
    ):
        (tmp_path / f"{number}.py").write_text(f"import os\n{line}\n")
    (tmp_path / "part").mkdir()
    (tmp_path / "0.py").rename(tmp_path / "part" / "0.py")
    assert importing(tmp_path) == {"part/0.py", "1.py"}
