"""What every way in (HTTP, inference protocol, direct call, S3 event) does with its rows."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from lambda_handler.capture import capture_lines, chosen, write_line
from lambda_handler.decide import Decider
from lambda_handler.metrics import meter_of
from lambda_handler.predictor import Answers, Predictor
from lambda_handler.problem import encode_json
from lambda_handler.write import frame_of

AUTOMATION = "SELFSAME_AUTOMATION"  # the environment variable that sets another degree than the contract's


class Source(NamedTuple):
    """Where rows come from.

    Attributes:
        way: `predict`, `infer`, `direct` or `s3`.
        request_id: Lambda's, None where there is none.
    """

    way: str
    request_id: str | None


class Service:
    """One model's answers.

    Args:
        predictor: the opened model.

    Attributes:
        predictor: as given.
        model: name, version and SHA-256, as answers name them.
        captures: whether the contract has records of answers at all.

    Raises:
        AutomationError: the environment sets a degree of automation that does not fit the contract.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        contract = predictor.contract
        self.model = {"name": contract.name, "version": contract.version, "sha256": contract.model_sha256}
        self._named = encode_json({"model": self.model})[1:-1]
        self._meter = meter_of(predictor.bundle)
        self._decider = Decider(contract, os.environ.get(AUTOMATION) or None)
        self.captures = self._decider.automation.share > 0

    def begin(self) -> None:
        """A request has come."""
        if self._meter is not None:
            self._meter.begin()

    def end(self, error: Exception | None, request_id: str | None) -> None:
        """A request is over, with an error or without."""
        if self._meter is not None:
            self._meter.end(error, request_id)

    def respond(
        self, rows: Sequence[Any], source: Source, explain: Any = False
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Answer rows.

        Args:
            rows: as sent, not checked yet.
            source: where they come from.
            explain: the option `explain`, not checked yet; with False nothing is explained.

        Returns:
            One prediction per row, and the members that stand beside `predictions` in an answer.

        Raises:
            ContractError: a row breaks the contract.
            RequestError: the option asks for what there is not, or for too much.
        """
        if explain is not False:
            from lambda_handler.explain import respond_explained

            return respond_explained(self, rows, explain, source)
        answers, stem = self._answer(rows, source)
        beside = {"model": self.model, "request_id": source.request_id}
        return self._decider.decide(answers, stem).predictions, beside

    def write(self, rows: Sequence[Any], source: Source, kind: str) -> str:
        """Answer rows as `respond` does, in the text of an answer.

        Args:
            rows: as sent, not checked yet.
            source: where they come from.
            kind: as `frame_of` has it.

        Raises:
            ContractError: a row breaks the contract.
        """
        answers, stem = self._answer(rows, source)
        beside = f'{self._named},"request_id":{encode_json(source.request_id)}'
        return self._decider.write(answers, stem, frame_of(kind, beside))

    def _answer(self, rows: Sequence[Any], source: Source) -> tuple[Answers, str]:
        """The model's answers, counted and captured, and what the ids of their predictions begin with."""
        answers, stem = self.predictor.answers(rows), os.urandom(12).hex()  # nobody guesses an id
        if self._meter is not None:
            self._meter.count(answers, self._decider.kinds(answers))
        if chosen(self._decider.automation.share):
            contract, decided = self.predictor.contract, self._decider.decide(answers, stem)
            for line in capture_lines(contract, self.model, rows, answers.rows(), decided, source.request_id):
                write_line(line)
        return answers, stem

    def take_feedback(self, value: Any, request_id: str | None) -> dict[str, Any]:
        """Log how predictions turned out.

        Args:
            value: the request, not checked yet.
            request_id: of this request.

        Returns:
            What the caller gets.

        Raises:
            RequestError: an entry is none.
        """
        from lambda_handler.feedback import feedback_lines, read_feedback

        entries = read_feedback(self.predictor.contract, value)
        write_line("\n".join(feedback_lines(self.model, entries, request_id)))
        return {"accepted": len(entries), "request_id": request_id}

    def take_captures(self, value: Any, request_id: str | None) -> dict[str, Any]:
        """Log answers that a page made, with what of their rows is loggable.

        Args:
            value: the request, not checked yet.
            request_id: of this request.

        Returns:
            What the caller gets.

        Raises:
            RequestError: a capture is none.
        """
        from lambda_handler.page import page_lines, read_captures

        contract = self.predictor.contract
        found = read_captures(contract, value)
        for line in page_lines(contract, self.model, found, os.urandom(12).hex(), request_id):
            write_line(line)
        return {"accepted": len(found), "request_id": request_id}
