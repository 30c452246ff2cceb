"""Cut, slow, flapping lines: everything arrives once, and what is new comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.relay import rate, uplink
from tests.relay.line import Line, line_to
from tests.relay.world import START_US, Edge, Hub, check, until

World = tuple[Hub, Line, Edge]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.2))
    with ExitStack() as stack:
        hub = Hub(tmp_path / "hub")
        stack.callback(hub.close)
        line = stack.enter_context(line_to(hub.port))
        edge = Edge(tmp_path / "plant", hub, port=line.port)
        stack.callback(edge.close)
        yield hub, line, edge


def test_a_line_that_is_cut_in_the_middle_of_bodies(world: World) -> None:
    hub, line, edge = world
    edge.start()
    for cut_after in (100, 2_000, 5_000, 20_000, 60_000):
        line.cut_after = cut_after
        for _ in range(30):
            edge.put(20)
        until(lambda passed=line.passed: line.passed > passed + 1_000, "some bytes")
        line.cut_after = None
        line.cut()
    edge.wait()
    check(hub, edge)


def test_a_line_that_flaps(world: World) -> None:
    hub, line, edge = world
    edge.start()
    stop = threading.Event()

    def flap() -> None:
        while not stop.wait(0.1):
            line.down()
            stop.wait(0.1)
            line.up = True

    flapping = threading.Thread(target=flap)
    flapping.start()
    try:
        for _ in range(150):
            edge.put(5)
        until(lambda: edge.uplink.status().position > 0 or edge.arrived(), "some of it")
    finally:
        stop.set()
        flapping.join()
        line.up = True
    edge.wait()
    check(hub, edge)
    assert edge.uplink.status().lanes < 10, "no trail of lanes"


def test_what_gathered_becomes_a_lane_and_what_is_new_comes_before_it(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub, line, edge = world
    monkeypatch.setattr(uplink, "SPLIT_S", 0.5)
    monkeypatch.setattr(rate, "FIRST_BYTES", 20_000)
    edge.start()
    edge.put()
    edge.wait()
    line.down()
    noise = np.random.default_rng(1)
    ids = edge.names.ids_of(["plant/noise"] * 5_000)
    for number in range(40):
        times = START_US + 10_000_000 + 5_000 * number + np.arange(5_000)
        edge.spool.put(Batch.of(ids, times, noise.random(5_000))).result(10)
    until(lambda: not edge.uplink.status().connected, "the edge to notice")
    line.bytes_a_second = 300_000  # a megabyte and more waits
    line.up = True
    until(lambda: edge.uplink.status().lanes > 1, "a lane of its own")
    edge.put(7)
    wanted = edge.spool.durable
    until(lambda: edge.uplink.live_position() >= wanted, "the new ones")
    assert edge.uplink.status().backlog > 0, "the new came before the old"
    line.bytes_a_second = 0
    edge.wait(60)
    found = hub.samples()
    assert len([row for row in found if row[0] == "plant/noise"]) == 200_000
    assert len(found) == len(set(found)) == 200_000 + edge.sent


def test_a_thin_line_still_carries_everything(world: World) -> None:
    hub, line, edge = world
    line.bytes_a_second = 8_000  # 64 kbit/s
    edge.start()
    for _ in range(20):
        edge.put(10)
    edge.wait(60)
    check(hub, edge)
