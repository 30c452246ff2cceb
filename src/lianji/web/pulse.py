"""The pulse of live values: one look at the plant a period, for all streams together.

Whoever watches joins with its tags. While anybody does, the newest samples of all tags that are
watched are read once a period, what has changed is written as JSON once, and each watcher takes
what is its own. A slow reader misses the steps between, never the newest value.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

import pyarrow as pa
from fastapi.concurrency import run_in_threadpool

from lianji.dictionary.quality import name_of
from lianji.web.ports import PlantView

PERIOD_S = 0.5
Sample = tuple[str, int, float | None, str | None, int]
"""Tag, time in microseconds, value, text, quality."""


class Pulse:
    """Of one plant and one event loop."""

    def __init__(self) -> None:
        self._watched: Counter[str] = Counter()
        self._known: dict[str, Sample] = {}
        self._told: dict[str, tuple[int, str]] = {}
        """Of each tag the beat of its last change, and the sample as JSON."""
        self._beat = 0
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._after = asyncio.Event()
        self._failure: Exception | None = None
        self.looks = 0
        """How often the plant was asked, for whoever measures."""

    @asynccontextmanager
    async def watching(self, plant: PlantView, tags: Iterable[str]) -> AsyncIterator[Watch]:
        """Watch these tags of the plant; the first look comes at once."""
        wanted = list(tags)
        self._watched.update(wanted)
        if self._task is None or self._task.done():
            self._failure = None
            self._task = asyncio.create_task(self._run(plant), name="live-pulse")
        elif any(tag not in self._known for tag in wanted):
            self._wake.set()
        try:
            yield Watch(self, wanted)
        finally:
            self._watched.subtract(wanted)
            self._watched += Counter()  # what is at zero goes
            if not self._watched:
                self._task.cancel()
                self._known.clear()
                self._told.clear()

    async def _run(self, plant: PlantView) -> None:
        try:
            while True:
                self._wake.clear()
                tags = list(self._watched)
                self._take(await run_in_threadpool(last_of, plant, tags))
                self.announce()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), PERIOD_S)
        except Exception as error:
            self._failure = error
            self.announce()

    def _take(self, samples: Iterator[Sample]) -> None:
        self._beat += 1
        self.looks += 1
        for sample in samples:
            if self._known.get(sample[0]) != sample:
                self._known[sample[0]] = sample
                self._told[sample[0]] = self._beat, as_json(sample)
        for tag in self._known.keys() - self._watched.keys():
            del self._known[tag], self._told[tag]

    def announce(self) -> None:
        """Wake all watchers."""
        self._after.set()
        self._after = asyncio.Event()

    async def after(self, beat: int) -> None:
        """Wait for a later beat. Raises what the look at the plant raised."""
        if self._beat <= beat:
            await self._after.wait()
        if self._failure is not None:
            raise self._failure

    def since(self, beat: int, tags: Iterable[str]) -> tuple[int, list[str]]:
        """This beat, and as JSON what changed of these tags after that one."""
        told = self._told
        fresh = [entry[1] for tag in tags if (entry := told.get(tag)) and entry[0] > beat]
        return self._beat, fresh


class Watch:
    """One watcher's place in the pulse."""

    def __init__(self, pulse: Pulse, tags: list[str]) -> None:
        self._pulse = pulse
        self._tags = tags
        self._beat = -1

    def fresh(self) -> list[str]:
        """What changed since the last call, one JSON object a tag."""
        self._beat, found = self._pulse.since(self._beat, self._tags)
        return found

    async def beat(self) -> None:
        """Wait for what was not looked at yet."""
        await self._pulse.after(self._beat)


def last_of(plant: PlantView, tags: list[str]) -> Iterator[Sample]:
    """The newest sample of each. A tag that has not spoken yet is left out; it comes when it does.
    Blocks."""
    heard = [tag for tag in tags if plant.heard(tag)]
    return iter(_samples(plant.history.last(heard)) if heard else [])


def _samples(table: pa.Table) -> list[Sample]:
    columns = [
        table["tag"].cast(pa.string()).to_pylist(),
        table["time"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist(),
        [_finite(value) for value in table["value"].to_pylist()],
        table["text"].to_pylist(),
        table["quality"].to_pylist(),
    ]
    return list(zip(*columns, strict=True))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


_encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False).encode


def as_json(sample: Sample) -> str:
    """As the event carries it: the time in milliseconds since 1970."""
    tag, time_us, value, text, quality = sample
    return _encode(
        {
            "tag": tag,
            "time_ms": time_us / 1000,
            "value": value,
            "text": text,
            "quality": quality,
            "quality_name": name_of(quality),
        }
    )
