"""Models whose answers are smooth: sums, activations and likelihoods, exact up to rounding."""

from typing import Any

import pytest
from export_tools import ROUNDING, frame, gap, target, value
from sklearn.base import is_classifier
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from export.errors import ExportError
from export.support import check_exportable

FLOATS = ["income", "2nd height", "visits"]
LAYERS = {"hidden_layer_sizes": (7, 4), "max_iter": 30, "random_state": 0}
MODELS: dict[str, Any] = {
    "bayes": GaussianNB(),
    **{f"mlp-{name}": MLPClassifier(activation=name, **LAYERS) for name in ("identity", "logistic", "tanh", "relu")},
    "mlp-regressor": MLPRegressor(**LAYERS),
}

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("columns", [FLOATS, ["2nd height"]], ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_exact_up_to_rounding(name: str, columns: list[str], classes: int) -> None:
    X = frame()[columns]
    model = MODELS[name]
    y = target(X, classes) if is_classifier(model) else value(X)
    found = gap(make_pipeline(SimpleImputer(), StandardScaler(), model).fit(X, y), X)
    assert found.rows > 100
    assert found.labels == 0, found
    assert found.apart <= ROUNDING, found


def test_an_exponential_answer_is_refused() -> None:
    X = frame()[["2nd height"]]
    model = MLPRegressor(loss="poisson", **LAYERS).fit(X, abs(value(X)))
    with pytest.raises(ExportError, match="mlpregressor: loss='poisson' answers through exp"):
        check_exportable(model)
