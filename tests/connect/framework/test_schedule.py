from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.backoff import Backoff, InFlight
from lianji.connect.schedule import Schedule, phase_of


def test_moments_do_not_drift_however_late_each_cycle_ends() -> None:
    schedule = Schedule([1.0], "press", 100.0)
    first = schedule.next_s()
    assert first is not None
    for count in range(1000):
        now = first + count + 0.4
        assert schedule.due(now) == [0]
        schedule.done([0], now)
    assert schedule.next_s() == pytest.approx(first + 1000)
    assert schedule.missed == [0]


def test_a_cycle_that_overruns_skips_and_counts() -> None:
    schedule = Schedule([1.0, 10.0], "press", 0.0)
    first = schedule.next_s() or 0.0
    schedule.done([0, 1], first + 3.5)
    assert schedule.missed == [3, 0]
    assert schedule.due(first + 3.9) == []
    assert schedule.due(first + 4.0) == [0]


def test_nothing_waits_more_than_a_second_for_its_first_reading() -> None:
    for name in ("a", "b", "press 7"):
        schedule = Schedule([0.1, 3600.0], name, 50.0)
        assert schedule.due(51.0) == [0, 1]


def test_devices_begin_at_different_moments_and_each_always_at_its_own() -> None:
    phases = [phase_of(f"device-{number}") for number in range(100)]
    assert phases == [phase_of(f"device-{number}") for number in range(100)]
    tenths = [sum(1 for phase in phases if int(phase * 10) == tenth) for tenth in range(10)]
    assert max(tenths) < 25


@given(st.floats(0.01, 100), st.lists(st.floats(0, 500), max_size=50))
def test_the_next_moment_is_always_in_the_future_and_on_the_grid(
    interval: float, cycles: list[float]
) -> None:
    schedule = Schedule([interval], "press", 0.0)
    origin = now = schedule.next_s() or 0.0
    for cycle in cycles:
        now = max(now, schedule.next_s() or 0.0) + cycle
        schedule.done([0], now)
        upcoming = schedule.next_s() or 0.0
        assert now < upcoming <= now + interval * 1.001
        periods = (upcoming - origin) / interval
        assert periods == pytest.approx(round(periods), abs=1e-6)


def test_waits_double_up_to_a_minute() -> None:
    backoff = Backoff(random=lambda: 0.0)
    waits = [backoff.failed() for _ in range(10)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == 48.0
    loud = Backoff(random=lambda: 1.0)
    assert max(loud.failed() for _ in range(100)) == pytest.approx(60.0)


def test_only_a_success_that_lasted_forgives() -> None:
    backoff = Backoff(random=lambda: 0.0)
    for _ in range(5):
        backoff.failed()
    assert backoff.failed(good_for_s=1.0) > 10
    assert backoff.failed(good_for_s=30.0) == 0.5


def test_trouble_means_one_at_a_time_until_a_quiet_while_has_passed() -> None:
    pace = InFlight(8)
    assert pace.now(0.0) == 8
    pace.trouble(10.0)
    assert (pace.now(11.0), pace.fallen_back) == (1, True)
    assert pace.now(69.0) == 1
    assert pace.now(71.0) == 8
    pace.trouble(80.0)
    assert pace.now(150.0) == 1
    assert pace.now(201.0) == 8


def test_a_device_with_one_in_flight_has_nothing_to_fall_back_to() -> None:
    pace = InFlight(1)
    pace.trouble(0.0)
    assert not pace.fallen_back
