"""A full disk at the edge, under each policy, and at the hub: nothing that was acknowledged is
lost but what a gap tells, and all goes on when there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.relay import uplink
from tests.faults.disks import small_tmpfs
from tests.faults.ledger import START_US
from tests.faults.relay.checker import arrived, lost_rows, problems, told_by_gaps
from tests.faults.relay.world import Pushing, Running, enrol, make_edge, make_hub, running
from tests.faults.test_full_disk import fill, free
from tests.peers import free_port, wait_until
from tests.relay.line import Line, line_to

CAP_BYTES = 1 << 20
NOISE_ROWS = 2_000
BALLAST_BYTES = 5 << 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.1))


@pytest.fixture
def line() -> Iterator[Line]:
    with line_to(free_port()) as line:
        yield line


def capped(policy: str) -> str:
    return f'bytes_max = {CAP_BYTES}\nfull = "{policy}"\nkeep_h = 0\ncommit_ms = 0'


def put_noise(edge: Running, number: int) -> int:
    """Samples that do not squeeze, of a tag that the checker does not count."""
    ids = edge.plant.names.ids_of(["p/noise"] * NOISE_ROWS)
    times_us = START_US + number * NOISE_ROWS + np.arange(NOISE_ROWS)
    noise = np.random.default_rng(number).random(NOISE_ROWS)
    return edge.plant.spool.put(Batch.of(ids, times_us, noise)).result(30)


def overfill(edge: Running, pushing: Pushing) -> int:
    """Push three times what the spool holds; how often it refused."""
    refused = 0
    for _ in range(600):
        refused += not pushing.put(edge.plant, 2_000)
    return refused


@pytest.mark.parametrize("policy", ["refuse", "drop_oldest", "thin"])
def test_an_edge_whose_spool_is_full_loses_only_what_gaps_at_the_hub_tell(
    tmp_path: Path, line: Line, policy: str
) -> None:
    hub = make_hub(tmp_path / "hub", line.target)
    edge = make_edge(tmp_path / "edge", capped(policy), flush_s=3600)
    enrol(hub, edge, line.port)
    pushing = Pushing(shuffled=True)
    with running(hub), running(edge) as one:
        line.down()  # before anything has gone: what is dropped is exactly what is lost
        refused = overfill(one, pushing)
        assert one.plant.spool.status().bytes <= CAP_BYTES
        assert (refused > 0) == (policy == "refuse")
        line.up = True
        wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
        assert pushing.put(one.plant), "there is room again"
        wait_until(one.arrived, 30, "the last to arrive")
    gaps = arrived(hub).gaps
    assert all(gap.reason.startswith("disk cap: ") for gap in gaps)
    assert (len(gaps) > 0) == (policy != "refuse")
    excused = told_by_gaps(gaps, pushing.sequences)
    assert problems(hub, pushing.ledger, excused) == []
    assert sum(gap.rows for gap in gaps) == lost_rows(hub, pushing.ledger)
    assert len(excused) < len(pushing.sequences)


def test_an_edge_whose_disk_is_full_goes_on_when_there_is_room(tmp_path: Path, line: Line) -> None:
    hub = make_hub(tmp_path / "hub", line.target)
    pushing = Pushing()
    with small_tmpfs(tmp_path / "disk", 12) as disk:
        (disk / "ballast").write_bytes(bytes(BALLAST_BYTES))
        edge = make_edge(disk / "edge")
        enrol(hub, edge, line.port)
        with running(hub), running(edge) as one:
            for _ in range(10):
                assert pushing.put(one.plant)
            wait_until(one.arrived, 30, "the first to arrive")
            fill(disk)
            wait_until(lambda: not pushing.put(one.plant, 5_000), 60, "the disk to refuse")
            for _ in range(20):
                pushing.put(one.plant, 3)
            free(disk)
            wait_until(lambda: pushing.put(one.plant), 60, "a yes after the space")
            wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
            assert one.uplink.error is None and not one.uplink.parted
    assert problems(hub, pushing.ledger) == []


@pytest.mark.parametrize("how", ["disk", "cap"])
def test_a_hub_without_room_lets_its_edges_wait_and_loses_nothing(
    tmp_path: Path, line: Line, how: str
) -> None:
    spool = capped("refuse") if how == "cap" else "segment_bytes = 262144\ncommit_ms = 2"
    edge = make_edge(tmp_path / "edge")
    pushing = Pushing()
    with small_tmpfs(tmp_path / "disk", 16) as disk:
        (disk / "ballast").write_bytes(bytes(BALLAST_BYTES))
        hub = make_hub(disk / "hub", line.target, spool)
        enrol(hub, edge, line.port)
        with running(hub) as there, running(edge) as one:
            assert pushing.put(one.plant)
            wait_until(one.arrived, 30, "the first to arrive")
            fill(disk)  # also the table of the hub whose spool is capped cannot go on

            def waits() -> bool:
                assert pushing.put(one.plant, 5_000)
                put_noise(one, len(pushing.sequences))
                error = one.uplink.error
                return error is not None and error["code"] == "relay-hub-waits"

            wait_until(waits, 60, f"the hub to refuse: {one.uplink}")
            position = one.uplink.position
            for _ in range(20):
                assert pushing.put(one.plant), "the edge itself has room"
            assert one.uplink.connected and position < one.plant.spool.durable
            free(disk)
            wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
            assert one.uplink.error is None
            there.plant.history.flush()
        assert problems(hub, pushing.ledger) == []
