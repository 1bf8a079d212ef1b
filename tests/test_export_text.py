"""Text to counts: held against scikit-learn on texts that software trips over; Python code is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from export import ExportError, export_bundle
from export.convert import convert
from export.frame import Schema
from export.measure import measure
from export.support import check_steps
from lambda_handler.binding import make_session
from lambda_handler.predictor import Predictor

WORDS = [
    "red", "Green", "ünïcode", "ÜBER", "x1", "a", "the", "The", "İstanbul", "Straße", "ǅ", "ﬁn", "e\u0301te\u0301",
    "日本語", "😀", "don't", "foo_bar", "Ⅷ", "½", "  ", "\n", "\t\t", "\u2003", "𝔘x", "a\u0323\u0301b",
    "a\u0301\u0323b", "x.y", "--",
]  # fmt: skip
EXTRA = [
    "", "   ", "!!!", "a", "x" * 10_000, "É" * 300, "İ" * 5, "a" + "\u0301" * 50, "\u0301a", "word " * 300,
    "\x1c\x1d a b", "a\u00a0b", "\u0130\u0323x", "\u212a \u212b\u2126", "naive naïve NAÏVE e\u0301", "nan", "<NA>",
]  # fmt: skip

VECTORIZERS = {
    "words": CountVectorizer(),
    "weights": TfidfVectorizer(),
    "pairs": TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, norm="l1"),
    "stop words": CountVectorizer(stop_words=["the", "red"], ngram_range=(2, 3)),
    "English stop words": TfidfVectorizer(stop_words="english"),
    "single letters, once": CountVectorizer(token_pattern=r"(?u)\b\w+\b", binary=True),
    "between spaces": CountVectorizer(token_pattern=r"\S+", lowercase=False),
    "ASCII": CountVectorizer(strip_accents="ascii"),
    "accents": CountVectorizer(strip_accents="unicode"),
    "accents, capitals": CountVectorizer(strip_accents="unicode", lowercase=False),
    "characters": CountVectorizer(analyzer="char", ngram_range=(1, 3)),
    "characters, capitals": CountVectorizer(analyzer="char", ngram_range=(2, 3), lowercase=False),
    "within words": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
    "long within words": CountVectorizer(analyzer="char_wb", ngram_range=(5, 6)),
    "few": TfidfVectorizer(max_features=5),
    "given": CountVectorizer(vocabulary=["red", "new york", "green"]),
}


def texts(rows: int = 150) -> pd.DataFrame:
    random = np.random.default_rng(0)
    lines = [" ".join(random.choice(WORDS, random.integers(0, 9))) for _ in range(rows)]
    return pd.DataFrame({"line": pd.Series(lines, dtype="str"), "number": random.normal(size=rows)})


def apart(model: Any, X: pd.DataFrame, rows: list[str]) -> float:
    """The largest difference between the graph and the fitted ColumnTransformer on these texts."""
    table = pd.DataFrame({"line": pd.Series(rows, dtype="str"), "number": 1.0})
    schema = Schema(X)
    session = make_session(convert(model, schema, numbers="columns"))
    feeds = {f"x{i}": array.reshape(-1, 1) for i, array in enumerate(schema.values(table))}
    found: npt.NDArray[np.float64] = session.run(None, feeds)[0]
    expected = model.transform(table)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max())


@pytest.mark.parametrize("name", VECTORIZERS)
def test_counts_are_those_of_scikit_learn_on_any_text(name: str) -> None:
    X = texts()
    model = ColumnTransformer([("text", VECTORIZERS[name], "line")], sparse_threshold=0.0).fit(X)
    assert apart(model, X, X["line"].tolist() + EXTRA) <= 1e-15


def test_one_term_in_another_place_is_seen() -> None:
    X = texts()
    model = ColumnTransformer([("text", CountVectorizer(), "line")], sparse_threshold=0.0).fit(X)
    other = ColumnTransformer([("text", CountVectorizer(), "line")], sparse_threshold=0.0).fit(X)
    terms = other.named_transformers_["text"].vocabulary_
    terms["green"], terms["red"] = terms["red"], terms["green"]
    model.transform = other.transform
    assert apart(model, X, X["line"].tolist()) >= 1.0


def test_a_classifier_of_text_and_numbers_is_exact() -> None:
    X = texts()
    columns = ColumnTransformer(
        [("text", TfidfVectorizer(ngram_range=(1, 2)), "line"), ("n", "passthrough", ["number"])]
    )
    found = measure(make_pipeline(columns, LogisticRegression()).fit(X, X["line"].str.len() > 20), X)
    assert found.verdict == "rounding", found


@pytest.mark.parametrize(
    ("vectorizer", "reason"),
    [
        (CountVectorizer(tokenizer=str.split, token_pattern=None), "tokenizer is Python code"),
        (CountVectorizer(preprocessor=str.upper), "preprocessor is Python code"),
        (CountVectorizer(analyzer=str.split), "analyzer is Python code"),
        (CountVectorizer(token_pattern=r"[a-c]+"), "has no exact form"),
        (CountVectorizer(dtype=np.float32), "dtype=float32"),
        (HashingVectorizer(), "HashingVectorizer has no exact converter"),
    ],
)
def test_python_code_and_unknown_patterns_are_refused(vectorizer: Any, reason: str) -> None:
    X = pd.DataFrame({"line": pd.Series(["a bb", "abc cab"], dtype="str")})
    model = ColumnTransformer([("text", vectorizer, "line")]).fit(X)
    with pytest.raises(ExportError, match="columntransformer > text") as caught:
        check_steps(model)
    assert reason in caught.value.reason


def test_a_vocabulary_with_a_small_sigma_is_refused_and_the_remedy_works() -> None:
    X = pd.DataFrame({"line": pd.Series(["ΣΟΦΟΣ Λόγος", "σοφός ΛΌΓΟΣ"], dtype="str")})
    with pytest.raises(ExportError, match="lowercase=False"):
        check_steps(ColumnTransformer([("text", CountVectorizer(), "line")]).fit(X))
    lowered = X.assign(line=X["line"].map(str.lower).astype("str"))
    check_steps(ColumnTransformer([("text", CountVectorizer(lowercase=False), "line")]).fit(lowered))


def test_a_bundle_of_texts_gives_no_whole_text_away(tmp_path: Path) -> None:
    X = texts()
    columns = ColumnTransformer([("text", TfidfVectorizer(), "line"), ("rest", "passthrough", ["number"])])
    bundle = export_bundle(
        make_pipeline(columns, LogisticRegression()).fit(X, X["line"].str.len() > 20), X, tmp_path / "b"
    )
    contract = json.loads((bundle / "contract.json").read_text())
    feature = contract["features"][0]
    assert (feature["type"], feature["categories"], feature["unseen"]) == ("text", None, None)
    whole = {text for text in X["line"] if len(text.split()) > 3}
    given = "".join(
        (bundle / name).read_text() for name in ("contract.json", "golden.jsonl", "reference.json", "parity.json")
    )
    assert not [text for text in whole if json.dumps(text, ensure_ascii=False) in given]
    answer = Predictor.load(bundle).predict([{"line": "never seen", "number": 0.0}])[0]
    assert answer["warnings"] == []
