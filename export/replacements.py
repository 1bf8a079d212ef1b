"""What to use in place of an estimator without an exact form: the nearest ones of the same kind that have one."""

from typing import Any

from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

from export.converters import REGISTRY

NO_TABLE = {  # what these take instead
    "DictVectorizer": "dictionaries",
    "FeatureHasher": "dictionaries or lists of words",
    "LabelBinarizer": "a target",
    "LabelEncoder": "a target",
    "MultiLabelBinarizer": "sets of labels",
    "PatchExtractor": "pictures",
}
REPLACEMENTS: dict[str, tuple[str, ...]] = {  # by class name; others' libraries behind scikit-learn
    "AgglomerativeClustering": ("KMeans", "BisectingKMeans"),
    "ClassicalMDS": ("PCA",),
    "DBSCAN": ("MeanShift", "KMeans"),
    "EmpiricalCovariance": ("EllipticEnvelope",),
    "GraphicalLasso": ("EllipticEnvelope",),
    "GraphicalLassoCV": ("EllipticEnvelope",),
    "HDBSCAN": ("MeanShift", "KMeans"),
    "HashingVectorizer": ("CountVectorizer", "TfidfVectorizer"),
    "KernelDensity": ("GaussianMixture",),
    "LedoitWolf": ("EllipticEnvelope",),
    "MDS": ("PCA",),
    "MinCovDet": ("EllipticEnvelope",),
    "MiniBatchNMF": ("NMF",),
    "NearestNeighbors": ("KNeighborsClassifier", "KNeighborsRegressor"),
    "OAS": ("EllipticEnvelope",),
    "OPTICS": ("MeanShift", "KMeans"),
    "ShrunkCovariance": ("EllipticEnvelope",),
    "SpectralBiclustering": ("KMeans",),
    "SpectralClustering": ("KMeans", "BisectingKMeans"),
    "SpectralCoclustering": ("KMeans",),
    "SpectralEmbedding": ("PCA",),
    "TSNE": ("PCA",),
    "CatBoostClassifier": ("HistGradientBoostingClassifier",),
    "CatBoostRegressor": ("HistGradientBoostingRegressor",),
    "CatBoostEncoder": ("TargetEncoder",),
    "CountEncoder": ("TargetEncoder", "OrdinalEncoder"),
    "JamesSteinEncoder": ("TargetEncoder",),
    "LGBMRanker": ("HistGradientBoostingRegressor",),
    "LeaveOneOutEncoder": ("TargetEncoder",),
    "NGBClassifier": ("HistGradientBoostingClassifier",),
    "NGBRegressor": ("HistGradientBoostingRegressor",),
    "UMAP": ("PCA",),
    "WOEEncoder": ("TargetEncoder",),
}
KINDS = (  # for all other classes, by what they are
    (is_classifier, ("HistGradientBoostingClassifier", "LogisticRegression")),
    (is_regressor, ("HistGradientBoostingRegressor", "Ridge")),
    (is_outlier_detector, ("IsolationForest",)),
    (is_clusterer, ("KMeans",)),
)


def replacements(step: Any) -> tuple[str, ...]:
    """The names of one or two classes with an exact form that do nearly the same; none for an unknown transformer."""
    name = type(step).__name__
    if any(cls.__name__ == name for cls in REGISTRY):  # such as another library's OneHotEncoder
        return (name,)
    if name in REPLACEMENTS:
        return REPLACEMENTS[name]
    return next((names for is_kind, names in KINDS if _is(is_kind, step)), ())


def _is(is_kind: Any, step: Any) -> bool:
    try:
        return bool(is_kind(step))
    except (AttributeError, TypeError, ValueError):  # an object without scikit-learn's tags
        return False


def refusal_of(step: Any) -> tuple[str, str]:
    """Why a step of a class without a converter is refused, and the remedy."""
    name = type(step).__name__
    parents = [base.__name__ for base in type(step).__mro__[1:] if base in REGISTRY]
    if parents:
        reason = f"{name} is a subclass of {parents[0]} and may override any of its methods"
        return reason, f"Use {parents[0]} itself and fit again."
    if name in NO_TABLE:
        remedy = "Leave it out of the pipeline and make the columns of the table before, such as with pandas."
        return f"{name} takes {NO_TABLE[name]} and no rows of a table", remedy
    found = replacements(step)
    if found == (name,):
        return f"this {name} is not scikit-learn's and has no exact converter", f"Use scikit-learn's own {name}."
    if found:
        return f"{name} has no exact converter", f"Replace it by {' or '.join(found)} and fit again."
    remedy = (
        "Compute its columns before the pipeline, with pandas or NumPy, or replace it by a FunctionTransformer over a "
        "NumPy function, and fit again."
    )
    return f"{name} has no exact converter", remedy
