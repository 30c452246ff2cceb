"""An edge or a hub that lives many lives, each ended by kill -9 (a program of its own).

    python -m tests.faults.relay.lives ROLE PLANT LEDGER

It reads lines: ``life NUMBER MODE MILLISECONDS`` as ``tests.faults.lives`` does, ``start NUMBER``,
answered with the process id of a life that goes on, and ``reap ID`` when that was killed. An edge
pushes numbered samples from several writers and relays them; a hub opens its door as ``lianji run``
does, and merges and rolls up meanwhile in every second life.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import uvloop

from lianji.base.errors import LianjiError
from lianji.node.edge import _open_door
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.relay import uplink
from tests.faults.ledger import LedgerWriter, Sending
from tests.faults.lives import _size, _wait, keep_up_often
from tests.faults.relay.world import batch_of

WRITERS = 3
ROWS_MAX = 60
PAUSE_S = 0.004


def hurry() -> None:
    """Lives are short: what is tried again after seconds is tried at once."""
    uplink.RETRIES_S = (0.05, 0.1)
    uplink.SPLIT_S = 0.2
    uplink.COMMIT_S = 0.1


async def write(plant: Plant, writer: int, life: int, ledger: LedgerWriter) -> None:
    seeded = random.Random(1000 * life + writer)
    number = life * 10_000_000
    while True:
        sending = Sending(writer, number, seeded.randint(1, ROWS_MAX))
        number += sending.count
        ledger.sent(sending)
        origin = seeded.choice(("device/press", "device/oven", "test"))
        try:
            await plant.spool.append(batch_of(plant, sending, origin))
            ledger.acknowledged(sending)
        except LianjiError:
            continue
        await asyncio.sleep(PAUSE_S)


async def work(plant: Plant, role: str, life: int, path: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    ledger = LedgerWriter(path)
    hub, door = _open_door(plant)
    tasks = [asyncio.create_task(plant.run()), asyncio.create_task(ended.wait())]
    if role == "edge":
        tasks += [asyncio.create_task(write(plant, n, life, ledger)) for n in range(WRITERS)]
    await asyncio.wait([*tasks, *([door] if door else [])], return_when=asyncio.FIRST_COMPLETED)
    if hub is not None and door is not None:
        hub.stop()
        await door
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def live(role: str, folder: Path, life: int, ledger: Path) -> None:
    hurry()
    if role == "hub" and life % 2:
        keep_up_often(life)
    plant = Plant(PlantFolder(folder))
    try:
        uvloop.run(work(plant, role, life, ledger))
    finally:
        plant.close()


def _live_and_exit(role: str, folder: Path, life: int, ledger: Path) -> NoReturn:
    code = 1
    try:
        live(role, folder, life, ledger)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _done(role: str, folder: Path, ledger: Path) -> int:
    """Grows with what an edge acknowledged, or a hub has received."""
    if role == "edge":
        return _size(ledger) // 16
    return sum(_size(segment) for segment in (folder / "data" / "spool").glob("*.segment")) // 200


class Program:
    def __init__(self, role: str, folder: Path, ledger: Path) -> None:
        self._role, self._folder, self._ledger = role, folder, ledger

    def start(self, life: int) -> int:
        child = os.fork()
        if child == 0:
            _live_and_exit(self._role, self._folder, life, self._ledger)
        return child

    def live(self, life: int, mode: str, milliseconds: float) -> str:
        before = _done(self._role, self._folder, self._ledger)
        child = self.start(life)
        if mode in ("working", "closing"):
            wanted = before + 8
            _wait(child, 3_000, lambda: _done(self._role, self._folder, self._ledger) >= wanted)
        if mode == "closing":
            os.kill(child, signal.SIGTERM)
        _wait(child, milliseconds, lambda: False)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return f"ended {os.WEXITSTATUS(status)}"
        return "killed"


def main() -> None:
    program = Program(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print("ready", flush=True)
    for line in sys.stdin:
        what, number, *more = line.split()
        if what == "life":
            print(program.live(int(number), more[0], float(more[1])), flush=True)
        elif what == "start":
            print(program.start(int(number)), flush=True)
        else:
            os.waitpid(int(number), 0)
            print("reaped", flush=True)


if __name__ == "__main__":
    main()
