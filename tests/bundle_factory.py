"""A small bundle in the documented format (docs/bundle.md), made without the exporter.

Its model is written out twice: as an ONNX graph, and as plain Python in `answer_of`, which stands for the original
estimator. Five features cover every type and every rule of the contract.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Task = Literal["classification", "multiclass", "regression", "scores", "labels", "values", "several", "interval"]
Row = Mapping[str, Any]

MISSING_CODE = "\ue000missing"
INCOME_FILL = 30000.0
GRADE_WEIGHTS = {"A": -1.0, "B": 0.25, "C": 1.5}
GRADE_MISSING, GRADE_UNSEEN = 0.75, 0.125
INTERVAL = {"level": 0.9, "kind": "difference", "low": -40.1, "high": 60.3}
HOME_WEIGHTS = {"own": -0.5, "rent": 0.5}
THRESHOLD = 0.4
MULTICLASS_SLOPES = {"high": 1.0, "low": -1.0, "middle": 0.0}
CLASSES: dict[Task, list[Any] | None] = {
    "classification": [0, 1], "multiclass": list(MULTICLASS_SLOPES), "scores": [-1, 1],
    "labels": list(MULTICLASS_SLOPES), "regression": None, "values": None, "several": None, "interval": None,
}  # fmt: skip
TARGETS: dict[Task, list[dict[str, Any]]] = {
    "values": [{"name": "cost", "classes": None}, {"name": "days", "classes": None}],
    "several": [{"name": "late", "classes": [False, True]}, {"name": "size", "classes": list(MULTICLASS_SLOPES)}],
}
NUMBERS: dict[Task, str | None] = {
    "regression": "value",
    "interval": "value",
    "values": "value",
    "scores": "scores",
    "labels": None,
}

FEATURES: list[dict[str, Any]] = [
    {"name": "income", "input": "x0", "type": "number", "dtype": "float64", "unit": "EUR a year",
     "description": "Income before tax", "missing": "allowed", "range": [4000.0, 200000.0], "accepts": None,
     "categories": None, "unseen": None, "whole": True, "loggable": False, "example": 50000.0},
    {"name": "age", "input": "x1", "type": "integer", "dtype": "int64", "unit": "years", "description": None,
     "missing": "rejected", "range": [18, 90], "accepts": [0, 150], "categories": None, "unseen": None,
     "whole": True, "loggable": False, "example": 40},
    {"name": "grade", "input": "x2", "type": "category", "dtype": "string", "unit": None, "description": None,
     "missing": "allowed", "range": None, "accepts": None, "categories": ["A", "B", "C"], "unseen": "allowed",
     "whole": None, "loggable": False, "example": "B"},
    {"name": "home", "input": "x3", "type": "category", "dtype": "string", "unit": None, "description": None,
     "missing": "rejected", "range": None, "accepts": None, "categories": ["own", "rent"], "unseen": "rejected",
     "whole": None, "loggable": False, "example": "own"},
    {"name": "married", "input": "x4", "type": "boolean", "dtype": "bool", "unit": None, "description": None,
     "missing": "rejected", "range": None, "accepts": None, "categories": None, "unseen": None,
     "whole": None, "loggable": False, "example": True},
]  # fmt: skip

EXAMPLE: dict[str, Any] = {feature["name"]: feature["example"] for feature in FEATURES}
GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("recombined", {}),
    ("recombined", {"income": 21000.0, "age": 71, "grade": "C", "home": "rent", "married": False}),
    ("recombined", {"income": 180000.0, "age": 33, "grade": "A", "married": False}),
    ("boundary", {"income": 4000.0, "age": 18, "grade": "A"}),
    ("boundary", {"income": 200000.0, "age": 90, "grade": "C", "home": "rent"}),
    ("special", {"income": -0.0}),
    ("special", {"income": 5e-324}),
    ("special", {"income": 1e18, "age": 0}),
    ("missing", {"income": None}),
    ("missing", {"income": None, "grade": None}),
    ("unseen", {"grade": "Z"}),
    ("unseen", {"grade": "ünsëen \U0001f600"}),
]
REJECTED: list[tuple[dict[str, Any], str, str]] = [
    ({"age": None}, "age", "missing"),
    ({"home": "boat"}, "home", "unseen"),
    ({"grade": MISSING_CODE}, "grade", "reserved"),
    ({"age": 151}, "age", "out_of_bounds"),
]


def score_of(row: Row) -> float:
    """The linear score of one accepted row, in the order of operations that the graph uses."""
    income = INCOME_FILL if row["income"] is None else float(row["income"])
    grade = GRADE_MISSING if row["grade"] is None else GRADE_WEIGHTS.get(row["grade"], GRADE_UNSEEN)
    total = (INCOME_FILL - income) / 40000.0 + (float(row["age"]) - 45.0) / 30.0
    return ((total + grade) + HOME_WEIGHTS[row["home"]]) + (-0.25 if row["married"] else 0.0)


def answer_of(row: Row, task: Task) -> dict[str, Any]:
    """The answer to one accepted row, without warnings."""
    score = score_of(row)
    value = score * 100.0 + 250.0
    positive = 1.0 / (1.0 + math.exp(-score)) if score >= 0 else math.exp(score) / (1.0 + math.exp(score))
    slopes = [score * slope for slope in MULTICLASS_SLOPES.values()]
    weights = [math.exp(each - max(slopes)) for each in slopes]
    shares = [weight / sum(weights) for weight in weights]
    label = list(MULTICLASS_SLOPES)[shares.index(max(shares))]
    late = {"label": positive > 0.5, "probabilities": {"false": 1.0 - positive, "true": positive}}
    size = {"label": label, "probabilities": dict(zip(MULTICLASS_SLOPES, shares, strict=True))}
    answers: dict[Task, dict[str, Any]] = {
        "classification": {
            "label": int(positive >= THRESHOLD),
            "probabilities": {"0": 1.0 - positive, "1": positive},
        },
        "multiclass": size,
        "regression": {"value": value},
        "interval": {"value": value, "interval": [value + INTERVAL["low"], value + INTERVAL["high"]]},
        "scores": {"label": 1 if score > 0.0 else -1, "scores": {"1": score}},
        "labels": {"label": label},
        "values": {"targets": {"cost": {"value": value}, "days": {"value": score * 100.0}}},
        "several": {"targets": {"late": late, "size": size}},
    }
    return answers[task]


def bare(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction of the handler as `Predictor.predict` gives it: without id, model and decision."""
    return {name: value for name, value in prediction.items() if name not in {"id", "model", "decision", "threshold"}}


