"""DCP's storage writer: each rank writes its file, the one that coordinates commits."""

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
    SavePlan,
    SavePlanner,
    WriteItem,
)
from torch.distributed.checkpoint.storage import StorageWriter, WriteResult
from torch.futures import Future

from lianji.learn.checkpoint import manifest, reading, writing
from lianji.learn.checkpoint.dcp_metadata import Place, to_json
from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.image import CHUNK_BYTES, Part, laid_out
from lianji.learn.checkpoint.leaves import Bytes
from lianji.learn.checkpoint.manifest import Section
from lianji.learn.checkpoint.slots import touched
from lianji.learn.checkpoint.tree import leaf_of


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
