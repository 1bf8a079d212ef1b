"""What the tensors of a graph hold, against what onnxruntime finds them to hold."""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import NMF
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PowerTransformer, QuantileTransformer

from export.convert import convert
from export.frame import Schema
from export.kinds import kinds
from lambda_handler.binding import make_session

NAMES = {"tensor(double)": 11, "tensor(float)": 1, "tensor(int64)": 7, "tensor(string)": 8, "tensor(bool)": 9}


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    words = np.array(["red house", "blue house by the sea", "old ship", "new red ship"], dtype=object)
    return pd.DataFrame(
        {"a": random.gamma(2.0, size=60), "b": random.gamma(3.0, size=60), "c": words[random.integers(0, 4, 60)]}
    )


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(make_column_transformer((TfidfVectorizer(), "c"), remainder="passthrough"), LogisticRegression()),
        make_pipeline(
            make_column_transformer((OneHotEncoder(), ["c"]), remainder=SimpleImputer(add_indicator=True)),
            HistGradientBoostingClassifier(max_iter=4),
        ),
        make_pipeline(
            make_column_transformer((OrdinalEncoder(), ["c"]), remainder=PowerTransformer()),
            KNeighborsClassifier(algorithm="kd_tree"),
        ),
        make_pipeline(make_column_transformer((QuantileTransformer(n_quantiles=20), ["a", "b"])), KMeans(3, n_init=1)),
        make_pipeline(make_column_transformer((NMF(2, max_iter=900), ["a", "b"])), LogisticRegression()),
    ],
    ids=["text", "trees", "neighbours", "cluster", "loop"],
)
def test_kinds_are_those_of_onnxruntime(model: BaseEstimator, tmp_path: Path) -> None:
    X = table()
    numbers = None if isinstance(model[-1], KMeans) else "probabilities"
    parsed = onnx.load_from_string(convert(model.fit(X, X["a"] > 1.5), Schema(X), numbers=numbers))
    found = kinds(parsed.graph, {})
    inner = [name for node in parsed.graph.node for name in node.output]
    outputs = {value.name for value in parsed.graph.output}
    parsed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner if name not in outputs)
    session = make_session(parsed.SerializeToString())
    typed = {value.name: NAMES[value.type] for value in session.get_outputs()}
    assert len(typed) == len(inner) > 5
    assert {name: found[name] for name in typed} == typed
