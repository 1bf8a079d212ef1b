"""Steps whose graph has to hold rows of the training table: a bundle is public, so its owner must know."""

from collections.abc import Iterator
from typing import Any

from export.converters import REGISTRY
from export.errors import ExportError


def check_carried(estimator: Any, *, allowed: bool) -> list[str]:
    """Find the steps that carry training rows, at any depth.

    Args:
        estimator: exportable, without its threshold.
        allowed: the owner of the table lets its rows be published.

    Returns:
        The steps' paths; none where the graph holds what was learned and no row.

    Raises:
        ExportError: there are such steps and this is not allowed.
    """
    found = list(_carrying(estimator, ""))
    if found and not allowed:
        raise ExportError(
            f"{', '.join(found)} can only answer with rows of the training table at hand, and a bundle is public: the "
            "page hands it to every visitor",
            "If these rows may be published, say so: `selfsame export --allow-training-rows`, or "
            "export_bundle(..., allow_training_rows=True). Otherwise fit another model, such as a boosted one.",
        )
    return found


def _carrying(step: Any, path: str) -> Iterator[str]:
    entry = REGISTRY.get(type(step))
    if entry is None:
        return
    here = path or type(step).__name__.lower()
    if entry.carries_rows(step):
        yield here
    for name, inner in entry.members(step):
        if inner is not None and not isinstance(inner, str):
            yield from _carrying(inner, f"{path} > {name}" if path else name)
