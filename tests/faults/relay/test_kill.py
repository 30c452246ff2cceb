"""kill -9 of edge and hub at any moment, on a line that is cut meanwhile.

``LIANJI_RELAY_KILLS`` sets how often (100); one kill in seven is of a whole ``lianji run``.
"""

from __future__ import annotations

import os
import random
import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lianji.node.folder import PlantFolder
from tests.faults.ledger import Ledger
from tests.faults.relay.checker import problems
from tests.faults.relay.world import (
    KEEPING_SPOOL,
    QUICK_SPOOL,
    Forks,
    enrol,
    forks,
    make_edge,
    make_hub,
    running,
)
from tests.faults.test_kill import Pusher
from tests.peers import free_port, wait_until
from tests.relay.line import Line, line_to
from tests.system.plant import PlantProcess, lianji_command, write_plant

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("LIANJI_RELAY_KILLS", "100"))
WHOLE_KILLS = max(2, KILLS // 7)
CATCH_UP_S = 60 + KILLS


def kill_often(lives: Forks, kills: int, seed: int) -> None:
    seeded = random.Random(seed)
    for _ in range(kills):
        mode = seeded.choices(("opening", "working", "closing"), (2, 6, 2))[0]
        wait_ms = {"opening": 400.0, "working": 700.0, "closing": 60.0}[mode]
        how = lives.live(mode, seeded.uniform(0, wait_ms))
        assert how in ("killed", "ended 0"), f"life {lives.number} ({mode})"


def cut_often(line: Line, end: threading.Event) -> None:
    seeded = random.Random(4)
    while not end.wait(seeded.uniform(0, 0.4)):
        line.cut_after = seeded.choice((None, None, 300, 5_000, 40_000))
        line.cut()
    line.cut_after = None


@pytest.mark.timeout(240 + 5 * KILLS)
def test_what_the_edge_acknowledged_reaches_the_hub_once_whoever_is_killed(tmp_path: Path) -> None:
    port = free_port()
    ledger = tmp_path / "ledger"
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    kills = KILLS - WHOLE_KILLS
    end = threading.Event()
    with line_to(port) as line:
        enrol(hub, edge, line.port)
        with (
            forks("hub", hub, ledger) as hubs,
            forks("edge", edge, ledger) as edges,
            ThreadPoolExecutor(3) as pool,
        ):
            cutting = pool.submit(cut_often, line, end)
            killing = [
                pool.submit(kill_often, hubs, kills // 2, 1),
                pool.submit(kill_often, edges, kills - kills // 2, 2),
            ]
            for one in killing:
                one.result()
            end.set()
            cutting.result()
        with running(hub), running(edge) as last:
            wait_until(last.arrived, CATCH_UP_S, f"all to arrive: {last.uplink}")
    told = Ledger.read(ledger)
    assert problems(hub, told) == []
    print(f"{told.samples} acknowledged samples, {kills} kills")
    assert len(told.acknowledged) > 3 * kills


def enrolled(tmp_path: Path, port: int, line: Line) -> tuple[PlantProcess, PlantProcess]:
    """A hub and an edge as people make them, both running."""
    folder = tmp_path / "hub"
    write_plant(folder, flush_s=0.05, spool=KEEPING_SPOOL)
    assert lianji_command("hub", "init", folder, "--name", "north").returncode == 0
    settings = PlantFolder(folder).settings
    settings.write_text(settings.read_text().replace("port = 8461", f"port = {port}"))
    hub = PlantProcess(folder).start()
    edge = write_plant(tmp_path / "edge", flush_s=0.2, spool=QUICK_SPOOL)
    at = f"127.0.0.1:{line.port}"
    invited = lianji_command("hub", "invite", "p", "--address", at, "--plant", folder)
    words = shlex.split(invited.stdout.decode())[1:]
    joined = lianji_command(*words, "--plant", edge)
    assert joined.returncode == 0, joined.stderr.decode()
    return hub, PlantProcess(edge).start()


@pytest.mark.timeout(240 + 30 * WHOLE_KILLS)
def test_whole_processes_that_joined_by_invitation_are_killed_too(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "ledger"
    seeded = random.Random(9)
    with line_to(port) as line:
        hub, edge = enrolled(tmp_path, port, line)
        try:
            for kill in range(WHOLE_KILLS):
                pushers = [Pusher(writer, edge, path, kill * 10_000_000) for writer in range(2)]
                for pusher in pushers:
                    pusher.start()
                wanted = seeded.randint(5, 40)
                wait_until(
                    lambda pushers=pushers, wanted=wanted: (
                        sum(p.answered for p in pushers) >= wanted or any(p.wrong for p in pushers)
                    ),
                    what="acknowledgements",
                )
                victim = hub if kill % 2 else edge
                victim.kill()
                if kill % 3 == 0:
                    line.cut()
                for pusher in pushers:
                    pusher.end()
                    assert pusher.wrong == ""
                victim.start()
            wait_until(lambda: arrived(edge), 60, "all to arrive")
            edge.stop()
            hub.stop()
        finally:
            edge.end()
            hub.end()
    told = Ledger.read(path)
    assert problems(PlantFolder(hub.folder), told) == []
    print(f"{told.samples} samples, {WHOLE_KILLS} kills of whole processes")


def arrived(edge: PlantProcess) -> bool:
    """Whether the spool waits for nobody."""
    return not any(edge.status()["spool"]["readers"].values())
