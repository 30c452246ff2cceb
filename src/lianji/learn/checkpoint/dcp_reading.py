"""DCP's storage reader: what the planner asks for, checked, and straight to where it goes."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import (
    LoadItemType,
    LoadPlan,
    LoadPlanner,
    ReadItem,
)
from torch.distributed.checkpoint.storage import StorageReader
from torch.futures import Future

from lianji.base.errors import StorageError
from lianji.learn.checkpoint import faults, manifest, reading
from lianji.learn.checkpoint.dcp_metadata import from_json
from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.leaves import bytes_of, empty, finished
from lianji.learn.checkpoint.manifest import Manifest
from lianji.learn.checkpoint.tree import Leaf, leaf_of


class LianjiReader(StorageReader):
    """Reads the newest good checkpoint (of ``step``) of a folder; every chunk is checked.

    Where one turns out to be damaged, a single rank reads all of it again from the next older one
    that has the same items; several ranks get the StorageError, for they must go back together.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, step: int | None = None, threads: int = 2
    ) -> None:
        self._folder = Folder(Path(path))
        self._step, self._threads = step, threads
        self._told: Manifest | None = None
        self.step: int | None = None
        """Of what was read last."""

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        if checkpoint_id is not None:
            self._folder = Folder(Path(checkpoint_id))
        self._told = None

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """Raises NotFound where there is no good one."""
        self._told = self._next_older(None)
        return from_json(self._told.tree)[0]

    def set_up_storage_reader(
        self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any
    ) -> None:
        return None

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        told = self._told or self._next_older(None)
        expected = told.tree["items"]
        while True:
            try:
                self._read(told, plan.items, planner)
                break
            except StorageError:
                if _ranks() > 1:
                    raise
                told = self._next_older(told)
                while told.tree["items"] != expected:
                    told = self._next_older(told)
        self._told, self.step = told, told.step
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _next_older(self, than: Manifest | None) -> Manifest:
        """The newest whose manifest is good, older than ``than``. Raises NotFound."""
        names = self._folder.names()
        if than is not None:
            names = names[: names.index(than.name)] if than.name in names else []
        bad = []
        for name in reversed(names):
            if self._step is not None and manifest.step_of(name) != self._step:
                continue
            try:
                told = self._folder.manifest(name)
            except StorageError as error:
                bad.append(error.cause.en)
                continue
            if told.distributed:
                return told
        raise faults.none_good(str(self._folder.path), self._step, bad)

    def _read(self, told: Manifest, items: Sequence[ReadItem], planner: LoadPlanner) -> None:
        places = from_json(told.tree)[1]
        wanted: dict[int, dict[int, list[ReadItem]]] = {}
        for item in items:
            place, leaf = places[item.storage_index]
            wanted.setdefault(place, {}).setdefault(leaf, []).append(item)
        with self._folder.reading() as read:
            for number, of_leaf in wanted.items():
                section = told.sections[number]
                work = {n: _Reading(section.leaves[n], of_leaf[n], planner) for n in of_leaf}
                memory = {n: one.memory for n, one in work.items() if one.memory is not None}
                reading.read_section(told.name, section, read, memory, self._threads)
                for one in work.values():
                    one.finish(planner)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return "://" not in str(checkpoint_id)


class _Reading:
    """One leaf on its way to where the planner wants it: straight there, or by a copy."""

    def __init__(self, leaf: Leaf, items: list[ReadItem], planner: LoadPlanner) -> None:
        self._leaf, self._items = leaf, items
        self._target: torch.Tensor | None = None
        if leaf.kind == "torch" and len(items) == 1 and tuple(items[0].lengths) == leaf.shape:
            target = planner.resolve_tensor(items[0]).detach()
            same = tuple(target.shape) == leaf.shape and leaf_of(target, "").dtype == leaf.dtype
            if same and (not leaf.bytes or bytes_of(target) is not None):
                self._target = target
        self._value: Any = empty(leaf) if self._target is None else self._target
        self.memory = reading.place_of(self._value) if leaf.bytes else None

    def finish(self, planner: LoadPlanner) -> None:
        for item in self._items:
            if item.type == LoadItemType.BYTE_IO:
                planner.load_bytes(item, io.BytesIO(finished(self._leaf, self._value)))
                continue
            target = self._target
            if target is None:
                target = planner.resolve_tensor(item).detach()
                part = self._value
                for dim, (start, length) in enumerate(
                    zip(item.storage_offsets, item.lengths, strict=True)
                ):
                    part = part.narrow(dim, start, length)
                target.copy_(part)
            planner.commit_tensor(item, target)


def _ranks() -> int:
    distributed = torch.distributed
    on = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if on else 1
