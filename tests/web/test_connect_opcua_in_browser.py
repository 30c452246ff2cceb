"""An OPC UA server through the page: connected, browsed, picked from, saved, and its values arrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.peers.opcua import OpcUaServer
from tests.system.plant import plant_process, write_plant
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
            print(page.locator("#browsed").inner_text()[:3000])
            shoot(page, "opcua-browsed", tmp_path)
    finally:
        server.kill()
