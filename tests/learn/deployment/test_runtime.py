"""Models driven by a given clock over the history: qualities, gates, windows, labels, restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.dictionary.quality import Quality
from lianji.learn.deployment import kept
from lianji.learn.deployment.replay import replay
from lianji.learn.deployment.running import RunningModel
from lianji.learn.deployment.runtime import Runtime, Stepped
from lianji.learn.deployment.stages import Stage
from lianji.learn.models.card import Card
from lianji.learn.models.inference import Model
from tests.learn.deployment.models import SECOND_US, START_US, MemoryHistory, bundle, card

HOUR_US = 3600 * SECOND_US
OUT = "plant/soft/yield"


class Edge:
    """A runtime over a history in memory."""

    def __init__(self) -> None:
        self.memory = MemoryHistory()
        self.runtime = Runtime(self.memory.history, self.memory.heard)

    def add(self, of: Card, stage: Stage = Stage.ACTIVE, alone: bool = True) -> RunningModel:
        one = RunningModel(of, Model.open(bundle(of)), "plant", stage, alone)
        self.runtime.put(one)
        return one

    def says(self, temperature: float, flow: float, at_us: int, quality: int = 0) -> None:
        samples = {"plant/temperature": temperature, "plant/flow": flow}
        self.memory.put(samples, at_us, quality)

    def step(self, now_us: int) -> Stepped:
        return self.runtime.step(now_us)


def samples(stepped: Stepped) -> dict[str, tuple[float, int]]:
    found = zip(stepped.paths, stepped.values.tolist(), stepped.quality.tolist(), strict=True)
    return {path: (value, quality) for path, value, quality in found}


@pytest.fixture
def edge() -> Edge:
    return Edge()


def test_an_active_model_writes_its_tag_at_its_period(edge: Edge) -> None:
    edge.add(card(period_s=2))
    edge.says(20, 5, START_US)
    stepped = edge.step(START_US + 300_000)
    assert samples(stepped) == {OUT: (45.0, 0)}
    assert stepped.times_us.tolist() == [START_US]
    assert edge.step(START_US + SECOND_US).paths == []
    edge.says(21, 5, START_US + SECOND_US)
    assert samples(edge.step(START_US + 2 * SECOND_US)) == {OUT: (47.0, 0)}


def test_a_clock_that_is_set_back_silences_no_model(edge: Edge) -> None:
    edge.add(card())
    edge.says(20, 5, START_US)
    assert edge.step(START_US + 800 * SECOND_US).paths == [OUT]
    assert edge.step(START_US + 10 * SECOND_US).paths == [OUT]


@pytest.mark.parametrize(
    ("stage", "alone", "path", "quality"),
    [
        (Stage.SHADOW, True, "plant/models/yield/shadow/yield", Quality.GOOD),
        (Stage.ADVISORY, True, OUT, Quality.UNCERTAIN),
        (Stage.ADVISORY, False, "plant/models/yield/advisory/yield", Quality.UNCERTAIN),
        (Stage.ACTIVE, True, OUT, Quality.GOOD),
    ],
)
def test_where_an_output_goes_depends_on_the_stage(
    edge: Edge, stage: Stage, alone: bool, path: str, quality: Quality
) -> None:
    edge.add(card(), stage, alone)
    edge.says(20, 5, START_US)
    assert samples(edge.step(START_US)) == {path: (45.0, quality)}


def test_quality_comes_from_the_envelope_and_the_inputs(edge: Edge) -> None:
    edge.add(card())
    [(value, quality)] = samples(edge.step(START_US)).values()
    assert (np.isnan(value), quality) == (True, Quality.BAD_NO_DATA)
    edge.says(101, 5, START_US)
    outside = (207.0, Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)
    assert samples(edge.step(START_US + SECOND_US)) == {OUT: outside}
    edge.says(20, 5, START_US + SECOND_US, Quality.UNCERTAIN_LAST_USABLE_VALUE)
    doubtful = (45.0, Quality.UNCERTAIN)
    assert samples(edge.step(START_US + 2 * SECOND_US)) == {OUT: doubtful}
    edge.says(20, 5, START_US + 2 * SECOND_US, Quality.BAD_SENSOR_FAILURE)
    [(value, quality)] = samples(edge.step(START_US + 3 * SECOND_US)).values()
    assert (np.isnan(value), quality) == (True, Quality.BAD_NO_DATA)


def test_an_input_that_stood_still_too_long_is_missing(edge: Edge) -> None:
    edge.add(card())
    edge.says(20, 5, START_US)
    assert samples(edge.step(START_US + 900 * SECOND_US)) == {OUT: (45.0, 0)}
    assert samples(edge.step(START_US + 901 * SECOND_US))[OUT][1] == Quality.BAD_NO_DATA


def test_outside_the_limits_of_what_can_be_no_number_is_given(edge: Edge) -> None:
    output = {"name": "yield", "tag": OUT, "unit": "%", "low": 0, "high": 100, "half_width": 8}
    edge.add(card(outputs=[output]))
    edge.says(45, 5, START_US)
    found = {path: value for path, (value, _) in samples(edge.step(START_US)).items()}
    assert found == {OUT: 95.0, f"{OUT}_low": 87.0, f"{OUT}_high": 100.0}
    edge.says(50, 5, START_US + SECOND_US)
    for value, quality in samples(edge.step(START_US + SECOND_US)).values():
        assert (np.isnan(value), quality) == (True, Quality.BAD_OUT_OF_RANGE)


def test_behind_a_closed_gate_it_says_nothing(edge: Edge) -> None:
    one = edge.add(card(gate=[{"tag": "plant/state", "low": 1}]))
    edge.says(20, 5, START_US)
    assert edge.step(START_US).paths == []
    edge.memory.put({"plant/state": 1.0}, START_US + SECOND_US)
    assert samples(edge.step(START_US + SECOND_US)) == {OUT: (45.0, 0)}
    edge.memory.put({"plant/state": 0.0}, START_US + 2 * SECOND_US)
    assert edge.step(START_US + 2 * SECOND_US).paths == []
    assert one.last.said == "gate"


def test_an_optional_input_may_be_missing(edge: Edge) -> None:
    inputs = [one.model_dump() for one in card().inputs]
    edge.add(card(inputs=[inputs[0], inputs[1] | {"required": False}]))
    edge.memory.put({"plant/temperature": 20.0}, START_US)
    [(value, quality)] = samples(edge.step(START_US)).values()
    assert quality == Quality.BAD_OUT_OF_RANGE or np.isnan(value)


def test_a_model_that_is_over_stops_with_a_reason(edge: Edge) -> None:
    one = edge.add(card(expires_us=START_US + 2 * SECOND_US))
    edge.says(20, 5, START_US)
    assert edge.step(START_US).stopped == []
    stepped = edge.step(START_US + 2 * SECOND_US)
    assert stepped.stopped == [one]
    assert one.problem is not None
    assert one.problem.code == "model-expired"
    assert samples(stepped)[OUT][1] == Quality.BAD_OUT_OF_SERVICE


LATE_HOURS = 6


def soft(**changes: Any) -> Card:
    """With windows and lags, late labels, a bias, and an interval."""
    inputs = [
        {"name": "t", "tag": "plant/temperature", "aggregate": "mean", "window_s": 3 * 3600},
        {"name": "f", "tag": "plant/flow", "lag_s": 3600},
        {"name": "d", "tag": "plant/flow", "aggregate": "delta", "window_s": 7200},
    ]
    output = {"name": "yield", "tag": OUT, "label": "plant/lab", "half_width": 1.0}
    fields = {
        "inputs": [one | {"low": -3, "high": 3} for one in inputs],
        "outputs": [output | {"label_delay_s": LATE_HOURS * 3600}],
        "period_s": 3600,
        "correction": {"forgetting": 0.8, "limit": 9},
        "drift": {"window": 40, "bias": 2.0},
    }
    return card(**(fields | changes))


def past(hours: int = 140) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(8)
    times = START_US + np.arange(hours) * HOUR_US
    temperature, flow = random.normal(size=(2, hours))
    lab = 2 * temperature + flow + np.where(np.arange(hours) > 60, 4.0, 0.0)
    return times, {"plant/temperature": temperature, "plant/flow": flow, "plant/lab": lab}


def live(edge: Edge, one: RunningModel, start: int, stop: int) -> list[tuple[Any, ...]]:
    """Hour by hour as it happens, labels late; value and interval of each run."""
    times, columns = past()
    found = []
    for hour in range(start, stop):
        for path in ("plant/temperature", "plant/flow"):
            edge.memory.put({path: columns[path][hour]}, times[hour])
        if hour >= LATE_HOURS:
            late = hour - LATE_HOURS
            edge.memory.put({"plant/lab": columns["plant/lab"][late]}, times[late])
        found.append(tuple(edge.step(int(times[hour])).values.tolist()))
    return found


def test_a_replay_is_what_the_running_model_did(edge: Edge) -> None:
    of = soft()
    one = edge.add(of)
    did = live(edge, one, 0, 140)
    times, columns = past()
    whole = MemoryHistory()
    whole.put(columns, times)
    end = int(times[-1]) + 1
    found = replay(of, Model.open(bundle(of)), whole.history, START_US, end, whole.heard)
    names = ("value", "low", "high")
    told = np.column_stack([found.outputs.column(name).to_numpy() for name in names])
    np.testing.assert_allclose(told, np.array(did), rtol=1e-6)
    [alarm] = [alarm for alarm in found.alarms if alarm.kind == "bias"]
    assert alarm.time_us == one.watch.standing["bias"].time_us
    assert times[61 + LATE_HOURS] < alarm.time_us < times[100]
    [figures] = found.figures
    assert figures.mae is not None
    assert figures.mae_raw is not None
    assert figures.mae < figures.mae_raw


def test_an_alarm_comes_out_of_a_step_once(edge: Edge) -> None:
    one = edge.add(soft())
    times, _ = past()
    live(edge, one, 0, 130)
    assert set(one.watch.standing) == {"bias"}
    assert edge.runtime.step(int(times[129]) + 10 * SECOND_US).alarms == []


def test_a_killed_model_goes_on_where_it_was(edge: Edge, tmp_path: Path) -> None:
    one = edge.add(soft())
    live(edge, one, 0, 110)
    kept.save(one, tmp_path, 1)
    kept.save_pending(one, tmp_path)
    expected = live(edge, one, 110, 140)
    again = Edge()
    again.memory = MemoryHistory()
    again.runtime = Runtime(again.memory.history, again.memory.heard)
    times, columns = past()
    for path in ("plant/temperature", "plant/flow"):
        again.memory.put({path: columns[path][:110]}, times[:110])
    old = columns["plant/lab"][: 110 - LATE_HOURS]
    again.memory.put({"plant/lab": old}, times[: 110 - LATE_HOURS])
    fresh = RunningModel(soft(), Model.open(bundle(soft())), "plant", Stage.ACTIVE, True)
    kept.resume(fresh, tmp_path, since_us=0)
    again.runtime.put(fresh)
    np.testing.assert_allclose(live(again, fresh, 110, 140), expected, rtol=1e-9)
    assert fresh.watch.standing == one.watch.standing


def test_a_state_that_cannot_be_read_is_begun_anew(edge: Edge, tmp_path: Path) -> None:
    one = edge.add(soft())
    (tmp_path / kept.STATE).write_text('{"trackers": {}}')
    kept.resume(one, tmp_path, 0)
    assert one.trackers[0].bias == 0


def test_a_version_that_comes_back_is_watched_afresh(edge: Edge, tmp_path: Path) -> None:
    one = edge.add(soft())
    live(edge, one, 0, 130)
    kept.save(one, tmp_path, now_us=1000)
    fresh = RunningModel(soft(), Model.open(bundle(soft())), "plant", Stage.ACTIVE, True)
    kept.resume(fresh, tmp_path, since_us=1001)
    assert fresh.trackers[0].bias == one.trackers[0].bias
    assert fresh.watch.standing == {}
