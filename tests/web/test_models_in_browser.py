"""The page of a model in a real browser: judged, compared, sent to plants that are ticked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from lianji.node.folder import PlantFolder
from lianji.node.models import PlantModels
from tests.learn.models.world import draft
from tests.web.chromium import chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import MemoryPlant
from tests.web.test_models import folder, models  # noqa: F401 - fixtures

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_model_is_compared_and_sent(
    browser: Browser,
    plant: MemoryPlant,
    models: PlantModels,  # noqa: F811
    folder: PlantFolder,  # noqa: F811
) -> None:
    plant.plants.add("park1")
    models.register(draft(), "li", {})
    models.register(draft(algorithm="trees"), "li", {})
    models.sign("nox", 2, "li")
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        wrong = strict(page)
        page.goto("/models?lang=en")
        page.get_by_role("link", name="nox").click()
        page.wait_for_url("**/models/nox")
        page.get_by_role("link", name="Compare with version 1").click()
        expect(page.locator("#differences tbody tr")).to_have_count(1)
        expect(page.locator("#differences")).to_contain_text("trees")
        with page.expect_download() as told:
            page.locator("#download").click()
        assert told.value.suggested_filename == "nox-2.bundle"
        button = page.get_by_role("button", name="Send to plants")
        button.click()
        expect(page.locator("#send-said")).to_have_text("Choose a plant.")
        page.get_by_label("park1", exact=True).check()
        button.click()
        expect(page.locator("#send-said")).to_have_text("Told: park1.")
        page.reload()
        expect(page.locator("#sendings tbody tr")).to_have_count(1)
        expect(page.locator("#sendings")).to_contain_text("waiting")
        page.get_by_label("dairy").check()
        button.click()
        expect(page.locator("#send-said")).to_contain_text("The hub has no edge")
        assert [one for one in wrong if "404" not in one] == []
