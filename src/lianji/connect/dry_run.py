"""Try a device with all of its tags once, before anything is stored.

Each tag comes back with its value, the bytes that it was made from, its quality, how long it took
and, if it failed, why. Nothing is remembered and nothing is sent on.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lianji.base.clock import now_us
from lianji.base.errors import DeviceTimeout, LianjiError, Refused, Text, counted
from lianji.connect.driver import Block, Columns, Driver, Point
from lianji.connect.failures import as_lianji_error, no_answer, subscription_ended
from lianji.connect.guard import Guard
from lianji.connect.points import parse_tags, plan_points, plans_itself
from lianji.connect.refused import Bisection, Ranges
from lianji.connect.silence import Silence
from lianji.connect.statistics import predicted_cycle_s
from lianji.dictionary.quality import Quality, name_of
from lianji.dictionary.tag import Tag

LISTEN_S = 3.0
OPEN_S = 10.0
HEX_BYTES_MAX = 32


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one tag. ``hex`` is empty where the protocol has no bytes."""

    path: str
    address: str
    value: float | str | None = None
    hex: str = ""
    quality: int = int(Quality.BAD_NO_DATA)
    latency_ms: float | None = None
    error: Text | None = None

    @property
    def quality_name(self) -> str:
        return name_of(self.quality)


@dataclass(slots=True)
class DryRun:
    """One row a tag, in the tags' order, and what it took to get them."""

    rows: list[Row]
    requests: int = 0
    blocks: int = 0
    seconds: float = 0.0
    cycle_s_predicted: float = 0.0
    error: LianjiError | None = None
    """What ended the trial early, such as a device that cannot be reached."""
    _request_s: list[float] = field(default_factory=list)

    @property
    def good(self) -> int:
        return sum(row.error is None for row in self.rows)

    def sentence(self) -> Text:
        """Such as "400 tags in 9 requests, 0.2 s"."""
        bad = len(self.rows) - self.good
        asked, requests = counted(len(self.rows), "tag"), counted(self.requests, "request")
        en = f"{asked} in {requests}, {self.seconds:.2g} s"
        zh = f"{len(self.rows)} 个标签，{self.requests} 次请求，{self.seconds:.2g} 秒"
        if bad:
            en, zh = f"{en}; {bad} of them failed", f"{zh}；其中 {bad} 个失败"
        return Text(en, zh)

    def as_json(self) -> dict[str, object]:
        return {
            "rows": [asdict(row) for row in self.rows],
            "requests": self.requests,
            "blocks": self.blocks,
            "seconds": self.seconds,
            "cycle_s_predicted": self.cycle_s_predicted,
            "sentence": asdict(self.sentence()),
            "error": None if self.error is None else self.error.as_json(),
        }


async def dry_run(driver: Driver[Any], tags: Sequence[Tag], listen_s: float = LISTEN_S) -> DryRun:
    """Open, read every tag once, listen ``listen_s`` to what comes by itself, and close.

    Raises nothing of the device's doing: that is in ``error`` and in the rows.
    """
    trial = DryRun([Row(tag.path, tag.address) for tag in tags])
    parsed = parse_tags(driver, tags)
    for number, rejected in parsed.rejected.items():
        quality = int(Quality.BAD_CONFIGURATION_ERROR)
        trial.rows[number] = replace(trial.rows[number], error=rejected.reason, quality=quality)
    heard = {n: point for n, point in parsed.points.items() if driver.subscribed(point)}
    polled = {n: point for n, point in parsed.points.items() if n not in heard}
    blocks = plan_points(driver, polled, polled, Ranges())
    trial.blocks = len(blocks)
    began = time.monotonic()
    try:
        async with asyncio.timeout(OPEN_S):
            await driver.open()
        await _poll(driver, trial, blocks)
        trial.seconds = time.monotonic() - began
        if heard:
            await _listen(driver, trial, heard, listen_s)
    except Exception as error:
        trial.error = as_lianji_error(error)
        _fail_rest(trial, trial.error)
    finally:
        await driver.close()
    trial.seconds = trial.seconds or time.monotonic() - began
    _predict(driver, trial)
    return trial


