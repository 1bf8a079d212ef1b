"""Which converter belongs to which class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from export.converters import bayes, boosting, encode, forest, histogram, impute, linear, meta, neural, scale, select
from export.graph import Graph, Tensor

Kind = Literal["transformer", "classifier", "regressor"]
Convert = Callable[[Graph, Any, list[Tensor]], list[str]]
Check = Callable[[Any], tuple[str, str] | None]


Members = Callable[[Any], list[tuple[str, Any]]]


def _accept(_estimator: Any) -> None:
    return None


def _none(_estimator: Any) -> list[tuple[str, Any]]:
    return []


@dataclass(frozen=True)
class Converter:
    """How one class is exported.

    Attributes:
        kind: what the graph gets from it: columns; label and probabilities; or a value.
        convert: writes the nodes.
        check: says what of this very instance is not exact: (reason, remedy), or None.
        keeps_text: string columns go in and come out as string columns.
        takes_text: string columns may go in.
        members: the fitted estimators inside it, by name.
    """

    kind: Kind
    convert: Convert
    check: Check = _accept
    keeps_text: bool = False
    takes_text: bool = False
    members: Members = _none


LINEAR_REGRESSORS = (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
    LinearSVR,
)

SELECTORS = (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)

REGISTRY: dict[type, Converter] = {
    SimpleImputer: Converter("transformer", impute.convert, impute.check, keeps_text=True, takes_text=True),
    FunctionTransformer: Converter("transformer", scale.convert_identity, scale.check_identity),
    StandardScaler: Converter("transformer", scale.convert_standard),
    MinMaxScaler: Converter("transformer", scale.convert_min_max),
    MaxAbsScaler: Converter("transformer", scale.convert_max_abs),
    RobustScaler: Converter("transformer", scale.convert_robust),
    Binarizer: Converter("transformer", select.convert_binarizer),
    PolynomialFeatures: Converter("transformer", select.convert_polynomial),
    **{cls: Converter("transformer", select.convert_selector, select.check_selector) for cls in SELECTORS},
    OneHotEncoder: Converter("transformer", encode.convert, encode.check, takes_text=True),
    OrdinalEncoder: Converter("transformer", encode.convert, encode.check, takes_text=True),
    LogisticRegression: Converter("classifier", linear.convert_logistic, linear.check),
    LogisticRegressionCV: Converter("classifier", linear.convert_logistic, linear.check),
    **{cls: Converter("regressor", linear.convert_regressor, linear.check) for cls in LINEAR_REGRESSORS},
    **{
        cls: Converter("classifier", forest.convert_classifier, forest.check)
        for cls in (
            DecisionTreeClassifier,
            ExtraTreeClassifier,
            RandomForestClassifier,
            ExtraTreesClassifier,
        )
    },
    **{
        cls: Converter("regressor", forest.convert_regressor, forest.check)
        for cls in (DecisionTreeRegressor, ExtraTreeRegressor, RandomForestRegressor, ExtraTreesRegressor)
    },
    VotingClassifier: Converter(
        "classifier", meta.convert_voting_classifier, meta.check_voting, takes_text=True, members=meta.members
    ),
    VotingRegressor: Converter("regressor", meta.convert_voting_regressor, takes_text=True, members=meta.members),
    BaggingClassifier: Converter(
        "classifier", meta.convert_bagging_classifier, meta.check_bagging, members=meta.members
    ),
    BaggingRegressor: Converter("regressor", meta.convert_bagging_regressor, members=meta.members),
    TransformedTargetRegressor: Converter(
        "regressor", meta.convert_target, meta.check_target, takes_text=True, members=meta.members
    ),
    GaussianNB: Converter("classifier", bayes.convert_gaussian),
    MLPClassifier: Converter("classifier", neural.convert_classifier, neural.check),
    MLPRegressor: Converter("regressor", neural.convert_regressor, neural.check),
    GradientBoostingClassifier: Converter("classifier", boosting.convert_classifier, boosting.check),
    GradientBoostingRegressor: Converter("regressor", boosting.convert_regressor, boosting.check),
    HistGradientBoostingClassifier: Converter(
        "classifier", histogram.convert_classifier, histogram.check, takes_text=True
    ),
    HistGradientBoostingRegressor: Converter(
        "regressor", histogram.convert_regressor, histogram.check, takes_text=True
    ),
}
