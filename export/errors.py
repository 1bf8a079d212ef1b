"""The refusal: why an estimator is not exported, and what to do."""

from collections.abc import Iterable


class ExportError(ValueError):
    """An estimator that cannot be exported exactly, or a table that does not fit it.

    Args:
        reason: the rule and what was got.
        remedy: what to do; a change that works.
        step: path of the step, such as `columntransformer > cat > onehotencoder`; None where no step is meant.
        column: the column's name; None where no column is meant.
    """

    def __init__(self, reason: str, remedy: str, *, step: str | None = None, column: str | None = None) -> None:
        self.reason, self.remedy, self.step, self.column = reason, remedy, step, column
        where = [f"step {step}"] if step else []
        where += [f"column {column!r}"] if column else []
        super().__init__(f"{', '.join(where)}: {reason}. {remedy}" if where else f"{reason}. {remedy}")


def raise_all(found: Iterable[ExportError]) -> None:
    """Raise the first of several refusals, its reason with the places of the others.

    Raises:
        ExportError: there is one.
    """
    errors = list(found)
    if not errors:
        return
    first, others = errors[0], [f"step {each.step}, column {each.column!r}" for each in errors[1:]]
    more = f" (and so at {'; '.join(others)})" if others else ""
    raise ExportError(first.reason + more, first.remedy, step=first.step, column=first.column)
