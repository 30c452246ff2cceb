"""A year of minutes on a chart 2,000 pixels wide: from the click to the drawing.

The plant is the worst that there is: a year that came in a minute, each day in a file of its own.
While other tests run beside this one a clock says little; so what the server did counts by its
processor time, and what the browser did by the clock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from lianji.base.clock import now_us
from tests.peers import wait_until
from tests.system.plant import PlantProcess, plant_process, write_plant
from tests.web.chromium import chromium, looking_at

pytestmark = pytest.mark.system

MINUTES = 365 * 1440
TAG = "p/line/machine/power"
PIXELS = 2_000
DRAWN_MS_MAX = 300
TRIES = 8
CLICKED = """range => new Promise(drawn => {
  performance.clearMarks();
  performance.clearResourceTimings();
  const began = performance.now();
  document.querySelector(`[data-range="${range}"]`).click();
  const look = () => {
    const at = name => performance.getEntriesByName(name)[0]?.startTime - began;
    if (!(at("chart-drawn") >= 0)) return requestAnimationFrame(look);
    const asked = performance.getEntriesByType("resource").find(e => e.name.includes("/api/plot"));
    requestAnimationFrame(() => drawn({
      server_ms: asked.responseStart - asked.requestStart,
      answered_ms: at("chart-answered"),
      computed_ms: at("chart-drawn"),
      painted_ms: performance.now() - began,
      points: lianjiChart.data[0].length,
      pixels: lianjiChart.width,
      bytes: asked.encodedBodySize,
    }));
  };
  look();
})"""

SETTLED = """() => performance.getEntriesByType("resource")
  .some(({ name }) => name.includes("/api/aggregate"))"""
"""The figures of the window, asked for after the drawing, are there: the server rests."""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantProcess]:
    folder = write_plant(tmp_path_factory.mktemp("year") / "plant")
    with plant_process(folder) as plant:
        end_us = now_us() // 60_000_000 * 60_000_000
        times = end_us - np.arange(MINUTES, 0, -1) * 60_000_000
        values = np.round(
            100
            + 40 * np.sin(np.arange(MINUTES) / 229)
            + np.random.default_rng(1).normal(0, 5, MINUTES),
            2,
        )
        for first in range(0, MINUTES, 50_000):
            some = zip(
                times[first : first + 50_000].tolist(),
                values[first : first + 50_000].tolist(),
                strict=True,
            )
            lines = "".join(f"p/line/machine power={value} {time}000\n" for time, value in some)
            assert plant.write(lines).status_code == 204
        wait_until(lambda: plant.status()["history"]["rows"] == MINUTES, 60, "the year is in files")
        yield plant


def test_a_year_is_drawn_within_the_time_that_nobody_waits(
    year: PlantProcess, tmp_path: Path
) -> None:
    with (
        chromium() as browser,
        looking_at(
            browser, year.address, viewport={"width": PIXELS + 304, "height": 1000}
        ) as context,
    ):
        page = context.new_page()
        page.goto(f"/chart?tags={TAG}&range=1h&live=0")
        page.wait_for_function("() => globalThis.lianjiChart?.data")
        tries = [_clicked(page, year) for _ in range(TRIES)]
        page.screenshot(path=tmp_path / "year.png")
    for one in tries:
        print(json.dumps({name: round(figure, 1) for name, figure in one.items()}))
    assert tries[0]["pixels"] == pytest.approx(PIXELS, abs=60)
    assert tries[0]["points"] > PIXELS
    spent_ms = [one["cpu_ms"] + one["painted_ms"] - one["server_ms"] for one in tries]
    assert min(spent_ms) < DRAWN_MS_MAX


def _clicked(page: Page, plant: PlantProcess) -> dict[str, Any]:
    page.evaluate(CLICKED, "1h")
    page.wait_for_function(SETTLED)
    before_ms = _cpu_ms(plant)
    figures: dict[str, Any] = page.evaluate(CLICKED, "365d")
    figures["cpu_ms"] = _cpu_ms(plant) - before_ms
    page.wait_for_function(SETTLED)
    return figures


def _cpu_ms(plant: PlantProcess) -> float:
    """Of the plant's process alone, user and system: proc(5)."""
    assert plant.child is not None
    fields = Path(f"/proc/{plant.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return 1000 * sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
