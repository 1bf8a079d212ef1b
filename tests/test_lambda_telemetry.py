"""onnxruntime's makers are sent nothing: its telemetry, on by default, begins with a file of the session's id."""

import os
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
