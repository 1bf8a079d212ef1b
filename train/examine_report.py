"""The page of an examination: one file without outside requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from train.page import page
from train.plots import ACCENT, FAINT, SECOND, draw, groups_plot
from train.report import SCORE_NAMES, show_score

NAMES = {
    **SCORE_NAMES,
    "average_precision": "average precision",
    "cost": "mean cost",
    "selection_rate": "answered positive",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "mean_error": "mean of predicted − actual",
}
FILTERS = {
    "score": lambda value: "–" if value is None else show_score(value),
    "percent": lambda value: "–" if value is None else f"{100 * value:.1f} %",
}
SMALL = (3.4, 2.6)
MOST_BARS = 25


def render(found: dict[str, Any], info: dict[str, Any]) -> str:
    """Return the page.

    Args:
        found: The content of examine.json.
        info: That of run.json.
    """
    columns = found["importance"]["columns"]
    return page(
        "examine.html.jinja",
        FILTERS,
        found=found,
        info=info,
        names=NAMES,
        bars=columns[:MOST_BARS],
        most=max((column["mean"] for column in columns), default=0) or 1,
        plots=_plots(found),
        curves=[{"title": curve["column"], "svg": _curve(curve)} for curve in found["dependence"]],
        where=where_words,
    )


def where_words(where: Sequence[Sequence[str]]) -> str:
    """A slice in words, such as `age ≤ 30 and grade = C`."""
    return " and ".join(f"{column} {part}" for column, part in where)


def _plots(found: dict[str, Any]) -> list[dict[str, str]]:
    plots = []
    if found["calibration"]:
        plots.append({"title": "Calibration", "svg": _calibration(found["calibration"]["groups"])})
    if found["residuals"]:
        plots.append({"title": "Residuals by prediction", "svg": _residuals(found["residuals"]["groups"])})
    if found["back_test"]:
        plots.append({"title": "Along time", "svg": back_test_plot(found["back_test"])})
    return plots


def _calibration(groups: list[dict[str, float]]) -> str:
    said, came = [group["said"] for group in groups], [group["came"] for group in groups]
    return groups_plot("Calibration of the held-out rows", said, came)


def _residuals(groups: list[dict[str, float]]) -> str:
    middle = [(group["from"] + group["to"]) / 2 for group in groups]

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=FAINT, linewidth=1)
        axes.errorbar(
            middle, [group["mean"] for group in groups], yerr=[group["std"] for group in groups], fmt="o", color=ACCENT
        )
        axes.set(xlabel="predicted", ylabel="actual − predicted, mean ± std")

    return draw("Residuals by prediction", paint)


def back_test_plot(told: dict[str, Any]) -> str:
    """The scores of each block, refitted and fitted once."""
    blocks = told["blocks"]

    def paint(axes: Axes) -> None:
        for name, colour, label in (
            ("fresh", ACCENT, "refitted on all before"),
            ("old", SECOND, "fitted once, at first"),
        ):
            known = [block for block in blocks if block[name]]
            axes.plot([b["block"] for b in known], [b[name]["value"] for b in known], "o-", color=colour, label=label)
        axes.set(xlabel="block", ylabel=NAMES[told["score"]], xticks=[block["block"] for block in blocks])
        axes.legend(frameon=False)

    return draw("Along time", paint)


def _curve(curve: dict[str, Any]) -> str:
    def paint(axes: Axes) -> None:
        if curve["number"]:
            axes.plot(curve["values"], curve["answers"], color=ACCENT, linewidth=2)
        else:
            places = np.arange(len(curve["values"]))
            axes.barh(places, curve["answers"], color=ACCENT)
            axes.set(yticks=places, yticklabels=[value[:18] for value in curve["values"]])
            axes.invert_yaxis()
        axes.set(ylabel="mean answer" if curve["number"] else "", xlabel="" if curve["number"] else "mean answer")

    return draw(f"Answer along {curve['column']}", paint, size=SMALL)
