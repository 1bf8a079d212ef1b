"""CountVectorizer and TfidfVectorizer: text to counts of words or characters, one row at a time.

Each row's text is cut into characters, these are replaced by look-up (lower case, accents), joined again and cut into
words by RE2 classes that hold exactly Python's own; `TfIdfVectorizer` then counts the n-grams. A row at a time keeps
memory flat: a batch would be padded to its longest text.
"""

import re
from typing import Any

import numpy as np
from onnx import TensorProto
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from export.converters.converter import Converter
from export.converters.text_tables import replacements, space_class, word_class
from export.errors import ExportError
from export.graph import DOUBLE, MICROSOFT, ML, Graph, Tensor
from export.subgraph import Value, each_row, repeat

PAD = "\ue000pad"  # no character and no word is it: a private-use character in front of letters
SAME = "\ue000same"
WORDS = {r"(?u)\b\w\w+\b": "[{word}]{{2,}}", r"\b\w\w+\b": "[{word}]{{2,}}", r"(?u)\b\w+\b": "[{word}]+"}
WORDS |= {r"\b\w+\b": "[{word}]+", r"(?u)\w+": "[{word}]+", r"\w+": "[{word}]+", r"\S+": "[^{space}]+"}


def check(estimator: Any) -> tuple[str, str] | None:
    """Refuse Python code, unknown patterns, narrow counts and Greek vocabularies that need the final sigma's rule."""
    for name in ("preprocessor", "tokenizer", "analyzer", "strip_accents"):
        if callable(getattr(estimator, name)):
            return f"{name} is Python code, which no graph holds", f"Leave {name} out, or apply it before the pipeline."
    if estimator.input != "content":
        return f"input={estimator.input!r} reads files", "Give the texts themselves: input='content'."
    if estimator.analyzer == "word" and estimator.token_pattern not in WORDS:
        return f"token_pattern={estimator.token_pattern!r} has no exact form", f"Use one of {', '.join(WORDS)}."
    if np.dtype(estimator.dtype) not in {np.dtype(np.int64), np.dtype(np.float64)}:
        return f"dtype={np.dtype(estimator.dtype)} makes the next step compute in it", "Leave dtype at its default."
    if estimator.lowercase and any(letter in term for term in estimator.vocabulary_ for letter in "σς"):
        remedy = "Lower the column before the pipeline and set lowercase=False."
        return "the small sigma depends on the letters around it, and the vocabulary holds words with it", remedy
    return None


