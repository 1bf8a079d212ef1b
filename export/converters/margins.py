"""How far the decisions inside an estimator stand from the other side: some members hand on labels, not numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from export.converters.forest import CLASSIFIERS as EXACT

Margins = npt.NDArray[np.float64]


def label_margins(member: Any, X: Any) -> Margins:
    """How far each row is from another label of a member, float64 of shape (n_rows,).

    The gap between the two largest probabilities, else scores, of each target; infinite where nothing is rounded.
    """
    last = member
    while type(last) is Pipeline:
        last = last.steps[-1][1]
    found = np.full(len(X), np.inf)
    if type(last) in EXACT:
        return found
    if hasattr(member, "predict_proba"):
        said = member.predict_proba(X)
    elif hasattr(member, "decision_function"):
        said = member.decision_function(X)
    else:
        return found
    for each in said if isinstance(said, list) else [said]:
        numbers = np.asarray(each, dtype=np.float64).reshape(len(X), -1)
        if numbers.shape[1] == 1:
            found = np.minimum(found, np.abs(numbers[:, 0]))
            continue
        ordered = np.sort(numbers, axis=1)
        found = np.minimum(found, ordered[:, -1] - ordered[:, -2])
    return found


def of_votes(estimator: Any, X: Any) -> Margins:
    """Of a hard vote; a soft one gives probabilities, which say it themselves."""
    return _smallest(estimator.estimators_ if estimator.voting == "hard" else [], X)


def of_members(estimator: Any, X: Any) -> Margins:
    """Of every member, on the table as an array."""
    return _smallest(estimator.estimators_, np.asarray(X))


def of_labels(estimator: Any, X: Any) -> Margins:
    """Of the member of every target, on the table itself."""
    return _smallest(estimator.estimators_, X)


def of_rest(estimator: Any, X: Any) -> Margins:
    """Of the member of every label; of one target the scores say it themselves."""
    return _smallest(estimator.estimators_ if estimator.multilabel_ else [], X)


def of_bag(estimator: Any, X: Any) -> Margins:
    """Of the members that vote since they have no probabilities, each on its own columns."""
    array, found = np.asarray(X), np.full(len(X), np.inf)
    for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        if not hasattr(member, "predict_proba"):
            found = np.minimum(found, label_margins(member, array[:, features]))
    return found


def of_stack(estimator: Any, X: Any) -> Margins:
    """Of the members that hand on their labels."""
    pairs = zip(estimator.estimators_, estimator.stack_method_, strict=True)
    return _smallest([member for member, method in pairs if method == "predict"], X)


def of_chain(estimator: Any, X: Any) -> Margins:
    """Of every link of a chain, on the columns and on what those before it said."""
    columns, found = np.asarray(X, dtype=np.float64), np.full(len(X), np.inf)
    for member in estimator.estimators_:
        found = np.minimum(found, label_margins(member, columns))
        said = np.asarray(getattr(member, estimator.chain_method_)(columns), dtype=np.float64).reshape(len(X), -1)
        columns = np.hstack([columns, said[:, -1:]])
    return found


def of_codes(estimator: Any, X: Any) -> Margins:
    """The gap between the two nearest codes, as a share of the largest distance."""
    said = []
    for member in estimator.estimators_:
        scored = hasattr(member, "decision_function")
        said.append(np.ravel(member.decision_function(X)) if scored else member.predict_proba(X)[:, 1])
    apart = ((np.column_stack(said)[:, None, :] - estimator.code_book_) ** 2).sum(axis=2)
    ordered = np.sort(apart, axis=1)
    gap: Margins = (ordered[:, 1] - ordered[:, 0]) / np.maximum(ordered[:, -1], 1.0)
    exact = all(type(member) in EXACT for member in estimator.estimators_)
    return np.full(len(X), np.inf) if exact else gap


def _smallest(members: Sequence[Any], X: Any) -> Margins:
    found = np.full(len(X), np.inf)
    for member in members:
        found = np.minimum(found, label_margins(member, X))
    return found
