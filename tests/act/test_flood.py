"""Floods fold into one line, and nothing is lost in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lianji.act.alarms.flood import FLOOD_MORE_THAN, FLOOD_WITHIN_US, folded

Line = tuple[str, int]
lines = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40_000_000)), max_size=80)


def fold(some: list[Line]) -> list[tuple[Line, ...]]:
    return [one.lines for one in folded(some, lambda line: line[0], lambda line: line[1])]


def test_43_alarms_of_one_group_are_one_line() -> None:
    boilers = [("boiler house", n * 100_000) for n in range(43)]
    [flood, other] = fold([*boilers, ("hall", 5)])
    assert len(flood) == 43 and other == (("hall", 5),)


def test_as_many_as_anybody_reads_are_not_folded() -> None:
    assert len(fold([("a", n) for n in range(FLOOD_MORE_THAN)])) == FLOOD_MORE_THAN


def test_as_many_over_a_longer_time_are_not_folded() -> None:
    slow = [("a", n * FLOOD_WITHIN_US // 5) for n in range(60)]
    assert len(fold(slow)) == 60


def test_two_floods_of_one_group_stay_two_lines() -> None:
    some = [("a", n + later) for later in (0, 10 * FLOOD_WITHIN_US) for n in range(20)]
    assert [len(flood) for flood in fold(some)] == [20, 20]


@given(lines)
def test_nothing_is_hidden_and_nothing_is_shown_twice(some: list[Line]) -> None:
    assert sorted(line for flood in fold(some) for line in flood) == sorted(some)


@given(lines)
def test_a_fold_is_of_one_group_and_a_flood(some: list[Line]) -> None:
    for flood in fold(some):
        assert len({group for group, _ in flood}) == 1
        assert len(flood) == 1 or len(flood) > FLOOD_MORE_THAN
        times = sorted(time for _, time in flood)
        assert all(
            any(
                early <= time <= early + FLOOD_WITHIN_US
                and sum(early <= t <= early + FLOOD_WITHIN_US for t in times) > FLOOD_MORE_THAN
                for early in times
            )
            for time in times
            if len(flood) > 1
        )
