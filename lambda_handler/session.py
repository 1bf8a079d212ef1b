"""A model's session through onnxruntime's C ABI: tensors filled from lists, run, read back, released.

Every object that onnxruntime makes is released, also when a call fails.
"""

import struct
import weakref
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ctypes import (
    addressof,
    byref,
    c_bool,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int64,
    c_size_t,
    c_void_p,
    memmove,
    string_at,
)
from math import prod
from typing import Any

from lambda_handler.capi import Api, load, made
from lambda_handler.contract import Contract
from lambda_handler.engine import EngineError

MOST_SPARE_TEXT = 1024  # bytes of one row's texts beyond which its tensors are not kept: they keep their longest text

UNWRITTEN = b"\xff" * 8  # as a float64 a NaN that no arithmetic gives, as an int64 -1, which is no label

POINTER = struct.Struct("P")
INT64, STRING, DOUBLE = 7, 8, 11  # ONNXTensorElementDataType
Kind = tuple[int, str, Any, str]
# per dtype of the contract: the tensor's type, its code, one value in memory, its formats as a buffer
KINDS: dict[str, Kind] = {
    "float32": (1, "f", c_float, "f"),
    "int64": (INT64, "q", c_int64, "ql"),
    "string": (STRING, "", None, "O"),
    "bool": (9, "?", c_bool, "?"),
    "float64": (DOUBLE, "d", c_double, "d"),
}


class Session:
    """One model: an `Engine`. onnxruntime copies what it needs of the model's bytes."""

    def __init__(self, path: str, contract: Contract, model: bytes, threads: int = 1) -> None:
        self._api = api = load(path)
        self._kinds = [KINDS[feature.dtype] for feature in contract.features]
        form = contract.form
        self._found = [(INT64, "q", form.labels)] * bool(form.labels) + [(DOUBLE, "d", form.width)] * bool(form.width)
        self._names = _names([feature.input for feature in contract.features])
        self._outputs = _names(form.outputs)
        self._spare: list[_Tensors] = []
        options = made(api.call.CreateSessionOptions)
        try:
            api.call.SetIntraOpNumThreads(options, threads)
            api.call.SetInterOpNumThreads(options, 1)
            self._session = made(api.call.CreateSessionFromArray, api.environment, model, len(model), options)
        finally:
            api.release.SessionOptions(options)
        weakref.finalize(self, api.release.Session, self._session)

    def run(self, columns: Sequence[Any], rows: int) -> "list[array[Any]]":
        """See `Engine.run`. One row's tensors are kept and filled again, by one caller at a time."""
        tensors = self._tensors(rows)
        try:
            tensors.fill(columns)
            found = self._run_again(tensors) if tensors.kept else self._run(tensors, rows)
        except BaseException:
            tensors.release()
            raise
        if rows == 1 and tensors.text <= MOST_SPARE_TEXT:
            self._spare.append(tensors)
        else:
            tensors.release()
        return found

    def _tensors(self, rows: int) -> "_Tensors":
        if rows == 1:
            with suppress(IndexError):
                return self._spare.pop()
        return _Tensors(self._api, self._kinds, len(self._found), rows)

    def _run(self, tensors: "_Tensors", rows: int) -> "list[array[Any]]":
        """Run into outputs that onnxruntime makes; for one row, make outputs like them to keep."""
        handles = (c_void_p * len(self._found))()
        try:
            self._call_run(tensors.inputs, handles)
            found = [self._read(handle, rows, *kind) for handle, kind in zip(handles, self._found, strict=True)]
            if rows == 1:
                tensors.keep(
                    [(kind, self._shape(each)) for each, (kind, _, _) in zip(handles, self._found, strict=True)]
                )
            return found
        finally:
            for handle in handles:
                self._api.release.Value(handle)

    def _run_again(self, tensors: "_Tensors") -> "list[array[Any]]":
        """Run into the kept outputs, whose shape onnxruntime checks."""
        for view, blank in zip(tensors.kept, tensors.blank, strict=True):
            view[:] = blank
        self._call_run(tensors.inputs, tensors.outputs)
        found = []
        for view, (_, code, _) in zip(tensors.kept, self._found, strict=True):
            content = view.tobytes()
            if UNWRITTEN in content and array("q", content).count(-1):
                raise EngineError("onnxruntime must write every output", "it left one as it was", "Report this model.")
            found.append(array(code, content))
        return found

    def _call_run(self, inputs: Any, outputs: Any) -> None:
        self._api.call.Run(
            self._session, None, self._names, inputs, len(self._kinds), self._outputs, len(self._found), outputs
        )

    def _read(self, handle: int | None, rows: int, kind: int, code: str, width: int) -> "array[Any]":
        """The numbers of one output, copied; its type and size are checked first."""
        call, found, count = self._api.call, c_int(), c_size_t()
        info = made(call.GetTensorTypeAndShape, handle)
        try:
            call.GetTensorElementType(info, byref(found))
            call.GetTensorShapeElementCount(info, byref(count))
        finally:
            self._api.release.TensorTypeAndShapeInfo(info)
        if found.value != kind or count.value != rows * width:
            rule = f"An output must hold {width} numbers of type {kind} for each of {rows} rows"
            raise EngineError(rule, f"it holds {count.value} of type {found.value}", "Run `selfsame export` again.")
        return array(code, string_at(made(call.GetTensorMutableData, handle), count.value * 8))

    def _shape(self, handle: int | None) -> list[int]:
        call, count = self._api.call, c_size_t()
        info = made(call.GetTensorTypeAndShape, handle)
        try:
            call.GetDimensionsCount(info, byref(count))
            shape = (c_int64 * count.value)()
            call.GetDimensions(info, shape, count)
        finally:
            self._api.release.TensorTypeAndShapeInfo(info)
        return list(shape)


