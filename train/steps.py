"""Preparing steps that scikit-learn lacks, each simple enough to have an exact form in a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

FloatArray = npt.NDArray[np.float64]


class QuantileClip(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Sets what lies outside two quantiles of the training rows to the nearer one; a missing value stays missing.

    Args:
        share: Of the known values at either end, above 0 and below one half.

    Attributes:
        lower_: The lower quantiles, float64 of shape (n_features,); minus infinity for a column without known values.
        upper_: The upper ones, plus infinity there.
    """

    def __init__(self, share: float = 0.01) -> None:
        self.share = share

    def fit(self, X: Any, y: Any = None) -> QuantileClip:  # noqa: ARG002 (every step is fitted alike)
        """Learn the quantiles, each one of the values that occur, so that nothing is interpolated."""
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        bounds = np.array([_bounds(values[:, column], self.share) for column in range(values.shape[1])])
        self.lower_, self.upper_ = np.ascontiguousarray(bounds[:, 0]), np.ascontiguousarray(bounds[:, 1])
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the clipped values, float64 of the same shape."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        raised = np.where(values < self.lower_, self.lower_, values)
        return np.where(raised > self.upper_, self.upper_, raised)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _bounds(values: FloatArray, share: float) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return -np.inf, np.inf
    return float(np.quantile(known, share, method="lower")), float(np.quantile(known, 1 - share, method="higher"))


class SignedLog(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Takes log(1 + |x|) with the sign of x: defined for every number, and close to x near zero."""

    def fit(self, X: Any, y: Any = None) -> SignedLog:  # noqa: ARG002 (every step is fitted alike)
        """Learn nothing but the number of columns."""
        validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the logarithms, float64 of the same shape; a missing value stays missing."""
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return np.asarray(np.sign(values) * np.log1p(np.abs(values)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags


class Ratio(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Divides the first of two columns by the second; what is no finite number is missing."""

    def fit(self, X: Any, y: Any = None) -> Ratio:  # noqa: ARG002 (every step is fitted alike)
        """Learn nothing but that there are two columns."""
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        if values.shape[1] != 2:
            raise ValueError(f"Ratio divides two columns. Got: {values.shape[1]}. Give it exactly two.")
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the quotients, float64 of shape (n_rows, 1)."""
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        with np.errstate(all="ignore"):
            quotient = values[:, :1] / values[:, 1:]
        return np.where(np.isinf(quotient), np.nan, quotient)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the one column's name."""
        names = getattr(self, "feature_names_in_", input_features)
        return np.array(["ratio" if names is None else f"{names[0]} / {names[1]}"], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags
