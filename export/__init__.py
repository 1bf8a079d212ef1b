"""Fitted pipeline -> bundle, or a clear refusal."""

from export.errors import ExportError


__all__ = ["ExportError"]
