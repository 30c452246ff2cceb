"""The buckets of attempts: how many at once, how they fill up again, how many are kept."""

from __future__ import annotations

import threading

import pytest

from lianji.web.access import throttle
from lianji.web.access.throttle import ACCOUNT, ADDRESS, Rule, Throttle, TooOften


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(throttle, "monotonic_s", lambda: now[0])
    return now


def _count(limited: Throttle, keys: list[tuple[Rule, str]], times: int) -> int:
    taken = 0
    for _ in range(times):
        try:
            limited.take(keys)
            taken += 1
        except TooOften:
            pass
    return taken


def test_a_bucket_empties_and_fills_again(clock: list[float]) -> None:
    limited = Throttle()
    keys = [(ADDRESS, "a")]
    assert _count(limited, keys, 100) == ADDRESS.at_once
    clock[0] += ADDRESS.refill_s - 1
    with pytest.raises(TooOften) as refused:
        limited.take(keys)
    assert refused.value.retry_after_s == 1
    clock[0] += 1
    assert _count(limited, keys, 5) == 1
    clock[0] += 1e6
    assert _count(limited, keys, 100) == ADDRESS.at_once


def test_a_right_password_costs_nothing_and_pays_nothing(clock: list[float]) -> None:
    limited = Throttle()
    keys = [(ADDRESS, "a"), (ACCOUNT, "anna")]
    for _ in range(100):
        limited.take(keys)
        limited.give_back(keys)
    assert _count(limited, keys, 100) == ADDRESS.at_once


def test_one_address_never_empties_an_account(clock: list[float]) -> None:
    limited = Throttle()
    for _ in range(3600):
        _count(limited, [(ADDRESS, "guesser"), (ACCOUNT, "anna")], 3)
        clock[0] += 1
        limited.take([(ADDRESS, f"owner {clock[0]}"), (ACCOUNT, "anna")])
        limited.give_back([(ACCOUNT, "anna")])


def test_many_threads_take_no_more_than_there_is() -> None:
    limited = Throttle()
    taken: list[int] = []

    def guess() -> None:
        taken.append(_count(limited, [(ACCOUNT, "anna")], 200))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ACCOUNT.at_once <= sum(taken) <= ACCOUNT.at_once + 1


def test_names_without_end_take_no_memory_without_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "BUCKETS_MAX", 50)
    limited = Throttle()
    for number in range(500):
        _count(limited, [(ADDRESS, "a"), (ACCOUNT, f"name {number}")], 1)
    assert len(limited._buckets) <= 50
    assert _count(limited, [(ADDRESS, "a")], 10) == 0  # nobody pushes the own bucket out


def test_that_somebody_is_blocked_is_news_once(clock: list[float]) -> None:
    limited = Throttle()
    keys = [(ADDRESS, "a")]
    _count(limited, keys, 20)
    assert [limited.is_news(keys) for _ in range(3)] == [True, False, False]
    clock[0] += ADDRESS.refill_s
    limited.take(keys)
    assert limited.is_news(keys)
