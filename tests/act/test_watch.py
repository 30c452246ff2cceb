"""When an alarm is raised and when it ends: limits, rates, silence, quality, expressions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.act.alarms.states import AlarmState, Event
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from tests.act.watching import T, Watching

BAD = Quality.BAD_COMMUNICATION_ERROR
UNCERTAIN = Quality.UNCERTAIN_LAST_USABLE_VALUE


def high(**more: object) -> Watching:
    return Watching({"tag": T, "kind": "H", "limit": 100, **more})


@pytest.mark.parametrize(
    ("kind", "value", "active"),
    [("H", 100.0, False), ("H", 100.1, True), ("HH", 101.0, True), ("HH", -500.0, False),
     ("L", 100.0, False), ("L", 99.9, True), ("LL", -1.0, True), ("LL", 500.0, False)],
)  # fmt: skip
def test_a_limit_is_passed_beyond_it(kind: str, value: float, active: bool) -> None:
    watching = Watching({"tag": T, "kind": kind, "limit": 100})
    watching.tell(value).look()
    assert watching.active is active


def test_the_change_tells_what_when_and_at_which_value() -> None:
    [change] = high().tell(105.0).look()
    assert (change.event, change.value, change.who) == (Event.RAISED, 105.0, "system")
    assert change.standing.state is AlarmState.UNACKNOWLEDGED


def test_an_alarm_ends_only_behind_the_deadband() -> None:
    watching = high(deadband=5)
    for value, active in ((101.0, True), (96.0, True), (95.1, True), (95.0, False), (100.0, False)):
        watching.tell(value).after(1)
        assert watching.active is active, value


@given(st.lists(st.floats(95.0, 100.0), min_size=1, max_size=40))
def test_within_the_deadband_nothing_ever_changes(values: list[float]) -> None:
    for begun in (False, True):
        watching = high(deadband=5.001)
        watching.tell(120.0 if begun else 50.0).look()
        for value in values:
            watching.tell(value)
            assert watching.after(1) == []


@given(st.lists(st.floats(-200, 200), max_size=60), st.floats(0.5, 50))
def test_two_raisings_are_a_deadband_apart(values: list[float], deadband: float) -> None:
    watching = high(deadband=deadband)
    lowest = math.inf
    raised = False
    for value in values:
        lowest = min(lowest, value)
        for change in watching.tell(value).after(1):
            if change.event is Event.RAISED:
                assert not raised or lowest <= 100 - deadband
                raised, lowest = True, math.inf


def test_the_on_delay_begins_anew_with_every_break() -> None:
    watching = high(on_delay_s=10)
    for value, seconds in ((110.0, 0), (110.0, 9), (90.0, 0.5), (110.0, 0.5), (110.0, 9.5)):
        watching.tell(value).after(seconds)
        assert not watching.active
    watching.after(0.6)
    assert watching.active


@given(st.lists(st.integers(1, 9), max_size=20))
def test_what_never_lasts_as_long_as_the_on_delay_never_is_an_alarm(spells: list[int]) -> None:
    watching = high(on_delay_s=10)
    for seconds in spells:
        watching.tell(110.0).after(0.001)
        watching.after(seconds)
        watching.tell(90.0).after(0.001)
        assert not watching.active


def test_the_off_delay_holds_the_alarm_until_it_is_over_for_good() -> None:
    watching = high(off_delay_s=10)
    watching.tell(110.0).look()
    watching.tell(90.0).after(1)
    watching.after(9)
    assert watching.active
    watching.tell(110.0).after(0.5)
    watching.tell(90.0).after(0.5)
    watching.after(9.5)
    assert watching.active
    watching.after(0.6)
    assert not watching.active


def test_samples_that_come_late_count_by_their_own_time() -> None:
    watching = high(on_delay_s=60)
    watching.tell(110.0).look()
    watching.now_us += 120_000_000  # the gateway brings what it kept: two minutes in one second
    watching.tell(110.0)
    watching.steady_s += 1
    watching.look()
    assert watching.active


def test_a_clock_that_is_set_neither_raises_nor_ends_anything() -> None:
    watching = high(on_delay_s=60)
    watching.tell(110.0).look()
    watching.now_us += 10**12
    assert watching.look() == []
    watching.now_us -= 5 * 10**12
    assert watching.look() == []


@pytest.mark.parametrize(("value", "quality"), [(500.0, BAD), (math.nan, Quality.GOOD)])
def test_a_bad_sample_neither_raises_nor_ends_a_limit_alarm(value: float, quality: int) -> None:
    watching = high()
    watching.tell(value, quality=quality).look()
    assert not watching.active
    watching.tell(110.0).after(1)
    watching.tell(0.0 if quality else math.nan, quality=quality).after(1)
    assert watching.active


def test_an_uncertain_sample_is_judged() -> None:
    watching = high()
    watching.tell(110.0, quality=UNCERTAIN).look()
    assert watching.active


def test_a_bad_sample_breaks_the_on_delay() -> None:
    watching = high(on_delay_s=10)
    watching.tell(110.0).look()
    watching.after(8)
    watching.tell(110.0, quality=BAD).after(1)
    watching.tell(110.0).after(1)
    watching.after(5)
    assert not watching.active


@pytest.mark.parametrize(
    ("value", "quality", "text", "active"),
    [(1.0, Quality.GOOD, None, False), (1.0, BAD, None, True), (math.nan, Quality.GOOD, None, True),
     (math.nan, Quality.GOOD, "P-118", False), (math.nan, BAD, "P-118", True),
     (1.0, UNCERTAIN, None, False)],
)  # fmt: skip
def test_bad_quality_is_an_alarm_of_its_own(
    value: float, quality: int, text: str | None, active: bool
) -> None:
    watching = Watching({"tag": T, "kind": "bad"})
    watching.look()
    assert not watching.active, "a tag that never spoke is silent, not bad"
    watching.tell(value, quality=quality, text=text).after(1)
    assert watching.active is active


def test_silence_is_told_by_the_clock() -> None:
    watching = Watching({"tag": T, "kind": "stale", "limit": 30})
    watching.look()
    watching.after(29)
    assert not watching.active
    watching.after(2)
    assert watching.active
    watching.tell(1.0).after(1)
    assert not watching.active
    watching.after(31)
    assert watching.active


def test_after_a_restart_every_tag_has_its_time_to_speak() -> None:
    watching = Watching({"tag": T, "kind": "stale", "limit": 30})
    watching.tell(1.0)
    watching.now_us += 3_600_000_000
    watching.look()
    watching.after(29)
    assert not watching.active
    watching.after(2)
    assert watching.active


def test_what_was_silent_before_a_restart_stays_so_until_it_speaks() -> None:
    watching = Watching({"tag": T, "kind": "stale", "limit": 30}).tell(1.0)
    watching.look()
    watching.after(31)
    watching.begin_anew()
    watching.look()
    assert watching.after(1) == [] and watching.active
    watching.tell(2.0).after(1)
    assert not watching.active


def test_a_device_whose_clock_lags_is_not_stale_while_it_speaks() -> None:
    watching = Watching({"tag": T, "kind": "stale", "limit": 30})
    watching.look()
    for second in range(60):
        watching.now_us -= 3_600_000_000
        watching.tell(float(second))
        watching.now_us += 3_600_000_000
        watching.after(1)
        assert not watching.active


@pytest.mark.parametrize(
    ("limit", "slope", "active"),
    [(6, 0.2, True), (6, 0.05, False), (6, -0.2, False), (-6, -0.2, True)],
)
def test_a_rate_is_measured_over_its_window(limit: float, slope: float, active: bool) -> None:
    watching = Watching({"tag": T, "kind": "rate", "limit": limit, "window_s": 30})
    for second in range(60):
        watching.tell(slope * second).after(1)
        if second < 14:
            assert not watching.active, "half a window is not seen yet"
    assert watching.active is active
    shown = watching.watch.value(0)
    assert shown == pytest.approx(slope * 60, rel=0.01)


def test_noise_is_no_rate() -> None:
    watching = Watching({"tag": T, "kind": "rate", "limit": 6, "window_s": 60})
    for second in range(200):
        watching.tell(20 + (second % 2) * 2.0).after(1)
        assert not watching.active


MACHINE = Tag(path=T, enumeration={0: "stopped", 7: "报警 alarm"})


@pytest.mark.parametrize(("state", "value", "text"), [("7", 7.0, None), ("报警 alarm", 7.0, None),
                                                      ("E-STOP", math.nan, "E-STOP")])  # fmt: skip
def test_a_state_is_known_by_number_meaning_or_text(
    state: str, value: float, text: str | None
) -> None:
    watching = Watching({"tag": T, "kind": "state", "state": state}, tags=(MACHINE,))
    watching.tell(0.0, text="fine" if text else None).look()
    assert not watching.active
    watching.tell(value, text=text).after(1)
    assert watching.active


PAIR = (Tag(path="p/a/m1/flow"), Tag(path="p/a/m1/pump"), Tag(path="p/a/m2/flow"),
        Tag(path="p/a/m2/pump"))  # fmt: skip


def test_an_expression_looks_beside_each_tag_that_matches() -> None:
    watching = Watching(
        {"tag": "p/*/flow", "kind": "expression", "expression": '"." < 2 and "./pump" == 1',
         "name": "dry"},
        tags=PAIR,
    )  # fmt: skip
    assert [alarm.id for alarm in watching.watch.alarms] == ["p/a/m1/flow#dry", "p/a/m2/flow#dry"]
    for machine, flow, pump in (("m1", 1.0, 0.0), ("m2", 1.0, 1.0)):
        watching.tell(flow, f"p/a/{machine}/flow").tell(pump, f"p/a/{machine}/pump")
    assert [change.place for change in watching.look()] == [1]
    watching.tell(9.0, "p/a/m2/flow", BAD).after(1)
    assert watching.watch.standings[1].active, "what cannot be told stays as it was"


def test_a_machine_that_is_off_is_suppressed_by_design() -> None:
    watching = Watching(
        {"tag": "p/a/m1/flow", "kind": "L", "limit": 2, "suppress_when": '"./pump" == 0'}, tags=PAIR
    )
    watching.tell(1.0, "p/a/m1/flow").tell(1.0, "p/a/m1/pump").look()
    assert watching.state is AlarmState.UNACKNOWLEDGED
    watching.tell(0.0, "p/a/m1/pump").after(1)
    assert watching.state is AlarmState.SUPPRESSED
    watching.tell(1.0, "p/a/m1/pump", BAD).after(1)
    assert watching.state is AlarmState.SUPPRESSED, "what cannot be told stays as it was"
    watching.tell(1.0, "p/a/m1/pump").after(1)
    assert watching.state is AlarmState.UNACKNOWLEDGED


def test_what_is_only_written_down_is_never_to_be_acknowledged() -> None:
    watching = high(priority="journal")
    [change] = watching.tell(110.0).look()
    assert change.event is Event.RAISED and not change.standing.unacknowledged
