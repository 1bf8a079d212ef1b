"""JSON schemas of a model's requests and answers, made of its contract."""

from collections.abc import Sequence
from math import nextafter
from typing import Any

from lambda_handler.answer import Form, Target
from lambda_handler.contract import SAFE_INTEGER, Contract, Feature
from lambda_handler.explain import FEWEST_SAMPLES, MOST_ANSWERS, MOST_SAMPLES, MOST_SEED, SAMPLES
from lambda_handler.page import MOST_CAPTURES, SLACK
from lambda_handler.problem import MAX_ERRORS, MAX_ROWS
from lambda_handler.ranking import Ranking
from lambda_handler.tensors import PACKED
from lambda_handler.value import FLOAT32_LIMIT

# The largest numbers that round to a finite one: what the handler takes. A validator may read them as exact decimals.
FLOAT_LIMITS: dict[str, float] = {"float64": 2**1024 - 2**970 - 1, "float32": nextafter(FLOAT32_LIMIT, 0.0)}
LONG = 2**63
PLAIN = "^[^\\u0000]*$"  # Unicode text without NUL
WARNINGS = ("out_of_range", "unseen", "fraction", "imputed")

Schema = dict[str, Any]


def schemas_of(contract: Contract) -> dict[str, Schema]:
    """The schemas that the document's `components` hold, by name."""
    return {
        "Row": row_schema(contract),
        "Rows": {
            "type": "object",
            "properties": {
                "rows": {"type": "array", "minItems": 1, "maxItems": MAX_ROWS, "items": reference("Row")},
                "explain": _option(),
            },
            "required": ["rows"],
            "additionalProperties": False,
        },
        "Prediction": _prediction(contract),
        "Answer": closed(
            {
                "predictions": {"type": "array", "items": reference("Prediction")},
                "model": reference("Model"),
                "request_id": {"type": ["string", "null"]},
            }
        ),
        "Model": closed({name: {"type": "string"} for name in ("name", "version", "sha256")}),
        "Warning": closed(
            {
                "feature": {"type": "string"},
                "kind": {"enum": list(WARNINGS)},
                "message": {"type": "string"},
            }
        ),
        "Feedback": _feedback(contract),
        "Problem": _problem(),
    }


def reference(name: str) -> Schema:
    """A schema that stands among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Schema) -> Schema:
    """An object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def row_schema(contract: Contract) -> Schema:
    """One row: every feature, none beside them."""
    return closed({feature.name: _value(feature, contract.missing_code) for feature in contract.features})


def _value(feature: Feature, missing_code: str) -> Schema:
    schema = _kind(feature, missing_code)
    if feature.unseen == "rejected":
        schema = {"enum": list(feature.categories or ())}
    if feature.missing == "allowed" and feature.dtype not in {"int64", "bool"}:
        schema = {"anyOf": [schema, {"type": "null"}]}
    told = [feature.description, f"In {feature.unit}." if feature.unit else None]
    if feature.range is not None:
        told.append(f"Training values: {feature.range[0]!r} to {feature.range[1]!r}.")
    if feature.unseen == "allowed":
        told.append("Other texts than the training values are answered with a warning.")
    text = " ".join(part for part in told if part)
    examples: list[Any] = [feature.example, *(feature.categories or ())[:5]]
    unique = [each for index, each in enumerate(examples) if each not in examples[:index]]
    return schema | ({"description": text} if text else {}) | {"examples": unique}


def _kind(feature: Feature, missing_code: str) -> Schema:
    if feature.type == "boolean":
        return {"type": "boolean"}
    if feature.type in {"category", "text"}:
        return {"type": "string", "pattern": PLAIN, "not": {"const": missing_code}}
    low: float = -FLOAT_LIMITS.get(feature.dtype, LONG)
    high: float = FLOAT_LIMITS.get(feature.dtype, LONG - 1)
    if feature.type == "integer" and feature.dtype != "int64":
        low, high = -SAFE_INTEGER, SAFE_INTEGER
    if feature.accepts is not None:
        low, high = max(low, feature.accepts[0]), min(high, feature.accepts[1])
    return {"type": "integer" if feature.type == "integer" else "number", "minimum": low, "maximum": high}


def capture_schema(contract: Contract) -> Schema:
    """Answers of a page: of each row every loggable feature; others of the contract are dropped unread."""
    row = row_schema(contract)
    loggable = {feature.name for feature in contract.features if feature.loggable}
    values = {name: schema if name in loggable else {} for name, schema in row["properties"].items()}
    row |= {"properties": values, "required": sorted(loggable)}
    entry = closed({"row": row, "answer": closed(_answer(contract.form))})
    captures = {"type": "array", "minItems": 1, "maxItems": MOST_CAPTURES, "items": entry}
    return closed({"model": {"const": contract.model_sha256}, "captures": captures})


def tensors_schema(contract: Contract) -> Schema:
    """A request of the inference protocol: one input for each feature."""
    shape = {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": MAX_ROWS},
        "minItems": 1,
        "maxItems": 2,
    }
    tensor = {
        "type": "object",
        "properties": {
            "name": {"enum": [feature.name for feature in contract.features]},
            "shape": shape,
            "datatype": {"enum": [*PACKED, "BYTES"]},
            "data": {"type": "array", "maxItems": MAX_ROWS},
            "parameters": {"type": "object"},
        },
        "required": ["name", "shape", "datatype"],
    }
    count = len(contract.features)
    output = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    return {
        "type": "object",
        "properties": {
            "inputs": {"type": "array", "minItems": count, "maxItems": count, "items": tensor},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": output},
            "parameters": {"type": "object"},
        },
        "required": ["inputs"],
    }


