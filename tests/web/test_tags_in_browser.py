"""The page of tags in a real browser: found among 100,000, imported with errors, changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lianji.base.clock import now_us
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes
from tests.web.conftest import served
from tests.web.plant import MELT, POWER, MemoryPlant, fill
from tests.web.test_pages_in_browser import browser, page, shoot

__all__ = ["browser", "page"]
pytestmark = pytest.mark.system

EVIL = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
MANY = 100_000
SLOW_MS = 30_000
"""For a preview, which reads 100,000 rows: a machine may have other things to do."""


@pytest.fixture(scope="module")
def many() -> list[Tag]:
    return [
        Tag(
            path=f"shop/hall{n % 7 + 2}/line{n % 50}/machine{n // 100}/signal{n}",
            device=f"m{n // 100}",
            unit="kW",
            description_en=f"signal number {n}",
        )
        for n in range(MANY)
    ]


@pytest.fixture
def address(plant: MemoryPlant, many: list[Tag]) -> Iterator[str]:
    fill(plant)
    base = plant.tags()
    plant.configuring.content = {
        "tags/base.csv": table_bytes(base),
        "tags/many.csv": table_bytes(many),
    }
    plant.set_tags([*base, *many])
    with served(plant) as (address, _server):
        yield address


def rows(page: Page) -> list[str]:
    return page.locator(".grid .space .row .name").evaluate_all(
        "names => names.map(name => name.title)"
    )


def test_all_tags_are_there_and_only_those_in_sight_exist(page: Page, tmp_path: Path) -> None:
    page.goto("/tags")
    expect(page.locator("#found")).to_have_text("Found: 100,005")
    expect(page.locator(".grid .space .row").first).to_be_visible()
    assert page.locator(".grid .space .row").count() < 80
    expect(page.locator("#grid")).to_have_attribute("aria-rowcount", "100006")
    page.locator("#grid").evaluate("grid => { grid.scrollTop = 30 * 60000; }")
    middle = page.locator(".grid .space .row[aria-rowindex='60002'] .name")
    expect(middle).to_have_attribute("title", re.compile("shop/hall"))
    assert page.locator(".grid .space .row").count() < 80
    shoot(page, "tags", tmp_path)


def test_a_narrow_window_holds_no_more_rows_than_a_wide_one(page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 900})
    page.goto("/tags")
    expect(page.locator(".grid .space .row").first).to_be_visible()
    assert page.locator(".grid .space .row").count() < 80
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_a_hundred_thousand_tags_are_searched_while_somebody_types(page: Page) -> None:
    page.goto("/tags")
    expect(page.locator("#found")).to_have_text("Found: 100,005")
    page.locator("#search").press_sequentially("machine77 signal77")
    expect(page.locator("#found")).to_have_text("Found: 1,100")
    page.locator("#search").fill("no such tag")
    expect(page.locator(".grid .empty")).to_be_visible()
    page.locator("#search").fill("signal99999")
    expect(page.locator("#found")).to_have_text("Found: 1")
    assert rows(page) == ["shop/hall6/line49/machine999/signal99999"]


def test_the_tree_opens_level_by_level_by_keyboard(page: Page) -> None:
    page.goto("/tags")
    shop = page.get_by_role("treeitem", name="shop").first
    expect(shop).to_have_attribute("aria-expanded", "true")
    page.locator("#tree li").first.focus()
    page.keyboard.press("ArrowDown")
    expect(shop).to_be_focused()
    page.keyboard.press("ArrowDown")
    hall = page.locator("#tree li[data-path='shop/hall1']")
    expect(hall).to_be_focused()
    expect(page.locator("#found")).to_have_text("Found: 5")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tree li[data-path='shop/hall1/moulding']")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#found")).to_have_text("Found: 4")
    page.keyboard.press("ArrowLeft")
    expect(hall).to_be_focused()


def test_values_are_live_for_what_is_in_sight(page: Page, plant: MemoryPlant) -> None:
    page.goto("/tags?search=melt")
    row = page.locator(".grid .space .row", has_text="melt_temperature")
    expect(row.locator(".unit")).to_have_text("°C")
    plant.add(MELT, now_us(), 301.25)
    expect(row.locator(".value")).to_have_text("301.25")
    plant.add(MELT, now_us(), None, Quality.BAD_SENSOR_FAILURE)
    expect(row.locator(".quality")).to_contain_text("bad quality")
    expect(row.locator("svg.shape.bad")).to_be_visible()


def test_the_list_is_walked_and_chosen_by_keyboard(page: Page) -> None:
    page.goto("/tags?search=hall1")
    expect(page.locator("#found")).to_have_text("Found: 5")
    page.locator("#search").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(page.locator("#found")).to_have_text("Found: 5, chosen: 1")
    expect(page.locator(".row[aria-selected='true'] .name")).to_contain_text("clamp_force")
    page.keyboard.press("Home")
    expect(page.locator(".row[aria-rowindex='2']")).to_be_focused()
    page.keyboard.press("m")
    expect(page.locator("#search")).to_be_focused()
    expect(page.locator("#search")).to_have_value("hall1m")
    page.locator("#search").fill("active_power")
    expect(page.locator("#found")).to_have_text("Found: 1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/chart?tags={POWER}**")


def test_a_table_with_errors_is_imported_through_the_page(
    page: Page, plant: MemoryPlant, tmp_path: Path
) -> None:
    table = (
        "path,device,unit,description_en,low,high\n"
        f'shop/new/one,imm1,kW,"{EVIL}",,\n'
        "shop/new/two,imm1,KWH,wrong unit,,\n"
        f"{MELT},imm1,Cel,the melt,0,400\n"
        "shop/new/three,imm1,bar,,9,1\n"
        "shop//four,imm1,bar,,,\n"
    )
    page.goto("/tags")
    page.locator("#import").click()
    upload = {"name": "line 9.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.locator("#file").set_input_files([upload])  # type: ignore[list-item]
    difference = page.locator("#import-dialog .difference")
    expect(difference).to_contain_text(
        "Recognised: Lianji, utf-8. New tags go into tags/line 9.csv.", timeout=SLOW_MS
    )
    expect(difference).to_contain_text("1 added, 1 changed, 0 removed, 0 unchanged, 3 refused.")
    refused = difference.locator("tr.refused")
    expect(refused).to_have_count(3)
    for row, (line, path, reason) in zip(
        refused.all(),
        (
            ("3", "shop/new/two", "'KWH' is not a UCUM unit: write 'kW.h'"),
            ("5", "shop/new/three", "the range is empty"),
            ("6", "shop//four", "is not a tag path"),
        ),
        strict=True,
    ):
        cells = row.locator("td")
        expect(cells.nth(0)).to_have_text(line)
        expect(cells.nth(1)).to_have_text(path)
        expect(cells.nth(2)).to_contain_text(reason)
    expect(difference.locator("tr.added")).to_contain_text(EVIL)
    assert plant.configuring.notes == []
    shoot(page, "import", tmp_path)
    page.locator("#import-dialog .save").click()
    expect(difference.locator(".saved")).to_contain_text("Saved", timeout=SLOW_MS)
    page.keyboard.press("Escape")
    assert [tag.path for tag in read_table(plant.configuring.content["tags/line 9.csv"]).tags] == [
        "shop/new/one"
    ]
    page.locator("#search").fill("shop/new")
    expect(page.locator("#found")).to_have_text("Found: 1")
    expect(page.locator(".grid .space .about").first).to_have_text(EVIL)
    assert "taken" not in page.title()
    assert page.locator("main script, main img").count() == 0
    expect(page.get_by_role("treeitem", name="new")).to_be_visible()


def test_a_dropped_table_of_another_program_is_recognised(page: Page, tmp_path: Path) -> None:
    page.goto("/tags?lang=zh")
    page.locator("#import").click()
    page.locator("#below").fill("shop/hall9")
    table = "Tag Name,Address,Data Type,Client Access\nOil.Temp,40001,Float,RO\nX,DB1,Word,RO\n"
    page.locator("#drop").evaluate(
        """(drop, table) => {
          const data = new DataTransfer();
          data.items.add(new File([table], "press1.csv"));
          drop.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        table,
    )
    difference = page.locator("#import-dialog .difference")
    expect(difference).to_contain_text("已识别：Kepware", timeout=SLOW_MS)
    expect(difference.locator("tr.added")).to_contain_text("shop/hall9/press1/Oil/Temp")
    expect(difference.locator("tr.added")).to_contain_text("float32@CDAB")
    expect(difference.locator("tr.refused")).to_contain_text("既不是 Modbus 地址")
    page.locator("#order").select_option("ABCD")
    expect(difference.locator("tr.added")).not_to_contain_text("CDAB", timeout=SLOW_MS)
    shoot(page, "import-zh", tmp_path)


