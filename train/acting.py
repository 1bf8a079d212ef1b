"""Holds how far a model may act to what it answers: before a fit what the project file says, after it the threshold."""

from __future__ import annotations

from typing import Any

from lambda_handler.automation import AutomationError, read_automation
from train.config import AutomationSettings, CostSettings
from train.errors import TrainError

UNSAID = "full"  # the degree of a bundle whose project file names none


def check_automation(settings: AutomationSettings, classes: list[Any] | None) -> None:
    """Refuse before anything is fitted what `export` would refuse of any model of these classes.

    Args:
        settings: `[automation]` of the project file.
        classes: In order; None for numbers and rankings.

    Raises:
        TrainError: The degree and the band do not fit each other, or not this target.
    """
    band = None if settings.abstain is None else list(settings.abstain)
    document = {
        "automation": {"degree": settings.degree or UNSAID, "abstain": band},
        "capture": {"share": 1.0},
        "outputs": {"probabilities": None if classes is None else "probabilities", "scores": None},
        "classes": classes,
        "targets": None,
        "threshold": None if band is None else {"value": band[0]},  # inside: the model's own is not known yet
    }
    try:
        read_automation(document)
    except AutomationError as error:
        raise TrainError(f"[automation]: {error.rule}.", error.got, error.remedy) from None


def unlikely_band(settings: AutomationSettings, costs: CostSettings) -> str | None:
    """Return a warning where the costs ask for a threshold outside the band; None where they do not, or none is told.

    Of probabilities that are right, p is worth answering positive from p · false_negative = (1 - p) · false_positive on
    (Elkan 2001, The Foundations of Cost-Sensitive Learning).
    """
    too_positive, too_negative = costs.false_positive, costs.false_negative
    if settings.abstain is None or too_positive is None or too_negative is None or not too_positive + too_negative:
        return None
    asked, (low, high) = too_positive / (too_positive + too_negative), settings.abstain
    if low <= asked <= high:
        return None
    band = f"the abstain band in [automation] is {low:g} to {high:g}"
    return f"The costs ask for a threshold near {asked:.2g}, and {band}: change one of them."


def outside_band(settings: AutomationSettings, threshold: float | None) -> str | None:
    """Return why the chosen threshold does not fit the abstain band, None where it does or where there is none."""
    if settings.abstain is None or threshold is None:
        return None
    low, high = settings.abstain
    if low <= threshold <= high:
        return None
    return (
        f"The abstain band must hold the threshold, where the model is in doubt. Got: {low:g} to {high:g}, and the "
        f"threshold {threshold:g}. Widen abstain in [automation], or change [costs]; `selfsame export` refuses this "
        "run unless --automation says otherwise."
    )
