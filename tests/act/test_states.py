"""The states of one alarm: laws that hold whatever happens, and the standard's transitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.act.alarms import states
from lianji.act.alarms.states import NORMAL, SHELVED_US_MAX, AlarmState, Standing

MINUTE_US = 60_000_000
Step = Callable[[Standing, int], Standing]
STEPS: dict[str, Step] = {
    "raise": lambda s, at: states.observed(s, True, at),
    "end": lambda s, at: states.observed(s, False, at),
    "acknowledge": lambda s, at: states.acknowledged(s, "wang"),
    "shelve": lambda s, at: states.shelved(s, at + 5 * MINUTE_US, "wang", ""),
    "unshelve": lambda s, at: states.unshelved(s, at),
    "suppress": lambda s, at: states.suppressed(s, True, at),
    "unsuppress": lambda s, at: states.suppressed(s, False, at),
    "take_out": lambda s, at: states.taken_out(s, "wang", "repair"),
    "put_back": lambda s, at: states.put_back(s, at),
}
lives = st.lists(st.sampled_from(sorted(STEPS)), max_size=30)
LISTED = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED)


def lived(life: list[str]) -> list[Standing]:
    """How it stands after each step; a minute passes between two."""
    standing, all_of_them = NORMAL, [NORMAL]
    for minute, name in enumerate(life):
        standing = STEPS[name](standing, minute * MINUTE_US)
        all_of_them.append(standing)
    return all_of_them


@given(lives)
def test_no_alarm_that_needs_somebody_vanishes_unless_somebody_did_something(
    life: list[str],
) -> None:
    for name, before, after in zip(life, lived(life), lived(life)[1:], strict=False):
        if before.unacknowledged and name != "acknowledge":
            assert after.unacknowledged, f"{name} acknowledged it"
        if before.state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED):
            away = after.state not in LISTED
            assert not away or name in ("acknowledge", "shelve", "suppress", "take_out"), name


@given(lives)
def test_what_is_wrong_when_it_comes_back_asks_for_somebody(life: list[str]) -> None:
    for name, before, after in zip(life, lived(life), lived(life)[1:], strict=False):
        if before.hidden and not after.hidden and after.active:
            assert after.state is AlarmState.UNACKNOWLEDGED, name


@given(lives)
def test_every_alarm_can_be_brought_to_rest(life: list[str]) -> None:
    standing = lived(life)[-1]
    for name in ("end", "unshelve", "unsuppress", "put_back", "acknowledge"):
        standing = STEPS[name](standing, 10**12)
    assert standing.state is AlarmState.NORMAL
    assert not standing.active


@given(lives)
def test_the_state_says_the_same_as_the_facts(life: list[str]) -> None:
    for standing in lived(life):
        state = standing.state
        assert (state is AlarmState.SHELVED) <= (standing.shelved_until_us is not None)
        if not standing.hidden:
            assert (
                state in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)
            ) is standing.active
            needs = state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED)
            assert needs is standing.unacknowledged


@given(lives)
def test_what_is_only_written_down_never_asks(life: list[str]) -> None:
    quiet: dict[str, Step] = {
        **STEPS,
        "raise": lambda s, at: states.observed(s, True, at, False),
        "unshelve": lambda s, at: states.unshelved(s, at, False),
        "unsuppress": lambda s, at: states.suppressed(s, False, at, False),
        "put_back": lambda s, at: states.put_back(s, at, False),
    }
    standing = NORMAL
    for minute, name in enumerate(life):
        standing = quiet[name](standing, minute)
        assert not standing.unacknowledged


@given(st.integers(0, SHELVED_US_MAX), st.integers(-(10**15), 10**15))
def test_a_shelf_ends_when_its_time_is_over_and_never_outlasts_the_longest(
    span_us: int, later_us: int
) -> None:
    standing = states.shelved(states.observed(NORMAL, True, 0), span_us, "wang", "")
    if later_us >= span_us:
        assert states.shelf_is_over(standing, later_us)
    if later_us < span_us - SHELVED_US_MAX:
        assert states.shelf_is_over(standing, later_us), "the clock was set back"
    if span_us - SHELVED_US_MAX <= later_us < span_us:
        assert not states.shelf_is_over(standing, later_us)


@pytest.mark.parametrize(
    ("life", "state"),
    [
        ("", "normal"),
        ("raise", "unacknowledged"),
        ("raise acknowledge", "acknowledged"),
        ("raise end", "returned"),
        ("raise end acknowledge", "normal"),
        ("raise acknowledge end", "normal"),
        ("raise end raise", "unacknowledged"),
        ("raise acknowledge end raise", "unacknowledged"),
        ("shelve", "shelved"),
        ("raise shelve end", "shelved"),
        ("raise shelve end unshelve", "returned"),
        ("raise acknowledge shelve unshelve", "unacknowledged"),
        ("shelve raise", "shelved"),
        ("shelve raise end unshelve", "normal"),
        ("shelve raise unshelve", "unacknowledged"),
        ("suppress raise", "suppressed"),
        ("suppress raise unsuppress", "unacknowledged"),
        ("take_out raise", "out_of_service"),
        ("take_out raise put_back", "unacknowledged"),
        ("shelve take_out raise put_back", "shelved"),
        ("take_out shelve suppress", "out_of_service"),
    ],
)
def test_the_transitions_are_those_of_the_standard(life: str, state: str) -> None:
    assert lived(life.split())[-1].state == state


def test_a_new_raising_has_a_time_of_its_own() -> None:
    first = states.observed(NORMAL, True, 5)
    over = states.observed(first, False, 7)
    assert (first.raised_us, over.returned_us) == (5, 7)
    again = states.observed(states.acknowledged(over, "wang"), True, 8)
    assert (again.raised_us, again.returned_us, again.by) == (8, None, "")
