"""Why too many rows hang on rounding: the step that rounds, the operator, the step that chooses, and the way out."""

from collections.abc import Sequence

from export.errors import ExportError
from export.shake import CHOICES, LOOSE

WORDS = {
    "MatMul": "a matrix product", "Gemm": "a matrix product", "ReduceSum": "a sum", "ReduceMean": "a mean",
    "Exp": "exp", "Log": "log", "Pow": "a power", "Sigmoid": "a sigmoid", "Softmax": "a softmax", "Tanh": "tanh",
    "Sin": "sin", "Cos": "cos",
}  # fmt: skip


def refusal(nodes: Sequence[tuple[str, str]], some: int, rows: int) -> ExportError:
    """The refusal.

    Args:
        nodes: (path of the step, operator) of each node, in the order of writing.
        some: training rows whose answer hangs on rounding.
        rows: training rows that were looked at.
    """
    rounds, operator, chooses = _steps(nodes)
    what = f"{some} of {rows} training rows stand where rounding decides: {rounds} computes {WORDS[operator]}, whose "
    what += "last bits differ between machines, and "
    if chooses == rounds:
        return ExportError(
            what + "then chooses by it",
            "Scale the columns in front of this step (StandardScaler), or round them with "
            'FunctionTransformer(np.round, kw_args={"decimals": 6}), and fit again; or use another estimator for it.',
            step=rounds,
        )
    return ExportError(
        what + f"{chooses} chooses by them",
        f"Put a rounding step behind {rounds} and fit again: "
        'FunctionTransformer(np.round, kw_args={"decimals": 9}, feature_names_out="one-to-one").',
        step=rounds,
    )


def _steps(nodes: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    """The step that rounds in front of the first other one that chooses, its operator, and the one that chooses."""
    choices = [place for place, (_, operator) in enumerate(nodes) if operator in CHOICES]
    for place in choices:
        path = nodes[place][0]
        before = [each for each in nodes[:place] if each[1] in LOOSE and each[0] != path]
        if before:
            return (*before[-1], path)
    path, operator = next(each for each in nodes if each[1] in LOOSE)
    return path, operator, path
