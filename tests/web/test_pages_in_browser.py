"""The pages in a real browser that may speak to the plant and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lianji.base.clock import now_us
from lianji.dictionary.quality import Quality
from tests.web.chromium import INK, chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import FORCE, MELT, POWER, PROGRAM, STATE, MemoryPlant, fill

pytestmark = pytest.mark.system

_COLOURS = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let [reddish, opaque] = [0, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] > 200) opaque += 1;
    if (pixels[i + 3] > 60 && pixels[i] > 150 && pixels[i + 1] < 60 && pixels[i + 2] < 60) {
      reddish += 1;
    }
  }
  return [reddish, opaque];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(plant: MemoryPlant) -> Iterator[str]:
    fill(plant)
    with served(plant) as (address, _server):
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of 1440 x 900 in English; asking any other server or any script error fails."""
    with looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        yield page
    assert wrong == []


def shoot(page: Page, name: str, tmp_path: Path) -> None:
    page.screenshot(path=tmp_path / f"{name}.png")


def chart_of(page: Page, *tags: str, more: str = "") -> None:
    page.goto(f"/chart?tags={','.join(tags)}{more}")
    expect(page.locator("#chart canvas")).to_be_visible()


def test_the_status_page_names_each_devices_state_in_words_and_shape(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/status")
    row = page.get_by_role("row", name="meter1")
    expect(row.locator("td").first).to_have_text("no connection")
    expect(row.locator("svg.shape.fault")).to_be_visible()
    outlines = page.locator("#devices svg.shape path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d') + path.getAttribute('stroke-dasharray'))"
    )
    assert len(set(outlines)) == 5
    shoot(page, "status", tmp_path)


def test_the_status_page_says_why_a_device_fails_and_what_to_do(page: Page) -> None:
    page.goto("/status")
    expect(page.locator("#devices")).to_contain_text("refused the connection")
    expect(page.locator("#devices")).to_contain_text("Check that the meter is on")
    expect(page.locator("#figures")).to_contain_text("2 need attention")


def test_the_status_page_speaks_chinese(page: Page, tmp_path: Path) -> None:
    page.goto("/status?lang=zh")
    expect(page.locator("#devices")).to_contain_text("请检查电表是否通电")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    shoot(page, "status-zh", tmp_path)
    page.goto("/chart")
    expect(page.locator("#hint")).to_have_text("请在左侧选择要绘制的标签。")


def test_the_language_switch_keeps_the_view(page: Page) -> None:
    chart_of(page, MELT, more="&range=8h")
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("[data-range='8h']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lasts tbody tr")).to_have_count(1)


def test_the_status_page_tells_when_lianji_no_longer_answers(
    browser: Browser, plant: MemoryPlant
) -> None:
    with served(plant) as (address, _server):
        page = browser.new_page(locale="en-GB")
        page.goto(f"{address}/status")
        expect(page.locator("#devices")).to_contain_text("chiller")
    expect(page.locator("#no-answer")).to_contain_text("does not answer", timeout=10_000)
    page.close()


def test_clicking_tags_draws_them_and_the_link_reproduces_the_view(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/chart")
    for tag in (MELT, POWER, STATE):
        page.locator(f"#tags input[value='{tag}']").check()
    expect(page.locator("#lasts tbody tr")).to_have_count(3)
    canvas = page.locator("#chart canvas")
    expect(canvas).to_be_visible()
    page.wait_for_function(f"({INK})(document.querySelector('#chart canvas')) > 5000")
    link = page.url
    shoot(page, "chart", tmp_path)
    page.goto("/")
    page.goto(link)
    expect(page.locator("#lasts tbody tr")).to_have_count(3)
    expect(page.locator(f"#tags input[value='{POWER}']")).to_be_checked()


def test_the_search_narrows_the_list(page: Page) -> None:
    page.goto("/chart")
    expect(page.locator("#tags li")).to_have_count(5)
    page.locator("#search").fill("meter power")
    expect(page.locator("#tags li")).to_have_count(1)
    page.locator("#search").fill("no such thing")
    expect(page.locator("#listed")).to_have_text("No tag matches.")


def test_bad_quality_is_marked_on_the_chart(page: Page) -> None:
    chart_of(page, POWER, more="&range=8h&live=0")
    page.wait_for_function(
        f"({_COLOURS})(document.querySelector('#chart canvas'))[0] > 20", timeout=5_000
    )
    chart_of(page, MELT, more="&range=8h&live=0")
    page.wait_for_function(f"({INK})(document.querySelector('#chart canvas')) > 2000")
    reddish, _ = page.locator("#chart canvas").evaluate(_COLOURS)
    assert reddish == 0


def test_a_live_sample_reaches_the_table_and_the_chart(page: Page, plant: MemoryPlant) -> None:
    chart_of(page, MELT, PROGRAM, more="&range=15min")
    row = page.locator("#lasts tbody tr", has_text="melt_temperature")
    expect(row).to_contain_text("°C")
    plant.add(MELT, now_us(), 301.25)
    expect(row.locator("td.number b")).to_have_text("301.25 °C")
    plant.add(MELT, now_us(), None, Quality.BAD_SENSOR_FAILURE)
    expect(row.locator("td.quality")).to_have_text("bad quality")
    expect(row.locator("svg.shape.bad")).to_be_visible()
    expect(page.locator("#lasts")).to_contain_text("P-118 cap 32 mm")


def test_dragging_zooms_in_by_asking_the_server_again(page: Page, tmp_path: Path) -> None:
    chart_of(page, MELT, FORCE, more="&range=8h&live=0")
    box = page.locator("#chart .u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.80, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
    with page.expect_response(re.compile(r"/api/plot\?.*start=\d{16}&end=\d{16}")):
        page.mouse.up()
    assert "start=" in page.url and "range=" not in page.url
    expect(page.locator("#back")).to_be_enabled()
    shoot(page, "zoomed", tmp_path)
    page.locator("#back").click()
    expect(page.locator("[data-range='8h']")).to_have_attribute("aria-pressed", "true")


def test_the_cursor_reads_values_with_units_and_states_in_words(page: Page, tmp_path: Path) -> None:
    chart_of(page, POWER, STATE, more="&range=1h&live=0")
    page.wait_for_function(f"({INK})(document.querySelector('#chart canvas')) > 2000")
    box = page.locator("#chart .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    readout = page.locator("#readout")
    expect(readout).to_contain_text("kW")
    expect(readout).to_contain_text("running")
    expect(readout.locator(".when")).to_have_text(
        re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$")
    )
    shoot(page, "cursor", tmp_path)


def test_the_api_page_is_our_own(page: Page, tmp_path: Path) -> None:
    page.goto("/docs")
    expect(page.locator("#swagger")).to_contain_text("/api/plot")
    shoot(page, "docs", tmp_path)


def test_the_pages_are_dark_where_the_reader_wants_it(page: Page, tmp_path: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/status")
    expect(page.locator("#devices")).to_contain_text("chiller")
    shoot(page, "status-dark", tmp_path)
    chart_of(page, MELT, POWER, STATE, FORCE)
    page.wait_for_function(f"({INK})(document.querySelector('#chart canvas')) > 2000")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", ground)) < 64
    shoot(page, "chart-dark", tmp_path)
