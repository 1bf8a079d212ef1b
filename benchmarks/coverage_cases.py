"""How each estimator of scikit-learn is made, and the tables it is fitted on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.experimental import (  # noqa: F401 - they make the experimental estimators importable
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

ROWS = 240
NUMBERS = ["height", "2nd width", "Länge", "depth (cm)"]
WORDS = ["red", "green", "blue", "ünïcode", "a b"]
TEXT = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}
CATEGORICAL = {"CategoricalNB", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
POSITIVE = {"NMF", "MiniBatchNMF", "LatentDirichletAllocation", "AdditiveChi2Sampler", "MultinomialNB", "ComplementNB"}
POSITIVE |= {"SkewedChi2Sampler", "TfidfTransformer", "BernoulliRBM", "PoissonRegressor", "GammaRegressor"}
ONE_COLUMN = {"IsotonicRegression"}
MULTI_LABEL = {"MultiOutputClassifier", "ClassifierChain"}
MULTI_VALUE = {"MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "CCA"}
MULTI_VALUE |= {"PLSCanonical", "PLSSVD", "MultiOutputRegressor", "RegressorChain"}
NEEDS_KERNEL = {"KernelCenterer"}
STEPS = [("scale", StandardScaler()), ("project", PCA(2))]
LOGISTIC, LINEAR = LogisticRegression(), LinearRegression()
VOTERS = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]
REGRESSORS = [("linear", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "ClassifierChain": {"estimator": LOGISTIC},
    "ColumnTransformer": {"transformers": [("scale", StandardScaler(), [0, 1]), ("rest", "passthrough", [2])]},
    "FeatureUnion": {"transformer_list": STEPS},
    "FixedThresholdClassifier": {"estimator": LOGISTIC, "threshold": 0.3},
    "FrozenEstimator": {"estimator": LOGISTIC},
    "FunctionTransformer": {"func": np.log1p},
    "GaussianRandomProjection": {"n_components": 3},
    "GridSearchCV": {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}},
    "HalvingGridSearchCV": {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}},
    "HalvingRandomSearchCV": {"estimator": LOGISTIC, "param_distributions": {"C": [0.1, 1.0]}},
    "MultiOutputClassifier": {"estimator": LOGISTIC},
    "MultiOutputRegressor": {"estimator": LINEAR},
    "OneVsOneClassifier": {"estimator": LOGISTIC},
    "OneVsRestClassifier": {"estimator": LOGISTIC},
    "OutputCodeClassifier": {"estimator": LOGISTIC},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("model", LOGISTIC)]},
    "RANSACRegressor": {"estimator": LINEAR},
    "RFE": {"estimator": LOGISTIC, "n_features_to_select": 2},
    "RFECV": {"estimator": LOGISTIC},
    "RandomizedSearchCV": {"estimator": LOGISTIC, "param_distributions": {"C": [0.1, 1.0]}, "n_iter": 2},
    "RegressorChain": {"estimator": LINEAR},
    "SelectFromModel": {"estimator": LOGISTIC},
    "SelectKBest": {"k": 2},
    "SelectPercentile": {"percentile": 50},
    "SelfTrainingClassifier": {"estimator": LOGISTIC},
    "SequentialFeatureSelector": {"estimator": LOGISTIC},
    "SparseRandomProjection": {"n_components": 3},
    "StackingClassifier": {"estimators": VOTERS},
    "StackingRegressor": {"estimators": REGRESSORS},
    "TransformedTargetRegressor": {"regressor": LINEAR, "func": np.log1p, "inverse_func": np.expm1},
    "TunedThresholdClassifierCV": {"estimator": LOGISTIC},
    "VotingClassifier": {"estimators": VOTERS},
    "VotingRegressor": {"estimators": REGRESSORS},
}
SMALLER: dict[str, Any] = {"n_estimators": 20, "max_iter": 100, "n_neighbors": 5, "n_clusters": 4, "random_state": 0}


@dataclass(frozen=True)
class Case:
    """One fitted variant.

    Attributes:
        variant: alone, multiclass, pipeline, imputed or missing.
        estimator: fitted, or None where scikit-learn itself rejects it.
        X: its table.
        reason: what scikit-learn said.
    """

    variant: str
    estimator: Any
    X: pd.DataFrame
    reason: str = ""


def cases(name: str, cls: type, kind: str) -> Iterator[Case]:
    """Every variant of one estimator, fitted.

    Args:
        name: of the class.
        cls: the class.
        kind: classifier, regressor, transformer or other.
    """
    model = make(name, cls)
    table = numbers(name in POSITIVE)
    if name in ONE_COLUMN:
        table = table[NUMBERS[:1]]
    if name in TEXT:
        yield _text(model, kind)
        return
    if name in NEEDS_KERNEL:
        table = numbers().iloc[:40]
        table = pd.DataFrame(table.to_numpy() @ table.to_numpy().T, columns=[f"row {i}" for i in range(40)])
        yield fitted("alone", model, table, None)
        return
    if name in CATEGORICAL:
        table = categories(name == "CategoricalNB")
    y = answers(name, kind, 2)
    yield fitted("alone", model, table, y)
    if kind == "classifier":
        yield fitted("multiclass", make(name, cls), table, answers(name, kind, 3))
    if name in CATEGORICAL or name in ONE_COLUMN:
        return
    yield fitted("pipeline", pipeline(make(name, cls), name in POSITIVE), mixed(), y)
    yield fitted("imputed", make_pipeline(SimpleImputer(), make(name, cls)), holes(table), y)
    if get_tags(model).input_tags.allow_nan:
        yield fitted("missing", make(name, cls), holes(table), y)


def make(name: str, cls: type) -> Any:
    """The estimator with small settings, and the arguments that it cannot do without."""
    if name == "SparseCoder":
        return cls(dictionary=np.random.default_rng(3).normal(size=(3, len(NUMBERS))))
    model = cls(**ARGUMENTS.get(name, {}))
    known = {key: value for key, value in SMALLER.items() if key in model.get_params(deep=False)}
    known = {key: value for key, value in known.items() if key not in ARGUMENTS.get(name, {})}
    if name == "LocalOutlierFactor":
        known["novelty"] = True
    if name == "OrthogonalMatchingPursuitCV":
        known.pop("max_iter")  # the most columns that it may use
    return model.set_params(**known)


def pipeline(model: Any, positive: bool) -> Pipeline:
    """The model behind imputed and scaled numbers and one-hot categories, given by name."""
    scaler = MinMaxScaler() if positive else StandardScaler()
    number = make_pipeline(SimpleImputer(strategy="median"), scaler)
    columns = ColumnTransformer(
        [("number", number, NUMBERS), ("category", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"])],
        sparse_threshold=0.0,
    )
    return Pipeline([("columns", columns), ("model", model)])


def numbers(positive: bool = False) -> pd.DataFrame:
    """Four float64 columns, correlated, on scales of their own."""
    random = np.random.default_rng(0)
    base = random.normal(size=(ROWS, 4)) @ random.normal(size=(4, 4)) * [1.0, 10.0, 0.1, 3.0] + [2.0, -5.0, 0.0, 40.0]
    return pd.DataFrame(np.abs(base) + 0.01 if positive else base, columns=NUMBERS)


def holes(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every eighth value missing."""
    lost = np.random.default_rng(1).random(table.shape) < 0.125
    return table.mask(lost)


