"""The edge's book, without any I/O."""

from __future__ import annotations

from lianji.relay.lanes import Mark
from lianji.relay.sending import Book


def test_a_book_that_was_lost_does_not_begin_a_lane_inside_one_that_the_hub_has() -> None:
    book = Book(5)  # the spool's position lags behind what the hub said yes to
    book.agree({1: Mark(8, 0xABC)}, 10, lambda _: 0xABC)
    assert [(lane.start, lane.after) for lane in book.lanes] == [(1, 8)]


def test_a_lane_that_the_hub_never_heard_of_stays_a_lane_of_its_own() -> None:
    book = Book()
    book.arrived(1, Mark(4, 0xABC))
    assert book.split(9)
    book.agree({1: Mark(4, 0xABC)}, 12, lambda _: 0xABC)
    assert [(lane.start, lane.end, lane.after) for lane in book.lanes] == [(1, 9, 4), (10, None, 9)]


def test_what_a_hub_lacks_is_offered_again_and_what_was_looked_through_is_not_forgotten() -> None:
    book = Book()
    book.arrived(1, Mark(4, 0xABC))
    book.nothing_up_to(1, 9)
    book.agree({1: Mark(4, 0xABC)}, 12, lambda _: 0xABC)
    assert book.live.after == 9
    book.agree({1: Mark(2, 0xDEF)}, 12, lambda _: 0xDEF)
    assert book.live.after == 2
