"""How far arrays of numbers stand apart: in float64 steps, and against a contract's tolerance."""

import numpy as np
import numpy.typing as npt

from lambda_handler.contract import Contract
from lambda_handler.golden import NEVER


def ulp_distance(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """`lambda_handler.golden.ulp_distance`, elementwise."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    first, second = _order(x), _order(y)
    apart = np.maximum(first, second) - np.minimum(first, second)
    nan_x, nan_y = np.isnan(x), np.isnan(y)
    return np.where(nan_x | nan_y, np.where(nan_x & nan_y, np.uint64(0), np.uint64(NEVER)), apart)


def _order(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Number the float64 values in their order: neighbours are one apart, both zeros are 2**63."""
    bits = np.ascontiguousarray(values).reshape(values.shape).view(np.uint64)
    middle = np.uint64(2**63)
    with np.errstate(over="ignore"):
        return np.where(bits >= middle, middle - (bits - middle), middle + bits)


def within(
    contract: Contract, recorded: npt.NDArray[np.float64], got: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which numbers are no further away than max(absolute, relative * |recorded|), both of shape (..., n_numbers)."""
    allowed = np.maximum(contract.form.absolute, contract.tolerance["relative"] * np.abs(recorded))
    inside: npt.NDArray[np.bool_] = np.abs(recorded - got) <= allowed
    return inside
