"""Which small faults are tried on which rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import Aimed
from export.effort import Effort
from export.evidence import Evidence
from export.frame import Columns, take
from export.mutants import Mutant, mutants
from export.mutate import Trial, mutation_score
from export.original import Answers
from export.places import Places
from lambda_handler.predictor import Predictor

WORK = 2e8  # rows times constants that one mutant may cost, beyond the stored rows


def mutation(
    predictor: Predictor,
    evidence: Evidence,
    decidable: npt.NDArray[np.bool_],
    places: Places,
    aimed: Aimed,
    effort: Effort,
    seed: int,
    advance: Callable[[int, int], None],
) -> dict[str, Any]:
    """Draw mutants, gather the rows that reach what they change, and count those that the stored rows notice.

    Args:
        predictor: of the certified bundle.
        evidence: all rows that were held against the original.
        decidable: which labels of the stored rows are compared.
        places: of the graph.
        aimed: the splits where thresholds are moved; their rows are among the evidence and not stored.
        effort: how many mutants and rows.
        seed: of the choice.
        advance: called with (done, total) after each mutant.

    Returns:
        The certificate's `reached` and `mutation`.
    """
    graph = onnx.load_from_string(predictor.bundle.model)
    random = np.random.default_rng([seed, 1])
    made = mutants(graph, aimed.splits, aimed.missing, effort.mutants, random)
    kept = np.flatnonzero(~evidence.stored()[1].jumps)
    stored, decidable = take(evidence.stored()[0], kept), decidable[kept]
    others = _both(_compared(*evidence.unstored), _compared(*evidence.real))
    seen, reached = places.reached(others), places.reached(stored)
    counts = places.count({"stored": reached, "checked": np.concatenate([reached, seen])})
    work = sum(int(np.prod(each.dims)) for each in graph.graph.initializer)
    pool = min(effort.pool, int(WORK / max(work, 1)))
    aimed_at = np.arange(min(len(aimed.rows[0]), len(others[0])))
    drawn = random.permutation(len(others[0]))[:pool]
    leaves = [row for mutant in made if (row := _reaching(mutant, places, seen)) is not None]
    chosen = np.unique(np.concatenate([aimed_at, drawn, np.array(leaves, dtype=np.int64)]))
    more = take(others, chosen)
    compared = np.ones((len(chosen), decidable.shape[1]), dtype=bool)
    trial = Trial(_both(stored, more), len(stored[0]), np.concatenate([decidable, compared]))
    return {"reached": counts, "mutation": mutation_score(graph, predictor.contract, trial, made, advance)}


def _compared(values: Columns, answers: Answers) -> Columns:
    return take(values, np.flatnonzero(answers.accepted & ~answers.jumps))


def _reaching(mutant: Mutant, places: Places, seen: npt.NDArray[np.int32]) -> int | None:
    """A row that reaches the leaf that a mutant changes."""
    if mutant.leaf is None:
        return None
    node, leaf = mutant.leaf
    start = 0
    for index, place in enumerate(places.all):
        if place.node != node or place.kind != "leaves":
            continue
        own = places.leaf_of[node][start : start + place.count]
        start += place.count
        rows = np.flatnonzero(np.isin(seen[:, index], np.flatnonzero(own == leaf)))
        if len(rows):
            return int(rows[0])
    return None


def _both(first: Columns, second: Columns) -> Columns:
    return [np.concatenate(pair) for pair in zip(first, second, strict=True)]
