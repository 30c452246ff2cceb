"""The alarm page and the banner in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lianji.base.clock import now_us
from tests.web.plant import FORCE, MELT, POWER, MemoryPlant
from tests.web.test_pages_in_browser import address, browser, page, shoot

pytestmark = pytest.mark.system
__all__ = ["address", "browser", "page"]  # the fixtures

MELT_ROW = "melt temperature: high"


@pytest.fixture
def plant(plant: MemoryPlant) -> MemoryPlant:
    plant.define(
        tag=MELT, kind="H", limit=200, priority=1, action_en="Cool it.", action_zh="降温。"
    )
    plant.define(tag=POWER, kind="HH", limit=10, priority=2)
    plant.define(tag=FORCE, kind="L", limit=2000, priority=3)
    plant.define(tag="shop/boiler/*/pressure", kind="H", limit=8, group="boiler house", priority=4)
    plant.more_tags(*(f"shop/boiler/b{n}/pressure" for n in range(12)))
    return plant


def raised(plant: MemoryPlant, page: Page) -> None:
    plant.look()
    page.goto("/alarms")
    expect(page.locator("#alarms tbody tr.line")).to_have_count(3)


def test_every_page_says_how_many_there_are_and_which_is_the_most_urgent(
    page: Page, plant: MemoryPlant
) -> None:
    page.goto("/")
    expect(page.locator("#alarm-banner")).to_be_hidden()
    plant.look()
    banner = page.locator("#alarm-banner")
    expect(banner).to_contain_text("3 alarms to acknowledge. Most urgent (critical)")
    expect(banner).to_contain_text(MELT_ROW)
    expect(banner.locator("svg.mark.p1.solid")).to_be_visible()
    banner.click()
    expect(page.locator("#alarms tbody tr.line")).to_have_count(3)
    page.goto("/chart?lang=zh")
    expect(banner).to_contain_text("3 条报警待确认。最紧急（紧急）：熔体温度")


def test_a_name_with_markup_is_shown_as_text(page: Page, plant: MemoryPlant) -> None:
    plant.define(
        name="evil", tag=FORCE, kind="L", limit=3000, priority=1, group="<b>g</b>",
        message_en="<img src=x onerror=alert(1)>", message_zh="<script>1</script>",
    )  # fmt: skip
    plant.look()
    page.goto("/alarms")
    expect(page.locator("#alarms")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#alarms img").count() == 0


def test_each_priority_and_state_has_a_shape_and_words(
    page: Page, plant: MemoryPlant, tmp_path: Path
) -> None:
    raised(plant, page)
    outlines = page.locator("#alarms svg.mark path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d'))"
    )
    assert len(set(outlines)) == 3
    expect(page.locator("#alarms tbody tr").first).to_contain_text("critical")
    expect(page.locator("#alarms tbody tr").first).to_contain_text("active, not acknowledged")
    expect(page.locator("#alarms tbody tr").first).to_contain_text("Cool it.")
    shoot(page, "alarms", tmp_path)


def test_the_keyboard_alone_acknowledges_and_stays_where_it_was(
    page: Page, plant: MemoryPlant
) -> None:
    raised(plant, page)
    page.locator("#alarms tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(page.locator("#said")).to_have_text("Acknowledge: 1")
    acknowledged = page.locator("#alarms tbody tr", has_text="active, acknowledged")
    expect(acknowledged).to_contain_text("active power")
    expect(page.locator("#alarms tbody tr:focus")).to_contain_text("active power")
    assert plant.alarms.summary().unacknowledged == 2


def test_shelving_takes_a_row_off_the_list_and_back(page: Page, plant: MemoryPlant) -> None:
    raised(plant, page)
    page.locator("#alarms tbody tr").first.focus()
    page.keyboard.press("m")
    expect(page.locator("#aside-of")).to_contain_text(MELT_ROW)
    page.locator("#minutes").select_option("480")
    page.locator("#reason").fill("cleaning the barrel")
    page.locator("#shelve").click()
    expect(page.locator("#alarms tbody tr.line")).to_have_count(2)
    page.locator("#views a[href='#aside']").click()
    expect(page.locator("#aside tbody")).to_contain_text("cleaning the barrel")
    page.get_by_role("button", name="Back on the list").click()
    expect(page.locator("#aside tbody")).to_contain_text("Nothing is put aside.")
    page.locator("#views a[href='#journal']").click()
    expect(page.locator("#journal tbody tr").nth(1)).to_contain_text("shelved")
    expect(page.locator("#journal tbody tr").nth(1)).to_contain_text("somebody at this plant")


def test_out_of_service_without_a_reason_is_refused_in_words(
    page: Page, plant: MemoryPlant
) -> None:
    raised(plant, page)
    page.locator("#alarms [data-act=more]").first.click()
    page.locator("#reason").fill(" ")
    page.locator("#take-out").click()
    expect(page.locator("#aside-fault")).to_contain_text("Say why")
    page.locator("#reason").fill("probe broken")
    page.locator("#take-out").click()
    expect(page.locator("#alarms tbody tr.line")).to_have_count(2)
    assert plant.alarms.summary().out_of_service == 1


def test_a_flood_is_one_line_that_opens(page: Page, plant: MemoryPlant) -> None:
    for n in range(12):
        plant.add(f"shop/boiler/b{n}/pressure", now_us(), 9.0)
    plant.look()
    page.goto("/alarms")
    flood = page.locator("#alarms tr.flood")
    expect(flood).to_contain_text("boiler house: 12 alarms at once")
    expect(page.locator("#alarms tbody tr.line")).to_have_count(4)
    flood.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#alarms tbody tr.line")).to_have_count(16)
    flood.focus()
    page.keyboard.press("a")
    expect(page.locator("#said")).to_have_text("Acknowledge: 12")


def test_the_page_speaks_chinese(page: Page, plant: MemoryPlant, tmp_path: Path) -> None:
    plant.look()
    page.goto("/alarms?lang=zh")
    expect(page.locator("#alarms tbody tr").first).to_contain_text("熔体温度：偏高（高于 200 °C）")
    expect(page.locator("#alarms tbody tr").first).to_contain_text("报警中，未确认")
    shoot(page, "alarms-zh", tmp_path)


def test_definitions_are_shown_with_their_place(page: Page, plant: MemoryPlant) -> None:
    plant.look()
    page.goto("/alarms#definitions")
    expect(page.locator("#definitions tbody tr")).to_have_count(4)
    expect(page.locator("#definitions tbody tr").last).to_contain_text("alarms.csv:5")
