"""Device templates on the page: compared, another version on trial, a machine's parameters."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.peers.modbus import libmodbus_server
from tests.system.plant import is_good, plant_process, write_plant
from tests.web.chromium import chromium
from tests.web.test_connect_in_browser import page_of, shoot

pytestmark = pytest.mark.system
TOML = """\
protocol = "modbus"
host = "127.0.0.1"
port = "{port}"
interval_ms = 200

[parameters]
machine = {}
port = {}
base = { default = 7 }
"""
MACHINE = """\
# the third press, beside the door
template = "press@1"
parameters = { machine = "press%d", port = %d }
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def templated_plant(folder: Path, port: int) -> Path:
    write_plant(folder, configuration="trial_s = 3")
    (folder / "templates").mkdir()
    for version, address in ((1, "hr:{base}"), (2, "hr:{base+1}"), (3, "hr:0")):
        toml = TOML if version < 3 else TOML.replace('"{port}"', "1")  # where nobody listens
        (folder / "templates" / f"press@{version}.toml").write_text(toml)
        table = f"path,address,type\np/{{machine}}/speed,{address},uint16\n"
        (folder / "templates" / f"press@{version}.csv").write_text(table)
    for number in (1, 2):
        (folder / "devices" / f"press{number}.toml").write_text(MACHINE % (number, port))
    return folder


def test_templates_are_compared_used_on_trial_and_their_machines_edited(
    browser: Browser, tmp_path: Path
) -> None:
    with libmodbus_server() as port:
        folder = templated_plant(tmp_path / "p", port)
        with plant_process(folder) as plant, page_of(browser, plant) as page:
            page.set_default_timeout(20_000)
            plant.wait_last("p/press1/speed", lambda row: row["value"] == 7)
            rows = page.locator("#templates tbody tr")
            expect(rows).to_have_count(3)
            expect(rows.nth(0)).to_contain_text("press@1")
            expect(rows.nth(0).locator("td").nth(2)).to_have_text("2")
            page.get_by_role("button", name="Difference between press@2").click()
            expect(page.locator("#template-difference")).to_contain_text(
                "+p/{machine}/speed,hr:{base+1}"
            )
            page.get_by_role("button", name="Cancel").last.click()

            page.get_by_role("button", name="Use press@2 for machines").click()
            page.get_by_label("press1 (now press@1)").check()
            page.locator("#template-look").click()
            expect(page.locator("#template-difference")).to_contain_text('+template = "press@2"')
            shoot(page, "template-use", tmp_path)
            page.locator("#template-save").click()
            plant.wait_last("p/press1/speed", lambda row: row["value"] == 8)
            expect(rows.nth(1).locator("td").nth(2)).to_have_text("1")
            text = (folder / "devices" / "press1.toml").read_text()
            assert text == (MACHINE % (1, port)).replace("@1", "@2")
            assert (folder / "devices" / "press2.toml").read_text() == MACHINE % (2, port)

            page.get_by_role("button", name="Edit press2").click()
            expect(page.locator("#template-about")).to_contain_text("From the template: protocol")
            page.locator("#parameter-base").fill("9")
            shoot(page, "template-machine", tmp_path)
            page.locator("#template-save").click()
            plant.wait_last("p/press2/speed", lambda row: row["value"] == 9)
            content = tomllib.loads((folder / "devices" / "press2.toml").read_text())
            assert content["parameters"] == {"machine": "press2", "port": port, "base": 9}


def test_a_version_that_breaks_its_machines_is_taken_back(browser: Browser, tmp_path: Path) -> None:
    with libmodbus_server() as port:
        folder = templated_plant(tmp_path / "p", port)
        with plant_process(folder) as plant, page_of(browser, plant) as page:
            page.set_default_timeout(20_000)
            plant.wait_last("p/press1/speed", is_good)
            plant.wait_last("p/press2/speed", is_good)
            page.get_by_role("button", name="Use press@3 for machines").click()
            page.get_by_label("press1 (now press@1)").check()
            page.get_by_label("press2 (now press@1)").check()
            page.locator("#template-save").click()
            expect(page.locator("#after")).to_contain_text(
                "the change was taken back", timeout=30_000
            )
            for number in (1, 2):
                path = folder / "devices" / f"press{number}.toml"
                assert path.read_text() == MACHINE % (number, port)
