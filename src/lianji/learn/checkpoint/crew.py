"""A few threads that work one list off together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def each(work: Callable[[T], None], items: Iterable[T], threads: int) -> None:
    """Do ``work`` for every item, in ``threads`` threads of which the caller is one.

    The first error ends it and is raised; what others have begun is finished first.
    """
    crew = _Crew(work, iter(items))
    others = [threading.Thread(target=crew.go, daemon=True) for _ in range(threads - 1)]
    started = []
    for one in others:
        try:
            one.start()
        except RuntimeError:
            break  # the interpreter is ending: the caller does it alone
        started.append(one)
    crew.go()
    for one in started:
        one.join()
    if crew.error is not None:
        raise crew.error


class _Crew(Generic[T]):
    def __init__(self, work: Callable[[T], None], items: Iterator[T]) -> None:
        self._work = work
        self._items = items
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def go(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._work(item)
            except BaseException as error:
                with self._lock:
                    self.error = self.error or error
                return

    def _next(self) -> T | None:
        with self._lock:
            return None if self.error is not None else next(self._items, None)
