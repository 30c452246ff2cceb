"""The plan: what it never does, and what comes of it in the end."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lianji.learn.jobs.plan import Planned, Preempt, Rules, Start, plan
from lianji.learn.jobs.room import Machine, Need, Tenant
from tests.learn.jobs.simulated import Work, World

MACHINE = Machine(4, 8000, {"cuda": 1})
HOUR_US = 3_600_000_000


def need(
    id: str, tenant: str = "a", cpus: float = 1, memory: int = 100, device: str = "cpu"
) -> Need:
    return Need(id, tenant, cpus, memory, device)


def queued(id: str, priority: int = 0, since_us: int = 0, **more: Any) -> Planned:
    return Planned(need(id, **more), priority, since_us)


def running(id: str, level: int = 0, since_us: int = 0, **more: Any) -> Planned:
    stopping = more.pop("stopping", False)
    return Planned(need(id, **more), level, since_us, 0, level, stopping)


def planned(*jobs: Planned, now_us: int = 0, **tenants: Tenant) -> list[Start | Preempt]:
    return plan(jobs, tenants, MACHINE, now_us)


def ids(deeds: list[Start | Preempt]) -> list[str]:
    return [f"{'-' if isinstance(one, Preempt) else '+'}{one.id}" for one in deeds]


def test_the_highest_priority_starts_first_and_of_equal_ones_the_oldest() -> None:
    jobs = [queued("young", since_us=2), queued("old", since_us=1), queued("high", priority=1)]
    assert ids(planned(*jobs)) == ["+high", "+old", "+young"]


def test_only_as_many_start_as_there_is_room_for() -> None:
    jobs = [queued(str(n), since_us=n, cpus=1.5) for n in range(4)]
    assert ids(planned(*jobs)) == ["+0", "+1"]


def test_a_job_of_a_device_that_is_taken_or_missing_waits_and_others_do_not() -> None:
    jobs = [running("x", device="cuda"), queued("y", device="cuda"), queued("z", device="npu")]
    assert ids(planned(*jobs, queued("plain"))) == ["+plain"]


def test_a_higher_priority_takes_the_place_of_the_fewest_lower_the_newest_first() -> None:
    runs = [running(str(n), since_us=n) for n in range(4)]
    assert ids(planned(*runs, queued("high", priority=1))) == ["-3"]
    assert ids(planned(*runs, queued("high", priority=1, cpus=2))) == ["-3", "-2"]
    assert ids(planned(*runs, queued("equal", cpus=2))) == []


def test_one_that_would_not_help_is_left_alone() -> None:
    runs = [running("small", since_us=9, cpus=0.5), running("big", cpus=3.5)]
    assert ids(planned(*runs, queued("high", priority=1, cpus=3))) == ["-big"]


def test_nobody_is_preempted_in_vain() -> None:
    runs = [running("low", cpus=2), running("high", level=5, cpus=2)]
    assert ids(planned(*runs, queued("middle", priority=2, cpus=3))) == []


def test_the_place_of_one_that_gives_way_is_kept_for_whom_it_was_made() -> None:
    runs = [running("going", cpus=4, stopping=True)]
    wanting = [queued("high", priority=1, cpus=4), queued("other", cpus=1)]
    assert ids(planned(*runs, *wanting)) == []
    assert ids(planned(*wanting)) == ["+high"]


def test_a_quota_is_made_room_for_by_the_tenants_own_jobs_only() -> None:
    mine = Tenant("a", cpus_max=1)
    runs = [running("mine"), running("theirs", tenant="b", since_us=5)]
    assert ids(planned(*runs, queued("next"), a=mine)) == []
    assert ids(planned(*runs, queued("next", priority=1), a=mine)) == ["-mine"]


def test_what_never_fits_keeps_nobody_waiting() -> None:
    jobs = [queued("huge", priority=9, cpus=5), queued("quota", tenant="b", memory=500)]
    assert ids(planned(*jobs, queued("c"), b=Tenant("b", memory_mb_max=100))) == ["+c"]


def test_who_used_less_for_its_weight_comes_first() -> None:
    full = [running(str(n), level=9, tenant="z") for n in range(3)]
    jobs = [queued("a"), queued("b", tenant="b")]
    poor, rich = Tenant("b", used_s=10), Tenant("a", used_s=11)
    assert ids(planned(*full, *jobs, a=rich, b=poor)) == ["+b"]
    heavy = Tenant("a", weight=2, used_s=11)
    assert ids(planned(*full, *jobs, a=heavy, b=poor)) == ["+a"]


def test_a_job_that_waits_rises_and_is_then_not_pushed_aside() -> None:
    full = [running(str(n), level=9, tenant="z") for n in range(3)]
    days = 72 * HOUR_US
    jobs = [queued("old"), queued("new", priority=2, since_us=days)]
    [started] = planned(*full, *jobs, now_us=days)
    assert started == Start("old", 5), "three days waited, and nobody of this tenant was served"
    level = 5
    still = [*full, running("old", level), queued("next", priority=5, since_us=days)]
    assert ids(planned(*still, now_us=days)) == []


def test_nobody_starts_behind_one_that_has_waited_long_for_room() -> None:
    jobs = [running("x", cpus=2), queued("big", cpus=4), queued("small", since_us=1)]
    assert ids(planned(*jobs)) == ["+small"]
    assert ids(planned(*jobs, now_us=HOUR_US)) == []


def drawn(random: random.Random, world: World, count: int, comes_s_max: float) -> None:
    for number in range(count):
        device = random.choice(["cpu", "cpu", "cpu", "cuda", "npu"])
        cpus = random.choice([0.5, 1, 1, 2, world.machine.cpus])
        memory = random.choice([10, 500, 2000, world.machine.memory_mb])
        world.add(
            Work(
                Need(f"{number:03}", random.choice("abc"), cpus, memory, device),
                random.uniform(1, 30),
                random.randint(-2, 3),
                random.uniform(0, comes_s_max),
                random.choice([0.5, 1, 5]),
            )
        )


@pytest.mark.parametrize("seed", range(40))
def test_nobody_gets_more_than_there_is_and_all_end(seed: int) -> None:
    chance = random.Random(seed)
    machine = Machine(
        chance.choice([2, 3, 4.5, 8]), chance.choice([2000, 4000]), {"cuda": 1, "npu": 2}
    )
    tenants = {
        "a": Tenant("a", weight=chance.choice([0.5, 1, 3])),
        "b": Tenant("b", cpus_max=machine.cpus, running_max=chance.choice([1, 2, 3])),
        "c": Tenant("c", memory_mb_max=machine.memory_mb, cpus_max=machine.cpus),
    }
    rules = Rules(chance.choice([20, 100, 86_400]), chance.choice([10, 100]))
    world = World(machine, tenants, rules)
    drawn(chance, world, 40, 200)
    world.until_done(20_000)


@pytest.mark.parametrize(
    ("cpus", "memory", "within"), [([1], [100], 0.03), ([0.5, 1, 2], [100, 1000, 3000], 0.1)]
)
@pytest.mark.parametrize("seed", range(2))
def test_what_tenants_get_converges_to_their_weights(
    seed: int, cpus: list[float], memory: list[int], within: float
) -> None:
    """Closely where all jobs are alike; else the gaps that large jobs leave go to whoever fits."""
    chance = random.Random(seed)
    tenants = {name: Tenant(name, weight) for name, weight in (("a", 1), ("b", 2), ("c", 5))}
    world = World(Machine(4, 8000), tenants, Rules(horizon_s=1), half_life_s=5_000)
    count = 0
    for _ in range(8_000):
        for name in tenants:
            if sum(job.need.tenant == name for job in world.open) < 6:
                count += 1
                work = Need(str(count), name, chance.choice(cpus), chance.choice(memory))
                world.add(Work(work, chance.uniform(5, 120)))
        world.step()
        world.jobs = world.open
    whole = sum(world.used_s.values())
    for name, weight in (("a", 1), ("b", 2), ("c", 5)):
        assert world.used_s[name] / whole == pytest.approx(weight / 8, rel=within)


@pytest.mark.parametrize("own", [True, False])
def test_a_low_job_ends_behind_an_endless_stream_of_high_ones(own: bool) -> None:
    """Both of its own tenant and of another, each of which would preempt it."""
    world = World(Machine(1, 1000), {"a": Tenant("a"), "b": Tenant("b")}, Rules(aging_s=50))
    low = Work(Need("low", "a", 1, 100), 40)
    world.add(low)
    for number in range(3_000):
        if number % 12 == 3:
            tenant = "a" if own else "b"
            world.add(Work(Need(f"h{number}", tenant, 1, 100), 13, priority=3))
        world.step()
        if low.ended_s is not None:
            break
    assert low.preempted > 0
    assert low.ended_s is not None and low.ended_s < 1500


def test_a_large_job_ends_behind_an_endless_stream_of_small_ones() -> None:
    world = World(Machine(2, 1000), {"a": Tenant("a")}, Rules(patience_s=30))
    large = Work(Need("large", "a", 2, 100), 10)
    world.add(large)
    for number in range(1_000):
        world.add(Work(Need(str(number), "a", 1, 100), 7))
        if number == 0:
            large.since_s = 1  # the first small one is before it
        world.step()
        if large.ended_s is not None:
            break
    assert large.ended_s is not None and large.ended_s < 100
