"""A filled slot becomes a data file: every chunk hashed, what is known already only referred to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xxhash

from lianji.learn.checkpoint import manifest
from lianji.learn.checkpoint.crew import each
from lianji.learn.checkpoint.disk import DataFile
from lianji.learn.checkpoint.image import Image
from lianji.learn.checkpoint.leaves import Bytes, copy_out
from lianji.learn.checkpoint.manifest import Chunk
from lianji.learn.checkpoint.tree import Leaf

LENDERS_MAX = 8
"""A checkpoint refers to at most so many others, so that old ones do go one day."""

Known = Mapping[tuple[str, int], Chunk]
"""Chunks that are known to lie on disk, by hash and bytes."""


ContentOf = Callable[[int, int], Bytes]


def fill(memory: Bytes, image: Image, leaves: Sequence[Leaf], values: Sequence[Any]) -> None:
    """Copy the leaves where the image has them; what lies between becomes zero."""
    for leaf, value, start in zip(leaves, values, image.starts, strict=True):
        copy_out(leaf, value, memory[start : start + leaf.bytes])
    for start, end in image.gaps():
        memory[start:end] = 0


def write(
    path: Path, file: str, image: Image, content_of: ContentOf, known: Known, threads: int
) -> list[Chunk]:
    """Write the image to a new file and sync it; ``file`` is the name that its chunks tell.

    ``content_of`` gives a chunk by its number and start, in page-aligned memory. Raises OSError.
    """
    found: list[Chunk | None] = [None] * len(image.chunks)
    data = DataFile(path, write=True, bytes_max=image.bytes)

    def one(item: tuple[int, int, int]) -> None:
        number, start, size = item
        content = content_of(number, start)[:size]
        xxh3 = xxhash.xxh3_128_hexdigest(content.data)
        there = known.get((xxh3, size))
        found[number] = there or Chunk(file, data.append(content), size, xxh3)

    try:
        starts = image.chunk_starts()
        each(one, list(zip(range(len(starts)), starts, image.chunks, strict=True)), threads)
        data.sync()
    finally:
        data.close()
    return [chunk for chunk in found if chunk is not None]


def known_of(chunks: Iterable[Chunk], name: str) -> dict[tuple[str, int], Chunk]:
    """What the checkpoint after ``name`` may refer to: what ``name`` wrote itself, and what it
    borrows from those that lend it most."""
    chunks = list(chunks)
    lent: Counter[str] = Counter()
    for chunk in chunks:
        lent[chunk.owner] += chunk.bytes
    own = lent.pop(name, 0)
    lenders = {owner for owner, _ in lent.most_common(LENDERS_MAX - bool(own))} | {name}
    return {(c.xxh3, c.bytes): c for c in chunks if c.owner in lenders}


def data_name(name: str) -> str:
    return f"{name}/{manifest.DATA}"
