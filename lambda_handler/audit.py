"""Look a model file over before a session is made of it (standard library only).

The digests of a bundle say that nobody changed it after the export; they do not say who made it. So a graph may hold
only what this exporter writes: known operators, no data outside the file, no functions, and no sizes that the file's
own bytes do not bear out. The file is walked as protobuf, message by message (onnx.proto of ONNX 1.23 gives the numbers
of the fields); the numbers of tensors and trees are stepped over.
"""

import re
from collections.abc import Iterable, Iterator

OPERATORS = {
    "": frozenset([
        "Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "Ceil", "Clip", "Compress", "Concat", "Cos", "CumSum", "Div",
        "Einsum", "Equal", "Exp", "Expand", "Floor", "Gather", "GatherElements", "GatherND", "Gemm", "Greater",
        "GreaterOrEqual", "Identity", "If", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "Loop", "MatMul", "Max",
        "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceSum", "Relu", "Reshape", "Round", "Scan", "ScatterElements", "Shape", "Sigmoid", "Sign", "Sin", "Size",
        "Slice", "Softmax", "Sqrt", "Squeeze", "StringConcat", "Sub", "Sum", "Tanh", "TfIdfVectorizer", "TopK",
        "Transpose", "Unsqueeze", "Where",
    ]),
    "ai.onnx.ml": frozenset(["LabelEncoder", "TreeEnsemble"]),
    "com.microsoft": frozenset(["Tokenizer"]),
}  # fmt: skip
VERSIONS = {"": (7, 26), "ai.onnx.ml": (1, 5), "com.microsoft": (1, 1)}  # what the runtimes take
IR_VERSIONS = (3, 13)
MOST_BYTES = 200_000_000  # Lambda holds 250 MB unzipped, with the runtime
MOST_NODES = 50_000
MOST_NESTED = 8  # subgraphs inside subgraphs

_VARINT, _LONG, _BYTES, _SHORT = 0, 1, 2, 5
_RUNS = {  # what an attribute's `floats` and `ints` look like, number after number
    0x3D: re.compile(rb"(?:\x3d.{4})++", re.DOTALL),
    0x40: re.compile(rb"(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++"),
}

Field = tuple[int, int, int, int]  # number, wire type, and for bytes the first and the last offset (else value, end)


class AuditError(ValueError):
    """A model that no session may be made of: the rule, what was got, what to do."""

    def __init__(self, rule: str, got: str, remedy: str = "Run `selfsame export` again.") -> None:
        super().__init__(f"{rule}; {got}. {remedy}")


class _Seen:
    """What one walk has found."""

    def __init__(self, data: bytes) -> None:
        self.data, self.nodes = data, 0
        self.inputs: list[str] = []
        self.outputs: list[str] = []


