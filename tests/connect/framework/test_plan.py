from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.driver import Block, Limits, Point
from lianji.connect.plan import PointTooWide, plan
from lianji.connect.refused import Ranges

LIMITS = Limits(max_span=10, max_gap=3)
POINTS = st.lists(
    st.builds(Point, st.sampled_from([(1, 3), (1, 4), "x"]), st.integers(0, 60), st.integers(1, 6)),
    max_size=40,
)
RANGES = st.lists(
    st.tuples(st.sampled_from([(1, 3), "x"]), st.integers(0, 60), st.integers(0, 4)), max_size=6
)


def ranges(found: list[tuple[object, int, int]]) -> Ranges:
    known = Ranges()
    for space, start, width in found:
        known = known.learned(space, start, start + width)
    return known


def spans(blocks: list[Block]) -> list[tuple[int, int]]:
    return [(block.start, block.end) for block in blocks]


def of(*starts: int, span: int = 1) -> list[Point]:
    return [Point("s", start, span) for start in starts]


def test_neighbours_are_read_together_and_small_gaps_are_bridged() -> None:
    assert spans(plan(of(7, 0, 1, 3), range(4), LIMITS)) == [(0, 8)]


def test_a_wider_gap_or_span_begins_a_new_block() -> None:
    assert spans(plan(of(0, 4), range(2), LIMITS)) == [(0, 5)]
    assert spans(plan(of(0, 5), range(2), LIMITS)) == [(0, 1), (5, 6)]
    assert spans(plan(of(*range(12)), range(12), LIMITS)) == [(0, 10), (10, 12)]


def test_a_refused_gap_is_not_bridged_and_a_refused_point_is_read_alone() -> None:
    hole = Ranges().learned("s", 2, 3)
    assert spans(plan(of(0, 1, 3), range(3), LIMITS, hole)) == [(0, 2), (3, 4)]
    assert spans(plan(of(1, 2, 3), range(3), LIMITS, hole)) == [(1, 2), (3, 4), (2, 3)]


def test_a_fence_is_not_crossed() -> None:
    fence = Ranges().learned("s", 4, 4)
    assert spans(plan(of(*range(8)), range(8), LIMITS, fence)) == [(0, 4), (4, 8)]


def test_numbers_stay_with_their_points() -> None:
    (block,) = plan(of(5, 3, 4), [10, 20, 30], LIMITS)
    assert block.numbers.tolist() == [20, 30, 10]
    assert [point.start for point in block.points] == [3, 4, 5]


def test_a_point_wider_than_a_read_is_named() -> None:
    with pytest.raises(PointTooWide, match="at 7 is 11 addresses wide"):
        plan(of(7, span=11), [0], LIMITS)


@given(POINTS, RANGES)
def test_every_point_is_in_exactly_one_block(points: list[Point], refused: list) -> None:
    blocks = plan(points, range(len(points)), LIMITS, ranges(refused))
    numbers = sorted(n for block in blocks for n in block.numbers.tolist())
    assert numbers == list(range(len(points)))
    for block in blocks:
        assert [points[n] for n in block.numbers.tolist()] == list(block.points)
        assert {point.space for point in block.points} == {block.space}
        assert block.start == min(point.start for point in block.points)
        assert block.end == max(point.end for point in block.points)


@given(POINTS, RANGES)
def test_no_block_is_wider_or_bridges_more_than_the_limits(points: list, refused: list) -> None:
    for block in plan(points, range(len(points)), LIMITS, ranges(refused)):
        assert block.span <= LIMITS.max_span
        covered = {a for point in block.points for a in range(point.start, point.end)}
        gap = 0
        for address in range(block.start, block.end):
            gap = 0 if address in covered else gap + 1
            assert gap <= LIMITS.max_gap


@given(POINTS, RANGES)
def test_no_refused_address_is_ever_bridged(points: list[Point], refused: list) -> None:
    known = ranges(refused)
    for block in plan(points, range(len(points)), LIMITS, known):
        covered = {a for point in block.points for a in range(point.start, point.end)}
        for address in set(range(block.start, block.end)) - covered:
            assert not any(a <= address < b for a, b in known.of(block.space).ranges)
        if known.of(block.space).within(block.start, block.end):
            assert len({(point.start, point.end) for point in block.points}) == 1


def test_points_that_overlap_have_no_gap_between_them_to_be_refused() -> None:
    twice = [Point((1, 3), 1, 1), Point((1, 3), 1, 1)]
    assert len(plan(twice, range(2), LIMITS, ranges([((1, 3), 0, 3)]))) == 1


@given(POINTS, RANGES)
def test_never_more_blocks_than_one_a_point(points: list[Point], refused: list) -> None:
    naive = {(repr(point.space), point.start, point.span) for point in points}
    assert len(plan(points, range(len(points)), LIMITS, ranges(refused))) <= len(naive)


def test_a_hundred_thousand_points_are_planned_in_a_second() -> None:
    points = [Point((unit, 3), a * 2, 2) for a in range(10_000) for unit in range(10)]
    best_s = 9.0
    for _ in range(3):
        began = time.process_time()
        blocks = plan(points, range(len(points)), Limits())
        best_s = min(best_s, time.process_time() - began)
    assert len(blocks) == 10 * 162
    assert best_s < 2.0, "a wide margin for a busy machine; alone it takes about 0.3 s"
