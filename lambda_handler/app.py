"""What Lambda calls: `lambda_handler.app.handler`. The bundle is opened in the init phase."""

import os
from pathlib import Path

from lambda_handler.http import make_handler

handler = make_handler(Path(os.environ.get("SELFSAME_BUNDLE") or Path(__file__).parent.parent / "bundle"))
