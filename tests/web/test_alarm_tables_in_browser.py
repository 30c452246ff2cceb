"""Alarm tables edited on the page, as an engineer does it: a real plant, its real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.plant import PlantProcess, plant_process, write_plant
from tests.web.chromium import chromium, looking_at, strict

pytestmark = pytest.mark.system
TABLE = "tag,kind,limit,Group\r\np/a/temp , H,80,oven\r\np/b,wrong,1,\r\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[PlantProcess]:
    folder = write_plant(tmp_path / "p")
    (folder / "alarms").mkdir()
    (folder / "alarms" / "plant.csv").write_bytes(TABLE.encode())
    with plant_process(folder) as plant:
        yield plant


@pytest.fixture
def page(browser: Browser, plant: PlantProcess) -> Iterator[Page]:
    with looking_at(browser, plant.address) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        wrong = strict(page)
        page.goto("/alarms#definitions")
        yield page
    assert [said for said in wrong if "status of 4" not in said] == []


def table(plant: PlantProcess) -> bytes:
    return (plant.folder / "alarms" / "plant.csv").read_bytes()


def test_an_alarm_is_changed_added_and_deleted_and_the_rest_of_the_file_stays(
    page: Page, plant: PlantProcess, tmp_path: Path
) -> None:
    rows = page.locator("#definitions tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Change: H p/a/temp").click()
    expect(page.locator("#field-limit")).to_have_value("80")
    page.locator("#field-limit").fill("warm")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#definition-fault")).to_contain_text("limit 'warm' is not a number")
    page.locator("#field-limit").fill("95.5")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator("#definition-difference")).to_contain_text("+p/a/temp , H,95.5,oven")
    page.screenshot(path=tmp_path / "alarm-change.png")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_contain_text("Saved as version")
    expect(rows).to_contain_text("95.5")
    assert table(plant) == TABLE.replace("80", "95.5").encode()

    page.get_by_role("button", name="Add an alarm").click()
    page.locator("#field-tag").fill("p/c/pressure")
    page.locator("#field-kind").select_option("L")
    page.locator("#field-limit").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(rows).to_have_count(2)
    assert table(plant).endswith(b"p/b,wrong,1,\r\np/c/pressure,L,2,\r\n")

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Change: L p/c/pressure").click()
    page.get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(1)
    assert table(plant) == TABLE.replace("80", "95.5").encode()
    page.goto("/audit")
    expect(page.locator("#audit")).to_contain_text("alarms/plant.csv")
    newest = plant.get("/api/configuration/versions")[0]
    assert newest["files"] == ["alarms/plant.csv"] and newest["author"]


def test_who_was_overtaken_is_told_and_nothing_is_lost(page: Page, plant: PlantProcess) -> None:
    page.get_by_role("button", name="Change: H p/a/temp").click()
    definition = {"tag": "p/a/temp", "kind": "H", "limit": 70, "group": "oven"}
    change = {"file": "plant.csv", "line": 2, "definition": definition}
    made = plant.http.post(f"{plant.address}/api/alarm-tables/rows", json=change)
    assert made.status_code == 200
    page.locator("#field-limit").fill("60")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#definition-fault")).to_contain_text("was changed meanwhile")
    assert table(plant) == TABLE.replace("80", "70").encode()


def test_a_second_alarm_of_the_same_name_is_refused_as_the_file_would(plant: PlantProcess) -> None:
    change = {"file": "more.csv", "definition": {"tag": "p/a/temp", "kind": "H", "limit": 1}}
    url = f"{plant.address}/api/alarm-tables/rows"
    looked = plant.http.post(f"{url}?dry_run=true", json=change).json()
    refused = plant.http.post(url, json=change)
    assert refused.status_code == 400
    assert "has the same tag and name" in refused.json()["cause"]["en"]
    assert looked["problems"][0]["cause"] == refused.json()["cause"]
    outside = plant.http.post(url, json={**change, "file": "../x.csv"})
    assert (outside.status_code, outside.json()["code"]) == (400, "alarm-table-name")
    assert [one.name for one in (plant.folder / "alarms").iterdir()] == ["plant.csv"]
