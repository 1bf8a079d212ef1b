"""Sets rows apart before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from train.config import Task

RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Ascending row numbers of the three parts, int64 of shapes (n_train,), (n_validation,), (n_test,)."""

    train: RowNumbers
    validation: RowNumbers
    test: RowNumbers

    @property
    def final(self) -> RowNumbers:
        """Train and validation rows together, ascending: what the final models are fitted on."""
        return np.sort(np.concatenate([self.train, self.validation]))


def split_rows(y: npt.NDArray[Any], task: Task, seed: int) -> Split:
    """Split 60 : 20 : 20 at random, classes in proportion; `y` is of shape (n_rows,)."""
    rows = np.arange(len(y))
    classes = y if task == "classification" else None
    rest, test = train_test_split(rows, test_size=0.2, random_state=seed, stratify=classes)
    classes = None if classes is None else classes[rest]
    first, validation = train_test_split(rest, test_size=0.25, random_state=seed, stratify=classes)
    return Split(np.sort(first), np.sort(validation), np.sort(test))
