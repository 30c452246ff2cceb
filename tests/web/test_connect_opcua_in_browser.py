"""An OPC UA server through the page: browsed, picked from, saved, and its values arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.peers.opcua import OpcUaServer
from tests.system.plant import is_good, plant_process, write_plant
from tests.web.chromium import chromium
from tests.web.test_connect_in_browser import page_of, shoot

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_server_is_browsed_picked_from_and_read(browser: Browser, tmp_path: Path) -> None:
    server = OpcUaServer()
    server.start(variables=120, change_ms=200)
    try:
        with (
            plant_process(write_plant(tmp_path / "p")) as plant,
            page_of(browser, plant) as page,
        ):
            page.set_default_timeout(30_000)
            page.locator("input[value=opcua]").check()
            page.get_by_label("Name required").fill("oven")
            page.locator("#field-url").fill(server.url)
            page.locator("#browsing summary").click()
            page.locator("#browse").click()
            expect(page.locator("#browsed tbody tr").first).to_be_visible(timeout=30_000)
            found = page.locator("#browsed tbody tr:visible")
            assert found.count() > 120
            take = page.get_by_role("button", name="Take the chosen")
            expect(take).to_be_disabled()
            shoot(page, "opcua-browsed", tmp_path)
            page.locator("#found-words").fill("float")
            expect(page.locator("#browsed")).to_contain_text("0 chosen")
            first = found.first.locator("td").nth(1)
            expect(first).to_contain_text("Float")
            page.get_by_label("All", exact=True).check()
            expect(take).to_be_enabled()
            picked = found.count()
            shoot(page, "opcua-narrowed", tmp_path)
            take.click()
            rows = page.locator("#rows tbody tr")
            expect(rows).to_have_count(picked)
            page.locator("#test").click()
            expect(page.locator("#trial-rows tbody tr")).to_have_count(picked)
            page.locator("#save").click()
            values = page.locator("#first-values td")
            expect(values.first).to_have_text(re.compile(r"^-?\d"), timeout=30_000)
            shoot(page, "opcua-saved", tmp_path)
            path = page.locator("#first-values th").first.inner_text()
            assert is_good(plant.wait_last(path, is_good))
    finally:
        server.kill()
