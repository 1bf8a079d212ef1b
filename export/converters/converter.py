"""What a converter is: how one class of estimators is written, and what is checked before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from export.graph import Graph, Tensor

Predict = Callable[[Graph, Any, list[Tensor]], dict[str, str]]
Transform = Callable[[Graph, Any, list[Tensor]], str | list[Tensor]]
Check = Callable[[Any], tuple[str, str] | None]
Members = Callable[[Any], list[tuple[str, Any]]]


def _accept(_estimator: Any) -> None:
    return None


def _none(_estimator: Any) -> list[tuple[str, Any]]:
    return []


def _no(_estimator: Any) -> bool:
    return False


@dataclass(frozen=True)
class Converter:
    """How one class is exported.

    Attributes:
        predict: writes the nodes of a model and names its answers. A classifier, outlier detector or clusterer gives
            `label`, int64 of shape (n_rows,), the index into its classes, and, where it has them, `probabilities`,
            float64 of shape (n_rows, n_classes), and `scores`, its decision function, float64 of shape
            (n_rows, n_scores); a regressor gives `value`, float64 of shape (n_rows, n_targets). With several targets
            `label` has shape (n_rows, n_targets) and `probabilities` lie side by side, target after target.
        transform: writes the nodes of a transformer. It returns its columns, or the name of one float64 tensor of
            shape (n_rows, n_columns).
        check: says what of this very fitted instance is not exact: (reason, remedy), or None.
        takes_text: string columns may go in.
        members: the fitted estimators inside it, by name; a string such as "passthrough" may stand for one.
        carries_rows: whether the graph has to hold rows of the training table.
    """

    predict: Predict | None = None
    transform: Transform | None = None
    check: Check = _accept
    takes_text: bool = False
    members: Members = _none
    carries_rows: Callable[[Any], bool] = _no
