"""Which small faults are tried on which rows."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.aim import aim
from export.decidable import compared
from export.edges import edges
from export.effort import Effort
from export.evidence import Evidence
from export.frame import MISSING_CODE, Columns, Schema, take
from export.mutants import Mutant, mutants
from export.mutate import Trial, mutation_score, verdicts
from export.original import Answers, Original
from export.places import Places, Sample
from export.rows import RowMaker, moved, to_steps
from lambda_handler.contract import Contract, ContractError

FRESH = {"recombined": 400, "special": 240, "missing": 80, "unseen": 40}
EDGES = 120
WORDS = 40  # categories of each text column, and the same with one letter more
STORED = 100  # rows that are stored because small faults show in them

Advance = Callable[[int, int], None]


class Faults:
    """Draws small faults and tries them on rows.

    Args:
        model: the certified graph.
        contract: of the bundle.
        original: the reference; of the rows built for faults those that it rejects do not count.
        maker: of the training rows.
        places: of the graph.
        sample: training rows and what they reach.
        effort: how many mutants.
        seed: of the draws.
    """

    def __init__(
        self,
        model: bytes,
        contract: Contract,
        original: Original,
        maker: RowMaker,
        places: Places,
        sample: Sample,
        effort: Effort,
        seed: int,
    ) -> None:
        self._model, self._graph = model, onnx.load_from_string(model)
        self._contract, self._original, self._maker = contract, original, maker
        self._places, self._sample, self._effort, self._seed = places, sample, effort, seed

    def score(self, evidence: Evidence, decidable: npt.NDArray[np.bool_], advance: Advance) -> dict[str, Any]:
        """The certificate's `mutation`.

        Args:
            evidence: all rows that were held against the original.
            decidable: which labels of the stored rows are compared.
            advance: called with (done, total) after each mutant.
        """
        made, drawn = self._drawn(self._effort.mutants)
        rows = _kept(self._contract, drawn, self._maker.schema)
        fresh = _counted(rows, self._original.answer(rows))
        values, answers = evidence.stored()
        kept = np.flatnonzero(~answers.jumps)
        parts = [_counted(*evidence.unstored), _counted(*evidence.real)]
        stored = take(values, kept)
        labels = [compared(answers, self._contract) for _, answers in (*parts, fresh)]
        trial = Trial(
            _joined([stored, *(rows for rows, _ in (*parts, fresh))]),
            len(kept),
            len(kept) + sum(len(rows[0]) for rows, _ in parts),
            np.concatenate([decidable[kept], *labels]),
        )
        return mutation_score(self._graph, self._contract, trial, made, advance)

    def telling(self, evidence: Evidence) -> Evidence:
        """Store further rows: those in which faults show that no stored row would notice.

        The faults are other ones than those that are scored. Faults of trees are left out: rows for them are
        chosen by what they stand at and reach.
        """
        made = mutants(
            self._graph, [], [], 2 * self._effort.mutants, np.random.default_rng([self._seed, 3]), trees=False
        )
        values, answers = evidence.stored()
        stored = _counted(values, answers)
        rows, found = evidence.unstored
        able = np.flatnonzero(~found.jumps)
        labels = [compared(stored[1], self._contract), compared(found.at(able), self._contract)]
        count = len(stored[0][0])
        if not count + len(able):
            return evidence
        trial = Trial(_joined([stored[0], take(rows, able)]), count, count + len(able), np.concatenate(labels))
        tried = verdicts(self._graph, self._contract, trial, made)
        chosen = np.unique([each.row - count for each in tried if each.row is not None and each.row >= count])
        picked = able[chosen.astype(np.int64)]
        picked = picked[~self._maker.private(take(rows, picked))][:STORED]
        if not len(picked):
            return evidence
        rest = np.setdiff1d(np.arange(len(rows[0])), picked)
        return replace(
            evidence,
            strata={**evidence.strata, "telling": take(rows, picked)},
            answers={**evidence.answers, "telling": found.at(picked)},
            unstored=(take(rows, rest), found.at(rest)),
        )

    def reached(self, evidence: Evidence) -> dict[str, dict[str, int]]:
        """The certificate's `reached`."""
        stored = evidence.stored()[0]
        checked = [evidence.real[0], stored, evidence.unstored[0]]
        counts = self._places.count({"stored": [stored], "checked": checked})
        return {**counts, "sides": evidence.sides} if evidence.sides.get("all") else counts

    def _drawn(self, count: int) -> tuple[list[Mutant], Columns]:
        """Mutants, and rows built for them."""
        random = np.random.default_rng([self._seed, 1])
        maker = RowMaker(self._maker.schema, self._maker.table, int(random.integers(2**32)))
        aimed = aim(
            self._model,
            maker.schema,
            maker.table,
            int(random.integers(2**32)),
            count,
            (self._places, self._sample),
        )
        made = mutants(self._graph, aimed.splits, aimed.missing, count, random)
        rows: list[Columns] = [getattr(maker, name)(many) for name, many in FRESH.items()]
        rows += [aimed.rows, _words(maker), self._at_leaves(made), *edges(self._graph, maker, EDGES)]
        return made, _joined(rows)

    def _at_leaves(self, made: Sequence[Mutant]) -> Columns:
        """Training rows that reach leaves that mutants change, moved by one step in every number."""
        found = []
        for node, leaf in (each.leaf for each in made if each.leaf is not None):
            start = self._places.start[node]
            for tree, positions in enumerate(self._places.trees[node].leaves):
                own = np.isin(self._sample.reached[:, start + tree], np.flatnonzero(positions == leaf))
                found += np.flatnonzero(own)[:1].tolist()
        rows = take(self._sample.rows, np.array(found, dtype=np.int64))
        for index, column in enumerate(self._maker.schema.columns):
            if column.type == "number" and len(found):
                known = np.flatnonzero(~np.isnan(rows[index]))
                steps = to_steps(rows[index][known]) + 1
                every = np.full(len(known), index)
                rows[index][known] = moved(take(rows, known), every, steps)[index]
        return rows


def _words(maker: RowMaker) -> Columns:
    """Recombined rows with each of the first categories, and with the same and one letter more."""
    parts = [take(maker.table, np.arange(0))]
    for index, column in enumerate(maker.schema.columns):
        if column.dtype == "string" and column.type == "category":
            known = [word for word in dict.fromkeys(maker.table[index].tolist()) if word != MISSING_CODE][:WORDS]
            words = [word + more for word in known for more in ("", "", "~")]
            rows = maker.recombined(len(words))
            rows[index][:] = words
            parts.append(rows)
    return _joined(parts)


def _kept(contract: Contract, values: Columns, schema: Schema) -> Columns:
    """The rows that keep the contract: no other ones reach the graph, and the original would reject them one by one."""
    kept = []
    for index, row in enumerate(schema.rows(values)):
        with suppress(ContractError):
            contract.columns([row])
            kept.append(index)
    return take(values, np.array(kept, dtype=np.int64))


def _counted(values: Columns, answers: Answers) -> tuple[Columns, Answers]:
    """The rows that the original accepts and answers without a jump."""
    kept = np.flatnonzero(answers.accepted & ~answers.jumps)
    return take(values, kept), answers.at(kept)


def _joined(parts: Sequence[Columns]) -> Columns:
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
