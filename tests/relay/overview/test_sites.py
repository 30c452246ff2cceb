"""Handing over a site, and deleting it: what is said of it is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars
import pytest

from lianji.act.alarms.states import Event, Standing
from lianji.act.alarms.store import Entry
from lianji.base.errors import Busy, InputError, NotFound
from lianji.history.historian import Historian
from lianji.node.enrolment import create_hub
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.node.site_asked import delete_of
from lianji.node.site_deletion import delete_site
from lianji.node.site_export import export_site, verify_export
from lianji.relay.trust.signed import is_signed
from lianji.web.access.audit import Audit
from tests.relay.overview.world import DAY_US, START_US, OpenHub, long_revoked, open_hub, put

FOREVER = (0, 4_102_444_800_000_000)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[OpenHub]:
    """With the samples of two sites, one of which has left."""
    with open_hub(tmp_path / "hub") as hub:
        hub.admit("park1")
        hub.admit("park10")
        put(hub.plant, "park1")
        put(hub.plant, "park10")
        put(hub.plant, "park1", days=1, value=5.0)  # corrections
        hub.plant.history.annotate("park1/line/pressure", START_US, START_US, "泄漏", "li", "")
        hub.plant.history.annotate("park10/line/pressure", START_US, START_US, "ok", "li", "")
        yield hub


def deleted(hub: OpenHub, site: str = "park1") -> dict[str, object]:
    return delete_site(hub.plant, hub.door.authority, hub.door.edges, site, "li")


def rows_on_disk(plant: Plant, site: str) -> int:
    """Of all Parquet files of the folder, whatever any log says."""
    files = [str(path) for path in plant.folder.data.rglob("site=*/**/*.parquet")]
    return counted(
        f"SELECT count(*) FROM read_parquet({files}, union_by_name => true) "
        f"WHERE starts_with(tag, '{site}/')"
    )


def counted(query: str) -> int:
    with duckdb.connect() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def words_on_disk(plant: Plant, words: str) -> list[str]:
    """The files below the history's folders in which some words stand plainly."""
    return [
        path.name
        for folder in ("history", "modified", "annotations", "spool")
        for path in (plant.folder.data / folder).rglob("*")
        if path.is_file() and words.encode() in path.read_bytes()
    ]


def test_an_edge_that_may_send_is_never_deleted(hub: OpenHub) -> None:
    with pytest.raises(InputError, match="deletion-edge-joined"):
        deleted(hub)
    hub.door.edges.revoke("park1")
    with pytest.raises(Busy, match="deletion-edge-leaving"):
        deleted(hub)
    with pytest.raises(InputError, match="deletion-own-site"):
        deleted(hub, "north")
    with pytest.raises(NotFound, match="site-unknown"):
        deleted(hub, "park2")
    assert hub.plant.history.read(["park1/*"], *FOREVER).num_rows == 300


def test_a_deleted_site_is_gone_from_every_file_and_its_neighbour_is_whole(hub: OpenHub) -> None:
    plant = hub.plant
    before = plant.history.read(["park10/*"], *FOREVER)
    assert plant.history.modified(["park1/*"], *FOREVER).num_rows == 100
    assert rows_on_disk(plant, "park1") > 300
    long_revoked(plant, hub.door, "park1")
    hub.door.aside.keep("park1", "parted-x", b"samples")
    report = deleted(hub)
    assert rows_on_disk(plant, "park1") == 0
    assert rows_on_disk(plant, "park10") > 300
    assert words_on_disk(plant, "park1/line") == []
    assert plant.history.read(["park10/*"], *FOREVER).equals(before)
    assert plant.history.read(["park1/*"], *FOREVER).num_rows == 0
    assert plant.history.modified(["park1/*"], *FOREVER).num_rows == 0
    assert plant.history.last(["park1/line/pressure"]).num_rows == 0
    assert plant.history.last(["park10/line/pressure"]).num_rows == 1
    notes = plant.history.annotations(None, *FOREVER).to_pylist()
    assert [note["tag"] for note in notes] == ["park10/line/pressure"]
    assert not (plant.folder.hub / "aside" / "park1").exists()
    assert list(plant.folder.history.glob("site=park1")) == []
    for table in (plant.folder.history, plant.folder.data / "annotations"):
        assert set(polars.read_delta(str(table))["site"]) <= {"park10", "north"}
    assert report["annotations"] == 1
    assert report["set_aside"] == 1
    assert report["found_afterwards"]["rows"] == 0  # type: ignore[index]
    assert report["found_afterwards"]["files_asked"] > 0  # type: ignore[index]
    assert report["spool"]["rows_left"] == 0  # type: ignore[index]


def test_the_report_is_signed_kept_and_in_the_audit_log(hub: OpenHub) -> None:
    long_revoked(hub.plant, hub.door, "park1")
    report = deleted(hub)
    key = hub.door.authority.public_key_pem.decode()
    assert is_signed(report, key)
    [kept] = (hub.plant.folder.hub / "deletions").iterdir()
    assert json.loads(kept.read_text()) == report
    assert not is_signed(report | {"site": "park2"}, key)
    assert not is_signed(report, "another key")
    done, begun = Audit(hub.plant.state).newest(2)
    assert (done.what, begun.what, done.who) == ("site-deleted", "site-deletion-begun", "li")
    assert json.loads(done.detail)["signature"] == report["signature"]
    again = deleted(hub)
    assert again["samples"] == {"rows": 0, "days": {}}


