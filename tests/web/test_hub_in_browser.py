"""A hub's pages in a real browser: trouble first, search, a plant's own page, invite, shut out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.chromium import chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import MemoryPlant
from tests.web.plants import MemoryPlants

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def hub(plant: MemoryPlant) -> MemoryPlants:
    plant.plants = MemoryPlants()
    plants: MemoryPlants = plant.plants
    return plants


def test_trouble_stands_first_with_a_word_and_a_sign(
    browser: Browser, plant: MemoryPlant, hub: MemoryPlants
) -> None:
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        page.goto("/hub")
        rows = page.locator("#plants tbody tr")
        expect(rows).to_have_count(12)
        names = [text.splitlines()[0] for text in page.locator("#plants th a").all_inner_texts()]
        assert names[:4] == ["brewery", "dairy", "mill", "press-shop"]
        assert names[-1] == "depot"
        expect(rows.nth(1)).to_contain_text("another history")
        expect(rows.nth(1).locator("svg.fault")).to_have_count(1)
        expect(rows.nth(2)).to_contain_text("silent for 1 h")
        expect(rows.nth(0)).to_contain_text("spool nearly full")
        expect(rows.nth(3)).to_contain_text("1 of 2 ill")
        expect(page.locator("#summary")).to_contain_text("to act on: 3")
        well = rows.filter(has_text="park0000")
        colour = "element => getComputedStyle(element).color"
        grey = well.locator("td").nth(3).evaluate(colour)
        assert well.locator(".state").evaluate(colour) == grey
        nav = page.locator("nav a").first
        expect(nav).to_have_attribute("href", "/hub")
        expect(nav).to_have_attribute("aria-current", "page")
        assert wrong == []


def test_the_list_lives(browser: Browser, plant: MemoryPlant, hub: MemoryPlants) -> None:
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        page.goto("/hub")
        first = page.locator("#plants th a").first
        expect(first).to_have_text("brewery")
        hub.add("aaa", heard_s=900)
        expect(first).to_have_text("aaa", timeout=9000)


def test_a_thousand_plants_are_searched_without_lag(browser: Browser, plant: MemoryPlant) -> None:
    plant.plants = MemoryPlants(1000)
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        page.goto("/hub")
        rows = page.locator("#plants tbody tr")
        expect(rows).to_have_count(1006)
        took_ms = page.evaluate(
            """() => {
              const search = document.getElementById("search");
              const began = performance.now();
              for (const words of ["park09", "park099", "silent", ""]) {
                search.value = words;
                search.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
              }
              return (performance.now() - began) / 4;
            }"""
        )
        assert took_ms < 250, took_ms
        page.locator("#search").fill("park0999")
        expect(rows).to_have_count(1)
        expect(page.locator("#summary")).to_have_text("1 of 1,006")
        page.locator("#search").fill("nowhere")
        expect(rows).to_have_text(["No plant matches."])
        assert wrong == []


def test_a_plants_page_says_what_to_do_and_has_what_was_set_aside(
    browser: Browser, plant: MemoryPlant, hub: MemoryPlants
) -> None:
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        page.goto("/hub")
        page.get_by_role("link", name="dairy").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/hub/plants/dairy")
        expect(page.locator("#troubles")).to_contain_text("lianji relay anew")
        with page.expect_download() as told:
            page.locator("#aside a").click()
        assert told.value.path().read_bytes() == b"body"
        page.goto("/hub/plants/press-shop")
        expect(page.locator("#devices tbody tr").first).to_contain_text("no answer")
        expect(page.locator("#charts a").first).to_have_attribute(
            "href", "/tags?search=press-shop%2F"
        )
        page.goto("/hub/plants/brewery")
        expect(page.locator("#gaps tbody tr")).to_contain_text("5,200")
        expect(page.locator("#figures .abnormal").first).to_be_visible()
        assert wrong == []


def test_an_administrator_invites_and_shuts_out_by_keys_alone(
    browser: Browser, plant: MemoryPlant, hub: MemoryPlants
) -> None:
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        page.goto("/hub")
        page.locator("#invite").focus()
        page.keyboard.press("Enter")
        page.keyboard.type("smithy")
        page.keyboard.press("Tab")
        page.keyboard.type("smithy, forge")
        page.keyboard.press("Enter")
        expect(page.locator("#invite-line")).to_contain_text("lianji join https://")
        assert hub.invites["smithy"].sites == ("smithy", "forge")
        page.keyboard.press("Escape")
        page.goto("/hub/plants/mill")
        page.locator("#revoke").click()
        expect(page.locator("#revoke-ask")).to_contain_text("mill")
        page.keyboard.press("Enter")
        expect(page.locator("#revoke-dialog")).not_to_be_visible()
        assert hub.edges["mill"][0].revoked_us is None
        page.locator("#revoke").click()
        page.locator("#revoke-send").click()
        expect(page.locator("#state")).to_contain_text("shut out")
        assert hub.edges["mill"][0].revoked_us is not None


def test_the_pages_speak_chinese_and_fit_a_narrow_screen(
    browser: Browser, plant: MemoryPlant, hub: MemoryPlants
) -> None:
    narrow = {"width": 390, "height": 800}
    with (
        served(plant) as (address, _),
        looking_at(browser, address, locale="zh-CN", viewport=narrow) as context,
    ):
        page = context.new_page()
        for path, words in (("/hub", "缓存将满"), ("/hub/plants/brewery", "缓存写满后")):
            page.goto(path)
            expect(page.locator("main")).to_contain_text(words)
            wide = page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
            assert not wide, path
