"""Read a checkpoint back: every chunk hashed before a byte of it is copied to where it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xxhash

from lianji.base.errors import InputError
from lianji.learn.checkpoint import faults
from lianji.learn.checkpoint.crew import each
from lianji.learn.checkpoint.disk import DataFile
from lianji.learn.checkpoint.image import CHUNK_BYTES, Part
from lianji.learn.checkpoint.leaves import Bytes, bytes_of, empty, finished
from lianji.learn.checkpoint.manifest import Chunk, Manifest, Section
from lianji.learn.checkpoint.slots import touched
from lianji.learn.checkpoint.tree import Leaf, is_stateful, is_tensor, leaf_of, unflatten

Read = Callable[[Chunk, Bytes], int]
"""Fill the memory with a chunk's bytes; how many there were. Raises OSError."""


class Source(Protocol):
    """Where checkpoints are read from: a folder or an object store."""

    def names(self) -> list[str]: ...
    def manifest(self, name: str) -> Manifest: ...
    def reading(self) -> Any: ...  # a context manager of Read


@contextmanager
def reading_files(place: Callable[[str], Path]) -> Iterator[Read]:
    """Chunks of local data files, each opened once."""
    files: dict[str, DataFile] = {}
    lock = threading.Lock()

    def read(chunk: Chunk, into: Bytes) -> int:
        with lock:
            if chunk.file not in files:
                files[chunk.file] = DataFile(place(chunk.file), write=False)
        return files[chunk.file].read(into, chunk.start)

    try:
        yield read
    finally:
        for file in files.values():
            file.close()


def read_section(
    name: str,
    section: Section,
    read: Read,
    places: Mapping[int, Bytes] | None,
    threads: int,
) -> None:
    """Read and check the chunks of the leaves that have a place, and copy them there.

    Without places all chunks are read and checked. Raises StorageError at the first that does not
    check; places are half filled then.
    """
    into = places or {}
    every = zip(section.chunks, section.image.parts(), strict=True)
    wanted = [
        (chunk, [part for part in parts if part.leaf in into])
        for chunk, parts in every
        if places is None or any(part.leaf in into for part in parts)
    ]
    own = threading.local()

    def one(item: tuple[Chunk, list[Part]]) -> None:
        chunk, parts = item
        if not hasattr(own, "staging"):
            own.staging = touched(CHUNK_BYTES)
        content = own.staging[: chunk.bytes]
        checked(name, chunk, read, content)
        for part in parts:
            copied = content[part.chunk_start : part.chunk_start + part.bytes]
            into[part.leaf][part.leaf_start : part.leaf_start + part.bytes] = copied

    each(one, wanted, min(threads, max(1, len(wanted))))


def checked(name: str, chunk: Chunk, read: Read, into: Bytes) -> None:
    """Read one chunk. Raises StorageError if it is not what was written."""
    try:
        got = read(chunk, into)
    except OSError as error:
        raise faults.damaged(name, f"{chunk.file}: {error}", f"{chunk.file}：{error}") from error
    if got < chunk.bytes:
        raise faults.damaged(name, f"{chunk.file} ends early", f"{chunk.file} 不完整")
    if xxhash.xxh3_128_hexdigest(into.data) != chunk.xxh3:
        where, end = f"{chunk.file} from byte {chunk.start}", chunk.start + chunk.bytes
        raise faults.damaged(
            name,
            f"{where} to {end} does not check",
            f"{chunk.file} 的第 {chunk.start} 至 {end} 字节校验失败",
        )


def verify(source: Source, told: Manifest, threads: int) -> None:
    """Read and check everything of one checkpoint. Raises StorageError."""
    with source.reading() as read:
        for section in told.sections:
            read_section(told.name, section, read, None, threads)


