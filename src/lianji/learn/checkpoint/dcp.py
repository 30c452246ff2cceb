"""torch.distributed.checkpoint through our files: one line switches.

    dcp.save(state, storage_writer=LianjiWriter("checkpoints"))
    dcp.load(state, storage_reader=LianjiReader("checkpoints"))

Each save is a checkpoint of its own in the folder, which all ranks must see; the rank that
coordinates commits it, when every rank has synced what it wrote. DCP's metadata is JSON here. What
is no tensor is bytes that DCP's own planner makes and reads (it pickles them); we keep them as
they are.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.distributed.checkpoint.metadata import Metadata, MetadataIndex
from torch.distributed.checkpoint.planner import (
    LoadItemType,
    LoadPlan,
    LoadPlanner,
    ReadItem,
    SavePlan,
    SavePlanner,
    WriteItem,
)
from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
from torch.futures import Future

from lianji.base.errors import StorageError
from lianji.learn.checkpoint import faults, manifest, reading, writing
from lianji.learn.checkpoint.dcp_metadata import Place, from_json, to_json
from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.image import CHUNK_BYTES, Part, laid_out
from lianji.learn.checkpoint.leaves import Bytes, bytes_of, empty, finished
from lianji.learn.checkpoint.manifest import Manifest, Section
from lianji.learn.checkpoint.places import FolderSource
from lianji.learn.checkpoint.slots import touched
from lianji.learn.checkpoint.tree import Leaf, leaf_of


@dataclass(frozen=True, slots=True)
class _Place:
    """What a rank is told: which checkpoint it writes a part of, and which part."""

    name: str
    rank: int


@dataclass(frozen=True, slots=True)
class _Written:
    """What a rank tells of an item; of its first also the section, as JSON."""

    rank: int
    leaf: int
    section: dict[str, Any] | None


class LianjiWriter(StorageWriter):
    """Writes checkpoints into a folder, of which ``keep`` stay; ``threads`` write.

    ``step`` is told where the checkpoint is listed; else they are counted.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep: int = 3,
        threads: int = 2,
        step: int | None = None,
    ) -> None:
        self._folder = Folder(Path(path))
        self._keep, self._threads, self._step = keep, threads, step
        self._name = ""

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        self._folder.unlock()
        if checkpoint_id is not None:
            self._folder = Folder(Path(checkpoint_id))

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        return None

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        self._folder.lock()
        counted = manifest.serial_of(self._folder.next_name(0))
        self._name = self._folder.next_name(counted if self._step is None else self._step)
        self._folder.draft(self._name)
        return [replace(plan, storage_data=_Place(self._name, n)) for n, plan in enumerate(plans)]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        done: Future[list[WriteResult]] = Future()
        done.set_result(self._written(plan.items, plan.storage_data, planner))
        return done

    def _written(
        self, items: Sequence[WriteItem], place: _Place, planner: SavePlanner
    ) -> list[WriteResult]:
        if not items:
            return []
        values = [_value_of(planner.resolve_data(item)) for item in items]
        leaves = [leaf_of(v, i.index.fqn) for v, i in zip(values, items, strict=True)]
        image = laid_out([leaf.bytes for leaf in leaves])
        file = f"rank-{place.rank}"
        path = self._folder.path / f".draft-{place.name}" / file
        content_of = _gathering(values, image.parts())
        chunks = writing.write(path, f"{place.name}/{file}", image, content_of, {}, self._threads)
        section = Section(tuple(leaves), image.starts, tuple(chunks)).as_json()
        return [
            WriteResult(
                index=item.index,
                size_in_bytes=leaf.bytes,
                storage_data=_Written(place.rank, n, None if n else section),
            )
            for n, (item, leaf) in enumerate(zip(items, leaves, strict=True))
        ]

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """All ranks have synced: commit. Raises OSError."""
        sections: list[Section] = []
        places: dict[MetadataIndex, Place] = {}
        try:
            for written in results:
                for one in written:
                    if one.storage_data.section is not None:
                        sections.append(Section.from_json(one.storage_data.section))
                    places[one.index] = (len(sections) - 1, one.storage_data.leaf)
            tree = to_json(metadata, places)
            self._folder.commit(manifest.made(self._name, tree, sections, distributed=True))
            self._folder.retain(self._keep, [self._name], [])
        finally:
            self._folder.unlock()

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return "://" not in str(checkpoint_id)


def _value_of(given: torch.Tensor | io.BytesIO) -> torch.Tensor | bytes:
    """A tensor that lies in a row in this memory, or bytes."""
    if isinstance(given, io.BytesIO):
        return given.getvalue()
    return given.detach().cpu().resolve_conj().resolve_neg().contiguous()


def _gathering(
    values: Sequence[torch.Tensor | bytes], parts: list[list[Part]]
) -> writing.ContentOf:
    """Chunks put together of the leaves' own memory, each thread in 8 MiB of its own."""
    memory = [_memory(value) for value in values]
    own = threading.local()

    def content_of(number: int, start: int) -> Bytes:
        if not hasattr(own, "staging"):
            own.staging = touched(CHUNK_BYTES)
        staging: Bytes = own.staging
        at = 0
        for part in parts[number]:
            staging[at : part.chunk_start] = 0
            at = part.chunk_start + part.bytes
            end = part.leaf_start + part.bytes
            staging[part.chunk_start : at] = memory[part.leaf][part.leaf_start : end]
        staging[at:] = 0
        return staging

    return content_of


def _memory(value: torch.Tensor | bytes) -> Bytes:
    if isinstance(value, bytes):
        return np.frombuffer(value, np.uint8)
    return reading.place_of(value) if value.numel() else np.empty(0, np.uint8)


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
        with FolderSource(self._folder).reading() as read:
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
