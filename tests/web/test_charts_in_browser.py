"""The chart page: what is drawn is what the historian says, at every zoom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from lianji.base.clock import now_us
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from tests.web.chromium import chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import MELT, POWER, STATE, MemoryPlant, fill

pytestmark = pytest.mark.system

SECOND = 1_000_000
DAY = 86_400 * SECOND
YEAR_END = 1_767_225_600 * SECOND
"""2026-01-01 UTC."""
SPIKE_AT = YEAR_END - 100 * DAY + 12 * SECOND
DRAWN = """() => {
  const [times, ...lines] = lianjiChart.data;
  const points = line => times.map((ms, i) => [ms, line[i]]);
  return lines.map(line => points(line).filter(([, value]) => value !== undefined));
}"""
"""What uPlot holds of each line: [ms, value or null] where the line has a point."""

FLAGGED = """ms => {
  const { x } = lianjiChart.placeOf(ms, 0);
  const pixels = lianjiChart.canvas.getContext("2d").getImageData(x, 0, 15, 60).data;
  let dark = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] > 200 && pixels[i + 2] < 60) dark += 1;
  }
  return dark;
}"""
"""How much is inked darkly where the flag of a note at a moment would be."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(plant: MemoryPlant) -> Iterator[str]:
    with served(plant) as (address, _):
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with looking_at(browser, address, accept_downloads=True, timezone_id="UTC") as context:
        page = context.new_page()
        wrong = strict(page)
        yield page
    assert wrong == []


def a_year(plant: MemoryPlant) -> NDArray[np.int64]:
    """A year of every ten minutes, with one spike of a second and a week without communication."""
    times = np.arange(YEAR_END - 365 * DAY, YEAR_END, 600 * SECOND)
    values = 200 + 20 * np.sin(np.arange(len(times)) / 700)
    quality = np.zeros(len(times), np.uint16)
    bad = (times > YEAR_END - 40 * DAY) & (times < YEAR_END - 33 * DAY)
    quality[bad] = Quality.BAD_COMMUNICATION_ERROR
    plant.add(MELT, times.tolist(), np.where(bad, np.nan, values).tolist(), quality.tolist())
    spike = SPIKE_AT + np.arange(-5, 6) * SECOND
    plant.add(MELT, spike.tolist(), [300.0 if t == SPIKE_AT else 210.0 for t in spike.tolist()])
    return times


def show(page: Page, start_us: int, end_us: int, *tags: str, more: str = "") -> None:
    page.goto(f"/chart?tags={','.join(tags)}&start={_iso(start_us)}&end={_iso(end_us)}{more}")
    _drawn_between(page, start_us, end_us)


def _drawn_between(page: Page, start_us: int, end_us: int) -> None:
    """Wait until the answer for just this range is drawn."""
    page.wait_for_function(
        "([from, to]) => globalThis.lianjiChart?.data && !document.querySelector('#tools').hidden"
        " && Math.abs(lianjiChart.range[0] - from) < 2 && Math.abs(lianjiChart.range[1] - to) < 2"
        " && performance.getEntriesByName('chart-drawn').at(-1)?.startTime"
        " >= performance.getEntriesByName('chart-asked').at(-1)?.startTime",
        arg=[start_us / 1000, end_us / 1000],
    )


def _iso(us: int) -> str:
    return str(np.datetime64(us, "us"))[:23] + "Z"


def _read(address: str, tag: str, start_us: int, end_us: int) -> list[tuple[float, float | None]]:
    """What the API says of a range: (ms, value)."""
    parameters = {"tags": tag, "start": start_us, "end": end_us, "format": "arrow"}
    answer = httpx.get(f"{address}/api/read", params=parameters)  # type: ignore[arg-type]
    table = pa.ipc.open_stream(answer.content).read_all()
    times = table["time"].cast(pa.int64()).to_pylist()
    return list(zip([t / 1000 for t in times], table["value"].to_pylist(), strict=True))


def _drawn(page: Page) -> list[list[tuple[float, float | None]]]:
    return [[(ms, value) for ms, value in line] for line in page.evaluate(DRAWN)]


