"""A model as bytes, the numbers of its attributes packed.

onnx.proto is proto2, where a writer gives every one of a list of numbers its own field key. A reader of protobuf takes
them packed, too (https://protobuf.dev/programming-guides/encoding/#packed), and a forest's children, features and
leaves are such lists: packed, they take a byte less each and are read as one field.
"""

import onnx

LENGTH_DELIMITED = 2
MODEL_GRAPH, GRAPH_NODE, NODE_ATTRIBUTE, ATTRIBUTE_INTS = 7, 1, 5, 8  # numbers of the fields in onnx.proto


def packed(model: onnx.ModelProto) -> bytes:
    """The bytes of a model, the same ones every time; read back, they are the model. It stays unchanged."""
    return _rest(model, "graph") + _field(MODEL_GRAPH, _graph(model.graph))


def _graph(graph: onnx.GraphProto) -> bytes:
    return b"".join(_field(GRAPH_NODE, _node(node)) for node in graph.node) + _rest(graph, "node")


def _node(node: onnx.NodeProto) -> bytes:
    return _rest(node, "attribute") + b"".join(_field(NODE_ATTRIBUTE, _attribute(each)) for each in node.attribute)


def _attribute(attribute: onnx.AttributeProto) -> bytes:
    ints = b"".join(map(_varint, attribute.ints))
    return _rest(attribute, "ints") + (_field(ATTRIBUTE_INTS, ints) if ints else b"")


def _rest(message: onnx.ModelProto | onnx.GraphProto | onnx.NodeProto | onnx.AttributeProto, without: str) -> bytes:
    rest = type(message)()
    rest.CopyFrom(message)
    rest.ClearField(without)
    content: bytes = rest.SerializeToString(deterministic=True)
    return content


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as its 64-bit complement."""
    number &= (1 << 64) - 1
    found = []
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
