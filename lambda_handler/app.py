"""What Lambda calls: `lambda_handler.app.handler`. The bundle is opened in the init phase."""

import gc
import os

from lambda_handler.http import make_handler

bundle = os.environ.get("SELFSAME_BUNDLE") or os.path.join(os.path.dirname(os.path.dirname(__file__)), "bundle")
openapi = os.path.join(os.path.dirname(bundle.rstrip("/")), "openapi.json")


def read_openapi() -> str:
    """The document that was made when the function was packaged."""
    with open(openapi, encoding="utf-8") as file:
        return file.read()


handler = make_handler(bundle, read_openapi if os.path.isfile(openapi) else None)

# What the init made stays: no collection walks it again. A request of 1,000 rows makes 4,000 objects that go by
# themselves, so only more of them set a collection off.
gc.freeze()
gc.set_threshold(10_000)
