"""One file per family of estimators; each lists its classes in `CONVERTERS`."""

from export.converters import (
    bayes,
    boosting,
    compose,
    encode,
    forest,
    histogram,
    impute,
    linear,
    meta,
    neural,
    scale,
    select,
)
from export.converters.converter import Converter

FAMILIES = (
    compose,
    impute,
    scale,
    select,
    encode,
    linear,
    bayes,
    neural,
    forest,
    boosting,
    histogram,
    meta,
)
REGISTRY: dict[type, Converter] = {cls: entry for family in FAMILIES for cls, entry in family.CONVERTERS.items()}

__all__ = ["REGISTRY", "Converter"]
