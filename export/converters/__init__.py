"""One file per family of estimators; each lists its classes in `CONVERTERS`."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from export.converters import (
    approximation,
    bagging,
    bayes,
    bins,
    boosting,
    calibration,
    cluster,
    coding,
    compose,
    cross_decomposition,
    decomposition,
    discriminant,
    dummy,
    encode,
    factors,
    forest,
    function,
    gaussian_process,
    glm,
    histogram,
    impute,
    impute_iterative,
    impute_nearest,
    isolation,
    isotonic,
    kernels,
    label_propagation,
    linear,
    manifold,
    mixture,
    multiclass,
    multioutput,
    neighbours,
    neural,
    outlier_envelope,
    power,
    projection,
    quantile,
    radius,
    scale,
    select,
    sgd,
    spline,
    stacking,
    svm,
    target,
    target_encode,
    text,
    tfidf,
    voting,
    wrapper,
)
from export.converters.converter import Converter

FAMILIES = (
    compose,
    impute,
    impute_iterative,
    impute_nearest,
    scale,
    select,
    function,
    bins,
    quantile,
    power,
    spline,
    encode,
    target_encode,
    linear,
    glm,
    sgd,
    discriminant,
    cross_decomposition,
    isotonic,
    dummy,
    bayes,
    neural,
    forest,
    boosting,
    histogram,
    decomposition,
    coding,
    factors,
    manifold,
    projection,
    cluster,
    mixture,
    neighbours,
    radius,
    label_propagation,
    svm,
    kernels,
    gaussian_process,
    approximation,
    outlier_envelope,
    text,
    tfidf,
    voting,
    stacking,
    bagging,
    multiclass,
    multioutput,
    calibration,
    wrapper,
    target,
    isolation,
)
EXTRAS = {"lightgbm": "gbm_light", "xgboost": "gbm_x"}  # libraries that need not be there, and their families


def _extras() -> list[ModuleType]:
    """The families of the libraries that are installed: without one, no estimator of it can come."""
    return [import_module(f"export.converters.{name}") for library, name in EXTRAS.items() if find_spec(library)]


REGISTRY: dict[type, Converter] = {
    cls: entry for family in (*FAMILIES, *_extras()) for cls, entry in family.CONVERTERS.items()
}

__all__ = ["REGISTRY", "Converter"]
