"""Packed bytes are the same model, and fewer."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.pack import packed
from lambda_handler.binding import make_session


def model(axes: list[int]) -> onnx.ModelProto:
    info = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 1]) for name in ("x", "y")]
    inner = helper.make_graph([helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0])], "inner", [], [])
    nodes = [
        helper.make_node("Neg", ["x"], ["y"], name="first", ints=axes, floats=[0.5, -1.0], empty_strings=["a", "é"]),
        helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner),
    ]
    made = helper.make_model(helper.make_graph(nodes, "g", info[:1], info[1:]), ir_version=10)
    made.metadata_props.add(key="k", value="v")
    return made


def test_packed_bytes_are_read_back_as_the_model() -> None:
    numbers = [0, 1, 127, 128, 2**31, 2**63 - 1, -1, -(2**63)]
    for axes in (numbers, [5]):
        made = model(axes)
        before = made.SerializeToString()
        assert onnx.load_from_string(packed(made)) == made
        assert packed(made) == packed(onnx.load_from_string(packed(made)))
        assert made.SerializeToString() == before


def test_many_numbers_take_a_byte_less_each() -> None:
    made = model(list(range(100)) * 50)
    assert len(made.SerializeToString()) - len(packed(made)) >= 4_990


def test_onnxruntime_reads_packed_numbers() -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], perm=[2, 0, 1])
    infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None] * 3) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", infos[:1], infos[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    x = np.arange(24.0).reshape(2, 3, 4)
    (y,) = make_session(packed(made)).run(None, {"x": x})
    assert np.array_equal(y, x.transpose(2, 0, 1))
