"""What a careful reader says of single columns: what is missing and whether that tells, codes, outliers, names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from train.columns import LOOKS_MISSING, as_texts
from train.finding import Finding, Proposal
from train.survey import Survey

CODES = {sign * code for code in (9, 99, 999, 9999, 99999, 999999) for sign in (1, -1)} | {-1.0}
TELLS = 0.01  # false discovery rate of missing values that tell the target
FEWEST_CODES = 0.005  # share of the rows
FAR = {"log": 5.0, "plain": 8.0}  # interquartile ranges beyond the quartile
MOST_FAR = 0.001  # share of the rows: more are a heavy tail
SAME = 0.9  # Jaccard's index of the rows with a code and those with a 0, and of the others

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def column_findings(found: Survey) -> Iterator[Finding]:
    """Yield what the columns show, one check after the other."""
    yield from _useless(found)
    yield from _missing(found)
    yield from _texts_that_look_missing(found)
    yield from _numbers_that_look_missing(found)
    yield from _outliers(found)
    yield from _names(found)


def _useless(found: Survey) -> Iterator[Finding]:
    for each in found.decisions:
        if each.kind == "drop" and each.reason != "as told in --config":
            todo = "Left out. To keep it, give it a kind in the project file."
            yield Finding("left-out", "note", f"{each.name}: {each.reason}.", todo, each.name)


def _missing(found: Survey) -> Iterator[Finding]:
    gone = {name: found.X[name].isna().to_numpy() for name in found.X.columns}
    shares = {name: float(each.mean()) for name, each in gone.items() if each.any()}
    truth = found.truth()
    classes = None if found.target.classes is None else pd.factorize(pd.Series(found.target.y))[0]
    tested = {name: _tells(truth, classes, gone[name][found.target.known]) for name in shares}
    telling = discoveries({name: p for name, (p, _, _) in tested.items()})
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        p, with_it, without = tested[name]
        numbers = {"share": share, "p": p, "target_where_missing": with_it, "target_elsewhere": without}
        says = f"{name} is missing in {100 * share:.3g} % of the rows"
        if name in telling:
            what = _target_words(found)
            says += f", and that tells: {what} is {with_it:.3g} there and {without:.3g} elsewhere."
            todo = "Keep the missing ones as such; the usual pipelines learn from them. Ask why they are missing."
            yield Finding("missing-tells", "warn", says, todo, name, numbers)
        elif share >= 0.01:
            todo = "Nothing: missing values are imputed, or learnt from, inside the pipeline."
            yield Finding("missing", "note", f"{says}; no relation to the target shows.", todo, name, numbers)


def _target_words(found: Survey) -> str:
    classes = found.target.classes
    return f"the mean of {found.target.name}" if classes is None else f"the share of {classes[-1]!r}"


def _tells(truth: Floats, classes: npt.NDArray[np.intp] | None, gone: Bools) -> tuple[float, float, float]:
    """Return the p value of "no relation" (chi squared or Mann-Whitney), and the target's mean there and elsewhere."""
    if gone.all() or not gone.any():
        return 1.0, float("nan"), float("nan")
    means = float(truth[gone].mean()), float(truth[~gone].mean())
    if classes is None:
        return float(stats.mannwhitneyu(truth[gone], truth[~gone]).pvalue), *means
    counts = np.bincount(2 * classes + gone, minlength=2 * int(classes.max() + 1)).reshape(-1, 2)
    return float(stats.chi2_contingency(counts).pvalue), *means


def discoveries(p_values: dict[str, float]) -> set[str]:
    """Return the names that Benjamini and Hochberg's procedure (1995) takes for discoveries at the rate `TELLS`."""
    if not p_values:
        return set()
    adjusted = stats.false_discovery_control(list(p_values.values()))
    return {name for name, p in zip(p_values, adjusted, strict=True) if p < TELLS}


def _texts_that_look_missing(found: Survey) -> Iterator[Finding]:
    """Levels such as "unknown": a level of its own, a missing value, or "no such thing" where a number is 0."""
    zeros = {name: (found.X[name] == 0).to_numpy() for name in found.X.columns if found.X[name].dtype == np.float64}
    coded: list[tuple[str, str, Bools]] = []
    for each in found.decisions:
        if each.kind == "category":
            texts = found.X[each.name]
            levels = set(texts.unique())
            present = [code for code in LOOKS_MISSING if code in levels]
            coded += [(each.name, code, (texts == code).to_numpy()) for code in present]
    twins = {(name, code): _twin(rows, zeros) for name, code, rows in coded}
    for name, code, rows in coded:
        siblings = [other for (other, its), twin in twins.items() if its == code and twin is not None]
        yield _code_finding(name, code, rows, twins[name, code], siblings)


def _twin(rows: Bools, zeros: dict[str, Bools]) -> tuple[str, float] | None:
    """Return the number that is 0 in just these rows, or nearly so, and how nearly."""
    alike = {name: min(_overlap(rows, zero), _overlap(~rows, ~zero)) for name, zero in zeros.items()}
    best = max(alike, key=lambda name: alike[name], default=None)
    return (best, alike[best]) if best is not None and alike[best] >= SAME else None


