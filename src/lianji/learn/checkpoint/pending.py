"""A save that is under way, and the marks that it has reached."""

from __future__ import annotations

import threading
from typing import Literal, get_args

from lianji.base.errors import LianjiError
from lianji.learn.checkpoint import faults

Mark = Literal["memory", "flash", "store"]
"""In memory: the state may change. On flash: it survives a power cut. In the object store: it
survives the machine."""
MARKS: tuple[Mark, ...] = get_args(Mark)


class Pending:
    """What ``save`` gives back. Nobody need wait: a failure is told by the next save too."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.name: str | None = None
        """Of its folder, as soon as it has one."""
        self._reached: set[Mark] = set()
        self._failed: dict[Mark, LianjiError] = {}
        self._changed = threading.Condition()
        self.told = False
        """Whether somebody has been shown its failure."""
        self.is_over = False
        """Whether nothing more will come of it."""

    def reached(self, mark: Mark) -> bool:
        return mark in self._reached

    def wait(self, mark: Mark = "flash", timeout_s: float | None = None) -> bool:
        """Wait until it has that mark; False if the time was up before.

        Raises the LianjiError that keeps it from ever having it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_decided(mark), timeout_s)
            if mark in self._reached:
                return True
            if mark in self._failed:
                self.told = True
                raise self._failed[mark]
            if self.is_over:
                raise faults.bad_argument(f"no {mark} was given", f"未配置 {mark}")
            return False

    def settled(self, mark: Mark) -> None:
        """Wait until it has that mark or never will."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_decided(mark))

    @property
    def error(self) -> LianjiError | None:
        return next(iter(self._failed.values()), None)

    def _is_decided(self, mark: Mark) -> bool:
        return mark in self._reached or mark in self._failed or self.is_over

    def reach(self, mark: Mark) -> None:
        with self._changed:
            self._reached.add(mark)
            self._changed.notify_all()

    def reach_last(self) -> None:
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def fail(self, error: LianjiError, silently: bool = False) -> None:
        """Every mark that it has not reached, it will not. Silently: only who waits is told."""
        with self._changed:
            for mark in MARKS:
                if mark not in self._reached:
                    self._failed[mark] = error
            self.told = silently
            self.is_over = True
            self._changed.notify_all()
