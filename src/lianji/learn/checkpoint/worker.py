"""One thread for what may not hold the training up."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable


class Worker:
    """One thread that does jobs in order; what was given before the interpreter ends is done."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] | None = None

    def do(self, job: Callable[[], None]) -> None:
        self.start()
        self._jobs.put(job)

    def start(self) -> None:
        """Of several that hand each other work, start the last first: when the interpreter ends,
        they are waited for the other way round."""
        if self._thread is None:
            self._thread = threading.Thread(target=_work, args=(self._jobs,), daemon=True)
            self._thread.start()
            self._end = weakref.finalize(self, _finish, self._jobs, self._thread)

    def end(self) -> None:
        if self._end is not None:
            self._end()
            self._thread = self._end = None


def _work(jobs: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # it holds its owner, who could never go otherwise


def _finish(jobs: queue.SimpleQueue[Callable[[], None] | None], thread: threading.Thread) -> None:
    jobs.put(None)
    if thread is not threading.current_thread():
        thread.join()