def read_state(source: Source, told: Manifest, into: Any, threads: int) -> Any:
    """The state of one checkpoint; tensors and arrays of ``into`` are filled where they lie.

    Raises StorageError if it is damaged (``into`` is half filled then), InputError if it does not
    fit ``into``; nothing is read then.
    """
    (section,) = told.sections
    targets: dict[int, Any] = {}
    if into is not None:
        _match(told.tree, into, "", section.leaves, targets)
    values = [_value_for(n, leaf, targets) for n, leaf in enumerate(section.leaves)]
    places = {n: place_of(values[n]) for n, leaf in enumerate(section.leaves) if leaf.bytes}
    with source.reading() as read:
        read_section(told.name, section, read, places, threads)
    for n, target in targets.items():
        if target is not values[n]:
            _copy_in(target, values[n])
            values[n] = target
    state = unflatten(told.tree, lambda n: finished(section.leaves[n], values[n]))
    return state if into is None else _loaded(into, state)


def _value_for(n: int, leaf: Leaf, targets: Mapping[int, Any]) -> Any:
    """The target itself where it can be filled in place, else something fresh."""
    if n in targets and (leaf.bytes == 0 or bytes_of(targets[n]) is not None):
        return targets[n]
    return empty(leaf)


def place_of(value: Any) -> Bytes:
    """The memory of what ``bytes_of`` has said yes to, or ``empty`` has made."""
    place = bytes_of(value)
    assert place is not None
    return place


def _copy_in(target: Any, value: Any) -> None:
    if is_tensor(target):
        target.detach().copy_(value)
    else:
        target[...] = value


def _match(tree: Any, into: Any, path: str, leaves: Sequence[Leaf], found: dict[int, Any]) -> None:
    """Which leaf fills which tensor or array of ``into``. Raises InputError."""
    if is_stateful(into):
        return  # is given its part when all is read
    if isinstance(tree, dict) and "leaf" in tree:
        if not _may_be_filled(into):
            return
        leaf, there = leaves[tree["leaf"]], leaf_of(into, path)
        if (leaf.kind, leaf.dtype, leaf.shape) != (there.kind, there.dtype, there.shape):
            has = f"{leaf.kind} {leaf.dtype} {list(leaf.shape)}"
            wants = f"{there.kind} {there.dtype} {list(there.shape)}"
            raise _differs(path, has, wants)
        found[tree["leaf"]] = into
        return
    items = _items(tree)
    if items is None or not isinstance(into, Mapping | list | tuple):
        if _may_be_filled(into):
            raise _differs(path, "no tensor", "a tensor")
        return
    inside = dict(into) if isinstance(into, Mapping) else dict(enumerate(into))
    for key, item in items:
        if key not in inside:
            raise _differs(f"{path}/{key}", "something", "nothing")
        _match(item, inside.pop(key), f"{path}/{key}".lstrip("/"), leaves, found)
    for key in inside:
        raise _differs(f"{path}/{key}", "nothing", "something")


def _may_be_filled(value: object) -> bool:
    return is_tensor(value) or isinstance(value, np.ndarray)


def _items(tree: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(tree, list):
        return list(enumerate(tree))
    for kind in ("dict", "ordered"):
        if isinstance(tree, dict) and kind in tree:
            return [(unflatten(key, int), item) for key, item in tree[kind]]
    if isinstance(tree, dict) and "tuple" in tree:
        return list(enumerate(tree["tuple"]))
    return None


def _differs(path: str, has: str, wants: str) -> InputError:
    return faults.does_not_fit(
        path.lstrip("/"),
        f"it has {has} where the state has {wants}",
        f"检查点中为 {has}，状态中为 {wants}",
    )


def _loaded(into: Any, state: Any) -> Any:
    """Give every object with load_state_dict its part; the rest is as restored."""
    if is_stateful(into):
        into.load_state_dict(state)
        return into
    if isinstance(into, Mapping) and isinstance(state, dict):
        for key in state:
            if key in into:
                state[key] = _loaded(into[key], state[key])
    elif isinstance(into, list) and isinstance(state, list):
        state[:] = [_loaded(there, part) for there, part in zip(into, state, strict=True)]
    return state
