from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.deadband import Deadband
from lianji.connect.driver import Columns

NAN = float("nan")


def columns(
    rows: Sequence[tuple[int, int, float] | tuple[int, int, float, int]],
    texts: list[str | None] | None = None,
) -> Columns:
    """Rows of number, time, value and (0 if left out) quality."""
    return Columns(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] if len(row) > 3 else 0 for row in rows], np.uint16),
        texts,
    )


def test_the_first_sample_passes_and_the_same_again_does_not() -> None:
    band = Deadband([0.0, 0.0], 60)
    assert len(band.passing(columns([(0, 1, 5.0), (1, 1, 0.0)]), 0.0)) == 2
    assert len(band.passing(columns([(0, 2, 5.0), (1, 2, 0.0)]), 1.0)) == 0


def test_a_move_counts_from_the_last_value_sent_so_that_creeping_is_seen() -> None:
    band = Deadband([1.0], 60)
    sent = [len(band.passing(columns([(0, n, n * 0.4)]), n * 0.1)) for n in range(7)]
    assert sent == [1, 0, 0, 1, 0, 0, 1]


def test_a_changed_quality_and_a_changed_text_pass() -> None:
    band = Deadband([10.0], 60)
    band.passing(columns([(0, 1, NAN)], ["on"]), 0.0)
    assert len(band.passing(columns([(0, 2, NAN)], ["on"]), 0.1)) == 0
    assert band.passing(columns([(0, 3, NAN)], ["off"]), 0.2).texts == ["off"]
    assert len(band.passing(columns([(0, 4, NAN, 0x8000)], ["off"]), 0.3)) == 1


def test_an_unchanged_value_passes_again_with_the_heartbeat() -> None:
    band = Deadband([0.0], 5)
    sent = [
        second for second in range(16) if len(band.passing(columns([(0, second, 1.0)]), second))
    ]
    assert sent == [0, 5, 10, 15]


def test_the_very_same_sample_never_passes_twice_not_even_as_heartbeat() -> None:
    band = Deadband([0.0], 5)
    assert len(band.passing(columns([(0, 7, 1.0)]), 0.0)) == 1
    assert len(band.passing(columns([(0, 7, 1.0)]), 100.0)) == 0
    assert len(band.passing(columns([(0, 6, 2.0)]), 100.0)) == 1, "times may go backwards"


def test_a_value_that_goes_and_comes_back_passes_both_times() -> None:
    band = Deadband([0.0], 60)
    for at, value in enumerate([1.0, NAN, 1.0, float("inf"), 1.0]):
        assert len(band.passing(columns([(0, at, value)]), at)) == 1
    assert len(band.passing(columns([(0, 9, float("nan"))]), 9)) == 1
    assert len(band.passing(columns([(0, 10, NAN)]), 10)) == 0


def test_heartbeat_zero_passes_everything() -> None:
    band = Deadband([100.0], 0)
    assert all(len(band.passing(columns([(0, n, 1.0)]), n)) == 1 for n in range(5))


def test_a_standing_bad_quality_passes_once_and_as_heartbeat() -> None:
    for heartbeat_s, expected in ((5, [0, 5, 10]), (0, [0])):
        band = Deadband([0.0], heartbeat_s)
        bad = columns([(0, 1, NAN, 0x8031)])
        assert [s for s in range(12) if len(band.standing(bad, s))] == expected


def test_several_samples_of_one_point_are_judged_one_after_the_other() -> None:
    band = Deadband([0.0, 0.0], 60)
    rows = [(0, 1, 1.0), (1, 1, 9.0), (0, 2, 1.0), (0, 3, 2.0), (1, 2, 9.0), (0, 4, 1.0)]
    kept = band.passing(columns(rows), 0.0)
    assert kept.numbers.tolist() == [0, 1, 0, 0]
    assert kept.times_us.tolist() == [1, 1, 3, 4]


def test_what_was_lost_is_sent_again() -> None:
    band = Deadband([0.0], 60)
    band.passing(columns([(0, 1, 1.0)]), 0.0)
    band.forget(np.array([0], np.int32))
    assert len(band.passing(columns([(0, 1, 1.0)]), 0.1)) == 1


class OneByOne:
    """The rule of the docstring, a sample at a time."""

    def __init__(self, deadbands: list[float], heartbeat_s: float) -> None:
        self.deadbands, self.heartbeat_s = deadbands, heartbeat_s
        self.last: dict[int, tuple[int, float, int, float]] = {}

    def passes(self, number: int, time: int, value: float, quality: int, now: float) -> bool:
        last = self.last.get(number)
        if last is not None:
            moved = abs(value - last[1]) > self.deadbands[number]
            news = moved or np.isnan(value) != np.isnan(last[1]) or quality != last[2]
            if not news and not (now - last[3] >= self.heartbeat_s and time != last[0]):
                return False
        self.last[number] = (time, value, quality, now)
        return True


SAMPLE = st.tuples(
    st.integers(0, 4),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.5, 1.0, 5.0, NAN]),
    st.sampled_from([0, 0x8000]),
)


@given(st.lists(st.lists(SAMPLE, max_size=8), max_size=8))
def test_columns_pass_exactly_what_one_by_one_would(batches: list[list]) -> None:
    deadbands = [0.0, 0.4, 1.0, 10.0, 0.0]
    band, slow = Deadband(deadbands, 2.0), OneByOne(deadbands, 2.0)
    for now, rows in enumerate(batches):
        kept = band.passing(columns(rows), float(now))
        expected = [row for row in rows if slow.passes(*row, now)]
        assert kept.numbers.tolist() == [row[0] for row in expected]
        assert kept.times_us.tolist() == [row[1] for row in expected]
