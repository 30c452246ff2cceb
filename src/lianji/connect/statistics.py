"""What a device has done and how it is: counted by the engine, read by status and the page.

Counting is a plain addition; everything that takes thought is worked out when somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError, Text, counted

CYCLES_KEPT = 256


class State(StrEnum):
    CONNECTING = "connecting"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class RejectedTag:
    """A tag that its driver cannot read, and why."""

    path: str
    reason: Text


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device at one moment. Times are in the unit that their name ends with."""

    name: str
    protocol: str
    state: State
    summary: Text
    """One plain sentence: how it is and what will happen next."""
    tags: int
    rejected: tuple[RejectedTag, ...]
    requests: int
    answered: int
    refused: int
    timeouts: int
    desyncs: int
    reconnects: int
    samples: int
    bad_samples: int
    lost_samples: int
    refused_tags: int
    silent_tags: int
    in_flight: int
    in_flight_fallen_back: bool
    cycle_s_last: float
    cycle_s_p50: float
    cycle_s_max: float
    cycle_s_predicted: float
    missed_cycles: int
    last_good_us: int | None
    """When a good sample last came (wall time); None if none came yet."""
    last_error: dict[str, object] | None
    last_error_us: int | None
    """Since when the last error stands; it stands until ``state`` is running without it."""
    diagnosis: Mapping[str, float | str]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(slots=True)
class Statistics:
    """Counters of one device since the process began."""

    name: str
    protocol: str
    state: State = State.CONNECTING
    tags: int = 0
    rejected: tuple[RejectedTag, ...] = ()
    requests: int = 0
    answered: int = 0
    refused: int = 0
    timeouts: int = 0
    desyncs: int = 0
    reconnects: int = 0
    samples: int = 0
    bad_samples: int = 0
    lost_samples: int = 0
    refused_tags: int = 0
    silent_tags: int = 0
    in_flight: int = 1
    in_flight_fallen_back: bool = False
    blocks: int = 0
    pause_s: float = 0.0
    missed_cycles: int = 0
    last_good_us: int | None = None
    error: LianjiError | None = None
    error_us: int | None = None
    storage_error: LianjiError | None = None
    storage_error_us: int | None = None
    retry_at_s: float | None = None
    """When the next attempt to connect comes, in monotonic time."""
    busy_s: float = 0.0
    """Seconds spent waiting for answers, over all requests."""
    cycles_s: deque[float] = field(default_factory=lambda: deque(maxlen=CYCLES_KEPT))
    cycle_s_max: float = 0.0

    def failed(self, error: LianjiError) -> None:
        """Remember an error; the same one again keeps the moment at which it began."""
        if self.error is None or self.error.code != error.code:
            self.error_us = now_us()
        self.error = error

    def recovered(self) -> None:
        self.error = None
        self.error_us = None

    def storage_failed(self, error: LianjiError) -> None:
        """The samples did not reach the disk; stands until some do."""
        if self.storage_error is None:
            self.storage_error_us = now_us()
        self.storage_error = error

    def storage_recovered(self) -> None:
        self.storage_error = None
        self.storage_error_us = None

    def cycle_took(self, seconds: float) -> None:
        self.cycles_s.append(seconds)
        self.cycle_s_max = max(self.cycle_s_max, seconds)

    @property
    def cycle_s_predicted(self) -> float:
        """What reading everything once should take, from the mean answer so far."""
        return predicted_cycle_s(
            self.blocks, self.busy_s / max(1, self.requests), self.in_flight, self.pause_s
        )

    def snapshot(self, diagnosis: Mapping[str, float | str]) -> DeviceStatus:
        ordered = sorted(self.cycles_s)
        error = self.error or self.storage_error
        return DeviceStatus(
            name=self.name,
            protocol=self.protocol,
            state=self.state,
            summary=summary(self),
            tags=self.tags,
            rejected=self.rejected,
            requests=self.requests,
            answered=self.answered,
            refused=self.refused,
            timeouts=self.timeouts,
            desyncs=self.desyncs,
            reconnects=self.reconnects,
            samples=self.samples,
            bad_samples=self.bad_samples,
            lost_samples=self.lost_samples,
            refused_tags=self.refused_tags,
            silent_tags=self.silent_tags,
            in_flight=self.in_flight,
            in_flight_fallen_back=self.in_flight_fallen_back,
            cycle_s_last=self.cycles_s[-1] if self.cycles_s else 0.0,
            cycle_s_p50=ordered[len(ordered) // 2] if ordered else 0.0,
            cycle_s_max=self.cycle_s_max,
            cycle_s_predicted=self.cycle_s_predicted,
            missed_cycles=self.missed_cycles,
            last_good_us=self.last_good_us,
            last_error=None if error is None else error.as_json(),
            last_error_us=self.storage_error_us if self.error is None else self.error_us,
            diagnosis=diagnosis,
        )


def predicted_cycle_s(blocks: int, request_s: float, in_flight: int, pause_s: float) -> float:
    """How long reading ``blocks`` takes at ``request_s`` an answer and ``in_flight`` at once."""
    return blocks * (request_s + pause_s) / max(1, in_flight)


def summary(now: Statistics) -> Text:
    """How the device is, in one plain sentence or a few."""
    match now.state:
        case State.DISABLED:
            return Text("Switched off in its file.", "已在其文件中停用。")
        case State.STOPPED if now.tags == 0:
            return Text("There are no tags to read.", "没有可读取的标签。")
        case State.STOPPED:
            return Text("Stopped.", "已停止。")
        case State.CONNECTING:
            return _with_error(now, Text("Connecting.", "正在连接。"))
        case State.BACKING_OFF:
            wait_s = max(0.0, (now.retry_at_s or 0.0) - monotonic_s())
            return _with_error(
                now,
                Text(f"Tries again in {wait_s:.0f} s.", f"{wait_s:.0f} 秒后重试。"),
            )
        case State.RUNNING:
            return _with_error(now, _running(now))


def _running(now: Statistics) -> Text:
    en = f"Running: {counted(now.tags, 'tag')}"
    zh = f"运行中：{now.tags} 个标签"
    if now.blocks:
        last_s = now.cycles_s[-1] if now.cycles_s else now.cycle_s_predicted
        en += f" in {counted(now.blocks, 'request')}, {last_s:.2g} s"
        zh += f"，{now.blocks} 次请求，{last_s:.2g} 秒"
    en, zh = en + ".", zh + "。"
    if now.refused_tags:
        en += f" The device refuses {counted(now.refused_tags, 'tag')}."
        zh += f"设备拒绝读取 {now.refused_tags} 个标签。"
    if now.silent_tags:
        en += f" Without an answer: {counted(now.silent_tags, 'tag')}."
        zh += f"{now.silent_tags} 个标签无应答。"
    if now.in_flight_fallen_back:
        en += " It could not follow several requests at once, so it gets one at a time."
        zh += "设备无法同时处理多个请求，已改为逐个请求。"
    return Text(en, zh)


def _with_error(now: Statistics, text: Text) -> Text:
    for error in (now.error, now.storage_error):
        if error is not None:
            text = Text(f"{text.en} {error.cause.en}", f"{text.zh}{error.cause.zh}")
    if now.storage_error is not None:
        text = Text(
            f"{text.en} {now.lost_samples} samples were lost.",
            f"{text.zh}已丢失 {now.lost_samples} 个样本。",
        )
    return text