def folder_in_site(site: Path, name: str) -> Path:
    """Where a site's bundle lies."""
    [path] = [entry["path"] for entry in json.loads((site / "bundles.json").read_text()) if entry["name"] == name]
    return site / path


def constant(name: str, value: Any) -> onnx.TensorProto:
    """A float64 constant of the graph."""
    return numpy_helper.from_array(np.asarray(value, dtype=np.float64), name)


def encoder(source: str, target: str, weights: Mapping[str, float], default: float) -> onnx.NodeProto:
    """Category to weight: strings of shape (rows, 1) to float64 of the same shape."""
    return helper.make_node(
        "LabelEncoder", [source], [target], domain="ai.onnx.ml",
        keys_tensor=helper.make_tensor("keys", TensorProto.STRING, [len(weights)], list[Any](weights)),
        values_tensor=numpy_helper.from_array(np.array(list(weights.values())), "values"),
        default_tensor=numpy_helper.from_array(np.array([default]), "default"),
    )  # fmt: skip


def score_nodes() -> list[onnx.NodeProto]:
    """The nodes from the five inputs to `score`, float64 of shape (rows, 1)."""
    node = helper.make_node
    return [
        node("IsNaN", ["x0"], ["no_income"]),
        node("Where", ["no_income", "fill", "x0"], ["income"]),
        node("Sub", ["fill", "income"], ["income_gap"]),
        node("Div", ["income_gap", "income_scale"], ["income_term"]),
        node("Cast", ["x1"], ["age"], to=TensorProto.DOUBLE),
        node("Sub", ["age", "age_mean"], ["age_gap"]),
        node("Div", ["age_gap", "age_scale"], ["age_term"]),
        encoder("x2", "grade_term", {**GRADE_WEIGHTS, MISSING_CODE: GRADE_MISSING}, GRADE_UNSEEN),
        encoder("x3", "home_term", HOME_WEIGHTS, 0.0),
        node("Where", ["x4", "married_weight", "zero"], ["married_term"]),
        node("Add", ["income_term", "age_term"], ["sum0"]),
        node("Add", ["sum0", "grade_term"], ["sum1"]),
        node("Add", ["sum1", "home_term"], ["sum2"]),
        node("Add", ["sum2", "married_term"], ["score"]),
    ]


