"""Connecting a machine through the page, as a person does: a real plant, a real server."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.peers import free_port
from tests.peers.modbus import libmodbus_server
from tests.peers.mqtt import mosquitto
from tests.system.plant import PlantProcess, plant_process, write_device, write_plant, write_tags
from tests.web.chromium import chromium

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[PlantProcess]:
    with plant_process(write_plant(tmp_path / "p", configuration="trial_s = 3")) as plant:
        yield plant


@contextmanager
def page_of(browser: Browser, plant: PlantProcess, locale: str = "en-GB") -> Iterator[Page]:
    """/connect of a plant; asking any other server or a script error fails the test."""
    context = browser.new_context(
        base_url=plant.address, locale=locale, viewport={"width": 1280, "height": 900}
    )
    wrong: list[str] = []

    def only_the_plant(route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(plant.address).netloc:
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    context.route("**/*", only_the_plant)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/connect")
    yield page
    context.close()
    assert wrong == []


def fill(page: Page, name: str, port: int, *rows: tuple[str, str]) -> None:
    """The form for a Modbus machine on this computer."""
    page.locator("input[value=modbus]").check()
    page.get_by_label("Name required").fill(name)
    page.locator("#field-host").fill("127.0.0.1")
    page.locator("#field-port").fill(str(port))
    for number, (address, type_name) in enumerate(rows):
        if number:
            page.locator("#add").click()
        line = page.locator("#rows tbody tr").nth(number)
        line.locator("[data-column=address]").fill(address)
        line.locator("[data-column=type]").fill(type_name)


def shoot(page: Page, name: str, tmp_path: Path) -> None:
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)


def test_from_the_empty_plant_to_the_first_live_value(
    browser: Browser, plant: PlantProcess, tmp_path: Path
) -> None:
    with libmodbus_server() as port, page_of(browser, plant) as page:
        expect(page.locator("#machines")).to_contain_text("No machine yet")
        fill(page, "press", port, ("hr:7", "uint16"), ("40012", "uint16"))
        page.locator("#test").click()
        rows = page.locator("#trial-rows tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_contain_text("00 07")
        expect(rows.nth(1).locator("td.number").first).to_have_text("11")
        expect(page.locator("#trial")).to_contain_text("2 tags in 1 request")
        expect(page.locator("#trial")).to_contain_text("One round will take about")
        shoot(page, "connect-tested", tmp_path)
        page.locator("#look").click()
        expect(page.locator("#preview")).to_contain_text('+host = "127.0.0.1"')
        page.locator("#save").click()
        first = page.locator("#first-values tbody tr")
        expect(first.nth(0).locator("td")).to_have_text("7")
        expect(first.nth(1).locator("td")).to_have_text("11")
        expect(page.locator("#machines")).to_contain_text("press")
        expect(page.locator("#versions tbody tr").first).to_contain_text("devices/press.toml")
        shoot(page, "connect-saved", tmp_path)
    assert (plant.folder / "devices" / "press.toml").is_file()
    assert b"p/press/hr-7" in (plant.folder / "tags" / "press.csv").read_bytes()


def test_the_word_order_helper_finds_the_right_order(
    browser: Browser, plant: PlantProcess, tmp_path: Path
) -> None:
    with libmodbus_server(None, "update", 600_000) as port, page_of(browser, plant) as page:
        fill(page, "meter", port, ("hr:200", "float32@CDAB"))
        page.locator("#test").click()
        page.get_by_role("button", name="Other readings of p/meter/hr-200").click()
        readings = page.locator(".reading")
        expect(readings.first).to_have_attribute("data-type", "float32")
        expect(readings.first).to_contain_text("100")
        shoot(page, "connect-order", tmp_path)
        page.locator("#expected").fill("17096")  # the first register alone
        expect(readings.first).not_to_have_attribute("data-type", "float32")
        page.locator("#expected").fill("100")
        expect(readings.first).to_have_attribute("data-type", "float32")
        readings.first.click()
        expect(page.locator("[data-column=type]").first).to_have_value("float32")
        expect(page.locator("#trial-rows td.number").first).to_have_text("100")


def test_a_wrong_host_is_said_in_plain_words(browser: Browser, plant: PlantProcess) -> None:
    with socket.socket() as taken, page_of(browser, plant) as page:
        taken.bind(("127.0.0.1", 0))  # and listens not: nobody else gets this port meanwhile
        port = int(taken.getsockname()[1])
        fill(page, "press", port, ("hr:0", "uint16"))
        page.locator("#test").click()
        fault = page.locator("#trial .fault")
        expect(fault).to_contain_text(
            f"No connection to 127.0.0.1:{port}: nothing listens on this port"
        )
        page.goto("/connect?lang=zh")
        page.locator("input[value=modbus]").check()
        page.locator("#name").fill("press")
        page.locator("#field-host").fill("127.0.0.1")
        page.locator("#field-port").fill(str(port))
        page.locator("[data-column=address]").fill("hr:0")
        page.locator("[data-column=type]").fill("uint16")
        page.locator("#test").click()
        expect(page.locator("#trial .fault")).to_contain_text(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("#field-port", "99999", "port is 99999 and must be at most 65535"),
        ("#field-unit_id", "x", "unit_id is 'x' and must be a whole number"),
        ("#field-host", "", "write either host or serial"),
        ("#name", "../evil", "cannot be the name of a device"),
        ("[data-column=address]", "hr:99999", "outside the 65536 addresses"),
        ("[data-column=path]", "a//b", "is not a tag path"),
    ],
)
def test_saving_is_refused_where_the_file_would_be(
    browser: Browser, plant: PlantProcess, field: str, value: str, said: str
) -> None:
    with page_of(browser, plant) as page:
        fill(page, "press", 502, ("hr:0", "uint16"))
        page.locator(field).first.fill(value)
        page.locator("#save").click()
        expect(page.locator("#fault")).to_contain_text(said)
        assert not list((plant.folder / "devices").iterdir())


def test_a_machine_is_edited_and_removed_and_both_are_undone(
    browser: Browser, tmp_path: Path
) -> None:
    folder = write_plant(tmp_path / "p", configuration="trial_s = 3")
    with libmodbus_server() as port:
        write_device(folder, "press", "modbus", host="127.0.0.1", port=port, interval_ms=100)
        write_tags(folder, "press", "p/press/a,hr:3,uint16")
        with plant_process(folder) as plant:
            plant.wait_last("p/press/a", lambda row: row["value"] == 3)
            with page_of(browser, plant) as page:
                page.get_by_role("button", name="Edit press").click()
                expect(page.locator("#name")).to_have_value("press")
                page.locator("[data-column=address]").first.fill("hr:4")
                page.locator("#save").click()
                plant.wait_last("p/press/a", lambda row: row["value"] == 4)
                page.on("dialog", lambda dialog: dialog.accept())
                page.get_by_role("button", name="Remove press").click()
                expect(page.locator("#machines")).to_contain_text("No machine yet")
                assert not (folder / "devices" / "press.toml").exists()
                page.get_by_role("button", name="Difference of version 3").click()
                expect(page.locator(".of-version")).to_contain_text("-protocol")
                page.get_by_role("button", name="Undo version 3").click()
                expect(page.locator("#machines")).to_contain_text("press")
                page.get_by_role("button", name="Undo version 2").click()
                plant.wait_last("p/press/a", lambda row: row["value"] == 3)
                shoot(page, "connect-versions", tmp_path)


def test_a_scan_wants_consent_and_finds_who_listens(browser: Browser, plant: PlantProcess) -> None:
    with page_of(browser, plant) as page:
        page.locator("input[value=modbus]").check()
        page.locator("#finding summary").click()
        page.locator("#range").fill("127.0.0.1")
        page.locator("#scan").click()
        expect(page.locator("#fault")).to_contain_text("Nobody agreed")
        page.locator("#consent").check()
        page.locator("#range").fill("8.8.8.8")
        page.locator("#scan").click()
        expect(page.locator("#fault")).to_contain_text("not in a private network")


def publish_retained(port: int, topic: str, payload: str) -> None:
    """In a thread of its own, since this one has the browser's event loop."""

    async def publish() -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.publish(topic, payload, retain=True)

    thread = threading.Thread(target=lambda: asyncio.run(publish()))
    thread.start()
    thread.join(10)


