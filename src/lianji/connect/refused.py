"""Addresses that a device refused: learned once, remembered, never bridged again.

Devices forbid addresses without saying which. A refused block is divided until what is to blame
stands alone: a point (then only its own tag is bad), the gap between two points, or a place that
a read may not cross. Nothing here does I/O, except ``Memory``, which keeps the lessons on disk.

``Ranges`` never turns good points bad: a point counts as refused only if a read of no more than
itself was refused. Addresses are in the protocol's own unit; a range excludes its end.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, Text
from lianji.connect.driver import Block, Point

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SpaceRanges:
    """What one space refuses. No range holds another, so starts and ends ascend together.

    A fence ``(a, a)`` refuses no address: it is a place that no read may cross.
    """

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    fences: tuple[int, ...] = ()

    @property
    def ranges(self) -> list[Range]:
        return [*zip(self.starts, self.ends, strict=True), *((at, at) for at in self.fences)]

    def __bool__(self) -> bool:
        return bool(self.starts or self.fences)

    def between(self, start: int, end: int) -> bool:
        """True if a refused address lies in ``start <= a < end``, or a fence in ``[start, end]``.

        Asked of the gap between two points; a gap of no width still meets a fence.
        """
        fence = bisect_left(self.fences, start)
        if fence < len(self.fences) and self.fences[fence] <= end:
            return True
        first = bisect_right(self.ends, start)
        return first < len(self.starts) and self.starts[first] < end

    def within(self, start: int, end: int) -> bool:
        """True if a read of ``start <= a < end`` is known to be refused."""
        first = bisect_left(self.starts, start)
        return first < len(self.starts) and self.ends[first] <= end

    def learned(self, start: int, end: int) -> SpaceRanges:
        if start == end:
            return SpaceRanges(self.starts, self.ends, tuple(sorted({*self.fences, start})))
        if self.within(start, end):
            return self
        kept = [
            (a, b)
            for a, b in zip(self.starts, self.ends, strict=True)
            if not (a <= start and end <= b)
        ]
        return self._of(sorted([*kept, (start, end)]))

    def forgotten(self, start: int, end: int) -> SpaceRanges:
        pairs = zip(self.starts, self.ends, strict=True)
        return self._of([(a, b) for a, b in pairs if not (start <= a and b <= end)])

    def _of(self, ranges: Sequence[Range]) -> SpaceRanges:
        return SpaceRanges(tuple(a for a, _ in ranges), tuple(b for _, b in ranges), self.fences)


_NOTHING = SpaceRanges()


@dataclass(frozen=True, slots=True)
class Ranges:
    """An immutable set of refused ranges per space. Spaces are known by their ``repr``."""

    spaces: Mapping[str, SpaceRanges] = field(default_factory=dict)

    def of(self, space: Hashable) -> SpaceRanges:
        return self.spaces.get(repr(space), _NOTHING) if self.spaces else _NOTHING

    def between(self, space: Hashable, start: int, end: int) -> bool:
        return self.of(space).between(start, end)

    def refuses(self, point: Point) -> bool:
        """True if a read of this point alone is known to be refused."""
        return self.of(point.space).within(point.start, point.end)

    def learned(self, space: Hashable, start: int, end: int) -> Ranges:
        return Ranges({**self.spaces, repr(space): self.of(space).learned(start, end)})

    def forgotten(self, space: Hashable, start: int, end: int) -> Ranges:
        """Without what lies in ``start <= a < end``: the device answered there after all."""
        return Ranges({**self.spaces, repr(space): self.of(space).forgotten(start, end)})

    def as_json(self) -> dict[str, list[list[int]]]:
        return {
            space: [list(pair) for pair in known.ranges]
            for space, known in self.spaces.items()
            if known.ranges
        }

    @classmethod
    def of_json(cls, given: Mapping[str, Sequence[Sequence[int]]]) -> Ranges:
        """Raises TypeError or ValueError if ``given`` is not what ``as_json`` wrote."""
        spaces: dict[str, SpaceRanges] = {}
        for space, ranges in given.items():
            known = SpaceRanges()
            for start, end in ranges:
                if not isinstance(start, int) or not isinstance(end, int) or start > end:
                    raise ValueError(f"not a range: {start}, {end}")
                known = known.learned(start, end)
            spaces[str(space)] = known
        return cls(spaces)


def divided(block: Block, by_place: bool = True) -> tuple[Block, Block] | None:
    """The two halves of a block, or None if there is nothing to divide.

    ``by_place``: points that lie in the same place are read and refused together.
    """
    first = block.points[0]
    rest = block.points[1:]
    if not rest or (by_place and all((p.start, p.end) == (first.start, first.end) for p in rest)):
        return None
    middle = len(block.points) // 2
    return _part(block, 0, middle), _part(block, middle, len(block.points))


def _part(block: Block, first: int, last: int) -> Block:
    points = block.points[first:last]
    start, end = min(p.start for p in points), max(p.end for p in points)
    return Block(block.space, start, end, points, np.ascontiguousarray(block.numbers[first:last]))


@dataclass(slots=True)
class _Pair:
    halves: tuple[Block, Block]
    answered: int = 0


@dataclass(slots=True)
class Bisection:
    """The search for what a device refuses. Told of each answer, it says what to read instead.

    ``lessons`` gathers the ranges found so far; whoever reads them empties it. Without
    ``by_place`` (a protocol without an address space) there are no places and so no lessons.
    """

    by_place: bool = True
    lessons: list[tuple[Hashable, int, int]] = field(default_factory=list)
    _pairs: dict[int, _Pair] = field(default_factory=dict)

    def refused(self, block: Block) -> tuple[Block, ...]:
        """The halves to read instead; none if the block is to blame as it stands."""
        self._pairs.pop(id(block), None)
        halves = divided(block, self.by_place)
        if halves is None:
            self._learn(block, block.start, block.end)
            return ()
        pair = _Pair(halves)
        self._pairs[id(halves[0])] = self._pairs[id(halves[1])] = pair
        return halves

    def answered(self, block: Block) -> None:
        """Both halves of a refused block are fine: what lies between them is to blame."""
        pair = self._pairs.pop(id(block), None)
        if pair is None:
            return
        pair.answered += 1
        left, right = pair.halves
        if pair.answered == 2 and left.end <= right.start:
            self._learn(block, left.end, right.start)

    def _learn(self, block: Block, start: int, end: int) -> None:
        if self.by_place:
            self.lessons.append((block.space, start, end))


@dataclass(frozen=True, slots=True)
class Memory:
    """The lessons of one device on disk, as JSON that a person can read and delete.

    ``identity`` says which machine they belong to: with another address they are void.
    """

    path: Path
    identity: str = ""

    def load(self) -> Ranges:
        """What was learned; nothing if there is no file or it is another machine's.

        Raises InputError for a file that is not ours or damaged.
        """
        try:
            content = json.loads(self.path.read_text("utf-8"))
            if content["identity"] != self.identity:
                return Ranges()
            return Ranges.of_json(content["refused"])
        except FileNotFoundError:
            return Ranges()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                "refused-ranges-damaged",
                Text(
                    f"The remembered refused addresses in {self.path} cannot be read: {error}.",
                    f"无法读取 {self.path} 中记住的禁读地址：{error}。",
                ),
                Text(
                    "Delete the file; the addresses are learned again.",
                    "请删除该文件，禁读地址会重新学习。",
                ),
            ) from error

    def save(self, ranges: Ranges) -> None:
        """Durable when this returns (blocks on fsync). Raises OSError."""
        make_folder(self.path.parent)
        content = {"identity": self.identity, "refused": ranges.as_json()}
        write_atomically(self.path, json.dumps(content, indent=1).encode())
