"""The refusal: why an estimator is not exported, and what to do."""


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