def answer_nodes(task: Task) -> list[onnx.NodeProto]:
    """The nodes from `score` to the outputs of the task; `needed` leaves out what the task does not need."""
    node = helper.make_node
    classes = "pair" if task == "classification" else "size"
    answers = {
        "regression": [node("Reshape", ["shifted", "flat"], ["value"])],
        "interval": [node("Reshape", ["shifted", "flat"], ["value"])],
        "values": [node("Concat", ["shifted", "scaled"], ["value"], axis=1)],
        "scores": [
            node("Identity", ["score"], ["scores"]),
            node("Greater", ["score", "zero"], ["above"]),
            node("Reshape", ["above", "flat"], ["above_flat"]),
            node("Cast", ["above_flat"], ["label"], to=TensorProto.INT64),
        ],
        "several": [
            node("Concat", ["pair", "size"], ["probabilities"], axis=1),
            node("ArgMax", ["pair"], ["late_label"], axis=1, keepdims=1),
            node("ArgMax", ["size"], ["size_label"], axis=1, keepdims=1),
            node("Concat", ["late_label", "size_label"], ["label"], axis=1),
        ],
    }.get(task, [
        node("Identity", [classes], ["probabilities"]),
        node("ArgMax", [classes], ["label"], axis=1, keepdims=0),
    ])  # fmt: skip
    return [
        node("Mul", ["score", "hundred"], ["scaled"]),
        node("Add", ["scaled", "base"], ["shifted"]),
        node("Mul", ["score", "slopes"], ["slopes_of_score"]),
        node("Softmax", ["slopes_of_score"], ["size"], axis=1),
        node("Sigmoid", ["score"], ["positive"]),
        node("Sub", ["one", "positive"], ["negative"]),
        node("Concat", ["negative", "positive"], ["pair"], axis=1),
        *answers,
    ]


def needed(nodes: Sequence[onnx.NodeProto], outputs: Sequence[onnx.ValueInfoProto]) -> list[onnx.NodeProto]:
    """The nodes that the outputs need, in their order."""
    wanted, kept = {output.name for output in outputs}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.insert(0, node)
    return kept


def outputs_of(task: Task) -> list[onnx.ValueInfoProto]:
    """The graph's outputs with their shapes."""
    info, targets = helper.make_tensor_value_info, len(TARGETS.get(task, [None]))
    rows = [None, targets] if targets > 1 else [None]
    numbers = NUMBERS.get(task, "probabilities")
    width = {"classification": 2, "multiclass": 3, "several": 5, "scores": 1}.get(task, 0)
    outputs = [] if numbers == "value" else [info("label", TensorProto.INT64, rows)]
    if numbers is not None:
        outputs.append(info(numbers, TensorProto.DOUBLE, rows if numbers == "value" else [None, width]))
    return outputs


def features_of(extra: int) -> list[dict[str, Any]]:
    """The five features and `extra` more numbers, which the model ignores."""
    return FEATURES + [
        {**FEATURES[0], "name": f"{position}thFurtherSquareFootage", "input": f"x{position}"}
        for position in range(len(FEATURES), len(FEATURES) + extra)
    ]


def build_model(task: Task, features: Sequence[Mapping[str, Any]]) -> bytes:
    """The serialised graph: opset 21, ai.onnx.ml 5, IR 10."""
    types = {"float64": TensorProto.DOUBLE, "int64": TensorProto.INT64, "string": TensorProto.STRING,
             "bool": TensorProto.BOOL}  # fmt: skip
    inputs = [helper.make_tensor_value_info(f["input"], types[f["dtype"]], [None, 1]) for f in features]
    constants = [
        constant("fill", INCOME_FILL), constant("income_scale", 40000.0), constant("age_mean", 45.0),
        constant("age_scale", 30.0), constant("married_weight", -0.25), constant("zero", 0.0),
        constant("one", 1.0), constant("hundred", 100.0), constant("base", 250.0),
        constant("slopes", [list(MULTICLASS_SLOPES.values())]),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat"),
    ]  # fmt: skip
    outputs = outputs_of(task)
    nodes = needed([*score_nodes(), *answer_nodes(task)], outputs)
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [c for c in constants if c.name in used])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="selfsame")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def contract_of(name: str, task: Task, features: Sequence[Mapping[str, Any]], model_sha256: str) -> dict[str, Any]:
    """The contract of the tiny model."""
    numbers = NUMBERS.get(task, "probabilities")
    classifies = numbers != "value"
    absolute = [1e-9, 2e-10] if task == "values" else 1e-12 if classifies else 1e-9
    return {
        "format": 2,
        "name": name,
        "version": model_sha256[:12],
        "task": "classification" if classifies else "regression",
        "description": "Says whether a loan is paid back." if classifies else "Says how much a loan costs.",
        "notice": "The applicants are simulated.",
        "target": {"name": "default" if classifies else "cost", "unit": None if classifies else "EUR",
                   "description": None},
        "missing_code": MISSING_CODE,
        "features": list(features),
        "outputs": {"label": "label" if classifies else None}
        | {kind: kind if kind == numbers else None for kind in ("probabilities", "scores", "value")},
        "classes": CLASSES[task],
        "targets": TARGETS.get(task),
        "threshold": {"class": 1, "value": THRESHOLD} if task == "classification" else None,
        "interval": INTERVAL if task == "interval" else None,
        "automation": {"degree": "full", "abstain": None},
        "capture": {"share": 0.0},
        "tolerance": {"class": "rounding", "absolute": absolute, "relative": 1e-12},
        "model_sha256": model_sha256,
    }  # fmt: skip