def test_from_a_year_to_a_second_what_is_drawn_is_the_data(
    page: Page, plant: MemoryPlant, address: str, tmp_path: Path
) -> None:
    a_year(plant)
    for span_us in (365 * DAY, 30 * DAY, DAY, 3600 * SECOND, 60 * SECOND, SECOND):
        start_us = YEAR_END - 365 * DAY if span_us == 365 * DAY else SPIKE_AT - span_us // 2
        end_us = start_us + span_us
        show(page, start_us, end_us, MELT)
        drawn = [point for point in _drawn(page)[0] if start_us / 1000 <= point[0] < end_us / 1000]
        said = _read(address, MELT, start_us, end_us)
        values = [value for _, value in said if value is not None]
        # (the edges of the window are drawn between two samples and are none themselves)
        inside = [p for p in drawn if p[0] > start_us / 1000 or p in said]
        shown = [value for _, value in inside if value is not None]
        assert max(shown) == max(values) == 300.0, "the spike of a second shows at every zoom"
        assert min(shown) == min(values)
        # a sample drawn is one that was measured
        measured = {(ms, value) for ms, value in said}
        inner = [p for p in drawn if p[1] is not None and p[0] > start_us / 1000]
        assert set(inner) <= measured
        if span_us <= 60 * SECOND:
            assert set(inner) == {
                p for p in measured if p[1] is not None and p[0] > start_us / 1000
            }
        _check_extremes_of_pixels(page, said, [p for p in drawn if p in measured], start_us, end_us)
    page.screenshot(path=tmp_path / "second.png")


def _check_extremes_of_pixels(
    page: Page,
    said: list[tuple[float, float | None]],
    drawn: list[tuple[float, float | None]],
    start_us: int,
    end_us: int,
) -> None:
    """In each pixel the lowest and the highest that is drawn are those of the data."""
    pixels = page.evaluate("Math.round(lianjiChart.width)")

    def extremes(points: list[tuple[float, float | None]]) -> dict[int, tuple[float, float]]:
        found: dict[int, tuple[float, float]] = {}
        for ms, value in points:
            if value is None:
                continue
            pixel = int((ms * 1000 - start_us) * pixels // (end_us - start_us))
            low, high = found.get(pixel, (value, value))
            found[pixel] = min(low, value), max(high, value)
        return found

    assert extremes(drawn) == extremes(said)


def test_what_is_on_the_canvas_is_where_the_data_say(page: Page, plant: MemoryPlant) -> None:
    """Some pixels: the line is inked at the spike's tip, and nothing is inked in the gap."""
    a_year(plant)
    show(page, SPIKE_AT - 5 * SECOND, SPIKE_AT + 5 * SECOND, MELT)
    inked = """([ms, value]) => {
      const canvas = lianjiChart.canvas;
      const at = lianjiChart.placeOf(ms, value);
      const pixels = canvas.getContext("2d").getImageData(at.x - 3, at.y - 3, 7, 7).data;
      let blue = 0;
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 2] > pixels[i] + 40) blue += 1;
      return blue;
    }"""
    assert page.evaluate(inked, [SPIKE_AT / 1000, 300]) > 0
    assert page.evaluate(inked, [SPIKE_AT / 1000 - 2000, 300]) == 0
    assert page.evaluate(inked, [SPIKE_AT / 1000 - 2000, 210]) > 0
    show(page, YEAR_END - 60 * DAY, YEAR_END - 20 * DAY, MELT)
    gap_ms = (YEAR_END - 36.5 * DAY) / 1000
    line = page.evaluate(
        "ms => [...Array(60).keys()].map(i => 170 + i).filter(value => {"
        " const at = lianjiChart.placeOf(ms, value);"
        " const p = lianjiChart.canvas.getContext('2d').getImageData(at.x, at.y, 1, 1).data;"
        " return p[3] > 200 && p[2] > p[0] + 40; })",
        gap_ms,
    )
    assert line == []


def test_wheel_keys_and_pan_move_through_time_and_back_goes_back(
    page: Page, plant: MemoryPlant
) -> None:
    a_year(plant)
    start_us, end_us = YEAR_END - 30 * DAY, YEAR_END
    show(page, start_us, end_us, MELT)
    over = page.locator("#chart .u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "() => !document.querySelector('#back').disabled && location.search.includes('start=')"
    )
    low, high = page.evaluate("lianjiChart.range")
    assert low > start_us / 1000 and high < end_us / 1000
    assert (low + high) / 2 == pytest.approx((start_us + end_us) / 2000, abs=3.6e6)
    show(page, start_us, end_us, MELT)
    page.locator("#chart").focus()
    page.keyboard.press("+")
    quarter = (end_us - start_us) // 4
    _drawn_between(page, start_us + quarter, end_us - quarter)
    page.keyboard.press("ArrowLeft")
    by = (end_us - start_us) // 10
    _drawn_between(page, start_us + quarter - by, end_us - quarter - by)
    page.keyboard.press("-")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#readout")).to_be_visible()
    expect(page.locator("#lasts td.cursor")).to_contain_text("°C")
    page.go_back()
    page.wait_for_function("from => Math.abs(lianjiChart.range[0] - from) < 2", arg=start_us / 1000)
    box = over.bounding_box()
    assert box is not None
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_function(
        "from => Math.abs(lianjiChart.range[0] - from) < 36e5",
        arg=(start_us + (end_us - start_us) * 0.2) / 1000,
    )


def test_two_fingers_pinch(browser: Browser, plant: MemoryPlant, address: str) -> None:
    a_year(plant)
    with looking_at(browser, address, has_touch=True) as context:
        page = context.new_page()
        start_us, end_us = YEAR_END - 10 * DAY, YEAR_END
        show(page, start_us, end_us, MELT)
        box = page.locator("#chart .u-over").bounding_box()
        assert box is not None
        session = context.new_cdp_session(page)

        def touch(kind: str, *shares: float) -> None:
            points = [
                {"x": box["x"] + box["width"] * share, "y": box["y"] + 80, "id": number}
                for number, share in enumerate(shares)
            ]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 0.4, 0.6)
        touch("touchMove", 0.3, 0.7)
        touch("touchMove", 0.2, 0.8)
        touch("touchEnd")
        # three times as far apart: a third of the time between
        page.wait_for_function(
            "span => Math.abs(lianjiChart.range[1] - lianjiChart.range[0] - span) < span / 50",
            arg=(end_us - start_us) / 3000,
        )


