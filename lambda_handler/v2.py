"""The Open Inference Protocol, version 2: metadata and rows as tensors, for clients of KServe, MLServer and Triton."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_handler.answer import Form, Target
from lambda_handler.contract import Contract, describe
from lambda_handler.media import takes_gzip
from lambda_handler.problem import Response, TensorError, encode_json
from lambda_handler.reply import GZIP_FROM, pack, respond, send_bytes
from lambda_handler.request import Event, header, read_bytes, read_text
from lambda_handler.service import Service, Source
from lambda_handler.strict_json import decode_json
from lambda_handler.table import ANSWER_KEYS
from lambda_handler.tensors import DATATYPES, datatype_of, pack_values, rows_of_tensors
from lambda_handler.text import write_cell

LENGTH = "inference-header-content-length"  # of the JSON, where bytes stand behind it
Output = tuple[str, list[int], list[Any]]  # datatype, shape, values


def server_metadata() -> dict[str, Any]:
    """What `GET /v2` says."""
    return {"name": "selfsame", "version": "2", "extensions": ["binary_tensor_data"]}


def model_metadata(contract: Contract) -> dict[str, Any]:
    """What `GET /v2/models/NAME` says: one input per feature, and the outputs of which the answer is made."""
    inputs = [
        {"name": feature.name, "datatype": DATATYPES[feature.type], "shape": [-1]} for feature in contract.features
    ]
    outputs = []
    for target in contract.form.targets:
        for name, (datatype, _, width) in _parts(contract.form, target).items():
            outputs.append({"name": name, "datatype": datatype, "shape": [-1, *width]})
    return {
        "name": contract.name, "versions": [contract.version], "platform": "onnxruntime_onnx", "inputs": inputs,
        "outputs": outputs,
    }  # fmt: skip


def infer(event: Event, service: Service, request_id: str | None) -> Response:
    """Answer an inference request.

    Raises:
        RequestError: it is not of the protocol's form.
        ContractError: a row breaks the contract.
    """
    contract = service.predictor.contract
    request, rest = _read(event)
    rows = rows_of_tensors(request, rest)
    wanted, identity = _wanted(request), request.get("id", request_id)
    if "id" in request and not isinstance(identity, str):
        raise TensorError(None, "An id is a text", describe(identity), "Leave it out to get the request's own.")
    predictions, beside = service.respond(rows, Source("infer", request_id))
    found = _outputs(contract.form, predictions)
    unknown = [name for name in wanted or () if name not in found]
    if unknown:
        rule = f"The outputs are {', '.join(found)}"
        raise TensorError(unknown[0][:80], rule, repr(unknown[0][:80]), "Ask for these, or for none to get all.")
    everything = _binary(request.get("parameters", {}), "binary_data_output")
    asked = dict.fromkeys(found, everything) if wanted is None else {
        name: everything if binary is None else binary for name, binary in wanted.items()
    }  # fmt: skip
    head = {"model_name": contract.name, "model_version": contract.version, "id": identity}
    told = {name: value for name, value in beside.items() if isinstance(value, str)}
    return _response(event, {**head, "parameters": told}, {name: found[name] for name in asked}, asked)


def _read(event: Event) -> tuple[Any, bytes | None]:
    """The request's JSON, and the bytes behind it where it is binary."""
    length = header(event, LENGTH)
    if not length:
        return decode_json(read_text(event)), None
    raw = read_bytes(event)
    if not (length.isascii() and length.isdecimal()) or int(length[:20]) > len(raw):
        rule, got = f"{LENGTH} is the length of the JSON in bytes", f"{length[:20]!r} of {len(raw):,}"
        raise TensorError(None, rule, got, "Leave the header out where all is JSON.")
    text = raw[: int(length)].decode("utf-8", "surrogateescape")
    return decode_json(text), raw[int(length) :]


