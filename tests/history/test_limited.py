"""Who may see one site finds no trace of the others, whatever is asked."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lianji.base.errors import InputError, NotFound
from lianji.history.history import History
from tests.history.conftest import SECOND, START_US, Rooms

END_US = START_US + 100 * SECOND
BETWEEN = (START_US, END_US)
SECRET = 77_123.5


@pytest.fixture
def limited(rooms: Rooms) -> History:
    """Of ``a`` in a plant of ``a`` and ``b``, half of it in files and half in memory."""
    for seconds in (range(6), range(6, 10)):
        rooms.put("a/oven/heat", list(seconds), [float(n) for n in seconds])
        rooms.put("b/oven/heat", list(seconds), [SECRET] * len(seconds))
        if 0 in seconds:
            rooms.history.flush()
    rooms.put("b/press/force", [0], [SECRET])
    rooms.history.annotate("a/oven/heat", *BETWEEN, "mine")
    rooms.history.annotate("*/oven/heat", *BETWEEN, "about b too")
    rooms.history.annotate("b/oven/heat", *BETWEEN, "theirs")
    return rooms.history.within(lambda path: path.startswith("a/"))


def test_patterns_and_everything_mean_only_what_may_be_seen(limited: History) -> None:
    assert limited.tags() == ["a/oven/heat"]
    assert limited.paths(["*"]) == limited.paths(None) == ["a/oven/heat"]
    assert limited.last()["tag"].to_pylist() == ["a/oven/heat"]
    assert limited.read(["*/heat"], *BETWEEN)["value"].to_pylist() == [float(n) for n in range(10)]
    assert limited.rows_expected(["*"], *BETWEEN) < 20


@pytest.mark.parametrize("tag", ["b/oven/heat", "b/oven/nothing", "b/*", "*/force"])
def test_another_tag_is_one_that_never_was(limited: History, tag: str) -> None:
    for ask in (
        lambda: limited.read([tag], *BETWEEN),
        lambda: limited.last([tag]),
        lambda: limited.at([tag], END_US),
        lambda: limited.plot([tag], *BETWEEN, 10),
        lambda: limited.aggregate([tag], *BETWEEN, SECOND),
        lambda: limited.gaps([tag], *BETWEEN, SECOND),
        lambda: limited.modified([tag], *BETWEEN),
        lambda: limited.interpolated([tag], *BETWEEN, SECOND),
        lambda: limited.annotations([tag]),
        lambda: limited.annotate(tag, *BETWEEN, "x"),
    ):
        with pytest.raises(NotFound) as refused:
            ask()
        assert refused.value.code == "tag-unknown"
        assert "b/" not in refused.value.remedy.en


def test_what_comes_later_is_seen_or_not_as_the_rest(limited: History, rooms: Rooms) -> None:
    assert limited.tags() == ["a/oven/heat"]
    rooms.put("a/new", [0], [1.0])
    rooms.put("b/new", [0], [1.0])
    rooms.history.last()  # it has been read from the spool
    assert limited.tags() == ["a/new", "a/oven/heat"]
    assert limited.last()["tag"].to_pylist() == ["a/new", "a/oven/heat"]


def test_notes_are_those_of_the_site_alone(limited: History, rooms: Rooms) -> None:
    assert limited.annotations()["text"].to_pylist() == ["mine"]
    every = {one["text"]: one["id"] for one in rooms.history.annotations().to_pylist()}
    for identity in (every["theirs"], every["about b too"], "nothing"):
        with pytest.raises(NotFound):
            limited.delete_annotation(identity)
        with pytest.raises(NotFound):
            limited.annotate("a/oven/heat", *BETWEEN, "taken over", identity=identity)
    limited.delete_annotation(every["mine"])
    assert sorted(rooms.history.annotations()["text"].to_pylist()) == ["about b too", "theirs"]


def test_sql_is_asked_of_nothing_but_the_site(limited: History, rooms: Rooms) -> None:
    found = limited.sql("SELECT tag, count(*) AS n, max(value) AS most FROM samples GROUP BY tag")
    assert found.to_pylist() == [{"tag": "a/oven/heat", "n": 10, "most": 9.0}]
    whole = rooms.history.sql("SELECT count(*) AS n FROM samples WHERE tag LIKE 'b/%'")
    assert whole["n"].to_pylist() == [11]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM memory",
        "SELECT * FROM distant",
        "SELECT tag, value FROM distant WHERE tag = 'b/oven/heat'",
        "SELECT tag FROM distant WHERE tag <> 'a/oven/heat' OR value > 100",
        "FROM duckdb_views()",
        "FROM duckdb_settings()",
        "SELECT * FROM glob('**')",
        "SELECT * FROM read_parquet('{file}', hive_partitioning = true)",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM '{file}'",
        "SET allowed_paths = ['{file}']; SELECT 1",
        "SET enable_external_access = true; SELECT 1",
        "COPY samples TO '/tmp/out.csv'",
        "ATTACH '{file}'",
        "SELECT * FROM parquet_metadata('{file}')",
    ],
)
def test_sql_cannot_look_behind_it(limited: History, rooms: Rooms, query: str) -> None:
    [file, *_] = sorted((rooms.folder / "samples").rglob("*.parquet"))
    try:
        found = limited.sql(query.replace("{file}", str(file)))
    except InputError as refused:
        assert refused.code == "sql-failed"
        return
    told = repr(found.to_pylist()) if isinstance(found, pa.Table) else ""
    assert "b/oven" not in told
    assert str(SECRET) not in told
