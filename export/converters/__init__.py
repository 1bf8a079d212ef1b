"""One file per family of estimators; each lists its classes in `CONVERTERS`."""

from export.converters import (
    meta,
    bayes,
    boosting,
    cluster,
    compose,
    decomposition,
    encode,
    forest,
    histogram,
    impute,
    linear,
    mixture,
    neural,
    outlier_envelope,
    projection,
    scale,
    select,
    tfidf,
)
from export.converters.converter import Converter

FAMILIES = (
    meta,
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
    decomposition,
    projection,
    cluster,
    mixture,
    outlier_envelope,
    tfidf,
)
REGISTRY: dict[type, Converter] = {cls: entry for family in FAMILIES for cls, entry in family.CONVERTERS.items()}

__all__ = ["REGISTRY", "Converter"]
