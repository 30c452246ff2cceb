"""The page of a running model: the button that moves it asks first, and says what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lianji.learn.deployment.stages import Stage
from tests.learn.deployment.models import packed
from tests.web.chromium import chromium, looking_at, strict
from tests.web.conftest import served
from tests.web.plant import MemoryPlant
from tests.web.test_deploying import models

__all__ = ["models"]
pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_model_is_moved_by_its_button(
    models: object, plant: MemoryPlant, browser: Browser, tmp_path: Path
) -> None:
    plant.deploying.take(packed(), "me")
    with served(plant) as (address, _), looking_at(browser, address) as context:
        page = context.new_page()
        faults = strict(page)
        page.set_default_timeout(20_000)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{address}/models/running?lang=en")
        page.get_by_role("link", name="yield@1").click()
        page.get_by_role("button", name="shadow").click()
        assert faults == []
        expect(page.locator("#model b")).to_have_text("shadow", timeout=20_000)
        expect(page.locator("#moves tbody tr")).to_have_count(2, timeout=20_000)
        assert faults == []
        plant.deploying.move("yield", 1, Stage.RETIRED, "another")
        page.get_by_role("button", name="advisory").click()
        expect(page.locator("#move-fault")).to_contain_text(
            "does not become advisory", timeout=20_000
        )