def convert(graph: Graph, estimator: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Write the counts of the vocabulary's terms and, for TfidfVectorizer, their weights."""
    if len(inputs) != 1 or inputs[0].kind != "string":
        raise ExportError(
            f"{type(estimator).__name__} must get one column of text; it was fitted on {len(inputs)} columns",
            "Give it its column by name in a ColumnTransformer, as a string and not as a list.",
            step=type(estimator).__name__.lower(),
        )
    width = len(estimator.vocabulary_)

    def count(body: Graph, text: str) -> list[Value]:
        counts = _count(body, estimator, _prepared(body, estimator, text))
        return [Value(_flat(body, counts), TensorProto.FLOAT, (width,))]

    counts = each_row(graph, inputs[0].name, count, TensorProto.STRING)[0]
    found = graph.add("Cast", counts, to=DOUBLE)
    if estimator.binary:
        found = graph.add("Min", found, graph.constant(np.ones((1, 1)), "one"))
    tensors = [Tensor(found, "double", width, sparse=True)]
    return graph.transform(estimator._tfidf, tensors) if type(estimator) is TfidfVectorizer else tensors


def _prepared(body: Graph, estimator: Any, text: str) -> str:
    """The text in lower case and without accents, string of shape (1,)."""
    if not estimator.lowercase and estimator.strip_accents is None:
        return text
    characters = _characters(body, text)
    return _joined(body, _replaced(body, estimator.lowercase, estimator.strip_accents, characters))


def _characters(body: Graph, text: str) -> str:
    """The characters of one text, string of shape (n_characters,)."""
    cut = body.add("Tokenizer", text, domain=MICROSOFT, mark=0, mincharnum=1, pad_value=PAD, separators=[""])
    return _flat(body, cut)


def _flat(body: Graph, name: str) -> str:
    return body.add("Reshape", name, body.constant(np.array([-1]), "flat"))


def _replaced(body: Graph, lowercase: bool, accents: str | None, characters: str) -> str:
    table = replacements(lowercase, accents)
    default = "" if accents == "ascii" else SAME
    found = body.add(
        "LabelEncoder",
        characters,
        domain=ML,
        keys_strings=list(table),
        values_strings=list(table.values()),
        default_string=default,
    )
    if accents == "ascii":
        return found
    same = body.add("Equal", found, body.constant(np.array([SAME], dtype=object), "same"))
    return body.add("Where", same, characters, found)


def _joined(body: Graph, characters: str) -> str:
    """The texts of shape (n,) joined to one of shape (1,): neighbours in pairs, until one is left."""
    empty = body.constant(np.array([""], dtype=object), "empty")
    start = body.add("Concat", characters, empty, axis=0)

    def pair(inner: Graph, state: list[str]) -> tuple[str, list[Value]]:
        ends = [inner.constant(np.array([number]), "bound") for number in (0, 1, 2, 2**62)]
        padded = inner.add("Concat", state[0], inner.constant(np.array([""], dtype=object), "empty"), axis=0)
        even = inner.add("Slice", state[0], ends[0], ends[3], ends[0], ends[2])
        odd = inner.add("Slice", padded, ends[1], ends[3], ends[0], ends[2])
        pairs = inner.add("StringConcat", even, odd)
        return _several(inner, pairs), [Value(pairs, TensorProto.STRING, (None,))]

    return repeat(body, _several(body, start), [Value(start, TensorProto.STRING, (None,))], pair)[0]


def _several(body: Graph, texts: str) -> str:
    return body.add("Greater", body.add("Size", texts), body.constant(np.array(1), "one"))


def _count(body: Graph, estimator: Any, text: str) -> str:
    if estimator.analyzer == "word":
        pattern = WORDS[estimator.token_pattern].format(word=word_class(), space=space_class())
        words = _words(body, text, pattern)
        if estimator.stop_words is not None:
            words = _without(body, words, sorted(estimator.get_stop_words()))
        return _ngrams(body, estimator, words, {term: term.split(" ") for term in estimator.vocabulary_})
    letters = {term: list(term) for term in estimator.vocabulary_}
    if estimator.analyzer == "char":
        return _ngrams(body, estimator, _single_spaced(body, _characters(body, text)), letters)
    words = _words(body, text, f"[^{space_class()}]+")
    space = body.constant(np.array([" "], dtype=object), "space")
    framed = body.add("StringConcat", body.add("StringConcat", space, words), space)
    counts = _ngrams(body, estimator, _characters(body, _joined(body, framed)), letters)
    least = estimator.ngram_range[0]
    short = {term: [term[1:-1]] for term in letters if re.fullmatch(r" .+ ", term, re.DOTALL) and len(term) < least}
    if not short:  # a framed word shorter than the least n-gram counts once, as a whole
        return counts
    return body.add("Add", counts, _pooled(body, estimator, words, short, (1, 1)))


def _words(body: Graph, text: str, pattern: str) -> str:
    """The words of one text, string of shape (n_words,)."""
    return _flat(
        body, body.add("Tokenizer", text, domain=MICROSOFT, mark=0, mincharnum=1, pad_value=PAD, tokenexp=pattern)
    )


def _without(body: Graph, words: str, stop: list[str]) -> str:
    """The words that are no stop words."""
    kept = body.add("LabelEncoder", words, domain=ML, keys_strings=stop, values_int64s=[0] * len(stop), default_int64=1)
    return body.add("Compress", words, body.add("Cast", kept, to=TensorProto.BOOL), axis=0)


def _single_spaced(body: Graph, characters: str) -> str:
    """Characters with every run of two or more white spaces replaced by one space."""
    spaces = [chr(code) for code in range(1, 0x3001) if chr(code).isspace()]
    white = body.add(
        "LabelEncoder", characters, domain=ML, keys_strings=spaces, values_int64s=[1] * len(spaces), default_int64=0
    )
    zero = body.constant(np.zeros(1, dtype=np.int64), "zero")
    ends = [body.constant(np.array([number]), "bound") for number in (0, -1, 1, 2**62)]
    before = body.add("Slice", body.add("Concat", zero, white, axis=0), ends[0], ends[1])
    after = body.add("Slice", body.add("Concat", white, zero, axis=0), ends[2], ends[3])
    whites, befores, afters = (body.add("Cast", name, to=TensorProto.BOOL) for name in (white, before, after))
    first = body.add("And", body.add("And", whites, afters), body.add("Not", befores))
    spaced = body.add("Where", first, body.constant(np.array([" "], dtype=object), "space"), characters)
    return body.add("Compress", spaced, body.add("Not", body.add("And", whites, befores)), axis=0)


def _ngrams(body: Graph, estimator: Any, parts: str, terms: dict[str, list[str]]) -> str:
    return _pooled(body, estimator, parts, terms, estimator.ngram_range)


def _pooled(body: Graph, estimator: Any, parts: str, terms: dict[str, list[str]], sizes: tuple[int, int]) -> str:
    """Counts of the terms that are runs of at least `sizes[0]` and at most `sizes[1]` parts, float32 (n_terms,)."""
    pools: list[list[tuple[list[str], int]]] = [[] for _ in range(sizes[1])]
    for term, index in estimator.vocabulary_.items():
        found = terms.get(term, [])
        reachable = sizes[0] <= len(found) <= sizes[1]
        if reachable:
            pools[len(found) - 1].append((found, int(index)))
        else:
            pools[0].append(([f"{PAD} {index}"], int(index)))  # no text holds it
    starts = np.cumsum([0, *(len(pool) * (size + 1) for size, pool in enumerate(pools))])[:-1]
    strings = [part for pool in pools for found, _ in pool for part in found]
    return body.add(
        "TfIdfVectorizer",
        parts,
        mode="TF",
        min_gram_length=int(sizes[0]),
        max_gram_length=int(sizes[1]),
        max_skip_count=0,
        ngram_counts=[int(start) for start in starts],
        ngram_indexes=[index for pool in pools for _, index in pool],
        pool_strings=strings,
    )


def columns_read(estimator: Any) -> set[str]:
    """The names of the table's columns that a vectorizer reads in a pipeline's first ColumnTransformer."""
    first = estimator
    while isinstance(first, Pipeline):
        first = first.steps[0][1]
    names = getattr(first, "feature_names_in_", None)
    if not isinstance(first, ColumnTransformer) or names is None:
        return set()
    taken = first._transformer_to_input_indices
    return {str(names[i]) for name, step, _ in first.transformers_ if _vectorizes(step) for i in taken[name]}


def _vectorizes(step: Any) -> bool:
    if isinstance(step, Pipeline):
        return _vectorizes(step.steps[0][1])
    if isinstance(step, FeatureUnion):
        return any(_vectorizes(inner) for _, inner in step.transformer_list)
    return isinstance(step, CountVectorizer)


CONVERTERS: dict[type, Converter] = {
    CountVectorizer: Converter(transform=convert, check=check, takes_text=True),
    TfidfVectorizer: Converter(transform=convert, check=check, takes_text=True),
}