def test_what_comes_after_a_deletion_is_there_alone(hub: OpenHub) -> None:
    long_revoked(hub.plant, hub.door, "park1")
    deleted(hub)
    put(hub.plant, "park1", days=1, rows=7)
    assert hub.plant.history.read(["park1/*"], *FOREVER).num_rows == 14
    assert hub.plant.history.modified(["park1/*"], *FOREVER).num_rows == 0


def test_alarms_of_the_site_go_and_others_stay(hub: OpenHub) -> None:
    store = hub.plant.alarms.store
    names = ["park1/line/pressure#high", "park10/line/pressure#high"]
    store.write(
        dict.fromkeys(names, Standing(active=True)),
        [Entry(START_US, name, next(iter(Event)), "active", "li") for name in names],
    )
    long_revoked(hub.plant, hub.door, "park1")
    assert deleted(hub)["alarm_lines"] == 1
    assert [*store.standings()] == names[1:]
    assert [line["alarm"] for line in store.journal(*FOREVER)] == names[1:]


def test_a_site_from_before_the_plant_was_a_hub_goes_too(tmp_path: Path) -> None:
    """Its samples lie in the partition of the plant's own site, among those."""
    folder = PlantFolder(tmp_path / "hub")
    folder.create("north", 0)
    plant = Plant(folder)
    put(plant, "park1")
    put(plant, "north")
    put(plant, "park1", days=1, value=3.0)
    plant.close()
    create_hub(folder, "north")
    with open_hub(folder.root) as hub:
        kept = hub.plant.history.read(["north/*"], *FOREVER)
        report = deleted(hub)
        assert report["samples"]["rows"] == 300  # type: ignore[index]
        assert rows_on_disk(hub.plant, "park1") == 0
        assert hub.plant.history.read(["north/*"], *FOREVER).equals(kept)


def test_an_export_is_whole_is_checked_and_agrees_with_the_deletion(
    hub: OpenHub, tmp_path: Path
) -> None:
    to = tmp_path / "handed-over"
    manifest = export_site(hub.plant.folder, "park1", to, "li")
    assert (manifest["rows"], manifest["tags"], manifest["annotations"]) == (300, 2, 1)
    assert len(manifest["days"]) == 3
    assert "泄漏" in (to / "annotations.csv").read_text("utf-8-sig")
    assert verify_export(to) == (manifest, [])
    assert counted(f"SELECT count(*) FROM '{to}/samples/*.parquet'") == 300
    with pytest.raises(InputError, match="export-folder-full"):
        export_site(hub.plant.folder, "park1", to, "li")
    with pytest.raises(NotFound, match="site-unknown"):
        export_site(hub.plant.folder, "park2", tmp_path / "other", "li")
    long_revoked(hub.plant, hub.door, "park1")
    report = deleted(hub)
    assert report["samples"] == {"rows": 300, "days": manifest["days"]}


def test_an_export_that_was_touched_is_told(hub: OpenHub, tmp_path: Path) -> None:
    to = tmp_path / "handed-over"
    export_site(hub.plant.folder, "park1", to, "li")
    [first, second, _] = sorted((to / "samples").iterdir())
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    second.unlink()
    (to / "more.txt").write_text("x")
    told = " ".join(text.en for text in verify_export(to)[1])
    assert f"{first.name} was changed" in told
    assert f"{second.name} is missing" in told
    assert "more.txt is not in the manifest" in told
    document = json.loads((to / "manifest.json").read_text())
    document["rows"] += 1
    (to / "manifest.json").write_text(json.dumps(document))
    assert verify_export(to)[1][0].en == "The manifest was changed."


def test_a_hub_that_stands_deletes_too(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        hub.admit("park1")
        put(hub.plant, "park1")
        long_revoked(hub.plant, hub.door, "park1")
        folder = hub.plant.folder
    report = delete_of(folder, "park1", "li")
    assert report["samples"]["rows"] == 300
    plant = Plant(folder)
    try:
        assert plant.history.read(["park1/*"], START_US, START_US + 9 * DAY_US).num_rows == 0
    finally:
        plant.close()


def test_every_tier_and_the_rollups_are_cleared(tmp_path: Path) -> None:
    lower = tmp_path / "slow"
    folder = PlantFolder(tmp_path / "hub")
    create_hub(folder, "north")
    with folder.settings.open("a") as file:
        file.write(f'\n[[history.tiers]]\nafter_days = 1\nfolder = "{lower}"\n')
    with open_hub(folder.root) as hub:
        upkeep = hub.plant.history.upkeep
        for site in ("park1", "park10"):
            put(hub.plant, site, days=2)
            put(hub.plant, site, days=2, later_s=100)
        written_ms = upkeep.samples._state.modified_ms
        written_ms.update({path: ms - 600_000 for path, ms in written_ms.items()})
        while upkeep.step():
            pass
        tables = [hub.plant.folder.data / name for name in ("samples_1min", "samples_1h")]
        for place in (lower, *tables):
            assert list(place.glob("site=park1/**/*.parquet")), place
        before = hours_of_site(hub.plant.history, "park10")
        report = deleted(hub)
        for place in (lower, *tables, hub.plant.folder.history):
            assert list(place.glob("site=park1*")) == list(place.glob("site=park10")), place
        assert report["samples"]["rows"] == 400  # type: ignore[index]
        assert hub.plant.history.read(["park10/*"], *FOREVER).num_rows == 400
        assert not upkeep.step()
        assert hours_of_site(hub.plant.history, "park10") == before


def hours_of_site(history: Historian, site: str) -> list[object]:
    end_us = START_US + 2 * DAY_US
    found = history.aggregate([f"{site}/*"], START_US, end_us, 3_600_000_000, ["count", "max"])
    rows: list[object] = found.to_pylist()
    return rows
