"""Plan the fewest requests that read a set of points.

A request costs the same however much it reads, so neighbours are read together, gaps and all.
Addresses that a device once refused are never bridged again, and a point that it refuses is read
alone, so that it takes no other point down with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby

import numpy as np

from lianji.connect.driver import Block, Limits, Point
from lianji.connect.refused import Ranges, SpaceRanges

_Placed = tuple[int, int, int]
"""Start, end, and the index of a point."""


class PointTooWide(ValueError):
    """One point alone is wider than the widest read of its protocol."""

    def __init__(self, point: Point, number: int, limits: Limits) -> None:
        super().__init__(
            f"the value at {point.start} is {point.span} addresses wide, and one read takes at "
            f"most {limits.max_span}"
        )
        self.point = point
        self.number = number


def plan(
    points: Sequence[Point], numbers: Sequence[int], limits: Limits, refused: Ranges | None = None
) -> list[Block]:
    """Group points into blocks; ``numbers[i]`` is the number of ``points[i]`` in its device.

    Spans and gaps are in the protocol's own address unit (registers, bytes). Each block holds
    points of one space in ascending order, spans at most ``limits.max_span`` and bridges at most
    ``limits.max_gap`` and nothing in ``refused``. Points may overlap and repeat.
    Raises PointTooWide if a single point exceeds a span.
    """
    known = refused or Ranges()
    blocks: list[Block] = []
    for space, members in _by_space(points).items():
        blocks += _blocks(space, points, numbers, members, limits, known.of(space))
    return blocks


def _by_space(points: Sequence[Point]) -> dict[Hashable, list[int]]:
    spaces: dict[Hashable, list[int]] = {}
    for index, point in enumerate(points):
        spaces.setdefault(point.space, []).append(index)
    return spaces


def _blocks(
    space: Hashable,
    points: Sequence[Point],
    numbers: Sequence[int],
    members: list[int],
    limits: Limits,
    refused: SpaceRanges,
) -> list[Block]:
    """The blocks of one space; ``members`` are the indices of its points."""
    starts = [points[index].start for index in members]
    spans = [points[index].span for index in members]
    if max(spans) > limits.max_span:
        worst = members[spans.index(max(spans))]
        raise PointTooWide(points[worst], numbers[worst], limits)
    order = np.lexsort((spans, starts)).tolist()
    ordered = [(starts[place], starts[place] + spans[place], members[place]) for place in order]
    solitary: list[_Placed] = []
    if refused.starts:
        solitary = [placed for placed in ordered if refused.within(placed[0], placed[1])]
        ordered = [placed for placed in ordered if not refused.within(placed[0], placed[1])]
    runs = [*_runs(ordered, limits, refused), *_identical(solitary)]
    return [_block(space, points, numbers, run) for run in runs]


def _runs(ordered: list[_Placed], limits: Limits, refused: SpaceRanges) -> Iterator[list[_Placed]]:
    """Cut ascending points into runs. (The one loop here that sees every point.)"""
    first, run_start, run_end = 0, 0, 0
    max_gap, max_span, guarded = limits.max_gap, limits.max_span, bool(refused)
    for place, (start, end, _) in enumerate(ordered):
        grown = end if end > run_end else run_end
        if place == 0 or (
            start - run_end > max_gap
            or grown - run_start > max_span
            or (guarded and start >= run_end and refused.between(run_end, start))
            or (guarded and refused.within(run_start, grown))
        ):
            if place:
                yield ordered[first:place]
            first, run_start, grown = place, start, end
        run_end = grown
    if ordered:
        yield ordered[first:]


def _identical(ordered: list[_Placed]) -> Iterator[list[_Placed]]:
    """Points that share one place share one read."""
    for _, group in groupby(ordered, key=lambda placed: placed[:2]):
        yield list(group)


def _block(
    space: Hashable, points: Sequence[Point], numbers: Sequence[int], run: list[_Placed]
) -> Block:
    return Block(
        space,
        run[0][0],
        max(end for _, end, _ in run),
        tuple([points[index] for _, _, index in run]),
        np.array([numbers[index] for _, _, index in run], dtype=np.int32),
    )
