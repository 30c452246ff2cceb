from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.connect.driver import Block, Limits, Point
from lianji.connect.plan import plan
from lianji.connect.refused import Bisection, Memory, Ranges, SpaceRanges

LIMITS = Limits(max_span=40, max_gap=8)


def search(blocks: list[Block], forbidden: set[int]) -> tuple[set[int], set[int], int, Ranges]:
    """Read blocks of a machine that forbids addresses: numbers read, refused, requests, lessons."""
    bisection, todo, requests = Bisection(), deque(blocks), 0
    read: set[int] = set()
    refused: set[int] = set()
    while todo:
        block = todo.popleft()
        requests += 1
        if forbidden.isdisjoint(range(block.start, block.end)):
            bisection.answered(block)
            read.update(block.numbers.tolist())
            continue
        halves = bisection.refused(block)
        todo.extend(halves)
        if not halves:
            refused.update(block.numbers.tolist())
    known = Ranges()
    for space, start, end in bisection.lessons:
        known = known.learned(space, start, end)
    return read, refused, requests, known


POINTS = st.lists(
    st.builds(Point, st.just("s"), st.integers(0, 120), st.integers(1, 4)), min_size=1, max_size=40
)


@given(POINTS, st.sets(st.integers(0, 124), max_size=6))
def test_exactly_the_forbidden_points_are_found(points: list[Point], forbidden: set[int]) -> None:
    blocks = plan(points, range(len(points)), LIMITS)
    read, refused, _, _ = search(blocks, forbidden)
    guilty = {
        number
        for number, point in enumerate(points)
        if not forbidden.isdisjoint(range(point.start, point.end))
    }
    assert refused == guilty
    assert read == set(range(len(points))) - guilty


@given(POINTS, st.sets(st.integers(0, 124), max_size=6))
def test_what_was_learned_never_condemns_a_good_point_and_soon_nothing_is_refused_twice(
    points: list[Point], forbidden: set[int]
) -> None:
    known = Ranges()
    for _ in range(12):
        blocks = plan(points, range(len(points)), LIMITS, known)
        suspects = [block for block in blocks if not known.refuses(block.points[0])]
        _, refused, _, lessons = search(suspects, forbidden)
        for block in suspects:
            for point in block.points:
                assert not known.refuses(point)
        for space, start, end in (
            (s, a, b) for s in lessons.spaces for a, b in lessons.spaces[s].ranges
        ):
            known = Ranges(
                {**known.spaces, space: known.spaces.get(space, SpaceRanges()).learned(start, end)}
            )
        if not refused and not lessons.spaces:
            return
    raise AssertionError("still learning after twelve plans")


def test_one_bad_register_among_a_hundred_costs_a_few_requests() -> None:
    points = [Point("s", a, 1) for a in range(100)]
    blocks = plan(points, range(100), Limits())
    read, refused, requests, known = search(blocks, {37})
    assert (refused, len(read)) == ({37}, 99)
    assert requests <= 16
    assert known.refuses(Point("s", 37, 1))


def test_a_forbidden_hole_between_points_is_learned_as_a_hole() -> None:
    points = [Point("s", a, 1) for a in (0, 1, 2, 6, 7, 8)]
    read, refused, _, known = search(plan(points, range(6), Limits()), {4})
    assert (read, refused) == (set(range(6)), set())
    assert known.of("s").ranges == [(3, 6)]
    again = plan(points, range(6), Limits(), known)
    assert [(block.start, block.end) for block in again] == [(0, 3), (6, 9)]


def test_ranges_answer_for_one_space_only_and_are_never_changed_in_place() -> None:
    first = Ranges()
    second = first.learned((1, 3), 10, 12)
    assert not first.between((1, 3), 0, 100)
    assert second.between((1, 3), 11, 20)
    assert not second.between((1, 3), 12, 20)
    assert not second.between((1, 4), 11, 20)
    assert not second.forgotten((1, 3), 10, 12).between((1, 3), 0, 100)


def test_a_smaller_range_replaces_the_one_that_holds_it() -> None:
    known = Ranges().learned("s", 10, 20).learned("s", 12, 14).learned("s", 11, 15)
    assert known.of("s").ranges == [(12, 14)]


def test_lessons_survive_on_disk_until_the_machine_is_another(tmp_path: Path) -> None:
    path = tmp_path / "new" / "press.json"
    known = Ranges().learned((1, 3), 10, 12).learned((1, 3), 30, 30)
    Memory(path, "10.0.0.1").save(known)
    assert Memory(path, "10.0.0.1").load() == known
    assert Memory(path, "10.0.0.2").load() == Ranges()
    assert Memory(tmp_path / "none.json").load() == Ranges()


@pytest.mark.parametrize("content", ["", "[]", '{"identity": "", "refused": {"s": [[5, 1]]}}'])
def test_a_damaged_file_says_so_and_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "press.json"
    path.write_text(content)
    with pytest.raises(InputError, match="Delete the file"):
        Memory(path).load()
