"""What late labels teach: the bias, an interval that keeps its coverage, and when to doubt."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lianji.learn.deployment.tracking import Tracker
from lianji.learn.deployment.watching import Watch
from lianji.learn.models.card import Card, Drift
from tests.learn.deployment.models import card

HOUR_US = 3_600_000_000
LATE = 24
ROW = np.array([20.0, 5.0])


def hourly(**changes: object) -> Card:
    output = {"name": "y", "tag": "plant/soft/y", "label": "plant/lab", "half_width": 1.0}
    fields = {
        "outputs": [output | {"label_delay_s": LATE * 3600}],
        "period_s": 3600,
        "correction": {"forgetting": 0.9, "limit": 5},
    }
    return card(**(fields | changes))


def test_the_bias_follows_the_residuals_and_stays_within_its_limit() -> None:
    tracker = Tracker(hourly(), hourly().outputs[0])
    for hour in range(1, 60):
        tracker.remember(hour * HOUR_US, ROW, 10.0, tracker.corrected(ROW, 10.0))
        tracker.label(hour * HOUR_US, 13.0)
    assert tracker.bias == pytest.approx(3 * (1 - 0.9**59))
    for hour in range(60, 200):
        tracker.remember(hour * HOUR_US, ROW, 10.0, tracker.corrected(ROW, 10.0))
        tracker.label(hour * HOUR_US, 100.0)
    assert tracker.bias == 5


def test_a_label_belongs_to_the_run_that_held_and_counts_once() -> None:
    tracker = Tracker(hourly(), hourly().outputs[0])
    tracker.remember(10 * HOUR_US, ROW, 1.0, 1.0)
    assert tracker.label(9 * HOUR_US, 2.0) is None
    assert tracker.label(10 * HOUR_US + HOUR_US // 2, 2.0) == (1.0, 1.0)
    assert tracker.label(10 * HOUR_US + HOUR_US // 2, 2.0) is None
    assert tracker.label(11 * HOUR_US, 2.0) is None
    assert (tracker.labels, tracker.unmatched) == (1, 2)


def followed(tracker: Tracker, noise: np.ndarray, drift: np.ndarray) -> float:
    """The coverage with labels a day late."""
    covered = []
    for hour in range(len(noise)):
        if hour >= LATE:
            tracker.label((hour - LATE + 1) * HOUR_US, drift[hour - LATE] + noise[hour - LATE])
        value = tracker.corrected(ROW, 0.0)
        tracker.remember((hour + 1) * HOUR_US, ROW, 0.0, value)
        covered.append(abs(drift[hour] + noise[hour] - value) <= (tracker.half or 0))
    return float(np.mean(covered))


@pytest.mark.parametrize("spread", [0.2, 1.0, 4.0])
def test_the_interval_keeps_its_coverage_whatever_the_noise_becomes(spread: float) -> None:
    random = np.random.default_rng(5)
    hours = 8_000
    noise = random.normal(0, 0.6, hours) * np.where(np.arange(hours) > 3000, spread, 1)
    drift = np.cumsum(random.normal(0, 0.02, hours)).clip(-4, 4)
    tracker = Tracker(hourly(), hourly().outputs[0])
    assert 0.87 <= followed(tracker, noise, drift) <= 0.93


def test_what_was_learnt_goes_on_after_a_restart() -> None:
    random = np.random.default_rng(6)
    one = Tracker(hourly(), hourly().outputs[0])
    followed(one, random.normal(size=300), np.zeros(300))
    again = Tracker(hourly(), hourly().outputs[0])
    again.resume(json.loads(json.dumps(one.state())))
    rows = one.pending()
    assert rows is not None
    again.resume_pending(rows)
    for hour in range(301, 340):
        for tracker in (one, again):
            tracker.remember(hour * HOUR_US, ROW, 0.0, tracker.corrected(ROW, 0.0))
        late = (hour - LATE) * HOUR_US
        assert one.label(late, 0.5) == again.label(late, 0.5)
        assert one.state() == again.state()


def test_a_correction_that_looks_at_the_inputs_learns_where_they_are_alike() -> None:
    """The residual is 4 where the first input is high and 0 where it is low."""
    told = {"kind": "gaussian_process", "limit": 9, "window": 100, "centres": [0, 0],
            "scales": [1, 1], "length": 1, "age": 1000, "local_variance": 16,
            "noise_variance": 0.1}  # fmt: skip
    of = hourly(correction=told)
    one, again = Tracker(of, of.outputs[0]), Tracker(of, of.outputs[0])
    low, high = np.array([-3.0, 0.0]), np.array([3.0, 0.0])
    for hour in range(1, 60):
        row = high if hour % 2 else low
        one.remember(hour * HOUR_US, row, 1.0, one.corrected(row, 1.0))
        if hour == 30:
            again.resume(json.loads(json.dumps(one.state())))
            pending = one.pending()
            assert pending is not None
            again.resume_pending(pending)
        for tracker in (one, again) if hour >= 30 else (one,):
            if tracker is again and hour > 30:
                again.remember(hour * HOUR_US, row, 1.0, again.corrected(row, 1.0))
            tracker.label(hour * HOUR_US, 5.0 if hour % 2 else 1.0)
    for tracker in (one, again):
        assert tracker.corrected(high, 1.0) == pytest.approx(5.0, abs=0.1)
        assert tracker.corrected(low, 1.0) == pytest.approx(1.0, abs=0.1)


def test_a_long_run_forgets_the_oldest_only() -> None:
    tracker = Tracker(hourly(), hourly().outputs[0])
    for hour in range(1, 3001):
        tracker.remember(hour * HOUR_US, ROW, float(hour), float(hour))
    rows = tracker.pending()
    assert rows is not None
    assert rows[-1].tolist()[:2] == [3000 * HOUR_US, 3000.0]
    assert np.all(np.diff(rows[:, 0]) == HOUR_US)
    assert 256 <= len(rows) <= 300


DRIFT = Drift(window=40, outside=0.2, bias=2.0, error=3.0, latency_ms=5)


def test_a_drift_is_told_once_before_the_window_is_full() -> None:
    watch = Watch(DRIFT)
    told = []
    for run in range(40):
        watch.run(outside=run % 2 == 0)
        told += watch.look(run)
    [alarm] = told
    assert (alarm.kind, alarm.time_us) == ("outside", 9)
    assert "50%" in alarm.text.en


def test_bias_and_error_are_of_labels_and_pass_when_they_are_over() -> None:
    watch = Watch(DRIFT)
    for label in range(20):
        watch.label(2.5, 0.1)
        watch.look(label)
    assert set(watch.standing) == {"bias"}
    for label in range(40):
        watch.label(0.0, -4.0)
        watch.look(100 + label)
    assert set(watch.standing) == {"error"}


def test_one_slow_run_is_no_alarm_and_many_are() -> None:
    watch = Watch(DRIFT)
    for run in range(20):
        watch.run(False, 900.0 if run == 3 else 1.0)
    assert watch.look(1) == []
    for _ in range(40):
        watch.run(False, 9.0)
    assert [one.kind for one in watch.look(2)] == ["latency"]


def test_a_watch_goes_on_after_a_restart() -> None:
    watch, again = Watch(DRIFT), Watch(DRIFT)
    for run in range(60):
        watch.run(run % 3 == 0)
        watch.label(3.0, 1.0)
    watch.look(7)
    again.resume(json.loads(json.dumps(watch.state())))
    assert again.look(8) == []
    assert (again.standing, again.outside_share, again.bias) == (
        watch.standing, watch.outside_share, watch.bias,
    )  # fmt: skip
