"""A form posted twice does the thing once: the second post gets the answer of the first.

Each form carries an id that the page made. Ids are remembered for ten minutes, in memory: a process
that was restarted in between does it again, which its own checks (a name that is taken) then meet.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from lianji.base.clock import monotonic_s
from lianji.base.errors import LianjiError

T = TypeVar("T")
KEPT_S = 600.0
KEPT_MAX = 2_000


class Once(Generic[T]):
    """What was done under each id. For one event loop."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, tuple[float, asyncio.Future[T]]] = OrderedDict()

    async def do(self, identity: str, work: Callable[[], Awaitable[T]]) -> T:
        """The answer of ``work``, done once for this id; done anew where it failed."""
        if not identity:
            return await work()
        self._forget()
        if identity in self._done:
            return await asyncio.shield(self._done[identity][1])
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._done[identity] = (monotonic_s(), future)
        try:
            future.set_result(await work())
        except BaseException as error:
            del self._done[identity]
            if isinstance(error, LianjiError):
                future.set_exception(error)
                future.exception()  # seen: nobody else may wait for it
            else:
                future.cancel()
            raise
        return future.result()

    def _forget(self) -> None:
        old = monotonic_s() - KEPT_S
        while self._done:
            began_s, future = next(iter(self._done.values()))
            if not future.done() or (began_s > old and len(self._done) < KEPT_MAX):
                return
            self._done.popitem(last=False)
