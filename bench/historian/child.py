"""``python -m bench.historian.child``: one piece of work in a process of its own, told as JSON.

So the memory and the time of each system are its own: nobody else's libraries, caches or threads.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.historian.feed import joined, read_feed
from bench.historian.open import SYSTEMS
from bench.historian.ours import YES_S_MAX, Lianji
from bench.historian.system import Series, System, Told
from bench.mixes import START_US, Block, path_of

PUT_SAMPLES = 1_000_000
SMALL_PUT_SAMPLES = 100_000
DRAWS = 30
ASKED_S_MAX = 10.0
PIXELS = 2_000
BUCKETS = 1_440


def ingest(name: str, folder: str, feed: str, tags: str, samples_max: str) -> dict[str, Any]:
    """Take a feed until all of it is in files, then come to rest."""
    series = _series(int(tags))
    system = SYSTEMS[name](Path(folder), series.paths)
    try:
        blocks = first_samples(read_feed(Path(feed)), int(samples_max))
        samples, elapsed_s = _taken(system, series, blocks)
        memory_mb = system.memory_mb()
        started = time.perf_counter()
        system.settle()
        return {
            "name": system.name,
            "yes": system.yes,
            "note": system.note,
            "samples": samples,
            "elapsed_s": elapsed_s,
            "settle_s": time.perf_counter() - started,
            "memory_mb": max(memory_mb, system.memory_mb()) if system.is_server else memory_mb,
            "bytes": system.bytes(),
            "rows": system.rows(),
            "drops_repeated": system.drops_repeated,
        }
    finally:
        system.close()


def _taken(system: System, series: Series, blocks: Iterator[Block]) -> tuple[int, float]:
    """How many samples, and the seconds; making a server's bodies is its sender's business."""
    samples, aside_s = 0, 0.0
    began = time.perf_counter()
    for block in joined(blocks, PUT_SAMPLES):
        samples += len(block)
        started = time.perf_counter()
        prepared = system.prepared(block, series)
        aside_s += time.perf_counter() - started if system.is_server else 0.0
        system.put(prepared)
    system.flush()
    return samples, time.perf_counter() - began - aside_s


def durable(name: str, folder: str, feed: str, tags: str, samples_max: str) -> dict[str, Any]:
    """Batches of 100,000 that lie ready in memory, until the last one is durable."""
    series = _series(int(tags))
    system, put = _durable_way(name, Path(folder), series)
    try:
        blocks = first_samples(read_feed(Path(feed)), int(samples_max))
        ready = [system.prepared(block, series) for block in joined(blocks, SMALL_PUT_SAMPLES)]
        started = time.perf_counter()
        put(ready)
        elapsed_s = time.perf_counter() - started
        return {"name": system.name, "elapsed_s": elapsed_s}
    finally:
        system.close()


def _durable_way(
    name: str, folder: Path, series: Series
) -> tuple[System, Callable[[list[Any]], None]]:
    """A system whose yes comes after the sync, and how it is handed everything."""
    if name in ("spool", "lianji"):
        ours = Lianji(folder, series.paths, follow=name == "lianji")
        return ours, lambda ready: _all_answered(ours, ready)
    rival = _synced_chdb(folder, series) if name == "chdb" else SYSTEMS[name](folder, series.paths)
    return rival, lambda ready: _one_by_one(rival, ready)


def _synced_chdb(folder: Path, series: Series) -> System:
    from bench.rival_chdb import ClickHouse

    return ClickHouse(folder, series.paths, durable=True)


def _one_by_one(rival: System, ready: list[Any]) -> None:
    for one in ready:
        rival.put(one)


def _all_answered(ours: Lianji, ready: list[Any]) -> None:
    """As many ahead as it takes: the spool makes its groups itself."""
    answers = [ours.spool.put(batch) for batches in ready for batch in batches]
    for answer in answers:
        answer.result(YES_S_MAX)


def make_files(folder: str, tags: str, commits: str, days: str) -> dict[str, Any]:
    """A history of commits times days files, and one sample of each tag in every one of them."""
    from bench.mixes import DAY_US, Mix

    mix = Mix("plant", int(tags), DAY_US, int(days))
    ours = Lianji(Path(folder), mix.paths, follow=False)
    try:
        for commit in range(int(commits)):
            later = Mix("plant", mix.tags, DAY_US, mix.steps, start_us=START_US + commit * 60_000)
            block = Block.concat(list(later.blocks()))
            ours.put(ours.prepared(block, Series("plant", 0, mix.paths, later.end_us)))
            ours.flush()
        return {"files": ours.history.status().files}
    finally:
        ours.close()


def reopen(folder: str, tag: str) -> dict[str, Any]:
    """A process that knows nothing yet: until the last value of a tag is there."""
    started = time.perf_counter()
    ours = Lianji(Path(folder), [], follow=False)
    opened_s = time.perf_counter() - started
    try:
        rows = ours.history.last([tag]).num_rows
        elapsed_s = time.perf_counter() - started
        files = ours.history.status().files
    finally:
        ours.close()
    return {"opened_s": opened_s, "elapsed_s": elapsed_s, "files": files, "rows": rows}


def grow(folder: str, feed: str, tags: str, start_us: str, end_us: str) -> dict[str, Any]:
    """As ``ingest``, of Lianji alone; then questions of what is there, each of other tags."""
    series = _series(int(tags))
    ours = Lianji(Path(folder), series.paths)
    try:
        samples, elapsed_s = _taken(ours, series, read_feed(Path(feed)))
        memory_mb = ours.memory_mb()
        started = time.perf_counter()
        ours.settle()
        return {
            "samples": samples,
            "elapsed_s": elapsed_s,
            "settle_s": time.perf_counter() - started,
            "memory_mb": memory_mb,
            "bytes": ours.bytes(),
            "files": ours.history.status().files,
            "questions": _answers(ours, series, int(start_us), int(end_us)),
        }
    finally:
        ours.close()


def _answers(ours: Lianji, series: Series, start_us: int, end_us: int) -> list[dict[str, Any]]:
    many, step_us = min(100, len(series.paths)), (end_us - start_us) // BUCKETS
    questions: dict[str, Callable[[int], Told | None]] = {
        "last value of all tags": lambda n: ours.last(series),
        "1 tag raw, all of it": lambda n: ours.raw(series, n, start_us, end_us),
        f"1 tag to {PIXELS:,} pixels": lambda n: ours.plot(series, n, start_us, end_us, PIXELS),
        f"{many} tags, means of {BUCKETS:,} buckets": lambda n: ours.means(
            series, range(n, n + many), start_us, start_us + BUCKETS * step_us, step_us
        ),
        "all tags at one instant": lambda n: ours.at(
            series, start_us + (n + 1) * (end_us - start_us) // (2 * len(series.paths))
        ),
    }
    return [_timed(measure, ask, len(series.paths) - many) for measure, ask in questions.items()]


def _timed(measure: str, ask: Callable[[int], Told | None], tags: int) -> dict[str, Any]:
    times, rows, began = [], 0, time.monotonic()
    for draw in range(DRAWS):
        started = time.perf_counter()
        told = ask(draw * 997 % max(1, tags))
        times.append((time.perf_counter() - started) * 1000)
        rows = len(told().key) if told is not None else 0
        if time.monotonic() - began > ASKED_S_MAX:
            break
    return {"measure": measure, "ms": times, "rows": rows}


def first_samples(blocks: Iterator[Block], samples_max: int) -> Iterator[Block]:
    """The first blocks, up to about so many samples."""
    taken = 0
    for block in blocks:
        if taken >= samples_max:
            return
        taken += len(block)
        yield block


def _series(tags: int) -> Series:
    return Series("plant", 0, [path_of(tag) for tag in range(tags)], START_US)


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "ingest": ingest,
    "durable": durable,
    "make-files": make_files,
    "reopen": reopen,
    "grow": grow,
}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
