"""Jobs over HTTP and on their page: what may be seen, submitted and stopped, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from lianji.base.state import State, url_of
from lianji.learn.jobs.settings import JobsSettings
from lianji.node.folder import PlantFolder
from lianji.node.jobs import PlantJobs
from lianji.web.access.access import OpenAccess
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import Client
from lianji.web.access.roles import BY_ROLE, OPEN, Identity, Role
from lianji.web.access.sites import Sites
from lianji.web.app import create_app
from tests.learn.jobs.queue import Queue
from tests.web.plant import MemoryPlant


class World:
    def __init__(self, folder: Path) -> None:
        self.state = State(url_of(folder))
        settings = JobsSettings(cpus=1, memory_mb=2000, nice=0)
        self.queue = Queue(folder, self.state, settings)
        self.jobs = PlantJobs(PlantFolder(folder), lambda: self.state, None)
        self.jobs.settings = settings
        (folder / "training" / "load.toml").write_text("")


@pytest.fixture
def world(tmp_path: Path, plant: MemoryPlant) -> Iterator[World]:
    world = World(tmp_path / "plant")
    plant.jobs = world.jobs
    yield world
    world.queue.runner.close()
    world.state.close()


async def test_the_navigation_tells_of_jobs_if_there_are_any(
    world: World, client: httpx.AsyncClient
) -> None:
    assert 'href="/jobs"' not in (await client.get("/status")).text
    assert (await client.get("/api/jobs")).json() == {"jobs": [], "tenants": [], "specs": ["load"]}
    assert (await client.get("/api/jobs/12345678")).status_code == 404
    assert (await client.post("/api/jobs", json={"spec": "load"})).status_code == 200
    assert 'href="/jobs"' in (await client.get("/status")).text


async def test_a_training_is_submitted_shown_and_stopped(
    world: World, client: httpx.AsyncClient
) -> None:
    asked = {"spec": "load", "priority": 3, "memory_mb": 300}
    made = (await client.post("/api/jobs", json=asked)).json()
    assert (made["kind"], made["name"], made["priority"]) == ("train", "load", 3)
    assert made["arguments"]["spec"].endswith("training/load.toml")
    shown = (await client.get("/api/jobs")).json()
    assert [one["id"] for one in shown["jobs"]] == [made["id"]]
    assert shown["jobs"][0]["waits_en"] == "It is about to start."
    assert [(one["name"], one["queued"]) for one in shown["tenants"]] == [("plant", 1)]
    stopped = await client.post(f"/api/jobs/{made['id']}/stop")
    assert stopped.json()["state"] == "stopped"
    again = await client.post(f"/api/jobs/{made['id']}/stop")
    assert (again.status_code, again.json()["code"]) == (400, "job-ended")


async def test_progress_and_the_log_are_seen_while_it_runs(
    world: World, client: httpx.AsyncClient
) -> None:
    queue = world.queue
    world.jobs.submit({"function": "tried:train", "arguments": {"steps": 900}}, "ann")
    [id] = [row.id for row in queue.store.listed()]
    queue.further(300)
    queue.until_reached(id)
    queue.until(lambda: queue.row(id).metrics != {} and queue.row(id).memory_bytes > 0)
    row = (await client.get(f"/api/jobs/{id}")).json()
    world.jobs.submit_training("load", {}, "ann")
    waiting = next(one for one in world.jobs.listed() if one.state == "queued")
    assert (waiting.waits_en, waiting.waits_zh) == ("It waits for room.", "等待空闲资源。")
    assert row["state"] == "running" and 0 < row["done"] < row["of"] == 900
    assert "handle" not in row
    log = (await client.get(f"/api/jobs/{id}/log")).json()
    assert "from step 0" in log["text"]
    more = (await client.get(f"/api/jobs/{id}/log", params={"start": log["end"]})).json()
    assert more == {"text": "", "end": log["end"]}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"spec": "nothing"}, "training-spec-unknown"),
        ({"spec": "../lianji"}, "training-spec-unknown"),
        ({"spec": "load", "tenant": "others"}, "job-tenant-unknown"),
        ({"spec": "load", "priority": 101}, "job-invalid"),
        ({"spec": "load", "cpus": 64}, "job-too-large"),
        ({"spec": "load", "device": "cuda"}, "job-too-large"),
        ({"spec": "load", "function": "os:abort"}, "request-invalid"),
        ({"function": "os:abort"}, "request-invalid"),
    ],
)
async def test_what_cannot_run_is_refused(
    world: World, client: httpx.AsyncClient, asked: dict[str, object], code: str
) -> None:
    answer = await client.post("/api/jobs", json=asked)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert world.jobs.listed() == []


async def test_the_page_speaks_both_languages(world: World, client: httpx.AsyncClient) -> None:
    assert "Training specification" in (await client.get("/jobs?lang=en")).text
    assert "训练规格" in (await client.get("/jobs?lang=zh")).text


class Looked(OpenAccess):
    """Everybody is one and the same."""

    def __init__(self, who: Identity, accounts: Accounts | None = None) -> None:
        super().__init__(accounts)
        self.who = who

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        return self.who


def as_(plant: MemoryPlant, who: Identity, accounts: Accounts | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(plant, Looked(who, accounts)))
    return httpx.AsyncClient(transport=transport, base_url="http://plant")


async def test_who_may_only_look_neither_submits_nor_stops(
    world: World, plant: MemoryPlant
) -> None:
    id = world.queue.submit("endless")
    who = replace(OPEN, role=Role.OPERATOR, may=BY_ROLE[Role.OPERATOR])
    async with as_(plant, who) as client:
        assert (await client.get("/api/jobs")).status_code == 200
        assert 'id="train"' not in (await client.get("/jobs")).text
        assert (await client.post("/api/jobs", json={"spec": "load"})).status_code == 403
        assert (await client.post(f"/api/jobs/{id}/stop")).status_code == 403
    assert world.queue.row(id).state == "queued"


async def test_who_sees_some_sites_sees_no_job(world: World, plant: MemoryPlant) -> None:
    world.jobs.submit_training("load", {}, "ann")
    async with as_(plant, replace(OPEN, sites=Sites.of("plant"))) as client:
        for path in ("/jobs", "/api/jobs", "/api/jobs/x", "/api/jobs/x/log"):
            assert (await client.get(path)).status_code == 403
        assert 'href="/jobs"' not in (await client.get("/status")).text


async def test_the_audit_log_tells_who_submitted_and_stopped(
    world: World, plant: MemoryPlant
) -> None:
    accounts = Accounts(lambda: world.state, 1, 1)
    async with as_(plant, replace(OPEN, name="li"), accounts) as client:
        id = (await client.post("/api/jobs", json={"spec": "load"})).json()["id"]
        await client.post(f"/api/jobs/{id}/stop")
    stopped, submitted = accounts.audit.newest(2)
    assert (stopped.who, stopped.what) == ("li", "job-stopped")
    assert (submitted.who, submitted.what) == ("li", "job-submitted")
    assert id in submitted.detail
