"""Where each leaf of a state lies in the image that is written: sizes in, places out.

Large leaves begin on a page and have chunks to themselves, so that a chunk of a frozen parameter is
the same in every checkpoint; small ones share chunks. Chunks are whole pages, as O_DIRECT wants,
and what lies between leaves is zero and hashed like the rest: no byte of a file goes unchecked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

PAGE_BYTES = 4096
CHUNK_BYTES = 8 << 20
LARGE_BYTES = 1 << 20
LEAF_ALIGN_BYTES = 64


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one leaf inside one chunk; all in bytes."""

    leaf: int
    leaf_start: int
    chunk_start: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """``starts`` of each leaf and ``chunks``, the bytes of each: they follow each other."""

    sizes: tuple[int, ...]
    starts: tuple[int, ...]
    chunks: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return sum(self.chunks)

    def chunk_starts(self) -> list[int]:
        return [0, *accumulate(self.chunks)][:-1]

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Start and end of every stretch that no leaf covers."""
        at = 0
        for leaf in self._in_order():
            if self.starts[leaf] > at:
                yield at, self.starts[leaf]
            at = self.starts[leaf] + self.sizes[leaf]
        if self.bytes > at:
            yield at, self.bytes

    def parts(self) -> list[list[Part]]:
        """Of each chunk, which stretches of which leaves lie in it."""
        found: list[list[Part]] = [[] for _ in self.chunks]
        begins = self.chunk_starts()
        for leaf in self._in_order():
            start, end = self.starts[leaf], self.starts[leaf] + self.sizes[leaf]
            at, chunk = start, bisect_right(begins, start) - 1
            while at < end:
                until = min(end, begins[chunk] + self.chunks[chunk])
                found[chunk].append(Part(leaf, at - start, at - begins[chunk], until - at))
                at, chunk = until, chunk + 1
        return found

    def _in_order(self) -> list[int]:
        there = (leaf for leaf, size in enumerate(self.sizes) if size)
        return sorted(there, key=self.starts.__getitem__)


def laid_out(sizes: Sequence[int]) -> Image:
    """The image of leaves of these sizes in bytes: first the large ones, then the small."""
    starts, chunks, at = [0] * len(sizes), [], 0
    for leaf, size in enumerate(sizes):
        if size >= LARGE_BYTES:
            starts[leaf] = at
            chunks += _cut(size)
            at += _up(size, PAGE_BYTES)
    begin = at
    for leaf, size in enumerate(sizes):
        if size < LARGE_BYTES:
            starts[leaf] = at
            at = _up(at + size, LEAF_ALIGN_BYTES)
    chunks += _cut(at - begin)
    return Image(tuple(sizes), tuple(starts), tuple(chunks))


def _cut(size: int) -> list[int]:
    pages = _up(size, PAGE_BYTES)
    whole, rest = divmod(pages, CHUNK_BYTES)
    return [CHUNK_BYTES] * whole + ([rest] if rest else [])


def _up(size: int, to: int) -> int:
    return -(-size // to) * to
