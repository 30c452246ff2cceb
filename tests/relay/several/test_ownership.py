"""What a process answers for, and what it must have read before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest

from lianji.base.errors import StorageError, Text
from lianji.base.state import State
from lianji.relay.lanes import Lane, Mark
from lianji.relay.ledger import Ledger
from lianji.relay.owners import Owners
from lianji.relay.ownership import UPKEEP, AgreeFirst, Elsewhere, Ownership, Rows, TableAway
from tests.relay.world import until

EPOCH = "ab" * 16
LEASE_S = 600.0


@dataclass
class World:
    """One process's ownership, another's leases, and the table that both write."""

    state: State
    table: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self.other = Owners(self.state, "b", "https://b:1", LEASE_S)
        self.owners = Owners(self.state, "a", "https://a:1", LEASE_S)

    def run(
        self, story: Callable[[Ownership], Coroutine[None, None, None]], lease_s: float = LEASE_S,
        rows: Callable[[], Rows] | None = None, known: Callable[[], Rows] | None = None,
    ) -> None:  # fmt: skip
        async def main() -> None:
            await story(Ownership(self.owners, self.ledger, rows or self.read, lease_s, known))

        asyncio.run(main())

    def read(self) -> Rows:
        return self.table

    def mark(self) -> Mark:
        return self.ledger.mark("e", Lane(EPOCH, 1))


@pytest.fixture
def world(state: State) -> World:
    return World(state)


def test_the_ledger_of_an_edge_is_read_when_it_is_taken_over(world: World) -> None:
    world.table = {("e", EPOCH, 1): (5, 55), ("f", EPOCH, 1): (9, 99)}

    async def story(here: Ownership) -> None:
        await here.answer_for("e", agreeing=True)
        assert world.mark() == Mark(5, 55)
        assert list(world.ledger.edges()) == ["e"]
        await here.answer_for("e", sends=True)

    world.run(story)


def test_who_sends_first_must_ask_first(world: World) -> None:
    async def story(here: Ownership) -> None:
        with pytest.raises(AgreeFirst):
            await here.answer_for("e", sends=True)
        await here.answer_for("e")
        with pytest.raises(AgreeFirst):
            await here.answer_for("e", sends=True)
        await here.answer_for("e", agreeing=True)
        await here.answer_for("e", sends=True)

    world.run(story)


def test_one_that_slept_says_yes_to_nothing_and_reads_anew_when_it_takes_it_back(
    world: World,
) -> None:
    async def story(here: Ownership) -> None:
        await here.answer_for("e", agreeing=True)
        world.owners.release()  # as if its lease were over
        world.other.take("e")
        world.table = {("e", EPOCH, 1): (7, 77)}
        here.tried_s -= 2 * LEASE_S
        with pytest.raises(Elsewhere) as told:
            await here.answer_for("e", sends=True)
        assert told.value.address == "https://b:1"
        with pytest.raises(Elsewhere):
            here.still("e")
        world.other.release()
        with pytest.raises(AgreeFirst):
            await here.answer_for("e", sends=True)
        assert world.mark() == Mark(7, 77)
        assert here.mine == {"e": 3}

    world.run(story)


def away() -> Rows:
    raise StorageError("bucket-failed", Text("away", "无"), Text("wait", "等"))


def test_one_that_cannot_read_the_table_leaves_the_edge_to_others(world: World) -> None:
    async def story(here: Ownership) -> None:
        with pytest.raises(TableAway):
            await here.answer_for("e")
        assert here.mine == {}
        assert world.other.take("e") == 1

    world.run(story, rows=away)


def test_without_the_table_an_edge_is_answered_by_what_had_it_last_alone(world: World) -> None:
    async def story(here: Ownership) -> None:
        await here.answer_for("e")
        await here.release()

    world.table = {("e", EPOCH, 1): (5, 55)}
    world.run(story)

    async def without(here: Ownership) -> None:
        await here.answer_for("e")
        assert world.mark() == Mark(5, 55)
        world.other.take("f")
        world.other.release("f")
        with pytest.raises(TableAway):
            await here.answer_for("f")
        assert here.mine == {"e": 1}
        assert world.other.take("f") == 1, "as if nobody had asked"

    world.ledger = Ledger()
    world.run(without, rows=away, known=world.read)


def test_one_that_has_ended_answers_nobody_and_lets_go(world: World) -> None:
    async def story(here: Ownership) -> None:
        await here.answer_for("e", agreeing=True)
        await here.release()
        with pytest.raises(Elsewhere):
            await here.answer_for("e")
        with pytest.raises(Elsewhere):
            here.still("e")
        assert world.other.take("e") == 2

    world.run(story)


def test_one_of_several_keeps_the_table_up(world: World) -> None:
    async def story(here: Ownership) -> None:
        assert not here.keeps_up
        keeping = asyncio.create_task(here.keep())
        await asyncio.to_thread(until, lambda: here.keeps_up, "it to keep up")
        with pytest.raises(Elsewhere):
            world.other.take(UPKEEP)
        world.owners.release()
        world.other.take(UPKEEP)
        await asyncio.to_thread(until, lambda: not here.keeps_up, "it to hear of it")
        keeping.cancel()

    world.run(story, lease_s=0.03)
