"""The proof: the export beside the original on every stratum; what differs, by how much, in which class."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import Aimed
from export.batches import batches
from export.effort import Effort
from export.errors import ExportError
from export.frame import Columns, take
from export.margin import ROUNDING
from export.original import Answers, Original
from export.places import Places, spread
from export.rows import COUNTS, RowMaker
from lambda_handler.contract import Contract
from lambda_handler.golden import Stratum, compare, replay, ulp_distance, within
from lambda_handler.predictor import Predictor, decided

# Operators whose last bits depend on the runtime: sums in an order of its own, functions of its own.
LOOSE = {"MatMul", "Gemm", "ReduceSum", "ReduceMean", "Exp", "Log", "Pow", "Sigmoid", "Softmax", "Tanh", "Sin", "Cos"}
NEAR = 1e-6  # of the numbers' size: labels that are nearer to another are also asked alone
ALONE = 200  # rows without numbers whose label differs that are also asked alone
STORED_SPLITS, STORED_HOLES = 50, 24  # splits whose rows are stored; rows with a missing input
NEAREST = 20  # recombined rows nearest to a decision threshold that are stored
REJECTED = 20  # recombined rows that the original rejects

GoldenRow = dict[str, Any]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Evidence:
    """Rows with the original's answers, before the export is held against them.

    Attributes:
        strata: name -> graph values of the rows that the bundle stores.
        answers: name -> the original's answers to them.
        unstored: accepted rows that were made like them and are not stored, and the original's answers.
        real: rows of the training table, and the original's answers to them.
    """

    strata: dict[str, Columns]
    answers: dict[str, Answers]
    unstored: tuple[Columns, Answers]
    real: tuple[Columns, Answers]

    def stored(self) -> tuple[Columns, Answers]:
        """All stored rows that the original accepts, stratum by stratum, with its answers."""
        return _accepted([(values, self.answers[name]) for name, values in self.strata.items()])


def gather(  # noqa: PLR0913, PLR0917 - called once; each is another source of rows
    original: Original,
    maker: RowMaker,
    aims: Sequence[Aimed],
    built: Mapping[str, Columns],
    more: Sequence[Columns],
    places: Places,
    effort: Effort,
    seed: int,
    report: Report,
) -> Evidence:
    """Make the rows of every stratum, ask the original about them, and choose those that are stored.

    Args:
        original: asked.
        maker: of the rows.
        aims: rows aimed at splits; of the first some are stored, of the others none.
        built: rows of further strata, all stored.
        more: further rows, not stored.
        places: of the graph.
        effort: how many rows.
        seed: of the sample of a large training table.
        report: called with one line per stratum.
    """
    strata: dict[str, Columns] = {}
    answers: dict[str, Answers] = {}
    unstored = [(rows, original.answer(rows)) for rows in (*(aimed.rows for aimed in aims[1:]), *more)]
    given = {**built, "threshold": aims[0].rows}
    for name in ("recombined", "boundary", "threshold", "split", "edge", "special", "missing", "unseen"):
        report(f"asking the original: {name} rows")
        made = given[name] if name in given else _make(original, maker, name, effort)
        if not len(made[0]):
            continue
        found = original.answer(made)
        chosen = _chosen(name, made, found, places, aims[0], original)
        chosen = chosen[~maker.private(take(made, chosen))]
        others = np.setdiff1d(np.arange(len(made[0])), chosen)
        unstored.append((take(made, others), found.at(others)))
        if len(chosen):
            strata[name], answers[name] = take(made, chosen), found.at(chosen)
    report("asking the original: real rows")
    index = np.arange(len(maker.table[0]))
    if len(index) > effort.real:
        index = np.sort(np.random.default_rng(seed).choice(len(index), effort.real, replace=False))
    real = take(maker.table, index)
    if not strata:
        raise ExportError(
            "a bundle is public, so its rows must not stand in the training table; every row that can be made does",
            "Fit on more columns: this table holds every possible row.",
        )
    return Evidence(strata, answers, _accepted(unstored), (real, original.answer(real)))


def _accepted(parts: Sequence[tuple[Columns, Answers]]) -> tuple[Columns, Answers]:
    """The rows that the original accepts, one part after the other."""
    kept = [np.flatnonzero(answers.accepted) for _, answers in parts]
    rows = [take(values, index) for (values, _), index in zip(parts, kept, strict=True)]
    columns = [np.concatenate(pieces) for pieces in zip(*rows, strict=True)]
    return columns, Answers.joined([answers.at(index) for (_, answers), index in zip(parts, kept, strict=True)])


def _make(original: Original, maker: RowMaker, name: str, effort: Effort) -> Columns:
    if name == "boundary":
        return maker.boundaries(original.answer, COUNTS[name])
    made: Columns = getattr(maker, name)(effort.recombined if name == "recombined" else COUNTS[name])
    return made


def _chosen(
    name: str, made: Columns, answers: Answers, places: Places, aimed: Aimed, original: Original
) -> npt.NDArray[np.int64]:
    """Which rows of a stratum are stored.

    Of recombined ones those that reach most and those nearest to a decision threshold, of aimed ones whole splits.
    """
    if name == "recombined":
        accepted = np.flatnonzero(answers.accepted)
        telling = accepted[spread(places.reached(take(made, accepted)), COUNTS[name])]
        nearest = accepted[_nearest(answers.at(accepted), original)]
        return np.unique(np.concatenate([telling, nearest, np.flatnonzero(~answers.accepted)[:REJECTED]]))
    every = np.arange(len(made[0]))
    if name != "threshold":
        return every
    count = len(aimed.splits)
    sides, holes = every[: 2 * count] % max(count, 1) < STORED_SPLITS, every[2 * count :] < 2 * count + STORED_HOLES
    stored: npt.NDArray[np.int64] = every[np.concatenate([sides, holes])]
    return stored


def _nearest(answers: Answers, original: Original) -> npt.NDArray[np.int64]:
    """Positions of the rows nearest to the original's own decision threshold; none where it has none."""
    threshold = original.document["threshold"]
    if threshold is None:
        return np.arange(0)
    distance = np.abs(decided(original.form, threshold, answers.numbers)[1] - threshold["value"])
    return np.argsort(distance, kind="stable")[:NEAREST]


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