def test_a_file_that_is_no_table_is_refused_with_a_remedy(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, locale="en-GB")
    page.goto("/tags")
    page.locator("#import").click()
    nothing = {"name": "x.xlsx", "mimeType": "x", "buffer": b"PK\x03\x04 no workbook"}
    page.locator("#file").set_input_files([nothing])  # type: ignore[list-item]
    failure = page.locator("#import-dialog .failure")
    expect(failure).to_contain_text("cannot be read")
    expect(failure).to_contain_text("Save it as .xlsx or as CSV UTF-8.")
    expect(page.locator("#import-dialog .save")).to_be_disabled()
    page.close()


def test_many_tags_are_changed_after_a_preview(
    page: Page, plant: MemoryPlant, tmp_path: Path
) -> None:
    page.goto("/tags?search=machine12/")
    expect(page.locator("#found")).to_have_text("Found: 100")
    page.locator("#all").check()
    expect(page.locator("#found")).to_have_text("Found: 100, chosen: 100")
    page.locator("#edit").click()
    page.locator("[data-cell='unit']").fill("MW")
    page.locator("#rename-pattern").fill("shop/{hall}/{rest*}")
    page.locator("#rename-to").fill("works/{hall}/{rest*}")
    page.locator("#preview").click()
    difference = page.locator("#edit-dialog .difference")
    expect(difference).to_contain_text("100 changed", timeout=SLOW_MS)
    expect(difference.locator("tr.changed").first).to_contain_text("works/hall")
    shoot(page, "edit", tmp_path)
    page.locator("[data-cell='unit']").fill("no unit")
    expect(page.locator("#edit-dialog .save")).to_be_disabled()
    page.locator("#preview").click()
    expect(difference.locator("tr.refused")).to_have_count(100, timeout=SLOW_MS)
    page.locator("[data-cell='unit']").fill("MW")
    page.locator("#preview").click()
    expect(page.locator("#edit-dialog .save")).to_be_enabled(timeout=SLOW_MS)
    page.locator("#edit-dialog .save").click()
    expect(difference.locator(".saved")).to_be_visible(timeout=SLOW_MS)
    moved = [tag for tag in plant.tags() if tag.path.startswith("works/")]
    assert len(moved) == 100 and {tag.unit for tag in moved} == {"MW"}
    page.keyboard.press("Escape")
    expect(page.get_by_role("treeitem", name="works")).to_be_visible()


def test_what_is_chosen_is_exported(page: Page) -> None:
    page.goto("/tags?search=hall1")
    expect(page.locator("#found")).to_have_text("Found: 5")
    with page.expect_download() as download:
        page.locator("#export").select_option("csv")
    found = read_table(Path(download.value.path()).read_bytes())
    assert download.value.suggested_filename == "tags.csv"
    assert len(found.tags) == 5


def test_every_control_of_the_page_has_a_name(page: Page) -> None:
    page.goto("/tags")
    expect(page.locator(".grid .space .row").first).to_be_visible()
    nameless = (
        page.locator("main, dialog")
        .locator("input, select, button")
        .evaluate_all(
            """all => all
              .filter(one => !(one.ariaLabel || one.labels?.length || one.textContent.trim()))
              .map(one => one.outerHTML)"""
        )
    )
    assert nameless == []
