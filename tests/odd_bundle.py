"""A bundle whose graph holds an operator that the page's own evaluator does not know."""

import hashlib
import json
from pathlib import Path

import onnx
from bundle_factory import make_bundle, seal


def make_odd_bundle(path: Path, name: str = "odd") -> Path:
    """Write the tiny classifier with `Cos` behind its probabilities: onnxruntime alone can answer it."""
    bundle = make_bundle(path, name=name)
    model = onnx.load(bundle / "model.onnx")
    for node in model.graph.node:
        node.output[:] = ["before" if name == "probabilities" else name for name in node.output]
    model.graph.node.append(onnx.helper.make_node("Cos", ["before"], ["probabilities"]))
    contract = json.loads((bundle / "contract.json").read_text())
    (bundle / "model.onnx").write_bytes(model.SerializeToString())
    contract["model_sha256"] = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    (bundle / "contract.json").write_text(json.dumps(contract))
    seal(bundle)
    return bundle
