"""``lianji demo``: three protocols live, a month behind them, a chart in a browser, a clean end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.peers import command, need, wait_until
from tests.system.plant import PlantProcess, is_good, plant_process

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

DAY_US = 86_400_000_000
INK = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) ink += 1;
  return ink;
}"""
BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantProcess]:
    """The demo plant. It is ended by the last test; if that never came, here."""
    folder = tmp_path_factory.mktemp("demo") / "demo-plant"
    with plant_process(folder, "demo") as plant:
        print(f"\ndemo: {plant.started_s:.1f} s from the command to the page")
        yield plant


@pytest.fixture
def page(demo: PlantProcess) -> Iterator[Page]:
    """A page in English; a script error fails the test."""
    need("chromium")
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command("chromium"), args=BROWSER)
        context = browser.new_context(
            base_url=demo.address, locale="en-GB", viewport={"width": 1440, "height": 900}
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        browser.close()
    assert wrong == []


def ask(demo: PlantProcess, query: str) -> list[dict[str, Any]]:
    answer = demo.http.post(f"{demo.address}/api/sql", json={"query": query})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def tags_of(demo: PlantProcess, device: str) -> list[str]:
    found = demo.get("/api/tags", search=device, limit=1000)["tags"]
    return [tag["path"] for tag in found if tag["device"] == device]


def live(demo: PlantProcess, device: str) -> dict[str, Any]:
    """A good sample of a device that is younger than ten seconds, once there is one."""
    tags = tags_of(demo, device)
    found: list[dict[str, Any]] = []

    def there() -> bool:
        oldest = demo.status()["now_us"] - 10_000_000
        points = demo.get("/api/read", tags=tags, start=oldest, end="now")["rows"]
        found.extend(row for row in points if is_good(row) and row["value"] is not None)
        return bool(found)

    wait_until(there, timeout_s=60, what=f"live samples of {device}")
    return found[-1]


def test_machines_of_three_protocols_are_live(demo: PlantProcess) -> None:
    for device in ("compressors", "moulding", "sensors"):
        live(demo, device)
    protocols = {device["protocol"] for device in demo.status()["devices"]}
    assert protocols == {"modbus", "opcua", "mqtt"}
    assert all(device["samples_per_s"] >= 0 for device in demo.status()["devices"])
    running = {d["name"] for d in demo.status()["devices"] if d["state"] == "running"}
    assert {"compressors", "moulding", "sensors"} <= running
    assert demo.status()["problems"] == []


def test_a_month_lies_behind_them_with_bad_quality_in_it(demo: PlantProcess) -> None:
    def oldest_days() -> float:
        found = ask(demo, "select epoch_us(min(time)) as t from samples")[0]["t"]
        return float(demo.status()["now_us"] - found) / DAY_US

    wait_until(lambda: oldest_days() > 28, timeout_s=120, what="the past")
    wait_until(
        lambda: (demo.folder / "data" / "demo-past-is-filled").exists(),
        timeout_s=150,
        what="the whole past",
    )
    for device in ("compressors", "moulding", "sensors"):
        tag = live(demo, device)["tag"]
        points = demo.get("/api/plot", tags=tag, start="-7d", end="-1d", pixels=200)["rows"]
        assert len(points) > 150, tag
    [bad] = ask(
        demo,
        "select count(*) as n, count(distinct tag) as tags from samples where quality >= 32768",
    )
    assert bad["n"] > 0 and bad["tags"] > 1


def test_the_pages_and_the_chart_are_drawn_in_a_browser(
    demo: PlantProcess, page: Page, tmp_path: Path
) -> None:
    page.goto("/")
    headings = page.locator(".tile.heading h3")
    expect(headings).to_have_text(["Machines", "Energy", "Compressed air", "Temperatures"])
    expect(page.locator(".tile-number b").first).to_have_text(re.compile(r"^\d"))
    page.goto("/status")
    for device in ("compressors", "moulding", "sensors"):
        expect(page.locator("#devices")).to_contain_text(device)
    tags = [live(demo, device)["tag"] for device in ("compressors", "moulding", "sensors")]
    page.goto(f"/chart?tags={','.join(tags)}&range=8h")
    expect(page.locator("#lasts tbody tr")).to_have_count(3)
    expect(page.locator("#chart canvas")).to_be_visible()
    page.wait_for_function(f"({INK})(document.querySelector('#chart canvas')) > 3000")
    before = page.locator("#lasts").inner_text()
    expect(page.locator("#lasts")).not_to_have_text(re.compile(f"^{re.escape(before)}$"))
    page.screenshot(path=tmp_path / "chart.png")
    page.goto("/chart?lang=zh")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_it_ends_cleanly_leaves_no_process_and_goes_on_where_it_was(demo: PlantProcess) -> None:
    machines = machines_of(demo)
    rows = demo.status()["history"]["rows"]
    took_s = demo.stop()
    wait_until(lambda: not any(alive(pid) for pid in machines), what="the machines' end")
    demo.start()
    print(f"\ndemo: {took_s:.2f} s to end, {demo.started_s:.1f} s to the page the second time")
    assert demo.status()["history"]["rows"] >= rows
    live(demo, "compressors")
    machines = machines_of(demo)
    demo.kill()
    wait_until(lambda: not any(alive(pid) for pid in machines), what="the machines' end")


def machines_of(demo: PlantProcess) -> list[int]:
    assert demo.child is not None
    found = descendants(demo.child.pid)
    assert found
    return found


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