def audit(model: bytes, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Refuse a model that holds anything else than an export writes.

    Args:
        model: the bytes of model.onnx.
        inputs: the names that the contract gives the graph, all of them.
        outputs: the names that the contract reads.

    Raises:
        AuditError: it is no ONNX model, too large, of another opset or IR, holds an unknown operator, functions,
            training steps or data outside the file, or has other inputs and outputs.
    """
    if len(model) > MOST_BYTES:
        raise AuditError(
            f"A model has at most {MOST_BYTES:,} bytes", f"this has {len(model):,}", "Fit a smaller model."
        )
    seen = _Seen(model)
    try:
        _model(seen)
    except (IndexError, UnicodeDecodeError):
        raise AuditError("model.onnx must be an ONNX model", "its bytes end in the middle of a field") from None
    for what, wanted, found in (("inputs", set(inputs), seen.inputs), ("outputs", set(outputs), seen.outputs)):
        apart = wanted ^ set(found) if what == "inputs" else wanted - set(found)
        if apart or len(found) != len(set(found)):
            named = ", ".join(sorted(apart)[:3]) or "one twice"
            raise AuditError(f"The graph's {what} must be those of the contract", f"they differ in {named}")


def _model(seen: _Seen) -> None:
    graphs, versions = 0, {}
    for number, _, start, stop in _fields(seen.data, 0, len(seen.data)):
        if number == 1:
            _check_version("IR", start, IR_VERSIONS)
        elif number == 7:
            graphs += 1
            _graph(seen, start, stop, 0)
        elif number == 8:
            domain, version = _operator_set(seen.data, start, stop)
            versions[domain] = version
        elif number in {20, 25}:
            what = "training steps" if number == 20 else "functions of its own"
            raise AuditError("A model holds one graph and nothing else that runs", f"it has {what}")
    if graphs != 1:
        raise AuditError("model.onnx must be an ONNX model with one graph", f"it has {graphs}")
    if "" not in versions:
        raise AuditError("A model must name its opset", "it names none")
    for domain, version in versions.items():
        if domain not in VERSIONS:
            raise AuditError(f"Operators are of {_names(VERSIONS)}", f"the model imports {domain[:80]!r}")
        _check_version(f"opset of {domain or 'ai.onnx'}", version, VERSIONS[domain])


def _graph(seen: _Seen, start: int, stop: int, depth: int) -> None:
    if depth > MOST_NESTED:
        raise AuditError(f"Graphs stand at most {MOST_NESTED} deep in each other", "these stand deeper")
    for number, _, first, last in _fields(seen.data, start, stop):
        if number == 1:
            _node(seen, first, last, depth)
        elif number == 5:
            _tensor(seen.data, first, last)
        elif number == 15:
            _sparse(seen.data, first, last)
        elif number in {11, 12} and depth == 0:
            (seen.inputs if number == 11 else seen.outputs).append(_text_field(seen.data, first, last, 1))


def _node(seen: _Seen, start: int, stop: int, depth: int) -> None:
    seen.nodes += 1
    if seen.nodes > MOST_NODES:
        raise AuditError(f"A model has at most {MOST_NODES:,} nodes", "this has more", "Fit a smaller model.")
    operator = domain = ""
    for number, _, first, last in _fields(seen.data, start, stop):
        if number == 4:
            operator = _text(seen.data, first, last)
        elif number == 7:
            domain = _text(seen.data, first, last)
        elif number == 5:
            _attribute(seen, first, last, depth)
        elif number == 8 and first != last:
            raise AuditError("A node names no overload", "this model has functions of its own")
    domain = "" if domain == "ai.onnx" else domain
    if operator not in OPERATORS.get(domain, ()):
        name = f"{domain}.{operator}" if domain else operator
        raise AuditError("A model holds only the operators that an export writes", f"it has {name[:80]!r}")


def _attribute(seen: _Seen, start: int, stop: int, depth: int) -> None:
    for number, _, first, last in _fields(seen.data, start, stop):
        if number in {5, 10}:
            _tensor(seen.data, first, last)
        elif number in {6, 11}:
            _graph(seen, first, last, depth + 1)
        elif number in {22, 23}:
            _sparse(seen.data, first, last)


def _tensor(data: bytes, start: int, stop: int) -> None:
    """A tensor's numbers must lie in the file, and be no more than its bytes can hold."""
    elements = 1
    for number, wire, first, last in _fields(data, start, stop):
        if number == 1:
            packed = [first] if wire == _VARINT else list(_varints(data, first, last))
            for size in packed:
                elements *= size
        elif number == 13 or (number == 14 and first != 0):
            raise AuditError("A tensor's data lie in model.onnx itself", "this model reads another file")
    if elements > stop - start:
        got = f"a tensor says {elements:,} numbers in {stop - start:,} bytes"
        raise AuditError("A tensor holds as many numbers as its shape says", got)


def _sparse(_data: bytes, _start: int, _stop: int) -> None:
    raise AuditError("A model holds dense tensors alone", "it has a sparse one")


def _operator_set(data: bytes, start: int, stop: int) -> tuple[str, int]:
    domain, version = "", 0
    for number, _, first, last in _fields(data, start, stop):
        if number == 1:
            domain = _text(data, first, last)
        elif number == 2:
            version = first
    return "" if domain == "ai.onnx" else domain, version


def _check_version(what: str, version: int, between: tuple[int, int]) -> None:
    if not between[0] <= version <= between[1]:
        rule = f"The {what} version must be from {between[0]} to {between[1]}"
        raise AuditError(rule, f"it is {version}", "Upgrade selfsame, or export with this version.")


def _text_field(data: bytes, start: int, stop: int, wanted: int) -> str:
    return next((_text(data, a, b) for number, _, a, b in _fields(data, start, stop) if number == wanted), "")


def _text(data: bytes, start: int, stop: int) -> str:
    return data[start:stop].decode()


def _fields(data: bytes, start: int, stop: int) -> Iterator[Field]:
    """The fields of one message; runs of plain numbers are passed over.

    Raises:
        IndexError: a field reaches beyond the message.
        AuditError: a wire type that protobuf 3 does not have.
    """
    at = start
    while at < stop:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _BYTES:
            size, at = _varint(data, at)
            if size > stop - at:
                raise IndexError
            yield number, wire, at, at + size
            at += size
        elif wire == _VARINT:
            value, at = _varint(data, at)
            yield number, wire, value, at
        elif wire in {_LONG, _SHORT}:
            at += 8 if wire == _LONG else 4
        else:
            raise AuditError("model.onnx must be an ONNX model", f"it has a field of wire type {wire}")
        run = _RUNS[key].match(data, at, stop) if key in _RUNS else None
        at = run.end() if run else at
        if at > stop:
            raise IndexError


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while byte >= 0x80:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise AuditError("model.onnx must be an ONNX model", "it has a number of over ten bytes")
    return value, at + 1


def _varints(data: bytes, at: int, stop: int) -> Iterator[int]:
    while at < stop:
        value, at = _varint(data, at)
        yield value


def _names(domains: Iterable[str]) -> str:
    return ", ".join(domain or "ai.onnx" for domain in domains)
