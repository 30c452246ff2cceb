"""The generators of the benchmarks: the samples are those of the seed, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.mixes import DAY_US, HOUR_US, SECOND_US, UNREPEATED, Block, Flaws, Mix
from lianji.dictionary.quality import is_bad

KINDS = ("iot", "plant")
FLAWLESS = Flaws(0, 0.0, 0.0, 0.0, 0.0)


def whole(mix: Mix, samples: int = 100_000) -> Block:
    """All of a mix, by tag and time."""
    every = Block.concat(list(mix.blocks(samples)))
    return every.take(np.lexsort((every.time_us, every.tag)))


def keys(block: Block) -> np.ndarray:
    return block.tag.astype(np.int64) << 40 | (block.time_us // 1000 & (1 << 40) - 1)


@given(kind=st.sampled_from(KINDS), samples=st.integers(1, 30_000), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_size_of_the_blocks_changes_no_sample(kind: str, samples: int, seed: int) -> None:
    mix = Mix(kind, 30, SECOND_US, 400, Flaws(late=0.1, repeated=0.05, silent=0.05), seed=seed)
    one, other = whole(mix), whole(mix, samples)
    np.testing.assert_array_equal(one.tag, other.tag)
    np.testing.assert_array_equal(one.time_us, other.time_us)
    np.testing.assert_array_equal(one.value, other.value)
    np.testing.assert_array_equal(one.quality, other.quality)


@pytest.mark.parametrize("kind", KINDS)
def test_without_flaws_every_tag_speaks_once_a_step_and_in_order(kind: str) -> None:
    mix = Mix(kind, 50, SECOND_US, 100, FLAWLESS)
    every = Block.concat(list(mix.blocks(700)))
    assert len(every) == mix.samples
    assert (np.diff(every.time_us) >= 0).all()
    np.testing.assert_array_equal(np.bincount(every.tag), np.full(50, 100))
    assert not np.isnan(every.value).any()
    assert not every.quality.any()


@pytest.mark.parametrize("kind", KINDS)
def test_values_have_no_more_than_three_decimals(kind: str) -> None:
    value = whole(Mix(kind, 340, SECOND_US, 200, FLAWLESS)).value
    np.testing.assert_array_equal(np.rint(value * 1000) / 1000, value)


def test_the_kinds_of_the_iot_mix_are_in_its_proportions() -> None:
    mix = Mix("iot", 168 * 2, SECOND_US, 5_000, FLAWLESS)
    values = whole(mix).value.reshape(mix.tags, mix.steps)
    different = np.array([len(np.unique(row)) for row in values])
    assert (different == 1).sum() == 2 * 58
    assert (different == 2).sum() == 2 * 9
    assert (different > 2).sum() == 2 * (86 + 6 + 9)


def test_the_flaws_have_their_shares() -> None:
    mix = Mix("plant", 100, SECOND_US, 20_000, Flaws(late=0.02, repeated=0.01, bad=0.005))
    every = Block.concat(list(mix.blocks()))
    _, counts = np.unique(keys(every), return_counts=True)
    assert set(counts.tolist()) <= {1, 2}
    assert (counts == 2).mean() == pytest.approx(0.01, abs=0.004)
    assert is_bad(every.quality).mean() == pytest.approx(0.005, abs=0.003)
    np.testing.assert_array_equal(np.isnan(every.value), is_bad(every.quality))
    behind_us = np.maximum.accumulate(every.time_us) - every.time_us
    late = behind_us > 55 * SECOND_US
    assert late.mean() == pytest.approx(0.03, abs=0.01)
    assert 1 - len(counts) / mix.samples == pytest.approx(0.003, abs=0.006)


def test_what_comes_twice_says_the_same_both_times() -> None:
    every = whole(Mix("plant", 100, SECOND_US, 3_000, Flaws(repeated=0.02)))
    again = np.flatnonzero(np.diff(keys(every)) == 0)
    assert len(again)
    np.testing.assert_array_equal(every.value[again], every.value[again + 1])
    np.testing.assert_array_equal(every.quality[again], every.quality[again + 1])


def test_a_reading_has_one_time_and_comes_whole() -> None:
    every = Block.concat(list(Mix("plant", 200, SECOND_US, 500).blocks(2_000)))
    readings = every.tag.reshape(-1, 10)
    assert (np.diff(readings, axis=1) == 1).all()
    assert (np.diff(every.time_us.reshape(-1, 10), axis=1) == 0).all()


def test_a_year_of_samples_never_lies_in_memory_at_once() -> None:
    mix = Mix("plant", 1_000, HOUR_US, 365 * 24)
    largest = [len(block) for _, block in zip(range(20), mix.blocks(50_000), strict=False)]
    assert max(largest) < 60_000
    assert mix.end_us - mix.start_us == 365 * DAY_US


def test_the_set_for_compared_answers_has_no_key_twice_and_nothing_bad() -> None:
    every = whole(Mix("plant", 100, SECOND_US, 5_000, UNREPEATED))
    assert (np.diff(keys(every)) > 0).all()
    assert not every.quality.any()
