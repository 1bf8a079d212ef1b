"""What Lambda calls: `lambda_handler.app.handler`. The bundle is opened in the init phase."""

import os
from functools import partial
from pathlib import Path

from lambda_handler.http import make_handler

bundle = Path(os.environ.get("SELFSAME_BUNDLE") or Path(__file__).parent.parent / "bundle")
openapi = bundle.parent / "openapi.json"
handler = make_handler(bundle, partial(openapi.read_text, encoding="utf-8") if openapi.is_file() else None)
