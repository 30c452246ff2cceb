"""The plug of the hub is pulled, or that of the edge: what goes on is the image of its ext4 disk.

``LIANJI_RELAY_POWER_CUTS`` sets how often (25), in turn at both ends.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lianji.node.folder import PlantFolder
from lianji.relay import uplink
from tests.faults.disks import _mount, _unmount, copied, new_image
from tests.faults.ledger import Ledger
from tests.faults.relay.checker import arrived, problems
from tests.faults.relay.world import (
    Forks,
    Pushing,
    Running,
    enrol,
    forks,
    make_edge,
    make_hub,
    running,
)
from tests.faults.test_power import memory
from tests.peers import free_port, wait_until

pytestmark = pytest.mark.system

CUTS = int(os.environ.get("LIANJI_RELAY_POWER_CUTS", "25"))
IMAGE_MIB = 64


class Disk:
    """An ext4 disk at one place, which a power cut replaces by its own image."""

    def __init__(self, memory: Path) -> None:
        self.place = memory / "disk"
        self._memory = memory
        self._image = new_image(memory / "image-0", IMAGE_MIB)
        self._cuts = 0
        self.place.mkdir()
        self._mount()

    def _mount(self) -> None:
        _mount("-o", "loop", str(self._image), str(self.place))

    def keep(self) -> Path:
        """What a cut at this moment would leave, for ``replace``."""
        self._cuts += 1
        return copied(self._image, self._memory / f"image-{self._cuts}")

    def replace(self, kept: Path) -> None:
        """When whoever wrote here is dead: go on with the image."""
        _unmount(self.place)
        self._image.unlink()
        self._image = kept
        self._mount()

    def close(self) -> None:
        _unmount(self.place)


@contextmanager
def disk_in(memory: Path) -> Iterator[Disk]:
    disk = Disk(memory)
    try:
        yield disk
    finally:
        disk.close()


class Victim:
    """Lives on a disk, ended by power cuts."""

    def __init__(self, lives: Forks, disk: Disk) -> None:
        self._lives, self._disk = lives, disk
        self._child = lives.start()

    def hold(self) -> None:
        """The moment of the cut: it does nothing more."""
        os.kill(self._child, signal.SIGSTOP)
        wait_until(self._is_held, what="it to be held")

    def _is_held(self) -> bool:
        return " (T" in Path(f"/proc/{self._child}/stat").read_text().replace(") T", ") (T")

    def cut(self) -> None:
        """Of the one that is held only the image stays."""
        kept = self._disk.keep()
        self.kill()
        self._disk.replace(kept)

    def live(self) -> None:
        self._child = self._lives.start()

    def kill(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        self._lives.reap(self._child)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.1))


@pytest.mark.timeout(240 + 10 * CUTS)
def test_what_a_hub_acknowledged_is_there_after_its_power_was_cut(
    memory: Path, tmp_path: Path
) -> None:
    port = free_port()
    seeded, pushing = random.Random(5), Pushing()
    edge = make_edge(tmp_path / "edge")
    with disk_in(memory) as disk:
        hub = make_hub(disk.place / "hub", port)
        enrol(hub, edge, port)
        subprocess.run(["sync", "-f", str(disk.place)], check=True)
        with forks("hub", hub, tmp_path / "none") as lives, running(edge) as one:
            victim = Victim(lives, disk)
            for cut in range(CUTS // 2):
                push_until(one, pushing, seeded.randint(1, 40))
                victim.hold()
                had = one.uplink.position
                victim.cut()
                assert missing(hub, pushing, had) == set(), f"cut {cut}"
                victim.live()
            push_until(one, pushing, 1)
            wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
            victim.kill()
        Running(hub).close()  # makes files of what was only in its spool
        assert problems(hub, pushing.ledger) == []
    print(f"{pushing.ledger.samples} samples, {CUTS // 2} cuts of the hub")


def push_until(edge: Running, pushing: Pushing, records: int) -> None:
    """Push until the hub has so many records more."""
    wanted = edge.uplink.position + records
    deadline = wanted + 3_000

    def moved() -> bool:
        if edge.plant.spool.durable < deadline:
            pushing.put(edge.plant)
        return edge.uplink.position >= wanted

    wait_until(moved, 60, f"the hub to have more: {edge.uplink}")


def missing(hub: PlantFolder, pushing: Pushing, position: int) -> set[int]:
    """What the hub had said yes to and has not."""
    said = {
        int(number)
        for sequence, sending in pushing.sequences.items()
        if sequence <= position
        for number in sending.numbers
    }
    return said - arrived(hub).numbers


@pytest.mark.timeout(240 + 10 * CUTS)
def test_what_an_edge_acknowledged_arrives_after_its_power_was_cut(
    memory: Path, tmp_path: Path
) -> None:
    port = free_port()
    seeded, path = random.Random(6), memory / "ledger"
    hub = make_hub(tmp_path / "hub", port)
    with disk_in(memory) as disk:
        edge = make_edge(disk.place / "edge")
        enrol(hub, edge, port)
        subprocess.run(["sync", "-f", str(disk.place)], check=True)
        with forks("edge", edge, path) as lives, running(hub) as one:
            victim = Victim(lives, disk)
            for _ in range(CUTS - CUTS // 2):
                wait_for_more(path, seeded.randint(1, 60))
                victim.hold()
                victim.cut()
                victim.live()
            wait_for_more(path, 1)
            victim.kill()
            with running(edge) as last:
                wait_until(last.arrived, 60, f"all to arrive: {last.uplink}")
            assert one.plant.hub is not None
            figures = one.plant.hub.receiving.received["p"]
            assert figures.parted == 0, "an honest edge was taken for a copy"
        told = Ledger.read(path)
        assert problems(hub, told) == []
    print(f"{told.samples} samples, {CUTS - CUTS // 2} cuts of the edge")


def wait_for_more(path: Path, acknowledgements: int) -> None:
    wanted = len(Ledger.read(path).acknowledged) + acknowledgements
    wait_until(lambda: len(Ledger.read(path).acknowledged) >= wanted, 60, what="acknowledgements")


__all__ = ["memory"]
