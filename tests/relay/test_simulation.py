"""The protocol's logic under everything that a line, a disk and a power cut can do."""

from __future__ import annotations

import copy
import os

import pytest

from tests.relay.simulation import World

SEEDS = int(os.environ.get("LIANJI_SIMULATIONS", "500"))


@pytest.mark.timeout(3600)
def test_every_record_arrives_once_or_is_told_as_a_gap() -> None:
    for seed in range(SEEDS):
        world = World(seed)
        try:
            world.run()
            world.check()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def with_processes(seed: int) -> World:
    """A hub of several processes: one sleeps, another takes over, the first comes back."""
    world = World(seed)
    world.full = False
    hub, edge = world.hub, world.edge

    def taken_over() -> None:
        hub.taken_over()
        edge.agreed = False  # the next owner lets it agree first
        world.line.clear()

    world.more = [(0.03, taken_over), (0.05, hub.wakes)]
    edge.release = lambda share=0.5: None  # type: ignore[method-assign]  # keeps what was had
    return world


@pytest.mark.timeout(3600)
def test_what_several_processes_said_yes_to_is_in_the_table_once() -> None:
    for seed in range(SEEDS // 4):
        world = with_processes(seed)
        try:
            world.run()
            world.check_table()
            there = {record.sequence for record in world.hub.table}
            assert there == set(world.edge.made), sorted(set(world.edge.made) - there)
            assert not world.edge.parted
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("seed", range(20))
def test_an_old_image_is_never_taken_for_the_edge(seed: int) -> None:
    world = World(seed)
    world.run(60)
    image = copy.deepcopy(world.edge)
    world.run(60)
    before = list(world.hub.log)
    assert world.edge.durable > image.durable
    image.random = world.random
    image.crash()
    for _ in range(world.edge.durable - image.durable + 5):
        image.append()  # the restored box reads its machines again
    world.edge = image
    for _ in range(50):
        world.ask()
        world.deliver()
    assert image.parted and not image.agreed
    assert world.hub.log == before


@pytest.mark.parametrize("seed", range(20))
def test_of_two_copies_that_run_at_once_one_is_refused_and_nothing_is_written_over(
    seed: int,
) -> None:
    world = World(seed)
    world.run(60)
    clone = copy.deepcopy(world.edge)
    clone.random = world.random
    clone.life += 1_000
    both = [world.edge, clone]
    for turn in range(200):
        world.edge = both[turn % 2]
        world.edge.append()
        world.ask()
        world.deliver()
    assert any(edge.parted for edge in both)
    for _, record in world.hub.log:
        assert any(edge.made.get(record.sequence) == record.check or record.level for edge in both)
    per_sequence = [record.sequence for _, record in world.hub.log]
    assert len(per_sequence) == len(set(per_sequence))


@pytest.mark.parametrize("seed", range(SEEDS // 5))
def test_a_copy_that_is_not_refused_has_everything_of_its_own_at_the_hub(seed: int) -> None:
    world = World(seed)
    world.full = False
    world.run(60)
    clone = copy.deepcopy(world.edge)
    clone.random = world.random
    clone.life += 1_000
    both = [world.edge, clone]
    for _ in range(300):
        world.edge = world.random.choice(both)
        world.step()
    world.up, world.loss = True, 0.0
    for turn in range(2_000):
        world.edge = both[turn % 2]
        world.ask()
        world.deliver()
    taken = [edge for edge in both if not edge.parted]
    assert len(taken) <= 1, "both go on"
    for edge in taken:
        assert edge.book.position >= edge.durable
        assert world.missing_of(edge) == set(), "it believes that they are there"
    sequences = [record.sequence for _, record in world.hub.log]
    assert len(sequences) == len(set(sequences))
