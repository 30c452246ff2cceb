"""What may be in an ONNX graph that runs beside a machine: standard operators, and no other file.

The library ``onnx`` is only there where models are trained, so the few fields that say so are
named here (onnx.proto, https://onnx.ai/onnx/repo-docs/IR.html) and protobuf skips all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from lianji.base.errors import InputError, Text

STANDARD = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""The domains of ONNX's own operators."""
_EXTERNAL = 1
_SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph"), "training_info": (20, "Other"), "functions": (25, "Function")},
    "Graph": {
        "node": (1, "Node"),
        "initializer": (5, "Tensor"),
        "sparse_initializer": (15, "Sparse"),
    },
    "Node": {"op_type": (4, "string"), "domain": (7, "string"), "attribute": (5, "Attribute")},
    "Attribute": {
        "t": (5, "Tensor"),
        "g": (6, "Graph"),
        "tensors": (10, "Tensor"),
        "graphs": (11, "Graph"),
        "sparse_tensor": (22, "Sparse"),
        "sparse_tensors": (23, "Sparse"),
    },
    "Function": {
        "name": (1, "string"),
        "domain": (10, "string"),
        "node": (7, "Node"),
        "attribute_proto": (11, "Attribute"),
    },
    "Sparse": {"values": (1, "Tensor"), "indices": (2, "Tensor")},
    "Tensor": {"external_data": (13, "Other"), "data_location": (14, "int64")},
    "Other": {},
}
"""Message -> field -> number and type. Messages are all taken as repeated, which reads both."""


def check_graph_content(onnx: bytes) -> None:
    """Raises InputError ``model-graph-invalid`` for what is no ONNX model, uses operators that
    are not ONNX's own, or keeps weights in other files."""
    from google.protobuf.message import DecodeError

    try:
        model = _message()(onnx)
    except DecodeError as error:
        raise graph_invalid(Text("it is no ONNX model", "不是 ONNX 模型")) from error
    if len(model.graph) != 1:
        raise graph_invalid(Text("it is no ONNX model", "不是 ONNX 模型"))
    if model.training_info:
        raise graph_invalid(Text("it holds steps of training", "其中包含训练步骤"))
    used: set[tuple[str, str]] = set()
    for graph in model.graph:
        _graph(graph, used)
    for function in model.functions:
        _nodes(function.node, used)
        _attributes(function.attribute_proto, used)
    own = {(function.domain, function.name) for function in model.functions}
    foreign = sorted(one for one in used - own if one[0] not in STANDARD)
    if foreign:
        named = ", ".join(f"{domain}::{name}"[:60] for domain, name in foreign[:5])
        raise graph_invalid(
            Text(
                f"it uses operators that are not ONNX's own: {named}", f"使用了非标准算子：{named}"
            )
        )


def graph_invalid(why: Text) -> InputError:
    return InputError(
        "model-graph-invalid",
        Text(f"The model's graph cannot be used: {why.en}.", f"模型图不可用：{why.zh}。"),
        Text(
            "Export it again as one ONNX file of standard operators, with an input x and an "
            "output y (float32, rows by columns) as its card says.",
            "请重新导出为单个 ONNX 文件，仅含标准算子，输入 x 和输出 y 为 float32 二维，"
            "列数与模型卡一致。",
        ),
    )


def _graph(graph: Any, used: set[tuple[str, str]]) -> None:
    """Adds the operators (domain, name) that are used. Raises InputError for external data."""
    _tensors(graph.initializer)
    _sparse(graph.sparse_initializer)
    _nodes(graph.node, used)


def _nodes(nodes: Iterable[Any], used: set[tuple[str, str]]) -> None:
    for node in nodes:
        used.add((node.domain, node.op_type))
        _attributes(node.attribute, used)


def _attributes(attributes: Iterable[Any], used: set[tuple[str, str]]) -> None:
    for one in attributes:
        _tensors([*one.t, *one.tensors])
        _sparse([*one.sparse_tensor, *one.sparse_tensors])
        for graph in [*one.g, *one.graphs]:
            _graph(graph, used)


def _sparse(tensors: Iterable[Any]) -> None:
    for one in tensors:
        _tensors([*one.values, *one.indices])


def _tensors(tensors: Iterable[Any]) -> None:
    if any(one.external_data or one.data_location == _EXTERNAL for one in tensors):
        raise graph_invalid(Text("its weights lie in another file", "其权重存放在其他文件中"))


@cache
def _message() -> Any:
    """What reads a model: a function of its bytes. Recursion is bounded by protobuf."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    kinds = {"string": FieldDescriptorProto.TYPE_STRING, "int64": FieldDescriptorProto.TYPE_INT64}
    file = FileDescriptorProto(name="onnx_part.proto", package="lianji_onnx", syntax="proto2")
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = described.field.add(name=name, number=number)
            is_message = kind not in kinds
            field.type = FieldDescriptorProto.TYPE_MESSAGE if is_message else kinds[kind]
            field.label = (
                FieldDescriptorProto.LABEL_REPEATED
                if is_message
                else FieldDescriptorProto.LABEL_OPTIONAL
            )
            if is_message:
                field.type_name = f".lianji_onnx.{kind}"
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("lianji_onnx.Model")).FromString
