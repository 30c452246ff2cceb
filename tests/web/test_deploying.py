"""Running models over HTTP and on their pages, both languages, and who may move them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from lianji.dictionary.tag import Tag
from lianji.learn.deployment.stages import Stage
from lianji.web.app import create_app
from tests.learn.deployment.models import TRUSTED, card, packed
from tests.learn.deployment.test_runtime import Edge, live, soft
from tests.web.models import Models
from tests.web.plant import MemoryPlant
from tests.web.test_datasets import Limited

TAGS = [
    Tag(path="plant/temperature", device="plc", unit="Cel"),
    Tag(path="plant/flow", device="plc", unit="m3/h"),
    Tag(path="plant/lab", unit="%"),
]


@pytest.fixture
def models(tmp_path: Path, plant: MemoryPlant) -> Models:
    root = tmp_path / "plant"
    (root / "models").mkdir(parents=True)
    (root / "tags").mkdir()
    [(key, owner)] = TRUSTED.items()
    (root / "models" / "trusted.txt").write_text(f"{key} {owner}\n")
    models = Models(root, lambda: TAGS)
    plant.deploying = models
    return models


@pytest.fixture
def doubted(models: Models) -> Models:
    """One that runs, drifts, and has learnt from labels."""
    inputs = [one.model_dump() | {"unit": "Cel"} for one in soft().inputs]
    inputs[1]["unit"] = inputs[2]["unit"] = "m3/h"
    output = soft().outputs[0].model_dump() | {"unit": "%", "title_zh": "收率"}
    of = soft(inputs=inputs, outputs=[output])
    models.take(packed(of), "me")
    models.move("yield", 1, Stage.SHADOW, "me")
    edge = Edge()
    one = edge.add(of, Stage.SHADOW)
    live(edge, one, 0, 100)
    models.running[one.name] = one
    return models


BASE = "/api/models/running"


async def test_a_bundle_is_taken_and_moved(models: Models, client: httpx.AsyncClient) -> None:
    assert "/models/running" not in (await client.get("/status")).text
    assert "lianji deploy FILE" in (await client.get("/models/running?lang=en")).text
    taken = await client.post(BASE, content=packed())
    assert (taken.status_code, taken.json()["stage"]) == (200, "staged")
    assert 'href="/models/running"' in (await client.get("/status")).text
    where = f"{BASE}/yield/1/stage"
    assert (await client.post(where, json={"stage": "shadow"})).json()["stage"] == "shadow"
    refused = await client.post(where, json={"stage": "active"})
    assert (refused.status_code, refused.json()["code"]) == (409, "model-move")
    [one] = (await client.get(BASE)).json()["models"]
    assert [move["new"] for move in one["moves"]] == ["shadow", "staged"]
    assert one == (await client.get(f"{BASE}/yield/1")).json()


async def test_what_is_wrong_is_told(models: Models, client: httpx.AsyncClient) -> None:
    answer = await client.post(BASE, content=b"nothing")
    assert (answer.status_code, answer.json()["code"]) == (400, "bundle-unreadable")
    assert (await client.get(f"{BASE}/yield/1")).status_code == 404
    assert (await client.get("/models/running/yield/1")).status_code == 404
    assert (await client.get("/models/running/yield/0")).status_code == 400
    moved = await client.post(f"{BASE}/yield/1/stage", json={"stage": "shadow"})
    assert moved.status_code == 404
    await client.post(BASE, content=packed())
    wrong = await client.post(f"{BASE}/yield/1/stage", json={"stage": "upstairs"})
    assert wrong.status_code == 400


async def test_the_pages_show_a_doubted_model(doubted: Models, client: httpx.AsyncClient) -> None:
    [one] = (await client.get(BASE)).json()["models"]
    assert [alarm["kind"] for alarm in one["alarms"]] == ["bias"]
    assert one["outputs"][0]["labels"] > 50
    english = (await client.get("/models/running?lang=en")).text
    assert "the mean residual is" in english
    detail = (await client.get("/models/running/yield/1?lang=zh")).text
    for words in ("影子", "平均残差", "收率", "训练范围", 'data-stage="advisory"', "<polyline"):
        assert words in detail
    assert "plant/models/yield/shadow/yield" in detail


async def test_who_sees_some_sites_sees_no_model(models: Models, plant: MemoryPlant) -> None:
    models.take(packed(), "me")
    transport = httpx.ASGITransport(app=create_app(plant, Limited()))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        for path in ("/models/running", "/models/running/yield/1", BASE, f"{BASE}/yield/1"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "plant/flow" not in answer.text
        assert (await client.post(BASE, content=packed())).status_code == 403


def test_what_a_model_may_write_is_in_a_table(models: Models, tmp_path: Path) -> None:
    models.take(packed(), "me")
    models.take(packed(card(version=2)), "me")
    table = (tmp_path / "plant" / "tags" / "models.csv").read_text("utf-8-sig")
    for path in ("plant/soft/yield", "plant/models/yield/shadow/yield"):
        assert table.count(f"{path},") == 1
