"""The proof: the export beside the original on every stratum; what differs, by how much, in which class."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from export.batches import batches
from export.decidable import compared, differs_alone
from export.distance import ulp_distance, within
from export.errors import ExportError
from export.evidence import Evidence
from export.frame import Columns
from export.original import Answers, Original
from lambda_handler.contract import Contract
from lambda_handler.golden import Stratum, compare, replay
from lambda_handler.predictor import Predictor

GoldenRow = dict[str, Any]


def golden_rows(
    evidence: Evidence, original: Original, contract: Contract, decidable: npt.NDArray[np.bool_]
) -> list[GoldenRow]:
    """The stored rows with the original's answers, as golden.jsonl holds them.

    Args:
        evidence: from `gather`.
        original: the reference.
        contract: of the bundle.
        decidable: from `decidable_labels`.
    """
    lines: list[GoldenRow] = []
    rejected: list[GoldenRow] = []
    for name, values in evidence.strata.items():
        answers = evidence.answers[name]
        for index, row in enumerate(original.schema.rows(values)):
            if not answers.accepted[index]:
                rejected.append({"stratum": "rejected", "row": row})
                continue
            answer = contract.form.write(answers.labels[index].tolist(), answers.numbers[index].tolist())
            compared = decidable[len(lines)].tolist()
            shown = compared if contract.form.several and compared else all(compared)
            line = {"stratum": name, "row": row, "answer": answer, "decidable": shown}
            lines.append({**line, "jump": True} if answers.jumps[index] else line)
    return lines + rejected


def certify(
    predictor: Predictor,
    evidence: Evidence,
    golden: list[GoldenRow],
    original: Original,
    decidable: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Hold the export against all evidence.

    Args:
        predictor: of the finished contract.
        evidence: from `gather`.
        golden: from `golden_rows`; each rejected row gets the problems that the contract finds in it.
        original: the reference.
        decidable: from `decidable_labels`.

    Returns:
        The certificate without what was reached and its mutation score.

    Raises:
        ExportError: a decidable label differs, a number is outside the tolerance, or the two do not reject alike.
    """
    contract = predictor.contract
    answers = replay(predictor, [line["row"] for line in golden])
    for line, answer in zip(golden, answers, strict=True):
        if line["stratum"] == "rejected":
            problems = answer.get("rejected", [{"feature": None, "kind": "answered instead"}])
            line["rejected"] = [{"feature": each["feature"], "kind": each["kind"]} for each in problems]
    unstored = {
        name: _held(predictor, asked, original, contract)
        for name, asked in (("real", evidence.real), ("unstored", evidence.unstored))
        if len(asked[0][0])
    }
    strata = {**unstored, **compare(contract, golden, answers)}
    for name, stratum in strata.items():
        if not stratum.holds:
            raise _refusal(name, stratum, golden)
    return {
        "class": contract.tolerance["class"],
        "strata": [_entry(name, stratum, golden) for name, stratum in strata.items()],
        "batch": batches(predictor, evidence.stored(), decidable),
    }


def _held(predictor: Predictor, asked: tuple[Columns, Answers], original: Original, contract: Contract) -> Stratum:
    """Hold the export against the original on rows that are not stored."""
    values, answers = asked
    labels, numbers = predictor.run(values)
    counted = np.abs(answers.numbers) > contract.form.absolute
    numbers = np.where(answers.jumps[:, None], answers.numbers, numbers)
    ulp = np.where(counted, ulp_distance(answers.numbers, numbers), np.uint64(0))
    judged = compared(answers, contract)
    differ = ((labels != answers.labels) & judged).any(axis=1)
    undecidable = ~judged.all(axis=1) | answers.jumps
    if not contract.form.width:
        undecidable |= differ & differs_alone(original, values, answers, differ)
    return Stratum(
        rows=len(labels),
        labels_differ=int((differ & ~undecidable).sum() + (~answers.accepted).sum()),
        outside=int((~within(contract, answers.numbers, numbers)).any(axis=1).sum()),
        undecidable=int(undecidable.sum()),
        max_ulp=int(ulp.max(initial=0)),
        max_abs=float(np.abs(answers.numbers - numbers).max(initial=0.0)),
    )


def _entry(name: str, stratum: Stratum, golden: list[GoldenRow]) -> dict[str, Any]:
    entry = {"name": name, **asdict(stratum)}
    worst = entry.pop("worst")
    entry["worst_row"] = None if worst is None else golden[worst]["row"]
    return entry


def _refusal(name: str, stratum: Stratum, golden: list[GoldenRow]) -> ExportError:
    worst = "" if stratum.worst is None else f"; the worst row is {json.dumps(golden[stratum.worst]['row'])[:600]}"
    return ExportError(
        f"the exported graph was held against the original and is not exact on {name} rows: {stratum.labels_differ} of "
        f"{stratum.rows} labels or rejections differ and {stratum.outside} rows have numbers outside the tolerance, by "
        f"up to {stratum.max_abs:.3g}{worst}",
        "Nothing was written. Fit with one of the candidates of `selfsame train`, and please report this estimator.",
    )
