"""Models whose answers are smooth: sums, activations and likelihoods, exact up to rounding."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from export_tools import ROUNDING, frame, gap, target, value
from sklearn.base import is_classifier
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from export import export_bundle
from lambda_handler.predictor import Predictor

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


def test_bayes_far_from_the_training_rows(tmp_path: Path) -> None:
    """Likelihoods of 1e9, close to a tie: the order of every sum decides."""
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.normal(size=(200, 12)), columns=[f"a{i}" for i in range(12)])
    y = np.arange(200) % 2
    X["a2"], X["a3"] = X["a2"] * (1 + y), X["a3"] * (2 - y)  # each class is wide where the other is narrow
    model = GaussianNB().fit(X, y)
    predictor = Predictor.load(export_bundle(model, X, tmp_path / "far"))
    far = pd.DataFrame(np.repeat(random.normal(size=(1, 12)), 20_001, axis=0), columns=X.columns)
    far["a2"], far["a3"] = 2e4, np.linspace(-9e4, 9e4, len(far))
    for _ in range(5):
        near = int(np.argmin(abs(np.diff(model.predict_joint_log_proba(far)).ravel())))
        ends = far["a3"].iloc[max(near - 1, 0)], far["a3"].iloc[min(near + 1, len(far) - 1)]
        far["a3"] = np.linspace(*ends, len(far))
    expected = model.predict_proba(far)
    assert (abs(expected[:, 1] - 0.5) < 0.4).sum() > 100
    labels, numbers = predictor.run([far[name].to_numpy() for name in far])
    assert abs(numbers - expected).max() <= ROUNDING
    assert np.array_equal(labels[:, 0], model.predict(far))