async def _poll(driver: Driver[Any], trial: DryRun, blocks: Sequence[Block]) -> None:
    todo, bisection, silence = deque(blocks), Bisection(not plans_itself(driver)), Silence()
    config = driver.config
    with Guard(config.timeout_ms / 1000 * 1.2 + 0.05) as guard:
        while todo:
            block = todo.popleft()
            if silence.skips(block):
                _fail(trial, block, no_answer(guard.timeout_s), Quality.BAD_TIMEOUT)
                continue
            try:
                await _read(driver, trial, block, guard)
                bisection.answered(block)
                silence.answered(block)
            except Refused as error:
                silence.answered(block)
                halves = () if error.transient else bisection.refused(block)
                todo.extend(halves)
                if not halves:
                    _fail(trial, block, error, Quality.BAD_CONFIGURATION_ERROR)
            except DeviceTimeout as error:
                silence.timed_out(block)
                _fail(trial, block, error, Quality.BAD_TIMEOUT)
            await asyncio.sleep(config.pause_ms / 1000)


async def _read(driver: Driver[Any], trial: DryRun, block: Block, guard: Guard) -> None:
    trial.requests += 1
    asked = time.monotonic()
    guard.begin()
    try:
        raw = await driver.read(block)
    except asyncio.CancelledError as error:
        if guard.fired():
            raise no_answer(guard.timeout_s) from error
        raise
    finally:
        guard.end()
    latency_s = time.monotonic() - asked
    trial._request_s.append(latency_s)
    try:
        columns = driver.decode(block, raw, now_us())
    except Exception as error:
        _fail(trial, block, as_lianji_error(error), Quality.BAD_DECODING_ERROR)
    else:
        _fill(trial, columns, latency_s * 1000)
    if isinstance(raw, bytes | bytearray | memoryview):
        for point, number in zip(block.points, block.numbers.tolist(), strict=True):
            trial.rows[number] = replace(trial.rows[number], hex=_hex(bytes(raw), block, point))


async def _listen(
    driver: Driver[Any], trial: DryRun, heard: dict[int, Point], listen_s: float
) -> None:
    missing, complete = set(heard), asyncio.Event()

    def emit(columns: Columns) -> None:
        _fill(trial, columns, None)
        missing.difference_update(columns.numbers.tolist())
        if not missing:
            complete.set()

    subscription = asyncio.ensure_future(driver.subscribe(list(heard.values()), list(heard), emit))
    waiting = asyncio.ensure_future(complete.wait())
    try:
        done, _ = await asyncio.wait(
            (subscription, waiting), timeout=listen_s, return_when=asyncio.FIRST_COMPLETED
        )
        if subscription in done:
            subscription.result()
            raise subscription_ended()
    finally:
        for task in (subscription, waiting):
            task.cancel()
        await asyncio.gather(subscription, waiting, return_exceptions=True)
    silent = Text(f"Nothing came within {listen_s:g} s.", f"{listen_s:g} 秒内没有收到数据。")
    for number in missing:
        trial.rows[number] = replace(trial.rows[number], error=silent)


def _fill(trial: DryRun, columns: Columns, latency_ms: float | None) -> None:
    texts = columns.texts or [None] * len(columns)
    values, quality = columns.values.tolist(), columns.quality.tolist()
    for number, value, code, text in zip(
        columns.numbers.tolist(), values, quality, texts, strict=True
    ):
        shown = text if text is not None else (None if value != value else value)
        bad = Text(f"The device says {name_of(code)}.", f"设备给出的质量为 {name_of(code)}。")
        trial.rows[number] = replace(
            trial.rows[number],
            value=shown,
            quality=code,
            latency_ms=latency_ms,
            error=bad if code >= Quality.BAD else None,
        )


def _fail(trial: DryRun, block: Block, error: LianjiError, quality: Quality) -> None:
    for number in block.numbers.tolist():
        trial.rows[number] = replace(trial.rows[number], error=error.cause, quality=int(quality))


def _fail_rest(trial: DryRun, error: LianjiError) -> None:
    for number, row in enumerate(trial.rows):
        if row.error is None and row.quality == Quality.BAD_NO_DATA:
            trial.rows[number] = replace(row, error=error.cause)


def _hex(raw: bytes, block: Block, point: Point) -> str:
    """The point's own bytes where every address has equally many; else the block's first."""
    if block.span and len(raw) % block.span == 0:
        width = len(raw) // block.span
        raw = raw[(point.start - block.start) * width : (point.end - block.start) * width]
    return raw[:HEX_BYTES_MAX].hex(" ")


def _predict(driver: Driver[Any], trial: DryRun) -> None:
    answers = trial._request_s
    mean_s = sum(answers) / len(answers) if answers else 0.0
    pause_s = driver.config.pause_ms / 1000
    in_flight = 1 if pause_s else driver.limits.in_flight
    trial.cycle_s_predicted = predicted_cycle_s(trial.blocks, mean_s, in_flight, pause_s)
