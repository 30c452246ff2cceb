"""Data sets over HTTP and on their pages: of the whole plant, so not for who sees a part of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from lianji.web.access.access import OpenAccess
from lianji.web.access.client import Client
from lianji.web.access.roles import OPEN, Identity
from lianji.web.access.sites import Sites
from lianji.web.app import create_app
from tests.learn.datasets.world import SPEC, SPLIT, World, minutes, signals
from tests.web.plant import MemoryPlant


@pytest.fixture
def world(tmp_path: Path, plant: MemoryPlant) -> World:
    world = World(tmp_path / "plant")
    plant.datasets = world.sets
    return world


def made(world: World) -> None:
    values = signals()
    values["plant/flow"][3000:3100] = 7
    for path, column in values.items():
        world.put(path, minutes(), column)
    world.spec("yield", SPEC + 'tags = ["plant/*"]\ntarget = "plant/yield"\n' + SPLIT)
    world.make("yield")


async def test_the_navigation_tells_of_data_sets_if_there_are_any(
    world: World, client: httpx.AsyncClient
) -> None:
    assert "/datasets" not in (await client.get("/status")).text
    assert "lianji dataset make" in (await client.get("/datasets?lang=en")).text
    made(world)
    assert 'href="/datasets"' in (await client.get("/status")).text


async def test_a_version_and_its_report(world: World, client: httpx.AsyncClient) -> None:
    made(world)
    [one] = (await client.get("/api/datasets")).json()["datasets"]
    assert (one["name"], one["version"]) == ("yield", 1)
    found = (await client.get("/api/datasets/yield")).json()
    assert found["manifest"] == one
    assert [finding["code"] for finding in found["report"]["findings"]] == ["stuck"]
    assert found["versions"] == [1]


async def test_the_pages_speak_both_languages(world: World, client: httpx.AsyncClient) -> None:
    made(world)
    listed = (await client.get("/datasets?lang=en")).text
    assert 'href="/datasets/yield"' in listed
    english = (await client.get("/datasets/yield?lang=en")).text
    assert "It stood still for 100 rows" in english
    chinese = (await client.get("/datasets/yield?lang=zh")).text
    assert "连续 100 行不变" in chinese
    assert "训练" in chinese


async def test_the_changes_of_a_version_are_shown(world: World, client: httpx.AsyncClient) -> None:
    made(world)
    world.put("plant/flow", minutes(3), np.full(3, 9.5))
    world.make("yield")
    assert "3 sample(s) were corrected" in (await client.get("/datasets/yield?lang=en")).text
    older = (await client.get("/datasets/yield?lang=en&version=1")).text
    assert "were corrected" not in older


@pytest.mark.parametrize("path", ["nothing", "yield?version=9", "..%2f..", "yield?version=0"])
async def test_what_is_not_there_is_told(
    world: World, client: httpx.AsyncClient, path: str
) -> None:
    made(world)
    answer = await client.get(f"/api/datasets/{path}")
    assert answer.status_code in (400, 404)
    assert (await client.get(f"/datasets/{path}")).status_code in (400, 404)


class Limited(OpenAccess):
    """Everybody sees the plant's own site, and may do there whatever they like."""

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        return replace(OPEN, sites=Sites.of("plant"))


async def test_who_sees_some_sites_sees_no_data_set(world: World, plant: MemoryPlant) -> None:
    made(world)
    transport = httpx.ASGITransport(app=create_app(plant, Limited()))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        for path in ("/datasets", "/datasets/yield", "/api/datasets", "/api/datasets/yield"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "plant/flow" not in answer.text
        assert 'href="/datasets"' not in (await client.get("/status")).text