def _wanted(request: Mapping[str, Any]) -> dict[str, bool | None] | None:
    """The outputs asked for and whether as bytes, where that is told; None for all."""
    outputs = request.get("outputs", [])
    if outputs == []:
        return None
    if not isinstance(outputs, list) or not all(
        isinstance(each, dict) and isinstance(each.get("name"), str) for each in outputs
    ):
        raise TensorError(None, '"outputs" is a list of objects with a name', describe(outputs), "Name outputs.")
    wanted: dict[str, bool | None] = {}
    for each in outputs:
        parameters = each.get("parameters", {})
        told = _binary(parameters, "binary_data")
        if "classification" in parameters:
            remedy = "Ask for label or probabilities."
            raise TensorError(each["name"][:80], "There is no classification extension", "classification", remedy)
        wanted[each["name"]] = told if "binary_data" in parameters else None
    return wanted


def _binary(parameters: Any, name: str) -> bool:
    if not isinstance(parameters, dict):
        raise TensorError(None, "Parameters are an object", describe(parameters), "Leave them out.")
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise TensorError(None, f"{name} is true or false", describe(value), "Leave it out to get JSON.")
    return value


def _outputs(form: Form, predictions: Sequence[Mapping[str, Any]]) -> dict[str, Output]:
    """Predictions as tensors by name.

    Of a row whose answer is withheld the numbers are None; labels are left out where a row has none, since the
    decisions tell them.
    """
    found: dict[str, Output] = {}
    for target in form.targets:
        parts = [each.get("targets", {}).get(target.name, {}) if form.several else each for each in predictions]
        for name, (datatype, key, width) in _parts(form, target).items():
            given = [part.get(key) for part in parts]
            if not any(value is not None for value in given) or (key == "label" and None in given):
                continue
            if width:
                told = [_scores(form, numbers) for numbers in given] if key == "items" else given
                given = [number for numbers in told for number in _flat(numbers, width[0])]
            found[name] = (datatype, [len(parts), *width], given)
    for key in dict.fromkeys(key for each in predictions for key in each if key not in ANSWER_KEYS):
        values = [each.get(key) for each in predictions]
        number = key == "threshold"
        found[key] = ("FP64" if number else "BYTES", [len(values)], values if number else list(map(write_cell, values)))
    messages = [" ".join(warning["message"] for warning in each["warnings"]) for each in predictions]
    found["warnings"] = ("BYTES", [len(messages)], messages)
    return found


def _flat(numbers: Any, width: int) -> list[Any]:
    """A row's numbers of one output; None for each where the answer is withheld."""
    if numbers is None:
        return [None] * width
    return list(numbers.values() if isinstance(numbers, dict) else numbers)


def _scores(form: Form, items: Any) -> list[float] | None:
    """A ranking as a score per item, in the contract's order; None where the answer is withheld."""
    return None if items is None or form.ranking is None else form.ranking.scores(items)


def _parts(form: Form, target: Target) -> dict[str, tuple[str, str, list[int]]]:
    """A target's outputs: datatype, the key in its answer, and how many numbers a row has where that is a list."""
    before = "" if target.name is None else f"{target.name}."
    parts: dict[str, tuple[str, str, list[int]]] = {}
    if form.labels and form.ranking is None:
        parts[f"{before}label"] = (datatype_of(target.classes), "label", [])
    if form.numbers is not None:
        width = [] if form.numbers == "value" else [len(target.keys)]
        parts[before + form.numbers] = ("FP64", form.numbers, width)
    if form.interval is not None:
        parts["interval"] = ("FP64", "interval", [2])
    return parts


def _response(
    event: Event, head: dict[str, Any], outputs: Mapping[str, Output], binary: Mapping[str, bool]
) -> Response:
    told, rest = [], b""
    for name, (datatype, shape, values) in outputs.items():
        shown = list(map(write_cell, values)) if datatype == "BYTES" else values
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
        if binary[name]:
            packed = pack_values(datatype, shown)
            output["parameters"] = {"binary_data_size": len(packed)}
            rest += packed
        else:
            output["data"] = shown
        told.append(output)
    text = encode_json({**head, "outputs": told})
    if not any(binary[name] for name in outputs):
        return respond(event, 200, text)
    body = text.encode()
    headers = {"content-type": "application/octet-stream", "cache-control": "no-store", LENGTH: str(len(body))}
    body += rest
    if len(body) >= GZIP_FROM and takes_gzip(header(event, "accept-encoding")):
        return pack(200, body, headers)
    return send_bytes(200, body, headers)
