"""Leases: one process looks after an edge at a time, in either database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from lianji.base.state import State
from lianji.relay.owners import Owners
from lianji.relay.ownership import Elsewhere
from tests.relay.world import until

LONG_S, SHORT_S = 600.0, 0.05


def process(state: State, name: str, lease_s: float = LONG_S) -> Owners:
    return Owners(state, name, f"https://{name}:1", lease_s)


def test_who_comes_second_is_told_where_the_first_is(state: State) -> None:
    assert process(state, "a").take("e") == 1
    with pytest.raises(Elsewhere) as told:
        process(state, "b").take("e")
    assert told.value.address == "https://a:1"
    assert process(state, "b").take("f") == 1


def test_one_that_starts_again_takes_its_own_back_at_once(state: State) -> None:
    process(state, "a").take("e")
    assert process(state, "a").take("e") == 1
    assert process(state, "a").renew() == {"e": 1}


def test_a_lease_that_is_over_goes_to_who_asks_and_the_first_hears_of_it(state: State) -> None:
    first, second = process(state, "a", SHORT_S), process(state, "b")
    first.take("e")
    first.take("f")

    def taken() -> bool:
        with suppress(Elsewhere):
            return second.take("e") == 2
        return False

    until(taken, "the lease to be over")
    assert first.renew() == {"f": 1}
    assert second.renew() == {"e": 2}


def test_what_is_released_is_free_at_once(state: State) -> None:
    first, second = process(state, "a"), process(state, "b")
    for edge in "efg":
        first.take(edge)
    first.release("e")
    assert second.take("e") == 2
    assert first.renew() == {"f": 1, "g": 1}
    first.release()
    assert first.renew() == {}
    assert second.take("f") == 2


def test_of_many_who_ask_at_once_one_is_first(state: State) -> None:
    everybody = [process(state, f"p{number}") for number in range(8)]

    def takes(one: Owners) -> bool:
        with suppress(Elsewhere):
            one.take("e")
            return True
        return False

    with ThreadPoolExecutor(len(everybody)) as pool:
        assert sum(pool.map(takes, everybody)) == 1
