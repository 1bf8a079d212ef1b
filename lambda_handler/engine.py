"""What runs a bundle's model: onnxruntime through its C ABI, or through its Python binding (standard library only)."""

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

from lambda_handler.contract import Contract

ENGINES = ("capi", "binding")
VARIABLE = "SELFSAME_ENGINE"


class EngineError(RuntimeError):
    """An engine that cannot be had, or a run that onnxruntime refused: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str) -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


class Numbers(Protocol):
    """Numbers in a row: an `array.array` or a NumPy array."""

    def tolist(self) -> list[Any]:
        """The numbers as Python's own."""


class Engine(Protocol):
    """One model, ready to run. Threads may call it at the same time."""

    def run(self, columns: Sequence[Any], rows: int) -> Sequence[Numbers]:
        """Run the graph once.

        Args:
            columns: per feature, in contract order, `rows` graph values: a list, or a NumPy array of the contract's
                dtype (strings as objects).
            rows: at least 1.

        Returns:
            Per output of the contract's form, in its order, the numbers row after row: int64 labels, float64 numbers.
        """


def make_engine(contract: Contract, model: bytes, *, threads: int = 1, name: str | None = None) -> Engine:
    """Make a model ready to run: the one place where a bundle's session is made.

    Args:
        contract: names the graph's inputs and outputs.
        model: the bytes of model.onnx.
        threads: of the session.
        name: "capi" or "binding"; None = what the environment variable SELFSAME_ENGINE says, else "capi" where
            onnxruntime's shared library is installed, else "binding".

    Raises:
        EngineError: there is no such engine, it is not installed, or onnxruntime refuses the model.
    """
    chosen = name or os.environ.get(VARIABLE) or ("capi" if library() else "binding")
    if chosen not in ENGINES:
        rule = f"The engine is one of {', '.join(ENGINES)}"
        raise EngineError(rule, f"got {chosen!r}", f"Name one of these, or leave {VARIABLE} empty.")
    if chosen == "binding":
        try:
            from lambda_handler.binding import Binding
        except ModuleNotFoundError as error:
            rule = "The engine binding needs NumPy and onnxruntime's Python package"
            raise EngineError(rule, str(error), f"Install them, or leave {VARIABLE} empty.") from error
        return Binding(contract, model, threads)
    from lambda_handler.session import Session

    path = library()
    if path is None:
        rule = "The engine capi needs onnxruntime's shared library, libonnxruntime.so"
        raise EngineError(rule, "it is not installed", f"Install onnxruntime's wheel, or set {VARIABLE}=binding.")
    return Session(path, contract, model, threads)


@cache
def library() -> str | None:
    """Where onnxruntime's wheel put its shared library; found without importing the package. None: nowhere."""
    spec = find_spec("onnxruntime")
    for folder in (spec and spec.submodule_search_locations) or ():
        inside = os.path.join(folder, "capi")
        for name in sorted(os.listdir(inside) if os.path.isdir(inside) else ()):
            if name.startswith("libonnxruntime.so"):
                return os.path.join(inside, name)
    return None
