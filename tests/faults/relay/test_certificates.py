"""Certificates that are over, revoked or of another authority, while samples come: what may not
enter does not, and what waited arrives once when it may again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lianji.base.clock import now_us
from lianji.node.enrolment import create_hub
from lianji.node.folder import PlantFolder
from lianji.relay import talking, uplink
from lianji.relay.trust import edges
from tests.faults.relay.checker import arrived, problems
from tests.faults.relay.world import (
    Pushing,
    Running,
    enrol,
    make_edge,
    make_hub,
    revoke,
    running,
)
from tests.peers import free_port, wait_until
from tests.system.plant import write_plant

DAY_US = 86_400_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.2))
    monkeypatch.setattr(talking, "RETRY_S", 0.2)


@contextmanager
def samples_come(edge: Running, pushing: Pushing) -> Iterator[None]:
    end = threading.Event()

    def push() -> None:
        while not end.wait(0.02):
            assert pushing.put(edge.plant)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(30)


def code(edge: Running) -> str:
    error = edge.uplink.error
    return str(error["code"]) if error else ""


def test_an_edge_whose_certificate_is_over_renews_it_and_loses_nothing(tmp_path: Path) -> None:
    port, pushing = free_port(), Pushing()
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    enrol(hub, edge, port, clock=lambda: now_us() - 10 * DAY_US, days=1)
    before = (edge.relay / "identity.pem").read_bytes()
    with running(hub), running(edge) as one, samples_come(one, pushing):
        wait_until(lambda: one.uplink.position > 5, 60, f"samples to arrive: {one.uplink}")
    assert (edge.relay / "identity.pem").read_bytes() != before
    with running(hub), running(edge) as one:
        wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
    assert problems(hub, pushing.ledger) == []


def test_an_edge_that_is_revoked_while_samples_come_is_out_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edges.KNOWN_S_MAX <= 10
    monkeypatch.setattr(edges, "KNOWN_S_MAX", 1.0)  # so that the test need not wait for it
    port, pushing = free_port(), Pushing()
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    enrol(hub, edge, port)
    with running(hub) as there, running(edge) as one:
        with samples_come(one, pushing):
            wait_until(lambda: one.uplink.position > 5, 60, "samples to arrive")
            revoke(hub)
            wait_until(lambda: code(one) == "edge-revoked", 30, "the edge to be told")
            had = there.plant.spool.durable
            pushed = one.plant.spool.durable
            wait_until(lambda: one.plant.spool.durable > pushed + 20, 60, "more samples")
            assert there.plant.spool.durable == had, "nothing more came in"
        enrol(hub, edge, port)
    with running(hub), running(edge) as one:
        wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
    assert problems(hub, pushing.ledger) == []


def test_an_edge_of_another_authority_gets_nothing_in(tmp_path: Path) -> None:
    port, pushing = free_port(), Pushing()
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    other = PlantFolder(write_plant(tmp_path / "other"))
    create_hub(other, "south")
    enrol(other, edge, port)
    foreign = (edge.relay / "identity.pem").read_bytes()
    enrol(hub, edge, port)
    mixed = (edge.relay / "identity.pem").read_bytes()
    with running(hub):
        for identity in (foreign, with_foreign_key(foreign, mixed)):
            (edge.relay / "identity.pem").write_bytes(identity)
            with running(edge) as one, samples_come(one, pushing):
                wait_until(lambda one=one: one.uplink.error is not None, 30, "it to be refused")
                wait_until(lambda: pushing.ledger.acknowledged, 30, "samples in the edge's spool")
                assert one.uplink.position == 0 and not one.uplink.connected
        assert arrived(hub).numbers == set()
        (edge.relay / "identity.pem").write_bytes(mixed)
        with running(edge) as one:
            wait_until(one.arrived, 60, f"all to arrive: {one.uplink}")
    assert problems(hub, pushing.ledger) == []


def with_foreign_key(foreign: bytes, own: bytes) -> bytes:
    """Trusts our hub, and shows it a key and certificate of another."""
    end = b"-----END CERTIFICATE-----\n"
    return foreign[: foreign.index(end)] + own[own.index(end) :]
