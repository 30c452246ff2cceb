"""A time-out that costs a reading of the clock a request, not a timer.

Drivers have time-outs of their own, and a request is made a thousand times a second. So there is
one timer a worker, which looks now and then at how long the current request has been under way.
"""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType


class Guard:
    """Watches the task that made it, between ``begin`` and ``end``.

    What takes longer than ``timeout_s`` is cancelled; ``fired`` then tells this cancellation from
    one that comes from outside.
    """

    def __init__(self, timeout_s: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a Guard is made inside a task")
        self.timeout_s = timeout_s
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._began = inf
        self._fired = False
        self._timer = self._loop.call_later(timeout_s, self._look)

    def begin(self) -> None:
        self._began = self._loop.time()

    def end(self) -> None:
        """The request is over. A driver may have swallowed our cancellation: take it back."""
        self._began = inf
        if self._fired:
            self.fired()

    def fired(self) -> bool:
        """Asked when CancelledError arrives: True if it was ours, and only ours."""
        ours, self._fired = self._fired, False
        return ours and self._task.uncancel() == 0

    def _look(self) -> None:
        now = self._loop.time()
        deadline = self._began + self.timeout_s
        if now < deadline:
            self._timer = self._loop.call_at(min(deadline, now + self.timeout_s), self._look)
            return
        self._began = inf
        self._fired = True
        self._task.cancel()
        self._timer = self._loop.call_later(self.timeout_s, self._look)

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
