"""Bundle -> answers over HTTP. Deployed alone: nothing here imports anything else of this project."""

import os

# onnxruntime sends events about models and processes to its makers, unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
