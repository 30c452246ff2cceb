"""Sieves never deny a key that a file holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lianji.history.rows import Rows
from lianji.history.sieve import Sieves, hashes_of


def rows(seed: int, count: int = 50_000) -> Rows:
    draw = np.random.default_rng(seed)
    return Rows(
        draw.integers(0, 10_000, count).astype(np.int32),
        1_767_225_600_000_000 + draw.integers(0, 10**9, count) * 1000,
        np.zeros(count),
        np.zeros(count, np.uint16),
        pa.nulls(count, pa.string()),
    )


def test_every_key_of_a_file_may_be_in_it_and_hardly_any_other() -> None:
    sieves = Sieves()
    sieves.keep(["a", "b"], rows(1))
    assert sieves.may_hold("a", hashes_of(rows(1))).all()
    assert sieves.may_hold("b", hashes_of(rows(1))).all()
    assert sieves.may_hold("a", hashes_of(rows(2))).mean() < 0.001


def test_a_file_without_a_sieve_may_hold_anything() -> None:
    assert Sieves().may_hold("a", hashes_of(rows(1, 10))).all()


def test_a_merged_file_has_the_keys_of_all_that_it_was_merged_of() -> None:
    sieves = Sieves()
    sieves.keep(["a"], rows(1))
    sieves.keep(["b"], rows(2))
    sieves.merge(["c"], ["a", "b"])
    assert sieves.may_hold("c", hashes_of(rows(1))).all()
    assert sieves.may_hold("c", hashes_of(rows(2))).all()
    assert sieves.may_hold("c", hashes_of(rows(3))).mean() < 0.001
    sieves.merge(["d"], ["c", "never seen"])
    assert sieves.may_hold("d", hashes_of(rows(3))).all()


def test_the_oldest_go_when_there_are_too_many() -> None:
    sieves = Sieves(bytes_max=500_000)
    for number in range(5):
        sieves.keep([str(number)], rows(number))
    assert sieves.may_hold("0", hashes_of(rows(9))).all()
    assert sieves.may_hold("4", hashes_of(rows(9))).mean() < 0.001
