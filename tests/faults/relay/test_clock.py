"""The clock of an edge is set back or forward while it relays: nothing stops, is lost or doubled.

The hub runs in a process of its own, whose clock is right."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lianji.relay import uplink
from tests.faults.relay.checker import problems
from tests.faults.relay.world import Pushing, Running, enrol, forks, make_edge, make_hub, running
from tests.faults.test_clock import DAY_S, HOUR_S, Clock
from tests.peers import free_port, wait_until

pytestmark = pytest.mark.system


def push_and_wait(edge: Running, pushing: Pushing, when: str) -> None:
    for _ in range(30):
        assert pushing.put(edge.plant)
    wait_until(edge.arrived, 30, f"all to arrive {when}: {edge.uplink}")


def test_an_edge_whose_clock_jumps_goes_on_relaying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.2))
    port, pushing = free_port(), Pushing()
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    enrol(hub, edge, port)
    with forks("hub", hub, tmp_path / "none") as lives:
        child = lives.start()
        clock = Clock(monkeypatch)
        with running(edge) as one:
            push_and_wait(one, pushing, "before")
            for jump_s in (-HOUR_S, HOUR_S, -DAY_S, DAY_S, -3652 * DAY_S, 20 * DAY_S):
                clock.offset_s = jump_s
                push_and_wait(one, pushing, f"after a jump of {jump_s} s")
        clock.offset_s = -3652 * DAY_S  # its battery is empty when it starts again
        with running(edge) as one:
            push_and_wait(one, pushing, "after a start ten years ago")
            clock.offset_s = 0
            push_and_wait(one, pushing, "when the clock is right again")
            assert one.uplink.error is None and not one.uplink.parted
        os.kill(child, signal.SIGKILL)
        lives.reap(child)
    Running(hub).close()  # makes files of what was only in its spool
    assert problems(hub, pushing.ledger) == []
