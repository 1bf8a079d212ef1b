"""A session of the C interface: what it refuses, and that every row gets its own answer out of kept tensors."""

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_factory import FEATURES, Task, make_bundle
from onnx import TensorProto, helper, numpy_helper

from lambda_handler import binding
from lambda_handler.bundle import Bundle, read_bundle
from lambda_handler.contract import Contract
from lambda_handler.engine import EngineError, library, make_engine
from lambda_handler.session import MOST_SPARE_TEXT, Session

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Bundle]:
    folder, tasks = tmp_path_factory.mktemp("session"), ("regression", "labels")
    return {task: read_bundle(make_bundle(folder / task, task=task)) for task in tasks}


def graph(nodes: list[Any], outputs: list[Any], constants: Any = (), type_: int = TensorProto.DOUBLE) -> bytes:
    """A model of one input x, (rows, 1)."""
    x = helper.make_tensor_value_info("x", type_, [None, 1])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    made = helper.make_model(
        helper.make_graph(nodes, "g", [x], outputs, list(constants)), opset_imports=opsets, ir_version=10
    )
    return bytes(made.SerializeToString())


def session(bundles: dict[Task, Bundle], model: bytes, dtype: str = "float64", task: Task = "regression") -> Session:
    document = {**bundles[task].contract.document, "threshold": None}
    type_ = {"string": "category", "int64": "integer"}.get(dtype, "number")
    document["features"] = [{**FEATURES[0], "name": "x", "input": "x", "dtype": dtype, "type": type_}]
    found = make_engine(Contract(document), model, name="capi")
    assert isinstance(found, Session)
    return found


def out(name: str = "value", type_: int = TensorProto.DOUBLE, shape: Any = (None,)) -> Any:
    return helper.make_tensor_value_info(name, type_, shape)


FLAT = numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat")
RESHAPE = helper.make_node("Reshape", ["x", "flat"], ["value"])


def test_what_cannot_be_answered_is_refused_and_the_session_goes_on(bundles: dict[Task, Bundle]) -> None:
    good = session(bundles, graph([RESHAPE], [out()], [FLAT]))
    refused: list[tuple[Any, int, type[Exception], str]] = [
        ([["text"]], 1, TypeError, "type"), ([[2**2000]], 1, ValueError, "invalid value"),
        ([["a", "b"]], 2, ValueError, "format d takes such numbers alone"),
        ([["text"]], 2, ValueError, "every column must hold 2 values"),
        ([[1.0, 2.0]], 1, ValueError, "hold 1 values; got 2"), ([[1.0], [2.0]], 1, ValueError, "zip"),
        ([np.array([1.0], dtype=np.float32)], 1, TypeError, "format f"),
        ([np.array([1])], 1, TypeError, "format l"), ([np.array(["a", "b"], dtype=object)], 2, TypeError, "format O"),
    ]  # fmt: skip
    for columns, rows, kind, message in refused:
        with pytest.raises(kind, match=message):
            good.run(columns, rows)
        assert good.run([[2.5]], 1)[0].tolist() == [2.5]
        assert good.run([[2.5, -0.0]], 2)[0].tolist() == [2.5, -0.0]


def test_a_text_that_c_would_cut_is_refused(bundles: dict[Task, Bundle]) -> None:
    lengths = [helper.make_node("StringConcat", ["x", "x"], ["twice"]),
               helper.make_node("LabelEncoder", ["twice"], ["code"], domain="ai.onnx.ml", default_float=0.0,
                                keys_strings=["aa", "éé"], values_floats=[1.0, 2.0]),
               helper.make_node("Cast", ["code"], ["wide"], to=TensorProto.DOUBLE),
               helper.make_node("Reshape", ["wide", "flat"], ["value"])]  # fmt: skip
    texts = session(bundles, graph(lengths, [out()], [FLAT], TensorProto.STRING), "string")
    assert texts.run([["é"]], 1)[0].tolist() == [2.0]
    for column in (["a\0"], ["a\0", "b"], ["b", "a\0b"]):
        with pytest.raises(ValueError, match="must not hold NUL"):
            texts.run([column], len(column))
    for column in (["\ud800"], ["a", "\ud800"]):
        with pytest.raises(UnicodeEncodeError):
            texts.run([column], len(column))
    with pytest.raises(AttributeError):
        texts.run([[None, "a"]], 2)
    assert texts.run([["a", "é", "aa"]], 3)[0].tolist() == [1.0, 2.0, 0.0]


