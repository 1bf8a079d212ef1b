"""Tensors of the Open Inference Protocol (version 2), in JSON and in its binary extension."""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from lambda_handler.contract import describe
from lambda_handler.problem import MAX_ROWS, RowsError, TensorError

DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES", "text": "BYTES"}
# As their bytes are packed, always from the lowest byte on; texts have their length before them.
PACKED = {
    "FP64": "d", "FP32": "f", "INT64": "q", "INT32": "i", "INT16": "h", "INT8": "b", "UINT64": "Q", "UINT32": "I",
    "UINT16": "H", "UINT8": "B", "BOOL": "?",
}  # fmt: skip
TEXTS = (None, "str", "np", "pd")  # content types that leave a value what it is


def rows_of_tensors(request: Any, rest: bytes | None) -> list[dict[str, Any]]:
    """The rows that a request's tensors hold, one tensor per feature; the contract is not asked yet.

    Args:
        request: the JSON object of the request.
        rest: the bytes behind it, where the request is binary; else None.

    Raises:
        TensorError: a tensor is not of the protocol's form.
        RowsError: there are more rows than one request may hold.
    """
    inputs = request.get("inputs") if isinstance(request, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise TensorError(
            None, 'A request is an object with a list "inputs"', describe(inputs), "Send a tensor per feature."
        )
    left = memoryview(rest or b"")
    columns: dict[str, list[Any]] = {}
    for tensor in inputs:
        name, values, left = _values(tensor, left)
        if name in columns:
            raise TensorError(name, "Each input stands once", "it twice", "Leave one out.")
        columns[name] = values
    if len(left):
        got = f"{len(left):,} bytes more"
        raise TensorError(None, "The bytes behind the JSON belong to the inputs", got, "Send binary_data_size of each.")
    lengths = {name: len(values) for name, values in columns.items()}
    if len({*lengths.values()}) > 1:
        got = ", ".join(f"{name[:40]}: {length:,}" for name, length in list(lengths.items())[:5])
        raise TensorError(None, "All inputs have as many rows", got, "Send one value per row of each.")
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    if not rows:
        raise TensorError(None, "A request must hold at least one row", "none", "Send shapes of [1] or more.")
    return rows


def _values(tensor: Any, left: memoryview) -> tuple[str, list[Any], memoryview]:
    """One input's name and values, and the bytes behind its own."""
    name = tensor.get("name") if isinstance(tensor, dict) else None
    if not isinstance(name, str):
        raise TensorError(None, "An input is an object with a name", describe(tensor), "Name the feature.")
    datatype, parameters = tensor.get("datatype"), tensor.get("parameters", {})
    if datatype != "BYTES" and datatype not in (PACKED if isinstance(datatype, str) else ()):
        rule = f"A datatype is one of {', '.join(PACKED)} or BYTES"
        raise TensorError(name, rule, describe(datatype), "See GET /v2/models/NAME for the model's own.")
    if not isinstance(parameters, dict) or parameters.get("content_type") not in TEXTS:
        got = describe(parameters.get("content_type") if isinstance(parameters, dict) else parameters)
        raise TensorError(name, "An input's content_type is str, np or pd", got, "Send the values as they are.")
    if any(key.startswith("shared_memory") for key in parameters):
        raise TensorError(name, "There is no shared memory", "a region of it", "Send the values.")
    rows = _rows(name, tensor.get("shape"))
    size = parameters.get("binary_data_size")
    if size is None:
        return name, _listed(name, datatype, rows, tensor.get("data")), left
    if type(size) is not int or not 0 <= size <= len(left) or "data" in tensor:
        rule = "binary_data_size is how many bytes behind the JSON are the input's, in place of data"
        raise TensorError(name, rule, f"{describe(size)} of {len(left):,} bytes", "Send them, and the header "
                          "inference-header-content-length.")  # fmt: skip
    return name, _unpacked(name, datatype, rows, left[:size]), left[size:]


def _rows(name: str, shape: Any) -> int:
    whole = isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape)
    if not whole or not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        got = f"the shape {shape}"[:60] if whole else describe(shape)
        raise TensorError(name, "An input has the shape [rows] or [rows, 1]", got, "Send one tensor per feature.")
    rows: int = shape[0]
    if rows > MAX_ROWS:
        raise RowsError(rows)
    return rows


def _listed(name: str, datatype: str, rows: int, data: Any) -> list[Any]:
    """Values that stand in the JSON, flat or each in a list of its own; null is a missing value."""
    if not isinstance(data, list) or len(data) != rows:
        got = f"{len(data):,} of {rows:,}" if isinstance(data, list) else describe(data)
        raise TensorError(name, "The data is a list with one value per row", got, "Send as many as the shape says.")
    flat = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]
    if datatype != "FP32":
        return flat
    try:
        return [value if value is None else struct.unpack("<f", struct.pack("<f", value))[0] for value in flat]
    except (struct.error, OverflowError):
        raise TensorError(name, "FP32 data is 32-bit numbers", "others among them", "Send them as FP64.") from None


def _unpacked(name: str, datatype: str, rows: int, raw: memoryview) -> list[Any]:
    """Values behind the JSON."""
    if datatype == "BYTES":
        try:
            values: list[Any] = list(_texts(raw))
        except (struct.error, UnicodeDecodeError):
            values = []
    else:
        code = PACKED[datatype]
        fits = len(raw) == rows * struct.calcsize(f"<{code}")
        values = list(struct.unpack(f"<{rows}{code}", raw)) if fits else []
    if len(values) != rows:
        rule = f"Binary data of {datatype} holds one value per row; texts are UTF-8 with their length before them"
        raise TensorError(name, rule, f"{len(raw):,} bytes for {rows:,} rows", "Send as many as the shape says.")
    return values


def _texts(raw: memoryview) -> Iterator[str]:
    start = 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        if start + 4 + length > len(raw):
            raise struct.error
        yield str(raw[start + 4 : start + 4 + length], "utf-8")
        start += 4 + length


def pack_values(datatype: str, values: Sequence[Any]) -> bytes:
    """Values as the binary extension sends them: texts for BYTES; a number that is None as NaN."""
    if datatype == "BYTES":
        encoded = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(each)) + each for each in encoded)
    numbers = [math.nan if value is None else value for value in values]
    return struct.pack(f"<{len(values)}{PACKED[datatype]}", *numbers)


def datatype_of(values: Sequence[Any]) -> str:
    """The datatype that holds all of the values as they are: BYTES where none does."""
    kinds = {*map(type, values)}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return "INT64"
    return "FP64" if kinds == {float} else "BYTES"
