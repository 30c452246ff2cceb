"""Twenty tabs of one browser, all live, over one stream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from lianji.base.clock import now_us
from lianji.web.live import Streams
from tests.peers import wait_until
from tests.web.chromium import chromium, looking_at
from tests.web.conftest import served
from tests.web.plant import FORCE, MELT, POWER, STATE, MemoryPlant

pytestmark = pytest.mark.system

TABS = 20
CHOICES = ((MELT,), (FORCE,), (MELT, FORCE), (POWER,), (STATE, MELT))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_twenty_tabs_are_live_over_one_stream(browser: Browser, plant: MemoryPlant) -> None:
    for tag in (MELT, FORCE, POWER, STATE):
        plant.add(tag, now_us(), 1.0)
    with served(plant) as (address, server), looking_at(browser, address) as context:
        streams: Streams = server.config.app.state.streams  # type: ignore[union-attr]  # our own app
        pages = []
        for number in range(TABS):
            page = context.new_page()
            page.goto(f"/chart?tags={','.join(CHOICES[number % len(CHOICES)])}&range=15min")
            pages.append(page)
        for round in (2.0, 3.0):
            for tag in (MELT, FORCE, POWER):
                plant.add(tag, now_us(), round)
            for number, page in enumerate(pages):
                shown = page.locator(f"tr[data-path='{CHOICES[number % len(CHOICES)][-1]}'] b")
                expect(shown).to_contain_text(f"{round:.0f}")
        assert streams.open == 1
        for page in pages[1:]:
            page.close()
        plant.add(MELT, now_us(), 4.0)
        expect(pages[0].locator("td.number b")).to_contain_text("4")
        pages[0].close()
        wait_until(lambda: streams.open == 0, what="the stream ends with the last tab")


def test_without_a_shared_worker_a_tab_has_a_stream_of_its_own(
    browser: Browser, plant: MemoryPlant
) -> None:
    plant.add(MELT, now_us(), 1.0)
    with served(plant) as (address, server), looking_at(browser, address) as context:
        streams: Streams = server.config.app.state.streams  # type: ignore[union-attr]  # our own app
        context.add_init_script("delete globalThis.SharedWorker")
        pages = [context.new_page() for _ in range(2)]
        for page in pages:
            page.goto(f"/chart?tags={MELT}&range=15min")
        plant.add(MELT, now_us(), 2.0)
        for page in pages:
            expect(page.locator("td.number b")).to_contain_text("2")
        assert streams.open == 2
