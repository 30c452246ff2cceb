"""What the comparison of systems rests on: the truth, the feeds and the check of answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.historian.feed import json_lines, read_feed, reading_lines, sample_lines, write_feed
from bench.historian.system import BUCKETS_MAX, Answer
from bench.historian.truth import Truth, is_near_a_drawing
from bench.mixes import SECOND_US, Block, Mix

PATHS = [f"plant/line0/machine0/signal{signal}" for signal in range(10)]


def block(tag: list[int], time_ms: list[int], value: list[float]) -> Block:
    times = np.array(time_ms, np.int64) * 1000
    return Block(np.array(tag, np.int32), times, np.array(value), np.zeros(len(tag), np.uint16))


def answer(key: list[int], value: list[float]) -> Answer:
    return Answer(np.array(key, np.int64), np.array(value))


def test_an_answer_that_lacks_a_row_or_has_another_value_is_told() -> None:
    right = answer([1, 2], [0.5, 1.5])
    assert right.difference(answer([1, 2], [0.5, 1.5])) == ""
    assert answer([1], [0.5]).difference(right) == "1 rows instead of 2"
    assert answer([1, 3], [0.5, 1.5]).difference(right) == "rows of other tags or times"
    assert answer([1, 2], [0.5, 1.6]).difference(right) == "1 of 2 values differ"


def test_a_time_average_holds_each_value_until_the_next_and_across_silence() -> None:
    truth = Truth([block([0, 0, 0], [500, 1500, 3500], [1.0, 3.0, 7.0])], 1)
    found = truth.time_averages([0], 1_000_000, 5_000_000, 1_000_000)
    assert found.key.tolist() == [0, 1, 2, 3]
    assert found.value.tolist() == [2.0, 3.0, 5.0, 7.0]


def test_before_the_first_value_there_is_no_average() -> None:
    truth = Truth([block([0], [1250], [4.0])], 1)
    found = truth.time_averages([0], 0, 2_000_000, 1_000_000)
    assert found.key.tolist() == [1]
    assert found.value.tolist() == [4.0]


def test_the_truth_of_means_pixels_and_instants() -> None:
    truth = Truth([block([1, 0, 0, 0], [100, 200, 100, 1700], [9.0, 5.0, 3.0, 4.0])], 2)
    means = truth.means([0, 1], 0, 2_000_000, 1_000_000)
    assert means.key.tolist() == [0, 1, BUCKETS_MAX]
    assert means.value.tolist() == [4.0, 4.0, 9.0]
    assert truth.plot(0, 0, 2_000_000, 2).value.tolist() == [[3.0, 3.0, 5.0, 5.0], [4.0] * 4]
    assert truth.at(150_000).value.tolist() == [3.0, 9.0]


def test_a_feed_is_read_as_it_was_written(tmp_path: Path) -> None:
    mix = Mix("plant", 20, SECOND_US, 50)
    sent = write_feed(mix, tmp_path / "feed", 100)
    read = Block.concat(list(read_feed(tmp_path / "feed")))
    every = Block.concat(list(mix.blocks(100)))
    assert len(read) == sent
    np.testing.assert_array_equal(read.value, every.value)
    np.testing.assert_array_equal(read.time_us, every.time_us)


def test_bodies_say_what_the_block_says_and_leave_out_what_has_no_value() -> None:
    some = block([*range(10), *range(10)], [1000] * 10 + [2000] * 10, [1.5] * 10 + [np.nan] * 10)
    (lines,) = reading_lines(some, PATHS)
    fields = ",".join(f"signal{signal}=1.5" for signal in range(10))
    assert lines == f"plant/line0,machine=machine0 {fields} 1000\n".encode()
    few = block([1, 0, 1], [1000, 1000, 2000], [1.5, np.nan, 2.25])
    (samples,) = sample_lines(few, "day", PATHS)
    head = f"day,tag={PATHS[1]} value="
    assert samples.decode() == f"{head}1.5 1000\n{head}2.25 2000\n"
    (imported,) = json_lines(few, "day", PATHS)
    assert json.loads(imported) == {
        "metric": {"__name__": "day", "tag": PATHS[1]},
        "values": [1.5, 2.25],
        "timestamps": [1000, 2000],
    }


def test_a_chart_is_near_if_each_peak_is_within_a_pixel_and_nothing_is_made_up() -> None:
    def drawing(*pixels: tuple[float, float, float, float]) -> Answer:
        return Answer(np.arange(len(pixels)), np.array(pixels))

    truth = drawing((1, 1, 5, 2), (2, 2, 9, 3), (3, 3, 4, 4))
    assert is_near_a_drawing(truth, truth)
    assert is_near_a_drawing(drawing((1, 1, 5, 5), (2, 2, 9, 9), (4, 4, 4, 4)), truth)
    lost = drawing((1, 1, 5, 2), (2, 2, 8, 3), (3, 3, 4, 4))
    assert not is_near_a_drawing(lost, truth)
    made_up = drawing((1, 1, 6, 2), (2, 2, 9, 3), (3, 3, 4, 4))
    assert not is_near_a_drawing(made_up, truth)