def decidable_labels(evidence: Evidence, original: Original, contract: Contract) -> npt.NDArray[np.bool_]:
    """Which labels of the stored rows are compared, bool of shape (n_rows, n_labels), in the order of `stored`.

    Not those nearer to another label than the tolerance, nor those that the original gives otherwise to the row alone.
    """
    parts = []
    for name, values in evidence.strata.items():
        answers = evidence.answers[name]
        decidable = _decidable(answers, contract)
        index = np.flatnonzero(answers.accepted & _near(answers, contract))
        if len(index):
            apart = _apart(original.answer_alone(take(values, index)), answers, index)
            decidable[index[apart]] = False
        parts.append(decidable[answers.accepted])
    return np.concatenate(parts)


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


def _near(answers: Answers, contract: Contract) -> npt.NDArray[np.bool_]:
    """Rows of which a label is within a share of `NEAR` of another, bool of shape (n_rows,)."""
    form = contract.form
    if not form.labels:
        return np.zeros(len(answers.accepted), dtype=bool)
    if not form.width:
        return np.ones(len(answers.accepted), dtype=bool)
    margins, sizes = _margins(answers, contract)
    near = np.asarray(margins <= NEAR * np.maximum(1.0, sizes))
    return np.asarray(near.any(axis=1))


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

    In an identical export all are but those at a jump.
    """
    decidable = np.ones(answers.labels.shape, dtype=bool)
    decidable[answers.jumps] = False
    if contract.tolerance["class"] == "identical":
        return decidable
    margins, sizes = _margins(answers, contract)
    absolute = np.array([target.absolute for target in contract.form.targets[: contract.form.labels]])
    decidable &= margins > 2 * np.maximum(absolute, contract.tolerance["relative"] * sizes)
    return decidable


def _margins(answers: Answers, contract: Contract) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How far each label is from the next one, and the size of the numbers that decide it.

    Returns:
        Two times float64 of shape (n_rows, n_labels); infinite and 0 where no number says it.
    """
    margins, sizes = np.full(answers.labels.shape, np.inf), np.zeros(answers.labels.shape)
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
        margins[:, index], sizes[:, index] = margin, np.abs(numbers).max(axis=1)
    return margins, sizes


def _held(predictor: Predictor, asked: tuple[Columns, Answers], original: Original, contract: Contract) -> Stratum:
    """Hold the export against the original on rows that are not stored."""
    values, answers = asked
    labels, numbers = predictor.run(values)
    counted = np.abs(answers.numbers) > contract.form.absolute
    numbers = np.where(answers.jumps[:, None], answers.numbers, numbers)
    ulp = np.where(counted, ulp_distance(answers.numbers, numbers), np.uint64(0))
    decidable = _decidable(answers, contract)
    differ = ((labels != answers.labels) & decidable).any(axis=1)
    undecidable = ~decidable.all(axis=1) | answers.jumps
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


def _refusal(name: str, stratum: Stratum, golden: list[GoldenRow]) -> ExportError:
    worst = "" if stratum.worst is None else f"; the worst row is {json.dumps(golden[stratum.worst]['row'])[:600]}"
    return ExportError(
        f"the exported graph was held against the original and is not exact on {name} rows: {stratum.labels_differ} of "
        f"{stratum.rows} labels or rejections differ and {stratum.outside} rows have numbers outside the tolerance, by "
        f"up to {stratum.max_abs:.3g}{worst}",
        "Nothing was written. Fit with one of the candidates of `selfsame train`, and please report this estimator.",
    )