def categories(whole: bool) -> pd.DataFrame:
    """Two columns of categories: words, or whole numbers as float64."""
    random = np.random.default_rng(2)
    if whole:
        return pd.DataFrame(random.integers(0, 4, size=(ROWS, 2)).astype(float), columns=["colour", "size"])
    columns = {"colour": random.choice(WORDS, ROWS), "size": random.choice(["S", "M", "L"], ROWS)}
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


def mixed() -> pd.DataFrame:
    """Numbers with holes, and categories."""
    return pd.concat([holes(numbers()), categories(False)], axis=1)


def answers(name: str, kind: str, classes: int) -> Any:
    """Classes as words, or numbers; several of them for estimators that want several; None for no target."""
    score = numbers()["height"] + numbers()["2nd width"] / 10.0 + np.random.default_rng(4).normal(0.0, 0.4, ROWS)
    parted = np.searchsorted(np.quantile(score, np.linspace(0.0, 1.0, classes + 1)[1:-1]), score)
    if name in MULTI_LABEL:
        other = numbers()["depth (cm)"] > 40.0
        return np.column_stack([parted if name == "MultiOutputClassifier" else parted > 0, other]).astype(int)
    values = (score - score.min() + 1.0).to_numpy()
    if name in MULTI_VALUE:
        return np.column_stack([values, numbers()["depth (cm)"]])
    if kind == "regressor" or name.endswith("Regressor") or name in {"IsotonicRegression", "PLSRegression", "PLSSVD"}:
        return values
    if name == "SelfTrainingClassifier":  # -1: no label is known
        return np.where(np.arange(ROWS) % 7 == 0, -1, parted)
    return np.array(["no", "yes", "maybe so"])[parted]


def fitted(variant: str, model: Any, table: pd.DataFrame, y: Any) -> Case:
    """Fit, or keep what scikit-learn says against it."""
    try:
        return Case(variant, model.fit(table, y), table)
    except (ValueError, TypeError, AttributeError) as error:
        return Case(variant, None, table, str(error).splitlines()[0])


def _text(model: Any, kind: str) -> Case:
    random = np.random.default_rng(5)
    lines = [" ".join(random.choice([*WORDS, "the", "Über", "naïve", "x1"], 6)) for _ in range(ROWS)]
    table = pd.DataFrame({"line": pd.Series(lines, dtype="str")})
    columns = ColumnTransformer([("text", model, "line")], sparse_threshold=0.0)
    return fitted("alone", columns, table, answers("", kind, 2))
