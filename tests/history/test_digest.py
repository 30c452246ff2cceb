"""Digests: the same numbers for the same samples, however they lie, and others for any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.history.digest import DAY_US, HOUR_US, digest, fitting, reach
from tests.history.conftest import SECOND, START_US, Rooms

A, B = "plant/a", "plant/b"


def put(
    rooms: Rooms, tag: str, seconds: range, value: float = 0.0, text: str | None = None
) -> None:
    ids = rooms.names.ids_of([tag] * len(seconds))
    times = [START_US + second * SECOND for second in seconds]
    values = [value + second for second in seconds]
    texts = None if text is None else [text] * len(seconds)
    rooms.spool.put(Batch.of(ids, times, values, None, texts)).result(10)


@pytest.fixture
def two(tmp_path: Path):  # type: ignore[no-untyped-def]
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        found.append(Rooms(tmp_path / name))
    yield found
    for rooms in found:
        rooms.history.close()
        rooms.spool.close()


def test_it_does_not_matter_in_which_order_and_files_samples_lie(two: list[Rooms]) -> None:
    one, other = two
    put(one, A, range(8000))
    put(one, B, range(4000), 5.0, "on")
    one.history.flush()
    for part in (range(4000, 8000), range(4000)):
        put(other, A, part)
        other.history.flush()
    put(other, B, range(4000), 5.0, "on")  # still in memory
    mine, theirs = (
        digest(rooms.history, [B, A], START_US, START_US + DAY_US, HOUR_US) for rooms in two
    )
    assert mine.counts[:, :4].tolist() == [[3600, 400, 0, 0], [3600, 3600, 800, 0]]
    assert not mine.differs(theirs).any()
    by_day = digest(one.history, [B, A], START_US, START_US + DAY_US, DAY_US)
    assert by_day.hashes[:, 0].tolist() == mine.hashes.sum(axis=1, dtype=np.uint64).tolist()


@pytest.mark.parametrize("what", ["value", "text", "quality", "time", "one less"])
def test_any_difference_shows_in_its_hour_and_no_other(two: list[Rooms], what: str) -> None:
    one, other = two
    for rooms in two:
        put(rooms, A, range(3 * 3600))
    tag = other.names.ids_of([A])
    at = START_US + 4000 * SECOND
    if what == "one less":
        tag = one.names.ids_of([A])
        one.spool.put(Batch.of(tag, [at + 1], [1.0])).result(10)
    elif what == "time":
        other.spool.put(Batch.of(tag, [at + 1], [4000.0])).result(10)
    elif what == "value":
        other.spool.put(Batch.of(tag, [at], [4000.5])).result(10)
    elif what == "text":
        other.spool.put(Batch.of(tag, [at], [4000.0], None, ["x"])).result(10)
    else:
        other.spool.put(Batch.of(tag, [at], [4000.0], [0x4000])).result(10)
    mine, theirs = (
        digest(rooms.history, [A], START_US, START_US + 3 * HOUR_US, HOUR_US) for rooms in two
    )
    assert mine.differs(theirs).tolist() == [[False, True, False]]


def test_minus_nought_is_nought_and_what_nobody_knows_is_nothing(two: list[Rooms]) -> None:
    one, other = two
    for rooms, nought in ((one, 0.0), (other, -0.0)):
        rooms.spool.put(Batch.of(rooms.names.ids_of([A]), [START_US], [nought])).result(10)
    asked = ["plant/never", A]
    mine, theirs = (
        digest(rooms.history, asked, START_US, START_US + HOUR_US, HOUR_US) for rooms in two
    )
    assert mine.counts.tolist() == [[0], [1]]
    assert not mine.differs(theirs).any()


def test_pieces_and_pages_change_nothing(two: list[Rooms], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = two
    tags = [f"plant/{number}" for number in range(7)]
    for number, tag in enumerate(tags):
        put(one, tag, range(5000 + number))
    one.history.flush()
    whole = digest(one.history, tags, START_US, START_US + 2 * HOUR_US, HOUR_US)
    monkeypatch.setattr("lianji.history.export.PIECE_ROWS", 3000)
    monkeypatch.setattr("lianji.history.digest.HASHED_ROWS", 700)
    again = digest(one.history, tags, START_US, START_US + 2 * HOUR_US, HOUR_US)
    assert whole.rows == 7 * 5000 + 21
    assert not whole.differs(again).any()
    assert fitting(one.history, tags, START_US, START_US + DAY_US, 12_000) == 2
    assert fitting(one.history, tags, START_US, START_US + DAY_US, 1) == 1
    assert reach(one.history, tags) == (START_US, START_US + 5005 * SECOND)
