"""Eager and lazy, tiers, export, DCP, and a training that is killed again and again."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed.checkpoint as dcp
from obstore.store import LocalStore, MemoryStore
from safetensors.torch import load_file

from lianji.base.errors import InputError, NotFound, StorageError
from lianji.learn.checkpoint import Checkpointer
from lianji.learn.checkpoint.dcp import LianjiReader, LianjiWriter
from lianji.learn.checkpoint.export import to_safetensors
from tests.learn.checkpoint.lives import is_whole, state_of
from tests.learn.checkpoint.test_damage import flip

REPO = Path(__file__).parents[3]


def weights() -> dict[str, torch.Tensor]:
    return {f"w{n}": torch.full((300, 1000), float(n)) for n in range(8)}


@pytest.mark.parametrize("mode", ["eager", "lazy"])
def test_what_changes_after_the_barrier_is_not_seen(tmp_path: Path, mode: Any) -> None:
    state = weights()
    with Checkpointer(tmp_path, mode=mode) as checkpointer:
        for step in range(1, 6):
            pending = checkpointer.save(state, step)
            checkpointer.barrier()
            assert pending.reached("memory")
            for value in state.values():
                value += 1
        checkpointer.wait()
        restored, step = checkpointer.restore()
    assert step == 5
    assert all(bool((value == n + 4).all()) for n, value in enumerate(restored.values()))


def test_lazy_gives_back_before_it_has_copied_and_the_optimizer_waits(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1000))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    may_copy = threading.Event()

    class Slow:
        """Stands for a large state: is not copied until it is told to."""

        def state_dict(self) -> dict[str, Any]:
            return {}

    with Checkpointer(tmp_path, mode="lazy") as checkpointer:
        checkpointer.guard(optimizer)
        fill = checkpointer._fill
        checkpointer._fill = lambda job: (may_copy.wait(), fill(job))  # type: ignore[method-assign]
        pending = checkpointer.save({"parameter": parameter, "slow": Slow()}, 1)
        assert not pending.reached("memory")
        parameter.grad = torch.ones(1000)
        stepping = threading.Thread(target=optimizer.step)
        stepping.start()
        assert not pending.wait("memory", timeout_s=0.05)
        assert float(parameter.detach().sum()) == 0, "the step did not wait"
        may_copy.set()
        stepping.join()
        assert float(parameter.detach().sum()) == -1000
        checkpointer.wait()
        assert float(checkpointer.restore()[0]["parameter"].sum()) == 0


def test_a_store_gets_each_checkpoint_and_a_new_machine_goes_on_from_it(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = LocalStore(tmp_path / "store")
    with Checkpointer(tmp_path / "here", keep=2, store=store) as checkpointer:
        for step in range(1, 6):
            pending = checkpointer.save(state_of(step), step)
            assert pending.wait("store")
            assert pending.reached("flash")
    with Checkpointer(tmp_path / "new", keep=2, store=store) as other:
        state, step = other.restore()
        assert step == 5
        assert is_whole(state, 5)
        other.save(state_of(6), 6).wait("store")
        assert other.names() == ["00000006-step-6"]
    names = sorted(p.parent.name for p in (tmp_path / "store").glob("*/manifest"))
    assert names == ["00000005-step-5", "00000006-step-6"]
    assert (tmp_path / "store" / "00000001-step-1" / "data").exists(), "is still referred to"
    assert not (tmp_path / "store" / "00000002-step-2" / "data").exists()


def test_a_store_that_is_away_fails_its_own_mark_alone(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    store = LocalStore(folder)
    checkpointer = Checkpointer(tmp_path / "here", store=store)
    folder.rmdir()
    folder.write_text("no folder any more")
    pending = checkpointer.save({"a": np.arange(9)}, 1)
    assert pending.wait("flash")
    with pytest.raises(StorageError) as raised:
        pending.wait("store")
    assert raised.value.code == "checkpoint-upload-failed"
    assert checkpointer.restore()[1] == 1
    checkpointer.close()


def test_without_a_store_nobody_waits_for_it(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer, pytest.raises(InputError):
        checkpointer.save({}, 1).wait("store")


def test_a_damaged_copy_here_is_read_from_the_store(tmp_path: Path) -> None:
    store = MemoryStore()
    with Checkpointer(tmp_path, store=store) as checkpointer:
        for step in (1, 2):
            checkpointer.save(state_of(step), step).wait("store")
        flip(tmp_path / checkpointer.names()[-1] / "data", 100)
        state, step = checkpointer.restore()
    assert (step, is_whole(state, 2)) == (2, True)


def test_a_model_leaves_as_safetensors(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2, dtype=torch.bfloat16)
    with Checkpointer(tmp_path / "c") as checkpointer:
        checkpointer.save({"model": model, "lr": 0.1, "moments": [np.arange(3.0)]}, 4)
    assert to_safetensors(tmp_path / "c", tmp_path / "model.safetensors", part="model") == 2
    loaded = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    assert to_safetensors(tmp_path / "c", tmp_path / "all.safetensors") == 3
    assert sorted(load_file(tmp_path / "all.safetensors")) == [
        "model.bias",
        "model.weight",
        "moments.0",
    ]
    with pytest.raises(InputError):
        to_safetensors(tmp_path / "c", tmp_path / "x", part="no")


# -- DCP ---------------------------------------------------------------------------------------


def distributed_state(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(300, 2000), torch.nn.BatchNorm1d(2000))
    return {
        "model": model.state_dict(),
        "half": torch.rand(50, 7, dtype=torch.bfloat16),
        "turned": torch.rand(20, 10).t(),
        "empty": torch.zeros(0),
        "step": seed,
        "nested": {"name": f"run {seed}", "list": [torch.rand(3), seed]},
    }


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return all(map(equal, one, other))
    return bool(one == other)


def test_dcp_saves_and_loads_through_our_files(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        dcp.save(distributed_state(seed), storage_writer=LianjiWriter(tmp_path, keep=2))
    state = distributed_state(9)
    reader = LianjiReader(tmp_path)
    dcp.load(state, storage_reader=reader)
    assert equal(state, distributed_state(3))
    assert reader.step == 3
    assert len(Checkpointer(tmp_path).names()) == 2
    assert not [*tmp_path.glob(".draft-*")]


def test_dcp_saves_beside_the_training(tmp_path: Path) -> None:
    dcp.async_save(distributed_state(1), storage_writer=LianjiWriter(tmp_path, step=70)).result()
    state = distributed_state(9)
    dcp.load(state, storage_reader=LianjiReader(tmp_path, step=70))
    assert equal(state, distributed_state(1))


def test_dcp_falls_back_where_a_bit_was_flipped(tmp_path: Path) -> None:
    for seed in (1, 2):
        dcp.save(distributed_state(seed), storage_writer=LianjiWriter(tmp_path))
    newest = tmp_path / Checkpointer(tmp_path).names()[-1]
    flip(newest / "rank-0", 1_234_567)
    state = distributed_state(9)
    dcp.load(state, storage_reader=LianjiReader(tmp_path))
    assert equal(state, distributed_state(1))
    with pytest.raises((NotFound, dcp.CheckpointException)):
        dcp.load(state, storage_reader=LianjiReader(tmp_path, step=2))


def test_dcp_of_two_ranks_is_loaded_by_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.learn.checkpoint.ranks", str(tmp_path)]
    ranks = [
        subprocess.Popen([*command, str(rank)], cwd=REPO, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    for rank in ranks:
        _, said = rank.communicate(timeout=100)
        assert rank.returncode == 0, said
    state = {"sharded": torch.zeros(8, 6), "same": torch.zeros(5)}
    dcp.load(state, storage_reader=LianjiReader(tmp_path / "c"))
    assert torch.equal(state["sharded"], torch.arange(48.0).view(8, 6))
    assert torch.equal(state["same"], torch.arange(5.0))
    newest = tmp_path / "c" / Checkpointer(tmp_path / "c").names()[-1]
    assert sorted(p.name for p in newest.iterdir()) == ["manifest", "rank-0", "rank-1"]


# -- a training --------------------------------------------------------------------------------


def test_a_training_that_is_killed_ends_with_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.learn.checkpoint.training", str(tmp_path), "8"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    killed, whole = done.stdout.split()
    assert killed == whole
