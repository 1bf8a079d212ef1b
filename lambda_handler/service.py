"""What every way in (HTTP, inference protocol, direct call, S3 event) does with its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambda_handler.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Source:
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
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        contract = predictor.contract
        self.model = {"name": contract.name, "version": contract.version, "sha256": contract.model_sha256}

    def respond(self, rows: Sequence[Any], source: Source) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Answer rows.

        Args:
            rows: as sent, not checked yet.
            source: where they come from.

        Returns:
            One prediction per row, and the members that stand beside `predictions` in an answer.

        Raises:
            ContractError: a row breaks the contract.
        """
        predictions = self.predictor.predict(rows)
        return predictions, {"model": self.model, "request_id": source.request_id}
