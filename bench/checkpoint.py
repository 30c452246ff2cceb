"""Checkpoints beside their bounds and torch's own: 1 GiB of state, 64 tensors, all in one run.

The bounds are a copy of the same bytes by one thread, and an O_DIRECT write of them with fsync.
torch.distributed.checkpoint writes beside the training too, without a hash. Every figure is the
median of several rounds, in which all take turns, since a shared machine changes by the minute.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.harness import Row, work_folder

MIB = 1 << 20
TENSORS, TENSOR_BYTES = 64, 16 * MIB
CHUNK_BYTES = 8 * MIB
ROUNDS = int(os.environ.get("LIANJI_BENCH_ROUNDS", "5"))


def run() -> list[Row]:
    warnings.filterwarnings("ignore", module="torch.distributed")
    state = _state()
    with work_folder() as folder:
        measures = _measures(state, folder)
        found: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for measure in measures:
                for name, seconds in measure().items():
                    found.setdefault(name, []).append(seconds)
    return _rows({name: median(seconds[1:]) for name, seconds in found.items()})


def _state() -> dict[str, Any]:
    import torch

    torch.manual_seed(1)
    return {f"layer{n}": torch.rand(TENSOR_BYTES // 4) for n in range(TENSORS)}


def _measures(state: dict[str, Any], folder: Path) -> list[Callable[[], dict[str, float]]]:
    return [
        _Memcpy(state),
        _Raw(state, folder / "raw"),
        _Ours(state, folder / "ours"),
        _Dcp(state, folder / "dcp"),
        *[_Restore(state, folder / "ours", folder / "dcp")] * 3,
    ]


class _Memcpy:
    """One thread, into memory that was touched before."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._from = [value.numpy().view(np.uint8) for value in state.values()]
        self._into = np.ones(TENSORS * TENSOR_BYTES, np.uint8)

    def __call__(self) -> dict[str, float]:
        started = time.perf_counter()
        for n, value in enumerate(self._from):
            self._into[n * TENSOR_BYTES : (n + 1) * TENSOR_BYTES] = value
        return {"memcpy": time.perf_counter() - started}


class _Raw:
    """Aligned O_DIRECT writes of 8 MiB by one thread, then fsync: no hash, no manifest."""

    def __init__(self, state: dict[str, Any], path: Path) -> None:
        self._path = path
        self._memory = np.frombuffer(mmap.mmap(-1, TENSORS * TENSOR_BYTES), np.uint8)
        self._memory[:] = np.concatenate([v.numpy().view(np.uint8) for v in state.values()])

    def __call__(self) -> dict[str, float]:
        os.sync()
        started = time.perf_counter()
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_DIRECT)
        for at in range(0, len(self._memory), CHUNK_BYTES):
            os.pwrite(file, self._memory[at : at + CHUNK_BYTES].data, at)
        os.fsync(file)
        os.close(file)
        took = time.perf_counter() - started
        self._path.unlink()
        return {"raw": took}


class _Ours:
    def __init__(self, state: dict[str, Any], folder: Path) -> None:
        from lianji.learn.checkpoint import Checkpointer

        self._state = state
        self._folder = folder
        self._checkpointer = Checkpointer(folder, keep=1)
        self._checkpointer.prepare(state)
        self._step = 0

    def __call__(self) -> dict[str, float]:
        self._step += 1
        for value in self._state.values():
            value += 1  # a chunk that did not change would not be written
        os.sync()
        started = time.perf_counter()
        pending = self._checkpointer.save(self._state, self._step)
        stall = time.perf_counter() - started
        pending.wait()
        save = time.perf_counter() - started
        pending.settled("store")  # there is none: when the old one is gone too
        return {"our stall": stall, "our save": save}


class _Dcp:
    """torch's asynchronous save as it comes, and with the stager that reuses its memory."""

    def __init__(self, state: dict[str, Any], folder: Path) -> None:
        from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions

        self._state = state
        self._folder = folder
        self._stager = DefaultStager(StagingOptions(False, True, False, False))

    def __call__(self) -> dict[str, float]:
        return self._save("dcp", None) | self._save("dcp reused", self._stager)

    def _save(self, name: str, stager: Any) -> dict[str, float]:
        import torch.distributed.checkpoint as dcp

        shutil.rmtree(self._folder, ignore_errors=True)
        os.sync()
        started = time.perf_counter()
        saving = dcp.async_save(self._state, checkpoint_id=str(self._folder), async_stager=stager)
        stall = time.perf_counter() - started
        saving.result()
        return {f"{name} stall": stall, f"{name} save": time.perf_counter() - started}


class _Restore:
    """Both what was saved last, one after the other: the disk is as it is for both."""

    def __init__(self, state: dict[str, Any], ours: Path, theirs: Path) -> None:
        self._into = {name: value.clone() for name, value in state.items()}
        self._ours, self._theirs = ours, theirs

    def __call__(self) -> dict[str, float]:
        import torch.distributed.checkpoint as dcp

        from lianji.learn.checkpoint import Checkpointer

        took = {}
        for name, restore, folder in (
            ("our restore", lambda f: Checkpointer(f).restore(into=self._into), self._ours),
            ("dcp restore", lambda f: dcp.load(self._into, checkpoint_id=str(f)), self._theirs),
        ):
            _drop_caches(folder)
            started = time.perf_counter()
            restore(folder)
            took[name] = time.perf_counter() - started
        return took


def _drop_caches(folder: Path) -> None:
    """What is read next comes from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def _rows(took_s: dict[str, float]) -> list[Row]:
    def row(measure: str, ours: str, rival: str, name: str, goal: str, note: str = "") -> Row:
        value, other = took_s[ours], took_s[rival]
        return Row(measure, value, "s", name, other, other / value, goal, note)

    stall, save, restore = "stall of an eager save", "hashed durable save", "cold restore"
    reused, best = "DCP async, reused memory", min("dcp save", "dcp reused save", key=took_s.get)
    return [
        row(stall, "our stall", "memcpy", "one-thread memcpy", ">= 0.91 x"),
        row(stall, "our stall", "dcp stall", "DCP async", ""),
        row(stall, "our stall", "dcp reused stall", reused, ""),
        row(save, "our save", "raw", "raw O_DIRECT and fsync", ">= 0.8 x", "with its stall"),
        row(save, "our save", best, "DCP async, the better", ">= 2.5 x", "theirs without a hash"),
        row(restore, "our restore", "dcp restore", "dcp.load", ">= 1.7 x", "theirs unchecked"),
    ]
