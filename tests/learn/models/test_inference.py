"""A graph that fits its card runs and gives what it should; any other is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, onnx_ml_pb2

from lianji.base.errors import InputError
from lianji.learn.models import graph as graphs
from lianji.learn.models import inference
from lianji.learn.models.bundle import Bundle, Golden
from lianji.learn.models.golden import made_golden
from lianji.learn.models.inference import CPU, Model, available, check_golden, check_graph
from tests.learn.models.world import FLOAT, WEIGHTS, card, draft, golden, graph, onnx


def refused(onnx: bytes) -> str:
    with pytest.raises(InputError) as caught:
        check_graph(onnx, card())
    assert caught.value.code == "model-graph-invalid"
    return caught.value.cause.en


def test_rows_go_in_and_come_out_by_the_card() -> None:
    model = Model.open(draft())
    found = model.run(np.array([[1, 0], [2, 0.5], [np.nan, 1]], np.float32))
    assert (found.dtype, found.shape, model.provider) == (np.float32, (3, 1), "CPU")
    assert found[:2, 0].tolist() == [2, 3.5]
    assert np.isnan(found[2, 0]), "what is not known stays unknown"
    assert model.run(np.empty((0, 2), np.float32)).shape == (0, 1)
    assert check_golden(model, golden()) == 0


def test_a_graph_of_one_row_is_run_row_by_row() -> None:
    content = onnx(shapes=([1, 2], [1, 1]))
    check_graph(content, card())
    model = Model.open(Bundle(card(), content, golden()))
    assert model.run(np.array([[1, 0], [2, 0.5]], np.float32))[:, 0].tolist() == [2, 3.5]
    assert model.run(np.empty((0, 2), np.float32)).shape == (0, 1)


@pytest.mark.parametrize(
    "rows",
    [np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float64), np.zeros(2, np.float32)],
    ids=["too wide", "float64", "flat"],
)
def test_other_rows_are_refused_with_what_is_wanted(rows: Any) -> None:
    with pytest.raises(InputError, match=r"float32 \[rows, 2\]") as caught:
        Model.open(draft()).run(rows)
    assert caught.value.code == "model-rows-invalid"


def custom() -> bytes:
    node = helper.make_node("Shell", ["x"], ["y"], domain="com.evil")
    return onnx(nodes=[node], domains=("com.evil",))


def contributed() -> bytes:
    nodes = [helper.make_node("Gelu", ["x"], ["z"], domain="com.microsoft"),
             helper.make_node("MatMul", ["z", "w"], ["y"])]  # fmt: skip
    return onnx(nodes=nodes, domains=("com.microsoft",))


def hidden_in_a_branch() -> bytes:
    def branch(name: str) -> Any:
        node = helper.make_node("Shell", ["x"], [name], domain="com.evil")
        return helper.make_graph(
            [node], name, [], [helper.make_tensor_value_info(name, FLOAT, None)]
        )

    yes = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True)))
    fork = helper.make_node("If", ["c"], ["y"], then_branch=branch("t"), else_branch=branch("e"))
    return onnx(nodes=[yes, fork], domains=("com.evil",))


def external() -> bytes:
    made = graph()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    content: bytes = made.SerializeToString()
    return content


def external_constant() -> bytes:
    made = graph()
    tensor = numpy_helper.from_array(WEIGHTS)
    tensor.external_data.add(key="location", value="weights.bin")
    made.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value=tensor))
    content: bytes = made.SerializeToString()
    return content


def training() -> bytes:
    made = graph()
    made.training_info.add()
    content: bytes = made.SerializeToString()
    return content


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "no ONNX model"),
    "text": (lambda: b"hello, world", "no ONNX model"),
    "cut off": (lambda: onnx()[:-20], "no ONNX model"),
    "a pickle": (lambda: b"\x80\x04\x95\x10\x00\x00\x00", "no ONNX model"),
    "custom operators": (custom, "com.evil::Shell"),
    "a vendor's operators": (contributed, "com.microsoft::Gelu"),
    "custom in a branch": (hidden_in_a_branch, "com.evil::Shell"),
    "weights elsewhere": (external, "another file"),
    "a constant elsewhere": (external_constant, "another file"),
    "training steps": (training, "steps of training"),
    "too many inputs": (lambda: onnx(shapes=(["r", 3], ["r", 1]), weights=np.ones((3, 1), "f4")),
                        "x is ('r', 3)"),
    "too many outputs": (lambda: onnx(shapes=(["r", 2], ["r", 2]), weights=np.ones((2, 2), "f4")),
                         "y is ('r', 2)"),
    "outputs that nobody declared": (
        lambda: onnx(nodes=[helper.make_node("NonZero", ["x"], ["z"]),
                            helper.make_node("Cast", ["z"], ["y"], to=FLOAT)],
                     shapes=(["r", 2], [2, "columns"])),
        "y is (2, 'columns')"),
    "outputs as many as values": (
        lambda: onnx(nodes=[helper.make_node("Unique", ["x"], ["z"]),
                            helper.make_node("Constant", [], ["k"], value_ints=[0]),
                            helper.make_node("Unsqueeze", ["z", "k"], ["y"])],
                     shapes=(["r", 2], [1, "columns"])),
        "y is (1, 2)"),
    "a flat output": (lambda: onnx(shapes=(["r", 2], ["r"]), weights=np.ones(2, "f4")), "y is"),
    "rows of seven": (lambda: onnx(shapes=([7, 2], [7, 1])), "x is"),
    "other names": (lambda: onnx(names=("input", "y")), "where x"),
    "double": (lambda: onnx(kinds=(TensorProto.DOUBLE,) * 2, weights=WEIGHTS.astype("f8")),
               "tensor(float)"),
    "an operator that does not exist": (
        lambda: onnx(nodes=[helper.make_node("Teleport", ["x"], ["y"])]), "ONNX Runtime says"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_graph_that_is_not_safe_or_not_of_its_card_is_refused(what: str) -> None:
    made, said = BAD[what]
    assert said in refused(made())


def test_a_second_input_is_refused() -> None:
    made = graph()
    made.graph.input.append(helper.make_tensor_value_info("z", FLOAT, [1]))
    assert "where x" in refused(made.SerializeToString())


def test_a_model_s_own_functions_are_no_foreign_operators() -> None:
    body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    function = helper.make_function(
        "own", "Times", ["a", "b"], ["c"], body, [helper.make_opsetid("", 17)]
    )
    made = graph(nodes=[helper.make_node("Times", ["x", "w"], ["y"], domain="own")],
                 domains=("own",))  # fmt: skip
    made.functions.append(function)
    check_graph(made.SerializeToString(), card())
    made.graph.node[0].op_type = "Other"
    assert "own::Other" in refused(made.SerializeToString())


def test_the_fields_that_are_looked_at_are_those_of_onnx() -> None:
    for message, fields in graphs._SCHEMA.items():
        name = {"Sparse": "SparseTensor"}.get(message, message) + "Proto"
        for field, (number, _) in fields.items():
            assert getattr(onnx_ml_pb2, name).DESCRIPTOR.fields_by_name[field].number == number
    told = {name: [*fields] for name, fields in graphs._SCHEMA.items()}
    inner = {"NodeProto", "GraphProto", "TensorProto", "SparseTensorProto", "FunctionProto"}
    for message in ("Graph", "Node", "Attribute", "Function", "Sparse"):
        name = {"Sparse": "SparseTensor"}.get(message, message) + "Proto"
        for field in getattr(onnx_ml_pb2, name).DESCRIPTOR.fields:
            if field.message_type is not None and field.message_type.name in inner:
                assert field.name in told[message], "a way in that nobody guards"


def test_nesting_without_end_is_no_way_to_the_stack() -> None:
    content = b""
    for _ in range(5_000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):  # the graph of an attribute of a node of a graph
            content = tag + length_of(content) + content
    assert "no ONNX model" in refused(b"\x3a" + length_of(content) + content)


def length_of(content: bytes) -> bytes:
    """As protobuf writes it."""
    left, written = len(content), b""
    while left > 0x7F:
        written, left = written + bytes([left & 0x7F | 0x80]), left >> 7
    return written + bytes([left])


def mismatch(found: Golden) -> str:
    with pytest.raises(InputError) as caught:
        check_golden(Model.open(draft()), found)
    assert caught.value.code == "golden-mismatch"
    return caught.value.cause.en


def test_golden_rows_that_come_out_otherwise_are_refused() -> None:
    assert "row 2 gives 3.5, not 3.51" in mismatch(
        Golden(inputs=[[1, 0], [2, 0.5]], outputs=[[2], [3.51]])
    )
    assert "row 1 gives nan" in mismatch(Golden(inputs=[[None, 0]], outputs=[[0]]))
    assert "no golden rows" in mismatch(Golden(inputs=[], outputs=[]))
    assert "not as many" in mismatch(Golden(inputs=[[1, 0]], outputs=[]))
    assert "columns" in mismatch(Golden(inputs=[[1]], outputs=[[2]]))
    assert "columns" in mismatch(Golden(inputs=[[1, 0]], outputs=[[2, 2]]))
    nearly = Golden(inputs=[[1, 0]], outputs=[[2.0001]], relative=1e-4)
    assert 0.49 < check_golden(Model.open(draft()), nearly) < 0.51
    exact = Golden(inputs=[[1, 0]], outputs=[[2]], relative=0, absolute=0)
    assert check_golden(Model.open(draft()), exact) == 0


def test_golden_rows_are_made_over_the_envelope_with_missing_inputs_too() -> None:
    inputs = [one.model_dump() for one in card().inputs]
    inputs[1]["required"] = False
    filled = [
        helper.make_node("IsNaN", ["x"], ["n"]),
        helper.make_node("Where", ["n", "o", "x"], ["z"]),
        helper.make_node("MatMul", ["z", "w"], ["y"]),
    ]
    made = graph(nodes=filled)
    made.graph.initializer.append(numpy_helper.from_array(np.float32(0), "o"))
    one = Bundle(card(inputs=inputs), made.SerializeToString(), golden())
    model = Model.open(one)
    found = made_golden(model, one.card)
    assert check_golden(model, found) == 0
    assert (found.inputs[0], found.inputs[1]) == ([0, -1], [10, 1])
    assert found.inputs[-1][1] is None
    column = np.array(found.inputs[2:-1], float)
    assert (column >= [0, -1]).all()
    assert (column <= [10, 1]).all()
    plain = Model.open(Bundle(one.card, onnx(), golden()))
    with pytest.raises(InputError) as caught:
        made_golden(plain, one.card)
    assert caught.value.code == "golden-not-finite"


def test_the_best_chip_that_is_there_is_taken_and_no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    assert available()[-1] == CPU
    assert "AzureExecutionProvider" not in available()
    with pytest.raises(InputError) as caught:
        Model.open(draft(), ["CANNExecutionProvider"])
    assert caught.value.code == "providers-missing"
    there = [CPU, "AzureExecutionProvider", "CANNExecutionProvider", "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    assert available() == ["CUDAExecutionProvider", "CANNExecutionProvider", CPU]
    with pytest.warns(UserWarning, match="CUDA"):  # it was said to be there, and is not
        assert Model.open(draft()).provider == "CPU"
    asked = ["CANNExecutionProvider"]
    assert inference._chosen(asked) == ["CANNExecutionProvider", CPU], "what it lacks, the CPU does"


def test_a_hundred_models_bring_no_threads_of_their_own() -> None:
    def threads() -> int:
        return len([*Path("/proc/self/task").iterdir()])

    model = Model.open(draft())
    before = threads()
    models = [Model.open(draft()) for _ in range(100)]
    for one in [model, *models]:
        one.run(np.zeros((1_000, 2), np.float32))
    assert threads() <= before


def test_many_threads_may_run_one_model() -> None:
    model = Model.open(draft())
    wrong: list[int] = []

    def work(seed: int) -> None:
        rows = np.random.default_rng(seed).random((50, 2), np.float32)
        wrong.extend(
            seed for _ in range(50) if not np.allclose(model.run(rows), rows @ WEIGHTS, atol=1e-5)
        )

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert not wrong
    assert not any(one.is_alive() for one in threads)


def test_trees_and_a_network_as_training_makes_them(tmp_path: Path) -> None:
    """LightGBM through onnxmltools, missing values with it, and PyTorch's exporter."""
    lightgbm = pytest.importorskip("lightgbm")
    onnxmltools = pytest.importorskip("onnxmltools")
    from onnxmltools.convert.common.data_types import FloatTensorType

    rng = np.random.default_rng(1)
    rows = rng.random((400, 2)).astype(np.float32)
    rows[::7, 1] = np.nan
    target = np.nan_to_num(rows[:, 1]) * 3 + rows[:, 0]
    trees = lightgbm.LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1).fit(rows, target)
    made = onnxmltools.convert_lightgbm(
        trees, initial_types=[("x", FloatTensorType([None, 2]))], target_opset=15
    )
    last = next(node for node in made.graph.node if "variable" in node.output)
    last.output[0] = made.graph.output[0].name = "y"
    expected = trees.predict(rows)[:, None]
    inputs = [[None if np.isnan(v) else float(v) for v in row] for row in rows[:50]]
    truth = Golden(inputs=inputs, outputs=expected[:50].tolist())
    one = Bundle(card(), made.SerializeToString(), truth)
    check_graph(one.onnx, one.card)
    assert check_golden(Model.open(one), truth) <= 1
