"""Experiments over HTTP and on their pages: of the whole plant, so not for who sees a part."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from lianji.learn.experiments import Experiments
from lianji.node.experiments import PlantExperiments
from lianji.node.folder import PlantFolder
from lianji.web.access.access import OpenAccess
from lianji.web.access.client import Client
from lianji.web.access.roles import OPEN, Identity
from lianji.web.access.sites import Sites
from lianji.web.app import create_app
from tests.web.plant import MemoryPlant


@pytest.fixture
def experiments(tmp_path: Path, plant: MemoryPlant) -> Experiments:
    folder = PlantFolder(tmp_path / "plant")
    plant.experiments = PlantExperiments(folder)
    return Experiments(folder.experiments)


def tried(experiments: Experiments, tmp_path: Path) -> None:
    card = tmp_path / "card <b>.json"
    card.write_text("{}")
    for name, depth, maes in (("a", 4, (4.0, 3.0)), ("b", 6, (3.0, 2.0))):
        parameters = {"depth": depth, "seed": 1}
        with experiments.begin("kiln", run=name, parameters=parameters, title=f"<{name}>") as run:
            for step, mae in enumerate(maes):
                run.log_metrics({"mae": mae, "r2": 0.5 if name == "a" else math.nan}, step)
            run.artefact(card)
    experiments.begin("kiln", run="c").leave()


async def test_the_navigation_tells_of_experiments_if_there_are_any(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert "/experiments" not in (await client.get("/status")).text
    assert "No experiment yet" in (await client.get("/experiments?lang=en")).text
    tried(experiments, tmp_path)
    assert 'href="/experiments"' in (await client.get("/status")).text
    assert 'href="/experiments/kiln"' in (await client.get("/experiments")).text


async def test_runs_side_by_side(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    [one] = (await client.get("/api/experiments")).json()["experiments"]
    assert (one["name"], one["runs"], one["running"]) == ("kiln", 3, 0)
    found = (await client.get("/api/experiments/kiln?sort=mae&runs=a&runs=b")).json()
    assert [run["record"]["run"] for run in found["runs"]] == ["b", "a"]
    rows = {row["name"]: row for row in found["parameters"]}
    assert (rows["depth"]["values"], rows["depth"]["differs"]) == ([6, 4], True)
    assert rows["seed"]["differs"] is False
    metrics = {row["name"]: row for row in found["metrics"]}
    assert (metrics["mae"]["values"], metrics["mae"]["best"]) == ([2.0, 3.0], [0])
    assert metrics["r2"]["values"] == [None, 0.5], "what is no number is null"
    shown = (await client.get("/api/experiments/kiln/runs/c")).json()
    assert shown["state"] == "broken off"


async def test_a_metric_by_step(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    told = (await client.get("/api/experiments/kiln/metric?metric=mae&runs=a&runs=c")).json()
    assert told["series"] == [{"run": "a", "steps": [0, 1], "values": [4.0, 3.0]}]
    told = (await client.get("/api/experiments/kiln/metric?metric=r2&runs=b")).json()
    assert told["series"][0]["values"] == [None, None]


async def test_the_page_marks_differences_and_the_best(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    english = (await client.get("/experiments/kiln?lang=en&sort=mae&runs=a&runs=b")).text
    table = english[english.index('id="comparison"') : english.index("</table>")]
    assert re.findall(r'data-run="(\w+)"', table) == ["b", "a"], "sorted"
    assert re.findall(r'class="differs"[^>]*>(\w+)</th>', table) == ["depth"]
    assert table.count("★") == 1
    assert "seed <b>1</b>" in english, "what is the same stands beneath"
    assert 'data-metric="mae"' in english
    assert "&lt;a&gt;" in english and "<a></small>" not in english
    shown = re.search(r'data-runs="([^"]+)"', english)
    assert shown and json.loads(shown[1].replace("&#34;", '"')) == ["b", "a"]
    chinese = (await client.get("/experiments/kiln?lang=zh")).text
    assert "比较所选运行" in chinese and "中断" in chinese


async def test_a_run_and_its_files(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    page = (await client.get("/experiments/kiln/b?lang=en")).text
    link = re.search(r'href="(/api/experiments/kiln/runs/b/artefact[^"]+)"', page)
    assert link
    answer = await client.get(link[1])
    assert answer.content == b"{}"
    assert answer.headers["content-disposition"].startswith("attachment")
    for file in ("../run.json", "run.json", "none", "../../../../../etc/passwd"):
        answer = await client.get("/api/experiments/kiln/runs/b/artefact", params={"file": file})
        assert answer.status_code == 404


async def test_a_damaged_run_is_told_and_hides_no_other(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    (experiments.folder / "kiln" / "a" / "run.json").write_text("{")
    page = (await client.get("/experiments/kiln?lang=en")).text
    assert "Runs that cannot be read" in page and 'data-run="b"' in page


@pytest.mark.parametrize("path", ["none", "kiln?runs=z", "kiln?sort=none", "..%2f..", "kiln/z"])
async def test_what_is_not_there_is_told(
    experiments: Experiments, client: httpx.AsyncClient, tmp_path: Path, path: str
) -> None:
    tried(experiments, tmp_path)
    assert (await client.get(f"/experiments/{path}")).status_code in (400, 404)
    path = path.replace("kiln/", "kiln/runs/")
    answer = await client.get(f"/api/experiments/{path}")
    assert answer.status_code in (400, 404)


class Limited(OpenAccess):
    """Everybody sees one site, and may do there whatever they like."""

    async def identify(self, client: Client, in_query: bool = False) -> Identity | None:
        return replace(OPEN, sites=Sites.of("plant"))


async def test_who_sees_some_sites_sees_no_experiment(
    experiments: Experiments, plant: MemoryPlant, tmp_path: Path
) -> None:
    tried(experiments, tmp_path)
    transport = httpx.ASGITransport(app=create_app(plant, Limited()))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        for path in (
            "/experiments", "/experiments/kiln", "/experiments/kiln/a", "/api/experiments",
            "/api/experiments/kiln", "/api/experiments/kiln/metric?metric=mae",
            "/api/experiments/kiln/runs/a", "/api/experiments/kiln/runs/a/artefact?file=x",
        ):  # fmt: skip
            assert (await client.get(path)).status_code == 403
        assert 'href="/experiments"' not in (await client.get("/status")).text
