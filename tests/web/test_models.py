"""Models over HTTP and on their pages; a hub's engineers send signed ones to its plants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from lianji.learn.models.bundle import unpack
from lianji.learn.models.card import Card
from lianji.learn.models.comparing import UNLIKE
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from lianji.node.models import PlantModels
from lianji.node.telling import messages_of
from lianji.relay.trust.certificates import new_key, request_of
from lianji.web.access.access import OpenAccess
from lianji.web.access.client import Client
from lianji.web.access.roles import OPEN, Identity
from lianji.web.access.sites import Sites
from lianji.web.app import create_app
from lianji.web.locale import TEXTS
from tests.learn.models.world import draft
from tests.web.plant import MemoryPlant
from tests.web.plants import MemoryPlants

METRICS = [{"name": "MAE", "value": 3.1, "baseline": 11.1, "unit": "mg/m3", "on": "2014-15"}]
DATASET = {"name": "gt", "version": 3, "hash": "abc"}


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    """A hub that park1 has joined."""
    folder = PlantFolder(tmp_path / "hub")
    create_hub(folder, "north")
    with edges_of(folder) as edges:
        edges.admit(edges.invite("park1", ["park1"]), request_of(new_key(), "park1"), "park1")
    return folder


@pytest.fixture
def models(folder: PlantFolder, plant: MemoryPlant) -> PlantModels:
    plant.models = models = PlantModels(folder)
    plant.plants = MemoryPlants()
    return models


def registered(models: PlantModels, signed: bool = True) -> None:
    models.register(draft(metrics=METRICS, dataset=DATASET, licence="in-house"), "li", {"run": "7"})
    if signed:
        models.sign("nox", None, "li")


async def test_the_navigation_tells_of_models_if_there_are_any(
    models: PlantModels, client: httpx.AsyncClient
) -> None:
    assert 'href="/models"' not in (await client.get("/status")).text
    assert "lianji model register" in (await client.get("/models?lang=en")).text
    registered(models)
    assert 'href="/models"' in (await client.get("/status")).text


async def test_a_version_goes_from_draft_to_signed_to_sent(
    models: PlantModels, client: httpx.AsyncClient, folder: PlantFolder
) -> None:
    registered(models, signed=False)
    draft = (await client.get("/api/models/nox")).json()
    assert (draft["stage"], draft["signature"], draft["artefacts"]) == ("draft", None, {"run": "7"})
    for refused in (
        await client.get("/api/models/nox/bundle"),
        await client.post("/api/models/nox/send", json={"edges": ["park1"]}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (400, "model-unsigned")
    models.sign("nox", None, "li")
    signed = (await client.get("/api/models/nox")).json()
    assert (signed["stage"], signed["signature"]["owner"]) == ("signed", "north")
    taken = await client.get("/api/models/nox/bundle")
    assert 'filename="nox-1.bundle"' in taken.headers["Content-Disposition"]
    assert unpack(taken.content, models.trusted().keys)[0].name == "nox@1"
    sent = await client.post("/api/models/nox/send", json={"edges": ["park*"]})
    assert sent.json() == {"edges": ["park1"]}
    [row] = (await client.get("/api/models")).json()["models"]
    assert (row["stage"], row["card"]["metrics"][0]["baseline"]) == ("sent", 11.1)
    [sending] = (await client.get("/api/models/nox")).json()["sendings"]
    assert (sending["edge"], sending["state"]) == ("park1", "queued")
    with messages_of(folder) as messages:
        [message] = messages.all()
        assert (message.kind, message.name) == ("bundle", "nox")
        content = messages.content("park1", message.id).read_bytes()
        reason = {"code": "no", "cause": {"en": "Too old.", "zh": "太旧。"}}
        told = {"id": message.id, "state": "refused", "reason": reason}
        messages.answered("park1", [told])
    assert content == taken.content
    page = (await client.get("/models/nox?lang=zh")).text
    assert "太旧。" in page
    assert "被拒绝" in page


async def test_a_newer_version_was_sent_nowhere_yet(
    models: PlantModels, client: httpx.AsyncClient
) -> None:
    registered(models)
    await client.post("/api/models/nox/send", json={"edges": ["park1"], "version": 1})
    registered(models)
    found = (await client.get("/api/models/nox")).json()
    assert [(one["card"]["version"], one["stage"]) for one in found["versions"]] == [
        (2, "signed"),
        (1, "sent"),
    ]
    assert found["sendings"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"edges": []}, 400),
        ({}, 400),
        ({"edges": ["nobody"]}, 404),
        ({"edges": ["park1"], "version": 9}, 404),
        ({"edges": ["park1"], "version": 0}, 400),
    ],
)
async def test_what_cannot_be_sent_is_told(
    models: PlantModels, client: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    registered(models)
    answer = await client.post("/api/models/nox/send", json=body)
    assert answer.status_code == status
    assert {"code", "cause", "remedy"} <= answer.json().keys()
    assert (await client.get("/api/models/nox")).json()["stage"] == "signed"


async def test_the_pages_show_the_card_in_both_languages(
    models: PlantModels, client: httpx.AsyncClient
) -> None:
    registered(models)
    listed = (await client.get("/models?lang=en")).text
    assert 'href="/models/nox"' in listed
    assert "MAE 3.1 mg/m3" in " ".join(listed.split())
    english = (await client.get("/models/nox?lang=en")).text
    for words in ("gt/a", "0 … 10", "Cel", "-5 … 50", "better", "in-house",
                  "/datasets/gt?version=3", "Download the bundle", "north", 'id="send"',
                  'value="park0000"'):  # fmt: skip
        assert words in english, words
    assert 'value="depot"' not in english, "it was shut out"
    chinese = (await client.get("/models/nox?lang=zh")).text
    for words in ("软测量", "适用范围", "优", "下载模型包", "下发到工厂"):
        assert words in chinese, words


async def test_two_versions_are_compared(models: PlantModels, client: httpx.AsyncClient) -> None:
    registered(models)
    models.register(draft(algorithm="trees", metrics=METRICS), "li", {})
    page = (await client.get("/models/nox?lang=en&version=2&with=1")).text
    assert "Changes from version 1 to version 2" in page
    assert "<td>linear</td>" in page
    assert "<td>trees</td>" in page
    same = (await client.get("/models/nox?lang=zh&version=2&with=2")).text
    assert "两个模型卡相同" in same
    assert (await client.get("/models/nox?version=2&with=9")).status_code == 404


async def test_a_changed_bundle_is_shown_as_such_and_goes_nowhere(
    models: PlantModels, client: httpx.AsyncClient
) -> None:
    registered(models)
    path = models.registry.get("nox").bundle
    assert path is not None
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    page = (await client.get("/models/nox?lang=en")).text
    assert "This is no model bundle" in page
    assert 'id="send"' not in page
    assert (await client.get("/api/models/nox/bundle")).json()["code"] == "bundle-unreadable"
    sent = await client.post("/api/models/nox/send", json={"edges": ["park1"]})
    assert sent.json()["code"] == "bundle-unreadable"


async def test_a_damaged_model_is_told_beside_the_others(
    models: PlantModels, client: httpx.AsyncClient
) -> None:
    registered(models)
    models.register(draft(name="bad"), "li", {})
    (models.registry.folder / "bad" / "1" / "card.json").unlink()
    found = (await client.get("/api/models")).json()
    assert [one["card"]["name"] for one in found["models"]] == ["nox"]
    assert [one["code"] for one in found["damaged"]] == ["model-damaged"]
    assert "card.json is missing" in (await client.get("/models?lang=en")).text
    assert (await client.get("/models/bad")).status_code == 507


@pytest.mark.parametrize("path", ["nothing", "nox?version=9", "..%2f..", "nox?version=0"])
async def test_what_is_not_there_is_told(
    models: PlantModels, client: httpx.AsyncClient, path: str
) -> None:
    registered(models)
    assert (await client.get(f"/api/models/{path}")).status_code in (400, 404)
    assert (await client.get(f"/models/{path}")).status_code in (400, 404)


async def test_where_is_no_hub_nothing_is_sent(
    plant: MemoryPlant, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder = PlantFolder(tmp_path / "plain")
    folder.create("shop", 8460)
    plant.models = models = PlantModels(folder)
    registered(models)
    assert 'id="send"' not in (await client.get("/models/nox")).text
    answer = await client.post("/api/models/nox/send", json={"edges": ["park1"]})
    assert answer.status_code == 404


def test_every_field_of_a_card_and_every_state_has_a_word() -> None:
    fields = {f"models.f_{one}" for one in Card.model_fields if one not in UNLIKE}
    assert {one for one in TEXTS if one.startswith("models.f_")} == fields
    states = {"queued", "sent", "applied", "refused", "expired", "superseded"}
    assert {one for one in TEXTS if one.startswith("models.s_")} == {
        f"models.s_{one}" for one in states
    }


class Limited(OpenAccess):
    """Everybody sees the plant's own site, and may do there whatever they like."""

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        return replace(OPEN, sites=Sites.of("plant"))


async def test_who_sees_some_sites_sees_no_model(models: PlantModels, plant: MemoryPlant) -> None:
    registered(models)
    transport = httpx.ASGITransport(app=create_app(plant, Limited()))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        for path in ("/models", "/models/nox", "/api/models", "/api/models/nox",
                     "/api/models/nox/bundle"):  # fmt: skip
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "gt/a" not in answer.text
        assert 'href="/models"' not in (await client.get("/status")).text
