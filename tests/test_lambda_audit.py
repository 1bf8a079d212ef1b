"""The audit of a model file: what an export writes passes, and everything else is refused before a session exists."""

import ast
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, defs, helper, numpy_helper

import lambda_handler.audit
from lambda_handler.audit import OPERATORS, AuditError, audit
from lambda_handler.bundle import BundleError, read_bundle
from tests.bundle_factory import make_bundle, write_manifest

ROOT = Path(__file__).parents[1]
NOT_WRITTEN = {"DictVectorizer", "RandomUniformLike"}  # an estimator; what the proof shakes a copy of the graph with


def model(*more: onnx.NodeProto) -> ModelProto:
    """One input `x0`, one output `value`, a constant `c`."""
    number = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in ("x0", "value")]
    nodes = [helper.make_node("Add", ["x0", "c"], ["value"]), *more]
    constant = numpy_helper.from_array(np.array([[2.0]]), "c")
    graph = helper.make_graph(nodes, "g", number[:1], number[1:], [constant])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def check(made: ModelProto) -> None:
    audit(made.SerializeToString(), ["x0"], ["value"])


def test_a_plain_model_passes() -> None:
    check(model())


def test_what_the_exporter_can_write_is_what_the_audit_lets_through() -> None:
    schemas = {schema.name for schema in defs.get_all_schemas()} | OPERATORS["com.microsoft"]
    written = {
        node.value
        for path in (ROOT / "export").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in schemas
    }
    assert written - NOT_WRITTEN == frozenset().union(*OPERATORS.values())


def unknown_operator(made: ModelProto) -> None:
    made.graph.node[0].op_type = "Dropout"


def operator_of_another_domain(made: ModelProto) -> None:
    made.graph.node[0].domain = "com.example"


def unknown_domain(made: ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("com.example", 1))


def future_opset(made: ModelProto) -> None:
    made.opset_import[0].version = 99


def no_opset(made: ModelProto) -> None:
    del made.opset_import[:]


def future_ir(made: ModelProto) -> None:
    made.ir_version = 99


def external_data(made: ModelProto) -> None:
    tensor = made.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    tensor.ClearField("raw_data")


def external_data_in_an_attribute(made: ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(3), "t")
    tensor.external_data.add(key="location", value="weights.bin")
    made.graph.node[0].attribute.append(helper.make_attribute("value", tensor))


def functions(made: ModelProto) -> None:
    node = helper.make_node("Add", ["a", "a"], ["b"])
    made.functions.append(helper.make_function("local", "f", ["a"], ["b"], [node], [helper.make_opsetid("", 21)]))


def training(made: ModelProto) -> None:
    made.training_info.add().algorithm.CopyFrom(made.graph)


def overload(made: ModelProto) -> None:
    made.graph.node[0].overload = "other"


def sparse_tensor(made: ModelProto) -> None:
    made.graph.sparse_initializer.add().dims.append(3)


def huge_shape(made: ModelProto) -> None:
    made.graph.initializer[0].dims[:] = [2**40, 2**40]


def other_input(made: ModelProto) -> None:
    made.graph.input[0].name = "x1"


def input_twice(made: ModelProto) -> None:
    made.graph.input.append(made.graph.input[0])


def no_output(made: ModelProto) -> None:
    made.graph.output[0].name = "other"


def unknown_operator_in_a_branch(made: ModelProto) -> None:
    branch = helper.make_graph([helper.make_node("Dropout", ["x0"], ["y"])], "b", [], [])
    made.graph.node.append(helper.make_node("If", ["t"], ["y"], then_branch=branch, else_branch=branch))


def deep_graphs(made: ModelProto) -> None:
    inner = helper.make_graph([helper.make_node("Neg", ["x0"], ["y"])], "b", [], [])
    for _ in range(9):
        node = helper.make_node("If", ["t"], ["y"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "b", [], [])
    made.graph.node.append(inner.node[0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (unknown_operator, "it has 'Dropout'"),
        (operator_of_another_domain, "it has 'com.example.Add'"),
        (unknown_domain, "imports 'com.example'"),
        (future_opset, "opset of ai.onnx version must be from 7 to 26; it is 99"),
        (no_opset, "must name its opset"),
        (future_ir, "IR version must be from 3 to 13; it is 99"),
        (external_data, "reads another file"),
        (external_data_in_an_attribute, "reads another file"),
        (functions, "functions of its own"),
        (training, "training steps"),
        (overload, "functions of its own"),
        (sparse_tensor, "a sparse one"),
        (huge_shape, "a tensor says 1,208,925,819,614,629,174,706,176 numbers"),
        (other_input, "inputs must be those of the contract; they differ in x0, x1"),
        (input_twice, "they differ in one twice"),
        (no_output, "outputs must be those of the contract; they differ in value"),
        (unknown_operator_in_a_branch, "it has 'Dropout'"),
        (deep_graphs, "at most 8 deep"),
    ],
)
def test_everything_else_is_refused(change: Callable[[ModelProto], None], says: str) -> None:
    made = model()
    change(made)
    with pytest.raises(AuditError) as caught:
        check(made)
    assert says in str(caught.value)


def test_an_attribute_that_hides_a_graph_behind_numbers_is_seen() -> None:
    made = model(helper.make_node("Neg", ["x0"], ["z"]))
    hiding = helper.make_attribute("ints", [*range(300), -1])
    hiding.g.CopyFrom(helper.make_graph([helper.make_node("Dropout", ["x0"], ["y"])], "b", [], []))
    made.graph.node[1].attribute.append(hiding)
    tail = hiding.g.SerializeToString()
    data = made.SerializeToString()
    assert data.count(tail) == 1
    with pytest.raises(AuditError, match="Dropout"):
        audit(data, ["x0"], ["value"])


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    data = model().SerializeToString()
    monkeypatch.setattr(lambda_handler.audit, "MOST_NODES", 0)
    with pytest.raises(AuditError, match="at most 0 nodes"):
        audit(data, ["x0"], ["value"])
    monkeypatch.setattr(lambda_handler.audit, "MOST_BYTES", len(data) - 1)
    with pytest.raises(AuditError, match=f"this has {len(data):,}"):
        audit(data, ["x0"], ["value"])


@pytest.mark.parametrize("data", [b"", b"\x00", b"PK\x03\x04", b"\x3a\xff", b"\xff" * 40, b'{"not": "onnx"}'])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(AuditError):
        audit(data, ["x0"], ["value"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_changed_bytes_pass_or_are_refused_and_never_crash(data: st.DataObject) -> None:
    whole = bytearray(model(helper.make_node("Pad", ["x0"], ["z"], pads=[1, 2, 300, -4])).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        audit(bytes(whole[:cut] if data.draw(st.booleans()) else whole), ["x0"], ["value"])
    except AuditError as error:
        assert str(error).endswith(".")


def test_a_bundle_is_audited_when_it_is_opened(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    made = onnx.load(bundle / "model.onnx")
    made.graph.node[0].op_type = "Dropout"
    (bundle / "model.onnx").write_bytes(made.SerializeToString())
    reseal(bundle)
    with pytest.raises(BundleError, match=r"must be one that an export writes.*'Dropout'"):
        read_bundle(bundle)


def reseal(bundle: Path) -> None:
    """Make contract and manifest agree with the model as it lies there: what only its maker can do."""
    contract = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    contract["model_sha256"] = sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    (bundle / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = {name: sha256((bundle / name).read_bytes()).hexdigest() for name in manifest["files"]}
    write_manifest(bundle, manifest)
