"""Sieves say exactly which keys a file holds, and where they say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lianji.history.late.sieve import Found, Sieves, contents_of
from lianji.history.rows import Rows, sorted_once

HOURS_US = 3600 * 1_000_000


def rows(seed: int, count: int = 50_000, span_us: int = HOURS_US, tags: int = 10_000) -> Rows:
    draw = np.random.default_rng(seed)
    return sorted_once(
        Rows(
            draw.integers(0, tags, count).astype(np.int32),
            1_767_225_600_000_000 + draw.integers(0, span_us // 1000, count) * 1000,
            draw.normal(0, 1, count).round(2),
            np.zeros(count, np.uint16),
            pa.nulls(count, pa.string()),
        )
    )


def keys(some: Rows) -> set[tuple[int, int]]:
    return set(zip(some.tag.tolist(), some.time_us.tolist(), strict=True))


def others(some: Rows, seed: int) -> Rows:
    """Rows of none of these keys, many of the same tags and of times beside them."""
    beside = rows(seed)
    beside.time_us[::2] += 1
    there = keys(some)
    mine = zip(beside.tag.tolist(), beside.time_us.tolist(), strict=True)
    return beside.take(np.array([key not in there for key in mine]))


def wanted(bytes_max: int = 80 << 20) -> Sieves:
    sieves = Sieves(bytes_max)
    sieves.look("none", rows(0, 1))
    return sieves


@pytest.mark.parametrize("span_us", [HOURS_US, 24 * HOURS_US])
def test_every_row_of_a_file_is_found_and_no_other(span_us: int) -> None:
    held = rows(1, span_us=span_us)
    sieves = wanted()
    sieves.keep(["a", "b"], held)
    for name in ("a", "b"):
        assert (sieves.look(name, held) == Found.SAME).all()
        assert (sieves.look(name, others(held, 2)) == Found.ABSENT).all()


def test_signals_that_are_read_at_once_share_their_times() -> None:
    times_us = rows(1, 1000, tags=1).time_us
    held = Rows(
        np.repeat(np.array([7, 3, 9, 4], np.int32), len(times_us)),
        np.concatenate([times_us, times_us, times_us + 1, times_us + 1]),
        np.arange(4.0 * len(times_us)),
        np.zeros(4 * len(times_us), np.uint16),
        pa.nulls(4 * len(times_us), pa.string()),
    )
    sieves = wanted(bytes_max=4 * 4 * len(times_us) + 2 * 8 * len(times_us))
    sieves.keep(["a"], held)
    assert (sieves.look("a", held) == Found.SAME).all()
    assert (sieves.look("a", others(held, 2)) == Found.ABSENT).all()
    assert (sieves.look("a", replace(held, time_us=held.time_us + 2)) == Found.ABSENT).all()


def test_a_correction_is_read() -> None:
    held = rows(1)
    sieves = wanted()
    sieves.keep(["a"], held)
    for other in (
        replace(held, value=held.value + 0.01),
        replace(held, quality=np.full(len(held), 0x8000, np.uint16)),
        replace(held, value=np.full(len(held), np.nan)),
        replace(held, text=pa.array(["x"] * len(held))),
    ):
        assert (sieves.look("a", other) == Found.READ).all()


def test_equal_values_of_other_bits_say_the_same() -> None:
    one = rows(1, 4)
    left = replace(one, value=np.array([0.0, np.nan, 1.0, -1.0])[: len(one)])
    other_nan = np.array([0x7FF8_0000_0000_0001], np.uint64).view(np.float64)[0]
    right = replace(one, value=np.array([-0.0, other_nan, 1.0, -1.0])[: len(one)])
    assert (contents_of(left) == contents_of(right)).all()


def test_a_file_without_a_sieve_or_with_texts_is_read() -> None:
    sieves = wanted()
    with_texts = replace(rows(1, 10), text=pa.array(["x"] * 10))
    sieves.keep(["texts"], with_texts)
    assert (sieves.look("texts", with_texts) == Found.READ).all()
    assert (sieves.look("unknown", rows(1, 10)) == Found.READ).all()


def test_few_are_kept_where_nothing_comes_late() -> None:
    sieves = Sieves(wanted_s=0.0)
    for number in range(1, 31):
        sieves.keep([str(number)], rows(number))
    assert (sieves.look("1", rows(1)) == Found.READ).all()
    assert (sieves.look("30", rows(30)) == Found.SAME).all()


def test_a_merged_file_has_the_sieves_of_its_inputs_or_none() -> None:
    one, two = rows(1), others(rows(1), 2)
    sieves = wanted()
    sieves.keep(["a"], one)
    sieves.keep(["b"], two)
    sieves.merge(["c"], ["a", "b"])
    assert (sieves.look("c", one) == Found.SAME).all()
    assert (sieves.look("c", two) == Found.SAME).all()
    assert (sieves.look("c", others(Rows.concat([one, two]), 3)) == Found.ABSENT).all()
    sieves.merge(["d"], ["c", "never seen"])
    assert (sieves.look("d", rows(3)) == Found.READ).all()


def test_what_a_file_lost_to_a_correction_is_no_longer_found() -> None:
    held = rows(1)
    gone, left = held.take(slice(None, None, 7)), held.take(np.arange(len(held)) % 7 > 0)
    sieves = wanted()
    sieves.keep(["a"], held)
    sieves.replace("b", "a", gone)
    assert (sieves.look("b", gone) == Found.ABSENT).all()
    assert (sieves.look("b", left) == Found.SAME).all()
    sieves.replace("c", "never seen", gone)
    assert (sieves.look("c", gone) == Found.READ).all()


def test_the_oldest_go_when_there_are_too_many() -> None:
    sieves = wanted(bytes_max=2_000_000)
    for number in range(1, 6):
        sieves.keep([str(number)], rows(number))
    assert (sieves.look("1", rows(1)) == Found.READ).all()
    assert (sieves.look("5", rows(5)) == Found.SAME).all()
