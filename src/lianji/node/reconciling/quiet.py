"""Work that may take its time: in one thread that gives way to all others."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

NICENESS = 10


def quiet_thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, name, initializer=_give_way)


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
