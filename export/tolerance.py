"""The class of an export: identical, or rounding and by how much."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from export.distance import ulp_distance
from export.evidence import Evidence
from export.frame import take
from export.shake import LOOSE, operators
from lambda_handler.answer import Form
from lambda_handler.predictor import Predictor

ROUNDING = 1e-12  # of the output's scale: the most that counts as float64 arithmetic in another order
IDENTICAL = {"class": "identical", "absolute": 0.0, "relative": 0.0}


def rounding_of(evidence: Evidence, form: Form) -> dict[str, Any]:
    """The tolerance of *rounding*: by the size of the original's answers to rows of the training table."""
    real = evidence.real[1]
    numbers = np.abs(real.numbers[real.accepted])
    scales = [1.0 if form.numbers == "probabilities" else _largest(numbers[:, t.start : t.end]) for t in form.targets]
    absolute = [ROUNDING * scale for scale in scales]
    return {
        "class": "rounding",
        "absolute": absolute if form.several and form.numbers == "value" else max(absolute),
        "relative": ROUNDING,
    }


def class_of(evidence: Evidence, predictor: Predictor) -> dict[str, Any]:
    """The contract's tolerance.

    It is `identical` where no accepted row differs and no operator rounds otherwise in another runtime, and where there
    are labels alone; else `rounding`. Whether each row keeps to it is not judged here but by `certify`.

    Args:
        evidence: from `settle`.
        predictor: with the tolerance of *rounding*.
    """
    identical = not predictor.contract.form.width or not operators(_graph(predictor)) & LOOSE
    pairs = [(evidence.strata[name], evidence.answers[name]) for name in evidence.strata]
    pairs += [evidence.unstored, evidence.real]
    for values, answers in pairs:
        accepted = np.flatnonzero(answers.accepted & ~answers.jumps)
        if len(accepted):
            numbers = predictor.run(take(values, accepted))[1]
            identical = identical and not ulp_distance(answers.numbers[accepted], numbers).any()
    return IDENTICAL if identical else dict(predictor.contract.tolerance)


def _graph(predictor: Predictor) -> onnx.GraphProto:
    return onnx.load_from_string(predictor.bundle.model).graph


def _largest(sizes: npt.NDArray[np.float64]) -> float:
    return float(sizes.max(initial=0.0))
