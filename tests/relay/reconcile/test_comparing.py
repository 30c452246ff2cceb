"""The pure parts: names, hours under way, what is kept, and groups that are sent again."""

from __future__ import annotations

import numpy as np
import pytest

from lianji.base.errors import InputError
from lianji.node.reconciling.mending import batches
from lianji.relay.reconcile.comparing import (
    DAY_US,
    HOUR_US,
    Cells,
    Keep,
    Kind,
    Naming,
    Outcome,
    Pair,
    pairs_of,
    under_way,
)
from lianji.relay.reconcile.packing import (
    pack_numbers,
    pack_words,
    unpack_numbers,
    unpack_words,
)


def test_a_path_stands_under_its_name_at_the_hub_and_finds_back() -> None:
    naming = Naming(("park1",), "park1", own_site="plant")
    assert pairs_of(naming, ["plant/a", "park1/b", "c/d"], ["hq/x", "park1/plant/old"], []) == [
        Pair("park1/b", "park1/b"),
        Pair("park1/c/d", "c/d"),
        Pair("park1/plant/a", "plant/a"),
        Pair("park1/plant/old", "plant/old"),
    ]


def test_what_another_edge_may_have_brought_is_not_missed_at_this_one() -> None:
    one, other = Naming(("park1",), "park1"), Naming(("park*",), "")
    here = ["park1/a", "park1/b"]
    assert pairs_of(one, ["park1/a"], here, [other]) == [Pair("park1/a", "park1/a")]
    assert len(pairs_of(one, ["park1/a"], here, [])) == 2


def test_neighbouring_hours_that_differ_alike_are_one() -> None:
    here = np.array([[5, 0, 0, 7, 9], [1, 1, 1, 1, 1]])
    there = np.array([[5, 3, 4, 7, 8], [1, 1, 1, 1, 1]])
    differ = np.array([[0, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool)
    moving = np.zeros((2, 5), bool)
    moving[1, 4] = True
    pairs = [Pair("a", "a"), Pair("b", "b")]
    found = list(
        Cells(pairs, 0, here, there, differ).differences(
            [(moving, Outcome.UNDER_WAY)], Outcome.LEFT, "why"
        )
    )
    assert [
        (d.tag, d.start_us // HOUR_US, d.end_us // HOUR_US, d.here, d.there) for d in found
    ] == [
        ("a", 1, 3, 0, 7),
        ("a", 3, 4, 7, 7),
        ("a", 4, 5, 9, 8),
        ("b", 4, 5, 1, 1),
    ]
    assert [d.kind for d in found] == [
        Kind.HUB_LACKS, Kind.DIFFERS, Kind.EDGE_LACKS, Kind.DIFFERS
    ]  # fmt: skip
    assert [(d.outcome, d.reason) for d in found[2:]] == [
        (Outcome.LEFT, "why"),
        (Outcome.UNDER_WAY, ""),
    ]


def test_hours_into_which_unsent_records_reach_are_under_way() -> None:
    start = 10 * HOUR_US
    stretches = [(0, 3), (11 * HOUR_US + 5, 12 * HOUR_US + 1), (20 * HOUR_US, 30 * HOUR_US)]
    assert under_way(start, 4, stretches).tolist() == [False, True, True, False]
    assert under_way(start, 4, []).tolist() == [False] * 4
    assert under_way(start, 2, None).tolist() == [True] * 2


def test_what_a_plant_was_told_to_remove_is_not_missed() -> None:
    keep = Keep((("p/*", 30), ("p/fast/*", 2)))
    assert keep.from_us("q/a", 100 * DAY_US) < 0
    assert keep.from_us("p/a", 100 * DAY_US) == 71 * DAY_US
    assert keep.from_us("p/fast/a", 100 * DAY_US) == 99 * DAY_US


def test_what_is_sent_again_comes_in_batches_of_bounded_size() -> None:
    counts = np.array([[10, 10, 10, 0], [10, 10, 10, 0], [0, 0, 0, 40]])
    which = counts > 0
    found = list(batches(["a", "b", "c"], 0, counts, which, rows_max=25))
    hours = [
        [(g["tags"], g["start_us"] // HOUR_US, g["end_us"] // HOUR_US) for g in some]
        for some in found
    ]
    assert hours == [
        [(["a"], 0, 2)],
        [(["a"], 2, 3)],
        [(["b"], 0, 2)],
        [(["b"], 2, 3)],
        [(["c"], 3, 4)],
    ]
    whole = list(batches(["a", "b", "c"], 0, counts, which, rows_max=1000))
    assert [(g["tags"], g["start_us"], g["end_us"]) for g in whole[0]] == [
        (["a", "b"], 0, 3 * HOUR_US),
        (["c"], 3 * HOUR_US, 4 * HOUR_US),
    ]


def test_numbers_and_words_come_through_and_damage_is_told() -> None:
    numbers = np.array([[1, 2**63 + 5], [0, 2**64 - 1]], np.uint64)
    packed = pack_numbers(numbers)
    assert unpack_numbers(packed, np.uint64, (2, 2)).tolist() == numbers.tolist()
    assert unpack_words(pack_words(["a/β", ""])) == ["a/β", ""]
    for wrong in ("", "5:!!", "99999999999:AAAA", packed[:-8], None, "-1:"):
        with pytest.raises(InputError):
            unpack_words(wrong)
    with pytest.raises(InputError):
        unpack_numbers(packed, np.uint64, (3, 2))
    with pytest.raises(InputError):
        unpack_words(pack_numbers(numbers))
