"""Old images and clones: refused, told at both ends, never an overwrite, and one goes on when a
person says so. Here with whole plants, and twenty images of an edge at work."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from lianji.node.enrolment import go_on_anew
from lianji.node.folder import PlantFolder
from lianji.relay import uplink
from tests.faults.relay.checker import problems
from tests.faults.relay.world import Pushing, Running, enrol, make_edge, make_hub, running
from tests.peers import free_port, wait_until
from tests.relay.world import Edge, hub_and_edge, until

IMAGES = 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05,))


def test_an_edge_that_is_restored_from_images_again_and_again(tmp_path: Path) -> None:
    seeded = random.Random(12)
    with hub_and_edge(tmp_path) as (hub, first):
        edge = first
        said: set[float] = set()
        for number in range(1, IMAGES + 1):
            begun = edge.sent
            if number == 1:
                edge.start()
            for _ in range(seeded.randint(1, 10)):
                edge.put()
            edge.wait()
            image = tmp_path / f"image-{number}"
            shutil.copytree(edge.folder, image)
            for _ in range(seeded.randint(1, 10)):
                edge.put()
            edge.wait()
            edge.close()
            said |= {float(n) for n in range(begun, edge.sent)}
            before = hub.samples()
            edge = Edge(image, hub)
            edge.sent = number * 1_000_000
            for _ in range(seeded.randint(0, 15)):
                edge.put()
            edge.start()
            until(lambda edge=edge: edge.uplink.status().parted, "the image to learn what it is")
            error = edge.uplink.status().error
            assert error is not None and error["code"] == "relay-histories-parted"
            edge.put()
            assert hub.samples() == before, f"image {number} was taken"
            (image / "relay/anew").touch()
            said |= {float(n) for n in range(number * 1_000_000, edge.sent)}
            edge.wait()
        edge.close()
        first.open()  # for the fixture's end
        assert {value for *_, value in hub.samples()} == said
        assert hub.receiving.received["plant"].refused_rows == 0


def test_of_a_clone_and_its_edge_one_is_refused_and_both_ends_say_so(tmp_path: Path) -> None:
    port = free_port()
    hub, edge = make_hub(tmp_path / "hub", port), make_edge(tmp_path / "edge")
    enrol(hub, edge, port)
    pushing, cloned = Pushing(), Pushing(5_000_000)
    with running(hub) as there:
        with running(edge) as one:
            pushing.put(one.plant)
            wait_until(one.arrived, 30, "the first to arrive")
        shutil.copytree(edge.root, tmp_path / "clone")
        clone = PlantFolder(tmp_path / "clone")
        with running(edge) as one, running(clone) as other:
            both = ((one, pushing), (other, cloned))
            for running_one, _ in both:
                wait_until(lambda r=running_one: r.uplink.connected, 30, "both to agree")

            def parted() -> bool:
                for running_one, numbers in both:
                    numbers.put(running_one.plant)
                return any(running_one.uplink.parted for running_one, _ in both)

            wait_until(parted, 60, "one of them to be refused")
            assert not (one.uplink.parted and other.uplink.parted)
            taken, refused = (one, other) if other.uplink.parted else (other, one)
            wait_until(taken.arrived, 30, "all of the other to arrive")
            check_told(there, refused)
            go_on_anew(refused.folder)
            wait_until(refused.arrived, 30, "the refused one to go on under an epoch of its own")
            assert not refused.uplink.parted
        there.plant.history.flush()
    pushing.ledger.sent |= cloned.ledger.sent
    pushing.ledger.acknowledged |= cloned.ledger.acknowledged
    assert problems(hub, pushing.ledger) == []


def check_told(hub: Running, refused: Running) -> None:
    """At the edge and at the hub; what was refused is kept aside."""
    error = refused.uplink.error
    assert error is not None and error["code"] == "relay-histories-parted"
    door = hub.plant.hub
    assert door is not None
    assert door.receiving.received["p"].parted > 0
    assert [one for one in door.aside.list() if one.what.startswith("parted-")]
    wait_until(
        lambda: any("parted" in problem.code for problem in hub.plant._problems()),
        30,
        "the hub to say so",
    )