MODELS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "onnxruntime must accept"),
    "garbage": (b"\x08\x0a garbage", "onnxruntime must accept"),
    "cut": (graph([RESHAPE], [out()], [FLAT])[:-9], "onnxruntime must accept"),
    "unknown operator": (graph([helper.make_node("Nope", ["x"], ["value"])], [out()]), "Nope"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_none_is_refused_at_load(name: str, bundles: dict[Task, Bundle]) -> None:
    model, message = MODELS[name]
    with pytest.raises(EngineError, match=message):
        session(bundles, model)


CAST = helper.make_node("Cast", ["x"], ["value"], to=TensorProto.FLOAT)
OTHERS: dict[str, tuple[bytes, str]] = {
    "another output": (graph([helper.make_node("Reshape", ["x", "flat"], ["y"])], [out("y")], [FLAT]), "value"),
    "another type": (graph([CAST], [out(type_=TensorProto.FLOAT, shape=(None, 1))]), "holds 1 of type 1"),
    "another width": (graph([helper.make_node("Concat", ["x", "x"], ["value"], axis=1)], [out(shape=(None, 2))]),
                      "1 numbers of type 11 for each of 1 rows; it holds 2"),
    "a sequence": (graph([helper.make_node("SequenceConstruct", ["x"], ["value"])],
                         [helper.make_tensor_sequence_value_info("value", TensorProto.DOUBLE, None)]), "tensor"),
    "another input": (graph([RESHAPE], [out()], [FLAT]).replace(b"\x0a\x01x", b"\x0a\x01w"), "x"),
    "whole numbers in": (graph([helper.make_node("Cast", ["x"], ["value"], to=TensorProto.DOUBLE)],
                               [out(shape=(None, 1))], type_=TensorProto.INT64), "expected: \\(tensor\\(int64\\)\\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_that_is_not_the_contracts_is_refused_at_the_first_row(name: str, bundles: dict[Task, Bundle]) -> None:
    model, message = OTHERS[name]
    for _ in range(2):
        with pytest.raises(EngineError, match=message):
            session(bundles, model).run([[1.0]], 1)
    with pytest.raises(EngineError):
        session(bundles, model).run([[1.0, 2.0]], 2)


def test_a_run_that_fails_is_not_logged_since_its_text_may_quote_the_row(
    bundles: dict[Task, Bundle], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["number"], to=TensorProto.DOUBLE),
             helper.make_node("Reshape", ["number", "flat"], ["value"])]  # fmt: skip
    model = graph(nodes, [out()], [FLAT], TensorProto.STRING)
    feeds = {"x": np.array([["Main Street"]], dtype=object)}
    with pytest.raises(EngineError, match="Cast node"):
        session(bundles, model, "string").run([["Main Street"]], 1)
    with pytest.raises(Exception, match="Cast node"):
        binding.make_session(model).run(["value"], feeds)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(binding, "SILENT", 2)  # onnxruntime's default
    with pytest.raises(Exception, match="Cast node"):
        binding.make_session(model).run(["value"], feeds)
    assert "Cast node" in capfd.readouterr().err


FORK = """
import os, sys
sys.path.insert(0, sys.argv[1])
from lambda_handler.predictor import Predictor
predictor = Predictor.load(sys.argv[2], "capi")
rows = [line["row"] for line in predictor.bundle.golden() if "answer" in line]
def answers():
    return [predictor.predict(rows), *(predictor.predict([row]) for row in rows)]
told = answers()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        for _ in range(50):
            assert answers() == told
        sys.exit(0)
    children.append(child)
assert answers() == told
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""


def test_a_process_that_forks_answers_on_both_sides(bundles: dict[Task, Bundle]) -> None:
    command = [sys.executable, "-W", "error", "-c", FORK, str(ROOT), str(bundles["labels"].path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- outputs that are kept for the next row


PASSES = {
    "an input": graph([helper.make_node("Identity", ["x"], ["value"])], [out(shape=(None, 1))]),
    "a reshaped input": graph([RESHAPE], [out()], [FLAT]),
    "a shape that the rows decide": graph(
        [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Expand", ["x", "s"], ["value"])], [out(shape=None)]
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_every_row_gets_its_own_answer(name: str, bundles: dict[Task, Bundle]) -> None:
    ours = session(bundles, PASSES[name])
    assert [ours.run([[float(k)]], 1)[0].tolist() for k in range(5)] == [[float(k)] for k in range(5)]


def test_a_constant_answer_stays_what_it_is(bundles: dict[Task, Bundle]) -> None:
    constant = numpy_helper.from_array(np.array([7.25]), "value")
    folded = numpy_helper.from_array(np.array([3.5]), "c")
    twice = [helper.make_node("Add", ["c", "c"], ["value"])]
    for model, told in ((graph([], [out()], [constant]), 7.25), (graph(twice, [out()], [folded]), 7.0)):
        ours = session(bundles, model)
        assert [ours.run([[1.0]], 1)[0].tolist() for _ in range(5)] == [[told]] * 5


def test_an_output_that_is_left_as_it_was_is_seen(bundles: dict[Task, Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    for task, names in (("regression", ["value"]), ("labels", ["label"])):
        nodes = [RESHAPE] if task == "regression" else [
            helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT64),
            helper.make_node("Reshape", ["whole", "flat"], ["label"]),
        ]  # fmt: skip
        type_ = TensorProto.DOUBLE if task == "regression" else TensorProto.INT64
        ours = session(bundles, graph(nodes, [out(names[0], type_)], [FLAT]), task=task)  # type: ignore[arg-type]
        assert ours.run([[2.0]], 1)[0].tolist() == [2]
        with monkeypatch.context() as patched:
            patched.setattr(ours, "_call_run", lambda inputs, outputs: None)
            with pytest.raises(EngineError, match="write every output"):
                ours.run([[3.0]], 1)
        assert ours.run([[4.0]], 1)[0].tolist() == [4]


def test_a_long_text_is_not_kept(bundles: dict[Task, Bundle]) -> None:
    found = make_engine(bundles["labels"].contract, bundles["labels"].model, name="capi")
    assert isinstance(found, Session)
    for length, kept in ((5, 1), (MOST_SPARE_TEXT + 1, 0), (5, 1)):
        found.run([[1.0], [40], ["x" * length], ["own"], [True]], 1)
        assert len(found._spare) == kept


def test_the_models_bytes_are_not_needed_afterwards(bundles: dict[Task, Bundle]) -> None:
    model = bytes(bytearray(bundles["labels"].model))
    ours = Session(library() or "", bundles["labels"].contract, model)
    ctypes.memset(id(model) + sys.getsizeof(b"") - 1, 0, len(model))
    assert not any(model)
    assert len(ours.run([[1.0], [40], ["A"], ["own"], [True]], 1)[0]) == 1
