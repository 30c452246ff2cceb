"""``[relay] mode = "sync"``: the hub says yes when the second hub has it too.

Whoever waits costs a future, not a thread. When the second hub does not follow in time, the policy
decides: ``degrade`` says yes without it, and says so, until it has caught up; ``refuse`` says no,
and the edge sends again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lianji.base.clock import monotonic_s
from lianji.base.errors import Busy, LianjiError, LinkDown, Text
from lianji.relay.settings import SyncPolicy

LOOK_S = 0.1
"""So often whoever waits looks also when nobody has said that something moved."""


@dataclass(slots=True)
class Degraded:
    since_s: float
    """On the clock that is never set back."""
    goal: int
    """When the second hub has this, what came meanwhile tells whether it has caught up."""
    goal_s: float


class Both:
    """Lives in the loop that receives; only ``moved`` may be called from other threads."""

    def __init__(
        self,
        position: Callable[[], int],
        durable: Callable[[], int],
        wait_s: float,
        policy: SyncPolicy,
    ) -> None:
        """``position``: up to where the second hub has this hub's spool, of which ``durable`` is
        the end."""
        self._position, self._durable = position, durable
        self._wait_s, self._policy = wait_s, policy
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[asyncio.Future[None], int] = {}
        self.degraded: Degraded | None = None

    async def __call__(self, sequence: int) -> None:
        """Wait until both have it. Raises Busy by policy ``refuse``."""
        self._look()
        if self._position() >= sequence:
            return
        if self.degraded is not None and self._policy is SyncPolicy.DEGRADE:
            return
        if await self._waited(sequence):
            return
        self._degrade()
        if self._policy is SyncPolicy.REFUSE:
            raise _alone()

    async def _waited(self, sequence: int) -> bool:
        """Whether the second hub has it in time."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting[future] = sequence
        until_s = monotonic_s() + self._wait_s
        try:
            while not future.done() and (left_s := until_s - monotonic_s()) > 0:
                await asyncio.wait({future}, timeout=min(LOOK_S, left_s))
                self._look()
            return future.done()
        finally:
            del self._waiting[future]

    def moved(self) -> None:
        """The second hub has more. From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        position = self._position()
        for future, sequence in list(self._waiting.items()):
            if sequence <= position and not future.done():
                future.set_result(None)
        degraded = self.degraded
        if degraded is None or position < degraded.goal:
            return
        now_s, durable = monotonic_s(), self._durable()
        if position >= durable or now_s - degraded.goal_s < self._wait_s:
            self.degraded = None
        else:
            degraded.goal, degraded.goal_s = durable, now_s

    def _degrade(self) -> None:
        if self.degraded is None:
            now_s = monotonic_s()
            self.degraded = Degraded(now_s, self._durable(), now_s)

    def problems(self) -> list[LianjiError]:
        if self.degraded is None:
            return []
        for_s = monotonic_s() - self.degraded.since_s
        return [_degraded(for_s) if self._policy is SyncPolicy.DEGRADE else _alone()]


def _degraded(for_s: float) -> LinkDown:
    return LinkDown(
        "hub-sync-degraded",
        Text(
            f"For {for_s:,.0f} s the second hub has not followed: what edges bring is on this hub "
            "alone until it has caught up.",
            f"备用中心已有 {for_s:,.0f} 秒未跟上：恢复同步前，数据仅保存在本中心。",
        ),
        Text(
            "Look at the second hub and at the line; edges keep what they sent for as long as "
            "their [relay] keep_h.",
            "请检查备用中心及网络；边缘端会按 [relay] keep_h 保留已发送的数据。",
        ),
    )


def _alone() -> Busy:
    return Busy(
        "hub-sync-refused",
        Text(
            "The second hub does not follow, and this hub says yes only when both have it.",
            "备用中心未跟上；本中心设置为两地都保存后才确认。",
        ),
        Text(
            "Nothing is lost: edges send again. Look at the second hub, or set [relay] "
            'sync_policy = "degrade".',
            '数据没有丢失，边缘端会重发。请检查备用中心，或设置 [relay] sync_policy = "degrade"。',
        ),
    )
