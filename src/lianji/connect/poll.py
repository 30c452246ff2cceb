"""One polling cycle: every due block read once, as many at a time as the device can bear.

What goes wrong with one block concerns that block alone: a time-out marks its points bad, a
refusal is bisected to the very point that is to blame, a space that says nothing is left out for
a while. Only a lost link or an answer to another question ends the cycle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Desync, DeviceTimeout, LianjiError, Refused
from lianji.connect.backoff import Backoff, InFlight
from lianji.connect.columns import join
from lianji.connect.driver import Block, Columns, Driver, Point
from lianji.connect.failures import as_lianji_error, no_answer
from lianji.connect.guard import Guard
from lianji.connect.points import plan_points, plans_itself
from lianji.connect.refused import Bisection, Ranges
from lianji.connect.silence import Silence
from lianji.connect.statistics import Statistics
from lianji.dictionary.quality import Quality

RETRY_REFUSED_S = 600.0
RETRIES_MAX = 16
"""So many refused points are asked again in one cycle at most."""
BISECT_REQUESTS_MAX = 256
"""So many requests of one cycle go into a search for forbidden addresses at most."""

Answer = tuple[Block, Any, int]


@dataclass(slots=True)
class Cycle:
    """What became of one cycle."""

    todo: deque[Block]
    answers: list[Answer] = field(default_factory=list)
    divided: dict[int, tuple[Block, ...]] = field(default_factory=dict)
    searched: int = 0
    timeout: LianjiError | None = None
    trouble: LianjiError | None = None
    """The last thing that went wrong with a single block."""
    failure: LianjiError | None = None
    """What ended the cycle, and the link with it."""


@dataclass(slots=True)
class _Retry:
    at_s: float
    block: Block
    group: int


class Poller:
    """The polled points of one device, grouped by interval, and all that is known of them.

    ``standing`` uint16 (tags,): the bad quality of a point that has no value now, else 0.
    ``ranges`` grows by what the device refuses; ``taught`` says that it has grown.
    """

    def __init__(
        self,
        driver: Driver[Any],
        points: Mapping[int, Point],
        interval_s: Callable[[int], float],
        tags: int,
        ranges: Ranges,
        statistics: Statistics,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.driver = driver
        self.points = dict(points)
        self.standing: NDArray[np.uint16] = np.zeros(tags, np.uint16)
        self.ranges = ranges
        self.taught = False
        self._stale = False
        """The plan does not yet use all that is known."""
        self.silence = Silence(backoff)
        self.in_flight = InFlight(1 if driver.config.pause_ms else driver.limits.in_flight)
        self._statistics = statistics
        self._timeout_s = driver.config.timeout_ms / 1000
        self._pause_s = driver.config.pause_ms / 1000
        self._addressed = not plans_itself(driver)
        self._bisection = Bisection(self._addressed)
        self._retries: deque[_Retry] = deque()
        self.intervals_s, self.groups = self._plan(interval_s)
        self._spaces = {block.space for group in self.groups for block in group}
        self._count()

    def _plan(self, interval_s: Callable[[int], float]) -> tuple[list[float], list[list[Block]]]:
        by_interval: dict[float, list[int]] = {}
        for number in self.points:
            by_interval.setdefault(interval_s(number), []).append(number)
        intervals = sorted(by_interval)
        groups = [
            self._plan_group(group, by_interval[interval])
            for group, interval in enumerate(intervals)
        ]
        return intervals, groups

    def _plan_group(self, group: int, numbers: Iterable[int]) -> list[Block]:
        blocks = plan_points(self.driver, self.points, numbers, self.ranges)
        kept: list[Block] = []
        for block in blocks:
            if self._known_refused(block):
                self._refuse(block, group)
            else:
                kept.append(block)
        return kept

    def _known_refused(self, block: Block) -> bool:
        return self._addressed and self.ranges.refuses(block.points[0])

    def _refuse(self, block: Block, group: int) -> None:
        self.standing[block.numbers] = Quality.BAD_CONFIGURATION_ERROR
        self._retries.append(_Retry(monotonic_s() + RETRY_REFUSED_S, block, group))

    async def cycle(self, due: Sequence[int]) -> Cycle:
        """Read the blocks of these groups once. Raises nothing but CancelledError."""
        began_s = monotonic_s()
        blocks = [block for group in due for block in self.groups[group]]
        retries = self._retries_due(began_s)
        cycle = Cycle(deque(self.silence.begin(blocks, began_s)))
        cycle.todo.extend(retry.block for retry in retries)
        workers = min(self.in_flight.now(began_s), len(cycle.todo))
        if workers <= 1:
            await self._work(cycle)
        else:
            await asyncio.gather(*(self._work(cycle) for _ in range(workers)))
        self._conclude(cycle, due, retries)
        return cycle

    def decode(self, cycle: Cycle) -> Columns:
        """All answers of a cycle as one. What cannot be decoded is bad, block by block."""
        parts: list[Columns] = []
        for block, raw, time_us in cycle.answers:
            try:
                parts.append(self.driver.decode(block, raw, time_us))
            except Exception as error:
                cycle.trouble = as_lianji_error(error)
                self.standing[block.numbers] = Quality.BAD_DECODING_ERROR
        return join(parts)

    async def _work(self, cycle: Cycle) -> None:
        with Guard(self._timeout_s * 1.2 + 0.05) as guard:
            while cycle.todo and cycle.failure is None:
                block = cycle.todo.popleft()
                if self.silence.skips(block):
                    self.standing[block.numbers] = Quality.BAD_TIMEOUT
                    continue
                await self._request(cycle, block, guard)
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)

    async def _request(self, cycle: Cycle, block: Block, guard: Guard) -> None:
        statistics = self._statistics
        statistics.requests += 1
        asked_s = monotonic_s()
        guard.begin()
        try:
            raw = await self.driver.read(block)
            guard.end()
            cycle.answers.append((block, raw, now_us()))
            statistics.answered += 1
            self.silence.answered(block)
            self._bisection.answered(block)
        except asyncio.CancelledError:
            if not guard.fired():
                raise
            self._timed_out(cycle, block, no_answer(self._timeout_s))
        except Exception as error:
            guard.end()
            self._went_wrong(cycle, block, as_lianji_error(error))
        statistics.busy_s += monotonic_s() - asked_s

    def _went_wrong(self, cycle: Cycle, block: Block, error: LianjiError) -> None:
        if isinstance(error, DeviceTimeout):
            self._timed_out(cycle, block, error)
        elif isinstance(error, Refused):
            self._statistics.refused += 1
            self.silence.answered(block)
            cycle.trouble = error
            if error.transient:
                self.standing[block.numbers] = Quality.BAD_DEVICE_FAILURE
            else:
                self._divide(cycle, block)
        else:
            if isinstance(error, Desync):
                self.in_flight.trouble(monotonic_s())
            cycle.failure = cycle.failure or error

    def _timed_out(self, cycle: Cycle, block: Block, error: LianjiError) -> None:
        self._statistics.timeouts += 1
        self.in_flight.trouble(monotonic_s())
        self.silence.timed_out(block)
        self.standing[block.numbers] = Quality.BAD_TIMEOUT
        cycle.timeout = cycle.trouble = error

    def _divide(self, cycle: Cycle, block: Block) -> None:
        halves = self._bisection.refused(block)
        cycle.divided[id(block)] = halves
        if halves and cycle.searched < BISECT_REQUESTS_MAX:
            cycle.searched += len(halves)
            cycle.todo.extend(halves)

    def _conclude(self, cycle: Cycle, due: Sequence[int], retries: Sequence[_Retry]) -> None:
        now_s = monotonic_s()
        self.silence.end(now_s)
        if cycle.answers and self.standing.any():
            self.standing[np.concatenate([block.numbers for block, _, _ in cycle.answers])] = 0
        if cycle.divided:
            for group in due:
                self.groups[group] = [*self._replaced(self.groups[group], cycle, group)]
        self._learn()
        self._conclude_retries(cycle, retries, now_s)
        if self._stale and cycle.searched < BISECT_REQUESTS_MAX:
            self._plan_anew()
        if cycle.timeout and cycle.failure is None and self.silence.covers(self._spaces):
            cycle.failure = cycle.timeout
        self._count()

    def _replaced(self, blocks: Iterable[Block], cycle: Cycle, group: int) -> Iterable[Block]:
        """The plan, with what was refused replaced by its halves, down to what answers."""
        for block in blocks:
            halves = cycle.divided.get(id(block))
            if halves is None:
                yield block
            elif halves:
                yield from self._replaced(halves, cycle, group)
            else:
                self._refuse(block, group)

    def _learn(self) -> None:
        for space, start, end in self._bisection.lessons:
            self._know(self.ranges.learned(space, start, end))
        self._bisection.lessons.clear()

    def _know(self, ranges: Ranges) -> None:
        if ranges != self.ranges:
            self.ranges = ranges
            self.taught = self._stale = True

    def _plan_anew(self) -> None:
        """The search has cut blocks finer than what it found requires."""
        self._stale = False
        for group, blocks in enumerate(self.groups):
            numbers = [number for block in blocks for number in block.numbers.tolist()]
            self.groups[group] = self._plan_group(group, numbers)

    def _retries_due(self, now_s: float) -> list[_Retry]:
        due: list[_Retry] = []
        while self._retries and self._retries[0].at_s <= now_s and len(due) < RETRIES_MAX:
            due.append(self._retries.popleft())
        return due

    def _conclude_retries(self, cycle: Cycle, retries: Sequence[_Retry], now_s: float) -> None:
        if not retries:
            return
        answered = {id(block) for block, _, _ in cycle.answers}
        for retry in retries:
            block = retry.block
            if id(block) not in answered:
                self._refuse(block, retry.group)
                continue
            self.groups[retry.group].append(block)
            if self._addressed:
                self._know(self.ranges.forgotten(block.space, block.start, block.end))

    def _count(self) -> None:
        statistics = self._statistics
        statistics.blocks = sum(map(len, self.groups))
        statistics.pause_s = self._pause_s
        statistics.in_flight = self.in_flight.now(monotonic_s())
        statistics.in_flight_fallen_back = self.in_flight.fallen_back
        standing = self.standing
        if standing.any():
            refused = standing == Quality.BAD_CONFIGURATION_ERROR
            statistics.refused_tags = int(np.count_nonzero(refused))
            statistics.silent_tags = int(np.count_nonzero(standing == Quality.BAD_TIMEOUT))
        else:
            statistics.refused_tags = statistics.silent_tags = 0
