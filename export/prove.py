"""The proof: the export beside the original on every stratum; what differs, by how much, in which class."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import Aimed
from export.errors import ExportError
from export.frame import Columns, take
from export.original import Answers, Original
from export.rows import COUNTS, RowMaker
from lambda_handler.contract import FORMAT, Contract
from lambda_handler.golden import Stratum, compare, replay, ulp_distance, within
from lambda_handler.predictor import Predictor, decided

# Operators whose last bits depend on the runtime: sums in an order of its own, functions of its own.
LOOSE = {"MatMul", "Gemm", "ReduceSum", "ReduceMean", "Exp", "Log", "Pow", "Sigmoid", "Softmax", "Tanh", "Sin", "Cos"}
ROUNDING = 1e-12  # of the output's scale: the most that counts as float64 arithmetic in another order
REAL_ROWS = 50_000  # of the training table; a larger table is sampled
ALONE = 40  # rows that are also asked one by one

GoldenRow = dict[str, Any]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Evidence:
    """Rows with the original's answers, before the export is held against them.

    Attributes:
        strata: name -> graph values, one list of columns each.
        answers: name -> the original's answers.
        real: rows of the training table, and the original's answers to them.
        alone_differs: constructed rows, by position over all strata, whose answer differs when asked alone.
    """

    strata: dict[str, Columns]
    answers: dict[str, Answers]
    real: tuple[Columns, Answers]
    alone_differs: frozenset[tuple[str, int]]


def gather(original: Original, maker: RowMaker, aimed: Aimed, seed: int, report: Report) -> Evidence:
    """Make the rows of every stratum and ask the original about them."""
    strata: dict[str, Columns] = {}
    answers: dict[str, Answers] = {}
    for name in ("recombined", "boundary", "threshold", "special", "missing", "unseen"):
        report(f"asking the original: {name} rows")
        made = aimed.rows if name == "threshold" else _make(original, maker, name)
        made = take(made, np.flatnonzero(~maker.private(made)))
        if len(made[0]):
            strata[name], answers[name] = made, original.answer(made)
    report("asking the original: real rows")
    rows = len(maker.table[0])
    index = np.arange(rows)
    if rows > REAL_ROWS:
        index = np.sort(np.random.default_rng(seed).choice(rows, REAL_ROWS, replace=False))
    real = take(maker.table, index)
    return Evidence(strata, answers, (real, original.answer(real)), _alone(original, strata, answers))


def _make(original: Original, maker: RowMaker, name: str) -> Columns:
    count = COUNTS[name]
    made: Columns = maker.boundaries(original.answer, count) if name == "boundary" else getattr(maker, name)(count)
    return made


def class_of(evidence: Evidence, predictor: Predictor) -> dict[str, Any]:
    """The contract's tolerance.

    It is `identical` where no accepted row differs and no operator rounds otherwise in another runtime, and where there
    are labels alone; else `rounding`. Whether each row keeps to it is not judged here but by `certify`.
    """
    operators = _operators(onnx.load_from_string(predictor.bundle.model).graph)
    identical = not predictor.contract.form.width or not operators & LOOSE
    pairs = [(evidence.strata[name], evidence.answers[name]) for name in evidence.strata] + [evidence.real]
    for values, answers in pairs:
        accepted = np.flatnonzero(answers.accepted)
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


def golden_rows(evidence: Evidence, original: Original, contract: Contract) -> list[GoldenRow]:
    """The constructed rows with the original's answers, as golden.jsonl holds them."""
    lines: list[GoldenRow] = []
    rejected: list[GoldenRow] = []
    for name, values in evidence.strata.items():
        answers = evidence.answers[name]
        decidable = _decidable(answers, contract)
        for index, row in enumerate(original.schema.rows(values)):
            if not answers.accepted[index]:
                rejected.append({"stratum": "rejected", "row": row})
                continue
            answer = contract.form.write(answers.labels[index].tolist(), answers.numbers[index].tolist())
            compared = (decidable[index] & ((name, index) not in evidence.alone_differs)).tolist()
            shown = compared if contract.form.several and compared else all(compared)
            lines.append({"stratum": name, "row": row, "answer": answer, "decidable": shown})
    return lines + rejected


def certify(predictor: Predictor, evidence: Evidence, golden: list[GoldenRow], original: Original) -> dict[str, Any]:
    """Hold the export against all evidence.

    Args:
        predictor: of the finished contract.
        evidence: from `gather`.
        golden: from `golden_rows`; each rejected row gets the problems that the contract finds in it.
        original: the reference.

    Returns:
        The certificate without its mutation score.

    Raises:
        ExportError: a decidable label differs, a number is outside the tolerance, or the two do not reject alike.
    """
    contract = predictor.contract
    if not golden:
        raise ExportError(
            "a bundle is public, so its rows must not stand in the training table; every row that can be made does",
            "Fit on more columns: this table holds every possible row.",
        )
    answers = replay(predictor, [line["row"] for line in golden])
    for line, answer in zip(golden, answers, strict=True):
        if line["stratum"] == "rejected":
            problems = answer.get("rejected", [{"feature": None, "kind": "answered instead"}])
            line["rejected"] = [{"feature": each["feature"], "kind": each["kind"]} for each in problems]
    strata = {"real": _real(predictor, evidence, original, contract), **compare(contract, golden, answers)}
    for name, stratum in strata.items():
        if not stratum.holds:
            raise _refusal(name, stratum, golden)
    return {
        "format": FORMAT,
        "class": contract.tolerance["class"],
        "strata": [_entry(name, stratum, golden) for name, stratum in strata.items()],
        "batch": _batch(predictor, golden),
    }


