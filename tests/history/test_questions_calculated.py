"""A calculated tag is asked for as any other tag is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lianji.dictionary.expression import parse
from lianji.dictionary.quality import Quality
from lianji.history.historian import Historian
from tests.history.conftest import SECOND, START_US, Rooms

CALCULATED = {
    "p/sum": parse("'p/a' + 'p/b'"),
    "p/ratio": parse("'p/a' / 'p/b'"),
    "p/none": parse("'p/a' + 'p/never'"),
}


class Calculating(Rooms):
    def open(self) -> None:
        super().open()
        self.history.close()
        self.history = Historian(
            self.folder / "samples", "plant", self.spool, self.names, self._is_linear,
            calculated=CALCULATED,
        )  # fmt: skip


@pytest.fixture(params=["memory", "files"])
def rooms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rooms]:
    made = Calculating(tmp_path, lambda path: path == "p/slope")
    made.put("p/a", [-5, 10, 20, 30], [1, 2, 3, 4])
    made.put("p/b", [0, 20, 40], [10, 0, 20])
    if request.param == "files":
        made.history.flush()
    yield made
    made.close()


def told(table: pa.Table) -> list[tuple[str, float, Any]]:
    return [
        (row["tag"], row["time"].timestamp() - START_US / SECOND, row["value"])
        for row in table.to_pylist()
    ]


def at_s(seconds: float) -> int:
    return START_US + round(seconds * SECOND)


def test_it_has_a_sample_whenever_an_input_spoke(rooms: Rooms) -> None:
    found = told(rooms.history.read(["p/sum", "p/a"], at_s(5), at_s(35)))
    assert found == [
        ("p/sum", 10, 12), ("p/sum", 20, 3), ("p/sum", 30, 4),
        ("p/a", 10, 2), ("p/a", 20, 3), ("p/a", 30, 4),
    ]  # fmt: skip
    bounded = told(rooms.history.read(["p/sum"], at_s(5), at_s(35), bounds=True))
    assert [row[1:] for row in bounded] == [(0, 11), (10, 12), (20, 3), (30, 4), (40, 24)]


def test_its_last_value_is_that_of_its_inputs_last(rooms: Rooms) -> None:
    assert told(rooms.history.last(["p/b", "p/sum"])) == [("p/b", 40, 20), ("p/sum", 40, 24)]


def test_at_an_instant_it_is_worked_out_for_the_instant(rooms: Rooms) -> None:
    assert told(rooms.history.at(["p/sum", "p/b"], at_s(15))) == [
        ("p/sum", 15, 12),
        ("p/b", 15, 10),
    ]
    assert told(rooms.history.at(["p/sum"], at_s(-3))) == []


def test_it_is_aggregated_drawn_and_searched_for_gaps(rooms: Rooms) -> None:
    table = rooms.history.aggregate(
        ["p/a", "p/sum"], START_US, at_s(40), 20 * SECOND, ["count", "max", "twa"]
    )
    assert table.column("count").to_pylist() == [1, 2, 2, 2]
    assert table.column("max").to_pylist() == [2, 4, 12, 4]
    assert table.column("twa").to_pylist()[2:] == [11.5, 3.5]
    assert len(rooms.history.plot(["p/sum"], START_US, at_s(50), 100)) == 5
    gaps = rooms.history.gaps(["p/ratio"], START_US, at_s(50), 15 * SECOND)
    assert gaps.column("why").to_pylist() == ["bad quality"]


def test_beyond_its_bad_samples_a_usable_one_is_looked_for(rooms: Rooms) -> None:
    table = rooms.history.interpolated(["p/ratio"], at_s(25), at_s(45), 10 * SECOND)
    assert table.column("value").to_pylist() == [0.2, 0.2]


def test_patterns_and_lists_of_tags_name_it_too(rooms: Rooms) -> None:
    assert rooms.history.tags() == ["p/a", "p/b", "p/none", "p/ratio", "p/sum"]
    assert set(rooms.history.read(["p/*"], START_US, at_s(50)).column("tag").to_pylist()) == {
        "p/a", "p/b", "p/none", "p/ratio", "p/sum"
    }  # fmt: skip


def test_it_waits_for_an_input_that_never_spoke(rooms: Rooms) -> None:
    [row] = rooms.history.last(["p/none"]).to_pylist()
    assert (row["value"], row["quality"]) == (None, Quality.BAD_WAITING_FOR_INITIAL_DATA)
    assert told(rooms.history.at(["p/none"], at_s(15))) == []
