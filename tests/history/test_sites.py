"""A hub's history holds many sites in one table, each in its own partition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deltalake
import pytest

from lianji.dictionary.batch import Batch
from lianji.history.backup.restoring import restore_backup
from lianji.history.backup.taking import take_backup
from lianji.history.export import Export, export_samples
from lianji.history.places.folder import FolderPlace
from tests.history.conftest import SECOND, START_US, Rooms
from tests.history.test_backup import parts_of

DAY_S = 86_400
SPAN = (START_US - SECOND, START_US + 10 * DAY_S * SECOND)


def first_part(path: str) -> str:
    return path.partition("/")[0]


class Hub(Rooms):
    """Rooms of a hub whose own site is ``plant``."""

    site_of = staticmethod(first_part)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "plant")
    yield made
    made.close()


def sites_on_disk(rooms: Rooms) -> dict[str, set[str]]:
    """The tags of each site, as any other tool reads the table."""
    table = deltalake.DeltaTable(str(rooms.folder / "samples")).to_pyarrow_table()
    found: dict[str, set[str]] = {}
    for row in table.select(["site", "tag"]).to_pylist():
        found.setdefault(row["site"], set()).add(row["tag"])
    return found


PATHS = ["a", "a-b/x", "a/x", "a/y", "plant/own", "边/压机"]
"""In their order the paths of site a do not stand together."""


def test_each_site_has_a_partition_of_its_own(hub: Hub) -> None:
    for number, path in enumerate(PATHS):
        hub.put(path, [0, 1], [number, number])
    hub.history.flush()
    assert sites_on_disk(hub) == {
        "a": {"a", "a/x", "a/y"}, "a-b": {"a-b/x"}, "plant": {"plant/own"}, "边": {"边/压机"},
    }  # fmt: skip
    for history in (hub.history, hub.stored()):
        for number, path in enumerate(PATHS):
            assert history.read([path], *SPAN)["value"].to_pylist() == [number, number]
        assert len(history.read(["*"], *SPAN)) == 2 * len(PATHS)


def test_sql_tells_the_site_also_of_what_is_not_flushed(hub: Hub) -> None:
    hub.put("a/x", [0], [1])
    hub.history.flush()
    hub.put("a/x", [0, 1], [5, 2])
    hub.put("b/x", [0], [3])
    query = "select site, tag, value from samples order by tag, time"
    expected = [("a", "a/x", 5.0), ("a", "a/x", 2.0), ("b", "b/x", 3.0)]
    for history in (hub.history, hub.stored()):
        assert [tuple(row.values()) for row in history.sql(query).to_pylist()] == expected
    hub.history.flush()
    assert [tuple(row.values()) for row in hub.history.sql(query).to_pylist()] == expected


def test_late_samples_repetitions_and_corrections_find_their_own_site(hub: Hub) -> None:
    for site in ("a", "b", "c"):
        hub.put(f"{site}/x", [0, 10, 20], [0, 1, 2])
    hub.history.flush()
    hub.close()
    hub.open()
    for site in ("a", "b"):
        hub.put(f"{site}/x", [10, 15], [1 if site == "a" else 7, 9])
    hub.history.flush()
    status = hub.history.status()
    assert (status.repeated, status.corrected) == (1, 1)
    found = {path: hub.history.read([path], *SPAN)["value"].to_pylist() for path in hub.names.paths}
    assert found == {"a/x": [0, 1, 9, 2], "b/x": [0, 7, 9, 2], "c/x": [0, 1, 2]}
    [gone] = hub.history.modified(["*"], *SPAN).to_pylist()
    assert (gone["tag"], gone["value"]) == ("b/x", 1.0)
    [file] = hub.history._modified.files
    assert file.site == "b"


def test_a_plant_that_becomes_a_hub_finds_what_it_had_before(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("line1/x", [0, 10], [0, 1])
    rooms.close()
    rooms.site_of = first_part
    rooms.open()
    rooms.put("line1/x", [0, 10, 20], [0, 5, 2])
    for _ in ("in memory", "in the table"):
        assert rooms.history.read(["line1/x"], *SPAN)["value"].to_pylist() == [0, 5, 2]
        assert rooms.history.sql("select count(*) n from samples")["n"].to_pylist() == [3]
        rooms.history.flush()
    assert rooms.history.status().repeated == 1
    rooms.close()


def test_upkeep_merges_and_rolls_up_each_site_for_itself(hub: Hub) -> None:
    for number in range(9):
        for site in ("a", "b"):
            hub.put(f"{site}/x", [number * 60 + n for n in range(60)], [number] * 60)
        hub.history.flush()
    while hub.history.upkeep.step():
        assert hub.history.upkeep.error is None
    files = hub.history._table.files
    assert {part[0] for part in files.parts} == {"a", "b"}
    assert len(files) < 18
    assert {file.site for file in hub.history.upkeep.minutes.files} <= {"a", "b"}
    for history in (hub.history, hub.stored()):
        for site in ("a", "b"):
            asked = ([f"{site}/x"], START_US, START_US + 540 * SECOND, 60 * SECOND, ["average"])
            assert history.aggregate(*asked)["average"].to_pylist() == list(range(9))


def test_a_question_opens_no_file_of_another_site(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = FolderPlace.open
    for site in range(40):
        hub.put(f"site{site}/x", [0, 3600], [site, site])
        hub.put(f"site{site}/y", [0, DAY_S], [site, site])
    hub.history.flush()

    def opening(place: FolderPlace, name: str) -> object:
        opened.append(name.partition("/")[0])
        return real(place, name)

    monkeypatch.setattr(FolderPlace, "open", opening)
    history, asked = hub.stored(), ["site7/*"]
    history.read(asked, *SPAN, bounds=True)
    history.last(asked)
    history.at(asked, [START_US + 1800 * SECOND])
    history.plot(["site7/x"], *SPAN, 100)
    history.aggregate(asked, *SPAN, DAY_S * SECOND, ["average", "count"])
    assert set(opened) == {"site=site7"}


def test_an_export_of_some_sites_holds_those(hub: Hub, tmp_path: Path) -> None:
    for site in ("a", "b", "c"):
        hub.put(f"{site}/x", [0, DAY_S], [0, 1])
    hub.history.flush()
    hub.put("c/x", [2 * DAY_S], [2])
    done = export_samples(hub.history, Export(["a/x", "c/x"], *SPAN, tmp_path / "export"))
    assert done.rows == 5
    assert [path.name[:10] for path in done.files] == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_a_backup_holds_every_site_and_what_was_relayed(hub: Hub, tmp_path: Path) -> None:
    for site in ("a", "b", "c"):
        hub.put(f"{site}/x", [0, 1], [0, 1])
    hub.history.flush()
    hub.put("b/x", [2], [2])
    take_backup(parts_of(hub.folder), tmp_path / "backup")
    assert restore_backup(tmp_path / "backup", tmp_path / "again").faults == []
    again = Hub(tmp_path / "again")
    assert again.history.read(["*"], *SPAN).equals(hub.history.read(["*"], *SPAN))
    again.history.flush()
    assert sites_on_disk(again) == {site: {f"{site}/x"} for site in ("a", "b", "c")}
    again.close()


def test_what_of_a_site_cannot_be_compared_waits_and_holds_up_no_other(hub: Hub) -> None:
    for site in ("a", "b"):
        hub.put(f"{site}/x", [0, 10], [0, 1])
    hub.history.flush()
    hub.close()
    [file] = (hub.folder / "samples" / "site=a").rglob("*.parquet")
    file.rename(file.with_suffix(".lost"))
    hub.open()
    hub.put("a/x", [5], [5])
    hub.put("b/x", [5], [5])
    hub.history.flush()
    assert hub.history.status().waiting == 1
    assert hub.history.read(["b/x"], *SPAN)["value"].to_pylist() == [0, 5, 1]
    file.with_suffix(".lost").rename(file)
    hub.put("a/x", [6], [6])
    hub.history.flush()
    assert hub.history.status().waiting == 0
    assert hub.history.read(["a/x"], *SPAN)["value"].to_pylist() == [0, 5, 6, 1]


def test_many_sites_in_one_flush(hub: Hub) -> None:
    paths = [f"site{site:03d}/{tag}" for site in range(200) for tag in ("x", "y")]
    ids = hub.names.ids_of(paths)
    for second in range(3):
        hub.spool.put(Batch.of(ids, START_US + second * SECOND, [float(second)] * 400)).result(10)
        hub.history.flush()
    assert len(hub.history._table.files) == 600
    assert hub.history.last(["site123/*"])["value"].to_pylist() == [2, 2]
    assert hub.history.read(["site199/y"], *SPAN)["value"].to_pylist() == [0, 1, 2]
