"""onnxruntime through its C ABI: ctypes alone, without NumPy and without onnxruntime's Python package.

The places of the functions and their arguments are those of `OrtApi` in onnxruntime_c_api.h. All of them belong to the
interface's versions 1 to 5, whose 150 places never move: onnxruntime's own build asserts that. Every status is checked
and released. `lambda_handler.session` runs models with it.
"""

import os
from collections.abc import Callable
from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from types import SimpleNamespace
from typing import Any

from lambda_handler.engine import EngineError

API_VERSION = 31  # of the pinned onnxruntime: a library of an older one is refused
SILENT = 4  # onnxruntime logs fatal errors only: others are raised, and their text may quote a request

_MAKES = POINTER(c_void_p)
_COUNTS = POINTER(c_size_t)
# name: place in OrtApi, arguments; each returns a status
STATUS: dict[str, tuple[int, list[Any]]] = {
    "CreateEnv": (3, [c_int, c_char_p, _MAKES]),
    "DisableTelemetryEvents": (6, [c_void_p]),
    "CreateSessionFromArray": (8, [c_void_p, c_char_p, c_size_t, c_void_p, _MAKES]),
    "Run": (9, [c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p]),
    "CreateSessionOptions": (10, [_MAKES]),
    "SetIntraOpNumThreads": (24, [c_void_p, c_int]),
    "SetInterOpNumThreads": (25, [c_void_p, c_int]),
    "CreateTensorAsOrtValue": (48, [c_void_p, c_void_p, c_size_t, c_int, c_void_p]),
    "GetTensorMutableData": (51, [c_void_p, _MAKES]),
    "FillStringTensor": (52, [c_void_p, c_void_p, c_size_t]),
    "GetTensorElementType": (60, [c_void_p, POINTER(c_int)]),
    "GetDimensionsCount": (61, [c_void_p, _COUNTS]),
    "GetDimensions": (62, [c_void_p, c_void_p, c_size_t]),
    "GetTensorShapeElementCount": (64, [c_void_p, _COUNTS]),
    "GetTensorTypeAndShape": (65, [c_void_p, _MAKES]),
    "GetAllocatorWithDefaultOptions": (78, [_MAKES]),
    "FillStringTensorElement": (129, [c_void_p, c_char_p, c_size_t]),
}
ERROR_MESSAGE = 2
RELEASE = {"Status": 93, "Session": 95, "Value": 96, "TensorTypeAndShapeInfo": 99, "SessionOptions": 100}
PLACES = 150


class _Base(Structure):
    _fields_ = (("get_api", CFUNCTYPE(c_void_p, c_uint32)), ("get_version", CFUNCTYPE(c_char_p)))


class Api:
    """onnxruntime's functions, with its process-wide environment and allocator; neither is ever released.

    Attributes:
        call: the functions of `STATUS`; each raises `EngineError` when onnxruntime reports no success.
        release: the functions of `RELEASE`, by what they release.
        version: onnxruntime's, such as "1.31.1".
        environment: holds the logger; nothing is sent anywhere.
        allocator: of memory for tensors.
    """

    def __init__(self, path: str) -> None:
        try:
            dll = CDLL(path)
        except OSError as error:
            rule = "The engine capi needs onnxruntime's shared library for this machine"
            raise EngineError(rule, str(error), "Install onnxruntime's wheel for it.") from error
        dll.OrtGetApiBase.restype = POINTER(_Base)
        base = dll.OrtGetApiBase().contents
        self.version: str = base.get_version().decode()
        found = base.get_api(API_VERSION)
        if not found:
            rule = f"The engine capi is made for version {API_VERSION} of onnxruntime's C interface"
            got = f"{os.path.basename(path)} is onnxruntime {self.version}"
            raise EngineError(rule, got, "Install the pinned onnxruntime.")
        table = (c_size_t * PLACES).from_address(found)
        message = CFUNCTYPE(c_char_p, c_void_p)(table[ERROR_MESSAGE])
        self.release = SimpleNamespace(
            **{name: CFUNCTYPE(None, c_void_p)(table[place]) for name, place in RELEASE.items()}
        )

        def check(status: int | None, function: object, arguments: object) -> None:  # noqa: ARG001 - ctypes' errcheck
            if status:
                text = message(status).decode(errors="replace")
                self.release.Status(status)
                raise EngineError("onnxruntime must accept the model and its inputs", text, "Run `selfsame verify`.")

        self.call = SimpleNamespace()
        for name, (place, arguments) in STATUS.items():
            function = CFUNCTYPE(c_void_p, *arguments)(table[place])
            function.errcheck = check  # type: ignore[assignment] # the stubs want the result's type of one function
            setattr(self.call, name, function)
        self.environment = made(self.call.CreateEnv, SILENT, b"selfsame")
        self.call.DisableTelemetryEvents(self.environment)
        self.allocator = made(self.call.GetAllocatorWithDefaultOptions)


def made(function: Callable[..., Any], *arguments: object) -> c_void_p:
    """What a function gives through its last argument."""
    result = c_void_p()
    function(*arguments, byref(result))
    return result


@cache
def load(path: str) -> Api:
    """Open onnxruntime's library, once per process.

    Raises:
        EngineError: it is no shared library of this machine, or of a version that lacks this interface.
    """
    return Api(path)
