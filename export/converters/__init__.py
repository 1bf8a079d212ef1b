"""Exact converters, one file per estimator family.

A converter is `convert(graph, estimator, inputs) -> list of output names`; `REGISTRY` names the one for each class.
Only the exact classes listed there are converted: a subclass may have overridden anything.
"""

from export.converters.registry import REGISTRY, Converter, Kind

__all__ = ["REGISTRY", "Converter", "Kind"]
