"""The proof: the export beside the original on every stratum; what differs, by how much, in which class."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.batches import batches
from export.decidable import compared, differs_alone
from export.distance import ulp_distance, within
from export.errors import ExportError
from export.evidence import Evidence
from export.frame import Columns, take
from export.margin import ROUNDING
from export.original import Answers, Original
from lambda_handler.contract import Contract
from lambda_handler.golden import Stratum, compare, replay
from lambda_handler.predictor import Predictor

# Operators whose last bits depend on the runtime: sums in an order of its own, functions of its own.
LOOSE = {"MatMul", "Gemm", "ReduceSum", "ReduceMean", "Exp", "Log", "Pow", "Sigmoid", "Softmax", "Tanh", "Sin", "Cos"}

GoldenRow = dict[str, Any]


def class_of(evidence: Evidence, predictor: Predictor) -> dict[str, Any]:
    """The contract's tolerance.

    It is `identical` where no accepted row differs and no operator rounds otherwise in another runtime, and where there
    are labels alone; else `rounding`. Whether each row keeps to it is not judged here but by `certify`.
    """
    operators = _operators(onnx.load_from_string(predictor.bundle.model).graph)
    identical = not predictor.contract.form.width or not operators & LOOSE
    pairs = [(evidence.strata[name], evidence.answers[name]) for name in evidence.strata]
    pairs += [evidence.unstored, evidence.real]
    for values, answers in pairs:
        accepted = np.flatnonzero(answers.accepted & ~answers.jumps)
        if len(accepted):
            numbers = predictor.run(take(values, accepted))[1]
            identical = identical and not ulp_distance(answers.numbers[accepted], numbers).any()
    if identical:
        return {"class": "identical", "absolute": 0.0, "relative": 0.0}
    form, real = predictor.contract.form, evidence.real[1]
    numbers = np.abs(real.numbers[real.accepted])
    scales = [1.0 if form.numbers == "probabilities" else _largest(numbers[:, t.start : t.end]) for t in form.targets]
    absolute = [ROUNDING * scale for scale in scales]
    return {
        "class": "rounding",
        "absolute": absolute if form.several and form.numbers == "value" else max(absolute),
        "relative": ROUNDING,
    }


def _operators(graph: onnx.GraphProto) -> set[str]:
    """What the graph computes with, also inside its loops and branches."""
    inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    return {node.op_type for node in graph.node}.union(*map(_operators, inner))


def _largest(sizes: npt.NDArray[np.float64]) -> float:
    return float(sizes.max(initial=0.0))


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
    _check_jumps(evidence)
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


def _check_jumps(evidence: Evidence) -> None:
    if evidence.real[1].mostly_jumps:
        raise ExportError(
            "most of the training rows are where a step chooses between numbers that are equal up to rounding, and the "
            "answers jump there: there is nothing to hold the export against",
            "Scale the columns first (StandardScaler), or use another estimator for that step.",
        )


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
