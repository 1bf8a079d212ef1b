"""Rankers of the next place: scikit-learn classifiers whose classes are the items and whose scores are sums of tables.

A row is a history: `stop_1` is the latest stop, `stop_2` the one before it, and so on; missing where there was none. An
item's score is `tables_[0][stop_1] + tables_[1][stop_2] + …`, added in that order, and `VISITED` for each item of the
history. This one form serves all of them, so that one converter writes them all, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from train.choice import choice_weights
from train.ranking_tables import (
    Codes,
    Floats,
    Places,
    below,
    both_ways,
    distances,
    lift,
    log_share,
    masked,
    one,
    pairs,
    raised,
    summed,
)

POSITIONS = 3  # the latest stops that are weighed; older ones are only known as visited
FOLDS = 5


class Ranker(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """The shared form; a ranker says how its tables are made of pairs of a stop and the item that came next.

    Attributes:
        classes_: the items that stand in the training rows, sorted texts.
        tables_: float64 of shape (at most POSITIONS, n_items + 1, n_items), none below 0; the last row of each is for a
            stop that is missing or unknown.
    """

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from histories.

        Args:
            X: text columns, the latest stop first, NaN or None for missing.
            y: the item that came next, one per row.

        Raises:
            ValueError: a row has no item, or there are fewer than two.
        """
        target = np.asarray(y, dtype=object)
        if len(target) != len(X) or not len(target):
            raise ValueError(f"y must hold one item per row of X; got {len(target)} for {len(X)} rows")
        columns = [X[name] for name in X.columns]
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = len(columns)
        items = set(target.tolist()).union(*(column.dropna().tolist() for column in columns))
        if len(items) < 2 or not all(isinstance(item, str) for item in items):
            raise ValueError(f"items must be two texts or more; got {sorted(map(repr, items))[:3]}")
        self.classes_ = np.array(sorted(items), dtype=object)
        codes = self.codes(X)
        self.tables_ = raised(self._tables(codes, pd.Index(self.classes_).get_indexer(target)))
        return self

    def decision_function(self, X: pd.DataFrame) -> Floats:
        """Score all items: float64 of shape (n_rows, n_items), `VISITED` for those of the history.

        Raises:
            ValueError: other columns than those of the fit.
        """
        check_is_fitted(self, "tables_")
        if list(X.columns) != list(self.feature_names_in_):
            raise ValueError(f"the columns must be {list(self.feature_names_in_)}; got {list(X.columns)}")
        codes = self.codes(X)
        return masked(summed(self.tables_, codes), codes)

    def predict(self, X: pd.DataFrame) -> npt.NDArray[Any]:
        """The best item of each row; the first one of those with the same score."""
        best: npt.NDArray[Any] = self.classes_[self.decision_function(X).argmax(axis=1)]
        return best

    def codes(self, X: pd.DataFrame) -> Codes:
        """The items' positions, int64 of shape (n_rows, n_columns); n_items where missing or unknown."""
        index = pd.Index(self.classes_)
        codes = np.stack([index.get_indexer(X[name].astype(object)) for name in X.columns], axis=1)
        return np.where(codes < 0, len(self.classes_), codes)

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        """Tables of any sign, of shape (at most POSITIONS, n_items + 1, n_items)."""
        raise NotImplementedError


class Popularity(Ranker):
    """Scores an item by the logarithm of its share of all visits (one visit is added to each)."""

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        return np.tile(log_share(codes, target, n), (1, n + 1, 1))


class Markov(Ranker):
    """Scores an item by how often it followed the latest stop (first order), backed off to its popularity.

    Args:
        smoothing: visits that the popularity is worth beside the counted ones.
    """

    def __init__(self, smoothing: float = 1.0) -> None:
        self.smoothing = smoothing

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        found = pairs(codes[:, 0], target, n)
        return lift(found, log_share(codes, target, n), self.smoothing, plain=True)[None]


class ItemKNN(Ranker):
    """Item to item: how much more often than by popularity two items stand in one history, in whatever order.

    Args:
        smoothing: visits that the popularity is worth beside the counted ones.
    """

    def __init__(self, smoothing: float = 5.0) -> None:
        self.smoothing = smoothing

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        found = np.sum([pairs(stops, target, n) for stops in codes.T], axis=0)
        table = lift(both_ways(found), log_share(codes, target, n), self.smoothing)
        return np.stack([table / (position + 1) for position in range(min(POSITIONS, codes.shape[1]))])