def test_a_brokers_values_are_browsed_chosen_and_read(
    browser: Browser, plant: PlantProcess, tmp_path: Path
) -> None:
    port = free_port()
    with mosquitto(tmp_path, port), page_of(browser, plant) as page:
        publish_retained(port, "hall/<b>oven</b>", json.dumps({"temperature": 231.5}))
        page.locator("input[value=mqtt]").check()
        page.locator("#name").fill("gateway")
        page.locator("#field-host").fill("127.0.0.1")
        page.locator("#field-port").fill(str(port))
        page.get_by_text("More settings").click()
        page.locator("#field-browse_s").fill("0.5")
        page.locator("#browsing summary").click()
        page.locator("#browse").click()
        found = page.locator("#browsed tbody tr")
        expect(found).to_have_count(1)
        expect(found).to_contain_text("hall/<b>oven</b>")
        expect(found).to_contain_text("231.5")
        assert page.locator("#browsed b").count() == 0
        found.get_by_role("checkbox").check()
        page.get_by_role("button", name="Take the chosen").click()
        page.locator("#test").click()
        expect(page.locator("#trial-rows")).to_contain_text("231.5")
        shoot(page, "connect-mqtt", tmp_path)
        page.locator("#save").click()
        expect(page.locator("#first-values td")).to_have_text("231.5")


def test_the_page_speaks_chinese_and_is_dark_where_wanted(
    browser: Browser, plant: PlantProcess, tmp_path: Path
) -> None:
    with page_of(browser, plant, "zh-CN") as page:
        page.emulate_media(color_scheme="dark")
        page.locator("input[value=opcua]").check()
        expect(page.locator("#fields")).to_contain_text("安全策略")
        expect(page.locator("#fields")).to_contain_text("服务器必须支持该策略。")
        page.get_by_text("更多设置").click()
        for label in page.locator("#more label, #fields label").all_inner_texts():
            assert re.search(r"[\u4e00-\u9fff]", label), label
        shoot(page, "connect-zh-dark", tmp_path)


def test_a_machine_of_very_many_tags_is_edited_without_touching_them(
    browser: Browser, tmp_path: Path
) -> None:
    folder = write_plant(tmp_path / "p")
    write_device(folder, "big", "modbus", host="127.0.0.1", port=free_port())
    write_tags(folder, "big", *(f"p/big/t{n},hr:{n},uint16" for n in range(2001)))
    table = (folder / "tags" / "big.csv").read_bytes()
    with plant_process(folder) as plant, page_of(browser, plant) as page:
        page.get_by_role("button", name="Edit big").click()
        expect(page.locator("#many")).to_be_visible()
        page.locator("#field-unit_id").fill("9")
        page.locator("#save").click()
        expect(page.locator("#versions tbody tr")).to_have_count(2)
        assert "unit_id = 9" in (folder / "devices" / "big.toml").read_text()
        assert (folder / "tags" / "big.csv").read_bytes() == table