def test_last_week_lies_beneath_shifted_and_told_apart(page: Page, plant: MemoryPlant) -> None:
    week = 7 * DAY
    times = np.arange(YEAR_END - 3600 * SECOND, YEAR_END, 60 * SECOND)
    plant.add(MELT, (times - week).tolist(), np.full(len(times), 100.0).tolist())
    plant.add(MELT, times.tolist(), np.full(len(times), 230.0).tolist())
    show(page, YEAR_END - 3600 * SECOND, YEAR_END, MELT)
    assert len(_drawn(page)) == 1
    page.locator("#compare").select_option("7d")
    page.wait_for_function("() => lianjiChart.data.length === 3")
    now, before = _drawn(page)
    assert {value for _, value in before[:60]} == {100.0}
    assert [ms for ms, _ in before][:60] == [ms for ms, _ in now][:60], "drawn where today's are"
    assert "compare=7d" in page.url
    box = page.locator("#chart .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#readout .earlier")).to_have_text(re.compile("−7 d.*100 °C"))
    expect(page.locator("#lasts td.cursor")).to_have_text("230 °C (−7d: 100 °C)")


def test_the_link_gives_back_the_view(page: Page, plant: MemoryPlant) -> None:
    fill(plant)
    page.goto(f"/chart?tags={MELT},{POWER},{STATE}&range=90min&live=0&compare=1h&axes=each")
    page.wait_for_function("() => globalThis.lianjiChart?.data?.length === 7")
    axes = "document.querySelectorAll('#chart .u-axis').length"
    assert page.evaluate(axes) == 4
    page.locator("#each").click()
    page.wait_for_function("() => !location.search.includes('axes')")
    page.locator("#each").click()
    page.locator("#chart").focus()
    page.keyboard.press("+")
    page.wait_for_function("() => location.search.includes('start=')")
    link = page.url
    span = page.locator("#span").text_content()
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function("() => globalThis.lianjiChart?.data?.length === 7")
    assert page.locator("#span").text_content() == span
    assert page.url == link
    expect(page.locator("#compare")).to_have_value("1h")
    expect(page.locator("#each")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lasts tbody tr")).to_have_count(3)


def test_the_table_says_least_mean_and_most_of_the_window(page: Page, plant: MemoryPlant) -> None:
    times = [YEAR_END - (10 - n) * SECOND for n in range(10)]
    plant.add(MELT, times, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    show(page, YEAR_END - 10 * SECOND, YEAR_END - SECOND, MELT)
    expect(page.locator("#lasts td.least")).to_have_text("1 °C")
    expect(page.locator("#lasts td.most")).to_have_text("9 °C")
    expect(page.locator("#lasts td.mean")).to_have_text("5.5 °C")


def test_a_note_is_written_shown_changed_and_deleted(page: Page, plant: MemoryPlant) -> None:
    a_year(plant)
    show(page, SPIKE_AT - 60 * SECOND, SPIKE_AT + 60 * SECOND, MELT)
    assert page.evaluate(FLAGGED, SPIKE_AT / 1000) < 10
    page.locator("#note").click()
    page.locator("#note-form textarea").fill("<b>sensor</b> touched 碰到传感器")
    page.locator("#note-form button.main").click()
    entry = page.locator("#note-list li")
    expect(entry).to_contain_text("<b>sensor</b> touched 碰到传感器")
    assert page.locator("#note-list b").count() == 0
    page.wait_for_function(f"ms => ({FLAGGED})(ms) > 50", arg=SPIKE_AT / 1000)
    entry.get_by_role("button", name="Edit").click()
    page.locator("#note-form textarea").fill("changed")
    page.locator("#note-form button.main").click()
    expect(entry).to_contain_text("changed")
    (note,) = plant.history.annotations([MELT], 0, YEAR_END).to_pylist()
    assert note["text"] == "changed"
    page.once("dialog", lambda dialog: dialog.accept())
    entry.get_by_role("button", name="Delete").click()
    expect(page.locator("#notes")).to_be_hidden()


def test_png_csv_and_parquet_hold_what_is_shown(
    page: Page, plant: MemoryPlant, tmp_path: Path, address: str
) -> None:
    a_year(plant)
    start_us, end_us = YEAR_END - 10 * DAY, YEAR_END
    show(page, start_us, end_us, MELT)
    with page.expect_download() as caught:
        page.locator("#png").click()
    picture = tmp_path / caught.value.suggested_filename
    caught.value.save_as(picture)
    assert picture.suffix == ".png" and picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    rows = len(_read(address, MELT, start_us, end_us))
    for format in ("csv", "parquet"):
        with page.expect_download() as caught:
            page.locator(f"#{format}").click()
        file = tmp_path / caught.value.suggested_filename
        caught.value.save_as(file)
        if format == "parquet":
            assert pq.read_table(file).num_rows == rows
        else:
            assert len(file.read_text().splitlines()) == rows + 1


def test_a_script_in_a_tags_words_stays_text(page: Page, plant: MemoryPlant, address: str) -> None:
    evil = "shop/<img src=x onerror=alert(1)>/<script>alert(2)<|script>"
    wicked = "<script>alert(3)</script>"
    plant._tags.append(Tag(path=evil, description_en=wicked, unit="kW", enumeration={1: wicked}))
    plant.add(evil, now_us() - SECOND, 1.0)
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    page.goto(f"/chart?tags={httpx.QueryParams({'t': evil})['t'].replace('&', '%26')}&range=15min")
    expect(page.locator("#lasts tbody tr")).to_contain_text("<script>alert(2)<|script>")
    expect(page.locator("#tags")).to_contain_text(wicked)
    assert page.locator("#lasts img, #tags img, #lasts script, #tags script").count() == 0
    page.goto("/")
    expect(page.locator("#board")).to_contain_text(wicked)
    assert page.locator("#board img, #board script").count() == 0


def test_gone_and_back_again_is_told_and_made_up_for(browser: Browser, plant: MemoryPlant) -> None:
    plant.add(MELT, now_us(), 230.0)
    with served(plant) as (address, _):
        port = int(address.rpartition(":")[2])
        page = browser.new_page(locale="en-GB", base_url=address)
        page.goto(f"/chart?tags={MELT}&range=15min")
        expect(page.locator("#lasts td.number b")).to_have_text("230 °C")
    expect(page.locator("#no-answer")).to_contain_text("does not answer")
    plant.add(MELT, now_us(), 240.0)
    plant.add(MELT, now_us() + 1, 241.0)
    with served(plant, port=port):
        expect(page.locator("#lasts td.number b")).to_have_text("241 °C", timeout=15_000)
        expect(page.locator("#no-answer")).to_be_hidden()
        page.wait_for_function(f"() => ({DRAWN})()[0].some(([, value]) => value === 240)")
    page.close()
