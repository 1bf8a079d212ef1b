"""Writes a project file with guesses and comments, to be edited by a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit.items import Table

from train.columns import Decision
from train.finding import Finding
from train.survey import Survey

SENSITIVE = re.compile(
    r"(?i)(^|_|\b)(age|sex|gender|race|ethnic\w*|religion|nation\w*|marital\w*|disab\w*|pregnan\w*)(_|\b|$)"
)
HEAD = """What selfsame guesses about this table. Edit it; every line may be left out.
Then: selfsame train DATA --config THIS_FILE --out runs/NAME"""
SECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "problem": (
        ('owner = "Who answers for the model"', ""),
        ('decision = "What is decided with its answer"', ""),
        ("baseline = 0.0", "the number to beat, in the metric that decides"),
        ("stop_below = 0.0", "below this on the test rows the project stops"),
    ),
    "budgets": (
        ("latency_ms = 5.0", "one answer"),
        ("file_mb = 5.0", "the model's file"),
        ('time = "10m"', "training"),
    ),
    "split": (
        ('time = "COLUMN"', "hold out the latest rows"),
        ('group = "COLUMN"', "rows of one group stay together"),
        ("test = 0.2", ""),
    ),
    "candidates": (
        ('names = ["baseline", "linear", "forest", "boosting"]', "also svm, mlp, knn, lightgbm, xgboost, stacking"),
        ('search = "halving"', "or optuna, or none"),
    ),
    "prepare": (
        ("clip = 0.001", "bound the most extreme numbers"),
        ('ratios = ["ONE / OTHER"]', ""),
        ('logs = ["COLUMN"]', ""),
        ('dates = ["COLUMN"]', ""),
    ),
    "automation": (('degree = "assist"', "shadow, human only, assist, partial, or full"),),
}
COSTS = {
    "classification": (
        ("false_positive = 1.0", ""),
        ("false_negative = 1.0", "what a wrong answer of each kind costs"),
    ),
    "regression": (("overestimate = 1.0", ""), ("underestimate = 1.0", "per unit of the target")),
}


def project_toml(found: Survey, findings: Sequence[Finding]) -> str:
    """Return the text of a project file: what is sure as lines, what a person has to say as comments.

    Without edits it trains as no project file would, but for what the findings propose.
    """
    document = tomlkit.document()
    for line in HEAD.splitlines():
        document.add(tomlkit.comment(line))
    table = tomlkit.table()
    for key in ("encoding", "delimiter"):
        usual = {"encoding": "utf-8-sig", "delimiter": ","}[key]
        value = getattr(found.table, key)
        if value not in (None, usual):
            table[key] = value
    if table:
        document["table"] = table
    visits = next((each for each in findings if each.kind == "visits"), None)
    document["run"] = _run(found, visits is not None)
    if visits is not None:
        document["ranking"] = _ranking(found)
    costs = COSTS[found.target.task] if len(found.target.classes or ()) <= 2 and visits is None else ()
    for name, lines in {**SECTIONS, "costs": costs}.items():
        if visits is None or name in ("problem", "automation"):
            _add_section(document, name, lines, findings)
    if visits is None:
        document["columns"] = _columns(found, findings)
    return tomlkit.dumps(document)


def _run(found: Survey, visits: bool) -> Table:
    run = tomlkit.table()
    run.add(tomlkit.comment('name = "NAME"'))
    run.add(tomlkit.comment('description = "What the model answers, in one sentence."'))
    if visits:
        run["task"] = "ranking"
        return run
    run["target"] = found.target.name
    _put(run, "task", found.target.task, found.target.reason)
    classes = found.target.classes or []
    if len(classes) == 2:
        _put(run, "positive", classes[-1], "the class that the threshold is for")
    metrics = "roc_auc, average_precision, cost, f1 …" if classes else "r2, rmse, mae, cost"
    run.add(tomlkit.comment(f'metric = "…"  # what decides: {metrics}'))
    return run


def _ranking(found: Survey) -> Table:
    from train.explore_visits import visit_columns

    columns = visit_columns(found.table.frame, found.target.name)
    assert columns is not None
    ranking = tomlkit.table()
    for key, name in zip(("item", "trajectory", "time"), columns, strict=True):
        ranking[key] = name
    ranking.add(tomlkit.comment('places = "places.csv"  # name, category, latitude, longitude of each item'))
    ranking.add(tomlkit.comment("top = 10  # items that an answer holds at most"))
    return ranking


def _add_section(
    document: tomlkit.TOMLDocument, name: str, lines: Sequence[tuple[str, str]], findings: Sequence[Finding]
) -> None:
    proposed = [each.proposal for each in findings if each.proposal is not None and each.proposal.table == name]
    if not lines and not proposed:
        return
    section = tomlkit.table()
    for proposal in proposed:
        section[proposal.key] = proposal.value
    for line, why in lines:
        if line.split(" = ")[0] not in section:
            section.add(tomlkit.comment(f"{line}  # {why}" if why else line))
    document[name] = section


def _columns(found: Survey, findings: Sequence[Finding]) -> Table:
    columns = tomlkit.table(is_super_table=True)
    for each in found.decisions:
        section = tomlkit.table()
        proposed = {
            finding.proposal.key: finding.proposal.value
            for finding in findings
            if finding.proposal is not None and finding.proposal.table == f"columns.{each.name}"
        }
        _describe(section, each, proposed)
        for finding in findings:
            if finding.column == each.name and finding.severity != "note":
                section.add(tomlkit.comment(finding.says))
        columns[each.name] = section
    return columns


def _describe(section: Table, decision: Decision, proposed: dict[str, Any]) -> None:
    told: dict[str, Any] = {"kind": decision.kind, "missing": list(decision.missing), **proposed}
    for key, value in told.items():
        _put(section, key, value, decision.reason if key == "kind" else "")
    if SENSITIVE.search(decision.name):
        _put(section, "sensitive", True, "compared across its values for fairness")
    if decision.kind in ("number", "integer"):
        section.add(tomlkit.comment('unit = "…"'))
    if decision.kind != "drop":
        section.add(tomlkit.comment('description = "…"'))


def _put(section: Table, key: str, value: Any, why: str) -> None:
    item = tomlkit.item(value)
    if why:
        item.comment(why)
    section.add(key, item)
