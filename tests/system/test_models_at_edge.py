"""Models beside the machines of a running plant: taken in, moved, corrected, taken back, killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.node.deploying_asked import listed_models, move_model, take_bundle
from lianji.node.folder import PlantFolder
from tests.learn.deployment.models import TRUSTED, card, packed
from tests.peers import wait_until
from tests.system.plant import (
    PlantProcess,
    is_bad,
    is_good,
    lianji_command,
    plant_process,
    write_plant,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

OUT = "p/soft/yield"
SHADOW = "p/models/yield/shadow/yield"
TAGS = "path,unit\np/m/temperature,Cel\np/m/flow,m3/h\np/m/lab,%\n"


def made(version: int, **changes: Any) -> bytes:
    inputs = [
        {"name": "t", "tag": "p/m/temperature", "unit": "Cel", "low": 0, "high": 100},
        {"name": "f", "tag": "p/m/flow", "unit": "m3/h", "low": 0, "high": 50},
    ]
    output = {"name": "yield", "tag": OUT, "unit": "%", "title_zh": "收率", "half_width": 3}
    late = {"label": "p/m/lab", "label_delay_s": 2}
    fields = {
        "version": version,
        "inputs": inputs,
        "outputs": [output | late],
        "period_s": 0.25,
        "correction": {"forgetting": 0, "limit": 50},
        "drift": {"window": 8, "outside": 0.5, "latency_ms": 60_000},
    }
    return packed(card(**(fields | changes)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_plant(tmp_path / "p")
    (folder / "tags" / "m.csv").write_text(TAGS)
    (folder / "models").mkdir()
    [(key, owner)] = TRUSTED.items()
    (folder / "models" / "trusted.txt").write_text(f"{key} {owner}\n")
    return folder


@pytest.fixture
def plant(folder: Path) -> Iterator[PlantProcess]:
    with plant_process(folder) as plant:
        yield plant


def deploy(plant: PlantProcess, *words: object) -> str:
    done = lianji_command("deploy", *words, "--plant", plant.folder)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def stages(plant: PlantProcess) -> dict[int, str]:
    models = plant.get("/api/models/running")["models"]
    return {one["version"]: one["stage"] for one in models}


def pushed(plant: PlantProcess, temperature: float, flow: float) -> None:
    said = plant.write(f"p/m temperature={temperature},flow={flow}")
    assert said.status_code in (200, 204)


ADDRESS = "/api/models/running"


def posted(plant: PlantProcess, where: str, **body: Any) -> dict[str, Any]:
    answer = plant.http.post(f"{plant.address}{ADDRESS}{where}", **body)
    said: dict[str, Any] = answer.json() | {"status": answer.status_code}
    return said


def up(plant: PlantProcess, version: int) -> None:
    for stage in ("shadow", "advisory", "active"):
        said = posted(plant, f"/yield/{version}/stage", json={"stage": stage})
        assert said["stage"] == stage


def test_the_whole_way_of_two_versions(plant: PlantProcess, tmp_path: Path) -> None:
    pushed(plant, 20, 5)
    file = tmp_path / "yield.bundle"
    file.write_bytes(made(1))
    deploy(plant, file)
    assert stages(plant) == {1: "staged"}
    tag = next(one for one in plant.get("/api/tags")["tags"] if one["path"] == OUT)
    assert (tag["unit"], tag["description_zh"]) == ("%", "收率")
    deploy(plant, "move", "yield@1", "shadow")
    assert plant.wait_last(SHADOW, is_good)["value"] == 45
    assert plant.last(OUT) is None
    posted(plant, "/yield/1/stage", json={"stage": "advisory"})
    assert plant.wait_last(OUT, lambda row: True)["quality"] == 0x4000
    posted(plant, "/yield/1/stage", json={"stage": "active"})
    assert plant.wait_last(OUT, is_good)["value"] == 45
    assert plant.wait_last(f"{OUT}_low", is_good)["value"] == 42

    late_ns = time.time_ns()
    plant.wait_last(OUT, lambda row: _after(row, late_ns))
    assert plant.write(f"p/m lab=48 {late_ns}").status_code in (200, 204)
    assert plant.wait_last(OUT, lambda row: row["value"] == 48)
    shown = plant.get("/api/models/running/yield/1")
    assert (shown["outputs"][0]["bias"], shown["outputs"][0]["labels"]) == (3, 1)

    posted(plant, "", content=made(2))
    up(plant, 2)
    assert stages(plant) == {1: "fallback", 2: "active"}
    pushed(plant, 200, 5)
    wait_until(lambda: stages(plant) == {1: "active", 2: "shadow"}, what="the rollback")
    [move] = [m for m in plant.get("/api/models/running/yield/2")["moves"] if m["by_itself"]]
    assert "outside its envelope" in move["why"]["en"]
    assert move["why"]["zh"]
    codes = [problem["code"] for problem in plant.status()["problems"]]
    assert "model-doubted" in codes
    wait_until(lambda: stages(plant)[1] == "shadow", what="the older one is doubted too")


def _after(row: dict[str, Any], time_ns: int) -> bool:
    from datetime import datetime

    return datetime.fromisoformat(row["time"]).timestamp() * 1e9 > time_ns + 5e8


def test_a_killed_plant_goes_on_at_the_same_stage(plant: PlantProcess) -> None:
    (plant.folder / "models" / "yield.bundle").write_bytes(made(1))
    wait_until(lambda: stages(plant) == {1: "staged"}, what="the dropped file is taken in")
    pushed(plant, 20, 5)
    up(plant, 1)
    plant.wait_last(OUT, is_good)
    late_ns = time.time_ns()
    plant.wait_last(OUT, lambda row: _after(row, late_ns))
    plant.write(f"p/m lab=48 {late_ns}")
    plant.wait_last(OUT, lambda row: row["value"] == 48)
    state = plant.folder / "data" / "deployed" / "yield@1" / "state.json"
    wait_until(
        lambda: json.loads(state.read_text())["trackers"]["yield"]["bias"] == 3, what="it is kept"
    )
    plant.kill()
    killed_ns = time.time_ns()
    plant.start()
    assert plant.wait_last(OUT, lambda row: _after(row, killed_ns))["value"] == 48
    assert stages(plant) == {1: "active"}
    assert [p for p in plant.status()["problems"] if p["code"].startswith("model")] == []
    pushed(plant, 21, 5)
    plant.wait_last(OUT, lambda row: row["value"] == 50)


def test_each_bad_bundle_is_refused_in_words(plant: PlantProcess, tmp_path: Path) -> None:
    def refused(content: bytes, code: str) -> None:
        said = posted(plant, "", content=content)
        assert (said["status"], said["code"]) == (400, code)
        assert said["cause"]["zh"]

    good = made(1)
    refused(good[:100] + b"x" + good[101:], "bundle-unreadable")
    file = tmp_path / "bad.bundle"
    file.write_bytes(good[:-50])
    done = lianji_command("deploy", file, "--plant", plant.folder)
    assert done.returncode == 1
    assert "no model bundle" in done.stderr.decode()
    refused(packed(key=Ed25519PrivateKey.generate()), "bundle-untrusted")
    inputs = [{"name": "t", "tag": "p/m/temperature", "unit": "K", "low": 0, "high": 1}]
    refused(made(1, inputs=inputs), "model-unit")
    refused(made(1, created_us=1, expires_us=2), "model-expired")
    assert stages(plant) == {}
    (plant.folder / "models" / "bad.bundle").write_bytes(made(1, inputs=inputs))
    wait_until(
        lambda: any(p["code"] == "model-unit" for p in plant.status()["problems"]),
        what="the dropped file's problem",
    )


def test_what_was_refused_is_taken_once_its_key_is_trusted(plant: PlantProcess) -> None:
    trusted = plant.folder / "models" / "trusted.txt"
    known = trusted.read_text()
    trusted.write_text("no-key somebody\n")

    def codes() -> set[str]:
        return {problem["code"] for problem in plant.status()["problems"]}

    wait_until(lambda: "trusted-line-invalid" in codes(), what="the wrong line is told")
    (plant.folder / "models" / "yield.bundle").write_bytes(made(1))
    wait_until(lambda: "bundle-untrusted" in codes(), what="the bundle is refused")
    trusted.write_text(known)
    wait_until(lambda: stages(plant) == {1: "staged"}, what="it is taken in")
    assert codes() & {"trusted-line-invalid", "bundle-untrusted"} == set()


def test_a_model_that_is_over_stops(plant: PlantProcess) -> None:
    pushed(plant, 20, 5)
    posted(plant, "", content=made(1, expires_us=(time.time_ns() + 5_000_000_000) // 1000))
    up(plant, 1)
    plant.wait_last(OUT, is_good)
    plant.wait_last(OUT, is_bad)
    wait_until(lambda: stages(plant) == {1: "shadow"}, what="it is taken back")
    shown = plant.get("/api/models/running/yield/1")
    assert (shown["state"], shown["problem_code"]) == ("stopped", "model-expired")


def test_a_plant_at_rest_takes_models_in_and_replays_them(folder: Path, tmp_path: Path) -> None:
    start_ns = time.time_ns() // 10**9 * 10**9 - 300 * 10**9
    with plant_process(folder) as plant:
        lines = [
            f"p/m temperature={20 + n},flow=5,lab={2 * (20 + n) + 6} {start_ns + n * 10**9}"
            for n in range(60)
        ]
        assert plant.write("\n".join(lines)).status_code in (200, 204)
        plant.stop()
        file = tmp_path / "yield.bundle"
        file.write_bytes(made(1, period_s=1))
        at_rest = PlantFolder(folder)
        take_bundle(at_rest, file)
        move_model(at_rest, "yield@1", "shadow")
        assert [one["stage"] for one in listed_models(at_rest)] == ["shadow"]
        start_us = start_ns // 1000
        began = f"{start_us}"
        ended = f"{start_us + 60 * 1_000_000}"
        out = tmp_path / "out.parquet"
        said = deploy(plant, "replay", "yield@1", "--from", began, "--to", ended, "--json",
                      "--out", out)  # fmt: skip
        found = json.loads(said)
        [figures] = found["figures"]
        assert (found["runs"], figures["labels"]) == (60, 60)
        assert figures["mae_raw"] == pytest.approx(1, abs=1e-6)
        assert figures["mae"] < 0.1
        assert out.stat().st_size > 0
