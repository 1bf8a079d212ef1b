"""The report's plots, as SVG text in the colours of the page around them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

FloatArray = npt.NDArray[np.float64]
# Stand-ins that no plot uses otherwise; the style sheet's variables take their place.
COLOURS = {"#010203": "var(--ink)", "#040506": "var(--faint)", "#070809": "var(--accent)", "#0a0b0c": "var(--second)"}
INK, FAINT, ACCENT, SECOND = COLOURS
BINS = 10
MOST_POINTS = 2000
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(name: str, paint: Callable[[Axes], Any], *, size: tuple[float, float] = (4.2, 3.6)) -> str:
    """Return a plot as an SVG element; the same numbers give the same text.

    Args:
        name: Sets the plot's internal ids apart from those of other plots on the page.
        paint: Draws into the axes.
        size: Width and height in inches.
    """
    with mpl.rc_context({**STYLE, "svg.hashsalt": f"selfsame-{name}"}):
        figure = Figure(figsize=size, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' id="[a-zA-Z]+[A-Za-z0-9.]*_\d+"', "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for stand_in, variable in COLOURS.items():
        text = text.replace(stand_in, variable)
    return text.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def roc_plot(positive: npt.NDArray[np.bool_], probability: FloatArray, threshold: float) -> str:
    """Draw the ROC curve of the test rows and the point at the threshold."""
    false_rate, true_rate, _ = roc_curve(positive, probability, drop_intermediate=True)
    answered = probability >= threshold

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        axes.plot(false_rate, true_rate, color=ACCENT, linewidth=2)
        at = (float(answered[~positive].mean()), float(answered[positive].mean()))
        axes.plot(*at, "o", color=SECOND)
        axes.annotate(f"threshold {threshold:g}", at, xytext=(8, -12), textcoords="offset points")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))

    return draw("ROC curve", paint)


def calibration_plot(positive: npt.NDArray[np.bool_], probability: FloatArray) -> str:
    """Draw how often the class came against how likely it was called, in ten groups of equal size."""
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, BINS) if len(group)]
    said = [float(probability[group].mean()) for group in groups]
    came = [float(positive[group].mean()) for group in groups]
    return groups_plot("Calibration", said, came)


def groups_plot(name: str, said: list[float], came: list[float]) -> str:
    """Draw how often something came in each group against how likely it was called there."""
    top = 1.08 * max(*said, *came, 0.05)

    def paint(axes: Axes) -> None:
        axes.plot([0, top], [0, top], color=FAINT, linewidth=1)
        axes.plot(said, came, "o-", color=ACCENT, linewidth=1.5)
        axes.set(xlabel="mean predicted probability", ylabel="observed share", xlim=(0, top), ylim=(0, top))

    return draw(name, paint)


def value_plot(actual: FloatArray, predicted: FloatArray) -> str:
    """Draw the actual against the predicted values of the test rows (at most 2,000, evenly taken)."""
    taken = _taken(len(actual))
    low, high = float(min(actual.min(), predicted.min())), float(max(actual.max(), predicted.max()))

    def paint(axes: Axes) -> None:
        axes.plot([low, high], [low, high], color=FAINT, linewidth=1)
        axes.plot(predicted[taken], actual[taken], "o", color=ACCENT, markersize=3, alpha=0.7, markeredgewidth=0)
        axes.set(xlabel="predicted", ylabel="actual")

    return draw("Actual against predicted", paint)


def residual_plot(actual: FloatArray, predicted: FloatArray) -> str:
    """Draw what is left over the predicted values of the test rows (at most 2,000, evenly taken)."""
    taken = _taken(len(actual))

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=FAINT, linewidth=1)
        left = (actual - predicted)[taken]
        axes.plot(predicted[taken], left, "o", color=ACCENT, markersize=3, alpha=0.7, markeredgewidth=0)
        axes.set(xlabel="predicted", ylabel="actual − predicted")

    return draw("Residuals", paint)


def _taken(rows: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST_POINTS)).astype(np.int64))
