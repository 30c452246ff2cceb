"""A plant without a page that lives many lives, each ended by kill -9 (a program of its own).

    python -m tests.faults.lives PLANT LEDGER [LIFE]

With LIFE it lives that one life and says nothing. Else it reads lines ``life NUMBER MODE
MILLISECONDS`` and answers each with ``killed`` or ``ended CODE`` when that life is over.

What costs time, the imports, is done once; each life is a fork that opens the plant's folder as
``lianji run`` does and pushes numbered samples from several writers, while its upkeep merges, rolls
up, moves and vacuums without a pause. MODE says from when the
milliseconds count: ``opening`` from the fork, ``working`` from the first acknowledgements,
``closing`` from a SIGTERM after half a dozen of them; ``whole`` lets the life end by itself after
a SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import uvloop

from lianji.base.errors import Busy, StorageError
from lianji.history.compaction import plan, worker
from lianji.history.compaction.jobs import Job, Runner
from lianji.history.compaction.work import Outcome
from lianji.history.delta import log
from lianji.history.upkeep import upkeep, vacuum
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from tests.faults.ledger import START_US, Ledger, LedgerWriter, Sending

WRITERS = 3
ROWS_MAX = 400
CHECKPOINT_EVERY = 5
"""Far more often than in life, so that kills meet checkpoints too."""


def keep_up_often(seed: int) -> None:
    """Merge, roll up, move and vacuum all the time and in this process, so that faults meet all of
    it. The samples are of a day long past: each file is merged at once, or waits for two more."""
    seeded = random.Random(seed)
    log.CHECKPOINT_EVERY = CHECKPOINT_EVERY
    plan.FAN = 3
    plan._patience_us = lambda *_: seeded.choice((0, 60_000_000))
    upkeep.HOURS_FILES_MAX = 2
    upkeep.PAUSE_S, upkeep.VACUUM_EVERY_S = 0.01, 0.2
    vacuum.KEPT_MS_MIN = 0
    Runner.run = _run_here  # type: ignore[method-assign,assignment]


def _run_here(runner: Runner, job: Job) -> Outcome | None:
    return None if runner._stopped.is_set() else worker._done(json.loads(runner._told(job)))


async def push(plant: Plant, sending: Sending, ledger: LedgerWriter) -> bool:
    """Send as the page does; True if it was acknowledged."""
    ledger.sent(sending)
    numbers = sending.numbers
    index = np.zeros(sending.count, np.int32)
    times_us, values = START_US + numbers, numbers.astype(np.float64)
    try:
        await plant.append([sending.tag], index, times_us, values, None, None, "test")
    except (Busy, StorageError):
        return False
    ledger.acknowledged(sending)
    return True


async def write(plant: Plant, writer: int, life: int, ledger: LedgerWriter) -> None:
    seeded = random.Random(1000 * life + writer)
    number = life * 10_000_000
    while True:
        sending = Sending(writer, number, seeded.randint(1, ROWS_MAX))
        number += sending.count
        await push(plant, sending, ledger)


async def work(plant: Plant, life: int, ledger_path: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    ledger = LedgerWriter(ledger_path)
    tasks = [asyncio.create_task(plant.run())]
    for sending in Ledger.read(ledger_path).unanswered[-5:]:
        await push(plant, sending, ledger)
    tasks += [asyncio.create_task(write(plant, n, life, ledger)) for n in range(WRITERS)]
    tasks.append(asyncio.create_task(ended.wait()))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def live(folder: Path, life: int, ledger: Path) -> None:
    """One life from opening to SIGTERM."""
    keep_up_often(life)
    plant = Plant(PlantFolder(folder))
    plant.history.upkeep._removed_kept_ms = 0
    try:
        uvloop.run(work(plant, life, ledger))
    finally:
        plant.close()


def _live_and_exit(folder: Path, life: int, ledger: Path) -> NoReturn:
    code = 1
    try:
        live(folder, life, ledger)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _wait(child: int, milliseconds: float, early: Callable[[], bool]) -> None:
    """Wait so long, or until it is early enough; the random moment is what is being tested."""
    deadline_s = time.monotonic() + milliseconds / 1000
    while time.monotonic() < deadline_s and not early():
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.001)


def let_live(folder: Path, ledger: Path, life: int, mode: str, milliseconds: float) -> str:
    before = _size(ledger)
    child = os.fork()
    if child == 0:
        _live_and_exit(folder, life, ledger)
    if mode in ("working", "closing", "whole"):
        rows = 12 if mode == "closing" else 4
        _wait(child, 60_000, lambda: _size(ledger) >= before + rows * 16)
    if mode in ("closing", "whole"):
        os.kill(child, signal.SIGTERM)
    if mode != "whole":
        _wait(child, milliseconds, lambda: False)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return f"ended {os.WEXITSTATUS(status)}"
    return "killed"


def main() -> None:
    folder, ledger = Path(sys.argv[1]), Path(sys.argv[2])
    if len(sys.argv) > 3:
        live(folder, int(sys.argv[3]), ledger)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        _, life, mode, milliseconds = line.split()
        print(let_live(folder, ledger, int(life), mode, float(milliseconds)), flush=True)


if __name__ == "__main__":
    main()