def golden_lines(task: Task, features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The golden rows; a huge number in an answer is left out, since a rounding tolerance says nothing about it."""
    example = {feature["name"]: feature["example"] for feature in features}
    lines: list[dict[str, Any]] = []
    for stratum, changes in GOLDEN:
        row = {**example, **changes}
        if NUMBERS.get(task) is not None and abs(row["income"] or 0.0) > 1e9:
            continue
        decidable = [True, True] if task == "several" else True
        lines.append({"stratum": stratum, "row": row, "answer": answer_of(row, task), "decidable": decidable})
    for changes, feature, kind in REJECTED:
        rejected = [{"feature": feature, "kind": kind}]
        lines.append({"stratum": "rejected", "row": {**example, **changes}, "rejected": rejected})
    return lines


def parity_of(golden: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A certificate that states what the golden rows hold."""
    strata = []
    for name in dict.fromkeys(line["stratum"] for line in golden):
        rows = sum(line["stratum"] == name for line in golden)
        strata.append({"name": name, "rows": rows, "labels_differ": 0, "outside": 0, "undecidable": 0, "max_ulp": 2,
                       "max_abs": 1.1e-16, "worst_row": None})  # fmt: skip
    counts = {"mutants": 60, "effective": 58, "caught": 57, "caught_stored": 55}
    mutation = {**counts, "kinds": {"threshold": counts}, "survivors": []}
    ways = dict.fromkeys(("alone", "of_2", "of_7", "of_1000", "two_threads", "wasm"), 0)
    batch = {"rows": 500, **ways, "wasm_reason": None}
    return {"format": 2, "effort": "standard", "class": "rounding", "strata": strata, "batch": batch, "reached": {},
            "mutation": mutation}  # fmt: skip


def as_json(value: Any) -> bytes:
    """A JSON file's bytes, without NaN and infinities."""
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def seal(path: Path) -> None:
    """Write manifest.json for the files that lie in the folder; call it again after changing a file on purpose."""
    digests = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.iterdir())
        if file.name != "manifest.json"
    }
    manifest = {"format": 2, "files": digests, "versions": {"onnx": onnx.__version__}, "source": None,
                "data_sha256": None, "seed": 0}  # fmt: skip
    write_manifest(path, manifest)


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json into a bundle, with its own SHA-256 as its last member."""
    head = as_json({name: value for name, value in manifest.items() if name != "sha256"})[: -len("\n}\n")]
    (path / "manifest.json").write_bytes(head + f',\n "sha256": "{hashlib.sha256(head).hexdigest()}"\n}}\n'.encode())


def make_bundle(path: Path, *, name: str = "tiny", task: Task = "classification", extra: int = 0) -> Path:
    """Write a whole bundle into the folder `path`, which is created, and return it.

    `task`: `classification` has the classes 0 and 1 and a threshold of 0.4 on class 1; `multiclass` has three text
    classes and no threshold; `regression` gives a value in EUR, `interval` one with an interval; `scores` has the
    classes -1 and 1 and a score; `labels` has labels alone; `values` and `several` have two targets. `extra`: further
    number features.
    """
    path.mkdir(parents=True)
    features = features_of(extra)
    model = build_model(task, features)
    (path / "model.onnx").write_bytes(model)
    golden = golden_lines(task, features)
    lines = [json.dumps(line, ensure_ascii=False, allow_nan=False) for line in golden]
    (path / "golden.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    contract = contract_of(name, task, features, hashlib.sha256(model).hexdigest())
    (path / "contract.json").write_bytes(as_json(contract))
    (path / "parity.json").write_bytes(as_json(parity_of(golden)))
    answers = {"missing": 0, "edges": [50.0, 400.0] if NUMBERS.get(task) else [0.0, 1.0], "counts": [100]}
    reference = {"format": 2, "rows": 100, "target": contract["target"], "answers": answers, "features": {}}
    (path / "reference.json").write_bytes(as_json(reference))
    card = f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><h1>{name}</h1></html>\n"
    (path / "card.html").write_text(card, encoding="utf-8")
    seal(path)
    return path
