"""The page of an experiment in a browser: the charts are drawn, in every theme, and say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lianji.learn.experiments import Experiments
from lianji.node.experiments import PlantExperiments
from lianji.node.folder import PlantFolder
from tests.web.chromium import INK, chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import MemoryPlant

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_runs_are_drawn_compared_and_sorted(
    browser: Browser, plant: MemoryPlant, tmp_path: Path
) -> None:
    folder = PlantFolder(tmp_path / "plant")
    plant.experiments = PlantExperiments(folder)
    for name, depth in (("a", 4), ("b", 6), ("c", 8)):
        with Experiments(folder.experiments).begin(
            "kiln", run=name, parameters={"depth": depth, "seed": 1}
        ) as run:
            for step in range(40):
                run.log_metrics({"loss": 5 / (step + depth), "r2": step / 50}, step)
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        page.goto("/experiments/kiln")
        charts = page.locator(".metric-charts .canvas canvas")
        expect(charts).to_have_count(2)
        assert all(chart.evaluate(INK) > 2000 for chart in charts.all())
        assert page.locator("#comparison tbody .swatch").count() == 3
        page.screenshot(path=tmp_path / "experiment.png", full_page=True)
        page.get_by_role("link", name="loss").click()
        expect(page.locator("#comparison tbody tr").first).to_contain_text("c")
        expect(page.get_by_role("columnheader", name="loss")).to_have_attribute(
            "aria-sort", "ascending"
        )
        for name in ("a", "b"):
            page.get_by_role("checkbox", name=name, exact=True).check()
        page.get_by_role("button", name="Compare the chosen").click()
        expect(page.locator("#comparison tbody tr")).to_have_count(2)
        page.get_by_role("link", name="b", exact=True).click()
        expect(page.locator("#facts")).to_contain_text("done")
        expect(page.locator(".metric-charts canvas")).to_have_count(2)
        page.screenshot(path=tmp_path / "run.png", full_page=True)
        assert wrong == []