class _Tensors:
    """The tensors of one run, in onnxruntime's memory: inputs of shape (rows, 1), and outputs that are kept.

    Attributes:
        inputs: handles, one per input.
        outputs: handles, one per output, null until `keep`.
        kept: the bytes of each output; empty until `keep`.
        blank: what each output holds before it is written.
        text: the most bytes that the texts of one filling had.
        release: releases the tensors; also called when this object is collected.
    """

    def __init__(self, api: Api, kinds: Sequence[Kind], outputs: int, rows: int) -> None:
        self._api, self._rows, self.text = api, rows, 0
        self.inputs, self.outputs = (c_void_p * len(kinds))(), (c_void_p * outputs)()
        self.kept: list[memoryview] = []
        self.blank: list[bytes] = []
        self.release = weakref.finalize(self, _release, api.release.Value, self.inputs, self.outputs)
        self._columns: list[tuple[c_void_p, str, memoryview | None, str]] = []
        for position, (kind, code, one, formats) in enumerate(kinds):
            place, first = self._make(self.inputs, position, kind, [rows, 1]), None
            if one is not None:
                place = made(api.call.GetTensorMutableData, place)
                whole = memoryview(one.from_address(place.value)).cast("B")
                first = whole.cast(code)  # type: ignore[call-overload] # the stubs want a literal
            self._columns.append((place, code, first, formats))

    def keep(self, outputs: Sequence[tuple[int, list[int]]]) -> None:
        """Make outputs of these types and shapes, into which later runs write."""
        for position, (kind, shape) in enumerate(outputs):
            handle = self._make(self.outputs, position, kind, shape)
            place = made(self._api.call.GetTensorMutableData, handle)
            self.kept.append(memoryview((c_char * (8 * prod(shape))).from_address(place.value or 0)).cast("B"))
            self.blank.append(UNWRITTEN * prod(shape))

    def _make(self, into: Any, position: int, kind: int, shape: list[int]) -> c_void_p:
        """Make a tensor; its handle is written into the handles at once, so that none is lost."""
        place = c_void_p(addressof(into) + position * 8)
        sizes = (c_int64 * len(shape))(*shape)
        self._api.call.CreateTensorAsOrtValue(self._api.allocator, sizes, len(shape), kind, place)
        return c_void_p(into[position])

    def fill(self, columns: Sequence[Any]) -> None:
        """Write one column into each tensor.

        Raises:
            TypeError: a NumPy array of another dtype, or a value of another type.
            ValueError: not `rows` values, a value of another type or size, or a text with NUL or half a character.
        """
        text = 0
        for (place, code, first, formats), column in zip(self._columns, columns, strict=True):
            if len(column) != self._rows:
                raise ValueError(f"every column must hold {self._rows} values; got {len(column)}")
            if first is None:
                text += self._fill_text(place, column)
            elif self._rows == 1 and isinstance(column, list):
                first[0] = column[0]
            else:
                content = _content(column, code, formats)
                memmove(place, content, len(content))
        self.text = max(self.text, text)

    def _fill_text(self, handle: c_void_p, column: Sequence[str]) -> int:
        """Write a column of texts; how many bytes the different ones have together."""
        if self._rows == 1:
            (text,) = column
            content = text.encode()
            _check_no_nul(content, 0)
            self._api.call.FillStringTensorElement(handle, content, 0)
            return len(content)
        kept, pointers = _pointers(column)
        self._api.call.FillStringTensor(handle, b"".join(map(pointers.__getitem__, column)), self._rows)
        return len(kept)


def _pointers(column: Sequence[str]) -> "tuple[array[int], dict[str, bytes]]":
    """The different texts of a column, each ended by NUL, and the pointer to each as it lies in memory.

    They are few where the column is a category.
    """
    places: dict[str, int] = {}
    content = bytearray()
    for text in set(column):
        places[text] = len(content)
        content += text.encode() + b"\0"
    _check_no_nul(content, len(places))
    kept = array("B", content)
    start, _ = kept.buffer_info()
    return kept, {text: POINTER.pack(start + place) for text, place in places.items()}


def _check_no_nul(content: bytes | bytearray, ends: int) -> None:
    if content.count(0) != ends:
        raise ValueError("a text must not hold NUL: the C interface would end it there")


def _content(column: Any, code: str, formats: str) -> bytes:
    """The values of a column of numbers as they lie in memory."""
    if isinstance(column, list):
        try:
            return struct.pack(f"{len(column)}{code}", *column)
        except struct.error as error:
            raise ValueError(f"a column of format {code} takes such numbers alone; {error}") from error
    view = memoryview(column)
    if view.format is None or view.format not in formats:
        raise TypeError(f"a column must be a list, or an array of format {formats}; got format {view.format}")
    return view.tobytes()


def _release(release: Callable[..., Any], inputs: Iterable[int | None], outputs: Iterable[int | None]) -> None:
    for handle in (*inputs, *outputs):
        release(handle)


def _names(names: Sequence[str]) -> Any:
    return (c_char_p * len(names))(*[name.encode() for name in names])