def _prediction(contract: Contract) -> Schema:
    """A prediction under every degree of automation: what a degree withholds is not required."""
    answer = _answer(contract.form)
    decisions: Schema = {}
    if not contract.form.several and contract.form.ranking is None:
        label = answer.get("label", {"type": "number"})
        decisions = {"decision": {"anyOf": [label, {"const": "refer"}]}, "suggestion": label}
    beside: Schema = {
        **decisions,
        "threshold": {"type": "number"},
        "status": {"enum": ["shadow", "suggestion"]},
        "warnings": {"type": "array", "items": reference("Warning")},
        "id": {"type": "string"},
        "model": {"type": "string"},
        "explanation": _explanation(contract),
    }
    schema = closed({**answer, **beside})
    return {**schema, "required": ["warnings", "id", "model"]}


def _answer(form: Form) -> Schema:
    """The properties of an answer."""
    if form.ranking is not None:
        return {"items": _items(form.ranking)}
    if not form.several:
        ends: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return _part(form.targets[0], form.numbers) | ({} if form.interval is None else {"interval": ends})
    return {"targets": closed({str(target.name): closed(_part(target, form.numbers)) for target in form.targets})}


def _items(ranking: Ranking) -> Schema:
    """A ranking: from the best item on."""
    score: Schema = {"type": "number", "minimum": 0, "maximum": FLOAT_LIMITS["float64"]}
    item = closed({"id": {"enum": ranking.ids}, "score": score})
    return {"type": "array", "maxItems": ranking.top, "items": item}


def _part(target: Target, numbers: str | None) -> Schema:
    """One target's label and numbers."""
    part: Schema = {"label": {"enum": target.classes}} if target.classes else {}
    limit = FLOAT_LIMITS["float64"]
    low, high = (-SLACK, 1 + SLACK) if numbers == "probabilities" else (-limit, limit)
    number: Schema = {"type": "number", "minimum": low, "maximum": high}
    if numbers == "value":
        part["value"] = number
    elif numbers is not None:
        part[numbers] = closed(dict.fromkeys(target.keys, number))
    return part


def _option() -> Schema:
    """How to explain."""
    samples = {
        "type": "integer",
        "minimum": FEWEST_SAMPLES,
        "maximum": MOST_SAMPLES,
        "default": SAMPLES,
        "description": "Orders of the features that are drawn for each reference row.",
    }
    seed = {"type": "integer", "minimum": 0, "maximum": MOST_SEED, "default": 0}
    option = {"type": "object", "properties": {"samples": samples, "seed": seed}, "additionalProperties": False}
    limit = f"Explaining may ask the model {MOST_ANSWERS:,} times for one request."
    return {"anyOf": [{"type": "boolean"}, option], "description": f"Whether to tell what each feature adds. {limit}"}


def _explanation(contract: Contract) -> Schema:
    """What each feature adds to an answer's number: that is `base` and the sum of `contributions`."""
    number: Schema = {"type": "number"}
    parts = ("probabilities", "scores", "value", "items", "label")
    part: Schema = {
        "of": closed({"part": {"enum": list(parts)}, "key": {"type": "string"}}),
        "base": number,
        "contributions": closed({feature.name: number for feature in contract.features}),
        "errors": closed({feature.name: {"type": "number", "minimum": 0} for feature in contract.features}),
    }
    how: Schema = {name: {"type": "integer", "minimum": 0} for name in ("references", "samples", "seed")}
    if not contract.form.several:
        return closed({**part, **how})
    return closed({"targets": closed({str(target.name): closed(part) for target in contract.form.targets}), **how})


def _feedback(contract: Contract) -> Schema:
    form = contract.form
    outcomes = [_outcome(target.classes) for target in form.targets]
    outcome = outcomes[0]
    if form.several:
        names = [str(target.name) for target in form.targets]
        properties = dict(zip(names, outcomes, strict=True))
        outcome = {"type": "object", "properties": properties, "minProperties": 1, "additionalProperties": False}
    identity = {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,80}-[0-9]{1,5}$"}
    entry = closed({"id": identity, "outcome": outcome})
    return {
        "anyOf": [entry, closed({"feedback": {"type": "array", "minItems": 1, "maxItems": MAX_ROWS, "items": entry}})]
    }


def _outcome(classes: Sequence[Any]) -> Schema:
    limit = FLOAT_LIMITS["float64"]
    return {"enum": list(classes)} if classes else {"type": "number", "minimum": -limit, "maximum": limit}


def _problem() -> Schema:
    """RFC 9457, with the members that this service adds."""
    error = closed(
        {
            "row": {"type": ["integer", "null"]},
            "feature": {"type": ["string", "null"]},
            "kind": {"type": "string"},
            "reason": {"type": "string"},
        }
    )
    properties = {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "error_count": {"type": "integer", "minimum": 1},
        "errors": {"type": "array", "maxItems": MAX_ERRORS, "items": error},
        "line": {"type": "integer", "minimum": 1},
        "error": {"type": "string"},
    }
    required = ["type", "title", "status", "detail", "request_id"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
