"""A hub to measure: its folder, its edges' certificates, the real process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from bench.plant import Watched, lianji_run, wait_for
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from lianji.relay.trust.certificates import key_pem, new_key, pem_of, request_of
from tests.peers import free_port


@dataclass
class BenchHub:
    folder: Path
    port: int
    watched: Watched


def enrol(folder: PlantFolder, certificates: Path, count: int) -> None:
    """Certificates of ``count`` edges, by the same door that invitations use."""
    certificates.mkdir(exist_ok=True)
    authority_root = (folder.hub / "ca.pem").read_bytes()
    (certificates / "root.pem").write_bytes(authority_root)
    with edges_of(folder) as edges:
        for number in range(count):
            name = f"e{number:04d}"
            key = new_key()
            token = edges.invite(name, [name], "bench")
            admitted = edges.admit(token, request_of(key, name), name, "bench")
            content = key_pem(key) + pem_of(admitted.certificate) + authority_root
            (certificates / f"{name}.pem").write_bytes(content)


@contextmanager
def bench_hub(folder: Path, edges: int) -> Iterator[BenchHub]:
    """A running hub with so many edges; their certificates are in ``folder/edges``."""
    plant = PlantFolder(folder / "hub")
    create_hub(plant, "bench")
    port = free_port()
    document = tomlkit.parse(plant.settings.read_text())
    document["hub"]["port"] = port  # type: ignore[index]
    document["web"]["open"] = True  # type: ignore[index]
    plant.settings.write_text(tomlkit.dumps(document))
    enrol(plant, folder / "edges", edges)
    with lianji_run(plant.root) as watched:
        wait_for(lambda: watched.get("/api/status"), 30, "the hub's page")
        yield BenchHub(plant.root, port, watched)


def drive(
    hub: BenchHub, count: int, rows: int, tags: int, period_s: float, seconds: float
) -> dict[str, Any]:
    """Run ``bench.relay.edges`` and give what it told, and the hub's processor time meanwhile."""
    arguments = [hub.port, hub.folder.parent / "edges", count, rows, tags, period_s, seconds]
    before = hub.watched.cpu_s()
    done = subprocess.run(
        [sys.executable, "-m", "bench.relay.edges", *map(str, arguments)],
        capture_output=True,
        check=True,
        timeout=seconds + 120,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["hub_cpu_s"] = hub.watched.cpu_s() - before
    return told
