"""Fitted pipeline -> bundle, or a clear refusal."""

from export.errors import ExportError
from export.seal import export_bundle

__all__ = ["ExportError", "export_bundle"]
