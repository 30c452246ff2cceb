"""A hub's plants over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.web.plant import MemoryPlant
from tests.web.plants import MemoryPlants


@pytest.fixture
def hub(plant: MemoryPlant) -> MemoryPlants:
    plant.plants = MemoryPlants()
    plants: MemoryPlants = plant.plants
    return plants


async def test_a_plant_that_is_no_hub_has_no_such_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/hub/plants")).json()["code"] == "hub-none"
    assert (await client.get("/hub")).status_code == 404
    assert "/hub" not in (await client.get("/")).text


async def test_a_site_is_deleted_only_if_it_is_named_twice(
    client: httpx.AsyncClient, hub: MemoryPlants
) -> None:
    url = "/api/hub/sites/mill/delete"
    refused = await client.post(url, json={"confirm": "dairy"})
    assert refused.json()["code"] == "deletion-unconfirmed"
    assert (await client.post(url, json={"confirm": "mill"})).json()["site"] == "mill"
