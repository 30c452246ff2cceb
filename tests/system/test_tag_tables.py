"""Tag tables of a plant that runs: taken, changed and in use at once; templates among its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.peers import wait_until
from tests.system.plant import PlantProcess, write_plant

pytestmark = pytest.mark.system

DEVICE = 'protocol = "modbus"\nhost = "127.0.0.1"\nport = 9\n'
TEMPLATE = 'protocol = "modbus"\nhost = "127.0.0.1"\nport = 9\n[parameters]\nbase = 0\n'
ROWS = "path,address,type\nshop/{device}/power,hr:{base},int16\n"


@pytest.fixture
def plant(tmp_path: Path) -> Any:
    folder = write_plant(tmp_path / "plant")
    (folder / "devices").mkdir(exist_ok=True)
    (folder / "devices" / "press.toml").write_text(DEVICE)
    (folder / "templates").mkdir()
    (folder / "templates" / "oven@1.toml").write_text(TEMPLATE)
    (folder / "templates" / "oven@1.csv").write_text(ROWS)
    for number in (1, 2):
        text = f'template = "oven@1"\nparameters = {{ base = {number} }}\n'
        (folder / "devices" / f"oven{number}.toml").write_text(text)
    process = PlantProcess(folder)
    try:
        yield process.start()
    finally:
        process.end()


def take(plant: PlantProcess, table: str, **asked: Any) -> dict[str, Any]:
    answer = plant.http.post(
        f"{plant.address}/api/tag-tables/import", params=asked, content=table.encode()
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tags_of(plant: PlantProcess, device: str) -> int:
    return int(plant.device(device)["tags"])


def test_a_table_is_in_use_as_soon_as_it_is_saved(plant: PlantProcess) -> None:
    table = (
        "path,device,address,type\nshop/press/a,press,40001,int16\n"
        "shop/press/b,press,x,int16\nshop/press/c,press,40002,int16\n"
    )
    seen = take(plant, table, name="press.csv", dry_run=True)
    assert (seen["added"], seen["rejected"], seen["problems"]) == (2, 1, [])
    assert not (plant.folder / "tags" / "press.csv").exists()
    saved = take(plant, table, name="press.csv", base=seen["base"])
    assert saved["version"] and saved["version"] != seen["base"]
    wait_until(lambda: tags_of(plant, "press") == 2, what="the device has its tags")
    found = plant.get("/api/tags", search="shop/press")
    assert [tag["path"] for tag in found["tags"]] == ["shop/press/a", "shop/press/c"]


def test_tags_of_a_device_that_is_not_there_are_told_and_not_saved(plant: PlantProcess) -> None:
    table = "path,device,address,type\nshop/x,nowhere,40001,int16\n"
    seen = take(plant, table, name="x.csv", dry_run=True)
    assert [problem["code"] for problem in seen["problems"]] == ["device-missing"]
    answer = plant.http.post(
        f"{plant.address}/api/tag-tables/import", params={"name": "x.csv"}, content=table
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "device-missing")
    assert not (plant.folder / "tags" / "x.csv").exists()


def test_machines_follow_their_template_while_the_plant_runs(plant: PlantProcess) -> None:
    assert (tags_of(plant, "oven1"), tags_of(plant, "oven2")) == (1, 1)
    more = ROWS + "shop/{device}/energy,hr:{base+10},uint32\n"
    (plant.folder / "templates" / "oven@1.csv").write_text(more)
    wait_until(
        lambda: (tags_of(plant, "oven1"), tags_of(plant, "oven2")) == (2, 2),
        20,
        "both machines have the template's new tag",
    )
    [tag] = plant.get("/api/tags", search="oven2/energy")["tags"]
    assert (tag["device"], tag["address"]) == ("oven2", "hr:12")
    asked = {"selection": {"paths": [tag["path"]]}, "edit": {"set": {"unit": "kW"}}}
    answer = plant.http.post(f"{plant.address}/api/tag-tables/edit", json=asked).json()
    assert "template" in answer["rejected_rows"][0]["reason"]["en"]
