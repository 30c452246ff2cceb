"""When a change has broken a device, and when it has not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lianji.base.errors import LinkDown, Text
from lianji.connect.statistics import DeviceStatus, RejectedTag, State, Statistics
from lianji.node.configuring.trial import Trials

REFUSED = LinkDown("no", Text("nothing listens.", "无监听。"), Text("Look.", "请检查。"))
AT_S, DEADLINE_S, LATE_S = 1.0, 10.0, 11.0


def status(
    state: State = State.RUNNING, good_us: int | None = None, asked: int = 5
) -> DeviceStatus:
    statistics = Statistics("m", "modbus", state, tags=1, requests=asked, last_good_us=good_us)
    if state is State.BACKING_OFF:
        statistics.failed(REFUSED)
    return statistics.snapshot({})


@pytest.fixture
def trials() -> Trials:
    trials = Trials()
    trials.begin("m", "2", (), DEADLINE_S)
    return trials


def test_a_good_value_ends_the_trial(trials: Trials) -> None:
    assert trials.judged({"m": status(good_us=1)}, AT_S) is None
    assert trials.versions() == set()


def test_silence_is_borne_until_the_deadline_and_names_the_cause(trials: Trials) -> None:
    down = status(State.BACKING_OFF)
    assert trials.judged({"m": down}, AT_S) is None
    assert trials.versions() == {"2"}
    verdict = trials.judged({"m": down}, LATE_S)
    assert verdict is not None and verdict[0] == ("2",)
    assert "(nothing listens)" in verdict[1].cause.en
    assert "（无监听）" in verdict[1].cause.zh
    assert trials.versions() == set()


def test_a_device_without_a_readable_tag_is_not_waited_for(trials: Trials) -> None:
    wrong = RejectedTag("p/m/a", Text("no such address", "无此地址"))
    hopeless = replace(status(), tags=0, rejected=(wrong,))
    verdict = trials.judged({"m": hopeless}, AT_S)
    assert verdict is not None and "no such address" in verdict[1].cause.en


def test_a_device_that_cannot_be_built_is_judged_at_once(trials: Trials) -> None:
    trials.failed("n", "3", REFUSED)
    assert trials.judged({}, AT_S) == (("3",), REFUSED)


def test_a_connected_device_that_sends_by_itself_may_be_quiet(trials: Trials) -> None:
    assert trials.judged({"m": status(asked=0)}, LATE_S) is None
    assert trials.versions() == set()


def test_a_person_ends_a_trial(trials: Trials) -> None:
    trials.keep("2")
    assert trials.judged({"m": status(State.BACKING_OFF)}, LATE_S) is None


def test_a_second_change_on_trial_goes_back_together_with_the_first(trials: Trials) -> None:
    trials.begin("m", "3", trials.of("m"), DEADLINE_S)
    verdict = trials.judged({"m": status(State.BACKING_OFF)}, LATE_S)
    assert verdict is not None and verdict[0] == ("3", "2")
