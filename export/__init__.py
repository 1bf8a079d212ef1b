"""Fitted pipeline -> bundle, or a clear refusal."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from export.errors import ExportError

if TYPE_CHECKING:
    from export.check import check_pipeline
    from export.seal import export_bundle

__all__ = ["ExportError", "check_pipeline", "export_bundle"]

_MODULES = {"check_pipeline": "export.check", "export_bundle": "export.seal"}


def __getattr__(name: str) -> Any:
    """Import what a name needs when it is asked for: a check needs no runtime."""
    if name not in _MODULES:
        raise AttributeError(f"module 'export' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
