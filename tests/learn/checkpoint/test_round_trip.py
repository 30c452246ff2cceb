"""What is restored is what was saved, to the bit."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from lianji.base.errors import Busy, InputError, NotFound
from lianji.learn.checkpoint import Checkpointer, Randomness, daly_interval_s, interval_s
from tests.learn.checkpoint.states import same, states
from tests.peers import wait_until

MIB = 1 << 20


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(state=states)
def test_any_nested_state_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, state: dict[Any, Any]
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    with Checkpointer(folder) as checkpointer:
        checkpointer.save(state, 5)
    restored, step = Checkpointer(folder).restore()
    assert step == 5
    assert same(restored, state)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, 8 * MIB, 8 * MIB + 1, 20 * MIB + 4097])
def test_leaves_of_every_size_about_the_chunks(tmp_path: Path, size: int) -> None:
    seeded = np.random.default_rng(size)
    state = {n: seeded.integers(0, 255, max(0, size + n), np.uint8) for n in (-1, 0, 1)}
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(state, 0)
    assert same(Checkpointer(tmp_path).restore()[0], state)


def test_what_lies_there_is_filled_in_place_and_objects_are_given_their_part(
    tmp_path: Path,
) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    turned = torch.arange(6.0).view(2, 3).t()
    state = {"model": model, "optimizer": optimizer, "turned": turned, "numbers": np.arange(3)}
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(state, 1)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    moments = optimizer.state_dict()["state"][0]["exp_avg"].clone()
    with torch.no_grad():
        for value in [*model.parameters(), turned]:
            value.zero_()
    state["numbers"][:] = 0
    restored, _ = Checkpointer(tmp_path).restore(into=state)
    assert restored["turned"] is turned
    assert turned.flatten().tolist() == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    assert state["numbers"].tolist() == [0, 1, 2]
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], moments)


def test_a_state_dict_keeps_its_order_and_versions(tmp_path: Path) -> None:
    saved = torch.nn.BatchNorm1d(3).state_dict()
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save({"model": saved}, 1)
    restored = Checkpointer(tmp_path).restore()[0]["model"]
    assert type(restored) is OrderedDict
    assert restored._metadata == dict(saved._metadata)


def test_a_state_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save({"model": {"weight": torch.ones(3)}}, 1)
    for into in ({"model": {"weight": torch.ones(4)}}, {"model": {"bias": torch.ones(3)}}):
        with pytest.raises(InputError) as raised:
            Checkpointer(tmp_path).restore(into=into)
        assert raised.value.code == "checkpoint-does-not-fit"
        assert "model/weight" in raised.value.cause.en


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), lambda: 0])
def test_what_cannot_be_held_is_refused_with_its_place(tmp_path: Path, value: object) -> None:
    with Checkpointer(tmp_path) as checkpointer, pytest.raises(InputError) as raised:
        checkpointer.save({"a": {"b": value}}, 1)
    assert raised.value.code == "checkpoint-type"
    assert "a/b" in raised.value.cause.en
    assert checkpointer.names() == []


def test_two_that_write_to_one_folder_are_told(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as first:
        first.save({}, 1).wait()
        code = (
            "import sys; from lianji.learn.checkpoint import Checkpointer as C; "
            "C(sys.argv[1]).save({}, 2)"
        )
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert "checkpoint-folder-in-use" in other.stderr
        with pytest.raises(Busy):
            Checkpointer(tmp_path).save({}, 2)
    with Checkpointer(tmp_path) as second:
        second.save({}, 2).wait()


def test_one_step_may_be_asked_for_and_none_is_said(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer:
        with pytest.raises(NotFound):
            checkpointer.restore()
        for step in (1, 2, 3):
            checkpointer.save({"step": step}, step)
        checkpointer.wait()
        assert checkpointer.restore(step=2) == ({"step": 2}, 2)
        with pytest.raises(NotFound):
            checkpointer.restore(step=9)


def test_the_generators_go_on_where_they_were(tmp_path: Path) -> None:
    own = np.random.default_rng(1)
    state = {"rng": Randomness(own=own)}

    def drawn() -> list[float]:
        import random

        return [random.random(), float(np.random.rand()), float(torch.rand(1)), own.random()]

    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(state, 1)
    first = drawn()
    Checkpointer(tmp_path).restore(into=state)
    assert drawn() == first


def test_numpy_alone_needs_no_torch(tmp_path: Path) -> None:
    code = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is blocked")
sys.meta_path.insert(0, NoTorch())
import numpy as np
from lianji.learn.checkpoint import Checkpointer, Randomness
state = {"w": np.arange(300_000.0), "n": 3, "rng": Randomness()}
with Checkpointer(sys.argv[1]) as checkpointer:
    checkpointer.save(state, 7)
    checkpointer.wait()
state["w"][:] = 0
restored, step = Checkpointer(sys.argv[1]).restore(into=state)
assert step == 7 and restored["w"][-1] == 299_999, restored
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


@pytest.mark.parametrize("mode", ["eager", "lazy"])
def test_a_program_that_ends_without_a_word_has_saved(tmp_path: Path, mode: str) -> None:
    code = """
import sys
import numpy as np
from lianji.learn.checkpoint import Checkpointer
Checkpointer(sys.argv[1], mode=sys.argv[2]).save({"w": np.ones(5_000_000)}, 7)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path), mode], check=True)
    assert Checkpointer(tmp_path).restore()[1] == 7


def test_one_that_nobody_holds_any_more_lets_another_save(tmp_path: Path) -> None:
    def saves() -> bool:
        try:
            Checkpointer(tmp_path).save({"w": np.ones(100)}, 1).settled("store")
        except Busy:
            return False
        return True

    assert saves()
    wait_until(saves, what="the folder to be free")


def test_a_third_save_waits_for_room_and_none_is_lost(tmp_path: Path) -> None:
    weights = np.zeros(3_000_000)
    with Checkpointer(tmp_path, keep=9) as checkpointer:
        for step in range(9):
            weights += 1
            checkpointer.save({"w": weights}, step)
        checkpointer.wait()
        for step in range(9):
            restored, _ = checkpointer.restore(step=step)
            assert (restored["w"] == step + 1).all()


def test_the_interval_is_that_of_young_and_daly() -> None:
    assert interval_s(24 * 3600, 10) == pytest.approx(1314.534, abs=0.001)
    assert daly_interval_s(24 * 3600, 10) == pytest.approx(1307.88, abs=0.01)
    assert daly_interval_s(100, 200) == 100
    with pytest.raises(InputError):
        interval_s(0, 1)