def _alone(original: Original, strata: dict[str, Columns], answers: dict[str, Answers]) -> frozenset[tuple[str, int]]:
    """Rows that the original answers otherwise alone than in a batch.

    Asked are the first rows of the boundary stratum; where it gives labels alone, all rows, since no number says then
    how near a row is to another label.
    """
    names = sorted(strata, key=lambda name: name != "boundary")
    if original.form.width:
        names = names[:1]
    found = []
    for name in names:
        count = len(strata[name][0])
        index = np.arange(min(ALONE, count) if original.form.width else count)
        batch = answers[name]
        differs = _apart(original.answer_alone(take(strata[name], index)), batch, index)
        found += [(name, int(row)) for row in np.flatnonzero(differs)]
    return frozenset(found)


def _apart(alone: Answers, batch: Answers, index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether the answers to rows alone are others than those to the rows at `index` of a batch."""
    scale = np.maximum(1.0, np.abs(batch.numbers[index]))
    differs = [
        alone.accepted != batch.accepted[index],
        (alone.labels != batch.labels[index]).any(axis=1),
        (np.abs(alone.numbers - batch.numbers[index]) > ROUNDING * scale).any(axis=1),
    ]
    either: npt.NDArray[np.bool_] = np.any(differs, axis=0)
    return either


def _decidable(answers: Answers, contract: Contract) -> npt.NDArray[np.bool_]:
    """Which labels are further from the next one than the tolerance, bool of shape (n_rows, n_labels).

    In an identical export all are, unless labels alone are decided by rounded numbers, which runtimes round otherwise.
    """
    decidable = np.ones(answers.labels.shape, dtype=bool)
    if answers.margins is not None:
        decidable &= (answers.margins > 2 * ROUNDING)[:, None]
    if contract.tolerance["class"] == "identical":
        return decidable
    for index, target in enumerate(contract.form.targets[: contract.form.labels]):
        numbers = answers.numbers[:, target.start : target.end]
        if contract.threshold is not None:
            margin = np.abs(decided(contract.form, contract.threshold, numbers)[1] - contract.threshold["value"])
        elif contract.form.numbers == "scores" and numbers.shape[1] == 1:
            margin = np.abs(numbers[:, 0])
        elif numbers.shape[1] > 1:
            ordered = np.sort(numbers, axis=1)
            margin = ordered[:, -1] - ordered[:, -2]
        else:
            continue
        sizes = np.abs(numbers).max(axis=1)
        decidable[:, index] &= margin > 2 * np.maximum(target.absolute, contract.tolerance["relative"] * sizes)
    return decidable


def _real(predictor: Predictor, evidence: Evidence, original: Original, contract: Contract) -> Stratum:
    values, answers = evidence.real
    labels, numbers = predictor.run(values)
    counted = np.abs(answers.numbers) > contract.form.absolute
    ulp = np.where(counted, ulp_distance(answers.numbers, numbers), np.uint64(0))
    decidable = _decidable(answers, contract)
    differ = ((labels != answers.labels) & decidable).any(axis=1)
    undecidable = ~decidable.all(axis=1)
    if not contract.form.width:
        undecidable |= differ & _differs_alone(original, values, answers, differ)
    return Stratum(
        rows=len(labels),
        labels_differ=int((differ & ~undecidable).sum() + (~answers.accepted).sum()),
        outside=int((~within(contract, answers.numbers, numbers)).any(axis=1).sum()),
        undecidable=int(undecidable.sum()),
        max_ulp=int(ulp.max(initial=0)),
        max_abs=float(np.abs(answers.numbers - numbers).max(initial=0.0)),
    )


def _differs_alone(
    original: Original, values: Columns, answers: Answers, rows: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Of the first of these rows, those that the original answers otherwise alone than in a batch; of all rows."""
    found = np.zeros(len(rows), dtype=bool)
    index = np.flatnonzero(rows)[:ALONE]
    if len(index):
        found[index] = _apart(original.answer_alone(take(values, index)), answers, index)
    return found


def _entry(name: str, stratum: Stratum, golden: list[GoldenRow]) -> dict[str, Any]:
    entry = {"name": name, **asdict(stratum)}
    worst = entry.pop("worst")
    entry["worst_row"] = None if worst is None else golden[worst]["row"]
    return entry


def _batch(predictor: Predictor, golden: list[GoldenRow]) -> dict[str, int]:
    """Each row asked alone: held against the original like the batch, and counted where its last bits differ from it.

    Raises:
        ExportError: an answer to a row alone is not exact.
    """
    lines = [line for line in golden if line["stratum"] != "rejected"]
    if not lines:
        return {"rows": 0, "differ": 0}
    together = predictor.predict([line["row"] for line in lines])
    alone = [predictor.predict([line["row"]])[0] for line in lines]
    for name, stratum in compare(predictor.contract, lines, alone).items():
        if not stratum.holds:
            raise _refusal(f"{name} (asked alone)", stratum, lines)
    return {"rows": len(lines), "differ": sum(one != other for one, other in zip(alone, together, strict=True))}


def _refusal(name: str, stratum: Stratum, golden: list[GoldenRow]) -> ExportError:
    worst = "" if stratum.worst is None else f"; the worst row is {json.dumps(golden[stratum.worst]['row'])[:600]}"
    return ExportError(
        f"the exported graph was held against the original and is not exact on {name} rows: {stratum.labels_differ} of "
        f"{stratum.rows} labels or rejections differ and {stratum.outside} rows have numbers outside the tolerance, by "
        f"up to {stratum.max_abs:.3g}{worst}",
        "Nothing was written. Fit with one of the candidates of `selfsame train`, and please report this estimator.",
    )
