"""Whether the model still answers its golden rows as the original did."""

from typing import Any

from lambda_handler.predictor import Predictor


class Health:
    """The replay of the golden rows, made once: on the first question, so that no cold start waits for it.

    Args:
        predictor: the opened model.
        model: what the answer calls the model.
    """

    def __init__(self, predictor: Predictor, model: dict[str, str]) -> None:
        self._predictor, self._model = predictor, model
        self._found: dict[str, Any] | None = None

    def check(self) -> tuple[bool, dict[str, Any]]:
        """Whether every answer holds, and the document that says so."""
        if self._found is None:
            self._found = self._replay()
        return self._found["status"] == "ok", self._found

    def _replay(self) -> dict[str, Any]:
        from lambda_handler.golden import compare, replay

        golden = list(self._predictor.bundle.golden())
        answers = replay(self._predictor, [row["row"] for row in golden])
        strata = compare(self._predictor.contract, golden, answers)
        counts = {
            "rows": len(golden),
            "labels_differ": sum(stratum.labels_differ for stratum in strata.values()),
            "outside": sum(stratum.outside for stratum in strata.values()),
        }
        holds = all(stratum.holds for stratum in strata.values())
        return {"status": "ok" if holds else "failed", "model": self._model, "golden": counts}
