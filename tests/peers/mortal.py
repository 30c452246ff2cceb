"""A real server that a test may kill, start again on the same port, stop and let go on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

Birth = Callable[[], AbstractContextManager[subprocess.Popen[bytes]]]


class Mortal:
    """Begins each of its lives with ``birth``, which yields the process once it listens."""

    def __init__(self, birth: Birth) -> None:
        self._birth = birth
        self._life = ExitStack()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._child is not None

    def start(self) -> None:
        self._child = self._life.enter_context(self._birth())

    def kill(self) -> None:
        """As a power cut would: no goodbye to anybody."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
            self._life.close()

    def freeze(self) -> None:
        """The process stops, its connections stay open: a server that hangs."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGCONT)
