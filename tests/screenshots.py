"""``python -m tests.screenshots [FOLDER]``: the main pages as pictures, from the demo plant.

Starts the demo in a folder of its own, waits for its month of history, and writes small PNGs, light
in English and dark in Chinese, to docs/images or to the folder that is named.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.peers import REPO, wait_until
from tests.system.plant import PlantProcess, is_good, plant_process
from tests.web.chromium import chromium

IMAGES = REPO / "docs" / "images"
PAST_S_MAX = 300
COUNTERS = "demo/moulding/*/*/shots,demo/moulding/*/*/rejects"
CLIMATE = "demo/moulding/hall/climate"
CHILLER = "demo/utilities/cooling/chiller"


@dataclass(frozen=True, slots=True)
class Shot:
    """A page, what must be there before it is taken, and what is done on it first."""

    name: str
    path: str
    ready: str
    act: Callable[[Page], None] | None = None
    size: tuple[int, int] = (1280, 800)


def _hover(page: Page) -> None:
    box = page.locator("#chart .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.3)


def _edit(page: Page) -> None:
    page.locator("#edit").click()
    page.locator(".tile-number[tabindex]").first.focus()


SHOTS = (
    Shot("overview", "/", ".tile-trend canvas"),
    Shot(
        "chart",
        f"/chart?tags={CLIMATE}/outdoor_temperature,{CLIMATE}/hall_humidity,{CHILLER}/state"
        "&range=7d&live=0&compare=7d",
        "#chart canvas",
        _hover,
    ),
    Shot("status", "/status", "#devices tbody tr"),
    Shot("wall", "/?wall", ".tile-states .stretch", size=(1920, 1080)),
    Shot("dashboard-edit", "/", ".tile-trend canvas", _edit),
)


def main(arguments: list[str]) -> int:
    images = Path(arguments[0]) if arguments else IMAGES
    images.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        plant_process(Path(folder) / "demo", "demo") as plant,
        chromium() as browser,
    ):
        done = plant.folder / "data" / "demo-past-is-filled"
        wait_until(done.exists, PAST_S_MAX, "the demo's past is there")
        wait_until(lambda: _all_good(plant), PAST_S_MAX, "every machine has spoken")
        for language, theme in (("en", "light"), ("zh", "dark")):
            for shot in SHOTS:
                file = images / f"{shot.name}-{language}-{theme}.png"
                _take(browser, plant.address, shot, language, theme, file)
                print(file)
    return 0


def _all_good(plant: PlantProcess) -> bool:
    """Whether no counter is bad any more because its machine was slow to start."""
    rows = plant.get("/api/last", tags=COUNTERS)["rows"]
    return all(is_good(row) for row in rows)


def _take(
    browser: Browser, address: str, shot: Shot, language: str, theme: str, file: Path
) -> None:
    context = browser.new_context(
        base_url=address,
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        viewport={"width": shot.size[0], "height": shot.size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(shot.path)
    page.locator(shot.ready).first.wait_for()
    page.wait_for_function("() => performance.getEntriesByType('resource').length > 3")
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)  # live values and the tiles' own questions
    if shot.act is not None:
        shot.act(page)
        page.wait_for_timeout(300)
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
