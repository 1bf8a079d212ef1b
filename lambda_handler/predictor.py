"""Bundle -> answers. The handler, the local server, the replays and the proof all run these lines."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_handler.answer import Answer, Form
from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.contract import ContractError, Problem, Row, Warning_
from lambda_handler.engine import Numbers, make_engine

if TYPE_CHECKING:  # a package with the engine capi has no NumPy
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

BATCH = 4096  # rows per run: memory stays flat and a tree's nodes stay in cache


class Answers(NamedTuple):
    """The answers to some rows, column by column.

    Attributes:
        form: of each answer.
        labels: `form.labels` per row, row after row: indices into the targets' classes.
        numbers: `form.width` per row, row after row; all are finite.
        warnings: per row.
        columns: the rows' graph values, one list per feature.
    """

    form: Form
    labels: list[int]
    numbers: list[float]
    warnings: list[list[Warning_]]
    columns: list[list[Any]]

    def rows(self) -> list[Answer]:
        """One dict per row, as `Predictor.predict` gives them."""
        answers = self.form.write_rows(self.labels, self.numbers, len(self.warnings))
        for answer, warning in zip(answers, self.warnings, strict=True):
            answer["warnings"] = warning
        return answers


class Predictor:
    """The model of one bundle in onnxruntime.

    Args:
        bundle: as `read_bundle` gives it.
        threads: of the session; more than one only to show that it makes no difference.
        engine: as `make_engine` has it.

    Raises:
        EngineError: there is no such engine, or onnxruntime refuses the model.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, engine: str | None = None) -> None:
        self.bundle = bundle
        self.contract = bundle.contract
        self._engine = make_engine(self.contract, bundle.model, threads=threads, name=engine)
        self._form = self.contract.form

    @classmethod
    def load(cls, path: "Path | str", engine: str | None = None) -> "Predictor":
        """Open the bundle at `path`.

        Raises:
            BundleError: it is no bundle, of another format, or a file has changed.
            EngineError: there is no such engine, or onnxruntime refuses the model.
        """
        return cls(read_bundle(path), engine=engine)

    def predict(self, rows: Sequence[Row]) -> list[Answer]:
        """Answer rows.

        Args:
            rows: mappings of feature name to value; None = missing.

        Returns:
            One dict per row: the answer as docs/bundle.md has it, and `warnings`.

        Raises:
            ContractError: lists every problem of every row.
        """
        return self.answers(rows).rows()

    def answers(self, rows: Sequence[Row]) -> Answers:
        """Answer rows as `predict` does, column by column."""
        columns, warnings = self.contract.columns(rows)
        if not rows:
            return Answers(self._form, [], [], [], columns)
        labels, numbers = self.answer(columns, len(rows))
        form, width = self._form, self._form.width
        whole = isfinite(sum(numbers)) or all(map(isfinite, numbers))  # a finite sum has finite terms alone
        if not whole or not all(map(isfinite, form.far_ends(numbers))):
            finite = [all(map(isfinite, form.ends(numbers[k * width : k * width + width]))) for k in range(len(rows))]
            raise ContractError([_no_answer(k) for k, whole in enumerate(finite) if not whole])
        return Answers(self._form, labels, numbers, warnings, columns)

    def run(self, columns: "Sequence[npt.NDArray[Any]]") -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]":
        """Answer columns of graph values, without checking them.

        Args:
            columns: one array of shape (n_rows,) per feature, in contract order, of the contract's dtypes (strings as
                object arrays); missing numbers are NaN, missing strings the missing code.

        Returns:
            Labels, int64 of shape (n_rows, n_labels), as indices into the classes of each target (no column where the
            answers are numbers); and numbers, float64 of shape (n_rows, n_numbers), target after target (no column
            where there are labels alone).
        """
        import numpy as np

        from lambda_handler.binding import answers_of

        rows = len(columns[0])
        nothing: list[Any] = [np.empty(0, np.int64)] * bool(self._form.labels) + [np.empty(0)] * bool(self._form.width)
        parts = zip(nothing, *self._parts(columns, rows), strict=True)
        return answers_of(self.contract, [np.concatenate(pieces) for pieces in parts], rows)

    def answer(self, columns: Sequence[Any], rows: int) -> tuple[list[int], list[float]]:
        """Answer columns of graph values as `Contract.columns` gives them, without checking them.

        Returns:
            Labels and numbers row after row, the numbers not always finite; a threshold has decided the labels.
        """
        first, *more = self._parts(columns, rows)
        found = [piece.tolist() for piece in first]
        for part in more:
            for whole, piece in zip(found, part, strict=True):
                whole.extend(piece.tolist())
        labels = found[0] if self._form.labels else []
        numbers = found[-1] if self._form.width else []
        threshold = self.contract.threshold
        if threshold is not None:
            positive, place, factor = self._form.held(threshold)
            negative, least = 1 - positive, threshold["value"]
            labels = [positive if factor * each >= least else negative for each in numbers[place :: self._form.width]]
        return labels, numbers

    def _parts(self, columns: Sequence[Any], rows: int) -> Iterator[Sequence[Numbers]]:
        if 0 < rows <= BATCH:
            yield self._engine.run(columns, rows)
            return
        for start in range(0, rows, BATCH):
            stop = min(start + BATCH, rows)
            yield self._engine.run([column[start:stop] for column in columns], stop - start)


def _no_answer(index: int) -> Problem:
    reason = "the model has no finite answer for this row: its numbers are too large. Send values within the ranges."
    return {"row": index, "feature": None, "kind": "no_answer", "reason": reason}
