"""Dashboards as files: made from the dictionary, saved whole, never written over each other."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from lianji.base.errors import Conflict, InputError, NotFound, StorageError
from lianji.dictionary.tag import Kind, Tag
from lianji.node.dashboards import Dashboards
from lianji.node.demo.signals import SIGNALS
from lianji.node.made_dashboard import made_from
from lianji.web.dashboard import COLUMNS, Dashboard, Tile, TileKind
from tests.web.plant import MELT, MemoryPlant

URL = "/api/dashboards"
BOARD = Dashboard(title_zh="压铸", tiles=[Tile(kind=TileKind.NUMBER, tags=[MELT], width=3)])


@pytest.fixture
def dashboards(tmp_path: Path) -> Dashboards:
    return Dashboards(tmp_path / "dashboards", list)


def test_the_demo_plant_gets_machines_energy_air_and_temperatures() -> None:
    made = made_from([signal.tag for signal in SIGNALS])
    headings = [tile.title_en for tile in made.tiles if tile.kind is TileKind.TEXT]
    assert headings == ["Machines", "Energy", "Compressed air", "Temperatures"]
    assert {tile.kind for tile in made.tiles} == set(TileKind)
    mains = next(tile for tile in made.tiles if tile.kind is TileKind.NUMBER)
    assert mains.tags == ["demo/energy/mains/meter-main/active_power"]
    known = {signal.path for signal in SIGNALS}
    assert all(set(tile.tags) <= known and tile.width <= COLUMNS for tile in made.tiles)
    assert made == made_from([signal.tag for signal in SIGNALS])


@pytest.mark.parametrize(
    ("tags", "kinds"),
    [
        ([], []),
        ([Tag(path="a/b/c")], ["trend", "table"]),
        ([Tag(path="a/b/c", kind=Kind.STEP)], ["table"]),
        ([Tag(path="a/b/s", enumeration={0: "off"})], ["text", "states"]),
        ([Tag(path=f"a/m{n}/p", unit="kW") for n in range(40)],
         ["text", "number", "trend", "bar"]),
    ],
)  # fmt: skip
def test_any_dictionary_makes_some_dashboard(tags: list[Tag], kinds: list[str]) -> None:
    assert [tile.kind.value for tile in made_from(tags).tiles] == kinds


def test_the_front_page_is_made_and_never_stored_until_it_is_saved(
    dashboards: Dashboards, tmp_path: Path
) -> None:
    found = dashboards.found("overview")
    assert found.made and found.version == ""
    assert not (tmp_path / "dashboards").exists()
    version = dashboards.save("overview", BOARD, "")
    again = dashboards.found("overview")
    assert (again.made, again.version, again.dashboard) == (False, version, BOARD)
    dashboards.delete("overview", version)
    assert dashboards.found("overview").made


def test_a_file_is_short_to_read_and_may_be_edited_by_hand(
    dashboards: Dashboards, tmp_path: Path
) -> None:
    dashboards.save("压铸 1", BOARD, "")
    file = tmp_path / "dashboards" / "压铸 1.json"
    assert json.loads(file.read_text()) == {
        "title_zh": "压铸",
        "tiles": [{"kind": "number", "tags": [MELT], "width": 3}],
    }
    assert "压铸" in file.read_text()
    file.write_text('{"tiles": [{"kind": "text", "text": "hello"}]}')
    assert dashboards.found("压铸 1").dashboard.tiles[0].text == "hello"
    assert [entry.name for entry in dashboards.listed()] == ["overview", "压铸 1"]


def test_who_saves_what_somebody_else_changed_is_told_and_nothing_is_lost(
    dashboards: Dashboards,
) -> None:
    first = dashboards.save("line", BOARD, "")
    second = dashboards.save("line", Dashboard(title_en="two"), first)
    for stale in (first, ""):
        with pytest.raises(Conflict, match="dashboard-changed"):
            dashboards.save("line", Dashboard(title_en="three"), stale)
    with pytest.raises(Conflict):
        dashboards.delete("line", first)
    assert dashboards.found("line").dashboard.title_en == "two"
    dashboards.delete("line", second)
    with pytest.raises(NotFound):
        dashboards.found("line")


@pytest.mark.parametrize("name", ["", "..", "a/b", "../../etc/passwd", ".hidden", "a" * 65, "a\0"])
def test_no_name_leads_out_of_the_folder(dashboards: Dashboards, name: str) -> None:
    with pytest.raises(InputError, match="dashboard-name"):
        dashboards.save(name, BOARD, "")
    with pytest.raises(InputError, match="dashboard-name"):
        dashboards.found(name)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "not JSON"),
        ('{"tiles": [{"kind": "pie"}]}', "kind"),
        ('{"tiles": [{"kind": "text", "width": 13}]}', "width"),
        ('{"colour": "red"}', "colour"),
        ('{"tiles": [{"kind": "trend", "span": "soon"}]}', "span"),
        ("\xff\xfe", "not JSON"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_hides_no_other(
    dashboards: Dashboards, tmp_path: Path, content: str, named: str
) -> None:
    dashboards.save("good", BOARD, "")
    (tmp_path / "dashboards" / "bad.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=named) as caught:
        dashboards.found("bad")
    assert caught.value.code == "dashboard-invalid"
    assert [entry.name for entry in dashboards.listed()] == ["overview", "bad", "good"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    dashboards = Dashboards(tmp_path / "file" / "dashboards", list)
    with pytest.raises(StorageError):
        dashboards.save("line", BOARD, "")


async def test_over_http(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    (entry,) = (await client.get(URL)).json()
    assert (entry["name"], entry["made"]) == ("overview", True)
    board = BOARD.model_dump(mode="json")
    saved = (await client.put(f"{URL}/line", json={"dashboard": board, "version": ""})).json()
    found = (await client.get(f"{URL}/line")).json()
    assert (found["dashboard"], found["version"]) == (board, saved["version"])
    again = await client.put(f"{URL}/line", json={"dashboard": board, "version": "old"})
    assert (again.status_code, again.json()["code"]) == (409, "dashboard-changed")
    for answer, status in (
        (await client.put(f"{URL}/line", json={"dashboard": {"tiles": [{}]}}), 400),
        (await client.get(f"{URL}/nothing"), 404),
        (await client.get(f"{URL}/..%2f..%2flianji"), 404),
        (await client.delete(f"{URL}/line?version=old"), 409),
        (await client.put(f"{URL}/x", json={"dashboard": board}, headers={"Origin": "http://e"}),
         403),
    ):  # fmt: skip
        assert answer.status_code == status
        assert answer.json()["remedy"]["zh"]
    assert (await client.delete(f"{URL}/line?version={saved['version']}")).status_code == 200
    assert (await client.get("/dashboard/line")).status_code == 200