class Content(Ranker):
    """Scores an item by its distance from the latest two stops and by its category after the latest stop's.

    Args:
        places: item -> latitude, longitude, category; an item without an entry is far from all and of no category.
        near: km that are added to each distance before its logarithm is taken.
    """

    def __init__(self, places: Places | None = None, near: float = 0.1) -> None:
        self.places = places
        self.near = near

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        distance = below(-np.log(distances(self.classes_, self.places or {}) + self.near))
        category = below(self._categories(codes[:, 0], target))
        zero = np.zeros_like(distance)
        told = [np.stack([distance, zero]), np.stack([category, zero]), np.stack([zero, distance])]
        told = [tables[: codes.shape[1]] for tables in told]
        features = np.stack([summed(tables, codes) for tables in told], axis=2)
        weights = choice_weights(features, target, masked(np.zeros((len(codes), n)), codes) < 0)
        weighed: Floats = np.sum([weight * tables for weight, tables in zip(weights, told, strict=True)], axis=0)
        return weighed

    def _categories(self, latest: Codes, target: Codes) -> Floats:
        """The logarithm of how often an item's category follows that of the stop, by the chance of either alone."""
        names = [(self.places or {}).get(item, (0.0, 0.0, ""))[2] for item in self.classes_]
        of = pd.factorize(np.array(names, dtype=object), sort=True)[0]
        count = int(of.max()) + 1
        known = latest < len(of)
        seen = np.zeros((count, count))
        np.add.at(seen, (of[latest[known]], of[target[known]]), 1.0)
        share = np.bincount(of[target], minlength=count) + 1.0
        lifted = np.log((seen + 1.0) / (seen + 1.0).sum(axis=1, keepdims=True)) - np.log(share / share.sum())
        table: Floats = lifted[of][:, of]
        return table


class GraphEmbedding(Ranker):
    """DeepWalk in closed form: items near each other on random walks through the graph of steps are alike.

    The walks' co-occurrence is not sampled but taken in expectation, its positive pointwise mutual information is cut
    to the first singular vectors (Qiu et al., "Network embedding as matrix factorization", WSDM 2018), and the item's
    score is the product of the two vectors.

    Args:
        window: steps that a walk goes.
        dimensions: of the vectors.
    """

    def __init__(self, window: int = 4, dimensions: int = 8) -> None:
        self.window = window
        self.dimensions = dimensions

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        graph = both_ways(pairs(codes[:, 0], target, n)) + 1e-3  # so that every item can be reached
        step = graph / graph.sum(axis=1, keepdims=True)
        walks = np.sum([np.linalg.matrix_power(step, k + 1) for k in range(self.window)], axis=0) / self.window
        reached = graph.sum(axis=1) / graph.sum()
        information = np.maximum(np.log(walks / reached), 0.0)
        left, sizes, right = np.linalg.svd((information + information.T) / 2)
        keep = min(self.dimensions, n)
        table = below((left[:, :keep] * sizes[:keep]) @ right[:keep])
        return np.stack([table / (position + 1) for position in range(min(POSITIONS, codes.shape[1]))])


class Blend(Ranker):
    """The weighted sum of other rankers' tables, a weight for each ranker and position.

    The weights are those of a conditional logit (McFadden 1974) of the item that came next among those not visited,
    fitted on scores of members that had not seen the row (`FOLDS` folds); then all members are fitted on all rows.

    Args:
        members: (name, unfitted ranker) pairs.
        penalty: of the squared weights.

    Attributes:
        weights_: member's name -> a weight per position.
    """

    def __init__(self, members: Sequence[tuple[str, Ranker]] = (), penalty: float = 1.0) -> None:
        self.members = members
        self.penalty = penalty

    def _tables(self, codes: Codes, target: Codes) -> Floats:
        n = len(self.classes_)
        fold = np.arange(len(codes)) % FOLDS
        unseen = [self.told(codes[fold != k], target[fold != k]) for k in range(FOLDS)]
        features = np.empty((len(codes), n, len(unseen[0])))
        for k, told in enumerate(unseen):
            features[fold == k] = np.stack([one(codes[fold == k], *each[1:]) for each in told], axis=2)
        weights = choice_weights(features, target, masked(np.zeros((len(codes), n)), codes) < 0, self.penalty)
        tables = np.zeros((min(POSITIONS, codes.shape[1]), n + 1, n))
        self.weights_: dict[str, list[float]] = {}
        for (name, position, table), weight in zip(self.told(codes, target), weights.tolist(), strict=True):
            tables[position] += weight * table
            self.weights_.setdefault(name, []).append(weight)
        return tables

    def told(self, codes: Codes, target: Codes) -> list[tuple[str, int, Floats]]:
        """Each member's name with each position and its table there."""
        told = []
        for name, member in self.members:
            copy = clone(member)
            copy.classes_ = self.classes_
            told += [(name, position, table) for position, table in enumerate(copy._tables(codes, target))]
        return told