def _code_finding(name: str, code: str, rows: Bools, twin: tuple[str, float] | None, siblings: list[str]) -> Finding:
    numbers = {"code": code, "share": float(rows.mean()), "rows": int(rows.sum())}
    says = f"{name} says {code!r} in {100 * rows.mean():.3g} % of the rows"
    if twin is not None:
        where = "just where" if twin[1] == 1 else "nearly always just where"
        says += f', {where} {twin[0]} is 0: it means "none", not "missing".'
        numbers |= {"zero_in": twin[0], "alike": twin[1]}
        return Finding("level-none", "note", says, "It stays a level of its own.", name, numbers)
    says += ": missing, or a level of its own?"
    if siblings:
        says += f' In {siblings[0]} it means "none".'
    todo = f"It stays a level; if it means missing, list it under missing in [columns.{name}]."
    return Finding("level-missing", "warn", says, todo, name, numbers)


def _overlap(one: Bools, other: Bools) -> float:
    """Jaccard's index of two sets of rows."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def _numbers_that_look_missing(found: Survey) -> Iterator[Finding]:
    """A code such as 999 that many rows share, at one end of the column and far from all else."""
    for name in found.X.columns:
        if found.X[name].dtype != np.float64:
            continue
        values = found.X[name].dropna().to_numpy()
        for code, others in _ends(values):
            share = float((values == code).mean())
            apart = abs(code - (others.max() if code > others.max() else others.min()))
            if code in CODES and share >= FEWEST_CODES and apart > max(np.ptp(others), 1.0):
                says = f"{name} is {code:g} in {100 * share:.3g} % of the rows, far from all else ({_span(others)})."
                missing = ["", *_texts_of(found, str(name), code)]
                told = ", ".join(f'"{text}"' for text in missing)
                todo = f"It looks like a code for missing: missing = [{told}] in [columns.{name}]."
                proposal = Proposal(f"columns.{name}", "missing", missing)
                yield Finding("code-missing", "warn", says, todo, name, {"code": code, "share": share}, proposal)


def _texts_of(found: Survey, name: str, code: float) -> list[str]:
    """Return how the table writes that number, such as 999 and 999.0."""
    rows = (found.X[name] == code).to_numpy()
    return sorted(set(as_texts(found.table.frame[name][rows], ())[0]))


def _ends(values: npt.NDArray[np.float64]) -> Iterator[tuple[float, npt.NDArray[np.float64]]]:
    """Yield the largest and the smallest value, each with the values that differ from it."""
    for code in (values.max(), values.min()) if len(values) else ():
        others = values[values != code]
        if len(others):
            yield float(code), others


def _span(values: npt.NDArray[np.float64]) -> str:
    return f"{values.min():g} to {values.max():g}"


def _outliers(found: Survey) -> Iterator[Finding]:
    """Rows far outside, those that stand out in several columns first; many of them are a heavy tail instead."""
    far: dict[int, list[str]] = {}
    for name in found.X.columns:
        if found.X[name].dtype != np.float64:
            continue
        rows = _far_rows(found.X[name].to_numpy(dtype=np.float64))
        if 0 < len(rows) <= max(MOST_FAR * found.rows, 3):
            for row in rows.tolist():
                far.setdefault(row, []).append(str(name))
    for row, names in sorted(far.items(), key=lambda item: (-len(item[1]), item[0]))[:10]:
        shown = " and ".join(f"{name} = {found.X[name].iloc[row]:,.10g}" for name in names)
        says = f"Data row {row + 1:,} stands far outside: {shown}."
        todo = "Check it at its source; correct or remove it, or let clip under [prepare] bound such values."
        column = names[0] if len(names) == 1 else None
        yield Finding("outlier", "warn" if len(names) > 1 else "note", says, todo, column, {"row": row + 1})


def _far_rows(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the rows beyond the quartiles by `FAR` interquartile ranges; of positive numbers on the log scale."""
    known = ~np.isnan(values)
    if known.sum() < 30:
        return np.empty(0, dtype=np.int64)
    positive = bool((values[known] > 0).all())
    scaled = np.log(np.where(known, values, 1.0)) if positive else values
    low, high = np.quantile(scaled[known], (0.25, 0.75))
    reach = FAR["log" if positive else "plain"] * (high - low)
    outside = known & ((scaled < low - reach) | (scaled > high + reach))
    return np.flatnonzero(outside) if reach > 0 else np.empty(0, dtype=np.int64)


def _names(found: Survey) -> Iterator[Finding]:
    odd = [str(name) for name in found.table.frame.columns if not str(name).isidentifier()]
    if odd:
        shown = ", ".join(odd[:5]) + (" …" if len(odd) > 5 else "")
        says = f"{len(odd)} column name{'s are no identifiers' if len(odd) > 1 else ' is no identifier'}: {shown}."
        todo = "Nothing here: names may be any text. In code write them in quotes."
        yield Finding("name", "note", says, todo, evidence={"columns": len(odd)})
    for each in found.decisions:
        levels = found.X[each.name].drop_duplicates().dropna() if each.kind == "category" else pd.Series(dtype="str")
        if levels.str.casefold().nunique() < len(levels):
            says = f"{each.name} has levels that differ in upper and lower case only."
            yield Finding("level-case", "warn", says, "Write them alike at the source.", each.name)
