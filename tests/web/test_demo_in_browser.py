"""The first run's demo, as a person has it: begun by a button, alive, and taken out again."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from lianji.node.folder import PlantFolder
from tests.peers import wait_until
from tests.system.plant import PlantProcess, plant_process, write_plant
from tests.web.access.conftest import PASSWORD
from tests.web.chromium import chromium, looking_at, strict

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def empty_plant(folder: Path) -> Path:
    write_plant(folder)
    site = folder / "lianji.toml"
    site.write_text(site.read_text().replace("open = true", ""))
    return folder


def begin(page: Page) -> None:
    page.goto("/welcome")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()


def simulators(plant: PlantProcess) -> list[int]:
    """The plant's child processes that are the demo's machines."""
    assert plant.child is not None
    pid = plant.child.pid
    ids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(one) for one in ids if b"demo.machines" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]


@contextmanager
def looking(browser: Browser, plant: PlantProcess) -> Iterator[Page]:
    with looking_at(browser, plant.address) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        wrong = strict(page)
        yield page
        assert wrong == []


def test_the_demo_starts_lives_outlives_a_restart_and_goes(
    browser: Browser, tmp_path: Path
) -> None:
    folder = empty_plant(tmp_path / "p")
    with plant_process(folder) as plant:
        with looking(browser, plant) as page:
            begin(page)
            page.screenshot(path=tmp_path / "demo-offered.png")
            page.get_by_role("button", name="Try the demo").click()
            page.wait_for_url(f"{plant.address}/")
            expect(page.locator("#demo-line")).to_contain_text("are a demo")
            number = page.locator(".tile-number b").first
            expect(number).to_have_text(re.compile(r"^-?\d"), timeout=30_000)
            page.screenshot(path=tmp_path / "demo-here.png")
            assert len(simulators(plant)) == 1
            assert (folder / "devices" / "chiller.toml").exists()
            assert (folder / "alarms" / "demo.csv").exists()
            page.goto("/welcome")
            expect(page.get_by_role("button", name="Try the demo")).to_have_count(0)
        plant.stop()
        plant.start()
        wait_until(lambda: len(simulators(plant)) == 1, 30, "the machines run again")
        with looking(browser, plant) as page:
            page.goto("/login?next=/status")
            page.get_by_label("User name").fill("anna")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            expect(page.locator("#devices")).to_contain_text("Running: 5 tags", timeout=60_000)
            page.on("dialog", lambda dialog: dialog.accept())
            page.get_by_role("button", name="Remove the demo").click()
            page.wait_for_url(f"{plant.address}/")
            expect(page.locator("#demo-line")).to_have_count(0)
            assert simulators(plant) == []
            for part in ("devices", "tags", "alarms"):
                assert list((folder / part).iterdir()) == []
            assert not (folder / "data" / "demo.json").exists()
            page.goto("/audit")
            expect(page.locator("#audit")).to_contain_text("removed the demo")


def test_only_an_empty_plant_takes_the_demo_and_only_from_its_own_machine(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "p")
    (folder / "devices" / "own.toml").write_text('protocol = "modbus"\nhost = "127.0.0.1"\n')
    with plant_process(folder) as plant:
        refused = plant.http.post(f"{plant.address}/api/demo")
        assert (refused.status_code, refused.json()["code"]) == (409, "demo-not-empty")
        gone = plant.http.delete(f"{plant.address}/api/demo")
        assert (gone.status_code, gone.json()["code"]) == (404, "demo-missing")
        assert simulators(plant) == []
    closed = empty_plant(tmp_path / "q")
    with plant_process(closed) as plant:
        key = PlantFolder(closed).key
        asked = httpx.post(
            f"{plant.address}/api/demo",
            headers={"Authorization": f"Bearer {key}", "X-Forwarded-For": "192.168.1.9"},
            trust_env=False,
        )
        assert (asked.status_code, asked.json()["code"]) == (403, "demo-only-here")


def test_machines_that_ended_are_told_and_files_edited_since_go_with_the_demo(
    tmp_path: Path,
) -> None:
    folder = write_plant(tmp_path / "p")
    with plant_process(folder) as plant:
        assert plant.http.post(f"{plant.address}/api/demo", timeout=60).status_code == 200
        (pid,) = simulators(plant)
        os.kill(pid, signal.SIGKILL)

        def told() -> bool:
            return any(one["code"] == "demo-ended" for one in plant.status()["problems"])

        wait_until(told, 30, "that the machines have ended")
        machine = plant.get("/api/machines/dryer")["machine"]
        machine["fields"]["interval_ms"] = 2000
        saved = plant.http.post(
            f"{plant.address}/api/machines", json={"machine": machine, "force": True}
        )
        assert saved.status_code == 200
        assert plant.http.delete(f"{plant.address}/api/demo", timeout=60).status_code == 200
        assert not told()
        assert plant.get("/api/machines")["machines"] == []
        for part in ("devices", "tags", "alarms"):
            assert list((folder / part).iterdir()) == []
