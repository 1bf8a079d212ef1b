"""The packages that `benchmarks/cold.py` starts in turns: ours, and what people ship instead."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from deploy.emulator import machine_arch
from deploy.package import BUILD, build_package
from deploy.pythons import RUNTIME_PYTHON, find_python
from deploy.trim import DISTRIBUTIONS
from deploy.wheels import ROOT, install_wheels
from export import export_bundle
from train.demo import loan_case
from train.fit import train_frame
from train.store import load_estimator

EMPTY, BARE = "an empty function", "bare session.run"
OURS, BINDING, WHOLE = "selfsame", "selfsame, engine binding", "the same, untrimmed, no bytecode"
PEER = "scikit-learn + joblib"
MANY = 1000  # rows of the large event

PEER_WHEELS = (
    "cloudpickle",
    "joblib",
    "narwhals",
    "numpy",
    "pandas",
    "python-dateutil",
    "scikit-learn",
    "scipy",
    "six",
    "threadpoolctl",
)
EMPTY_APP = """
def handler(event, context):
    return {"statusCode": 200, "body": ""}
"""
# The session's own run on one thread, fed with arrays that are ready.
BARE_APP = """
import json
from pathlib import Path
import numpy as np
from lambda_handler.binding import NUMPY_TYPES, make_session
from lambda_handler.bundle import read_bundle
folder = Path(__file__).parent.parent
bundle = read_bundle(folder / "bundle")
session, outputs = make_session(bundle.model), bundle.contract.form.outputs
def columns(rows):
    values, _ = bundle.contract.columns(rows)
    features = bundle.contract.features
    return {f.input: np.array(v, NUMPY_TYPES[f.dtype]).reshape(-1, 1) for f, v in zip(features, values)}
feeds = {len(body): columns(json.loads(body).get("rows") or [json.loads(body)])
         for body in json.loads((folder / "bodies.json").read_text())}
def handler(event, context):
    session.run(outputs, feeds[len(event["body"])])
    return {"statusCode": 200}
"""
PEER_APP = """
import json
import os
import joblib
import pandas as pd
pipeline = joblib.load(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "model.joblib"))
classes = [str(each) for each in pipeline.classes_]
def handler(event, context):
    body = json.loads(event["body"])
    rows = body["rows"] if "rows" in body else [body]
    found = pipeline.predict_proba(pd.DataFrame(rows, columns=pipeline.feature_names_in_))
    labels = pipeline.classes_[found.argmax(axis=1)].tolist()
    predictions = [{"label": label, "probabilities": dict(zip(classes, row))}
                   for label, row in zip(labels, found.tolist())]
    return {"statusCode": 200, "body": json.dumps({"predictions": predictions})}
"""


def make_packages(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Build all packages of the boosted loan model.

    Returns:
        Their folders by name, and two request bodies: one row, `MANY` rows.
    """
    run = train_frame(loan_case(), folder / "run")
    pipeline = load_estimator(run.candidates["boosting"])
    bundle = export_bundle(pipeline, run.X, folder / "bundle")
    bodies = _bodies(run.X)
    makers: dict[str, Callable[[Path], object]] = {
        EMPTY: lambda out: _write_app(out, EMPTY_APP),
        OURS: lambda out: build_package(bundle, out, arch=machine_arch()),
        BINDING: lambda out: build_package(bundle, out, arch=machine_arch(), engine="binding"),
        WHOLE: lambda out: _build_whole(bundle, out),
        PEER: lambda out: _build_peer(pipeline, out),
        BARE: lambda out: _build_bare(bundle, bodies, out),
    }
    packages = {}
    for number, (name, make) in enumerate(makers.items()):
        packages[name] = folder / f"package-{number}"
        make(packages[name])
    return packages, bodies


def _bodies(X: pd.DataFrame) -> list[str]:
    records = X.astype(object).where(X.notna(), None).to_dict("records")
    return [json.dumps(records[0]), json.dumps({"rows": [records[k % len(records)] for k in range(MANY)]})]


def _write_app(out: Path, source: str) -> None:
    """A handler of a few lines, with its bytecode, as `lambda_handler.app`."""
    own = out / "lambda_handler"
    own.mkdir(parents=True, exist_ok=True)
    (own / "app.py").write_text(source, encoding="utf-8")
    _compile(own)
    (out / BUILD).write_text(json.dumps({"python": RUNTIME_PYTHON}), encoding="utf-8")


def _compile(folder: Path) -> None:
    """Give each module its bytecode, docstrings and all: numpy.ma needs its own."""
    python = find_python(RUNTIME_PYTHON)
    if python is None:
        raise RuntimeError(f"The packages are run by Python {RUNTIME_PYTHON}; there is none here. Install it.")
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-x", "/tests/"]
    subprocess.run([python, "-I", "-m", "compileall", *options, str(folder)], check=True)


def _build_whole(bundle: Path, out: Path) -> None:
    """The pinned wheels as they are, our sources and the bundle: what `sam build` makes of a requirements file."""
    install_wheels(DISTRIBUTIONS["binding"], out, arch=machine_arch(), python=RUNTIME_PYTHON)
    shutil.copytree(ROOT / "lambda_handler", out / "lambda_handler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundle, out / "bundle")
    (out / BUILD).write_text(json.dumps({"python": RUNTIME_PYTHON}), encoding="utf-8")


def _build_peer(pipeline: Any, out: Path) -> None:
    """The fitted pipeline itself with its libraries, which get their bytecode, too."""
    pins = out.with_name("peer-pins")  # pip holds markers against its own Python, and of two pins the newer one fits
    every = (ROOT / "requirements" / "all.txt").read_text(encoding="utf-8")
    pins.write_text(re.sub(" ; python_full_version >= '[0-9.]+'", "", every), encoding="utf-8")
    install_wheels(PEER_WHEELS, out, arch=machine_arch(), python=RUNTIME_PYTHON, pins=pins)
    _compile(out)
    joblib.dump(pipeline, out / "model.joblib")
    _write_app(out, PEER_APP)


def _build_bare(bundle: Path, bodies: Sequence[str], out: Path) -> None:
    build_package(bundle, out, arch=machine_arch(), engine="binding")
    (out / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
    _write_app(out, BARE_APP)


def settings_of(name: str) -> Mapping[str, str]:
    """The environment that a package gets beside the template's: metrics as there, one thread everywhere."""
    if name in {EMPTY, PEER, BARE}:
        return {"OMP_NUM_THREADS": "1"}
    metrics = {"POWERTOOLS_METRICS_NAMESPACE": "selfsame", "POWERTOOLS_SERVICE_NAME": "bench"}
    return metrics | ({"SELFSAME_ENGINE": "binding"} if name == WHOLE else {})
